//! What an image contains: a sorted map of absolute paths to entries with owner and mode.
//!
//! Made from a tree of the store plus overrides; every writer reads it. Trees carry no owner, no
//! full mode, no attributes, no device nodes and only UTF-8 names, so those exist here and on no
//! builder's disk. Invariant: the root and the parent of every entry are in the map and are
//! directories, and all names of one hard-link group agree on what the inode is.

mod entry;
mod error;
mod path;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use xsc_model::{DirectorySource, Node, TreeId};

pub use entry::{Entry, Kind, LinkGroup, NewNode, Origin, Override, Xattrs};
pub use error::{FromTreeError, ManifestError};
pub use path::ImagePath;
pub use text::ManifestTextError;

/// The longest symbolic link, in bytes, that Linux resolves.
const LONGEST_TARGET: usize = 4095;
/// The longest name and value of an extended attribute in Linux.
const LONGEST_XATTR: (usize, usize) = (255, 65536);

/// The content of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    entries: BTreeMap<ImagePath, Entry>,
    links: BTreeMap<LinkGroup, BTreeSet<ImagePath>>,
    users: BTreeMap<u32, String>,
    groups: BTreeMap<u32, String>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self::new()
    }
}

impl Manifest {
    /// An image with nothing but its root directory.
    pub fn new() -> Self {
        let root = Entry::new(Kind::Directory);
        Manifest {
            entries: BTreeMap::from([(ImagePath::root(), root)]),
            links: BTreeMap::new(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// A manifest of these entries in any order; `/` is added where it is not among them.
    pub fn from_entries(
        entries: impl IntoIterator<Item = (ImagePath, Entry)>,
    ) -> Result<Self, ManifestError> {
        let mut sorted: BTreeMap<ImagePath, Entry> = BTreeMap::new();
        for (path, entry) in entries {
            if let Some(there) = sorted.get(&path) {
                return Err(ManifestError::Exists {
                    path,
                    first: there.origin.clone(),
                    second: entry.origin,
                });
            }
            sorted.insert(path, entry);
        }
        let mut manifest = Self::new();
        for (path, entry) in sorted {
            if path.is_root() {
                check(&path, &entry)?;
                if entry.kind != Kind::Directory {
                    return Err(ManifestError::NoParent { path });
                }
                manifest.entries.insert(path, entry);
            } else {
                manifest.insert(path, entry)?;
            }
        }
        Ok(manifest)
    }

    /// The manifest of a tree: directories 0755, executable files 0755, others 0644, all of
    /// root's; then the overrides, in their order.
    pub fn from_tree<S: DirectorySource>(
        root: TreeId,
        source: &S,
        overrides: &[Override],
    ) -> Result<Self, FromTreeError<S::Error>> {
        let mut manifest = Self::new();
        let mut pending = vec![(ImagePath::root(), root)];
        while let Some((path, tree)) = pending.pop() {
            let directory = match source.directory(tree) {
                Ok(directory) => directory,
                Err(source) => return Err(FromTreeError::Lookup { path, source }),
            };
            for (name, node) in directory.entries {
                let below = path.join_name(&name);
                let entry = match node {
                    Node::File {
                        blob,
                        size,
                        executable,
                    } => Entry::new(Kind::File { blob, size }).with_mode(if executable {
                        0o755
                    } else {
                        0o644
                    }),
                    Node::Directory { tree } => {
                        pending.push((below.clone(), tree));
                        Entry::new(Kind::Directory)
                    }
                    Node::Symlink { target } => Entry::new(Kind::Symlink {
                        target: target.into_bytes(),
                    }),
                };
                manifest.insert(below, entry)?;
            }
        }
        for change in overrides {
            manifest.apply(change)?;
        }
        Ok(manifest)
    }

    /// Adds a path; its parent must be there and the path must be free.
    pub fn insert(&mut self, path: ImagePath, entry: Entry) -> Result<(), ManifestError> {
        check(&path, &entry)?;
        if let Some(there) = self.entries.get(&path) {
            return Err(ManifestError::Exists {
                path,
                first: there.origin.clone(),
                second: entry.origin,
            });
        }
        let parent = path.parent().and_then(|parent| self.entries.get(&parent));
        if parent.is_none_or(|parent| parent.kind != Kind::Directory) {
            return Err(ManifestError::NoParent { path });
        }
        if let Some(group) = entry.link {
            if let Some(other) = self.links(group).next() {
                let there = &self.entries[other];
                if !there.same_inode(&entry) {
                    return Err(ManifestError::LinksDiffer {
                        path,
                        other: other.clone(),
                        first: there.origin.clone(),
                        second: entry.origin,
                    });
                }
            }
            self.links.entry(group).or_default().insert(path.clone());
        }
        self.entries.insert(path, entry);
        Ok(())
    }

    /// Applies one override; a change of one hard link changes all.
    pub fn apply(&mut self, change: &Override) -> Result<(), ManifestError> {
        let path = &change.path;
        match &change.create {
            None => {}
            Some(NewNode::HardLink(target)) => self.hard_link(path, target)?,
            Some(node) => {
                let kind = match node.clone() {
                    NewNode::Directory | NewNode::HardLink(_) => Kind::Directory,
                    NewNode::Symlink(target) => Kind::Symlink { target },
                    NewNode::CharDevice(major, minor) => Kind::CharDevice { major, minor },
                    NewNode::BlockDevice(major, minor) => Kind::BlockDevice { major, minor },
                    NewNode::Fifo => Kind::Fifo,
                    NewNode::Socket => Kind::Socket,
                };
                let there = self.entries.get(path).map(|entry| &entry.kind);
                if there != Some(&Kind::Directory) || kind != Kind::Directory {
                    self.insert(path.clone(), Entry::new(kind))?;
                }
            }
        }
        let Some(entry) = self.entries.get(path) else {
            return Err(ManifestError::NotFound { path: path.clone() });
        };
        let mut changed = entry.clone();
        changed.mode = change.mode.unwrap_or(entry.mode);
        changed.uid = change.uid.unwrap_or(entry.uid);
        changed.gid = change.gid.unwrap_or(entry.gid);
        changed.xattrs.extend(change.xattrs.clone());
        check(path, &changed)?;
        let names: Vec<ImagePath> = match entry.link {
            Some(group) => self.links(group).cloned().collect(),
            None => vec![path.clone()],
        };
        for name in names {
            let entry = self.entries.get_mut(&name).expect("groups list entries");
            let origin = entry.origin.take();
            *entry = Entry {
                origin,
                ..changed.clone()
            };
        }
        Ok(())
    }

    /// Makes `path` another name of the inode at `target`.
    pub fn hard_link(&mut self, path: &ImagePath, target: &ImagePath) -> Result<(), ManifestError> {
        let Some(there) = self.entries.get_mut(target) else {
            return Err(ManifestError::NoLinkTarget {
                path: path.clone(),
                target: target.clone(),
            });
        };
        if there.kind == Kind::Directory {
            return Err(ManifestError::LinkedDirectory {
                path: target.clone(),
            });
        }
        let next = self.links.keys().next_back().map_or(0, |last| last.0 + 1);
        let group = *there.link.get_or_insert(LinkGroup(next));
        let entry = Entry {
            origin: None,
            ..there.clone()
        };
        self.links.entry(group).or_default().insert(target.clone());
        self.insert(path.clone(), entry)
    }

    /// Says who put the entry at `path` there; a path that is not there is left out.
    pub fn set_origin(&mut self, path: &ImagePath, origin: Origin) {
        if let Some(entry) = self.entries.get_mut(path) {
            entry.origin = Some(origin);
        }
    }

    /// Names a user's number; the first name stays.
    pub fn set_user_name(&mut self, uid: u32, name: &str) -> Result<(), ManifestError> {
        check_owner(uid, name)?;
        self.users.entry(uid).or_insert_with(|| name.to_owned());
        Ok(())
    }

    /// Names a group's number; the first name stays.
    pub fn set_group_name(&mut self, gid: u32, name: &str) -> Result<(), ManifestError> {
        check_owner(gid, name)?;
        self.groups.entry(gid).or_insert_with(|| name.to_owned());
        Ok(())
    }

    /// The name of a user, where it is known.
    pub fn user_name(&self, uid: u32) -> Option<&str> {
        self.users.get(&uid).map(String::as_str)
    }

    /// The name of a group, where it is known.
    pub fn group_name(&self, gid: u32) -> Option<&str> {
        self.groups.get(&gid).map(String::as_str)
    }

    /// The entry at a path.
    pub fn get(&self, path: &ImagePath) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// All entries, `/` first, a directory before what is in it.
    pub fn iter(&self) -> impl Iterator<Item = (&ImagePath, &Entry)> {
        self.entries.iter()
    }

    /// How many entries there are, at least the root.
    #[allow(clippy::len_without_is_empty, reason = "a manifest is never empty")]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The names of one inode, sorted.
    pub fn links(&self, group: LinkGroup) -> impl Iterator<Item = &ImagePath> {
        self.links.get(&group).into_iter().flatten()
    }

    /// How many names the entry's inode has.
    pub fn link_count(&self, entry: &Entry) -> u32 {
        entry
            .link
            .map_or(1, |group| self.links(group).count() as u32)
    }

    /// Whether the inode is met here first, in the order of paths: true of all but the later hard
    /// links.
    pub fn is_first_link(&self, path: &ImagePath, entry: &Entry) -> bool {
        entry
            .link
            .is_none_or(|group| self.links(group).next() == Some(path))
    }
}

fn check_owner(number: u32, name: &str) -> Result<(), ManifestError> {
    let bad = |c: char| c.is_control() || c.is_whitespace() || c == ':';
    if name.is_empty() || name.contains(bad) {
        return Err(ManifestError::BadOwnerName {
            number,
            name: path::escape(name.as_bytes()),
        });
    }
    Ok(())
}

fn check(path: &ImagePath, entry: &Entry) -> Result<(), ManifestError> {
    if entry.mode > 0o7777 {
        return Err(ManifestError::BadMode {
            path: path.clone(),
            mode: entry.mode,
        });
    }
    if entry.link.is_some() && entry.kind == Kind::Directory {
        return Err(ManifestError::LinkedDirectory { path: path.clone() });
    }
    for (name, value) in &entry.xattrs {
        let known = ["security.", "system.", "trusted.", "user."]
            .iter()
            .any(|space| name.starts_with(space.as_bytes()) && name.len() > space.len());
        let (longest, largest) = LONGEST_XATTR;
        if !known || name.contains(&0) || name.len() > longest || value.len() > largest {
            return Err(ManifestError::BadXattr {
                path: path.clone(),
                name: path::escape(name),
            });
        }
    }
    match &entry.kind {
        Kind::Symlink { target }
            if target.is_empty() || target.len() > LONGEST_TARGET || target.contains(&0) =>
        {
            Err(ManifestError::BadTarget {
                path: path.clone(),
                length: target.len(),
            })
        }
        _ => Ok(()),
    }
}
