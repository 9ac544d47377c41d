//! Scratch directories: private places on the store's file system, removed when dropped.
//!
//! Builds, fetches and the store itself stage things in them. Invariant: the directory itself is
//! locked, and one whose lock is free belongs to a process that died, so anyone may remove it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::FlockOperation;

use crate::error::{Context, FileError};
use crate::fsops::{exists, list, remove_tree};
use crate::{Store, StoreError, lock};

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A private directory below the store's `tmp/`, removed with its content when dropped.
#[derive(Debug)]
pub struct ScratchDir {
    path: PathBuf,
    kept: PathBuf,
    _lock: File,
}

impl ScratchDir {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it now and says what went wrong, where dropping it is silent.
    pub fn remove(self) -> Result<(), StoreError> {
        Ok(remove_tree(&self.path)?)
    }

    /// Moves the directory to the store's `kept/` and returns where it is now.
    pub fn keep(self, name: &str) -> Result<PathBuf, StoreError> {
        let name: String = name.chars().filter(|c| !matches!(c, '/' | '\0')).collect();
        for number in 0u64.. {
            let to = match number {
                0 => self.kept.join(format!("build-{name}")),
                n => self.kept.join(format!("build-{name}-{n}")),
            };
            // Made first, so that two composers never take one name; renamed over, being empty.
            match fs::create_dir(&to) {
                Ok(()) => {
                    fs::rename(&self.path, &to).context("move to", &to)?;
                    return Ok(to);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(FileError::new("create", &to, error).into()),
            }
        }
        unreachable!("a free number is found before 64 bits run out")
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        // What cannot be removed now is removed when the store is next opened.
        let _ = remove_tree(&self.path);
    }
}

impl Store {
    /// Makes a scratch directory, mode 0700. `name` makes its path readable to people.
    pub fn scratch(&self, name: &str) -> Result<ScratchDir, StoreError> {
        Ok(self.make_scratch(name)?)
    }

    /// A path for a small file that gets its name by a rename; nothing is there yet. All of a
    /// process lie in one scratch directory.
    pub(crate) fn temporary(&self) -> Result<PathBuf, FileError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = match &mut *files {
            Some(dir) => dir,
            none => none.insert(self.make_scratch("files")?),
        };
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        Ok(dir.path().join(number.to_string()))
    }

    pub(crate) fn make_scratch(&self, name: &str) -> Result<ScratchDir, FileError> {
        let safe: String = name
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "+-._".contains(*c))
            .take(60)
            .collect();
        loop {
            let unique = format!(
                "{}-{}-{:x}",
                std::process::id(),
                COUNTER.fetch_add(1, Ordering::Relaxed),
                self.salt()
            );
            let path = self.at("tmp").join(format!("{unique}-{safe}"));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(FileError::new("create", &path, error)),
            }
            // Someone who clears stale directories may have come between; then try again.
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(FileError::new("open", &path, error)),
            };
            let operation = FlockOperation::NonBlockingLockExclusive;
            if !lock::try_lock(&file, &path, operation)? || !lock::is_current(&file, &path)? {
                continue;
            }
            return Ok(ScratchDir {
                path,
                kept: self.at("kept"),
                _lock: file,
            });
        }
    }

    /// Removes the scratch directories of processes that died, and the lock files that older
    /// composers had beside them.
    pub(crate) fn clear_stale(&self) -> Result<(), FileError> {
        let tmp = self.at("tmp");
        for name in list(&tmp)? {
            let path = tmp.join(&name);
            let beside = tmp.join(format!("{name}.lock"));
            if exists(&beside)? {
                continue;
            }
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(FileError::new("open", &path, error)),
            };
            let operation = FlockOperation::NonBlockingLockExclusive;
            if lock::try_lock(&file, &path, operation)? && lock::is_current(&file, &path)? {
                if let Some(stem) = name.strip_suffix(".lock") {
                    remove_tree(&tmp.join(stem))?;
                }
                remove_tree(&path)?;
            }
        }
        Ok(())
    }
}
