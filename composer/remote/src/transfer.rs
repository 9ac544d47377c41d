//! Trees up and down over any endpoint: in parallel, small files together, every object verified.
//!
//! The set of caches calls it. Invariant: bytes from an endpoint go into the store only through
//! `xsc_store::TreeImport`, which checks their digest; what fails names endpoint and object.

use std::io::Read;

use xsc_model::{BlobId, TreeId};
use xsc_store::{ImportError, Store, StoreError, TreeImport};

use crate::cache::{Blob, BlobKind, Cache, CacheError};
use crate::parallel::parallel;

/// A file of at most this many bytes is moved together with others.
const SMALL: u64 = 128 << 10;
/// How much is moved together.
const BATCH_BYTES: u64 = 4 << 20;
const BATCH_FILES: usize = 2000;
/// Requests to one endpoint at once.
const THREADS: usize = 4;

/// Is told how many bytes of objects came since the last call.
pub type Progress<'a> = dyn Fn(u64) + Sync + 'a;

/// Why a tree could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The endpoint.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The endpoint gave bytes that are not those of the object.
    #[error("{cache} gave a damaged object")]
    Wrong {
        /// The endpoint's name.
        cache: String,
        /// Which object, and what the bytes are.
        #[source]
        source: ImportError,
    },
    /// This machine's store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This machine's store, while an object entered it.
    #[error(transparent)]
    Import(ImportError),
}

impl TransferError {
    /// Whether this machine is at fault: another endpoint would not help.
    pub fn is_local(&self) -> bool {
        matches!(
            self,
            TransferError::Store(_)
                | TransferError::Import(_)
                | TransferError::Cache(CacheError::Local { .. })
        )
    }

    /// Whether this machine's disk is full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            TransferError::Store(error) => error.is_disk_full(),
            TransferError::Import(error) => error.is_disk_full(),
            TransferError::Cache(CacheError::Local { source, .. }) => matches!(
                source.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            ),
            _ => false,
        }
    }

    /// An import's error, put down to who is at fault.
    pub(crate) fn from_import(cache: &dyn Cache, source: ImportError) -> TransferError {
        match source.is_local() {
            true => TransferError::Import(source),
            false => TransferError::Wrong {
                cache: cache.name().to_owned(),
                source,
            },
        }
    }
}

/// What is moved in one request.
enum Task {
    Together(Vec<Blob>),
    Alone(Blob),
}

fn file(blob: BlobId, size: u64) -> Blob {
    Blob {
        kind: BlobKind::File,
        digest: *blob.digest(),
        size,
    }
}

/// Divides blobs into requests; the large ones first, as they take longest.
fn tasks(mut blobs: Vec<Blob>) -> Vec<Task> {
    blobs.sort_by_key(|blob| std::cmp::Reverse(blob.size));
    let mut tasks = Vec::new();
    let mut batch = Vec::new();
    let mut bytes = 0;
    for blob in blobs {
        if blob.size > SMALL {
            tasks.push(Task::Alone(blob));
            continue;
        }
        bytes += blob.size;
        batch.push(blob);
        if bytes >= BATCH_BYTES || batch.len() >= BATCH_FILES {
            tasks.push(Task::Together(std::mem::take(&mut batch)));
            bytes = 0;
        }
    }
    if !batch.is_empty() {
        tasks.push(Task::Together(batch));
    }
    tasks
}

