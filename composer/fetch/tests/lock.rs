//! The resolver against a small archive on disk: what is locked, what changes, and what is refused.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use common::sha256;
use xsc_fetch::{
    Change, DownloadError, DownloadOptions, Downloader, FetchObserver, LockError, Mirrors,
    Resolver, SignatureCheck, Which,
};
use xsc_profile::{FlakeLike, Lock, Signature};

const FLAKE: &str = r#"
[mirrors.debian]
from = "configuration"
snapshot = "mirror://old/debian"

[mirrors.security]
from = "configuration"

[inputs.seed]
type = "debian-packages"
architecture = "amd64"
archives = [{ mirror = "debian", suite = "stable" }]

[inputs.seed.sets]
base = [
  "shell",
]
more = ["tool", "shell"]

[inputs.linux]
type = "debian-source"
package = "linux"
version = "6.12.*"
archives = [
  { mirror = "debian", suite = "stable" },
  { mirror = "security", suite = "stable-security" },
]

[inputs.logo]
type = "file"
name = "logo.png"
urls = ["mirror://security/logo.png"]
"#;

struct World {
    dir: tempfile::TempDir,
    warnings: Mutex<Vec<String>>,
}

impl FetchObserver for World {
    fn warning(&self, text: &str) {
        self.warnings.lock().unwrap().push(text.to_owned());
    }
}

fn package(name: &str, version: &str, depends: &str) -> String {
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\nDepends: {depends}\n\
         Filename: pool/main/{name}_{version}_amd64.deb\nSize: 7\nSHA256: {}\n\n",
        sha256(format!("{name} {version}").as_bytes())
    )
}

fn source(version: &str, directory: &str) -> String {
    let upstream = version.split('-').next().unwrap();
    let sum = sha256(upstream.as_bytes());
    format!(
        "Package: linux\nVersion: {version}\nDirectory: {directory}\nChecksums-Sha256:\n \
         {sum} 9 linux_{version}.dsc\n {sum} 99 linux_{upstream}.orig.tar.xz\n\n"
    )
}

fn xz(text: &str) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

impl World {
    fn new() -> World {
        let world = World {
            dir: tempfile::tempdir().unwrap(),
            warnings: Mutex::default(),
        };
        world.publish(
            "debian",
            "stable",
            &(package("shell", "1.0", "libc (>= 2)")
                + &package("libc", "2.1", "")
                + &package("tool", "3", "libc")),
            &(source("6.12.9-1", "pool/main/l/linux") + &source("6.12.20-1", "pool/main/l/linux")),
        );
        world.publish(
            "security",
            "stable-security",
            "",
            &(source("6.12.20-1", "pool/updates/l/linux")
                + &source("6.12.30-1", "pool/updates/l/linux")
                + &source("6.13.1-1", "pool/updates/l/linux")),
        );
        fs::write(world.path("security/logo.png"), "logo").unwrap();
        world
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a suite whose index vouches for these lists.
    fn publish(&self, archive: &str, suite: &str, packages: &str, sources: &str) {
        let dists = self.path(&format!("{archive}/dists/{suite}"));
        let mut sums = String::new();
        for (path, text) in [
            ("main/binary-amd64/Packages.xz", packages),
            ("main/source/Sources.xz", sources),
        ] {
            let bytes = xz(text);
            let file = dists.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, &bytes).unwrap();
            sums += &format!(" {} {} {path}\n", sha256(&bytes), bytes.len());
        }
        let release = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSuite: {suite}\n\
             Date: Sat, 12 Sep 2026 07:55:41 UTC\nAcquire-By-Hash: yes\nSHA256:\n{sums}\
             -----BEGIN PGP SIGNATURE-----\n\nxxxx\n-----END PGP SIGNATURE-----\n"
        );
        fs::write(dists.join("InRelease"), release).unwrap();
    }

    fn resolve(
        &self,
        flake: &str,
        old: Option<&Lock>,
        which: Which<'_>,
    ) -> Result<(Lock, Vec<Change>), LockError> {
        self.resolve_with(flake, old, which, &SignatureCheck::default())
    }

    fn resolve_with(
        &self,
        flake: &str,
        old: Option<&Lock>,
        which: Which<'_>,
        signature: &SignatureCheck,
    ) -> Result<(Lock, Vec<Change>), LockError> {
        let flake = FlakeLike::parse("flake-like.toml", flake).unwrap();
        let at = |path: &str| vec![format!("file://{}", self.path(path).display())];
        let configured = BTreeMap::from([
            ("debian".to_owned(), at("debian")),
            ("security".to_owned(), at("security")),
        ]);
        let mirrors = Mirrors::new(&flake.mirrors, &configured, |_| None, &[]);
        let options = DownloadOptions {
            back_off: Duration::from_millis(1),
            ..DownloadOptions::default()
        };
        let resolver = Resolver {
            downloader: &Downloader::new(mirrors, options).unwrap(),
            signature,
            scratch: &self.path("scratch"),
            observer: self,
            cancel: &AtomicBool::new(false),
        };
        resolver.lock(&flake, old, which)
    }

    fn message(&self, flake: &str) -> String {
        self.resolve(flake, None, Which::Stale)
            .unwrap_err()
            .to_string()
    }
}

