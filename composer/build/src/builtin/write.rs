//! `builtin:write`: a tree of texts and symbolic links that a recipe says in full.
//!
//! Parameters: `files` (path = text), `executable` (paths among them), `links` (path = target). What modules render
//! becomes a tree here. Invariant: no shell and no input is involved, so the tree is a function of the parameters.

use std::collections::BTreeSet;

use xsc_model::{MountPoint, TreeId};
use xsc_store::{IngestOptions, Store};

use super::params::Params;
use crate::error::FailureKind;

pub(crate) fn run(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["executable", "files", "links"])?;
    let files = params.string_map("files")?;
    let links = params.string_map("links")?;
    let executable: BTreeSet<String> = params.strings("executable")?.into_iter().collect();
    if let Some(path) = executable.iter().find(|path| !files.contains_key(*path)) {
        return Err(params.error(format!("`executable`: `{path}` is not in `files`")));
    }
    if let Some(path) = links.keys().find(|path| files.contains_key(*path)) {
        return Err(params.error(format!("`{path}` is in `files` and in `links`")));
    }
    let mut tree = store.tree_builder()?;
    for (path, text) in &files {
        let at = relative(params, "files", path)?;
        tree.file(&at, text.as_bytes(), executable.contains(path))?;
    }
    for (path, target) in &links {
        let at = relative(params, "links", path)?;
        tree.symlink(&at, target)?;
    }
    Ok(tree.finish(&IngestOptions::default())?)
}

fn relative(params: &Params<'_>, list: &str, path: &str) -> Result<String, FailureKind> {
    let place =
        MountPoint::new(path).map_err(|e| params.error(format!("`{list}`: `{path}`: {e}")))?;
    if place.is_root() {
        return Err(params.error(format!("`{list}`: `/` is a directory")));
    }
    Ok(place.as_str().trim_start_matches('/').to_owned())
}
