//! Trap instructions: every executable byte is searched for the byte patterns of them, and every
//! pattern found is judged.
//!
//! The audit calls `scan`. The search is complete: a trap instruction contains its pattern, at
//! whatever alignment, in whatever section, whatever symbols say. The judgement is not, and can't be:
//! a program may jump into the middle of an instruction. So a pattern is an *instruction* when
//! anything reaches it by decoding: the start of a function by the unwinding tables or a symbol
//! with a size, a branch of such code, or a sweep over bytes that look like code around it. Otherwise
//! it is *data* (decoded, but among bytes that no compiler or programmer writes) or a mere *pattern*
//! inside other instructions; both are reported, at lower levels. Who wants to hide a trap can reach
//! those levels; the kernel's guard is what stops him, not this.
//!
//! Invariant: symbols, sections and unwinding tables add places to decode from; a wrong one can't
//! turn an instruction into data.

mod arm64;
mod regions;
mod x86;

use crate::elf::Elf;
use crate::report::{Finding, Level, Machine, Place, Rule};
use crate::symbols::{Symbols, functions};

pub(crate) use regions::{Region, regions};

/// What a pattern is judged to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Pattern,
    Data,
    Instruction,
}

/// A pattern, as its offset in a region.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    at: usize,
    instruction: &'static str,
}

/// What is known of a region besides its bytes.
struct Context<'e, 'a> {
    region: &'e Region<'a>,
    symbols: &'e Symbols<'a>,
    /// Functions by the unwinding tables, in addresses, sorted and disjoint.
    functions: &'e [(u64, u64)],
}

impl Context<'_, '_> {
    /// The function that an address is in, by the unwinding tables.
    fn function(&self, address: u64) -> Option<(u64, u64)> {
        let after = self.functions.partition_point(|(from, _)| *from <= address);
        let found = *self.functions[..after].last()?;
        (address < found.1).then_some(found)
    }

    /// Functions by symbols with a size that cover an address, the closest few.
    fn sized_symbols(&self, address: u64) -> impl Iterator<Item = u64> + '_ {
        let symbols = self.symbols.of(self.region.section);
        let after = symbols.partition_point(|s| s.address <= address);
        symbols[..after]
            .iter()
            .rev()
            .take(16)
            .filter(move |s| s.is_function && address - s.address < s.size)
            .map(|s| s.address)
    }

    /// Every known start between two addresses, both included, and the closest ones before.
    fn starts(&self, from: u64, to: u64) -> Vec<u64> {
        let symbols = self.symbols.of(self.region.section);
        let mut starts: Vec<u64> = Vec::new();
        let end = symbols.partition_point(|s| s.address <= to);
        let begin = symbols.partition_point(|s| s.address < from);
        starts.extend(
            symbols[begin.saturating_sub(1)..end]
                .iter()
                .map(|s| s.address),
        );
        let end = self.functions.partition_point(|f| f.0 <= to);
        let begin = self.functions.partition_point(|f| f.0 < from);
        for (start, stop) in &self.functions[begin.saturating_sub(1)..end] {
            starts.push(*start);
            if *stop <= to {
                starts.push(*stop);
            }
        }
        starts.dedup();
        starts
    }
}

/// All findings about trap instructions, and how many bytes were searched.
pub(crate) fn scan(elf: &Elf<'_>, allowed: bool) -> (Vec<Finding>, u64) {
    let regions = regions(elf);
    let searched = regions.iter().map(|r| r.bytes.len() as u64).sum();
    let mut found: Vec<(Verdict, &'static str, Place)> = Vec::new();
    let mut known = None;
    for (index, region) in regions.iter().enumerate() {
        let mut candidates = match elf.machine {
            Machine::X86_64 => x86::candidates(region.bytes),
            Machine::Aarch64 => arm64::candidates(region),
        };
        // A pattern across two segments that lie side by side in memory.
        let across = regions[index + 1..]
            .iter()
            .chain(&regions[..index])
            .find(|next| next.address == region.end() && region.section.is_none())
            .filter(|_| elf.machine == Machine::X86_64)
            .and_then(|next| x86::across(region.bytes, next.bytes));
        if candidates.is_empty() && across.is_none() {
            continue;
        }
        let (symbols, functions) =
            known.get_or_insert_with(|| (Symbols::read(elf), functions(elf)));
        let context = Context {
            region,
            symbols,
            functions,
        };
        let mut verdicts = match elf.machine {
            Machine::X86_64 => x86::judge(&context, &candidates),
            Machine::Aarch64 => arm64::judge(&context, &candidates),
        };
        if let Some(instruction) = across {
            let at = region.bytes.len() - 1;
            candidates.push(Candidate { at, instruction });
            verdicts.push(Verdict::Instruction);
        }
        for (candidate, verdict) in candidates.iter().zip(verdicts) {
            let address = region.address + candidate.at as u64;
            let length = match elf.machine {
                Machine::X86_64 => 2,
                Machine::Aarch64 => 4,
            };
            let end = region.bytes.len().min(candidate.at + length);
            let place = Place {
                offset: region.offset + candidate.at as u64,
                address,
                symbol: symbols.name(region.section, address),
                bytes: region.bytes[candidate.at..end].to_vec(),
            };
            found.push((verdict, candidate.instruction, place));
        }
    }
    found.sort_by_key(|(_, _, place)| place.offset);
    (findings(found, allowed), searched)
}

/// Instructions one by one; of the rest one finding a kind, which stands for all.
fn findings(found: Vec<(Verdict, &'static str, Place)>, allowed: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut others: [Option<Finding>; 2] = [None, None];
    for (verdict, instruction, place) in found {
        let (rule, level, message) = match verdict {
            Verdict::Instruction => {
                let level = if allowed { Level::Note } else { Level::Error };
                (Rule::TrapInstruction, level, format!("`{instruction}`"))
            }
            Verdict::Data => (
                Rule::TrapInData,
                Level::Warning,
                format!("the bytes of `{instruction}` in data among code"),
            ),
            Verdict::Pattern => (
                Rule::TrapPattern,
                Level::Note,
                format!("the bytes of `{instruction}` inside another instruction"),
            ),
        };
        let finding = Finding {
            rule,
            level,
            message,
            place: Some(place),
            count: 1,
        };
        if verdict == Verdict::Instruction {
            findings.push(finding);
            continue;
        }
        match &mut others[usize::from(verdict == Verdict::Pattern)] {
            Some(first) => first.count += 1,
            empty => *empty = Some(finding),
        }
    }
    findings.extend(others.into_iter().flatten());
    findings
}
