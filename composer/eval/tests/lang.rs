//! Runs `tests/lang/{eval-okay,eval-fail,parse-fail}-*.nix` against their goldens.
//!
//! A first line `# features: A B` switches features on. `eval-okay-X.nix` prints what `X.exp` has; the others fail with the text in `X.err.exp`. With
//! XSC_ACCEPT=1 the goldens are rewritten and the run fails with "accepted, not checked".

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use xsc_eval::{ErrorKind, Evaluator, Feature, StdIo};

/// Files that tests import or read; the part of the name before the first `-` says so.
const SUPPORT: &str = "lib-";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lang")
}

/// The text a test gives, and whether it succeeded.
fn run(name: &str, eager: bool) -> (Result<String, String>, bool) {
    let io = StdIo::open(directory()).expect("the test directory exists");
    let text = fs::read_to_string(directory().join(name)).unwrap();
    let features = text.lines().next().unwrap_or("");
    let features = features.strip_prefix("# features: ").unwrap_or("");
    let mut builder = Evaluator::builder(io).eager(eager);
    for name in features.split_whitespace() {
        builder = builder.feature(Feature::from_name(name).expect("the feature exists"));
    }
    let evaluator = builder.build();
    let result = evaluator
        .eval_file(name)
        .and_then(|value| evaluator.force_deep(&value));
    match result {
        Ok(value) => (Ok(format!("{}\n", evaluator.show(&value))), false),
        Err(error) => {
            let is_syntax = matches!(error.kind(), ErrorKind::Syntax { .. });
            // Where the repository lies must not matter.
            let root = directory().display().to_string();
            (
                Err(evaluator.render(&error).replace(&root, "ROOT")),
                is_syntax,
            )
        }
    }
}

#[test]
fn language_goldens() {
    let accept = std::env::var_os("XSC_ACCEPT").is_some();
    let mut files: BTreeSet<String> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let tests: Vec<String> = files
        .iter()
        .filter(|file| file.ends_with(".nix") && !file.starts_with(SUPPORT))
        .cloned()
        .collect();
    let mut problems = Vec::new();
    let mut accepted = Vec::new();
    let (mut okay, mut fail) = (0, 0);
    for test in &tests {
        files.remove(test);
        let stem = test.trim_end_matches(".nix");
        let (outcome, is_syntax) = run(test, false);
        if run(test, true).0 != outcome {
            problems.push(format!("{test}: being eager makes a difference"));
        }
        let (extension, text) = match (
            stem.split('-').take(2).collect::<Vec<_>>()[..]
                .concat()
                .as_str(),
            outcome,
        ) {
            ("evalokay", Ok(text)) => ("exp", text),
            ("evalfail", Err(text)) if !is_syntax => ("err.exp", text),
            ("parsefail", Err(text)) if is_syntax => ("err.exp", text),
            (_, Ok(text) | Err(text)) => {
                problems.push(format!(
                    "{test}: the outcome does not suit the name:\n{text}"
                ));
                continue;
            }
        };
        if extension == "exp" {
            okay += 1
        } else {
            fail += 1
        }
        let golden = format!("{stem}.{extension}");
        files.remove(&golden);
        let expected = fs::read_to_string(directory().join(&golden)).ok();
        if expected.as_deref() == Some(&text) {
            continue;
        }
        if accept {
            fs::write(directory().join(&golden), &text).unwrap();
            accepted.push(golden);
        } else if let Some(expected) = expected {
            problems.push(format!("{test}: expected\n{expected}got\n{text}"));
        } else {
            problems.push(format!("{test}: {golden} is missing; got\n{text}"));
        }
    }
    files.retain(|file| !file.starts_with(SUPPORT));
    problems.extend(files.iter().map(|file| format!("{file}: no test uses it")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(
        accepted.is_empty(),
        "accepted, not checked: {}",
        accepted.join(" ")
    );
    assert!(
        okay >= 60 && fail >= 40,
        "only {okay} okay and {fail} fail cases"
    );
}
