//! What an image contains: a sorted map of absolute paths to entries with owner and mode.
//!
//! Made from a tree of the store plus overrides; every writer reads it. Trees carry no owner, no
//! full mode and no device nodes, so those exist here and on no builder's disk. Invariant: the
//! root and the parent of every entry are in the map and are directories.

use std::collections::BTreeMap;
use std::fmt;

use xsc_model::{BlobId, DirectorySource, EntryName, Node, TreeId};

/// An absolute path inside an image, `/` or in its shortest form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImagePath(String);

impl ImagePath {
    /// Validates `path`: `/`, or `/` before each of one or more valid names.
    pub fn new(path: impl Into<String>) -> Result<Self, ManifestError> {
        let path = path.into();
        let valid = path == "/"
            || path
                .strip_prefix('/')
                .is_some_and(|rest| rest.split('/').all(|name| EntryName::new(name).is_ok()));
        if valid {
            Ok(ImagePath(path))
        } else {
            Err(ManifestError::BadPath { path })
        }
    }

    /// `/`.
    pub fn root() -> Self {
        ImagePath("/".to_owned())
    }

    /// The path of `name` in this directory.
    pub fn join(&self, name: &EntryName) -> Self {
        let separator = if self.is_root() { "" } else { "/" };
        ImagePath(format!("{}{separator}{name}", self.0))
    }

    /// The directory that holds this path; none for `/`.
    pub fn parent(&self) -> Option<ImagePath> {
        match self.0.rfind('/') {
            _ if self.is_root() => None,
            Some(0) => Some(Self::root()),
            Some(at) => Some(ImagePath(self.0[..at].to_owned())),
            None => None,
        }
    }

    /// The last component; empty for `/`.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }

    /// The path as text, with its leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its leading `/`; empty for the root.
    pub fn relative(&self) -> &str {
        &self.0[1..]
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File {
        /// The content.
        blob: BlobId,
        /// Bytes.
        size: u64,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// The text of the link, never resolved.
        target: String,
    },
    /// A character device.
    CharDevice {
        /// The driver.
        major: u32,
        /// The unit.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// The driver.
        major: u32,
        /// The unit.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// One path's kind, mode and owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky, at most 0o7777.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

impl Entry {
    /// An entry of root's with the usual mode: 0755 for directories, 0777 for links, else 0644.
    pub fn new(kind: Kind) -> Self {
        let mode = match kind {
            Kind::Directory => 0o755,
            Kind::Symlink { .. } => 0o777,
            _ => 0o644,
        };
        Entry {
            kind,
            mode,
            uid: 0,
            gid: 0,
        }
    }

    /// The same entry with another mode.
    pub fn with_mode(self, mode: u32) -> Self {
        Entry { mode, ..self }
    }

    /// The mode with the bits of the file type, as `st_mode` has it.
    pub(crate) fn st_mode(&self) -> u32 {
        let kind = match self.kind {
            Kind::Fifo => 0o010000,
            Kind::CharDevice { .. } => 0o020000,
            Kind::Directory => 0o040000,
            Kind::BlockDevice { .. } => 0o060000,
            Kind::File { .. } => 0o100000,
            Kind::Symlink { .. } => 0o120000,
        };
        kind | self.mode
    }
}

/// A change to what a tree gives: other bits on a path, or a path that no tree can carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The path.
    pub path: ImagePath,
    /// The new mode, where it changes.
    pub mode: Option<u32>,
    /// The new owner, where it changes.
    pub uid: Option<u32>,
    /// The new group, where it changes.
    pub gid: Option<u32>,
    /// A node to make; the path must be free, except that a directory may exist already.
    pub create: Option<NewNode>,
}

/// A node that an override makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewNode {
    /// A directory.
    Directory,
    /// A symbolic link to this text.
    Symlink(String),
    /// A character device, major and minor.
    CharDevice(u32, u32),
    /// A block device, major and minor.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
}

impl From<NewNode> for Kind {
    fn from(node: NewNode) -> Self {
        match node {
            NewNode::Directory => Kind::Directory,
            NewNode::Symlink(target) => Kind::Symlink { target },
            NewNode::CharDevice(major, minor) => Kind::CharDevice { major, minor },
            NewNode::BlockDevice(major, minor) => Kind::BlockDevice { major, minor },
            NewNode::Fifo => Kind::Fifo,
        }
    }
}

/// A manifest that would not describe a file system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not an absolute path in its shortest form.
    #[error(
        "`{path}` is not a path inside an image: expected an absolute path in its shortest form"
    )]
    BadPath {
        /// What was given.
        path: String,
    },
    /// The directory that should hold the path is missing or is something else.
    #[error("`{path}` has no parent directory in the image")]
    NoParent {
        /// The path.
        path: ImagePath,
    },
    /// The path is there already.
    #[error("`{path}` is in the image already")]
    Exists {
        /// The path.
        path: ImagePath,
    },
    /// An override names a path that is not there.
    #[error("`{path}` is not in the image, so its mode or owner cannot be changed")]
    NotFound {
        /// The path.
        path: ImagePath,
    },
    /// A mode with bits that are no permissions.
    #[error("`{path}` has the mode {mode:o}, which is more than 7777")]
    BadMode {
        /// The path.
        path: ImagePath,
        /// The mode.
        mode: u32,
    },
    /// A symbolic link that no file system accepts.
    #[error(
        "the target of the link `{path}` must be 1 to 4095 bytes without NUL, and has {length}"
    )]
    BadTarget {
        /// The link.
        path: ImagePath,
        /// Bytes of the target.
        length: usize,
    },
}

