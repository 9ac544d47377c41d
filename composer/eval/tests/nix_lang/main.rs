//! Runs the language tests of Nix itself: `XSC_NIX_LANG_TESTS=DIR cargo test -p xsc-eval nix_lang`.
//!
//! DIR is `tests/functional/lang` of a checkout of Nix, which is not part of this repository. Each case is
//! held against what upstream expects of it and against `exceptions.txt`, the list of cases where we differ
//! and why. Invariant: a case that fails without being listed, or passes while listed, fails the run.

mod case;
mod derivation;
mod host;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use case::Family;

const VARIABLE: &str = "XSC_NIX_LANG_TESTS";

/// The share of cases that has to come out as upstream expects, in percent.
const WANTED: f64 = 98.0;

/// Names of cases with the reason why they differ: `NAME: REASON` a line.
const EXCEPTIONS: &str = include_str!("exceptions.txt");

/// Output that `cargo test` shows for tests that pass, too.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn exceptions() -> BTreeMap<&'static str, &'static str> {
    let lines = EXCEPTIONS.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(": ").expect("`NAME: REASON`"))
        .collect()
}

#[derive(Default)]
struct Figures {
    all: usize,
    passed: usize,
    listed: usize,
}

#[test]
fn nix_lang() {
    let Some(directory) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        println!("skipped: {VARIABLE} does not name tests/functional/lang of a Nix checkout");
        return;
    };
    let directory = directory
        .canonicalize()
        .expect("the directory of the language tests exists");
    let exceptions = exceptions();
    let mut seen = BTreeSet::new();
    let mut figures: BTreeMap<Family, Figures> = BTreeMap::new();
    let mut problems = Vec::new();
    for (family, name) in cases(&directory) {
        let figure = figures.entry(family).or_default();
        figure.all += 1;
        let outcome = case::run(&directory, family, &name);
        match (outcome, exceptions.get(&*name)) {
            (Ok(()), None) => figure.passed += 1,
            (Ok(()), Some(_)) => {
                figure.passed += 1;
                problems.push(format!("{name} passes, but is listed in exceptions.txt"));
            }
            (Err(why), None) => problems.push(format!("{name}: {why}")),
            (Err(_), Some(reason)) => {
                figure.listed += 1;
                say(&format!("exception: {name}: {reason}"));
            }
        }
        seen.insert(name);
    }
    let (mut all, mut passed) = (0, 0);
    for (family, figure) in &figures {
        let Figures {
            all: of,
            passed: ok,
            listed,
        } = figure;
        say(&format!(
            "{family}: {ok} of {of} as upstream expects, {listed} listed exceptions"
        ));
        (all, passed) = (all + of, passed + ok);
    }
    // Counts of test cases are exact as floats.
    #[expect(clippy::cast_precision_loss)]
    let share = 100.0 * passed as f64 / all as f64;
    say(&format!(
        "together: {passed} of {all} as upstream expects ({share:.1} %)"
    ));
    let unknown = exceptions.keys().filter(|name| !seen.contains(**name));
    problems.extend(unknown.map(|name| format!("{name} is listed in exceptions.txt, but absent")));
    for problem in &problems {
        say(&format!("FAIL {problem}"));
    }
    assert!(all > 0, "{} has no test cases", directory.display());
    assert!(
        problems.is_empty(),
        "{} problems, see above",
        problems.len()
    );
    assert!(
        share >= WANTED,
        "{share:.1} % as upstream expects, {WANTED} % are wanted"
    );
}

/// The cases that upstream's runner runs, by family.
fn cases(directory: &Path) -> Vec<(Family, String)> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .expect("the directory of the language tests is readable")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let mut cases = Vec::new();
    for file in &names {
        let Some(name) = file.strip_suffix(".nix") else {
            continue;
        };
        // Upstream has no family for other files: they are read by cases.
        if names.contains(&format!("{name}.exp-disabled")) {
            continue;
        }
        cases.extend(Family::of(name).map(|family| (family, name.to_owned())));
    }
    cases
}

/// Tests of nixpkgs' library that are expressions: each gives the list of what failed.
const LIB_TESTS: [&str; 2] = ["tests/misc.nix", "tests/systems.nix"];

/// `XSC_NIXPKGS_LIB=DIR cargo test -p xsc-eval nixpkgs_lib`, DIR being `lib/` of a checkout of nixpkgs.
#[test]
fn nixpkgs_lib_own_tests() {
    let Some(directory) = std::env::var_os("XSC_NIXPKGS_LIB").map(PathBuf::from) else {
        println!("skipped: XSC_NIXPKGS_LIB does not name lib/ of nixpkgs");
        return;
    };
    for test in LIB_TESTS {
        let evaluator = host::evaluator(&directory, &case::Flags::default());
        let failures = evaluator
            .eval_file(&format!("{}/{test}", host::LANG))
            .and_then(|failures| evaluator.force_deep(&failures));
        match failures {
            Ok(failures) => assert_eq!(evaluator.show(&failures), "[ ]", "{test}"),
            Err(error) => panic!("{test}: {}", evaluator.render(&error)),
        }
    }
}

#[test]
fn exceptions_have_reasons() {
    for (name, reason) in exceptions() {
        assert!(Family::of(name).is_some(), "{name} is no name of a case");
        assert!(reason.len() > 20, "{name}: the reason says too little");
    }
}
