//! Shared caches: one member builds and pushes, another with an empty store builds nothing.
//!
//! Directories and an HTTP server of the tests' own on the loopback. Invariant: what comes from a
//! cache is, bit by bit, what building gives.

use std::fs;

use crate::env::{Ran, TestRepo, can_build, tree};
use crate::team::{Behaviour, RECIPES, Server, Team, keygen, secret};

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
