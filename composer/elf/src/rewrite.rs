//! Adds the XSC note to a linked file.
//!
//! Rebasing a package calls it. Invariant: code, data and every address stay as they are; only
//! program headers, section headers and bytes that nothing used change.

use crate::notes::NoteKind;
use crate::report::Place;

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
    let _ = kind;
    if !bytes.starts_with(b"\x7fELF") {
        return Err(RewriteError::NotElf);
    }
    Err(RewriteError::Layout {
        problem: "notes can't be added yet".to_owned(),
    })
}
