//! Laws of the encodings and of merging, checked on generated values.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use xsc_model::{
    BlobId, Digest, Directory, DirectorySource, EntryName, MergeError, Node, Realisation, TreeId,
    merge_trees,
};

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}

fn entry_name() -> impl Strategy<Value = EntryName> {
    "[a-c.äß ]{1,3}".prop_filter_map("a valid name", |text| EntryName::new(text).ok())
}

fn node() -> impl Strategy<Value = Node> {
    prop_oneof![
        (digest(), any::<u64>(), any::<bool>()).prop_map(|(digest, size, executable)| Node::File {
            blob: BlobId(digest),
            size,
            executable,
        }),
        digest().prop_map(|digest| Node::Directory {
            tree: TreeId(digest)
        }),
        "[a-z/.]{0,8}".prop_map(|target| Node::Symlink { target }),
    ]
}

fn directory() -> impl Strategy<Value = Directory> {
    btree_map(entry_name(), node(), 0..6).prop_map(|entries| Directory { entries })
}

/// Few nodes and names, so that equal and nearly equal directories are common.
fn small_directory() -> impl Strategy<Value = Directory> {
    let node = prop_oneof![
        (0..2u8, 0..2u64, any::<bool>()).prop_map(|(byte, size, executable)| Node::File {
            blob: BlobId(Digest::from_bytes([byte; 32])),
            size,
            executable,
        }),
        (0..2u8).prop_map(|byte| Node::Directory {
            tree: TreeId(Digest::from_bytes([byte; 32]))
        }),
        "[af]{0,2}".prop_map(|target| Node::Symlink { target }),
    ];
    let name = "[afdlx]{1,2}".prop_map(|text| EntryName::new(text).unwrap());
    btree_map(name, node, 0..3).prop_map(|entries| Directory { entries })
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(directory in directory()) {
        prop_assert_eq!(Directory::decode(&directory.encode()), Ok(directory));
    }

    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Directory::decode(&bytes);
        let _ = Realisation::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn damaged_encodings_are_refused_or_canonical(
        directory in directory(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = directory.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(decoded) = Directory::decode(&bytes) {
            prop_assert_eq!(decoded.encode(), bytes);
        }
    }

    #[test]
    fn cut_or_extended_encodings_are_refused(directory in directory(), extra in 1..4usize) {
        let mut bytes = directory.encode();
        for end in 0..bytes.len() {
            prop_assert!(Directory::decode(&bytes[..end]).is_err());
        }
        bytes.extend(vec![0; extra]);
        prop_assert!(Directory::decode(&bytes).is_err());
    }

    #[test]
    fn encoding_is_injective(one in small_directory(), two in small_directory()) {
        prop_assert_eq!(one == two, one.encode() == two.encode());
    }
}

/// A tree as its paths say it: `None` is a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tree {
    Leaf(u8),
    Inner(BTreeMap<String, Tree>),
}

#[derive(Default)]
struct Memory(BTreeMap<TreeId, Directory>);

#[derive(Debug, thiserror::Error)]
#[error("not there")]
struct NotThere;

impl DirectorySource for Memory {
    type Error = NotThere;

    fn directory(&self, id: TreeId) -> Result<Directory, NotThere> {
        self.0.get(&id).cloned().ok_or(NotThere)
    }
}

impl Memory {
    fn add(&mut self, tree: &Tree) -> Node {
        match tree {
            Tree::Leaf(byte) => Node::File {
                blob: BlobId(Digest::of(&[*byte])),
                size: 1,
                executable: false,
            },
            Tree::Inner(entries) => {
                let entries = entries
                    .iter()
                    .map(|(name, tree)| (EntryName::new(name).unwrap(), self.add(tree)))
                    .collect();
                let directory = Directory { entries };
                let tree = directory.id();
                self.0.insert(tree, directory);
                Node::Directory { tree }
            }
        }
    }

    fn add_root(&mut self, tree: &Tree) -> TreeId {
        match self.add(tree) {
            Node::Directory { tree } => tree,
            _ => panic!("a root is a directory"),
        }
    }

    /// Merges, stores what is new, and returns the root.
    fn merge(&mut self, trees: &[TreeId], last_wins: bool) -> Result<TreeId, String> {
        let labelled: Vec<(String, TreeId)> = trees
            .iter()
            .enumerate()
            .map(|(n, tree)| (format!("t{n}"), *tree))
            .collect();
        match merge_trees(&labelled, last_wins, self) {
            Ok(merged) => {
                self.0.extend(merged.new);
                Ok(merged.root)
            }
            Err(error @ MergeError::Conflict { .. }) => Err(error.to_string()),
            Err(MergeError::Lookup { .. }) => panic!("every directory is there"),
        }
    }
}

