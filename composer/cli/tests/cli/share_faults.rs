//! Shared caches that fail or lie, in every way that was thought of.
//!
//! Invariant: whatever a cache does, the result is the one that building gives, and what was not
//! used is named.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::env::{Ran, tree};
use crate::team::{Behaviour, Server, Team, copy, keygen};

/// Flips a bit in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_lost_or_flipped_object_is_named_and_built_instead() {
    let Some(mut team) = Team::new("a_lost_or_flipped_object_is_named_and_built_instead") else {
        return;
    };
    let everything = ["app", "lib", "tool"];
    let intact = team.repo.temp().join("intact");
    copy(&team.cache, &intact);
    type Sabotage = fn(&Team);
    // `tool` has no large file.
    let two = ["app", "lib"];
    // A flipped bit is met by the decompressor or by the digest, as it happens.
    let cases: [(&str, Sabotage, &str, &[&str]); 6] = [
        (
            "big lost",
            |t| remove(&t.files("blobs")),
            "does not have blobs/",
            &two,
        ),
        (
            "big flipped",
            |t| flip_all(&t.files("blobs")),
            " damaged",
            &two,
        ),
        (
            "packs lost",
            |t| remove(&packs(t)),
            "its pack packs/",
            &everything,
        ),
        (
            "packs flipped",
            |t| flip_all(&packs(t)),
            " damaged",
            &everything,
        ),
        (
            "trees lost",
            |t| remove(&t.files("trees")),
            "does not have trees/",
            &everything,
        ),
        (
            "trees flipped",
            |t| flip_all(&t.files("trees")),
            " damaged",
            &everything,
        ),
    ];
    for (name, sabotage, said, builds) in cases {
        fs::remove_dir_all(&team.cache).unwrap();
        copy(&intact, &team.cache);
        sabotage(&team);
        team.member(&name.replace(' ', "-"));
        let err = team.assert_gives(team.repo.build(), builds);
        assert!(
            err.contains("warning: app is built here: "),
            "{name}: {err}"
        );
        assert!(err.contains(said), "{name}: {err}");
        assert!(err.contains("team"), "{name}: {err}");
    }
    // Whoever has it mends the cache.
    let secret = team.secret("team-a");
    let own = team.repo.store().to_owned();
    team.repo.set_store(team.repo.temp().join("store"));
    let url = team.url();
    let again = ["push", &url, "profiles/t.toml", "--key", &secret, "--again"];
    team.repo.run(&again).ok();
    team.member("mended");
    team.assert_gives(team.repo.build(), &[]);
    team.repo.set_store(own);
    // An object in the place of another one: whole, well packed, and not what its name says.
    fs::remove_dir_all(&team.cache).unwrap();
    copy(&intact, &team.cache);
    let blobs = team.files("blobs");
    let other = team.repo.temp().join("other");
    let length = fs::metadata(team.built.join("big")).unwrap().len();
    fs::write(&other, "x".repeat(length as usize)).unwrap();
    let packed = team.repo.temp().join("other.zst");
    let zstd = std::process::Command::new("zstd")
        .args([
            "-q",
            "-f",
            "-o",
            packed.to_str().unwrap(),
            other.to_str().unwrap(),
        ])
        .status();
    if zstd.is_ok_and(|status| status.success()) {
        fs::copy(&packed, &blobs[0]).unwrap();
        team.member("swapped");
        let err = team.assert_gives(team.repo.build(), &two);
        assert!(
            err.contains("team gave a damaged object: the bytes given for object "),
            "{err}"
        );
    }
}

fn packs(team: &Team) -> Vec<PathBuf> {
    let mut packs = team.files("packs");
    packs.retain(|path| path.extension().is_some_and(|e| e == "pack"));
    packs
}

fn remove(paths: &[PathBuf]) {
    for path in paths {
        fs::remove_file(path).unwrap();
    }
}

fn flip_all(paths: &[PathBuf]) {
    for path in paths {
        flip(path);
    }
}

#[test]
fn an_object_that_one_cache_lost_comes_from_another() {
    let Some(team) = Team::new("an_object_that_one_cache_lost_comes_from_another") else {
        return;
    };
    let whole = team.repo.temp().join("whole");
    copy(&team.cache, &whole);
    remove(&team.files("blobs"));
    flip_all(&packs(&team));
    let second = format!("file://{}", whole.display());
    let dead = format!("file://{}", team.repo.temp().join("none").display());
    team.write_config(
        &[&team.key],
        1,
        &[
            ("a-dead", &dead),
            ("b-lossy", &team.url()),
            ("c-whole", &second),
        ],
    );
    let err = team.assert_gives(team.repo.build(), &[]);
    let warnings = err.matches("a-dead is not available").count();
    assert_eq!(warnings, 1, "{err}");
}

