//! `builtin:deb`, `builtin:rpm`, `builtin:rebase`, `builtin:deb-root` and `builtin:deb-owners`.
//!
//! They join the pure functions of `xsc-package` to the store. Packages come in as trees that hold one `.deb`.
//! Invariant: what trees cannot carry (owner, setuid, odd modes) comes out as a file of its own, made from the same
//! packages, for the image builtins' input `/owners`.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use xsc_image::Kind as ImageKind;
use xsc_model::{DirectorySource, Node, Param, TreeId};
use xsc_package::{
    Alternative, Control, Entry, Kind, Marker, Member, Package, PackageError, PackagePath,
    Provenance, ProvenanceRecord, Provider, RebaseSpec, Root, RootKind, RootSpec, RpmSpec,
    owners_to_json, read_deb, rebase, shared_library_dependencies, show_relations, write_deb,
    write_rpm,
};
use xsc_store::Store;

use super::blob_bytes;
use super::image::{Output, at, manifest};
use super::params::Params;
use crate::error::FailureKind;

/// The record of where a package comes from, beside it.
const RECORD: &str = "provenance.json";

pub(crate) fn deb(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&[
        "architecture",
        "conffiles",
        "depends",
        "description",
        "epoch",
        "fields",
        "maintainer",
        "nodes",
        "package",
        "scripts",
        "triggers",
        "version",
    ])?;
    let epoch = epoch(params)?;
    let files = files(store, params, epoch)?;
    let mut providers = Vec::new();
    for (label, tree) in params.inputs().filter(|(at, _)| at.starts_with("/needs/")) {
        let (name, _, package) = read(store, params, label, tree)?;
        providers.push(Provider::of(&package).map_err(failed(&name))?);
    }
    let name = params.str("package")?;
    let failed_here = || failed(name);
    let mut control = Control::default();
    for (field, param) in [
        ("Package", "package"),
        ("Version", "version"),
        ("Architecture", "architecture"),
        ("Maintainer", "maintainer"),
        ("Description", "description"),
    ] {
        control.set(field, params.str(param)?);
    }
    for (field, value) in params.string_map("fields")? {
        control.set(&field, value);
    }
    let needed = shared_library_dependencies(&files, &providers).map_err(failed_here())?;
    let mut depends = params.strings("depends")?;
    let found = needed.into_iter().map(|relation| vec![relation]);
    depends.extend(found.map(|r| show_relations(&[r])));
    if !depends.is_empty() {
        control.set("Depends", depends.join(", "));
    }
    control.set("XSC-Provenance", Provenance::Rebuilt.as_str());
    let mut package = Package {
        control,
        members: members(params, &files)?,
        files,
    };
    let size = package.installed_size().to_string();
    package.control.set("Installed-Size", size);
    let record = ProvenanceRecord::of(&package.control).map_err(failed_here())?;
    finish(store, params, &package, &record, epoch)
}

fn members(params: &Params<'_>, files: &[Entry]) -> Result<BTreeMap<String, Member>, FailureKind> {
    let mut members = BTreeMap::new();
    for (name, text) in params.string_map("scripts")? {
        let member = Member {
            bytes: text.into_bytes(),
            executable: true,
        };
        members.insert(name, member);
    }
    for (name, lines) in [
        ("conffiles", conffiles(params, files)?),
        ("triggers", params.strings("triggers")?),
    ] {
        if !lines.is_empty() {
            let member = Member {
                bytes: (lines.join("\n") + "\n").into_bytes(),
                executable: false,
            };
            members.insert(name.to_owned(), member);
        }
    }
    Ok(members)
}

/// The configuration files: what the recipe says, and what is below /etc, which is the administrator's.
fn conffiles(params: &Params<'_>, files: &[Entry]) -> Result<Vec<String>, FailureKind> {
    let mut conffiles = params.strings("conffiles")?;
    let regular = files.iter().filter(|e| matches!(e.kind, Kind::File(_)));
    conffiles.extend(
        regular
            .map(|e| e.path.to_string())
            .filter(|path| path.starts_with("/etc/")),
    );
    conffiles.sort();
    conffiles.dedup();
    Ok(conffiles)
}

