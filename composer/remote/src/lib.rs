//! Shared caches: who said what an action produced, whom we believe, and how trees travel.
//!
//! The command line wires it to the engine. Invariant: nothing that an endpoint answers is used
//! before it is verified: a statement by its signature, an object by its BLAKE3 digest.

mod cache;
mod statement;

pub use cache::{Blob, BlobKind, Cache, CacheError, Received};
pub use statement::{
    InvalidKey, KeyName, PublicKey, SecretKey, SignedStatement, Statement, StatementError,
};
