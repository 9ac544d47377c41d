//! What we read of a Debian archive: signed index, package and source lists, versions, dependencies.
//!
//! Used by `lock` only; a build never looks at an archive.
//! Invariant: nothing of an index is used before its hash was checked against the Release file.

pub(crate) mod archive;
pub(crate) mod closure;
pub(crate) mod control;
pub(crate) mod dependency;
pub(crate) mod index;
pub(crate) mod release;
pub(crate) mod version;
