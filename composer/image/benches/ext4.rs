//! The ext4 writer and `mke2fs -d` in turns, on one tree of 1 GiB in 50,000 files.
//!
//! `just bench-image` runs it and prints the medians and their ratio. Both read the same files
//! from the page cache and write beside them; XSC_BENCH_FILES changes how many files there are.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use xsc_image::ext4::{self, Ext4Spec};
use xsc_image::{BlobSource, Entry, ImagePath, Kind, Manifest};
use xsc_model::{BlobId, Digest};

/// Files of a directory, by the digests of their names.
struct Files(BTreeMap<BlobId, PathBuf>);

impl BlobSource for Files {
    fn open(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(&self.0[&id])?))
    }
}

const BYTES: u64 = 1 << 30;
const RUNS: usize = 3;

fn main() {
    let count = std::env::var("XSC_BENCH_FILES").map_or(50_000, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    let mut files = Files(BTreeMap::new());
    let mut entries = Vec::new();
    let mut state = 1u64;
    let mut random = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        state >> 33
    };
    for number in 0..count {
        if number % 100 == 0 {
            let name = format!("/{}", number / 100);
            fs::create_dir_all(tree.join(&name[1..])).unwrap();
            let path = ImagePath::new(name).unwrap();
            entries.push((path, Entry::new(Kind::Directory)));
        }
        let name = format!("/{}/file-{number}", number / 100);
        // Between nothing and twice the mean.
        let size = random() % (2 * BYTES / count);
        let bytes: Vec<u8> = (0..size.div_ceil(8))
            .flat_map(|_| random().to_le_bytes())
            .collect();
        let place = tree.join(&name[1..]);
        fs::write(&place, &bytes[..size as usize]).unwrap();
        let blob = BlobId(Digest::of(name.as_bytes()));
        files.0.insert(blob, place);
        let path = ImagePath::new(name).unwrap();
        entries.push((path, Entry::new(Kind::File { blob, size })));
    }
    let manifest = Manifest::from_entries(entries).unwrap();
    let image = dir.path().join("image");
    let mut ours = Vec::new();
    let mut single = Vec::new();
    let mut theirs = Vec::new();
    let mut size = 0;
    for _ in 0..RUNS {
        for (threads, times) in [(2, &mut ours), (1, &mut single)] {
            let _ = fs::remove_file(&image);
            let spec = Ext4Spec {
                label: "bench",
                files: &manifest,
                size: None,
                free: 64 << 20,
                seed: Digest::of(b"bench"),
                epoch: 1_735_689_600,
                threads,
            };
            let begin = Instant::now();
            let out = File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&image)
                .unwrap();
            size = ext4::write(&spec, &files, &out, 0).unwrap();
            times.push(begin.elapsed());
        }
        let _ = fs::remove_file(&image);
        let begin = Instant::now();
        let made = Command::new("mke2fs")
            .args(["-q", "-t", "ext4", "-b", "4096", "-d"])
            .args([&tree, &image])
            .arg(format!("{}k", size / 1024))
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .status();
        match made {
            Ok(status) if status.success() => theirs.push(begin.elapsed()),
            other => {
                println!("skipped: mke2fs cannot be run here: {other:?}");
                break;
            }
        }
    }
    let say = |what: &str, times: &mut Vec<Duration>| {
        times.sort();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        println!("{what:24} {:>8.2} s", median.as_secs_f64());
        median.as_secs_f64()
    };
    println!(
        "{count} files, an image of {} MiB, medians of {RUNS}",
        size >> 20
    );
    let one = say("ours, 1 thread", &mut single);
    let two = say("ours, 2 threads", &mut ours);
    let other = say("mke2fs -d", &mut theirs);
    if other > 0.0 {
        println!(
            "ratio to mke2fs -d: {:.2} and {:.2}",
            one / other,
            two / other
        );
    }
}
