//! The audit of one file: what it is, its notes, its layout, its trap instructions.
//!
//! `audit_with` calls it. Invariant: a file that can't be read is a finding, never a pass.

use object::elf;

use crate::elf::{Elf, Segment, Unreadable};
use crate::notes::{self, Notes};
use crate::report::{FileKind, Finding, Level, Machine, Options, Report, Require, Rule};
use crate::traps;

pub(crate) fn run(bytes: &[u8], options: &Options) -> Report {
    let elf = match Elf::parse(bytes) {
        Ok(elf) => elf,
        Err(Unreadable::NotElf) => return Report::default(),
        Err(Unreadable::Foreign { what, executable }) => return foreign(&what, executable),
        Err(Unreadable::Malformed(problem)) => {
            let finding = plain(
                Rule::Malformed,
                format!("the headers are damaged: {problem}"),
            );
            return Report {
                kind: FileKind::Foreign,
                findings: vec![finding],
                ..Report::default()
            };
        }
    };
    let kind = kind_of(&elf);
    let mut report = Report {
        kind,
        machine: Some(elf.machine),
        ..Report::default()
    };
    if matches!(
        kind,
        FileKind::Foreign | FileKind::Kernel | FileKind::KernelModule
    ) {
        return report;
    }
    report.interpreter = elf.interpreter();
    let notes = match kind {
        FileKind::Object => notes::read_object(&elf),
        _ => notes::read(&elf),
    };
    report.note = notes.xsc;
    report.cfi_marks = notes.cfi_marks;
    let (found, searched) = traps::scan(&elf, options.allow_traps);
    report.code_bytes = searched;
    report.findings = found;
    let findings = &mut report.findings;
    if let Some(problem) = &elf.sections_problem {
        findings.push(Finding {
            level: Level::Warning,
            ..plain(
                Rule::Malformed,
                format!("the section headers are damaged: {problem}"),
            )
        });
    }
    if let Some(wanted) = options.machine.filter(|wanted| *wanted != elf.machine) {
        let message = format!("for {}, not {}", elf.machine.as_str(), wanted.as_str());
        findings.push(plain(Rule::WrongMachine, message));
    }
    if options.require != Require::Nothing {
        check_notes(kind, &notes, options.require, findings);
        check_interpreter(&elf, kind, findings);
    }
    if kind != FileKind::Object {
        check_layout(&elf, findings);
    }
    findings.sort_by_key(|f| (std::cmp::Reverse(f.level), f.rule));
    report
}

fn plain(rule: Rule, message: impl Into<String>) -> Finding {
    Finding {
        rule,
        level: Level::Error,
        message: message.into(),
        place: None,
        count: 1,
    }
}

fn foreign(what: &str, executable: bool) -> Report {
    let level = if executable {
        Level::Error
    } else {
        Level::Note
    };
    Report {
        kind: FileKind::Foreign,
        findings: vec![Finding {
            level,
            ..plain(Rule::WrongMachine, format!("for {what}"))
        }],
        ..Report::default()
    }
}

fn kind_of(elf: &Elf<'_>) -> FileKind {
    match elf.kind {
        elf::ET_REL => {
            let module = elf.section(".modinfo").is_some()
                || elf.section(".gnu.linkonce.this_module").is_some();
            return match module {
                true => FileKind::KernelModule,
                false => FileKind::Object,
            };
        }
        elf::ET_EXEC | elf::ET_DYN => {}
        _ => return FileKind::Foreign,
    }
    // With a dynamic section it would not have been read.
    if elf.segments.iter().any(Segment::in_kernel_half) {
        return FileKind::Kernel;
    }
    // Separate debug information keeps the headers of a program and none of its bytes. Section headers alone don't
    // say so: whoever runs a program doesn't look at them.
    let mut code = elf.sections.iter().filter(|s| s.is_code()).peekable();
    let mapped = elf
        .segments
        .iter()
        .any(|s| s.is_executable_load() && s.file_size > 0);
    if code.peek().is_some() && code.all(|s| s.kind == elf::SHT_NOBITS) && !mapped {
        return FileKind::Foreign;
    }
    let pie = elf
        .dynamic_value(elf::DT_FLAGS_1)
        .is_some_and(|flags| flags & u64::from(elf::DF_1_PIE) != 0);
    let named = elf.dynamic_value(elf::DT_SONAME).is_some();
    let interpreted = elf.of_kind(elf::PT_INTERP).next().is_some();
    match (elf.kind, interpreted) {
        // libc has an interpreter, so that it can be run, and is a library.
        (elf::ET_DYN, _) if named => FileKind::Library,
        (_, true) => FileKind::Program,
        (elf::ET_EXEC, false) => FileKind::StaticProgram,
        (_, false) if pie => FileKind::StaticProgram,
        _ => FileKind::Library,
    }
}

