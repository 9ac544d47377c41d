//! A FAT image from a manifest, for the EFI system partition.
//!
//! `build` calls [`write()`] for the `fat` builtin. Own code, because `fatfs` 0.3 gives `.` and
//! `..` long names, which `fsck.vfat` calls an error. Invariant: clusters are given out in the
//! order of paths and every chain is contiguous, so the layout follows from the manifest alone.

mod geometry;
mod names;

use std::collections::BTreeMap;
use std::io::{self, Write};

use xsc_model::Digest;

use crate::blobs::{self, BlobSource, CopyError};
use crate::fat::geometry::{Geometry, ROOT_ENTRIES, SECTOR};
use crate::fat::names::{Name, name_directory};
use crate::time::Epoch;
use crate::{EpochError, ImagePath, Kind, Manifest, seed};

/// What to write.
#[derive(Debug, Clone)]
pub struct FatSpec<'a> {
    /// The volume's name: 1 to 11 of `A`–`Z`, `0`–`9` and `_`.
    pub label: &'a str,
    /// The files, all of root's; of their modes only setuid, setgid and sticky bits are refused, as FAT keeps none.
    pub files: &'a Manifest,
    /// FAT32, which the UEFI specification asks for on disks that stay in a machine; else FAT12 or FAT16, which make
    /// small images.
    pub fat32: bool,
    /// The least size of the image in bytes; it grows to what the files need.
    pub min_size: u64,
    /// What the serial number is derived from.
    pub seed: Digest,
    /// Every time in the image, seconds since 1970; before 1980 it is written as 1980, where FAT
    /// begins.
    pub epoch: i64,
}

/// A FAT image that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FatError {
    /// The label has characters or a length that FAT does not allow.
    #[error(
        "the label `{label}` is not valid: it must be 1 to 11 upper-case letters, digits or underscores"
    )]
    Label {
        /// What was given.
        label: String,
    },
    /// The time does not fit.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// FAT holds files and directories only.
    #[error(
        "`{path}` is no file or directory, or has extended attributes or hard links, and FAT holds none of these"
    )]
    Unsupported {
        /// The path.
        path: ImagePath,
    },
    /// What a directory entry has no place for, and a mounted volume would show otherwise.
    #[error(
        "`{path}` is not root's or is setuid, setgid or sticky, and FAT keeps no owners and modes"
    )]
    Owner {
        /// The path.
        path: ImagePath,
    },
    /// A file whose size has more than 32 bits.
    #[error("`{path}` has {size} bytes, and FAT holds files of less than 4 GiB")]
    FileTooBig {
        /// The file.
        path: ImagePath,
        /// Bytes.
        size: u64,
    },
    /// More names than Linux and Windows read from a directory.
    #[error("`{path}` needs {needed} entries, and a directory of FAT has at most {MOST_ENTRIES}")]
    DirectoryFull {
        /// The directory.
        path: ImagePath,
        /// Entries needed, those for long names included.
        needed: usize,
    },
    /// A name that FAT does not allow.
    #[error(
        "the name of `{path}` is not valid on FAT: it must be UTF-8, no control characters, none of \" * : < > ? \\ |, no dot or space at its end"
    )]
    BadName {
        /// The path.
        path: ImagePath,
    },
    /// Two names that are one to FAT.
    #[error("`{first}` and `{second}` are one name to FAT, which ignores case")]
    SameName {
        /// The path that comes first.
        first: ImagePath,
        /// The other.
        second: ImagePath,
    },
    /// More names in the root directory than FAT12 and FAT16 reserve room for.
    #[error("the root directory needs {needed} entries, and FAT16 has {ROOT_ENTRIES}")]
    RootFull {
        /// Entries needed, those for long names included.
        needed: usize,
    },
    /// More than that kind of FAT can hold.
    #[error("the image would have {size} bytes, more than the {most} that {name} can hold")]
    TooBig {
        /// Bytes needed.
        size: u64,
        /// Which FAT.
        name: &'static str,
        /// Its limit.
        most: &'static str,
    },
    /// A file's content could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The image could not be written.
    #[error("cannot write the image")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Bytes of an entry in a directory.
