//! `eval`: of profiles, expressions and files; each form of output; what it refuses.

use serde_json::json;

use crate::env::{Ran, TestRepo};

const RECIPES: &str = r#"
config = { answer = 6 * 7; list = [ 1 "two" null ]; f = x: x; };
lib = run "lib-1.0" "mkdir $out; echo made";
result = step "images" "builtin:merge" { } [ { at = "/l"; from = lib; } ];
"#;

/// A function with arguments, and everything that a value may be.
const FILE: &str = r#"{ n ? 1, name ? "nobody", ... }: {
  inherit n name;
  greeting = "hello ${name}\n";
  nested.list = [ 1 { c = 2; } ];
  call = { x ? 3, name }: "${name} ${toString x}";
  bad = throw "no such thing";
}
"#;

fn repo() -> TestRepo {
    let repo = TestRepo::new(RECIPES);
    repo.write("files/x.nix", FILE);
    repo
}

/// The program in another folder of the test's.
fn run_in(repo: &TestRepo, dir: &str, args: &[&str]) -> Ran {
    let mut command = repo.command(args);
    Ran::new(command.current_dir(repo.temp().join(dir)).output().unwrap())
}

#[test]
fn a_profiles_values_are_trees_or_json() {
    let repo = repo();
    let eval = |more: &[&str]| repo.run(&[&["eval", "profiles/t.toml"], more].concat());
    assert_eq!(eval(&["config.answer"]).ok().out, "42\n");
    let tree = "[\n  1\n  \"two\"\n  null\n]\n";
    assert_eq!(eval(&["config.list"]).ok().out, tree);
    assert_eq!(eval(&["config.list.1"]).ok().out, "\"two\"\n");
    assert_eq!(eval(&["lib"]).ok().out, "«derivation lib-1.0»\n");
    let json = |more: &[&str]| -> serde_json::Value {
        serde_json::from_str(&eval(&[more, &["--json"]].concat()).ok().out).unwrap()
    };
    assert_eq!(json(&["config.list"]), json!([1, "two", null]));
    assert_eq!(json(&["config.f"]), "<lambda>");
    let drv = json(&["lib"]);
    assert_eq!(drv["type"], "derivation");
    assert_eq!(drv["name"], "lib-1.0");
    assert_eq!(drv["drvPath"], json(&["lib.drvPath"]));
    assert_eq!(json(&[])["result"]["name"], "images");
    eval(&["config.anwser"]).fails(1, &["did you mean `answer`?"]);
    eval(&["a..b"]).fails(2, &["`a..b` is not an attribute path"]);
    assert!(!repo.store().exists(), "nothing is written");
}

#[test]
fn expressions_see_the_profile_if_one_is_named() {
    let repo = repo();
    let eval = |args: &[&str]| repo.run(&[&["eval"], args].concat());
    assert_eq!(eval(&["-E", "1 + 1"]).ok().out, "2\n");
    assert_eq!(eval(&["--expr", "{ a = 1; }", "a"]).ok().out, "1\n");
    assert_eq!(eval(&["-E", "-1"]).ok().out, "-1\n");
    let out = eval(&["profiles/t.toml", "-E", "config.answer + 1"])
        .ok()
        .out;
    assert_eq!(out, "43\n");
    let out = eval(&["profiles/t.toml", "list", "-E", "config", "--strict"])
        .ok()
        .out;
    assert_eq!(out, "[ 1 \"two\" null ]\n");
    eval(&["-E", "config"]).fails(1, &["undefined variable `config`", "expression:1:1"]);
    // Paths start where one stands.
    let there = run_in(
        &repo,
        "repo/files",
        &["eval", "-E", "(import ./x.nix { }).n"],
    );
    assert_eq!(there.ok().out, "1\n");
}

