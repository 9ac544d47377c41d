//! The profile and the lock as values of the language, and values as JSON.
//!
//! Used by `recipes.rs`. Invariant: what recipes see of the lock is what identifies content and
//! says where to find it; when and from where the lock was made is not visible.

use std::ops::Range;
use std::rc::Rc;

use serde_json::{Map, json};
use xsc_eval::{EvalError, Evaluator, FileId, Span, Value};
use xsc_profile::{Data, Entry, Lock, LockedContent, LockedFile, Profile};

use crate::read::invalid;

/// The argument `profile` of images/default.nix: the tables of the TOML, each key where it stands in
/// the file, and the file's name as `file`.
pub(crate) fn profile(eval: &Evaluator, profile: &Profile) -> Value {
    let name = format!("/{}", profile.file.trim_start_matches('/'));
    let file = eval.add_source(&name, &profile.text);
    let mut all = with_places(eval, file, &profile.tables);
    all.push(("file", at(file, &(0..0)), Value::string(name.as_str())));
    eval.make_attrs_at(all)
}

fn with_places<'a>(
    eval: &Evaluator,
    file: FileId,
    entries: &'a [Entry],
) -> Vec<(&'a str, Span, Value)> {
    let entries = entries.iter().map(|entry| {
        let value = from_data(eval, file, &entry.value);
        (entry.key.as_str(), at(file, &entry.span), value)
    });
    entries.collect()
}

fn from_data(eval: &Evaluator, file: FileId, data: &Data) -> Value {
    match data {
        Data::Bool(value) => Value::Bool(*value),
        Data::Int(value) => Value::Int(*value),
        Data::Float(value) => Value::Float(*value),
        Data::String(text) => Value::string(text.as_str()),
        Data::List(items) => {
            let items = items.iter().map(|item| from_data(eval, file, item));
            Value::list(items.collect::<Vec<_>>())
        }
        Data::Table(entries) => eval.make_attrs_at(with_places(eval, file, entries)),
    }
}

fn at(file: FileId, bytes: &Range<usize>) -> Span {
    let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        file,
        start: byte(bytes.start),
        end: byte(bytes.end),
    }
}

/// The argument `inputs` of images/default.nix.
pub(crate) fn inputs(eval: &Evaluator, lock: &Lock) -> Value {
    let file = |file: &LockedFile| json!({ "name": file.name, "sha256": file.sha256, "size": file.size, "urls": file.urls });
    let mut all = Map::new();
    for (name, input) in &lock.inputs {
        let value = match &input.content {
            LockedContent::File {
                version,
                file: locked,
            } => {
                let mut value = file(locked);
                if let Some(version) = version {
                    value["version"] = json!(version);
                }
                value
            }
            LockedContent::Packages { packages, sets } => {
                let packages: Map<String, serde_json::Value> = packages
                    .iter()
                    .map(|(name, package)| {
                        let mut value = file(&package.file);
                        value["version"] = json!(package.version);
                        (name.clone(), value)
                    })
                    .collect();
                json!({ "packages": packages, "sets": sets })
            }
        };
        all.insert(name.clone(), value);
    }
    from_json(eval, &serde_json::Value::Object(all))
}

fn from_json(eval: &Evaluator, value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(int) => Value::Int(int),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::string(text.as_str()),
        serde_json::Value::Array(items) => {
            let items: Vec<Value> = items.iter().map(|item| from_json(eval, item)).collect();
            Value::list(items)
        }
        serde_json::Value::Object(map) => {
            let attrs = map
                .iter()
                .map(|(name, value)| (name.as_str(), from_json(eval, value)));
            eval.make_attrs(attrs)
        }
    }
}

/// Deeper than any value that a person reads; an infinite one is stopped here.
const MAX_DEPTH: usize = 200;

/// A value as JSON for people: a derivation is its name and id, a function is said to be one.
pub(crate) fn to_json(eval: &Evaluator, value: &Value) -> Result<serde_json::Value, EvalError> {
    json_within(eval, value, &mut Vec::new())
}

/// `open` holds the lists and sets that the value is in: one of them again is a cycle.
fn json_within(
    eval: &Evaluator,
    value: &Value,
    open: &mut Vec<usize>,
) -> Result<serde_json::Value, EvalError> {
    let value = eval.force(value)?;
    let place = match &value {
        Value::List(list) => Rc::as_ptr(list).addr(),
        Value::Attrs(attrs) => Rc::as_ptr(attrs).addr(),
        _ => return Ok(scalar(&value)),
    };
    if open.contains(&place) {
        return Ok(json!("<repeated>"));
    }
    if open.len() == MAX_DEPTH {
        let message = format!("this value is nested more than {MAX_DEPTH} deep; name a part of it");
        return Err(invalid(message));
    }
    open.push(place);
    let json = match &value {
        Value::List(list) => {
            let items: Result<Vec<_>, _> = list
                .as_slice()
                .iter()
                .map(|item| json_within(eval, item, open))
                .collect();
            serde_json::Value::Array(items?)
        }
        Value::Attrs(attrs) => {
            let is_derivation = eval.is_derivation(attrs)?;
            let mut map = Map::new();
            for (name, attr) in eval.sorted(attrs) {
                if !is_derivation || ["type", "name", "drvPath", "system"].contains(&name) {
                    map.insert(name.to_owned(), json_within(eval, &attr.value, open)?);
                }
            }
            serde_json::Value::Object(map)
        }
        other => scalar(other),
    };
    open.pop();
    Ok(json)
}

fn scalar(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::String(text) => json!(text.to_string_lossy()),
        Value::Path(path) => json!(path.as_str().trim_start_matches('/')),
        other => json!(format!("<{}>", other.type_name())),
    }
}
