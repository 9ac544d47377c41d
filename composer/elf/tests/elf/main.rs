//! The audit and the rewriter from outside: hand-made files, files of this machine, hostile bytes.
//!
//! Invariant: every rule has a file that breaks it and one that does not.

mod hostile;
mod made;
mod reports;
mod rewriting;
mod rules;
