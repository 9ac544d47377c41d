//! Small file operations that the whole crate shares: atomic writes, removal of any tree.
//!
//! Invariant: nothing here follows a symbolic link, and removal works on whatever a build left
//! behind, however deep and whatever its modes.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Timespec, Timestamps, openat,
};
use rustix::io::Errno;

use crate::error::{Context, FileError};

/// Every time stamp in the store: one second after the epoch, since some tools take 0 for unset.
pub(crate) const TIMES: Timestamps = Timestamps {
    last_access: Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    },
    last_modification: Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    },
};

/// How directories are opened for reading.
pub(crate) const OPEN_DIR: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The mode of a stored file.
pub(crate) fn file_mode(executable: bool) -> Mode {
    Mode::from_raw_mode(if executable { 0o555 } else { 0o444 })
}

/// The mode of a directory in a tree.
pub(crate) const DIR_MODE: Mode = Mode::from_raw_mode(0o755);

/// Writes a file whole, flushed, under `temporary`, and renames it to `path`.
pub(crate) fn write_atomic(temporary: &Path, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = File::create(temporary).context("create", temporary)?;
    file.write_all(bytes).context("write", temporary)?;
    file.sync_data().context("flush", temporary)?;
    fs::rename(temporary, path).context("rename to", path)
}

/// Reads a file; `None` where it does not exist.
pub(crate) fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new("read", path, error)),
    }
}

/// Whether something is there, links not followed.
pub(crate) fn exists(path: &Path) -> Result<bool, FileError> {
    match rustix::fs::lstat(path) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(error) => Err(FileError::new("look at", path, error)),
    }
}

/// The names in a directory; none where it does not exist.
pub(crate) fn list(path: &Path) -> Result<Vec<String>, FileError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::new("list", path, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.context("list", path)?;
        // The store makes no names that are not UTF-8; a foreign one is left alone.
        if let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes a file; one that is gone is no error.
pub(crate) fn remove_file(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// Removes whatever is at `path`; nothing there is no error.
pub(crate) fn remove_tree(path: &Path) -> Result<(), FileError> {
    match rustix::fs::lstat(path) {
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(FileError::new("look at", path, error)),
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::Directory => {
            return remove_file(path);
        }
        Ok(_) => {}
    }
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        // Unwritable directories, or a depth beyond what recursion has descriptors for.
        Err(_) => flatten_and_remove(path),
    }
}

/// Removes a directory without recursion: each subdirectory is moved to the top and queued, so
/// neither path lengths nor open files grow with the depth.
fn flatten_and_remove(path: &Path) -> Result<(), FileError> {
    make_accessible(CWD, path.as_os_str().as_bytes()).context("open up", path)?;
    let top = match openat(CWD, path, OPEN_DIR, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        other => other.context("open", path)?,
    };
    let mut counter = 0u64;
    let mut queue: VecDeque<Vec<u8>> = VecDeque::new();
    let mut current: Vec<u8> = b".".to_vec();
    loop {
        let dir =
            openat(&top, current.as_slice(), OPEN_DIR, Mode::empty()).context("open", path)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&dir).context("list", path)? {
            let name = entry.context("list", path)?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        for name in names {
            match rustix::fs::unlinkat(&dir, name.as_slice(), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR | Errno::PERM) => {}
                Err(error) => return Err(FileError::new("empty", path, error)),
            }
            if rustix::fs::unlinkat(&dir, name.as_slice(), AtFlags::REMOVEDIR).is_ok() {
                continue;
            }
            make_accessible(&dir, &name).context("open up", path)?;
            if current == b"." {
                queue.push_back(name);
                continue;
            }
            loop {
                counter += 1;
                let moved = format!(".xsc-removed-{counter}").into_bytes();
                match rustix::fs::renameat_with(
                    &dir,
                    name.as_slice(),
                    &top,
                    moved.as_slice(),
                    RenameFlags::NOREPLACE,
                ) {
                    Err(Errno::EXIST) => continue,
                    other => other.context("empty", path)?,
                }
                queue.push_back(moved);
                break;
            }
        }
        if current != b"." {
            rustix::fs::unlinkat(&top, current.as_slice(), AtFlags::REMOVEDIR)
                .context("empty", path)?;
        }
        match queue.pop_front() {
            Some(next) => current = next,
            None => break,
        }
    }
    match fs::remove_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new("remove", path, error))
        }
        _ => Ok(()),
    }
}

fn make_accessible<Fd: std::os::fd::AsFd>(dir: Fd, name: &[u8]) -> rustix::io::Result<()> {
    let stat = rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        rustix::fs::chmodat(dir, name, Mode::RWXU, AtFlags::empty())?;
    }
    Ok(())
}
