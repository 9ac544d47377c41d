//! Splits a root file system into the layers of an OCI image, so that images share what is the same in them.
//!
//! `build` calls [`split`] with the sets of packages that its database tells apart. Invariant: laid over one another, the
//! layers give the tree again; a layer depends on nothing but the files of its set and the directories above them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Entry, ImagePath, Kind, LinkGroup, Manifest};

/// Splits `files` by the set that `set_of` gives to each path; a set without files has no layer. Directories are in
/// each layer that has something below them, and otherwise in that of their own set.
pub fn split(
    files: &Manifest,
    set_of: impl Fn(&ImagePath, &Entry) -> usize,
) -> BTreeMap<usize, Manifest> {
    let mut chosen: BTreeMap<usize, BTreeSet<&ImagePath>> = BTreeMap::new();
    let mut groups: BTreeMap<LinkGroup, usize> = BTreeMap::new();
    let mut filled: BTreeSet<ImagePath> = BTreeSet::new();
    let all: Vec<(&ImagePath, &Entry)> = files.iter().collect();
    for (path, entry) in &all {
        // Names of one file stay together.
        let group = entry
            .link
            .map(|group| *groups.entry(group).or_insert_with(|| set_of(path, entry)));
        if entry.kind != Kind::Directory {
            let set = group.unwrap_or_else(|| set_of(path, entry));
            chosen.entry(set).or_default().insert(path);
        }
    }
    // Backwards, so that a directory comes after all that is in it.
    for (path, entry) in all.iter().rev() {
        if entry.kind == Kind::Directory && !filled.contains(*path) {
            chosen.entry(set_of(path, entry)).or_default().insert(path);
        }
        if let Some(parent) = path.parent() {
            filled.insert(parent);
        }
    }
    let layer = |paths: &BTreeSet<&ImagePath>| {
        let mut wanted: BTreeSet<ImagePath> = BTreeSet::new();
        for path in paths {
            wanted.insert((*path).clone());
            let mut up = path.parent();
            while let Some(parent) = up {
                up = parent.parent();
                if !wanted.insert(parent) {
                    break;
                }
            }
        }
        let entries = wanted.into_iter().map(|path| {
            let entry = files.get(&path).expect("taken from the manifest").clone();
            (path, entry)
        });
        let entries: Vec<(ImagePath, Entry)> = entries.collect();
        let owners: BTreeSet<(u32, u32)> = entries.iter().map(|(_, e)| (e.uid, e.gid)).collect();
        let manifest = Manifest::from_entries(entries);
        let mut manifest = manifest.expect("a part with its directories is a file system");
        for (uid, gid) in owners {
            if let Some(name) = files.user_name(uid) {
                manifest
                    .set_user_name(uid, name)
                    .expect("it is a name in the whole");
            }
            if let Some(name) = files.group_name(gid) {
                manifest
                    .set_group_name(gid, name)
                    .expect("it is a name in the whole");
            }
        }
        manifest
    };
    chosen
        .iter()
        .map(|(set, paths)| (*set, layer(paths)))
        .collect()
}
