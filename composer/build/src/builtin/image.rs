//! `builtin:cpio`, `builtin:erofs`, `builtin:fat`, `builtin:iso`, `builtin:oci`: images from trees.
//!
//! They join the pure writers of `xsc-image` to the store. `nodes` adds what a tree cannot carry.
//! Invariant: every identifier in an image is derived from the action's id, every time from
//! `epoch`, so equal actions give equal bytes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use xsc_image::{
    BlobSource, Compression, Entry, ImagePath, Kind, Manifest, NewNode, Override, Xattrs, cpio,
    erofs, fat, iso, oci, oci_layers, tar,
};
use xsc_model::{BlobId, DirectorySource, EntryName, Node, Param, System, TreeId};
use xsc_store::{IngestOptions, ScratchDir, Store};

use super::database;
use super::params::Params;
use crate::engine::Engine;
use crate::error::FailureKind;

/// The store as image writers see it.
pub(super) struct Blobs<'a>(pub(super) &'a Store);

impl BlobSource for Blobs<'_> {
    fn open(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.open_blob(id).map_err(io::Error::other)?))
    }
}

/// The label of an input with owners and modes.
const OWNERS: &str = "/owners";

pub(super) fn failed(error: impl Error + Send + Sync + 'static) -> FailureKind {
    FailureKind::Image(Box::new(error))
}

/// A directory being filled with what a builtin writes.
pub(super) struct Output<'a> {
    store: &'a Store,
    scratch: ScratchDir,
    dir: PathBuf,
}

impl<'a> Output<'a> {
    pub(super) fn new(store: &'a Store) -> Result<Self, FailureKind> {
        let scratch = store.scratch("image")?;
        let dir = scratch.path().join("tree");
        std::fs::create_dir(&dir).map_err(at(&dir))?;
        Ok(Output {
            store,
            scratch,
            dir,
        })
    }

    /// Writes one file.
    pub(super) fn file(
        &self,
        params: &Params<'_>,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), FailureKind>,
    ) -> Result<(), FailureKind> {
        let name = EntryName::new(name).map_err(|e| params.error(e.to_string()))?;
        let path = self.dir.join(name.as_str());
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(at(&path))?);
        write(&mut out)?;
        out.flush().map_err(at(&path))
    }

    /// The directory, for what is no file at its top.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn finish(self) -> Result<TreeId, FailureKind> {
        let tree = self.store.add_tree(&self.dir, &IngestOptions::default())?;
        self.scratch.remove()?;
        Ok(tree)
    }
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> FailureKind + use<> {
    let path = path.to_owned();
    move |source| FailureKind::Io { path, source }
}

pub(crate) fn cpio(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["compression", "epoch", "nodes"])?;
    let compression = match params.str_or("compression", "gzip")? {
        "gzip" => Compression::Gzip,
        "zstd" => Compression::Zstd,
        other => {
            let problem = format!("`compression` is \"{other}\", not \"gzip\" or \"zstd\"");
            return Err(params.error(problem));
        }
    };
    let manifest = manifest(store, params)?;
    let spec = cpio::CpioSpec {
        files: &manifest,
        compression,
        epoch: params.int("epoch")?,
    };
    let output = Output::new(store)?;
    output.file(params, "initramfs", |out| {
        cpio::write(&spec, &Blobs(store), out).map_err(failed)
    })?;
    output.finish()
}

pub(crate) fn fat(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["epoch", "label"])?;
    let manifest = manifest(store, params)?;
    let spec = fat::FatSpec {
        label: params.str("label")?,
        files: &manifest,
        fat32: false,
        min_size: 0,
        seed: params.seed(),
        epoch: params.int("epoch")?,
    };
    let output = Output::new(store)?;
    output.file(params, "esp.img", |out| {
        fat::write(&spec, &Blobs(store), out)
            .map(|_| ())
            .map_err(failed)
    })?;
    output.finish()
}

