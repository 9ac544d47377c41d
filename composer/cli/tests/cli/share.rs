//! Shared caches: one member builds and pushes, another with an empty store builds nothing; and
//! every way in which a cache can fail or lie.
//!
//! Directories and an HTTP server of the test's own on the loopback. Invariant: whatever a cache
//! does, the result is the one that building gives, and what was not used is named.

use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::env::{Ran, TestRepo, can_build, tree};

const RECIPES: &str = r#"
  lib = run "lib" ''
    mkdir -p $out/lib/deep/er
    for n in $(seq 200); do echo "file $n of the library" > $out/lib/deep/$n; done
    echo library > $out/lib/a
    : > $out/empty
    ln -s lib/a $out/link
    seq 1 80000 > $out/big
    printf '#!/bin/sh\necho hello\n' > $out/run
    chmod +x $out/run
    cp $out/run $out/lib/deep/er/not-run
    chmod -x $out/lib/deep/er/not-run
  '';
  tool = run "tool" "echo tool says; mkdir $out; echo tool > $out/tool";
  app = runWith "app" { inputs = [ { at = "/in/lib"; from = lib; } { at = "/in/tool"; from = tool; } ]; } ''
    echo the log of app
    mkdir $out
    cat /in/lib/lib/a /in/tool/tool > $out/app
    cp /in/lib/big /in/lib/run $out
  '';
  result = app;
"#;

/// A repository that two members share, each with a store, and a cache that one has filled.
struct Team {
    repo: TestRepo,
    cache: PathBuf,
    /// What member A built.
    built: PathBuf,
    /// The public key of A.
    key: String,
}

impl Team {
    /// A has built and pushed; the repository trusts A's key and names the cache.
    fn new(test: &str) -> Option<Team> {
        Team::with(test, RECIPES)
    }

    fn with(test: &str, recipes: &str) -> Option<Team> {
        if !can_build(test) {
            return None;
        }
        let repo = TestRepo::new(recipes);
        let built = repo.build().ok().path();
        let cache = repo.temp().join("cache");
        let mut team = Team {
            key: keygen(&repo, "team-a"),
            repo,
            cache,
            built,
        };
        team.configure(&[&team.key.clone()], 1, &team.url());
        let pushed = team.push("team-a").ok();
        assert!(pushed.out.starts_with("pushed "), "{}", pushed.out);
        team.member("b");
        Some(team)
    }

    fn url(&self) -> String {
        format!("file://{}", self.cache.display())
    }

    fn configure(&self, keys: &[&str], threshold: usize, url: &str) {
        self.write_config(keys, threshold, &[("team", url)]);
    }

    fn write_config(&self, keys: &[&str], threshold: usize, remotes: &[(&str, &str)]) {
        let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
        let mut text = String::from("[inputs]\n");
        if !keys.is_empty() {
            text.push_str(&format!(
                "[trust]\nkeys = [{}]\nthreshold = {threshold}\n",
                keys.join(", ")
            ));
        }
        for (name, url) in remotes {
            text.push_str(&format!("[remote.{name}]\nurl = \"{url}\"\n"));
        }
        self.repo.write("flake-like.toml", &text);
    }

    /// Goes on as another member, whose store is empty.
    fn member(&mut self, name: &str) {
        let store = self.repo.temp().join(format!("store-{name}"));
        self.repo.set_store(store);
    }

    fn secret(&self, name: &str) -> String {
        secret(&self.repo, name)
    }

    fn push(&self, key: &str) -> Ran {
        let url = self.url();
        let secret = self.secret(key);
        self.repo
            .run(&["push", &url, "profiles/t.toml", "--key", &secret])
    }

    /// The build must give what A built, having built exactly `built`.
    fn assert_gives(&self, ran: Ran, built: &[&str]) -> String {
        let ran = ran.ok();
        let mut names = ran.building();
        names.sort_unstable();
        assert_eq!(names, built, "{}", ran.err);
        assert_eq!(tree(&ran.path()), tree(&self.built), "{}", ran.err);
        assert_ne!(ran.path(), self.built);
        self.repo.assert_sound();
        ran.err
    }

    /// The files of the cache below a folder.
    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for shard in fs::read_dir(self.cache.join(folder)).unwrap().flatten() {
            for entry in fs::read_dir(shard.path()).unwrap().flatten() {
                found.push(entry.path());
            }
        }
        found.sort();
        assert!(!found.is_empty(), "nothing in {folder}");
        found
    }
}

