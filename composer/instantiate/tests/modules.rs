//! The module library and the repository's modules: values, errors, and profiles with mistakes.
//!
//! `tests/data/modules-*` are the goldens: with XSC_ACCEPT=1 they are rewritten and the run fails with
//! "accepted, not checked". Invariant: what is evaluated is a copy of modules/ in a temporary directory.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::{cell::RefCell, fs};

use tempfile::TempDir;
use xsc_instantiate::{Hooks, InstantiateError, Language, Recipes};
use xsc_profile::{Lock, Profile};

/// A profile and what is around it, with every option.
const ENTRY: &str = "{ profile, inputs }: import ../modules { inherit profile; }\n";

/// Lines that an error about a profile may have.
const LINES: usize = 12;

fn repository() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", ".."].iter().collect()
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// A repository with our modules and those of the mistakes.
fn stage() -> TempDir {
    let temp = tempfile::tempdir().unwrap();
    copy(&repository().join("modules"), &temp.path().join("modules"));
    copy(&data().join("mistakes"), temp.path());
    fs::create_dir_all(temp.path().join("images")).unwrap();
    fs::write(temp.path().join("images/default.nix"), ENTRY).unwrap();
    temp
}

/// The messages of one evaluation.
type Said = Rc<RefCell<Vec<String>>>;

fn language(root: &Path) -> (Language, Said) {
    let said = Said::default();
    let sink = Rc::clone(&said);
    let hooks = Hooks {
        trace: Box::new(move |message| sink.borrow_mut().push(message.to_owned())),
        ..Hooks::default()
    };
    let unused = |_: &[PathBuf]| Err(std::io::Error::other("nothing here has sources"));
    (Language::open(root, unused, hooks).unwrap(), said)
}

fn config(root: &Path, name: &str) -> (Result<serde_json::Value, InstantiateError>, Vec<String>) {
    let file = format!("profiles/{name}.toml");
    let text = fs::read_to_string(root.join(&file)).unwrap();
    let profile = Profile::parse(&file, &text).unwrap();
    let lock = Lock::parse("flake-like.lock", "version = 1\n").unwrap();
    let (language, said) = language(root);
    let result = Recipes::load_in(language, &profile, &lock)
        .and_then(|mut recipes| recipes.json(Some("config")));
    let said = said.borrow().clone();
    (result, said)
}

/// An error without what depends on how the evaluator works inside: its steps in the library and in the
/// expression of the test.
fn settled(shown: &str) -> String {
    let inside = |line: &&str| {
        let line = line.trim_start();
        let of_test = line.starts_with("= while ") && line.contains(" at case:");
        let of_library = line.starts_with("= found by the library at ");
        !of_test && !of_library && !line.starts_with("= ... ")
    };
    let lines: Vec<&str> = shown.trim_end().lines().filter(inside).collect();
    lines.join("\n")
}

