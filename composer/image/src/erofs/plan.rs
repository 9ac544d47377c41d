//! The inodes of an image: what stands behind each, where each goes, and the blocks of directories.
//!
//! `erofs` makes a plan, has contents written, lays out and writes. Invariant: an inode and what stands behind it do not
//! cross a block where they fit in one; the root comes first, since the superblock has 16 bits for it.

use std::collections::BTreeMap;

use super::data::Placed;
use super::inode;
use super::layout::{BLOCK, SLOT};
use super::{Blocks, ErofsError};
use crate::blobs::{self, BlobSource};
use crate::{Entry, ImagePath, Kind, LinkGroup, Manifest};

/// Partly filled blocks that are kept in mind for small inodes.
const OPEN_BLOCKS: usize = 32;
/// Where the first inode goes: number 0 is nobody's.
const FIRST: usize = 2 * SLOT;

/// Where the content of an inode stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tail {
    /// There is none.
    Nothing,
    /// Behind the inode: so many bytes.
    Inline(usize),
    /// In blocks.
    Blocks,
}

/// One inode.
pub(crate) struct Planned<'m> {
    pub(crate) path: &'m ImagePath,
    pub(crate) entry: &'m Entry,
    pub(crate) links: u32,
    /// Bytes of the content.
    pub(crate) size: u64,
    pub(crate) xattrs: Vec<u8>,
    pub(crate) tail: Tail,
    pub(crate) placed: Option<Placed>,
    /// A directory's entries: name and inode, sorted, `.` and `..` among them.
    children: Vec<(&'m [u8], usize)>,
    /// Where it is among the inodes.
    offset: u64,
}

/// All inodes, in the order of their first paths.
pub(crate) struct Plan<'m> {
    pub(crate) nodes: Vec<Planned<'m>>,
    end: u64,
}

impl<'m> Plan<'m> {
    pub(crate) fn new(files: &'m Manifest) -> Result<Self, ErofsError> {
        let mut nodes: Vec<Planned<'m>> = Vec::new();
        let mut directories: BTreeMap<ImagePath, usize> = BTreeMap::new();
        let mut groups: BTreeMap<LinkGroup, usize> = BTreeMap::new();
        for (path, entry) in files.iter() {
            let up = path.parent().map(|parent| directories[&parent]);
            let known = entry.link.and_then(|group| groups.get(&group).copied());
            let number = known.unwrap_or(nodes.len());
            if let Some(up) = up {
                nodes[up].children.push((path.name(), number));
            }
            if known.is_some() {
                continue;
            }
            if let Some(group) = entry.link {
                groups.insert(group, number);
            }
            let mut links = files.link_count(entry);
            let mut children: Vec<(&[u8], usize)> = Vec::new();
            if entry.kind == Kind::Directory {
                directories.insert(path.clone(), number);
                children.push((b".", number));
                children.push((b"..", up.unwrap_or(number)));
                links = 2;
                if let Some(up) = up {
                    nodes[up].links += 1;
                }
            }
            nodes.push(Planned {
                path,
                entry,
                links,
                size: 0,
                xattrs: inode::xattrs(path, entry)?,
                tail: Tail::Nothing,
                placed: None,
                children,
                offset: 0,
            });
        }
        for node in &mut nodes {
            node.children.sort_unstable();
            node.size = match &node.entry.kind {
                Kind::File { size, .. } => *size,
                Kind::Symlink { target } => target.len() as u64,
                Kind::Directory => directory_size(&node.children),
                _ => 0,
            };
            inode::check(node)?;
            let room = (BLOCK as u64).saturating_sub(inode::head(node));
            let tail = node.size % BLOCK as u64;
            node.tail = match node.entry.kind {
                _ if node.size == 0 => Tail::Nothing,
                Kind::Directory if tail > 0 && tail <= room => Tail::Inline(tail as usize),
                _ if node.size < BLOCK as u64 && node.size <= room => {
                    Tail::Inline(node.size as usize)
                }
                _ => Tail::Blocks,
            };
        }
        Ok(Plan { nodes, end: 0 })
    }

    /// The root's number.
    pub(crate) fn root(&self) -> u16 {
        (FIRST / SLOT) as u16
    }

    /// How many inodes there are.
    pub(crate) fn inodes(&self) -> u64 {
        self.nodes.len() as u64
    }

    /// Gives each inode its place, and writes the blocks of directories and long links.
    pub(crate) fn lay_out(&mut self, blocks: &mut Blocks<'_>) -> Result<(), ErofsError> {
        let mut space = Space::new();
        for node in &mut self.nodes {
            let head = inode::head(node) as usize;
            let inline = match node.tail {
                Tail::Inline(size) => size,
                _ => 0,
            };
            let index = inode::index_size(node);
            node.offset = match index {
                0 => space.place(head + inline),
                // An index starts at eight bytes and may cross blocks.
                index => space.place_long(head.next_multiple_of(8) + index),
            };
        }
        self.end = space.end();
        for number in 0..self.nodes.len() {
            let node = &self.nodes[number];
            let bytes = match &node.entry.kind {
                Kind::Directory => self.directory(number, false),
                Kind::Symlink { target } if node.tail == Tail::Blocks => target.clone(),
                _ => continue,
            };
            if !bytes.is_empty() {
                let block = blocks.put(&bytes)?;
                self.nodes[number].placed = Some(Placed::Plain { block });
            }
        }
        Ok(())
    }

