//! Garbage collection: the `result` link keeps what it needs, and builds are never disturbed.

use std::fs;

use crate::env::{TestRepo, can_build, processes_of, signal, wait_for};

const RECIPES: &str = r#"
lib = run "lib" "mkdir $out; seq 10000 > $out/l";
result = runWith "app" { inputs = [ { at = "/in"; from = lib; } ]; } "mkdir $out; wc -l /in/l > $out/a";
other = run "other" "mkdir $out; seq 20000 > $out/o";
"#;

#[test]
fn the_link_keeps_everything_that_its_build_used() {
    if !can_build("the_link_keeps_everything_that_its_build_used") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let path = repo.build().ok().path();
    let other = repo.build_with(&["-A", "other", "--no-link"]).ok().path();

    let dry = repo.run(&["gc", "-n", "--json"]).ok().json();
    assert!(dry["objects"].as_u64().unwrap() >= 1, "{dry}");
    assert!(other.exists(), "a dry run deletes nothing");
    let report = repo.run(&["gc", "--json"]).ok().json();
    assert_eq!(report["objects"], dry["objects"]);
    assert_eq!(report["bytes_freed"], dry["bytes_freed"]);
    assert_eq!(report["dry_run"], false);
    let link = repo.dir().join("result");
    assert_eq!(report["kept_roots"], serde_json::json!([link]));
    assert!(!other.exists() && path.exists());
    let again = repo.build().ok();
    assert_eq!((again.path(), again.err.as_str()), (path.clone(), ""));
    // An edit of the top step finds what it needs, too.
    repo.recipes(&RECIPES.replace("wc -l", "wc -c"));
    assert_eq!(repo.build().ok().building(), ["app"]);
    let text = repo.run(&["gc"]).ok().out;
    assert!(
        text.contains("kept by ") && text.contains("freed "),
        "{text}"
    );

    fs::remove_file(&link).unwrap();
    let report = repo.run(&["gc", "--json"]).ok().json();
    assert_eq!(report["kept_roots"], serde_json::json!([]));
    assert_eq!(report["realisations"], 2, "{report}");
    let objects = repo.run(&["store", "verify", "--json"]).ok().json();
    assert_eq!(objects["objects"], 0, "{objects}");
    assert_eq!(repo.build().ok().building(), ["lib", "app"]);
    repo.assert_sound();
}

#[test]
fn a_collection_beside_a_build_is_refused() {
    if !can_build("a_collection_beside_a_build_is_refused") {
        return;
    }
    let repo = TestRepo::new("");
    let marker = repo.marker();
    repo.recipes(&format!(
        r#"result = run "long" "mkdir $out; (sleep 600; true {marker}) & wait";"#
    ));
    let child = repo.spawn_build(&[]);
    wait_for("the command of the build", || {
        processes_of(repo.temp())
            .iter()
            .any(|p| p.contains("sleep 600"))
    });
    repo.run(&["gc"]).fails(
        1,
        &[
            "error: the store is in use by another composer",
            "hint: run it again when the build has ended, or with --wait",
        ],
    );
    let _ = repo.run(&["gc", "-n"]).ok();
    signal("INT", child.id());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let _ = repo.run(&["gc"]).ok();
}

