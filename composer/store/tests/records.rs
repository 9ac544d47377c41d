//! Records, roots, collection and repair.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use xsc_model::{ActionId, Digest, DirectorySource, OutputName, Realisation, TreeId, merge_trees};
use xsc_store::{
    Damage, GcError, GcOptions, IngestError, IngestOptions, Store, StoreError, VerifyError, Warning,
};

const COLLECT: GcOptions = GcOptions {
    dry_run: false,
    wait: false,
    unused_since: None,
    max_size: None,
};

struct Fixture {
    dir: tempfile::TempDir,
    store: Store,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    Fixture { dir, store }
}

fn action(text: &str) -> ActionId {
    ActionId(Digest::of(text.as_bytes()))
}

impl Fixture {
    fn tree(&self, files: &[(&str, &str)]) -> TreeId {
        let mut builder = self.store.tree_builder().unwrap();
        for (path, content) in files {
            builder.file(path, content.as_bytes(), false).unwrap();
        }
        builder.finish(&IngestOptions::default()).unwrap()
    }

    fn realise(&self, name: &str, tree: TreeId) -> ActionId {
        let realisation = Realisation {
            action: action(name),
            outputs: BTreeMap::from([(OutputName::out(), tree)]),
            isolation: Vec::new(),
        };
        self.store.put_realisation(&realisation).unwrap();
        action(name)
    }

