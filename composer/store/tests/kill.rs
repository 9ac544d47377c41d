//! A store survives being killed: a child that ingests in a loop dies at any moment, and what it
//! leaves opens, verifies and can be used.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use xsc_model::{ActionId, Digest, OutputName, Realisation, TreeId};
use xsc_store::{IngestOptions, Store};

const KILLS: u64 = 60;

/// The tree of one round: some files all rounds share, some of its own, one of them large.
fn stage(store: &Store, round: u64) -> (xsc_store::ScratchDir, std::path::PathBuf) {
    let scratch = store.scratch("kill").unwrap();
    let staged = scratch.path().join("tree");
    for folder in 0..4 {
        let at = staged.join(format!("d{folder}/e"));
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("shared"), format!("shared {folder}")).unwrap();
        fs::write(at.join("own"), format!("own {round} {folder}")).unwrap();
        fs::write(at.join("empty"), "").unwrap();
    }
    fs::write(staged.join("large"), round.to_le_bytes().repeat(40_000)).unwrap();
    (scratch, staged)
}

fn ingest(store: &Store, round: u64) -> TreeId {
    // Else a collection by another process may come before the realisation is recorded.
    let _session = store.session().unwrap();
    let (_scratch, staged) = stage(store, round);
    let tree = store.add_tree(&staged, &IngestOptions::default()).unwrap();
    let realisation = Realisation {
        action: ActionId(Digest::of(&round.to_le_bytes())),
        outputs: [(OutputName::out(), tree)].into(),
        isolation: Vec::new(),
    };
    store.put_realisation(&realisation).unwrap();
    tree
}

/// Not a test of its own: the child of the tests below, which set the variable.
#[test]
fn child() {
    let Some(dir) = std::env::var_os("XSC_STORE_TEST_CHILD") else {
        return;
    };
    let rounds: u64 = std::env::var("XSC_STORE_TEST_ROUNDS")
        .unwrap()
        .parse()
        .unwrap();
    let first: u64 = std::env::var("XSC_STORE_TEST_FIRST")
        .unwrap()
        .parse()
        .unwrap();
    let store = Store::open(Path::new(&dir)).unwrap();
    for round in first..first.saturating_add(rounds) {
        ingest(&store, round);
        if round % 3 == 2 {
            // Collections are killed too; one that finds the store in use gives up.
            let _ = store.gc(xsc_store::GcOptions::default());
        }
    }
}

fn spawn(dir: &Path, first: u64, rounds: u64) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--test-threads=1"])
        .env("XSC_STORE_TEST_CHILD", dir)
        .env("XSC_STORE_TEST_FIRST", first.to_string())
        .env("XSC_STORE_TEST_ROUNDS", rounds.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_at_any_moment_it_stays_sound() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    let mut seen = 0;
    for kill in 0..KILLS {
        let first = kill * 1000;
        let mut child = spawn(&at, first, 1000);
        // From before the store exists to some rounds on; a fixed scatter, not random.
        std::thread::sleep(Duration::from_micros(3_000 + (kill * 7919) % 90_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(&at).unwrap();
        let report = store.verify(false).unwrap();
        assert_eq!(report.damage, [], "after kill {kill}");
        let left: Vec<_> = fs::read_dir(at.join("tmp")).unwrap().collect();
        assert!(left.is_empty(), "after kill {kill}: {left:?}");
        for round in first..first + 1000 {
            let action = ActionId(Digest::of(&round.to_le_bytes()));
            let Some(found) = store.realisation(&action).unwrap() else {
                continue;
            };
            seen += 1;
            let path = store.tree_path(&found.outputs[&OutputName::out()]).unwrap();
            let large = fs::read(path.join("large")).unwrap();
            assert_eq!(large, round.to_le_bytes().repeat(40_000));
        }
        let tree = ingest(&store, first);
        assert!(store.tree_path(&tree).unwrap().join("d3/e/own").exists());
    }
    println!("{seen} realisations were complete before a kill");
}

#[test]
fn two_processes_ingest_the_same_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("store");
    // Too few rounds for a collection, which would rightly remove what no root keeps.
    let mut children = [spawn(&at, 0, 2), spawn(&at, 0, 2)];
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let store = Store::open(&at).unwrap();
    assert_eq!(store.verify(false).unwrap().damage, []);
    for round in 0..2u64 {
        let action = ActionId(Digest::of(&round.to_le_bytes()));
        assert!(store.realisation(&action).unwrap().is_some());
    }
}
