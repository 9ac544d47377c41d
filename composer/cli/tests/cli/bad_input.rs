//! What is wrong with profiles, locks, recipes and builds is said with its place and a way out.
//!
//! Each case runs the program and holds its exit code and its words.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::env::{PROFILE, Ran, TestRepo, can_build, is_root, processes_of};

/// One recipe that needs no build.
const FINE: &str = r#"result = step "nothing" "builtin:merge" { } [ ];"#;

#[test]
fn a_missing_profile_gets_a_suggestion() {
    let repo = TestRepo::new(FINE);
    repo.run(&["build", "profiles/tt.toml"]).fails(
        2,
        &[
            "error: there is no profile profiles/tt.toml",
            "hint: did you mean profiles/t.toml?",
        ],
    );
    repo.run(&["build", "profiles/something.toml"])
        .fails(2, &["hint: profiles has: t.toml"]);
    repo.run(&["build", "nowhere/x.toml"])
        .fails(2, &["error: there is no profile nowhere/x.toml"]);
    repo.run(&["build", "profiles"])
        .fails(2, &["error: cannot read profiles: "]);
    repo.run(&["build"]).fails(2, &["<PROFILE>"]);
}

#[test]
fn a_profile_belongs_to_a_repository() {
    let repo = TestRepo::new(FINE);
    let alone = repo.temp().join("t.toml");
    fs::write(&alone, PROFILE).unwrap();
    repo.run(&["build", alone.to_str().unwrap()]).fails(
        2,
        &["error: no flake-like.toml in ", "or any directory above it"],
    );
}

#[test]
fn a_bad_profile_is_shown_at_its_line() {
    let repo = TestRepo::new(FINE);
    let bad = |from: &str, to: &str, said: &[&str]| {
        assert!(PROFILE.contains(from));
        repo.write("profiles/t.toml", &PROFILE.replace(from, to));
        repo.build().fails(2, said);
    };
    bad(
        "name = \"t\"",
        "name = \"t",
        &["error: profiles/t.toml:2:", "name = \"t"],
    );
    bad(
        "variant",
        "varaint",
        &[
            "error: profiles/t.toml:",
            "profiles/t.toml:5:1: ",
            "varaint",
            "variant",
        ],
    );
    bad(
        "images = []",
        "images = [\"oci\", \"isi\"]",
        &[
            "error: profiles/t.toml:7:18: `images` can't hold \"isi\"",
            "did you mean",
            "iso",
        ],
    );
    bad(
        "x86_64-linux",
        "x86-linux",
        &["profiles/t.toml:4:10: ", "x86_64-linux"],
    );
    bad(
        "modules = []",
        "modules = [\"../m\"]",
        &["profiles/t.toml:6:12: "],
    );
    bad(
        "modules = []",
        "modules = []\nmodule = []",
        &["profiles/t.toml:7:1: ", "did you mean", "modules"],
    );
    repo.write("profiles/t.toml", "");
    repo.build()
        .fails(2, &["profiles/t.toml:1:1: ", "`profile`"]);
    fs::write(repo.dir().join("profiles/t.toml"), b"name = \"\xff\"").unwrap();
    repo.build()
        .fails(2, &["error: cannot read profiles/t.toml: ", "UTF-8"]);
}

