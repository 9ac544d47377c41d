//! A root file system made of packages, as if `dpkg` had installed and configured them.
//!
//! Called by `builtin:deb-root` and `builtin:deb-owners`. Maintainer scripts never run: what they would do that matters is said by the
//! recipe (alternatives here, users and services in modules). Invariant: every dependency within the set is satisfied,
//! nothing in it is broken by another, and a path has one owner, so `dpkg --audit` and `apt-get check` find nothing.

mod closed;
mod database;

use std::collections::{BTreeMap, BTreeSet};

use crate::{Kind, Package, PackageError, PackagePath, Provenance, parse_relations};

/// How packages become a root.
#[derive(Debug, Clone, Default)]
pub struct RootSpec {
    /// The architecture of all packages that are not `all`.
    pub architecture: String,
    /// Paths that are not unpacked, with what is below them; the database lists them, as dpkg's `path-exclude` has it.
    pub exclude: Vec<String>,
    /// Alternatives, as the packages' scripts would have registered them.
    pub alternatives: Vec<Alternative>,
    /// What every package has to be, if that is demanded.
    pub demanded: Option<Provenance>,
}

/// One choice of one alternative; of several with one name the highest priority is linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Its name, such as `awk`.
    pub name: String,
    /// The path that users know.
    pub link: String,
    /// The path it leads to.
    pub path: String,
    /// The higher wins.
    pub priority: i64,
}

/// What a path of the root is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootKind {
    /// A regular file.
    File(Vec<u8>),
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink(String),
}

/// One path of the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootEntry {
    /// What it is.
    pub kind: RootKind,
    /// Permission bits.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

impl RootEntry {
    fn new(kind: RootKind) -> RootEntry {
        let mode = match kind {
            RootKind::File(_) => 0o644,
            RootKind::Directory => 0o755,
            RootKind::Symlink(_) => 0o777,
        };
        RootEntry {
            kind,
            mode,
            uid: 0,
            gid: 0,
        }
    }
}

/// What a tree of the store cannot carry: a path whose owner or mode is not the usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The path.
    pub path: PackagePath,
    /// Permission bits.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

/// A root file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Root {
    /// Its paths, `/` left out.
    pub entries: BTreeMap<PackagePath, RootEntry>,
}

impl Root {
    /// The paths whose owner or mode a tree does not carry.
    pub fn owners(&self) -> Vec<Owner> {
        let unusual = |entry: &RootEntry| {
            let usual = match entry.kind {
                RootKind::File(_) if entry.mode & 0o111 == 0 => 0o644,
                RootKind::File(_) | RootKind::Directory => 0o755,
                RootKind::Symlink(_) => entry.mode,
            };
            entry.mode != usual || entry.uid != 0 || entry.gid != 0
        };
        let entries = self.entries.iter().filter(|(_, entry)| unusual(entry));
        entries
            .map(|(path, entry)| Owner {
                path: path.clone(),
                mode: entry.mode,
                uid: entry.uid,
                gid: entry.gid,
            })
            .collect()
    }
}

/// Installs packages into an empty root.
///
/// # Errors
/// `Unsatisfied`, `Excluded`, `Architecture`, `Twice`, `Conflict`; `Field` for a package that is not what is demanded.
pub fn install(packages: &[Package], spec: &RootSpec) -> Result<Root, PackageError> {
    closed::check(packages, &spec.architecture)?;
    if let Some(demanded) = spec.demanded {
        check_provenance(packages, demanded)?;
    }
    let mut placing = Placing {
        links: links(packages)?,
        replacing: replacing(packages)?,
        placed: BTreeMap::new(),
    };
    for package in packages {
        placing.package(package, spec)?;
    }
    let mut root = Root::default();
    for (path, (_, entry)) in placing.placed {
        root.entries.insert(path, entry);
    }
    database::write(&mut root, packages, spec)?;
    alternatives(&mut root, &spec.alternatives)?;
    check_parents(&root)?;
    Ok(root)
}

