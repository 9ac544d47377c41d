//! The evaluator as its hosts see it: built once, then asked for files, strings, calls and conversions.
//!
//! Owns the tables every other module uses. Invariant: all methods take `&self` and evaluation is pure,
//! so a value may be kept and used as long as the evaluator it came from lives.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustc_hash::FxHashMap;

use crate::budget::Budget;
use crate::builtins::{self, Builtin};
use crate::error::{Detail, ErrorKind, EvalError, FrameKind, error_json, render};
use crate::expr::{Arena, ExprId};
use crate::io::{EvalIo, MemoryIo};
use crate::lower::lower;
use crate::path;
use crate::settings::Settings;
use crate::source::{FileId, Location, Pos, SourceMap, Span};
use crate::symbol::{Symbol, Symbols};
use crate::value::{Attr, Attrs, Env, NixPath, NixString, Value};

/// Nested calls allowed, as in Nix.
const MAX_CALL_DEPTH: u32 = 10_000;

type PathToString = Box<dyn Fn(&Evaluator, &str) -> Result<NixString, EvalError>>;

/// Evaluates expressions of one tree of files.
pub struct Evaluator {
    pub(crate) symbols: Symbols,
    pub(crate) sources: SourceMap,
    pub(crate) arena: Arena,
    pub(crate) globals: Globals,
    pub(crate) names: Names,
    pub(crate) io: Box<dyn EvalIo>,
    pub(crate) root_env: Rc<Env>,
    pub(crate) depth: Cell<u32>,
    pub(crate) nesting: Cell<u32>,
    /// The call of the builtin that is running.
    pub(crate) call_span: Cell<Option<Span>>,
    pub(crate) max_depth: u32,
    pub(crate) budget: Budget,
    /// Where interpolation builds its text.
    pub(crate) buffer: Cell<String>,
    /// Whether cheap expressions may be evaluated before they are needed.
    pub(crate) eager: bool,
    pub(crate) trace: Box<dyn Fn(&str)>,
    pub(crate) path_to_string: Option<PathToString>,
    pub(crate) settings: Settings,
    pub(crate) regexes: RefCell<FxHashMap<Box<[u8]>, Rc<builtins::Expression>>>,
    imports: RefCell<FxHashMap<Rc<str>, Value>>,
    files_read: RefCell<BTreeSet<String>>,
}

/// Names the interpreter itself looks for.
pub(crate) struct Names {
    pub(crate) functor: Symbol,
    pub(crate) to_string: Symbol,
    pub(crate) out_path: Symbol,
    pub(crate) kind: Symbol,
    pub(crate) name: Symbol,
    pub(crate) value: Symbol,
}

/// What is in scope everywhere.
#[derive(Default)]
pub(crate) struct Globals {
    index: FxHashMap<Symbol, u32>,
    values: Vec<Value>,
}

impl Globals {
    pub(crate) fn index(&self, name: Symbol) -> Option<u32> {
        self.index.get(&name).copied()
    }

    pub(crate) fn value(&self, index: u32) -> &Value {
        &self.values[index as usize]
    }

    pub(crate) fn names<'a>(&'a self, symbols: &'a Symbols) -> impl Iterator<Item = &'a str> {
        let names = self.index.keys().map(|name| symbols.name(*name));
        names.filter(|name| !name.starts_with("__"))
    }

    fn set(&mut self, name: Symbol, value: Value) {
        let index = u32::try_from(self.values.len()).expect("fewer than 2^32 globals");
        self.values.push(value);
        self.index.insert(name, index);
    }
}

/// Configures an [`Evaluator`].
pub struct Builder {
    evaluator: Evaluator,
    builtins: Vec<Builtin>,
    globals: Vec<(String, Value)>,
}

impl Builder {
    /// Adds a function `builtins.NAME`, replacing one of that name. `run` gets exactly `arity`
    /// arguments, not yet evaluated; `doc` is one or more sentences for `:doc` and the manual.
    #[must_use]
    pub fn builtin(
        mut self,
        name: &str,
        arity: usize,
        doc: &str,
        run: impl Fn(&Evaluator, &[Value]) -> Result<Value, EvalError> + 'static,
    ) -> Builder {
        assert!(arity > 0, "a builtin without arguments is a global");
        self.builtins.push(Builtin {
            name: name.into(),
            arity,
            doc: doc.into(),
            run: Box::new(run),
        });
        self
    }

