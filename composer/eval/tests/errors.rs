//! Runs `tests/errors`: what people see of a mistake, word for word.
//!
//! `X.nix` fails with the text in `X.err`; a folder `X` is a tree whose `main.nix` fails, `lib/` in it is
//! a library; `X.json`, where it is there, is the same error for programs. A first line `# full` asks for
//! the whole trace. With XSC_ACCEPT=1 the goldens are rewritten and the run fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use xsc_eval::{Detail, ERROR_CODES, Evaluator, MemoryIo, StdIo};

/// Lines that an error may take by default.
const LINES: usize = 12;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors")
}

struct Outcome {
    text: String,
    json: serde_json::Value,
    full: bool,
}

fn run(root: &Path, file: &str) -> Result<Outcome, String> {
    let source = fs::read_to_string(root.join(file)).map_err(|e| e.to_string())?;
    let io = StdIo::open(root).map_err(|e| e.to_string())?;
    let evaluator = Evaluator::builder(io).library("/lib/").build();
    let result = evaluator
        .eval_file(file)
        .and_then(|value| evaluator.force_deep(&value));
    let Err(error) = result else {
        return Err("it succeeds".to_owned());
    };
    let full = source.starts_with("# full");
    let detail = if full { Detail::Full } else { Detail::Short };
    // Where the repository lies must not matter.
    let root = root.display().to_string();
    Ok(Outcome {
        text: evaluator.render_with(&error, detail).replace(&root, "ROOT"),
        json: evaluator.error_json(&error),
        full,
    })
}

fn names() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut cases, mut goldens) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(directory()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() || name.ends_with(".nix") {
            cases.insert(name);
        } else {
            goldens.insert(name);
        }
    }
    (cases, goldens)
}

#[test]
fn error_goldens() {
    let accept = std::env::var_os("XSC_ACCEPT").is_some();
    let (cases, mut goldens) = names();
    let (mut problems, mut accepted) = (Vec::new(), Vec::new());
    let mut codes = BTreeSet::new();
    for case in &cases {
        let stem = case.trim_end_matches(".nix");
        let outcome = if *case == stem {
            run(&directory().join(case), "main.nix")
        } else {
            run(&directory(), case)
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(problem) => {
                problems.push(format!("{case}: {problem}"));
                continue;
            }
        };
        codes.insert(outcome.json["code"].as_str().unwrap_or("").to_owned());
        let lines = outcome.text.lines().count();
        let errors = 1 + outcome.json["more"].as_array().map_or(0, Vec::len);
        if lines > LINES * errors && !outcome.full {
            problems.push(format!(
                "{case}: {lines} lines are too many:\n{}",
                outcome.text
            ));
        }
        let json = format!("{:#}\n", outcome.json);
        for (golden, text) in [
            (format!("{stem}.err"), &outcome.text),
            (format!("{stem}.json"), &json),
        ] {
            let known = goldens.remove(&golden);
            if !known && golden.ends_with(".json") {
                continue;
            }
            let expected = fs::read_to_string(directory().join(&golden)).ok();
            if expected.as_deref() == Some(text) {
                continue;
            }
            if accept {
                fs::write(directory().join(&golden), text).unwrap();
                accepted.push(golden);
            } else {
                let expected = expected.unwrap_or_default();
                problems.push(format!("{case}: expected\n{expected}got\n{text}"));
            }
        }
    }
    problems.extend(
        goldens
            .iter()
            .map(|file| format!("{file}: no case uses it")),
    );
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(
        accepted.is_empty(),
        "accepted, not checked: {}",
        accepted.join(" ")
    );
    // What no file of this folder can cause.
    let others = [
        "host",
        "interrupted",
        "too-many-steps",
        "unavailable",
        "unknown-attribute",
    ];
    for code in ERROR_CODES {
        let seen = codes.contains(code) || others.contains(&code);
        assert!(seen, "no case has the code {code}");
    }
    assert!(cases.len() >= 120, "only {} cases", cases.len());
}

#[test]
fn every_code_is_documented_with_an_example() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnostics.md");
    let text = fs::read_to_string(path).unwrap();
    let mut documented = BTreeSet::new();
    for section in text.split("\n### ").skip(1) {
        let (title, body) = section.split_once('\n').unwrap();
        let code = title.trim_matches('`');
        assert!(ERROR_CODES.contains(&code), "{code} is no code");
        assert!(body.contains("```nix\n"), "{code} has no example");
        assert!(documented.insert(code), "{code} is explained twice");
    }
    for code in ERROR_CODES {
        assert!(documented.contains(code), "{code} is not explained");
    }
    assert!(ERROR_CODES.is_sorted());
}

/// Renders the error of a text, if it has one, in both forms.
fn show(text: &str) -> Option<String> {
    let evaluator = Evaluator::builder(MemoryIo::new([("/x.nix", "{ }")])).build();
    let error = evaluator.eval_str("text.nix", "/", text).err()?;
    let code = evaluator.error_json(&error)["code"].to_string();
    assert!(
        ERROR_CODES.contains(&code.trim_matches('"')),
        "{code} in {text:?}"
    );
    Some(evaluator.render(&error))
}

#[test]
fn broken_text_gets_a_short_error_wherever_it_breaks_off() {
    let mut shown = 0;
    for case in names().0.iter().filter(|case| case.ends_with(".nix")) {
        let text = fs::read_to_string(directory().join(case)).unwrap();
        let cuts = text.char_indices().map(|(at, _)| at).step_by(3);
        for cut in cuts {
            let halves = [text[..cut].to_owned(), text[cut..].to_owned()];
            let without = format!("{}{}", &text[..cut], text[cut..].get(3..).unwrap_or(""));
            for broken in halves.iter().chain([&without]) {
                let Some(error) = show(broken) else { continue };
                shown += 1;
                let first = error.split("\n\n").next().unwrap_or("");
                assert!(first.lines().count() <= 16, "{broken:?}:\n{error}");
            }
        }
    }
    assert!(shown > 5_000, "only {shown} errors");
}

#[test]
fn deep_text_is_no_danger_to_the_messages() {
    let nest = |open: &str, middle: &str, close: &str| {
        let depth = 20_000;
        format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
    };
    for text in [
        nest("(", "1 + \"a\"", ")"),
        nest("[", "", ""),
        nest("{ a = ", "", ""),
        nest("(", "1 ]", ")"),
        nest("\"${", "1 +", "}\""),
    ] {
        assert!(show(&text).is_some());
    }
}
