//! The typed TOML files: profiles, flake-like.toml and its lock.
//!
//! Called by the command line (to load a profile), by `xsc-fetch` (to resolve and write the lock) and by the
//! recipe evaluator (options and inputs). Nothing here opens a file: callers pass the text and the name to
//! show in messages. Invariant: a file with a key nobody reads never parses.

mod config;
mod data;
mod error;
mod flake;
mod lock;
mod lock_text;
mod profile;
mod reader;
mod suggest;

pub use config::{
    DigestChoice, Endpoint, EndpointTable, EngineKind, NoAddress, UserConfig, merge_endpoints,
    url_fault,
};
pub use data::{Data, Entry};
pub use error::{Problem, TomlError};
pub use flake::{
    ArchiveRef, DebianPackages, DebianSource, FileInput, FlakeLike, Input, InputKind, Mirror,
    MirrorFrom, TrustTable,
};
pub use lock::{
    Lock, LockedArchive, LockedContent, LockedFile, LockedInput, LockedPackage, Signature,
    StaleInput, cache_url,
};
pub use profile::{ImageKind, Profile, System, TestSettings, Variant};
pub use reader::At;
pub use suggest::closest;
