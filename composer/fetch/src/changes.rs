//! What a new lock changes against the old one, item by item.
//!
//! Called by `lock`; the command line shows it as "old → new".
//! Invariant: two locks with the same text have no changes, and any other two have at least one.

use std::collections::{BTreeMap, BTreeSet};

use xsc_profile::{Lock, LockedContent, LockedInput};

/// One difference between two locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Name of the input.
    pub input: String,
    /// What of it: a package, a file, a set, an archive.
    pub item: String,
    /// What it was; `None` if it is new.
    pub old: Option<String>,
    /// What it is; `None` if it is gone.
    pub new: Option<String>,
}

/// Lists the differences, sorted by input and item.
pub(crate) fn changes(old: Option<&Lock>, new: &Lock) -> Vec<Change> {
    let empty = Lock::default();
    let old = old.unwrap_or(&empty);
    let inputs: BTreeSet<&String> = old.inputs.keys().chain(new.inputs.keys()).collect();
    let mut all = Vec::new();
    for input in inputs {
        let before = old.inputs.get(input).map(items).unwrap_or_default();
        let after = new.inputs.get(input).map(items).unwrap_or_default();
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let (before, after) = (before.get(name), after.get(name));
            if before != after {
                all.push(Change {
                    input: input.clone(),
                    item: name.clone(),
                    old: before.cloned(),
                    new: after.cloned(),
                });
            }
        }
    }
    all
}

fn items(input: &LockedInput) -> BTreeMap<String, String> {
    let mut items = BTreeMap::new();
    let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
    items.insert("declaration".to_owned(), short(&input.declaration));
    for a in &input.archives {
        let item = format!("archive {}/{}/{}", a.mirror, a.suite, a.component);
        let signature = a.signature.as_str();
        let hash = short(&a.in_release_sha256);
        items.insert(item, format!("{} {signature} {hash}", a.date));
    }
    match &input.content {
        LockedContent::File { version, file } => {
            let version = version.as_deref().unwrap_or(&file.name);
            items.insert(
                "file".to_owned(),
                format!("{version} {}", short(&file.sha256)),
            );
            items.insert("locations".to_owned(), file.urls.join(" "));
        }
        LockedContent::Packages { packages, sets } => {
            for (name, p) in packages {
                items.insert(
                    format!("package {name}"),
                    format!("{} {}", p.version, short(&p.file.sha256)),
                );
            }
            for (name, packages) in sets {
                items.insert(format!("set {name}"), packages.join(" "));
            }
        }
    }
    items
}
