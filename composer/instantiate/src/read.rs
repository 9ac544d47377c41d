//! Reads arguments of `derivation` out of language values, with errors that point at the
//! attribute.
//!
//! Used by `derivation.rs`. Invariant: every error carries the place of the attribute that is
//! wrong, if the attribute was written somewhere.

use std::collections::BTreeMap;
use std::rc::Rc;

use xsc_eval::{Attr, Attrs, ErrorKind, EvalError, Evaluator, Value};
use xsc_model::Param;

/// An attribute set being read as the arguments of something.
pub(crate) struct Args<'e> {
    eval: &'e Evaluator,
    attrs: Rc<Attrs>,
    what: &'static str,
}

impl<'e> Args<'e> {
    /// Opens `value`, which must be a set with no other attributes than `known`.
    pub(crate) fn open(
        eval: &'e Evaluator,
        value: &Value,
        what: &'static str,
        known: &[&str],
    ) -> Result<Self, EvalError> {
        let attrs = eval.expect_attrs(value, what)?;
        for (name, attr) in eval.sorted(&attrs) {
            if !known.contains(&name) {
                let close = xsc_profile::closest(name, known.iter().copied())
                    .map(|close| format!("; did you mean `{close}`?"))
                    .unwrap_or_default();
                let message = format!(
                    "{what} takes no `{name}`{close} (it takes {})",
                    known.join(", ")
                );
                return Err(invalid(message).or_at(eval.attr_span(attr)));
            }
        }
        Ok(Args { eval, attrs, what })
    }

    pub(crate) fn attr(&self, name: &str) -> Option<&Attr> {
        self.attrs.get(self.eval.symbol(name))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.attr(name).is_some()
    }

    fn with<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Value, &str) -> Result<T, EvalError>,
    ) -> Result<Option<T>, EvalError> {
        let Some(attr) = self.attr(name) else {
            return Ok(None);
        };
        let what = format!("`{name}` of {}", self.what);
        read(&attr.value, &what)
            .map(Some)
            .map_err(|e| e.or_at(self.eval.attr_span(attr)))
    }

    /// An error about the attribute `name`.
    pub(crate) fn error(&self, name: &str, problem: impl Into<String>) -> EvalError {
        let span = self.attr(name).and_then(|attr| self.eval.attr_span(attr));
        invalid(format!("`{name}` of {}: {}", self.what, problem.into())).or_at(span)
    }

    pub(crate) fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, EvalError> {
        value.ok_or_else(|| invalid(format!("{} needs the attribute `{name}`", self.what)))
    }

    pub(crate) fn string(&self, name: &str) -> Result<Option<String>, EvalError> {
        self.with(name, |value, what| text(self.eval, value, what))
    }

    pub(crate) fn int(&self, name: &str) -> Result<Option<i64>, EvalError> {
        self.with(name, |value, what| self.eval.expect_int(value, what))
    }

    pub(crate) fn bool(&self, name: &str) -> Result<bool, EvalError> {
        let found = self.with(name, |value, what| self.eval.expect_bool(value, what))?;
        Ok(found.unwrap_or(false))
    }

    pub(crate) fn list(&self, name: &str) -> Result<Vec<Value>, EvalError> {
        let found = self.with(name, |value, what| self.eval.expect_list(value, what))?;
        Ok(found
            .map(|list| list.as_slice().to_vec())
            .unwrap_or_default())
    }

    pub(crate) fn strings(&self, name: &str) -> Result<Vec<String>, EvalError> {
        let what = format!("an element of `{name}`");
        let read = |value: &Value| text(self.eval, value, &what);
        let list = self.list(name)?;
        list.iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|e| e.or_at(self.attr(name).and_then(|attr| self.eval.attr_span(attr))))
    }

    pub(crate) fn string_map(&self, name: &str) -> Result<BTreeMap<String, String>, EvalError> {
        let found = self.with(name, |value, what| self.eval.expect_attrs(value, what))?;
        let Some(attrs) = found else {
            return Ok(BTreeMap::new());
        };
        let entry = |(key, attr): (&str, &Attr)| {
            let what = format!("`{name}.{key}`");
            let value = text(self.eval, &attr.value, &what)
                .map_err(|e| e.or_at(self.eval.attr_span(attr)))?;
            Ok((key.to_owned(), value))
        };
        self.eval.sorted(&attrs).into_iter().map(entry).collect()
    }

    pub(crate) fn params(&self, name: &str) -> Result<BTreeMap<String, Param>, EvalError> {
        match self.with(name, |value, what| param(self.eval, value, what))? {
            None => Ok(BTreeMap::new()),
            Some(Param::Map(map)) => Ok(map),
            Some(_) => Err(self.error(name, "expected a set")),
        }
    }
}

/// Why a derivation is no text, and what to do instead.
pub(crate) const NO_PATH: &str = "a derivation has no path that a string could hold; \
place it with `inputs = [ { at = \"/...\"; from = ...; } ]` and write the place";

/// A string of UTF-8; derivations have no path, so one in a string is an error of its own.
pub(crate) fn text(eval: &Evaluator, value: &Value, what: &str) -> Result<String, EvalError> {
    let value = eval.force(value)?;
    if let Value::Attrs(attrs) = &value
        && eval.is_derivation(attrs)?
    {
        return Err(invalid(format!("{what} is a derivation, and {NO_PATH}")));
    }
    let string = eval.expect_string(&value, what)?;
    Ok(eval.utf8(&string, what)?.to_owned())
}

fn param(eval: &Evaluator, value: &Value, what: &str) -> Result<Param, EvalError> {
    Ok(match eval.force(value)? {
        Value::Bool(value) => Param::Bool(value),
        Value::Int(value) => Param::Int(value),
        Value::String(value) => Param::Str(eval.utf8(&value, what)?.to_owned()),
        Value::List(list) => {
            let items: Result<_, _> = list
                .as_slice()
                .iter()
                .map(|item| param(eval, item, what))
                .collect();
            Param::List(items?)
        }
        Value::Attrs(attrs) => {
            let mut map = BTreeMap::new();
            for (key, attr) in eval.sorted(&attrs) {
                let inner = format!("`{key}` in {what}");
                let value =
                    param(eval, &attr.value, &inner).map_err(|e| e.or_at(eval.attr_span(attr)))?;
                map.insert(key.to_owned(), value);
            }
            Param::Map(map)
        }
        other => {
            let expected = "a boolean, an integer, a string, a list or a set";
            return Err(eval.type_error(expected, &other, what));
        }
    })
}

pub(crate) fn invalid(message: String) -> EvalError {
    ErrorKind::InvalidArgument { message }.into()
}