fn inner(entries: &[(&str, Tree)]) -> Tree {
    Tree::Inner(
        entries
            .iter()
            .map(|(name, tree)| ((*name).to_owned(), tree.clone()))
            .collect(),
    )
}

/// What merging two trees where the later wins should give.
fn overlay(one: &Tree, two: &Tree) -> Tree {
    match (one, two) {
        (Tree::Inner(a), Tree::Inner(b)) => {
            let mut entries = a.clone();
            for (name, later) in b {
                let merged = match a.get(name) {
                    Some(earlier) => overlay(earlier, later),
                    None => later.clone(),
                };
                entries.insert(name.clone(), merged);
            }
            Tree::Inner(entries)
        }
        _ => two.clone(),
    }
}

fn conflicts(one: &Tree, two: &Tree) -> bool {
    match (one, two) {
        (Tree::Inner(a), Tree::Inner(b)) => a
            .iter()
            .any(|(name, tree)| b.get(name).is_some_and(|other| conflicts(tree, other))),
        _ => one != two,
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = (0..3u8).prop_map(Tree::Leaf);
    let level = leaf.prop_recursive(3, 12, 3, |below| {
        btree_map("[ab]", below, 0..3).prop_map(Tree::Inner)
    });
    btree_map("[abc]", level, 0..4).prop_map(Tree::Inner)
}

proptest! {
    #[test]
    fn merging_unites_or_conflicts(one in tree(), two in tree()) {
        let mut memory = Memory::default();
        let (a, b) = (memory.add_root(&one), memory.add_root(&two));
        let forth = memory.merge(&[a, b], false);
        let back = memory.merge(&[b, a], false);
        if conflicts(&one, &two) {
            prop_assert!(forth.is_err() && back.is_err());
        } else {
            let expected = memory.add_root(&overlay(&one, &two));
            prop_assert_eq!(forth, Ok(expected));
            prop_assert_eq!(back, Ok(expected));
        }
    }

    #[test]
    fn the_last_of_two_wins(one in tree(), two in tree()) {
        let mut memory = Memory::default();
        let (a, b) = (memory.add_root(&one), memory.add_root(&two));
        let expected = memory.add_root(&overlay(&one, &two));
        prop_assert_eq!(memory.merge(&[a, b], true), Ok(expected));
    }

    #[test]
    fn merging_a_tree_with_itself_or_nothing_changes_nothing(one in tree()) {
        let mut memory = Memory::default();
        let a = memory.add_root(&one);
        let nothing = memory.add_root(&inner(&[]));
        prop_assert_eq!(memory.merge(&[a, a], false), Ok(a));
        prop_assert_eq!(memory.merge(&[nothing, a, nothing], false), Ok(a));
    }
}

#[test]
fn a_conflict_names_the_path_and_both_trees() {
    let mut memory = Memory::default();
    let one = memory.add_root(&inner(&[("usr", inner(&[("x", Tree::Leaf(1))]))]));
    let two = memory.add_root(&inner(&[("usr", inner(&[("x", Tree::Leaf(2))]))]));
    let error = memory.merge(&[one, two], false).unwrap_err();
    for part in ["`/usr/x`", "`t0`", "`t1`"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_directory_and_a_leaf_conflict_and_the_last_wins_both_ways() {
    let mut memory = Memory::default();
    let deep = inner(&[("x", inner(&[("y", Tree::Leaf(1))]))]);
    let flat = inner(&[("x", Tree::Leaf(2))]);
    let (deep, flat) = (memory.add_root(&deep), memory.add_root(&flat));
    assert!(memory.merge(&[deep, flat], false).is_err());
    assert!(memory.merge(&[flat, deep], false).is_err());
    assert_eq!(memory.merge(&[deep, flat], true), Ok(flat));
    assert_eq!(memory.merge(&[flat, deep], true), Ok(deep));
}

#[test]
fn three_trees_where_a_later_directory_follows_a_leaf() {
    let mut memory = Memory::default();
    let first = memory.add_root(&inner(&[("x", inner(&[("a", Tree::Leaf(0))]))]));
    let leaf = memory.add_root(&inner(&[("x", Tree::Leaf(1))]));
    let last = memory.add_root(&inner(&[("x", inner(&[("b", Tree::Leaf(2))]))]));
    // The leaf replaced the first directory, and the last directory replaced the leaf.
    assert_eq!(memory.merge(&[first, leaf, last], true), Ok(last));
    let unknown = merge_trees(
        &[
            ("a".to_owned(), first),
            ("b".to_owned(), TreeId(Digest::of(b"?"))),
        ],
        false,
        &memory,
    );
    assert!(matches!(unknown, Err(MergeError::Lookup { .. })));
}
