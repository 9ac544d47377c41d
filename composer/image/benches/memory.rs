//! Writes a root of 8 GiB as ext4, as EROFS and as a disk with hashes, and prints what the process took at most.
//!
//! `just bench-memory` runs it; XSC_BENCH_GIB changes the size, XSC_BENCH_DIR where the images lie meanwhile. Invariant:
//! contents are made as they are read, so what is counted is the writers' own.
#![allow(missing_docs)]

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Instant;

use xsc_image::disk::{self, Architecture, DiskSpec};
use xsc_image::erofs::{self, ErofsCompression, ErofsSpec};
use xsc_image::ext4::{self, Ext4Spec};
use xsc_image::{BlobSource, Entry, ImagePath, Kind, Manifest};
use xsc_model::{BlobId, Digest};

const FILES: u64 = 60_000;

/// Contents of half noise and half words, another for each file.
struct Generated(Vec<u8>);

impl BlobSource for Generated {
    fn open(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        let bytes = id.0.as_bytes();
        let at = |from: usize| u32::from_le_bytes([0, 1, 2, 3].map(|by| bytes[from + by]));
        let size = u64::from(at(0)) | u64::from(at(4)) << 32;
        Ok(Box::new(Stream {
            pool: &self.0,
            at: at(8) as usize % self.0.len(),
            left: size,
        }))
    }
}

/// A blob's id that says its size, for contents that nobody hashes.
fn id(size: u64, number: u64) -> BlobId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&size.to_le_bytes());
    bytes[8..16].copy_from_slice(&(number * 7919).to_le_bytes());
    BlobId(Digest::from_bytes(bytes))
}

struct Stream<'a> {
    pool: &'a [u8],
    at: usize,
    left: u64,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.pool[self.at..];
        let count = rest.len().min(buffer.len()).min(self.left as usize);
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at = (self.at + count) % self.pool.len();
        self.left -= count as u64;
        Ok(count)
    }
}

struct Discard(u64);

impl Write for Discard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Discard {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if let SeekFrom::Start(at) = to {
            self.0 = at;
        }
        Ok(self.0)
    }
}

/// The most memory since the last call, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0);
    // Five resets it, see proc(5).
    let _ = fs::write("/proc/self/clear_refs", "5");
    kib >> 10
}

fn main() {
    let gib: u64 = std::env::var("XSC_BENCH_GIB").map_or(8, |text| text.parse().unwrap());
    let dir = match std::env::var_os("XSC_BENCH_DIR") {
        Some(dir) => tempfile::tempdir_in(dir).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let mut state = 1u64;
    let mut pool = Vec::new();
    while pool.len() < 16 << 20 {
        state =
            (state.wrapping_mul(6_364_136_223_846_793_005)).wrapping_add(1_442_695_040_888_963_407);
        match pool.len() >> 15 & 1 {
            0 => pool.extend((state >> 8).to_le_bytes()),
            _ => pool.extend(format!("word{} ", state >> 58).into_bytes()),
        }
    }
    let blobs = Generated(pool);
    let mut entries = Vec::new();
    for number in 0..FILES {
        if number % 500 == 0 {
            let path = ImagePath::new(format!("/d{}", number / 500)).unwrap();
            entries.push((path, Entry::new(Kind::Directory)));
        }
        // A tenth of the files has nine tenths of the bytes.
        let mean = (gib << 30) / FILES;
        let size = match number % 10 {
            0 => mean * 9 + number % 4096,
            _ => mean / 9 + number % 512,
        };
        let path = ImagePath::new(format!("/d{}/f{number}", number / 500)).unwrap();
        let blob = id(size, number);
        entries.push((path, Entry::new(Kind::File { blob, size })));
    }
    let files = Manifest::from_entries(entries).unwrap();
    let seed = Digest::of(b"bench");
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let ext4 = Ext4Spec {
        label: "",
        files: &files,
        size: None,
        free: 0,
        seed,
        epoch: 0,
        threads,
    };
    println!(
        "{gib} GiB in {FILES} files, {threads} threads; the manifest and the pool of contents take {} MiB",
        peak()
    );
    let say = |name: &str, size: u64, began: Instant| {
        let (seconds, peak) = (began.elapsed().as_secs_f64(), peak());
        println!(
            "{name:24} {:>6} MiB {seconds:>7.1} s, at most {peak} MiB of memory",
            size >> 20
        );
        assert!(peak <= 512, "{name} took {peak} MiB");
    };
    for (name, compression) in [
        ("EROFS", ErofsCompression::None),
        ("EROFS, LZ4", ErofsCompression::Lz4),
    ] {
        let spec = ErofsSpec {
            files: &files,
            label: "",
            compression,
            threads,
            seed,
            epoch: 0,
        };
        let began = Instant::now();
        let size = erofs::write(&spec, &blobs, &mut Discard(0)).unwrap();
        say(name, size, began);
    }
    let create = || {
        let path = dir.path().join("image");
        let _ = fs::remove_file(&path);
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        options.open(path).unwrap()
    };
    let began = Instant::now();
    let size = ext4::write(&ext4, &blobs, &create(), 0).unwrap();
    say("ext4", size, began);
    let spec = DiskSpec {
        esp: &Manifest::new(),
        menu: None,
        bios: None,
        architecture: Architecture::X86_64,
        root: &|out, base| ext4::write(&ext4, &blobs, out, base).map_err(Into::into),
        read_only: false,
        verity: true,
        seed,
        epoch: 0,
        threads,
    };
    let began = Instant::now();
    let disk = disk::write(&spec, &blobs, &mut create()).unwrap();
    say("disk, ext4 with hashes", disk.size, began);
}
