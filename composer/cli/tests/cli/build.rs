//! Outputs and rebuilds: what a build must leave, what it may change, and when it runs again.

use std::collections::BTreeSet;
use std::fs;

use crate::env::{Ran, TestRepo, can_build, tree};

/// Builds that must fail with exit code 100: name, more attributes, script, and what is said.
const BAD_OUTPUTS: [(&str, &str, &str, &str); 9] = [
    (
        "none",
        "",
        "true",
        "without making output `out` (a directory at $out)",
    ),
    (
        "half",
        r#"outputs = [ "out" "dev" ];"#,
        "mkdir $out",
        "without making output `dev`",
    ),
    (
        "file",
        "",
        "echo x > $out",
        "without making output `out` (a directory at $out)",
    ),
    (
        "link",
        "",
        "ln -s /usr $out",
        "without making output `out` (a directory at $out)",
    ),
    (
        "stray",
        "",
        "mkdir $out; echo > /build/out/more",
        "the builder made `more`, which is no output of this derivation; its outputs are: out",
    ),
    (
        "fifo",
        "",
        "mkdir -p $out/d; mkfifo $out/d/f",
        "`d/f` is a ",
    ),
    (
        "mentions",
        "",
        "mkdir $out; echo made in $PWD/ > $out/f",
        "`f` contains the build directory `/build/` (at byte 8)",
    ),
    (
        "target",
        "",
        "mkdir $out; ln -s /build/x $out/l",
        "`l` contains the build directory `/build/` (in its target)",
    ),
    (
        "status",
        "",
        "mkdir $out; exit 7",
        "the builder exited with status 7",
    ),
];

#[test]
fn bad_outputs_fail_by_name() {
    if !can_build("bad_outputs_fail_by_name") {
        return;
    }
    let mut attrs = String::new();
    for (name, more, script, _) in BAD_OUTPUTS {
        attrs.push_str(&format!(
            "{name} = runWith \"{name}\" {{ {more} }} \"{script}\";\n"
        ));
    }
    let repo = TestRepo::new(&attrs);
    for (name, _, _, said) in BAD_OUTPUTS {
        let ran = repo.build_with(&["-A", name]);
        ran.fails(100, &[&format!("error: {name}: "), said]);
        assert!(!repo.dir().join("result").exists(), "{name}");
    }
    repo.assert_sound();
    let tmp = fs::read_dir(repo.store().join("tmp")).unwrap().count();
    assert_eq!(tmp, 0, "failed builds leave nothing");
}

