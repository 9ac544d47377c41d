//! One case of Nix's language tests: its family, its flags, and whether it comes out as expected.
//!
//! Called by `main.rs`. Invariant: an expected failure has to be a failure of the same nature, so that a
//! builtin that does not exist here is not taken for a success.

use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use xsc_eval::{ErrorKind, EvalError, Evaluator, Value};

use crate::host::{self, LANG, PWD};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    ParseOkay,
    ParseFail,
    EvalOkay,
    EvalFail,
}

impl Family {
    const ALL: [(Family, &str); 4] = [
        (Family::ParseOkay, "parse-okay"),
        (Family::ParseFail, "parse-fail"),
        (Family::EvalOkay, "eval-okay"),
        (Family::EvalFail, "eval-fail"),
    ];

    pub(crate) fn of(name: &str) -> Option<Family> {
        let mut families = Family::ALL.iter();
        let family = families.find(|(_, prefix)| name.starts_with(&format!("{prefix}-")))?;
        Some(family.0)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Family::ALL.iter().find(|(family, _)| family == self);
        f.write_str(name.expect("all families are named").1)
    }
}

/// What a `.flags` file says.
#[derive(Default)]
pub(crate) struct Flags {
    pub(crate) features: Vec<String>,
    pub(crate) search_path: Vec<String>,
    pub(crate) max_call_depth: Option<u32>,
    /// `--arg` and `--argstr` as the text of a set.
    arguments: String,
    attribute: Option<String>,
}

impl Flags {
    fn read(directory: &Path, name: &str) -> Flags {
        let text = fs::read_to_string(directory.join(format!("{name}.flags"))).unwrap_or_default();
        let text = text.split('#').next().unwrap_or("");
        let mut flags = Flags::default();
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            let mut next = || words.next().unwrap_or_default().to_owned();
            match word {
                "--extra-experimental-features" => flags.features.push(next()),
                "--max-call-depth" => flags.max_call_depth = next().parse().ok(),
                "-I" => flags.search_path.push(next()),
                "-A" => flags.attribute = Some(next()),
                "--arg" => flags.arguments += &format!("{} = {};", next(), next()),
                "--argstr" => flags.arguments += &format!("{} = {:?};", next(), next()),
                // A lint is a feature of our evaluator: `lint:url-literals=fatal`.
                lint if lint.starts_with("--lint-") => {
                    flags.features.push(format!("{}={}", &lint[2..], next()));
                }
                _ => {}
            }
        }
        flags
    }
}

/// Runs a case; an error says how it differs.
pub(crate) fn run(directory: &Path, family: Family, name: &str) -> Result<(), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| match family {
        Family::ParseOkay => parse(directory, name).map(|_| ()),
        Family::ParseFail => match parse(directory, name) {
            Ok(_) => Err("it parses".to_owned()),
            Err(_) => Ok(()),
        },
        Family::EvalOkay => eval_okay(directory, name),
        Family::EvalFail => eval_fail(directory, name),
    }));
    outcome.unwrap_or_else(|_| Err("the evaluator panicked".to_owned()))
}

fn read(directory: &Path, file: &str) -> Vec<u8> {
    fs::read(directory.join(file)).expect("files of the suite are readable")
}

fn parse(directory: &Path, name: &str) -> Result<(), String> {
    // Text that is not UTF-8 never gets as far as the parser.
    let text = String::from_utf8(read(directory, &format!("{name}.nix")))
        .map_err(|_| "not UTF-8".to_owned())?;
    let evaluator = host::evaluator(directory, &Flags::read(directory, name));
    evaluator
        .parse_str("(stdin)", PWD, &text)
        .map_err(|error| evaluator.render(&error))
}

/// The value of the case's file after `--arg`, `--argstr` and `-A`.
fn value(evaluator: &Evaluator, flags: &Flags, name: &str) -> Result<Value, EvalError> {
    let value = evaluator.eval_file(&format!("{LANG}/{name}.nix"))?;
    let call = format!(
        "value: if !builtins.isFunction value then value else \
         value (builtins.intersectAttrs (builtins.functionArgs value) {{ {} }})",
        flags.arguments
    );
    let call = evaluator.eval_str("flags", PWD, &call)?;
    let value = evaluator.call(&call, value)?;
    match &flags.attribute {
        None => Ok(value),
        Some(attribute) => {
            let select = evaluator.eval_str("flags", PWD, &format!("value: value.{attribute}"))?;
            evaluator.call(&select, value)
        }
    }
}

fn eval_okay(directory: &Path, name: &str) -> Result<(), String> {
    let flags = Flags::read(directory, name);
    let evaluator = host::evaluator(directory, &flags);
    let failed = |error| evaluator.render(&error);
    let xml = directory.join(format!("{name}.exp.xml"));
    let (expected, got) = if xml.exists() {
        let value = evaluator.eval_file(&format!("{LANG}/{name}.nix"));
        let to_xml = evaluator.eval_str("xml", PWD, "builtins.toXML");
        let to_xml = to_xml.map_err(failed)?;
        let text = evaluator
            .call(&to_xml, value.map_err(failed)?)
            .and_then(|text| evaluator.expect_string(&text, "the XML"));
        (xml, text.map_err(failed)?.as_bytes().to_vec())
    } else {
        let value = value(&evaluator, &flags, name);
        let value = value
            .and_then(|value| evaluator.force_deep(&value))
            .map_err(failed)?;
        let text = format!("{}\n", evaluator.show(&value));
        (directory.join(format!("{name}.exp")), text.into_bytes())
    };
    let expected = fs::read(expected).unwrap_or_default();
    if got == expected {
        return Ok(());
    }
    let (expected, got) = (
        String::from_utf8_lossy(&expected),
        String::from_utf8_lossy(&got),
    );
    Err(format!("expected\n{expected}got\n{got}"))
}

fn eval_fail(directory: &Path, name: &str) -> Result<(), String> {
    let flags = Flags::read(directory, name);
    let evaluator = host::evaluator(directory, &flags);
    let value = value(&evaluator, &flags, name).and_then(|value| evaluator.force_deep(&value));
    let error = match value {
        Ok(value) => return Err(format!("it evaluates to {}", evaluator.show(&value))),
        Err(error) => error,
    };
    let expected = fs::read_to_string(directory.join(format!("{name}.err.exp")));
    let expected = expected.unwrap_or_default();
    let words: &[&str] = match error.kind() {
        ErrorKind::UndefinedVariable { .. } => &["undefined variable"],
        ErrorKind::MissingAttribute { .. } => &["missing", "not found", "has no"],
        ErrorKind::Syntax { .. } => &[
            "syntax error",
            "undefined variable",
            "duplicate",
            "already defined",
            "not allowed",
            "invalid",
            "lint",
            "trailing slash",
            "pipe-operators",
            "null bytes",
        ],
        ErrorKind::Impure { .. } | ErrorKind::Unavailable { .. } => {
            &["pure", "not allowed", "restricted", "search path"]
        }
        ErrorKind::InfiniteRecursion => &["infinite recursion", "stack overflow"],
        _ => return Ok(()),
    };
    if words.iter().any(|word| expected.contains(word)) {
        return Ok(());
    }
    let got = evaluator.render(&error);
    Err(format!(
        "fails for another reason; expected\n{expected}got\n{got}"
    ))
}
