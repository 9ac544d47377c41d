//! `match` and `split`: POSIX extended regular expressions, run by the `regex` crate.
//!
//! Invariant: an expression is compiled once per evaluator. Where the syntaxes differ, the POSIX form is
//! rewritten first (a backslash in a bracket is literal there).

use std::rc::Rc;

use regex::bytes::{Captures, Regex, RegexBuilder};

use super::{Result, Row};
use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::value::{NixString, Value};

pub(super) const ALL: &[Row] = &[
    (
        "match",
        2,
        "The groups of a regular expression that matches a whole string, or null.",
        matches,
    ),
    (
        "split",
        2,
        "Splits a string: the texts between matches, and the groups of each match.",
        split,
    ),
];

fn compile(ev: &Evaluator, pattern: &Value, whole: bool) -> Result<Rc<Regex>> {
    let pattern = ev.expect_string(pattern, "the regular expression")?;
    let posix = ev.utf8(&pattern, "a regular expression")?;
    let translated = translate(posix);
    let text = if whole {
        format!("^(?:{translated})$")
    } else {
        translated
    };
    if let Some(regex) = ev.regexes.borrow().get(text.as_str()) {
        return Ok(regex.clone());
    }
    let regex = RegexBuilder::new(&text)
        .dot_matches_new_line(true)
        .build()
        .map_err(|error| {
            let reason = error.to_string();
            let reason = reason
                .lines()
                .last()
                .unwrap_or("")
                .trim_start_matches("error: ");
            let message = format!("`{posix}`: {reason}");
            EvalError::from(ErrorKind::Format {
                format: "regular expression",
                message,
            })
        })?;
    let regex = Rc::new(regex);
    ev.regexes.borrow_mut().insert(text.into(), regex.clone());
    Ok(regex)
}

/// POSIX syntax in the `regex` crate's: inside brackets `\`, `[`, `&`, `~` are literal, `[:class:]` stays;
/// outside, an escaped letter is that letter.
fn translate(posix: &str) -> String {
    let mut out = String::with_capacity(posix.len() + 8);
    let mut chars = posix.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c) if c.is_ascii_alphanumeric() => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            // `{` that starts no repetition is left for the regex crate to judge.
            '[' => {
                out.push('[');
                out.extend(chars.next_if_eq(&'^'));
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
                while let Some(c) = chars.next() {
                    match c {
                        ']' => {
                            out.push(']');
                            break;
                        }
                        '[' if chars.peek() == Some(&':') => {
                            out.push('[');
                            while let Some(c) = chars.next() {
                                out.push(c);
                                if c == ':' && chars.peek() == Some(&']') {
                                    out.extend(chars.next());
                                    break;
                                }
                            }
                        }
                        '\\' | '[' | '&' | '~' => out.extend(['\\', c]),
                        '-' if chars.peek() == Some(&']') => out.push_str("\\-"),
                        c => out.push(c),
                    }
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn groups(captures: &Captures<'_>) -> Value {
    let groups = captures.iter().skip(1).map(|group| match group {
        Some(group) => Value::string(NixString::from_bytes(group.as_bytes().to_vec())),
        None => Value::Null,
    });
    Value::list(groups.collect::<Vec<_>>())
}

fn matches(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let regex = compile(ev, &args[0], true)?;
    let text = ev.expect_string(&args[1], "the second argument of `match`")?;
    Ok(regex
        .captures(text.as_bytes())
        .map_or(Value::Null, |captures| groups(&captures)))
}

fn split(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let regex = compile(ev, &args[0], false)?;
    let text = ev.expect_string(&args[1], "the second argument of `split`")?;
    let piece = |bytes: &[u8]| {
        let piece = NixString::from_bytes(bytes.to_vec());
        Value::string(piece.with_shared_context(text.context().cloned()))
    };
    let bytes = text.as_bytes();
    let mut parts = Vec::new();
    let mut end = 0;
    for captures in regex.captures_iter(bytes) {
        let Some(whole) = captures.get(0) else {
            continue;
        };
        parts.push(piece(&bytes[end..whole.start()]));
        parts.push(groups(&captures));
        end = whole.end();
    }
    parts.push(piece(&bytes[end..]));
    Ok(Value::list(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posix_brackets_are_translated() {
        assert_eq!(translate(r"[a\b]"), r"[a\\b]");
        assert_eq!(translate(r"[]a]\."), r"[\]a]\.");
        assert_eq!(translate(r"[[:space:][]"), r"[[:space:]\[]");
        assert_eq!(translate(r"[a-]\d"), r"[a\-]d");
    }
}
