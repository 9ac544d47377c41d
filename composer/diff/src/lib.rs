//! What differs between two results, in the words of the formats they are in, and what likely made it so.
//!
//! `verify` and `diff` of the command line call [`compare`] with two [`Side`]s. Nothing here opens a file, and
//! the same sides give the same report. Invariant: two sides that are not the same have at least one
//! difference, however little of their format is understood.

mod cause;
mod context;
mod format;
mod tree;

pub use cause::{Cause, Facts, Pair};
pub use context::Difference;
pub use tree::{DiffError, Entry, Kind, Side, compare};

/// Compares two files' contents; `name` is what the place of each difference starts with.
#[must_use]
pub fn compare_bytes(name: &str, first: &[u8], second: &[u8], facts: &Facts) -> Vec<Difference> {
    let mut context = context::Context::new(facts);
    context.inside(name, |context| format::compare(context, first, second));
    context.finish()
}
