//! Verification: is what the store holds what its names say?
//!
//! A command calls it. Every object is hashed again, every record of a directory decoded, and
//! what it refers to looked for. Invariant: a repair removes what is damaged and everything that
//! contains it, so that it is built again; it never changes a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rayon::prelude::*;
use xsc_model::{ActionId, BlobId, Digest, Directory, DrvName, Node, Realisation, TreeId};

use crate::error::{Context, FileError};
use crate::fsops::{exists, remove_tree};
use crate::gc::parse_object;
use crate::scan::{Needles, scan};
use crate::{Store, VerifyError, layout};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// The content of an object, or its mode, is not what its name says.
    Object {
        /// The file.
        path: PathBuf,
    },
    /// A record of a directory cannot be decoded or has another id.
    Directory {
        /// The file.
        path: PathBuf,
    },
    /// A directory contains something that is damaged or not there.
    Incomplete {
        /// The directory.
        tree: TreeId,
    },
    /// A laid-out tree has something else than its records say; it is laid out again when needed.
    LaidOut {
        /// Where it is.
        path: PathBuf,
    },
}

/// What verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Objects that were hashed.
    pub objects: usize,
    /// Their length in all, in bytes.
    pub bytes: u64,
    /// Records that were decoded.
    pub directories: usize,
    /// Everything wrong, sorted.
    pub damage: Vec<Damage>,
    /// The actions with an output that contains damage, sorted.
    pub affected: Vec<Affected>,
}

/// An action with an output that contains damage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Affected {
    /// What people call it, where that was noted.
    pub name: Option<DrvName>,
    /// The action.
    pub action: ActionId,
}

impl Store {
    /// Checks every object, record and laid-out tree. With `repair` what is wrong is moved to `corrupt/`, and
    /// laid-out trees that contain it are removed; this needs the store alone. Without it, a
    /// build or collection at the same time may make things look incomplete that are not.
    pub fn verify(&self, repair: bool) -> Result<VerifyReport, VerifyError> {
        let alone = match repair {
            true => Some(self.exclusive(None)?.ok_or(VerifyError::Busy)?),
            false => None,
        };
        let session = match repair {
            true => None,
            false => Some(self.shared()?),
        };
        let report = self.check(repair);
        drop((alone, session));
        report
    }

    /// The same, for a caller that has the lock it needs.
    pub(crate) fn check(&self, repair: bool) -> Result<VerifyReport, VerifyError> {
        let mut report = VerifyReport::default();
        let files = self.sharded_files("objects")?;
        let checked: Vec<(Option<(BlobId, bool)>, u64)> = files
            .par_iter()
            .map_init(Vec::new, |buffer, file| {
                let Some((blob, executable)) = parse_object(&file.name) else {
                    return Ok((None, 0));
                };
                let mut open = File::open(&file.path).context("open", &file.path)?;
                let meta = open.metadata().context("look at", &file.path)?;
                let found = scan(&mut open, meta.len(), &Needles::new(&[]), buffer)
                    .context("read", &file.path)?;
                let mode = if executable { 0o555 } else { 0o444 };
                let sound = found.blob == blob && meta.mode() & 0o7777 == mode;
                Ok((sound.then_some((blob, executable)), found.size))
            })
            .collect::<Result<_, FileError>>()?;
        let mut objects: BTreeSet<(BlobId, bool)> = BTreeSet::new();
        for (file, (key, size)) in files.iter().zip(checked) {
            report.objects += 1;
            report.bytes += size;
            match key {
                Some(key) => {
                    objects.insert(key);
                }
                None => report.damage.push(Damage::Object {
                    path: file.path.clone(),
                }),
            }
        }
        let mut directories: BTreeMap<TreeId, Directory> = BTreeMap::new();
        for file in self.sharded_files("dirs")? {
            report.directories += 1;
            let bytes = fs::read(&file.path).context("read", &file.path)?;
            let id = file.name.parse::<TreeId>().ok();
            match Directory::decode(&bytes) {
                Ok(directory) if id == Some(TreeId(Digest::of(&bytes))) => {
                    directories.insert(TreeId(Digest::of(&bytes)), directory);
                }
                _ => report.damage.push(Damage::Directory { path: file.path }),
            }
        }
        let incomplete = incomplete(&directories, &objects);
        report.affected = self.affected(&incomplete, &report.damage)?;
        let incomplete = incomplete.into_iter();
        // Parents first: a repair that is killed leaves nothing that claims to be complete.
        let parents_first = incomplete.rev().map(|tree| Damage::Incomplete { tree });
        report.damage.splice(0..0, parents_first);
        let laid_out = self.damaged_trees(&directories)?.into_iter();
        let laid_out = laid_out.map(|path| Damage::LaidOut { path });
        report.damage.extend(laid_out);
        if repair {
            self.repair(&report.damage)?;
        }
        report.damage.sort();
        Ok(report)
    }

