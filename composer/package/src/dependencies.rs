//! Dependencies on libraries, from what the ELF files of a package need.
//!
//! Called for packages that are built here; rebased ones keep what Debian found. Invariant: every needed library is
//! in the package itself or in exactly the inputs given; one that is nowhere is an error, so a library that a
//! configure script picked up from somewhere else is noticed.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use xsc_fetch::compare_versions;

use crate::elf::read_elf;
use crate::symbols::{LibrarySymbols, parse_symbols};
use crate::{Entry, Kind, Package, PackageError, Relation};

/// The libraries of one package.
#[derive(Debug, Clone, Default)]
pub struct Provider {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    sonames: BTreeSet<String>,
    symbols: BTreeMap<String, LibrarySymbols>,
}

impl Provider {
    /// What a package provides.
    ///
    /// # Errors
    /// `Elf`, `MissingField`.
    pub fn of(package: &Package) -> Result<Provider, PackageError> {
        let symbols = package.members.get("symbols");
        let symbols = symbols.map(|m| parse_symbols(&String::from_utf8_lossy(&m.bytes)));
        Ok(Provider {
            package: package.control.need("Package")?.to_owned(),
            version: package.control.need("Version")?.to_owned(),
            sonames: sonames(&package.files)?,
            symbols: symbols.unwrap_or_default(),
        })
    }
}

fn sonames(files: &[Entry]) -> Result<BTreeSet<String>, PackageError> {
    let mut found = BTreeSet::new();
    for entry in files {
        let Kind::File(bytes) = &entry.kind else {
            continue;
        };
        if let Some(elf) = read_elf(entry.path.as_str(), bytes)? {
            found.extend(elf.soname);
        }
    }
    Ok(found)
}

/// Dependencies of `files` on the packages of `providers`, each with the least version that has what is needed.
///
/// # Errors
/// `Library` if neither the files nor a provider have a needed library; `Elf`.
pub fn shared_library_dependencies(
    files: &[Entry],
    providers: &[Provider],
) -> Result<Vec<Relation>, PackageError> {
    let own = sonames(files)?;
    // Libraries that a file brings for itself need no SONAME.
    let names: BTreeSet<&str> = files.iter().map(|entry| entry.path.name()).collect();
    let mut minimal: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for entry in files {
        let Kind::File(bytes) = &entry.kind else {
            continue;
        };
        let Some(elf) = read_elf(entry.path.as_str(), bytes)? else {
            continue;
        };
        for soname in &elf.needed {
            if own.contains(soname) || names.contains(soname.as_str()) {
                continue;
            }
            let provider = providers.iter().find(|p| p.sonames.contains(soname));
            let provider = provider.ok_or_else(|| PackageError::Library {
                path: entry.path.to_string(),
                soname: soname.clone(),
            })?;
            let versions = elf.versions_needed.get(soname);
            let wanted = least_version(provider, soname, versions);
            let known = minimal.entry(&provider.package).or_default();
            *known = later(known.take(), wanted);
        }
    }
    let relation = |(name, version): (&str, Option<String>)| Relation {
        name: name.to_owned(),
        qualifier: None,
        constraint: version.map(|version| (">=".to_owned(), version)),
    };
    Ok(minimal.into_iter().map(relation).collect())
}

fn later(a: Option<String>, b: Option<String>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) if compare_versions(&a, &b) == Ordering::Less => Some(b),
        (Some(a), _) => Some(a),
        (None, b) => b,
    }
}

/// By the provider's `symbols` file; else by the numbers of its symbol versions (`GLIBC_2.38`); else its own
/// upstream version.
fn least_version(
    provider: &Provider,
    soname: &str,
    versions: Option<&BTreeSet<String>>,
) -> Option<String> {
    let upstream = || {
        let version = &provider.version;
        let end = version.rfind('-').unwrap_or(version.len());
        Some(version[..end].to_owned())
    };
    let Some(versions) = versions.filter(|v| !v.is_empty()) else {
        return match provider.symbols.get(soname) {
            Some(known) => known.by_version.get("Base").cloned().or_else(upstream),
            None => upstream(),
        };
    };
    let mut least = None;
    for version in versions {
        let known = provider.symbols.get(soname);
        let listed = known.and_then(|known| known.by_version.get(version).cloned());
        let numbered = || {
            let number = version.strip_prefix("GLIBC_")?;
            let numeric = number.chars().all(|c| c.is_ascii_digit() || c == '.');
            numeric.then(|| number.to_owned())
        };
        // Private and ABI versions (GLIBC_PRIVATE, GLIBC_ABI_DT_RELR) come with the library's own version.
        least = later(least, listed.or_else(numbered).or_else(upstream));
    }
    least
}

/// What an rpm of these files provides and requires by itself, in rpm's words: `libz.so.1(ZLIB_1.2)(64bit)`.
///
/// # Errors
/// `Elf`.
pub fn rpm_capabilities(
    files: &[Entry],
) -> Result<(BTreeSet<String>, BTreeSet<String>), PackageError> {
    let (mut provides, mut requires) = (BTreeSet::new(), BTreeSet::new());
    for entry in files {
        let Kind::File(bytes) = &entry.kind else {
            continue;
        };
        let Some(elf) = read_elf(entry.path.as_str(), bytes)? else {
            continue;
        };
        let bits = if elf.is_64 { "(64bit)" } else { "" };
        let empty = if elf.is_64 { "()" } else { "" };
        if let Some(soname) = &elf.soname {
            provides.insert(format!("{soname}{empty}{bits}"));
            for version in &elf.versions_defined {
                provides.insert(format!("{soname}({version}){bits}"));
            }
        }
        for soname in &elf.needed {
            requires.insert(format!("{soname}{empty}{bits}"));
        }
        for (soname, versions) in &elf.versions_needed {
            for version in versions {
                requires.insert(format!("{soname}({version}){bits}"));
            }
        }
    }
    let requires = requires.difference(&provides).cloned().collect();
    Ok((provides, requires))
}
