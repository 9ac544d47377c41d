//! Where writers read file contents: a source of blobs by id, and an exact copy into an image.
//!
//! The store implements [`BlobSource`] through an adapter in `build`; tests and small generated
//! files use [`MemoryBlobs`]. Invariant: a copy writes the size that the manifest gives or fails.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use xsc_model::{BlobId, Digest};

use crate::{ImagePath, Kind};

/// Where blobs are opened by id.
pub trait BlobSource {
    /// Opens one blob for reading from its start.
    fn open(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>>;
}

/// A file's content could not be copied into an image.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The blob cannot be opened or read.
    #[error("cannot read the content of `{path}`")]
    Read {
        /// The file in the image.
        path: ImagePath,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The blob's length differs from the manifest.
    #[error("`{path}` is said to have {expected} bytes, but its content has {found}")]
    Size {
        /// The file in the image.
        path: ImagePath,
        /// Bytes, as the manifest says; reading stops one byte after.
        expected: u64,
        /// Bytes found, or one more than expected where there are more.
        found: u64,
    },
    /// The image cannot be written.
    #[error("cannot write the image")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Blobs in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryBlobs(BTreeMap<BlobId, Vec<u8>>);

impl MemoryBlobs {
    /// Adds a blob and returns the file that it is the content of.
    pub fn add(&mut self, bytes: impl Into<Vec<u8>>) -> Kind {
        let bytes = bytes.into();
        let blob = BlobId(Digest::of(&bytes));
        let size = bytes.len() as u64;
        self.0.insert(blob, bytes);
        Kind::File { blob, size }
    }
}

impl BlobSource for MemoryBlobs {
    fn open(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        match self.0.get(&id) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("no blob {id}"),
            )),
        }
    }
}

/// Copies a blob of exactly `size` bytes to `out`.
pub(crate) fn copy(
    blobs: &dyn BlobSource,
    path: &ImagePath,
    blob: BlobId,
    size: u64,
    out: &mut dyn Write,
) -> Result<(), CopyError> {
    let read_error = |source| CopyError::Read {
        path: path.clone(),
        source,
    };
    let mut reader = blobs.open(blob).map_err(read_error)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut found = 0;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read_error(error)),
        };
        found += count as u64;
        if found > size {
            found = size + 1;
            break;
        }
        out.write_all(&buffer[..count])
            .map_err(|source| CopyError::Write { source })?;
    }
    if found == size {
        Ok(())
    } else {
        Err(CopyError::Size {
            path: path.clone(),
            expected: size,
            found,
        })
    }
}

/// Reads a blob of exactly `size` bytes into memory.
pub(crate) fn read(
    blobs: &dyn BlobSource,
    path: &ImagePath,
    blob: BlobId,
    size: u64,
) -> Result<Vec<u8>, CopyError> {
    let mut bytes = Vec::new();
    copy(blobs, path, blob, size, &mut bytes)?;
    Ok(bytes)
}
