//! Resolves `flake-like.toml` into the lock: what `xsc-compose lock` and `update` do.
//!
//! Called by the command line only; a build reads the lock and never comes here.
//! Invariant: an input that is not to be resolved keeps its old entry byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sha2::{Digest, Sha256};
use xsc_profile::{
    ArchiveRef, At, DebianPackages, DebianSource, FileInput, FlakeLike, Input, InputKind, Lock,
    LockedContent, LockedFile, LockedInput, LockedPackage, cache_url, closest,
};

use crate::changes::{Change, changes};
use crate::debian::archive::{Reading, Suite};
use crate::debian::closure::{ClosureFault, closure};
use crate::debian::index::{PackageIndex, SourceFile, source_files};
use crate::debian::release::{ReleaseError, SignatureCheck};
use crate::debian::version::{compare_versions, upstream};
use crate::download::Downloader;
use crate::error::DownloadError;
use crate::observer::FetchObserver;

/// The largest file that is fetched without knowing its size.
const UNPINNED_LIMIT: u64 = 4 << 30;

/// Which inputs are resolved anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// Those whose declaration is new or changed: `xsc-compose lock`.
    Stale,
    /// All: `xsc-compose update`.
    All,
    /// This one, and stale ones: `xsc-compose update INPUT`.
    Only(&'a str),
}

/// The lock can't be made.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// `Which::Only` names no input.
    #[error("{file} has no input `{input}`{}", did_you_mean(near))]
    NoInput {
        /// The file.
        file: String,
        /// The name asked for.
        input: String,
        /// A name that is like it.
        near: Option<String>,
    },
    /// A package is in none of the archives.
    #[error(
        "{file}:{line}: no package `{package}` in {archives}{}",
        did_you_mean(near)
    )]
    UnknownPackage {
        /// The file.
        file: String,
        /// Line of the name.
        line: usize,
        /// The name.
        package: String,
        /// The suites that were read.
        archives: String,
        /// A name that is like it.
        near: Option<String>,
    },
    /// A virtual package is asked for by name.
    #[error(
        "{file}:{line}: `{package}` is a virtual package; name one of {}", providers.join(", ")
    )]
    VirtualPackage {
        /// The file.
        file: String,
        /// Line of the name.
        line: usize,
        /// The name.
        package: String,
        /// The packages that provide it.
        providers: Vec<String>,
    },
    /// A dependency of a package can't be satisfied or read.
    #[error("{file}:{line}: {package} in set `{set}` depends on {dependency}")]
    Dependency {
        /// The file.
        file: String,
        /// Line of the input.
        line: usize,
        /// The set that is being closed.
        set: String,
        /// The package with the dependency.
        package: String,
        /// The dependency and what is wrong with it.
        dependency: String,
    },
    /// No version of a source package fits.
    #[error("{file}:{line}: no version of `{package}` is {wanted}; {found}")]
    NoVersion {
        /// The file.
        file: String,
        /// Line of the package.
        line: usize,
        /// The source package.
        package: String,
        /// The version and the file wanted.
        wanted: String,
        /// The suites that were read and the versions there.
        found: String,
    },
    /// A suite has no list for the component and architecture.
    #[error("suite {suite} has no {path}")]
    NoList {
        /// The suite.
        suite: String,
        /// Path of the list below the suite.
        path: String,
    },
    /// A list can't be decompressed.
    #[error("can't read {}", path.display())]
    UnreadableList {
        /// The fetched list.
        path: PathBuf,
        /// What the decoder said.
        #[source]
        source: io::Error,
    },
    /// A `file` input has another hash than declared.
    #[error("{file}:{line}: {url} has sha256 {got}, not {expected}")]
    DeclaredHash {
        /// The file with the declaration.
        file: String,
        /// Line of the input.
        line: usize,
        /// Where the file came from.
        url: String,
        /// The declared hash.
        expected: String,
        /// The hash found.
        got: String,
    },
    /// An archive's signed index can't be used.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// Something can't be fetched.
    #[error(transparent)]
    Download(#[from] DownloadError),
}

