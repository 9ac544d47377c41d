//! The repository's own files are Nix: what is written for our evaluator parses in Nix, too.
//!
//! Invariant: files that a test wants to be wrong are the only exceptions, and they lie in `tests` directories.

use std::path::{Path, PathBuf};

use crate::nix::Oracle;

fn nix_files(directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory).expect("the repository can be read");
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_symlink() || name == "target" || name == "tests" {
            continue;
        }
        if path.is_dir() {
            nix_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "nix") {
            files.push(path);
        }
    }
}

#[test]
fn the_repository_parses_in_nix() {
    let oracle = match Oracle::find() {
        Ok(oracle) => oracle,
        Err(reason) => {
            println!("skipped: {reason}");
            return;
        }
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for directory in [
        "composer",
        "images",
        "kernel",
        "modules",
        "pkgs",
        "profiles",
        "toolchain",
    ] {
        nix_files(&root.join(directory), &mut files);
    }
    files.sort();
    assert!(files.len() >= 30, "only {} files", files.len());
    let complaints: Vec<String> = files
        .iter()
        .filter_map(|file| oracle.parse(file).err())
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