#[test]
fn a_lock_must_be_there_and_fit() {
    let repo = TestRepo::new(FINE);
    let lock = repo.dir().join("flake-like.lock");
    fs::remove_file(&lock).unwrap();
    repo.build().fails(
        2,
        &[
            "error: there is no flake-like.lock",
            "hint: `xsc-compose lock` ",
        ],
    );
    assert!(!lock.exists(), "a build never writes the lock");

    repo.write("flake-like.lock", "version = 1\n[inputs.a\n");
    repo.build().fails(
        2,
        &[
            "error: flake-like.lock:2:",
            "this file is written by `xsc-compose lock`",
        ],
    );
    repo.write("flake-like.lock", "version = 9\n");
    repo.build().fails(2, &["lock version 9 is not 1"]);

    repo.write("flake-like.lock", "version = 1\n");
    let file =
        "[inputs.source]\ntype = \"file\"\nname = \"a.tar\"\nurls = [\"file:///nowhere/a.tar\"]\n";
    repo.write("flake-like.toml", &format!("[inputs]\n\n{file}"));
    let said = "error: lock out of date: input `source` at flake-like.toml:3 is not in it; run `xsc-compose lock`";
    repo.build().fails(2, &[said]);

    let declaration = "0".repeat(64);
    let locked = format!(
        "version = 1\n[inputs.source]\ndeclaration = \"{declaration}\"\n[inputs.source.file]\nname = \"a.tar\"\nsha256 = \"{declaration}\"\nsize = 1\nurls = [\"file:///nowhere/a.tar\"]\n"
    );
    repo.write("flake-like.lock", &locked);
    let said = "error: lock out of date: input `source` changed at flake-like.toml:3; run `xsc-compose lock`";
    repo.build().fails(2, &[said]);
    repo.write("flake-like.toml", "[inputs]\n");
    let said = "error: lock out of date: input `source` is not in flake-like.toml any more";
    repo.build().fails(2, &[said]);
    assert_eq!(fs::read_to_string(&lock).unwrap(), locked);

    repo.write("flake-like.toml", "[inputs.source]\ntype = \"fiel\"\n");
    repo.build()
        .fails(2, &["error: flake-like.toml:2:8: ", "did you mean", "file"]);
}

/// Recipes that cannot be evaluated: the line of `result`, and what is said.
const BAD_RECIPES: [(&str, &[&str]); 14] = [
    ("result = lib.nope;", &["images/default.nix:4:10", "lib"]),
    (
        "result = run \"a\" ;",
        &["error: `result` is ", ", not a derivation"],
    ),
    ("result = ;", &["images/default.nix:4:9"]),
    ("result = { a = 1; }.b;", &["images/default.nix:4:", "`b`"]),
    (
        "result = let x = x; in x;",
        &["images/default.nix:4:", "infinite recursion"],
    ),
    (
        "result = inputs.linus;",
        &["images/default.nix:4:", "linus"],
    ),
    (
        "result = derivation { name = \"a\"; inherit system; buider = \"x\"; };",
        &[
            "images/default.nix:4:",
            "`derivation` takes no `buider`",
            "did you mean `builder`?",
        ],
    ),
    (
        "result = derivation { inherit system; builder = \"x\"; };",
        &["needs the attribute `name`"],
    ),
    (
        "result = derivation { name = \"a\"; system = \"z80\"; builder = \"x\"; };",
        &["images/default.nix:4:", "z80"],
    ),
    (
        "result = step \"a\" \"builtin:mergd\" { } [ ];",
        &["there is no `builtin:mergd`; did you mean `builtin:merge`?"],
    ),
    (
        "result = runWith \"a\" { inputs = [ { at = \"/x\"; from = ../missing; } ]; } \"true\";",
        &["images/default.nix:4:", "missing"],
    ),
    (
        "result = runWith \"a\" { inputs = [ { at = \"/x\"; form = root; } ]; } \"true\";",
        &[
            "images/default.nix:4:",
            "an input takes no `form`; did you mean `from`?",
        ],
    ),
    (
        "result = runWith \"a\" { inputs = [ { at = \"/x\"; from = root; } { at = \"/x\"; from = root; } ]; } \"true\";",
        &["two inputs are placed at `/x`"],
    ),
    (
        "result = throw \"of my own\";",
        &["images/default.nix:4:", "of my own"],
    ),
];

#[test]
fn a_bad_recipe_is_shown_at_its_place() {
    let repo = TestRepo::new(FINE);
    for (recipe, said) in BAD_RECIPES {
        repo.recipes(recipe);
        let ran = repo.build();
        assert_eq!(ran.code, Some(1), "{recipe}\n{}", ran.err);
        ran.fails(1, said);
    }
    // A string ends in the next line, not at the end of the file.
    repo.write(
        "images/default.nix",
        "{ profile, inputs }:\n{ result = \"open;\n}\n",
    );
    repo.build().fails(1, &["error: ", "images/default.nix:2:"]);
    fs::remove_file(repo.dir().join("images/default.nix")).unwrap();
    repo.build().fails(1, &["images/default.nix"]);
}

