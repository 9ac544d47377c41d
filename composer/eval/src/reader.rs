//! Reading sets from Rust: typed getters whose errors point at the attribute's definition.
//!
//! For hosts that take apart what recipes return. Invariant: every error names the attribute and, where
//! it is known, the place that defined it; a missing attribute comes with what looks similar.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::error::{ErrorKind, EvalError, similar};
use crate::evaluator::Evaluator;
use crate::source::Span;
use crate::value::{Attr, Attrs, List, NixString, Value};

/// A set that a host takes apart.
pub struct AttrsReader<'a> {
    evaluator: &'a Evaluator,
    attrs: Rc<Attrs>,
}

impl Evaluator {
    /// Forces a value that has to be a set; `what` names it in the error.
    pub fn reader(&self, value: &Value, what: &str) -> Result<AttrsReader<'_>, EvalError> {
        Ok(AttrsReader {
            evaluator: self,
            attrs: self.expect_attrs(value, what)?,
        })
    }
}

impl<'a> AttrsReader<'a> {
    /// The set.
    pub fn attrs(&self) -> &Rc<Attrs> {
        &self.attrs
    }

    /// The attributes sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attr)> {
        self.evaluator.sorted(&self.attrs).into_iter()
    }

    /// Where the attribute was defined.
    pub fn span(&self, name: &str) -> Option<Span> {
        self.evaluator.attr_span(self.find(name)?)
    }

    fn find(&self, name: &str) -> Option<&Attr> {
        self.attrs.get(self.evaluator.symbols.lookup(name)?)
    }

    /// Marks an error as one about the attribute `name`.
    pub fn blame(&self, name: &str, error: EvalError) -> EvalError {
        match self.find(name) {
            Some(attr) => {
                let span = self.evaluator.attr_span(attr);
                self.evaluator.during_attr(error.or_at(span), attr)
            }
            None => error,
        }
    }

    /// The attribute, forced, unless it is missing or null.
    pub fn opt(&self, name: &str) -> Result<Option<Value>, EvalError> {
        let Some(attr) = self.find(name) else {
            return Ok(None);
        };
        match self.evaluator.force_attr(attr)? {
            Value::Null => Ok(None),
            value => Ok(Some(value)),
        }
    }

    /// The attribute, forced.
    pub fn get(&self, name: &str) -> Result<Value, EvalError> {
        match self.find(name) {
            Some(attr) => self.evaluator.force_attr(attr),
            None => Err(self
                .evaluator
                .lacking(self.evaluator.symbol(name), &self.attrs)),
        }
    }

    fn typed<T>(
        &self,
        name: &str,
        convert: impl Fn(&Value, &str) -> Result<T, EvalError>,
    ) -> Result<T, EvalError> {
        let value = self.get(name)?;
        convert(&value, &format!("the attribute `{name}`")).map_err(|error| self.blame(name, error))
    }

    fn opt_typed<T>(
        &self,
        name: &str,
        convert: impl Fn(&Value, &str) -> Result<T, EvalError>,
    ) -> Result<Option<T>, EvalError> {
        match self.opt(name)? {
            Some(_) => self.typed(name, convert).map(Some),
            None => Ok(None),
        }
    }

    /// A string with its context.
    pub fn string(&self, name: &str) -> Result<Rc<NixString>, EvalError> {
        self.typed(name, |value, what| {
            self.evaluator.expect_string(value, what)
        })
    }

    /// A string with its context, unless missing or null.
    pub fn opt_string(&self, name: &str) -> Result<Option<Rc<NixString>>, EvalError> {
        self.opt_typed(name, |value, what| {
            self.evaluator.expect_string(value, what)
        })
    }

    /// A string's text, which has to be UTF-8.
    pub fn text(&self, name: &str) -> Result<String, EvalError> {
        self.typed(name, |value, what| self.expect_text(value, what))
    }

    /// A string's text, unless missing or null.
    pub fn opt_text(&self, name: &str) -> Result<Option<String>, EvalError> {
        self.opt_typed(name, |value, what| self.expect_text(value, what))
    }

    fn expect_text(&self, value: &Value, what: &str) -> Result<String, EvalError> {
        let text = self.evaluator.expect_string(value, what)?;
        Ok(self.evaluator.utf8(&text, what)?.to_owned())
    }

    /// A boolean.
    pub fn bool(&self, name: &str) -> Result<bool, EvalError> {
        self.typed(name, |value, what| self.evaluator.expect_bool(value, what))
    }

    /// A boolean, unless missing or null.
    pub fn opt_bool(&self, name: &str) -> Result<Option<bool>, EvalError> {
        self.opt_typed(name, |value, what| self.evaluator.expect_bool(value, what))
    }

    /// An integer.
    pub fn int(&self, name: &str) -> Result<i64, EvalError> {
        self.typed(name, |value, what| self.evaluator.expect_int(value, what))
    }

    /// An integer, unless missing or null.
    pub fn opt_int(&self, name: &str) -> Result<Option<i64>, EvalError> {
        self.opt_typed(name, |value, what| self.evaluator.expect_int(value, what))
    }

    /// A list, unless missing or null.
    pub fn opt_list(&self, name: &str) -> Result<Option<Rc<List>>, EvalError> {
        self.opt_typed(name, |value, what| self.evaluator.expect_list(value, what))
    }

    /// A list.
    pub fn list(&self, name: &str) -> Result<Rc<List>, EvalError> {
        self.typed(name, |value, what| self.evaluator.expect_list(value, what))
    }

    /// A list of texts; a missing attribute is an empty list.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, EvalError> {
        let list = self.opt_list(name)?;
        let items = list.iter().flat_map(|list| list.iter()).enumerate();
        items
            .map(|(index, item)| {
                let what = format!("element {index} of the attribute `{name}`");
                self.expect_text(item, &what)
                    .map_err(|error| self.blame(name, error))
            })
            .collect()
    }

    /// A set.
    pub fn set(&self, name: &str) -> Result<AttrsReader<'a>, EvalError> {
        let attrs = self.typed(name, |value, what| self.evaluator.expect_attrs(value, what))?;
        Ok(AttrsReader {
            evaluator: self.evaluator,
            attrs,
        })
    }

    /// A set, unless missing or null.
    pub fn opt_set(&self, name: &str) -> Result<Option<AttrsReader<'a>>, EvalError> {
        let attrs = self.opt_typed(name, |value, what| self.evaluator.expect_attrs(value, what))?;
        Ok(attrs.map(|attrs| AttrsReader {
            evaluator: self.evaluator,
            attrs,
        }))
    }

    /// Fails if the set has an attribute other than `known`, with the known one that looks similar.
    pub fn only(&self, what: &str, known: &[&str]) -> Result<(), EvalError> {
        let known: BTreeSet<&str> = known.iter().copied().collect();
        for (name, attr) in self.iter() {
            if !known.contains(name) {
                let similar = similar(name, known.iter().copied());
                let kind = ErrorKind::UnknownAttribute {
                    name: name.into(),
                    what: what.into(),
                    similar: similar.first().map(|near| Rc::from(*near)),
                };
                return Err(EvalError::from(kind).or_at(self.evaluator.attr_span(attr)));
            }
        }
        Ok(())
    }
}
