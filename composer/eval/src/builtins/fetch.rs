//! Downloads: arguments are checked here, the host's store does the rest.
//!
//! Invariant: nothing is asked of a store without the hash of its content; without one the error says what
//! to write.

use std::rc::Rc;

use super::impure::{USE_INPUT, impure};
use super::sources::{only, text};
use super::{Result, Row, invalid};
use crate::evaluator::Evaluator;
use crate::hash::Hash;
use crate::path;
use crate::store::{FetchRequest, store_name, unavailable};
use crate::value::Value;

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
];

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
