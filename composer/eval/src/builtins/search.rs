//! The search path: `findFile`, which `<x>` stands for, and `nixPath`, the list that the host gives.
//!
//! Invariant: without entries from the host every look-up through `nixPath` is an error that says what to
//! write; a file that entries do not have is an error that `tryEval` catches, as in Nix.

use super::{Result, Row};
use crate::error::ErrorKind;
use crate::evaluator::Evaluator;
use crate::interp::Coercion;
use crate::path;
use crate::settings::SearchEntry;
use crate::value::Value;

pub(super) const ALL: &[Row] = &[(
    "findFile",
    2,
    "Looks for a name in a list of { prefix, path }; `<x>` is `findFile nixPath \"x\"`.",
    find_file,
)];

/// The value of `builtins.nixPath`.
pub(super) fn nix_path(ev: &Evaluator) -> Result<Value> {
    if !ev.settings.has_search_path() {
        return Err(super::impure::no_search_path("`builtins.nixPath`"));
    }
    let entries = ev.settings.search_path.iter().map(|entry| {
        ev.make_attrs([
            ("prefix", Value::from(&*entry.prefix)),
            ("path", Value::from(&*entry.path)),
        ])
    });
    Ok(Value::list(entries.collect::<Vec<_>>()))
}

fn find_file(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let list = ev.expect_list(&args[0], "the first argument of `findFile`")?;
    let name = ev.expect_plain_string(&args[1], "the second argument of `findFile`")?;
    let name = ev.utf8(&name, "the second argument of `findFile`")?;
    for item in list.iter() {
        let attrs = ev.expect_attrs(item, "an entry of the search path")?;
        let prefix = match attrs.get(ev.symbol("prefix")) {
            Some(attr) => ev.expect_plain_string(&ev.force_attr(attr)?, "`prefix`")?,
            None => std::rc::Rc::new("".into()),
        };
        let path_name = ev.symbol("path");
        let attr = attrs
            .get(path_name)
            .ok_or_else(|| ev.lacking(path_name, &attrs))?;
        let path = ev.coerced(&ev.force_attr(attr)?, Coercion::PathPart)?;
        let entry = SearchEntry {
            prefix: ev.utf8(&prefix, "`prefix`")?.into(),
            path: ev.utf8(&path, "`path`")?.into(),
        };
        if let Some(found) = look_up(ev, &entry, name)? {
            return Ok(found);
        }
    }
    for entry in &ev.settings.search_defaults {
        if let Some(found) = look_up(ev, entry, name)? {
            return Ok(found);
        }
    }
    let message = format!("`{name}` is not in the search path");
    Err(ErrorKind::Throw { message }.into())
}

/// What `name` means in an entry, if there is such a file.
fn look_up(ev: &Evaluator, entry: &SearchEntry, name: &str) -> Result<Option<Value>> {
    let rest = match &*entry.prefix {
        "" => name,
        prefix => match name.strip_prefix(prefix) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
            _ => return Ok(None),
        },
    };
    // A relative entry would depend on the directory that the composer was started in.
    if !entry.path.starts_with('/') {
        return Ok(None);
    }
    let path = path::absolute(&format!("{}/{rest}", entry.path), || ev.io.root())?;
    ev.note_read(path.as_str());
    let exists = super::paths::io(ev.io.path_exists(path.as_str()))?;
    Ok(exists.then_some(Value::Path(path)))
}
