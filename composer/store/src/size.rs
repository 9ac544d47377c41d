//! The size report: what takes the disk space, by the root that keeps it and by what made it.
//!
//! A command calls it. Invariant: an object is counted once in each sum, however many trees have
//! it; what two owners share is in the size of both and in the own size of neither.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use xsc_model::{ActionId, BlobId, Directory, Node, Realisation, TreeId};

use crate::error::{Context, FileError, StoreError};
use crate::fsops::list;
use crate::gc::parse_object;
use crate::objects::disk_size;
use crate::walk::{files, walk};
use crate::{Store, layout};

/// What one root or one name takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The root's link, or the derivation's name.
    pub name: String,
    /// Disk space of all objects that it has, in bytes.
    pub bytes: u64,
    /// Of these, the ones that no other owner of the list has.
    pub own: u64,
    /// Whether some root keeps it.
    pub kept: bool,
}

/// Where a store's disk space goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SizeReport {
    /// Contents of files.
    pub objects: usize,
    /// Their disk space, in bytes.
    pub object_bytes: u64,
    /// Of that, what some root keeps.
    pub rooted_bytes: u64,
    /// Disk space of records and logs.
    pub record_bytes: u64,
    /// Disk space of partial downloads.
    pub download_bytes: u64,
    /// Disk space of failed builds that were kept.
    pub kept_bytes: u64,
    /// Disk space of what was found damaged.
    pub corrupt_bytes: u64,
    /// Length of all files of all outputs, as if nothing were shared.
    pub unshared_bytes: u64,
    /// By root, the largest first.
    pub roots: Vec<Owner>,
    /// By name of the derivation, the largest first; outputs whose name was not noted are last.
    pub names: Vec<Owner>,
}

/// The store's records in memory.
struct Records {
    directories: HashMap<TreeId, Directory>,
    /// Disk space of each object.
    sizes: HashMap<(BlobId, bool), u64>,
    outputs: BTreeMap<ActionId, Vec<TreeId>>,
}

type Objects = HashSet<(BlobId, bool)>;

impl Store {
    /// Adds up where the disk space goes. A build beside it may make it out of date at once.
    pub fn size(&self) -> Result<SizeReport, StoreError> {
        let _session = self.shared()?;
        let mut report = SizeReport::default();
        let records = self.records(&mut report)?;
        let folders = [
            "dirs",
            "realisations",
            "statements",
            "logs",
            layout::HISTORY,
            "builds",
            "roots",
        ];
        for folder in folders {
            report.record_bytes += usage(&self.at(folder))?;
        }
        let durations = fs::symlink_metadata(self.at(layout::DURATIONS));
        report.record_bytes += durations.map_or(0, |meta| disk_size(&meta));
        report.download_bytes = usage(&self.at("downloads"))?;
        report.kept_bytes = usage(&self.at("kept"))?;
        report.corrupt_bytes = usage(&self.at("corrupt"))?;
        let mut lengths = HashMap::new();
        let distinct: HashSet<TreeId> = records.outputs.values().flatten().copied().collect();
        for tree in distinct {
            report.unshared_bytes += records.length(tree, &mut lengths);
        }

        let mut roots: Vec<(String, Objects)> = Vec::new();
        let mut rooted = Objects::new();
        let mut rooted_actions = HashSet::new();
        for state in self.root_states()? {
            let Some(tree) = state.points_to else {
                continue;
            };
            let mut trees = vec![tree];
            if tree == state.root.target {
                for action in &state.root.actions {
                    trees.extend(records.outputs.get(action).into_iter().flatten());
                    rooted_actions.insert(*action);
                }
            }
            let objects = records.objects(&trees);
            rooted.extend(objects.iter().copied());
            roots.push((state.root.link.display().to_string(), objects));
        }
        report.rooted_bytes = rooted.iter().map(|key| records.size(key)).sum();
        report.roots = owners(&records, roots, |_| true);

        let names = self.names();
        let mut by_name: BTreeMap<String, (Vec<TreeId>, bool)> = BTreeMap::new();
        let mut unnamed = Vec::new();
        for (action, trees) in &records.outputs {
            match names.get(action) {
                Some(name) => {
                    let entry = by_name.entry(name.to_string()).or_default();
                    entry.0.extend(trees);
                    entry.1 |= rooted_actions.contains(action);
                }
                None => unnamed.extend(trees.iter().copied()),
            }
        }
        let kept: HashSet<String> = by_name
            .iter()
            .filter(|(_, (_, kept))| *kept)
            .map(|(name, _)| name.clone())
            .collect();
        let mut sets: Vec<(String, Objects)> = by_name
            .into_iter()
            .map(|(name, (trees, _))| (name, records.objects(&trees)))
            .collect();
        if !unnamed.is_empty() {
            sets.push((String::new(), records.objects(&unnamed)));
        }
        report.names = owners(&records, sets, |name| kept.contains(name));
        report.names.sort_by_key(|owner| owner.name.is_empty());
        Ok(report)
    }

