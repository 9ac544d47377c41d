//! The superblock, the descriptors of the groups, and the superblock of an empty journal.
//!
//! The writer asks for them when everything has its place. Invariant: the copies differ from the
//! first by their group's number and the checksum alone.

use super::layout::{BLOCK, DESCRIPTOR, GROUP_BLOCKS, INODE, Layout};
use super::sums::{Sums, crc};

/// The journal's inode.
pub(crate) const JOURNAL_INODE: u32 = 8;
/// `/lost+found`, the first that is not reserved.
pub(crate) const LOST_FOUND_INODE: u32 = 11;

const COMPAT: u32 = 0x8 | 0x20; // extended attributes, directory indices
const COMPAT_JOURNAL: u32 = 0x4;
const INCOMPAT: u32 = 0x2 | 0x40 | 0x80 | 0x200; // kinds in directories, extents, 64 bit, flexible groups
// Sparse backups, large and huge files, many links of directories, large inodes, checksums.
const RO_COMPAT: u32 = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x400;

/// What the superblock says beside the layout.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) label: [u8; 16],
    pub(crate) uuid: [u8; 16],
    pub(crate) hash_seed: [u8; 16],
    pub(crate) epoch: i64,
    pub(crate) free_blocks: u64,
    pub(crate) free_inodes: u64,
    /// The content and the size of the journal's inode, where there is one.
    pub(crate) journal: Option<([u8; 60], u64)>,
}

/// The superblock that stands in `group`.
pub(crate) fn encode(layout: &Layout, facts: &Facts, group: u64) -> [u8; 1024] {
    let mut bytes = [0; 1024];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    let word = |value: u64| (value as u32).to_le_bytes();
    let high = |value: u64| ((value >> 32) as u32).to_le_bytes();
    let small = |value: u64| (value as u16).to_le_bytes();
    let groups = layout.groups.len() as u64;
    put(0x00, &word(layout.inodes_per_group * groups));
    put(0x04, &word(layout.blocks));
    put(0x0c, &word(facts.free_blocks));
    put(0x10, &word(facts.free_inodes));
    put(0x18, &word(2)); // blocks of 4 KiB, clusters too
    put(0x1c, &word(2));
    put(0x20, &word(GROUP_BLOCKS));
    put(0x24, &word(GROUP_BLOCKS));
    put(0x28, &word(layout.inodes_per_group));
    // Written, checked and made at one time.
    for (at, above) in [(0x30, 0x274), (0x40, 0x277), (0x108, 0x276)] {
        put(at, &word(facts.epoch as u64));
        put(above, &[(facts.epoch >> 32) as u8]);
    }
    put(0x36, &[0xff, 0xff]); // never check by the number of mounts
    put(0x38, &[0x53, 0xef]);
    put(0x3a, &small(1)); // clean
    put(0x3c, &small(1)); // go on after errors
    put(0x4c, &word(1));
    put(0x54, &word(LOST_FOUND_INODE.into()));
    put(0x58, &small(INODE));
    put(0x5a, &small(group));
    let journal = facts.journal.map_or(0, |_| COMPAT_JOURNAL);
    put(0x5c, &(COMPAT | journal).to_le_bytes());
    put(0x60, &INCOMPAT.to_le_bytes());
    put(0x64, &RO_COMPAT.to_le_bytes());
    put(0x68, &facts.uuid);
    put(0x78, &facts.label);
    if let Some((content, size)) = &facts.journal {
        put(0xe0, &JOURNAL_INODE.to_le_bytes());
        put(0xfd, &[1]);
        put(0x10c, content);
        put(0x148, &high(*size));
        put(0x14c, &word(*size));
    }
    put(0xec, &facts.hash_seed);
    put(0xfc, &[1]); // half MD4
    put(0xfe, &small(DESCRIPTOR));
    put(0x100, &word(0xc)); // attributes and access control lists
    put(0x150, &high(layout.blocks));
    put(0x158, &high(facts.free_blocks));
    put(0x15c, &small(32));
    put(0x15e, &small(32));
    put(0x160, &word(2)); // hashes of unsigned bytes
    put(0x174, &[layout.log_flex as u8, 1]); // the checksum is CRC-32C
    put(0x248, &word(overhead(layout, facts)));
    put(0x268, &LOST_FOUND_INODE.to_le_bytes());
    let sum = crc(!0, &bytes[..0x3fc]);
    bytes[0x3fc..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Blocks that no file can ever have, as the kernel counts them: the journal's too.
fn overhead(layout: &Layout, facts: &Facts) -> u64 {
    layout.overhead() + facts.journal.map_or(0, |(_, size)| size / BLOCK)
}

/// What is known of one group at the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupFacts {
    pub(crate) free_blocks: u64,
    pub(crate) used_inodes: u64,
    pub(crate) directories: u32,
    pub(crate) block_sum: u32,
    pub(crate) inode_sum: u32,
}

/// All descriptors, with zeros up to the end of their last block.
pub(crate) fn descriptors(layout: &Layout, facts: &[GroupFacts], sums: Sums) -> Vec<u8> {
    const TABLE_IS_ZEROED: u16 = 4;
    let mut all = Vec::new();
    for (number, (group, facts)) in layout.groups.iter().zip(facts).enumerate() {
        let mut bytes = [0; DESCRIPTOR as usize];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let free_inodes = layout.inodes_per_group - facts.used_inodes;
        let places = [group.block_bitmap, group.inode_bitmap, group.inode_table];
        for (index, place) in places.into_iter().enumerate() {
            put(index * 4, &(place as u32).to_le_bytes());
            put(0x20 + index * 4, &((place >> 32) as u32).to_le_bytes());
        }
        // A group has at most 32768 of each, which is within the low halves.
        put(0x0c, &(facts.free_blocks as u16).to_le_bytes());
        put(0x0e, &(free_inodes as u16).to_le_bytes());
        put(0x10, &(facts.directories as u16).to_le_bytes());
        put(0x12, &TABLE_IS_ZEROED.to_le_bytes());
        put(0x18, &(facts.block_sum as u16).to_le_bytes());
        put(0x1a, &(facts.inode_sum as u16).to_le_bytes());
        put(0x1c, &(free_inodes as u16).to_le_bytes());
        put(0x38, &((facts.block_sum >> 16) as u16).to_le_bytes());
        put(0x3a, &((facts.inode_sum >> 16) as u16).to_le_bytes());
        let sum = sums.descriptor(number as u32, &bytes);
        bytes[0x1e..0x20].copy_from_slice(&sum.to_le_bytes());
        all.extend(bytes);
    }
    all.resize((layout.descriptor_blocks * BLOCK) as usize, 0);
    all
}

/// The blocks of a journal for a file system of `blocks` blocks, as mke2fs has them.
pub(crate) fn journal_blocks(blocks: u64) -> u64 {
    match blocks {
        0..2048 => 0,
        2048..32_768 => 1024,
        32_768..262_144 => 4096,
        262_144..524_288 => 8192,
        524_288..4_194_304 => 16_384,
        _ => 32_768,
    }
}

/// The first block of a journal with nothing in it.
pub(crate) fn journal(blocks: u64, uuid: &[u8; 16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let blocks = u32::try_from(blocks).expect("at most 32768");
    for value in [0xc03b_3998, 4, 0, BLOCK as u32, blocks, 1, 1] {
        bytes.extend(u32::to_be_bytes(value));
    }
    bytes.resize(48, 0);
    bytes.extend(uuid);
    bytes.extend(1u32.to_be_bytes());
    bytes.resize(BLOCK as usize, 0);
    bytes
}
