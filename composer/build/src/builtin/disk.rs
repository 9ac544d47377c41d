//! `builtin:disk` and `builtin:manifest`: a disk with a partition table, and what is in a root.
//!
//! They join the writers of `xsc-image` to the store. Invariant: as of all images, every
//! identifier is derived from the action's id and every time from `epoch`; how many processors
//! there are shows in the time only.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use xsc_image::disk::{self, Architecture, Bios, DiskSpec, RootError};
use xsc_image::erofs::{self, ErofsCompression, ErofsSpec};
use xsc_image::ext4::{self, Ext4Spec};
use xsc_image::{ImagePath, Kind, Manifest, Origin, qcow2};
use xsc_model::{Node, System, TreeId};
use xsc_store::Store;

use super::image::{Blobs, Output, at, failed, file_of, manifest, path};
use super::params::Params;
use super::walk;
use crate::error::FailureKind;

const MIB: u64 = 1 << 20;

pub(crate) fn run(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&[
        "epoch",
        "file",
        "filesystem",
        "format",
        "free",
        "label",
        "menu",
        "nodes",
        "size",
        "verity",
    ])?;
    let files = manifest(store, params)?;
    let esp = Manifest::from_tree(params.input("/esp")?, store, &[]).map_err(failed)?;
    let loader = match params.inputs().find(|(at, _)| *at == "/loader") {
        None => None,
        Some((_, tree)) => Some((
            bytes(store, params, tree, "boot.img")?,
            bytes(store, params, tree, "core.img")?,
        )),
    };
    let megabytes = |name: &str| -> Result<u64, FailureKind> {
        let value = params.int(name)?;
        u64::try_from(value)
            .ok()
            .and_then(|value| value.checked_mul(MIB))
            .ok_or_else(|| params.error(format!("`{name}` is {value}, which is no number of MiB")))
    };
    let size = match params.has("size") {
        true => Some(megabytes("size")?),
        false => None,
    };
    let verity = params.bool("verity")?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (label, seed, epoch) = (
        params.str_or("label", "root")?,
        params.seed(),
        params.int("epoch")?,
    );
    let free = megabytes("free")?;
    let ext4 = |out: &File, base: u64| -> Result<u64, RootError> {
        let root = Ext4Spec {
            label,
            files: &files,
            size,
            free,
            seed,
            epoch,
            threads,
        };
        Ok(ext4::write(&root, &Blobs(store), out, base)?)
    };
    let erofs = |mut out: &File, base: u64| -> Result<u64, RootError> {
        let root = ErofsSpec {
            label,
            files: &files,
            compression: ErofsCompression::Lz4,
            seed,
            epoch,
            threads,
        };
        out.seek(SeekFrom::Start(base))?;
        let mut buffered = BufWriter::with_capacity(1 << 20, out);
        Ok(erofs::write(&root, &Blobs(store), &mut buffered)?)
    };
    let (root, read_only): (disk::WriteRoot<'_>, bool) = match params
        .str_or("filesystem", "ext4")?
    {
        "ext4" => (&ext4, false),
        "erofs" if size.is_some() || free > 0 => {
            return Err(params
                .error("a root of EROFS is as large as its files: no `size`, and `free` is 0"));
        }
        "erofs" => (&erofs, true),
        other => {
            let problem = format!("`filesystem` is \"{other}\", not \"ext4\" or \"erofs\"");
            return Err(params.error(problem));
        }
    };
    let menu = path("/grub/grub.cfg")?;
    let spec = DiskSpec {
        esp: &esp,
        menu: Some((menu, params.str("menu")?)),
        bios: (loader.as_ref()).map(|(boot, core)| Bios { boot, core }),
        architecture: match params.system() {
            System::X86_64Linux => Architecture::X86_64,
            System::Aarch64Linux => Architecture::Aarch64,
        },
        root,
        read_only,
        verity,
        seed,
        epoch,
        threads,
    };
    let write = |place: &Path| -> Result<(File, u64), FailureKind> {
        let mut file = (File::options().read(true).write(true).create_new(true))
            .open(place)
            .map_err(at(place))?;
        let disk = disk::write(&spec, &Blobs(store), &mut file).map_err(failed)?;
        Ok((file, disk.size))
    };
    let output = Output::new(store)?;
    let name = params.str("file")?;
    match params.str_or("format", "raw")? {
        "raw" => {
            // Made by the name first, so that a bad one is an error of the parameter.
            output.file(params, name, |_| Ok(()))?;
            let place = output.dir().join(name);
            std::fs::remove_file(&place).map_err(at(&place))?;
            write(&place)?;
        }
        "qcow2" => {
            let scratch = store.scratch("disk")?;
            let place = scratch.path().join("raw");
            let (raw, size) = write(&place)?;
            output.file(params, name, |out| {
                qcow2::write(&raw, size, out)
                    .map(|_| ())
                    .map_err(at(&place))
            })?;
            scratch.remove()?;
        }
        other => {
            let problem = format!("`format` is \"{other}\", not \"raw\" or \"qcow2\"");
            return Err(params.error(problem));
        }
    }
    output.finish()
}

/// The tree at `/tree` with all that images say of it, as text.
///
/// Inputs below `/parts` are trees that it was made of; `names` says what people call them. An
/// entry comes from the last of them that has the same file or link at its path.
pub(crate) fn manifest_text(
    store: &Store,
    params: &Params<'_>,
    names: &[String],
) -> Result<TreeId, FailureKind> {
    params.only(&["file", "nodes"])?;
    let mut manifest = manifest(store, params)?;
    for (index, (at, tree)) in params.inputs().enumerate() {
        if !at.starts_with("/parts/") {
            continue;
        }
        let origin = Origin::new(names.get(index).map_or(at, String::as_str));
        let mut found = Vec::new();
        walk(store, tree, &mut |below, node| {
            if let Ok(path) = ImagePath::new(format!("/{below}"))
                && manifest
                    .get(&path)
                    .is_some_and(|entry| same(&entry.kind, node))
            {
                found.push(path);
            }
        })?;
        for path in found {
            manifest.set_origin(&path, origin.clone());
        }
    }
    let text = manifest.to_text();
    let output = Output::new(store)?;
    let name = params.str("file")?;
    output.file(params, name, |out| {
        out.write_all(text.as_bytes()).map_err(at(Path::new(name)))
    })?;
    output.finish()
}

/// Whether a tree's node is what an image has; directories belong to nobody.
fn same(kind: &Kind, node: &Node) -> bool {
    match (kind, node) {
        (Kind::File { blob, .. }, Node::File { blob: other, .. }) => blob == other,
        (Kind::Symlink { target }, Node::Symlink { target: other }) => target == other.as_bytes(),
        _ => false,
    }
}

/// The content of a file at the top of a tree.
fn bytes(
    store: &Store,
    params: &Params<'_>,
    tree: TreeId,
    name: &str,
) -> Result<Vec<u8>, FailureKind> {
    let mut bytes = Vec::new();
    if let Kind::File { blob, .. } = file_of(store, params, tree, name)? {
        let mut file = store.open_blob(blob)?;
        file.read_to_end(&mut bytes).map_err(at(Path::new(name)))?;
    }
    Ok(bytes)
}
