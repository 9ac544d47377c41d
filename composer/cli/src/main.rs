//! The command line of the composer.

fn main() {}