fn secret(repo: &TestRepo, name: &str) -> String {
    let path = repo.temp().join(format!("{name}.secret"));
    path.to_str().unwrap().to_owned()
}

fn keygen(repo: &TestRepo, name: &str) -> String {
    let made = repo.run(&["keygen", name, "-o", &secret(repo, name)]).ok();
    made.out.trim_end().to_owned()
}

/// Flips a bit in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_member_with_an_empty_store_builds_nothing() {
    let Some(team) = Team::new("a_member_with_an_empty_store_builds_nothing") else {
        return;
    };
    let dry = team.repo.build_with(&["--dry-run"]).ok();
    assert_eq!(dry.out, "cache app\n", "{}", dry.err);
    let err = team.assert_gives(team.repo.build(), &[]);
    assert!(err.contains("0 built, 1 from caches"), "{err}");
    // What it was made from is known, and not here: neither is needed to do nothing again.
    fs::remove_dir_all(&team.cache).unwrap();
    let again = team.repo.build().ok();
    assert_eq!(again.err, "");
    let log = team.repo.run(&["log", "profiles/t.toml", "app"]).ok();
    assert_eq!(log.out, "the log of app\n");
    let shown = team.repo.run(&["show", "profiles/t.toml"]).ok();
    assert!(shown.out.contains("cached  lib"), "{}", shown.out);
    assert!(shown.out.contains("built   app"), "{}", shown.out);
    // With the cache gone, what is needed after all is built.
    team.repo
        .recipes(&RECIPES.replace("result = app", "result = lib"));
    let lib = team.repo.build().ok();
    assert_eq!(lib.building(), ["lib"], "{}", lib.err);
    team.repo.assert_sound();
}

#[test]
fn only_what_a_build_needs_is_fetched() {
    let Some(team) = Team::new("only_what_a_build_needs_is_fetched") else {
        return;
    };
    team.repo
        .recipes(&RECIPES.replace("echo the log of app", "echo another log"));
    let ran = team.repo.build().ok();
    assert_eq!(ran.building(), ["app"], "{}", ran.err);
    assert!(ran.err.contains("1 built, 2 from caches"), "{}", ran.err);
    assert_eq!(tree(&ran.path()), tree(&team.built));
    team.repo.assert_sound();
}

/// `lib` strips comments, as a compiler does; `app` uses what it makes.
const CHAIN: &str = r#"
  lib = runWith "lib" { inputs = [ { at = "/src"; from = ../src; } ]; } ''
    mkdir $out
    while read -r line; do case $line in '#'*) ;; *) echo "$line" ;; esac; done < /src/code > $out/object
  '';
  app = runWith "app" { inputs = [ { at = "/in"; from = lib; } ]; } ''
    mkdir $out; cat /in/object > $out/app; echo linked >> $out/app'';
  result = app;
"#;

#[test]
fn what_is_known_only_after_a_rebuild_comes_from_the_cache_too() {
    let test = "what_is_known_only_after_a_rebuild_comes_from_the_cache_too";
    if !can_build(test) {
        return;
    }
    let write = |repo: &TestRepo, text: &str| repo.write("src/code", text);
    let repo = TestRepo::new(CHAIN);
    write(&repo, "# one\nwork\n");
    let built = repo.build().ok().path();
    let mut team = Team {
        key: keygen(&repo, "team-a"),
        cache: repo.temp().join("cache"),
        repo,
        built,
    };
    team.configure(&[&team.key], 1, &team.url());
    team.push("team-a").ok();
    team.member("b");
    // The comment makes `lib` unknown, and so what needs it, until it is built to the same.
    write(&team.repo, "# two\nwork\n");
    let err = team.assert_gives(team.repo.build(), &["lib"]);
    assert!(err.contains("got app from a cache"), "{err}");
}

#[test]
fn the_same_through_a_plain_http_server() {
    let Some(mut team) = Team::new("the_same_through_a_plain_http_server") else {
        return;
    };
    for (name, behaviour) in [
        ("ranges", Behaviour::default()),
        (
            "whole",
            Behaviour {
                ranges: false,
                ..Behaviour::default()
            },
        ),
    ] {
        let server = Server::start(&team.cache, behaviour);
        team.member(name);
        team.configure(&[&team.key], 1, &server.url());
        let err = team.assert_gives(team.repo.build(), &[]);
        assert!(err.contains("1 from caches"), "{err}");
        let log = team.repo.run(&["log", "profiles/t.toml", "lib"]).ok();
        assert_eq!(log.out, "", "lib prints nothing");
    }
}

