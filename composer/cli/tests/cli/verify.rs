//! `verify` and `diff`: what is reproducible passes, and of what is not the cause is named.

use crate::env::{IMAGES, Ran, TestRepo, can_build, is_root};

/// Recipes that depend on one thing that no recipe may depend on: name, script, what is said to be the likely
/// cause, and the condition that turns out to matter.
const BAD: [(&str, &str, &str, &str); 8] = [
    ("stamp", "mkdir $out; date > $out/when", "time stamp", "date"),
    ("host", "mkdir $out; uname -n > $out/name", "host name", "host name"),
    ("uid", "mkdir $out; id -u > $out/user", "user or group", "user"),
    ("mask", "mkdir $out; umask > $out/mask", "creation mask", "umask"),
    ("cpus", "mkdir $out; echo $(nproc) > $out/jobs", "number of CPUs", "number of CPUs"),
    (
        "path",
        "mkdir $out; while read -r _ _ _ from at _; do
            [ $at != /build ] || echo in ''${from//\\//-} > $out/from; done < /proc/self/mountinfo; echo x > $out/x",
        "build path",
        "",
    ),
    ("listing", "mkdir $out d; touch d/{a..z}; ls -U d > $out/list", "order of hashes or listings", "readdir order"),
    (
        "stack",
        "mkdir $out; while read -r where _ _ _ _ what; do
            [ \"$what\" != '[stack]' ] || echo x > $out/at-''${where%-*}; done < /proc/self/maps",
        "",
        "addresses",
    ),
];

fn bad_recipes() -> String {
    BAD.iter()
        .map(|(name, script, _, _)| format!("{name} = run \"{name}\" ''{script}'';\n"))
        .collect()
}

impl Ran {
    /// It must have found that something is not reproducible and have said each of these.
    fn differs(self, said: &[&str]) -> Self {
        assert_eq!(self.code, Some(104), "{}\n{}", self.out, self.err);
        for text in said {
            assert!(self.out.contains(text), "no `{text}` in:\n{}", self.out);
        }
        self
    }
}

#[test]
fn the_cause_of_a_difference_is_named() {
    let test = "the_cause_of_a_difference_is_named";
    if !can_build(test) {
        return;
    }
    let repo = TestRepo::new(&bad_recipes());
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    for (name, _, cause, matters) in BAD {
        if name == "cpus" && processors == 1 {
            println!("SKIP {test}: {name}: this machine has one processor");
            continue;
        }
        let before = repo.build_with(&["-A", name, "--no-link"]).ok().path();
        let ran = repo.run(&["verify", "profiles/t.toml", "-A", name, "--isolate"]);
        let likely = format!("likely cause: {cause}");
        let depends = format!("it depends on: {matters}\n");
        let mut said = vec![format!("{name} differs in round 1 (output out)")];
        said.extend((!cause.is_empty()).then_some(likely));
        said.extend((!matters.is_empty()).then_some(depends));
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        let ran = ran.differs(&said);
        assert!(
            ran.err
                .contains(&format!("error: {name} is not reproducible")),
            "{}",
            ran.err
        );
        // What the store has stays.
        assert_eq!(
            repo.build_with(&["-A", name, "--no-link"]).ok().path(),
            before
        );
    }
    repo.assert_sound();
}

#[test]
fn an_order_by_chance_needs_no_other_conditions() {
    if !can_build("an_order_by_chance_needs_no_other_conditions") {
        return;
    }
    let repo = TestRepo::new("hash = run \"hash\" \"mkdir $out; seq 100 | sort -R > $out/lines\";");
    repo.run(&["verify", "profiles/t.toml", "-A", "hash", "--isolate"])
        .differs(&[
            // The first line is the same by chance now and then.
            "lines: order of lines, from line ",
            " (order of hashes or listings)",
            "likely cause: order of hashes or listings",
            "the same conditions give another result",
        ]);
}

/// Commands, builtins and images that depend on nothing.
const GOOD: &str = r#"
one = run "one" "mkdir -p $out/d; echo 1 > $out/d/one; ln -s d/one $out/l; cat $out/d/* > $out/all; chmod 755 $out/all";
two = run "two" "mkdir $out; for n in {1..50}; do echo $n > $out/f$n; done; sort $out/f* > $out/sorted";
files = step "files" "builtin:merge" { links."/init" = "usr/bin/bash"; } [
    { at = "/one"; from = one; } { at = "/two"; from = two; } { at = "/"; from = root; } ];
initramfs = step "initramfs" "builtin:cpio" { epoch = 1735689600; } [ { at = "/tree"; from = files; } ];
"#;

#[test]
fn a_hermetic_closure_is_identical_in_every_round() {
    if !can_build("a_hermetic_closure_is_identical_in_every_round") {
        return;
    }
    let repo = TestRepo::new(&format!("{GOOD}{IMAGES}"));
    let ran = repo
        .run(&["verify", "profiles/t.toml", "--recursive", "--rounds", "3"])
        .ok();
    assert_eq!(
        ran.out,
        "9 identical after 3 rebuilds, 0 fixed by hash, 0 not reproducible\n"
    );
    let value = repo
        .run(&["verify", "profiles/t.toml", "-r", "--json"])
        .ok()
        .json();
    assert_eq!(value["identical"], 9);
    assert_eq!(value["results"].as_array().unwrap().len(), 9);
    let dry = repo.run(&["verify", "profiles/t.toml", "-r", "-n"]).ok();
    assert_eq!(dry.out.lines().count(), 9, "{}", dry.out);
}

#[test]
fn only_what_differs_by_itself_is_blamed_and_the_deepest_comes_first() {
    if !can_build("only_what_differs_by_itself_is_blamed_and_the_deepest_comes_first") {
        return;
    }
    let repo = TestRepo::new(
        r#"deep = run "deep" "mkdir $out; date +%s > $out/time";
        middle = runWith "middle" { inputs = [ { at = "/deep"; from = deep; } ]; } "mkdir $out; cat /deep/time > $out/copy";
        result = runWith "top" { inputs = [ { at = "/m"; from = middle; } ]; } "mkdir $out; cat /m/copy > $out/a; uname -n > $out/b";"#,
    );
    let value = repo
        .run(&["verify", "profiles/t.toml", "-r", "--json"])
        .differs(&[])
        .json();
    assert_eq!(value["bad"], serde_json::json!(["deep", "top"]));
    assert_eq!(value["results"][1]["verdict"], "identical");
    let time = &value["results"][0]["differences"][0];
    assert_eq!(time["place"], serde_json::json!(["time"]));
    assert_eq!(
        (&time["what"], &time["cause"]),
        (&"line 1".into(), &"time stamp".into())
    );
    assert_eq!(
        value["results"][2]["causes"],
        serde_json::json!(["host name"])
    );
    // Not recursive: only what is named.
    let value = repo
        .run(&["verify", "profiles/t.toml", "-A", "middle", "--json"])
        .ok()
        .json();
    assert_eq!(value["identical"], 1);
}

#[test]
fn a_build_that_fails_under_other_conditions_says_how() {
    if !can_build("a_build_that_fails_under_other_conditions_says_how") {
        return;
    }
    let repo = TestRepo::new(
        "picky = run \"picky\" \"mkdir $out; [ $(id -u) = 1000 ] || { echo who are you; exit 9; }\";",
    );
    repo.run(&["verify", "profiles/t.toml", "-A", "picky"])
        .differs(&[
            "picky fails in round 1: the builder exited with status 9\n  who are you\n",
            "0 identical after 1 rebuild, 0 fixed by hash, 1 not reproducible",
        ]);
    repo.recipes("broken = run \"broken\" \"exit 3\";");
    repo.run(&["verify", "profiles/t.toml", "-A", "broken"])
        .fails(100, &["exited with status 3"]);
}

#[test]
fn diff_compares_results_links_and_files() {
    if !can_build("diff_compares_results_links_and_files") {
        return;
    }
    let recipe = |text: &str| {
        format!("result = run \"r\" \"mkdir $out; echo {text} > $out/f; echo same > $out/g\";")
    };
    let repo = TestRepo::new(&recipe("one two"));
    let not_built = repo.run(&["diff", "profiles/t.toml", "profiles/t.toml"]);
    not_built.fails(
        2,
        &[
            "is not built",
            "xsc-compose build profiles/t.toml --no-link",
        ],
    );
    let one = repo.build_with(&["-o", "one"]).ok().path();
    repo.recipes(&recipe("two one"));
    let other = repo.build_with(&["-o", "other"]).ok().path();
    let said = "f: line 1 (order of hashes or listings)\n  - one two\n  + two one\n";
    let id = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    for (a, b) in [
        ("one".to_owned(), "other".to_owned()),
        (one.display().to_string(), "profiles/t.toml".to_owned()),
        (id(&one), id(&other)),
    ] {
        let ran = repo.run(&["diff", &a, &b]);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(104), said),
            "{}",
            ran.err
        );
    }
    repo.run(&["diff", "other", "profiles/t.toml"]).ok();
    let ran = repo.run(&["diff", "one/f", "other/f", "--json"]);
    assert_eq!(ran.code, Some(104));
    assert_eq!(
        ran.json()["differences"][0]["cause"],
        "order of hashes or listings"
    );
    repo.run(&["diff", "one", "nowhere/at-all"])
        .fails(2, &["nowhere/at-all"]);
    let zeros = "0".repeat(64);
    repo.run(&["diff", "one", &zeros])
        .fails(2, &["the store has no tree"]);
}

