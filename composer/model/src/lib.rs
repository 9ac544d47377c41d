//! The nouns of the composer: digests, trees, derivations, actions and realisations, with their
//! canonical encodings. Every other crate uses it; it uses none of them.
//!
//! Invariant: nothing here touches a file, a clock, the environment or the network. Two machines
//! that build the same value get the same bytes and so the same identity.

mod action;
mod derivation;
mod digest;
mod encode;
mod graph;
mod merge;
mod name;
mod param;
mod realisation;
mod tree;

pub use action::{Action, Placement};
pub use derivation::{
    Builder, BuiltinName, Cores, Derivation, Exec, Fetch, Input, InputMode, InputSource, Resources,
};
pub use digest::{ActionId, BlobId, Digest, DrvId, ParseDigestError, TreeId};
pub use encode::{DecodeError, Decoder, Encoder};
pub use graph::{Graph, dependencies};
pub use merge::{DirectorySource, MergeError, Merged, merge_trees};
pub use name::{DrvName, EntryName, InvalidName, MountPoint, OutputName, ParseSystemError, System};
pub use param::Param;
pub use realisation::{ParseRealisationError, Realisation};
pub use tree::{Directory, Node};