#[test]
fn an_attribute_that_is_not_there_gets_a_suggestion() {
    let repo = TestRepo::new("pkgs.linux = { kernel = 1; config = 2; };");
    let ask = |attr: &str| repo.build_with(&["-A", attr]);
    ask("pkgs.linux.kernal")
        .fails(1, &["the recipes have no `pkgs.linux.kernal`: there is no attribute `kernal`; did you mean `kernel`?"]);
    ask("pkgs.linux.zzzzzz").fails(1, &["; there are: config, kernel"]);
    ask("pkgs.linux.kernel").fails(1, &["error: `pkgs.linux.kernel` is ", ", not a derivation"]);
    ask("pkgs").fails(1, &["error: `pkgs` is a set, not a derivation"]);
    repo.build().fails(1, &["there is no attribute `result`"]);
}

/// What a profile has no say in is built by its attribute alone.
#[test]
fn an_attribute_needs_no_profile() {
    let repo = TestRepo::new(FINE);
    repo.write(
        "pkgs/default.nix",
        "{ inputs, config ? throw \"this is made for a profile\" }:\n\
         { tools.file = derivation { name = \"file\"; system = \"x86_64-linux\"; builder = \"builtin:merge\"; \
         params = { links.\"/a\" = \"b\"; lastWins = false; }; inputs = [ ]; }; kernel = config.x; }\n",
    );
    let ran = repo
        .run(&["build", "tools.file", "--no-link", "--json"])
        .ok();
    assert_eq!(ran.json()["attribute"], "tools.file");
    let link = ran.json()["path"].as_str().map(|path| format!("{path}/a"));
    assert_eq!(fs::read_link(link.unwrap()).unwrap().to_str(), Some("b"));
    repo.run(&["show", "tools.file", "file"]).ok();
    repo.run(&["build", "tools.fil"]).fails(
        1,
        &["the recipes have no `tools.fil`", "did you mean `file`?"],
    );
    repo.run(&["build", "kernel"])
        .fails(1, &["this is made for a profile"]);
    repo.run(&["build", "tools.file", "-A", "x"]).fails(
        2,
        &["`tools.file` is no profile", "name the attribute alone"],
    );
}

#[test]
fn a_failed_build_shows_its_last_words_and_where_the_rest_is() {
    if !can_build("a_failed_build_shows_its_last_words_and_where_the_rest_is") {
        return;
    }
    let repo = TestRepo::new(
        r#"bad = run "bad-1.0" "seq 1 1000; echo the reason >&2; exit 3";
        result = step "images" "builtin:merge" { } [ { at = "/x"; from = bad; } ];"#,
    );
    let ran = repo.build_with(&["--log-lines", "25"]);
    let ran = ran.fails(
        100,
        &[
            "error: bad-1.0: the builder exited with status 3",
            "\n  1000\n  the reason\n",
            "not tried because of this: 1 derivation",
        ],
    );
    assert!(
        !ran.err.contains("\n  976\n") && ran.err.contains("\n  977\n"),
        "25 lines: {}",
        ran.err
    );
    let command = ran.hint("the whole log: xsc-compose ");
    let store = format!("--store {} ", repo.store().display());
    let command = command
        .strip_prefix(&store)
        .expect("the hint names the store in use");
    assert_eq!(command, "log profiles/t.toml bad-1.0");
    let words: Vec<&str> = command.split(' ').collect();
    let numbers: Vec<String> = (1..=1000).map(|n| n.to_string()).collect();
    let log = format!("{}\nthe reason\n", numbers.join("\n"));
    assert_eq!(repo.run(&words).ok().out, log);
    let json = repo
        .run(&[words.as_slice(), &["--json"]].concat())
        .ok()
        .json();
    assert_eq!(json["log"], log);
    // The failure is not remembered as a result.
    assert_eq!(
        repo.build().fails(100, &["the reason"]).building(),
        ["bad-1.0"]
    );
    repo.assert_sound();
}

#[test]
fn trees_that_do_not_fit_together_are_named() {
    if !can_build("trees_that_do_not_fit_together_are_named") {
        return;
    }
    let repo = TestRepo::new(
        r#"mawk = run "mawk-1.3" "mkdir -p $out/bin; echo m >$out/bin/awk";
        gawk = run "gawk-5.2" "mkdir -p $out/bin; echo g >$out/bin/awk";
        result = step "both" "builtin:merge" { }
            (map (from: { at = "/"; inherit from; }) [ mawk gawk ]);"#,
    );
    let conflict = "error: both: `/bin/awk` is provided by both `mawk-1.3` and `gawk-5.2`, \
                    with different content";
    repo.build().fails(100, &[conflict]);
}

