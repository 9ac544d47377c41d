//! `flake-like.lock`: what every input was resolved to, as types, and its reader.
//!
//! Written by `xsc-fetch` (`lock`, `update`), read by every build, which never changes it.
//! Invariant: what is read satisfies what the writer in `lock_text` promises: hashes are hashes, every package
//! of a set is locked, every file has at least one location besides the team cache.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Deserialize;

use crate::error::{Problem, TomlError};
use crate::flake::{FlakeLike, is_sha256};

/// The parsed lock file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// Inputs by name.
    pub inputs: BTreeMap<String, LockedInput>,
}

/// What one input was resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedInput {
    /// `Input::digest` of the declaration it was resolved from.
    pub declaration: String,
    /// The archives read, in the order of the declaration.
    pub archives: Vec<LockedArchive>,
    /// The files.
    pub content: LockedContent,
}

/// The files of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockedContent {
    /// Of a `debian-packages` input.
    Packages {
        /// Packages by name.
        packages: BTreeMap<String, LockedPackage>,
        /// Sorted closure of each set: names that are keys of `packages`.
        sets: BTreeMap<String, Vec<String>>,
    },
    /// Of a `debian-source` or `file` input.
    File {
        /// Upstream version, for a `debian-source`.
        version: Option<String>,
        /// The file.
        file: LockedFile,
    },
}

/// One state of one suite of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedArchive {
    /// Name of the mirror.
    pub mirror: String,
    /// Suite.
    pub suite: String,
    /// Component.
    pub component: String,
    /// `Date` of its Release file, as `2026-09-12T07:55:41Z`.
    pub date: String,
    /// SHA-256 of its InRelease file.
    pub in_release_sha256: String,
    /// Whether the signature was verified when the lock was written.
    pub signature: Signature,
    /// What to put before `/<path>`, the first choice first.
    pub locations: Vec<String>,
}

/// What is known about the signature of an archive's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signature {
    /// `gpgv` accepted it with the host's Debian keyring.
    Verified,
    /// `gpgv` or the keyring was absent, so nobody looked.
    Unverified,
}

impl Signature {
    /// Returns the word the lock file uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Signature::Verified => "verified",
            Signature::Unverified => "unverified",
        }
    }
}

/// One pinned binary package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Debian version.
    pub version: String,
    /// Index into the input's `archives`.
    pub archive: usize,
    /// Path below the archive, such as `pool/main/b/bash/bash_5.2_amd64.deb`.
    pub path: String,
    /// The `.deb` file.
    pub file: LockedFile,
}

/// A file known by its hash, with the places to look for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFile {
    /// File name, without directories.
    pub name: String,
    /// SHA-256, 64 lower-case hex digits.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// Addresses, the first choice first; the team cache is the last.
    pub urls: Vec<String>,
}

/// Returns the address of a file in the team cache, which knows files by hash alone.
pub fn cache_url(sha256: &str) -> String {
    format!("mirror://cache/sha256/{sha256}")
}

/// An input for which the lock file can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StaleInput {
    /// The declaration is newer than the lock.
    #[error("lock out of date: input `{input}` changed at {file}:{line}; run `xsc-compose lock`")]
    Changed {
        /// Name of the input.
        input: String,
        /// The file with the declaration.
        file: String,
        /// Line of the declaration.
        line: usize,
    },
    /// The lock does not know the input.
    #[error(
        "lock out of date: input `{input}` at {file}:{line} is not in it; run `xsc-compose lock`"
    )]
    Missing {
        /// Name of the input.
        input: String,
        /// The file with the declaration.
        file: String,
        /// Line of the declaration.
        line: usize,
    },
    /// The lock holds an input that is not declared any more.
    #[error("lock out of date: input `{input}` is not in {file} any more; run `xsc-compose lock`")]
    Undeclared {
        /// Name of the input.
        input: String,
        /// The file without the declaration.
        file: String,
    },
}

impl Lock {
    /// Parses a lock file; `file` is only for messages.
    ///
    /// # Errors
    /// A fault with line and excerpt. The remedy is always to write the file anew.
    pub fn parse(file: &str, text: &str) -> Result<Lock, TomlError> {
        let fail = |span, message: String| TomlError {
            file: file.to_owned(),
            problems: vec![
                Problem::new(text, span, message)
                    .note("this file is written by `xsc-compose lock`; run it again".to_owned()),
            ],
        };
        let raw: RawLock = toml::from_str(text)
            .map_err(|e| fail(e.span().unwrap_or(0..0), e.message().replace('\n', ", ")))?;
        if raw.version != VERSION {
            let message = format!("lock version {} is not {VERSION}", raw.version);
            return Err(fail(0..0, message));
        }
        let mut inputs = BTreeMap::new();
        for (name, raw) in raw.inputs {
            let input = check(&name, raw.get_ref().clone());
            let input = input.map_err(|message| {
                let message = format!("input `{name}`: {message}");
                fail(raw.span().start..raw.span().start, message)
            })?;
            inputs.insert(name, input);
        }
        Ok(Lock { inputs })
    }

    /// Returns the inputs whose declaration and lock differ, in the order of their names.
    pub fn check(&self, flake: &FlakeLike) -> Vec<StaleInput> {
        let file = flake.file.clone();
        let mut stale = BTreeMap::new();
        for (name, input) in &flake.inputs {
            let (input_name, line) = (name.clone(), input.line);
            let file = file.clone();
            let fault = match self.inputs.get(name) {
                None => StaleInput::Missing {
                    input: input_name,
                    file,
                    line,
                },
                Some(locked) if locked.declaration != input.digest() => StaleInput::Changed {
                    input: input_name,
                    file,
                    line,
                },
                Some(_) => continue,
            };
            stale.insert(name, fault);
        }
        for name in self.inputs.keys() {
            if let (Entry::Vacant(free), false) =
                (stale.entry(name), flake.inputs.contains_key(name))
            {
                free.insert(StaleInput::Undeclared {
                    input: name.clone(),
                    file: file.clone(),
                });
            }
        }
        stale.into_values().collect()
    }