#[test]
fn files_are_called_with_arguments_and_defaults() {
    let repo = repo();
    let eval = |args: &[&str]| repo.run(&[&["eval", "-f", "files/x.nix"], args].concat());
    assert_eq!(eval(&["n"]).ok().out, "1\n");
    assert_eq!(
        eval(&["n", "--arg", "n", "[ 1 ] ++ [ ]"]).ok().out,
        "[ 1 ]\n"
    );
    assert_eq!(eval(&["nested.list.1.c"]).ok().out, "2\n");
    let greeting = ["--argstr", "name", "you", "greeting"];
    assert_eq!(eval(&greeting).ok().out, "\"hello you\\n\"\n");
    assert_eq!(
        eval(&[&greeting[..], &["--raw"]].concat()).ok().out,
        "hello you\n"
    );
    // On the way of the attribute path, too.
    let call = ["call", "--argstr", "name", "z", "--arg", "x", "5"];
    assert_eq!(eval(&[&call[..], &["--raw"]].concat()).ok().out, "z 5");
    eval(&["call"]).fails(1, &["without the argument `name`"]);
    // An argument that nobody takes is not evaluated.
    assert_eq!(eval(&["n", "--arg", "other", "throw 1"]).ok().out, "1\n");
    repo.write("files/default.nix", "[ ./x.nix ]");
    assert_eq!(
        repo.run(&["eval", "-f", "files"]).ok().out,
        "[ /files/x.nix ]\n"
    );
}

#[test]
fn strict_is_the_line_that_nix_prints_and_fails_with_what_fails_inside() {
    let repo = repo();
    let eval = |args: &[&str]| repo.run(&[&["eval"], args].concat());
    let value = "{ b = [ (1 + 1) ]; a = { \"x y\" = \"\\n\"; f = x: x; m = map; d = 0.5; }; }";
    assert_eq!(
        eval(&["--strict", "-E", value]).ok().out,
        "{ a = { d = 0.5; f = <LAMBDA>; m = <PRIMOP>; \"x y\" = \"\\n\"; }; b = [ 2 ]; }\n"
    );
    let tree = eval(&["-f", "files/x.nix"]).ok().out;
    assert!(
        tree.contains("\n  bad = «error: no such thing»;\n"),
        "{tree}"
    );
    let said = ["error: no such thing", "files/x.nix:6:9"];
    eval(&["-f", "files/x.nix", "--strict"]).fails(1, &said);
    eval(&["-f", "files/x.nix", "--json"]).fails(1, &["\"message\":\"no such thing\""]);
    eval(&["-f", "files/x.nix", "bad"]).fails(1, &said);
    eval(&["-E", "x: x", "--strict", "--json"]).fails(1, &["has no JSON form"]);
    let json = ["-E", "{ a = [ 1 2.5 ]; }", "--strict", "--json"];
    assert_eq!(eval(&json).ok().out, "{\"a\":[1,2.5]}\n");
}

#[test]
fn standard_input_is_an_expression() {
    let repo = repo();
    let text = "{ a = 1;\n  b = 2; }\n";
    for args in [
        &["eval", "-"][..],
        &["eval", "-E", "-"],
        &["eval", "-f", "-"],
    ] {
        let out = repo.run_with_input(args, text).ok().out;
        assert_eq!(out, "{\n  a = 1;\n  b = 2;\n}\n");
    }
    let out = repo
        .run_with_input(&["eval", "-f", "-", "b"], text)
        .ok()
        .out;
    assert_eq!(out, "2\n");
    repo.run_with_input(&["eval", "-"], "{ a = ")
        .fails(1, &["expression:1:"]);
}

#[test]
fn raw_is_for_strings_and_paths() {
    let repo = repo();
    let raw = |text: &str| repo.run(&["eval", "--raw", "-E", text]);
    assert_eq!(raw("\"a\\\"b\\n\"").ok().out, "a\"b\n");
    assert_eq!(raw("./files").ok().out, "/files");
    let own = "{ n = 1; __toString = self: \"<${toString self.n}>\"; }";
    assert_eq!(raw(own).ok().out, "<1>");
    raw("{ }").fails(1, &["the value is a set"]);
    raw("1").fails(1, &["--raw prints a string, and the value is an integer"]);
    raw("throw \"t\"").fails(1, &["error: t"]);
    repo.run(&["eval", "--raw", "--json", "-E", "1"])
        .fails(2, &["cannot be used with"]);
}

