//! The directory an archive is unpacked into, with open handles of the directories last used.
//!
//! Used by `tarball`. Invariant: a file is only ever created new in a directory opened below the root; what
//! stands under its name is unlinked first, never written through, so neither a symbolic nor a hard link that
//! an archive brought can direct a write elsewhere.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};

use super::UnpackError;

/// Handles kept open; well below the usual limit of 1,024.
const KEPT_HANDLES: usize = 256;

pub(super) struct Destination<'d> {
    root: &'d Dir,
    open: HashMap<PathBuf, Dir>,
}

impl<'d> Destination<'d> {
    pub(super) fn new(root: &'d Dir) -> Self {
        Destination {
            root,
            open: HashMap::new(),
        }
    }

    /// Makes a directory and those above it, unless they are there.
    pub(super) fn directory(&mut self, path: &Path) -> Result<&Dir, UnpackError> {
        // Looked up twice because a borrow that is returned early would last for the whole function.
        if !self.open.contains_key(path) {
            let dir = self.open_or_make(path)?;
            if self.open.len() >= KEPT_HANDLES {
                self.open.clear();
            }
            self.open.insert(path.to_owned(), dir);
        }
        Ok(&self.open[path])
    }

    fn open_or_make(&mut self, path: &Path) -> Result<Dir, UnpackError> {
        if path.as_os_str().is_empty() {
            return self.root.try_clone().map_err(|e| write_error(path, e));
        }
        match self.root.open_dir(path) {
            Ok(dir) => return Ok(dir),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(directory_error(path, e)),
        }
        let (parent, name) = split(path);
        let parent = self.directory(parent)?;
        match parent.create_dir(name) {
            Ok(()) => {}
            // What is there and can't be opened: a symbolic link to nowhere.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                return Err(UnpackError::Conflict {
                    path: shown(path),
                    reason: "a symbolic link to nothing stands where a directory is wanted",
                });
            }
            Err(e) => return Err(write_error(path, e)),
        }
        parent.open_dir(name).map_err(|e| directory_error(path, e))
    }

    /// Creates a file in place of any that is there.
    pub(super) fn file(&mut self, path: &Path, executable: bool) -> Result<File, UnpackError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        options.mode(if executable { 0o755 } else { 0o644 });
        self.replace(path, |dir, name| dir.open_with(name, &options))
    }

    /// Creates a symbolic link whose target is kept as it is.
    pub(super) fn symlink(&mut self, path: &Path, target: &Path) -> Result<(), UnpackError> {
        self.replace(path, |dir, name| dir.symlink_contents(target, name))
    }

    /// Creates a hard link, or a copy where the file system allows no more links.
    pub(super) fn hard_link(&mut self, path: &Path, target: &Path) -> Result<(), UnpackError> {
        if path == target {
            return Ok(());
        }
        let root = self.root;
        let is_dir = root.symlink_metadata(target).map(|m| m.is_dir());
        match is_dir {
            Ok(false) => {}
            Ok(true) => {
                return Err(UnpackError::Conflict {
                    path: shown(path),
                    reason: "a hard link can't lead to a directory",
                });
            }
            Err(source) => {
                return Err(UnpackError::LinkTarget {
                    path: shown(path),
                    target: shown(target),
                    source,
                });
            }
        }
        self.replace(path, |dir, name| match root.hard_link(target, dir, name) {
            Err(e) if e.kind() == io::ErrorKind::TooManyLinks => {
                root.copy(target, dir, name).map(|_| ())
            }
            other => other,
        })
    }

    /// Runs `create`; if the name is taken by something other than a directory, removes that and runs it again.
    fn replace<T>(
        &mut self,
        path: &Path,
        create: impl Fn(&Dir, &OsStr) -> io::Result<T>,
    ) -> Result<T, UnpackError> {
        let (parent, name) = split(path);
        let dir = self.directory(parent)?;
        let first = create(dir, name);
        let taken = matches!(&first, Err(e) if e.kind() == io::ErrorKind::AlreadyExists);
        if !taken {
            return first.map_err(|e| write_error(path, e));
        }
        let there = dir
            .symlink_metadata(name)
            .map_err(|e| write_error(path, e))?;
        if there.is_dir() {
            return Err(UnpackError::Conflict {
                path: shown(path),
                reason: "a directory stands where something else is wanted",
            });
        }
        dir.remove_file(name).map_err(|e| write_error(path, e))?;
        let second = create(dir, name).map_err(|e| write_error(path, e));
        // A handle may have been reached through the link that is gone now.
        if there.is_symlink() {
            self.open.clear();
        }
        second
    }
}

fn split(path: &Path) -> (&Path, &OsStr) {
    let name = path
        .file_name()
        .expect("a placed path has a last component");
    (path.parent().unwrap_or(Path::new("")), name)
}

pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn directory_error(path: &Path, source: io::Error) -> UnpackError {
    // Linux' number for "too many levels of symbolic links" on both our systems; std has no stable name for it.
    const ELOOP: i32 = 40;
    let kind = source.kind();
    if kind == io::ErrorKind::NotADirectory {
        return UnpackError::Conflict {
            path: shown(path),
            reason: "a file stands where a directory is wanted",
        };
    }
    // `cap-std` reports a way out of the root as a denied permission.
    if kind == io::ErrorKind::PermissionDenied || source.raw_os_error() == Some(ELOOP) {
        let path = shown(path);
        return UnpackError::ThroughLink { path, source };
    }
    write_error(path, source)
}

pub(super) fn write_error(path: &Path, source: io::Error) -> UnpackError {
    let path = shown(path);
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            UnpackError::DiskFull { path, source }
        }
        _ => UnpackError::Write { path, source },
    }
}
