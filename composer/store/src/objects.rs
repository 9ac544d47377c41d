//! Objects: the contents of files, each stored once and linked into trees.
//!
//! Ingest and materialisation call these. Invariant: an object gets its name by a hard link from
//! a file that is already whole, normalised and hashed, and is never opened for writing again.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};
use rustix::io::Errno;
use rustix::path::Arg;
use xsc_model::BlobId;

use crate::error::{Context, FileError};
use crate::fsops::{TIMES, file_mode};
use crate::{Store, layout};

/// What became of an attempt to link an object to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linked {
    /// The place now is the object.
    Yes,
    /// The place now has a copy: the object has all the links that the file system allows.
    Copied,
    /// There is no such object.
    Missing,
}

impl Store {
    /// Makes the file at `relative` below `base`, whole and normalised, an object, or replaces
    /// it by the object of that content that exists. `at` is its whole path, for messages.
    pub(crate) fn put_object(
        &self,
        base: impl AsFd,
        relative: impl Arg + Copy,
        at: &Path,
        blob: BlobId,
        executable: bool,
    ) -> Result<(), FileError> {
        let object = layout::object(blob, executable);
        let flags = AtFlags::empty();
        let link = || linkat(&base, relative, self.top(), object.as_str(), flags);
        match self.in_shard(&object, link) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FileError::new("add to the store", at, error)),
        }
        let known = |stat: rustix::io::Result<rustix::fs::Stat>| {
            stat.context("look at", at)
                .map(|stat| (stat.st_dev, stat.st_ino))
        };
        let nofollow = AtFlags::SYMLINK_NOFOLLOW;
        let own = known(rustix::fs::statat(&base, relative, nofollow))?;
        if own == known(rustix::fs::statat(self.top(), object.as_str(), nofollow))? {
            return Ok(());
        }
        // The object takes the file's place. Linking first and renaming then would save nothing:
        // the directory is private, so nobody sees the moment between.
        rustix::fs::unlinkat(&base, relative, AtFlags::empty()).context("replace", at)?;
        match self.link_object(&base, relative, at, blob, executable)? {
            Linked::Yes | Linked::Copied => Ok(()),
            Linked::Missing => Err(FileError::new(
                "link",
                at,
                io::Error::from(io::ErrorKind::NotFound),
            )),
        }
    }

    /// Links an object to `relative` below `base`, where nothing is yet.
    pub(crate) fn link_object(
        &self,
        base: impl AsFd,
        relative: impl Arg + Copy,
        at: &Path,
        blob: BlobId,
        executable: bool,
    ) -> Result<Linked, FileError> {
        let object = layout::object(blob, executable);
        match linkat(
            self.top(),
            object.as_str(),
            &base,
            relative,
            AtFlags::empty(),
        ) {
            Ok(()) => Ok(Linked::Yes),
            Err(Errno::NOENT) => Ok(Linked::Missing),
            Err(Errno::MLINK) => {
                let mut from = File::open(self.at(&object)).context("open", &self.at(&object))?;
                copy_to(&mut from, &base, relative, at, executable)?;
                Ok(Linked::Copied)
            }
            Err(error) => Err(FileError::new("link", at, error)),
        }
    }

    /// Makes sure that an object exists, from a file elsewhere in `tmp/`; used for empty files,
    /// which trees do not link to.
    pub(crate) fn ensure_empty_object(&self, executable: bool) -> Result<(), FileError> {
        let blob = BlobId(xsc_model::Digest::of(b""));
        let path = self.at(&layout::object(blob, executable));
        if path.try_exists().context("look at", &path)? {
            return Ok(());
        }
        // As every object it gets its name when it is complete, its mode included.
        let staged = self.temporary()?;
        make_empty(CWD, &staged, executable).context("create", &staged)?;
        self.put_object(CWD, &staged, &staged, blob, executable)?;
        fs::remove_file(&staged).context("remove", &staged)
    }
}

/// Makes an empty file with the mode and time stamp of stored ones.
pub(crate) fn make_empty(
    base: impl AsFd,
    path: impl Arg,
    executable: bool,
) -> rustix::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = openat(base, path, flags, Mode::RUSR)?;
    rustix::fs::fchmod(&fd, file_mode(executable))?;
    rustix::fs::futimens(&fd, &TIMES)
}

/// Copies an open file to a new one with the mode and time stamp of stored files.
pub(crate) fn copy_to(
    from: &mut File,
    base: impl AsFd,
    relative: impl Arg,
    at: &Path,
    executable: bool,
) -> Result<(), FileError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = openat(base, relative, flags, Mode::RUSR | Mode::WUSR).context("create", at)?;
    let mut to = File::from(fd);
    io::copy(from, &mut to).context("copy to", at)?;
    rustix::fs::fchmod(&to, file_mode(executable)).context("set the mode of", at)?;
    rustix::fs::futimens(&to, &TIMES).context("set the time of", at)
}

/// The bytes that a file takes on disk.
pub(crate) fn disk_size(meta: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    meta.blocks() * 512
}