const ENTRY: usize = 32;
/// The most entries of a directory: 2 MiB.
const MOST_ENTRIES: usize = 65_536;
const ATTRIBUTE_LABEL: u8 = 0x08;
const ATTRIBUTE_DIRECTORY: u8 = 0x10;
const ATTRIBUTE_ARCHIVE: u8 = 0x20;

/// A path with its name, its size in the data area, and where it starts.
struct Item<'m> {
    name: Name,
    kind: &'m Kind,
    /// Bytes in the data area.
    size: u64,
    /// The first cluster; zero where there is none.
    cluster: u32,
}

/// Writes an image and returns its size in bytes, a multiple of 1 MiB.
pub fn write(
    spec: &FatSpec<'_>,
    blobs: &dyn BlobSource,
    out: &mut dyn Write,
) -> Result<u64, FatError> {
    let label = check_label(spec.label)?;
    let time = Epoch::fat(spec.epoch)?;
    let Plan { mut items, root } = plan(spec.files)?;
    let mut sizes: Vec<u64> = items.values().map(|item| item.size).collect();
    let chosen = if spec.fat32 {
        sizes.push(root as u64);
        Geometry::choose_fat32(&sizes, spec.min_size).map_err(|size| (size, "2 TiB", "FAT32"))
    } else if root > ROOT_ENTRIES * ENTRY {
        let needed = root / ENTRY;
        return Err(FatError::RootFull { needed });
    } else {
        Geometry::choose(&sizes, spec.min_size).map_err(|size| (size, "2 GiB", "FAT16"))
    };
    let geometry = chosen.map_err(|(size, most, name)| FatError::TooBig { size, name, most })?;
    let mut next = 2;
    let mut chains = Vec::new();
    let mut take = |size: u64| {
        let (count, first) = (geometry.clusters_of(size), next);
        chains.push(count);
        next += count;
        if count > 0 { first } else { 0 }
    };
    let room = match spec.fat32 {
        true => {
            take(root as u64);
            (root as u64).next_multiple_of(geometry.cluster) as usize
        }
        false => ROOT_ENTRIES * ENTRY,
    };
    for item in items.values_mut() {
        item.cluster = take(item.size);
    }

    let serial = seed::short(&spec.seed, "fat-serial");
    let mut front = geometry.reserved(&label, serial, next - 2);
    let table = geometry.table(&chains);
    front.extend(&table);
    front.extend(&table);
    let mut bytes = entry(&label, ATTRIBUTE_LABEL, 0, 0, &time).to_vec();
    bytes.extend(directory(&items, &ImagePath::root(), &time));
    bytes.resize(room, 0);
    front.extend(bytes);
    put(out, &front)?;
    let mut written = front.len() as u64;
    for (path, item) in &items {
        if let Kind::File { blob, size } = item.kind {
            blobs::copy(blobs, path, *blob, *size, out)?;
        } else {
            put(out, &subdirectory(&items, path, item, &time))?;
        }
        let whole = u64::from(geometry.clusters_of(item.size)) * geometry.cluster;
        put(out, &vec![0; (whole - item.size) as usize])?;
        written += whole;
    }
    let size = geometry.sectors * SECTOR;
    io::copy(&mut io::Read::take(io::repeat(0), size - written), out)
        .map_err(|source| FatError::Write { source })?;
    Ok(size)
}

fn put(out: &mut dyn Write, bytes: &[u8]) -> Result<(), FatError> {
    out.write_all(bytes)
        .map_err(|source| FatError::Write { source })
}

fn check_label(label: &str) -> Result<[u8; 11], FatError> {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if label.is_empty() || label.len() > 11 || !label.bytes().all(plain) {
        return Err(FatError::Label {
            label: label.to_owned(),
        });
    }
    let mut padded = [b' '; 11];
    padded[..label.len()].copy_from_slice(label.as_bytes());
    Ok(padded)
}

/// What is in an image but for its place.
struct Plan<'m> {
    items: BTreeMap<ImagePath, Item<'m>>,
    /// Bytes of the root directory.
    root: usize,
}