fn check_notes(kind: FileKind, notes: &Notes, require: Require, findings: &mut Vec<Finding>) {
    let Some(note) = notes.xsc else {
        findings.push(match kind {
            FileKind::StaticProgram => {
                plain(Rule::StaticProgram, "a static program without an XSC note")
            }
            _ => plain(Rule::NoNote, "no XSC note"),
        });
        return;
    };
    if note.kind().is_none() {
        let (abi, features) = (note.abi, note.features);
        findings.push(plain(
            Rule::NoteVersion,
            format!("the XSC note is of version {abi} with features {features:#x}"),
        ));
        return;
    }
    let has_cfi = note.features & notes::CFI != 0;
    if require == Require::Cfi && !has_cfi {
        findings.push(plain(
            Rule::NoCfiNote,
            "the XSC note is of the base variant",
        ));
    }
    if (require == Require::Cfi || has_cfi) && !notes.cfi_marks {
        let message = match has_cfi {
            true => "the XSC note demands control-flow integrity, and the marks for it are missing",
            false => "the marks for control-flow integrity are missing",
        };
        findings.push(plain(Rule::NoCfiMarks, message));
    }
}

fn check_interpreter(elf: &Elf<'_>, kind: FileKind, findings: &mut Vec<Finding>) {
    let standard = match elf.machine {
        Machine::X86_64 => "/lib64/ld-linux-x86-64.so.2",
        Machine::Aarch64 => "/lib/ld-linux-aarch64.so.1",
    };
    match elf.interpreter() {
        Some(path) if path != standard && kind != FileKind::Object => {
            let message = format!("the interpreter is `{path}`, not `{standard}`");
            findings.push(plain(Rule::Interpreter, message));
        }
        _ => {}
    }
}

fn check_layout(elf: &Elf<'_>, findings: &mut Vec<Finding>) {
    let flags = elf.dynamic_value(elf::DT_FLAGS).unwrap_or(0);
    let marked = elf.dynamic_value(elf::DT_TEXTREL).is_some();
    if marked || flags & u64::from(elf::DF_TEXTREL) != 0 {
        findings.push(plain(Rule::TextRelocations, "relocations write to code"));
    }
    let both = elf::PF_W | elf::PF_X;
    for segment in elf.of_kind(elf::PT_LOAD) {
        if segment.flags & both == both && segment.memory_size > 0 {
            let message = format!(
                "the segment at {:#x} is writable and executable",
                segment.address
            );
            findings.push(plain(Rule::WritableCode, message));
        }
    }
    let stack = elf.of_kind(elf::PT_GNU_STACK).next();
    let dynamic = elf.of_kind(elf::PT_DYNAMIC).next().is_some();
    match stack {
        Some(segment) if segment.flags & elf::PF_X != 0 => {
            findings.push(plain(
                Rule::ExecutableStack,
                "it asks for an executable stack",
            ));
        }
        // The dynamic loader takes that for the default of old, which is executable.
        None if dynamic => findings.push(plain(
            Rule::ExecutableStack,
            "it does not say what stack it needs, so it gets an executable one",
        )),
        _ => {}
    }
}
