//! `builtin:sbom`, `builtin:sums`, `builtin:oci-archive`, `builtin:oci-index`: what stands beside an image, or around
//! images.
//!
//! Invariant: they read their inputs and nothing else, so what they say of an image is as reproducible as the image.

use std::fs::File;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};
use xsc_image::{oci_bundle, sbom};
use xsc_model::{Node, TreeId};
use xsc_store::{IngestOptions, Store};

use super::database;
use super::image::{Output, failed};
use super::params::Params;
use super::walk;
use crate::error::FailureKind;

/// An SPDX document of the packages that the tree at `/tree` has, in a file `file`.
pub(crate) fn sbom(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["epoch", "file", "title"])?;
    let packages = database::packages(store, params, params.input("/tree")?)?;
    let packages: Vec<_> = packages.into_iter().map(|found| found.package).collect();
    let spec = sbom::SbomSpec {
        name: params.str("title")?,
        packages: &packages,
        seed: params.seed(),
        epoch: params.int("epoch")?,
    };
    let text = sbom::write(&spec).map_err(failed)?;
    let output = Output::new(store)?;
    output.file(params, params.str("file")?, |out| {
        out.write_all(text.as_bytes()).map_err(failed)
    })?;
    output.finish()
}

/// `SHA256SUMS` of every file of the tree at `/tree`, as `sha256sum --check` reads it.
pub(crate) fn sums(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&[])?;
    let mut files = Vec::new();
    walk(store, params.input("/tree")?, &mut |path, node| {
        if let Node::File { blob, size, .. } = node {
            files.push((path.to_owned(), *blob, *size));
        }
    })?;
    files.sort();
    let mut text = String::new();
    for (path, blob, size) in files {
        if path.contains(['\n', '\\']) {
            let problem = format!("`{path}` has a name that SHA256SUMS cannot say");
            return Err(params.error(problem));
        }
        let mut hasher = Sha256::new();
        if size > 0 {
            let mut file: File = store.open_blob(blob)?;
            io::copy(&mut file, &mut Hashing(&mut hasher)).map_err(failed)?;
        }
        let digest = hex::encode(hasher.finalize());
        text.push_str(&format!("{digest}  {path}\n"));
    }
    let mut tree = store.tree_builder()?;
    tree.file("SHA256SUMS", text.as_bytes(), false)?;
    Ok(tree.finish(&IngestOptions::default())?)
}

/// Passes what is written to a hasher.
struct Hashing<'a>(&'a mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The OCI layout at `/layout` as an archive that `docker load` and `skopeo` read, in a file `file`.
pub(crate) fn oci_archive(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["epoch", "file", "reference"])?;
    let layout = store.tree_path(&params.input("/layout")?)?;
    let output = Output::new(store)?;
    output.file(params, params.str("file")?, |out| {
        let epoch = params.int("epoch")?;
        oci_bundle::archive(&layout, params.str("reference")?, epoch, out).map_err(failed)
    })?;
    output.finish()
}

/// The OCI layouts at `/layouts/...`, of one image each, as one layout with an image for each processor.
pub(crate) fn oci_index(
    store: &Store,
    params: &Params<'_>,
    names: &[String],
) -> Result<TreeId, FailureKind> {
    params.only(&["reference"])?;
    let mut layouts = Vec::new();
    for (index, (at, tree)) in params.inputs().enumerate() {
        if !at.starts_with("/layouts/") {
            return Err(params.error(format!("it takes layouts below `/layouts`, not `{at}`")));
        }
        let name = names.get(index).map_or(at, String::as_str);
        layouts.push((name, store.tree_path(&tree)?));
    }
    let parts: Vec<_> = layouts
        .iter()
        .map(|(name, layout)| oci_bundle::Part { name, layout })
        .collect();
    let output = Output::new(store)?;
    oci_bundle::join(&parts, params.str("reference")?, output.dir()).map_err(failed)?;
    output.finish()
}
