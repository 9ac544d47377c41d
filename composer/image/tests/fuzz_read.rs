//! Fuzzes the readers: images that are valid but for some bytes are opened, listed and read.
//!
//! A reader may fail; it may not panic, hang, or take memory out of proportion to the image. `XSC_FUZZ_EXECUTIONS` says
//! how many, `XSC_FUZZ_SEED` and `XSC_FUZZ_AT` repeat one (`just fuzz-images`). Invariant: an execution follows from
//! the seed and its number alone, where the same programs are installed that make seeds.

mod support;

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use peak_alloc::PeakAlloc;
use support::patched::{Patched, Random};
use support::seeds::seeds;
use xsc_image::read;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What an execution may take for each byte of its image, and beside it: a decoder's window, or what LZ4 may make of one
/// piece of EROFS.
const PROPORTION: usize = 8;
const BESIDE: usize = 13 << 20;
/// Bytes of each file that are read.
const MOST_READ: u64 = 192 * 1024;

/// Opens, lists and reads; returns whether it was an image at all.
fn execute(image: Patched, inward: &[&str]) -> bool {
    let Ok(reader) = read::open(Arc::new(image), inward) else {
        return false;
    };
    for (path, node) in reader.entries().iter().take(100) {
        if let Ok(content) = reader.content(path) {
            let mut part = content.reader().take(MOST_READ.min(node.size));
            let _ = std::io::copy(&mut part, &mut std::io::sink());
        }
    }
    true
}

#[derive(Default)]
struct Tally {
    executions: u64,
    opened: u64,
    /// The most memory, in bytes.
    peak: usize,
    /// Microseconds, all and the longest.
    time: u128,
    longest: u128,
}

#[test]
fn readers_bear_any_bytes() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let start = number("XSC_FUZZ_SEED").unwrap_or(1);
    let (first, end) = match number("XSC_FUZZ_AT") {
        Some(at) => (at, at + 1),
        None => (0, number("XSC_FUZZ_EXECUTIONS").unwrap_or(2000)),
    };
    let seeds = seeds();
    for seed in &seeds {
        let opened = execute(seed.unchanged(), seed.inward);
        assert!(opened, "{} cannot be read as it is", seed.name);
    }
    let mut tallies: Vec<Tally> = seeds.iter().map(|_| Tally::default()).collect();
    for execution in first..end {
        let mut random = Random(start ^ execution.wrapping_mul(0xd134_2543_de82_ef95));
        let index = random.below(seeds.len());
        let (seed, tally) = (&seeds[index], &mut tallies[index]);
        let image = seed.mutated(&mut random);
        let bound = image.len() * PROPORTION + BESIDE;
        MEMORY.reset_peak_usage();
        let (before, began) = (MEMORY.current_usage(), Instant::now());
        let ran = catch_unwind(AssertUnwindSafe(|| execute(image, seed.inward)));
        let used = MEMORY.peak_usage().saturating_sub(before);
        let again = || {
            format!(
                "XSC_FUZZ_SEED={start} XSC_FUZZ_AT={execution}, {}",
                seed.name
            )
        };
        match ran {
            Ok(was) => tally.opened += u64::from(was),
            Err(_) => panic!("a reader panicked: {}", again()),
        }
        assert!(
            used <= bound,
            "{used} bytes were taken where {bound} are the most: {}",
            again()
        );
        let time = began.elapsed().as_micros();
        if time > 2_000_000 {
            println!("{time} µs: {}", again());
        }
        tally.executions += 1;
        tally.peak = tally.peak.max(used);
        tally.time += time;
        tally.longest = tally.longest.max(time);
    }
    println!(
        "{:36} {:>10} {:>8} {:>9} {:>8} {:>10}",
        "", "executions", "opened", "most KiB", "mean µs", "longest µs"
    );
    for (seed, tally) in seeds.iter().zip(&tallies) {
        println!(
            "{:36} {:>10} {:>8} {:>9} {:>8} {:>10}",
            seed.name,
            tally.executions,
            tally.opened,
            tally.peak >> 10,
            tally.time / u128::from(tally.executions.max(1)),
            tally.longest
        );
    }
    let opened: u64 = tallies.iter().map(|tally| tally.opened).sum();
    println!(
        "{} executions, {opened} images opened, no panic, memory within bounds",
        end - first
    );
}
