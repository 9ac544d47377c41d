//! The language with our `derivation`: an evaluator of one tree of files, and the graph it fills.
//!
//! Recipes are loaded in one; `eval` and `repl` use one without recipes. Invariant: what `derivation`
//! returned is in the graph.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use xsc_eval::{
    Detail, ErrorKind, EvalError, Evaluator, Feature, StdIo, Value, Variables, split_attr_path,
};
use xsc_model::{DrvId, Graph, OutputName, TreeId};

use crate::derivation::{
    DOC, Instantiator, TEXT, TEXT_DOC, explain_text, known, output_named, text_attr,
};
use crate::recipes::InstantiateError;
use crate::values;

/// Gives the id of the tree that files of the repository make.
pub type HashSources = fn(&[PathBuf]) -> io::Result<TreeId>;

/// What evaluation tells its host, and how the host ends it.
pub struct Hooks {
    /// Gets the messages of `builtins.trace`.
    pub trace: Box<dyn Fn(&str)>,
    /// Ends an evaluation while it is set.
    pub interrupt: Option<Arc<AtomicBool>>,
    /// Parts of the language to switch on.
    pub features: Vec<Feature>,
    /// How much of the trace the text of an error shows.
    pub detail: Detail,
}

impl Default for Hooks {
    fn default() -> Hooks {
        Hooks {
            trace: Box::new(|_| {}),
            interrupt: None,
            features: Vec::new(),
            detail: Detail::Short,
        }
    }
}

/// An evaluator whose derivations are kept.
pub struct Language {
    eval: Evaluator,
    graph: Rc<RefCell<Graph>>,
    detail: Detail,
}

impl Language {
    /// An evaluator of the files below `root`.
    pub fn open(
        root: &Path,
        hash_sources: HashSources,
        hooks: Hooks,
    ) -> Result<Language, InstantiateError> {
        let io = StdIo::open(root).map_err(|e| InstantiateError::Root {
            root: root.to_owned(),
            problem: e.to_string(),
        })?;
        let graph = Rc::new(RefCell::new(Graph::default()));
        let instantiator = Rc::new(Instantiator {
            graph: Rc::clone(&graph),
            root: root.to_owned(),
            hash_sources,
            hashed: RefCell::default(),
            text: text_attr(),
        });
        let strict = Rc::clone(&instantiator);
        let mut builder = Evaluator::builder(io)
            .library("/modules/lib/")
            .library("/modules/default.nix")
            .eager(true)
            .builtin("derivation", 1, DOC, move |eval, args| {
                instantiator.derivation(eval, &args[0])
            })
            .builtin("derivationStrict", 1, DOC, move |eval, args| {
                strict.derivation(eval, &args[0])
            })
            .builtin(TEXT, 1, TEXT_DOC, |eval, args| {
                Err(explain_text(eval, &args[0]))
            })
            .trace(hooks.trace);
        if let Some(flag) = hooks.interrupt {
            builder = builder.interrupt(flag);
        }
        for feature in hooks.features {
            builder = builder.feature(feature);
        }
        let eval = builder.build();
        Ok(Language {
            eval,
            graph,
            detail: hooks.detail,
        })
    }

    /// The evaluator.
    pub fn evaluator(&self) -> &Evaluator {
        &self.eval
    }

    /// Every derivation that was evaluated so far, with what it needs.
    pub fn graph(&self) -> Graph {
        self.graph.borrow().clone()
    }

    /// The derivation that a value stands for, and which output of it, unless it stands for none.
    pub fn output(&self, value: &Value) -> Result<Option<(DrvId, OutputName)>, EvalError> {
        let value = self.eval.force(value)?;
        let Value::Attrs(attrs) = &value else {
            return Ok(None);
        };
        if !self.eval.is_derivation(attrs)? {
            return Ok(None);
        }
        let text = |name: &str| -> Result<Option<String>, EvalError> {
            let Some(attr) = attrs.get(self.eval.symbol(name)) else {
                return Ok(None);
            };
            let text = self.eval.expect_string(&attr.value, &format!("`{name}`"))?;
            Ok(text.as_str().map(str::to_owned))
        };
        let Some(id) = text("drvPath")? else {
            return Ok(None);
        };
        let graph = self.graph.borrow();
        let Some((id, drv)) = known(&graph, &id) else {
            return Ok(None);
        };
        let named = text("outputName")?;
        let output = named.and_then(|name| output_named(drv, &name));
        Ok(output.map(|output| (id, output)))
    }

    /// What an attribute path such as `a.b` or `a."b c".0` leads to, starting at `value`; a number is an
    /// element of a list. With `arguments`, functions on the way are called with them.
    pub fn select(
        &self,
        value: &Value,
        path: &str,
        arguments: Option<&Variables>,
    ) -> Result<Value, InstantiateError> {
        let eval = &self.eval;
        let parts = split_attr_path(path).ok_or_else(|| InstantiateError::NotAPath {
            path: path.to_owned(),
        })?;
        let call = |value: &Value| {
            match arguments {
                Some(arguments) => eval.auto_call(value, arguments),
                None => eval.force(value),
            }
            .map_err(|e| self.failed(&e))
        };
        let whole = match arguments {
            Some(_) => "the value has",
            None => "the recipes have",
        };
        let mut value = call(value)?;
        for part in parts {
            let missing = |names: &[&str]| InstantiateError::NoAttribute {
                whole,
                path: path.to_owned(),
                missing: part.clone(),
                hint: hint(&part, names),
            };
            let next = match &value {
                Value::Attrs(attrs) => match attrs.get(eval.symbol(&part)) {
                    Some(attr) => attr.value.clone(),
                    None => {
                        let sorted = eval.sorted(attrs).into_iter();
                        return Err(missing(&sorted.map(|(name, _)| name).collect::<Vec<_>>()));
                    }
                },
                Value::List(items) => {
                    let item = part.parse().ok().and_then(|index: usize| items.get(index));
                    item.ok_or_else(|| missing(&[]))?.clone()
                }
                _ => return Err(missing(&[])),
            };
            value = call(&next)?;
        }
        Ok(value)
    }

    /// A value as JSON for people: a derivation is its name and id, a function is said to be one.
    pub fn json(&self, value: &Value) -> Result<serde_json::Value, InstantiateError> {
        values::to_json(&self.eval, value).map_err(|e| self.failed(&e))
    }

    /// An error of this evaluator, complete with its text.
    pub fn failed(&self, error: &EvalError) -> InstantiateError {
        match error.kind() {
            ErrorKind::Interrupted => InstantiateError::Interrupted,
            _ => InstantiateError::Evaluation {
                text: self.eval.render_with(error, self.detail),
                json: Box::new(self.eval.error_json(error)),
            },
        }
    }
}

/// How many names a message lists.
const LISTED: usize = 30;

fn hint(wanted: &str, names: &[&str]) -> String {
    if let Some(close) = xsc_profile::closest(wanted, names.iter().copied()) {
        return format!("; did you mean `{close}`?");
    }
    if names.is_empty() {
        return String::new();
    }
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let shown = &names[..names.len().min(LISTED)];
    format!("; there are: {}{more}", shown.join(", "))
}
