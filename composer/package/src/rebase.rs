//! A distribution's binary package made one of XSC: its ELF files audited and marked, its metadata rewritten.
//!
//! Called by `builtin:rebase`. Invariant: not one byte that is executed changes; a package of which any ELF file is
//! refused is refused as a whole, and the error lists all of them.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::elf::read_elf;
use crate::provenance::FIELD;
use crate::{
    Kind, MarkedFile, Package, PackageError, ProvenanceRecord, Refusal, Relation, parse_relations,
    show_relations,
};

/// Adds the ABI note to an ELF file, or says why it must not have it. Given path and content.
pub type Marker<'m> = dyn Fn(&str, &[u8]) -> Result<Vec<u8>, Vec<String>> + 'm;

/// What becomes of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RebaseSpec {
    /// The architecture it has: any other than this and `all` is an error.
    pub from_architecture: String,
    /// The architecture it gets.
    pub architecture: String,
    /// What is appended to its version, such as `+xsc1`.
    pub suffix: String,
    /// SHA-256 of the file it was read from.
    pub origin_sha256: String,
    /// Packages whose dependents need at least this version: those that are rebuilt because they trapped.
    pub minimal: BTreeMap<String, String>,
    /// Dependencies that another package takes the place of; an empty text drops them.
    pub substitute: BTreeMap<String, String>,
    /// Files left out.
    pub drop: Vec<String>,
}

const RELATIONS: [&str; 8] = [
    "Pre-Depends",
    "Depends",
    "Recommends",
    "Suggests",
    "Enhances",
    "Conflicts",
    "Breaks",
    "Replaces",
];

/// Rebases a package.
///
/// # Errors
/// `Refused` with every ELF file that is static or that `marker` refuses; `Field` for another architecture;
/// `NoSuchFile` if a file to drop is not there.
pub fn rebase(
    mut package: Package,
    spec: &RebaseSpec,
    marker: &Marker<'_>,
) -> Result<(Package, ProvenanceRecord), PackageError> {
    let origin_version = package.control.need("Version")?.to_owned();
    let architecture = package.control.need("Architecture")?.to_owned();
    if architecture != "all" && architecture != spec.from_architecture {
        return Err(PackageError::Field {
            field: "Architecture",
            value: architecture,
            expected: format!("{} or all", spec.from_architecture),
        });
    }
    drop_files(&mut package, &spec.drop)?;
    let marked = mark(&mut package, marker)?;
    let control = &mut package.control;
    if architecture != "all" {
        control.set("Architecture", &spec.architecture);
    }
    control.set("Version", format!("{origin_version}{}", spec.suffix));
    // `name (version)` where the source package has another version: it keeps it, for that is what the source has.
    for field in RELATIONS {
        let Some(text) = control.get(field) else {
            continue;
        };
        let changed = relations(parse_relations(text)?, spec)?;
        if changed.is_empty() {
            control.remove(field);
        } else {
            control.set(field, show_relations(&changed));
        }
    }
    if let Some(text) = control.get("Provides") {
        let mut provided = parse_relations(text)?;
        for (_, version) in provided
            .iter_mut()
            .flatten()
            .filter_map(|r| r.constraint.as_mut())
        {
            // A version of its own; others are those of what it stands in for.
            if *version == origin_version {
                version.push_str(&spec.suffix);
            }
        }
        control.set("Provides", show_relations(&provided));
    }
    control.set(FIELD, "rebased");
    control.set("XSC-Origin-Version", &origin_version);
    control.set("XSC-Origin-SHA256", &spec.origin_sha256);
    let size = package.installed_size().to_string();
    package.control.set("Installed-Size", size);
    let mut record = ProvenanceRecord::of(&package.control)?;
    record.marked = marked;
    record.dropped = spec.drop.clone();
    Ok((package, record))
}

fn drop_files(package: &mut Package, paths: &[String]) -> Result<(), PackageError> {
    for path in paths {
        let found = package.files.iter().position(|e| e.path.as_str() == path);
        let Some(index) = found else {
            return Err(PackageError::NoSuchFile {
                path: path.clone(),
                what: "left out",
            });
        };
        let dropped = package.files.remove(index);
        // The content of a file with other names goes to the first of them, and the others are links to that.
        let link = Kind::Hardlink(dropped.path);
        let mut names = package.files.iter_mut().filter(|e| e.kind == link);
        if let Some(first) = names.next() {
            first.kind = dropped.kind;
            for other in names {
                other.kind = Kind::Hardlink(first.path.clone());
            }
        }
    }
    Ok(())
}

fn mark(package: &mut Package, marker: &Marker<'_>) -> Result<Vec<MarkedFile>, PackageError> {
    let (mut marked, mut refusals) = (Vec::new(), Vec::new());
    for entry in &mut package.files {
        let Kind::File(bytes) = &mut entry.kind else {
            continue;
        };
        let path = entry.path.to_string();
        let Some(elf) = read_elf(&path, bytes)? else {
            continue;
        };
        // Objects and archives of objects are not run; whoever links them is checked.
        if !elf.loadable {
            continue;
        }
        if elf.static_program {
            let reason = "it is linked statically, so it holds a libc of its own".to_owned();
            refusals.push(Refusal { path, reason });
            continue;
        }
        match marker(&path, bytes) {
            Ok(new) => {
                let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
                marked.push(MarkedFile {
                    path,
                    from_sha256: hash(bytes),
                    to_sha256: hash(&new),
                });
                *bytes = new;
            }
            Err(reasons) => refusals.extend(reasons.into_iter().map(|reason| Refusal {
                path: path.clone(),
                reason,
            })),
        }
    }
    if refusals.is_empty() {
        Ok(marked)
    } else {
        Err(PackageError::Refused { refusals })
    }
}

fn relations(
    dependencies: Vec<Vec<Relation>>,
    spec: &RebaseSpec,
) -> Result<Vec<Vec<Relation>>, PackageError> {
    let mut changed = Vec::new();
    for alternatives in dependencies {
        let mut new = Vec::new();
        for mut relation in alternatives {
            if let Some(text) = spec.substitute.get(&relation.name) {
                let other = parse_relations(text)?;
                new.extend(other.into_iter().flatten());
                continue;
            }
            if relation.qualifier.as_deref() == Some(spec.from_architecture.as_str()) {
                relation.qualifier = Some(spec.architecture.clone());
            }
            // `= V`, `<= V` and `>> V` mean the package that is `V+xsc1` here; the others hold as they are. A V
            // without a revision parts all revisions of it from what comes before, and so does V, not `V+xsc1`.
            match &mut relation.constraint {
                Some((operator, version))
                    if operator == "="
                        || (matches!(operator.as_str(), "<=" | ">>") && version.contains('-')) =>
                {
                    version.push_str(&spec.suffix);
                }
                Some((operator, version)) if operator == ">=" => {
                    if let Some(minimal) = spec.minimal.get(&relation.name) {
                        minimal.clone_into(version);
                    }
                }
                None => {
                    let minimal = spec.minimal.get(&relation.name);
                    relation.constraint = minimal.map(|v| (">=".to_owned(), v.clone()));
                }
                Some(_) => {}
            }
            new.push(relation);
        }
        if !new.is_empty() {
            changed.push(new);
        }
    }
    Ok(changed)
}