    /// Puts a value in scope everywhere under `name`.
    #[must_use]
    pub fn global(mut self, name: &str, value: Value) -> Builder {
        self.globals.push((name.to_owned(), value));
        self
    }

    /// Puts the function `builtins.NAME` in scope everywhere, too.
    #[must_use]
    pub fn global_builtin(self, name: &str) -> Builder {
        let builtin = name.to_owned();
        let value = Value::lazy(move |evaluator| {
            let set = evaluator.builtins_set()?;
            let value = set
                .get(evaluator.symbol(&builtin))
                .map(|attr| attr.value.clone());
            evaluator.force(&value.unwrap_or(Value::Null))
        });
        self.global(name, value)
    }

    /// Sets what an interpolated path becomes. Without it, interpolating a path is an error.
    #[must_use]
    pub fn path_to_string(
        mut self,
        convert: impl Fn(&Evaluator, &str) -> Result<NixString, EvalError> + 'static,
    ) -> Builder {
        self.evaluator.path_to_string = Some(Box::new(convert));
        self
    }

    /// Says that files whose path starts with `prefix` are a library: traces fold what happens inside.
    #[must_use]
    pub fn library(mut self, prefix: &str) -> Builder {
        self.evaluator.sources.add_library(prefix);
        self
    }

    /// Sets where messages of `builtins.trace` go. Without it they are dropped.
    #[must_use]
    pub fn trace(mut self, sink: impl Fn(&str) + 'static) -> Builder {
        self.evaluator.trace = Box::new(sink);
        self
    }

    /// Sets how many calls may be nested (default 10,000).
    #[must_use]
    pub fn max_call_depth(mut self, limit: u32) -> Builder {
        self.evaluator.max_depth = limit;
        self
    }

    /// Sets how many steps all evaluations together may take (default: practically no limit). A call is a
    /// step; making a list or a string costs in proportion to its size, so steps bound memory, too.
    #[must_use]
    pub fn max_steps(mut self, limit: u64) -> Builder {
        let interrupt = self.evaluator.budget.interrupt.take();
        self.evaluator.budget = Budget::new(limit);
        self.evaluator.budget.interrupt = interrupt;
        self
    }

    /// Evaluates what is cheap and can't fail before it is needed. That is faster, and changes nothing but
    /// what is shown of a value that was not evaluated wholly: `2` where Nix shows `<CODE>` for `1 + 1`.
    #[must_use]
    pub fn eager(mut self, eager: bool) -> Builder {
        self.evaluator.eager = eager;
        self
    }

    /// Sets a flag that ends an evaluation with [`ErrorKind::Interrupted`] while it is set. The evaluator
    /// may be used again after that.
    #[must_use]
    pub fn interrupt(mut self, flag: Arc<AtomicBool>) -> Builder {
        self.evaluator.budget.interrupt = Some(flag);
        self
    }

    pub(crate) fn settings(&mut self) -> &mut Settings {
        &mut self.evaluator.settings
    }

    /// Finishes.
    #[must_use]
    pub fn build(self) -> Evaluator {
        let Builder {
            mut evaluator,
            builtins,
            globals,
        } = self;
        for (name, value) in builtins::globals(&evaluator, builtins) {
            let name = evaluator.symbols.intern(&name);
            evaluator.globals.set(name, value);
        }
        for (name, value) in globals {
            let name = evaluator.symbols.intern(&name);
            evaluator.globals.set(name, value);
        }
        evaluator
    }
}

impl Evaluator {
    /// Starts configuring an evaluator that reads files through `io`.
    pub fn builder(io: impl EvalIo + 'static) -> Builder {
        let symbols = Symbols::default();
        let names = Names {
            functor: symbols.intern("__functor"),
            to_string: symbols.intern("__toString"),
            out_path: symbols.intern("outPath"),
            kind: symbols.intern("type"),
            name: symbols.intern("name"),
            value: symbols.intern("value"),
        };
        let evaluator = Evaluator {
            symbols,
            sources: SourceMap::default(),
            arena: Arena::default(),
            globals: Globals::default(),
            names,
            io: Box::new(io),
            root_env: Rc::default(),
            depth: Cell::new(0),
            nesting: Cell::new(0),
            call_span: Cell::new(None),
            max_depth: MAX_CALL_DEPTH,
            budget: Budget::new(u64::MAX),
            eager: false,
            buffer: Cell::default(),
            trace: Box::new(|_| {}),
            path_to_string: None,
            settings: Settings::default(),
            regexes: RefCell::default(),
            imports: RefCell::default(),
            files_read: RefCell::default(),
        };
        Builder {
            evaluator,
            builtins: Vec::new(),
            globals: Vec::new(),
        }
    }

