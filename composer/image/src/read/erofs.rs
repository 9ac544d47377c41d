//! Reads EROFS: plain, inline and LZ4-compressed files, and extended attributes.
//!
//! `erofs-rs` reads neither compressed files nor attributes. Compressed files are read with full indexes, as the
//! composer writes them, and with the packed ones of `mkfs.erofs`; other compressors than LZ4 are not. Invariant: an inode's
//! directory is listed once, and every list is charged to the budget.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bytes::{le16, le32, le64};
use super::content::Stored;
use super::input::Input;
use super::source::fill;
use super::{
    Content, Entries, Listing, Node, NodeKind, Place, ReadError, Reader, Source, device,
    erofs_index, file, kind_of_mode,
};
use crate::erofs::layout::{self, XATTR_PREFIXES};

const FORMAT: &str = "EROFS";

pub(crate) fn is(source: &dyn Source) -> Result<bool, ReadError> {
    let mut magic = [0; 4];
    let count = fill(source, layout::SUPERBLOCK, &mut magic);
    let count = count.map_err(|source| ReadError::Io { source })?;
    Ok(count == 4 && le32(&magic, 0) == layout::MAGIC)
}

pub(crate) struct Erofs {
    volume: Volume,
    listing: Listing,
}

struct Volume {
    source: Arc<dyn Source>,
    block: u64,
    meta: u64,
    xattrs: u64,
    build_time: i64,
    /// Whether compressed data stands at the end of its blocks.
    padded: bool,
}

/// An inode's fields, of either size.
struct Inode {
    at: u64,
    /// Bytes of the fields.
    length: u64,
    layout: u16,
    xattr_length: u64,
    mode: u32,
    links: u32,
    size: u64,
    /// A block address or a device.
    value: u32,
    uid: u32,
    gid: u32,
    mtime: i64,
}

pub(crate) fn open(source: Arc<dyn Source>) -> Result<Erofs, ReadError> {
    let mut input = Input::new(Arc::clone(&source), FORMAT);
    let head: [u8; 128] = input.array(layout::SUPERBLOCK)?;
    let bits = u32::from(head[12]);
    if !(9..=16).contains(&bits) {
        return Err(input.broken("the size of blocks", layout::SUPERBLOCK + 12));
    }
    let known = layout::INCOMPAT_ZERO_PADDING | layout::INCOMPAT_BIG_PCLUSTER;
    let unknown = le32(&head, 80) & !known;
    if unknown != 0 {
        return Err(input.unsupported(format!("the incompatible features {unknown:#x}")));
    }
    let block = 1u64 << bits;
    let volume = Volume {
        source,
        block,
        meta: u64::from(le32(&head, 40)) * block,
        xattrs: u64::from(le32(&head, 44)) * block,
        build_time: le64(&head, 24) as i64,
        padded: le32(&head, 80) & layout::INCOMPAT_ZERO_PADDING != 0,
    };
    let root = u64::from(le16(&head, 14));
    let mut entries = Entries::new();
    let inode = volume.inode(&input, root)?;
    entries.insert(Vec::new(), volume.node(&mut input, root, &inode)?);
    let mut seen = BTreeSet::from([root]);
    let mut pending = vec![(Vec::new(), inode)];
    while let Some((path, inode)) = pending.pop() {
        for (name, number) in volume.directory(&mut input, &inode)? {
            let path = input.join(&path, &name, inode.at)?;
            let below = volume.inode(&input, number)?;
            let node = volume.node(&mut input, number, &below)?;
            if node.is_directory() {
                if !seen.insert(number) {
                    return Err(input.broken("a directory with two names", inode.at));
                }
                pending.push((path.clone(), below));
            }
            entries.insert(path, node);
        }
    }
    Ok(Erofs {
        volume,
        listing: Listing {
            format: FORMAT,
            entries,
        },
    })
}

impl Volume {
    fn inode(&self, input: &Input, number: u64) -> Result<Inode, ReadError> {
        let at = number.checked_mul(32);
        let at = at.and_then(|at| at.checked_add(self.meta));
        let at = at.ok_or_else(|| input.broken("an inode's number", number))?;
        let short: [u8; 32] = input.array(at)?;
        let format = le16(&short, 0);
        let xattr_length = match u64::from(le16(&short, 2)) {
            0 => 0,
            count => 12 + 4 * (count - 1),
        };
        let (layout, mode) = (format >> 1 & 7, u32::from(le16(&short, 4)));
        let value = le32(&short, 16);
        if format & 1 == 0 {
            return Ok(Inode {
                at,
                length: 32,
                layout,
                xattr_length,
                mode,
                links: le16(&short, 6).into(),
                size: le32(&short, 8).into(),
                value,
                uid: le16(&short, 24).into(),
                gid: le16(&short, 26).into(),
                mtime: self.build_time,
            });
        }
        let long: [u8; 64] = input.array(at)?;
        Ok(Inode {
            at,
            length: 64,
            layout,
            xattr_length,
            mode,
            links: le32(&long, 44),
            size: le64(&long, 8),
            value,
            uid: le32(&long, 24),
            gid: le32(&long, 28),
            mtime: le64(&long, 32) as i64,
        })
    }