#[test]
fn pull_fetches_and_never_builds() {
    let Some(mut team) = Team::new("pull_fetches_and_never_builds") else {
        return;
    };
    let server = Server::start(&team.cache, Behaviour::default());
    for (name, url) in [("file", team.url()), ("http", server.url())] {
        team.member(name);
        let pulled = team.repo.run(&["pull", &url, "profiles/t.toml"]).ok();
        assert!(
            pulled.err.contains("pulled 1 of 3 derivations"),
            "{}",
            pulled.err
        );
        assert_eq!(tree(&pulled.path()), tree(&team.built));
        let link = fs::read_link(team.repo.dir().join("result")).unwrap();
        assert_eq!(link, pulled.path());
        let all = ["pull", &url, "profiles/t.toml", "--closure", "--json"];
        assert_eq!(team.repo.run(&all).ok().json()["fetched"], 2);
        team.repo.assert_sound();
        assert_eq!(team.repo.build().ok().err, "");
        // What the links need stays.
        team.repo.run(&["gc"]).ok();
        assert_eq!(
            tree(&team.repo.build_with(&["--offline"]).ok().path()),
            tree(&team.built)
        );
    }
    team.member("other");
    team.repo
        .recipes(&RECIPES.replace("echo tool >", "echo other tool >"));
    let url = team.url();
    team.repo
        .run(&["pull", &url, "profiles/t.toml"])
        .fails(1, &["no answer that [trust] accepts about tool and 1 more"]);
    let nowhere = format!("file://{}", team.repo.temp().join("nowhere").display());
    team.repo
        .run(&["pull", &nowhere, "profiles/t.toml"])
        .fails(1, &["there is no cache: it has no file `xsc-cache`"]);
}

#[test]
fn a_second_push_sends_nothing_and_two_at_once_are_one() {
    let Some(mut team) = Team::new("a_second_push_sends_nothing_and_two_at_once_are_one") else {
        return;
    };
    let before = tree(&team.cache);
    team.repo.set_store(team.repo.temp().join("store"));
    let again = team.push("team-a").ok();
    assert!(again.out.contains("0 trees new, 0 files"), "{}", again.out);
    assert_eq!(tree(&team.cache), before);
    // A push that was stopped half-way goes on: here, one without its last tree.
    let lost = &team.files("trees")[0];
    fs::remove_file(lost).unwrap();
    let more = team.push("team-a").ok();
    assert!(more.out.contains("1 tree new, 0 files"), "{}", more.out);
    assert_eq!(tree(&team.cache), before);
    // Several at once into an empty directory.
    team.cache = team.repo.temp().join("cache-2");
    let (url, secret) = (team.url(), team.secret("team-a"));
    let push = || {
        let args = ["push", &url, "profiles/t.toml", "--key", &secret];
        team.repo.command(args).spawn().unwrap()
    };
    let pushes: Vec<_> = (0..4).map(|_| push()).collect();
    for push in pushes {
        Ran::new(push.wait_with_output().unwrap()).ok();
    }
    team.configure(&[&team.key], 1, &url);
    team.member("c");
    team.assert_gives(team.repo.build(), &[]);
}

