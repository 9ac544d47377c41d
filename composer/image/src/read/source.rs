//! Where readers read bytes: a file, memory, or a window of another source.
//!
//! Readers hold an `Arc<dyn Source>`, so that a partition or a file inside an image is read like an image itself.
//! Invariant: reading never changes a source and never moves a position that somebody else relies on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Bytes that can be read at any place.
pub trait Source: Send + Sync {
    /// Reads at `at`, as much as there is and fits; zero at the end and behind it.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// How many bytes there are; none where that is known only after decompressing.
    fn size(&self) -> Option<u64>;

    /// Bytes that are really stored; a listing may take memory in proportion to them.
    fn stored(&self) -> u64 {
        self.size().unwrap_or(0)
    }
}

/// A file on disk.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    size: u64,
}

impl FileSource {
    /// Opens a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(FileSource { file, size })
    }
}

impl Source for FileSource {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, at)
    }

    fn size(&self) -> Option<u64> {
        Some(self.size)
    }
}

impl Source for Vec<u8> {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn size(&self) -> Option<u64> {
        Some(self.len() as u64)
    }
}

/// A part of another source.
pub(crate) struct Window {
    pub(crate) inner: Arc<dyn Source>,
    pub(crate) at: u64,
    pub(crate) size: u64,
}

impl Source for Window {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(at);
        let count = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        match self.at.checked_add(at) {
            Some(at) if count > 0 => self.inner.read_at(at, &mut buffer[..count]),
            _ => Ok(0),
        }
    }

    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn stored(&self) -> u64 {
        self.size.min(self.inner.stored())
    }
}

/// Reads until the buffer is full or the source ends; returns how many bytes that were.
pub(crate) fn fill(source: &dyn Source, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        let Some(from) = at.checked_add(done as u64) else {
            break;
        };
        match source.read_at(from, &mut buffer[done..]) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
