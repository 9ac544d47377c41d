//! Ingest: a staged directory becomes a tree of the store.
//!
//! The scheduler calls it for build outputs, fetches and sources. The order is: walk and hash,
//! normalise, name objects, name directory records children first, rename the directory into
//! `trees/`. Invariant: a kill between any two steps leaves only things that are
//! complete, and scratch that the next open removes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat};
use rustix::io::Errno;
use xsc_model::{BlobId, Directory, EntryName, Node, TreeId};

use crate::error::{Context, FileError};
use crate::fsops::{DIR_MODE, OPEN_DIR, TIMES, file_mode, remove_tree};
use crate::scan::{FoundIn, Needle, Needles, scan};
use crate::{IngestError, Store, layout, objects};

/// How a directory is added.
#[derive(Debug, Clone, Default)]
pub struct IngestOptions {
    /// What no file, name or link target may contain.
    pub forbidden: Vec<Needle>,
    /// How many threads hash; 0 for one a processor.
    pub jobs: usize,
}

/// A directory of the staged tree: its path below the root, and what it contains. Directories
/// are entered as their index in the walk.
struct Walked {
    path: String,
    entries: Vec<(EntryName, Entry)>,
}

enum Entry {
    File,
    Directory(usize),
    Symlink(String),
}

/// A staged file after it was read.
#[derive(Clone, Copy)]
struct Hashed {
    blob: BlobId,
    size: u64,
    executable: bool,
}

struct Ingest<'a> {
    store: &'a Store,
    staged: &'a Path,
    root: OwnedFd,
    needles: Needles<'a>,
}

impl Store {
    /// Turns the directory `staged` into a tree and consumes it: on success it is gone, after an
    /// error it is in an unknown state. It must lie on the store's file system and nothing may
    /// change it meanwhile. Set-id bits, owners, times and all of the mode but the owner's
    /// executable bit are dropped; symbolic links are kept as they are, never followed.
    pub fn add_tree(&self, staged: &Path, options: &IngestOptions) -> Result<TreeId, IngestError> {
        let _session = self.shared()?;
        let stat = rustix::fs::lstat(staged).context("look at", staged)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Err(IngestError::NotADirectory {
                path: staged.to_owned(),
            });
        }
        let own = rustix::fs::fstat(self.top()).context("look at", self.dir())?;
        if own.st_dev != stat.st_dev {
            return Err(IngestError::OtherFileSystem {
                path: staged.to_owned(),
            });
        }
        let ingest = Ingest {
            store: self,
            staged,
            root: open_dir(CWD, staged, staged)?,
            needles: Needles::new(&options.forbidden),
        };
        if options.jobs == 0 {
            return ingest.run();
        }
        match rayon::ThreadPoolBuilder::new()
            .num_threads(options.jobs)
            .build()
        {
            Ok(pool) => pool.install(|| ingest.run()),
            // No threads to be had: the shared pool does as well.
            Err(_) => ingest.run(),
        }
    }
}

