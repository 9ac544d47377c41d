//! Walks over the directories of trees, which share most of them.
//!
//! Packing, garbage collection and the size report call it. Invariant: each directory is visited once, those of a
//! level before those below, so the order depends on the trees alone.

use std::borrow::Borrow;
use std::collections::HashSet;

use xsc_model::{BlobId, Directory, Node, TreeId};

/// Visits the directories of `tops`; where `read` has none for an id, nothing below that is visited.
pub(crate) fn walk<D: Borrow<Directory>, E>(
    tops: impl IntoIterator<Item = TreeId>,
    mut read: impl FnMut(TreeId) -> Result<Option<D>, E>,
    mut visit: impl FnMut(TreeId, &Directory),
) -> Result<(), E> {
    let mut seen = HashSet::new();
    let mut queue: Vec<TreeId> = Vec::new();
    queue.extend(tops.into_iter().filter(|tree| seen.insert(*tree)));
    let mut next = 0;
    while let Some(id) = queue.get(next).copied() {
        next += 1;
        let Some(found) = read(id)? else { continue };
        let directory = found.borrow();
        for node in directory.entries.values() {
            if let Node::Directory { tree } = node
                && seen.insert(*tree)
            {
                queue.push(*tree);
            }
        }
        visit(id, directory);
    }
    Ok(())
}

/// The objects of a directory's own files.
pub(crate) fn files(directory: &Directory) -> impl Iterator<Item = (BlobId, bool)> {
    directory.entries.values().filter_map(|node| match node {
        Node::File {
            blob, executable, ..
        } => Some((*blob, *executable)),
        Node::Directory { .. } | Node::Symlink { .. } => None,
    })
}
