//! `builtin:unpack-deb` and `builtin:unpack-tar`: the one file at `/archive`, unpacked.
//!
//! Parameters: `exclude` and `include` (patterns of paths after stripping), and for a tar archive
//! `strip` (leading directories to drop). Invariant: maintainer scripts are never looked at, and
//! an entry that leaves the tree is an error.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use xsc_fetch::{Compression, UnpackError, UnpackOptions, Unpacked};
use xsc_model::{DirectorySource, Node, TreeId};
use xsc_store::{IngestOptions, Store};

use super::params::Params;
use crate::error::FailureKind;

pub(crate) fn deb(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["exclude", "include"])?;
    let options = UnpackOptions {
        usr_merge: true,
        ..options(params)?
    };
    unpack(store, params, |archive, _, dest| {
        xsc_fetch::unpack_deb(archive, dest, &options)
    })
}

pub(crate) fn tar(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["exclude", "include", "strip"])?;
    let strip = params.int("strip")?;
    let strip_components =
        usize::try_from(strip).map_err(|_| params.error("`strip` is negative"))?;
    let options = UnpackOptions {
        strip_components,
        ..options(params)?
    };
    unpack(store, params, |archive, compression, dest| {
        xsc_fetch::unpack_tar(archive, compression, dest, &options)
    })
}

fn options(params: &Params<'_>) -> Result<UnpackOptions, FailureKind> {
    Ok(UnpackOptions {
        exclude: params.strings("exclude")?,
        include: params.strings("include")?,
        ..UnpackOptions::default()
    })
}

fn unpack(
    store: &Store,
    params: &Params<'_>,
    run: impl FnOnce(BufReader<File>, Compression, &Dir) -> Result<Unpacked, UnpackError>,
) -> Result<TreeId, FailureKind> {
    let directory = store.directory(params.input("/archive")?)?;
    let mut entries = directory.entries.iter();
    let (name, blob) = match (entries.next(), entries.next()) {
        (Some((name, Node::File { blob, .. })), None) => (name.as_str().to_owned(), *blob),
        _ => return Err(params.error("the input at `/archive` must hold one file and no more")),
    };
    let compression = Compression::of_name(&name).unwrap_or(Compression::None);
    let archive = store.open_blob(blob)?;
    let scratch = store.scratch("unpack")?;
    let staged = scratch.path().join("tree");
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| FailureKind::Io { path, source }
    };
    std::fs::create_dir(&staged).map_err(io(&staged))?;
    let dest = Dir::open_ambient_dir(&staged, ambient_authority()).map_err(io(&staged))?;
    run(
        BufReader::with_capacity(1 << 18, archive),
        compression,
        &dest,
    )
    .map_err(|source| FailureKind::Unpack { file: name, source })?;
    drop(dest);
    let tree = store.add_tree(&staged, &IngestOptions::default())?;
    scratch.remove()?;
    Ok(tree)
}
