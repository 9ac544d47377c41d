//! Writes 1 GiB in 50,000 files as EROFS, in turns with `mkfs.erofs` at the same compression: times, sizes, memory.
//!
//! `just bench-erofs` runs it; XSC_BENCH_FILES and XSC_BENCH_DIR make it smaller or put it elsewhere. Invariant: both
//! read the same files from disk, and each pair is of one run.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use xsc_image::erofs::{self, ErofsCompression, ErofsSpec};
use xsc_image::{BlobSource, Entry, ImagePath, Kind, Manifest};
use xsc_model::{BlobId, Digest};

/// Files of a directory by their ids.
struct OnDisk(BTreeMap<BlobId, PathBuf>);

impl BlobSource for OnDisk {
    fn open(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(&self.0[&id])?))
    }
}

/// A tree with sizes as a system has them: most files are small, most bytes are in large ones.
fn make(top: &Path, files: u64) -> (Manifest, OnDisk) {
    let (mut manifest, mut blobs) = (Manifest::new(), OnDisk(BTreeMap::new()));
    let mut state = 1u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state >> 33
    };
    for number in 0..files {
        let directory = format!("/d{:03}", number / 200);
        if number % 200 == 0 {
            fs::create_dir_all(top.join(&directory[1..])).unwrap();
            let path = ImagePath::new(directory.as_str()).unwrap();
            manifest.insert(path, Entry::new(Kind::Directory)).unwrap();
        }
        let size = match number % 100 {
            0 => 1_200_000,
            1..=9 => 60_000,
            10..=39 => 9_000,
            _ => 1_500,
        };
        let size = (size + random() % size) as usize * 10 / 15;
        let mut bytes = Vec::with_capacity(size + 16);
        while bytes.len() < size {
            // Words that come again, and numbers that do not.
            let word = random();
            match word % 3 {
                0 => write!(bytes, "{:x}", word.wrapping_mul(word)).unwrap(),
                _ => write!(bytes, " word{} ", word % 500).unwrap(),
            }
        }
        bytes.truncate(size);
        let path = format!("{directory}/f{number}");
        fs::write(top.join(&path[1..]), &bytes).unwrap();
        let blob = BlobId(Digest::of(&bytes));
        let size = bytes.len() as u64;
        let kind = Kind::File { blob, size };
        manifest
            .insert(ImagePath::new(path.as_str()).unwrap(), Entry::new(kind))
            .unwrap();
        blobs.0.insert(blob, top.join(&path[1..]));
    }
    (manifest, blobs)
}

fn main() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let files = number("XSC_BENCH_FILES").unwrap_or(50_000);
    let dir = match std::env::var_os("XSC_BENCH_DIR") {
        Some(dir) => tempfile::tempdir_in(dir).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let top = dir.path().join("tree");
    let (manifest, blobs) = make(&top, files);
    for (name, compression, flag) in [
        ("plain", ErofsCompression::None, None),
        ("lz4", ErofsCompression::Lz4, Some("-zlz4")),
    ] {
        for threads in [1, 2] {
            let image = dir.path().join("ours");
            let spec = ErofsSpec {
                files: &manifest,
                label: "",
                compression,
                threads,
                seed: Digest::of(b"bench"),
                epoch: 0,
            };
            let began = Instant::now();
            let mut out = io::BufWriter::with_capacity(1 << 20, File::create(&image).unwrap());
            let size = erofs::write(&spec, &blobs, &mut out).unwrap();
            drop(out);
            let ours = began.elapsed();
            let image = dir.path().join("theirs");
            let mut mkfs = Command::new("mkfs.erofs");
            mkfs.arg("--quiet").args(flag).arg(&image).arg(&top);
            let began = Instant::now();
            if !mkfs.status().is_ok_and(|status| status.success()) {
                println!("skipped: mkfs.erofs cannot be run here");
                return;
            }
            let theirs = began.elapsed();
            let their_size = fs::metadata(&image).unwrap().len();
            println!(
                "{name}, {threads} threads: {:.2} s, {} MiB; mkfs.erofs {:.2} s, {} MiB; ratio {:.2}",
                ours.as_secs_f64(),
                size >> 20,
                theirs.as_secs_f64(),
                their_size >> 20,
                ours.as_secs_f64() / theirs.as_secs_f64()
            );
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
    println!("{}", peak.unwrap_or("VmHWM: unknown"));
}
