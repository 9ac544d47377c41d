//! ISO images against `xorriso`, and OCI images against `umoci` and `tar | gzip`, in turns, on 1 GiB in 50,000 files.
//!
//! `just bench-image` runs it; XSC_BENCH_FILES and XSC_BENCH_DIR make it smaller or put it elsewhere, with XSC_BENCH_OURS
//! only ours run, for a profiler. All read the same files from the page cache; theirs compress at gzip's level 6, ours to
//! less than that, with as many threads as there are processors (umoci does so too, gzip has one). Invariant: what is
//! compared is of one run.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use support::{OnDisk, make};
use xsc_image::iso::{self, IsoSpec};
use xsc_image::oci::{self, Architecture, Layer, OciSpec};
use xsc_image::{Compression, Manifest};
use xsc_model::Digest;

const RUNS: usize = 3;

fn write_iso(files: &Manifest, blobs: &OnDisk, out: &Path) {
    let spec = IsoSpec {
        volume_id: "BENCH",
        publisher: "",
        application: "",
        files,
        bios: None,
        efi: None,
        seed: Digest::of(b"bench"),
        epoch: 1_735_689_600,
    };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(out).unwrap());
    iso::write(&spec, blobs, &mut out).unwrap();
}

fn write_oci(files: &Manifest, blobs: &OnDisk, out: &Path, threads: usize) {
    fs::create_dir(out).unwrap();
    let spec = OciSpec {
        layers: vec![Layer {
            files,
            created_by: "bench",
        }],
        entrypoint: &[],
        working_dir: "",
        user: "",
        architecture: Architecture::Amd64,
        command: &[],
        env: &BTreeMap::new(),
        labels: &BTreeMap::new(),
        reference: "latest",
        compression: Compression::Gzip,
        epoch: 1_735_689_600,
        threads,
    };
    oci::write(&spec, blobs, out).unwrap();
}

/// Runs programs in a shell; whether all of them ended well.
fn shell(script: &str) -> bool {
    let status = Command::new("sh").args(["-ec", script]).status();
    status.is_ok_and(|status| status.success())
}

fn size(path: &Path) -> u64 {
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| size(&entry.unwrap().path())).sum(),
        Err(_) => fs::metadata(path).map_or(0, |meta| meta.len()),
    }
}

/// One way to write the tree: whether it could.
type Way<'a> = (&'static str, Box<dyn Fn(&Path) -> bool + 'a>);

/// Times the ways in turns and prints medians; the first is ours.
fn compare(dir: &Path, ways: &[Way<'_>]) {
    let ways = match std::env::var_os("XSC_BENCH_OURS") {
        Some(_) => &ways[..1],
        None => ways,
    };
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); ways.len()];
    let mut sizes = vec![0; ways.len()];
    let out = dir.join("out");
    for _ in 0..RUNS {
        for (index, (_, write)) in ways.iter().enumerate() {
            let began = Instant::now();
            if write(&out) {
                times[index].push(began.elapsed().as_secs_f64());
                sizes[index] = size(&out);
            }
            let _ = fs::remove_dir_all(&out);
            let _ = fs::remove_file(&out);
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied()
    };
    let ours = median(&mut times[0]).expect("ours can be written");
    for (index, (name, _)) in ways.iter().enumerate() {
        match median(&mut times[index]) {
            None => println!("skipped: {name} cannot be run here"),
            Some(time) => println!(
                "{name:24} {time:>7.2} s {:>6} MiB   ours to it {:.2}",
                sizes[index] >> 20,
                ours / time
            ),
        }
    }
}

fn main() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let count = number("XSC_BENCH_FILES").unwrap_or(50_000);
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get());
    let dir = match std::env::var_os("XSC_BENCH_DIR") {
        Some(dir) => tempfile::tempdir_in(dir).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let tree = dir.path().join("tree");
    let (files, blobs) = make(&tree, count);
    let tree = tree.display();
    println!("{count} files, {threads} threads, medians of {RUNS}");
    compare(
        dir.path(),
        &[
            (
                "ISO, ours",
                Box::new(|out| {
                    write_iso(&files, &blobs, out);
                    true
                }),
            ),
            (
                "xorriso -as mkisofs -R -J",
                Box::new(|out| {
                    let out = out.display();
                    shell(&format!(
                        "xorriso -as mkisofs -quiet -R -J -joliet-long -o {out} {tree}"
                    ))
                }),
            ),
        ],
    );
    compare(
        dir.path(),
        &[
            (
                "OCI in gzip, ours",
                Box::new(|out| {
                    write_oci(&files, &blobs, out, threads);
                    true
                }),
            ),
            (
                "umoci insert",
                Box::new(|out| {
                    let out = out.display();
                    shell(&format!(
                        "umoci init --layout {out}; umoci new --image {out}:latest; \
                         umoci insert --image {out}:latest {tree} /"
                    ))
                }),
            ),
            (
                "tar | gzip -6",
                Box::new(|out| {
                    let out = out.display();
                    shell(&format!("tar -C {tree} -cf - . | gzip -6 >{out}"))
                }),
            ),
        ],
    );
}
