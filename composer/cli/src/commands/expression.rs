//! Expressions of the command line: which folder they may read, what is in scope, how a file is called.
//!
//! Shared by `eval` and `repl`. Invariant: evaluation reads below one folder only, and that folder is
//! the repository wherever there is one.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use xsc_eval::{Attrs, Evaluator, Feature, Value, Variables, is_plain_name};
use xsc_instantiate::{Hooks, Language};

use super::{Cancel, Opened, hooks, open_with};
use crate::args::CallFlags;
use crate::context::{Context, Repository};
use crate::error::{CommandError, eval_error, instantiate_error};

/// The file that a folder stands for.
const DEFAULT: &str = "default.nix";

/// What an expression typed by a person is called in messages.
pub(crate) const TYPED: &str = "expression";

/// The folder that expressions read, and where they stand in it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `/` in the language's paths.
    pub(crate) root: PathBuf,
}

impl Place {
    /// The place of what is in `dir`: its repository, else `dir` itself.
    pub(crate) fn around(dir: &Path) -> Result<Place, CommandError> {
        if let Ok(repository) = Repository::find(dir) {
            let root = repository.root;
            return Ok(Place { root });
        }
        let root = dir
            .canonicalize()
            .map_err(|e| CommandError::usage(format!("cannot use {}: {e}", dir.display())))?;
        Ok(Place { root })
    }

    /// A path of the host as the language's; nothing if it is outside.
    pub(crate) fn path_of(&self, host: &Path) -> Option<String> {
        let below = host.canonicalize().ok()?;
        let below = below.strip_prefix(&self.root).ok()?;
        Some(format!("/{}", below.to_str()?))
    }

    /// Where relative paths of typed expressions start: the current directory, or the top where that is
    /// outside.
    pub(crate) fn directory(&self) -> String {
        self.path_of(Path::new(".")).unwrap_or_else(|| "/".into())
    }
}

/// Finds a file, or the default.nix of a folder: the place that reads it, and the language's path.
pub(crate) fn find_file(named: &Path) -> Result<(Place, String), CommandError> {
    let file = existing(named)?;
    let place = Place::around(file.parent().unwrap_or(Path::new("/")))?;
    let path = place
        .path_of(&file)
        .ok_or_else(|| CommandError::usage(format!("the path {} is not UTF-8", named.display())))?;
    Ok((place, path))
}

/// The language's path of a file below `place`.
pub(crate) fn find_file_in(place: &Place, named: &Path) -> Result<String, CommandError> {
    let file = existing(named)?;
    place.path_of(&file).ok_or_else(|| {
        let (named, root) = (named.display(), place.root.display());
        CommandError::usage(format!(
            "{named} is outside of {root}, the only folder that is read here"
        ))
    })
}

fn existing(named: &Path) -> Result<PathBuf, CommandError> {
    let cannot =
        |e: std::io::Error| CommandError::usage(format!("cannot read {}: {e}", named.display()));
    let mut file = named.canonicalize().map_err(cannot)?;
    if file.is_dir() {
        file = file.join(DEFAULT).canonicalize().map_err(|e| {
            let named = named.join(DEFAULT);
            CommandError::usage(format!("cannot read {}: {e}", named.display()))
        })?;
    }
    Ok(file)
}

/// How to evaluate.
pub(crate) struct How<'a> {
    pub(crate) context: &'a Context,
    /// Ends an evaluation.
    pub(crate) cancel: &'a Cancel,
    pub(crate) features: &'a [Feature],
}

impl How<'_> {
    fn hooks(&self) -> Hooks {
        hooks(self.context, Some(self.cancel), self.features)
    }
}

/// What evaluates: a profile's recipes, or the files of a folder alone.
pub(crate) enum World {
    Profile(Box<Opened>),
    Plain(Place, Box<Language>),
}

impl World {
    pub(crate) fn profile(path: &Path, how: &How<'_>) -> Result<World, CommandError> {
        let opened = open_with(path, how.hooks())?;
        Ok(World::Profile(Box::new(opened)))
    }

    pub(crate) fn plain(place: Place, how: &How<'_>) -> Result<World, CommandError> {
        let language = Language::open(&place.root, xsc_build::source_tree_id, how.hooks())
            .map_err(|e| instantiate_error(&e))?;
        Ok(World::Plain(place, Box::new(language)))
    }

    pub(crate) fn language(&self) -> &Language {
        match self {
            World::Profile(opened) => opened.recipes.language(),
            World::Plain(_, language) => language,
        }
    }

    pub(crate) fn eval(&self) -> &Evaluator {
        self.language().evaluator()
    }

    pub(crate) fn place(&self) -> Place {
        match self {
            World::Profile(opened) => Place {
                root: opened.repository.root.clone(),
            },
            World::Plain(place, _) => place.clone(),
        }
    }

    /// Everything that a profile's recipes give.
    pub(crate) fn scope(&self) -> Result<Option<Rc<Attrs>>, CommandError> {
        let World::Profile(opened) = self else {
            return Ok(None);
        };
        let eval = self.eval();
        eval.expect_attrs(opened.recipes.top(), "what images/default.nix returns")
            .map(Some)
            .map_err(|e| eval_error(self.language(), &e))
    }
}

/// The arguments of --arg and --argstr, each a list of names and texts in turn.
pub(crate) fn arguments(place: &Place, flags: &CallFlags) -> Result<Variables, CommandError> {
    let mut arguments = Variables::new();
    for pair in flags.expressions.chunks_exact(2) {
        let (called, text) = (format!("--arg {}", pair[0]), pair[1].clone());
        let directory = place.directory();
        // Evaluated when it is needed: the function may not take it.
        let value = Value::lazy(move |eval| eval.eval_str(&called, &directory, &text));
        arguments.insert(pair[0].clone(), value);
    }
    for pair in flags.strings.chunks_exact(2) {
        arguments.insert(pair[0].clone(), Value::from(pair[1].as_str()));
    }
    match arguments.keys().find(|name| !is_plain_name(name)) {
        None => Ok(arguments),
        Some(name) => Err(CommandError::usage(format!(
            "`{name}` cannot be the name of an argument"
        ))),
    }
}
