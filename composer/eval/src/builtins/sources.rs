//! Files and text as things in a store: arguments are checked here, the host's store does the rest.
//!
//! Invariant: filters run here, through `EvalIo`, so what a host gets is plain data.

use super::paths::{io, path_argument};
use super::{Result, Row, expect_function, invalid};
use crate::error::FrameKind;
use crate::evaluator::Evaluator;
use crate::hash::Hash;
use crate::io::FileType;
use crate::path;
use crate::store::{SourceRequest, store_name};
use crate::value::{Attrs, Value};

pub(super) const ALL: &[Row] = &[
    (
        "filterSource",
        2,
        "A directory with those files for which a function of path and type holds.",
        filter_source,
    ),
    (
        "path",
        1,
        "A file or directory as a source: { path, name ?, filter ?, recursive ?, sha256 ? }.",
        path_source,
    ),
    (
        "storePath",
        1,
        "A path that is in the store already, as a string that depends on it.",
        store_path,
    ),
    (
        "toFile",
        2,
        "A file in the store with the given name and content.",
        to_file,
    ),
];

pub(super) fn text(ev: &Evaluator, value: &Value, what: &str) -> Result<String> {
    let text = ev.expect_plain_string(value, what)?;
    Ok(ev.utf8(&text, what)?.to_owned())
}

/// What a source is called unless the expression says; the root of the tree has no name of its own.
fn own_name(path: &str) -> String {
    match path::base_name(path) {
        "" => "source".to_owned(),
        name => name.to_owned(),
    }
}

fn filter_source(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let source = path_argument(ev, &args[1], "the second argument of `filterSource`")?;
    let filter = expect_function(ev, &args[0], "the first argument of `filterSource`")?;
    let name = own_name(source.as_str());
    add_source(ev, source.as_str(), name, Some(&filter), true, None)
}

fn path_source(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let attrs = ev.expect_attrs(&args[0], "the argument of `path`")?;
    let known = ["filter", "name", "path", "recursive", "sha256"];
    only(ev, &attrs, "path", &known)?;
    let get = |name: &str| match attrs.get(ev.symbol(name)) {
        Some(attr) => ev.force_attr(attr).map(Some),
        None => Ok(None),
    };
    let source = get("path")?.ok_or_else(|| ev.lacking(ev.symbol("path"), &attrs))?;
    let source = path_argument(ev, &source, "`path`")?;
    let name = match get("name")? {
        Some(name) => text(ev, &name, "`name`")?,
        None => own_name(source.as_str()),
    };
    let filter = match get("filter")? {
        Some(filter) => Some(expect_function(ev, &filter, "`filter`")?),
        None => None,
    };
    let recursive = match get("recursive")? {
        Some(recursive) => ev.expect_bool(&recursive, "`recursive`")?,
        None => true,
    };
    let sha256 = match get("sha256")? {
        Some(hash) => Some(text(ev, &hash, "`sha256`")?),
        None => None,
    };
    let sha256 = sha256.map(|hash| Hash::parse_sha256(&hash).map_err(invalid));
    let sha256 = sha256.transpose()?;
    add_source(
        ev,
        source.as_str(),
        name,
        filter.as_ref(),
        recursive,
        sha256,
    )
}

pub(super) fn only(ev: &Evaluator, attrs: &Attrs, builtin: &str, known: &[&str]) -> Result<()> {
    let sorted = ev.sorted(attrs);
    let unknown = sorted.iter().find(|(name, _)| !known.contains(name));
    match unknown {
        Some((name, attr)) => {
            let message = format!("`{builtin}` takes no argument `{name}`");
            Err(invalid(message).or_at(ev.attr_span(attr)))
        }
        None => Ok(()),
    }
}

fn add_source(
    ev: &Evaluator,
    path: &str,
    name: String,
    filter: Option<&Value>,
    recursive: bool,
    sha256: Option<[u8; 32]>,
) -> Result<Value> {
    store_name(&name).map_err(invalid)?;
    let kept = match filter {
        Some(filter) => {
            let mut kept = Vec::new();
            if io(ev.io.is_dir(path))? {
                keep(ev, filter, path, "", &mut kept)?;
            }
            Some(kept)
        }
        None => None,
    };
    let request = SourceRequest {
        name,
        path: path.to_owned(),
        kept,
        recursive,
        sha256,
    };
    ev.settings.store.source(ev, &request)
}

/// Lists what a filter keeps below `root`/`relative`; what it drops is not entered.
fn keep(
    ev: &Evaluator,
    filter: &Value,
    root: &str,
    relative: &str,
    kept: &mut Vec<(String, FileType)>,
) -> Result<()> {
    let directory = format!("{}/{relative}", root.trim_end_matches('/'));
    let directory = directory.trim_end_matches('/');
    ev.note_read(directory);
    for (name, kind) in io(ev.io.read_dir(directory))? {
        let path = format!("{directory}/{name}");
        let arguments = [Value::from(path.as_str()), Value::from(kind.as_str())];
        let holds = ev
            .apply(filter, &arguments, None)
            .and_then(|holds| ev.expect_bool(&holds, "the result of the filter"))
            .map_err(|error| {
                let frame = FrameKind::Host(format!("filtering {path}").into());
                error.during(frame, None)
            })?;
        if !holds {
            continue;
        }
        let inner = match relative {
            "" => name,
            relative => format!("{relative}/{name}"),
        };
        kept.push((inner.clone(), kind));
        if kind == FileType::Directory {
            ev.deeper(|| keep(ev, filter, root, &inner, kept))?;
        }
    }
    Ok(())
}

fn to_file(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let name = text(ev, &args[0], "the first argument of `toFile`")?;
    store_name(&name).map_err(invalid)?;
    let content = ev.expect_string(&args[1], "the second argument of `toFile`")?;
    let items = content.context().into_iter().flat_map(|items| items.iter());
    for item in items {
        if item.starts_with(['!', '=']) {
            return Err(invalid(format!(
                "the file `{name}` refers to a derivation; `toFile` can't wait for it to be built"
            )));
        }
    }
    ev.settings.store.text(ev, &name, &content)
}

fn store_path(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let path = path_argument(ev, &args[0], "the argument of `storePath`")?;
    ev.settings.store.existing(ev, path.as_str())
}