/// Compares with a golden file; `XSC_ACCEPT=1` writes it instead.
fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    if std::env::var_os("XSC_ACCEPT").is_some() {
        fs::write(&path, text).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        text,
        "{}",
        path.display()
    );
}

#[test]
fn the_text_of_a_lock() {
    let world = World::new();
    let (lock, changes) = world.resolve(FLAKE, None, Which::Stale).unwrap();
    // The hash of the index depends on how the encoder of the day packs the lists it names.
    let mut shown = lock.clone();
    for archive in shown.inputs.values_mut().flat_map(|i| &mut i.archives) {
        assert_eq!(archive.in_release_sha256.len(), 64);
        archive.in_release_sha256 = "<in release>".to_owned();
    }
    assert_golden("world.lock", &shown.to_text());
    assert!(changes.iter().all(|c| c.old.is_none()));
    assert_eq!(Lock::parse("f", &lock.to_text()).unwrap(), lock);
    let (again, changes) = world.resolve(FLAKE, None, Which::All).unwrap();
    assert_eq!(again.to_text(), lock.to_text());
    assert!(!changes.is_empty());
    let (_, changes) = world.resolve(FLAKE, Some(&lock), Which::All).unwrap();
    assert_eq!(changes, []);
}

#[test]
fn nobody_looked_is_recorded_and_told() {
    let world = World::new();
    let (lock, _) = world.resolve(FLAKE, None, Which::Stale).unwrap();
    assert_eq!(
        lock.inputs["seed"].archives[0].signature,
        Signature::Unverified
    );
    let warnings = world.warnings.lock().unwrap();
    assert_eq!(warnings.len(), 2, "once a suite: {warnings:?}");
    assert!(warnings[0].contains("install gpgv"), "{warnings:?}");
}

#[test]
fn a_signature_that_is_not_good_is_an_error() {
    let host = SignatureCheck::from_host();
    if host.gpgv.is_none() || host.keyring.is_none() {
        eprintln!("skipped: gpgv or the Debian keyring is absent");
        return;
    }
    let result = World::new().resolve_with(FLAKE, None, Which::Stale, &host);
    assert!(matches!(result, Err(LockError::Release(_))), "{result:?}");
}

#[test]
fn the_version_that_two_archives_have_is_preferred() {
    let world = World::new();
    let (lock, _) = world.resolve(FLAKE, None, Which::Stale).unwrap();
    let file = lock.file("linux").unwrap();
    assert_eq!(file.name, "linux_6.12.20.orig.tar.xz");
    assert_eq!(
        file.urls[..3],
        [
            "mirror://debian/pool/main/l/linux/linux_6.12.20.orig.tar.xz",
            "mirror://security/pool/updates/l/linux/linux_6.12.20.orig.tar.xz",
            "mirror://old/debian/20260913T075541Z/pool/main/l/linux/linux_6.12.20.orig.tar.xz",
        ]
    );
    // Where only one has any that fits, the highest it has.
    let newer = FLAKE.replace("6.12.*", "6.13.*");
    let (lock, _) = world.resolve(&newer, None, Which::Stale).unwrap();
    assert_eq!(lock.file("linux").unwrap().name, "linux_6.13.1.orig.tar.xz");
    // A prefix ends at a dot: 6.1 is not 6.12.
    assert_eq!(
        world.message(&FLAKE.replace("6.12.*", "6.1.*")),
        "flake-like.toml:22: no version of `linux` is 6.1.* and has a .orig.tar.xz; \
         stable and stable-security hold 6.12.9, 6.12.20, 6.12.30, 6.13.1"
    );
}