    /// Returns the packages of a set of a `debian-packages` input, sorted by name.
    pub fn set(&self, input: &str, set: &str) -> Option<Vec<(&str, &LockedPackage)>> {
        let LockedContent::Packages { packages, sets } = &self.inputs.get(input)?.content else {
            return None;
        };
        let names = sets.get(set)?.iter();
        Some(
            names
                .map(|name| {
                    let (name, package) = packages
                        .get_key_value(name)
                        .expect("a parsed or resolved lock holds every package of its sets");
                    (name.as_str(), package)
                })
                .collect(),
        )
    }

    /// Returns the file of a `debian-source` or `file` input.
    pub fn file(&self, input: &str) -> Option<&LockedFile> {
        match &self.inputs.get(input)?.content {
            LockedContent::File { file, .. } => Some(file),
            LockedContent::Packages { .. } => None,
        }
    }

    /// Returns every file of every input, without the same file twice, sorted by input and package.
    pub fn files(&self) -> Vec<&LockedFile> {
        let mut seen = std::collections::BTreeSet::new();
        let mut files = Vec::new();
        for input in self.inputs.values() {
            match &input.content {
                LockedContent::File { file, .. } => files.push(file),
                LockedContent::Packages { packages, .. } => {
                    files.extend(packages.values().map(|p| &p.file));
                }
            }
        }
        files.retain(|f| seen.insert(&f.sha256));
        files
    }
}

/// Number of the format; a reader refuses any other.
pub(crate) const VERSION: u64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLock {
    version: u64,
    #[serde(default)]
    inputs: BTreeMap<String, toml::Spanned<RawInput>>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct RawInput {
    declaration: String,
    #[serde(default)]
    archives: Vec<RawArchive>,
    version: Option<String>,
    file: Option<RawFile>,
    sets: Option<BTreeMap<String, Vec<String>>>,
    packages: Option<BTreeMap<String, RawPackage>>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct RawArchive {
    mirror: String,
    suite: String,
    component: String,
    date: String,
    in_release_sha256: String,
    signature: Signature,
    locations: Vec<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct RawFile {
    name: String,
    sha256: String,
    size: u64,
    urls: Vec<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct RawPackage {
    version: String,
    sha256: String,
    size: u64,
    archive: usize,
    path: String,
}

fn check(name: &str, raw: RawInput) -> Result<LockedInput, String> {
    let archives: Vec<LockedArchive> = raw
        .archives
        .into_iter()
        .map(|a| LockedArchive {
            mirror: a.mirror,
            suite: a.suite,
            component: a.component,
            date: a.date,
            in_release_sha256: a.in_release_sha256,
            signature: a.signature,
            locations: a.locations,
        })
        .collect();
    let content = match (raw.file, raw.sets, raw.packages) {
        (Some(file), None, None) => {
            let mut urls = file.urls;
            urls.push(cache_url(&file.sha256));
            LockedContent::File {
                version: raw.version,
                file: checked_file(LockedFile {
                    name: file.name,
                    sha256: file.sha256,
                    size: file.size,
                    urls,
                })?,
            }
        }
        (None, Some(sets), Some(raw_packages)) => {
            let mut packages = BTreeMap::new();
            for (package, raw) in raw_packages {
                let archive = raw.archive;
                let locked = LockedPackage::locate(
                    raw.version,
                    &archives,
                    archive,
                    raw.path,
                    raw.sha256,
                    raw.size,
                );
                let locked = locked.ok_or_else(|| {
                    format!("package `{package}` is of archive {archive}, which is not listed")
                })?;
                checked_file(locked.file.clone())?;
                packages.insert(package, locked);
            }
            for (set, names) in &sets {
                if let Some(lost) = names.iter().find(|n| !packages.contains_key(*n)) {
                    return Err(format!("set `{set}` holds `{lost}`, which is not locked"));
                }
            }
            LockedContent::Packages { packages, sets }
        }
        _ => {
            return Err(format!(
                "`{name}` needs either `file` or `sets` and `packages`"
            ));
        }
    };
    Ok(LockedInput {
        declaration: raw.declaration,
        archives,
        content,
    })
}

fn checked_file(file: LockedFile) -> Result<LockedFile, String> {
    let plain = !file.name.is_empty() && file.name != ".." && !file.name.contains('/');
    if !plain || file.name.starts_with('.') {
        return Err(format!("\"{}\" is no file name", file.name));
    }
    if !is_sha256(&file.sha256) {
        return Err(format!("{} has no SHA-256 of 64 hex digits", file.name));
    }
    if file.urls.len() < 2 {
        return Err(format!("{} has no location", file.name));
    }
    Ok(file)
}

impl LockedPackage {
    /// Makes the entry of a package, with the addresses its archive has for it.
    ///
    /// Returns `None` if `archive` is no index of `archives`.
    pub fn locate(
        version: String,
        archives: &[LockedArchive],
        archive: usize,
        path: String,
        sha256: String,
        size: u64,
    ) -> Option<LockedPackage> {
        let locations = &archives.get(archive)?.locations;
        let mut urls: Vec<String> = locations.iter().map(|l| format!("{l}/{path}")).collect();
        urls.push(cache_url(&sha256));
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        let file = LockedFile {
            name,
            sha256,
            size,
            urls,
        };
        Some(LockedPackage {
            version,
            archive,
            path,
            file,
        })
    }
}