    /// A directory's entries: those in blocks of their own, or those behind its inode.
    fn directory(&self, number: usize, inline: bool) -> Vec<u8> {
        let node = &self.nodes[number];
        let groups = directory_blocks(&node.children);
        let split = match node.tail {
            Tail::Inline(_) => groups.len() - 1,
            _ => groups.len(),
        };
        let wanted = match inline {
            true => &groups[split..],
            false => &groups[..split],
        };
        let mut bytes = Vec::new();
        for children in wanted {
            let start = bytes.len();
            let mut name_at = 12 * children.len();
            for (name, child) in *children {
                let child = &self.nodes[*child];
                bytes.extend((child.offset / SLOT as u64).to_le_bytes());
                bytes.extend((name_at as u16).to_le_bytes());
                bytes.extend([child.entry.kind.entry_type(), 0]);
                name_at += name.len();
            }
            children.iter().for_each(|(name, _)| bytes.extend(*name));
            if !inline {
                bytes.resize(start + BLOCK, 0);
            }
        }
        bytes
    }

    /// Writes the inodes with what stands behind them.
    pub(crate) fn write(
        &self,
        time: u64,
        blobs: &dyn BlobSource,
        blocks: &mut Blocks<'_>,
    ) -> Result<(), ErofsError> {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_unstable_by_key(|number| self.nodes[*number].offset);
        let mut buffer = Vec::new();
        let mut start = 0;
        for number in order {
            let node = &self.nodes[number];
            let at = (node.offset - start) as usize;
            buffer.resize(at, 0);
            buffer.extend(inode::fields(node, number, time));
            buffer.extend(&node.xattrs);
            match (&node.tail, &node.entry.kind) {
                (Tail::Inline(_), Kind::Directory) => buffer.extend(self.directory(number, true)),
                (Tail::Inline(_), Kind::Symlink { target }) => buffer.extend(target),
                (Tail::Inline(_), Kind::File { blob, size }) => {
                    blobs::copy(blobs, node.path, *blob, *size, &mut buffer)?;
                }
                _ => inode::index(node, &mut buffer),
            }
            if buffer.len() >= 64 * BLOCK {
                let whole = buffer.len() / BLOCK * BLOCK;
                blocks.put(&buffer[..whole])?;
                buffer.drain(..whole);
                start += whole as u64;
            }
        }
        buffer.resize((self.end - start) as usize, 0);
        blocks.put(&buffer)?;
        Ok(())
    }
}

/// Splits a directory's entries into those of each block.
fn directory_blocks<'c, 'm>(children: &'c [(&'m [u8], usize)]) -> Vec<&'c [(&'m [u8], usize)]> {
    let mut groups = Vec::new();
    let (mut first, mut used) = (0, 0);
    for (index, (name, _)) in children.iter().enumerate() {
        let size = 12 + name.len();
        if used + size > BLOCK {
            groups.push(&children[first..index]);
            (first, used) = (index, 0);
        }
        used += size;
    }
    groups.push(&children[first..]);
    groups
}

/// Bytes of a directory: whole blocks, and of the last one what is used.
fn directory_size(children: &[(&[u8], usize)]) -> u64 {
    let groups = directory_blocks(children);
    let last = groups.last().map_or(0, |last| {
        last.iter().map(|(name, _)| 12 + name.len()).sum::<usize>()
    });
    ((groups.len() - 1) * BLOCK + last) as u64
}

/// Places inodes in blocks, in the fullest block that has room.
struct Space {
    end: u64,
    /// Blocks with room: where it starts and how much it is.
    open: Vec<(u64, usize)>,
}

impl Space {
    fn new() -> Self {
        Space {
            end: BLOCK as u64,
            open: vec![(FIRST as u64, BLOCK - FIRST)],
        }
    }

    fn end(&self) -> u64 {
        self.end
    }

    /// A place for `size` bytes, in one block where they fit in one.
    fn place(&mut self, size: usize) -> u64 {
        let size = size.next_multiple_of(SLOT);
        if size > BLOCK {
            return self.place_long(size);
        }
        let fits = |(_, room): &&mut (u64, usize)| *room >= size;
        if let Some(open) = (self.open.iter_mut().filter(fits)).min_by_key(|(_, room)| *room) {
            let at = open.0;
            *open = (at + size as u64, open.1 - size);
            return at;
        }
        let at = self.end;
        self.end += BLOCK as u64;
        self.remember(at + size as u64, BLOCK - size);
        at
    }

    /// A place at the start of a block.
    fn place_long(&mut self, size: usize) -> u64 {
        let size = size.next_multiple_of(SLOT);
        if size <= BLOCK {
            return self.place(size);
        }
        let at = self.end;
        let whole = size.next_multiple_of(BLOCK);
        self.end += whole as u64;
        self.remember(at + size as u64, whole - size);
        at
    }

    fn remember(&mut self, at: u64, room: usize) {
        self.open.push((at, room));
        if self.open.len() > OPEN_BLOCKS {
            let least = (0..self.open.len()).min_by_key(|index| self.open[*index].1);
            self.open.swap_remove(least.expect("there is one at least"));
        }
    }
}
