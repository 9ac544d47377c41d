//! Unpacks archives below a directory and nowhere else.
//!
//! Called by the builtin builders that make a tree of a seed package or a source tarball.
//! Invariants: every path is opened through a `cap-std` directory handle, so an entry that would leave the
//! root is an error whatever symbolic links stand in its way; what is written has no owner, no time and no
//! mode bit besides "executable"; scripts in a package are never looked at.

mod deb;
mod destination;
mod options;
mod stream;
mod tarball;

use std::io;

pub use deb::unpack_deb;
pub use options::UnpackOptions;
pub use stream::Compression;
pub use tarball::unpack_tar;

/// What an archive held, as far as it was unpacked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Regular files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Directory entries.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Hard links.
    pub hard_links: u64,
    /// Files whose set-user-id or set-group-id bit was dropped.
    pub set_id_dropped: u64,
    /// Entries left out by the options.
    pub left_out: u64,
}

/// An archive that can't be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// An entry's path is absolute or climbs with `..`.
    #[error("entry `{path}` leaves the root")]
    Escape {
        /// The path in the archive.
        path: String,
    },
    /// A hard link's target is absolute or climbs with `..`.
    #[error("hard link `{path}` leads to `{target}`, which leaves the root")]
    LinkEscape {
        /// The path in the archive.
        path: String,
        /// The target in the archive.
        target: String,
    },
    /// A hard link's target was not unpacked.
    #[error("hard link `{path}` leads to `{target}`, which is not there")]
    LinkTarget {
        /// The path in the archive.
        path: String,
        /// The target in the archive.
        target: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A directory on the way to an entry is a symbolic link that leaves the root, or a loop.
    #[error("entry `{path}` goes through a symbolic link that leaves the root")]
    ThroughLink {
        /// The path in the archive.
        path: String,
        /// What the confined lookup said.
        #[source]
        source: io::Error,
    },
    /// A device, a pipe or something unknown.
    #[error("entry `{path}` is a {kind}, which no tree may hold")]
    Kind {
        /// The path in the archive.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A directory and something else share one path.
    #[error("entry `{path}` is in the way of another: {reason}")]
    Conflict {
        /// The path in the archive.
        path: String,
        /// Which is what.
        reason: &'static str,
    },
    /// The archive is damaged, cut short or of another format.
    #[error("the archive is damaged{}", after(path))]
    Damaged {
        /// The last entry that was begun.
        path: Option<String>,
        /// What the decoder said.
        #[source]
        source: io::Error,
    },
    /// The file is no Debian package.
    #[error("not a Debian package: {reason}")]
    NotDeb {
        /// What is wrong.
        reason: &'static str,
    },
    /// The file system is full.
    #[error("no space left for entry `{path}`")]
    DiskFull {
        /// The path in the archive.
        path: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The file system refused something else.
    #[error("can't write entry `{path}`")]
    Write {
        /// The path in the archive.
        path: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A pattern of the options is malformed.
    #[error("`{pattern}` is no pattern: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        reason: &'static str,
    },
}

fn after(path: &Option<String>) -> String {
    let path = path.as_ref();
    path.map_or_else(String::new, |p| format!(", at or after `{p}`"))
}
