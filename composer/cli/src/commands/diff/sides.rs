//! What two results are read from: trees of the store by their records, anything else from disk.
//!
//! `diff` and `verify` hand these to the differ. Invariant: nothing is laid out or changed by looking.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use xsc_diff::{Entry, Kind, Side};
use xsc_model::{DirectorySource, Node, TreeId};
use xsc_store::Store;

/// A tree of the store.
pub(crate) struct Stored<'a> {
    store: &'a Store,
    /// The directories that were listed so far.
    seen: RefCell<BTreeMap<String, TreeId>>,
}

impl<'a> Stored<'a> {
    pub(crate) fn new(store: &'a Store, tree: TreeId) -> Self {
        Stored {
            store,
            seen: RefCell::new(BTreeMap::from([(String::new(), tree)])),
        }
    }

    fn nodes(&self, path: &str) -> io::Result<BTreeMap<String, Node>> {
        let known = self.seen.borrow().get(path).copied();
        let tree = known.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let directory = self.store.directory(tree).map_err(io::Error::other)?;
        let entries = directory.entries.into_iter();
        Ok(entries
            .map(|(name, node)| (name.as_str().to_owned(), node))
            .collect())
    }
}

impl Side for Stored<'_> {
    fn list(&self, path: &str) -> io::Result<BTreeMap<String, Entry>> {
        let mut entries = BTreeMap::new();
        for (name, node) in self.nodes(path)? {
            let entry = match node {
                Node::Directory { tree } => {
                    let below = match path {
                        "" => name.clone(),
                        path => format!("{path}/{name}"),
                    };
                    self.seen.borrow_mut().insert(below, tree);
                    Entry {
                        kind: Kind::Directory,
                        id: Some(tree.to_string()),
                    }
                }
                Node::File {
                    blob,
                    size,
                    executable,
                } => Entry {
                    kind: Kind::File { size, executable },
                    id: Some(blob.to_string()),
                },
                Node::Symlink { target } => Entry {
                    kind: Kind::Symlink { target },
                    id: None,
                },
            };
            entries.insert(name, entry);
        }
        Ok(entries)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read>> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        match self.nodes(parent)?.get(name) {
            Some(Node::File { blob, size, .. }) if *size > 0 => {
                let file = self.store.open_blob(*blob).map_err(io::Error::other)?;
                Ok(Box::new(file))
            }
            Some(Node::File { .. }) => Ok(Box::new(io::empty())),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// A directory of this machine; a file is one with a single entry without a name of its own.
pub(crate) struct OnDisk {
    pub(crate) top: PathBuf,
}

/// What a file that stands alone is called.
const ALONE: &str = "content";

impl OnDisk {
    fn at(&self, path: &str) -> PathBuf {
        match path {
            "" => self.top.clone(),
            ALONE if self.top.is_file() => self.top.clone(),
            path => self.top.join(path),
        }
    }
}

impl Side for OnDisk {
    fn list(&self, path: &str) -> io::Result<BTreeMap<String, Entry>> {
        let dir = self.at(path);
        if dir.is_file() {
            let entry = entry(&dir)?;
            return Ok(BTreeMap::from([(ALONE.to_owned(), entry)]));
        }
        let mut entries = BTreeMap::new();
        for found in std::fs::read_dir(&dir)? {
            let found = found?;
            let name = found.file_name().to_string_lossy().into_owned();
            entries.insert(name, entry(&found.path())?);
        }
        Ok(entries)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(File::open(self.at(path))?))
    }
}

fn entry(path: &std::path::Path) -> io::Result<Entry> {
    let meta = path.symlink_metadata()?;
    let kind = if meta.is_dir() {
        Kind::Directory
    } else if meta.is_symlink() {
        Kind::Symlink {
            target: std::fs::read_link(path)?.to_string_lossy().into_owned(),
        }
    } else if meta.is_file() {
        Kind::File {
            size: meta.len(),
            executable: meta.permissions().mode() & 0o111 != 0,
        }
    } else {
        return Err(io::Error::other("it is a device, a pipe or a socket"));
    };
    // One inode is one content, as with files that trees of a store share.
    let id = meta
        .is_file()
        .then(|| format!("{}:{}", meta.dev(), meta.ino()));
    Ok(Entry { kind, id })
}
