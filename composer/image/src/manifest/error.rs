//! Why a manifest would not describe a file system.
//!
//! Invariant: every message names the path, and who put it there where that is known.

use std::fmt;

use super::{ImagePath, Origin};

/// A manifest that would not describe a file system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not an absolute path in its shortest form.
    #[error(
        "`{path}` is not a path inside an image: expected an absolute path in its shortest form, with names of 1 to 255 bytes"
    )]
    BadPath {
        /// What was given, escaped.
        path: String,
    },
    /// The directory that should hold the path is missing or is something else.
    #[error("`{path}` has no parent directory in the image")]
    NoParent {
        /// The path.
        path: ImagePath,
    },
    /// Two owners of one path.
    #[error("`{path}` is in the image already{}", owners(.first.as_ref(), .second.as_ref()))]
    Exists {
        /// The path.
        path: ImagePath,
        /// Who put it there.
        first: Option<Origin>,
        /// Who wants to put it there again.
        second: Option<Origin>,
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
    /// An extended attribute that Linux does not know or hold.
    #[error(
        "the attribute `{name}` of `{path}` is not valid: a name of at most 255 bytes that starts with `security.`, `system.`, `trusted.` or `user.`, and a value of at most 65536 bytes"
    )]
    BadXattr {
        /// The path.
        path: ImagePath,
        /// The attribute's name, escaped.
        name: String,
    },
    /// A directory with several names.
    #[error("`{path}` is a directory, and a directory has no hard links")]
    LinkedDirectory {
        /// The path.
        path: ImagePath,
    },
    /// A hard link to what is not there.
    #[error("`{path}` is to be a hard link to `{target}`, which is not in the image")]
    NoLinkTarget {
        /// The link.
        path: ImagePath,
        /// Where it should lead.
        target: ImagePath,
    },
    /// Names of one inode that disagree on what it is.
    #[error(
        "`{path}` and `{other}` are hard links of one file{}, and their content, mode, owner or attributes differ",
        owners(.first.as_ref(), .second.as_ref())
    )]
    LinksDiffer {
        /// The name that came second.
        path: ImagePath,
        /// The first name of the group.
        other: ImagePath,
        /// Who put the first there.
        first: Option<Origin>,
        /// Who put the second there.
        second: Option<Origin>,
    },
    /// The name of a user or group that cannot stand in `/etc/passwd`.
    #[error("`{name}` cannot be the name of the user or group {number}")]
    BadOwnerName {
        /// The number.
        number: u32,
        /// The name, escaped.
        name: String,
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

/// Who the two owners are, as the end of a phrase.
fn owners(first: Option<&Origin>, second: Option<&Origin>) -> impl fmt::Display {
    match (first, second) {
        (None, None) => String::new(),
        (first, second) => {
            let name = |origin: Option<&Origin>| match origin {
                Some(origin) => format!("`{origin}`"),
                None => "the recipe".to_owned(),
            };
            format!(": from {} and from {}", name(first), name(second))
        }
    }
}
