//! Typed access to a builtin's parameters and inputs.
//!
//! Every builtin reads through it. Invariant: a parameter that is missing, of the wrong type or
//! unknown is an error that names the builtin and the parameter.

use std::collections::BTreeMap;

use xsc_model::{Action, BuiltinName, Digest, Param, System, TreeId};

use crate::error::FailureKind;

/// A builtin's parameters and inputs.
pub(crate) struct Params<'a> {
    builtin: &'static str,
    params: &'a BTreeMap<String, Param>,
    action: &'a Action,
}

impl<'a> Params<'a> {
    pub(crate) fn new(
        builtin: BuiltinName,
        params: &'a BTreeMap<String, Param>,
        action: &'a Action,
    ) -> Self {
        Params {
            builtin: builtin.as_str(),
            params,
            action,
        }
    }

    pub(crate) fn error(&self, problem: impl Into<String>) -> FailureKind {
        FailureKind::Params {
            builtin: self.builtin,
            problem: problem.into(),
        }
    }

    /// Refuses parameters that the builtin does not know.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), FailureKind> {
        match self
            .params
            .keys()
            .find(|name| !known.contains(&name.as_str()))
        {
            None => Ok(()),
            Some(name) => Err(self.error(format!(
                "unknown parameter `{name}`; known: {}",
                known.join(", ")
            ))),
        }
    }

    fn wrong(&self, name: &str, expected: &str) -> FailureKind {
        self.error(format!("parameter `{name}` must be {expected}"))
    }

    pub(crate) fn str(&self, name: &str) -> Result<&'a str, FailureKind> {
        match self.params.get(name) {
            Some(Param::Str(value)) => Ok(value),
            _ => Err(self.wrong(name, "a string")),
        }
    }

    /// The same, with a value for what is not given.
    pub(crate) fn str_or(&self, name: &str, absent: &'a str) -> Result<&'a str, FailureKind> {
        match self.params.get(name) {
            None => Ok(absent),
            Some(_) => self.str(name),
        }
    }

    /// Whether a parameter is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.params.contains_key(name)
    }

    pub(crate) fn int(&self, name: &str) -> Result<i64, FailureKind> {
        match self.params.get(name) {
            Some(Param::Int(value)) => Ok(*value),
            _ => Err(self.wrong(name, "an integer")),
        }
    }

    pub(crate) fn bool(&self, name: &str) -> Result<bool, FailureKind> {
        match self.params.get(name) {
            None => Ok(false),
            Some(Param::Bool(value)) => Ok(*value),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    pub(crate) fn strings(&self, name: &str) -> Result<Vec<String>, FailureKind> {
        let wrong = || self.wrong(name, "a list of strings");
        match self.params.get(name) {
            None => Ok(Vec::new()),
            Some(Param::List(items)) => items
                .iter()
                .map(|item| match item {
                    Param::Str(value) => Ok(value.clone()),
                    _ => Err(wrong()),
                })
                .collect(),
            Some(_) => Err(wrong()),
        }
    }

    pub(crate) fn map(&self, name: &str) -> Result<BTreeMap<String, Param>, FailureKind> {
        match self.params.get(name) {
            None => Ok(BTreeMap::new()),
            Some(Param::Map(map)) => Ok(map.clone()),
            Some(_) => Err(self.wrong(name, "a set")),
        }
    }

    pub(crate) fn string_map(&self, name: &str) -> Result<BTreeMap<String, String>, FailureKind> {
        self.map(name)?
            .into_iter()
            .map(|(key, value)| match value {
                Param::Str(value) => Ok((key, value)),
                _ => Err(self.wrong(name, "a set of strings")),
            })
            .collect()
    }

    /// What identifiers inside the output are derived from.
    pub(crate) fn seed(&self) -> Digest {
        *self.action.id().digest()
    }

    /// The platform that the output is for.
    pub(crate) fn system(&self) -> System {
        self.action.system
    }

    /// Every input, in the recipe's order.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (&'a str, TreeId)> + 'a {
        self.action
            .inputs
            .iter()
            .map(|input| (input.at.as_str(), input.tree))
    }

    /// The one input at `label`.
    pub(crate) fn input(&self, label: &str) -> Result<TreeId, FailureKind> {
        let mut found = self.inputs().filter(|(at, _)| *at == label);
        match (found.next(), found.next()) {
            (Some((_, tree)), None) => Ok(tree),
            (None, _) => Err(self.error(format!("it needs an input at `{label}`"))),
            (Some(_), Some(_)) => Err(self.error(format!(
                "it takes one input at `{label}`, and there are more"
            ))),
        }
    }
}
