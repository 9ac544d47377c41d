//! Markers of what is not flushed, the check after the machine went down, and laid-out trees.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use xsc_model::{Digest, TreeId};
use xsc_store::{Damage, IngestOptions, Store, Warning};

fn add(store: &Store, text: &str) -> TreeId {
    let mut builder = store.tree_builder().unwrap();
    builder.file("d/file", text.as_bytes(), false).unwrap();
    builder.symlink("link", "d/file").unwrap();
    builder.file("empty", b"", true).unwrap();
    builder.finish(&IngestOptions::default()).unwrap()
}

fn markers(store: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(store.join("dirty")) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn cut_short(store: &Path, content: &str) {
    let hex = Digest::of(content.as_bytes()).to_hex();
    let object = store.join("objects").join(&hex[..2]).join(hex);
    // As a file system leaves a file whose length was written and whose content was not.
    fs::set_permissions(&object, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&object, "").unwrap();
    fs::set_permissions(&object, fs::Permissions::from_mode(0o444)).unwrap();
}

#[test]
fn a_marker_stands_from_the_first_write_to_the_flush() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    let store = Store::open(&at).unwrap();
    assert!(markers(&at).is_empty());
    let tree = add(&store, "one");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let [marker] = markers(&at).try_into().unwrap();
    assert_eq!(fs::read_to_string(marker).unwrap(), boot);
    store.flush().unwrap();
    assert!(markers(&at).is_empty());
    // Nothing new: no marker. Something new: one again, and a root is a promise that it is flushed.
    assert_eq!(add(&store, "one"), tree);
    assert!(markers(&at).is_empty());
    let tree = add(&store, "two");
    assert_eq!(markers(&at).len(), 1);
    store
        .add_root(&dir.path().join("result"), &tree, [])
        .unwrap();
    assert!(markers(&at).is_empty());
    add(&store, "three");
    drop(store);
    assert!(markers(&at).is_empty());
}

#[test]
fn a_marker_of_a_killed_process_goes_with_the_next_flush() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    let store = Store::open(&at).unwrap();
    add(&store, "one");
    let boot = fs::read("/proc/sys/kernel/random/boot_id").unwrap();
    fs::write(at.join("dirty/1-0-dead"), boot).unwrap();
    let other = Store::open(&at).unwrap();
    assert_eq!(other.take_warnings(), []);
    // The other one wrote nothing and removes nothing.
    drop(other);
    assert_eq!(markers(&at).len(), 2);
    store.flush().unwrap();
    assert!(markers(&at).is_empty());
}

#[test]
fn after_a_power_loss_everything_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    let store = Store::open(&at).unwrap();
    let (good, bad) = (add(&store, "good"), add(&store, "bad"));
    drop(store);
    cut_short(&at, "bad");
    for text in ["00000000-0000-0000-0000-000000000000\n", ""] {
        fs::write(at.join("dirty/1-0-dead"), text).unwrap();
        let store = Store::open(&at).unwrap();
        assert!(markers(&at).is_empty());
        let warnings = store.take_warnings();
        let recovered = warnings
            .iter()
            .find(|warning| matches!(warning, Warning::Recovered { .. }));
        match text {
            // The object, and the two directories that contain it.
            "" => assert_eq!(
                recovered,
                Some(&Warning::Recovered {
                    objects: 2,
                    damaged: 0
                })
            ),
            _ => assert!(
                matches!(recovered, Some(Warning::Recovered { objects: 3, damaged }) if *damaged >= 3),
                "{recovered:?}"
            ),
        }
        assert!(store.has_tree(&good) && !store.has_tree(&bad));
        assert_eq!(store.verify(false).unwrap().damage, []);
    }
    let store = Store::open(&at).unwrap();
    assert_eq!(store.take_warnings(), []);
    assert_eq!(add(&store, "bad"), bad);
    let path = store.tree_path(&bad).unwrap();
    assert_eq!(fs::read_to_string(path.join("d/file")).unwrap(), "bad");
}

#[test]
fn a_laid_out_tree_that_was_meddled_with_is_laid_out_again() {
    type Change = (&'static str, fn(&Path));
    let changes: [Change; 6] = [
        ("missing", |at| fs::remove_file(at.join("d/file")).unwrap()),
        ("more", |at| fs::write(at.join("more"), "").unwrap()),
        ("other", |at| {
            fs::remove_file(at.join("d/file")).unwrap();
            fs::write(at.join("d/file"), "oops").unwrap();
            let mode = fs::Permissions::from_mode(0o444);
            fs::set_permissions(at.join("d/file"), mode).unwrap();
        }),
        ("mode", |at| {
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(at.join("empty"), mode).unwrap();
        }),
        ("link", |at| {
            fs::remove_file(at.join("link")).unwrap();
            std::os::unix::fs::symlink("elsewhere", at.join("link")).unwrap();
        }),
        ("kind", |at| {
            fs::remove_file(at.join("link")).unwrap();
            fs::create_dir(at.join("link")).unwrap();
        }),
    ];
    for (what, change) in changes {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        let tree = add(&store, "text");
        assert_eq!(store.verify(false).unwrap().damage, [], "{what}");
        let path = store.tree_path(&tree).unwrap();
        change(&path);
        let expected = [Damage::LaidOut { path: path.clone() }];
        assert_eq!(store.verify(false).unwrap().damage, expected, "{what}");
        assert_eq!(store.verify(true).unwrap().damage, expected, "{what}");
        assert!(!path.exists(), "{what}");
        store.tree_path(&tree).unwrap();
        assert_eq!(store.verify(false).unwrap().damage, [], "{what}");
    }
}
