//! An ext4 file system from a manifest, without mke2fs, root or a loop device.
//!
//! `build` calls [`write()`] for the root partition of a disk. Everything has its place before a
//! byte is written; the metadata is written by one thread, contents by several. Invariant: the
//! bytes follow from the specification and the blobs, whatever the number of threads, and
//! `e2fsck -fn` has nothing to say; `docs/adr/0015-ext4-writer.md` says what is left out and why.

mod data;
mod dirs;
mod extents;
mod inode;
mod layout;
mod plan;
mod sums;
mod superblock;
mod xattr;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use xsc_model::Digest;

use crate::blobs::{BlobSource, CopyError};
use crate::{Entry, EpochError, ImagePath, Kind, Manifest, seed};
use inode::{EXTENTS_FLAG, Inode};
use layout::{BLOCK, Bits, INODE, has_superblock};
use plan::{Node, Place, Plan};
use sums::Sums;
use superblock::{Facts, GroupFacts, JOURNAL_INODE};

/// What to write.
#[derive(Debug, Clone)]
pub struct Ext4Spec<'a> {
    /// The file system's name, at most 16 bytes; may be empty.
    pub label: &'a str,
    /// The files.
    pub files: &'a Manifest,
    /// The size in bytes, a multiple of 4096; without one it is what the files need, in MiB.
    pub size: Option<u64>,
    /// Bytes that must be free.
    pub free: u64,
    /// What the UUID and the seed of directory hashes are derived from.
    pub seed: Digest,
    /// Every time in the image, seconds since 1970.
    pub epoch: i64,
    /// How many threads read and write contents; the bytes do not depend on it.
    pub threads: usize,
}

/// A file system that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Ext4Error {
    /// A label that is too long or has a NUL.
    #[error("the label `{label}` is not valid: at most 16 bytes without NUL")]
    Label {
        /// What was given.
        label: String,
    },
    /// The time does not fit.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// A size that is no number of blocks, or that is too little.
    #[error(
        "the size {size} is not a multiple of 4096 bytes, or less than the {needed} that the files, the space that must be free and the file system itself need"
    )]
    TooSmall {
        /// What was asked for.
        size: u64,
        /// The least size.
        needed: u64,
    },
    /// More inodes than ext4 counts.
    #[error("{count} files are more than ext4 has numbers for")]
    TooManyInodes {
        /// Entries of the manifest.
        count: usize,
    },
    /// Device numbers that do not fit.
    #[error("the device numbers of `{path}` are too large for ext4: at most 4095 and 1048575")]
    Device {
        /// The path.
        path: ImagePath,
    },
    /// More names than an inode counts.
    #[error("`{path}` has {count} hard links, and ext4 holds 65000")]
    TooManyLinks {
        /// The first of them.
        path: ImagePath,
        /// How many there are.
        count: u32,
    },
    /// A file that is too large for blocks of 4 KiB.
    #[error("`{path}` has {size} bytes, more than the 16 TiB that ext4 holds")]
    FileTooBig {
        /// The file.
        path: ImagePath,
        /// Bytes.
        size: u64,
    },
    /// Attributes that do not fit.
    #[error("the extended attributes of `{path}` are too large for ext4: all together about 4 KiB")]
    Xattrs {
        /// The path.
        path: ImagePath,
    },
    /// An attribute that should be an access control list.
    #[error("the access control list of `{path}` is not one as `getxattr` gives it, version 2")]
    Acl {
        /// The path.
        path: ImagePath,
    },
    /// What e2fsck needs as a directory.
    #[error("`/lost+found` must be a directory or not be there")]
    LostFound,
    /// A file's content could not be read.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The image could not be written.
    #[error("cannot write the file system")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The UUID of the file system that a seed gives.
pub fn uuid(seed: &Digest) -> [u8; 16] {
    seed::uuid(seed, "ext4")
}

/// Writes the file system into `out` from the byte `base` on, and returns its size.
///
/// What lies there must read as zeros; the file grows to what is needed.
pub fn write(
    spec: &Ext4Spec<'_>,
    blobs: &(dyn BlobSource + Sync),
    out: &File,
    base: u64,
) -> Result<u64, Ext4Error> {
    let label = check(spec)?;
    let path = ImagePath::new("/lost+found").expect("a valid path");
    let lost_found = (path, Entry::new(Kind::Directory).with_mode(0o700));
    let nodes = plan::nodes(spec.files, &lost_found)?;
    let ranges = data::ranges(&nodes, blobs, spec.threads)?;
    let plan = plan::place(spec, &nodes, &ranges)?;
    drop(ranges);
    let size = plan.layout.blocks * BLOCK;
    let io_error = |source| Ext4Error::Write { source };
    if out.metadata().map_err(io_error)?.len() < base + size {
        out.set_len(base + size).map_err(io_error)?;
    }
    let target = Target {
        spec,
        plan: &plan,
        out,
        base,
        sums: Sums::new(&uuid(&spec.seed)),
    };
    let journal = target.write_inodes(&nodes)?;
    target.write_groups(&nodes, label, journal)?;
    data::write(&nodes, &plan.places, blobs, spec.threads, out, base)?;
    Ok(size)
}