pub(crate) fn tar(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["compression", "epoch", "file", "nodes"])?;
    let compression = params.str_or("compression", "zstd")?;
    let Some(compression) = Compression::from_name(compression) else {
        let problem = format!("`compression` is \"{compression}\", not none, gzip or zstd");
        return Err(params.error(problem));
    };
    let manifest = manifest(store, params)?;
    let epoch = params.int("epoch")?;
    let output = Output::new(store)?;
    output.file(params, params.str("file")?, |out| {
        tar::archive(&manifest, epoch, compression, &Blobs(store), out).map_err(failed)
    })?;
    output.finish()
}

/// Where the boot images stand in the ISO's own file system.
const BIOS_IMAGE: &str = "/boot/grub/eltorito.img";
const EFI_IMAGE: &str = "/boot/grub/efi.img";

pub(crate) fn iso(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["epoch", "file", "volumeId"])?;
    let mut manifest = manifest(store, params)?;
    let loader = params.input("/loader")?;
    let esp = params.input("/esp")?;
    add(
        &mut manifest,
        BIOS_IMAGE,
        file_of(store, params, loader, "eltorito.img")?,
    )?;
    add(
        &mut manifest,
        EFI_IMAGE,
        file_of(store, params, esp, "esp.img")?,
    )?;
    let mut mbr_code = Vec::new();
    if let Kind::File { blob, .. } = file_of(store, params, loader, "boot_hybrid.img")? {
        let mut file = store.open_blob(blob)?;
        file.read_to_end(&mut mbr_code).map_err(failed)?;
    }
    let spec = iso::IsoSpec {
        volume_id: params.str("volumeId")?,
        publisher: "",
        application: "XSC-COMPOSE",
        files: &manifest,
        bios: Some(iso::Bios {
            image: path(BIOS_IMAGE)?,
            mbr_code: &mbr_code,
        }),
        efi: Some(path(EFI_IMAGE)?),
        seed: params.seed(),
        epoch: params.int("epoch")?,
    };
    let output = Output::new(store)?;
    output.file(params, params.str("file")?, |out| {
        iso::write(&spec, &Blobs(store), out)
            .map(|_| ())
            .map_err(failed)
    })?;
    output.finish()
}

pub(crate) fn erofs(engine: &Engine<'_>, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&["compression", "epoch", "file", "label", "nodes"])?;
    let store = engine.store;
    let compression = params.str_or("compression", "lz4")?;
    let Some(compression) = erofs::ErofsCompression::from_name(compression) else {
        let problem = format!("`compression` is \"{compression}\", not \"none\" or \"lz4\"");
        return Err(params.error(problem));
    };
    let manifest = manifest(store, params)?;
    let spec = erofs::ErofsSpec {
        files: &manifest,
        label: params.str_or("label", "")?,
        compression,
        threads: engine.options.cores.max(1),
        seed: params.seed(),
        epoch: params.int("epoch")?,
    };
    let output = Output::new(store)?;
    output.file(params, params.str("file")?, |out| {
        erofs::write(&spec, &Blobs(store), out)
            .map(|_| ())
            .map_err(failed)
    })?;
    output.finish()
}

