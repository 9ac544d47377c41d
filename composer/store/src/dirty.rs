//! Durability: one flush a run instead of one a file, and a check after the machine went down.
//!
//! A process that is killed loses nothing, for what it wrote is the kernel's already; only a
//! machine that goes down loses what was not flushed. So a process that writes first leaves a
//! marker with the id of this boot, flushed; a flush of everything removes it. Invariant: while
//! something in the store may not be on the disk, a marker is; whoever opens a store with a marker
//! of an earlier boot checks everything before anyone uses it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{MutexGuard, PoisonError};

use rustix::fs::FlockOperation;

use crate::error::{Context, FileError};
use crate::fsops::{list, read_optional, remove_file};
use crate::{OpenError, Store, VerifyError, Warning, lock};

/// The folder of markers.
const FOLDER: &str = "dirty";

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// What this process wrote since the last flush.
#[derive(Debug, Default)]
pub(crate) struct Dirty {
    marker: Option<Marker>,
    /// Writers at work.
    active: usize,
    /// Writers that ever started.
    started: u64,
}

#[derive(Debug)]
struct Marker {
    path: PathBuf,
    /// Says that its process lives.
    _lock: File,
}

/// While this exists, its holder writes into the store.
#[derive(Debug)]
#[must_use]
pub(crate) struct Writing<'a>(&'a Store);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.dirty().active -= 1;
    }
}

impl Store {
    /// To be called before anything is given a name in the store, and held until it is done.
    pub(crate) fn writing(&self) -> Result<Writing<'_>, FileError> {
        let mut dirty = self.dirty();
        if dirty.marker.is_none() {
            dirty.marker = Some(self.make_marker()?);
        }
        dirty.active += 1;
        dirty.started += 1;
        Ok(Writing(self))
    }

    /// Brings everything that was added to the disk. Until then a machine that goes down may lose
    /// it, and the next use of the store begins with a check; a process that ends, in whatever
    /// way, loses nothing.
    pub fn flush(&self) -> Result<(), FileError> {
        let started = {
            let dirty = self.dirty();
            if dirty.marker.is_none() {
                return Ok(());
            }
            dirty.started
        };
        // Of processes that were killed, in this boot: the flush is theirs as well.
        let mut left = self.markers(|boot, current| boot == current)?;
        rustix::fs::syncfs(self.top()).context("flush the file system of", self.dir())?;
        let mut dirty = self.dirty();
        if dirty.active == 0 && dirty.started == started {
            left.extend(dirty.marker.take());
        }
        for marker in left {
            remove_file(&marker.path)?;
        }
        Ok(())
    }

    /// Checks everything where the machine went down while something may not have been on the
    /// disk; what is damaged is set aside.
    pub(crate) fn recover(&self) -> Result<(), OpenError> {
        let earlier = |boot: &str, current: &str| boot != current;
        if self.markers(earlier)?.is_empty() {
            return Ok(());
        }
        let alone = self.exclusive(Some(&AtomicBool::new(false)))?;
        // Another process may have done it while this one waited.
        let left = self.markers(earlier)?;
        if left.is_empty() {
            return Ok(());
        }
        let report = self.check(true).map_err(|error| match error {
            VerifyError::File(error) => error,
            VerifyError::Busy => unreachable!("this process has the store alone"),
        })?;
        rustix::fs::syncfs(self.top()).context("flush the file system of", self.dir())?;
        for marker in left {
            remove_file(&marker.path)?;
        }
        drop(alone);
        self.warn(Warning::Recovered {
            objects: report.objects,
            damaged: report.damage.len(),
        });
        Ok(())
    }

    fn dirty(&self) -> MutexGuard<'_, Dirty> {
        // A writer that panicked has written no less.
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_marker(&self) -> Result<Marker, FileError> {
        let folder = self.at(FOLDER);
        if !folder.is_dir() {
            // Stores of before have none.
            fs::create_dir_all(&folder).context("create", &folder)?;
            sync_directory(self.dir())?;
        }
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}-{number}-{:x}", std::process::id(), self.salt());
            let path = folder.join(name);
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)
                .context("create", &path)?;
            let operation = FlockOperation::NonBlockingLockExclusive;
            // Before it was locked it looked like one of a dead process.
            if !lock::try_lock(&file, &path, operation)? || !lock::is_current(&file, &path)? {
                continue;
            }
            writeln!(file, "{}", boot_id()).context("write", &path)?;
            file.sync_all().context("flush", &path)?;
            sync_directory(&folder)?;
            return Ok(Marker { path, _lock: file });
        }
    }

    /// The markers of processes that are gone whose boot is as `wanted`, given theirs and this one.
    fn markers(&self, wanted: impl Fn(&str, &str) -> bool) -> Result<Vec<Marker>, FileError> {
        let folder = self.at(FOLDER);
        let mut found = Vec::new();
        let names = list(&folder)?;
        if names.is_empty() {
            return Ok(found);
        }
        let current = boot_id();
        for name in names {
            let path = folder.join(name);
            let Ok(file) = File::open(&path) else {
                continue;
            };
            let operation = FlockOperation::NonBlockingLockExclusive;
            if !lock::try_lock(&file, &path, operation)? || !lock::is_current(&file, &path)? {
                continue;
            }
            let boot = read_optional(&path)?.unwrap_or_default();
            // One that is not whole is of an earlier boot: in this one it would be whole or held.
            if wanted(String::from_utf8_lossy(&boot).trim(), &current) {
                found.push(Marker { path, _lock: file });
            }
        }
        Ok(found)
    }
}

/// What tells this run of the kernel from others; empty where it does not say.
fn boot_id() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    text.map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn sync_directory(path: &Path) -> Result<(), FileError> {
    let dir = File::open(path).context("open", path)?;
    dir.sync_all().context("flush", path)
}
