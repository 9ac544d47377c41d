//! What a build may leave behind on purpose or by accident, and what must not get in.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use xsc_model::{BlobId, Digest, DirectorySource};
use xsc_store::{BuilderError, FoundIn, IngestError, IngestOptions, Needle, OpenError, Store};

struct Fixture {
    _dir: tempfile::TempDir,
    store: Store,
    outside: PathBuf,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    Fixture {
        _dir: dir,
        store,
        outside,
    }
}

fn needle(text: &str) -> IngestOptions {
    IngestOptions {
        forbidden: vec![Needle {
            bytes: text.as_bytes().to_vec(),
            what: "the secret".to_owned(),
        }],
        jobs: 1,
    }
}

impl Fixture {
    fn add(
        &self,
        options: &IngestOptions,
        fill: impl FnOnce(&Path),
    ) -> Result<xsc_model::TreeId, IngestError> {
        let scratch = self.store.scratch("test").unwrap();
        let staged = scratch.path().join("tree");
        fs::create_dir(&staged).unwrap();
        fill(&staged);
        self.store.add_tree(&staged, options)
    }
}

#[test]
fn special_files_are_refused_by_name() {
    let f = fixture();
    let plain = IngestOptions::default();
    let error = f.add(&plain, |at| {
        fs::create_dir(at.join("run")).unwrap();
        std::os::unix::net::UnixListener::bind(at.join("run/sock")).unwrap();
    });
    assert!(
        matches!(&error, Err(IngestError::SpecialFile { path, kind: "socket" }) if path == "run/sock"),
        "{error:?}"
    );
    let error = f.add(&plain, |at| {
        let fifo = rustix::fs::FileType::Fifo;
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(rustix::fs::CWD, at.join("pipe"), fifo, mode, 0).unwrap();
    });
    assert!(
        matches!(&error, Err(IngestError::SpecialFile { path, kind: "named pipe" }) if path == "pipe"),
        "{error:?}"
    );
}

#[test]
fn names_and_targets_are_utf8() {
    let f = fixture();
    let plain = IngestOptions::default();
    let bad = OsStr::from_bytes(b"a\xffb");
    for (what, error) in [
        (
            "name",
            f.add(&plain, |at| fs::write(at.join(bad), "").unwrap()),
        ),
        (
            "link target",
            f.add(&plain, |at| symlink(bad, at.join("l")).unwrap()),
        ),
    ] {
        assert!(
            matches!(&error, Err(IngestError::NotUtf8 { what: found, .. }) if *found == what),
            "{error:?}"
        );
    }
}

#[test]
fn links_are_never_followed() {
    let f = fixture();
    fs::write(f.outside.join("secret"), "secret").unwrap();
    let before = fs::metadata(f.outside.join("secret")).unwrap();
    let tree = f
        .add(&needle("secret"), |at| {
            symlink("../../../../outside", at.join("dir")).unwrap();
            symlink("loop", at.join("loop")).unwrap();
        })
        .unwrap();
    assert_eq!(f.store.directory(tree).unwrap().entries.len(), 2);
    let after = fs::metadata(f.outside.join("secret")).unwrap();
    assert_eq!(
        (before.mode(), before.mtime()),
        (after.mode(), after.mtime())
    );
    // The root itself is not followed either.
    let link = f.store.dir().join("tmp/link");
    symlink(&f.outside, &link).unwrap();
    let error = f.store.add_tree(&link, &IngestOptions::default());
    assert!(matches!(error, Err(IngestError::NotADirectory { .. })));
    assert!(f.outside.join("secret").exists());
}

#[test]
fn a_file_with_another_name_outside_is_copied() {
    let f = fixture();
    let other = f.outside.join("writable");
    fs::write(&other, "before").unwrap();
    let tree = f
        .add(&IngestOptions::default(), |at| {
            fs::hard_link(&other, at.join("file")).unwrap();
            fs::write(at.join("x"), "twin").unwrap();
            fs::hard_link(at.join("x"), at.join("y")).unwrap();
        })
        .unwrap();
    fs::write(&other, "after").unwrap();
    let path = f.store.tree_path(&tree).unwrap();
    assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "before");
    assert_eq!(fs::metadata(path.join("x")).unwrap().nlink(), 3);
    assert_eq!(f.store.verify(false).unwrap().damage, []);
}

