//! A table of expressions over nixpkgs' library: `nixpkgs_lib.txt`, an expression and its result each. And the
//! options that the library's own tests of modules ask for, and its tests written in the language.
//!
//! `XSC_NIXPKGS_LIB=DIR cargo test -p xsc-eval nixpkgs_lib` with DIR a checkout's `lib/`. With Nix installed the
//! results are Nix's, otherwise those of the table. XSC_ACCEPT=1 rewrites the table with Nix's results.
//! Invariant: results do not depend on where DIR lies, nor on the library's version.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::nix::{Oracle, Outcome, Workspace, ours};

const RESULT: &str = "  => ";

/// What the expressions see: everything of `lib`, and what some of its files do not re-export there.
const SCOPE: &str = "with lib.attrsets; with lib.lists; with lib.strings; with lib.generators; with lib.trivial; with lib;";

/// The table's expressions with their results, and the lines before each.
fn table() -> Vec<(Vec<String>, String, String)> {
    let mut rows = Vec::new();
    let mut before = Vec::new();
    let mut expression = None;
    for line in include_str!("nixpkgs_lib.txt").lines() {
        match (line.strip_prefix(RESULT), expression.take()) {
            (Some(result), Some(expression)) => {
                rows.push((std::mem::take(&mut before), expression, result.to_owned()));
            }
            (Some(_), None) => panic!("a result without an expression: {line}"),
            (None, Some(expression)) => panic!("an expression without a result: {expression}"),
            (None, None) if line.is_empty() || line.starts_with('#') => {
                before.push(line.to_owned())
            }
            (None, None) => expression = Some(line.to_owned()),
        }
    }
    rows
}

fn result_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => value.to_string(),
        Outcome::Error(_) => "error".to_owned(),
    }
}

