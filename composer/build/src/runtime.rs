//! What programs need when they run: which tree has the library or the loader that a file names.
//!
//! `why-depends --runtime` calls it. Invariant: only what ELF files and `#!` lines say counts, so
//! a program that is started by name from another's text is not seen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read;

use xsc_model::{BlobId, DrvId, Node, TreeId};
use xsc_store::Store;

use crate::builtin::{blob_bytes, walk};
use crate::error::FailureKind;

/// One step of a chain: a file of `from` names something that `to` has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Whose file it is.
    pub from: DrvId,
    /// The file.
    pub file: String,
    /// The library, loader or interpreter that it names.
    pub needs: String,
    /// Who has that.
    pub to: DrvId,
}

/// What a tree has and what its files name.
#[derive(Debug, Default)]
struct Side {
    /// Base names of libraries, and paths.
    has: BTreeSet<String>,
    /// What files name: by name, one file each.
    names: BTreeMap<String, String>,
}

/// The shortest chain of needs from one of `from` to one of `to`; `among` are all that may be on
/// the way, each with its trees. Where several have a library, all are followed.
pub fn runtime_chain(
    store: &Store,
    among: &BTreeMap<DrvId, Vec<TreeId>>,
    from: &[DrvId],
    to: &[DrvId],
) -> Result<Option<Vec<Need>>, FailureKind> {
    let mut sides = BTreeMap::new();
    let mut providers: BTreeMap<String, Vec<DrvId>> = BTreeMap::new();
    for (id, trees) in among {
        let side = side_of(store, trees)?;
        for name in &side.has {
            providers.entry(name.clone()).or_default().push(*id);
        }
        sides.insert(*id, side);
    }
    let mut reached: BTreeMap<DrvId, Option<Need>> = BTreeMap::new();
    let mut queue: VecDeque<DrvId> = VecDeque::new();
    for id in from {
        reached.insert(*id, None);
        queue.push_back(*id);
    }
    while let Some(id) = queue.pop_front() {
        if to.contains(&id) && reached[&id].is_some() {
            let mut chain = Vec::new();
            let mut at = id;
            while let Some(need) = &reached[&at] {
                chain.push(need.clone());
                at = need.from;
            }
            chain.reverse();
            return Ok(Some(chain));
        }
        for (needs, file) in sides.get(&id).into_iter().flat_map(|side| &side.names) {
            for provider in providers.get(needs).into_iter().flatten() {
                reached.entry(*provider).or_insert_with(|| {
                    queue.push_back(*provider);
                    Some(Need {
                        from: id,
                        file: file.clone(),
                        needs: needs.clone(),
                        to: *provider,
                    })
                });
            }
        }
    }
    Ok(None)
}

fn side_of(store: &Store, trees: &[TreeId]) -> Result<Side, FailureKind> {
    let mut side = Side::default();
    for tree in trees {
        let mut nodes: Vec<(String, Node)> = Vec::new();
        walk(store, *tree, &mut |path, node| {
            nodes.push((path.to_owned(), node.clone()));
        })?;
        for (path, node) in nodes {
            let base = path.rsplit('/').next().unwrap_or_default();
            if base.contains(".so") {
                side.has.insert(base.to_owned());
            }
            side.has.insert(format!("/{path}"));
            let Node::File { blob, .. } = node else {
                continue;
            };
            for name in named(store, blob, &path)? {
                side.names.entry(name).or_insert_with(|| path.clone());
            }
        }
    }
    // What a tree has itself it does not need from another.
    let Side { has, names } = &mut side;
    names.retain(|name, _| !has.contains(name));
    Ok(side)
}

/// The libraries and the interpreter that a file names.
fn named(store: &Store, blob: BlobId, path: &str) -> Result<Vec<String>, FailureKind> {
    let mut start = Vec::new();
    store
        .open_blob(blob)?
        .take(256)
        .read_to_end(&mut start)
        .map_err(|source| FailureKind::Io {
            path: path.into(),
            source,
        })?;
    if let Some(line) = start.strip_prefix(b"#!") {
        let line = line.split(|b| *b == b'\n').next().unwrap_or_default();
        let word = String::from_utf8_lossy(line);
        let word = word.split_whitespace().next().map(str::to_owned);
        return Ok(word.map(|word| merged(&word)).into_iter().collect());
    }
    if !start.starts_with(b"\x7fELF") {
        return Ok(Vec::new());
    }
    let bytes = blob_bytes(store, blob, path)?;
    // One that cannot be read is some test's data.
    let Ok(Some(elf)) = xsc_package::read_elf(path, &bytes) else {
        return Ok(Vec::new());
    };
    let mut names = elf.needed;
    names.extend(elf.interpreter.as_deref().map(merged));
    Ok(names)
}

/// The path where `/bin`, `/sbin` and `/lib*` are links into `/usr`.
fn merged(path: &str) -> String {
    let top = path.trim_start_matches('/').split('/').next();
    match top {
        Some("bin" | "sbin" | "lib" | "lib64") => format!("/usr{path}"),
        _ => path.to_owned(),
    }
}
