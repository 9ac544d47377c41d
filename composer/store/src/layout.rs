//! Where things are in a store; every path is made here.
//!
//! Invariant: a path is a function of an id, so two processes agree on it without talking.

use std::path::{Path, PathBuf};

use xsc_model::{ActionId, BlobId, Digest, TreeId};

/// How long derivations took.
pub(crate) const DURATIONS: &str = "durations";
/// The folder that stores of before have for that.
pub(crate) const HISTORY: &str = "history";

/// The names at the top of a store.
pub(crate) const TOP: [&str; 20] = [
    "version",
    "objects",
    "dirs",
    "trees",
    "realisations",
    "statements",
    "logs",
    HISTORY,
    DURATIONS,
    "builds",
    "roots",
    "downloads",
    "tmp",
    "locks",
    "kept",
    "corrupt",
    "dirty",
    "names",
    "gc.lock",
    "gc.queue",
];
/// The ones that are directories.
pub(crate) const FOLDERS: [&str; 14] = [
    "objects",
    "dirs",
    "trees",
    "realisations",
    "statements",
    "logs",
    "builds",
    "roots",
    "downloads",
    "tmp",
    "locks",
    "kept",
    "corrupt",
    "dirty",
];
/// The names of the shards, `00` to `ff`.
pub(crate) fn shards() -> impl Iterator<Item = String> {
    (0..=255u8).map(|n| format!("{n:02x}"))
}

/// A path in the store, relative to its top.
pub(crate) fn sharded(folder: &str, digest: &Digest, suffix: &str) -> String {
    let hex = digest.to_hex();
    format!("{folder}/{}/{hex}{suffix}", &hex[..2])
}

pub(crate) fn object(blob: BlobId, executable: bool) -> String {
    sharded("objects", blob.digest(), if executable { "x" } else { "" })
}

pub(crate) fn directory(tree: TreeId) -> String {
    sharded("dirs", tree.digest(), "")
}

pub(crate) fn tree(tree: TreeId) -> String {
    format!("trees/{tree}")
}

pub(crate) fn realisation(action: ActionId) -> String {
    sharded("realisations", action.digest(), "")
}

pub(crate) fn statements(action: ActionId) -> String {
    sharded("statements", action.digest(), "")
}

pub(crate) fn log(action: ActionId) -> String {
    sharded("logs", action.digest(), ".zst")
}

pub(crate) fn lock(action: ActionId) -> String {
    format!("locks/{action}")
}

/// Joins the parts of a path below a tree, for messages and for relative opens.
pub(crate) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}/{name}")
    }
}

/// The store's path joined with a path from here.
pub(crate) fn at(top: &Path, relative: &str) -> PathBuf {
    top.join(relative)
}
