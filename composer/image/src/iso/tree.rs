//! The manifest as numbered directories and files, in the orders that ISO 9660 asks for.
//!
//! Built twice an image, before anything has an address: with short names and Rock Ridge's beside them, and with
//! Joliet's. Invariant: directories are numbered level by level, in each level by parent and name (the order of a path
//! table), the records of a directory are sorted by name, and files have the same numbers in both.

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
}

/// The numbered content of an image.
#[derive(Debug)]
pub(crate) struct Tree<'m> {
    pub(crate) dirs: Vec<Dir<'m>>,
    /// In the order of their paths.
    pub(crate) files: Vec<Content<'m>>,
    /// Whether records carry the entries of Rock Ridge.
    pub(crate) rock_ridge: bool,
}

impl<'m> Tree<'m> {
    /// Everything: short names, and Rock Ridge beside them.
    pub(crate) fn rock_ridge(manifest: &'m Manifest) -> Self {
        let mut tree = Tree::named::<ShortName>(manifest, |_| true);
        tree.rock_ridge = true;
        tree
    }

    /// Joliet's names for directories and files; it has no links and devices.
    pub(crate) fn joliet(manifest: &'m Manifest) -> Self {
        Tree::named::<JolietName>(manifest, |kind| {
            matches!(kind, Kind::Directory | Kind::File { .. })
        })
    }

    fn named<N: Name>(manifest: &'m Manifest, holds: impl Fn(&Kind) -> bool) -> Self {
        let mut children: BTreeMap<ImagePath, Vec<(&ImagePath, &Entry)>> = BTreeMap::new();
        let mut files = Vec::new();
        let mut file_numbers = BTreeMap::new();
        for (path, entry) in manifest.iter() {
            if let Some(parent) = path.parent().filter(|_| holds(&entry.kind)) {
                children.entry(parent).or_default().push((path, entry));
            }
            if let Kind::File { blob, size } = entry.kind
                && size > 0
            {
                file_numbers.insert(path, files.len());
                files.push(Content { path, blob, size });
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
                    file_numbers
                        .get(path)
                        .map_or(Target::Nothing, |number| Target::File(*number))
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
        Tree {
            dirs,
            files,
            rock_ridge: false,
        }
    }

    /// The number of the file at `path`.
    pub(crate) fn file(&self, path: &ImagePath) -> Option<usize> {
        self.files
            .binary_search_by_key(&path, |file| file.path)
            .ok()
    }
}
