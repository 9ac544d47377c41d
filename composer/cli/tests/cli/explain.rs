//! The verbs that explain: `plan` with its causes, `why-depends`, `graph` and `history`.

use std::fs;

use crate::env::{TestRepo, can_build};

const RECIPES: &str = r#"
lib = runWith "lib-1.0" { inputs = [ { at = "/src"; from = ../src; } ]; } "cp -r /src $out";
app = runWith "app-2.0" { inputs = [ { at = "/dep"; from = lib; } ]; } "cp -r /dep $out";
other = run "other" "mkdir $out";
result = step "images" "builtin:merge" { } [ { at = "/a"; from = app; } { at = "/o"; from = other; } ];
"#;

fn repo() -> TestRepo {
    let repo = TestRepo::new(RECIPES);
    repo.write("src/a.c", "int a;\n");
    repo.write("src/b.c", "int b;\n");
    repo
}

#[test]
fn a_plan_says_what_is_missing_and_why() {
    if !can_build("a_plan_says_what_is_missing_and_why") {
        return;
    }
    let repo = repo();
    let plan = |more: &[&str]| repo.run(&[&["plan", "profiles/t.toml"], more].concat());
    let first = plan(&[]).ok().out;
    assert!(first.contains("build lib-1.0  never timed\n"), "{first}");
    assert!(
        first.contains("4 of 4 derivations: 0 to fetch (0 B), 3 to build, 1 to make\n"),
        "{first}"
    );
    assert!(first.contains("no record of an earlier build"), "{first}");

    let _ = repo.build().ok();
    let nothing = plan(&["--fail-if-builds", "*"]).ok().out;
    assert!(nothing.starts_with("0 of 4 derivations: "), "{nothing}");
    assert!(!nothing.contains("why"), "{nothing}");

    repo.write("src/a.c", "int a = 1;\n");
    repo.write("src/c.c", "int c;\n");
    fs::remove_file(repo.dir().join("src/b.c")).unwrap();
    let text = plan(&[]).ok().out;
    let why = text.split("why:\n").nth(1).unwrap();
    assert_eq!(
        why,
        "  lib-1.0: source `src` changed\n      - b.c\n      ~ a.c\n      + c.c\n"
    );
    assert!(text.contains("3 of 4 derivations: "), "{text}");
    assert!(text.contains(", about "), "{text}");
    // What follows from an input is no cause of its own.
    let json = plan(&["--json"]).ok().json();
    assert_eq!(json["causes"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(json["causes"][0]["name"], "lib-1.0");
    assert_eq!(json["steps"][0]["work"], "build");

    let forbidden = plan(&["--fail-if-builds", "lib,other"]);
    assert_eq!(forbidden.code, Some(1));
    assert!(
        forbidden.err.contains("error: lib-1.0 would be built"),
        "{}",
        forbidden.err
    );
    let _ = plan(&["--fail-if-builds", "other"]).ok();
}

#[test]
fn causes_are_found_in_scripts_inputs_and_names() {
    if !can_build("causes_are_found_in_scripts_inputs_and_names") {
        return;
    }
    let repo = repo();
    let _ = repo.build().ok();
    let why = |from: &str, to: &str| {
        repo.recipes(&RECIPES.replace(from, to));
        let text = repo.run(&["plan", "profiles/t.toml"]).ok().out;
        text.split("why:\n").nth(1).unwrap().to_owned()
    };
    assert_eq!(
        why("mkdir $out", "mkdir $out; true"),
        "  other: `command` changed\n      \
         - /usr/bin/bash -euo pipefail -c mkdir $out\n      \
         + /usr/bin/bash -euo pipefail -c mkdir $out; true\n"
    );
    let text = why(
        "app-2.0\" {",
        "app-2.1\" { env = { PATH = \"/usr/bin\"; V = \"2.1\"; };",
    );
    assert!(
        text.starts_with("  app-2.1: `env V` changed\n      + 2.1\n") && !text.contains("images"),
        "a new version is compared with the old one: {text}"
    );
    let text = why(
        r#"{ at = "/o"; from = other; }"#,
        r#"{ at = "/p"; from = other; }"#,
    );
    assert!(
        text.contains("images: input at `/p` changed\n      + other.out"),
        "{text}"
    );
    assert!(
        text.contains("images: input at `/o` changed\n      - other.out"),
        "{text}"
    );
    assert_eq!(
        why(r#"run "other" ""#, r#"run "entirely" "true; "#),
        "  images: input at `/o` changed\n      + entirely.out\n  \
         images: input at `/o` changed\n      - other.out\n  new: entirely\n"
    );
    // A name is no part of what is done.
    repo.recipes(&RECIPES.replace("app-2.0", "app-3.0"));
    let text = repo.run(&["plan", "profiles/t.toml"]).ok().out;
    assert!(text.starts_with("0 of 4 derivations"), "{text}");
}

#[test]
fn why_depends_names_the_inputs_on_the_way() {
    let repo = repo();
    let why = |words: &[&str]| repo.run(&[&["why-depends", "profiles/t.toml"], words].concat());
    assert_eq!(
        why(&["images", "lib"]).ok().out,
        "images\n└ app-2.0: output out is at /a\n  └ lib-1.0: output out is at /dep\n"
    );
    assert_eq!(
        why(&["lib", "images"]).ok().out,
        "lib does not need images to be built\n"
    );
    let json = why(&["app-2.0", "lib-1.0", "--json"]).ok().json();
    assert_eq!(json["chain"][0]["to"], "lib-1.0");
    why(&["appp", "lib"]).fails(2, &["profile t has no derivation `appp`"]);
    why(&["app", "lib", "--runtime"]).fails(1, &["lib-1.0 is not built", "hint: build it first"]);
}

#[test]
fn needs_at_run_time_are_read_from_files() {
    if !can_build("needs_at_run_time_are_read_from_files") {
        return;
    }
    let repo = TestRepo::new(
        r#"
shell = run "shell-5" "mkdir -p $out/usr/bin; cp /usr/bin/bash $out/usr/bin/";
libc = run "libc-2" "mkdir -p $out/usr/lib; cp $(ls -d /lib*/*/libc.so.6 /usr/lib/*/libc.so.6 /lib64/libc.so.6 | head -n 1) $out/usr/lib/ || true";
script = run "script-1" "mkdir -p $out/bin; echo '#!/bin/bash' > $out/bin/s; chmod +x $out/bin/s";
result = step "images" "builtin:merge" { } [ { at = "/a"; from = script; } { at = "/b"; from = shell; } { at = "/c"; from = libc; } ];
"#,
    );
    let _ = repo.build().ok();
    let chain = repo
        .run(&[
            "why-depends",
            "profiles/t.toml",
            "script",
            "libc",
            "--runtime",
        ])
        .ok()
        .out;
    assert_eq!(
        chain,
        "script-1\n└ shell-5: bin/s needs /usr/bin/bash\n  └ libc-2: usr/bin/bash needs libc.so.6\n"
    );
    let none = repo
        .run(&[
            "why-depends",
            "profiles/t.toml",
            "libc",
            "script",
            "--runtime",
        ])
        .ok()
        .out;
    assert_eq!(none, "libc does not need script when it runs\n");
}

#[test]
fn the_graph_has_every_edge() {
    let repo = repo();
    let graph = |more: &[&str]| repo.run(&[&["graph", "profiles/t.toml"], more].concat());
    let json = graph(&["--format", "json"]).ok().json();
    assert_eq!(json["nodes"].as_array().unwrap().len(), 4);
    assert_eq!(json["edges"].as_array().unwrap().len(), 3);
    let dot = graph(&[]).ok().out;
    assert!(dot.starts_with("digraph derivations {\n"), "{dot}");
    assert_eq!(dot.matches(" -> ").count(), 3, "{dot}");
    assert!(
        dot.contains("[label = \"lib-1.0\", shape = box, style = dashed]"),
        "{dot}"
    );
    let part = graph(&["-A", "app", "--json"]).ok().json();
    assert_eq!(part["nodes"].as_array().unwrap().len(), 2);
}

#[test]
fn the_history_has_every_build() {
    if !can_build("the_history_has_every_build") {
        return;
    }
    let repo = repo();
    let history = |more: &[&str]| repo.run(&[&["history"], more].concat());
    assert_eq!(history(&[]).ok().out, "");
    let _ = repo.build().ok();
    // Nothing to do and nothing new: no record.
    let _ = repo.build().ok();
    let _ = repo.build_with(&["-A", "other"]).ok();
    repo.recipes(&RECIPES.replace("cp -r /src $out", "exit 3"));
    repo.build().fails(100, &[]);
    let builds = history(&["--json"]).ok().json();
    let builds = builds["builds"].as_array().unwrap();
    let field =
        |key: &str| -> Vec<&str> { builds.iter().map(|b| b[key].as_str().unwrap()).collect() };
    assert_eq!(field("outcome"), ["built", "built", "failed"]);
    assert_eq!(
        field("subject"),
        [
            "profiles/t.toml",
            "profiles/t.toml -A other",
            "profiles/t.toml"
        ]
    );
    assert_eq!(builds[0]["built"], 4);
    assert_eq!(builds[2]["failed"], serde_json::json!(["lib-1.0"]));
    let text = history(&["profiles/t.toml"]).ok().out;
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("; failed: lib-1.0\n"), "{text}");
    assert_eq!(history(&["-n", "1"]).ok().out.lines().count(), 1);
    // A build that failed does not hide what the last good one was like.
    let plan = repo.run(&["plan", "profiles/t.toml"]).ok().out;
    assert!(plan.contains("lib-1.0: `command` changed"), "{plan}");
    // A damaged record is passed over.
    for entry in fs::read_dir(repo.store().join("builds")).unwrap() {
        for file in fs::read_dir(entry.unwrap().path()).unwrap() {
            fs::write(file.unwrap().path(), "no record").unwrap();
        }
    }
    assert_eq!(history(&[]).ok().out, "");
}
