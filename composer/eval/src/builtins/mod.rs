//! Functions written in Rust, one file a family, and the table that puts them in scope.
//!
//! Called through `Value::Builtin`. Invariant: a builtin gets exactly `arity` arguments, unevaluated, and
//! forces what it needs; arity, name and documentation stand beside the function.

mod attrs;
mod closure;
mod context;
mod control;
mod diagnostics;
mod ere;
mod fetch;
mod format;
mod hashing;
mod impure;
mod lists;
mod numbers;
mod paths;
mod regex;
mod search;
mod sources;
mod strings;
mod types;
mod versions;
mod xml;

use std::rc::Rc;

pub(crate) use self::regex::Expression;
use crate::error::EvalError;
use crate::evaluator::Evaluator;
use crate::source::Pos;
use crate::value::{Attr, Attrs, PartialCall, Value};

type Result<T, E = EvalError> = std::result::Result<T, E>;
type Run = dyn Fn(&Evaluator, &[Value]) -> Result<Value>;

/// A builtin function.
pub(crate) struct Builtin {
    pub(crate) name: Rc<str>,
    pub(crate) arity: usize,
    pub(crate) doc: Box<str>,
    pub(crate) run: Box<Run>,
}

/// A row of a family's table: name, arity, documentation, function.
type Row = (
    &'static str,
    usize,
    &'static str,
    fn(&Evaluator, &[Value]) -> Result<Value>,
);

const FAMILIES: [&[Row]; 19] = [
    attrs::ALL,
    closure::ALL,
    context::ALL,
    control::ALL,
    diagnostics::ALL,
    fetch::ALL,
    format::ALL,
    hashing::ALL,
    impure::ALL,
    lists::ALL,
    numbers::ALL,
    paths::ALL,
    regex::ALL,
    search::ALL,
    sources::ALL,
    strings::ALL,
    types::ALL,
    versions::ALL,
    xml::ALL,
];

/// Builtins that are in scope under their own name; the others need `builtins.` (or a `__` prefix).
const UNPREFIXED: [&str; 18] = [
    "abort",
    "baseNameOf",
    "break",
    "derivation",
    "derivationStrict",
    "dirOf",
    "fetchGit",
    "fetchTarball",
    "fetchTree",
    "fromTOML",
    "import",
    "isNull",
    "map",
    "placeholder",
    "removeAttrs",
    "scopedImport",
    "throw",
    "toString",
];

/// Everything that is in scope everywhere, `builtins` included.
pub(crate) fn globals(evaluator: &Evaluator, extra: Vec<Builtin>) -> Vec<(String, Value)> {
    let own = FAMILIES
        .iter()
        .flat_map(|rows| rows.iter())
        .map(|(name, arity, doc, run)| Builtin {
            name: (*name).into(),
            arity: *arity,
            doc: (*doc).into(),
            run: Box::new(run),
        });
    // The host's come first, because the first attribute of a name stays.
    let mut members: Vec<(String, Value)> = Vec::new();
    for builtin in extra.into_iter().chain(own) {
        let name = builtin.name.to_string();
        if members.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let call = PartialCall {
            builtin: Rc::new(builtin),
            args: Box::default(),
        };
        members.push((name, Value::Builtin(Rc::new(call))));
    }
    let constants = [
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("null", Value::Null),
        ("nixVersion", Value::from("2.24.0")),
        ("langVersion", Value::Int(6)),
        ("storeDir", Value::from("/nix/store")),
    ];
    members.extend(constants.map(|(name, value)| (name.to_owned(), value)));
    members.extend(impure::values().map(|(name, value)| (name.to_owned(), value)));

    let mut globals: Vec<(String, Value)> = Vec::new();
    for (name, value) in &members {
        let plain = ["true", "false", "null"];
        let name = if UNPREFIXED.contains(&name.as_str()) || plain.contains(&name.as_str()) {
            name.clone()
        } else {
            format!("__{name}")
        };
        globals.push((name, value.clone()));
    }
    members.push((
        "builtins".to_owned(),
        Value::lazy(|evaluator| evaluator.builtins_set().map(Value::Attrs)),
    ));
    let attrs = members.into_iter().map(|(name, value)| Attr {
        name: evaluator.symbols.intern(&name),
        pos: Pos::NONE,
        value,
    });
    globals.push((
        "builtins".to_owned(),
        Value::attrs(Attrs::from_unsorted(attrs.collect())),
    ));
    globals
}

/// The value, which has to be a function or a set that can be called.
fn expect_function(ev: &Evaluator, value: &Value, what: &str) -> Result<Value> {
    let value = ev.force(value)?;
    match &value {
        Value::Lambda(..) | Value::Builtin(_) => Ok(value),
        Value::Attrs(attrs) if attrs.get(ev.names.functor).is_some() => Ok(value),
        _ => Err(ev.type_error("a function", &value, what)),
    }
}

/// An error about an argument's value.
fn invalid(message: impl Into<String>) -> EvalError {
    crate::error::ErrorKind::InvalidArgument {
        message: message.into(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtins_are_named_once_and_documented() {
        let mut names: Vec<&str> = Vec::new();
        for (name, arity, doc, _) in FAMILIES.iter().flat_map(|rows| rows.iter()) {
            assert!(!names.contains(name), "{name} is listed twice");
            assert!(*arity > 0 && doc.ends_with('.'), "{name}");
            names.push(name);
        }
        assert!(names.len() >= 90, "only {} builtins", names.len());
    }
}