/// Brings what `import` misses from one endpoint. Returns the faults of single objects, which
/// stay missing; an error is of the whole endpoint or of this machine. The endpoint was asked for
/// the tree's directories before.
pub(crate) fn bring(
    cache: &dyn Cache,
    import: &TreeImport<'_>,
    progress: &Progress<'_>,
) -> Result<Vec<TransferError>, TransferError> {
    let missing = import
        .missing()
        .map_err(|error| TransferError::from_import(cache, error))?;
    let blobs = missing.iter().map(|(blob, size)| file(*blob, *size));
    let faults = parallel(THREADS, &tasks(blobs.collect()), |task| match task {
        Task::Alone(blob) => match bring_alone(cache, import, blob) {
            Ok(()) => {
                progress(blob.size);
                Ok(Vec::new())
            }
            Err(error) => survive(error),
        },
        Task::Together(blobs) => {
            let mut faults = Vec::new();
            let mut fatal = None;
            let got = cache.get_many(blobs, &mut |blob, bytes| {
                let kept = bytes
                    .map_err(TransferError::from)
                    .and_then(|bytes| keep(cache, import, blob, &bytes));
                match kept.map_or_else(survive, |()| Ok(Vec::new())) {
                    Ok(more) => {
                        if more.is_empty() {
                            progress(blob.size);
                        }
                        faults.extend(more);
                        Ok(())
                    }
                    Err(error) => {
                        fatal = Some(error);
                        Err(CacheError::Local {
                            action: "go on".to_owned(),
                            source: std::io::ErrorKind::Other.into(),
                        })
                    }
                }
            });
            match (fatal, got) {
                (Some(error), _) => Err(error),
                (None, Err(error)) => Err(error.into()),
                (None, Ok(())) => Ok(faults),
            }
        }
    })?;
    Ok(faults.into_iter().flatten().collect())
}

/// A fault of one object is only noted; one of the endpoint or of this machine ends the request.
fn survive(error: TransferError) -> Result<Vec<TransferError>, TransferError> {
    let ends =
        error.is_local() || matches!(error, TransferError::Cache(CacheError::Unavailable { .. }));
    match ends {
        true => Err(error),
        false => Ok(vec![error]),
    }
}

fn bring_alone(
    cache: &dyn Cache,
    import: &TreeImport<'_>,
    blob: &Blob,
) -> Result<(), TransferError> {
    let own = |error| TransferError::from_import(cache, error);
    let mut sink = import.sink(BlobId(blob.digest), blob.size).map_err(own)?;
    cache.get(blob, &mut sink)?;
    sink.finish().map_err(own)
}

fn keep(
    cache: &dyn Cache,
    import: &TreeImport<'_>,
    blob: &Blob,
    bytes: &[u8],
) -> Result<(), TransferError> {
    use std::io::Write;
    let own = |error| TransferError::from_import(cache, error);
    let mut sink = import.sink(BlobId(blob.digest), blob.size).map_err(own)?;
    sink.write_all(bytes).map_err(|source| CacheError::Local {
        action: format!("write object {} to the store", blob.digest),
        source,
    })?;
    sink.finish().map_err(own)
}

/// How much was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Trees that the endpoint did not have.
    pub trees: usize,
    /// Files that it did not have.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl std::ops::AddAssign for Sent {
    fn add_assign(&mut self, other: Sent) {
        self.trees += other.trees;
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

/// Sends a tree of this store: the files that the endpoint misses, then the records.
pub(crate) fn send(store: &Store, cache: &dyn Cache, tree: &TreeId) -> Result<Sent, TransferError> {
    let packed = store.pack_tree(tree)?;
    let blobs: Vec<Blob> = packed
        .files
        .iter()
        .map(|(b, size)| file(*b, *size))
        .collect();
    let missing = cache.missing(&blobs)?;
    let sent = Sent {
        trees: 1,
        files: missing.len(),
        bytes: missing.iter().map(|blob| blob.size).sum(),
    };
    parallel(THREADS, &tasks(missing), |task| {
        match task {
            Task::Alone(blob) => {
                let mut from = store.open_blob(BlobId(blob.digest))?;
                cache.put(blob, &mut from)?;
            }
            Task::Together(blobs) => {
                let mut read = Vec::with_capacity(blobs.len());
                for blob in blobs {
                    let mut bytes = Vec::with_capacity(blob.size as usize);
                    let mut from = store.open_blob(BlobId(blob.digest))?;
                    from.read_to_end(&mut bytes)
                        .map_err(|source| CacheError::Local {
                            action: format!("read object {}", blob.digest),
                            source,
                        })?;
                    read.push((*blob, bytes));
                }
                cache.put_many(&read)?;
            }
        }
        Ok::<_, TransferError>(())
    })?;
    cache.put_directories(tree, &packed.records, &blobs)?;
    Ok(sent)
}
