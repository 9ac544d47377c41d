//! What an endpoint that shares results can do: a directory, an HTTP server, a Remote Execution
//! API server.
//!
//! `transfer` and the substituter call it, from several threads at once. Invariant: an
//! implementation moves bytes and decides nothing: the caller checks signatures and digests.

use std::io::{Read, Write};

use xsc_model::{ActionId, Digest, TreeId};

use crate::PublicKey;

/// What kind of thing a blob is; an endpoint may keep kinds apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobKind {
    /// The content of a file of a tree.
    File,
    /// The log of a build.
    Log,
}

/// Bytes by what they are: BLAKE3-256 of the raw bytes, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob {
    /// What kind of thing it is.
    pub kind: BlobKind,
    /// BLAKE3-256 of the bytes.
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
}

/// What became of a request to an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The endpoint works and does not have it.
    #[error("{cache} does not have {what}")]
    Absent {
        /// The endpoint's name.
        cache: String,
        /// What was asked for.
        what: String,
    },
    /// The endpoint cannot be reached or does not answer: it is not asked again in this run.
    #[error("{cache} is not available: {problem}")]
    Unavailable {
        /// The endpoint's name.
        cache: String,
        /// What happened.
        problem: String,
    },
    /// The endpoint answered and will not: no right to write, no such instance, wrong request.
    #[error("{cache} refuses {what}: {problem}")]
    Refused {
        /// The endpoint's name.
        cache: String,
        /// What was asked for.
        what: String,
        /// What it said.
        problem: String,
    },
    /// The endpoint gave something that is not what was asked for.
    #[error("{what} in {cache} is damaged: {problem}")]
    Damaged {
        /// The endpoint's name.
        cache: String,
        /// What was asked for.
        what: String,
        /// How.
        problem: String,
    },
    /// A file of this machine could not be read or written: no fault of the endpoint.
    #[error("cannot {action}")]
    Local {
        /// What was being done, with the path.
        action: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// An error and its causes in one line, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let inner = cause.to_string();
        if !text.contains(&inner) {
            text = format!("{text}: {inner}");
        }
        source = cause.source();
    }
    text
}

/// What `get_many` calls with each blob: all of its bytes, or why there are none. An error of its
/// own ends the whole request.
pub type Received<'a> =
    dyn FnMut(&Blob, Result<Vec<u8>, CacheError>) -> Result<(), CacheError> + 'a;

/// One endpoint. Blocking; called from several threads.
///
/// A tree travels as two things: its directories' records, in one piece by the tree's id, and its
/// files as blobs. So an endpoint never needs to know a size or a digest of another kind that our
/// own ids do not carry.
pub trait Cache: Send + Sync {
    /// What messages call it.
    fn name(&self) -> &str;

    /// What signers said of `action`: signed bytes, unverified, as many as there are. `keys` are
    /// those that count: an endpoint that can only look up by signer asks for these.
    fn statements(&self, action: &ActionId, keys: &[PublicKey])
    -> Result<Vec<Vec<u8>>, CacheError>;

    /// Keeps a signed statement, in the place of what the same key said of the action before.
    fn publish(
        &self,
        action: &ActionId,
        key: &PublicKey,
        statement: &[u8],
    ) -> Result<(), CacheError>;

    /// The records of all directories of a tree, in the form that `put_directories` was given.
    /// Called before any file of the tree is asked for: an endpoint may have to learn here where
    /// the files are, or what it calls them.
    fn directories(&self, tree: &TreeId) -> Result<Vec<u8>, CacheError>;

    /// Keeps the records of a tree, after all its `files` (each once, no empty ones) were put.
    /// Where this succeeded, the endpoint has the whole tree.
    fn put_directories(
        &self,
        tree: &TreeId,
        records: &[u8],
        files: &[Blob],
    ) -> Result<(), CacheError>;

    /// Which of `trees` the endpoint has not been given whole, as far as it can tell at no great
    /// cost.
    fn missing_trees(&self, trees: &[TreeId]) -> Result<Vec<TreeId>, CacheError>;

    /// Which of `blobs` the endpoint does not have.
    fn missing(&self, blobs: &[Blob]) -> Result<Vec<Blob>, CacheError>;

    /// Writes a blob's bytes to `into`, in the order in which they are. The caller verifies them.
    fn get(&self, blob: &Blob, into: &mut dyn Write) -> Result<(), CacheError>;

    /// Keeps a blob whose bytes come from `from`.
    fn put(&self, blob: &Blob, from: &mut dyn Read) -> Result<(), CacheError>;

    /// Many small blobs at once, in any order; `each` is called once for every one of `blobs`.
    fn get_many(&self, blobs: &[Blob], each: &mut Received<'_>) -> Result<(), CacheError> {
        for blob in blobs {
            let mut bytes = Vec::with_capacity(blob.size as usize);
            match self.get(blob, &mut bytes) {
                Ok(()) => each(blob, Ok(bytes))?,
                Err(error @ CacheError::Unavailable { .. }) => return Err(error),
                Err(error) => each(blob, Err(error))?,
            }
        }
        Ok(())
    }

    /// Called after the last of what a run puts: it is on the disk when this returns.
    fn finish(&self) -> Result<(), CacheError> {
        Ok(())
    }

    /// Many small blobs at once.
    fn put_many(&self, blobs: &[(Blob, Vec<u8>)]) -> Result<(), CacheError> {
        for (blob, bytes) in blobs {
            self.put(blob, &mut bytes.as_slice())?;
        }
        Ok(())
    }
}
