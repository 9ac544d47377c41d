//! Collection by use and size, names, and the size report.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, SystemTime};

use xsc_model::{ActionId, Digest, DrvName, OutputName, Realisation, TreeId};
use xsc_store::{GcOptions, IngestOptions, Store};

const MIB: usize = 1 << 20;
const HOUR: Duration = Duration::from_secs(3600);

struct Fixture {
    dir: tempfile::TempDir,
    store: Store,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    Fixture { dir, store }
}

fn action(name: &str) -> ActionId {
    ActionId(Digest::of(name.as_bytes()))
}

impl Fixture {
    /// An output of one file of a MiB, with one file that all outputs share.
    fn output(&self, name: &str) -> TreeId {
        let mut builder = self.store.tree_builder().unwrap();
        let own = name.bytes().cycle().take(MIB).collect::<Vec<u8>>();
        builder.file("own", &own, false).unwrap();
        builder.file("shared", &vec![0; MIB], false).unwrap();
        let tree = builder.finish(&IngestOptions::default()).unwrap();
        let realisation = Realisation {
            action: action(name),
            outputs: BTreeMap::from([(OutputName::out(), tree)]),
            isolation: Vec::new(),
        };
        self.store.put_realisation(&realisation).unwrap();
        tree
    }

    fn has(&self, name: &str) -> bool {
        self.store.realisation(&action(name)).unwrap().is_some()
    }

    fn used(&self, name: &str) -> SystemTime {
        let hex = action(name).to_string();
        let path = self.store.dir().join("realisations");
        let path = path.join(&hex[..2]).join(hex);
        fs::metadata(path).unwrap().modified().unwrap()
    }
}

/// Three outputs, used one, two and three days ago, and one that a root keeps, of 4 days ago.
fn four() -> (Fixture, SystemTime) {
    let f = fixture();
    let now = SystemTime::now() + 100 * HOUR;
    for (name, days) in [("new", 1), ("middle", 2), ("old", 3)] {
        f.output(name);
        f.store.mark_used([action(name)], now - days * 24 * HOUR);
    }
    let rooted = f.output("rooted");
    f.store.mark_used([action("rooted")], now - 96 * HOUR);
    f.store
        .add_root(&f.dir.path().join("result"), &rooted, [action("rooted")])
        .unwrap();
    (f, now)
}

#[test]
fn what_was_used_lately_stays() {
    let (f, now) = four();
    let options = GcOptions {
        unused_since: Some(now - 60 * HOUR),
        ..GcOptions::default()
    };
    let dry = f
        .store
        .gc(GcOptions {
            dry_run: true,
            ..options
        })
        .unwrap();
    assert!(f.has("old"));
    let report = f.store.gc(options).unwrap();
    assert_eq!(dry, report);
    assert_eq!((report.kept_by_use, report.realisations), (2, 1));
    assert!(f.has("new") && f.has("middle") && !f.has("old") && f.has("rooted"));
    // What goes shares a file with what stays.
    assert_eq!(report.objects, 1);
    assert!(report.bytes_freed >= MIB as u64 && report.bytes_freed < 2 * MIB as u64);
    assert_eq!(f.store.verify(false).unwrap().damage, []);
    let all = f.store.gc(GcOptions::default()).unwrap();
    assert_eq!((all.kept_by_use, all.realisations), (0, 2));
    assert!(f.has("rooted"));
}

#[test]
fn the_longest_unused_goes_first_until_it_fits() {
    let (f, _) = four();
    // Five MiB are there: one shared, one of each output.
    let limit = |mib: usize| GcOptions {
        max_size: Some((mib * MIB + MIB / 2) as u64),
        ..GcOptions::default()
    };
    let report = f.store.gc(limit(5)).unwrap();
    assert_eq!((report.realisations, report.objects), (0, 0));
    let report = f.store.gc(limit(4)).unwrap();
    assert_eq!((report.realisations, report.objects), (1, 1));
    assert!(f.has("new") && f.has("middle") && !f.has("old"));
    assert!(
        report.bytes_left <= (4 * MIB + MIB / 2) as u64,
        "{report:?}"
    );
    // A use makes it the last to go.
    f.store.mark_used(
        [action("middle")],
        SystemTime::now() + Duration::from_secs(1_000_000),
    );
    f.store.gc(limit(3)).unwrap();
    assert!(!f.has("new") && f.has("middle"));
    // What a root keeps stays, however small the limit is.
    let report = f.store.gc(limit(0)).unwrap();
    assert!(!f.has("middle") && f.has("rooted"));
    assert!(report.bytes_rooted.unwrap() >= 2 * MIB as u64);
    assert_eq!(report.bytes_left, report.bytes_rooted.unwrap());
    assert_eq!(f.store.verify(false).unwrap().damage, []);
}

#[test]
fn a_use_is_noted_once_an_hour() {
    let f = fixture();
    f.output("a");
    let begin = f.used("a");
    f.store
        .mark_used([action("a"), action("none")], begin + HOUR / 2);
    assert_eq!(f.used("a"), begin);
    f.store.mark_used([action("a")], begin + 2 * HOUR);
    assert_eq!(f.used("a"), begin + 2 * HOUR);
    // A clock that was wrong is no reason to keep something for ever.
    f.store.mark_used([action("a")], begin + HOUR);
    assert_eq!(f.used("a"), begin + HOUR);
}

#[test]
fn names_are_kept_while_their_actions_are() {
    let (f, _) = four();
    let name = |text: &str| DrvName::new(text).unwrap();
    let (one, two) = (name("one-1"), name("two-2"));
    f.store
        .name_actions([(action("rooted"), &one), (action("old"), &two)]);
    f.store.name_actions([(action("rooted"), &two)]);
    f.store.name_actions([(action("rooted"), &one)]);
    let path = f.store.dir().join("names");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}damaged\n{} cut-off", action("new"))).unwrap();
    assert_eq!(
        f.store.names(),
        BTreeMap::from([(action("rooted"), one.clone()), (action("old"), two)])
    );
    f.store.gc(GcOptions::default()).unwrap();
    assert_eq!(f.store.names(), BTreeMap::from([(action("rooted"), one)]));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
}

#[test]
fn sizes_are_by_root_and_by_name() {
    let (f, _) = four();
    let name = DrvName::new("thing-1").unwrap();
    f.store
        .name_actions([(action("rooted"), &name), (action("new"), &name)]);
    let report = f.store.size().unwrap();
    let mib = |bytes: u64| bytes.div_ceil(MIB as u64);
    assert_eq!(report.objects, 5);
    assert!(mib(report.object_bytes) >= 5, "{report:?}");
    assert_eq!(report.unshared_bytes, 8 * MIB as u64);
    assert_eq!(report.roots.len(), 1);
    assert_eq!(report.roots[0].bytes, report.rooted_bytes);
    assert_eq!(report.roots[0].own, report.rooted_bytes);
    assert!(report.record_bytes > 0);
    let [thing, unknown] = report.names.as_slice() else {
        panic!("{:?}", report.names)
    };
    assert_eq!((thing.name.as_str(), thing.kept), ("thing-1", true));
    assert_eq!((unknown.name.as_str(), unknown.kept), ("", false));
    // Each has two files of its own, and they share one.
    assert_eq!(thing.bytes - thing.own, unknown.bytes - unknown.own);
    assert!(mib(thing.own) == 2 && mib(thing.bytes) == 3, "{thing:?}");
}
