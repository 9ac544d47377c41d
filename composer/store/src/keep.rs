//! What a collection keeps: what roots need, and beyond that what was used lately and fits.
//!
//! Garbage collection calls it before it removes anything. Invariant: what a root needs is kept
//! whatever the limits say, and what is kept is kept with everything below it.

use std::collections::BTreeSet;
use std::fs;
use std::time::SystemTime;

use xsc_model::{ActionId, BlobId, DirectorySource, TreeId};

use crate::error::Context;
use crate::fsops::remove_file;
use crate::objects::disk_size;
use crate::walk::{files, walk};
use crate::{GcError, GcOptions, GcReport, Store, StoreError, layout};

/// Everything that must stay.
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) actions: BTreeSet<ActionId>,
    /// Trees to keep laid out.
    pub(crate) trees: BTreeSet<TreeId>,
    pub(crate) directories: BTreeSet<TreeId>,
    pub(crate) objects: BTreeSet<(BlobId, bool)>,
    /// Disk space of the objects, counted only where a limit needs it.
    bytes: u64,
}

/// What a tree would add to the live ones.
#[derive(Default)]
struct Addition {
    directories: BTreeSet<TreeId>,
    objects: BTreeSet<(BlobId, bool)>,
}

impl Store {
    /// Finds what must stay, and notes the roots in `report`.
    pub(crate) fn live(&self, report: &mut GcReport, options: &GcOptions) -> Result<Live, GcError> {
        let mut live = self.live_by_roots(report, options.dry_run)?;
        if options.max_size.is_some() {
            live.bytes = self.bytes_of(live.objects.iter())?;
            report.bytes_rooted = Some(live.bytes);
        }
        if options.has_limits() {
            self.keep_by_use(&mut live, report, options)?;
        }
        Ok(live)
    }

    fn live_by_roots(&self, report: &mut GcReport, dry_run: bool) -> Result<Live, GcError> {
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
        for tree in live.trees.clone() {
            // A root may point to a tree that is gone already; nothing is left to keep then.
            if !self.has_tree(&tree) {
                continue;
            }
            let addition = self
                .addition(&live, tree)
                .map_err(|source| GcError::Live { source })?;
            live.directories.extend(addition.directories);
            live.objects.extend(addition.objects);
        }
        Ok(live)
    }

    /// Adds what no root keeps, the latest used first, until it is too old or would not fit.
    fn keep_by_use(
        &self,
        live: &mut Live,
        report: &mut GcReport,
        options: &GcOptions,
    ) -> Result<(), GcError> {
        let mut candidates: Vec<(SystemTime, ActionId)> = Vec::new();
        for file in self.sharded_files("realisations")? {
            let Ok(action) = file.name.parse::<ActionId>() else {
                continue;
            };
            if live.actions.contains(&action) {
                continue;
            }
            let used = fs::symlink_metadata(&file.path)
                .and_then(|meta| meta.modified())
                .context("look at", &file.path)?;
            candidates.push((used, action));
        }
        candidates.sort_unstable_by(|a, b| b.cmp(a));
        for (used, action) in candidates {
            if options.unused_since.is_some_and(|limit| used < limit) {
                break;
            }
            // What cannot be read is not worth keeping: it is made again when it is needed.
            let Ok(Some(realisation)) = self.realisation(&action) else {
                continue;
            };
            let mut added = Addition::default();
            let mut whole = true;
            for tree in realisation.outputs.values() {
                match self.addition(live, *tree) {
                    Ok(more) => {
                        added.directories.extend(more.directories);
                        added.objects.extend(more.objects);
                    }
                    Err(_) => whole = false,
                }
            }
            if !whole {
                continue;
            }
            if let Some(limit) = options.max_size {
                let bytes = self.bytes_of(added.objects.iter())?;
                if live.bytes + bytes > limit {
                    break;
                }
                live.bytes += bytes;
            }
            report.kept_by_use += 1;
            live.actions.insert(action);
            live.trees.extend(realisation.outputs.values());
            live.directories.extend(added.directories);
            live.objects.extend(added.objects);
        }
        Ok(())
    }

    /// What `tree` contains and `live` has not.
    fn addition(&self, live: &Live, tree: TreeId) -> Result<Addition, StoreError> {
        let mut added = Addition::default();
        let read = |tree| match live.directories.contains(&tree) {
            true => Ok(None),
            false => self.directory(tree).map(Some),
        };
        walk([tree], read, |tree, directory| {
            added.directories.insert(tree);
            let new = files(directory).filter(|object| !live.objects.contains(object));
            added.objects.extend(new);
        })?;
        Ok(added)
    }

    fn bytes_of<'a>(
        &self,
        objects: impl Iterator<Item = &'a (BlobId, bool)>,
    ) -> Result<u64, GcError> {
        let mut bytes = 0;
        for (blob, executable) in objects {
            let path = self.at(&layout::object(*blob, *executable));
            match fs::symlink_metadata(&path) {
                Ok(meta) => bytes += disk_size(&meta),
                // An empty file has no object of its own in every tree.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(crate::error::FileError::new("look at", &path, error).into());
                }
            }
        }
        Ok(bytes)
    }
}