const MANY: &str = r#"
bad1 = run "bad1" "echo one >&2; exit 1";
bad2 = run "bad2" "sleep 0.5; echo two >&2; exit 1";
good = run "good" "sleep 1; mkdir $out";
after = runWith "after" { inputs = [ { at = "/g"; from = good; } ]; } "mkdir $out";
never = runWith "never" { inputs = [ { at = "/g"; from = bad1; } ]; } "mkdir $out";
result = step "images" "builtin:merge" { }
    (map (from: { at = "/"; inherit from; }) [ bad1 bad2 after never ]);
"#;

#[test]
fn keep_going_builds_what_it_can_and_reports_all() {
    if !can_build("keep_going_builds_what_it_can_and_reports_all") {
        return;
    }
    let repo = TestRepo::new(MANY);
    let ran = repo.build_with(&["-k", "-j2"]).fails(
        100,
        &["error: bad1: ", "error: bad2: ", "\n  one\n", "\n  two\n"],
    );
    assert!(ran.err.contains("built after in "), "{}", ran.err);
    assert!(!ran.err.contains("building never"), "{}", ran.err);
    let ran = repo.build_with(&["-A", "after"]).ok();
    assert_eq!(ran.err, "", "built before");
    // Without it, the first failure is the last thing that starts.
    let other = TestRepo::new(
        r#"one = run "one" "exit 1";
        two = run "two" "exit 1";
        three = run "three" "exit 1";
        result = step "all" "builtin:merge" { } (map (from: { at = "/"; inherit from; }) [ one two three ]);"#,
    );
    for _ in 0..5 {
        let ran = other.build_with(&["-j1"]).fails(100, &["error: "]);
        assert_eq!(ran.building().len(), 1, "{}", ran.err);
    }
}

#[test]
fn keep_failed_leaves_the_directory_and_says_where() {
    if !can_build("keep_failed_leaves_the_directory_and_says_where") {
        return;
    }
    let repo = TestRepo::new(
        r#"result = run "bad" "mkdir $out; echo half > $out/f; echo mine > note; exit 1";"#,
    );
    let ran = repo
        .build_with(&["-K"])
        .fails(100, &["exited with status 1"]);
    let kept = std::path::PathBuf::from(ran.hint("the failed build is kept in "));
    assert_eq!(
        fs::read_to_string(kept.join("build/note")).unwrap(),
        "mine\n"
    );
    assert_eq!(
        fs::read_to_string(kept.join("build/out/out/f")).unwrap(),
        "half\n"
    );
    let ran = repo.build_with(&["-K"]).fails(100, &[]);
    assert_ne!(
        kept.to_str().unwrap(),
        ran.hint("the failed build is kept in ")
    );
    let ran = repo.build().fails(100, &[]);
    assert!(!ran.err.contains("kept in"), "{}", ran.err);
}

#[test]
fn limits_of_time_end_a_build() {
    if !can_build("limits_of_time_end_a_build") {
        return;
    }
    let repo = TestRepo::new(
        r#"slow = run "slow" "while true; do echo tick; sleep 0.1; done";
        silent = run "silent" "echo before; sleep 600";"#,
    );
    let ran = repo.build_with(&["-A", "slow", "--timeout", "5"]);
    ran.fails(
        101,
        &["error: slow: timed out after 5 s in all", "\n  tick\n"],
    );
    let ran = repo.build_with(&["-A", "silent", "--max-silent-time", "5"]);
    ran.fails(
        101,
        &[
            "error: silent: timed out after 5 s without output",
            "\n  before\n",
        ],
    );
    repo.build_with(&["--timeout", "0"])
        .fails(2, &["--timeout", "above 0"]);
    assert_eq!(processes_of(repo.temp()), Vec::<String>::new());
}

