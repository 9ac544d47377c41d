//! Fetches: pinned files from several places, and what is said when none of them serves.
//!
//! All addresses are `file://`. Invariant: what has another hash never enters the store.

use std::fs;

use crate::env::{TestRepo, sha256};

const CONTENT: &str = "pinned content\n";

/// A repository with `file`, and a recipe that fetches it from `urls`; `@` stands for its
/// directory.
fn repo_with(urls: &[&str]) -> (TestRepo, String) {
    let repo = TestRepo::new("");
    let dir = repo.temp().join("mirror");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("file"), CONTENT).unwrap();
    let hash = sha256(&dir.join("file"));
    let urls: Vec<String> = urls
        .iter()
        .map(|url| {
            format!(
                "\"{}\"",
                url.replace('@', &format!("file://{}", dir.display()))
            )
        })
        .collect();
    let (size, urls) = (CONTENT.len(), urls.join(" "));
    repo.recipes(&format!(
        r#"result = fetch "file" "{hash}" {size} [ {urls} ];"#
    ));
    (repo, hash)
}

#[test]
fn a_file_is_fetched_once() {
    let (repo, _) = repo_with(&["@/file"]);
    let ran = repo.build().ok();
    assert!(
        ran.err.contains("1 to fetch (15 B), 0 to build"),
        "{}",
        ran.err
    );
    assert_eq!(
        fs::read_to_string(ran.path().join("file")).unwrap(),
        CONTENT
    );
    fs::remove_dir_all(repo.temp().join("mirror")).unwrap();
    let again = repo.build_with(&["--offline"]).ok();
    assert_eq!((again.path(), again.err.as_str()), (ran.path(), ""));
}

#[test]
fn a_dead_place_is_passed_over() {
    let (repo, _) = repo_with(&["@/missing", "@/file"]);
    let ran = repo.build().ok();
    assert_eq!(
        fs::read_to_string(ran.path().join("file")).unwrap(),
        CONTENT
    );
    assert!(ran.err.contains("/mirror/missing failed: "), "{}", ran.err);
}

#[test]
fn a_wrong_hash_is_told_with_both_and_the_file_is_kept() {
    let (repo, hash) = repo_with(&["@/file"]);
    let file = repo.temp().join("mirror/file");
    fs::write(&file, "another content").unwrap();
    let got = sha256(&file);
    let ran = repo.build().fails(
        102,
        &[
            "error: file: hash mismatch for file from file://",
            &format!("expected sha256 {hash}\n"),
            &format!("got sha256 {got}\n"),
        ],
    );
    let kept = ran
        .err
        .lines()
        .find_map(|line| line.split_once("the file is kept at "));
    let kept = kept.unwrap().1;
    assert_eq!(fs::read_to_string(kept).unwrap(), "another content");
    assert!(!repo.dir().join("result").exists());
    // The right file in its place, the same command goes through.
    fs::write(&file, CONTENT).unwrap();
    let path = repo.build().ok().path();
    assert_eq!(fs::read_to_string(path.join("file")).unwrap(), CONTENT);
    repo.assert_sound();
}

#[test]
fn a_wrong_file_in_one_place_does_not_matter_if_another_is_right() {
    let (repo, _) = repo_with(&["@/wrong", "@/file"]);
    fs::write(repo.temp().join("mirror/wrong"), "another content").unwrap();
    let ran = repo.build().ok();
    assert_eq!(
        fs::read_to_string(ran.path().join("file")).unwrap(),
        CONTENT
    );
    assert!(ran.err.contains("/mirror/wrong"), "{}", ran.err);
}

#[test]
fn every_place_that_was_tried_is_named() {
    let (repo, _) = repo_with(&["@/one", "@/two", "mirror://unknown/three"]);
    let ran = repo.build().fails(
        1,
        &[
            "error: file: can't fetch file; tried",
            "/mirror/one: ",
            "/mirror/two: ",
            "mirror://unknown/three: ",
        ],
    );
    assert!(!ran.err.contains("hash mismatch"), "{}", ran.err);
    repo.assert_sound();
}

#[test]
fn offline_fetches_nothing() {
    let (repo, _) = repo_with(&["@/file"]);
    repo.build_with(&["--offline"]).fails(
        1,
        &["error: file: `file` is not in the store, and --offline forbids to fetch it"],
    );
    let _ = repo.build().ok();
}

#[test]
fn mirrors_are_named_by_the_environment_and_the_configuration() {
    for by_environment in [true, false] {
        let (repo, _) = repo_with(&["mirror://mine/file"]);
        repo.write(
            "flake-like.toml",
            "[mirrors.mine]\nfrom = \"configuration\"\n[inputs]\n",
        );
        let address = format!("file://{}", repo.temp().join("mirror").display());
        let mut command = repo.command(["build", "profiles/t.toml"]);
        if by_environment {
            command.env("XSC_MIRROR_MINE", &address);
        } else {
            let dir = repo.temp().join("home/.config/xsc-compose");
            fs::create_dir_all(&dir).unwrap();
            fs::write(
                dir.join("config.toml"),
                format!("[mirrors]\nmine = \"{address}\"\n"),
            )
            .unwrap();
        }
        let ran = crate::env::Ran::new(command.output().unwrap()).ok();
        assert_eq!(
            fs::read_to_string(ran.path().join("file")).unwrap(),
            CONTENT
        );
    }
}

#[test]
fn lock_pins_a_file_and_a_build_uses_the_pin() {
    let (repo, hash) = repo_with(&["@/file"]);
    let url = format!("file://{}/mirror/file", repo.temp().display());
    repo.write(
        "flake-like.toml",
        &format!("[inputs.source]\ntype = \"file\"\nname = \"file\"\nurls = [\"{url}\"]\n"),
    );
    repo.recipes(r#"result = with inputs.source; fetch name sha256 size urls;"#);
    repo.build()
        .fails(2, &["input `source` at flake-like.toml:1 is not in it"]);
    let ran = repo.run(&["lock"]).ok();
    assert!(ran.err.contains(&hash), "old → new: {}", ran.err);
    let lock = fs::read_to_string(repo.dir().join("flake-like.lock")).unwrap();
    let path = repo.build().ok().path();
    assert_eq!(fs::read_to_string(path.join("file")).unwrap(), CONTENT);
    assert_eq!(
        fs::read_to_string(repo.dir().join("flake-like.lock")).unwrap(),
        lock
    );

    // What is at the address now is another file: `lock` keeps the pin, `update` moves it.
    fs::write(repo.temp().join("mirror/file"), "newer\n").unwrap();
    let _ = repo.run(&["lock"]).ok();
    assert_eq!(
        fs::read_to_string(repo.dir().join("flake-like.lock")).unwrap(),
        lock
    );
    repo.run(&["update", "sauce"]).fails(1, &["sauce"]);
    let ran = repo.run(&["update", "source"]).ok();
    assert!(ran.err.contains(&format!("{hash} → ")), "{}", ran.err);
    let path = repo.build().ok().path();
    assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "newer\n");
}
