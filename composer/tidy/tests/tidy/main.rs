//! Holds the repository to its house rules: layering, sources, text, the top level, documents, the kernel's interface.
//! `cargo test` runs it with everything else. Each rule is a function from plain data to a list of complaints.
//! Invariant: every rule has a test that shows it complain, so none can pass by looking at nothing.

mod documents;
mod edges;
mod kernel;
mod sources;
mod toplevel;
mod tree;

/// Fails with every complaint, one a line.
fn assert_tidy(rule: &str, complaints: &[String]) {
    assert!(
        complaints.is_empty(),
        "{rule}:\n  {}",
        complaints.join("\n  ")
    );
}