    fn records(&self, report: &mut SizeReport) -> Result<Records, FileError> {
        let mut records = Records {
            directories: HashMap::new(),
            sizes: HashMap::new(),
            outputs: BTreeMap::new(),
        };
        for file in self.sharded_files("objects")? {
            let Some(key) = parse_object(&file.name) else {
                continue;
            };
            let meta = fs::symlink_metadata(&file.path).context("look at", &file.path)?;
            report.objects += 1;
            report.object_bytes += disk_size(&meta);
            records.sizes.insert(key, disk_size(&meta));
        }
        for file in self.sharded_files("dirs")? {
            let bytes = fs::read(&file.path).context("read", &file.path)?;
            // What is damaged is for `verify` to say.
            if let (Ok(tree), Ok(directory)) = (file.name.parse(), Directory::decode(&bytes)) {
                records.directories.insert(tree, directory);
            }
        }
        for file in self.sharded_files("realisations")? {
            let bytes = fs::read(&file.path).context("read", &file.path)?;
            if let Ok(found) = Realisation::parse(&String::from_utf8_lossy(&bytes)) {
                let trees = found.outputs.into_values().collect();
                records.outputs.insert(found.action, trees);
            }
        }
        Ok(records)
    }
}

impl Records {
    fn size(&self, key: &(BlobId, bool)) -> u64 {
        self.sizes.get(key).copied().unwrap_or_default()
    }

    /// The length of all files below a tree, each counted as often as it appears.
    fn length(&self, tree: TreeId, known: &mut HashMap<TreeId, u64>) -> u64 {
        // An explicit stack, for trees may be deeper than the native one; the flag says that the
        // children are done.
        let mut stack = vec![(tree, false)];
        while let Some((id, expanded)) = stack.pop() {
            if known.contains_key(&id) {
                continue;
            }
            let entries = || {
                self.directories
                    .get(&id)
                    .into_iter()
                    .flat_map(|directory| directory.entries.values())
            };
            if !expanded {
                stack.push((id, true));
                stack.extend(entries().filter_map(|node| match node {
                    Node::Directory { tree } => Some((*tree, false)),
                    _ => None,
                }));
                continue;
            }
            let length = entries().map(|node| match node {
                Node::Directory { tree } => known.get(tree).copied().unwrap_or_default(),
                Node::File { size, .. } => *size,
                Node::Symlink { .. } => 0,
            });
            let length = length.fold(0u64, u64::saturating_add);
            known.insert(id, length);
        }
        known.get(&tree).copied().unwrap_or_default()
    }

    fn objects(&self, trees: &[TreeId]) -> Objects {
        let mut objects = Objects::new();
        let read = |tree| Ok::<_, Infallible>(self.directories.get(&tree));
        let Ok(()) = walk(trees.iter().copied(), read, |_, directory| {
            objects.extend(files(directory));
        });
        objects
    }
}

/// The sizes of sets of objects, the largest first.
fn owners(
    records: &Records,
    sets: Vec<(String, Objects)>,
    kept: impl Fn(&str) -> bool,
) -> Vec<Owner> {
    let mut count: HashMap<(BlobId, bool), u32> = HashMap::new();
    for key in sets.iter().flat_map(|(_, objects)| objects) {
        *count.entry(*key).or_default() += 1;
    }
    let mut owners: Vec<Owner> = sets
        .into_iter()
        .map(|(name, objects)| Owner {
            bytes: objects.iter().map(|key| records.size(key)).sum(),
            own: objects
                .iter()
                .filter(|key| count[*key] == 1)
                .map(|key| records.size(key))
                .sum(),
            kept: kept(&name),
            name,
        })
        .collect();
    owners.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    owners
}

/// The disk space of everything below a directory, a file of several names once; what vanishes meanwhile counts nothing.
fn usage(dir: &Path) -> Result<u64, FileError> {
    let mut bytes = 0;
    let mut seen = HashSet::new();
    let mut queue = vec![dir.to_owned()];
    while let Some(dir) = queue.pop() {
        for name in list(&dir)? {
            let path = layout::at(&dir, &name);
            match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_dir() => queue.push(path),
                Ok(meta) if meta.nlink() > 1 && !seen.insert((meta.dev(), meta.ino())) => {}
                Ok(meta) => bytes += disk_size(&meta),
                Err(_) => {}
            }
        }
    }
    Ok(bytes)
}
