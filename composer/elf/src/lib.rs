//! What an ELF file holds that matters on an XSC system: trap instructions, notes, marks.
//!
//! `build` calls it for `builtin:audit` and for rebased packages, `cli` for the verb `audit`.
//! Invariants: pure functions of bytes; no input makes them panic; names and symbols in a file
//! explain a finding and never make one less.

mod audit;
mod contents;
mod elf;
mod gather;
mod notes;
mod render;
mod report;
mod rewrite;
mod symbols;
mod traps;

pub use gather::{Audit, FileReport, PatternError, Policy, Summary, audit_all};
pub use notes::{NoteKind, XscNote};
pub use render::{json, sarif, text};
pub use report::{FileKind, Finding, Level, Machine, Options, Place, Report, Require, Rule};
pub use rewrite::{RewriteError, add_note};

/// Audits one file against the base variant; a file that is no ELF file has no findings.
pub fn audit(bytes: &[u8]) -> Report {
    audit_with(bytes, &Options::default())
}

/// Audits one file.
pub fn audit_with(bytes: &[u8], options: &Options) -> Report {
    audit::run(bytes, options)
}
