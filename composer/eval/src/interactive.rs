//! Evaluation for people: text with variables of a session, bindings, functions called with defaults, and
//! the documentation of values.
//!
//! Used by hosts that take expressions from a command line or a prompt. Invariant: nothing here changes
//! what a file evaluates to.

use std::collections::BTreeMap;

use crate::error::EvalError;
use crate::evaluator::Evaluator;
use crate::expr::Param;
use crate::lower::{as_set, doc_comment};
use crate::source::{Location, Span};
use crate::symbol::Symbol;
use crate::value::{Attr, Attrs, Env, Value};

/// Names and their values, in scope around what is evaluated.
pub type Variables = BTreeMap<String, Value>;

/// What is known about a value or an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documentation {
    /// What it is, in a few words: "builtin function `map`".
    pub title: String,
    /// Where it was written; builtins have no place.
    pub at: Option<Location>,
    /// Its documentation.
    pub text: Option<String>,
}

impl Evaluator {
    /// Like [`Evaluator::eval_str`], with variables.
    pub fn eval_with(
        &self,
        name: &str,
        directory: &str,
        text: &str,
        variables: &Variables,
    ) -> Result<Value, EvalError> {
        let names: Vec<Symbol> = variables.keys().map(|name| self.symbol(name)).collect();
        let env = Env::with_slots(self.root_env.clone(), names.len());
        for (slot, value) in variables.values().enumerate() {
            env.set(slot, value.clone());
        }
        let id = self.lower_text(name, directory, text.to_owned(), Some(&names))?;
        self.eval(&id, &env)
    }

    /// The names that bindings such as `x = 1; inherit (y) z` give, and their values, not evaluated yet.
    /// The bindings see the variables, not each other.
    pub fn bind(
        &self,
        name: &str,
        directory: &str,
        bindings: &str,
        variables: &Variables,
    ) -> Result<Variables, EvalError> {
        let value = self.eval_with(name, directory, &as_set(bindings), variables)?;
        let attrs = self.expect_attrs(&value, "the bindings")?;
        Ok(self.variables(&attrs))
    }

    /// The attributes of a set as variables.
    pub fn variables(&self, attrs: &Attrs) -> Variables {
        attrs
            .iter()
            .map(|attr| (self.name(attr.name).to_owned(), attr.value.clone()))
            .collect()
    }

    /// Calls a function of named arguments with those of `arguments` that it takes; other values, functions
    /// of one plain argument among them, are returned as they are.
    pub fn auto_call(&self, value: &Value, arguments: &Variables) -> Result<Value, EvalError> {
        let value = self.force(value)?;
        match &value {
            Value::Attrs(attrs) => match attrs.get(self.names.functor) {
                Some(functor) => {
                    let function = self.call(&functor.value, value.clone())?;
                    self.auto_call(&function, arguments)
                }
                None => Ok(value),
            },
            Value::Lambda(id, _) => match &self.lambda(*id).param {
                Param::Idents(_) => Ok(value),
                Param::Pattern(pattern) => {
                    let takes = |name: &str| {
                        let known = |symbol: Symbol| self.name(symbol) == name;
                        pattern.ellipsis || pattern.formals.iter().any(|f| known(f.name))
                    };
                    let given = arguments.iter().filter(|(name, _)| takes(name));
                    let given = given.map(|(name, value)| (name.as_str(), value.clone()));
                    self.call(&value, self.make_attrs(given))
                }
            },
            _ => Ok(value),
        }
    }

    /// What is known about a value: builtins and functions with a documentation comment have text.
    pub fn documentation(&self, value: &Value) -> Result<Option<Documentation>, EvalError> {
        Ok(match self.force(value)? {
            Value::Builtin(call) => {
                let builtin = &call.builtin;
                let arguments = match builtin.arity {
                    1 => "1 argument".to_owned(),
                    count => format!("{count} arguments"),
                };
                Some(Documentation {
                    title: format!("builtin function `{}` of {arguments}", builtin.name),
                    at: None,
                    text: Some(builtin.doc.to_string()),
                })
            }
            Value::Lambda(id, _) => {
                let name = self.lambda(id).name;
                let title = match name {
                    Some(name) => format!("function `{}`", self.name(name)),
                    None => "function".to_owned(),
                };
                Some(self.documented(title, self.arena.function(id).span))
            }
            Value::Attrs(attrs) => match attrs.get(self.names.functor) {
                Some(functor) => self.documentation(&functor.value)?,
                None => None,
            },
            _ => None,
        })
    }

    /// Where an attribute is defined, with the comment in front of it.
    pub fn attr_documentation(&self, attr: &Attr) -> Option<Documentation> {
        let title = format!("attribute `{}`", self.name(attr.name));
        Some(self.documented(title, self.attr_span(attr)?))
    }

    fn documented(&self, title: String, span: Span) -> Documentation {
        Documentation {
            title,
            at: Some(self.location(span)),
            text: doc_comment(self.sources.text(span.file), span.start),
        }
    }

    /// The names in scope everywhere, `__` ones left out, sorted.
    pub fn global_names(&self) -> Vec<String> {
        let names = self.globals.names(&self.symbols).map(str::to_owned);
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        names
    }
}