#[test]
fn statements_that_are_forged_replayed_or_of_strangers_are_named_and_not_used() {
    let test = "statements_that_are_forged_replayed_or_of_strangers_are_named_and_not_used";
    let Some(mut team) = Team::new(test) else {
        return;
    };
    let everything = ["app", "lib", "tool"];
    // A stranger pushes to the same directory, and nobody else did.
    let stranger = keygen(&team.repo, "stranger");
    let (members, store_a) = (team.cache.clone(), team.repo.temp().join("store"));
    team.cache = team.repo.temp().join("strangers");
    team.repo.set_store(store_a.clone());
    team.configure(&[], 1, &team.url());
    team.push("stranger").ok();
    team.configure(&[&team.key], 1, &team.url());
    team.member("unknown");
    let err = team.assert_gives(team.repo.build(), &everything);
    assert!(
        err.contains(
            "team: statements signed with `stranger` are not used: [trust] does not name that key"
        ),
        "{err}"
    );
    assert_eq!(err.matches("stranger").count(), 1, "said once: {err}");
    // Nobody is trusted: nothing is even asked.
    team.configure(&[], 1, &team.url());
    team.member("nobody");
    let err = team.assert_gives(team.repo.build(), &everything);
    assert!(!err.contains("stranger"), "{err}");
    // The stranger's key under the name of A's: the signature does not fit.
    let renamed = stranger.replace("stranger:", "team-a:");
    team.cache = members.clone();
    team.configure(&[&renamed], 1, &team.url());
    team.member("forged");
    let err = team.assert_gives(team.repo.build(), &everything);
    assert!(
        err.contains("team: forged: the statement about action "),
        "{err}"
    );
    assert!(
        err.contains("names the key `team-a`, which did not sign it"),
        "{err}"
    );
    // A statement about one action in the place of another's.
    let replayed = team.repo.temp().join("replayed");
    copy(&members, &replayed);
    team.cache = replayed;
    let statements = team.files("statements");
    let first = fs::read(&statements[0]).unwrap();
    for path in &statements[1..] {
        fs::write(path, &first).unwrap();
    }
    team.configure(&[&team.key], 1, &team.url());
    team.member("replayed");
    let ran = team.repo.build().ok();
    assert!(!ran.building().is_empty(), "{}", ran.err);
    assert!(
        ran.err.contains("team: replayed: asked about action "),
        "{}",
        ran.err
    );
    assert_eq!(tree(&ran.path()), tree(&team.built));
    // Not a statement at all, and one cut short.
    for (name, bytes) in [
        ("garbage", &b"hello\n"[..]),
        ("cut", &first[..first.len() / 2]),
    ] {
        for path in &statements {
            fs::write(path, bytes).unwrap();
        }
        team.member(name);
        let err = team.assert_gives(team.repo.build(), &everything);
        assert!(err.contains("is no statement: line "), "{name}: {err}");
    }
}

#[test]
fn as_many_keys_as_the_threshold_must_have_signed() {
    let Some(mut team) = Team::new("as_many_keys_as_the_threshold_must_have_signed") else {
        return;
    };
    let second = keygen(&team.repo, "release");
    let first = team.key.clone();
    let both = [first.as_str(), second.as_str()];
    team.configure(&both, 2, &team.url());
    let err = team.assert_gives(team.repo.build(), &["app", "lib", "tool"]);
    assert!(
        err.contains("1 of the 2 keys that must agree signed the answer about action "),
        "{err}"
    );
    // The second key is set under what the first said: promotion.
    team.configure(&both, 1, &team.url());
    team.member("release");
    let release = team.secret("release");
    let url = team.url();
    let sign = ["sign", "profiles/t.toml", "--key", &release, "--from", &url];
    let signed = team.repo.run(&sign).ok();
    assert!(
        signed.out.starts_with("signed 3 results with release:"),
        "{}",
        signed.out
    );
    team.repo.build().ok();
    team.push("release").ok();
    team.configure(&both, 2, &team.url());
    team.member("c");
    team.assert_gives(team.repo.build(), &[]);
    // And the members who trust only the release key are served too.
    team.configure(&[&second], 1, &team.url());
    team.member("d");
    team.assert_gives(team.repo.build(), &[]);
}

/// An action that gives something else each time: the recipe reads what is not its input.
const TWO_WAYS: &str = r#"
  odd = run "odd" ''mkdir $out; head -c 16 /dev/urandom > $out/odd'';
  result = odd;
"#;

