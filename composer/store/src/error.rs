//! What can go wrong, one enum an operation; every variant names the file or the tree.
//!
//! All of them wrap [`FileError`] for failed system calls. Invariant: a full disk is told apart
//! from other failures, whichever operation meets it.

use std::io;
use std::path::{Path, PathBuf};

use xsc_model::{BlobId, DecodeError, TreeId};

use crate::FoundIn;

/// A system call on a file failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct FileError {
    /// What was being done, such as `read`.
    pub action: &'static str,
    /// To which file.
    pub path: PathBuf,
    /// Why it failed.
    #[source]
    pub source: io::Error,
}

impl FileError {
    pub(crate) fn new(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        FileError {
            action,
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// Whether the disk is full or the user's quota is used up.
    pub fn is_disk_full(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}

/// Attaches the action and the path to a failed system call.
pub(crate) trait Context<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, FileError>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError::new(action, path, source))
    }
}

macro_rules! disk_full {
    ($($name:ident),*) => {$(
        impl $name {
            /// Whether the disk is full or the user's quota is used up.
            pub fn is_disk_full(&self) -> bool {
                match self {
                    $name::File(error) => error.is_disk_full(),
                    #[allow(unreachable_patterns)]
                    _ => false,
                }
            }
        }
    )*};
}

disk_full!(OpenError, StoreError, RootError, GcError, VerifyError);

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A system call failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The directory holds other things and is no store.
    #[error("`{}` is not a store and not empty: it contains `{entry}`", dir.display())]
    NotAStore {
        /// The directory.
        dir: PathBuf,
        /// One thing in it that no store has.
        entry: String,
    },
    /// The store was made by a newer composer.
    #[error("the store `{}` has format {found}, this composer knows up to {known}", dir.display())]
    Newer {
        /// The directory.
        dir: PathBuf,
        /// Its format.
        found: String,
        /// The newest that is known.
        known: u64,
    },
}

/// Why a directory cannot become a tree.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A system call failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is to be added is no directory.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory {
        /// What was given.
        path: PathBuf,
    },
    /// The directory lies on another file system, so nothing can be linked.
    #[error("`{}` is not on the file system of the store", path.display())]
    OtherFileSystem {
        /// What was given.
        path: PathBuf,
    },
    /// A tree has files, directories and links only.
    #[error("`{path}` is a {kind}, which a tree cannot hold")]
    SpecialFile {
        /// Below the directory.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A name or the target of a link is not UTF-8.
    #[error("the {what} of `{path}` is not UTF-8")]
    NotUtf8 {
        /// Below the directory, with replacement characters.
        path: String,
        /// `name` or `link target`.
        what: &'static str,
    },
    /// Something that outputs must not contain was found.
    #[error("`{path}` contains {what} ({found})")]
    Forbidden {
        /// Below the directory.
        path: String,
        /// What the bytes stand for, as the caller named it.
        what: String,
        /// Where they are.
        found: FoundIn,
    },
    /// A file was changed while it was being added.
    #[error("`{path}` changed while it was being added")]
    Changed {
        /// Below the directory.
        path: String,
    },
    /// A directory refers to one that the store does not have.
    #[error("directory {tree} is not in the store")]
    MissingDirectory {
        /// Which.
        tree: TreeId,
    },
}

impl IngestError {
    /// Whether the disk is full or the user's quota is used up.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, IngestError::File(error) if error.is_disk_full())
    }
}

/// Why something cannot be read from the store, recorded in it or locked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A system call failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store has no such directory.
    #[error("directory {tree} is not in the store")]
    MissingDirectory {
        /// Which.
        tree: TreeId,
    },
    /// The stored encoding of a directory is damaged.
    #[error("the record of directory {tree} is damaged")]
    DamagedDirectory {
        /// Which.
        tree: TreeId,
        /// How.
        #[source]
        source: DecodeError,
    },
    /// The store has no such content.
    #[error("object {blob} is not in the store")]
    MissingObject {
        /// Which.
        blob: BlobId,
    },
    /// A file of a tree that is to be laid out is not in the store.
    #[error("`{path}` of tree {tree} is not in the store: object {blob}")]
    MissingFile {
        /// The tree.
        tree: TreeId,
        /// The path in it.
        path: String,
        /// The missing content.
        blob: BlobId,
    },
    /// The caller gave up waiting for a lock.
    #[error("waiting for another process was cancelled")]
    Cancelled,
}

/// Why a root cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// A system call failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The link's place is taken by something that is no link.
    #[error("`{}` exists and is not a symbolic link", path.display())]
    NotALink {
        /// The place.
        path: PathBuf,
    },
    /// The path cannot be written into a root's record.
    #[error("`{}` cannot be a root: its path is not one line of UTF-8", path.display())]
    UnsupportedPath {
        /// The path.
        path: PathBuf,
    },
}

/// Why garbage cannot be collected.
#[derive(Debug, thiserror::Error)]
pub enum GcError {
    /// A system call failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A composer is using the store.
    #[error("the store is in use by another composer")]
    Busy,
    /// A live tree cannot be read, so what is garbage cannot be known.
    #[error("a tree that a root keeps cannot be read; run `store verify` first")]
    Live {
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// Why a store cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A system call failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A composer is using the store, and a repair needs it alone.
    #[error("the store is in use by another composer")]
    Busy,
}