fn did_you_mean(near: &Option<String>) -> String {
    let near = near.as_ref();
    near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"))
}

/// What a resolution needs.
pub struct Resolver<'a> {
    /// Fetches.
    pub downloader: &'a Downloader,
    /// Verifies archives.
    pub signature: &'a SignatureCheck,
    /// Directory for indexes; what is in it is reused.
    pub scratch: &'a Path,
    /// Told about progress.
    pub observer: &'a dyn FetchObserver,
    /// Stops the work when set.
    pub cancel: &'a AtomicBool,
}

impl Resolver<'_> {
    /// Resolves inputs and says what changed against the old lock.
    ///
    /// # Errors
    /// See [`LockError`]. Nothing is written, so a failure leaves the old lock as it was.
    pub fn lock(
        &self,
        flake: &FlakeLike,
        old: Option<&Lock>,
        which: Which<'_>,
    ) -> Result<(Lock, Vec<Change>), LockError> {
        if let Which::Only(name) = which
            && !flake.inputs.contains_key(name)
        {
            let near = closest(name, flake.inputs.keys().map(String::as_str));
            return Err(LockError::NoInput {
                file: flake.file.clone(),
                input: name.to_owned(),
                near: near.map(str::to_owned),
            });
        }
        let mut cache = Suites::default();
        let mut lock = Lock::default();
        for (name, input) in &flake.inputs {
            let kept = old.and_then(|old| old.inputs.get(name));
            let kept = kept.filter(|k| k.declaration == input.digest());
            let kept = kept.filter(|_| match which {
                Which::Stale => true,
                Which::All => false,
                Which::Only(only) => only != name,
            });
            let locked = match kept {
                Some(kept) => kept.clone(),
                None => self.resolve(flake, input, &mut cache)?,
            };
            lock.inputs.insert(name.clone(), locked);
        }
        let changes = changes(old, &lock);
        Ok((lock, changes))
    }

    fn resolve(
        &self,
        flake: &FlakeLike,
        input: &Input,
        cache: &mut Suites,
    ) -> Result<LockedInput, LockError> {
        let (archives, content) = match &input.kind {
            InputKind::DebianPackages(wanted) => {
                let suites = self.suites(flake, &wanted.archives, cache)?;
                let content = self.packages(flake, input, wanted, &suites)?;
                (suites, content)
            }
            InputKind::DebianSource(wanted) => {
                let suites = self.suites(flake, &wanted.archives, cache)?;
                let content = self.source(flake, wanted, &suites)?;
                (suites, content)
            }
            InputKind::File(wanted) => (Vec::new(), self.file(flake, input, wanted)?),
        };
        Ok(LockedInput {
            declaration: input.digest(),
            archives: archives.iter().map(|s| s.locked.clone()).collect(),
            content,
        })
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            downloader: self.downloader,
            signature: self.signature,
            scratch: self.scratch,
            observer: self.observer,
            cancel: self.cancel,
        }
    }

    fn suites(
        &self,
        flake: &FlakeLike,
        archives: &[ArchiveRef],
        cache: &mut Suites,
    ) -> Result<Vec<std::rc::Rc<Suite>>, LockError> {
        let mut suites = Vec::new();
        for archive in archives {
            let suite = match cache.0.get(archive) {
                Some(suite) => suite.clone(),
                None => {
                    let mirror = flake.mirrors.get(&archive.mirror);
                    let suite = std::rc::Rc::new(self.reading().suite(archive, mirror)?);
                    cache.0.insert(archive.clone(), suite.clone());
                    suite
                }
            };
            suites.push(suite);
        }
        Ok(suites)
    }

    fn packages(
        &self,
        flake: &FlakeLike,
        input: &Input,
        wanted: &DebianPackages,
        suites: &[std::rc::Rc<Suite>],
    ) -> Result<LockedContent, LockError> {
        let path = format!("binary-{}/Packages", wanted.architecture);
        let texts = suites.iter().map(|s| self.reading().list(s, &path));
        let texts = texts.collect::<Result<Vec<String>, LockError>>()?;
        let index = PackageIndex::new(&texts, &wanted.architecture);
        let exclude: BTreeSet<&str> = wanted.exclude.iter().map(|e| e.value.as_str()).collect();
        let mut names = BTreeSet::new();
        let mut sets = BTreeMap::new();
        for (set, roots) in &wanted.sets {
            let root_names: Vec<&str> = roots.iter().map(|r| r.value.as_str()).collect();
            let closed = closure(&index, &root_names, &exclude);
            let closed = closed
                .map_err(|fault| closure_error(flake, input, wanted, set, roots, &index, fault))?;
            names.extend(closed.iter().copied());
            let closed = closed.into_iter().map(str::to_owned);
            sets.insert(set.clone(), closed.collect::<Vec<String>>());
        }
        let archives: Vec<_> = suites.iter().map(|s| s.locked.clone()).collect();
        let mut packages = BTreeMap::new();
        for name in names {
            let p = &index.packages[name];
            let locked = LockedPackage::locate(
                p.version.to_owned(),
                &archives,
                p.archive,
                p.path.to_owned(),
                p.sha256.to_owned(),
                p.size,
            );
            let locked = locked.expect("an index is of one of the archives read");
            packages.insert(name.to_owned(), locked);
        }
        Ok(LockedContent::Packages { packages, sets })
    }

    fn source(
        &self,
        flake: &FlakeLike,
        wanted: &DebianSource,
        suites: &[std::rc::Rc<Suite>],
    ) -> Result<LockedContent, LockError> {
        let texts = suites
            .iter()
            .map(|s| self.reading().list(s, "source/Sources"));
        let texts = texts.collect::<Result<Vec<String>, LockError>>()?;
        let (files, names) = source_files(&texts, &wanted.package, &wanted.part);
        if !names.contains_key(wanted.package.as_str()) {
            let near = closest(&wanted.package, names.keys().copied());
            return Err(LockError::UnknownPackage {
                file: flake.file.clone(),
                line: wanted.package_line,
                package: wanted.package.clone(),
                archives: shown(&wanted.archives),
                near: near.map(str::to_owned),
            });
        }
        let Some(chosen) = choose_source(&files, wanted.version.as_deref()) else {
            let mut found: Vec<&str> = files.iter().map(|f| upstream(&f.version)).collect();
            found.sort_by(|a, b| compare_versions(a, b));
            found.dedup();
            let version = wanted.version.as_deref().unwrap_or("any");
            return Err(LockError::NoVersion {
                file: flake.file.clone(),
                line: wanted.package_line,
                package: wanted.package.clone(),
                wanted: format!("{version} and has a .{}", wanted.part),
                found: format!("{} hold {}", shown(&wanted.archives), found.join(", ")),
            });
        };
        let first = chosen[0];
        let mut urls: Vec<String> = Vec::new();
        // Live archives first, then what keeps old states.
        let deepest = suites.iter().map(|s| s.locked.locations.len()).max();
        for level in 0..deepest.unwrap_or(0) {
            for file in &chosen {
                let location = suites[file.archive].locked.locations.get(level);
                let url = location.map(|l| format!("{l}/{}", file.path));
                urls.extend(url.filter(|u| !urls.contains(u)));
            }
        }
        urls.push(cache_url(&first.sha256));
        let name = first.path.rsplit('/').next().unwrap_or(&first.path);
        Ok(LockedContent::File {
            version: Some(upstream(&first.version).to_owned()),
            file: LockedFile {
                name: name.to_owned(),
                sha256: first.sha256.clone(),
                size: first.size,
                urls,
            },
        })
    }

    fn file(
        &self,
        flake: &FlakeLike,
        input: &Input,
        wanted: &FileInput,
    ) -> Result<LockedContent, LockError> {
        let mut urls: Vec<String> = wanted.urls.iter().map(|u| u.value.clone()).collect();
        urls.extend(wanted.sha256.as_deref().map(cache_url));
        let (bytes, url) =
            self.downloader
                .read_unpinned(&urls, UNPINNED_LIMIT, self.observer, self.cancel)?;
        let got = hex::encode(Sha256::digest(&bytes));
        if let Some(expected) = &wanted.sha256
            && *expected != got
        {
            return Err(LockError::DeclaredHash {
                file: flake.file.clone(),
                line: input.line,
                url,
                expected: expected.clone(),
                got,
            });
        }
        let mut urls: Vec<String> = wanted.urls.iter().map(|u| u.value.clone()).collect();
        urls.push(cache_url(&got));
        Ok(LockedContent::File {
            version: None,
            file: LockedFile {
                name: wanted.file_name.clone(),
                sha256: got,
                size: bytes.len() as u64,
                urls,
            },
        })
    }
}