#[test]
fn damage_is_found_and_mended() {
    if !can_build("damage_is_found_and_mended") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let path = repo.build().ok().path();
    let file = path.join("a");
    let good = fs::read(&file).unwrap();
    // Through a copy and a rename, so that the object and the tree's link to it both change.
    let objects = crate::env::tree(&repo.store().join("objects"));
    let (object, _) = objects
        .iter()
        .find(|(_, (_, bytes))| *bytes == good)
        .unwrap();
    let object = repo.store().join("objects").join(&object[1..]);
    let mut permissions = fs::metadata(&object).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    fs::set_permissions(&object, permissions).unwrap();
    fs::write(&object, b"bad").unwrap();
    let ran = repo.run(&["store", "verify"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("damaged content: "), "{}", ran.out);
    assert!(
        ran.err
            .contains("hint: `xsc-compose store verify --repair`"),
        "{}",
        ran.err
    );
    let ran = repo.run(&["store", "verify", "--repair"]);
    assert_eq!(ran.code, Some(1));
    repo.assert_sound();
    let again = repo.build().ok();
    assert_eq!(again.building(), ["app"]);
    assert_eq!(fs::read(again.path().join("a")).unwrap(), good);
}

#[test]
fn what_is_damaged_is_named_and_made_again_at_once() {
    if !can_build("what_is_damaged_is_named_and_made_again_at_once") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let path = repo.build().ok().path();
    let other = repo.build_with(&["-A", "other", "--no-link"]).ok().path();
    let damage = |file: &std::path::Path| {
        let mut permissions = fs::metadata(file).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
        fs::set_permissions(file, permissions).unwrap();
        fs::write(file, b"bad").unwrap();
    };
    // The files of a laid-out tree are the store's objects.
    damage(&path.join("a"));
    let ran = repo.run(&["store", "verify"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("damaged output of app\n"), "{}", ran.out);
    repo.run(&["store", "verify", "profiles/t.toml"])
        .fails(2, &["--repair"]);
    let ran = repo
        .run(&["store", "verify", "--repair", "profiles/t.toml"])
        .ok();
    assert_eq!(ran.building(), ["app"]);
    assert!(ran.out.contains("made again app\n"), "{}", ran.out);
    repo.assert_sound();
    let link = repo.dir().join("result");
    assert_eq!(fs::read_to_string(link.join("a")).unwrap(), "10000 /in/l\n");

    // What does not belong to the profile is set aside and said so.
    damage(&other.join("o"));
    let ran = repo.run(&["store", "verify", "--repair", "profiles/t.toml", "--json"]);
    assert_eq!(ran.code, Some(1));
    let report = ran.json();
    assert_eq!(report["made_again"], serde_json::json!([]));
    assert_eq!(report["left"][0]["name"], "other", "{report}");
    repo.assert_sound();
}

#[test]
fn a_collection_keeps_what_was_used_lately_or_fits() {
    if !can_build("a_collection_keeps_what_was_used_lately_or_fits") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let other = repo.build_with(&["-A", "other", "--no-link"]).ok().path();
    for flags in [["--older-than", "1d"], ["--max-size", "1G"]] {
        let report = repo.run(&["gc", "--json", flags[0], flags[1]]).ok().json();
        assert_eq!(report["kept_by_use"], 1, "{report}");
    }
    assert!(other.exists());
    let report = repo.run(&["gc", "--json", "--max-size", "0B"]).ok().json();
    assert_eq!(
        (&report["kept_by_use"], &report["bytes_left"]),
        (&0.into(), &0.into())
    );
    assert!(!other.exists());
    for (flag, bad) in [("--older-than", "30"), ("--max-size", "20GB")] {
        repo.run(&["gc", flag, bad])
            .fails(2, &["expected a whole number"]);
    }
    let _ = repo.build().ok();
    let size = repo.run(&["store", "size", "--json"]).ok().json();
    let link = repo.dir().join("result");
    assert_eq!(size["roots"][0]["name"], link.to_str().unwrap());
    assert_eq!(size["rooted_bytes"], size["roots"][0]["own"], "{size}");
    let names: Vec<_> = size["names"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 2, "{size}");
    let text = repo.run(&["store", "size"]).ok().out;
    assert!(
        text.contains("  lib\n") && text.contains("  app\n"),
        "{text}"
    );
}

#[test]
fn a_collection_that_waits_is_next() {
    if !can_build("a_collection_that_waits_is_next") {
        return;
    }
    let repo = TestRepo::new("");
    let marker = repo.marker();
    repo.recipes(&format!(
        r#"result = run "long" "mkdir $out; (sleep 600; true {marker}) & wait";
        short = run "short" "mkdir $out";"#
    ));
    let long = repo.spawn_build(&[]);
    let running = |what: &str| processes_of(repo.temp()).iter().any(|p| p.contains(what));
    wait_for("the command of the build", || running("sleep 600"));
    let mut collection = repo.command(["gc", "--wait"]).spawn().unwrap();
    // It has the queue when a try finds it taken.
    let queue = repo.store().join("gc.queue");
    wait_for("the collection", || {
        let tried = std::process::Command::new("flock")
            .args(["--shared", "--nonblock"])
            .arg(&queue)
            .arg("true")
            .status()
            .unwrap();
        !tried.success()
    });
    // A build that starts now waits for the collection, which waits for the one that runs.
    let mut later = repo.spawn_build(&["-A", "short", "--no-link"]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(later.try_wait().unwrap().is_none());
    assert!(collection.try_wait().unwrap().is_none());
    signal("INT", long.id());
    assert_eq!(long.wait_with_output().unwrap().status.code(), Some(130));
    assert!(collection.wait().unwrap().success());
    assert!(later.wait().unwrap().success());
    // One that is interrupted while it waits ends.
    let long = repo.spawn_build(&[]);
    wait_for("the command of the build", || running("sleep 600"));
    let waiting = repo.command(["gc", "--wait"]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal("INT", waiting.id());
    let ran = crate::env::Ran::new(waiting.wait_with_output().unwrap());
    let _ = ran.fails(130, &["interrupted"]);
    signal("INT", long.id());
    assert_eq!(long.wait_with_output().unwrap().status.code(), Some(130));
}