pub(crate) fn oci(engine: &Engine<'_>, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    let store = engine.store;
    params.only(&[
        "architecture",
        "command",
        "compression",
        "entrypoint",
        "env",
        "epoch",
        "labels",
        "layers",
        "nodes",
        "reference",
        "user",
        "workingDir",
    ])?;
    let manifest = manifest(store, params)?;
    let compression = params.str_or("compression", "gzip")?;
    let Some(compression) = Compression::from_name(compression) else {
        let problem = format!("`compression` is \"{compression}\", not none, gzip or zstd");
        return Err(params.error(problem));
    };
    // The system of a derivation is the machine that builds.
    let native = match params.system() {
        System::X86_64Linux => "amd64",
        System::Aarch64Linux => "arm64",
    };
    let architecture = match params.str_or("architecture", native)? {
        "amd64" => oci::Architecture::Amd64,
        "arm64" => oci::Architecture::Arm64,
        other => {
            let problem = format!("`architecture` is \"{other}\", not \"amd64\" or \"arm64\"");
            return Err(params.error(problem));
        }
    };
    let packages = match params.str_or("layers", "packages")? {
        "packages" => database::packages(store, params, params.input("/tree")?)?,
        "one" => Vec::new(),
        other => {
            let problem = format!("`layers` is \"{other}\", not \"packages\" or \"one\"");
            return Err(params.error(problem));
        }
    };
    let sets = database::sets(&packages);
    let rest = database::SETS.len() - 1;
    let layers = oci_layers::split(&manifest, |path, _| {
        sets.get(path.as_bytes()).copied().unwrap_or(rest)
    });
    let layers = layers.iter().map(|(set, files)| oci::Layer {
        files,
        created_by: match layers.len() {
            1 => "xsc-compose",
            _ => database::SETS[*set],
        },
    });
    let spec = oci::OciSpec {
        layers: layers.collect(),
        architecture,
        reference: params.str("reference")?,
        entrypoint: &params.strings("entrypoint")?,
        command: &params.strings("command")?,
        working_dir: params.str_or("workingDir", "")?,
        user: params.str_or("user", "")?,
        env: &params.string_map("env")?,
        labels: &params.string_map("labels")?,
        compression,
        epoch: params.int("epoch")?,
        threads: engine.options.cores.max(1),
    };
    let output = Output::new(store)?;
    oci::write(&spec, &Blobs(store), output.dir()).map_err(failed)?;
    output.finish()
}

pub(super) fn path(text: &str) -> Result<ImagePath, FailureKind> {
    ImagePath::new(text).map_err(failed)
}

fn add(manifest: &mut Manifest, at: &str, kind: Kind) -> Result<(), FailureKind> {
    let at = path(at)?;
    let mut parents: Vec<ImagePath> =
        std::iter::successors(at.parent(), ImagePath::parent).collect();
    parents.reverse();
    for parent in parents {
        if manifest.get(&parent).is_none() {
            manifest
                .insert(parent, Entry::new(Kind::Directory))
                .map_err(failed)?;
        }
    }
    manifest.insert(at, Entry::new(kind)).map_err(failed)
}

/// The file `name` at the top of a tree.
pub(super) fn file_of(
    store: &Store,
    params: &Params<'_>,
    tree: TreeId,
    name: &str,
) -> Result<Kind, FailureKind> {
    let directory = store.directory(tree)?;
    let key = EntryName::new(name).expect("the names here are valid");
    match directory.entries.get(&key) {
        Some(Node::File { blob, size, .. }) => Ok(Kind::File {
            blob: *blob,
            size: *size,
        }),
        _ => Err(params.error(format!("an input has no file `{name}`"))),
    }
}

/// The tree at `/tree` with what the file at `/owners`, if there is one, and `nodes` say of it.
pub(super) fn manifest(store: &Store, params: &Params<'_>) -> Result<Manifest, FailureKind> {
    let mut overrides = Vec::new();
    for (_, tree) in params.inputs().filter(|(at, _)| *at == OWNERS) {
        overrides.extend(owners(store, params, tree)?);
    }
    for (at, node) in params.map("nodes")? {
        let problem = |problem: &str| params.error(format!("`nodes`: `{at}`: {problem}"));
        let Param::Map(fields) = &node else {
            return Err(problem("expected a set"));
        };
        overrides.push(node_override(&at, fields, &problem)?);
    }
    Manifest::from_tree(params.input("/tree")?, store, &overrides).map_err(failed)
}

/// What `builtin:deb-owners` wrote.
fn owners(store: &Store, params: &Params<'_>, tree: TreeId) -> Result<Vec<Override>, FailureKind> {
    let Kind::File { blob, .. } = file_of(store, params, tree, "owners.json")? else {
        return Err(params.error("owners.json is no file"));
    };
    let mut json = String::new();
    let mut file = store.open_blob(blob)?;
    file.read_to_string(&mut json).map_err(failed)?;
    let owners = xsc_package::owners_from_json(&json).map_err(failed)?;
    let change = |owner: xsc_package::Owner| {
        Ok(Override {
            mode: Some(owner.mode),
            uid: Some(owner.uid),
            gid: Some(owner.gid),
            ..Override::new(path(owner.path.as_str())?)
        })
    };
    owners.into_iter().map(change).collect()
}

