//! Rule by rule: what is found in a file that breaks it.

use xsc_elf::{FileKind, Level, Options, Report, Require, Rule, audit, audit_with};

use crate::made::{ARM, Made, X86};

/// `mov eax, 39; syscall; ret`
const GETPID: [u8; 8] = [0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3];
const RET: [u8; 1] = [0xc3];

fn rules(report: &Report) -> Vec<(Rule, Level)> {
    report.findings.iter().map(|f| (f.rule, f.level)).collect()
}

fn found(made: &Made) -> Vec<(Rule, Level)> {
    rules(&audit(&made.bytes()))
}

fn good(code: &[u8]) -> Made {
    Made::new(X86, code).noted(&[1])
}

#[test]
fn a_good_file_passes() {
    assert_eq!(found(&good(&RET)), []);
    assert_eq!(
        found(&Made::new(ARM, &0xd65f_03c0_u32.to_le_bytes()).noted(&[1])),
        []
    );
    assert_eq!(audit(b"#!/bin/sh\n"), Report::default());
}

#[test]
fn each_trap_instruction_is_found_with_symbol_and_offset() {
    let traps: [(&[u8], &str); 3] = [
        (&[0x0f, 0x05], "`syscall`"),
        (&[0x0f, 0x34], "`sysenter`"),
        (&[0xcd, 0x80], "`int 0x80`"),
    ];
    for (bytes, name) in traps {
        let code = [&[0x90, 0x90, 0x90][..], bytes, &RET].concat();
        let mut made = good(&code);
        made.symbols = vec![("enter", 1, 0, true)];
        let report = audit(&made.bytes());
        assert_eq!(
            rules(&report),
            [(Rule::TrapInstruction, Level::Error)],
            "{name}"
        );
        let finding = &report.findings[0];
        let place = finding.place.as_ref().unwrap();
        assert_eq!(finding.message, name);
        assert_eq!((place.offset, place.address), (0x1003, 0x1003));
        assert_eq!(place.symbol, Some(("enter".to_owned(), 2)));
        assert_eq!(place.bytes, bytes);
        assert_eq!(place.to_string(), "enter+0x2 (offset 0x1003)");
    }
    let svc = |number: u32| 0xd400_0001 | number << 5;
    for number in [0, 0x80, 0xffff] {
        let words = [0xd280_0548, svc(number), 0xd65f_03c0];
        let code: Vec<u8> = words.iter().flat_map(|w: &u32| w.to_le_bytes()).collect();
        let report = audit(&Made::new(ARM, &code).noted(&[1]).bytes());
        assert_eq!(rules(&report), [(Rule::TrapInstruction, Level::Error)]);
    }
    // Words are aligned: two halves are no instruction.
    let mut code = vec![0x1f, 0x20];
    code.extend_from_slice(&svc(0).to_le_bytes());
    code.extend_from_slice(&[0x03, 0xd5]);
    assert_eq!(found(&Made::new(ARM, &code).noted(&[1])), []);
}

#[test]
fn names_cannot_hide_a_trap() {
    // A label typed as an object, a symbol in the middle of the instruction, no symbol at all.
    for symbols in [
        vec![("table", 5, 2, false)],
        vec![("f", 0, 8, true), ("inside", 6, 1, true)],
        vec![("after", 7, 1, true)],
        vec![],
    ] {
        let mut made = good(&GETPID);
        made.symbols = symbols.clone();
        assert_eq!(
            found(&made),
            [(Rule::TrapInstruction, Level::Error)],
            "{symbols:?}"
        );
    }
    // No section headers at all, and headers that call the code data.
    let mut bytes = good(&GETPID).bytes();
    bytes[40..48].fill(0);
    bytes[60..64].fill(0);
    assert_eq!(
        rules(&audit(&bytes)),
        [(Rule::TrapInstruction, Level::Error)]
    );
}

#[test]
fn bytes_inside_other_instructions_are_no_instruction() {
    // mov eax, 0x1050f; ret
    let report = audit(&good(&[0xb8, 0x0f, 0x05, 0x01, 0x00, 0xc3]).bytes());
    assert_eq!(rules(&report), [(Rule::TrapPattern, Level::Note)]);
    assert!(report.passes());
    // A jump into it makes it one, where the jump is in a function that a symbol bounds.
    let code = [0xeb, 0x01, 0xe8, 0x0f, 0x05, 0xc3, 0x90];
    let mut made = good(&code);
    made.symbols = vec![("hidden", 3, 2, true)];
    assert_eq!(found(&made), [(Rule::TrapInstruction, Level::Error)]);
}

#[test]
fn what_decodes_to_nonsense_is_data() {
    // in al, dx; a byte that is no instruction; the pattern; iret; another such byte.
    let code = [0xc3, 0xec, 0x06, 0xec, 0x0f, 0x05, 0xcf, 0x06, 0x06];
    let report = audit(&good(&code).bytes());
    assert_eq!(rules(&report), [(Rule::TrapInData, Level::Warning)]);
    assert!(report.passes());
}