/// Whoever writes the root to a disk would follow a link that a path leads through, out of the root even.
fn check_parents(root: &Root) -> Result<(), PackageError> {
    for path in root.entries.keys() {
        let Some(parent) = path.parent().filter(|parent| parent.as_str() != "/") else {
            continue;
        };
        let entry = root.entries.get(&parent);
        if entry.is_none_or(|entry| entry.kind != RootKind::Directory) {
            return Err(PackageError::NoDirectory {
                path: path.to_string(),
                parent: parent.to_string(),
            });
        }
    }
    Ok(())
}

fn check_provenance(packages: &[Package], demanded: Provenance) -> Result<(), PackageError> {
    let others = packages
        .iter()
        .filter(|p| Provenance::of(&p.control) != demanded);
    let others: Vec<&str> = others.filter_map(|p| p.control.get("Package")).collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(PackageError::Field {
        field: "XSC-Provenance",
        value: format!("another for {}", others.join(", ")),
        expected: demanded.as_str().to_owned(),
    })
}

/// Every symbolic link of the packages by path, so that a path that leads through one is followed as on a disk.
fn links(packages: &[Package]) -> Result<BTreeMap<PackagePath, String>, PackageError> {
    let mut found = BTreeMap::new();
    for entry in packages.iter().flat_map(|package| &package.files) {
        if let Kind::Symlink(target) = &entry.kind {
            found.insert(entry.path.clone(), target.clone());
        }
    }
    Ok(found)
}

struct Placing {
    links: BTreeMap<PackagePath, String>,
    /// Packages with those whose files they may have.
    replacing: BTreeMap<String, BTreeSet<String>>,
    /// Paths with the package that brought them.
    placed: BTreeMap<PackagePath, (String, RootEntry)>,
}

impl Placing {
    fn package(&mut self, package: &Package, spec: &RootSpec) -> Result<(), PackageError> {
        let name = package.control.need("Package")?;
        let mut contents: BTreeMap<&PackagePath, &Vec<u8>> = BTreeMap::new();
        for entry in &package.files {
            let kind = match &entry.kind {
                Kind::File(bytes) => {
                    contents.insert(&entry.path, bytes);
                    RootKind::File(bytes.clone())
                }
                // A tree has no hard links; the names are files of their own.
                Kind::Hardlink(target) => {
                    RootKind::File(contents.get(target).copied().cloned().unwrap_or_default())
                }
                Kind::Directory => RootKind::Directory,
                Kind::Symlink(target) => RootKind::Symlink(target.clone()),
            };
            if entry.path.as_str() == "/" || excluded(&entry.path, &spec.exclude) {
                continue;
            }
            // What is below a link goes where the link leads; the link itself stays.
            let path = match (&entry.kind, entry.path.parent()) {
                (Kind::Directory, _) => self.resolve(&entry.path)?,
                (_, Some(parent)) => {
                    let parent = self.resolve(&parent)?;
                    PackagePath::new(&format!("{parent}/{}", entry.path.name()))?
                }
                (_, None) => entry.path.clone(),
            };
            let new = RootEntry {
                kind,
                mode: entry.mode,
                uid: entry.uid,
                gid: entry.gid,
            };
            self.place(name, path, new)?;
        }
        Ok(())
    }

    fn place(
        &mut self,
        name: &str,
        path: PackagePath,
        entry: RootEntry,
    ) -> Result<(), PackageError> {
        let mut parent = path.parent();
        while let Some(directory) = parent {
            if directory.as_str() == "/" || self.placed.contains_key(&directory) {
                break;
            }
            parent = directory.parent();
            let made = (name.to_owned(), RootEntry::new(RootKind::Directory));
            self.placed.insert(directory, made);
        }
        if let Some((first, there)) = self.placed.get_mut(&path) {
            if there.kind == RootKind::Directory && entry.kind == RootKind::Directory {
                // The unusual bits win over those of packages that only pass through.
                if entry.mode != 0o755 || entry.uid != 0 || entry.gid != 0 {
                    *there = entry;
                }
                return Ok(());
            }
            if there.kind != entry.kind && !replaces(&self.replacing, name, first) {
                // The other way round: what is there stays, whichever came first.
                if replaces(&self.replacing, first, name) {
                    return Ok(());
                }
                return Err(PackageError::Conflict {
                    path: path.to_string(),
                    first: first.clone(),
                    second: name.to_owned(),
                });
            }
        }
        self.placed.insert(path, (name.to_owned(), entry));
        Ok(())
    }

