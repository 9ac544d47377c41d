//! Advisory locks: one composer an action, and builds against garbage collection.
//!
//! All are `flock`, so they die with their process, whatever kills it. Invariant: lock files of
//! actions are removed only by garbage collection, which has the store alone.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use xsc_model::ActionId;

use crate::error::{Context, FileError};
use crate::{Store, StoreError, layout};

/// How often a held lock is tried again.
pub(crate) const RETRY: Duration = Duration::from_millis(50);

/// Whoever wants the store alone holds this one while it waits and while it has it.
pub(crate) const QUEUE: &str = "gc.queue";

/// The sessions that this process has, of any store.
static SESSIONS: AtomicUsize = AtomicUsize::new(0);

/// While this exists, no other composer on the store builds the action.
#[derive(Debug)]
pub struct ActionLock {
    _file: File,
}

/// While this exists, garbage collection leaves the store alone. A build holds one from before
/// it looks up its first realisation until its roots are added.
#[derive(Debug)]
pub struct Session {
    _file: File,
    _counted: Counted,
}

/// One session of this process, from before it waits for its lock.
#[derive(Debug)]
struct Counted;

impl Counted {
    /// And whether it is the only one.
    fn new() -> (Self, bool) {
        (Counted, SESSIONS.fetch_add(1, Ordering::SeqCst) == 0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        SESSIONS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Writes this process's number into a lock file that it holds.
///
/// A file that becomes empty first makes ext4 write to the disk when it is closed, so it is only ever shortened.
fn note_holder(file: &File) -> std::io::Result<()> {
    let text = format!("{}\n", std::process::id());
    file.write_all_at(text.as_bytes(), 0)?;
    let length = text.len() as u64;
    match file.metadata()?.len() > length {
        true => file.set_len(length),
        false => Ok(()),
    }
}

/// Opens a lock file, making it if need be.
pub(crate) fn open(path: &Path) -> Result<File, FileError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .context("open", path)
}

/// Tries once; whether the lock is now held.
pub(crate) fn try_lock(
    file: &File,
    path: &Path,
    operation: FlockOperation,
) -> Result<bool, FileError> {
    loop {
        match flock(file, operation) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(FileError::new("lock", path, error)),
        }
    }
}

fn wait_shared(file: &File, path: &Path) -> Result<(), FileError> {
    loop {
        match flock(file, FlockOperation::LockShared) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(FileError::new("lock", path, error)),
        }
    }
}

/// Whether `path` still names the open `file`.
pub(crate) fn is_current(file: &File, path: &Path) -> Result<bool, FileError> {
    let held = file.metadata().context("look at", path)?;
    match rustix::fs::lstat(path) {
        Ok(named) => Ok((named.st_dev, named.st_ino) == (held.dev(), held.ino())),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(FileError::new("look at", path, error)),
    }
}

impl Store {
    /// Keeps garbage collection away for as long as the result lives. Waits while a collection
    /// is under way.
    pub fn session(&self) -> Result<Session, StoreError> {
        Ok(self.shared()?)
    }

    pub(crate) fn shared(&self) -> Result<Session, FileError> {
        let (counted, first) = Counted::new();
        // A process that has a session must not queue behind a collection that waits for it.
        if first {
            let path = self.at(QUEUE);
            wait_shared(&open(&path)?, &path)?;
        }
        let path = self.at("gc.lock");
        let file = open(&path)?;
        wait_shared(&file, &path)?;
        Ok(Session {
            _file: file,
            _counted: counted,
        })
    }

    /// Takes the lock of an action, waiting for whoever has it. Look the realisation up again
    /// afterwards: the holder may have built it.
    pub fn lock_action(
        &self,
        action: &ActionId,
        cancel: &AtomicBool,
    ) -> Result<ActionLock, StoreError> {
        self.lock_action_with(action, cancel, &mut |_| {})
    }

    /// As [`Store::lock_action`]; `waiting` is told once, where another process or thread has the
    /// lock, the process id of the holder as far as it is known.
    pub fn lock_action_with(
        &self,
        action: &ActionId,
        cancel: &AtomicBool,
        waiting: &mut dyn FnMut(Option<u32>),
    ) -> Result<ActionLock, StoreError> {
        let path = self.at(&layout::lock(*action));
        let mut told = false;
        loop {
            let mut file = open(&path)?;
            while !try_lock(&file, &path, FlockOperation::NonBlockingLockExclusive)? {
                if cancel.load(Ordering::SeqCst) {
                    return Err(StoreError::Cancelled);
                }
                if !told {
                    told = true;
                    let mut text = String::new();
                    let holder = match file.rewind().and_then(|()| file.read_to_string(&mut text)) {
                        Ok(_) => text.trim().parse().ok(),
                        Err(_) => None,
                    };
                    waiting(holder);
                }
                std::thread::sleep(RETRY);
            }
            if !is_current(&file, &path)? {
                continue;
            }
            note_holder(&file).context("write", &path)?;
            return Ok(ActionLock { _file: file });
        }
    }
}