#[test]
fn updates_touch_what_they_are_asked_to() {
    let world = World::new();
    let (old, _) = world.resolve(FLAKE, None, Which::Stale).unwrap();
    world.publish(
        "debian",
        "stable",
        &(package("shell", "1.1", "")
            + &package("tool", "3", "libc")
            + &package("libc", "2.1", "")),
        &source("6.12.20-1", "pool/main/l/linux"),
    );
    let (same, changes) = world.resolve(FLAKE, Some(&old), Which::Stale).unwrap();
    assert_eq!((same.to_text(), changes), (old.to_text(), Vec::new()));
    let (new, changes) = world
        .resolve(FLAKE, Some(&old), Which::Only("seed"))
        .unwrap();
    assert_eq!(new.inputs["linux"], old.inputs["linux"]);
    let shell = changes.iter().find(|c| c.item == "package shell").unwrap();
    assert!(shell.old.as_ref().unwrap().starts_with("1.0 "));
    assert!(shell.new.as_ref().unwrap().starts_with("1.1 "));
    assert!(changes.iter().all(|c| c.input == "seed"));
    let set = changes.iter().find(|c| c.item == "set base").unwrap();
    assert_eq!(
        (set.old.as_deref(), set.new.as_deref()),
        (Some("libc shell"), Some("shell"))
    );
    // A changed declaration is resolved without being asked for; a removed one goes.
    let without = FLAKE
        .split("[inputs.logo]")
        .next()
        .unwrap()
        .replace("6.12.*", "6.12.20");
    let (new, changes) = world.resolve(&without, Some(&old), Which::Stale).unwrap();
    assert_eq!(new.inputs["seed"], old.inputs["seed"]);
    assert!(!new.inputs.contains_key("logo"));
    assert!(changes.iter().any(|c| c.input == "logo" && c.new.is_none()));
    let error = world
        .resolve(FLAKE, Some(&old), Which::Only("sead"))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "flake-like.toml has no input `sead`; did you mean `seed`?"
    );
}

#[test]
fn packages_that_can_t_be_had() {
    let world = World::new();
    assert_eq!(
        world.message(&FLAKE.replacen("\"shell\"", "\"shel\"", 1)),
        "flake-like.toml:16: no package `shel` in stable; did you mean `shell`?"
    );
    assert_eq!(
        world.message(&FLAKE.replace("package = \"linux\"", "package = \"linxu\"")),
        "flake-like.toml:22: no package `linxu` in stable and stable-security; did you mean `linux`?"
    );
    world.publish(
        "debian",
        "stable",
        &package("shell", "1", "libc (>= 3)"),
        "",
    );
    let flake = FLAKE.replace("\"tool\", ", "");
    assert_eq!(
        world.message(&flake),
        "flake-like.toml:16: shell in set `base` depends on libc (>= 3), which no package satisfies"
    );
    assert_eq!(
        world.message(&flake.replace("\"amd64\"", "\"m68k\"")),
        "suite stable has no main/binary-m68k/Packages.xz"
    );
}

#[test]
fn a_list_the_index_does_not_vouch_for_is_refused() {
    let world = World::new();
    let list = world.path("debian/dists/stable/main/binary-amd64/Packages.xz");
    fs::write(&list, xz(&package("shell", "6.6.6", ""))).unwrap();
    let error = world.resolve(FLAKE, None, Which::Only("seed")).unwrap_err();
    assert!(
        matches!(
            &error,
            LockError::Download(DownloadError::HashMismatch { .. })
        ),
        "{error}"
    );
}

#[test]
fn a_file_with_a_declared_hash() {
    let world = World::new();
    let declare = |hash: &str| {
        FLAKE.replace(
            "\"logo.png\"\n",
            &format!("\"logo.png\"\nsha256 = \"{hash}\"\n"),
        )
    };
    let right = sha256(b"logo");
    let (lock, _) = world.resolve(&declare(&right), None, Which::Stale).unwrap();
    assert_eq!(lock.file("logo").unwrap().sha256, right);
    let wrong = sha256(b"other");
    let error = world
        .resolve(&declare(&wrong), None, Which::Stale)
        .unwrap_err();
    assert!(
        matches!(&error, LockError::DeclaredHash { line: 29, got, expected, .. } if *got == right && *expected == wrong),
        "{error:?}"
    );
}

#[test]
fn an_archive_that_is_not_there() {
    let world = World::new();
    fs::remove_dir_all(world.path("security")).unwrap();
    let shown = world.message(FLAKE);
    assert!(
        shown.starts_with("can't fetch mirror://security/dists/stable-security/InRelease; tried\n"),
        "{shown}"
    );
    assert!(shown.contains("No such file"), "{shown}");
}
