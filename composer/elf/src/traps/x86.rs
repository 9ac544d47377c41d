//! x86_64: `syscall`, `sysenter`, `int 0x80`, in whatever mode they would be executed.
//!
//! Each has one encoding of two bytes, before which prefixes change nothing. Far jumps into 32-bit code
//! add no other. Invariant: a pattern that decoding from any trusted start reaches is an instruction.

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, Register};
use memchr::memmem;

use super::{Candidate, Context, Verdict};

const PATTERNS: [([u8; 2], &str); 3] = [
    ([0x0f, 0x05], "syscall"),
    ([0x0f, 0x34], "sysenter"),
    ([0xcd, 0x80], "int 0x80"),
];
/// How far before a pattern known starts and branch targets are decoded from.
const WINDOW: u64 = 256;
/// How far before a pattern a sweep begins where nothing is known: x86 code falls into step within a
/// few instructions.
const SWEEP: u64 = 1024;
/// Instructions behind a pattern that must make sense.
const AFTER: usize = 12;

pub(super) fn candidates(bytes: &[u8]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = PATTERNS
        .iter()
        .flat_map(|(pattern, instruction)| {
            memmem::find_iter(bytes, pattern).map(|at| Candidate { at, instruction })
        })
        .collect();
    found.sort_unstable_by_key(|c| c.at);
    found
}

/// The pattern made of the last byte of one stretch and the first of the next.
pub(super) fn across(before: &[u8], after: &[u8]) -> Option<&'static str> {
    let pair = [*before.last()?, *after.first()?];
    PATTERNS
        .iter()
        .find(|(pattern, _)| *pattern == pair)
        .map(|(_, instruction)| *instruction)
}

pub(super) fn judge(context: &Context<'_, '_>, candidates: &[Candidate]) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = candidates
        .iter()
        .map(|c| by_starts(context, context.region.address + c.at as u64))
        .collect();
    let open: Vec<u64> = candidates
        .iter()
        .zip(&verdicts)
        .filter(|(_, verdict)| **verdict != Verdict::Instruction)
        .map(|(c, _)| context.region.address + c.at as u64)
        .collect();
    if open.is_empty() {
        return verdicts;
    }
    let targets = branch_targets(context, &open);
    for (candidate, verdict) in candidates.iter().zip(&mut verdicts) {
        let address = context.region.address + candidate.at as u64;
        let from = targets.partition_point(|t| *t < address.saturating_sub(WINDOW));
        let to = targets.partition_point(|t| *t <= address);
        let jumped_to = targets[from..to.max(from)]
            .iter()
            .any(|target| walk(context, *target, address).is_some_and(|path| path.valid));
        if jumped_to {
            *verdict = Verdict::Instruction;
        }
    }
    verdicts
}

/// What decoding from functions, symbols and the bytes before says.
fn by_starts(context: &Context<'_, '_>, address: u64) -> Verdict {
    let function = context.function(address);
    let trusted = function
        .map(|(from, _)| from)
        .into_iter()
        .chain(context.sized_symbols(address));
    for start in trusted {
        if walk(context, start, address).is_some() {
            return Verdict::Instruction;
        }
    }
    let code = context.region.code(address);
    let floor = code.map_or(context.region.address, |(from, _)| from);
    let gap = address.saturating_sub(SWEEP).max(floor);
    let mut best = Verdict::Pattern;
    let near = context.starts(address.saturating_sub(WINDOW), address);
    for start in near.into_iter().filter(|s| *s >= floor).chain([gap]) {
        let Some(path) = walk(context, start.max(gap), address) else {
            continue;
        };
        if code.is_some() && path.clean && makes_sense_after(context, address) {
            return Verdict::Instruction;
        }
        best = Verdict::Data;
    }
    // Bytes that only happen to be mapped with code are data whatever they decode to.
    if code.is_none() { Verdict::Data } else { best }
}

/// How decoding came to a pattern.
struct Path {
    /// Nothing on the way was undecodable.
    valid: bool,
    /// Since control last left, everything was what code is made of.
    clean: bool,
}

/// Decodes from `start`; `Some` if the trap at `address` comes out as an instruction.
fn walk(context: &Context<'_, '_>, start: u64, address: u64) -> Option<Path> {
    let region = context.region;
    let skip = usize::try_from(start.checked_sub(region.address)?).ok()?;
    if start > address {
        return None;
    }
    let mut decoder = decoder(region.bytes.get(skip..)?, start)?;
    let mut instruction = Instruction::default();
    let mut path = Path {
        valid: true,
        clean: true,
    };
    while decoder.can_decode() && decoder.ip() <= address {
        let at = decoder.ip();
        decoder.decode_out(&mut instruction);
        if instruction.is_invalid() {
            path = Path {
                valid: false,
                clean: false,
            };
            let next = usize::try_from(at + 1 - start).ok()?;
            decoder.set_position(next).ok()?;
            decoder.set_ip(at + 1);
            continue;
        }
        if is_trap(&instruction) && at <= address && instruction.next_ip() == address + 2 {
            return Some(path);
        }
        if leaves(&instruction) {
            path.clean = true;
        } else if unusual(&instruction) {
            path.clean = false;
        }
    }
    None
}

