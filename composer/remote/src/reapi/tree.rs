//! Trees of the store as an engine's input root: its own Directory messages, derived from ours.
//!
//! `execute` calls it. Invariant: what is derived depends on the tree and the digest function
//! alone, so it is kept for the whole run.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use prost::Message;
use xsc_model::{BlobId, Directory, DirectorySource, Node, TreeId};
use xsc_store::Store;

use super::digest::{DigestFunction, WireDigest};
use super::index::Index;
use crate::CacheError;

/// One directory as the engine sees it.
pub(crate) struct Derived {
    pub(crate) digest: WireDigest,
    pub(crate) message: Vec<u8>,
    pub(crate) files: Vec<(WireDigest, BlobId)>,
    pub(crate) children: Vec<TreeId>,
}

/// All directories that were derived in this run.
#[derive(Default)]
pub(crate) struct Deriver {
    known: Mutex<HashMap<TreeId, Arc<Derived>>>,
}

impl Deriver {
    fn look_up(&self, tree: &TreeId) -> Option<Arc<Derived>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(tree).cloned()
    }

    /// Derives a tree and all below it.
    pub(crate) fn derive(
        &self,
        store: &Store,
        index: &Index,
        function: DigestFunction,
        tree: TreeId,
    ) -> Result<Arc<Derived>, CacheError> {
        // An explicit stack, for trees may be deeper than the native one; the second visit of a
        // directory finds its children derived.
        let mut stack: Vec<(TreeId, Option<Directory>)> = vec![(tree, None)];
        while let Some((id, directory)) = stack.pop() {
            if self.look_up(&id).is_some() {
                continue;
            }
            match directory {
                None => {
                    let directory = store
                        .directory(id)
                        .map_err(|error| local(&format!("read tree {}", id.short()), error))?;
                    let below: Vec<TreeId> = directory
                        .entries
                        .values()
                        .filter_map(|node| match node {
                            Node::Directory { tree } => Some(*tree),
                            _ => None,
                        })
                        .collect();
                    stack.push((id, Some(directory)));
                    stack.extend(below.into_iter().map(|tree| (tree, None)));
                }
                Some(directory) => {
                    let derived = self.message(store, index, function, &directory)?;
                    self.known
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(id, Arc::new(derived));
                }
            }
        }
        Ok(self.look_up(&tree).expect("the tree was just derived"))
    }

    fn message(
        &self,
        store: &Store,
        index: &Index,
        function: DigestFunction,
        directory: &Directory,
    ) -> Result<Derived, CacheError> {
        let mut message = re::Directory::default();
        let mut files = Vec::new();
        let mut children = Vec::new();
        for (name, node) in &directory.entries {
            let name = name.to_string();
            match node {
                Node::File {
                    blob,
                    size,
                    executable,
                } => {
                    let digest = file_digest(store, index, function, *blob, *size)?;
                    if *size > 0 {
                        files.push((digest, *blob));
                    }
                    message.files.push(re::FileNode {
                        name,
                        digest: Some(digest.to_wire()),
                        is_executable: *executable,
                        node_properties: None,
                    });
                }
                Node::Directory { tree } => {
                    let below = self.look_up(tree).expect("children are derived first");
                    children.push(*tree);
                    message.directories.push(re::DirectoryNode {
                        name,
                        digest: Some(below.digest.to_wire()),
                    });
                }
                Node::Symlink { target } => message.symlinks.push(re::SymlinkNode {
                    name,
                    target: target.clone(),
                    node_properties: None,
                }),
            }
        }
        let message = message.encode_to_vec();
        Ok(Derived {
            digest: function.of(&message),
            message,
            files,
            children,
        })
    }

    /// A tree's directories, each once, and its files by digest.
    pub(crate) fn closure(&self, tree: TreeId, into: &mut Closure) {
        let mut pending = vec![tree];
        while let Some(id) = pending.pop() {
            let Some(derived) = self.look_up(&id) else {
                continue;
            };
            if into.directories.contains_key(&derived.digest) {
                continue;
            }
            into.files.extend(derived.files.iter().copied());
            pending.extend(derived.children.iter().copied());
            into.directories.insert(derived.digest, derived);
        }
    }
}

/// All blobs that make up a set of trees.
#[derive(Default)]
pub(crate) struct Closure {
    pub(crate) directories: BTreeMap<WireDigest, Arc<Derived>>,
    pub(crate) files: BTreeMap<WireDigest, BlobId>,
}

fn file_digest(
    store: &Store,
    index: &Index,
    function: DigestFunction,
    blob: BlobId,
    size: u64,
) -> Result<WireDigest, CacheError> {
    if size == 0 {
        return Ok(function.of(b""));
    }
    let own = WireDigest { hash: blob.0, size };
    match function {
        DigestFunction::Blake3 => Ok(own),
        DigestFunction::Sha256 => index
            .sha256(&blob.0, || {
                store.open_blob(blob).map_err(std::io::Error::other)
            })
            .map_err(|error| local(&format!("read file {}", blob.short()), error)),
    }
}

fn local(action: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CacheError {
    CacheError::Local {
        action: action.to_owned(),
        source: std::io::Error::other(source),
    }
}
