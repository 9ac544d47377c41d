//! Turning values into text, and taking values apart with errors that say what was expected.
//!
//! `coerce` serves interpolation, `+`, `toString` and the string builtins; the `expect_*` methods serve
//! everyone. Invariant: the context of every string that goes in comes out.

use std::rc::Rc;

use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::source::Pos;
use crate::value::{Attrs, List, NixString, StringBuilder, Value};

/// How generous a conversion to text is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coercion {
    /// `"${x}"`: strings, sets with `__toString` or `outPath`, and paths as the host decides.
    Interpolation,
    /// `./${x}`: like interpolation, but a path is its own text.
    PathPart,
    /// `toString`: also numbers, booleans, null and lists; a path is its own text.
    ToString,
}

impl Evaluator {
    pub(crate) fn coerce(
        &self,
        value: &Value,
        coercion: Coercion,
        out: &mut StringBuilder,
    ) -> Result<(), EvalError> {
        match self.force(value)? {
            Value::String(text) => {
                out.push(&text);
                self.check_bytes(out.len())
            }
            value => self.deeper(|| self.coerce_other(&value, coercion, out)),
        }
    }

    /// Converts a forced value that is not a string.
    fn coerce_other(
        &self,
        value: &Value,
        coercion: Coercion,
        out: &mut StringBuilder,
    ) -> Result<(), EvalError> {
        match value {
            Value::Path(path) => match (&self.path_to_string, coercion) {
                (Some(convert), Coercion::Interpolation) => {
                    out.push(&convert(self, path.as_str())?)
                }
                (None, Coercion::Interpolation) => {
                    let hint = "write `toString` for the path's text, or give the path itself to what needs it";
                    let found = format!("the path {}", path.as_str());
                    return Err(ErrorKind::NotCoercible {
                        found,
                        hint: Some(hint),
                    }
                    .into());
                }
                _ => out.push_str(path.as_str()),
            },
            Value::Attrs(attrs) => {
                if let Some(convert) = attrs.get(self.names.to_string) {
                    let convert = self.force_attr(convert)?;
                    let text = self.apply(&convert, std::slice::from_ref(value), None)?;
                    self.coerce(&text, coercion, out)?;
                } else if let Some(path) = attrs.get(self.names.out_path) {
                    let path = self.force_attr(path)?;
                    self.coerce(&path, coercion, out)?;
                } else {
                    return Err(self.not_coercible(value, coercion));
                }
            }
            other if coercion == Coercion::ToString => match other {
                Value::Null | Value::Bool(false) => {}
                Value::Bool(true) => out.push_str("1"),
                Value::Int(i) => out.push_display(i),
                Value::Float(x) => out.push_str(&format!("{x:.6}")),
                Value::List(items) => {
                    self.spend(items.len() as u64)?;
                    for (index, item) in items.iter().enumerate() {
                        if index > 0 && !self.is_empty_list(&items[index - 1])? {
                            out.push_str(" ");
                        }
                        self.coerce(item, coercion, out)?;
                    }
                }
                other => return Err(self.not_coercible(other, coercion)),
            },
            other => return Err(self.not_coercible(other, coercion)),
        }
        Ok(())
    }

    /// Nested empty lists add no separator, as in Nix.
    fn is_empty_list(&self, value: &Value) -> Result<bool, EvalError> {
        Ok(matches!(self.force(value)?, Value::List(items) if items.is_empty()))
    }

    pub(super) fn not_coercible(&self, value: &Value, coercion: Coercion) -> EvalError {
        let hint = match value {
            Value::Null if coercion != Coercion::ToString => {
                Some("give a text for the case of null: `if x == null then \"\" else x`")
            }
            Value::List(_) if coercion != Coercion::ToString => {
                Some("write `toString` around it to have the elements with spaces between them")
            }
            Value::Int(_) | Value::Float(_) | Value::Bool(_) if coercion != Coercion::ToString => {
                Some("write `toString` around it")
            }
            Value::Attrs(_) => Some("a set needs `__toString` or `outPath` for that"),
            _ => None,
        };
        ErrorKind::NotCoercible {
            found: self.brief(value),
            hint,
        }
        .into()
    }