/// Whether what follows a pattern is code until control leaves.
fn makes_sense_after(context: &Context<'_, '_>, address: u64) -> bool {
    let region = context.region;
    let skip = (address - region.address) as usize + 2;
    let bytes = region.bytes.get(skip..).unwrap_or(&[]);
    let Some(mut decoder) = decoder(bytes, address + 2) else {
        return false;
    };
    let mut instruction = Instruction::default();
    for _ in 0..AFTER {
        if !decoder.can_decode() {
            return false;
        }
        decoder.decode_out(&mut instruction);
        if leaves(&instruction) {
            return true;
        }
        if instruction.is_invalid() || (unusual(&instruction) && !is_trap(&instruction)) {
            return false;
        }
    }
    true
}

/// Targets of direct branches of code that the unwinding tables describe, near the open patterns.
fn branch_targets(context: &Context<'_, '_>, open: &[u64]) -> Vec<u64> {
    let region = context.region;
    let near = |target: u64| {
        let next = open.partition_point(|p| *p < target);
        open.get(next).is_some_and(|p| p - target <= WINDOW)
    };
    let mut targets = Vec::new();
    let mut instruction = Instruction::default();
    let begin = context.functions.partition_point(|f| f.1 <= region.address);
    for (from, to) in &context.functions[begin..] {
        if *from >= region.end() {
            break;
        }
        let from = (*from).max(region.address);
        let to = (*to).min(region.end());
        let bytes = &region.bytes[(from - region.address) as usize..(to - region.address) as usize];
        let Some(mut decoder) = decoder(bytes, from) else {
            continue;
        };
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            let direct = matches!(
                instruction.flow_control(),
                FlowControl::UnconditionalBranch
                    | FlowControl::ConditionalBranch
                    | FlowControl::Call
                    | FlowControl::XbeginXabortXend
            );
            if direct {
                let target = instruction.near_branch_target();
                if target != 0 && near(target) {
                    targets.push(target);
                }
            }
        }
    }
    targets.sort_unstable();
    targets.dedup();
    targets
}

fn decoder(bytes: &[u8], address: u64) -> Option<Decoder<'_>> {
    Decoder::try_with_ip(64, bytes, address, DecoderOptions::NONE).ok()
}

fn is_trap(instruction: &Instruction) -> bool {
    match instruction.code() {
        Code::Syscall | Code::Sysenter => true,
        Code::Int_imm8 => instruction.immediate8() == 0x80,
        _ => false,
    }
}

/// Whether what follows is not reached from here.
fn leaves(instruction: &Instruction) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::UnconditionalBranch | FlowControl::IndirectBranch | FlowControl::Return
    ) && !matches!(
        instruction.mnemonic(),
        Mnemonic::Retf | Mnemonic::Iret | Mnemonic::Iretd | Mnemonic::Iretq | Mnemonic::Sysret
    ) || matches!(instruction.mnemonic(), Mnemonic::Ud2 | Mnemonic::Int3)
}

/// What programs for x86_64 don't hold, and bytes that are no code decode to all the time.
fn unusual(instruction: &Instruction) -> bool {
    if instruction.is_privileged() {
        return true;
    }
    match instruction.mnemonic() {
        Mnemonic::In
        | Mnemonic::Out
        | Mnemonic::Insb
        | Mnemonic::Insd
        | Mnemonic::Insw
        | Mnemonic::Outsb
        | Mnemonic::Outsd
        | Mnemonic::Outsw
        | Mnemonic::Cli
        | Mnemonic::Sti
        | Mnemonic::Hlt
        | Mnemonic::Retf
        | Mnemonic::Iret
        | Mnemonic::Iretd
        | Mnemonic::Iretq
        | Mnemonic::Sysret
        | Mnemonic::Sysexit
        | Mnemonic::Int1
        | Mnemonic::Enter
        | Mnemonic::Xlatb
        | Mnemonic::Loop
        | Mnemonic::Loope
        | Mnemonic::Loopne
        | Mnemonic::Jrcxz
        | Mnemonic::Jecxz
        | Mnemonic::Cmc
        | Mnemonic::Fbld
        | Mnemonic::Fbstp
        | Mnemonic::Fiadd
        | Mnemonic::Ficom
        | Mnemonic::Ficomp
        | Mnemonic::Fisub
        | Mnemonic::Fisubr
        | Mnemonic::Fidiv
        | Mnemonic::Fidivr
        | Mnemonic::Lsl
        | Mnemonic::Lar
        | Mnemonic::Verr
        | Mnemonic::Verw
        | Mnemonic::Scasd
        | Mnemonic::Lodsd
        | Mnemonic::Cmpsd => true,
        Mnemonic::Int => instruction.immediate8() != 0x80,
        // `00 00`, an addition to memory, is what zeroes decode to.
        _ => instruction.code() == Code::Add_rm8_r8 && instruction.memory_base() == Register::RAX,
    }
}