#[test]
fn texts_and_links_of_a_recipe_are_a_tree() {
    if !can_build("texts_and_links_of_a_recipe_are_a_tree") {
        return;
    }
    let write = |params: &str| format!("result = step \"w\" \"builtin:write\" {{ {params} }} [ ];");
    let repo = TestRepo::new(&write(
        r##"files."/etc/a" = "text\n"; files."/bin/b" = "#!/bin/sh\n"; executable = [ "/bin/b" ];
           links."/etc/l" = "../bin/b";"##,
    ));
    let path = repo.build().ok().path();
    let entries: Vec<(String, u32, String)> = tree(&path)
        .into_iter()
        .map(|(name, (mode, text))| (name, mode & 0o111, String::from_utf8(text).unwrap()))
        .filter(|(_, _, text)| !text.is_empty())
        .collect();
    let entry = |name: &str, mode, text: &str| (name.to_owned(), mode, text.to_owned());
    assert_eq!(
        entries,
        [
            entry("/bin/b", 0o111, "#!/bin/sh\n"),
            entry("/etc/a", 0, "text\n"),
            entry("/etc/l", 0o111, "../bin/b"),
        ]
    );
    for (params, said) in [
        (
            r#"files."/a" = "x"; links."/a" = "b";"#,
            "`/a` is in `files` and in `links`",
        ),
        (
            r#"executable = [ "/a" ];"#,
            "`executable`: `/a` is not in `files`",
        ),
        (r#"files."/" = "x";"#, "`files`: `/` is a directory"),
        (r#"files."a" = "x";"#, "`files`: `a`: "),
        (
            r#"files."/a" = "x"; files."/a/b" = "y";"#,
            "`a` is added twice, as a file and as a directory",
        ),
        (r#"files."/a" = 1;"#, "`files` must be a set of strings"),
    ] {
        repo.recipes(&write(params));
        repo.build().fails(100, &[said]);
    }
}

#[test]
fn an_output_may_mention_the_build_directory_where_the_recipe_says_so() {
    if !can_build("an_output_may_mention_the_build_directory_where_the_recipe_says_so") {
        return;
    }
    let repo = TestRepo::new(
        r#"result = runWith "objects" { keepsBuildDir = true; } "mkdir $out; echo $out/ > $out/f";"#,
    );
    let path = repo.build().ok().path();
    assert_eq!(
        fs::read_to_string(path.join("f")).unwrap(),
        "/build/out/out/\n"
    );
}

#[test]
fn two_outputs_are_two_trees() {
    if !can_build("two_outputs_are_two_trees") {
        return;
    }
    let repo = TestRepo::new(
        r#"both = runWith "both" { outputs = [ "out" "dev" ]; } ''
            mkdir $out $dev; echo program > $out/p; echo header > $dev/h'';
        only = runWith "only" { outputs = [ "dev" ]; } "mkdir $dev; echo header > $dev/h";
        result = runWith "user" { inputs = [ { at = "/a"; from = both; } { at = "/b"; from = both.dev; } ]; } ''
            mkdir $out; ls /a /b > $out/list'';"#,
    );
    let path = repo.build().ok().path();
    assert_eq!(
        fs::read_to_string(path.join("list")).unwrap(),
        "/a:\np\n\n/b:\nh\n"
    );
    let json = repo.build_with(&["-A", "both", "--json"]).ok().json();
    let outputs = json["outputs"].as_object().unwrap();
    assert_eq!(outputs.keys().collect::<Vec<_>>(), ["dev", "out"]);
    assert!(fs::exists(format!("{}/p", json["path"].as_str().unwrap())).unwrap());
    // What is built is the output that the attribute stands for.
    let path = |attr| repo.build_with(&["-A", attr]).ok().path();
    for (attr, file) in [("both.out", "p"), ("both.dev", "h"), ("only", "h")] {
        assert!(path(attr).join(file).exists(), "{attr}");
    }
}

#[test]
fn a_writable_input_is_a_private_copy() {
    if !can_build("a_writable_input_is_a_private_copy") {
        return;
    }
    let repo = TestRepo::new(
        r#"tree = run "tree" "mkdir -p $out/d; echo one > $out/f; echo two > $out/d/g";
        result = runWith "edit" { inputs = [ { at = "/build/w"; from = tree; writable = true; } ]; } ''
            cd /build/w; echo changed > f; rm d/g; echo new > d/h; mkdir $out; cp -r . $out/t'';"#,
    );
    let before = tree(&repo.build_with(&["-A", "tree"]).ok().path());
    let made = tree(&repo.build().ok().path());
    assert_eq!(made["/t/f"].1, b"changed\n");
    assert!(made.contains_key("/t/d/h") && !made.contains_key("/t/d/g"));
    assert_eq!(tree(&repo.build_with(&["-A", "tree"]).ok().path()), before);
    assert_eq!(before["/f"].1, b"one\n");
    repo.assert_sound();
}

/// `lib` strips comments, as a compiler does; `app` uses what it makes.
const CHAIN: &str = r#"
lib = runWith "lib" { inputs = [ { at = "/src"; from = ../src; } ]; } ''
    mkdir $out
    while read -r line; do case $line in '#'*) ;; *) echo "$line" ;; esac; done < /src/code > $out/object
'';
app = runWith "app" { inputs = [ { at = "/in"; from = lib; } ]; } ''
    mkdir $out; cat /in/object > $out/app; echo linked >> $out/app'';
result = step "images" "builtin:merge" { } [ { at = "/app"; from = app; } ];
"#;

#[test]
fn a_rebuild_stops_where_nothing_changes() {
    if !can_build("a_rebuild_stops_where_nothing_changes") {
        return;
    }
    let repo = TestRepo::new(CHAIN);
    repo.write("src/code", "# first\nwork\n");
    let first = repo.build().ok();
    assert_eq!(first.building(), ["lib", "app"]);
    let link = fs::read_link(repo.dir().join("result")).unwrap();
    assert_eq!(link, first.path());

    let again = repo.build().ok();
    assert_eq!((again.path(), again.err.as_str()), (first.path(), ""));

    repo.write("src/code", "# second\nwork\n");
    let comment = repo.build().ok();
    assert_eq!(comment.building(), ["lib"], "{}", comment.err);
    assert!(comment.err.contains("unchanged app"), "{}", comment.err);
    assert_eq!(comment.path(), first.path());

    repo.write("src/code", "# second\nmore work\n");
    let edit = repo.build().ok();
    assert_eq!(edit.building(), ["lib", "app"]);
    assert_ne!(edit.path(), first.path());
    let app = fs::read_to_string(edit.path().join("app/app")).unwrap();
    assert_eq!(app, "more work\nlinked\n");

    // Back to what was: known already.
    repo.write("src/code", "# first\nwork\n");
    let back = repo.build().ok();
    assert_eq!((back.path(), back.err.as_str()), (first.path(), ""));
}

/// A library and 50 programs that use it.
const FAMILY: &str = r#"
lib = runWith "lib" { inputs = [ { at = "/src"; from = ../src; } ]; } ''
    mkdir $out
    while read -r line; do case $line in '#'*) ;; *) echo "$line" ;; esac; done < /src/code > $out/object
