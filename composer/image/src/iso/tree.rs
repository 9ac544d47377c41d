//! The manifest as numbered directories and files, in the orders that ISO 9660 asks for.
//!
//! Built before anything has an address: the files once, the directories with short names and Rock Ridge's beside them,
//! and again with Joliet's. Invariant: directories are numbered level by level, in each level by parent and name (the
//! order of a path table), the records of a directory are sorted by name, and files have the same numbers in both.

use std::collections::BTreeMap;

use xsc_model::BlobId;

use crate::iso::names::{JolietName, Name, ShortName, names_of};
use crate::{Entry, ImagePath, Kind, Manifest};

/// A numbered directory.
#[derive(Debug)]
pub(crate) struct Dir<'m> {
    pub(crate) entry: &'m Entry,
    /// The number of the parent; the root is its own.
    pub(crate) parent: usize,
    /// The identifier in the parent; empty for the root.
    pub(crate) identifier: Vec<u8>,
    pub(crate) records: Vec<Record<'m>>,
}

/// One name in a directory.
#[derive(Debug)]
pub(crate) struct Record<'m> {
    pub(crate) path: &'m ImagePath,
    pub(crate) entry: &'m Entry,
    pub(crate) identifier: Vec<u8>,
    pub(crate) target: Target,
}

/// What a record's address is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A directory, by number.
    Dir(usize),
    /// A file with content, by number.
    File(usize),
    /// Nothing in the data area: links, devices, empty files.
    Nothing,
}

/// A regular file with at least one byte.
#[derive(Debug)]
pub(crate) struct Content<'m> {
    pub(crate) path: &'m ImagePath,
    pub(crate) blob: BlobId,
    pub(crate) size: u64,
    /// Where it starts; zero until the layout is made.
    pub(crate) block: u32,
}

/// The numbered files of an image, in the order of their paths.
#[derive(Debug)]
pub(crate) struct Files<'m>(pub(crate) Vec<Content<'m>>);

impl<'m> Files<'m> {
    pub(crate) fn new(manifest: &'m Manifest) -> Self {
        let files = manifest
            .iter()
            .filter_map(|(path, entry)| match entry.kind {
                Kind::File { blob, size } if size > 0 => Some(Content {
                    path,
                    blob,
                    size,
                    block: 0,
                }),
                _ => None,
            });
        Files(files.collect())
    }

    /// The number of the file at `path`.
    pub(crate) fn number(&self, path: &ImagePath) -> Option<usize> {
        self.0.binary_search_by_key(&path, |file| file.path).ok()
    }
}

/// The numbered directories of an image.
#[derive(Debug)]
pub(crate) struct Tree<'m> {
    pub(crate) dirs: Vec<Dir<'m>>,
    /// Whether records carry the entries of Rock Ridge.
    pub(crate) rock_ridge: bool,
}

impl<'m> Tree<'m> {
    /// Everything: short names, and Rock Ridge beside them.
    pub(crate) fn rock_ridge(manifest: &'m Manifest, files: &Files<'m>) -> Self {
        Tree {
            dirs: named::<ShortName>(manifest, files, |_| true),
            rock_ridge: true,
        }
    }

    /// Joliet's names for directories and files; it has no links and devices.
    pub(crate) fn joliet(manifest: &'m Manifest, files: &Files<'m>) -> Self {
        let holds = |kind: &Kind| matches!(kind, Kind::Directory | Kind::File { .. });
        Tree {
            dirs: named::<JolietName>(manifest, files, holds),
            rock_ridge: false,
        }
    }
}

/// The directories with names of the kind `N`, of what is of a kind that they hold.
fn named<'m, N: Name>(
    manifest: &'m Manifest,
    files: &Files<'m>,
    holds: impl Fn(&Kind) -> bool,
) -> Vec<Dir<'m>> {
    let mut children: BTreeMap<ImagePath, Vec<(&ImagePath, &Entry)>> = BTreeMap::new();
    for (path, entry) in manifest.iter() {
        if let Some(parent) = path.parent().filter(|_| holds(&entry.kind)) {
            children.entry(parent).or_default().push((path, entry));
        }
    }
    let (root_path, root) = manifest.iter().next().expect("a manifest has a root");
    let mut dirs = vec![Dir {
        entry: root,
        parent: 0,
        identifier: Vec::new(),
        records: Vec::new(),
    }];
    let mut paths = vec![root_path];
    let mut at = 0;
    while at < dirs.len() {
        let below = children.remove(paths[at]).unwrap_or_default();
        let is_dir = |entry: &Entry| entry.kind == Kind::Directory;
        let names = names_of::<N>(
            below
                .iter()
                .map(|(path, entry)| (path.name(), is_dir(entry))),
        );
        let mut sorted: Vec<_> = below
            .iter()
            .map(|(path, entry)| (&names[path.name()], *path, *entry))
            .collect();
        sorted.sort_by_key(|(name, ..)| *name);
        for (name, path, entry) in sorted {
            let identifier = name.identifier(is_dir(entry));
            let target = if is_dir(entry) {
                dirs.push(Dir {
                    entry,
                    parent: at,
                    identifier: identifier.clone(),
                    records: Vec::new(),
                });
                paths.push(path);
                Target::Dir(dirs.len() - 1)
            } else {
                files.number(path).map_or(Target::Nothing, Target::File)
            };
            dirs[at].records.push(Record {
                path,
                entry,
                identifier,
                target,
            });
        }
        at += 1;
    }
    dirs
}
