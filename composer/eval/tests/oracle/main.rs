//! Compares the evaluator with Nix itself: expressions that found bugs, random expressions, nixpkgs' library.
//!
//! Needs `nix-instantiate` (of XSC_NIX_INSTANTIATE, or of the path); without it each test says that it was
//! skipped and why. Invariant: a disagreement fails the test and prints the smallest expression found.

mod generate;
mod nix;
mod nixpkgs_lib;
mod random;
mod repository;
