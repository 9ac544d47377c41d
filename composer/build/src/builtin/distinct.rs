//! `builtin:distinct`: the tree at `/tree` itself, if nothing of the trees below `/foreign` is in it.
//!
//! A toolchain goes through it, so that no file of the seed leaks out of the bootstrap. Parameter: `roots`, the
//! directories of the tree that are roots of their own when programs run (a sysroot). Two things are refused: an ELF file
//! or an archive of objects whose content a foreign tree has too, and a program whose loader is not in its root.
//! Texts may be equal: two releases of a compiler have the same headers. Invariant: the output is the input.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use xsc_model::{BlobId, MountPoint, Node, TreeId};
use xsc_store::Store;

use super::image::at;
use super::params::Params;
use super::{blob_bytes, walk};
use crate::error::FailureKind;

/// Findings that a failure shows.
const LINES: usize = 40;

pub(crate) fn run(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["roots"])?;
    let mut roots = Vec::new();
    for root in params.strings("roots")? {
        let place =
            MountPoint::new(&root).map_err(|e| params.error(format!("`roots`: `{root}`: {e}")))?;
        roots.push(place.as_str().trim_matches('/').to_owned());
    }
    // The innermost root of a file is the longest that it is in.
    roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
    let mut foreign = BTreeMap::new();
    for (_, tree) in params
        .inputs()
        .filter(|(at, _)| at.starts_with("/foreign/"))
    {
        walk(store, tree, &mut |path, node| {
            if let Node::File { blob, .. } = node {
                foreign.entry(*blob).or_insert_with(|| path.to_owned());
            }
        })?;
    }
    let tree = params.input("/tree")?;
    let mut nodes = BTreeMap::new();
    walk(store, tree, &mut |path, node| {
        nodes.insert(path.to_owned(), node.clone());
    })?;
    let mut found = Vec::new();
    for (path, node) in &nodes {
        let Node::File { blob, .. } = node else {
            continue;
        };
        let Some(code) = code_of(store, *blob, path)? else {
            continue;
        };
        if let Some(theirs) = foreign.get(blob) {
            found.push(format!("`{path}` is `{theirs}` of a foreign tree"));
        } else if code == Code::Elf {
            found.extend(loader(store, &nodes, &roots, path, *blob)?);
        }
    }
    match found.is_empty() {
        true => Ok(tree),
        false => Err(FailureKind::Leak {
            count: found.len(),
            first: found.into_iter().take(LINES).collect(),
        }),
    }
}

/// What a linker takes and a processor runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Code {
    Elf,
    /// Of objects, thin or not, with a member at least.
    Archive,
}

fn code_of(store: &Store, blob: BlobId, path: &str) -> Result<Option<Code>, FailureKind> {
    let mut start = Vec::new();
    store
        .open_blob(blob)?
        .take(9)
        .read_to_end(&mut start)
        .map_err(at(Path::new(path)))?;
    let archive = start.starts_with(b"!<arch>\n") || start.starts_with(b"!<thin>\n");
    Ok(match () {
        () if start.starts_with(b"\x7fELF") => Some(Code::Elf),
        () if archive && start.len() > 8 => Some(Code::Archive),
        () => None,
    })
}

/// What is wrong with the loader that a file asks for.
fn loader(
    store: &Store,
    nodes: &BTreeMap<String, Node>,
    roots: &[String],
    path: &str,
    blob: BlobId,
) -> Result<Option<String>, FailureKind> {
    let bytes = blob_bytes(store, blob, path)?;
    let elf = xsc_package::read_elf(path, &bytes).map_err(|source| FailureKind::Package {
        package: path.to_owned(),
        source,
    })?;
    let Some(interpreter) = elf.and_then(|elf| elf.interpreter) else {
        return Ok(None);
    };
    let root = roots
        .iter()
        .find(|root| path.starts_with(&format!("{root}/")))
        .map_or("", String::as_str);
    match exists(nodes, root, &interpreter) {
        true => Ok(None),
        false => Ok(Some(format!(
            "`{path}` is run by `{interpreter}`, which is not in `/{root}`: link it statically"
        ))),
    }
}

/// If a path leads to a file, links of directories followed within the root.
fn exists(nodes: &BTreeMap<String, Node>, root: &str, path: &str) -> bool {
    let mut left: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let mut at: Vec<String> = Vec::new();
    // No chain of links is longer than Linux follows.
    let mut links = 40;
    while let Some(part) = left.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                at.pop();
                continue;
            }
            _ => at.push(part),
        }
        let here = [root, &at.join("/")].join("/");
        match nodes.get(here.trim_start_matches('/')) {
            None => return false,
            Some(Node::Symlink { target }) => {
                links -= 1;
                if links == 0 {
                    return false;
                }
                at.pop();
                if target.starts_with('/') {
                    at.clear();
                }
                left.extend(target.split('/').rev().map(str::to_owned));
            }
            Some(Node::Directory { .. } | Node::File { .. }) => {}
        }
    }
    !at.is_empty()
}
