//! Reads ext4 with extents: files, holes, links, devices, owners of 32 bits, and extended attributes.
//!
//! Own code because `ext4-view` gives neither attributes nor device numbers nor inodes. Invariant: an inode's directory
//! is listed once, extent trees are no deeper than the format allows, and every list is charged to the budget.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bytes::{le16, le32, le64};
use super::content::Stored;
use super::input::Input;
use super::source::fill;
use super::{
    Content, Entries, Listing, Node, NodeKind, Place, ReadError, Reader, Source, device,
    ext4_xattr, file, kind_of_mode,
};

const FORMAT: &str = "ext4";
const ROOT: u64 = 2;
const INLINE_DATA: u32 = 0x1000_0000;
const EXTENTS: u32 = 0x8_0000;
/// The deepest tree of extents that ext4 makes.
const DEEPEST: u16 = 5;

/// Incompatible features that change nothing for a reader, or that it knows: file types, extents, 64 bits, multiple
/// mount protection, flexible groups, attributes in inodes, a seed of sums, large directories.
const KNOWN: u32 = 0x2 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000;

pub(crate) fn is(source: &dyn Source) -> Result<bool, ReadError> {
    let mut magic = [0; 2];
    let count = fill(source, 1024 + 56, &mut magic).map_err(|source| ReadError::Io { source })?;
    Ok(count == 2 && magic == [0x53, 0xef])
}

pub(crate) struct Ext4 {
    volume: Volume,
    listing: Listing,
}

/// What finds inodes and blocks.
struct Volume {
    source: Arc<dyn Source>,
    block: u64,
    inode_size: u64,
    inodes: u64,
    per_group: u64,
    groups_at: u64,
    group_size: u64,
}

pub(crate) fn open(source: Arc<dyn Source>) -> Result<Ext4, ReadError> {
    let mut input = Input::new(Arc::clone(&source), FORMAT);
    let head: [u8; 1024] = input.array(1024)?;
    let features = le32(&head, 96);
    if features & !KNOWN != 0 {
        let bits = features & !KNOWN;
        return Err(input.unsupported(format!("the incompatible features {bits:#x}")));
    }
    let log = le32(&head, 24);
    let (inode_size, per_group) = match le32(&head, 76) {
        0 => (128, le32(&head, 40)),
        _ => (le16(&head, 88).into(), le32(&head, 40)),
    };
    if log > 6 || !(128..=4096u64).contains(&inode_size) || per_group == 0 {
        return Err(input.broken("the sizes in the superblock", 1024));
    }
    let block = 1024u64 << log;
    let group_size = match features & 0x80 {
        0 => 32,
        _ => u64::from(le16(&head, 254)).max(64),
    };
    let volume = Volume {
        source,
        block,
        inode_size,
        inodes: le32(&head, 0).into(),
        per_group: per_group.into(),
        groups_at: (u64::from(le32(&head, 20)) + 1) * block,
        group_size,
    };
    let mut entries = Entries::new();
    let root = volume.inode(&input, ROOT)?;
    entries.insert(Vec::new(), volume.node(&mut input, ROOT, &root)?);
    let mut seen = BTreeSet::from([ROOT]);
    let mut pending = vec![(Vec::new(), root)];
    while let Some((path, inode)) = pending.pop() {
        for (name, number) in volume.directory(&mut input, &inode)? {
            let path = input.join(&path, &name, number)?;
            let inode = volume.inode(&input, number)?;
            let node = volume.node(&mut input, number, &inode)?;
            if node.is_directory() {
                if !seen.insert(number) {
                    return Err(input.broken("a directory with two names", number));
                }
                pending.push((path.clone(), inode));
            }
            entries.insert(path, node);
        }
    }
    Ok(Ext4 {
        volume,
        listing: Listing {
            format: FORMAT,
            entries,
        },
    })
}

