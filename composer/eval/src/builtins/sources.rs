//! Files, text and downloads as things in a store: arguments are checked here, the host does the rest.
//!
//! Invariant: filters run here, through `EvalIo`, and nothing is fetched without the hash of its content.

use std::rc::Rc;

use super::impure::impure;
use super::paths::{io, path_argument};
use super::{Result, Row, expect_function, invalid};
use crate::error::FrameKind;
use crate::evaluator::Evaluator;
use crate::hash::Hash;
use crate::io::FileType;
use crate::path;
use crate::store::{FetchRequest, SourceRequest, store_name, unavailable};
use crate::value::{Attrs, Value};

const USE_INPUT: &str =
    "name the source in flake-like.toml, run `xsc-compose lock`, and use the input";

pub(super) const ALL: &[Row] = &[
    (
        "fetchTarball",
        1,
        "The tree in an archive: { url, sha256, name ? \"source\" }.",
        |ev, args| fetch(ev, &args[0], "fetchTarball", true),
    ),
    (
        "fetchTree",
        1,
        "A tree by its kind and place: { type, url, narHash, ... }.",
        fetch_tree,
    ),
    (
        "fetchurl",
        1,
        "A file from a URL: { url, sha256, name ? }.",
        |ev, args| fetch(ev, &args[0], "fetchurl", false),
    ),
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

fn text(ev: &Evaluator, value: &Value, what: &str) -> Result<String> {
    let text = ev.expect_string(value, what)?;
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

fn only(ev: &Evaluator, attrs: &Attrs, builtin: &str, known: &[&str]) -> Result<()> {
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

fn fetch(ev: &Evaluator, argument: &Value, builtin: &str, unpack: bool) -> Result<Value> {
    let argument = ev.force(argument)?;
    let (url, name, sha256) = match &argument {
        Value::Attrs(attrs) => {
            only(ev, attrs, builtin, &["name", "sha256", "url"])?;
            let get = |name: &str| match attrs.get(ev.symbol(name)) {
                Some(attr) => {
                    let value = ev.force_attr(attr)?;
                    text(ev, &value, &format!("`{name}`")).map(Some)
                }
                None => Ok(None),
            };
            let url = get("url")?.ok_or_else(|| ev.lacking(ev.symbol("url"), attrs))?;
            (url, get("name")?, get("sha256")?)
        }
        other => (text(ev, other, "the URL")?, None, None),
    };
    let name = name.unwrap_or_else(|| match unpack {
        true => "source".to_owned(),
        false => path::base_name(&url).to_owned(),
    });
    if let Err(problem) = store_name(&name) {
        return Err(invalid(format!(
            "what is fetched from {url} can't be called that: {problem}; set `name`"
        )));
    }
    let Some(sha256) = sha256 else {
        let what = format!("`builtins.{builtin}` without `sha256`");
        return Err(impure(&what, USE_INPUT));
    };
    let request = FetchRequest {
        name,
        url,
        unpack,
        sha256: Hash::parse_sha256(&sha256).map_err(invalid)?,
    };
    ev.settings.store.fetch(ev, &request)
}

fn fetch_tree(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let argument = ev.force(&args[0])?;
    let attrs = match &argument {
        Value::Attrs(attrs) => Rc::clone(attrs),
        other => {
            let url = text(ev, other, "the reference given to `fetchTree`")?;
            let relative = url
                .strip_prefix("file:")
                .is_some_and(|rest| !rest.starts_with('/'));
            if relative {
                let problem = "a `file:` URL needs an absolute path";
                return Err(invalid(format!("can't fetch {url}: {problem}")));
            }
            return Err(unavailable(
                "`builtins.fetchTree` without `narHash`",
                USE_INPUT,
            ));
        }
    };
    for (name, attr) in ev.sorted(&attrs) {
        if let Value::Int(value @ ..0) = ev.force_attr(attr)? {
            let message = format!("`{name}` of `fetchTree` is negative: {value}");
            return Err(invalid(message).or_at(ev.attr_span(attr)));
        }
    }
    let get = |name: &str| match attrs.get(ev.symbol(name)) {
        Some(attr) => {
            let value = ev.force_attr(attr)?;
            text(ev, &value, &format!("`{name}`")).map(Some)
        }
        None => Ok(None),
    };
    let kind = get("type")?;
    let (Some(url), Some(hash)) = (get("url")?, get("narHash")?) else {
        return Err(unavailable(
            "`builtins.fetchTree` without `narHash`",
            USE_INPUT,
        ));
    };
    let unpack = match kind.as_deref() {
        Some("tarball") => true,
        Some("file") => false,
        _ => {
            let what = "`builtins.fetchTree` of anything but a tarball or file";
            return Err(unavailable(what, USE_INPUT));
        }
    };
    let request = FetchRequest {
        name: "source".to_owned(),
        url,
        unpack,
        sha256: Hash::parse_sha256(&hash).map_err(invalid)?,
    };
    ev.settings.store.fetch(ev, &request)
}
