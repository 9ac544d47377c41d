//! Garbage collection: removes what no root keeps.
//!
//! A command calls it; `keep.rs` says what stays. It has the store alone (`gc.lock`, which builds
//! hold shared through [`crate::Session`]) and waits for or refuses to run beside builds.
//! Invariant: what refers goes before what is referred to, so a kill in between leaves a smaller
//! but sound store.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use rustix::fs::FlockOperation;
use xsc_model::{ActionId, BlobId, Directory, TreeId};

use crate::error::{Context, FileError};
use crate::fsops::{list, remove_file, remove_tree};
use crate::keep::Live;
use crate::objects::disk_size;
use crate::trees::children_first;
use crate::{GcError, Store, layout, lock};

/// How garbage is collected.
#[derive(Debug, Clone, Copy, Default)]
pub struct GcOptions {
    /// Only say what would go. Needs no lock, and so may be out of date at once.
    pub dry_run: bool,
    /// Wait for builds to end; otherwise they are [`GcError::Busy`].
    pub wait: bool,
    /// Keep what was used at this time or later, although no root needs it.
    pub unused_since: Option<SystemTime>,
    /// Keep what no root needs, the latest used first, while all objects take at most this many
    /// bytes on disk.
    pub max_size: Option<u64>,
}

impl GcOptions {
    /// Whether something that no root needs may stay.
    pub(crate) fn has_limits(&self) -> bool {
        self.unused_since.is_some() || self.max_size.is_some()
    }
}

/// What was removed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Trees that were laid out.
    pub trees: usize,
    /// Records of directories.
    pub directories: usize,
    /// Contents of files.
    pub objects: usize,
    /// Records of what actions produced.
    pub realisations: usize,
    /// Disk space of the removed objects, in bytes.
    pub bytes_freed: u64,
    /// Disk space of the objects that stay.
    pub bytes_left: u64,
    /// Of these, what roots need, where there is a limit to the size.
    pub bytes_rooted: Option<u64>,
    /// Records of actions that stay for their last use alone.
    pub kept_by_use: usize,
    /// The links that keep something.
    pub kept_roots: Vec<PathBuf>,
    /// The links that are gone or point elsewhere.
    pub dead_roots: Vec<PathBuf>,
}

impl Store {
    /// Removes every tree, object and record that no root keeps, as far as the options do not
    /// keep it for its last use; the logs of what goes, partial downloads and free lock files go
    /// too. What `-K` kept stays.
    pub fn gc(&self, options: GcOptions) -> Result<GcReport, GcError> {
        self.gc_with(options, &AtomicBool::new(false))
    }

    /// As [`Store::gc`]; `cancel` ends the waiting.
    pub fn gc_with(&self, options: GcOptions, cancel: &AtomicBool) -> Result<GcReport, GcError> {
        let wait = options.wait.then_some(cancel);
        let _alone = match options.dry_run {
            true => None,
            false => Some(self.exclusive(wait)?.ok_or(GcError::Busy)?),
        };
        let mut report = GcReport::default();
        let live = self.live(&mut report, &options)?;
        let remove = !options.dry_run;
        if remove {
            self.clear_stale()?;
        }
        self.sweep_realisations(&live, remove, &mut report)?;
        self.sweep_trees(&live, remove, &mut report)?;
        self.sweep_directories(&live, remove, &mut report)?;
        self.sweep_objects(&live, remove, &mut report)?;
        if remove {
            self.sweep_rest(&live, &options)?;
        }
        Ok(report)
    }

    /// Takes the store alone; `None` if it is in use and nobody wants to wait, or `wait` is set.
    pub(crate) fn exclusive(&self, wait: Option<&AtomicBool>) -> Result<Option<Alone>, FileError> {
        let try_one = |path: &Path, file: &fs::File| loop {
            let operation = FlockOperation::NonBlockingLockExclusive;
            if lock::try_lock(file, path, operation)? {
                return Ok(true);
            }
            match wait {
                Some(cancel) if !cancel.load(Ordering::SeqCst) => std::thread::sleep(lock::RETRY),
                _ => return Ok(false),
            }
        };
        // Builds that start while this waits queue up behind it, or it could wait for ever.
        let queue_path = self.at(lock::QUEUE);
        let queue = lock::open(&queue_path)?;
        let path = self.at("gc.lock");
        let file = lock::open(&path)?;
        let held = try_one(&queue_path, &queue)? && try_one(&path, &file)?;
        Ok(held.then_some(Alone {
            _queue: queue,
            _store: file,
        }))
    }

    fn sweep_realisations(
        &self,
        live: &Live,
        remove: bool,
        report: &mut GcReport,
    ) -> Result<(), FileError> {
        for path in self.sharded_files("realisations")? {
            let action = path.name.parse::<ActionId>().ok();
            if action.is_some_and(|action| live.actions.contains(&action)) {
                continue;
            }
            report.realisations += 1;
            if remove {
                remove_file(&path.path)?;
            }
        }
        Ok(())
    }