#[test]
fn a_needle_is_found_in_contents_names_and_targets() {
    let f = fixture();
    let options = needle("/secret/path");
    // Around the border of the read buffer, whatever its exact place.
    for offset in (262_144 - 16)..(262_144 + 16) {
        let error = f.add(&options, |at| {
            let mut content = vec![b'/'; offset];
            content.extend(b"/secret/path and more");
            fs::write(at.join("file"), content).unwrap();
        });
        let Err(IngestError::Forbidden { path, found, what }) = error else {
            panic!("not found at {offset}");
        };
        assert_eq!((path.as_str(), what.as_str()), ("file", "the secret"));
        let expected = FoundIn::Content {
            offset: offset as u64,
        };
        assert_eq!(found, expected);
    }
    let error = f.add(&options, |at| {
        fs::create_dir_all(at.join("secret/path")).unwrap()
    });
    assert!(
        matches!(&error, Err(IngestError::Forbidden { path, found: FoundIn::Name, .. }) if path == "secret/path"),
        "{error:?}"
    );
    let error = f.add(&options, |at| {
        symlink("/secret/path/x", at.join("l")).unwrap()
    });
    assert!(
        matches!(&error, Err(IngestError::Forbidden { path, found: FoundIn::Target, .. }) if path == "l"),
        "{error:?}"
    );
    f.add(&options, |at| {
        fs::write(at.join("file"), "/secret/pat").unwrap()
    })
    .unwrap();
}

#[test]
fn deep_and_locked_trees_are_added_and_removed() {
    let f = fixture();
    let deep: PathBuf = (0..900).map(|_| "d").collect();
    f.add(&IngestOptions::default(), |at| {
        fs::create_dir_all(at.join(&deep)).unwrap()
    })
    .unwrap();
    let scratch = f.store.scratch("deep").unwrap();
    let path = scratch.path().to_owned();
    // Deeper than a path can be long.
    let mut at = path.clone();
    for _ in 0..3 {
        let below: PathBuf = (0..1500).map(|_| "d").collect();
        let part = f.store.dir().join("kept/part");
        fs::create_dir_all(part.join(&below)).unwrap();
        if at != path {
            fs::rename(path.join("d"), part.join(&below).join("d")).unwrap();
        }
        fs::rename(&part, path.join("d")).unwrap();
        at = path.join("d");
    }
    fs::create_dir(path.join("locked")).unwrap();
    fs::write(path.join("locked/file"), "").unwrap();
    fs::set_permissions(path.join("locked"), fs::Permissions::from_mode(0o000)).unwrap();
    scratch.remove().unwrap();
    assert!(!path.exists());
}

#[test]
fn an_object_without_links_left_is_copied() {
    let f = fixture();
    let blob = BlobId(Digest::of(b"content"));
    let fill = |at: &Path| fs::write(at.join("file"), "content").unwrap();
    let tree = f.add(&IngestOptions::default(), fill).unwrap();
    let hex = blob.to_string();
    let object = f.store.dir().join("objects").join(&hex[..2]).join(&hex);
    let mut links = 0;
    loop {
        match fs::hard_link(&object, f.outside.join(links.to_string())) {
            Ok(()) => links += 1,
            Err(error) if error.kind() == std::io::ErrorKind::TooManyLinks => break,
            Err(error) => panic!("{error}"),
        }
        if links > 70_000 {
            println!("skipped: the file system allows more than 70000 links");
            return;
        }
    }
    let other = f
        .add(&IngestOptions::default(), |at| {
            fill(at);
            fs::write(at.join("other"), "").unwrap();
        })
        .unwrap();
    for tree in [tree, other] {
        let path = f.store.tree_path(&tree).unwrap();
        let meta = fs::metadata(path.join("file")).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.mtime()), (0o444, 1));
        fs::rename(&path, f.outside.join(tree.to_string())).unwrap();
        let again = f.store.tree_path(&tree).unwrap();
        assert_eq!(fs::read_to_string(again.join("file")).unwrap(), "content");
    }
}

#[test]
fn a_builder_never_writes_through_links() {
    let f = fixture();
    let mut tree = f.store.tree_builder().unwrap();
    tree.symlink("out", f.outside.to_str().unwrap()).unwrap();
    let error = tree.file("out/file", b"x", false);
    assert!(
        matches!(error, Err(BuilderError::Clash { .. })),
        "{error:?}"
    );
    for bad in ["", "/abs", "a//b", "../up", "a/../b", "./a", "a/"] {
        let error = tree.file(bad, b"", false);
        assert!(
            matches!(error, Err(BuilderError::InvalidPath { .. })),
            "{bad}"
        );
    }
    let error = tree.hard_link("h", "out");
    assert!(matches!(error, Err(BuilderError::NoTarget { .. })));
    tree.file("out", b"replaced", true).unwrap();
    tree.hard_link("a/b", "out").unwrap();
    let id = tree.finish(&IngestOptions::default()).unwrap();
    let path = f.store.tree_path(&id).unwrap();
    assert_eq!(fs::read_to_string(path.join("a/b")).unwrap(), "replaced");
    assert_eq!(fs::read_dir(&f.outside).unwrap().count(), 0);
}

#[test]
fn foreign_and_newer_directories_are_no_stores() {
    let f = fixture();
    fs::write(f.outside.join("thesis.txt"), "").unwrap();
    let error = Store::open(&f.outside).unwrap_err();
    assert!(matches!(error, OpenError::NotAStore { entry, .. } if entry == "thesis.txt"));
    fs::write(f.store.dir().join("version"), "2\n").unwrap();
    let error = Store::open(f.store.dir()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found, .. } if found == "2"));
}
