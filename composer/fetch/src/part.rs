//! The file a download is written to until it is complete.
//!
//! Used by `download`, which holds the lock on it. Invariant: `publish` gives it its final name only after it
//! is on disk, and syncs the directory, so that a power cut leaves either the part file or the whole one.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use xsc_profile::LockedFile;

use crate::error::DownloadError;

pub(crate) struct Part<'a> {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) wanted: &'a LockedFile,
}

impl Part<'_> {
    pub(crate) fn len(&self) -> Result<u64, DownloadError> {
        let metadata = self.file.metadata();
        Ok(metadata
            .map_err(DownloadError::file("read", &self.path))?
            .len())
    }

    pub(crate) fn clear(&mut self) -> Result<(), DownloadError> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.rewind());
        cleared.map_err(DownloadError::file("empty", &self.path))
    }

    /// Hashes the first `length` bytes and leaves the position behind them.
    pub(crate) fn hash(&mut self, length: u64) -> Result<Sha256, DownloadError> {
        let mut hash = Sha256::new();
        let mut read = || -> io::Result<()> {
            self.file.rewind()?;
            let mut reader = (&self.file).take(length);
            let mut buffer = vec![0; 1 << 16];
            loop {
                match reader.read(&mut buffer)? {
                    0 => break,
                    count => hash.update(&buffer[..count]),
                }
            }
            self.file.seek(SeekFrom::Start(length)).map(|_| ())
        };
        read().map_err(DownloadError::file("read", &self.path))?;
        Ok(hash)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).map_err(|source| {
            let (path, size) = (self.path.clone(), self.wanted.size);
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    DownloadError::DiskFull { path, size, source }
                }
                _ => DownloadError::File {
                    action: "write",
                    path,
                    source,
                },
            }
        })
    }

    pub(crate) fn publish(&self, path: &Path) -> Result<(), DownloadError> {
        let synced = self.file.sync_all();
        synced.map_err(DownloadError::file("sync", &self.path))?;
        fs::rename(&self.path, path).map_err(DownloadError::file("rename", &self.path))?;
        sync_parent(path)
    }

    pub(crate) fn put_aside(&self, kept_at: &Path) -> Result<(), DownloadError> {
        fs::rename(&self.path, kept_at).map_err(DownloadError::file("rename", &self.path))
    }
}

fn sync_parent(path: &Path) -> Result<(), DownloadError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let synced = File::open(dir).and_then(|d| d.sync_all());
    synced.map_err(DownloadError::file("sync", dir))
}

/// Whether the file stands there with the right hash; one with a wrong hash is removed.
pub(crate) fn is_complete(path: &Path, wanted: &LockedFile) -> Result<bool, DownloadError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(DownloadError::file("open", path)(e)),
    };
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file
            .read(&mut buffer)
            .map_err(DownloadError::file("read", path))?
        {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    if hex::encode(hash.finalize()) == wanted.sha256 {
        return Ok(true);
    }
    fs::remove_file(path).map_err(DownloadError::file("remove", path))?;
    Ok(false)
}