    /// Follows the links on a path, its last component included.
    fn resolve(&self, path: &PackagePath) -> Result<PackagePath, PackageError> {
        let mut pending: Vec<String> = names(path.as_str());
        pending.reverse();
        let mut done: Vec<String> = Vec::new();
        let mut followed = 0;
        while let Some(name) = pending.pop() {
            if name == ".." {
                done.pop();
                continue;
            }
            done.push(name);
            let here = PackagePath::new(&done.join("/"))?;
            let Some(target) = self.links.get(&here) else {
                continue;
            };
            followed += 1;
            if followed > 40 {
                return Err(PackageError::Path {
                    path: path.to_string(),
                });
            }
            done.pop();
            if target.starts_with('/') {
                done.clear();
            }
            pending.extend(names(target).into_iter().rev());
        }
        PackagePath::new(&done.join("/"))
    }
}

fn names(path: &str) -> Vec<String> {
    let names = path.split('/').filter(|n| !n.is_empty() && *n != ".");
    names.map(str::to_owned).collect()
}

fn excluded(path: &PackagePath, exclude: &[String]) -> bool {
    exclude.iter().any(|prefix| {
        let rest = path.as_str().strip_prefix(prefix.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// By package, the names in its `Replaces`: where both have a path, its file is the one that stays.
fn replacing(packages: &[Package]) -> Result<BTreeMap<String, BTreeSet<String>>, PackageError> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        let field = package.control.get("Replaces").unwrap_or_default();
        let relations = parse_relations(field)?;
        let names = relations
            .into_iter()
            .flatten()
            .map(|relation| relation.name);
        let of = found.entry(package.control.need("Package")?.to_owned());
        of.or_default().extend(names);
    }
    Ok(found)
}

fn replaces(replacing: &BTreeMap<String, BTreeSet<String>>, package: &str, other: &str) -> bool {
    let list = replacing.get(package);
    list.is_some_and(|list| list.contains(other))
}

/// Links and records alternatives in `update-alternatives`' own form.
fn alternatives(root: &mut Root, choices: &[Alternative]) -> Result<(), PackageError> {
    let mut by_name: BTreeMap<&str, Vec<&Alternative>> = BTreeMap::new();
    for choice in choices {
        by_name.entry(&choice.name).or_default().push(choice);
    }
    for (name, mut list) in by_name {
        list.sort_by_key(|choice| (-choice.priority, &choice.path));
        let best = list[0];
        let mut text = format!("auto\n{}\n\n", best.link);
        for choice in &list {
            if !root.entries.contains_key(&PackagePath::new(&choice.path)?) {
                return Err(PackageError::NoSuchFile {
                    path: choice.path.clone(),
                    what: "an alternative",
                });
            }
            text += &format!("{}\n{}\n", choice.path, choice.priority);
        }
        text.push('\n');
        let link = format!("/etc/alternatives/{name}");
        insert(root, &link, RootKind::Symlink(best.path.clone()))?;
        insert(root, &best.link, RootKind::Symlink(link))?;
        let record = format!("/var/lib/dpkg/alternatives/{name}");
        insert(root, &record, RootKind::File(text.into_bytes()))?;
    }
    Ok(())
}

/// Puts a path into the root with the directories above it.
fn insert(root: &mut Root, path: &str, kind: RootKind) -> Result<(), PackageError> {
    let path = PackagePath::new(path)?;
    let mut parent = path.parent();
    while let Some(directory) = parent {
        parent = directory.parent();
        if directory.as_str() != "/" {
            let made = RootEntry::new(RootKind::Directory);
            root.entries.entry(directory).or_insert(made);
        }
    }
    root.entries.insert(path, RootEntry::new(kind));
    Ok(())
}
