//! Builtins on strings. Lengths and offsets count bytes.
//!
//! Invariant: a result carries the contexts of all strings it was made from.

use std::rc::Rc;

use super::{Result, Row, invalid};
use crate::evaluator::Evaluator;
use crate::interp::Coercion;
use crate::value::{NixString, StringBuilder, Value};

pub(super) const ALL: &[Row] = &[
    (
        "concatStringsSep",
        2,
        "Joins a list of strings with a separator.",
        concat_strings_sep,
    ),
    (
        "replaceStrings",
        3,
        "Replaces each of a list of strings by the one of another list.",
        replace_strings,
    ),
    (
        "stringLength",
        1,
        "The length of a string in bytes.",
        string_length,
    ),
    (
        "substring",
        3,
        "Part of a string: start and length in bytes; a negative length goes to the end.",
        substring,
    ),
    ("toString", 1, "The text of a value.", to_string),
];

fn concat_strings_sep(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let separator = ev.expect_string(&args[0], "the separator given to `concatStringsSep`")?;
    let list = ev.expect_list(&args[1], "the second argument of `concatStringsSep`")?;
    let mut out = StringBuilder::default();
    for (index, item) in list.iter().enumerate() {
        if index > 0 {
            out.push(&separator);
            ev.check_bytes(out.len())?;
        }
        ev.coerce(item, Coercion::Interpolation, &mut out)
            .map_err(|error| error.during(crate::error::FrameKind::Element(index), None))?;
    }
    out.push_context(separator.context());
    ev.spend_bytes(out.len())?;
    ev.spend(list.len() as u64)?;
    Ok(Value::string(out.finish()))
}

fn string_length(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.coerced(&args[0], Coercion::Interpolation)?;
    let length = text.as_bytes().len();
    Ok(Value::Int(
        i64::try_from(length).expect("strings are shorter than 2^63"),
    ))
}

fn substring(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let start = ev.expect_int(&args[0], "the start given to `substring`")?;
    let length = ev.expect_int(&args[1], "the length given to `substring`")?;
    let Ok(start) = usize::try_from(start) else {
        return Err(invalid(format!("a substring can't start at {start}")));
    };
    let text = ev.coerced(&args[2], Coercion::Interpolation)?;
    let bytes = text.as_bytes();
    let start = start.min(bytes.len());
    let end = match usize::try_from(length) {
        Ok(length) => start.saturating_add(length).min(bytes.len()),
        Err(_) => bytes.len(),
    };
    ev.spend_bytes(end.saturating_sub(start))?;
    let part = match text.as_str().and_then(|text| text.get(start..end)) {
        Some(part) => NixString::from(part),
        None => NixString::from_bytes(bytes[start..end].to_vec()),
    };
    Ok(Value::string(
        part.with_shared_context(text.context().cloned()),
    ))
}

fn replace_strings(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let strings = |value: &Value, what: &str| -> Result<Vec<Rc<NixString>>> {
        ev.expect_list(value, what)?
            .iter()
            .map(|item| ev.expect_string(item, what))
            .collect()
    };
    let from = strings(&args[0], "the strings to replace")?;
    let to = ev.expect_list(&args[1], "the replacements")?;
    if from.len() != to.len() {
        return Err(invalid(format!(
            "`replaceStrings` has {} strings to replace but {} replacements",
            from.len(),
            to.len()
        )));
    }
    let text = ev.expect_string(&args[2], "the third argument of `replaceStrings`")?;
    let bytes = text.as_bytes();
    let mut out = StringBuilder::default();
    out.push_context(text.context());
    let (mut at, mut copied) = (0, 0);
    // Up to and including the end: an empty string to replace also matches there.
    while at <= bytes.len() {
        let hit = from
            .iter()
            .position(|from| bytes[at..].starts_with(from.as_bytes()));
        let Some(hit) = hit else {
            at += 1;
            continue;
        };
        out.push_bytes(&bytes[copied..at]);
        out.push(&*ev.expect_string(&to[hit], "a replacement")?);
        ev.check_bytes(out.len())?;
        let length = from[hit].as_bytes().len();
        copied = at + length;
        if length == 0 {
            if at < bytes.len() {
                out.push_bytes(&bytes[at..=at]);
            }
            copied = at + 1;
        }
        at += length.max(1);
    }
    if copied < bytes.len() {
        out.push_bytes(&bytes[copied..]);
    }
    ev.spend_bytes(out.len())?;
    Ok(Value::string(out.finish()))
}

fn to_string(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    ev.to_text(&args[0]).map(Value::String)
}
