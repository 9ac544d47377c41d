//! What becomes of each entry: its inode's number, its blocks, and its names in directories.
//!
//! Made once an image, before a byte is written. Invariant: inode numbers and blocks are given
//! out in the order of paths, so they follow from the manifest and where files have holes.

use std::collections::HashMap;

use xsc_model::BlobId;

use super::dirs::{self, Name};
use super::extents::{Extent, tree_blocks};
use super::layout::{Allocator, BLOCK, Layout, Run};
use super::superblock::{LOST_FOUND_INODE, journal_blocks};
use super::xattr::{self, Encoded, Problem};
use super::{Ext4Error, Ext4Spec};
use crate::{Entry, ImagePath, Kind, Manifest};

/// Blocks of `/lost+found`, so that e2fsck finds room when a disk is full.
const LOST_FOUND_BLOCKS: u64 = 4;
/// A directory with more says that it has one.
const MOST_LINKS: u32 = 65_000;
/// The longest target of a link that stands in the inode.
const SHORT_LINK: usize = 59;
/// Logical blocks are counted in 32 bits.
const LARGEST_FILE: u64 = u32::MAX as u64 * BLOCK;

/// A regular file's content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content {
    pub(crate) blob: BlobId,
    pub(crate) size: u64,
}

/// One inode.
#[derive(Debug)]
pub(crate) struct Node<'m> {
    pub(crate) inode: u32,
    pub(crate) path: &'m ImagePath,
    pub(crate) entry: &'m Entry,
    pub(crate) links: u16,
    pub(crate) xattrs: Encoded,
    /// The inode above and the names in it, of a directory.
    pub(crate) parent: u32,
    pub(crate) names: Vec<Name<'m>>,
}

impl Node<'_> {
    /// The content of a file that has some.
    pub(crate) fn content(&self) -> Option<Content> {
        match self.entry.kind {
            Kind::File { blob, size } if size > 0 => Some(Content { blob, size }),
            _ => None,
        }
    }

    /// How many blocks the node has in any case: those of a directory or of a long link.
    fn own_blocks(&self) -> u64 {
        match &self.entry.kind {
            Kind::Directory if self.inode == LOST_FOUND_INODE => {
                dirs::blocks(&self.names).max(LOST_FOUND_BLOCKS)
            }
            Kind::Directory => dirs::blocks(&self.names),
            Kind::Symlink { target } if target.len() > SHORT_LINK => 1,
            _ => 0,
        }
    }
}

/// Where a node's blocks are.
#[derive(Debug, Default, Clone)]
pub(crate) struct Place {
    pub(crate) extents: Vec<Extent>,
    pub(crate) tree: Vec<u64>,
    pub(crate) xattrs: u64,
}

impl Place {
    fn of(extents: Vec<Extent>, allocator: &mut Allocator<'_>) -> Self {
        let tree = (0..tree_blocks(extents.len()))
            .map(|_| allocator.take_one())
            .collect();
        Place {
            extents,
            tree,
            xattrs: 0,
        }
    }

    /// Blocks of data, of the tree and of attributes.
    pub(crate) fn blocks(&self) -> u64 {
        let data: u64 = self.extents.iter().map(|e| u64::from(e.count)).sum();
        data + self.tree.len() as u64 + u64::from(self.xattrs > 0)
    }
}

/// All inodes with their places.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) layout: Layout,
    /// By the index of the node.
    pub(crate) places: Vec<Place>,
    pub(crate) journal: Option<Place>,
    /// All blocks before this one are used.
    pub(crate) end: u64,
    pub(crate) free_blocks: u64,
}

/// The manifest's inodes: the root, `/lost+found`, then the others in the order of their paths.
pub(crate) fn nodes<'m>(
    files: &'m Manifest,
    lost_found: &'m (ImagePath, Entry),
) -> Result<Vec<Node<'m>>, Ext4Error> {
    let (lost_path, lost_entry) = lost_found;
    let given = files.get(lost_path);
    if given.is_some_and(|entry| entry.kind != Kind::Directory) {
        return Err(Ext4Error::LostFound);
    }
    let root = files.iter().next().expect("a manifest has a root");
    let mut nodes = Vec::with_capacity(files.len() + 1);
    nodes.push(node(2, root)?);
    nodes.push(node(
        LOST_FOUND_INODE,
        (lost_path, given.unwrap_or(lost_entry)),
    )?);
    let mut numbers: HashMap<&[u8], usize> = HashMap::with_capacity(files.len());
    numbers.insert(root.0.as_bytes(), 0);
    numbers.insert(lost_path.as_bytes(), 1);
    let mut names: Vec<(usize, &[u8], usize)> = Vec::with_capacity(files.len());
    if given.is_none() {
        names.push((0, lost_path.name(), 1));
    }
    for (path, entry) in files.iter().skip(1) {
        let index = match entry.link {
            _ if path == lost_path => 1,
            Some(group) if !files.is_first_link(path, entry) => {
                let first = files
                    .links(group)
                    .next()
                    .expect("the entry is in its group");
                numbers[first.as_bytes()]
            }
            _ => {
                let inode = u32::try_from(nodes.len() + 10)
                    .map_err(|_| Ext4Error::TooManyInodes { count: files.len() })?;
                nodes.push(Node {
                    links: link_count(files, path, entry)?,
                    ..node(inode, (path, entry))?
                });
                nodes.len() - 1
            }
        };
        numbers.insert(path.as_bytes(), index);
        let bytes = path.as_bytes();
        let up = bytes.len() - path.name().len() - 1;
        let parent = numbers[&bytes[..up.max(1)]];
        names.push((parent, path.name(), index));
    }
    // The order of paths is that of the names in each directory, but for a `/lost+found` added.
    names.sort_by_key(|(parent, name, _)| (*parent, *name));
    for (parent, name, index) in names {
        let inode = nodes[index].inode;
        let kind = nodes[index].entry.kind.entry_type();
        if nodes[index].entry.kind == Kind::Directory {
            nodes[index].parent = nodes[parent].inode;
        }
        nodes[parent].names.push(Name { name, inode, kind });
    }
    for node in &mut nodes {
        if node.entry.kind == Kind::Directory {
            let below = node.names.iter().filter(|name| name.kind == 2).count();
            let links = below as u32 + 2;
            node.links = if links > MOST_LINKS { 1 } else { links as u16 };
        }
    }
    Ok(nodes)
}

