//! Documents that name things of the tree: links lead somewhere, paths exist, the list of crates is whole.
//! Invariant: a name with a placeholder (`<name>`, `*`, `NNNN`) is a pattern and is not looked up.

use std::collections::BTreeSet;

use crate::assert_tidy;
use crate::tree::{File, files};

const FOLDERS: [&str; 8] = [
    "composer/",
    "docs/",
    "images/",
    "kernel/",
    "modules/",
    "pkgs/",
    "profiles/",
    "toolchain/",
];

/// Every file and folder.
fn known(files: &[File]) -> BTreeSet<&str> {
    let mut known = BTreeSet::new();
    for file in files {
        known.insert(file.path.as_str());
        known.extend(file.path.match_indices('/').map(|(at, _)| &file.path[..at]));
    }
    known
}

/// The targets of links in `text`, without those that leave the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
}

/// The paths that `text` names in back quotes.
fn quoted_paths(text: &str) -> impl Iterator<Item = &str> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| !word.contains(['<', '*', ' ', '{']) && !word.contains("NNNN"))
}

/// `target` as seen from the folder of `from`.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target
        .split('#')
        .next()
        .unwrap_or("")
        .trim_end_matches('/')
        .split('/')
    {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn dead_names(files: &[File]) -> Vec<String> {
    let known = known(files);
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.extension() == "md") {
        for target in links(&file.text) {
            if !known.contains(resolve(&file.path, target).as_str()) {
                found.push(format!("{}: the link {target} leads nowhere", file.path));
            }
        }
        for path in quoted_paths(&file.text) {
            let here = resolve(&file.path, path);
            if !known.contains(path.trim_end_matches('/')) && !known.contains(here.as_str()) {
                found.push(format!("{}: there is no {path}", file.path));
            }
        }
    }
    found
}

fn unlisted_crates(files: &[File]) -> Vec<String> {
    let page = files
        .iter()
        .find(|file| file.path == "ARCHITECTURE.md")
        .map(|file| &file.text);
    files
        .iter()
        .filter_map(|file| {
            file.path
                .strip_prefix("composer/")?
                .strip_suffix("/Cargo.toml")
        })
        .filter(|name| !page.is_some_and(|text| text.contains(&format!("\n| `{name}` |"))))
        .map(|name| format!("ARCHITECTURE.md has no row for the crate {name}"))
        .collect()
}

#[test]
fn names_in_documents_exist() {
    assert_tidy("documents", &dead_names(&files()));
}

#[test]
fn architecture_lists_every_crate() {
    assert_tidy("crates", &unlisted_crates(&files()));
}

#[test]
fn dead_names_are_seen() {
    let page =
        "[a](b.md) [b](../x#y) [c](http://c) [d](gone.md) `docs/b.md` `kernel/gone` `pkgs/<n>`";
    let files = [
        File::new("docs/a.md", page),
        File::new("docs/b.md", ""),
        File::new("x", ""),
    ];
    assert_eq!(
        dead_names(&files),
        [
            "docs/a.md: the link gone.md leads nowhere",
            "docs/a.md: there is no kernel/gone"
        ]
    );
}

#[test]
fn an_unlisted_crate_is_seen() {
    let files = [
        File::new("ARCHITECTURE.md", "| crate |\n| `model` | nouns |\n"),
        File::new("composer/model/Cargo.toml", ""),
        File::new("composer/glue/Cargo.toml", ""),
    ];
    assert_eq!(
        unlisted_crates(&files),
        ["ARCHITECTURE.md has no row for the crate glue"]
    );
}
