//! Fetching, the lock resolver and unpacking of archives.
//!
//! Called by the command line (`lock`, `update`, and before a build). Does network and files, prints nothing
//! and reads no environment: progress goes to a `FetchObserver`, settings come from the caller.
//! Invariant: no byte is used before its hash was checked, and no archive entry leaves its root.

mod apt_sources;
mod changes;
mod debian;
mod download;
mod error;
mod lock;
mod mirrors;
mod observer;
mod part;
mod transport;
mod unpack;

pub use apt_sources::read_apt_sources;
pub use changes::Change;
pub use debian::release::{ReleaseError, SignatureCheck};
pub use debian::version::compare_versions;
pub use download::{DownloadOptions, Downloader};
pub use error::{DownloadError, LocationFault};
pub use lock::{LockError, Resolver, Which};
pub use mirrors::{MirrorError, Mirrors, mirror_variable};
pub use observer::{FetchObserver, Silent};
pub use transport::TransportOptions;
pub use unpack::{Compression, UnpackError, UnpackOptions, Unpacked, unpack_deb, unpack_tar};