    fn link(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn in_store(&self, folder: &str, hex: &str) -> PathBuf {
        self.store.dir().join(folder).join(&hex[..2]).join(hex)
    }
}

fn damage(path: &Path, content: &str) {
    fs::remove_file(path).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn a_realisation_counts_only_while_its_trees_exist() {
    let f = fixture();
    let tree = f.tree(&[("a", "1")]);
    let id = f.realise("one", tree);
    assert_eq!(f.store.realisation(&id).unwrap().unwrap().outputs.len(), 1);
    assert!(f.store.realisation(&action("other")).unwrap().is_none());
    fs::remove_file(f.in_store("dirs", &tree.to_string())).unwrap();
    assert!(f.store.realisation(&id).unwrap().is_none());
    let error = f.store.put_realisation(&Realisation {
        action: id,
        outputs: BTreeMap::from([(OutputName::out(), tree)]),
        isolation: Vec::new(),
    });
    assert!(matches!(error, Err(StoreError::MissingDirectory { tree: t }) if t == tree));
}

#[test]
fn damaged_records_are_set_aside_and_reported() {
    let f = fixture();
    let tree = f.tree(&[("a", "1")]);
    let one = f.realise("one", tree);
    let two = f.realise("two", tree);
    let (at_one, at_two) = (
        f.in_store("realisations", &one.to_string()),
        f.in_store("realisations", &two.to_string()),
    );
    // A record cut short, and the record of another action.
    let whole = fs::read_to_string(&at_one).unwrap();
    damage(&at_one, &whole[..whole.len() / 2]);
    damage(&at_two, &whole);
    assert!(f.store.realisation(&one).unwrap().is_none());
    assert!(f.store.realisation(&two).unwrap().is_none());
    let warnings = f.store.take_warnings();
    assert_eq!(warnings.len(), 2);
    for warning in &warnings {
        let Warning::SetAside { path, moved_to, .. } = warning else {
            panic!("{warning:?}");
        };
        assert!(!path.exists() && moved_to.exists());
    }
    assert_eq!(f.store.take_warnings(), []);
    damage(&f.in_store("dirs", &tree.to_string()), "garbage");
    let error = f.store.directory(tree);
    assert!(matches!(error, Err(StoreError::DamagedDirectory { .. })));
    let error = f.store.directory(tree);
    assert!(matches!(error, Err(StoreError::MissingDirectory { .. })));
}

#[test]
fn merged_trees_are_laid_out_from_their_records() {
    let f = fixture();
    let one = f.tree(&[("usr/bin/a", "a"), ("usr/share/x", "")]);
    let two = f.tree(&[("usr/bin/b", "b")]);
    let trees = [("one".to_owned(), one), ("two".to_owned(), two)];
    let merged = merge_trees(&trees, false, &f.store).unwrap();
    assert!(!f.store.has_tree(&merged.root));
    f.store.add_directories(&merged).unwrap();
    let path = f.store.tree_path(&merged.root).unwrap();
    assert_eq!(fs::read_to_string(path.join("usr/bin/a")).unwrap(), "a");
    assert_eq!(fs::read_to_string(path.join("usr/bin/b")).unwrap(), "b");
    assert!(path.join("usr/share/x").exists());
    let mut broken = merged;
    let absent = TreeId(Digest::of(b"absent"));
    let mut directory = xsc_model::Directory::default();
    let name = xsc_model::EntryName::new("sub").unwrap();
    let node = xsc_model::Node::Directory { tree: absent };
    directory.entries.insert(name, node);
    broken.new = BTreeMap::from([(directory.id(), directory)]);
    let error = f.store.add_directories(&broken);
    assert!(matches!(error, Err(IngestError::MissingDirectory { tree }) if tree == absent));
}

#[test]
fn logs_and_durations_are_kept() {
    let f = fixture();
    let id = action("log");
    assert!(f.store.read_log(&id).unwrap().is_none());
    let mut log = f.store.log_writer(&id).unwrap();
    log.write_all(b"line\n").unwrap();
    log.finish().unwrap();
    let mut text = String::new();
    let mut reader = f.store.read_log(&id).unwrap().unwrap();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "line\n");
    assert_eq!(f.store.last_duration("zlib"), None);
    for ms in 1..=20 {
        f.store.record_duration("zlib", Duration::from_millis(ms));
    }
    assert_eq!(
        f.store.last_duration("zlib"),
        Some(Duration::from_millis(20))
    );
    assert_eq!(f.store.durations("zlib").len(), 8);
    f.store
        .record_duration("../escape", Duration::from_millis(1));
    assert!(!f.store.dir().join("escape").exists());
    assert_eq!(f.store.durations("../escape"), []);
}

#[test]
fn builds_that_say_nothing_share_a_log() {
    use std::os::unix::fs::MetadataExt;
    let f = fixture();
    let said = |name: &str| {
        let mut text = String::new();
        let mut reader = f.store.read_log(&action(name)).unwrap().unwrap();
        reader.read_to_string(&mut text).unwrap();
        text
    };
    let silent = |name: &str| {
        let log = f.store.log_writer(&action(name)).unwrap();
        log.finish().unwrap();
        assert_eq!(said(name), "");
        let hex = action(name).to_string();
        let file = f.store.dir().join(format!("logs/{}/{hex}.zst", &hex[..2]));
        fs::metadata(file).unwrap().ino()
    };
    assert_eq!(silent("one"), silent("two"));
    // What one of them says another time is nobody else's.
    let mut log = f.store.log_writer(&action("one")).unwrap();
    log.write_all(b"line\n").unwrap();
    log.finish().unwrap();
    silent("three");
    assert_eq!((said("one").as_str(), said("two").as_str()), ("line\n", ""));
    silent("one");
}

#[test]
fn durations_are_read_again_and_damage_is_no_error() {
    let f = fixture();
    let dir = f.store.dir().to_owned();
    let path = dir.join("durations");
    let ms = Duration::from_millis;
    let again = || Store::open(&dir).unwrap();
    f.store.record_duration("zlib", ms(5));
    f.store.record_duration("bash", ms(7));
    let other = again();
    assert_eq!(other.durations("zlib"), [ms(5)]);
    // Both go on, and neither's lines are lost.
    other.record_duration("zlib", ms(6));
    f.store.record_duration("bash", ms(8));
    let known = again().last_durations();
    let expected = [("bash".to_owned(), ms(8)), ("zlib".to_owned(), ms(6))];
    assert_eq!(known, BTreeMap::from(expected));

    fs::write(&path, b"5 zlib\nx zlib\n\xff\n9\n\n7 zlib\n8 zl").unwrap();
    assert_eq!(again().durations("zlib"), [ms(5), ms(7)]);

    // A file that has grown is written anew, with what is kept of each name.
    let many: String = (0..10_000).map(|n| format!("{n} zlib\n")).collect();
    fs::write(&path, format!("3 bash\n{many}")).unwrap();
    let store = again();
    assert_eq!(
        store.durations("zlib"),
        (9992..10_000).map(ms).collect::<Vec<_>>()
    );
    assert_eq!(store.durations("bash"), [ms(3)]);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 9);
    assert_eq!(again().last_duration("zlib"), Some(ms(9999)));
}

#[test]
fn durations_of_older_stores_are_taken_over() {
    let f = fixture();
    let old = f.store.dir().join("history");
    fs::create_dir(&old).unwrap();
    fs::write(old.join("zlib"), "5\n6\n").unwrap();
    fs::write(old.join("bash"), "7\nx\n").unwrap();
    let ms = Duration::from_millis;
    assert_eq!(f.store.durations("zlib"), [ms(5), ms(6)]);
    assert!(!old.exists());
    let again = Store::open(f.store.dir()).unwrap();
    assert_eq!(again.durations("zlib"), [ms(5), ms(6)]);
    assert_eq!(again.durations("bash"), [ms(7)]);
}

#[test]
fn an_action_is_locked_once_and_waiting_can_be_cancelled() {
    let f = fixture();
    let id = action("locked");
    let go = AtomicBool::new(false);
    let held = f.store.lock_action(&id, &go).unwrap();
    let mut holder = None;
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let mut told = |pid| {
                holder = pid;
                go.store(true, Ordering::SeqCst);
            };
            f.store.lock_action_with(&id, &go, &mut told)
        });
        let result = waiter.join().unwrap();
        assert!(matches!(result, Err(StoreError::Cancelled)));
    });
    assert_eq!(holder, Some(std::process::id()));
    drop(held);
    f.store.lock_action(&id, &AtomicBool::new(false)).unwrap();
}