    fn node(&self, input: &mut Input, number: u64, inode: &Inode) -> Result<Node, ReadError> {
        let Some(kind) = kind_of_mode(inode.mode, device(inode.value)) else {
            return Err(input.broken("the type of an inode", inode.at));
        };
        input.charge(64)?;
        let mut node = Node::new(kind, inode.mode & 0o7777);
        (node.uid, node.gid, node.mtime) = (inode.uid, inode.gid, Some(inode.mtime));
        if !node.is_directory() && inode.links > 1 {
            node.link = Some(number);
        }
        match &mut node.kind {
            NodeKind::File => {
                node.size = inode.size;
                node.place = Place::At(number);
            }
            NodeKind::Symlink { target } => {
                if inode.size > self.block {
                    return Err(input.broken("the length of a link", inode.at));
                }
                *target = self.whole(input, inode)?;
            }
            _ => {}
        }
        node.xattrs = self.xattrs(input, inode)?;
        Ok(node)
    }

    fn xattrs(
        &self,
        input: &mut Input,
        inode: &Inode,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ReadError> {
        let mut found = BTreeMap::new();
        if inode.xattr_length == 0 {
            return Ok(found);
        }
        let at = inode.at + inode.length;
        let bytes = input.bytes(at, inode.xattr_length)?;
        let shared = usize::from(bytes[4]);
        let Some(mut rest) = bytes.get(12 + 4 * shared..) else {
            return Err(input.broken("the shared attributes of an inode", at));
        };
        for index in 0..shared {
            let place = self.xattrs + 4 * u64::from(le32(&bytes, 12 + 4 * index));
            let head: [u8; 4] = input.array(place)?;
            let length = 4 + u64::from(head[0]) + u64::from(le16(&head, 2));
            let entry = input.bytes(place, length)?;
            xattr(input, &entry, place, &mut found)?;
        }
        while rest.len() >= 4 {
            let length = 4 + usize::from(rest[0]) + usize::from(le16(rest, 2));
            if length == 4 && rest[1] == 0 {
                break;
            }
            xattr(input, rest, at, &mut found)?;
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(found)
    }

    /// The content of a directory or link, in memory.
    fn whole(&self, input: &mut Input, inode: &Inode) -> Result<Vec<u8>, ReadError> {
        let size = inode.size;
        if self.source.size().is_some_and(|most| size > most) {
            return Err(input.broken("a directory that is larger than the image", inode.at));
        }
        input.charge(size)?;
        let pieces = self.pieces(input, inode)?;
        let content = Content::new(Arc::clone(&self.source), size, pieces);
        let mut bytes = vec![0; size as usize];
        match fill(&content, 0, &mut bytes) {
            Ok(count) if count == bytes.len() => Ok(bytes),
            _ => Err(input.broken("a directory lies behind its end", inode.at)),
        }
    }

    fn directory(
        &self,
        input: &mut Input,
        inode: &Inode,
    ) -> Result<Vec<(Vec<u8>, u64)>, ReadError> {
        let bytes = self.whole(input, inode)?;
        let mut found = Vec::new();
        for block in bytes.chunks(self.block as usize) {
            let names = usize::from(le16(block, 8));
            if names < 12 || !names.is_multiple_of(12) || names > block.len() {
                return Err(input.broken("a block of a directory", inode.at));
            }
            let count = names / 12;
            for index in 0..count {
                let start = usize::from(le16(block, 12 * index + 8));
                let last = index + 1 == count;
                let end = match last {
                    true => block.len(),
                    false => usize::from(le16(block, 12 * index + 20)),
                };
                let Some(name) = block.get(start..end).filter(|_| start >= names) else {
                    return Err(input.broken("a name in a directory", inode.at));
                };
                let name = match name.iter().position(|byte| *byte == 0) {
                    Some(end) if last => &name[..end],
                    _ => name,
                };
                if !matches!(name, b"." | b"..") {
                    found.push((name.to_vec(), le64(block, 12 * index)));
                }
            }
        }
        Ok(found)
    }

    fn pieces(&self, input: &mut Input, inode: &Inode) -> Result<Vec<(u64, Stored)>, ReadError> {
        let behind = inode.at + inode.length + inode.xattr_length;
        let start = u64::from(inode.value) * self.block;
        let tail = inode.size % self.block;
        match inode.layout {
            layout::FLAT_PLAIN => Ok(vec![(inode.size, Stored::Plain { at: start })]),
            layout::FLAT_INLINE => Ok(vec![
                (inode.size - tail, Stored::Plain { at: start }),
                (tail, Stored::Plain { at: behind }),
            ]),
            layout::COMPRESSED_FULL | layout::COMPRESSED_COMPACT if !self.padded => {
                Err(input.unsupported("a file that is compressed the old way"))
            }
            layout::COMPRESSED_FULL | layout::COMPRESSED_COMPACT => {
                let packed = inode.layout == layout::COMPRESSED_COMPACT;
                let map = behind.next_multiple_of(8);
                erofs_index::pieces(input, map, inode.size, self.block, packed)
            }
            other => Err(input.unsupported(format!("a file of layout {other}"))),
        }
    }
}

fn xattr(
    input: &mut Input,
    entry: &[u8],
    at: u64,
    found: &mut BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<(), ReadError> {
    let (length, size) = (usize::from(entry[0]), usize::from(le16(entry, 2)));
    let prefix = (XATTR_PREFIXES.iter()).find(|(number, _)| *number == entry[1]);
    let name = entry.get(4..4 + length);
    let value = entry.get(4 + length..4 + length + size);
    let (Some((_, prefix)), Some(name), Some(value)) = (prefix, name, value) else {
        return Err(input.broken("an extended attribute", at));
    };
    found.insert([prefix, name].concat(), value.to_vec());
    Ok(())
}

impl Reader for Erofs {
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
        let pieces = self.volume.pieces(&mut input, &inode)?;
        Ok(Content::new(source, node.size, pieces))
    }
}
