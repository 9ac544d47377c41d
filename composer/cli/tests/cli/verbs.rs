//! The verbs that look and change nothing: `show`, `log`; and where a run looks for things.

use std::fs;

use crate::env::{Ran, TestRepo, can_build};

const RECIPES: &str = r#"
lib = run "lib-1.0" "mkdir $out; echo made";
result = step "images" "builtin:merge" { } [ { at = "/l"; from = lib; } ];
"#;

#[test]
fn show_says_what_is_built_and_from_what() {
    if !can_build("show_says_what_is_built_and_from_what") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let show = |more: &[&str]| repo.run(&[&["show", "profiles/t.toml"], more].concat());
    let table = show(&[]).ok().out;
    assert_eq!(table.lines().count(), 2);
    assert!(
        table.lines().all(|line| line.contains(" missing ")),
        "{table}"
    );
    let one = show(&["lib-1.0", "--json"]).ok().json();
    assert_eq!(one["outputs"], serde_json::json!({}));
    assert_eq!(one["inputs"][0]["from"], "root");
    assert_eq!(one["inputs"][0]["mode"], "ro");
    let top = show(&["images"]).ok().out;
    assert!(top.contains("unknown: its inputs are not built"), "{top}");
    assert!(top.contains("(ro) lib-1.0.out"), "{top}");

    let path = repo.build().ok().path();
    let json = show(&["--json"]).ok().json();
    let rows = json["derivations"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["realised"] == true), "{json}");
    let top = show(&["images", "--json"]).ok().json();
    assert_eq!(top["outputs"]["out"].as_str(), path.to_str());
    let built = show(&["lib-1.0", "--json"]).ok().json();
    let isolation = built["isolation"].as_array().unwrap();
    for part in ["user", "mount", "pid", "net", "clock"] {
        assert!(isolation.iter().any(|p| p == part), "no {part} in {built}");
    }
    let by_attribute = show(&["result", "--json"]).ok().json();
    assert_eq!(by_attribute["name"], "images");
    show(&["nothing"]).fails(2, &["error: profile t has no derivation `nothing`"]);
    show(&["lib-1.1"]).fails(2, &["hint: did you mean lib-1.0?"]);
}

#[test]
fn logs_are_kept() {
    if !can_build("logs_are_kept") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let log = |which: &str| repo.run(&["log", "profiles/t.toml", which]);
    log("lib-1.0").fails(
        1,
        &["error: there is no log of lib-1.0: nothing was run for it as it is now"],
    );
    log("images").fails(
        1,
        &["error: images was never tried: its inputs are not built"],
    );
    let _ = repo.build().ok();
    assert_eq!(log("lib-1.0").ok().out, "made\n");
    log("images").fails(1, &["there is no log of images"]);
    log("lib-1.1").fails(
        2,
        &[
            "profile t has no derivation `lib-1.1`",
            "did you mean lib-1.0?",
        ],
    );
}

#[test]
fn results_as_json_have_a_version() {
    if !can_build("results_as_json_have_a_version") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let built = repo.build_with(&["--json"]).ok().json();
    let path = built["path"].as_str().unwrap();
    assert_eq!(built["profile"], "t");
    assert!(
        path.ends_with(built["outputs"]["out"].as_str().unwrap()),
        "{built}"
    );
    let again = repo.build_with(&["--json"]).ok();
    assert_eq!((again.json(), again.err.as_str()), (built, ""));
    for args in [
        &["gc", "--json"][..],
        &["store", "verify", "--json"],
        &["gc", "-n", "--json"],
    ] {
        let _ = repo.run(args).ok().json();
    }
}

