//! Adds the XSC note to a linked file.
//!
//! Rebasing a package calls it. Invariant: code, data and every address stay as they are; only
//! program headers, section headers and bytes that nothing used change.

mod layout;
mod sections;

use object::elf;

use crate::elf::{Elf, Segment};
use crate::notes::{self, NoteKind, XscNote};
use crate::report::{FileKind, Options, Place, Report, Require, Rule};

/// A file that gets no note.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// No ELF file.
    #[error("it is no ELF file")]
    NotElf,
    /// An object file, a core dump, a file of another machine.
    #[error("it is {what}, and only programs and shared libraries get a note")]
    Kind {
        /// What it is.
        what: String,
    },
    /// A static program: its libc traps, or will at the next look.
    #[error("it is a static program, which holds a libc of its own and must be built from source")]
    Static,
    /// A trap instruction.
    #[error("it holds {instruction} at {place}{}", more(*others))]
    Trap {
        /// Which.
        instruction: String,
        /// Where.
        place: Box<Place>,
        /// How many more there are.
        others: usize,
    },
    /// The cfi note on a file without the marks.
    #[error(
        "it lacks the marks of control-flow integrity, so the kernel would refuse the cfi note"
    )]
    NoMarks,
    /// There is a note already, and another one.
    #[error("it has an XSC note of version {abi} with features {features:#x}")]
    OtherNote {
        /// Its version.
        abi: u32,
        /// Its features.
        features: u32,
    },
    /// The file is damaged.
    #[error("it is damaged: {problem}")]
    Malformed {
        /// How.
        problem: String,
    },
    /// The file's layout leaves no way that loaders accept.
    #[error("its layout leaves no place for a note: {problem}")]
    Layout {
        /// Why.
        problem: String,
    },
}

fn more(others: usize) -> String {
    match others {
        0 => String::new(),
        others => format!(", and {others} more"),
    }
}

/// Returns the file with the note. A file that has it is returned as it is.
///
/// # Errors
/// See [`RewriteError`].
pub fn add_note(bytes: &[u8], kind: NoteKind) -> Result<Vec<u8>, RewriteError> {
    let options = Options {
        require: Require::Nothing,
        ..Options::default()
    };
    let report = crate::audit_with(bytes, &options);
    check(&report, kind)?;
    match report.note {
        None => {}
        Some(note) if note.kind().is_some_and(|has| has >= kind) => return Ok(bytes.to_vec()),
        Some(XscNote { abi, features }) => return Err(RewriteError::OtherNote { abi, features }),
    }
    let elf = Elf::parse(bytes).map_err(|_| damaged("its headers"))?;
    let rewritten = layout::rewrite(&elf, &kind.encode())?;
    verify(&elf, &rewritten, kind)?;
    Ok(rewritten)
}

/// Refuses what must not get a note.
fn check(report: &Report, kind: NoteKind) -> Result<(), RewriteError> {
    let what = match report.kind {
        FileKind::Program | FileKind::Library => None,
        FileKind::Other => return Err(RewriteError::NotElf),
        FileKind::StaticProgram => return Err(RewriteError::Static),
        FileKind::Object => Some("an object file".to_owned()),
        FileKind::KernelModule => Some("a kernel module".to_owned()),
        FileKind::Kernel => Some("a kernel".to_owned()),
        FileKind::Foreign => Some(match report.findings.first() {
            Some(f) if f.rule == Rule::Malformed => {
                return Err(damaged(&f.message));
            }
            Some(finding) => finding.message.clone(),
            None => "no program".to_owned(),
        }),
    };
    if let Some(what) = what {
        return Err(RewriteError::Kind { what });
    }
    if let Some(finding) = report.findings.iter().find(|f| f.rule == Rule::Malformed) {
        return Err(damaged(&finding.message));
    }
    let mut traps = report.traps();
    if let Some(first) = traps.next() {
        return Err(RewriteError::Trap {
            instruction: first.message.clone(),
            place: Box::new(first.place.clone().unwrap_or_default()),
            others: traps.count(),
        });
    }
    match kind == NoteKind::Cfi && !report.cfi_marks {
        true => Err(RewriteError::NoMarks),
        false => Ok(()),
    }
}

fn damaged(problem: &str) -> RewriteError {
    RewriteError::Malformed {
        problem: problem.to_owned(),
    }
}

/// Looks at the result as the kernel would, and at what must not have changed.
fn verify(old: &Elf<'_>, bytes: &[u8], kind: NoteKind) -> Result<(), RewriteError> {
    let problem = |problem: &str| RewriteError::Layout {
        problem: format!("the result would be wrong: {problem}"),
    };
    let new = Elf::parse(bytes).map_err(|_| problem("it can't be read"))?;
    let read = notes::read(&new);
    if read.xsc.and_then(|note| note.kind()) != Some(kind) {
        return Err(problem("the kernel would not see the note"));
    }
    if read.cfi_marks != notes::read(old).cfi_marks {
        return Err(problem("the marks would change"));
    }
    // Notes are rewritten, the table of headers may move, and a spare header is used.
    let others = |elf: &Elf<'_>| -> Vec<Segment> {
        let changed = [elf::PT_LOAD, elf::PT_NOTE, elf::PT_NULL, elf::PT_PHDR];
        let kept = elf.segments.iter().filter(|s| !changed.contains(&s.kind));
        kept.copied().collect()
    };
    if others(old) != others(&new) {
        return Err(problem("a segment that is not loaded would change"));
    }
    for segment in old.of_kind(elf::PT_LOAD) {
        let kept = new.of_kind(elf::PT_LOAD).any(|s| {
            (s.offset, s.address, s.flags) == (segment.offset, segment.address, segment.flags)
                && s.file_size >= segment.file_size
                && s.memory_size >= segment.memory_size
        });
        let holds_headers =
            segment.offset < old.program_headers_at && old.program_headers_at < segment.file_end();
        let from = match holds_headers {
            // Headers may change; what is behind them may not.
            true => old.program_headers_at + 56 * old.segments.len() as u64,
            false => segment.offset,
        };
        let size = segment.file_end().saturating_sub(from);
        if !kept || old.range(from, size) != new.range(from, size) {
            return Err(problem("a segment would change"));
        }
    }
    Ok(())
}