    fn sweep_trees(
        &self,
        live: &Live,
        remove: bool,
        report: &mut GcReport,
    ) -> Result<(), FileError> {
        let folder = self.at("trees");
        for name in list(&folder)? {
            let tree = name.parse::<TreeId>().ok();
            if tree.is_some_and(|tree| live.trees.contains(&tree)) {
                continue;
            }
            report.trees += 1;
            if remove {
                // Out of its place at once, so that a kill leaves no half of a tree there.
                let scratch = self.make_scratch("garbage")?;
                let from = folder.join(&name);
                let to = scratch.path().join("tree");
                fs::rename(&from, &to).context("move aside", &from)?;
                remove_tree(&to)?;
            }
        }
        Ok(())
    }

    fn sweep_directories(
        &self,
        live: &Live,
        remove: bool,
        report: &mut GcReport,
    ) -> Result<(), FileError> {
        let mut dead: BTreeMap<TreeId, Directory> = BTreeMap::new();
        for file in self.sharded_files("dirs")? {
            let tree = file.name.parse::<TreeId>().ok();
            if tree.is_some_and(|tree| live.directories.contains(&tree)) {
                continue;
            }
            report.directories += 1;
            if !remove {
                continue;
            }
            match tree.map(|tree| (tree, fs::read(&file.path))) {
                Some((tree, Ok(bytes))) => {
                    // One that cannot be read refers to nothing that could be looked up.
                    dead.insert(tree, Directory::decode(&bytes).unwrap_or_default());
                }
                _ => remove_file(&file.path)?,
            }
        }
        let borrowed = dead.iter().map(|(id, dir)| (*id, dir)).collect();
        for tree in children_first(&borrowed).into_iter().rev() {
            remove_file(&self.at(&layout::directory(tree)))?;
        }
        Ok(())
    }

    fn sweep_objects(
        &self,
        live: &Live,
        remove: bool,
        report: &mut GcReport,
    ) -> Result<(), FileError> {
        let empty = BlobId(xsc_model::Digest::of(b""));
        for file in self.sharded_files("objects")? {
            let object = parse_object(&file.name);
            let meta = fs::symlink_metadata(&file.path).context("look at", &file.path)?;
            // The empty objects stay: no tree links to them, and they take no space.
            if object.is_some_and(|key| live.objects.contains(&key) || key.0 == empty) {
                report.bytes_left += disk_size(&meta);
                continue;
            }
            report.objects += 1;
            report.bytes_freed += disk_size(&meta);
            if remove {
                remove_file(&file.path)?;
            }
        }
        Ok(())
    }

    fn sweep_rest(&self, live: &Live, options: &GcOptions) -> Result<(), FileError> {
        for file in self.sharded_files("logs")? {
            let action = file.name.strip_suffix(".zst").and_then(|n| n.parse().ok());
            if !action.is_some_and(|action: ActionId| live.actions.contains(&action)) {
                remove_file(&file.path)?;
            }
        }
        self.keep_names(|action| live.actions.contains(action));
        for folder in ["downloads", "locks"] {
            let partial = folder == "downloads";
            let folder = self.at(folder);
            for name in list(&folder)? {
                let path = folder.join(&name);
                let fresh = |since| {
                    fs::symlink_metadata(&path)
                        .and_then(|meta| meta.modified())
                        .is_ok_and(|time| time >= since)
                };
                if partial && options.unused_since.is_some_and(fresh) {
                    continue;
                }
                if path.is_dir() {
                    remove_tree(&path)?;
                } else if let Ok(file) = fs::File::open(&path) {
                    // Whoever holds a lock or a download without a session keeps it.
                    let operation = FlockOperation::NonBlockingLockExclusive;
                    if lock::try_lock(&file, &path, operation)? {
                        remove_file(&path)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Every file of a sharded folder.
    pub(crate) fn sharded_files(&self, folder: &str) -> Result<Vec<ShardedFile>, FileError> {
        let mut files = Vec::new();
        for shard in layout::shards() {
            let path = self.at(folder).join(shard);
            for name in list(&path)? {
                files.push(ShardedFile {
                    path: path.join(&name),
                    name,
                });
            }
        }
        Ok(files)
    }
}

/// While this exists, nobody else uses the store.
pub(crate) struct Alone {
    _queue: fs::File,
    _store: fs::File,
}

/// A file of a sharded folder.
pub(crate) struct ShardedFile {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
}

/// The content and the mode that the name of an object stands for.
pub(crate) fn parse_object(name: &str) -> Option<(BlobId, bool)> {
    match name.strip_suffix('x') {
        Some(digest) => Some((digest.parse().ok()?, true)),
        None => Some((name.parse().ok()?, false)),
    }
}