#[test]
fn a_store_that_cannot_be_is_an_error() {
    let mut repo = TestRepo::new(FINE);
    let file = repo.temp().join("file");
    fs::write(&file, "x").unwrap();
    repo.set_store(file.join("store"));
    repo.build().fails(
        1,
        &["error: cannot create `", "/file/store`: Not a directory"],
    );

    let full = repo.temp().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("thesis.txt"), "x").unwrap();
    repo.set_store(full.clone());
    repo.build().fails(
        1,
        &[
            "error: `",
            "/full` is not a store and not empty: it contains `thesis.txt`",
        ],
    );
    assert_eq!(fs::read_dir(&full).unwrap().count(), 1, "it is left alone");

    let newer = repo.temp().join("newer");
    fs::create_dir(&newer).unwrap();
    fs::write(newer.join("version"), "7\n").unwrap();
    repo.set_store(newer);
    repo.build()
        .fails(1, &["has format 7, this composer knows up to 1"]);
}

#[test]
fn a_store_without_write_permission_is_an_error() {
    let mut repo = TestRepo::new(FINE);
    let closed = repo.temp().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    repo.set_store(closed.join("store"));
    let args = ["build", "profiles/t.toml"];
    let mut command = if is_root() {
        repo.command_as_nobody(&repo.temp().join("home"), &args)
    } else {
        repo.command(args)
    };
    let ran = Ran::new(command.output().unwrap());
    ran.fails(
        1,
        &[
            "error: cannot create `",
            "/closed/store`: Permission denied",
        ],
    );
}

#[test]
fn a_link_never_replaces_something_else() {
    if !can_build("a_link_never_replaces_something_else") {
        return;
    }
    let repo = TestRepo::new(FINE);
    repo.write("result", "precious");
    let ran = repo.build().fails(
        2,
        &[
            "`result` exists and is not a symbolic link",
            "hint: name another place",
        ],
    );
    assert!(
        !ran.err.contains("built"),
        "said before the build: {}",
        ran.err
    );
    repo.build_with(&["-o", "nowhere/result"])
        .fails(2, &["there is no directory `nowhere`"]);
    assert_eq!(
        fs::read_to_string(repo.dir().join("result")).unwrap(),
        "precious"
    );
}

/// Runs in a mount namespace of its own, with a small file system as the store.
const SMALL_STORE: &str = r#"
mkdir -p "$STORE" && mount -t tmpfs -o size=24m,nr_inodes=20k none "$STORE" || exit 99
"$@"; first=$?
echo "first $first" >&2
mount -o remount,size=512m,nr_inodes=200k none "$STORE" || exit 99
"$@"; second=$?
echo "second $second" >&2
"$PROGRAM" store verify --store "$STORE" >&2 || exit 98
exit $second
"#;

#[test]
fn a_full_disk_is_said_and_got_over() {
    let name = "a_full_disk_is_said_and_got_over";
    if !can_build(name) {
        return;
    }
    if !is_root() {
        println!("SKIP {name}: only root may mount a small file system");
        return;
    }
    let repo = TestRepo::new(
        r#"result = run "large" ''
            mkdir $out; for n in $(seq 40); do head -c 1M /dev/urandom > $out/$n; done'';"#,
    );
    let program = env!("CARGO_BIN_EXE_xsc-compose");
    let build = repo.command(["build", "profiles/t.toml"]);
    let mut command = std::process::Command::new("unshare");
    command
        .args([
            "--mount",
            "--propagation",
            "private",
            "bash",
            "-c",
            SMALL_STORE,
            "bash",
            program,
        ])
        .args(build.get_args())
        .current_dir(repo.dir())
        .env("STORE", repo.store())
        .env("PROGRAM", program)
        .env("HOME", repo.temp().join("home"));
    let ran = Ran::new(command.output().unwrap());
    assert_ne!(ran.code, Some(99), "cannot mount: {}", ran.err);
    let (first, second) = ran.err.split_once("\nfirst ").unwrap();
    assert!(
        second.starts_with("100\n") || second.starts_with("1\n"),
        "{}",
        ran.err
    );
    assert!(first.contains("No space left on device"), "{first}");
    assert!(
        first.contains("hint: the disk is full; `xsc-compose gc` frees"),
        "{first}"
    );
    assert!(second.contains("second 0\n"), "{second}");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}
