//! Fuzzes the readers: images that are valid but for some bytes are opened, listed and read.
//!
//! A reader may fail; it may not panic, hang, or take memory out of proportion to the image. `XSC_FUZZ_EXECUTIONS` says
//! how many, `XSC_FUZZ_SEED` and `XSC_FUZZ_AT` repeat one (`just fuzz-images`). Invariant: an execution follows from
//! the seed and its number alone.

mod support;

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use peak_alloc::PeakAlloc;
use support::rich::images;
use support::tool;
use xsc_image::read;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What an execution may take for each byte of its image, and at least: decoders have windows of their own.
const PROPORTION: usize = 8;
const LEAST: usize = 8 << 20;
/// Bytes of each file that are read.
const MOST_READ: u64 = 256 * 1024;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// An image and the places of it that say something: contents are mostly skipped.
struct Seed {
    name: String,
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Seed {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        // Blocks that are not zero, those of text left out: what is left is mostly tables.
        let mut places = Vec::new();
        for (index, block) in bytes.chunks(64).enumerate() {
            let textual = block
                .iter()
                .filter(|b| b.is_ascii_graphic() || **b == b' ' || **b == b'\n');
            let is_content = textual.count() == block.len();
            if block.iter().any(|byte| *byte != 0) && (!is_content || index % 16 == 0) {
                places.push(index * 64);
            }
        }
        Seed {
            name: name.to_owned(),
            bytes,
            places,
        }
    }
}

fn seeds() -> Vec<Seed> {
    let mut seeds: Vec<Seed> = Vec::new();
    for (format, _, bytes) in images() {
        seeds.push(Seed::new(format, bytes));
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir_all(at("tree/sub")).unwrap();
    std::fs::write(at("tree/sub/text"), support::rich::text(30_000)).unwrap();
    for index in 0..100 {
        std::fs::write(at(&format!("tree/sub/{index}")), b"small").unwrap();
    }
    std::os::unix::fs::symlink("sub/text".repeat(10), at("tree/link")).unwrap();
    let tree = at("tree");
    let arguments = [
        "-q",
        "-t",
        "ext4",
        "-b",
        "1024",
        "-N",
        "256",
        "-J",
        "size=1",
        "-d",
        &tree,
        &at("ext4"),
        "3M",
    ];
    if tool("mke2fs", &arguments).is_some() {
        seeds.push(Seed::new("ext4", std::fs::read(at("ext4")).unwrap()));
    }
    seeds
}

/// One image of the seeds with something changed.
fn mutated(seeds: &[Seed], random: &mut Random) -> (usize, Vec<u8>) {
    let index = random.below(seeds.len());
    let seed = &seeds[index];
    let mut bytes = seed.bytes.clone();
    for _ in 0..=random.below(6) {
        let place = seed.places[random.below(seed.places.len())] + random.below(64);
        if place >= bytes.len() {
            continue;
        }
        match random.below(8) {
            0 => bytes[place] = random.next() as u8,
            1 => bytes[place] ^= 1 << random.below(8),
            2 => bytes[place] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            3 | 4 => {
                let width = [2, 4, 8][random.below(3)];
                let values = [
                    0,
                    1,
                    u64::MAX,
                    u64::MAX >> 1,
                    1 << 31,
                    0xffff,
                    bytes.len() as u64,
                ];
                let value = values[random.below(values.len())].to_le_bytes();
                let end = (place + width).min(bytes.len());
                bytes[place..end].copy_from_slice(&value[..end - place]);
            }
            5 => {
                // A number that is a little off.
                let by = random.below(9) as u8;
                bytes[place] = bytes[place].wrapping_add(by).wrapping_sub(4);
            }
            6 => {
                let from = seed.places[random.below(seed.places.len())];
                let length = random.below(64).min(bytes.len() - from.max(place));
                bytes.copy_within(from..from + length, place);
            }
            _ => {
                if random.below(8) == 0 {
                    let end = random.below(bytes.len());
                    bytes.truncate(end);
                    break;
                }
            }
        }
    }
    (index, bytes)
}

/// Opens, lists and reads; returns whether it was an image at all.
fn execute(bytes: Vec<u8>) -> bool {
    let Ok(reader) = read::open(Arc::new(bytes), &[]) else {
        return false;
    };
    // Small files first: each is another inode.
    for (path, node) in reader.entries().iter().take(400) {
        if let Ok(content) = reader.content(path) {
            let mut part = content.reader().take(MOST_READ.min(node.size));
            let _ = std::io::copy(&mut part, &mut std::io::sink());
        }
    }
    true
}

#[test]
fn readers_bear_any_bytes() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seed = number("XSC_FUZZ_SEED").unwrap_or(1);
    let (first, end) = match number("XSC_FUZZ_AT") {
        Some(at) => (at, at + 1),
        None => (0, number("XSC_FUZZ_EXECUTIONS").unwrap_or(500)),
    };
    let seeds = seeds();
    let (mut opened, mut peak) = (0u64, 0);
    for execution in first..end {
        let mut random = Random(seed ^ execution.wrapping_mul(0xd134_2543_de82_ef95));
        let (index, bytes) = mutated(&seeds, &mut random);
        let name = &seeds[index].name;
        let bound = (bytes.len() * PROPORTION).max(LEAST);
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let ran = catch_unwind(AssertUnwindSafe(|| execute(bytes)));
        let used = MEMORY.peak_usage().saturating_sub(before);
        let again = format!("XSC_FUZZ_SEED={seed} XSC_FUZZ_AT={execution}, {name}");
        match ran {
            Ok(was) => opened += u64::from(was),
            Err(_) => panic!("a reader panicked: {again}"),
        }
        assert!(
            used <= bound,
            "{used} bytes were taken where {bound} are the most: {again}"
        );
        peak = peak.max(used);
    }
    println!(
        "{} executions, {opened} images opened, {} KiB at most",
        end - first,
        peak >> 10
    );
}
