//! `repl` as a script: expressions, bindings, each command, failures that do not end it.

use crate::env::{Ran, TestRepo, can_build, signal, wait_for};

use std::io::Write;
use std::process::Stdio;

const RECIPES: &str = r#"
config = { answer = 6 * 7; };
lib = run "lib-1.0" "mkdir $out; echo made > $out/file";
broken = run "broken" "echo oh; exit 3";
result = step "images" "builtin:merge" { } [ { at = "/l"; from = lib; } ];
"#;

const FILE: &str = "{ n ? 20 }: {
  /** Doubles `x`.

      Twice is enough. */
  twice = x: x * 2;
  inherit n;
  inner = {
    /** Set in stone. */
    constant = 3;
    plain = y: y;
  };
}
";

fn repo() -> TestRepo {
    let repo = TestRepo::new(RECIPES);
    repo.write("x.nix", FILE);
    repo.write("y.nix", "{ z = 26; }");
    repo
}

fn repl(repo: &TestRepo, args: &[&str], text: &str) -> Ran {
    repo.run_with_input(&[&["repl"], args].concat(), text)
}

/// The output of inputs that all succeed, without the last newline.
fn printed(args: &[&str], text: &str) -> String {
    let ran = repl(&repo(), args, text).ok();
    ran.out.trim_end().to_owned()
}

#[test]
fn values_are_printed_and_variables_stay() {
    assert_eq!(printed(&[], "1 + 1\n"), "2");
    assert_eq!(printed(&[], "x = 20; s.a = 1\n\n# nothing\nx + s.a"), "21");
    assert_eq!(printed(&[], "x = 1\nx = x + 1\nx"), "2");
    assert_eq!(printed(&[], "inherit ({ a = 7; }) a\na"), "7");
    // Lines that belong together; nested values are not shown.
    let text = "{ a = 1;\n  b = { c = 2; };\n}\n\"x\n${\"y\"}\"\n";
    assert_eq!(
        printed(&[], text),
        "{\n  a = 1;\n  b = { ... };\n}\n\"x\\ny\""
    );
    assert_eq!(printed(&[], "f = x:\n  x + 1\nf 1"), "2");
    assert_eq!(printed(&[], ""), "");
}

#[test]
fn a_profile_or_a_file_is_in_scope() {
    assert_eq!(printed(&["profiles/t.toml"], "config.answer"), "42");
    assert_eq!(printed(&["profiles/t.toml"], "lib"), "«derivation lib-1.0»");
    assert_eq!(printed(&["x.nix"], "twice n"), "40");
    assert_eq!(printed(&["-q"], "(import ./x.nix { n = 1; }).n"), "1");
    let flag = ["--extra-experimental-features", "pipe-operators"];
    assert_eq!(printed(&flag, "1 |> (x: x + 1)"), "2");
}

#[test]
fn failures_are_told_and_the_session_goes_on() {
    let text = "x = 1\nthrow \"oh\"\nx +\n)\n:zz\n:t\n:q x\nnope\nx\n";
    let ran = repl(&repo(), &[], text);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(1), "1\n"),
        "{}",
        ran.err
    );
    for said in [
        "error: oh",
        "there is no command `:zz`",
        "`:?` lists the commands",
        "this command needs EXPR",
        "this command takes nothing",
        "undefined variable `nope`",
        "error: 6 inputs failed",
    ] {
        assert!(ran.err.contains(said), "no `{said}` in:\n{}", ran.err);
    }
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    // What is left open at the end is an input, too.
    repl(&repo(), &[], "(1 +").fails(1, &["input:1:", "one input failed"]);
    repl(&repo(), &["nope.nix"], "1").fails(2, &["cannot read nope.nix"]);
    repl(&repo(), &["profiles/u.toml"], "1").fails(2, &["there is no profile"]);
}