'';
user = n: runWith "user-${toString n}" { inputs = [ { at = "/in"; from = lib; } ]; } ''
    mkdir $out; cat /in/object > $out/program; echo ${toString n} >> $out/program'';
result = step "images" "builtin:merge" { }
    (builtins.genList (n: { at = "/${toString n}"; from = user n; }) 50);
"#;

#[test]
fn a_comment_in_a_library_rebuilds_it_and_none_of_its_50_dependents() {
    if !can_build("a_comment_in_a_library_rebuilds_it_and_none_of_its_50_dependents") {
        return;
    }
    let repo = TestRepo::new(FAMILY);
    repo.write("src/code", "# first\nwork\n");
    let first = repo.build().ok();
    assert_eq!(first.building().len(), 51);
    repo.write("src/code", "# another comment\nwork\n");
    let comment = repo.build().ok();
    assert_eq!(comment.building(), ["lib"], "{}", comment.err);
    assert_eq!(comment.err.matches("unchanged user-").count(), 50);
    assert_eq!(comment.path(), first.path());
    repo.write("src/code", "# another comment\nother work\n");
    let edit = repo.build().ok();
    assert_eq!(edit.building().len(), 51, "{}", edit.err);
    assert_ne!(edit.path(), first.path());
}

#[test]
fn a_list_is_built_element_by_element() {
    if !can_build("a_list_is_built_element_by_element") {
        return;
    }
    let attrs = r#"
        step = n: run "step-${toString n}" "mkdir $out; echo ${toString n} > $out/n";
        several = builtins.genList step 3 ++ [ (step 0) ];
        spoilt = [ (step 0) (let x = { }; in x) ];
        none = [ ];
    "#;
    let repo = TestRepo::new(attrs);
    let ran = repo.build_with(&["-A", "several"]).ok();
    let paths: Vec<&str> = ran.out.lines().collect();
    let read = |path: &std::path::Path| fs::read_to_string(path.join("n")).unwrap();
    let numbers: Vec<String> = paths.iter().map(|path| read(path.as_ref())).collect();
    assert_eq!(numbers, ["0\n", "1\n", "2\n", "0\n"]);
    assert!(ran.err.contains("3 built"), "{}", ran.err);
    for (number, link) in ["result", "result-2", "result-3", "result-4"]
        .iter()
        .enumerate()
    {
        assert_eq!(read(&repo.dir().join(link)), numbers[number], "{link}");
    }
    // The links keep all of them.
    repo.run(&["gc"]).ok();
    assert_eq!(read(&repo.dir().join("result-3")), "2\n");
    let ran = repo.build_with(&["-A", "several", "--json"]).ok();
    assert_eq!(ran.out.lines().count(), 4, "{}", ran.out);

    let said = "error: element 2 of 2 in `spoilt` is a set, not a derivation";
    repo.build_with(&["-A", "spoilt"]).fails(1, &[said]);
    let said = "error: `none` is an empty list, not a derivation";
    repo.build_with(&["-A", "none"]).fails(1, &[said]);
}

