//! Records of directories: writing them so that a reader never sees one whose content is absent.
//!
//! Ingest and [`Store::add_directories`] call it. Invariant: records are whole before they get
//! their names, and children get theirs before parents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;

use xsc_model::{Directory, Merged, Node, TreeId};

use crate::error::{Context, FileError};
use crate::{IngestError, Store, layout};

/// Records that are written but have no names yet.
pub(crate) struct Pending {
    /// Children before parents, each with the file that it is in.
    order: Vec<(TreeId, PathBuf)>,
}

impl Store {
    /// Stores the directories that a merge made. What they refer to must be in the store.
    pub fn add_directories(&self, merged: &Merged) -> Result<(), IngestError> {
        let missing: BTreeMap<TreeId, &Directory> = merged
            .new
            .iter()
            .filter(|(id, _)| !self.has_tree(id))
            .map(|(id, directory)| (*id, directory))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        for directory in missing.values() {
            for node in directory.entries.values() {
                if let Node::Directory { tree } = node
                    && !missing.contains_key(tree)
                    && !self.has_tree(tree)
                {
                    return Err(IngestError::MissingDirectory { tree: *tree });
                }
            }
        }
        let _writing = self.writing()?;
        let order = children_first(&missing);
        let records = order.iter().map(|id| (*id, missing[id].encode()));
        let pending = self.write_records(records)?;
        self.name_records(&pending)?;
        Ok(())
    }

    /// Writes records to temporary files, in the order in which they will get their names.
    pub(crate) fn write_records(
        &self,
        records: impl Iterator<Item = (TreeId, Vec<u8>)>,
    ) -> Result<Pending, FileError> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        for (id, bytes) in records {
            if !seen.insert(id) || self.has_tree(&id) {
                continue;
            }
            let path = self.temporary()?;
            fs::write(&path, bytes).context("write", &path)?;
            order.push((id, path));
        }
        Ok(Pending { order })
    }

    /// Gives written records their names.
    pub(crate) fn name_records(&self, pending: &Pending) -> Result<(), FileError> {
        for (id, from) in &pending.order {
            let place = layout::directory(*id);
            let to = self.at(&place);
            match self.in_shard(&place, || fs::rename(from, &to)) {
                Ok(()) => {}
                // Never expected, but a vanished record must not pass for a stored one.
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.has_tree(id) => {}
                Err(error) => return Err(FileError::new("rename to", &to, error)),
            }
        }
        Ok(())
    }
}

/// The ids of `directories`, each after the ones it contains.
pub(crate) fn children_first(directories: &BTreeMap<TreeId, &Directory>) -> Vec<TreeId> {
    let mut order = Vec::with_capacity(directories.len());
    let mut done: BTreeSet<TreeId> = BTreeSet::new();
    for start in directories.keys() {
        // An explicit stack, for trees may be deeper than the native one; the flag says that
        // the children are done. A cycle would need a collision of digests.
        let mut stack = vec![(*start, false)];
        while let Some((id, expanded)) = stack.pop() {
            if expanded {
                if done.insert(id) {
                    order.push(id);
                }
                continue;
            }
            if done.contains(&id) {
                continue;
            }
            stack.push((id, true));
            for node in directories[&id].entries.values() {
                if let Node::Directory { tree } = node
                    && directories.contains_key(tree)
                    && !done.contains(tree)
                {
                    stack.push((*tree, false));
                }
            }
        }
    }
    order
}