fn golden(name: &str, text: &str) {
    let path = data().join(name);
    if std::env::var_os("XSC_ACCEPT").is_some() {
        fs::write(path, text).unwrap();
        panic!("accepted, not checked");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs", path.display());
}

#[test]
fn a_mistake_in_a_profile_is_shown_where_it_is() {
    let stage = stage();
    let mut names: Vec<String> = fs::read_dir(stage.path().join("profiles"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".toml").unwrap().to_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 20, "the mistakes are there");
    let mut text = String::new();
    for name in names {
        let (result, said) = config(stage.path(), &name);
        let shown = match result {
            Ok(_) => {
                assert_eq!(name, "warning", "only a warning is no error");
                String::new()
            }
            Err(error) => error
                .to_string()
                .replace(stage.path().to_str().unwrap(), "ROOT"),
        };
        let _ = writeln!(text, "# {name}");
        for message in said {
            let _ = writeln!(text, "{message}");
        }
        let _ = writeln!(text, "{}\n", settled(&shown));
        assert!(
            shown.trim_end().lines().count() <= LINES,
            "{name}:\n{shown}"
        );
        if name == "warning" {
            continue;
        }
        let place = shown.lines().nth(1).unwrap_or_default();
        let own = place.contains("--> profiles/")
            || (place.contains("--> modules/") && !place.contains("modules/lib/"));
        assert!(own, "{name} does not point at the user's line:\n{shown}");
    }
    golden("modules-mistakes.txt", &text);
}

/// What `body` fails with, as modules of an evaluation.
fn failure(stage: &TempDir, modules: &str) -> String {
    let text = format!(
        "lib:\nlet\n  inherit (lib) mkOption types mkIf mkForce mkBefore mkMerge;\n  \
         o = type: mkOption {{ inherit type; }};\nin\nmap (module: {{ _file = \"a\"; imports = [ module ]; }}) [\n{modules}\n]\n"
    );
    fs::write(stage.path().join("case.nix"), text).unwrap();
    let (language, _) = language(stage.path());
    let eval = language.evaluator();
    let value = eval
        .eval_str(
            "case",
            "/",
            "let lib = import ./modules/lib; it = lib.evalModules { modules = import ./case.nix lib ++ [ lib.assertionsModule ]; };
             in builtins.deepSeq (lib.checked it it.config) null",
        )
        .and_then(|value| eval.force(&value));
    let error = value
        .err()
        .unwrap_or_else(|| panic!("no error of: {modules}"));
    eval.render(&error)
}

#[test]
fn every_error_of_the_library() {
    let cases = [
        ("wrong type", "{ options.a = o types.int; } { a = \"3\"; }"),
        (
            "wrong type of a default",
            "{ options.a = mkOption { type = types.int; default = \"x\"; }; }",
        ),
        (
            "wrong type behind mkIf",
            "{ options.a = o types.bool; } { a = mkIf true \"true\"; }",
        ),
        ("float for int", "{ options.a = o types.int; } { a = 1.5; }"),
        (
            "out of range",
            "{ options.a = o types.ints.u8; } { a = 256; }",
        ),
        (
            "not positive",
            "{ options.a = o types.ints.positive; } { a = 0; }",
        ),
        (
            "empty string",
            "{ options.a = o types.nonEmptyStr; } { a = \" \"; }",
        ),
        (
            "no match",
            "{ options.a = o (types.strMatching \"[a-z]+\"); } { a = \"A\"; }",
        ),
        (
            "two lines",
            "{ options.a = o types.singleLineStr; } { a = \"a\\nb\"; }",
        ),
        (
            "enum",
            "{ options.a = o (types.enum [ \"left\" \"right\" ]); } { a = \"rihgt\"; }",
        ),
        (
            "relative path",
            "{ options.a = o types.path; } { a = \"etc\"; }",
        ),
        (
            "no package",
            "{ options.a = o types.package; } { a = { }; }",
        ),
        (
            "list wanted",
            "{ options.a = o (types.listOf types.str); } { a = \"x\"; }",
        ),
        (
            "set wanted",
            "{ options.a = o (types.attrsOf types.str); } { a = [ ]; }",
        ),
        (
            "entry of a list",
            "{ options.a = o (types.listOf types.str); } { a = [ \"x\" 2 ]; }",
        ),
        (
            "entry of a set",
            "{ options.a = o (types.attrsOf types.int); } { a.b.c = 1; }",
        ),
        (
            "empty list",
            "{ options.a = o (types.nonEmptyListOf types.str); } { a = [ ]; }",
        ),
        (
            "null or",
            "{ options.a = o (types.nullOr types.int); } { a = \"x\"; }",
        ),
        (
            "either",
            "{ options.a = o (types.either types.int types.bool); } { a = \"x\"; }",
        ),
        (
            "one of",
            "{ options.a = o (types.oneOf [ types.int types.bool types.str ]); } { a = [ ]; }",
        ),
        (
            "function",
            "{ options.a = o (types.functionTo types.int); } { a = 3; }",
        ),
        (
            "extra check",
            "{ options.a = o (types.addCheck types.int (x: x > 3)); } { a = 2; }",
        ),
        (
            "two values",
            "{ options.a = o types.int; } { a = 1; } { a = 2; }",
        ),
        (
            "three values",
            "{ options.a = o types.int; } { a = 1; } { a = 2; } { a = 3; }",
        ),
        (
            "two forced values",
            "{ options.a = o types.int; } { a = mkForce 1; } { a = mkForce 2; } { a = 3; }",
        ),
        (
            "null and a value",
            "{ options.a = o (types.nullOr types.int); } { a = null; } { a = 2; }",
        ),
        (
            "unique",
            "{ options.a = o (types.uniq (types.listOf types.int)); } { a = [ 1 ]; } { a = [ 1 ]; }",
        ),
        (
            "read-only",
            "{ options.a = mkOption { type = types.int; readOnly = true; default = 1; }; } { a = 2; }",
        ),
        (
            "read-only twice",
            "{ options.a = mkOption { type = types.int; readOnly = true; }; } { a = 2; } { a = 2; }",
        ),
        ("no value", "{ options.a = o types.int; }"),
        (
            "no value in a submodule",
            "{ options.a = o (types.attrsOf (types.submodule { options.b = o types.int; })); } { a.x = { }; }",
        ),
        (
            "no option",
            "{ options.alpha = o types.int; } { alhpa = 1; }",
        ),
        (
            "no option in a group",
            "{ options.a.beta = o types.int; } { a.bta = 1; }",
        ),
        (
            "no option in a submodule",
            "{ options.a = o (types.listOf (types.submodule { options.b = o types.int; })); } { a = [ { c = 1; } ]; }",
        ),
        (
            "no option, elsewhere",
            "{ options.a.b.deep = o types.int; } { deep = 1; }",
        ),
        ("no options at all", "{ x = 1; }"),
        (
            "two unknown",
            "{ options.a = o types.int; } { b = 1; c = 2; }",
        ),
        (
            "unknown, twice",
            "{ options.a = o types.int; } { b = 1; } { b = 2; }",
        ),
        (
            "value where options are",
            "{ options.a.b = o types.int; } { a = 3; }",
        ),
        (
            "declared twice",
            "{ options.a = mkOption { type = types.int; default = 1; }; } { options.a = mkOption { default = 2; }; }",
        ),
        (
            "declared as two types",
            "{ options.a = o types.int; } { options.a = o types.str; }",
        ),
        (
            "option inside an option",
            "{ options.a = o types.int; } { options.a.b = o types.int; }",
        ),
        ("no type", "{ options.a = o \"int\"; } { a = 1; }"),
        ("a value as an option", "{ options.a = 3; }"),
        ("config beside definitions", "{ config = { }; a = 1; }"),
        ("no module", "3"),
        ("an option as a module", "(o types.int)"),
        ("imports are no list", "{ imports = { }; }"),
        (
            "import of a missing file",
            "{ imports = [ ./modules/minimul.nix ]; }",
        ),
        (
            "unknown argument",
            "{ options.a = o types.int; } ({ confg, ... }: { a = confg.x; })",
        ),
        (
            "condition",
            "{ options.a = o types.int; } { a = mkIf 1 1; }",
        ),
        (
            "condition above options",
            "{ options.a.b = o types.int; } { a = mkIf \"yes\" { b = 1; }; }",
        ),
        ("disabled", "{ disabledModules = [ 3 ]; }"),
        (
            "assertion",
            "{ assertions = [ { assertion = 1 == 2; message = \"one is not two\"; } ]; }",
        ),
        (
            "two assertions",
            "{ assertions = [ { assertion = false; message = \"one\"; } { assertion = true; message = \"no\"; } ]; } { assertions = [ { assertion = false; message = \"two\"; } ]; }",
        ),
        (
            "removed",
            "(lib.mkRemovedOptionModule [ \"a\" \"b\" ] \"use c\") { a.b = 3; }",
        ),
        (
            "renamed to nothing",
            "(lib.mkRenamedOptionModule [ \"a\" ] [ \"b\" ]) { a = 3; }",
        ),
        (
            "renamed, of the wrong type",
            "{ options.b = o types.int; } (lib.mkAliasOptionModule [ \"a\" ] [ \"b\" ]) { a = \"x\"; }",
        ),
        (
            "recursion",
            "({ config, ... }: { options.a = o types.int; options.b = o types.int; config.a = config.b; config.b = config.a; })",
        ),
        (
            "throws",
            "{ options.a = o types.int; } { a = throw \"not now\"; }",
        ),
        (
            "range of a type",
            "{ options.a = o (types.ints.between 4 3); } { a = 4; }",
        ),
        (
            "tag",
            "{ options.a = o (types.attrTag { x = o types.int; y = o types.int; }); } { a = { x = 1; y = 2; }; }",
        ),
        (
            "coerced",
            "{ options.a = o (types.coercedTo types.int toString types.str); } { a = 1.5; }",
        ),
    ];
    let stage = stage();
    let mut text = String::new();
    for (what, modules) in cases {
        let modules = modules.replace("} {", "}\n{").replace(") {", ")\n{");
        let shown = failure(&stage, &modules);
        let _ = writeln!(text, "# {what}\n{}\n", settled(&shown));
    }
    golden("modules-errors.txt", &text);
}

#[test]
fn values_of_module_sets() {
    let stage = stage();
    let (language, _) = language(stage.path());
    let all = language
        .evaluator()
        .eval_str(
            "values",
            "/",
            "import ./modules/lib/tests/values.nix { lib = import ./modules/lib; }",
        )
        .unwrap();
    let ours = language.json(&all).unwrap();
    golden("modules-values.json", &format!("{ours:#}\n"));
    let count = ["same", "ours"].map(|part| ours[part].as_object().unwrap().len());
    let corners = ours["same"]["corners"].as_array().unwrap().len();
    assert!(
        count[0] >= 110 && corners >= 70,
        "{count:?} and {corners} module sets"
    );

    let Some(nix) = nix() else {
        return;
    };
    let values = repository().join("modules/lib/tests/values.nix");
    let values = values.canonicalize().unwrap();
    let by = |lib: &Path, part: &str| {
        let (values, lib) = (values.display(), lib.display());
        nix(&format!(
            "(import {values} {{ lib = import {lib}; }}).{part}"
        ))
    };
    let folder = stage.path().join("modules/lib");
    assert_eq!(by(&folder, "same"), ours["same"], "Nix on our library");
    assert_eq!(by(&folder, "ours"), ours["ours"], "Nix on our library");
    match std::env::var_os("XSC_NIXPKGS_LIB") {
        Some(lib) => assert_eq!(
            by(Path::new(&lib), "same"),
            ours["same"],
            "nixpkgs' library"
        ),
        None => {
            println!("skipped: XSC_NIXPKGS_LIB does not name the lib/ of a checkout of nixpkgs")
        }
    }
}

/// Evaluates an expression to JSON by an installed Nix, if there is one.
fn nix() -> Option<impl Fn(&str) -> serde_json::Value> {
    let program = std::env::var_os("XSC_NIX_INSTANTIATE").unwrap_or("nix-instantiate".into());
    if Command::new(&program).arg("--version").output().is_err() {
        println!("skipped: neither XSC_NIX_INSTANTIATE nor the path has nix-instantiate");
        return None;
    }
    let state = tempfile::tempdir().unwrap();
    Some(move |text: &str| {
        let output = Command::new(&program)
            .args(["--eval", "--strict", "--json", "--readonly-mode"])
            .args(["--store", "dummy://", "-E", text])
            .env("NIX_STATE_DIR", state.path().join("state"))
            .env("NIX_LOG_DIR", state.path().join("log"))
            .env("HOME", state.path())
            .env_remove("NIX_PATH")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    })
}

#[test]
fn every_profile_of_the_repository() {
    let root = repository();
    let stage = stage();
    copy(&root.join("profiles"), &stage.path().join("profiles"));
    let mut seen = 0;
    let nix = nix();
    for entry in fs::read_dir(root.join("profiles")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".toml") else {
            continue;
        };
        let (config, said) = config(stage.path(), name);
        let config = config.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(config["profile"]["name"], name);
        assert_eq!(said, Vec::<String>::new(), "{name} warns");
        if let Some(nix) = &nix {
            let root = root.canonicalize().unwrap();
            let root = root.display();
            let theirs = nix(&format!(
                "(import {root}/modules {{ profile = builtins.fromTOML (builtins.readFile {root}/profiles/{name}.toml) \
                 // {{ file = \"{name}\"; }}; }}).config"
            ));
            assert_eq!(theirs, config, "{name} by Nix");
        }
        seen += 1;
    }
    assert!(seen > 0, "there are profiles");
}