    /// The recorded actions that made one of the damaged directories.
    fn affected(
        &self,
        incomplete: &[TreeId],
        damage: &[Damage],
    ) -> Result<Vec<Affected>, FileError> {
        if damage.is_empty() && incomplete.is_empty() {
            return Ok(Vec::new());
        }
        let mut bad: BTreeSet<TreeId> = incomplete.iter().copied().collect();
        bad.extend(damage.iter().filter_map(|item| match item {
            Damage::Directory { path } => path.file_name()?.to_str()?.parse::<TreeId>().ok(),
            _ => None,
        }));
        let names = self.names();
        let mut affected = Vec::new();
        for file in self.sharded_files("realisations")? {
            let bytes = fs::read(&file.path).context("read", &file.path)?;
            let text = String::from_utf8_lossy(&bytes);
            // A record that cannot be read is set aside by whoever looks it up.
            let Ok(found) = Realisation::parse(&text) else {
                continue;
            };
            if found.outputs.values().any(|tree| bad.contains(tree)) {
                affected.push(Affected {
                    name: names.get(&found.action).cloned(),
                    action: found.action,
                });
            }
        }
        affected.sort();
        Ok(affected)
    }

    fn repair(&self, damage: &[Damage]) -> Result<(), FileError> {
        for item in damage {
            let tree = match item {
                Damage::Incomplete { tree } => Some(*tree),
                Damage::Directory { path } => path
                    .file_name()
                    .and_then(|name| name.to_str()?.parse().ok()),
                Damage::LaidOut { path } => {
                    // Out of its place at once, so that a kill leaves no half of it there.
                    if !exists(path)? {
                        continue;
                    }
                    let scratch = self.make_scratch("garbage")?;
                    fs::rename(path, scratch.path().join("tree")).context("move aside", path)?;
                    None
                }
                Damage::Object { .. } => None,
            };
            if let Some(tree) = tree {
                remove_tree(&self.tree_place(&tree))?;
            }
        }
        for item in damage {
            if let Damage::Incomplete { tree } = item {
                let path = self.at(&layout::directory(*tree));
                self.set_aside(&path, "what it contains is damaged".to_owned())?;
            }
        }
        for item in damage {
            if let Damage::Directory { path } | Damage::Object { path } = item {
                self.set_aside(path, "its content is not what its name says".to_owned())?;
            }
        }
        Ok(())
    }
}

/// The directories that contain, at any depth, something that is not there; children first.
fn incomplete(
    directories: &BTreeMap<TreeId, Directory>,
    objects: &BTreeSet<(BlobId, bool)>,
) -> Vec<TreeId> {
    let borrowed = directories.iter().map(|(id, dir)| (*id, dir)).collect();
    let mut bad = BTreeSet::new();
    let mut order = Vec::new();
    // Children come first, so that one pass carries damage up to every root.
    for id in crate::trees::children_first(&borrowed) {
        let sound = directories[&id].entries.values().all(|node| match node {
            Node::Directory { tree } => directories.contains_key(tree) && !bad.contains(tree),
            Node::File {
                blob, executable, ..
            } => objects.contains(&(*blob, *executable)),
            Node::Symlink { .. } => true,
        });
        if !sound {
            bad.insert(id);
            order.push(id);
        }
    }
    order
}