fn check(spec: &Ext4Spec<'_>) -> Result<[u8; 16], Ext4Error> {
    let mut label = [0; 16];
    if spec.label.len() > label.len() || spec.label.contains('\0') {
        return Err(Ext4Error::Label {
            label: spec.label.to_owned(),
        });
    }
    label[..spec.label.len()].copy_from_slice(spec.label.as_bytes());
    if !(-(1 << 31)..(1 << 34) - (1 << 31)).contains(&spec.epoch) {
        return Err(EpochError {
            seconds: spec.epoch,
            format: "ext4",
            range: "years 1901 to 2446",
        }
        .into());
    }
    if let Some(size) = spec.size
        && !size.is_multiple_of(BLOCK)
    {
        let needed = size.next_multiple_of(BLOCK);
        return Err(Ext4Error::TooSmall { size, needed });
    }
    Ok(label)
}

/// A plan on its way into a file.
struct Target<'a> {
    spec: &'a Ext4Spec<'a>,
    plan: &'a Plan,
    out: &'a File,
    base: u64,
    sums: Sums,
}

impl Target<'_> {
    fn put(&self, block: u64, bytes: &[u8]) -> Result<(), Ext4Error> {
        self.out
            .write_all_at(bytes, self.base + block * BLOCK)
            .map_err(|source| Ext4Error::Write { source })
    }

    /// Writes all inodes with their directories, long links, trees of extents and attributes, and
    /// the journal; returns the content and the size of the journal's inode.
    fn write_inodes(&self, nodes: &[Node<'_>]) -> Result<Option<([u8; 60], u64)>, Ext4Error> {
        let mut tables = Tables {
            target: self,
            group: 0,
            bytes: Vec::new(),
        };
        tables.add(2, self.inode(&nodes[0], &self.plan.places[0])?)?;
        let mut journal = None;
        if let Some(place) = &self.plan.journal {
            let blocks = place.extents.iter().map(|e| u64::from(e.count)).sum();
            let first = place.extents.first().expect("a journal has blocks").start;
            self.put(first, &superblock::journal(blocks, &uuid(&self.spec.seed)))?;
            let content = self.tree(JOURNAL_INODE, place)?;
            let size = blocks * BLOCK;
            let inode = Inode {
                mode: 0o100_600,
                uid: 0,
                gid: 0,
                links: 1,
                size,
                blocks: place.blocks(),
                flags: EXTENTS_FLAG,
                content,
                xattr_block: 0,
                xattrs: &[],
            };
            let start = self.sums.inode(JOURNAL_INODE);
            tables.add(JOURNAL_INODE, inode.encode(self.spec.epoch, start))?;
            journal = Some((content, size));
        }
        for (node, place) in nodes.iter().zip(&self.plan.places).skip(1) {
            tables.add(node.inode, self.inode(node, place)?)?;
        }
        tables.flush()?;
        Ok(journal)
    }

    /// Writes the blocks of an extents' tree and returns its root.
    fn tree(&self, inode: u32, place: &Place) -> Result<[u8; 60], Ext4Error> {
        let (root, blocks) = extents::encode(&place.extents, &place.tree, self.sums.inode(inode));
        for (block, bytes) in blocks {
            self.put(block, &bytes)?;
        }
        Ok(root)
    }

    fn inode(&self, node: &Node<'_>, place: &Place) -> Result<[u8; 256], Ext4Error> {
        let start = self.sums.inode(node.inode);
        let entry = node.entry;
        let own: u64 = place.extents.iter().map(|e| u64::from(e.count)).sum();
        let mut content = [0; 60];
        let mut flags = 0;
        let mut size = 0;
        match &entry.kind {
            Kind::File { size: bytes, .. } => {
                size = *bytes;
                flags = EXTENTS_FLAG;
            }
            Kind::Directory => {
                size = own * BLOCK;
                flags = EXTENTS_FLAG;
                let bytes = dirs::encode(&node.names, node.inode, node.parent, own, start);
                let mut rest = bytes.as_slice();
                for extent in &place.extents {
                    let (here, after) = rest.split_at(extent.count as usize * BLOCK as usize);
                    self.put(extent.start, here)?;
                    rest = after;
                }
            }
            Kind::Symlink { target } => {
                size = target.len() as u64;
                match place.extents.first() {
                    Some(extent) => {
                        flags = EXTENTS_FLAG;
                        self.put(extent.start, target)?;
                    }
                    None => content[..target.len()].copy_from_slice(target),
                }
            }
            Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
                content = inode::device(*major, *minor).ok_or_else(|| Ext4Error::Device {
                    path: node.path.clone(),
                })?;
            }
            Kind::Fifo | Kind::Socket => {}
        }
        if flags == EXTENTS_FLAG {
            content = self.tree(node.inode, place)?;
        }
        if let Some(block) = &node.xattrs.block {
            let mut block = block.clone();
            xattr::seal(&mut block, place.xattrs, self.sums);
            self.put(place.xattrs, &block)?;
        }
        let inode = Inode {
            mode: entry.st_mode(),
            uid: entry.uid,
            gid: entry.gid,
            links: node.links,
            size,
            blocks: place.blocks(),
            flags,
            content,
            xattr_block: place.xattrs,
            xattrs: &node.xattrs.in_inode,
        };
        Ok(inode.encode(self.spec.epoch, start))
    }

    /// Writes the bitmaps, the descriptors and all superblocks.
    fn write_groups(
        &self,
        nodes: &[Node<'_>],
        label: [u8; 16],
        journal: Option<([u8; 60], u64)>,
    ) -> Result<(), Ext4Error> {
        let layout = &self.plan.layout;
        let per_group = layout.inodes_per_group;
        let used = nodes.len() as u64 + 9;
        let mut directories = vec![0; layout.groups.len()];
        for node in nodes.iter().filter(|n| n.entry.kind == Kind::Directory) {
            directories[(u64::from(node.inode - 1) / per_group) as usize] += 1;
        }
        let mut facts = Vec::new();
        for (number, group) in layout.groups.iter().enumerate() {
            let first = number as u64 * per_group;
            let used_inodes = used.saturating_sub(first).min(per_group);
            let (blocks, free_blocks) = layout.bitmap(number as u64, self.plan.end);
            let mut inodes = Bits::new();
            inodes.set(0..used_inodes);
            inodes.set(per_group..8 * BLOCK);
            self.put(group.block_bitmap, &blocks)?;
            self.put(group.inode_bitmap, &inodes.0)?;
            facts.push(GroupFacts {
                free_blocks,
                used_inodes,
                directories: directories[number],
                block_sum: self.sums.bitmap(&blocks),
                inode_sum: self.sums.bitmap(&inodes.0[..(per_group / 8) as usize]),
            });
        }
        let descriptors = superblock::descriptors(layout, &facts, self.sums);
        let all = Facts {
            label,
            uuid: uuid(&self.spec.seed),
            hash_seed: seed::uuid(&self.spec.seed, "ext4-hash"),
            epoch: self.spec.epoch,
            free_blocks: self.plan.free_blocks,
            free_inodes: per_group * layout.groups.len() as u64 - used,
            journal,
        };
        let groups = 0..layout.groups.len() as u64;
        for group in groups.filter(|group| has_superblock(*group)) {
            let mut block = vec![0; BLOCK as usize];
            let at = if group == 0 { 1024 } else { 0 };
            block[at..at + 1024].copy_from_slice(&superblock::encode(layout, &all, group));
            block.extend(&descriptors);
            self.put(group * layout::GROUP_BLOCKS, &block)?;
        }
        Ok(())
    }
}

/// Gathers the inodes of one group after the other.
struct Tables<'t> {
    target: &'t Target<'t>,
    group: u64,
    bytes: Vec<u8>,
}

impl Tables<'_> {
    /// Adds an inode; numbers only go up.
    fn add(&mut self, number: u32, inode: [u8; INODE as usize]) -> Result<(), Ext4Error> {
        let per_group = self.target.plan.layout.inodes_per_group;
        let index = u64::from(number - 1);
        if index / per_group != self.group {
            self.flush()?;
            self.group = index / per_group;
        }
        let at = (index % per_group * INODE) as usize;
        self.bytes.resize(at, 0);
        self.bytes.extend(inode);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Ext4Error> {
        let table = self.target.plan.layout.groups[self.group as usize].inode_table;
        self.target.put(table, &self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}