#[test]
fn commands_print_types_documentation_and_places() {
    let lines = |text: &str| printed(&["x.nix"], text);
    assert_eq!(lines(":t 1"), "an integer");
    assert_eq!(lines(":t inner"), "a set of 2 attributes");
    assert_eq!(lines(":t [ 1 ]"), "a list of 1 element");
    assert_eq!(lines(":type twice"), "a function");
    assert_eq!(lines(":t map"), "a built-in function");
    let doc = lines(":doc twice");
    assert_eq!(
        doc,
        "function `twice` at x.nix:5:11\n\nDoubles `x`.\n\nTwice is enough."
    );
    let doc = lines(":doc inner.constant");
    assert_eq!(doc, "attribute `constant` at x.nix:9:5\n\nSet in stone.");
    let doc = lines(":doc inner");
    assert_eq!(doc, "attribute `inner` at x.nix:7:3\n\nno documentation");
    repl(&repo(), &["x.nix"], "inner = 1\n:doc inner").fails(1, &["nothing is known"]);
    let doc = lines(":doc builtins.map");
    assert!(
        doc.starts_with("builtin function `map` of 2 arguments\n\n"),
        "{doc}"
    );
    let doc = lines(":doc inner.plain");
    assert!(doc.ends_with("no documentation"), "{doc}");
    let places = lines(":s inner.plain");
    assert_eq!(
        places,
        "function `plain` at x.nix:10:13\nattribute `plain` at x.nix:10:5"
    );
    assert_eq!(lines(":p \"a\\nb\""), "a\nb");
    assert_eq!(
        lines(":p { a.b.c = 1; }"),
        "{\n  a = {\n    b = { c = 1; };\n  };\n}"
    );
    let help = lines(":?");
    for name in [":doc", ":t", ":b", ":p", ":l", ":r", ":a", ":s", ":q"] {
        assert!(help.contains(name), "no {name} in {help}");
    }
    repl(&repo(), &[], ":doc 1").fails(1, &["nothing is known about this value"]);
    repl(&repo(), &[], ":s 1").fails(1, &["has no place in a file"]);
}

#[test]
fn files_are_loaded_and_read_anew() {
    assert_eq!(printed(&[], ":l y.nix\nz"), "26");
    assert_eq!(printed(&[], ":a { b = 2; }\nb"), "2");
    assert_eq!(printed(&["x.nix"], "n = 1\n:r\nn"), "20");
    assert_eq!(printed(&[], "1\n:q\n2"), "1");
    let repo = repo();
    let ran = repl(&repo, &["x.nix"], "own = 1\n:r\nown\n");
    ran.fails(1, &["undefined variable `own`"]);
    std::fs::write(repo.temp().join("home/other.nix"), "{ }").unwrap();
    repl(&repo, &[], ":l ../home/other.nix").fails(1, &["is outside of", "the only folder"]);
    repl(&repo, &[], ":l nope.nix").fails(1, &["cannot read nope.nix"]);
    repl(&repo, &[], ":a 1").fails(1, &["expected a set", "`:a`"]);

    // A file that changes while the session is open.
    let out = repo.temp().join("out");
    let mut child = repo
        .command(["repl", "y.nix"])
        .stdin(Stdio::piped())
        .stdout(std::fs::File::create(&out).unwrap())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "z").unwrap();
    let printed = || std::fs::read_to_string(&out).unwrap();
    wait_for("the first answer", || printed() == "26\n");
    repo.write("y.nix", "{ z = 27; }");
    writeln!(input, "z\n:l y.nix\nz\n:r\nz\n:b z").unwrap();
    drop(input);
    let ran = Ran::new(child.wait_with_output().unwrap());
    assert_eq!(printed(), "26\n26\n27\n27\n");
    assert!(
        ran.err.contains("this is an integer, not a derivation"),
        "{}",
        ran.err
    );
}

