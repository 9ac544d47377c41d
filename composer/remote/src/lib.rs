//! Shared caches: who said what an action produced, whom we believe, and how trees travel.
//!
//! The command line wires it to the engine. Invariant: nothing that an endpoint answers is used
//! before it is verified: a statement by its signature, an object by its BLAKE3 digest.

mod attestation;
mod cache;
mod dir;
mod http;
mod log;
mod pack;
mod parallel;
pub mod reapi;
mod set;
mod statement;
mod transfer;
mod trust;

pub use attestation::{Attestation, Found, SignedAttestation};
pub use cache::{Blob, BlobKind, Cache, CacheError, Received};
pub use dir::StaticCache;
pub use http::HttpOptions;
pub use log::{heard_before, note};
pub use set::{CacheSet, Endpoint, FetchError, PushError, Pushed, Signer};
pub use statement::{
    InvalidKey, KeyName, PublicKey, SecretKey, SignedStatement, Statement, StatementError,
};
pub use transfer::{Progress, Sent, TransferError};
pub use trust::{Believed, Heard, Reason, Refusal, Trust, TrustError};
