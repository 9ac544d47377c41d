//! The store's everyday life: trees in, trees out, records.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use xsc_model::{Digest, Directory, DirectorySource, EntryName, Node};
use xsc_store::{IngestOptions, Store};

fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(&dir.path().join("store")).unwrap()
}

fn stage(store: &Store, fill: impl FnOnce(&Path)) -> (xsc_store::ScratchDir, std::path::PathBuf) {
    let scratch = store.scratch("test").unwrap();
    let staged = scratch.path().join("tree");
    fs::create_dir(&staged).unwrap();
    fill(&staged);
    (scratch, staged)
}

fn entry<'a>(directory: &'a Directory, name: &str) -> &'a Node {
    &directory.entries[&EntryName::new(name).unwrap()]
}

#[test]
fn a_directory_becomes_a_normalised_tree() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (_scratch, staged) = stage(&store, |at| {
        fs::create_dir_all(at.join("usr/bin")).unwrap();
        fs::write(at.join("usr/bin/tool"), "tool").unwrap();
        fs::set_permissions(at.join("usr/bin/tool"), fs::Permissions::from_mode(0o4711)).unwrap();
        fs::write(at.join("usr/readme"), "text").unwrap();
        fs::write(at.join("usr/empty"), "").unwrap();
        fs::create_dir(at.join("hollow")).unwrap();
        symlink("/etc/passwd", at.join("link")).unwrap();
        fs::set_permissions(at.join("hollow"), fs::Permissions::from_mode(0o000)).unwrap();
    });
    let id = store.add_tree(&staged, &IngestOptions::default()).unwrap();
    assert!(!staged.exists());
    assert!(store.has_tree(&id));
    let root = store.directory(id).unwrap();
    assert_eq!(root.id(), id);
    assert_eq!(
        entry(&root, "link"),
        &Node::Symlink {
            target: "/etc/passwd".to_owned()
        }
    );
    let path = store.tree_path(&id).unwrap();
    for (name, mode) in [
        ("usr/bin/tool", 0o555),
        ("usr/readme", 0o444),
        ("usr/empty", 0o444),
        ("hollow", 0o755),
        ("usr", 0o755),
        ("", 0o755),
    ] {
        let meta = fs::symlink_metadata(path.join(name)).unwrap();
        assert_eq!(meta.mode() & 0o7777, mode, "{name}");
        assert_eq!((meta.mtime(), meta.mtime_nsec()), (1, 0), "{name}");
    }
    assert_eq!(fs::symlink_metadata(path.join("link")).unwrap().mtime(), 1);
    assert_eq!(fs::metadata(path.join("usr/readme")).unwrap().nlink(), 2);
    assert_eq!(fs::metadata(path.join("usr/empty")).unwrap().nlink(), 1);
    let blob = xsc_model::BlobId(Digest::of(b"tool"));
    let text = std::io::read_to_string(store.open_blob(blob).unwrap()).unwrap();
    assert_eq!(text, "tool");
    // Laid out again from the records, it is the same.
    fs::rename(&path, dir.path().join("moved")).unwrap();
    let again = store.tree_path(&id).unwrap();
    assert_eq!(again, path);
    fs::create_dir(dir.path().join("store/tmp/x")).unwrap();
    let staged = dir.path().join("store/tmp/x/tree");
    fs::rename(&path, &staged).unwrap();
    assert_eq!(
        store.add_tree(&staged, &IngestOptions::default()).unwrap(),
        id
    );
}