#[test]
fn without_a_repository_the_folder_of_the_file_is_read_and_nothing_else() {
    let repo = repo();
    let outside = repo.temp().join("outside");
    std::fs::create_dir_all(outside.join("sub")).unwrap();
    std::fs::write(outside.join("sub/x.nix"), "{ here = import ./y.nix; }").unwrap();
    std::fs::write(outside.join("sub/y.nix"), "7").unwrap();
    std::fs::write(outside.join("sub/up.nix"), "import ../z.nix").unwrap();
    std::fs::write(outside.join("z.nix"), "8").unwrap();
    let eval = |args: &[&str]| run_in(&repo, "outside", &[&["eval"], args].concat());
    assert_eq!(eval(&["-f", "sub/x.nix", "here"]).ok().out, "7\n");
    eval(&["-f", "sub/up.nix"]).fails(1, &["leads outside of", "outside/sub"]);
    eval(&["-E", "import ../repo/files/x.nix"]).fails(1, &["leads outside of"]);
    // With the expression, the current directory is what may be read.
    assert_eq!(eval(&["-E", "import ./z.nix"]).ok().out, "8\n");
    std::os::unix::fs::symlink("/etc", outside.join("etc")).unwrap();
    eval(&["-E", "builtins.readFile ./etc/hostname"]).fails(1, &["leads outside of"]);
    assert!(!repo.store().exists(), "nothing is written");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let repo = repo();
    let eval = |args: &[&str]| repo.run(&[&["eval"], args].concat());
    eval(&[]).fails(2, &["there is nothing to evaluate", "hint: name a profile"]);
    eval(&["-f", "nowhere.nix"]).fails(2, &["cannot read nowhere.nix"]);
    eval(&["-f", "profiles"]).fails(2, &["cannot read profiles/default.nix"]);
    eval(&["-f", "files/x.nix", "-E", "1"]).fails(2, &["cannot be used with"]);
    eval(&["-f", "files/x.nix", "a", "b"]).fails(2, &["one word at most"]);
    eval(&["-f", "files/x.nix", "nn"]).fails(1, &["the value has no `nn`"]);
    eval(&["profiles/t.toml", "--arg", "n", "1"]).fails(2, &["are for functions of -E and -f"]);
    eval(&["-E", "1", "--argstr", "a b", "1"]).fails(2, &["`a b` cannot be the name"]);
    eval(&["-E", "{ n }: n", "--arg", "n", "1 +"]).fails(1, &["--arg n:1:"]);
    eval(&["profiles/u.toml"]).fails(2, &["there is no profile profiles/u.toml"]);
}

#[test]
fn features_are_off_until_they_are_named() {
    let repo = repo();
    let pipe = "1 |> (x: x + 1)";
    repo.run(&["eval", "-E", pipe])
        .fails(1, &["pipe operators"]);
    let flag = "--extra-experimental-features";
    let on = repo.run(&["eval", flag, "pipe-operators", "-E", pipe]);
    assert_eq!(on.ok().out, "2\n");
    repo.run(&["eval", flag, "pipes", "-E", pipe])
        .fails(2, &["known are pipe-operators"]);
}

#[test]
fn traces_go_to_standard_error() {
    let repo = repo();
    let ran = repo
        .run(&["eval", "-E", "builtins.trace { a = toString 1; } 3"])
        .ok();
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("3\n", "trace: { a = «thunk»; }\n")
    );
}

#[test]
fn failures_are_json_for_programs_and_whole_traces_for_who_asks() {
    let repo = repo();
    let failed = |args: &[&str]| -> serde_json::Value {
        let ran = repo.run(&[&["eval", "--json"], args].concat());
        assert_eq!(
            (ran.out.as_str(), ran.err.lines().count()),
            ("", 1),
            "{}",
            ran.err
        );
        let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(error["exit"], ran.code.unwrap());
        assert_eq!(error["version"], 1);
        error
    };
    let error = failed(&["-f", "files/x.nix", "bad"]);
    assert_eq!(error["message"], "no such thing");
    assert_eq!(error["file"], "files/x.nix");
    assert_eq!((&error["line"], &error["column"]), (&json!(6), &json!(9)));
    let error = failed(&["-E", "[ 1"]);
    assert_eq!(
        (&error["file"], &error["exit"]),
        (&json!("expression"), &json!(1))
    );
    let error = failed(&[]);
    assert_eq!(
        (&error["exit"], &error["severity"]),
        (&json!(2), &json!("error"))
    );
    assert_eq!(error["message"], "there is nothing to evaluate");
    assert!(
        error["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("name a profile")
    );

    let calls: Vec<String> = (0..30)
        .map(|n| format!("f{n} = x: f{} x + 1; ", n + 1))
        .collect();
    let text = format!("let {} f30 = x: throw \"deep\"; in f0 1", calls.concat());
    let trace = |more: &[&str]| repo.run(&[&["eval", "-E", &text], more].concat()).err;
    let (short, full) = (trace(&[]), trace(&["--show-trace"]));
    assert!(
        short.contains("--show-trace") && !short.contains("`f9`"),
        "{short}"
    );
    assert!(
        full.contains("`f9`") && !full.contains("--show-trace"),
        "{full}"
    );
}