#[test]
fn a_key_that_says_two_things_is_reported_and_not_heard() {
    let test = "a_key_that_says_two_things_is_reported_and_not_heard";
    let Some(mut team) = Team::with(test, TWO_WAYS) else {
        return;
    };
    let (first, first_built) = (team.url(), team.built.clone());
    // The same key signs another result of the same action into another cache.
    team.cache = team.repo.temp().join("second");
    team.configure(&[], 1, &team.url());
    team.member("second");
    let other = team.repo.build().ok().path();
    assert_ne!(
        tree(&other),
        tree(&first_built),
        "the recipe is not reproducible"
    );
    team.push("team-a").ok();
    let second = team.url();
    team.write_config(&[&team.key], 1, &[("one", &first), ("two", &second)]);
    team.member("c");
    let ran = team.repo.build().ok();
    assert_eq!(ran.building(), ["odd"], "{}", ran.err);
    assert!(
        ran.err
            .contains("two: `team-a` signed two different answers about action "),
        "{}",
        ran.err
    );
    // Heard one after the other: what was heard first counts, and its outputs are not to be had.
    team.write_config(&[&team.key], 1, &[("one", &first)]);
    team.member("d");
    let dry = team.repo.build_with(&["--dry-run"]).ok();
    assert_eq!(dry.out, "cache odd\n");
    team.write_config(&[&team.key], 1, &[("two", &second)]);
    let err = team.repo.build().ok().err;
    assert!(
        err.contains("odd is built here: two does not have trees/"),
        "{err}"
    );
}

#[test]
fn a_server_that_hangs_or_dies_costs_one_warning() {
    let Some(mut team) = Team::new("a_server_that_hangs_or_dies_costs_one_warning") else {
        return;
    };
    let everything = ["app", "lib", "tool"];
    let dies = |after| Behaviour {
        dies_after: after,
        ..Behaviour::default()
    };
    for (name, behaviour) in [
        ("at once", dies(0)),
        ("amid statements", dies(2)),
        ("amid the transfer", dies(5)),
        (
            "cut",
            Behaviour {
                cuts: true,
                ..Behaviour::default()
            },
        ),
        (
            "hung",
            Behaviour {
                hangs: true,
                ..Behaviour::default()
            },
        ),
    ] {
        let server = Server::start(&team.cache, behaviour);
        team.member(&name.replace(' ', "-"));
        team.configure(&[&team.key], 1, &server.url());
        let err = team.assert_gives(team.repo.build(), &everything);
        let warnings = err.matches("team is not available: ").count();
        assert!((1..=2).contains(&warnings), "{name}: {err}");
        let told = err.matches("it is not asked again").count();
        assert_eq!(told, 1, "{name}: {err}");
    }
    // Nobody listens there at all.
    team.member("nobody");
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    team.configure(&[&team.key], 1, &format!("http://127.0.0.1:{port}"));
    let err = team.assert_gives(team.repo.build(), &everything);
    assert_eq!(err.matches("it is not asked again").count(), 1, "{err}");
    let err = team.repo.build_with(&["--offline"]).ok().err;
    assert_eq!(err, "", "offline asks nobody");
}

#[test]
fn a_cache_that_cannot_be_written_is_said_and_changes_nothing() {
    let Some(mut team) = Team::new("a_cache_that_cannot_be_written_is_said_and_changes_nothing")
    else {
        return;
    };
    team.repo.set_store(team.repo.temp().join("store"));
    team.cache = team.repo.temp().join("file");
    fs::write(&team.cache, "not a directory").unwrap();
    team.push("team-a").fails(1, &["refuses to be written to"]);
    team.cache = team.repo.temp().join("thesis");
    fs::create_dir(&team.cache).unwrap();
    fs::write(team.cache.join("thesis.txt"), "x").unwrap();
    team.push("team-a")
        .fails(1, &["it is no cache and holds `thesis.txt`"]);
    assert_eq!(fs::read_dir(&team.cache).unwrap().count(), 1);
    team.repo
        .run(&["push", "http://127.0.0.1:9", "profiles/t.toml"])
        .fails(2, &["nothing can be pushed to http://127.0.0.1:9"]);
    // Without a key nothing is pushed.
    team.cache = team.repo.temp().join("fresh");
    let url = team.url();
    team.configure(&[], 1, &url);
    team.repo.recipes(TWO_WAYS);
    team.repo.build().ok();
    team.repo.run(&["push", &url, "profiles/t.toml"]).fails(
        2,
        &[
            "there is no key to sign with",
            "hint: `xsc-compose keygen NAME` makes one",
        ],
    );
}

#[test]
fn a_disk_that_is_full_is_said_and_leaves_a_sound_store() {
    let test = "a_disk_that_is_full_is_said_and_leaves_a_sound_store";
    let Some(mut team) = Team::new(test) else {
        return;
    };
    team.member("small");
    // A file system that holds an empty store and not the result.
    let store = team.repo.store().to_owned();
    fs::create_dir(&store).unwrap();
    let (command, shell) = (
        team.repo.command(["build", "profiles/t.toml"]),
        "mount -t tmpfs -o size=400k,mode=755 none \"$1\" && shift && \"$@\"; code=$?; exit $code",
    );
    let mut inside = std::process::Command::new("unshare");
    inside
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            shell,
            "sh",
        ])
        .arg(&store)
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(team.repo.dir())
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", team.repo.temp().join("home"));
    let ran = Ran::new(inside.output().unwrap());
    if ran.err.contains("mount:") {
        println!("SKIP {test}: no tmpfs in a namespace: {}", ran.err.trim());
        return;
    }
    ran.fails(1, &["No space left on device", "hint: the disk is full"]);
}