    /// An evaluator that can read no file.
    pub fn without_files() -> Evaluator {
        Evaluator::builder(MemoryIo::default()).build()
    }

    /// Evaluates a file, or the `default.nix` of a directory. Each file is evaluated once.
    pub fn eval_file(&self, path: &str) -> Result<Value, EvalError> {
        let path = path::absolute(&format!("/{path}"), || self.io.root())?;
        self.import(&path)
    }

    /// Evaluates text. `name` is what errors call it; relative paths start at `directory`.
    pub fn eval_str(&self, name: &str, directory: &str, text: &str) -> Result<Value, EvalError> {
        let id = self.lower_text(name, directory, text.to_owned(), None)?;
        self.eval(&id, &self.root_env)
    }

    /// Checks that text is an expression: its grammar and that its variables are bound.
    pub fn parse_str(&self, name: &str, directory: &str, text: &str) -> Result<(), EvalError> {
        self.lower_text(name, directory, text.to_owned(), None)
            .map(|_| ())
    }

    /// Calls a function (or a set with `__functor`).
    pub fn call(&self, function: &Value, argument: Value) -> Result<Value, EvalError> {
        self.apply(function, &[argument], None)
    }

    /// The value, evaluated to its outermost constructor.
    #[inline]
    pub fn force(&self, value: &Value) -> Result<Value, EvalError> {
        match value {
            Value::Thunk(thunk) => self.force_thunk(thunk),
            value => Ok(value.clone()),
        }
    }

    /// Interns a name.
    pub fn symbol(&self, name: &str) -> Symbol {
        self.symbols.intern(name)
    }

    /// The text of a name.
    pub fn name(&self, symbol: Symbol) -> &str {
        self.symbols.name(symbol)
    }

