//! The host that Nix's language tests run under: the suite's directory as `/pwd/lang`, and nothing else.
//!
//! Called by `case.rs`. Invariant: paths read as in upstream's goldens, which have `/pwd` where the
//! directory of the runner was.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use xsc_eval::{EvalIo, Evaluator, Feature, FileType, IoError, StdIo, Value};

use crate::case::Flags;
use crate::derivation::{DERIVATION, Maker};
use crate::store::{self, Computed, STORE};

/// What upstream's runner calls its own directory in goldens.
pub(crate) const PWD: &str = "/pwd";
/// Where the tests are.
pub(crate) const LANG: &str = "/pwd/lang";

/// Where files that come with the evaluator are.
const COREPKGS: &str = "/corepkgs";
const FETCHURL_PATH: &str = "/corepkgs/fetchurl.nix";

/// A directory in a place of the language's tree; above it is nothing.
struct Mounted {
    inner: StdIo,
}

impl Mounted {
    fn inside<'a>(&self, path: &'a str) -> Option<&'a str> {
        match path.strip_prefix(LANG)? {
            "" => Some("/"),
            rest => rest.starts_with('/').then_some(rest),
        }
    }

    fn absent(&self, path: &str) -> IoError {
        let (path, root) = (path.to_owned(), self.root());
        IoError::NotFound { path, root }
    }
}

impl EvalIo for Mounted {
    fn root(&self) -> String {
        "the test suite".to_owned()
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, IoError> {
        if path == FETCHURL_PATH {
            return Ok(FETCHURL.into());
        }
        let inside = self.inside(path).ok_or_else(|| self.absent(path))?;
        self.inner.read_file(inside)
    }

    fn read_dir(&self, path: &str) -> Result<Vec<(String, FileType)>, IoError> {
        let inside = self.inside(path).ok_or_else(|| self.absent(path))?;
        self.inner.read_dir(inside)
    }

    fn path_exists(&self, path: &str) -> Result<bool, IoError> {
        match self.inside(path) {
            Some(inside) => self.inner.path_exists(inside),
            None => Ok(self.is_dir(path).is_ok()),
        }
    }

    fn file_type(&self, path: &str) -> Result<FileType, IoError> {
        match self.inside(path) {
            Some(inside) => self.inner.file_type(inside),
            None => self.is_dir(path).map(|_| FileType::Directory),
        }
    }

    fn is_dir(&self, path: &str) -> Result<bool, IoError> {
        match (self.inside(path), path) {
            (Some(inside), _) => self.inner.is_dir(inside),
            (None, "/" | PWD | STORE) => Ok(true),
            (None, FETCHURL_PATH) => Ok(false),
            (None, _) => Err(self.absent(path)),
        }
    }
}

/// The variable that upstream's runner sets.
const ENVIRONMENT: (&str, &str) = ("TEST_VAR", "foo");

/// The file behind `<nix/fetchurl.nix>`: a function, which is all that the suite asks of it.
const FETCHURL: &str = "{ url, hash, name ? baseNameOf url }: throw \"nothing is fetched here\"";

pub(crate) fn evaluator(directory: &Path, flags: &Flags) -> Evaluator {
    let inner = StdIo::open(directory).expect("the directory of the suite is readable");
    let store = Rc::new(Computed {
        directory: directory.to_owned(),
    });
    let maker = Rc::new(Maker {
        store: Rc::clone(&store),
        hashes: RefCell::default(),
    });
    let sources = Rc::clone(&maker);
    let mut builder = Evaluator::builder(Mounted { inner })
        .eager(true)
        .home("/fake-home")
        .current_system("x86_64-linux")
        .store(store)
        .path_to_string(move |eval, path| {
            let path = store::reference(&sources.source(path)?);
            Ok((*eval.expect_string(&path, "a source")?).clone())
        })
        .builtin("derivationStrict", 1, "As in Nix.", move |eval, args| {
            maker.derivation_strict(eval, &args[0])
        })
        .builtin("derivation", 1, "As in Nix.", |eval, args| {
            let derivation = eval.eval_str("derivation", "/", DERIVATION)?;
            eval.call(&derivation, args[0].clone())
        })
        .builtin("getEnv", 1, "The suite's environment.", |eval, args| {
            let name = eval.expect_string(&args[0], "the name of a variable")?;
            let (variable, value) = ENVIRONMENT;
            let is_set = name.as_str() == Some(variable);
            Ok(Value::from(if is_set { value } else { "" }))
        });
    for entry in flags
        .search_path
        .iter()
        .map(String::as_str)
        .chain(["lang/dir3", "lang/dir4"])
    {
        let (prefix, path) = entry.split_once('=').unwrap_or(("", entry));
        builder = builder.search_path(prefix, &format!("{PWD}/{path}"));
    }
    builder = builder.search_default("nix", COREPKGS);
    for feature in &flags.features {
        let name = match feature.as_str() {
            "lint-url-literals=fatal" => "no-url-literals",
            name => name,
        };
        if let Some(feature) = Feature::from_name(name) {
            builder = builder.feature(feature);
        }
    }
    if let Some(limit) = flags.max_call_depth {
        builder = builder.max_call_depth(limit);
    }
    builder.build()
}
