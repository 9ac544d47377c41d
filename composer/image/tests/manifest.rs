//! Manifests: made from trees, changed by overrides, written as JSON.

mod support;

use std::collections::BTreeMap;

use support::path;
use xsc_image::{
    Entry, FromTreeError, ImagePath, Kind, Manifest, ManifestError, NewNode, Override,
};
use xsc_model::{BlobId, Digest, Directory, DirectorySource, EntryName, Node, TreeId};

struct Trees(BTreeMap<TreeId, Directory>);

#[derive(Debug, thiserror::Error)]
#[error("no such directory")]
struct Missing;

impl DirectorySource for Trees {
    type Error = Missing;

    fn directory(&self, id: TreeId) -> Result<Directory, Missing> {
        self.0.get(&id).cloned().ok_or(Missing)
    }
}

fn tree() -> (TreeId, Trees) {
    let name = |text: &str| EntryName::new(text).unwrap();
    let blob = BlobId(Digest::of(b"sh"));
    let bin = Directory {
        entries: BTreeMap::from([
            (
                name("sh"),
                Node::File {
                    blob,
                    size: 2,
                    executable: true,
                },
            ),
            (
                name("sh.txt"),
                Node::File {
                    blob,
                    size: 2,
                    executable: false,
                },
            ),
        ]),
    };
    let root = Directory {
        entries: BTreeMap::from([
            (name("bin"), Node::Directory { tree: bin.id() }),
            (
                name("lib"),
                Node::Symlink {
                    target: "bin".to_owned(),
                },
            ),
        ]),
    };
    let id = root.id();
    (id, Trees(BTreeMap::from([(bin.id(), bin), (id, root)])))
}

fn change(at: &str, create: Option<NewNode>) -> Override {
    Override {
        path: path(at),
        mode: None,
        uid: None,
        gid: None,
        create,
    }
}

#[test]
fn a_tree_with_overrides_as_json() {
    let (root, source) = tree();
    let overrides = [
        change("/dev", Some(NewNode::Directory)),
        change("/bin", Some(NewNode::Directory)),
        change("/dev/console", Some(NewNode::CharDevice(5, 1))),
        Override {
            mode: Some(0o4755),
            uid: Some(7),
            gid: Some(8),
            ..change("/bin/sh", None)
        },
    ];
    let manifest = Manifest::from_tree(root, &source, &overrides).unwrap();
    let json = manifest.to_json();
    assert_eq!(json, include_str!("golden/manifest.json"), "{json}");
    assert_eq!(Manifest::from_json(&json).unwrap(), manifest);
}

#[test]
fn overrides_that_do_not_fit_are_refused() {
    let (root, source) = tree();
    let refused = |change| match Manifest::from_tree(root, &source, &[change]) {
        Err(FromTreeError::Manifest(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        refused(change("/none", None)),
        ManifestError::NotFound { .. }
    ));
    let fifo = || Some(NewNode::Fifo);
    assert!(matches!(
        refused(change("/bin", fifo())),
        ManifestError::Exists { .. }
    ));
    assert!(matches!(
        refused(change("/bin/sh/x", fifo())),
        ManifestError::NoParent { .. }
    ));
    assert!(matches!(
        refused(change("/dev/x", fifo())),
        ManifestError::NoParent { .. }
    ));
    let mode = Override {
        mode: Some(0o10000),
        ..change("/bin", None)
    };
    assert!(matches!(
        refused(mode),
        ManifestError::BadMode { mode: 0o10000, .. }
    ));
    for target in [String::new(), "x".repeat(4096), "a\0b".to_owned()] {
        let link = change("/x", Some(NewNode::Symlink(target)));
        assert!(matches!(refused(link), ManifestError::BadTarget { .. }));
    }
}

#[test]
fn a_missing_directory_is_named() {
    let (root, mut source) = tree();
    source.0.retain(|id, _| *id == root);
    let error = Manifest::from_tree(root, &source, &[]).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the directory `/bin`");
}

#[test]
fn paths_are_absolute_and_shortest() {
    for bad in ["", "a", "/a/", "//", "/a//b", "/a/../b", "/.", "/a\0"] {
        assert!(ImagePath::new(bad).is_err(), "{bad:?}");
    }
    assert_eq!(path("/a/b").parent(), Some(path("/a")));
    assert_eq!(path("/a").parent(), Some(path("/")));
    assert_eq!((path("/").parent(), path("/a/b").name()), (None, "b"));
}

#[test]
fn entries_need_their_parents_and_are_there_once() {
    let dir = || Entry::new(Kind::Directory);
    let twice = Manifest::from_entries([(path("/a"), dir()), (path("/a"), dir())]);
    assert!(matches!(twice, Err(ManifestError::Exists { .. })));
    let orphan = Manifest::from_entries([(path("/a/b"), dir())]);
    assert!(matches!(orphan, Err(ManifestError::NoParent { .. })));
    let root = Manifest::from_entries([(path("/"), Entry::new(Kind::Fifo))]);
    assert!(root.is_err());
}

#[test]
fn json_that_is_no_manifest_is_refused() {
    let good = Manifest::new().to_json();
    for (from, to) in [
        ("\"version\": 1", "\"version\": 2"),
        ("\"0755\"", "\"755\""),
        ("\"0755\"", "\"0999\""),
        ("\"directory\"", "\"fifo\""),
        ("\"directory\"", "\"socket\""),
        ("\"uid\": 0", "\"uid\": 0, \"xattr\": 1"),
        ("\"/\"", "\"a\""),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        assert!(Manifest::from_json(&bad).is_err(), "{bad}");
    }
}