#[test]
fn notes() {
    assert_eq!(found(&Made::new(X86, &RET)), [(Rule::NoNote, Level::Error)]);
    for description in [&[2][..], &[1, 2], &[0], &[1, 3]] {
        let made = Made::new(X86, &RET).noted(description);
        assert_eq!(
            found(&made),
            [(Rule::NoteVersion, Level::Error)],
            "{description:?}"
        );
    }
    let cfi = Options {
        require: Require::Cfi,
        ..Options::default()
    };
    let under_cfi = |made: &Made| rules(&audit_with(&made.bytes(), &cfi));
    let marked = |made: Made, bits| Made {
        property: Some(bits),
        ..made
    };
    for machine in [X86, ARM] {
        let code = [0; 0];
        let base = Made::new(machine, &code).noted(&[1]);
        let full = Made::new(machine, &code).noted(&[1, 1]);
        let no_note = (Rule::NoCfiNote, Level::Error);
        let no_marks = (Rule::NoCfiMarks, Level::Error);
        assert_eq!(under_cfi(&marked(full.clone(), 3)), []);
        assert_eq!(under_cfi(&marked(full.clone(), 2)), [no_marks]);
        assert_eq!(under_cfi(&marked(base.clone(), 3)), [no_note]);
        assert_eq!(under_cfi(&base), [no_note, no_marks]);
        // The kernel refuses it in any mode.
        assert_eq!(found(&full), [no_marks]);
        let report = audit(&marked(full, 7).bytes());
        assert!(report.cfi_marks && report.note_kind() == Some(xsc_elf::NoteKind::Cfi));
    }
}

#[test]
fn layout() {
    type Change = fn(&mut Made);
    let cases: [(&str, Change, Rule); 6] = [
        (
            "interpreter",
            |m| m.interpreter = Some("/lib/ld-musl.so"),
            Rule::Interpreter,
        ),
        (
            "textrel",
            |m| m.dynamic.push((22, 0)),
            Rule::TextRelocations,
        ),
        (
            "textrel flag",
            |m| m.dynamic = vec![(30, 4)],
            Rule::TextRelocations,
        ),
        ("writable", |m| m.code_flags = 7, Rule::WritableCode),
        ("stack", |m| m.stack_flags = Some(7), Rule::ExecutableStack),
        ("no stack", |m| m.stack_flags = None, Rule::ExecutableStack),
    ];
    for (name, change, rule) in cases {
        let mut made = good(&RET);
        change(&mut made);
        assert_eq!(found(&made), [(rule, Level::Error)], "{name}");
    }
}

#[test]
fn machines_and_static_programs() {
    let mut made = Made::new(X86, &RET);
    made.interpreter = None;
    made.dynamic.clear();
    made.kind = 2;
    assert_eq!(found(&made), [(Rule::StaticProgram, Level::Error)]);
    assert_eq!(found(&made.clone().noted(&[1])), []);
    made.machine = 3;
    assert_eq!(found(&made), [(Rule::WrongMachine, Level::Error)]);
    let options = Options {
        machine: Some(xsc_elf::Machine::Aarch64),
        ..Options::default()
    };
    let report = audit_with(&good(&RET).bytes(), &options);
    assert_eq!(rules(&report), [(Rule::WrongMachine, Level::Error)]);
    let cut = &good(&RET).bytes()[..100];
    assert_eq!(rules(&audit(cut)), [(Rule::Malformed, Level::Error)]);
}

/// What no kernel of ours would start as a program is told by what it is, not by its path.
#[test]
fn kernels_firmware_and_debug_information() {
    let mut kernel = good(&GETPID);
    kernel.base = 0xffff_ffff_8000_0000;
    // A library there could be loaded somewhere else.
    assert_eq!(found(&kernel), [(Rule::Malformed, Level::Error)]);
    kernel.dynamic.clear();
    kernel.interpreter = None;
    for kind in [2, 3] {
        kernel.kind = kind;
        let report = audit(&kernel.bytes());
        assert_eq!((report.kind, report.findings), (FileKind::Kernel, vec![]));
    }
    let mut firmware = good(&RET);
    firmware.kind = 2;
    for (machine, level) in [
        (243, Level::Note),
        (94, Level::Note),
        (3, Level::Error),
        (40, Level::Error),
    ] {
        firmware.machine = machine;
        assert_eq!(found(&firmware), [(Rule::WrongMachine, level)], "{machine}");
    }
    // Class and byte order are not looked at by who starts it.
    for (at, value) in [(4, 1), (5, 2)] {
        let mut bytes = good(&GETPID).bytes();
        bytes[at] = value;
        assert_eq!(rules(&audit(&bytes)), [(Rule::WrongMachine, Level::Error)]);
    }
    // Section headers that call all code absent don't make a program debug information.
    let trap = good(&GETPID);
    let mut bytes = trap.bytes();
    let headers = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes([bytes[60], bytes[61]]));
    let mut code = 0;
    for header in (0..count).map(|i| headers + 64 * i) {
        if bytes[header + 8] & 4 != 0 {
            bytes[header + 4] = 8;
            code += 1;
        }
    }
    assert_eq!(code, 1);
    assert_eq!(
        rules(&audit(&bytes)),
        [(Rule::TrapInstruction, Level::Error)]
    );
    // Without the bytes it is.
    for header in (0..12).map(|i| 64 + 56 * i) {
        if bytes[header] == 1 && bytes[header + 4] & 1 != 0 {
            bytes[header + 32..header + 40].fill(0);
        }
    }
    let report = audit(&bytes);
    assert_eq!((report.kind, report.findings), (FileKind::Foreign, vec![]));
}

#[test]
fn allowed_traps_are_reported_and_pass() {
    let options = Options {
        allow_traps: true,
        ..Options::default()
    };
    let report = audit_with(&good(&GETPID).bytes(), &options);
    assert_eq!(rules(&report), [(Rule::TrapInstruction, Level::Note)]);
    assert!(report.passes());
    assert_eq!(report.traps().count(), 1);
}
