//! Writes 1 GiB in 50,000 files as EROFS, in turns with `mkfs.erofs` at the same compression: times, sizes, memory.
//!
//! `just bench-erofs` runs it; XSC_BENCH_FILES and XSC_BENCH_DIR make it smaller or put it elsewhere. Invariant: both
//! read the same files from disk, and each pair is of one run.
#![allow(missing_docs)]

mod support;

use std::fs::{self, File};
use std::io;
use std::process::Command;
use std::time::Instant;

use support::make;
use xsc_image::erofs::{self, ErofsCompression, ErofsSpec};
use xsc_model::Digest;

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
