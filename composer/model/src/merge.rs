//! Merging trees into one, the way inputs meet at `/` in a sandbox or in an image's root.
//!
//! Pure: directories are looked up through [`DirectorySource`] and new ones are returned for the
//! caller to store. Invariant: a path that two trees both provide with different content is an
//! error that names both, unless the later tree is said to win.

use std::collections::BTreeMap;

use crate::{Directory, EntryName, Node, TreeId};

/// Where directories are looked up by id.
pub trait DirectorySource {
    /// Why a directory cannot be had.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads one directory.
    fn directory(&self, id: TreeId) -> Result<Directory, Self::Error>;
}

/// Why trees cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError<E: std::error::Error + 'static> {
    /// Two trees provide one path with different content.
    #[error("`/{path}` is provided by both `{first}` and `{second}`, with different content")]
    Conflict {
        /// The path below the merged root.
        path: String,
        /// The label of the tree that came first.
        first: String,
        /// The label of the tree that came second.
        second: String,
    },
    /// A directory could not be read.
    #[error("cannot read directory {tree:?}")]
    Lookup {
        /// Its id.
        tree: TreeId,
        /// Why.
        #[source]
        source: E,
    },
}

/// A merged tree and the directories that did not exist before.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The root.
    pub root: TreeId,
    /// Directories made by the merge, by id; the caller stores them.
    pub new: BTreeMap<TreeId, Directory>,
}

/// Merges labelled trees, in order, into one.
///
/// Directories unite; equal files and links are one; anything else is a conflict, unless
/// `last_wins`, where the later tree's entry replaces the earlier one's.
pub fn merge_trees<S: DirectorySource>(
    trees: &[(String, TreeId)],
    last_wins: bool,
    source: &S,
) -> Result<Merged, MergeError<S::Error>> {
    let mut merger = Merger {
        source,
        last_wins,
        new: BTreeMap::new(),
    };
    let layers: Vec<Layer<'_>> = trees
        .iter()
        .map(|(label, tree)| Layer { label, tree: *tree })
        .collect();
    let root = merger.merge(&layers, &mut String::new())?;
    Ok(Merged {
        root,
        new: merger.new,
    })
}

#[derive(Clone, Copy)]
struct Layer<'a> {
    label: &'a str,
    tree: TreeId,
}

struct Merger<'s, S> {
    source: &'s S,
    last_wins: bool,
    new: BTreeMap<TreeId, Directory>,
}

/// One name's claims while layers are read in order: the directories to unite, or one leaf.
enum Claim<'a> {
    Directories(Vec<Layer<'a>>),
    Leaf(&'a str, Node),
}

impl<S: DirectorySource> Merger<'_, S> {
    fn merge(
        &mut self,
        layers: &[Layer<'_>],
        path: &mut String,
    ) -> Result<TreeId, MergeError<S::Error>> {
        let mut distinct: Vec<Layer<'_>> = Vec::new();
        for layer in layers {
            if !distinct.iter().any(|seen| seen.tree == layer.tree) {
                distinct.push(*layer);
            }
        }
        if let [only] = distinct.as_slice() {
            return Ok(only.tree);
        }
        let mut claims: BTreeMap<EntryName, Claim<'_>> = BTreeMap::new();
        for layer in &distinct {
            let directory =
                self.source
                    .directory(layer.tree)
                    .map_err(|source| MergeError::Lookup {
                        tree: layer.tree,
                        source,
                    })?;
            for (name, node) in directory.entries {
                self.claim(&mut claims, *layer, name, node, path)?;
            }
        }
        let mut merged = Directory::default();
        for (name, claim) in claims {
            let node = match claim {
                Claim::Leaf(_, node) => node,
                Claim::Directories(below) => {
                    let length = path.len();
                    if length > 0 {
                        path.push('/');
                    }
                    path.push_str(name.as_str());
                    let tree = self.merge(&below, path)?;
                    path.truncate(length);
                    Node::Directory { tree }
                }
            };
            merged.entries.insert(name, node);
        }
        let id = merged.id();
        self.new.insert(id, merged);
        Ok(id)
    }

    fn claim<'a>(
        &self,
        claims: &mut BTreeMap<EntryName, Claim<'a>>,
        layer: Layer<'a>,
        name: EntryName,
        node: Node,
        path: &str,
    ) -> Result<(), MergeError<S::Error>> {
        let fresh = match &node {
            Node::Directory { tree } => Claim::Directories(vec![Layer {
                label: layer.label,
                tree: *tree,
            }]),
            _ => Claim::Leaf(layer.label, node.clone()),
        };
        let Some(known) = claims.get_mut(&name) else {
            claims.insert(name, fresh);
            return Ok(());
        };
        let first = match (&mut *known, &node) {
            (Claim::Directories(list), Node::Directory { tree }) => {
                list.push(Layer {
                    label: layer.label,
                    tree: *tree,
                });
                return Ok(());
            }
            (Claim::Leaf(_, old), _) if *old == node => return Ok(()),
            (Claim::Leaf(label, _), _) => *label,
            (Claim::Directories(list), _) => list[0].label,
        };
        if self.last_wins {
            *known = fresh;
            return Ok(());
        }
        let separator = if path.is_empty() { "" } else { "/" };
        Err(MergeError::Conflict {
            path: format!("{path}{separator}{name}"),
            first: first.to_owned(),
            second: layer.label.to_owned(),
        })
    }
}
