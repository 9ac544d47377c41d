//! The extents of a file as a tree: up to four in the inode, else in blocks below it.
//!
//! The planner counts the blocks before it knows where they are; the writer encodes them.
//! Invariant: extents are sorted by their place in the file and do not overlap.

use super::layout::BLOCK;
use super::sums::crc;

/// Some blocks of a file and where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The first block, counted in the file.
    pub(crate) logical: u32,
    /// At most 32768 blocks.
    pub(crate) count: u32,
    /// The first block on the disk.
    pub(crate) start: u64,
}

const HEADER: usize = 12;
const ENTRY: usize = 12;
/// Entries in an inode.
const IN_INODE: usize = 4;
/// Entries in a block, which ends with a checksum.
const IN_BLOCK: usize = (BLOCK as usize - HEADER - 4) / ENTRY;

/// How many blocks the tree of so many extents has beside the inode.
pub(crate) fn tree_blocks(extents: usize) -> usize {
    let (mut level, mut blocks) = (extents, 0);
    while level > IN_INODE {
        level = level.div_ceil(IN_BLOCK);
        blocks += level;
    }
    blocks
}

fn header(entries: usize, most: usize, depth: u16) -> Vec<u8> {
    let small = |count: usize| u16::try_from(count).expect("at most 340").to_le_bytes();
    let mut bytes = 0xf30au16.to_le_bytes().to_vec();
    bytes.extend(small(entries));
    bytes.extend(small(most));
    bytes.extend(depth.to_le_bytes());
    bytes.extend([0; 4]);
    bytes
}

/// The root for the inode, and the blocks of the tree with their numbers, which are taken from
/// `places` in order; `start` is where the inode's checksums start.
pub(crate) fn encode(
    extents: &[Extent],
    places: &[u64],
    start: u32,
) -> ([u8; 60], Vec<(u64, Vec<u8>)>) {
    let mut level: Vec<(u32, [u8; ENTRY])> = extents
        .iter()
        .map(|extent| {
            let mut entry = [0; ENTRY];
            entry[..4].copy_from_slice(&extent.logical.to_le_bytes());
            let count = u16::try_from(extent.count).expect("an extent has at most 32768 blocks");
            entry[4..6].copy_from_slice(&count.to_le_bytes());
            entry[6..8].copy_from_slice(&((extent.start >> 32) as u16).to_le_bytes());
            entry[8..].copy_from_slice(&(extent.start as u32).to_le_bytes());
            (extent.logical, entry)
        })
        .collect();
    let mut places = places.iter().copied();
    let mut blocks = Vec::new();
    let mut depth = 0;
    while level.len() > IN_INODE {
        let mut above = Vec::new();
        for entries in level.chunks(IN_BLOCK) {
            let mut bytes = header(entries.len(), IN_BLOCK, depth);
            for (_, entry) in entries {
                bytes.extend(entry);
            }
            bytes.resize(BLOCK as usize - 4, 0);
            let sum = crc(start, &bytes);
            bytes.extend(sum.to_le_bytes());
            let place = places.next().expect("tree_blocks() counted the blocks");
            let mut index = [0; ENTRY];
            index[..4].copy_from_slice(&entries[0].0.to_le_bytes());
            index[4..8].copy_from_slice(&(place as u32).to_le_bytes());
            index[8..10].copy_from_slice(&((place >> 32) as u16).to_le_bytes());
            above.push((entries[0].0, index));
            blocks.push((place, bytes));
        }
        level = above;
        depth += 1;
    }
    let mut root = header(level.len(), IN_INODE, depth);
    for (_, entry) in &level {
        root.extend(entry);
    }
    root.resize(60, 0);
    (root.try_into().expect("sixty bytes"), blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_grow_by_levels() {
        for (extents, blocks) in [(0, 0), (4, 0), (5, 1), (340, 1), (1360, 4), (1361, 5 + 1)] {
            assert_eq!(tree_blocks(extents), blocks, "{extents}");
            let list: Vec<Extent> = (0..extents as u32)
                .map(|at| Extent {
                    logical: at * 2,
                    count: 1,
                    start: 1 << 33,
                })
                .collect();
            let places: Vec<u64> = (0..blocks as u64).collect();
            let (root, made) = encode(&list, &places, 0);
            assert_eq!(made.len(), blocks);
            assert_eq!(root[..2], [0x0a, 0xf3]);
        }
    }
}
