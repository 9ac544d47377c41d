//! `builtin:audit`: the ELF files of the tree at `/tree`, audited.
//!
//! Parameters: `require` (`nothing`, `base`, `cfi`), `machine` (`x86_64`, `aarch64` or empty) and
//! `exempt` (path = reason). Invariant: there is an output only if nothing fails, so what has the audit
//! among its inputs can't be made of a tree that does not pass.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use xsc_elf::{Audit, Machine, Policy, Require};
use xsc_model::{BlobId, Node, TreeId};
use xsc_store::{IngestOptions, Store};

use super::params::Params;
use super::walk;
use crate::engine::Engine;
use crate::error::FailureKind;

/// Lines of a report that a failure shows; all of them are in no output, because there is none.
const LINES: usize = 60;

pub(crate) fn run(engine: &Engine<'_>, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["exempt", "machine", "require"])?;
    let require = match params.str("require")? {
        "nothing" => Require::Nothing,
        "base" => Require::Base,
        "cfi" => Require::Cfi,
        other => {
            return Err(params.error(format!(
                "`require` is `{other}`, and must be nothing, base or cfi"
            )));
        }
    };
    let machine = match params.str("machine")? {
        "" => None,
        "x86_64" => Some(Machine::X86_64),
        "aarch64" => Some(Machine::Aarch64),
        other => {
            return Err(params.error(format!(
                "`machine` is `{other}`, and must be x86_64, aarch64 or empty"
            )));
        }
    };
    let policy = Policy::new(require, machine).exempting(exempt(params)?);
    let store = engine.store;
    let mut files = Vec::new();
    walk(store, params.input("/tree")?, &mut |path, node| {
        if let Node::File { blob, .. } = node {
            files.push(Item {
                path: path.to_owned(),
                blob: *blob,
            });
        }
    })?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let threads = engine.options.cores.max(1);
    let open = |item: &Item| store.open_blob(item.blob).map_err(io::Error::other);
    let audit = xsc_elf::audit_all::<_, File>(&files, &policy, threads, open).map_err(
        |(path, source)| FailureKind::Io {
            path: path.into(),
            source,
        },
    )?;
    let text = xsc_elf::text(&audit);
    if !audit.passes() {
        return Err(FailureKind::Audit {
            errors: audit.summary().errors,
            report: shortened(&text),
        });
    }
    write(store, &audit, &text)
}

/// Absolute paths in recipes, as reports have them.
fn exempt(params: &Params<'_>) -> Result<BTreeMap<String, String>, FailureKind> {
    let mut files = BTreeMap::new();
    for (path, reason) in params.string_map("exempt")? {
        match path.strip_prefix('/') {
            Some(relative) if !reason.trim().is_empty() => {
                files.insert(relative.to_owned(), reason);
            }
            Some(_) => return Err(params.error(format!("`exempt`: `{path}` has no reason"))),
            None => {
                let problem = format!("`exempt`: `{path}` is not an absolute path");
                return Err(params.error(problem));
            }
        }
    }
    Ok(files)
}

/// A file of the tree.
struct Item {
    path: String,
    blob: BlobId,
}

impl AsRef<str> for Item {
    fn as_ref(&self) -> &str {
        &self.path
    }
}

/// Warnings give way to errors: they come in the order of paths.
fn shortened(text: &str) -> String {
    let (errors, others): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("error: "));
    let others: Vec<&str> = others
        .into_iter()
        .filter(|line| !line.starts_with("warning: "))
        .collect();
    let mut lines: Vec<String> = errors.iter().take(LINES).map(|&l| l.to_owned()).collect();
    if errors.len() > LINES {
        lines.push(format!("and {} lines more", errors.len() - LINES));
    }
    lines.extend(others.iter().map(|&line| line.to_owned()));
    lines.join("\n")
}

fn write(store: &Store, audit: &Audit, text: &str) -> Result<TreeId, FailureKind> {
    let scratch = store.scratch("audit")?;
    let dir = scratch.path().join("tree");
    let put = |path: &Path, content: &str| {
        std::fs::write(path, content).map_err(|source| FailureKind::Io {
            path: path.to_owned(),
            source,
        })
    };
    std::fs::create_dir(&dir).map_err(|source| FailureKind::Io {
        path: dir.clone(),
        source,
    })?;
    let line = |value: serde_json::Value| format!("{value}\n");
    put(&dir.join("report.txt"), text)?;
    put(&dir.join("report.json"), &line(xsc_elf::json(audit)))?;
    put(&dir.join("report.sarif"), &line(xsc_elf::sarif(audit)))?;
    let tree = store.add_tree(&dir, &IngestOptions::default())?;
    scratch.remove()?;
    Ok(tree)
}
