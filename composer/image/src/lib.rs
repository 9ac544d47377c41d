//! Deterministic image writers: hybrid ISO 9660, GPT disks, FAT, ext4, EROFS, cpio, tar and OCI layouts; and readers.
//!
//! Every writer is a pure function of a [`Manifest`], the blobs it names and a few parameters; the
//! builtin builders of `build` call them. Invariant: no clock, no randomness, no environment, no
//! root: identifiers come from a seed digest and times from one epoch, so the same inputs give
//! the same bytes on every host.

mod blobs;
mod compress;
pub mod cpio;
pub mod disk;
pub mod erofs;
pub mod ext4;
pub mod fat;
mod gzip;
pub mod iso;
mod manifest;
mod mbr;
pub mod oci;
pub mod oci_bundle;
pub mod oci_layers;
pub mod qcow2;
pub mod read;
pub mod sbom;
mod seed;
pub mod tar;
mod time;
pub mod verity;

pub use blobs::{BlobSource, CopyError, MemoryBlobs};
pub use compress::Compression;
pub use manifest::{
    Entry, FromTreeError, ImagePath, Kind, LinkGroup, Manifest, ManifestError, ManifestTextError,
    NewNode, Origin, Override, Xattrs,
};
pub use time::EpochError;
