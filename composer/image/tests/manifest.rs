//! Manifests: made from trees, changed by overrides, written as text.

mod support;

use std::collections::BTreeMap;

use support::path;
use xsc_image::{
    Entry, FromTreeError, ImagePath, Kind, LinkGroup, Manifest, ManifestError, NewNode, Origin,
    Override, Xattrs,
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
        create,
        ..Override::new(path(at))
    }
}

#[test]
fn a_tree_with_overrides_as_text() {
    let (root, source) = tree();
    let overrides = [
        change("/dev", Some(NewNode::Directory)),
        change("/bin", Some(NewNode::Directory)),
        change("/dev/console", Some(NewNode::CharDevice(5, 1))),
        Override {
            xattrs: Xattrs::from([(b"security.capability".to_vec(), b"\x01 \xff=".to_vec())]),
            ..change("/bin/rsh", Some(NewNode::HardLink(path("/bin/sh"))))
        },
        Override {
            mode: Some(0o4755),
            uid: Some(7),
            gid: Some(8),
            ..change("/bin/sh", None)
        },
        Override {
            path: ImagePath::new(b"/sp ace\xff").unwrap(),
            ..change("/", Some(NewNode::Symlink(b"\xfe b".to_vec())))
        },
        change("/run.sock", Some(NewNode::Socket)),
    ];
    let mut manifest = Manifest::from_tree(root, &source, &overrides).unwrap();
    manifest.set_user_name(7, "games").unwrap();
    manifest.set_group_name(8, "mem").unwrap();
    manifest.set_origin(&path("/bin/sh"), Origin::new("bash 5.2"));
    let text = manifest.to_text();
    assert_eq!(text, include_str!("golden/manifest.txt"), "{text}");
    assert_eq!(Manifest::from_text(&text).unwrap(), manifest);
    let entry = manifest.get(&path("/bin/rsh")).unwrap();
    assert_eq!((entry.mode, manifest.link_count(entry)), (0o4755, 2));
    assert!(manifest.is_first_link(&path("/bin/rsh"), entry));
    assert!(!manifest.is_first_link(&path("/bin/sh"), entry));
}

#[test]
fn two_owners_of_a_path_are_both_named() {
    let of = |origin: &str| Entry::new(Kind::Fifo).from_origin(Origin::new(origin));
    let twice = [(path("/a"), of("bash-5.2")), (path("/a"), of("dash-0.5"))];
    let message = Manifest::from_entries(twice).unwrap_err().to_string();
    assert_eq!(
        message,
        "`/a` is in the image already: from `bash-5.2` and from `dash-0.5`"
    );
    let mut manifest = Manifest::from_entries([(path("/a"), of("bash-5.2"))]).unwrap();
    let message = manifest.insert(path("/a"), Entry::new(Kind::Fifo));
    assert_eq!(
        message.unwrap_err().to_string(),
        "`/a` is in the image already: from `bash-5.2` and from the recipe"
    );
}

#[test]
fn hard_links_agree_and_are_no_directories() {
    let linked = |mode, kind| Entry {
        link: Some(LinkGroup(3)),
        ..Entry::new(kind).with_mode(mode)
    };
    let differ = [
        (path("/a"), linked(0o644, Kind::Fifo)),
        (path("/b"), linked(0o600, Kind::Fifo)),
    ];
    assert!(matches!(
        Manifest::from_entries(differ),
        Err(ManifestError::LinksDiffer { .. })
    ));
    let directory = [(path("/a"), linked(0o755, Kind::Directory))];
    assert!(matches!(
        Manifest::from_entries(directory),
        Err(ManifestError::LinkedDirectory { .. })
    ));
    let mut manifest = Manifest::new();
    assert!(matches!(
        manifest.hard_link(&path("/a"), &path("/none")),
        Err(ManifestError::NoLinkTarget { .. })
    ));
}

#[test]
fn attributes_that_linux_refuses_are_refused() {
    for (name, size, good) in [
        ("user.x", 65536, true),
        ("user.x", 65537, false),
        ("user.", 1, false),
        ("posix.x", 1, false),
        ("security.a\0b", 1, false),
    ] {
        let mut entry = Entry::new(Kind::Directory);
        entry.xattrs.insert(name.into(), vec![0; size]);
        let made = Manifest::from_entries([(path("/a"), entry)]);
        assert_eq!(made.is_ok(), good, "{name}");
    }
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
        let link = change("/x", Some(NewNode::Symlink(target.into_bytes())));
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
    let long = format!("/{}", "n".repeat(256));
    for bad in [
        "", "a", "/a/", "//", "/a//b", "/a/../b", "/.", "/a\0", &long,
    ] {
        assert!(ImagePath::new(bad).is_err(), "{bad:?}");
    }
    assert_eq!(path("/a/b").parent(), Some(path("/a")));
    assert_eq!(path("/a").parent(), Some(path("/")));
    assert_eq!((path("/").parent(), path("/a/b").name()), (None, &b"b"[..]));
    assert!(ImagePath::new(format!("/{0}/{0}", "n".repeat(255))).is_ok());
    let bytes = ImagePath::new(b"/\xffa").unwrap();
    assert_eq!(
        (bytes.to_string().as_str(), bytes.to_str()),
        ("/\\xffa", None)
    );
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
fn text_that_is_no_manifest_names_its_line() {
    let good = "xsc-manifest 1\nuser 0 root\n/ directory mode=0755 uid=0 gid=0\n\
                /a fifo mode=0644 uid=0 gid=0\n/b char mode=0600 uid=0 gid=0 device=1,3\n";
    let manifest = Manifest::from_text(good).unwrap();
    assert_eq!((manifest.to_text().as_str(), manifest.len()), (good, 3));
    for (from, to, problem) in [
        ("xsc-manifest 1", "xsc-manifest 2", "line 1: expected"),
        ("mode=0755", "mode=755", "line 3: not in the one form"),
        ("mode=0755", "mode=0999", "line 3: `0999` is no octal mode"),
        ("mode=0755", "mode=17777", "line 3: `/` has the mode 17777"),
        ("/ directory", "/ fifo", "line 3: `/` must be a directory"),
        ("/a fifo", "/a pipe", "line 4: `pipe` is no kind"),
        ("/a fifo", "a fifo", "line 4: `a` is not a path"),
        ("/a fifo", "/c fifo", "line 5: `/b` is out of order"),
        ("/a fifo", "/c/a fifo", "line 4: `/c/a` has no parent"),
        (
            "/a fifo mode=0644 uid=0",
            "/a fifo uid=0 mode=0644",
            "line 4: not in the one form",
        ),
        ("device=1,3", "device=1", "line 5: `1` is no device"),
        (" device=1,3", "", "line 5: the field `device` is missing"),
        (
            "device=1,3",
            "device=1,3 x=1",
            "line 5: a char has no field `x`",
        ),
        (
            "/ directory mode=0755 uid=0 gid=0\n",
            "",
            "line 3: `/a` is out of order",
        ),
        (
            "user 0 root",
            "user 0 ro:ot",
            "line 2: `ro:ot` cannot be the name",
        ),
        (
            "user 0 root\n",
            "user 0 root\nuser 0 root\n",
            "line 1: names",
        ),
        ("device=1,3\n", "device=1,3", "line 1: names"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        let error = Manifest::from_text(&bad).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{error}");
    }
}