    /// The text of a value as `toString` gives it.
    pub fn to_text(&self, value: &Value) -> Result<Rc<NixString>, EvalError> {
        self.coerced(value, Coercion::ToString)
    }

    pub(crate) fn coerced(
        &self,
        value: &Value,
        coercion: Coercion,
    ) -> Result<Rc<NixString>, EvalError> {
        if let Value::String(text) = self.force(value)? {
            return Ok(text);
        }
        let mut out = StringBuilder::default();
        self.coerce(value, coercion, &mut out)?;
        Ok(Rc::new(out.finish()))
    }

    /// A type error. `expected` has an article, `what` is what the value was for.
    pub fn type_error(&self, expected: &'static str, found: &Value, what: &str) -> EvalError {
        ErrorKind::Type {
            expected,
            found: self.brief(found),
            what: what.into(),
        }
        .into()
    }

    /// A value in an error message: its type and, if it is short, the value.
    pub(crate) fn brief(&self, value: &Value) -> String {
        match value {
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                format!("{} ({})", value.described(), self.show(value))
            }
            Value::String(text) if text.as_bytes().len() <= 60 => {
                format!("a string ({})", self.show(value))
            }
            Value::Lambda(id, _) => match self.lambda(*id).name {
                Some(name) => format!("the function `{}`", self.name(name)),
                None => "a function".to_owned(),
            },
            Value::Builtin(call) => format!("the builtin function `{}`", call.builtin.name),
            other => other.described().to_owned(),
        }
    }

    /// The value as a boolean; `what` names it in the error.
    pub fn expect_bool(&self, value: &Value, what: &str) -> Result<bool, EvalError> {
        match self.force(value)? {
            Value::Bool(value) => Ok(value),
            other => Err(self.type_error("a boolean", &other, what)),
        }
    }

    /// The value as an integer; `what` names it in the error.
    pub fn expect_int(&self, value: &Value, what: &str) -> Result<i64, EvalError> {
        match self.force(value)? {
            Value::Int(value) => Ok(value),
            other => Err(self.type_error("an integer", &other, what)),
        }
    }

    /// The value as a string with context; `what` names it in the error.
    pub fn expect_string(&self, value: &Value, what: &str) -> Result<Rc<NixString>, EvalError> {
        match self.force(value)? {
            Value::String(value) => Ok(value),
            other => Err(self.type_error("a string", &other, what)),
        }
    }

    /// The value as a list; `what` names it in the error.
    pub fn expect_list(&self, value: &Value, what: &str) -> Result<Rc<List>, EvalError> {
        match self.force(value)? {
            Value::List(value) => Ok(value),
            other => Err(self.type_error("a list", &other, what)),
        }
    }

    /// The value as a set; `what` names it in the error.
    pub fn expect_attrs(&self, value: &Value, what: &str) -> Result<Rc<Attrs>, EvalError> {
        match self.force(value)? {
            Value::Attrs(value) => Ok(value),
            other => Err(self.type_error("a set", &other, what)),
        }
    }

    /// The text of a string that has to be UTF-8.
    pub fn utf8<'a>(&self, text: &'a NixString, what: &str) -> Result<&'a str, EvalError> {
        text.as_str().ok_or_else(|| {
            let message = format!("{what} has to be UTF-8 text");
            ErrorKind::InvalidArgument { message }.into()
        })
    }

    /// `{ file, line, column }` of a position, or null.
    #[inline(never)]
    pub(crate) fn position(&self, pos: Pos) -> Value {
        let Some(span) = self.sources.span(pos) else {
            return Value::Null;
        };
        let location = self.sources.location(span);
        let number = |n: usize| Value::Int(i64::try_from(n).expect("files are shorter than 2^63"));
        self.make_attrs([
            ("file", Value::from(&*location.file)),
            ("line", number(location.line)),
            ("column", number(location.column)),
        ])
    }
}