fn accept(table: &[(Vec<String>, String, String)], outcomes: &[Outcome]) {
    let mut text = String::new();
    for ((before, expression, _), outcome) in table.iter().zip(outcomes) {
        for line in before {
            text.push_str(line);
            text.push('\n');
        }
        let _ = writeln!(text, "{expression}\n{RESULT}{}", result_text(outcome));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/nixpkgs_lib.txt");
    std::fs::write(file, text).expect("the table can be written");
}

#[test]
fn nixpkgs_lib() {
    let table = table();
    assert!(table.len() >= 220, "only {} expressions", table.len());
    let Some(lib) = std::env::var_os("XSC_NIXPKGS_LIB") else {
        println!("skipped: XSC_NIXPKGS_LIB does not name the lib/ of a checkout of nixpkgs");
        return;
    };
    let lib = std::fs::canonicalize(PathBuf::from(lib)).expect("XSC_NIXPKGS_LIB is a directory");
    let oracle = Oracle::find();
    let workspace = Workspace::new(oracle.as_ref().map_or(true, Oracle::is_modern));
    let files: Vec<PathBuf> = table
        .iter()
        .enumerate()
        .map(|(index, (_, expression, _))| {
            let text = format!(
                "let lib = import {}; in {SCOPE}\n{expression}",
                lib.display()
            );
            workspace.file(&format!("lib{index}"), &text)
        })
        .collect();
    let theirs = oracle
        .as_ref()
        .ok()
        .map(|oracle| oracle.run(workspace.path(), &files));
    if let Some(theirs) = &theirs
        && std::env::var_os("XSC_ACCEPT").is_some()
    {
        accept(&table, theirs);
        panic!("accepted, not checked");
    }
    let mut disagreements = Vec::new();
    let mut values = 0;
    for (index, (file, (_, expression, committed))) in files.iter().zip(&table).enumerate() {
        let ours = ours(file);
        values += usize::from(matches!(ours, Outcome::Value(_)));
        let (agree, expected) = match &theirs {
            Some(theirs) => {
                // An old version lacks what newer ones have; then the table's result counts.
                let newer = oracle.as_ref().is_ok_and(|oracle| !oracle.is_modern())
                    && matches!(theirs[index], Outcome::Error(_))
                    && result_text(&ours) == *committed;
                (
                    newer || ours.agrees(&theirs[index]),
                    format!("{:?}", theirs[index]),
                )
            }
            None => (result_text(&ours) == *committed, committed.clone()),
        };
        if !agree {
            disagreements.push(format!(
                "{expression}\n  expected {expected}\n  got      {ours:?}"
            ));
        }
    }
    let by = match &oracle {
        Ok(oracle) => format!("Nix {}.{}", oracle.version.0, oracle.version.1),
        Err(reason) => format!("the table's results ({reason})"),
    };
    println!(
        "{} expressions, {values} of them values, compared with {by}",
        files.len()
    );
    assert!(
        disagreements.is_empty(),
        "{} of {} disagree:\n{}",
        disagreements.len(),
        files.len(),
        disagreements.join("\n")
    );
}

/// What the script that tests modules asks for: an attribute of the evaluation of some modules.
fn module_checks(script: &str, directory: &str) -> Vec<String> {
    let mut checks = Vec::new();
    for line in script.lines() {
        let Some((_, rest)) = line.split_once("checkConfig") else {
            continue;
        };
        // The pattern that the output has to match, in quotes.
        let Some((quote, pattern)) = rest
            .split_once(' ')
            .and_then(|(_, rest)| Some((rest.chars().next()?, rest.get(1..)?)))
        else {
            continue;
        };
        let Some((_, words)) = pattern.split_once(&format!("{quote} ")) else {
            continue;
        };
        let mut words = words.split_whitespace();
        let attribute = words.next().unwrap_or("").trim_matches('\'');
        let modules: Vec<&str> = words.collect();
        let plain = |text: &str, more: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        let are_files = modules
            .iter()
            .all(|module| module.starts_with("./") && plain(module, "./-_"));
        if !line.starts_with("checkConfig") || !plain(attribute, "._-") || !are_files {
            continue;
        }
        // `a.0` is an element of a list for the script, and nothing in the language.
        if attribute
            .split('.')
            .any(|name| name.starts_with(|c: char| c.is_ascii_digit()))
        {
            continue;
        }
        let modules: Vec<String> = modules
            .iter()
            .map(|module| format!("{directory}/{}", &module[2..]))
            .collect();
        let modules = modules.join(" ");
        checks.push(format!(
            "(import {directory}/default.nix {{ modules = [ {modules} ]; }}).{attribute}"
        ));
    }
    checks
}

#[test]
fn nixpkgs_lib_tests() {
    let oracle = match (std::env::var_os("XSC_NIXPKGS_LIB"), Oracle::find()) {
        (Some(_), Ok(oracle)) if oracle.is_modern() => oracle,
        (None, _) => {
            println!("skipped: XSC_NIXPKGS_LIB does not name the lib/ of a checkout of nixpkgs");
            return;
        }
        (_, Ok(_)) => {
            println!("skipped: the tests of modules need Nix 2.25 or later in XSC_NIX_INSTANTIATE");
            return;
        }
        (_, Err(reason)) => {
            println!("skipped: {reason}");
            return;
        }
    };
    let lib = PathBuf::from(std::env::var_os("XSC_NIXPKGS_LIB").expect("it was there"));
    let lib = std::fs::canonicalize(lib).expect("XSC_NIXPKGS_LIB is a directory");
    let script =
        std::fs::read_to_string(lib.join("tests/modules.sh")).expect("nixpkgs tests its modules");
    let mut checks = module_checks(&script, &format!("{}/tests/modules", lib.display()));
    assert!(
        checks.len() > 200,
        "only {} checks of modules",
        checks.len()
    );
    for file in ["tests/misc.nix", "tests/systems.nix", "tests/fetchers.nix"] {
        checks.push(format!("import {}/{file}", lib.display()));
    }
    let path_tests = format!(
        "import {}/path/tests/unit.nix {{ libpath = {}; }}",
        lib.display(),
        lib.display()
    );
    checks.push(path_tests);
    let workspace = Workspace::new(oracle.is_modern());
    let outcomes = workspace.compare(&oracle, &checks);
    let values = outcomes
        .iter()
        .filter(|(theirs, _)| matches!(theirs, Outcome::Value(_)))
        .count();
    let disagreements: Vec<String> = outcomes
        .iter()
        .zip(&checks)
        .filter(|((theirs, ours), _)| !ours.agrees(theirs))
        .map(|((theirs, ours), check)| {
            format!("{check}\n  expected {theirs:?}\n  got      {ours:?}")
        })
        .collect();
    println!(
        "{} checks of nixpkgs' own tests, {values} of them values",
        checks.len()
    );
    assert!(
        disagreements.is_empty(),
        "{} of {} disagree:\n{}",
        disagreements.len(),
        checks.len(),
        disagreements.join("\n")
    );
}