/// Names everything and measures the directories.
fn plan(files: &Manifest) -> Result<Plan<'_>, FatError> {
    let mut children: BTreeMap<ImagePath, Vec<&ImagePath>> = BTreeMap::new();
    for (path, entry) in files.iter() {
        if !entry.xattrs.is_empty() || files.link_count(entry) > 1 {
            return Err(FatError::Unsupported { path: path.clone() });
        }
        if (entry.uid, entry.gid, entry.mode & 0o7000) != (0, 0, 0) {
            return Err(FatError::Owner { path: path.clone() });
        }
        match entry.kind {
            Kind::Directory => {
                children.entry(path.clone()).or_default();
            }
            Kind::File { size, .. } if u32::try_from(size).is_err() => {
                let path = path.clone();
                return Err(FatError::FileTooBig { path, size });
            }
            Kind::File { .. } => {}
            _ => return Err(FatError::Unsupported { path: path.clone() }),
        }
        if let Some(parent) = path.parent() {
            children.entry(parent).or_default().push(path);
        }
    }
    let mut items = BTreeMap::new();
    let mut entries = BTreeMap::new();
    for (parent, below) in &children {
        let names = name_directory(below)?;
        let count: usize = names.iter().map(Name::entries).sum();
        entries.insert(parent.clone(), count);
        for (path, name) in below.iter().zip(names) {
            let kind = &files.get(path).expect("taken from the manifest").kind;
            let size = match kind {
                Kind::File { size, .. } => *size,
                _ => 0,
            };
            let cluster = 0;
            items.insert(
                (*path).clone(),
                Item {
                    name,
                    kind,
                    size,
                    cluster,
                },
            );
        }
    }
    let mut root = 0;
    for (path, count) in entries {
        let item = items.get_mut(&path);
        // The root has the label, others have `.` and `..`.
        let needed = count + if item.is_some() { 2 } else { 1 };
        if needed > MOST_ENTRIES {
            return Err(FatError::DirectoryFull { path, needed });
        }
        match item {
            Some(item) => item.size = (needed * ENTRY) as u64,
            None => root = needed * ENTRY,
        }
    }
    Ok(Plan { items, root })
}

/// The entries of what is in a directory.
fn directory(items: &BTreeMap<ImagePath, Item<'_>>, path: &ImagePath, time: &Epoch) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (below, item) in items {
        if below.parent().as_ref() != Some(path) {
            continue;
        }
        let (attribute, size) = match item.kind {
            Kind::File { size, .. } => (
                ATTRIBUTE_ARCHIVE,
                u32::try_from(*size).expect("checked by plan()"),
            ),
            _ => (ATTRIBUTE_DIRECTORY, 0),
        };
        bytes.extend(item.name.long_entries());
        bytes.extend(entry(&item.name.short, attribute, item.cluster, size, time));
    }
    bytes
}

fn subdirectory(
    items: &BTreeMap<ImagePath, Item<'_>>,
    path: &ImagePath,
    item: &Item<'_>,
    time: &Epoch,
) -> Vec<u8> {
    let up = path
        .parent()
        .and_then(|parent| items.get(&parent))
        .map_or(0, |parent| parent.cluster);
    let mut bytes = Vec::new();
    for (name, cluster) in [(b".          ", item.cluster), (b"..         ", up)] {
        bytes.extend(entry(name, ATTRIBUTE_DIRECTORY, cluster, 0, time));
    }
    bytes.extend(directory(items, path, time));
    bytes
}

fn entry(name: &[u8; 11], attribute: u8, cluster: u32, size: u32, time: &Epoch) -> [u8; ENTRY] {
    let (date, clock) = time.fat_fields();
    let mut bytes = [0; ENTRY];
    bytes[..11].copy_from_slice(name);
    bytes[11] = attribute;
    for (at, value) in [
        (14, clock),
        (16, date),
        (18, date),
        (20, (cluster >> 16) as u16),
        (22, clock),
        (24, date),
        (26, cluster as u16),
    ] {
        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    bytes[28..].copy_from_slice(&size.to_le_bytes());
    bytes
}
