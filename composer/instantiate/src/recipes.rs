//! The recipes of a repository, loaded for one profile and one lock.
//!
//! `images/default.nix` is the entry: a function of `profile` and `inputs`. Invariant: attribute
//! paths are evaluated lazily, so asking for one derivation never evaluates the others.

use std::path::{Path, PathBuf};

use xsc_eval::{Evaluator, Value};
use xsc_model::{DrvId, Graph, OutputName};
use xsc_profile::{Lock, Profile};

use crate::language::{HashSources, Hooks, Language};
use crate::values;

/// The file that composes a profile.
const ENTRY: &str = "images/default.nix";

/// The file that gives what no profile has a say in.
const PACKAGES: &str = "pkgs/default.nix";

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
        /// The same for programs, as `docs/diagnostics.md` describes it.
        json: Box<serde_json::Value>,
    },
    /// The host ended the evaluation.
    #[error("interrupted")]
    Interrupted,
    /// An attribute path leads nowhere.
    #[error("{whole} no `{path}`: there is no attribute `{missing}`{hint}")]
    NoAttribute {
        /// What it was looked for in, with its verb: "the recipes have".
        whole: &'static str,
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
    /// An element of a list is something else.
    #[error("element {number} of {count} in `{path}` is {found}, not a derivation")]
    NotInList {
        /// The path of the list.
        path: String,
        /// Which element, from 1.
        number: usize,
        /// How many there are.
        count: usize,
        /// What it is.
        found: &'static str,
    },
    /// A list of derivations has none.
    #[error("`{path}` is an empty list, not a derivation")]
    EmptyList {
        /// The path of the list.
        path: String,
    },
    /// Text that names no attribute path.
    #[error("`{path}` is not an attribute path such as `pkgs.linux` or `a.\"b c\"`")]
    NotAPath {
        /// The text.
        path: String,
    },
}

/// The loaded recipes.
pub struct Recipes {
    language: Language,
    top: Value,
}

impl Recipes {
    /// Loads the recipes below `root`.
    pub fn load(
        root: &Path,
        profile: &Profile,
        lock: &Lock,
        hash_sources: HashSources,
    ) -> Result<Recipes, InstantiateError> {
        let language = Language::open(root, hash_sources, Hooks::default())?;
        Recipes::load_in(language, profile, lock)
    }

    /// Loads the recipes of the tree that `language` reads.
    pub fn load_in(
        language: Language,
        profile: &Profile,
        lock: &Lock,
    ) -> Result<Recipes, InstantiateError> {
        Recipes::call(language, ENTRY, |eval| {
            vec![
                ("profile", values::profile(eval, profile)),
                ("inputs", values::inputs(eval, lock)),
            ]
        })
    }

    /// Loads the packages without a profile: what asks for one's `config` fails and says so.
    pub fn load_without_profile(
        language: Language,
        lock: &Lock,
    ) -> Result<Recipes, InstantiateError> {
        Recipes::call(language, PACKAGES, |eval| {
            vec![("inputs", values::inputs(eval, lock))]
        })
    }

    /// Calls the function that a file of the recipes is.
    fn call(
        language: Language,
        file: &str,
        arguments: impl FnOnce(&Evaluator) -> Vec<(&'static str, Value)>,
    ) -> Result<Recipes, InstantiateError> {
        let eval = language.evaluator();
        let failed = |e| language.failed(&e);
        let entry = eval.eval_file(file).map_err(failed)?;
        let arguments = eval.make_attrs(arguments(eval));
        let top = eval.call(&entry, arguments).map_err(failed)?;
        Ok(Recipes { language, top })
    }

    /// What evaluates the recipes.
    pub fn language(&self) -> &Language {
        &self.language
    }

    /// The set of everything that the recipes give.
    pub fn top(&self) -> &Value {
        &self.top
    }

    /// The derivation at an attribute path such as `pkgs.linux.kernel`, and which of its outputs is there.
    pub fn output(&mut self, path: &str) -> Result<(DrvId, OutputName), InstantiateError> {
        let value = self.select(path)?;
        self.output_of(&value, |found| InstantiateError::NotADerivation {
            path: path.to_owned(),
            found,
        })
    }

    /// The same, and of a list each of its elements.
    pub fn outputs(&mut self, path: &str) -> Result<Vec<(DrvId, OutputName)>, InstantiateError> {
        let Value::List(elements) = self.forced(&self.select(path)?)? else {
            return Ok(vec![self.output(path)?]);
        };
        if elements.is_empty() {
            return Err(InstantiateError::EmptyList {
                path: path.to_owned(),
            });
        }
        let each = elements.iter().enumerate().map(|(index, element)| {
            self.output_of(&self.forced(element)?, |found| {
                InstantiateError::NotInList {
                    path: path.to_owned(),
                    number: index + 1,
                    count: elements.len(),
                    found,
                }
            })
        });
        each.collect()
    }

    /// The derivation that a value is, and which of its outputs; `other` is the error for what it is instead.
    fn output_of(
        &self,
        value: &Value,
        other: impl FnOnce(&'static str) -> InstantiateError,
    ) -> Result<(DrvId, OutputName), InstantiateError> {
        let found = self.language.output(value);
        let output = found.map_err(|error| self.language.failed(&error))?;
        output.ok_or_else(|| other(value.described()))
    }

    fn forced(&self, value: &Value) -> Result<Value, InstantiateError> {
        let forced = self.language.evaluator().force(value);
        forced.map_err(|error| self.language.failed(&error))
    }

    /// The derivation at an attribute path, whichever of its outputs is there.
    pub fn derivation(&mut self, path: &str) -> Result<DrvId, InstantiateError> {
        Ok(self.output(path)?.0)
    }

    /// The value at an attribute path, or of everything, as JSON.
    pub fn json(&mut self, path: Option<&str>) -> Result<serde_json::Value, InstantiateError> {
        let value = match path {
            Some(path) => self.select(path)?,
            None => self.top.clone(),
        };
        self.language.json(&value)
    }

    /// Every derivation that was evaluated so far, with what it needs.
    pub fn graph(&self) -> Graph {
        self.language.graph()
    }

    fn select(&self, path: &str) -> Result<Value, InstantiateError> {
        self.language.select(&self.top, path, None)
    }
}