#[test]
fn a_hostile_build_changes_no_object() {
    let test = "a_hostile_build_changes_no_object";
    if !can_build(test) {
        return;
    }
    // A tree in the store is hard links to objects, as a worker's input root is on engines that link.
    let repo = TestRepo::new(
        r#"data = run "data" "mkdir $out; echo precious > $out/file; printf '#!/bin/sh\n' > $out/tool; chmod 755 $out/tool";
        result = runWith "hostile" {
            inputs = [ { at = "/in"; from = data; } { at = "/rw"; from = data; writable = true; } ];
        } ''
            set +e
            mkdir $out
            for file in /in/file /in/tool /usr/bin/true /proc/self/root/in/file /proc/1/root/in/file /rw/file /rw/tool; do
                chmod 777 $file; echo evil >> $file; echo evil > $file; touch $file; rm -f $file; mv -f $file $file.moved
                ln -f /usr/bin/bash $file
            done
            ln /in/file $out/linked && echo evil >> $out/linked
            ln /rw/file.moved $out/linked2 && echo evil >> $out/linked2
            chmod 777 /in / /usr/bin; touch /in/new /new /usr/bin/new
            for file in /proc/*/fd/*; do [ -f $file ] && echo evil >> $file; done
            exec 3< /in/file; echo evil >> /proc/self/fd/3; chmod 777 /proc/self/fd/3
            echo done > $out/done
            exit 0'';"#,
    );
    repo.build_with(&["-A", "data", "--no-link"]).ok();
    let objects = || crate::env::tree(&repo.store().join("objects"));
    let before = objects();
    assert!(before.len() > 10);
    let path = repo.build().ok().path();
    assert!(path.join("done").exists());
    let after = objects();
    for (name, content) in &before {
        assert!(after.get(name) == Some(content), "{name} was changed");
    }
    repo.assert_sound();
    if is_root() {
        println!("{test}: also as root, for whom file modes are no obstacle");
    }
}
