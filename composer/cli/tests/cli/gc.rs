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
    let objects = repo.run(&["verify", "--json"]).ok().json();
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
    let marker = repo
        .temp()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
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
    let ran = repo.run(&["verify"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("damaged content: "), "{}", ran.out);
    assert!(
        ran.err.contains("hint: `xsc-compose verify --repair`"),
        "{}",
        ran.err
    );
    let ran = repo.run(&["verify", "--repair"]);
    assert_eq!(ran.code, Some(1));
    repo.assert_sound();
    let again = repo.build().ok();
    assert_eq!(again.building(), ["app"]);
    assert_eq!(fs::read(again.path().join("a")).unwrap(), good);
}
