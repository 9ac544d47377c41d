//! The seam to a host's store: what becomes of files, text and downloads that an expression names.
//!
//! Called by the builtins `path`, `filterSource`, `toFile`, `storePath`, `fetchurl` and `fetchTarball`, which
//! check arguments and run filters. Invariant: a request is plain data, complete before a host sees it, and a
//! download always has its hash.

use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::io::FileType;
use crate::value::{NixString, Value};

/// A file or directory of the tree that an expression uses as a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRequest {
    /// What the source is called in the store.
    pub name: String,
    /// Where it is: a path of the language.
    pub path: String,
    /// What a filter kept of the directory, as paths relative to it in the order they are listed; a
    /// directory comes before what is in it. Without a filter all of it is meant.
    pub kept: Option<Vec<(String, FileType)>>,
    /// Whether directories and file modes count; otherwise the source is the content of one file.
    pub recursive: bool,
    /// The hash that the content has to have.
    pub sha256: Option<[u8; 32]>,
}

/// A download whose content is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// What the result is called in the store.
    pub name: String,
    /// Where to get it.
    pub url: String,
    /// Whether it is an archive to be unpacked; the hash is that of the tree then.
    pub unpack: bool,
    /// The hash of the content.
    pub sha256: [u8; 32],
}

/// A host's store. Each method fails unless the host has a meaning for it.
pub trait Store {
    /// The value that stands for a source.
    fn source(&self, eval: &Evaluator, request: &SourceRequest) -> Result<Value, EvalError> {
        let _ = (eval, request);
        Err(unavailable(
            "`builtins.path`",
            "write the path itself where a source is needed, or a list of paths",
        ))
    }

    /// The value that stands for a file with the given content.
    fn text(&self, eval: &Evaluator, name: &str, text: &NixString) -> Result<Value, EvalError> {
        let _ = (eval, name, text);
        Err(unavailable(
            "`builtins.toFile`",
            "put the text into a file of the tree and use its path",
        ))
    }

    /// The value that stands for something that is in the store already.
    fn existing(&self, eval: &Evaluator, path: &str) -> Result<Value, EvalError> {
        let _ = (eval, path);
        Err(unavailable(
            "`builtins.storePath`",
            "name the source in flake-like.toml, run `xsc-compose lock`, and use the input",
        ))
    }

    /// The value that stands for a download.
    fn fetch(&self, eval: &Evaluator, request: &FetchRequest) -> Result<Value, EvalError> {
        let _ = (eval, request);
        Err(unavailable(
            "fetching by an expression",
            "name the source in flake-like.toml, run `xsc-compose lock`, and use the input",
        ))
    }
}

impl<S: Store + ?Sized> Store for std::rc::Rc<S> {
    fn source(&self, eval: &Evaluator, request: &SourceRequest) -> Result<Value, EvalError> {
        (**self).source(eval, request)
    }

    fn text(&self, eval: &Evaluator, name: &str, text: &NixString) -> Result<Value, EvalError> {
        (**self).text(eval, name, text)
    }

    fn existing(&self, eval: &Evaluator, path: &str) -> Result<Value, EvalError> {
        (**self).existing(eval, path)
    }

    fn fetch(&self, eval: &Evaluator, request: &FetchRequest) -> Result<Value, EvalError> {
        (**self).fetch(eval, request)
    }
}

/// Whether something in a store can be called `name`, and why not.
pub(crate) fn store_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-._?=".contains(c);
    let dots = |dots: &str| name == dots || name.starts_with(&format!("{dots}-"));
    if name.is_empty() {
        return Err("a name in the store can't be empty".to_owned());
    }
    if name.len() > 211 {
        return Err(format!("the name `{name}` is longer than 211 bytes"));
    }
    if dots(".") || dots("..") {
        return Err(format!("the name `{name}` starts like a directory's own"));
    }
    match name.chars().find(|c| !is_plain(*c)) {
        Some(c) => Err(format!("the name `{name}` contains {c:?}")),
        None => Ok(()),
    }
}

/// The store of an evaluator whose host has none.
pub(crate) struct NoStore;

impl Store for NoStore {}

pub(crate) fn unavailable(what: &str, instead: &'static str) -> EvalError {
    ErrorKind::Unavailable {
        what: what.to_owned(),
        instead,
    }
    .into()
}
