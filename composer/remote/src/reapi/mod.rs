//! Engines that speak the Remote Execution API, version 2: as caches and to run actions.
//!
//! The command line makes a [`Reapi`] of each such endpoint; `docs/remote.md` says how to use one.
//! Threads block; the runtime that the protocol's library needs lives in `client` and does not
//! leave it. Invariant: an engine's digests are for transport; what a thing is, our own ids say.

mod caching;
mod cas;
mod client;
mod digest;
mod doctor;
mod endpoint;
mod execute;
mod index;
mod live;
mod outputs;
mod slots;
mod tree;

use xsc_store::Store;

use client::Client;
use index::Index;

pub use digest::DigestFunction;
pub use doctor::{Finding, Verdict};
pub use endpoint::{Breaker, EndpointSettings, EngineProfile, Patience};
pub use execute::{ExecuteError, Executed, RemoteCommand};

use crate::CacheError;

/// One engine and what this run knows of it. Nothing is connected until something is asked.
pub struct Reapi<'a> {
    client: Client,
    store: &'a Store,
    index: Index,
    deriver: tree::Deriver,
    memory: execute::Memory,
}

impl<'a> Reapi<'a> {
    /// An engine for the trees of `store`.
    ///
    /// # Errors
    ///
    /// This machine gives no threads.
    pub fn new(endpoint: EndpointSettings, store: &'a Store) -> Result<Reapi<'a>, CacheError> {
        Ok(Reapi {
            client: Client::new(endpoint)?,
            index: Index::new(store.dir().join("sha256-index")),
            store,
            deriver: tree::Deriver::default(),
            memory: execute::Memory::default(),
        })
    }

    /// Why the engine is not asked any more in this run, if so.
    pub fn dead(&self) -> Option<&str> {
        self.client.dead()
    }

    /// The digest function that was negotiated; connects if nothing did before.
    ///
    /// # Errors
    ///
    /// The engine cannot be reached, or offers no function that we know.
    pub fn digest_function(&self) -> Result<DigestFunction, CacheError> {
        Ok(self.client.connection()?.abilities.function)
    }
}