/// Extended attributes of a node: values in hexadecimal by full name.
fn xattrs(
    given: Option<&Param>,
    problem: &dyn Fn(&str) -> FailureKind,
) -> Result<Xattrs, FailureKind> {
    let bad = || problem("`xattrs` must be a set of strings of hexadecimal digits, two a byte");
    let mut xattrs = Xattrs::new();
    let map = match given {
        None => return Ok(xattrs),
        Some(Param::Map(map)) => map,
        Some(_) => return Err(bad()),
    };
    for (name, value) in map {
        let Param::Str(digits) = value else {
            return Err(bad());
        };
        let byte = |pair: &[u8]| {
            let text = std::str::from_utf8(pair)
                .ok()
                .filter(|t| !t.contains('+'))?;
            u8::from_str_radix(text, 16).ok()
        };
        let pairs = digits.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = pairs
            .map(|pair| byte(pair).filter(|_| pair.len() == 2))
            .collect();
        xattrs.insert(name.clone().into_bytes(), bytes.ok_or_else(bad)?);
    }
    Ok(xattrs)
}

/// One entry of `nodes`: `type`, `mode`, and for devices `major` and `minor`.
fn node_override(
    at: &str,
    fields: &BTreeMap<String, Param>,
    problem: &dyn Fn(&str) -> FailureKind,
) -> Result<Override, FailureKind> {
    let known = [
        "type", "mode", "uid", "gid", "major", "minor", "target", "xattrs",
    ];
    if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(problem(&format!(
            "unknown field `{name}`; known: {}",
            known.join(", ")
        )));
    }
    let text = |name: &str| match fields.get(name) {
        Some(Param::Str(value)) => Some(value.as_str()),
        _ => None,
    };
    let number = |name: &str| -> Result<Option<u32>, FailureKind> {
        match fields.get(name) {
            None => Ok(None),
            Some(Param::Int(value)) => u32::try_from(*value)
                .map(Some)
                .map_err(|_| problem(&format!("`{name}` is out of range"))),
            Some(_) => Err(problem(&format!("`{name}` must be an integer"))),
        }
    };
    let device = || -> Result<(u32, u32), FailureKind> {
        match (number("major")?, number("minor")?) {
            (Some(major), Some(minor)) => Ok((major, minor)),
            _ => Err(problem("a device needs `major` and `minor`")),
        }
    };
    let create = match text("type") {
        None => None,
        Some("directory") => Some(NewNode::Directory),
        Some("fifo") => Some(NewNode::Fifo),
        Some("socket") => Some(NewNode::Socket),
        Some("hardlink") => match text("target") {
            Some(target) => Some(NewNode::HardLink(
                ImagePath::new(target).map_err(|e| problem(&e.to_string()))?,
            )),
            None => {
                return Err(problem(
                    "a hard link needs `target`, the path of the other name",
                ));
            }
        },
        Some("char") => device().map(|(major, minor)| Some(NewNode::CharDevice(major, minor)))?,
        Some("block") => device().map(|(major, minor)| Some(NewNode::BlockDevice(major, minor)))?,
        Some("symlink") => match text("target") {
            Some(target) => Some(NewNode::Symlink(target.into())),
            None => return Err(problem("a symbolic link needs `target`")),
        },
        Some(_) => {
            return Err(problem(
                "`type` must be directory, char, block, fifo, socket, hardlink or symlink",
            ));
        }
    };
    let mode = match fields.get("mode") {
        None => None,
        Some(Param::Str(octal)) => Some(
            u32::from_str_radix(octal, 8)
                .map_err(|_| problem("`mode` must be octal digits, such as \"0755\""))?,
        ),
        Some(_) => return Err(problem("`mode` must be a string of octal digits")),
    };
    Ok(Override {
        mode,
        uid: number("uid")?,
        gid: number("gid")?,
        xattrs: xattrs(fields.get("xattrs"), problem)?,
        create,
        ..Override::new(ImagePath::new(at).map_err(|e| problem(&e.to_string()))?)
    })
}