    /// Makes an attribute set from names and values.
    pub fn make_attrs<'a>(&self, attrs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
        let attrs = attrs.into_iter().map(|(name, value)| {
            let name = self.symbol(name);
            Attr {
                name,
                pos: Pos::NONE,
                value,
            }
        });
        Value::attrs(Attrs::from_unsorted(attrs.collect()))
    }

    /// Adds a text that is not of the language, so that positions can be in it.
    pub fn add_source(&self, name: &str, text: &str) -> FileId {
        self.sources.add(name, text.to_owned())
    }

    /// Makes an attribute set whose attributes were defined at spans, of a source added before.
    pub fn make_attrs_at<'a>(
        &self,
        attrs: impl IntoIterator<Item = (&'a str, Span, Value)>,
    ) -> Value {
        let attrs = attrs.into_iter().map(|(name, span, value)| Attr {
            name: self.symbol(name),
            pos: self.sources.add_pos(span),
            value,
        });
        Value::attrs(Attrs::from_unsorted(attrs.collect()))
    }

    /// A set's attributes sorted by name.
    pub fn sorted<'a>(&'a self, attrs: &'a Attrs) -> Vec<(&'a str, &'a Attr)> {
        let mut sorted: Vec<_> = attrs
            .iter()
            .map(|attr| (self.name(attr.name), attr))
            .collect();
        sorted.sort_unstable_by_key(|(name, _)| *name);
        sorted
    }

    /// Where an attribute was defined.
    pub fn attr_span(&self, attr: &Attr) -> Option<Span> {
        self.sources.span(attr.pos)
    }

    /// A span's file, line and column.
    pub fn location(&self, span: Span) -> Location {
        self.sources.location(span)
    }

    /// An error as plain text for people: message, excerpt, hints, a trace that fits.
    pub fn render(&self, error: &EvalError) -> String {
        render(error, self, Detail::Short)
    }

    /// The same with as much of the trace as wanted.
    pub fn render_with(&self, error: &EvalError, detail: Detail) -> String {
        render(error, self, detail)
    }

    /// An error as JSON for programs; docs/diagnostics.md describes it.
    pub fn error_json(&self, error: &EvalError) -> serde_json::Value {
        error_json(error, self)
    }

    /// All files and directories read so far, sorted.
    pub fn files_read(&self) -> Vec<String> {
        self.files_read.borrow().iter().cloned().collect()
    }

    /// Reads files anew when they are imported next. Values of before stay as they are.
    pub fn forget_files(&self) {
        self.imports.borrow_mut().clear();
    }

    /// Names and documentation of all builtins, sorted by name.
    pub fn builtin_docs(&self) -> Vec<(String, String)> {
        let Ok(set) = self.builtins_set() else {
            return Vec::new();
        };
        let docs = self
            .sorted(&set)
            .into_iter()
            .filter_map(|(name, attr)| match &attr.value {
                Value::Builtin(call) => Some((name.to_owned(), call.builtin.doc.to_string())),
                _ => None,
            });
        docs.collect()
    }

    pub(crate) fn builtins_set(&self) -> Result<Rc<Attrs>, EvalError> {
        let index = self
            .globals
            .index(self.symbol("builtins"))
            .expect("`builtins` is a global");
        self.expect_attrs(self.globals.value(index), "`builtins`")
    }

    pub(crate) fn note_read(&self, path: &str) {
        let mut read = self.files_read.borrow_mut();
        if !read.contains(path) {
            read.insert(path.to_owned());
        }
    }

    pub(crate) fn read_file(&self, path: &str) -> Result<Vec<u8>, EvalError> {
        self.note_read(path);
        self.io.read_file(path).map_err(|source| {
            ErrorKind::Io {
                source: Rc::new(source),
            }
            .into()
        })
    }

    pub(crate) fn lower_text(
        &self,
        name: &str,
        directory: &str,
        text: String,
        extra: Option<&[Symbol]>,
    ) -> Result<ExprId, EvalError> {
        let file = self.sources.add(name, text);
        lower(self, file, directory, extra).map_err(|errors| {
            let span = errors.first().map(|error| error.span);
            EvalError::from(ErrorKind::Syntax { errors }).or_at(span)
        })
    }

    /// Evaluates a file once; later imports share the value, also while it is being evaluated.
    pub(crate) fn import(&self, path: &NixPath) -> Result<Value, EvalError> {
        let path = self.import_target(path.as_str())?;
        if let Some(value) = self.imports.borrow().get(&*path) {
            return self.force(&value.clone());
        }
        let target = path.clone();
        let value = Value::lazy(move |evaluator| {
            let id = evaluator.parse_file(&target, None)?;
            evaluator
                .eval(&id, &evaluator.root_env)
                .map_err(|error| error.during(FrameKind::File(target.clone()), None))
        });
        self.imports.borrow_mut().insert(path, value.clone());
        self.force(&value)
    }

    /// `scopedImport`: the file sees `scope`'s attributes as variables. Not shared.
    pub(crate) fn scoped_import(&self, scope: &Attrs, path: &str) -> Result<Value, EvalError> {
        let path = self.import_target(path)?;
        let names: Vec<Symbol> = scope.iter().map(|attr| attr.name).collect();
        let env = Env::with_slots(self.root_env.clone(), names.len());
        for (slot, attr) in scope.iter().enumerate() {
            env.set(slot, attr.value.clone());
        }
        let id = self.parse_file(&path, Some(&names))?;
        self.eval(&id, &env)
            .map_err(|error| error.during(FrameKind::File(path.clone()), None))
    }

    fn import_target(&self, path: &str) -> Result<Rc<str>, EvalError> {
        let fail = |source| {
            EvalError::from(ErrorKind::Io {
                source: Rc::new(source),
            })
        };
        if path.ends_with(".nix") || !self.io.is_dir(path).map_err(fail)? {
            return Ok(path.into());
        }
        Ok(format!("{}/default.nix", path.trim_end_matches('/')).into())
    }

    fn parse_file(&self, path: &str, extra: Option<&[Symbol]>) -> Result<ExprId, EvalError> {
        let text = String::from_utf8(self.read_file(path)?).map_err(|_| {
            let message = format!("{} is not UTF-8 text", path.trim_start_matches('/'));
            EvalError::from(ErrorKind::Format {
                format: "source file",
                message,
            })
        })?;
        self.lower_text(path, path::parent(path), text, extra)
    }
}