#[test]
fn what_is_built_is_pushed_where_the_configuration_says_so() {
    let Some(mut team) = Team::new("what_is_built_is_pushed_where_the_configuration_says_so")
    else {
        return;
    };
    let home = team.repo.temp().join("home/.config/xsc-compose");
    fs::create_dir_all(&home).unwrap();
    let secret = team.secret("team-a");
    let user = format!("signing-key = \"{secret}\"\n[remote.team]\npush = true\n");
    fs::write(home.join("config.toml"), user).unwrap();
    let other = RECIPES.replace("echo tool >", "echo other tool >");
    team.repo.recipes(&other);
    let ran = team.repo.build().ok();
    assert_eq!(ran.building(), ["tool", "app"], "{}", ran.err);
    assert!(ran.err.contains("pushed 2 results"), "{}", ran.err);
    fs::remove_file(home.join("config.toml")).unwrap();
    team.built = ran.path();
    team.member("c");
    team.assert_gives(team.repo.build(), &[]);
    // Without a key nothing is pushed, and the build is as good.
    fs::write(home.join("config.toml"), "[remote.team]\npush = true\n").unwrap();
    team.repo
        .recipes(&other.replace("echo other", "echo third"));
    let ran = team.repo.build().ok();
    assert!(
        ran.err.contains("warning: not pushed: there is no key"),
        "{}",
        ran.err
    );
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
            " is damaged: ",
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
            "is damaged: ",
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
            "team gave a damaged object: ",
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
    fs::write(&other, b"x".repeat(488_894)).unwrap();
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

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
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

#[test]
fn keys_are_made_once_and_kept_from_others() {
    use std::os::unix::fs::PermissionsExt;
    let repo = TestRepo::new("");
    let key = keygen(&repo, "ci");
    let path = secret(&repo, "ci");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(key.starts_with("ci:"), "{key}");
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("ci:") && !text.contains(&key[3..]),
        "not the public one"
    );
    repo.run(&["keygen", "ci", "-o", &path])
        .fails(2, &["ci.secret exists"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    repo.run(&["keygen", "a b"])
        .fails(2, &["`a b` is no name of a key"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    repo.recipes("result = step \"t\" \"builtin:write\" { texts = { }; } [ ];");
    let url = format!("file://{}", repo.temp().join("c").display());
    repo.run(&["push", &url, "profiles/t.toml", "--key", &path])
        .fails(2, &["can be read by others (mode 644)", "hint: chmod 600"]);
    for (keys, said) in [
        (
            "[trust]\nkeys = [\"nonsense\"]\n",
            "is no key: it must be NAME:BASE64",
        ),
        (
            "[trust]\nkeys = [\"a:b\"]\n",
            "flake-like.toml:3: `a:b` is not a public key",
        ),
        (
            "[trust]\nkeys = [\"K\"]\nthreshold = 2\n",
            "2 keys must agree and 1 are named",
        ),
        ("[trust]\nkey = [\"K\"]\n", "unknown key `key`"),
    ] {
        let keys = keys.replace('K', &key);
        repo.write("flake-like.toml", &format!("[inputs]\n{keys}"));
        repo.run(&["build", "profiles/t.toml"]).fails(2, &[said]);
    }
}

/// How a server behaves.
#[derive(Clone)]
struct Behaviour {
    /// Whether it knows ranges.
    ranges: bool,
    /// After so many requests it closes every connection without an answer.
    dies_after: usize,
    /// Whether it closes the connection in the middle of each body.
    cuts: bool,
    /// Whether it takes connections and never answers.
    hangs: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            ranges: true,
            dies_after: usize::MAX,
            cuts: false,
            hangs: false,
        }
    }
}

/// A plain HTTP server for files, on the loopback, that ends with its value.
struct Server {
    port: u16,
    stop: Arc<AtomicBool>,
}

impl Server {
    fn start(root: &Path, behaviour: Behaviour) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let (root, stopped) = (root.to_owned(), Arc::clone(&stop));
        let requests = Arc::new(AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (root, behaviour) = (root.clone(), behaviour.clone());
                let (requests, stopped) = (Arc::clone(&requests), Arc::clone(&stopped));
                std::thread::spawn(move || {
                    // A client that goes away is no concern of the server's.
                    let _ = serve(stream, &root, &behaviour, &requests, &stopped);
                });
            }
        });
        Server { port, stop }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(
    stream: TcpStream,
    root: &Path,
    behaviour: &Behaviour,
    requests: &AtomicUsize,
    stopped: &AtomicBool,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut range = None;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(bytes) = line.strip_prefix("range: bytes=") {
                let (from, to) = bytes.split_once('-').unwrap();
                range = Some((from.parse::<u64>().unwrap(), to.parse::<u64>().unwrap()));
            }
        }
        if behaviour.hangs {
            while !stopped.load(Ordering::SeqCst) {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            return Ok(());
        }
        if requests.fetch_add(1, Ordering::SeqCst) >= behaviour.dies_after {
            return Ok(());
        }
        let path = first.split(' ').nth(1).unwrap().trim_start_matches('/');
        let Ok(mut file) = fs::File::open(root.join(path)) else {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
            continue;
        };
        let size = file.metadata()?.len();
        let (head, from, length) = match range.filter(|_| behaviour.ranges) {
            Some((from, to)) => {
                let to = to.min(size - 1);
                let head =
                    format!("206 Partial Content\r\nContent-Range: bytes {from}-{to}/{size}");
                (head, from, to + 1 - from)
            }
            None => ("200 OK".to_owned(), 0, size),
        };
        file.seek(SeekFrom::Start(from))?;
        let mut body = Vec::new();
        file.take(length).read_to_end(&mut body)?;
        stream
            .write_all(format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n").as_bytes())?;
        if behaviour.cuts && length > 1000 {
            stream.write_all(&body[..body.len() / 2])?;
            return Ok(());
        }
        stream.write_all(&body)?;
    }
}