#[test]
fn a_dry_run_lists_what_is_missing_and_does_nothing() {
    if !can_build("a_dry_run_lists_what_is_missing_and_does_nothing") {
        return;
    }
    let repo = TestRepo::new(CHAIN);
    repo.write("src/code", "work\n");
    let dry = repo.build_with(&["-n"]).ok();
    let mut lines: Vec<&str> = dry.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["build app", "build lib", "make  images"]);
    assert!(
        dry.err.contains("3 of 3 derivations are missing"),
        "{}",
        dry.err
    );
    let json = repo.build_with(&["-n", "--json"]).ok().json();
    assert_eq!(json["missing"].as_array().unwrap().len(), 3);
    assert!(!repo.dir().join("result").exists());
    let built = repo.build().ok();
    assert_eq!(built.building(), ["lib", "app"]);
    let dry = repo.build_with(&["-n"]).ok();
    assert_eq!(dry.out, "");
    assert!(
        dry.err.contains("0 of 3 derivations are missing"),
        "{}",
        dry.err
    );
}

#[test]
fn output_of_builds_comes_with_print_build_logs_only() {
    if !can_build("output_of_builds_comes_with_print_build_logs_only") {
        return;
    }
    let attrs = |n: u32| {
        format!(r#"result = run "talk{n}" "mkdir $out; echo one; echo two >&2; printf three{n}";"#)
    };
    let repo = TestRepo::new(&attrs(1));
    let quiet = repo.build().ok();
    assert!(!quiet.err.contains("three1"), "{}", quiet.err);
    repo.recipes(&attrs(2));
    let loud = repo.build_with(&["-L"]).ok();
    for line in ["talk2> one\n", "talk2> two\n", "talk2> three2\n"] {
        assert!(loud.err.contains(line), "{}", loud.err);
    }
    repo.recipes(&attrs(3));
    let silent = repo.build_with(&["--quiet"]).ok();
    assert_eq!(silent.err, "");
    assert!(silent.path().is_dir());
}

#[test]
fn two_composers_share_a_store_and_do_each_thing_once() {
    if !can_build("two_composers_share_a_store_and_do_each_thing_once") {
        return;
    }
    // What a step makes is different each time it is run.
    let mut attrs = String::new();
    let mut all = String::new();
    for n in 1..=6 {
        attrs.push_str(&format!(
            "s{n} = run \"step{n}\" \"mkdir $out; sleep 0.3; cat /proc/sys/kernel/random/uuid > $out/f{n}\";\n"
        ));
        all.push_str(&format!(" s{n}"));
    }
    attrs.push_str(&format!(
        r#"result = step "all" "builtin:merge" {{ }} (map (from: {{ at = "/"; inherit from; }}) [{all} ]);"#
    ));
    let repo = TestRepo::new(&attrs);
    let children = ["one", "two"].map(|link| repo.spawn_build(&["-o", link]));
    let ran = children.map(|child| Ran::new(child.wait_with_output().unwrap()).ok());
    assert_eq!(ran[0].path(), ran[1].path());
    let made = tree(&ran[0].path());
    assert_eq!(made.len(), 6);
    let values: BTreeSet<_> = made.values().collect();
    assert_eq!(values.len(), 6, "the steps were run, each for itself");
    for what in ["building step", "built step"] {
        let said: usize = ran.iter().map(|r| r.err.matches(what).count()).sum();
        assert_eq!(said, 6, "{what}: {}\n{}", ran[0].err, ran[1].err);
    }
    repo.assert_sound();
}
