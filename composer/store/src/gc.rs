//! Garbage collection: removes what no root keeps.
//!
//! A command calls it. It has the store alone (`gc.lock`, which builds hold shared through
//! [`crate::Session`]) and waits for or refuses to run beside builds. Invariant: what refers goes
//! before what is referred to, so a kill in between leaves a smaller but sound store.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use xsc_model::{ActionId, BlobId, Directory, DirectorySource, Node, TreeId};

use crate::error::{Context, FileError};
use crate::fsops::{list, remove_file, remove_tree};
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
    /// The links that keep something.
    pub kept_roots: Vec<PathBuf>,
    /// The links that are gone or point elsewhere.
    pub dead_roots: Vec<PathBuf>,
}

/// Everything that must stay.
#[derive(Default)]
struct Live {
    actions: BTreeSet<ActionId>,
    /// Trees to keep laid out.
    trees: BTreeSet<TreeId>,
    directories: BTreeSet<TreeId>,
    objects: BTreeSet<(BlobId, bool)>,
}

impl Store {
    /// Removes every tree, object and record that no root keeps; logs of builds that no root
    /// keeps, partial downloads and free lock files go too. What `-K` kept stays.
    pub fn gc(&self, options: GcOptions) -> Result<GcReport, GcError> {
        let _alone = match options.dry_run {
            true => None,
            false => Some(self.exclusive(options.wait)?.ok_or(GcError::Busy)?),
        };
        let mut report = GcReport::default();
        let live = self.live(&mut report, options.dry_run)?;
        let remove = !options.dry_run;
        if remove {
            self.clear_stale()?;
        }
        self.sweep_realisations(&live, remove, &mut report)?;
        self.sweep_trees(&live, remove, &mut report)?;
        self.sweep_directories(&live, remove, &mut report)?;
        self.sweep_objects(&live, remove, &mut report)?;
        if remove {
            self.sweep_rest(&live)?;
        }
        Ok(report)
    }

    /// Takes the store alone; `None` if it is in use and `wait` is not wanted.
    pub(crate) fn exclusive(&self, wait: bool) -> Result<Option<fs::File>, FileError> {
        let path = self.at("gc.lock");
        let file = lock::open(&path)?;
        if !wait {
            let operation = FlockOperation::NonBlockingLockExclusive;
            return Ok(lock::try_lock(&file, &path, operation)?.then_some(file));
        }
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Some(file)),
                Err(Errno::INTR) => {}
                Err(error) => return Err(FileError::new("lock", &path, error)),
            }
        }
    }

    fn live(&self, report: &mut GcReport, dry_run: bool) -> Result<Live, GcError> {
        let mut live = Live::default();
        for state in self.root_states()? {
            let Some(tree) = state.points_to else {
                report.dead_roots.push(state.root.link);
                if !dry_run {
                    remove_file(&state.record)?;
                }
                continue;
            };
            // A composer killed between the record and the link leaves a link to the tree
            // before; that tree stays, and the actions of the new one are not known to be used.
            live.trees.insert(tree);
            if tree == state.root.target {
                live.actions.extend(&state.root.actions);
            }
            report.kept_roots.push(state.root.link);
        }
        for action in &live.actions {
            let found = self
                .realisation(action)
                .map_err(|source| GcError::Live { source })?;
            if let Some(realisation) = found {
                live.trees.extend(realisation.outputs.values());
            }
        }
        let mut queue: Vec<TreeId> = live.trees.iter().copied().collect();
        while let Some(tree) = queue.pop() {
            if !live.directories.insert(tree) {
                continue;
            }
            // A root may point to a tree that is gone already; nothing is left to keep then.
            if live.trees.contains(&tree) && !self.has_tree(&tree) {
                continue;
            }
            let directory = self
                .directory(tree)
                .map_err(|source| GcError::Live { source })?;
            for node in directory.entries.values() {
                match node {
                    Node::Directory { tree } => queue.push(*tree),
                    Node::File {
                        blob, executable, ..
                    } => {
                        live.objects.insert((*blob, *executable));
                    }
                    Node::Symlink { .. } => {}
                }
            }
        }
        Ok(live)
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
            // The empty objects stay: no tree links to them, and they take no space.
            if object.is_some_and(|key| live.objects.contains(&key) || key.0 == empty) {
                continue;
            }
            let meta = fs::symlink_metadata(&file.path).context("look at", &file.path)?;
            report.objects += 1;
            report.bytes_freed += disk_size(&meta);
            if remove {
                remove_file(&file.path)?;
            }
        }
        Ok(())
    }

    fn sweep_rest(&self, live: &Live) -> Result<(), FileError> {
        for file in self.sharded_files("logs")? {
            let action = file.name.strip_suffix(".zst").and_then(|n| n.parse().ok());
            if !action.is_some_and(|action: ActionId| live.actions.contains(&action)) {
                remove_file(&file.path)?;
            }
        }
        for folder in ["downloads", "locks"] {
            let folder = self.at(folder);
            for name in list(&folder)? {
                let path = folder.join(&name);
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
