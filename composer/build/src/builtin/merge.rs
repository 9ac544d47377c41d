//! `builtin:merge`: several trees as one, with symbolic links added.
//!
//! Inputs at `/` meet at the root, an input elsewhere is put at its path. Parameters: `links`
//! (path = target), `lastWins`. Invariant: only directories are made; no file is copied or read.

use std::collections::BTreeMap;

use xsc_model::{
    Directory, DirectorySource, EntryName, Merged, MountPoint, Node, TreeId, merge_trees,
};
use xsc_store::{Store, StoreError};

use super::params::Params;
use crate::error::FailureKind;

/// `names` says what people call the inputs, for the error when two do not fit together.
pub(crate) fn run(
    store: &Store,
    params: &Params<'_>,
    names: &[String],
) -> Result<TreeId, FailureKind> {
    params.only(&["links", "lastWins"])?;
    let mut overlay = Overlay {
        store,
        made: BTreeMap::new(),
    };
    let mut trees = Vec::new();
    for (index, (at, tree)) in params.inputs().enumerate() {
        let label = names.get(index).filter(|name| !name.is_empty());
        let label = label
            .cloned()
            .unwrap_or_else(|| format!("input {} at {at}", index + 1));
        let tree = overlay.nest(at, Node::Directory { tree });
        trees.push((label, tree));
    }
    for (path, target) in params.string_map("links")? {
        let path = MountPoint::new(path).map_err(|e| params.error(format!("`links`: {e}")))?;
        if path.is_root() {
            return Err(params.error("`links`: `/` cannot be a link"));
        }
        let tree = overlay.nest(path.as_str(), Node::Symlink { target });
        trees.push((format!("link {path}"), tree));
    }
    if trees.is_empty() {
        let empty = Directory::default();
        trees.push(("nothing".to_owned(), empty.id()));
        overlay.made.insert(empty.id(), empty);
    }
    let merged = merge_trees(&trees, params.bool("lastWins")?, &overlay)?;
    let mut new = overlay.made;
    new.extend(merged.new);
    let merged = Merged {
        root: merged.root,
        new,
    };
    store.add_directories(&merged)?;
    Ok(merged.root)
}

/// The store's directories and the ones made here that it does not have yet.
struct Overlay<'a> {
    store: &'a Store,
    made: BTreeMap<TreeId, Directory>,
}

impl Overlay<'_> {
    /// A tree that holds `node` at `path` and nothing else; `/` gives a directory as it is.
    fn nest(&mut self, path: &str, node: Node) -> TreeId {
        let mut node = node;
        for name in path.split('/').filter(|name| !name.is_empty()).rev() {
            let name = EntryName::new(name).expect("a mount point is made of valid names");
            let directory = Directory {
                entries: BTreeMap::from([(name, node)]),
            };
            let tree = directory.id();
            self.made.insert(tree, directory);
            node = Node::Directory { tree };
        }
        match node {
            Node::Directory { tree } => tree,
            Node::File { .. } | Node::Symlink { .. } => {
                unreachable!("only directories are placed at `/`")
            }
        }
    }
}

impl DirectorySource for Overlay<'_> {
    type Error = StoreError;

    fn directory(&self, id: TreeId) -> Result<Directory, StoreError> {
        match self.made.get(&id) {
            Some(directory) => Ok(directory.clone()),
            None => self.store.directory(id),
        }
    }
}
