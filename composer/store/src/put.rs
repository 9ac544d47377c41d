//! Trees that come from elsewhere, object by object, and trees as something to send.
//!
//! `xsc-remote` calls it. Invariant: nothing gets a name in the store before its BLAKE3 digest
//! was checked here and everything that it refers to has its name; so whatever an endpoint sends,
//! the store holds what its names say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::CWD;
use xsc_model::{
    BlobId, DecodeError, Decoder, Digest, Directory, DirectorySource, Encoder, Node, TreeId,
};

use crate::dirty::Writing;
use crate::error::{Context, FileError};
use crate::fsops::{TIMES, exists, file_mode};
use crate::lock::Session;
use crate::scratch::ScratchDir;
use crate::trees::children_first;
use crate::walk::walk;
use crate::{Store, StoreError, layout};

const DOMAIN: &str = "xsc-directories-1";

/// Why something that came from elsewhere cannot enter the store.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A system call failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The records cannot be decoded.
    #[error("the records of tree {tree} are damaged")]
    Records {
        /// The tree.
        tree: TreeId,
        /// How.
        #[source]
        source: DecodeError,
    },
    /// The records are not those of the tree: one is missing, or one is there that is not of it.
    #[error("the records given for tree {tree} are not its own: {directory} {problem}")]
    OtherRecords {
        /// The tree.
        tree: TreeId,
        /// The directory.
        directory: TreeId,
        /// `is missing` or `is not part of it`.
        problem: &'static str,
    },
    /// The bytes of a file are not those that its name stands for.
    #[error("the bytes given for object {blob} are not its own ({found})")]
    WrongContent {
        /// The object that was wanted.
        blob: BlobId,
        /// What the bytes are: another digest, or another length.
        found: String,
    },
    /// The import was finished before all of its files were there.
    #[error("object {blob} of tree {tree} is missing")]
    Missing {
        /// The tree.
        tree: TreeId,
        /// The object.
        blob: BlobId,
    },
}

impl ImportError {
    /// Whether the disk is full or the user's quota is used up.
    pub fn is_disk_full(&self) -> bool {
        match self {
            ImportError::File(error) => error.is_disk_full(),
            ImportError::Store(error) => error.is_disk_full(),
            _ => false,
        }
    }

    /// Whether this machine is at fault rather than what was given.
    pub fn is_local(&self) -> bool {
        matches!(self, ImportError::File(_) | ImportError::Store(_))
    }
}

/// A tree as something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedTree {
    /// The records of all its directories, in one canonical piece.
    pub records: Vec<u8>,
    /// Its files, each content once, none empty: digest and bytes.
    pub files: Vec<(BlobId, u64)>,
}

/// A tree that is being brought in.
#[derive(Debug)]
pub struct TreeImport<'a> {
    store: &'a Store,
    tree: TreeId,
    directories: BTreeMap<TreeId, Directory>,
    /// Every file of the tree: content and executable bit, with its length.
    files: BTreeMap<(BlobId, bool), u64>,
    scratch: ScratchDir,
    counter: AtomicU64,
    _writing: Writing<'a>,
    _session: Session,
}

/// The content of one file on its way in. What is written counts only after [`BlobSink::finish`].
#[derive(Debug)]
pub struct BlobSink<'a> {
    import: &'a TreeImport<'a>,
    blob: BlobId,
    size: u64,
    written: u64,
    hasher: Box<blake3::Hasher>,
    path: PathBuf,
    file: File,
}

impl Store {
    /// The records and files of a tree of this store, to be sent elsewhere.
    pub fn pack_tree(&self, tree: &TreeId) -> Result<PackedTree, StoreError> {
        let mut records = Vec::new();
        let mut files = BTreeMap::new();
        let read = |tree| self.directory(tree).map(Some);
        walk([*tree], read, |_, directory| {
            for node in directory.entries.values() {
                if let Node::File { blob, size, .. } = node
                    && *size > 0
                {
                    files.insert(*blob, *size);
                }
            }
            records.push(directory.encode());
        })?;
        let mut e = Encoder::new(DOMAIN);
        e.u64(records.len() as u64);
        for record in &records {
            e.bytes(record);
        }
        Ok(PackedTree {
            records: e.finish(),
            files: files.into_iter().collect(),
        })
    }

    /// Starts to bring a tree in, from the records that [`Store::pack_tree`] gave somewhere. They
    /// are checked whole: exactly the directories of the tree, each with its own digest.
    pub fn import_tree(
        &self,
        tree: &TreeId,
        records: &[u8],
    ) -> Result<TreeImport<'_>, ImportError> {
        let session = self.shared()?;
        let directories = read_records(*tree, records)?;
        let mut files = BTreeMap::new();
        for directory in directories.values() {
            for node in directory.entries.values() {
                if let Node::File {
                    blob,
                    size,
                    executable,
                } = node
                {
                    files.insert((*blob, *executable), *size);
                }
            }
        }
        Ok(TreeImport {
            store: self,
            tree: *tree,
            directories,
            files,
            scratch: self.scratch("import")?,
            counter: AtomicU64::new(0),
            _writing: self.writing()?,
            _session: session,
        })
    }
}