/// What modules/system makes of a profile, as text: each file with its mode, owner and content.
fn rendered(config: &serde_json::Value) -> String {
    let set = |key: &str| config[key].as_object().unwrap();
    let owner = |it: &serde_json::Value| {
        let word = |key: &str| it[key].as_str().unwrap().to_owned();
        format!("{} {}:{}", word("mode"), word("user"), word("group"))
    };
    let mut text = String::new();
    for (path, file) in set("files") {
        let _ = writeln!(text, "== {path}");
        match file["link"].as_str() {
            Some(target) => {
                let _ = writeln!(text, "-> {target}");
            }
            None => {
                let _ = writeln!(text, "({})", owner(file));
                text.push_str(file["text"].as_str().unwrap());
            }
        }
    }
    for key in ["directories", "permissions"] {
        let _ = writeln!(text, "== {key}");
        for (path, it) in set(key) {
            let _ = writeln!(text, "{path} {}", owner(it));
        }
    }
    text
}

#[test]
fn a_system_is_rendered_for_each_init() {
    let stage = stage();
    copy(&data().join("systems"), &stage.path().join("profiles"));
    let mut text = String::new();
    for init in ["systemd", "busybox", "finit"] {
        let (config, said) = config(stage.path(), init);
        let config = config.unwrap_or_else(|error| panic!("{init}: {error}"));
        assert_eq!(said, Vec::<String>::new(), "{init} warns");
        let _ = writeln!(text, "# {init}\n{}", rendered(&config));
    }
    golden("systems.txt", &text);
}