#[test]
fn derivations_are_built() {
    if !can_build("derivations_are_built") {
        return;
    }
    let repo = repo();
    let ran = repl(&repo, &["profiles/t.toml"], ":b lib\n:t lib\n");
    let ran = ran.ok();
    let (built, kind) = ran.out.trim_end().split_once('\n').unwrap();
    let path = built.strip_prefix("out ").unwrap();
    assert_eq!(
        std::fs::read_to_string(format!("{path}/file")).unwrap(),
        "made\n"
    );
    assert_eq!(kind, "a derivation");
    // The same derivation, in an expression and without the profile.
    let text = "profile.profile.system = \"x86_64-linux\"\n:b (import ./images/lib.nix { inherit profile; }).run \
                \"lib-1.0\" \"mkdir $out; echo made > $out/file\"\n";
    let again = repl(&repo, &[], text).ok();
    assert_eq!(again.out.trim_end(), built);
    let broken = repl(&repo, &["profiles/t.toml"], ":b broken\nconfig.answer\n");
    assert_eq!((broken.code, broken.out.as_str()), (Some(1), "42\n"));
    for said in [
        "error: broken: ",
        "  oh\n",
        "hint: the whole log: xsc-compose --store",
    ] {
        assert!(broken.err.contains(said), "no `{said}` in:\n{}", broken.err);
    }
}

#[test]
fn an_interrupt_ends_the_evaluation_and_not_the_session() {
    let repo = repo();
    let endless = "builtins.seq (builtins.trace \"begun\" 1) (builtins.length (builtins.genericClosure { \
                   startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }))";
    let errors = repo.temp().join("errors");
    let mut child = repo
        .command(["repl"])
        .stdin(Stdio::piped())
        .stderr(std::fs::File::create(&errors).unwrap())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{endless}").unwrap();
    let said = |text: &str| std::fs::read_to_string(&errors).unwrap().contains(text);
    wait_for("the endless evaluation", || said("trace: begun"));
    signal("INT", child.id());
    wait_for("its end", || said("error: interrupted"));
    writeln!(input, "1 + 1").unwrap();
    drop(input);
    let ran = Ran::new(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "2\n"));
}

#[test]
fn an_interrupted_eval_says_so() {
    let repo = repo();
    let errors = repo.temp().join("errors");
    let endless = "let f = n: f (n + 1); in builtins.trace \"begun\" (builtins.length (builtins.genericClosure \
                   { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }))";
    let child = repo
        .command(["eval", "-E", endless])
        .stderr(std::fs::File::create(&errors).unwrap())
        .spawn()
        .unwrap();
    let said = |text: &str| std::fs::read_to_string(&errors).unwrap().contains(text);
    wait_for("the evaluation", || said("trace: begun"));
    signal("INT", child.id());
    let ran = Ran::new(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (Some(130), ""));
    assert!(said("error: interrupted"));
}

#[test]
fn a_terminal_has_completion_continuation_and_history() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        println!("SKIP a_terminal_has_completion_continuation_and_history: there is no `script`");
        return;
    }
    let repo = repo();
    let out = repo.temp().join("screen");
    let repl = repo.command(["repl", "x.nix"]);
    let words = repl.get_args().map(|word| word.to_str().unwrap());
    let line: Vec<&str> = [repl.get_program().to_str().unwrap()]
        .into_iter()
        .chain(words)
        .collect();
    let mut command = std::process::Command::new("/usr/bin/script");
    command
        .args(["-q", "-e", "-c", &line.join(" "), "/dev/null"])
        .current_dir(repo.dir())
        .env_clear()
        .env("HOME", repo.temp().join("home"))
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(std::fs::File::create(&out).unwrap());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut say = |text: &str| input.write_all(text.as_bytes()).unwrap();
    let screen = || String::from_utf8_lossy(&std::fs::read(&out).unwrap()).into_owned();
    let shows = |text: &str| wait_for(text, || screen().contains(text));
    shows("xsc> ");
    say("inn\t");
    shows("inner");
    say(".const\t");
    shows("inner.constant");
    say(" + 38\r");
    shows("41");
    say("{ a =\r");
    say("6 * 7; }\r");
    shows("{ a = 42; }");
    say("\x04");
    assert!(child.wait().unwrap().success(), "{}", screen());
    let history = repo
        .temp()
        .join("home/.local/state/xsc-compose/repl-history");
    let history = std::fs::read_to_string(history).unwrap();
    assert!(history.contains("inner.constant + 38\n"), "{history}");
    assert!(history.contains("{ a =\\n6 * 7; }"), "{history}");
}