/// Decodes records and checks that they are those of `tree`, no more and no fewer.
fn read_records(tree: TreeId, bytes: &[u8]) -> Result<BTreeMap<TreeId, Directory>, ImportError> {
    let damaged = |source| ImportError::Records { tree, source };
    let mut decoder = Decoder::new(bytes, DOMAIN).map_err(damaged)?;
    let mut directories = BTreeMap::new();
    for _ in 0..decoder.count("number of records").map_err(damaged)? {
        let record = decoder.bytes("record").map_err(damaged)?;
        let directory = Directory::decode(record).map_err(damaged)?;
        directories.insert(TreeId(Digest::of(record)), directory);
    }
    decoder.finish().map_err(damaged)?;
    let mut seen = BTreeSet::new();
    let read = |id| match directories.get(&id) {
        Some(directory) => Ok(Some(directory)),
        None => Err(ImportError::OtherRecords {
            tree,
            directory: id,
            problem: "is missing",
        }),
    };
    walk([tree], read, |id, _| {
        seen.insert(id);
    })?;
    match directories.keys().find(|id| !seen.contains(*id)) {
        None => Ok(directories),
        Some(stray) => Err(ImportError::OtherRecords {
            tree,
            directory: *stray,
            problem: "is not part of it",
        }),
    }
}

impl TreeImport<'_> {
    /// The files whose content the store does not have yet, each once, with its length.
    pub fn missing(&self) -> Result<Vec<(BlobId, u64)>, ImportError> {
        let mut missing: BTreeMap<BlobId, u64> = BTreeMap::new();
        for ((blob, _), size) in &self.files {
            if *size > 0 && !missing.contains_key(blob) && self.present(*blob)?.is_none() {
                missing.insert(*blob, *size);
            }
        }
        Ok(missing.into_iter().collect())
    }

    /// Opens the content of a missing file for writing.
    pub fn sink(&self, blob: BlobId, size: u64) -> Result<BlobSink<'_>, ImportError> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let path = self.scratch.path().join(format!("object-{number}"));
        let file = File::create(&path).context("create", &path)?;
        Ok(BlobSink {
            import: self,
            blob,
            size,
            written: 0,
            hasher: Box::default(),
            path,
            file,
        })
    }

    /// Gives the tree's directories their names, when all of its files are there.
    pub fn finish(self) -> Result<(), ImportError> {
        let mut empty = BTreeSet::new();
        for ((blob, executable), size) in &self.files {
            if *size == 0 {
                if empty.insert(*executable) {
                    self.store.ensure_empty_object(*executable)?;
                }
                continue;
            }
            let Some((found, length)) = self.present(*blob)? else {
                return Err(ImportError::Missing {
                    tree: self.tree,
                    blob: *blob,
                });
            };
            if length != *size {
                return Err(ImportError::WrongContent {
                    blob: *blob,
                    found: format!("{length} bytes, where the record says {size}"),
                });
            }
            let here = layout::object(*blob, *executable);
            if found != *executable && !exists(&self.store.at(&here))? {
                self.copy(*blob, *size, found, *executable)?;
            }
        }
        let borrowed: BTreeMap<TreeId, &Directory> = self
            .directories
            .iter()
            .filter(|(id, _)| !self.store.has_tree(id))
            .map(|(id, directory)| (*id, directory))
            .collect();
        let order = children_first(&borrowed);
        let records = order.iter().map(|id| (*id, borrowed[id].encode()));
        let pending = self.store.write_records(records)?;
        Ok(self.store.name_records(&pending)?)
    }

    /// Whether the store has the content, and then with which executable bit and length.
    fn present(&self, blob: BlobId) -> Result<Option<(bool, u64)>, FileError> {
        for executable in [false, true] {
            let path = self.store.at(&layout::object(blob, executable));
            match std::fs::symlink_metadata(&path) {
                Ok(meta) => return Ok(Some((executable, meta.len()))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(FileError::new("look at", &path, error)),
            }
        }
        Ok(None)
    }

    /// Makes the object that the store has with one executable bit one with the other too.
    fn copy(&self, blob: BlobId, size: u64, from: bool, to: bool) -> Result<(), ImportError> {
        let source = self.store.at(&layout::object(blob, from));
        let mut file = File::open(&source).context("open", &source)?;
        let mut sink = self.sink(blob, size)?;
        let path = sink.path.clone();
        io::copy(&mut file, &mut sink).context("copy to", &path)?;
        sink.place(to)
    }

    /// The executable bit with which a content is wanted; where with both, without.
    fn wanted(&self, blob: BlobId) -> bool {
        !self.files.contains_key(&(blob, false))
    }
}

impl BlobSink<'_> {
    /// Checks what was written and makes it an object.
    pub fn finish(self) -> Result<(), ImportError> {
        let executable = self.import.wanted(self.blob);
        self.place(executable)
    }

    fn place(self, executable: bool) -> Result<(), ImportError> {
        let found = Digest::from_bytes(*self.hasher.finalize().as_bytes());
        if self.written != self.size || found != *self.blob.digest() {
            let found = match self.written == self.size {
                true => format!("their digest is {found}"),
                false => format!("{} bytes instead of {}", self.written, self.size),
            };
            // It lies in scratch, where it would only take room.
            let _ = std::fs::remove_file(&self.path);
            return Err(ImportError::WrongContent {
                blob: self.blob,
                found,
            });
        }
        let path = &self.path;
        rustix::fs::fchmod(&self.file, file_mode(executable)).context("set the mode of", path)?;
        rustix::fs::futimens(&self.file, &TIMES).context("set the time of", path)?;
        self.import
            .store
            .put_object(CWD, path, path, self.blob, executable)?;
        // The object keeps the content; this name of it is not needed.
        std::fs::remove_file(path).context("remove", path)?;
        Ok(())
    }
}

impl Write for BlobSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // What is too long is wrong already: it need not fill the disk.
        let room = usize::try_from(self.size - self.written.min(self.size)).unwrap_or(usize::MAX);
        let keep = &bytes[..bytes.len().min(room)];
        self.file.write_all(keep)?;
        self.hasher.update(bytes);
        self.written += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