#[derive(Default)]
struct Suites(BTreeMap<ArchiveRef, std::rc::Rc<Suite>>);

fn shown(archives: &[ArchiveRef]) -> String {
    let names: Vec<&str> = archives.iter().map(|a| a.suite.as_str()).collect();
    names.join(" and ")
}

/// The places of the chosen file: of all that fit, that which the most archives have (two count as many), then
/// the highest version.
fn choose_source<'f>(
    files: &'f [SourceFile],
    version: Option<&str>,
) -> Option<Vec<&'f SourceFile>> {
    let fits = |found: &str| match version {
        None => true,
        Some(wanted) => match wanted.strip_suffix(".*") {
            Some(prefix) => {
                let rest = found.strip_prefix(prefix);
                rest.is_some_and(|r| r.is_empty() || r.starts_with('.'))
            }
            None => found == wanted,
        },
    };
    let mut by_hash: BTreeMap<&str, Vec<&SourceFile>> = BTreeMap::new();
    for file in files.iter().filter(|f| fits(upstream(&f.version))) {
        by_hash.entry(&file.sha256).or_default().push(file);
    }
    let places = |list: &[&SourceFile]| {
        let archives: BTreeSet<usize> = list.iter().map(|f| f.archive).collect();
        archives.len().min(2)
    };
    by_hash.into_values().max_by(|a, b| {
        let (x, y) = (upstream(&a[0].version), upstream(&b[0].version));
        places(a)
            .cmp(&places(b))
            .then_with(|| compare_versions(x, y))
    })
}