impl Ingest<'_> {
    fn run(&self) -> Result<TreeId, IngestError> {
        let walked = self.walk()?;
        let files: Vec<(usize, usize)> = walked
            .iter()
            .enumerate()
            .flat_map(|(at, dir)| {
                let is_file = move |(n, (_, entry)): (usize, &(EntryName, Entry))| {
                    matches!(entry, Entry::File).then_some((at, n))
                };
                dir.entries.iter().enumerate().filter_map(is_file)
            })
            .collect();
        let hashed: Vec<Hashed> = files
            .par_iter()
            .map_init(Vec::new, |buffer, (at, n)| {
                let dir = &walked[*at];
                self.hash(&layout::join(&dir.path, dir.entries[*n].0.as_str()), buffer)
            })
            .collect::<Result<_, _>>()?;
        let by_place: BTreeMap<(usize, usize), Hashed> =
            files.iter().copied().zip(hashed.iter().copied()).collect();
        let (root, records) = self.records(&walked, &by_place);
        let laid_out = self.store.at(&layout::tree(root));
        if self.store.has_tree(&root) && crate::fsops::exists(&laid_out)? {
            remove_tree(self.staged)?;
            return Ok(root);
        }
        let _writing = self.store.writing()?;
        let pending = self.store.write_records(records.into_iter())?;
        let mut empty = BTreeSet::new();
        for file in hashed.iter().filter(|file| file.size == 0) {
            if empty.insert(file.executable) {
                self.store.ensure_empty_object(file.executable)?;
            }
        }
        files
            .par_iter()
            .zip(&hashed)
            .filter(|(_, file)| file.size > 0)
            .try_for_each(|((at, n), file)| {
                let dir = &walked[*at];
                let path = layout::join(&dir.path, dir.entries[*n].0.as_str());
                let whole = self.staged.join(&path);
                self.store.put_object(
                    &self.root,
                    path.as_str(),
                    &whole,
                    file.blob,
                    file.executable,
                )
            })?;
        self.store.name_records(&pending)?;
        // Linking changed the times of directories.
        walked
            .par_iter()
            .try_for_each(|dir| self.settle(&dir.path))?;
        match std::fs::rename(self.staged, &laid_out) {
            Ok(()) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                ) =>
            {
                remove_tree(self.staged)?;
            }
            Err(error) => return Err(FileError::new("rename to", &laid_out, error).into()),
        }
        Ok(root)
    }

    /// Lists every directory, level by level, so that neither open files nor the stack grow with
    /// the depth. A directory comes after the one that contains it.
    fn walk(&self) -> Result<Vec<Walked>, IngestError> {
        let mut all: Vec<Walked> = Vec::new();
        let mut level: Vec<String> = vec![String::new()];
        while !level.is_empty() {
            let mut listed: Vec<Walked> = level
                .into_par_iter()
                .map(|path| self.list(path))
                .collect::<Result<_, _>>()?;
            let mut next = Vec::new();
            let first = all.len() + listed.len();
            for dir in &mut listed {
                for (name, entry) in &mut dir.entries {
                    if let Entry::Directory(index) = entry {
                        *index = first + next.len();
                        next.push(layout::join(&dir.path, name.as_str()));
                    }
                }
            }
            all.append(&mut listed);
            level = next;
        }
        Ok(all)
    }

    fn list(&self, path: String) -> Result<Walked, IngestError> {
        let whole = self.whole(&path);
        let dir = open_dir(&self.root, relative(&path), &whole)?;
        rustix::fs::fchmod(&dir, DIR_MODE).context("set the mode of", &whole)?;
        let mut entries = Vec::new();
        for item in Dir::read_from(&dir).context("list", &whole)? {
            let item = item.context("list", &whole)?;
            let bytes = item.file_name().to_bytes();
            if bytes == b"." || bytes == b".." {
                continue;
            }
            let Ok(name) = std::str::from_utf8(bytes) else {
                return Err(IngestError::NotUtf8 {
                    path: layout::join(&path, &String::from_utf8_lossy(bytes)),
                    what: "name",
                });
            };
            let below = layout::join(&path, name);
            self.check(&below, format!("/{below}").as_bytes(), |_| FoundIn::Name)?;
            let kind = match item.file_type() {
                FileType::Unknown => {
                    let stat = rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW)
                        .context("look at", &self.whole(&below))?;
                    FileType::from_raw_mode(stat.st_mode)
                }
                kind => kind,
            };
            let entry = match kind {
                FileType::RegularFile => Entry::File,
                FileType::Directory => Entry::Directory(0),
                FileType::Symlink => Entry::Symlink(self.link(&dir, name, &below)?),
                other => {
                    return Err(IngestError::SpecialFile {
                        path: below,
                        kind: kind_name(other),
                    });
                }
            };
            let name = EntryName::new(name).expect("a directory lists valid names");
            entries.push((name, entry));
        }
        Ok(Walked { path, entries })
    }

    fn link(&self, dir: &OwnedFd, name: &str, below: &str) -> Result<String, IngestError> {
        let whole = self.whole(below);
        let target = rustix::fs::readlinkat(dir, name, Vec::new()).context("read", &whole)?;
        let target = target.into_string().map_err(|_| IngestError::NotUtf8 {
            path: below.to_owned(),
            what: "link target",
        })?;
        self.check(below, target.as_bytes(), |_| FoundIn::Target)?;
        rustix::fs::utimensat(dir, name, &TIMES, AtFlags::SYMLINK_NOFOLLOW)
            .context("set the time of", &whole)?;
        Ok(target)
    }

    fn check(
        &self,
        path: &str,
        bytes: &[u8],
        found: impl Fn(usize) -> FoundIn,
    ) -> Result<(), IngestError> {
        match self.needles.find(bytes) {
            None => Ok(()),
            Some((needle, at)) => Err(IngestError::Forbidden {
                path: path.to_owned(),
                what: needle.what.clone(),
                found: found(at),
            }),
        }
    }

    /// Reads a file once: hash and search; and gives it the mode and time of stored files.
    fn hash(&self, path: &str, buffer: &mut Vec<u8>) -> Result<Hashed, IngestError> {
        let whole = || self.whole(path);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let open = || openat(&self.root, path, flags, Mode::empty());
        let stat_path = || rustix::fs::statat(&self.root, path, AtFlags::SYMLINK_NOFOLLOW);
        let (fd, stat) = match open() {
            Err(Errno::ACCESS) => {
                // A build may leave files that not even their owner can read.
                let stat = stat_path().context("look at", &whole())?;
                let mode = file_mode(stat.st_mode & 0o100 != 0);
                rustix::fs::chmodat(&self.root, path, mode, AtFlags::empty())
                    .context("set the mode of", &whole())?;
                (open().context("open", &whole())?, stat)
            }
            other => {
                let fd = other.context("open", &whole())?;
                let stat = rustix::fs::fstat(&fd).context("look at", &whole())?;
                (fd, stat)
            }
        };
        let changed = || IngestError::Changed {
            path: path.to_owned(),
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(changed());
        }
        let executable = stat.st_mode & 0o100 != 0;
        let mut file = File::from(fd);
        let scanned = scan(&mut file, stat.st_size as u64, &self.needles, buffer)
            .context("read", &whole())?;
        if scanned.size != stat.st_size as u64 {
            return Err(changed());
        }
        if let Some((needle, offset)) = scanned.found {
            return Err(IngestError::Forbidden {
                path: path.to_owned(),
                what: needle.what.clone(),
                found: FoundIn::Content { offset },
            });
        }
        let hashed = Hashed {
            blob: scanned.blob,
            size: scanned.size,
            executable,
        };
        if stat.st_nlink > 1 && !self.is_object(&hashed, &stat) {
            self.unshare(&mut file, path, executable)?;
            return Ok(hashed);
        }
        let mode = file_mode(executable);
        if stat.st_mode & 0o7777 != mode.as_raw_mode() {
            rustix::fs::fchmod(&file, mode).context("set the mode of", &whole())?;
        }
        rustix::fs::futimens(&file, &TIMES).context("set the time of", &whole())?;
        Ok(hashed)
    }

    /// Whether a staged file is the store's own object, linked here.
    fn is_object(&self, file: &Hashed, stat: &rustix::fs::Stat) -> bool {
        let object = layout::object(file.blob, file.executable);
        rustix::fs::statat(self.store.top(), object.as_str(), AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|known| (known.st_dev, known.st_ino) == (stat.st_dev, stat.st_ino))
    }

    /// Replaces a file that has other names by a copy: whoever has the other names could change
    /// what would be in the store.
    fn unshare(&self, file: &mut File, path: &str, executable: bool) -> Result<(), FileError> {
        use std::io::Seek;
        let whole = self.whole(path);
        file.rewind().context("read", &whole)?;
        rustix::fs::unlinkat(&self.root, path, AtFlags::empty()).context("replace", &whole)?;
        objects::copy_to(file, &self.root, path, &whole, executable)
    }

    /// The records of all directories, children before parents, and the root's id.
    fn records(
        &self,
        walked: &[Walked],
        files: &BTreeMap<(usize, usize), Hashed>,
    ) -> (TreeId, Vec<(TreeId, Vec<u8>)>) {
        let mut ids: BTreeMap<usize, TreeId> = BTreeMap::new();
        let mut records = Vec::with_capacity(walked.len());
        for (index, dir) in walked.iter().enumerate().rev() {
            let mut directory = Directory::default();
            for (n, (name, entry)) in dir.entries.iter().enumerate() {
                let node = match entry {
                    Entry::File => {
                        let file = files[&(index, n)];
                        Node::File {
                            blob: file.blob,
                            size: file.size,
                            executable: file.executable,
                        }
                    }
                    Entry::Directory(child) => Node::Directory { tree: ids[child] },
                    Entry::Symlink(target) => Node::Symlink {
                        target: target.clone(),
                    },
                };
                directory.entries.insert(name.clone(), node);
            }
            let bytes = directory.encode();
            let id = TreeId(xsc_model::Digest::of(&bytes));
            ids.insert(index, id);
            records.push((id, bytes));
        }
        (ids[&0], records)
    }

    fn settle(&self, path: &str) -> Result<(), FileError> {
        rustix::fs::utimensat(
            &self.root,
            relative(path),
            &TIMES,
            AtFlags::SYMLINK_NOFOLLOW,
        )
        .context("set the time of", &self.whole(path))
    }

    fn whole(&self, path: &str) -> PathBuf {
        if path.is_empty() {
            self.staged.to_owned()
        } else {
            self.staged.join(path)
        }
    }
}

/// The root itself is `.` to system calls that take a path.
pub(crate) fn relative(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

/// Opens a directory, also one that a build made unreadable.
fn open_dir(
    base: impl std::os::fd::AsFd,
    path: impl rustix::path::Arg + Copy,
    whole: &Path,
) -> Result<OwnedFd, FileError> {
    match openat(&base, path, OPEN_DIR, Mode::empty()) {
        Err(Errno::ACCESS) => {
            rustix::fs::chmodat(&base, path, DIR_MODE, AtFlags::empty())
                .context("set the mode of", whole)?;
            openat(&base, path, OPEN_DIR, Mode::empty()).context("open", whole)
        }
        other => other.context("open", whole),
    }
}

fn kind_name(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "named pipe",
        FileType::Socket => "socket",
        FileType::CharacterDevice => "character device",
        FileType::BlockDevice => "block device",
        _ => "file of unknown kind",
    }
}