pub(crate) fn rpm(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&[
        "architecture",
        "conffiles",
        "description",
        "epoch",
        "license",
        "nodes",
        "package",
        "release",
        "requires",
        "summary",
        "url",
        "version",
    ])?;
    let epoch = epoch(params)?;
    let files = files(store, params, epoch)?;
    let text = |name: &str| params.str(name).map(str::to_owned);
    let spec = RpmSpec {
        name: text("package")?,
        version: text("version")?,
        release: text("release")?,
        architecture: text("architecture")?,
        license: text("license")?,
        summary: text("summary")?,
        description: text("description")?,
        url: text("url")?,
        requires: params.strings("requires")?,
        conffiles: conffiles(params, &files)?,
        epoch: u32::try_from(epoch).map_err(|_| params.error("`epoch` is too late for rpm"))?,
    };
    let bytes = write_rpm(&spec, &files).map_err(failed(&spec.name))?;
    let output = Output::new(store)?;
    let RpmSpec {
        name,
        version,
        release,
        architecture,
        ..
    } = &spec;
    let file = format!("{name}-{version}-{release}.{architecture}.rpm");
    put(&output, params, &file, &bytes)?;
    output.finish()
}

pub(crate) fn rebased(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    params.only(&[
        "architecture",
        "drop",
        "epoch",
        "fromArchitecture",
        "minimal",
        "substitute",
        "suffix",
    ])?;
    let archive = params.input("/archive")?;
    let (name, origin_sha256, package) = read(store, params, "/archive", archive)?;
    let spec = RebaseSpec {
        from_architecture: params.str("fromArchitecture")?.to_owned(),
        architecture: params.str("architecture")?.to_owned(),
        suffix: params.str("suffix")?.to_owned(),
        origin_sha256,
        minimal: params.string_map("minimal")?,
        substitute: params.string_map("substitute")?,
        drop: params.strings("drop")?,
    };
    let marker: &Marker<'_> = &|_, bytes| {
        xsc_elf::add_note(bytes, xsc_elf::NoteKind::Base).map_err(|error| vec![error.to_string()])
    };
    let (package, record) = rebase(package, &spec, marker).map_err(failed(&name))?;
    finish(store, params, &package, &record, epoch(params)?)
}

pub(crate) fn root(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    let root = installed(store, params)?;
    let output = Output::new(store)?;
    for (path, entry) in &root.entries {
        let file = output.dir().join(path.relative());
        match &entry.kind {
            RootKind::Directory => std::fs::create_dir(&file).map_err(at(&file))?,
            RootKind::Symlink(target) => {
                std::os::unix::fs::symlink(target, &file).map_err(at(&file))?;
            }
            RootKind::File(bytes) => {
                std::fs::write(&file, bytes).map_err(at(&file))?;
                let mode = if entry.mode & 0o111 == 0 {
                    0o644
                } else {
                    0o755
                };
                let permissions = PermissionsExt::from_mode(mode);
                std::fs::set_permissions(&file, permissions).map_err(at(&file))?;
            }
        }
    }
    output.finish()
}

pub(crate) fn owners(store: &Store, params: &Params<'_>) -> Result<TreeId, FailureKind> {
    let root = installed(store, params)?;
    let output = Output::new(store)?;
    let json = owners_to_json(&root.owners());
    put(&output, params, "owners.json", json.as_bytes())?;
    output.finish()
}

fn installed(store: &Store, params: &Params<'_>) -> Result<Root, FailureKind> {
    params.only(&["alternatives", "architecture", "exclude", "userland"])?;
    let mut packages = Vec::new();
    for (label, tree) in params.inputs() {
        let (_, _, package) = read(store, params, label, tree)?;
        packages.push(package);
    }
    let mut alternatives = Vec::new();
    for (name, value) in params.map("alternatives")? {
        alternatives.extend(choices(params, &name, &value)?);
    }
    let spec = RootSpec {
        architecture: params.str("architecture")?.to_owned(),
        exclude: params.strings("exclude")?,
        alternatives,
        demanded: match params.str("userland")? {
            "any" => None,
            "rebuilt" => Some(Provenance::Rebuilt),
            "rebased" => Some(Provenance::Rebased),
            _ => return Err(params.error("`userland` must be any, rebuilt or rebased")),
        },
    };
    xsc_package::install(&packages, &spec).map_err(failed("the root"))
}

