//! Reads GPT disks: each partition is a directory with its file system, or a file where it has none that is read.
//!
//! Read by hand rather than with the `gpt` crate, which wants a device that can be written and trusts counts.
//! Invariant: partitions lie inside the disk, and the table's sums are right.

use std::sync::Arc;

use uuid::Uuid;

use super::bytes::{le16, le32, le64};
use super::content::Stored;
use super::input::Input;
use super::source::{Window, fill};
use super::{
    Content, Entries, Listing, Node, NodeKind, Place, ReadError, Reader, Source, file, open_nested,
};

const FORMAT: &str = "GPT disk";
const MOST_PARTITIONS: u32 = 1024;

/// Partition types of the Discoverable Partitions Specification, and what they are asked for by.
const ROLES: &[(&str, &str)] = &[
    ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "esp"),
    ("bc13c2ff-59e6-4262-a352-b275fd6f7172", "xbootldr"),
    ("21686148-6449-6e6f-744e-656564454649", "bios"),
    ("4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "root"),
    ("b921b045-1df0-41c3-af44-4c6f280d3fae", "root"),
    ("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "root-verity"),
    ("df3300ce-d69f-4c92-978c-9bfb0f38d820", "root-verity"),
    ("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "swap"),
    ("933ac7e1-2eb4-4f13-b844-0e14e2aef915", "home"),
    ("0fc63daf-8483-4772-8e79-3d69d8477de4", "linux"),
];

/// The two sizes of sectors that there are.
const SECTORS: [u64; 2] = [512, 4096];

pub(crate) fn is(source: &dyn Source) -> Result<bool, ReadError> {
    for sector in SECTORS {
        let mut magic = [0; 8];
        let count = fill(source, sector, &mut magic).map_err(|source| ReadError::Io { source })?;
        if count == 8 && &magic == b"EFI PART" {
            return Ok(true);
        }
    }
    Ok(false)
}

struct Partition {
    number: u32,
    name: String,
    role: Option<&'static str>,
    at: u64,
    size: u64,
}

impl Partition {
    fn source(&self, disk: &Arc<dyn Source>) -> Arc<dyn Source> {
        Arc::new(Window {
            inner: Arc::clone(disk),
            at: self.at,
            size: self.size,
        })
    }

    /// Its directory: the number, and the role or the name.
    fn directory(&self) -> String {
        let word: String = self
            .role
            .unwrap_or(&self.name)
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        match word.is_empty() {
            true => self.number.to_string(),
            false => format!("{}-{word}", self.number),
        }
    }
}

fn partitions(source: &Arc<dyn Source>) -> Result<Vec<Partition>, ReadError> {
    let mut input = Input::new(Arc::clone(source), FORMAT);
    let mut sector = SECTORS[0];
    if &input.array::<8>(sector)? != b"EFI PART" {
        sector = SECTORS[1];
    }
    let mut header: [u8; 92] = input.array(sector)?;
    let sum = le32(&header, 16);
    header[16..20].fill(0);
    if le32(&header, 12) == 92 && crc32fast::hash(&header) != sum {
        return Err(input.broken("the sum of the partition table's header", sector + 16));
    }
    let (count, size) = (le32(&header, 80), u64::from(le32(&header, 84)));
    let table_at = le64(&header, 72).saturating_mul(sector);
    if count > MOST_PARTITIONS || !(128..=4096).contains(&size) {
        return Err(input.broken("the size of the partition table", sector + 80));
    }
    let table = input.bytes(table_at, u64::from(count) * size)?;
    if crc32fast::hash(&table) != le32(&header, 88) {
        return Err(input.broken("the sum of the partition table", table_at));
    }
    let mut found = Vec::new();
    for (index, entry) in table.chunks_exact(size as usize).enumerate() {
        let mut kind = [0; 16];
        kind.copy_from_slice(&entry[..16]);
        if kind == [0; 16] {
            continue;
        }
        let kind = Uuid::from_bytes_le(kind).to_string();
        let (first, last) = (le64(entry, 32), le64(entry, 40));
        let place = table_at + index as u64 * size;
        let sectors = last
            .checked_sub(first)
            .and_then(|count| count.checked_add(1));
        let at = first.checked_mul(sector);
        let (Some(at), Some(size)) = (at, sectors.and_then(|count| count.checked_mul(sector)))
        else {
            return Err(input.broken("the place of a partition", place));
        };
        let end = at.checked_add(size);
        let disk = source.size().unwrap_or(u64::MAX);
        if end.is_none_or(|end| end > disk) {
            return Err(input.broken("a partition lies behind the end of the disk", place));
        }
        let units: Vec<u16> = (0..36).map(|unit| le16(entry, 56 + 2 * unit)).collect();
        let name = String::from_utf16_lossy(&units);
        found.push(Partition {
            number: index as u32 + 1,
            name: name.trim_end_matches('\0').to_owned(),
            role: (ROLES.iter().find(|(guid, _)| *guid == kind)).map(|(_, role)| *role),
            at,
            size,
        });
    }
    Ok(found)
}

/// The partition that `wanted` names: its number, name or role.
pub(crate) fn partition(
    source: Arc<dyn Source>,
    wanted: &str,
) -> Result<Arc<dyn Source>, ReadError> {
    let all = partitions(&source)?;
    let is = |partition: &&Partition| {
        wanted == partition.number.to_string()
            || wanted == partition.name
            || Some(wanted) == partition.role
            || wanted == partition.directory()
    };
    match all.iter().find(is) {
        Some(partition) => Ok(partition.source(&source)),
        None => Err(ReadError::NoPart {
            format: FORMAT,
            wanted: wanted.to_owned(),
            known: match all.is_empty() {
                true => "none".to_owned(),
                false => {
                    let names: Vec<String> = all.iter().map(Partition::directory).collect();
                    names.join(", ")
                }
            },
        }),
    }
}

pub(crate) struct Disk {
    source: Arc<dyn Source>,
    listing: Listing,
    /// The file systems with the directories that they are in.
    inner: Vec<(Vec<u8>, Box<dyn Reader>)>,
}

pub(crate) fn open(source: Arc<dyn Source>, depth: usize) -> Result<Disk, ReadError> {
    let mut input = Input::new(Arc::clone(&source), FORMAT);
    let mut entries = Entries::new();
    entries.insert(Vec::new(), Node::implied_directory());
    let mut inner = Vec::new();
    for partition in partitions(&source)? {
        let directory = partition.directory().into_bytes();
        let reader = match open_nested(partition.source(&source), &[], depth) {
            Ok(reader) => reader,
            // A boot loader's partition has no file system, and a disk's own has none that is broken.
            Err(ReadError::Unknown) => {
                let mut node = Node::new(NodeKind::File, 0o444);
                node.size = partition.size;
                node.place = Place::At(partition.at);
                entries.insert(directory, node);
                continue;
            }
            Err(error) => return Err(error),
        };
        for (path, node) in reader.entries() {
            let path = match path.is_empty() {
                true => directory.clone(),
                false => [&directory, path.as_slice()].join(&b'/'),
            };
            input.charge(path.len() as u64)?;
            let mut node = node.clone();
            // Numbers of inodes are of one file system.
            node.link = node
                .link
                .map(|link| link ^ u64::from(partition.number) << 48);
            node.place = Place::Inside(inner.len(), 0);
            entries.insert(path, node);
        }
        inner.push((directory, reader));
    }
    Ok(Disk {
        source,
        listing: Listing {
            format: FORMAT,
            entries,
        },
        inner,
    })
}

impl Reader for Disk {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn content(&self, path: &[u8]) -> Result<Content, ReadError> {
        let node = file(self.entries(), path)?;
        match node.place {
            Place::Inside(index, _) => {
                let (directory, reader) = &self.inner[index];
                reader.content(path.get(directory.len() + 1..).unwrap_or_default())
            }
            Place::At(at) => Ok(Content::new(
                Arc::clone(&self.source),
                node.size,
                [(node.size, Stored::Plain { at })],
            )),
            _ => Ok(Content::new(Arc::clone(&self.source), 0, [])),
        }
    }
}
