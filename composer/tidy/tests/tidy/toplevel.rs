//! What may stand at the top of the repository and in docs/adr.
//! Invariant: a file that nobody decided on is a complaint, wherever it came from.

use std::collections::BTreeMap;

use crate::assert_tidy;
use crate::tree::{files, ignored, root};

const TOP_LEVEL: &[&str] = &[
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "Justfile",
    "LICENSE",
    "LICENSES",
    "README.md",
    "clippy.toml",
    "composer",
    "deny.toml",
    "docs",
    "flake-like.lock",
    "flake-like.toml",
    "images",
    "kernel",
    "modules",
    "pkgs",
    "profiles",
    "rustfmt.toml",
    "toolchain",
    "x",
];

fn strays<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names
        .into_iter()
        .filter(|name| !ignored(name) && !TOP_LEVEL.contains(name))
        .map(|name| format!("{name} does not belong at the top level"))
        .collect()
}

/// Complains about names that are not `NNNN-words.md` and about numbers used twice.
fn bad_adrs<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut by_number: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut found = Vec::new();
    for name in names {
        let number = name
            .get(..4)
            .filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
        match number {
            Some(number) if name[4..].starts_with('-') && name.ends_with(".md") => {
                by_number.entry(number).or_default().push(name);
            }
            _ => found.push(format!("{name} is not named NNNN-title.md")),
        }
    }
    for (number, names) in by_number.iter().filter(|(_, names)| names.len() > 1) {
        found.push(format!(
            "number {number} is used twice: {}",
            names.join(", ")
        ));
    }
    found
}

#[test]
fn nothing_stray_at_the_top() {
    let names: Vec<String> = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_tidy("top level", &strays(names.iter().map(String::as_str)));
}

#[test]
fn adr_numbers_are_unique() {
    let files = files();
    let names: Vec<&str> = files
        .iter()
        .filter_map(|file| file.path.strip_prefix("docs/adr/"))
        .collect();
    assert!(!names.is_empty(), "docs/adr holds no decision");
    assert_tidy("docs/adr", &bad_adrs(names));
}

#[test]
fn a_stray_file_is_seen() {
    assert_eq!(
        strays(["x", "result-oci", "out.json"]),
        ["out.json does not belong at the top level"]
    );
}

#[test]
fn a_doubled_or_misnamed_adr_is_seen() {
    assert_eq!(
        bad_adrs([
            "0001-a.md",
            "0002-b.md",
            "0002-c.md",
            "notes.md",
            "003-d.md"
        ]),
        [
            "notes.md is not named NNNN-title.md",
            "003-d.md is not named NNNN-title.md",
            "number 0002 is used twice: 0002-b.md, 0002-c.md"
        ]
    );
}