#[test]
fn collection_keeps_what_live_roots_need_and_nothing_else() {
    let f = fixture();
    let kept = f.tree(&[("d/shared", "shared"), ("kept", "kept")]);
    let needed = f.tree(&[("needed", "needed"), ("empty", "")]);
    let dead = f.tree(&[("d/shared", "shared"), ("e/dead", "dead")]);
    let (a, b) = (f.realise("kept", kept), f.realise("needed", needed));
    let c = f.realise("dead", dead);
    let (live, gone) = (f.link("result"), f.link("old"));
    f.store.add_root(&live, &kept, [a, b]).unwrap();
    f.store.add_root(&gone, &dead, [c]).unwrap();
    assert_eq!(f.store.roots().unwrap().len(), 2);
    fs::remove_file(&gone).unwrap();

    let would = f
        .store
        .gc(GcOptions {
            dry_run: true,
            ..COLLECT
        })
        .unwrap();
    assert!(f.store.has_tree(&dead));
    let report = f.store.gc(COLLECT).unwrap();
    assert_eq!(would, report);
    assert_eq!(
        (report.trees, report.directories, report.objects),
        (1, 2, 1)
    );
    assert_eq!(report.realisations, 1);
    assert!(report.bytes_freed > 0);
    let link = |path: &Path| {
        path.canonicalize()
            .map_or(path.to_owned(), |_| path.to_owned())
    };
    assert_eq!(report.kept_roots, [link(&live)]);
    assert_eq!(report.dead_roots.len(), 1);
    assert!(f.store.realisation(&a).unwrap().is_some());
    assert!(f.store.realisation(&b).unwrap().is_some());
    assert!(f.store.realisation(&c).unwrap().is_none());
    assert!(!f.store.has_tree(&dead));
    assert_eq!(fs::read_to_string(live.join("d/shared")).unwrap(), "shared");
    assert_eq!(f.store.verify(false).unwrap().damage, []);
    fs::remove_dir_all(f.store.tree_path(&needed).unwrap()).unwrap();
    assert!(f.store.tree_path(&needed).unwrap().join("empty").exists());

    // A link that now points elsewhere lets go; so does one replaced by a directory.
    fs::remove_file(&live).unwrap();
    fs::create_dir(&live).unwrap();
    assert!(f.store.add_root(&live, &kept, []).is_err());
    f.store.gc(COLLECT).unwrap();
    assert!(!f.store.has_tree(&kept) && !f.store.has_tree(&needed));
    assert_eq!(f.store.verify(true).unwrap().objects, 1, "the empty object");
}

#[test]
fn collection_and_repair_leave_running_builds_alone() {
    let f = fixture();
    let tree = f.tree(&[("a", "1")]);
    let session = f.store.session().unwrap();
    assert!(matches!(f.store.gc(COLLECT), Err(GcError::Busy)));
    assert!(matches!(f.store.verify(true), Err(VerifyError::Busy)));
    assert!(f.store.has_tree(&tree));
    drop(session);
    f.store.gc(COLLECT).unwrap();
    assert!(!f.store.has_tree(&tree));
}

#[test]
fn scratch_of_the_living_stays_and_of_the_dead_goes() {
    let f = fixture();
    let mine = f.store.scratch("mine").unwrap();
    let stale = f.store.dir().join("tmp/1-1-stale");
    fs::create_dir(&stale).unwrap();
    fs::write(stale.join("file"), "").unwrap();
    fs::write(f.store.dir().join("tmp/1-1-stale.lock"), "").unwrap();
    Store::open(f.store.dir()).unwrap();
    assert!(mine.path().exists() && !stale.exists());
    let one = mine.keep("zlib").unwrap();
    let two = f.store.scratch("x").unwrap().keep("zlib").unwrap();
    assert!(one.exists() && two.exists() && one != two);
}

#[test]
fn a_damaged_object_is_found_and_repaired_with_all_that_contains_it() {
    let f = fixture();
    let bad = f.tree(&[("d/file", "good"), ("x", "x")]);
    let good = f.tree(&[("x", "x")]);
    let (a, b) = (f.realise("bad", bad), f.realise("good", good));
    let hex = Digest::of(b"good").to_string();
    damage(&f.in_store("objects", &hex), "evil");
    let report = f.store.verify(true).unwrap();
    let incomplete = |d: &&Damage| matches!(d, Damage::Incomplete { .. });
    assert_eq!(report.damage.iter().filter(incomplete).count(), 2);
    assert_eq!(report.damage.len(), 3);
    assert!(f.store.realisation(&a).unwrap().is_none());
    assert!(f.store.realisation(&b).unwrap().is_some());
    assert_eq!(f.store.verify(false).unwrap().damage, []);
    assert_eq!(f.tree(&[("d/file", "good"), ("x", "x")]), bad);
    assert!(f.store.realisation(&a).unwrap().is_some());
}
