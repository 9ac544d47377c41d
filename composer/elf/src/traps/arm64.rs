//! AArch64: `svc`.
//!
//! Instructions are aligned words, so one mask finds all: bits 31 to 21 are 11010100000, bits 4 to 0
//! are 00001, between them a number that Linux does not look at. `hvc` and `smc` differ in the last bits
//! and are undefined for programs (SIGILL), so they enter nothing. A decoder would add nothing to
//! that; what is left to judge is whether a word is code. Invariant: within a function it is.

use super::{Candidate, Context, Region, Verdict};

const MASK: u32 = 0xffe0_001f;
const SVC: u32 = 0xd400_0001;
/// Words looked at on each side of one that no function covers.
const AROUND: usize = 8;

pub(super) fn candidates(region: &Region<'_>) -> Vec<Candidate> {
    // Words are aligned by address, and a segment's address need not be.
    let skip = (4 - region.address % 4) as usize % 4;
    let bytes = region.bytes.get(skip..).unwrap_or(&[]);
    memchr::memchr_iter(0xd4, bytes)
        .filter(|at| at % 4 == 3 && word(bytes, at - 3) & MASK == SVC)
        .map(|at| Candidate {
            at: skip + at - 3,
            instruction: "svc",
        })
        .collect()
}

fn word(bytes: &[u8], at: usize) -> u32 {
    crate::elf::u32_at(bytes, at)
}

pub(super) fn judge(context: &Context<'_, '_>, candidates: &[Candidate]) -> Vec<Verdict> {
    candidates
        .iter()
        .map(|candidate| {
            let address = context.region.address + candidate.at as u64;
            let covered = context.function(address).is_some()
                || context.sized_symbols(address).next().is_some();
            if covered {
                return Verdict::Instruction;
            }
            match context.region.code(address) {
                Some(code) if looks_like_code(context.region, code, candidate.at) => {
                    Verdict::Instruction
                }
                _ => Verdict::Data,
            }
        })
        .collect()
}

/// Whether no word around `at` is one that the architecture leaves unallocated, up to where control
/// leaves on each side.
fn looks_like_code(region: &Region<'_>, code: (u64, u64), at: usize) -> bool {
    let begin = (code.0.saturating_sub(region.address) as usize).max(at % 4);
    let end = (code.1.saturating_sub(region.address) as usize).min(region.bytes.len());
    let before = (begin..at).rev().filter(|i| i % 4 == at % 4).take(AROUND);
    let after = (at + 4..end.saturating_sub(3)).step_by(4).take(AROUND);
    let sound = |words: &mut dyn Iterator<Item = usize>| {
        for i in words {
            let word = word(region.bytes, i);
            if leaves(word) {
                return true;
            }
            if unallocated(word) {
                return false;
            }
        }
        true
    };
    sound(&mut before.filter(|i| i + 4 <= end)) && sound(&mut after.into_iter())
}

/// The groups of the main encoding table that hold no instruction: reserved (with `udf`) and
/// unallocated.
fn unallocated(word: u32) -> bool {
    matches!(word >> 25 & 0xf, 0b0000 | 0b0001 | 0b0011)
}

/// `b`, `br`, `ret` and `brk`: what follows is not reached from here.
fn leaves(word: u32) -> bool {
    word & 0xfc00_0000 == 0x1400_0000
        || word & 0xff9f_f000 == 0xd61f_0000
        || word & 0xffe0_001f == 0xd420_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_takes_every_svc_and_no_relative() {
        for number in [0, 1, 0x123, 0xffff_u32] {
            assert_eq!((SVC | number << 5) & MASK, SVC);
        }
        // hvc #0, smc #0, brk #0, hlt #0, and svc's pattern with one bit changed.
        for other in [
            0xd400_0002_u32,
            0xd400_0003,
            0xd420_0000,
            0xd440_0000,
            0xd500_0001,
        ] {
            assert_ne!(other & MASK, SVC);
        }
    }
}