fn node<'m>(inode: u32, (path, entry): (&'m ImagePath, &'m Entry)) -> Result<Node<'m>, Ext4Error> {
    let xattrs = xattr::encode(entry).map_err(|problem| match problem {
        Problem::TooLarge => Ext4Error::Xattrs { path: path.clone() },
        Problem::BadAcl => Ext4Error::Acl { path: path.clone() },
    })?;
    if let Kind::File { size, .. } = entry.kind
        && size > LARGEST_FILE
    {
        return Err(Ext4Error::FileTooBig {
            path: path.clone(),
            size,
        });
    }
    Ok(Node {
        inode,
        path,
        entry,
        links: 1,
        xattrs,
        parent: inode,
        names: Vec::new(),
    })
}

fn link_count(files: &Manifest, path: &ImagePath, entry: &Entry) -> Result<u16, Ext4Error> {
    let count = files.link_count(entry);
    match count {
        ..=MOST_LINKS => Ok(count as u16),
        _ => Err(Ext4Error::TooManyLinks {
            path: path.clone(),
            count,
        }),
    }
}

/// Gives everything its place, in as many blocks as the specification asks for or it needs.
pub(crate) fn place(
    spec: &Ext4Spec<'_>,
    nodes: &[Node<'_>],
    ranges: &[Vec<Run>],
) -> Result<Plan, Ext4Error> {
    let used = nodes.len() as u64 + 9;
    // Some to spare, as a root is written to.
    let inodes = used + used / 16 + 64;
    if let Some(size) = spec.size {
        let blocks = size / BLOCK;
        let made = Layout::new(blocks.max(1), inodes)
            .filter(|layout| layout.blocks == blocks)
            .map(|layout| fill(layout, nodes, ranges));
        return match made {
            Some((plan, 0)) if plan.free_blocks * BLOCK >= spec.free => Ok(plan),
            _ => {
                let needed = computed(spec, nodes, ranges, inodes).layout.blocks * BLOCK;
                Err(Ext4Error::TooSmall { size, needed })
            }
        };
    }
    Ok(computed(spec, nodes, ranges, inodes))
}

fn computed(spec: &Ext4Spec<'_>, nodes: &[Node<'_>], ranges: &[Vec<Run>], inodes: u64) -> Plan {
    /// The size is a multiple of 1 MiB, as partitions are.
    const UNIT: u64 = 256;
    let data: u64 = ranges.iter().flatten().map(|run| run.count).sum();
    let mut blocks = data + spec.free.div_ceil(BLOCK) + inodes / 16 + UNIT;
    loop {
        blocks = blocks.next_multiple_of(UNIT);
        let Some(layout) = Layout::new(blocks, inodes) else {
            blocks += super::layout::GROUP_BLOCKS;
            continue;
        };
        if layout.blocks > blocks {
            blocks = layout.blocks;
            continue;
        }
        let (plan, missing) = fill(layout, nodes, ranges);
        let wanted = spec.free.div_ceil(BLOCK);
        if missing == 0 && plan.free_blocks >= wanted {
            return plan;
        }
        blocks += (missing + wanted.saturating_sub(plan.free_blocks)).max(1);
    }
}

/// Gives out the blocks of a layout, and says how many more there would have to be.
fn fill(layout: Layout, nodes: &[Node<'_>], ranges: &[Vec<Run>]) -> (Plan, u64) {
    let mut allocator = Allocator::new(&layout);
    let mut places: Vec<Place> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let extents = extents(0, allocator.take(node.own_blocks()));
        let mut place = Place::of(extents, &mut allocator);
        if node.xattrs.block.is_some() {
            place.xattrs = allocator.take_one();
        }
        places.push(place);
    }
    let journal = match journal_blocks(layout.blocks) {
        0 => None,
        blocks => {
            let extents = extents(0, allocator.take(blocks));
            Some(Place::of(extents, &mut allocator))
        }
    };
    for (ranges, place) in ranges.iter().zip(&mut places) {
        if ranges.is_empty() {
            continue;
        }
        let mut all = Vec::with_capacity(ranges.len());
        for range in ranges {
            all.extend(extents(range.start, allocator.take(range.count)));
        }
        *place = Place {
            xattrs: place.xattrs,
            ..Place::of(all, &mut allocator)
        };
    }
    let (end, taken) = (allocator.end, allocator.taken);
    let missing = end.saturating_sub(layout.blocks);
    let free_blocks = layout
        .blocks
        .saturating_sub(layout.overhead())
        .saturating_sub(taken);
    let plan = Plan {
        layout,
        places,
        journal,
        end,
        free_blocks,
    };
    (plan, missing)
}

/// The extents of runs that follow each other in a file from its block `logical` on.
fn extents(logical: u64, runs: Vec<Run>) -> Vec<Extent> {
    let mut at = logical;
    runs.into_iter()
        .map(|run| {
            let extent = Extent {
                logical: u32::try_from(at).expect("larger files are refused before"),
                count: run.count as u32,
                start: run.start,
            };
            at += run.count;
            extent
        })
        .collect()
}
