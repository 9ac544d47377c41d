//! Reads the repository for the rules: every file that is not ignored, with its text.
//! Invariant: what git would not carry (`target`, `result`, `images/out`) is not seen.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    /// Its content; bytes that are not UTF-8 are replaced.
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    pub(crate) fn extension(&self) -> &str {
        Path::new(&self.path)
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or("")
    }

    /// Whether the path lies below `folder`.
    pub(crate) fn below(&self, folder: &str) -> bool {
        self.path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What git ignores, so the rules do not apply.
pub(crate) fn ignored(path: &str) -> bool {
    matches!(path, ".git" | "target" | "images/out") || path.starts_with("result")
}

/// Every file, sorted by path.
pub(crate) fn files() -> Vec<File> {
    let mut found = Vec::new();
    walk(&root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        found.len() > 50,
        "only {} files: the repository was not found",
        found.len()
    );
    found
}

fn walk(root: &Path, below: &str, found: &mut Vec<File>) {
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        let kind = entry.file_type().unwrap();
        if ignored(&path) {
            continue;
        }
        if kind.is_dir() {
            walk(root, &path, found);
        } else if kind.is_file() {
            let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
            found.push(File { path, text });
        }
    }
}
