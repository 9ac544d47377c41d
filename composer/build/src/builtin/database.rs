//! What dpkg's database in a tree says: packages for the bill of materials, and sets of packages for layers.
//!
//! The builtins `sbom` and `oci` ask. Invariant: a tree without a database has no packages; one that cannot be read is
//! an error, because a bill of materials that leaves packages out is worse than none.

use std::collections::BTreeMap;
use std::io::Read;

use xsc_image::sbom::SbomPackage;
use xsc_model::{BlobId, DirectorySource, EntryName, Node, TreeId};
use xsc_package::{Control, Provenance, ProvenanceRecord};
use xsc_store::Store;

use super::image::failed;
use super::params::Params;
use crate::error::FailureKind;

/// Sets of packages, from what all images of a distribution share to what only one has.
pub(super) const SETS: [&str; 4] = [
    "packages that every system has",
    "packages of a usual system",
    "other packages",
    "files of no package",
];

/// One package of the database.
pub(super) struct Installed {
    pub(super) package: SbomPackage,
    /// An index of [`SETS`].
    pub(super) set: usize,
    /// Its files, with a leading `/`.
    pub(super) files: Vec<String>,
}

/// The packages that a tree's database lists as installed.
pub(super) fn packages(
    store: &Store,
    params: &Params<'_>,
    tree: TreeId,
) -> Result<Vec<Installed>, FailureKind> {
    let Some(dpkg) = directory(store, tree, &["var", "lib", "dpkg"])? else {
        return Ok(Vec::new());
    };
    let Some(status) = text(store, dpkg, "status")? else {
        return Ok(Vec::new());
    };
    let info = directory(store, dpkg, &["info"])?;
    let mut found = Vec::new();
    for paragraph in status.split("\n\n").filter(|text| !text.trim().is_empty()) {
        let control = Control::parse(paragraph)
            .map_err(|error| params.error(format!("/var/lib/dpkg/status: {error}")))?;
        if !control
            .get("Status")
            .unwrap_or_default()
            .ends_with(" installed")
        {
            continue;
        }
        let field = |name: &str| control.get(name).map(|text| text.trim().to_owned());
        let (name, version) = (
            field("Package").unwrap_or_default(),
            field("Version").unwrap_or_default(),
        );
        let architecture = field("Architecture").unwrap_or_default();
        let mut files = Vec::new();
        if let Some(info) = info {
            for list in [
                format!("{name}.list"),
                format!("{name}:{architecture}.list"),
            ] {
                let list = text(store, info, &list)?.unwrap_or_default();
                files.extend(list.lines().map(str::to_owned));
            }
        }
        let set = match (field("Essential").as_deref(), field("Priority").as_deref()) {
            (Some("yes"), _) | (_, Some("required")) => 0,
            (_, Some("important" | "standard")) => 1,
            _ => 2,
        };
        let source = field("Source").map(|source| match source.split_once(" (") {
            Some((name, version)) => (name.to_owned(), version.trim_end_matches(')').to_owned()),
            None => (source, version.clone()),
        });
        let summary = field("Description");
        let package = SbomPackage {
            source: source.or_else(|| Some((name.clone(), version.clone()))),
            name,
            version,
            architecture,
            maintainer: field("Maintainer"),
            homepage: field("Homepage"),
            summary: summary.and_then(|text| text.lines().next().map(str::to_owned)),
            sha256: None,
            comment: came(&control),
        };
        found.push(Installed {
            package,
            set,
            files,
        });
    }
    Ok(found)
}

/// How a package came to be, as its control paragraph says.
fn came(control: &Control) -> Option<String> {
    let record = ProvenanceRecord::of(control).ok()?;
    match record.provenance {
        Provenance::Rebuilt => Some("built from source by a recipe of XSC".to_owned()),
        Provenance::Rebased => {
            let version = record.origin_version.unwrap_or_default();
            let sum = record.origin_sha256.unwrap_or_default();
            Some(format!(
                "the distribution's binary package, version {version}, SHA-256 {sum}, audited and marked"
            ))
        }
        Provenance::Unknown => None,
    }
}

/// Which of [`SETS`] each path belongs to; what two packages have belongs to the more common set.
pub(super) fn sets(packages: &[Installed]) -> BTreeMap<&[u8], usize> {
    let mut sets: BTreeMap<&[u8], usize> = BTreeMap::new();
    for installed in packages {
        for file in &installed.files {
            let set = sets.entry(file.as_bytes()).or_insert(installed.set);
            *set = (*set).min(installed.set);
        }
    }
    sets
}

fn directory(store: &Store, top: TreeId, path: &[&str]) -> Result<Option<TreeId>, FailureKind> {
    let mut tree = top;
    for name in path {
        let name = EntryName::new(*name).expect("the names here are valid");
        match store.directory(tree)?.entries.get(&name) {
            Some(Node::Directory { tree: below }) => tree = *below,
            _ => return Ok(None),
        }
    }
    Ok(Some(tree))
}

fn text(store: &Store, tree: TreeId, name: &str) -> Result<Option<String>, FailureKind> {
    let Ok(name) = EntryName::new(name) else {
        return Ok(None);
    };
    let blob: BlobId = match store.directory(tree)?.entries.get(&name) {
        Some(Node::File { size: 0, .. }) => return Ok(Some(String::new())),
        Some(Node::File { blob, .. }) => *blob,
        _ => return Ok(None),
    };
    let mut text = String::new();
    store
        .open_blob(blob)?
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(Some(text))
}
