//! What can go wrong while a file is fetched.
//!
//! Returned by `download`; the command line turns `HashMismatch` into exit code 102.
//! Invariant: each message names the file, and what was tried where.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why one address did not give the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocationFault {
    /// The address, as tried; a `mirror://` address if its mirror is not known.
    pub url: String,
    /// What happened there.
    pub fault: String,
}

/// A file that could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// A location gave a file, but another one, and no other location gave the right one.
    #[error(
        "hash mismatch for {name} from {url}\n  expected sha256 {expected}\n       got sha256 {got}\n  \
         the file is kept at {}", kept_at.display()
    )]
    HashMismatch {
        /// Name of the file.
        name: String,
        /// Where it came from.
        url: String,
        /// SHA-256 in the lock.
        expected: String,
        /// SHA-256 of what came.
        got: String,
        /// Where the wrong file was put aside.
        kept_at: PathBuf,
    },
    /// No location gave the file.
    #[error("can't fetch {name}; tried{}", list(faults))]
    Unreachable {
        /// Name of the file.
        name: String,
        /// Every address and what happened there.
        faults: Vec<LocationFault>,
    },
    /// The file system is full.
    #[error("no space left for {} ({size} bytes)", path.display())]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
        /// Its full size in bytes.
        size: u64,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The file system refused something else.
    #[error("can't {action} {}", path.display())]
    File {
        /// What was being done, as a verb.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The caller asked to stop.
    #[error("fetching {name} was cancelled")]
    Cancelled {
        /// Name of the file.
        name: String,
    },
    /// The proxy address the caller gave is none.
    #[error("`{proxy}` is not the address of a proxy")]
    Proxy {
        /// The address.
        proxy: String,
        /// What is wrong with it.
        #[source]
        source: Box<ureq::Error>,
    },
}

fn list(faults: &[LocationFault]) -> impl fmt::Display + '_ {
    struct List<'a>(&'a [LocationFault]);
    impl fmt::Display for List<'_> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            for fault in self.0 {
                write!(out, "\n  {}: {}", fault.url, fault.fault)?;
            }
            Ok(())
        }
    }
    List(faults)
}

impl DownloadError {
    pub(crate) fn file(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| DownloadError::File {
            action,
            path,
            source,
        }
    }
}
