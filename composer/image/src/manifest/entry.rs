//! One entry of a manifest: what a path is, whose it is, and who put it there.
//!
//! The manifest keeps them by path. Invariant: an entry says everything that a file system keeps
//! of a path but its time, which is the image's.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use xsc_model::BlobId;

use super::ImagePath;

/// Extended attributes: full names, such as `security.capability`, with their values.
pub type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

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
        target: Vec<u8>,
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
    /// A socket that some program bound.
    Socket,
}

impl Kind {
    /// The number that a directory entry has for it, in ext4 as in EROFS.
    pub(crate) fn entry_type(&self) -> u8 {
        match self {
            Kind::File { .. } => 1,
            Kind::Directory => 2,
            Kind::CharDevice { .. } => 3,
            Kind::BlockDevice { .. } => 4,
            Kind::Fifo => 5,
            Kind::Socket => 6,
            Kind::Symlink { .. } => 7,
        }
    }
}

/// Paths with the same number are names of one inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkGroup(pub u32);

/// Who put an entry into the image: a derivation or a package, by name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(Arc<str>);

impl Origin {
    /// An origin of that name.
    pub fn new(name: &str) -> Self {
        Origin(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// One path's kind, mode, owner and attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky, at most 0o7777.
    pub mode: u32,
    /// The owner's number; the manifest has the name.
    pub uid: u32,
    /// The group's number; the manifest has the name.
    pub gid: u32,
    /// Extended attributes, capabilities among them.
    pub xattrs: Xattrs,
    /// The hard links that this is one of.
    pub link: Option<LinkGroup>,
    /// Who put it there.
    pub origin: Option<Origin>,
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
            xattrs: Xattrs::new(),
            link: None,
            origin: None,
        }
    }

    /// The same entry with another mode.
    pub fn with_mode(self, mode: u32) -> Self {
        Entry { mode, ..self }
    }

    /// The same entry, put there by `origin`.
    pub fn from_origin(self, origin: Origin) -> Self {
        Entry {
            origin: Some(origin),
            ..self
        }
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
            Kind::Socket => 0o140000,
        };
        kind | self.mode
    }

    /// Whether the two can be names of one inode.
    pub(super) fn same_inode(&self, other: &Entry) -> bool {
        (self.mode, self.uid, self.gid) == (other.mode, other.uid, other.gid)
            && self.kind == other.kind
            && self.xattrs == other.xattrs
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
    /// Extended attributes to add.
    pub xattrs: Xattrs,
    /// A node to make; the path must be free, except that a directory may exist already.
    pub create: Option<NewNode>,
}

impl Override {
    /// A change of nothing at `path`.
    pub fn new(path: ImagePath) -> Self {
        Override {
            path,
            mode: None,
            uid: None,
            gid: None,
            xattrs: Xattrs::new(),
            create: None,
        }
    }
}

/// A node that an override makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewNode {
    /// A directory.
    Directory,
    /// A symbolic link to this text.
    Symlink(Vec<u8>),
    /// A character device, major and minor.
    CharDevice(u32, u32),
    /// A block device, major and minor.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// Another name of what is at this path already.
    HardLink(ImagePath),
}