fn closure_error(
    flake: &FlakeLike,
    input: &Input,
    wanted: &DebianPackages,
    set: &str,
    roots: &[At<String>],
    index: &PackageIndex<'_>,
    fault: ClosureFault,
) -> LockError {
    let file = flake.file.clone();
    let line_of = |name: &str| {
        let root = roots.iter().find(|r| r.value == name);
        root.map_or(input.line, |r| r.line)
    };
    let dependency = |package: String, what: String, reason| LockError::Dependency {
        file: file.clone(),
        line: line_of(&package),
        set: set.to_owned(),
        package,
        dependency: format!("{what}, which {reason}"),
    };
    match fault {
        ClosureFault::Unknown { name } => LockError::UnknownPackage {
            line: line_of(&name),
            near: closest(&name, index.packages.keys().copied()).map(str::to_owned),
            archives: shown(&wanted.archives),
            package: name,
            file,
        },
        ClosureFault::Virtual { name, providers } => LockError::VirtualPackage {
            line: line_of(&name),
            package: name,
            providers,
            file,
        },
        ClosureFault::Unsatisfied {
            package,
            dependency: d,
        } => dependency(package, d, "no package satisfies"),
        ClosureFault::Unreadable {
            package,
            dependency: d,
        } => dependency(package, d, "can't be read"),
    }
}
