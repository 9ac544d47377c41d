//! What writers keep in memory does not grow with the contents of files.
//!
//! Each format is written twice, the second time with four times the content, and the peaks of the heap are compared.
//! Invariant: one test alone in this program, because the allocator counts for all of it. `just bench-memory` writes 8 GiB.

mod support;

use std::io::{self, Seek, SeekFrom, Write};

use peak_alloc::PeakAlloc;
use support::hard::{Made, Room, tree};
use support::{EPOCH, ext4_spec, oci_spec, path};
use xsc_image::cpio::CpioSpec;
use xsc_image::disk::{self, DiskSpec};
use xsc_image::erofs::{ErofsCompression, ErofsSpec};
use xsc_image::iso::IsoSpec;
use xsc_image::{
    Compression, Entry, Manifest, cpio, disk::Architecture as Processor, erofs, ext4, iso, oci, tar,
};
use xsc_model::Digest;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A sink that keeps nothing.
#[derive(Default)]
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

type Writer = fn(&Manifest, &Made);

fn write_ext4(files: &Manifest, made: &Made) {
    let file = tempfile::tempfile().unwrap();
    ext4::write(&ext4_spec(files), made, &file, 0).unwrap();
}

fn write_disk(files: &Manifest, made: &Made) {
    let mut file = tempfile::tempfile().unwrap();
    let spec = DiskSpec {
        esp: &Manifest::new(),
        menu: None,
        bios: None,
        architecture: Processor::X86_64,
        root: &|out, base| ext4::write(&ext4_spec(files), made, out, base).map_err(Into::into),
        read_only: false,
        verity: true,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
        threads: 2,
    };
    disk::write(&spec, made, &mut file).unwrap();
}

fn write_erofs(files: &Manifest, made: &Made, compression: ErofsCompression) {
    let spec = ErofsSpec {
        files,
        label: "",
        compression,
        threads: 2,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    };
    erofs::write(&spec, made, &mut Discard::default()).unwrap();
}

fn write_iso(files: &Manifest, made: &Made) {
    let spec = IsoSpec {
        volume_id: "MEMORY",
        publisher: "",
        application: "",
        files,
        bios: None,
        efi: None,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    };
    iso::write(&spec, made, &mut Discard::default()).unwrap();
}

fn write_cpio(files: &Manifest, made: &Made) {
    let spec = CpioSpec {
        files,
        compression: Compression::Gzip,
        epoch: EPOCH,
    };
    cpio::write(&spec, made, &mut Discard::default()).unwrap();
}

fn write_oci(files: &Manifest, made: &Made) {
    let layout = tempfile::tempdir().unwrap();
    oci::write(&oci_spec(files), made, layout.path()).unwrap();
}

const WRITERS: &[(&str, Writer)] = &[
    ("ext4", write_ext4),
    ("disk with hashes", write_disk),
    ("EROFS", |files, made| {
        write_erofs(files, made, ErofsCompression::None);
    }),
    ("EROFS, LZ4", |files, made| {
        write_erofs(files, made, ErofsCompression::Lz4);
    }),
    ("ISO", write_iso),
    ("tar", |files, made| {
        tar::write(files, EPOCH, made, &mut Discard::default()).unwrap();
    }),
    ("cpio in gzip", write_cpio),
    ("OCI", write_oci),
];

#[test]
fn memory_does_not_grow_with_contents() {
    let room = Room {
        name: 200,
        unix: false,
        hard_links: false,
        xattrs: false,
        large: None,
    };
    let with = |count: usize| {
        let (mut files, mut made) = tree(300, room);
        for number in 0..count {
            let entry = Entry::new(made.add_noise(number as u64, 2 << 20));
            files
                .insert(path(&format!("/noise{number}")), entry)
                .unwrap();
        }
        (files, made)
    };
    // What 64 pieces of 128 KiB and their compressed forms take is there with little content too.
    let (few, many) = (with(10), with(40));
    for (name, write) in WRITERS {
        let peak = |(files, made): &(Manifest, Made)| {
            MEMORY.reset_peak_usage();
            let before = MEMORY.current_usage();
            write(files, made);
            MEMORY.peak_usage() - before
        };
        let (small, large) = (peak(&few), peak(&many));
        println!(
            "{name}: {} KiB for 20 MiB, {} KiB for 80 MiB",
            small >> 10,
            large >> 10
        );
        assert!(
            large < small + (1 << 20),
            "{name}: {small} bytes, then {large}"
        );
        assert!(large < 40 << 20, "{name}: {large} bytes");
    }
}
