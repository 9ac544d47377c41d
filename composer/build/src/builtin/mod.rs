//! The builders that are functions of the composer: one file a family.
//!
//! Called by the engine for `Builder::Builtin`. Invariant: a builtin reads its inputs and its
//! parameters and nothing else, so the same action gives the same bytes on every machine.

mod audit;
mod database;
mod describe;
mod disk;
mod distinct;
mod image;
mod merge;
mod package;
mod params;
mod unpack;
mod write;

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::Path;

use xsc_model::{Action, BlobId, BuiltinName, DirectorySource, Node, Param, TreeId};
use xsc_store::Store;

use crate::engine::Engine;
use crate::error::FailureKind;
use image::at;
use params::Params;

/// Runs one builtin and returns its output.
pub(crate) fn run(
    engine: &Engine<'_>,
    name: BuiltinName,
    params: &BTreeMap<String, Param>,
    action: &Action,
    input_names: &[String],
) -> Result<TreeId, FailureKind> {
    let params = Params::new(name, params, action);
    match name {
        BuiltinName::UnpackDeb => unpack::deb(engine.store, &params),
        BuiltinName::UnpackTar => unpack::tar(engine.store, &params),
        BuiltinName::Merge => merge::run(engine.store, &params, input_names),
        BuiltinName::Write => write::run(engine.store, &params),
        BuiltinName::Cpio => image::cpio(engine.store, &params),
        BuiltinName::Fat => image::fat(engine.store, &params),
        BuiltinName::Iso => image::iso(engine.store, &params),
        BuiltinName::Audit => audit::run(engine, &params),
        BuiltinName::Distinct => distinct::run(engine.store, &params),
        BuiltinName::Disk => disk::run(engine.store, &params),
        BuiltinName::Manifest => disk::manifest_text(engine.store, &params, input_names),
        BuiltinName::Oci => image::oci(engine, &params),
        BuiltinName::Tar => image::tar(engine.store, &params),
        BuiltinName::Erofs => image::erofs(engine, &params),
        BuiltinName::Sbom => describe::sbom(engine.store, &params),
        BuiltinName::Sums => describe::sums(engine.store, &params),
        BuiltinName::OciArchive => describe::oci_archive(engine.store, &params),
        BuiltinName::OciIndex => describe::oci_index(engine.store, &params, input_names),
        BuiltinName::Deb => package::deb(engine.store, &params),
        BuiltinName::Rpm => package::rpm(engine.store, &params),
        BuiltinName::Rebase => package::rebased(engine.store, &params),
        BuiltinName::DebRoot => package::root(engine.store, &params),
        BuiltinName::DebOwners => package::owners(engine.store, &params),
    }
}

/// Visits what is in a tree, a directory before its entries, by paths relative to the tree.
pub(crate) fn walk(
    store: &Store,
    tree: TreeId,
    visit: &mut impl FnMut(&str, &Node),
) -> Result<(), FailureKind> {
    let mut left = vec![(String::new(), tree)];
    while let Some((path, tree)) = left.pop() {
        for (name, node) in store.directory(tree)?.entries {
            let path = match path.as_str() {
                "" => name.as_str().to_owned(),
                path => format!("{path}/{name}"),
            };
            visit(&path, &node);
            if let Node::Directory { tree } = node {
                left.push((path, tree));
            }
        }
    }
    Ok(())
}

/// The content of a file; `name` is for errors.
pub(crate) fn blob_bytes(store: &Store, blob: BlobId, name: &str) -> Result<Vec<u8>, FailureKind> {
    let mut bytes = Vec::new();
    let mut reader = BufReader::new(store.open_blob(blob)?);
    reader
        .read_to_end(&mut bytes)
        .map_err(at(Path::new(name)))?;
    Ok(bytes)
}
