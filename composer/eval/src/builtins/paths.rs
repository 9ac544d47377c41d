//! Paths and files, read through `EvalIo`.
//!
//! Invariant: everything read is noted, so that hosts know what a value depends on.

use std::rc::Rc;

use super::{Result, Row, invalid};
use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::interp::Coercion;
use crate::path;
use crate::value::{NixPath, NixString, Value};

pub(super) const ALL: &[Row] = &[
    (
        "baseNameOf",
        1,
        "The last component of a path or string.",
        base_name_of,
    ),
    (
        "dirOf",
        1,
        "A path or string without its last component.",
        dir_of,
    ),
    ("pathExists", 1, "Whether a path exists.", path_exists),
    (
        "readDir",
        1,
        "The entries of a directory: name to type.",
        read_dir,
    ),
    ("readFile", 1, "The content of a file.", read_file),
    (
        "readFileType",
        1,
        "The type of a file: regular, directory, symlink or unknown.",
        read_file_type,
    ),
    (
        "toPath",
        1,
        "The path that an absolute string names, as a string.",
        to_path,
    ),
];

/// A path, or a string that is an absolute path.
pub(super) fn path_argument(ev: &Evaluator, value: &Value, what: &str) -> Result<Rc<NixPath>> {
    let value = ev.force(value)?;
    if let Value::Path(path) = value {
        return Ok(path);
    }
    if !matches!(value, Value::String(_) | Value::Attrs(_)) {
        return Err(ev.type_error("a path", &value, what));
    }
    let text = ev.coerced(&value, Coercion::PathPart)?;
    let text = ev.utf8(&text, what)?;
    if !text.starts_with('/') {
        return Err(invalid(format!(
            "{what} has to be a path or an absolute string, not `{text}`"
        )));
    }
    path::absolute(text, || ev.io.root())
}

pub(super) fn io<T>(result: Result<T, crate::io::IoError>) -> Result<T> {
    result.map_err(|source| {
        EvalError::from(ErrorKind::Io {
            source: Rc::new(source),
        })
    })
}

fn base_name_of(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.coerced(&args[0], Coercion::PathPart)?;
    let base = path::base_name(ev.utf8(&text, "the argument of `baseNameOf`")?);
    Ok(Value::string(
        NixString::from(base).with_shared_context(text.context().cloned()),
    ))
}

fn dir_of(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    if let Value::Path(path) = ev.force(&args[0])? {
        return Ok(Value::Path(Rc::new(NixPath::new(path::parent(
            path.as_str(),
        )))));
    }
    let text = ev.coerced(&args[0], Coercion::PathPart)?;
    let parent = path::parent(ev.utf8(&text, "the argument of `dirOf`")?);
    Ok(Value::string(
        NixString::from(parent).with_shared_context(text.context().cloned()),
    ))
}

fn path_exists(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let value = ev.force(&args[0])?;
    let path = path_argument(ev, &value, "the argument of `pathExists`")?;
    ev.note_read(path.as_str());
    // `x/` and `x/.` as strings mean a directory; otherwise a symbolic link to nothing exists, too.
    let is_directory = |text: &[u8]| text.ends_with(b"/") || text.ends_with(b"/.");
    if matches!(&value, Value::String(text) if is_directory(text.as_bytes())) {
        let exists = io(ev.io.path_exists(path.as_str()))?;
        return Ok(Value::Bool(exists && io(ev.io.is_dir(path.as_str()))?));
    }
    if ev.io.file_type(path.as_str()).is_ok() {
        return Ok(Value::Bool(true));
    }
    io(ev.io.path_exists(path.as_str())).map(Value::Bool)
}

fn read_dir(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let path = path_argument(ev, &args[0], "the argument of `readDir`")?;
    ev.note_read(path.as_str());
    let entries = io(ev.io.read_dir(path.as_str()))?;
    let types = entries
        .iter()
        .map(|(name, kind)| (name.as_str(), Value::from(kind.as_str())));
    Ok(ev.make_attrs(types))
}

fn read_file(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let path = path_argument(ev, &args[0], "the argument of `readFile`")?;
    let content = ev.read_file(path.as_str())?;
    if content.contains(&0) {
        return Err(invalid(format!(
            "{} contains NUL and can't be a string",
            path.as_str()
        )));
    }
    Ok(Value::string(NixString::from_bytes(content)))
}

fn read_file_type(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let path = path_argument(ev, &args[0], "the argument of `readFileType`")?;
    ev.note_read(path.as_str());
    io(ev.io.file_type(path.as_str())).map(|kind| Value::from(kind.as_str()))
}

fn to_path(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    Ok(Value::from(
        path_argument(ev, &args[0], "the argument of `toPath`")?.as_str(),
    ))
}