impl Volume {
    fn inode(&self, input: &Input, number: u64) -> Result<Vec<u8>, ReadError> {
        let index = number.wrapping_sub(1);
        if index >= self.inodes {
            return Err(input.broken("an inode's number", number));
        }
        let group = self.groups_at + index / self.per_group * self.group_size;
        let low: [u8; 32] = input.array(group)?;
        let high = match self.group_size {
            32 => 0,
            _ => le32(&input.array::<64>(group)?, 40),
        };
        let table = u64::from(high) << 32 | u64::from(le32(&low, 8));
        let within = index % self.per_group * self.inode_size;
        let at = table.checked_mul(self.block);
        let at = at.and_then(|at| at.checked_add(within));
        let at = at.ok_or_else(|| input.broken("the place of an inode table", group))?;
        let mut bytes = vec![0; self.inode_size as usize];
        input.fill(at, &mut bytes)?;
        Ok(bytes)
    }

    fn node(&self, input: &mut Input, number: u64, inode: &[u8]) -> Result<Node, ReadError> {
        let mode = u32::from(le16(inode, 0));
        let numbers = match (le32(inode, 40), le32(inode, 44)) {
            (0, packed) => device(packed),
            (old, _) => (old >> 8 & 0xff, old & 0xff),
        };
        let Some(kind) = kind_of_mode(mode, numbers) else {
            return Err(input.broken("the type of an inode", number));
        };
        input.charge(64)?;
        let mut node = Node::new(kind, mode & 0o7777);
        node.uid = u32::from(le16(inode, 2)) | u32::from(le16(inode, 120)) << 16;
        node.gid = u32::from(le16(inode, 24)) | u32::from(le16(inode, 122)) << 16;
        let epoch = match le16(inode, 128) {
            extra if inode.len() >= 140 && extra >= 12 => i64::from(le32(inode, 136) & 3) << 32,
            _ => 0,
        };
        node.mtime = Some(i64::from(le32(inode, 16) as i32) + epoch);
        if !node.is_directory() && le16(inode, 26) > 1 {
            node.link = Some(number);
        }
        let size = size(inode);
        match &mut node.kind {
            NodeKind::File => {
                node.size = size;
                node.place = Place::At(number);
            }
            NodeKind::Symlink { target } => *target = self.link(input, number, inode, size)?,
            _ => {}
        }
        node.xattrs = ext4_xattr::read(input, inode, self.block)?;
        Ok(node)
    }

    fn link(
        &self,
        input: &mut Input,
        number: u64,
        inode: &[u8],
        size: u64,
    ) -> Result<Vec<u8>, ReadError> {
        if size < 60 && le32(inode, 32) & EXTENTS == 0 {
            return Ok(inode[40..40 + size as usize].to_vec());
        }
        if size > self.block {
            return Err(input.broken("the length of a link", number));
        }
        self.whole(input, inode, size)
    }

    /// The content of an inode that is small or listed, in memory.
    fn whole(&self, input: &mut Input, inode: &[u8], size: u64) -> Result<Vec<u8>, ReadError> {
        let pieces = self.pieces(input, inode, size)?;
        let stored: u64 = pieces
            .iter()
            .map(|(length, stored)| match stored {
                Stored::Plain { .. } => *length,
                _ => 0,
            })
            .sum();
        if size > stored {
            return Err(input.broken("a directory or link with holes", 0));
        }
        input.charge(size)?;
        let content = Content::new(Arc::clone(&self.source), size, pieces);
        let mut bytes = vec![0; size as usize];
        match fill(&content, 0, &mut bytes) {
            Ok(count) if count == bytes.len() => Ok(bytes),
            _ => Err(input.broken("a directory lies behind its end", 0)),
        }
    }

