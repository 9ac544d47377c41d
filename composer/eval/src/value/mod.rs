//! Values of the language: small, immutable, shared by reference count.
//!
//! Everything in the crate passes `Value`s. Invariant: a value is 16 bytes, and only the `Thunk` variant
//! is ever unfinished; `Evaluator::force` returns every other variant.

mod attrs;
mod string;
mod thunk;

use std::any::Any;
use std::rc::Rc;

pub use attrs::{Attr, Attrs};
pub(crate) use string::StringBuilder;
pub use string::{Context, NixString};
pub(crate) use thunk::{Delayed, LazyCall, Thunk, Work};
pub use thunk::{Env, LazyValue};

use crate::builtins::Builtin;
use crate::expr::LambdaId;
use crate::stack;

/// A value of the language, or a promise of one.
#[derive(Clone)]
#[non_exhaustive]
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Float(f64),
    /// A string with its context.
    String(Rc<NixString>),
    /// An absolute, normalised path of the language, `/` being the root the evaluator reads from.
    Path(Rc<NixPath>),
    /// A list of values, each possibly unevaluated.
    List(Rc<List>),
    /// An attribute set.
    Attrs(Rc<Attrs>),
    /// A function written in the language, with the environment it closes over or, once it has some of
    /// its arguments, the one that holds them.
    Lambda(LambdaId, Rc<Env>),
    /// A function written in Rust, with the arguments it has so far.
    Builtin(Rc<PartialCall>),
    /// A value only the host understands.
    External(Rc<Box<dyn External>>),
    /// Not evaluated yet, or evaluated and shared. `Evaluator::force` looks through it.
    Thunk(Rc<LazyValue>),
}

/// A value of the host that passes through the language untouched.
pub trait External: Any {
    /// What `typeOf` says and errors call it.
    fn type_name(&self) -> &'static str;
    /// For downcasting.
    fn as_any(&self) -> &dyn Any;
}

/// An absolute path without `.`, `..`, doubled or trailing slashes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NixPath(Box<str>);

impl NixPath {
    pub(crate) fn new(normalised: impl Into<Box<str>>) -> NixPath {
        NixPath(normalised.into())
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A list's elements.
pub struct List(Box<[Value]>);

impl List {
    /// The elements.
    pub fn as_slice(&self) -> &[Value] {
        &self.0
    }
}

impl std::ops::Deref for List {
    type Target = [Value];
    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if !stack::enough() {
            let contents = std::mem::take(&mut self.0);
            stack::measured(|| drop(contents));
        }
    }
}

/// A builtin function and the arguments it was given so far, fewer than it takes.
pub struct PartialCall {
    pub(crate) builtin: Rc<Builtin>,
    pub(crate) args: Box<[Value]>,
}

impl Drop for PartialCall {
    fn drop(&mut self) {
        if !stack::enough() {
            let contents = std::mem::take(&mut self.args);
            stack::measured(|| drop(contents));
        }
    }
}

impl Value {
    /// A string without context.
    pub fn string(text: impl Into<NixString>) -> Value {
        Value::String(Rc::new(text.into()))
    }

    /// A list.
    pub fn list(elements: impl Into<Box<[Value]>>) -> Value {
        Value::List(Rc::new(List(elements.into())))
    }

    /// An attribute set; make [`Attrs`] with `Evaluator::make_attrs`.
    pub fn attrs(attrs: Attrs) -> Value {
        Value::Attrs(Rc::new(attrs))
    }

    /// A host's own value.
    pub fn external(value: impl External) -> Value {
        Value::External(Rc::new(Box::new(value)))
    }

    /// What `builtins.typeOf` returns; `"thunk"` when unevaluated.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::String(_) => "string",
            Value::Path(_) => "path",
            Value::List(_) => "list",
            Value::Attrs(_) => "set",
            Value::Lambda(..) | Value::Builtin(_) => "lambda",
            Value::External(external) => external.type_name(),
            Value::Thunk(_) => "thunk",
        }
    }

    /// The type with its article, as error messages say it.
    pub fn described(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a float",
            Value::String(_) => "a string",
            Value::Path(_) => "a path",
            Value::List(_) => "a list",
            Value::Attrs(_) => "a set",
            Value::Lambda(..) => "a function",
            Value::Builtin(partial) if partial.args.is_empty() => "a built-in function",
            Value::Builtin(_) => "a partly applied built-in function",
            Value::External(external) => external.type_name(),
            Value::Thunk(_) => "an unevaluated value",
        }
    }

    /// The host value of type `T`, if this is one. Does not force.
    pub fn downcast<T: External>(&self) -> Option<&T> {
        match self {
            Value::External(external) => external.as_any().downcast_ref(),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(i) => write!(f, "{i}"),
            Value::Float(x) => write!(f, "{x}"),
            Value::String(s) => write!(f, "{:?}", s.to_string_lossy()),
            Value::Path(p) => f.write_str(p.as_str()),
            other => write!(f, "«{}»", other.type_name()),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::string(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::string(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Value {
        Value::list(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_two_words() {
        assert_eq!(size_of::<Value>(), 16);
        assert_eq!(size_of::<std::cell::OnceCell<Value>>(), 16);
    }

    #[test]
    fn dropping_a_deep_list_does_not_overflow() {
        let mut value = Value::Null;
        for _ in 0..1_000_000 {
            value = Value::list([value]);
        }
        drop(value);
    }
}
