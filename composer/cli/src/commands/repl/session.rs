//! The state of a session: what evaluates, the variables, the files that were loaded.
//!
//! Used by the commands and by completion. Invariant: the variables are values of the evaluator that the
//! session has now; reloading drops both together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use xsc_eval::{Attr, Attrs, Feature, PrintOptions, Value, Variables, split_attr_path};

use crate::args::Repl;
use crate::commands::Cancel;
use crate::commands::expression::{How, Place, World, find_file, find_file_in};
use crate::context::Context;
use crate::error::{CommandError, eval_error};

/// Levels of a whole value; see `eval`.
const MAX_DEPTH: usize = 100;

/// What inputs are called in messages.
const INPUT: &str = "input";

/// What the session was started with.
#[derive(Clone)]
enum Start {
    Profile(PathBuf),
    Folder(Place),
}

pub(super) struct Session {
    start: Start,
    pub(super) world: World,
    pub(super) variables: Variables,
    /// Where the variables come from that are attributes of a file.
    attributes: BTreeMap<String, Attr>,
    /// Files loaded so far, as paths of the language.
    loaded: Vec<String>,
    features: Vec<Feature>,
    cancel: Cancel,
}

impl Session {
    /// A session with a profile's recipes, with a loaded file, or with neither.
    pub(super) fn open(
        context: &Context,
        args: &Repl,
        cancel: &Cancel,
    ) -> Result<Session, CommandError> {
        let is_profile = |path: &Path| path.extension().is_some_and(|end| end == "toml");
        let (start, file) = match args.what.as_deref() {
            Some(profile) if is_profile(profile) => (Start::Profile(profile.to_owned()), None),
            Some(file) => {
                let (place, path) = find_file(file)?;
                (Start::Folder(place), Some(path))
            }
            None => (Start::Folder(Place::around(Path::new("."))?), None),
        };
        let features = args.language.extra_experimental_features.clone();
        let mut session = Session::start(context, start, features, cancel.clone())?;
        if let Some(path) = file {
            session.load_path(path)?;
        }
        Ok(session)
    }

    fn start(
        context: &Context,
        start: Start,
        features: Vec<Feature>,
        cancel: Cancel,
    ) -> Result<Session, CommandError> {
        let how = How {
            context,
            cancel: &cancel,
            features: &features,
        };
        let world = match &start {
            Start::Profile(path) => World::profile(path, &how)?,
            Start::Folder(place) => World::plain(place.clone(), &how)?,
        };
        let scope = world.scope()?;
        let mut session = Session {
            start,
            features,
            world,
            variables: Variables::new(),
            attributes: BTreeMap::new(),
            loaded: Vec::new(),
            cancel,
        };
        if let Some(attrs) = scope {
            session.add_all(&attrs);
        }
        Ok(session)
    }

    pub(super) fn evaluate(&self, text: &str) -> Result<Value, CommandError> {
        let eval = self.world.eval();
        let directory = self.world.place().directory();
        eval.eval_with(INPUT, &directory, text, &self.variables)
            .map_err(|e| eval_error(self.world.language(), &e))
    }

    /// Adds the variables of bindings such as `x = 1; inherit (y) z`.
    pub(super) fn bind(&mut self, text: &str) -> Result<(), CommandError> {
        let eval = self.world.eval();
        let directory = self.world.place().directory();
        let new = eval
            .bind(INPUT, &directory, text, &self.variables)
            .map_err(|e| eval_error(self.world.language(), &e))?;
        self.attributes.retain(|name, _| !new.contains_key(name));
        self.variables.extend(new);
        Ok(())
    }

    /// Adds a set's attributes as variables; returns how many.
    pub(super) fn add(&mut self, value: &Value, what: &str) -> Result<usize, CommandError> {
        let eval = self.world.eval();
        let attrs = eval
            .expect_attrs(value, what)
            .map_err(|e| eval_error(self.world.language(), &e))?;
        self.add_all(&attrs);
        Ok(attrs.len())
    }

    fn add_all(&mut self, attrs: &Attrs) {
        let eval = self.world.eval();
        self.variables.extend(eval.variables(attrs));
        let named = attrs
            .iter()
            .map(|attr| (eval.name(attr.name).to_owned(), attr.clone()));
        self.attributes.extend(named);
    }

    /// The attribute that an attribute path such as `lib.lists.head` names: it may be documented even if
    /// its value is not, and has a place even if its value has none.
    pub(super) fn attribute(&self, path: &str) -> Option<Attr> {
        let parts = split_attr_path(path)?;
        let (last, before) = parts.split_last()?;
        let Some((first, between)) = before.split_first() else {
            return self.attributes.get(last).cloned();
        };
        let eval = self.world.eval();
        let mut value = self.evaluate(first).ok()?;
        for part in between {
            let attrs = eval.expect_attrs(&value, "").ok()?;
            value = eval.force(&attrs.get(eval.symbol(part))?.value).ok()?;
        }
        let attrs = eval.expect_attrs(&value, "").ok()?;
        attrs.get(eval.symbol(last)).cloned()
    }

    /// Loads a file: calls it with its defaults if it is a function, and adds the attributes it returns.
    pub(super) fn load(&mut self, file: &Path) -> Result<usize, CommandError> {
        let path = find_file_in(&self.world.place(), file)?;
        self.world.eval().forget_files();
        self.load_path(path)
    }

    fn load_path(&mut self, path: String) -> Result<usize, CommandError> {
        let eval = self.world.eval();
        let value = eval
            .eval_file(&path)
            .and_then(|value| eval.auto_call(&value, &Variables::new()))
            .map_err(|e| eval_error(self.world.language(), &e))?;
        let what = format!("what {} gives", path.trim_start_matches('/'));
        let count = self.add(&value, &what)?;
        self.loaded.retain(|other| *other != path);
        self.loaded.push(path);
        Ok(count)
    }

    /// Reads everything anew. The variables of bindings are gone; if something fails, all stays as it was.
    pub(super) fn reload(&mut self, context: &Context) -> Result<usize, CommandError> {
        let (features, cancel) = (self.features.clone(), self.cancel.clone());
        let mut fresh = Session::start(context, self.start.clone(), features, cancel)?;
        for path in self.loaded.clone() {
            fresh.load_path(path)?;
        }
        *self = fresh;
        Ok(self.variables.len())
    }

    /// The value as a tree of so many levels, or whole.
    pub(super) fn show(
        &self,
        value: &Value,
        levels: Option<usize>,
    ) -> Result<String, CommandError> {
        let eval = self.world.eval();
        let options = PrintOptions::tree(levels.unwrap_or(MAX_DEPTH));
        eval.print(value, &options)
            .map_err(|e| eval_error(self.world.language(), &e))
    }
}