#[test]
fn a_run_may_start_anywhere() {
    if !can_build("a_run_may_start_anywhere") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let dir = repo.dir();
    let mut command = repo.command(["-C", dir.to_str().unwrap(), "build", "profiles/t.toml"]);
    let path = Ran::new(command.current_dir("/").output().unwrap())
        .ok()
        .path();
    assert_eq!(fs::read_link(dir.join("result")).unwrap(), path);
    // From a folder below, the repository is the one above; the link comes where one stands.
    let mut command = repo.command(["build", "t.toml"]);
    let ran = Ran::new(command.current_dir(dir.join("profiles")).output().unwrap()).ok();
    assert_eq!(ran.path(), path);
    assert_eq!(fs::read_link(dir.join("profiles/result")).unwrap(), path);
    repo.run(&["-C", "/nowhere", "build", "t.toml"])
        .fails(2, &["error: cannot use /nowhere: "]);
}

#[test]
fn the_store_is_named_by_flag_environment_or_configuration() {
    let repo = TestRepo::new(r#"result = step "nothing" "builtin:merge" { } [ ];"#);
    let home = repo.temp().join("home");
    let run = |variable: Option<&str>| {
        let mut command = repo.command(["store", "verify"]);
        // Without `--store DIR`, which `command` puts last.
        let args: Vec<_> = command.get_args().take(2).map(ToOwned::to_owned).collect();
        let mut plain = std::process::Command::new(command.get_program());
        plain
            .args(args)
            .env_clear()
            .env("HOME", &home)
            .current_dir(repo.dir());
        if let Some(store) = variable {
            plain.env("XSC_STORE", store);
        }
        command = plain;
        Ran::new(command.output().unwrap())
    };
    let _ = run(None).ok();
    assert!(home.join(".cache/xsc-compose/version").exists());
    let config = home.join(".config/xsc-compose/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let (mine, named) = (repo.temp().join("mine"), repo.temp().join("named"));
    fs::write(&config, format!("store = \"{}\"\n", mine.display())).unwrap();
    let _ = run(None).ok();
    assert!(mine.join("version").exists());
    let _ = run(named.to_str()).ok();
    assert!(named.join("version").exists());
    fs::write(&config, "stroe = \"/x\"\n").unwrap();
    run(None).fails(
        2,
        &[
            "config.toml:1:1: ",
            "stroe",
            "hint: the keys are `store`, `signing-key`, `cgroup` and the tables `[mirrors]` and `[remote.NAME]`",
        ],
    );
}

#[test]
fn every_verb_has_a_page_and_completions() {
    let repo = TestRepo::new(RECIPES);
    let help = repo.run(&["--help"]).ok().out;
    let verbs: Vec<&str> = help
        .split("Commands:\n")
        .nth(1)
        .unwrap()
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap())
        .filter(|verb| *verb != "help")
        .collect();
    assert!(
        verbs.contains(&"build") && verbs.contains(&"why-depends"),
        "{verbs:?}"
    );
    let dir = repo.temp().join("man");
    let words = ["manual", dir.to_str().unwrap()];
    repo.run(&words)
        .fails(1, &["cannot write", "xsc-compose.1"]);
    fs::create_dir(&dir).unwrap();
    let _ = repo.run(&words).ok();
    for shell in ["bash", "zsh", "fish"] {
        let text = repo.run(&["completion", shell]).ok().out;
        for verb in &verbs {
            assert!(text.contains(verb), "{shell}: {verb}");
            let page = fs::read_to_string(dir.join(format!("xsc-compose-{verb}.1"))).unwrap();
            assert!(page.contains(".SH NAME"), "{verb}");
        }
    }
    let mut pages = fs::read_dir(&dir).unwrap();
    assert!(pages.all(|page| !page.unwrap().path().to_string_lossy().contains("__runner")));
    let page = fs::read_to_string(dir.join("xsc-compose-plan.1")).unwrap();
    assert!(page.contains("fail\\-if\\-builds"), "{page}");
    let script = repo.temp().join("completion");
    fs::write(&script, repo.run(&["completion", "bash"]).ok().out).unwrap();
    let status = std::process::Command::new("bash")
        .arg("-n")
        .arg(&script)
        .status();
    assert!(status.unwrap().success(), "what bash reads has no error");
}
