//! Files of the repository as inputs: their tree id, and their way into the store.
//!
//! `instantiate` hashes them while recipes are evaluated (through the command line, which joins
//! the two); the scheduler imports them when something that needs them is built. Invariant: what
//! is imported is what was hashed, or the build fails.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use xsc_model::{BlobId, Digest, Directory, EntryName, Node, TreeId};

/// Names that are never part of a source: version control and what editors leave behind.
fn is_noise(name: &str) -> bool {
    name == ".git"
        || name == ".gitignore"
        || name.starts_with(".#")
        || [".swp", ".swo", ".orig", ".rej", "~"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// A source before it is in the store: where each file is.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Relative path in the tree and where its content is, directories before their entries.
    pub(crate) entries: Vec<(PathBuf, ScanEntry)>,
}

#[derive(Debug)]
pub(crate) enum ScanEntry {
    Directory,
    File {
        from: PathBuf,
        blob: BlobId,
        executable: bool,
    },
    Symlink {
        target: String,
    },
}

/// The id of the tree that `paths` make: one directory as it is, or several files and
/// directories, each under its own base name.
///
/// Errors are those of reading, and `InvalidData` for names that are not UTF-8, special files
/// and two paths with one base name.
pub fn source_tree_id(paths: &[PathBuf]) -> io::Result<TreeId> {
    scan(paths).map(|(id, _)| id)
}

pub(crate) fn scan(paths: &[PathBuf]) -> io::Result<(TreeId, Scan)> {
    let mut found = Scan::default();
    let root = match paths {
        [only] if only.is_dir() => scan_directory(only, Path::new(""), &mut found)?,
        several => {
            let mut entries = BTreeMap::new();
            for path in several {
                let name = path
                    .file_name()
                    .and_then(|n| n.to_str())
                    .and_then(|n| EntryName::new(n).ok())
                    .ok_or_else(|| invalid(path, "it has no usable base name"))?;
                let node = scan_node(path, Path::new(name.as_str()), &mut found)?;
                if entries.insert(name, node).is_some() {
                    return Err(invalid(
                        path,
                        "another path of this source has the same name",
                    ));
                }
            }
            Directory { entries }
        }
    };
    Ok((root.id(), found))
}

fn scan_directory(dir: &Path, below: &Path, found: &mut Scan) -> io::Result<Directory> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|e| at(dir, e))? {
        let entry = entry.map_err(|e| at(dir, e))?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| invalid(&entry.path(), "its name is not UTF-8"))?;
        if !is_noise(&name) {
            names.push(name);
        }
    }
    names.sort();
    let mut entries = BTreeMap::new();
    for name in names {
        let node = scan_node(&dir.join(&name), &below.join(&name), found)?;
        let name = EntryName::new(name).expect("a directory lists valid names");
        entries.insert(name, node);
    }
    Ok(Directory { entries })
}

fn scan_node(path: &Path, below: &Path, found: &mut Scan) -> io::Result<Node> {
    let meta = std::fs::symlink_metadata(path).map_err(|e| at(path, e))?;
    if meta.is_dir() {
        found.entries.push((below.to_owned(), ScanEntry::Directory));
        let tree = scan_directory(path, below, found)?.id();
        Ok(Node::Directory { tree })
    } else if meta.is_symlink() {
        let target = std::fs::read_link(path).map_err(|e| at(path, e))?;
        let target = target
            .into_os_string()
            .into_string()
            .map_err(|_| invalid(path, "its target is not UTF-8"))?;
        found.entries.push((
            below.to_owned(),
            ScanEntry::Symlink {
                target: target.clone(),
            },
        ));
        Ok(Node::Symlink { target })
    } else if meta.is_file() {
        let bytes = std::fs::read(path).map_err(|e| at(path, e))?;
        let executable = meta.permissions().mode() & 0o100 != 0;
        let blob = BlobId(Digest::of(&bytes));
        found.entries.push((
            below.to_owned(),
            ScanEntry::File {
                from: path.to_owned(),
                blob,
                executable,
            },
        ));
        Ok(Node::File {
            blob,
            size: bytes.len() as u64,
            executable,
        })
    } else {
        Err(invalid(
            path,
            "it is neither a file, a directory nor a symbolic link",
        ))
    }
}

/// Every file and link of a scan by path, with what it contains in a word.
pub(crate) fn contents(scan: &Scan) -> BTreeMap<String, String> {
    let word = |entry: &ScanEntry| match entry {
        ScanEntry::Directory => None,
        ScanEntry::File {
            blob, executable, ..
        } => Some(format!(
            "{}{}",
            blob.short(),
            if *executable { "x" } else { "" }
        )),
        ScanEntry::Symlink { target } => Some(format!("-> {target}")),
    };
    scan.entries
        .iter()
        .filter_map(|(path, entry)| Some((path.display().to_string(), word(entry)?)))
        .collect()
}

/// Copies what was scanned to `dest`, an empty directory.
pub(crate) fn copy(scan: &Scan, dest: &Path) -> io::Result<()> {
    for (below, entry) in &scan.entries {
        let to = dest.join(below);
        match entry {
            ScanEntry::Directory => std::fs::create_dir(&to).map_err(|e| at(&to, e))?,
            ScanEntry::Symlink { target } => {
                std::os::unix::fs::symlink(target, &to).map_err(|e| at(&to, e))?;
            }
            ScanEntry::File {
                from, executable, ..
            } => {
                std::fs::copy(from, &to).map_err(|e| at(from, e))?;
                let mode = if *executable { 0o755 } else { 0o644 };
                std::fs::set_permissions(&to, std::fs::Permissions::from_mode(mode))
                    .map_err(|e| at(&to, e))?;
            }
        }
    }
    Ok(())
}

fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn invalid(path: &Path, problem: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{}: {problem}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editors_leftovers_do_not_change_the_identity() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.c"), "int a;").unwrap();
        let before = source_tree_id(&[dir.path().to_owned()]).unwrap();
        for noise in ["a.c~", ".a.c.swp", "a.c.rej", ".gitignore"] {
            std::fs::write(dir.path().join(noise), "x").unwrap();
        }
        assert_eq!(source_tree_id(&[dir.path().to_owned()]).unwrap(), before);
        std::fs::write(dir.path().join("b.c"), "").unwrap();
        assert_ne!(source_tree_id(&[dir.path().to_owned()]).unwrap(), before);
    }

    #[test]
    fn several_files_make_one_directory_and_names_must_differ() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        for file in ["a", "b", "d/a"] {
            std::fs::write(dir.path().join(file), file).unwrap();
        }
        let (id, scan) = scan(&[dir.path().join("a"), dir.path().join("b")]).unwrap();
        let copied = tempfile::tempdir().unwrap();
        copy(&scan, copied.path()).unwrap();
        assert_eq!(source_tree_id(&[copied.path().to_owned()]).unwrap(), id);
        let error = source_tree_id(&[dir.path().join("a"), dir.path().join("d/a")]).unwrap_err();
        assert!(error.to_string().contains("same name"), "{error}");
    }

    #[test]
    fn a_special_file_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("s")).unwrap();
        let error = source_tree_id(&[dir.path().to_owned()]).unwrap_err();
        assert!(error.to_string().contains("/s: it is neither"), "{error}");
    }
}
