//! The recipes of a repository, loaded for one profile and one lock.
//!
//! `images/default.nix` is the entry: a function of `profile` and `inputs`. Invariant: attribute
//! paths are evaluated lazily, so asking for one derivation never evaluates the others.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use xsc_eval::{Evaluator, StdIo, Value};
use xsc_model::{DrvId, Graph, TreeId};
use xsc_profile::{Lock, Profile};

use crate::derivation::{DOC, Instantiator, TEXT, TEXT_DOC, explain_text, text_attr};
use crate::values;

/// The file that composes a profile.
const ENTRY: &str = "images/default.nix";

/// Gives the id of the tree that files of the repository make.
pub type HashSources = fn(&[PathBuf]) -> io::Result<TreeId>;

/// Why recipes do not give what was asked for. The text is complete, with file, line and trace.
#[derive(Debug, thiserror::Error)]
pub enum InstantiateError {
    /// The repository cannot be read.
    #[error("cannot read recipes in {}: {problem}", root.display())]
    Root {
        /// The repository.
        root: PathBuf,
        /// Why.
        problem: String,
    },
    /// Evaluation failed.
    #[error("{text}")]
    Evaluation {
        /// Message, excerpt and trace.
        text: String,
    },
    /// An attribute path leads nowhere.
    #[error("the recipes have no `{path}`: there is no attribute `{missing}`{hint}")]
    NoAttribute {
        /// The whole path.
        path: String,
        /// The part that is missing.
        missing: String,
        /// Suggestion and what there is.
        hint: String,
    },
    /// An attribute path leads to something else.
    #[error("`{path}` is {found}, not a derivation")]
    NotADerivation {
        /// The path.
        path: String,
        /// What it is.
        found: &'static str,
    },
}

/// The loaded recipes.
pub struct Recipes {
    eval: Evaluator,
    top: Value,
    graph: Rc<RefCell<Graph>>,
}

impl Recipes {
    /// Loads the recipes below `root`.
    pub fn load(
        root: &Path,
        profile: &Profile,
        lock: &Lock,
        hash_sources: HashSources,
    ) -> Result<Recipes, InstantiateError> {
        let io = StdIo::open(root).map_err(|e| InstantiateError::Root {
            root: root.to_owned(),
            problem: e.to_string(),
        })?;
        let graph = Rc::new(RefCell::new(Graph::default()));
        let instantiator = Instantiator {
            graph: Rc::clone(&graph),
            root: root.to_owned(),
            hash_sources,
            hashed: RefCell::default(),
            text: text_attr(),
        };
        let eval = Evaluator::builder(io)
            .builtin("derivation", 1, DOC, move |eval, args| {
                instantiator.derivation(eval, &args[0])
            })
            .builtin(TEXT, 1, TEXT_DOC, |eval, args| {
                Err(explain_text(eval, &args[0]))
            })
            .global_builtin("derivation")
            .build();
        let failed = |e| InstantiateError::Evaluation {
            text: eval.render(&e),
        };
        let entry = eval.eval_file(ENTRY).map_err(failed)?;
        let arguments = eval.make_attrs([
            ("profile", values::profile(&eval, profile)),
            ("inputs", values::inputs(&eval, lock)),
        ]);
        let top = eval.call(&entry, arguments).map_err(failed)?;
        Ok(Recipes { eval, top, graph })
    }

    /// The derivation at an attribute path such as `pkgs.linux.kernel`.
    pub fn derivation(&mut self, path: &str) -> Result<DrvId, InstantiateError> {
        let value = self.select(path)?;
        let not = |found| InstantiateError::NotADerivation {
            path: path.to_owned(),
            found,
        };
        let Value::Attrs(attrs) = &value else {
            return Err(not(described(&value)));
        };
        if !self
            .eval
            .is_derivation(attrs)
            .map_err(|e| self.failed(&e))?
        {
            return Err(not("a set"));
        }
        let attr = attrs
            .get(self.eval.symbol("drvPath"))
            .ok_or_else(|| not("a set"))?;
        let text = self
            .eval
            .expect_string(&attr.value, "`drvPath`")
            .map_err(|e| self.failed(&e))?;
        text.as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| not("a set"))
    }

    /// The value at an attribute path, or of everything, as JSON.
    pub fn json(&mut self, path: Option<&str>) -> Result<serde_json::Value, InstantiateError> {
        let value = match path {
            Some(path) => self.select(path)?,
            None => self.top.clone(),
        };
        values::to_json(&self.eval, &value).map_err(|e| self.failed(&e))
    }

    /// Every derivation that was evaluated so far, with what it needs.
    pub fn graph(&self) -> Graph {
        self.graph.borrow().clone()
    }

    fn failed(&self, error: &xsc_eval::EvalError) -> InstantiateError {
        InstantiateError::Evaluation {
            text: self.eval.render(error),
        }
    }

    fn select(&self, path: &str) -> Result<Value, InstantiateError> {
        let mut value = self.top.clone();
        for part in path.split('.') {
            let forced = self.eval.force(&value).map_err(|e| self.failed(&e))?;
            let missing = |names: &[&str]| InstantiateError::NoAttribute {
                path: path.to_owned(),
                missing: part.to_owned(),
                hint: hint(part, names),
            };
            let Value::Attrs(attrs) = &forced else {
                return Err(missing(&[]));
            };
            let next = attrs
                .get(self.eval.symbol(part))
                .map(|attr| attr.value.clone());
            value = next.ok_or_else(|| {
                let names: Vec<&str> = self
                    .eval
                    .sorted(attrs)
                    .into_iter()
                    .map(|(name, _)| name)
                    .collect();
                missing(&names)
            })?;
        }
        self.eval.force(&value).map_err(|e| self.failed(&e))
    }
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "an integer",
        Value::Float(_) => "a float",
        Value::String(_) => "a string",
        Value::Path(_) => "a path",
        Value::List(_) => "a list",
        Value::Attrs(_) => "a set",
        _ => "a function",
    }
}

fn hint(wanted: &str, names: &[&str]) -> String {
    if let Some(close) = xsc_profile::closest(wanted, names.iter().copied()) {
        return format!("; did you mean `{close}`?");
    }
    if names.is_empty() {
        return String::new();
    }
    format!("; there are: {}", names.join(", "))
}