/// A tree could not be read into a manifest.
#[derive(Debug, thiserror::Error)]
pub enum FromTreeError<E: std::error::Error + 'static> {
    /// A directory could not be read.
    #[error("cannot read the directory `{path}`")]
    Lookup {
        /// Where it is in the image.
        path: ImagePath,
        /// Why.
        #[source]
        source: E,
    },
    /// An override or an entry does not fit.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// The longest symbolic link, in bytes, that Linux resolves.
const LONGEST_TARGET: usize = 4095;

/// The content of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    entries: BTreeMap<ImagePath, Entry>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self::new()
    }
}

impl Manifest {
    /// An image with nothing but its root directory.
    pub fn new() -> Self {
        let root = Entry::new(Kind::Directory);
        Manifest {
            entries: BTreeMap::from([(ImagePath::root(), root)]),
        }
    }

    /// A manifest of these entries in any order; `/` is added where it is not among them.
    pub fn from_entries(
        entries: impl IntoIterator<Item = (ImagePath, Entry)>,
    ) -> Result<Self, ManifestError> {
        let mut sorted = BTreeMap::new();
        for (path, entry) in entries {
            if sorted.contains_key(&path) {
                return Err(ManifestError::Exists { path });
            }
            sorted.insert(path, entry);
        }
        let mut manifest = Self::new();
        for (path, entry) in sorted {
            if path.is_root() {
                check(&path, &entry)?;
                if entry.kind != Kind::Directory {
                    return Err(ManifestError::NoParent { path });
                }
                manifest.entries.insert(path, entry);
            } else {
                manifest.insert(path, entry)?;
            }
        }
        Ok(manifest)
    }

    /// The manifest of a tree: directories 0755, executable files 0755, others 0644, all of
    /// root's; then the overrides, in their order.
    pub fn from_tree<S: DirectorySource>(
        root: TreeId,
        source: &S,
        overrides: &[Override],
    ) -> Result<Self, FromTreeError<S::Error>> {
        let mut manifest = Self::new();
        let mut pending = vec![(ImagePath::root(), root)];
        while let Some((path, tree)) = pending.pop() {
            let directory = match source.directory(tree) {
                Ok(directory) => directory,
                Err(source) => return Err(FromTreeError::Lookup { path, source }),
            };
            for (name, node) in directory.entries {
                let below = path.join(&name);
                let entry = match node {
                    Node::File {
                        blob,
                        size,
                        executable,
                    } => Entry::new(Kind::File { blob, size }).with_mode(if executable {
                        0o755
                    } else {
                        0o644
                    }),
                    Node::Directory { tree } => {
                        pending.push((below.clone(), tree));
                        Entry::new(Kind::Directory)
                    }
                    Node::Symlink { target } => Entry::new(Kind::Symlink { target }),
                };
                manifest.insert(below, entry)?;
            }
        }
        for change in overrides {
            manifest.apply(change)?;
        }
        Ok(manifest)
    }

    /// Adds a path; its parent must be there and the path must be free.
    pub fn insert(&mut self, path: ImagePath, entry: Entry) -> Result<(), ManifestError> {
        check(&path, &entry)?;
        if self.entries.contains_key(&path) {
            return Err(ManifestError::Exists { path });
        }
        let parent = path.parent().and_then(|parent| self.entries.get(&parent));
        if parent.is_none_or(|parent| parent.kind != Kind::Directory) {
            return Err(ManifestError::NoParent { path });
        }
        self.entries.insert(path, entry);
        Ok(())
    }

    /// Applies one override.
    pub fn apply(&mut self, change: &Override) -> Result<(), ManifestError> {
        let path = &change.path;
        if let Some(node) = &change.create {
            let kind = Kind::from(node.clone());
            let there = self.entries.get(path).map(|entry| &entry.kind);
            if there != Some(&Kind::Directory) || kind != Kind::Directory {
                self.insert(path.clone(), Entry::new(kind))?;
            }
        }
        let Some(entry) = self.entries.get_mut(path) else {
            return Err(ManifestError::NotFound { path: path.clone() });
        };
        let changed = Entry {
            kind: entry.kind.clone(),
            mode: change.mode.unwrap_or(entry.mode),
            uid: change.uid.unwrap_or(entry.uid),
            gid: change.gid.unwrap_or(entry.gid),
        };
        check(path, &changed)?;
        *entry = changed;
        Ok(())
    }

    /// The entry at a path.
    pub fn get(&self, path: &ImagePath) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// All entries, `/` first, a directory before what is in it.
    pub fn iter(&self) -> impl Iterator<Item = (&ImagePath, &Entry)> {
        self.entries.iter()
    }
}

fn check(path: &ImagePath, entry: &Entry) -> Result<(), ManifestError> {
    if entry.mode > 0o7777 {
        return Err(ManifestError::BadMode {
            path: path.clone(),
            mode: entry.mode,
        });
    }
    match &entry.kind {
        Kind::Symlink { target }
            if target.is_empty() || target.len() > LONGEST_TARGET || target.contains('\0') =>
        {
            Err(ManifestError::BadTarget {
                path: path.clone(),
                length: target.len(),
            })
        }
        _ => Ok(()),
    }
}
