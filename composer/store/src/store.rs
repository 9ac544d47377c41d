//! The store itself: opening it, and looking up what it has.
//!
//! One value a process, shared by reference between threads. Invariant: a directory's record
//! `dirs/<id>` exists only when everything below it does, so one look answers "is it here".

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use xsc_model::{BlobId, Directory, DirectorySource, TreeId};

use crate::dirty::Dirty;
use crate::durations::Durations;
use crate::error::{Context, FileError};
use crate::fsops::{self, exists, read_optional};
use crate::{OpenError, ScratchDir, StoreError, layout, lock};

/// The format of stores that this program makes.
pub const FORMAT: u64 = 1;

/// A content-addressed store on disk.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    top: File,
    salt: u64,
    warnings: Mutex<Vec<Warning>>,
    pub(crate) dirty: Mutex<Dirty>,
    pub(crate) files: Mutex<Option<ScratchDir>>,
    /// A log of a build that said nothing, in scratch, where it can be written.
    pub(crate) silent: OnceLock<Option<PathBuf>>,
    pub(crate) durations: Durations,
}

/// Something that was wrong and that the store got over; for the caller to report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A damaged record was set aside and counts as absent.
    SetAside {
        /// Where it was.
        path: PathBuf,
        /// Where it is now.
        moved_to: PathBuf,
        /// What was wrong.
        problem: String,
    },
    /// The machine had gone down while builds ran, so everything was checked.
    Recovered {
        /// Objects that were checked.
        objects: usize,
        /// How many things were damaged and set aside.
        damaged: usize,
    },
}

impl Store {
    /// Opens the store in `dir`, making it where there is none, and removes what processes that
    /// died left in `tmp/`. Where the machine went down during a build, everything is checked,
    /// which takes as long as reading it does.
    pub fn open(dir: &Path) -> Result<Store, OpenError> {
        fs::create_dir_all(dir).context("create", dir)?;
        let dir = fs::canonicalize(dir).context("resolve", dir)?;
        let version = dir.join("version");
        match read_optional(&version)? {
            Some(text) => {
                let text = String::from_utf8_lossy(&text).trim().to_owned();
                if text.parse::<u64>().ok() != Some(FORMAT) {
                    return Err(OpenError::Newer {
                        dir,
                        found: text,
                        known: FORMAT,
                    });
                }
            }
            None => create(&dir)?,
        }
        let top = File::open(&dir).context("open", &dir)?;
        let store = Store {
            top,
            salt: salt(),
            warnings: Mutex::new(Vec::new()),
            dirty: Mutex::default(),
            files: Mutex::default(),
            silent: OnceLock::new(),
            durations: Durations::default(),
            dir,
        };
        store.clear_stale()?;
        store.recover()?;
        Ok(store)
    }

    /// The store's directory, absolute and without symbolic links.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where partial downloads are kept between runs.
    pub fn downloads_dir(&self) -> PathBuf {
        self.at("downloads")
    }

    /// Whether the tree is in the store, laid out or not.
    pub fn has_tree(&self, tree: &TreeId) -> bool {
        exists(&self.at(&layout::directory(*tree))).unwrap_or(false)
    }

    /// Opens the content of a file for reading.
    pub fn open_blob(&self, blob: BlobId) -> Result<File, StoreError> {
        for executable in [false, true] {
            let path = self.at(&layout::object(blob, executable));
            match File::open(&path) {
                Ok(file) => return Ok(file),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(FileError::new("open", &path, error).into()),
            }
        }
        Err(StoreError::MissingObject { blob })
    }

    /// Takes what was wrong and got over since the last call.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut *self.warnings.lock().expect("no holder panics"))
    }

    pub(crate) fn at(&self, relative: &str) -> PathBuf {
        layout::at(&self.dir, relative)
    }

    /// Runs `name`, which gives something its name in a shard; where the shard is missing, it is
    /// made and `name` run again. A store begins without them: they are a thousand directories.
    pub(crate) fn in_shard<T, E: Into<std::io::Error>>(
        &self,
        relative: &str,
        name: impl Fn() -> Result<T, E>,
    ) -> std::io::Result<T> {
        let shard = match name().map_err(Into::into) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let (shard, _) = relative.rsplit_once('/').unwrap_or_default();
                self.at(shard)
            }
            other => return other,
        };
        match fs::create_dir(&shard) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        name().map_err(Into::into)
    }

    pub(crate) fn top(&self) -> &File {
        &self.top
    }

    pub(crate) fn salt(&self) -> u64 {
        self.salt
    }

    /// Notes something for the caller to report.
    pub(crate) fn warn(&self, warning: Warning) {
        let mut warnings = self.warnings.lock().expect("no holder panics");
        warnings.push(warning);
    }

    /// Moves a damaged file out of the way and notes it.
    pub(crate) fn set_aside(&self, path: &Path, problem: String) -> Result<(), FileError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let folder = self.at("corrupt");
        let mut moved_to = folder.join(&*name);
        let mut number = 0;
        while exists(&moved_to)? {
            number += 1;
            moved_to = folder.join(format!("{name}.{number}"));
        }
        match fs::rename(path, &moved_to) {
            Ok(()) => {}
            // Another process saw the same and was faster.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(FileError::new("move aside", path, error)),
        }
        self.warn(Warning::SetAside {
            path: path.to_owned(),
            moved_to,
            problem,
        });
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Where it fails, the marker stays and the next one to open the store sees it.
        let _ = self.flush();
    }
}

impl DirectorySource for Store {
    type Error = StoreError;

    /// Reads the record of a directory. A damaged one is set aside, so that it counts as absent
    /// and what refers to it is made again.
    fn directory(&self, id: TreeId) -> Result<Directory, StoreError> {
        let path = self.at(&layout::directory(id));
        let Some(bytes) = read_optional(&path)? else {
            return Err(StoreError::MissingDirectory { tree: id });
        };
        match Directory::decode(&bytes) {
            Ok(directory) => Ok(directory),
            Err(source) => {
                self.set_aside(&path, source.to_string())?;
                Err(StoreError::DamagedDirectory { tree: id, source })
            }
        }
    }
}

/// Makes an empty store. The version is written last, so a kill before that starts it over.
fn create(dir: &Path) -> Result<(), OpenError> {
    for entry in fsops::list(dir)? {
        if !layout::TOP.contains(&entry.as_str()) && !entry.starts_with(".version-") {
            return Err(OpenError::NotAStore {
                dir: dir.to_owned(),
                entry,
            });
        }
    }
    for folder in layout::FOLDERS {
        let path = dir.join(folder);
        fs::create_dir_all(&path).context("create", &path)?;
    }
    lock::open(&dir.join("gc.lock"))?;
    let temporary = dir.join(format!(".version-{}", std::process::id()));
    fsops::write_atomic(
        &temporary,
        &dir.join("version"),
        format!("{FORMAT}\n").as_bytes(),
    )?;
    Ok(())
}

/// A number that tells this process's scratch names from those of an earlier one with its id.
fn salt() -> u64 {
    RandomState::new().build_hasher().finish()
}