    fn directory(&self, input: &mut Input, inode: &[u8]) -> Result<Vec<(Vec<u8>, u64)>, ReadError> {
        let bytes = self.whole(input, inode, size(inode))?;
        let mut found = Vec::new();
        for (index, block) in bytes.chunks(self.block as usize).enumerate() {
            let mut at = 0;
            while at + 8 <= block.len() {
                let number = u64::from(le32(block, at));
                let length = usize::from(le16(block, at + 4));
                // Blocks of 64 KiB do not fit in the field.
                let length = if length == 0xffff || length == 0 {
                    block.len() - at
                } else {
                    length
                };
                let name = block.get(at + 8..at + 8 + usize::from(block[at + 6]));
                let (Some(name), true) = (name, length >= 8 && at + length <= block.len()) else {
                    let place = index as u64 * self.block + at as u64;
                    return Err(input.broken("an entry of a directory", place));
                };
                if number != 0 && !matches!(name, b"." | b"..") {
                    found.push((name.to_vec(), number));
                }
                at += length;
            }
        }
        Ok(found)
    }

    /// The extents of an inode in the order of the file.
    fn pieces(
        &self,
        input: &mut Input,
        inode: &[u8],
        size: u64,
    ) -> Result<Vec<(u64, Stored)>, ReadError> {
        let flags = le32(inode, 32);
        if flags & INLINE_DATA != 0 {
            return Err(input.unsupported("a file in its inode"));
        }
        if size == 0 {
            return Ok(Vec::new());
        }
        if flags & EXTENTS == 0 {
            return Err(input.unsupported("a file with a block map"));
        }
        let mut extents = Vec::new();
        let mut pending = vec![(inode[40..100].to_vec(), DEEPEST + 1, 0)];
        while let Some((node, limit, place)) = pending.pop() {
            let (count, depth) = (usize::from(le16(&node, 2)), le16(&node, 6));
            if le16(&node, 0) != 0xf30a || 12 + 12 * count > node.len() || depth >= limit {
                return Err(input.broken("an extent tree", place));
            }
            input.charge(12 * count as u64)?;
            let below = node[12..12 + 12 * count].as_chunks::<12>().0;
            for entry in below.iter().rev() {
                let first = u64::from(le32(entry, 0));
                if depth > 0 {
                    let block = u64::from(le16(entry, 8)) << 32 | u64::from(le32(entry, 4));
                    let at = block.saturating_mul(self.block);
                    pending.push((input.bytes(at, self.block)?, depth, at));
                    continue;
                }
                let length = u64::from(le16(entry, 4));
                let at = u64::from(le16(entry, 6)) << 32 | u64::from(le32(entry, 8));
                extents.push(match length {
                    0..=32768 => (first, length, Some(at)),
                    _ => (first, length - 32768, None),
                });
            }
        }
        extents.sort_unstable();
        let mut pieces = Vec::new();
        let mut end = 0;
        for (first, length, at) in extents {
            let Some(gap) = first.checked_sub(end) else {
                return Err(input.broken("extents that overlap", first));
            };
            if gap > 0 {
                pieces.push((gap * self.block, Stored::Hole));
            }
            let stored = at.map_or(Stored::Hole, |at| Stored::Plain {
                at: at.saturating_mul(self.block),
            });
            pieces.push((length * self.block, stored));
            end = first + length;
        }
        Ok(pieces)
    }
}

fn size(inode: &[u8]) -> u64 {
    le64(&[&inode[4..8], &inode[108..112]].concat(), 0)
}

impl Reader for Ext4 {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn content(&self, path: &[u8]) -> Result<Content, ReadError> {
        let node = file(self.entries(), path)?;
        let source = Arc::clone(&self.volume.source);
        let Place::At(number) = node.place else {
            return Ok(Content::new(source, 0, []));
        };
        let mut input = Input::new(Arc::clone(&source), FORMAT);
        let inode = self.volume.inode(&input, number)?;
        let pieces = self.volume.pieces(&mut input, &inode, node.size)?;
        Ok(Content::new(source, node.size, pieces))
    }
}
