//! The lists of an archive: binary packages (`Packages`) and source packages (`Sources`).
//!
//! Used by `closure` and `lock`. Invariant: a package name stands once in a `PackageIndex`, with the highest
//! version any of the archives has (the first archive's, if versions are equal).

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use super::control::paragraphs;
use super::dependency::{Operator, parse};
use super::release::is_sha256;
use super::version::compare_versions;

/// A binary package of an archive.
#[derive(Debug, Clone)]
pub(crate) struct Package<'t> {
    pub(crate) name: &'t str,
    pub(crate) version: &'t str,
    /// Index of the archive it is of.
    pub(crate) archive: usize,
    pub(crate) path: &'t str,
    pub(crate) size: u64,
    pub(crate) sha256: &'t str,
    pub(crate) pre_depends: &'t str,
    pub(crate) depends: &'t str,
    priority: u8,
}

/// A package that provides a virtual one.
#[derive(Debug, Clone)]
pub(crate) struct Provider<'t> {
    pub(crate) package: &'t str,
    /// Version of the virtual package, if it is a versioned one.
    pub(crate) version: Option<&'t str>,
}

/// All packages of some archives for one architecture.
#[derive(Debug, Default)]
pub(crate) struct PackageIndex<'t> {
    pub(crate) architecture: String,
    pub(crate) packages: HashMap<&'t str, Package<'t>>,
    /// Providers by virtual name, the preferred first.
    pub(crate) providers: HashMap<&'t str, Vec<Provider<'t>>>,
}

impl<'t> PackageIndex<'t> {
    pub(crate) fn new(texts: &'t [String], architecture: &str) -> PackageIndex<'t> {
        let mut index = PackageIndex {
            architecture: architecture.to_owned(),
            ..PackageIndex::default()
        };
        let mut provides: HashMap<&str, &str> = HashMap::new();
        for (archive, text) in texts.iter().enumerate() {
            for p in paragraphs(text) {
                let fields = (p.get("Package"), p.get("Version"), p.get("Filename"));
                let (Some(name), Some(version), Some(path)) = fields else {
                    continue;
                };
                let size = p.get("Size").and_then(|s| s.parse().ok());
                let sha256 = p.get("SHA256").filter(|h| is_sha256(h));
                let (Some(size), Some(sha256)) = (size, sha256) else {
                    continue;
                };
                let known = index.packages.get(name);
                if known.is_some_and(|k| compare_versions(version, k.version) != Ordering::Greater)
                {
                    continue;
                }
                provides.insert(name, p.get("Provides").unwrap_or(""));
                index.packages.insert(
                    name,
                    Package {
                        name,
                        version,
                        archive,
                        path,
                        size,
                        sha256,
                        pre_depends: p.get("Pre-Depends").unwrap_or(""),
                        depends: p.get("Depends").unwrap_or(""),
                        priority: priority(p.get("Priority")),
                    },
                );
            }
        }
        for (package, field) in provides {
            for relation in parse(field, architecture)
                .unwrap_or_default()
                .into_iter()
                .flatten()
            {
                let version = match relation.constraint {
                    Some((Operator::Exactly, version)) => Some(version),
                    _ => None,
                };
                let list = index.providers.entry(relation.name).or_default();
                list.push(Provider { package, version });
            }
        }
        for list in index.providers.values_mut() {
            list.sort_by_key(|p| (index.packages[p.package].priority, p.package));
        }
        index
    }
}

/// The archive's own order of importance decides between providers of one virtual package.
fn priority(word: Option<&str>) -> u8 {
    match word {
        Some("required") => 0,
        Some("important") => 1,
        Some("standard") => 2,
        Some("optional") => 3,
        _ => 4,
    }
}

/// A file of a source package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceFile {
    pub(crate) version: String,
    pub(crate) archive: usize,
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// Finds the file `<package>_<upstream version>.<part>` of every version of a source package.
///
/// Also returns all names of source packages, for "did you mean".
pub(crate) fn source_files<'t>(
    texts: &'t [String],
    package: &str,
    part: &str,
) -> (Vec<SourceFile>, BTreeMap<&'t str, ()>) {
    let mut files = Vec::new();
    let mut names = BTreeMap::new();
    for (archive, text) in texts.iter().enumerate() {
        for p in paragraphs(text) {
            let Some(name) = p.get("Package") else {
                continue;
            };
            names.insert(name, ());
            if name != package {
                continue;
            }
            let fields = (
                p.get("Version"),
                p.get("Directory"),
                p.get("Checksums-Sha256"),
            );
            let (Some(version), Some(directory), Some(sums)) = fields else {
                continue;
            };
            let wanted = format!("{package}_{}.{part}", super::version::upstream(version));
            for line in sums.lines() {
                let words: Vec<&str> = line.split_whitespace().collect();
                if let [hash, size, file] = words[..]
                    && file == wanted
                    && is_sha256(hash)
                    && let Ok(size) = size.parse()
                {
                    files.push(SourceFile {
                        version: version.to_owned(),
                        archive,
                        path: format!("{directory}/{file}"),
                        size,
                        sha256: hash.to_owned(),
                    });
                }
            }
        }
    }
    (files, names)
}