/// One alternative: `{ link = "/usr/bin/awk"; choices = { "/usr/bin/mawk" = 5; }; }`.
fn choices(
    params: &Params<'_>,
    name: &str,
    value: &Param,
) -> Result<Vec<Alternative>, FailureKind> {
    let wrong = || {
        params.error(format!(
            "`alternatives`: `{name}` needs `link` and `choices`"
        ))
    };
    let Param::Map(fields) = value else {
        return Err(wrong());
    };
    let (Some(Param::Str(link)), Some(Param::Map(choices))) =
        (fields.get("link"), fields.get("choices"))
    else {
        return Err(wrong());
    };
    let one = |(path, priority): (&String, &Param)| match priority {
        Param::Int(priority) => Ok(Alternative {
            name: name.to_owned(),
            link: link.clone(),
            path: path.clone(),
            priority: *priority,
        }),
        _ => Err(wrong()),
    };
    choices.iter().map(one).collect()
}

fn failed(package: &str) -> impl FnOnce(PackageError) -> FailureKind + use<> {
    let package = package.to_owned();
    move |source| FailureKind::Package { package, source }
}

fn epoch(params: &Params<'_>) -> Result<u64, FailureKind> {
    u64::try_from(params.int("epoch")?).map_err(|_| params.error("`epoch` is before 1970"))
}

/// The one `.deb` of a tree: its name, SHA-256 and content.
fn read(
    store: &Store,
    params: &Params<'_>,
    label: &str,
    tree: TreeId,
) -> Result<(String, String, Package), FailureKind> {
    let directory = store.directory(tree)?;
    let mut found = directory
        .entries
        .iter()
        .filter_map(|(name, node)| match node {
            Node::File { blob, .. } if name.as_str().ends_with(".deb") => Some((name, *blob)),
            _ => None,
        });
    let (Some((name, blob)), None) = (found.next(), found.next()) else {
        return Err(params.error(format!("the input at `{label}` must hold one .deb")));
    };
    let bytes = blob_bytes(store, blob, name.as_str())?;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let package = read_deb(bytes.as_slice()).map_err(failed(name.as_str()))?;
    Ok((name.as_str().to_owned(), sha256, package))
}

/// The tree at `/tree` with the recipe's `nodes`, as entries of a package.
fn files(store: &Store, params: &Params<'_>, epoch: u64) -> Result<Vec<Entry>, FailureKind> {
    let manifest = manifest(store, params)?;
    let mut files = Vec::new();
    for (path, entry) in manifest.iter() {
        let problem = |what| params.error(format!("`{path}` is {what}, which no package holds"));
        let text = path.to_str().ok_or_else(|| problem("no UTF-8"))?;
        if !entry.xattrs.is_empty() || entry.link.is_some() {
            return Err(problem("a file with extended attributes or hard links"));
        }
        let kind = match &entry.kind {
            ImageKind::File { blob, .. } => Kind::File(blob_bytes(store, *blob, text)?),
            ImageKind::Directory => Kind::Directory,
            ImageKind::Symlink { target } => Kind::Symlink(
                String::from_utf8(target.clone())
                    .map_err(|_| problem("a link that is no UTF-8"))?,
            ),
            ImageKind::CharDevice { .. } | ImageKind::BlockDevice { .. } => {
                return Err(problem("a device"));
            }
            ImageKind::Fifo => return Err(problem("a named pipe")),
            ImageKind::Socket => return Err(problem("a socket")),
        };
        files.push(Entry {
            path: PackagePath::new(text).map_err(failed(text))?,
            kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            mtime: epoch,
        });
    }
    Ok(files)
}

/// Writes a package and its record.
fn finish(
    store: &Store,
    params: &Params<'_>,
    package: &Package,
    record: &ProvenanceRecord,
    epoch: u64,
) -> Result<TreeId, FailureKind> {
    let file = package.file_name().map_err(failed(&record.package))?;
    let mut bytes = Vec::new();
    write_deb(package, epoch, &mut bytes).map_err(failed(&record.package))?;
    let output = Output::new(store)?;
    put(&output, params, &file, &bytes)?;
    put(&output, params, RECORD, record.to_json().as_bytes())?;
    output.finish()
}

fn put(
    output: &Output<'_>,
    params: &Params<'_>,
    name: &str,
    bytes: &[u8],
) -> Result<(), FailureKind> {
    output.file(params, name, |out| {
        out.write_all(bytes).map_err(at(Path::new(name)))
    })
}
