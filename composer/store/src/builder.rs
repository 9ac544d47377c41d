//! Trees made file by file: what fetches, unpackers and image writers produce.
//!
//! Builtins use it. Invariant: every path is checked against what was added before, so nothing is
//! ever written through a symbolic link, whatever an archive says.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use xsc_model::{EntryName, TreeId};

use crate::error::{Context, FileError};
use crate::scratch::ScratchDir;
use crate::{IngestError, IngestOptions, Store, StoreError, layout};

/// Why something cannot be added to a tree that is being made.
#[derive(Debug, thiserror::Error)]
pub enum BuilderError {
    /// A system call failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The scratch directory cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The path is empty, absolute, or has `.`, `..` or an invalid name in it.
    #[error("`{path}` is not a path below a tree")]
    InvalidPath {
        /// The path.
        path: String,
    },
    /// Something else is there already.
    #[error("`{path}` is added twice, as {first} and as {second}")]
    Clash {
        /// The path.
        path: String,
        /// What is there.
        first: &'static str,
        /// What was to be added.
        second: &'static str,
    },
    /// The file that a hard link names is not in the tree.
    #[error("`{path}` is a link to `{target}`, which is no file added before")]
    NoTarget {
        /// The path.
        path: String,
        /// What it names.
        target: String,
    },
}

impl BuilderError {
    /// Whether the disk is full or the user's quota is used up.
    pub fn is_disk_full(&self) -> bool {
        match self {
            BuilderError::File(error) => error.is_disk_full(),
            BuilderError::Store(error) => error.is_disk_full(),
            _ => false,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Directory,
    File,
    Symlink,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Directory => "a directory",
            Kind::File => "a file",
            Kind::Symlink => "a symbolic link",
        }
    }
}

/// A tree under construction.
#[derive(Debug)]
pub struct TreeBuilder<'a> {
    store: &'a Store,
    scratch: ScratchDir,
    root: PathBuf,
    known: BTreeMap<String, Kind>,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A file of a tree under construction, open for writing.
#[derive(Debug)]
pub struct FileSink {
    file: File,
}

impl Write for FileSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Store {
    /// Starts an empty tree.
    pub fn tree_builder(&self) -> Result<TreeBuilder<'_>, BuilderError> {
        let scratch = self.scratch("tree")?;
        let root = scratch.path().join("tree");
        fs::create_dir(&root).context("create", &root)?;
        Ok(TreeBuilder {
            store: self,
            scratch,
            root,
            known: BTreeMap::new(),
        })
    }
}

impl TreeBuilder<'_> {
    /// Adds a directory; missing parents are added everywhere. One that is there is left as is.
    pub fn directory(&mut self, path: &str) -> Result<(), BuilderError> {
        self.parents(path)?;
        self.make_directory(path)
    }

    /// Adds a file with this content. A file or link that is there is replaced.
    pub fn file(
        &mut self,
        path: &str,
        content: &[u8],
        executable: bool,
    ) -> Result<(), BuilderError> {
        let mut sink = self.writer(path, executable)?;
        let whole = self.root.join(path);
        Ok(sink.write_all(content).context("write", &whole)?)
    }

    /// Adds a file whose content the caller writes.
    pub fn writer(&mut self, path: &str, executable: bool) -> Result<FileSink, BuilderError> {
        let whole = self.place(path, Kind::File)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&whole)
            .context("create", &whole)?;
        let mode = if executable { 0o755 } else { 0o644 };
        file.set_permissions(fs::Permissions::from_mode(mode))
            .context("set the mode of", &whole)?;
        Ok(FileSink { file })
    }

    /// Adds a copy of a file on disk.
    pub fn copy(&mut self, path: &str, from: &Path, executable: bool) -> Result<(), BuilderError> {
        let mut source = File::open(from).context("open", from)?;
        let mut sink = self.writer(path, executable)?;
        io::copy(&mut source, &mut sink.file).context("copy to", &self.root.join(path))?;
        Ok(())
    }

    /// Adds a symbolic link. A file or link that is there is replaced.
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<(), BuilderError> {
        let whole = self.place(path, Kind::Symlink)?;
        Ok(std::os::unix::fs::symlink(target, &whole).context("create", &whole)?)
    }

    /// Adds a file with the content and mode of one that was added before.
    pub fn hard_link(&mut self, path: &str, target: &str) -> Result<(), BuilderError> {
        let no_target = || BuilderError::NoTarget {
            path: path.to_owned(),
            target: target.to_owned(),
        };
        if self.known.get(target) != Some(&Kind::File) {
            return Err(no_target());
        }
        if path == target {
            return Ok(());
        }
        let from = self.root.join(target);
        let whole = self.place(path, Kind::File)?;
        Ok(fs::hard_link(&from, &whole).context("link", &whole)?)
    }

    /// Brings the tree into the store.
    pub fn finish(self, options: &IngestOptions) -> Result<TreeId, IngestError> {
        let tree = self.store.add_tree(&self.root, options)?;
        drop(self.scratch);
        Ok(tree)
    }

    fn parents(&mut self, path: &str) -> Result<(), BuilderError> {
        if !path.split('/').all(|name| EntryName::new(name).is_ok()) {
            return Err(BuilderError::InvalidPath {
                path: path.to_owned(),
            });
        }
        let slashes: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
        for at in slashes {
            self.make_directory(&path[..at])?;
        }
        Ok(())
    }

    fn make_directory(&mut self, path: &str) -> Result<(), BuilderError> {
        match self.known.get(path) {
            Some(Kind::Directory) => Ok(()),
            Some(other) => Err(BuilderError::Clash {
                path: path.to_owned(),
                first: other.name(),
                second: Kind::Directory.name(),
            }),
            None => {
                let whole = layout::at(&self.root, path);
                fs::create_dir(&whole).context("create", &whole)?;
                self.known.insert(path.to_owned(), Kind::Directory);
                Ok(())
            }
        }
    }

    /// Makes room for a file or a link and notes it.
    fn place(&mut self, path: &str, kind: Kind) -> Result<PathBuf, BuilderError> {
        self.parents(path)?;
        let whole = layout::at(&self.root, path);
        match self.known.get(path) {
            None => {}
            Some(Kind::Directory) => {
                return Err(BuilderError::Clash {
                    path: path.to_owned(),
                    first: Kind::Directory.name(),
                    second: kind.name(),
                });
            }
            Some(_) => fs::remove_file(&whole).context("replace", &whole)?,
        }
        self.known.insert(path.to_owned(), kind);
        Ok(whole)
    }
}
