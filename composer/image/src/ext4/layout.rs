//! Where the fixed metadata of an ext4 file system lies, and the allocator of what is left.
//!
//! The planner asks for a layout of so many blocks and inodes and fills it from the start.
//! Invariant: blocks are given out in order, so a block is used if it is fixed metadata or lies
//! below the allocator's end, and nothing else has to be remembered.

/// Bytes of a block.
pub(crate) const BLOCK: u64 = 4096;
/// Blocks of a group: as many as a bitmap of one block has bits.
pub(crate) const GROUP_BLOCKS: u64 = 8 * BLOCK;
/// Bytes of an inode.
pub(crate) const INODE: u64 = 256;
/// Bytes of a group's descriptor.
pub(crate) const DESCRIPTOR: u64 = 64;
/// The most blocks of one extent.
pub(crate) const LONGEST_EXTENT: u64 = 32768;

const MOST_INODES_PER_GROUP: u64 = 8 * BLOCK;
const INODES_PER_BLOCK: u64 = BLOCK / INODE;
/// Bytes of the file system for which there is an inode, as mke2fs has it.
const INODE_RATIO: u64 = 16384;
/// A last group with fewer blocks beside its metadata is not made.
const LEAST_GROUP: u64 = 64;

/// A run of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) start: u64,
    pub(crate) count: u64,
}

/// Where one group's metadata is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    pub(crate) block_bitmap: u64,
    pub(crate) inode_bitmap: u64,
    pub(crate) inode_table: u64,
}

/// The fixed metadata of a file system.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) blocks: u64,
    pub(crate) inodes_per_group: u64,
    pub(crate) descriptor_blocks: u64,
    /// The logarithm of how many groups have their metadata together.
    pub(crate) log_flex: u32,
    pub(crate) groups: Vec<Group>,
    /// All fixed metadata, sorted.
    pub(crate) fixed: Vec<Run>,
}

/// Whether a group begins with copies of the superblock and the descriptors.
pub(crate) fn has_superblock(group: u64) -> bool {
    let power_of = |base: u64| {
        let mut power = base;
        while power < group {
            power *= base;
        }
        power == group
    };
    group <= 1 || power_of(3) || power_of(5) || power_of(7)
}

impl Layout {
    /// The layout of at least `blocks` blocks (a last group that would be too small is made larger)
    /// with at least `inodes` inodes; none where so few blocks cannot have so many inodes.
    pub(crate) fn new(blocks: u64, inodes: u64) -> Option<Self> {
        let groups = blocks.div_ceil(GROUP_BLOCKS);
        let descriptor_blocks = (groups * DESCRIPTOR).div_ceil(BLOCK);
        let last = blocks - (groups - 1) * GROUP_BLOCKS;
        let least = 1 + descriptor_blocks + LEAST_GROUP;
        let blocks = blocks + least.saturating_sub(last);

        let inodes = inodes.max(blocks * BLOCK / INODE_RATIO);
        let inodes_per_group = inodes.div_ceil(groups).next_multiple_of(INODES_PER_BLOCK);
        if inodes_per_group > MOST_INODES_PER_GROUP {
            return None;
        }
        let table = inodes_per_group / INODES_PER_BLOCK;
        // All metadata of a flexible group is in its first group, and leaves half of that.
        let log_flex = (0..=4)
            .rev()
            .find(|log| (table + 2) << log <= GROUP_BLOCKS / 2)
            .unwrap_or(0);
        let mut layout = Layout {
            blocks,
            inodes_per_group,
            descriptor_blocks,
            log_flex,
            groups: Vec::new(),
            fixed: Vec::new(),
        };
        for group in 0..groups {
            let mut next = group * GROUP_BLOCKS;
            if has_superblock(group) {
                next += 1 + descriptor_blocks;
            }
            if group % (1 << log_flex) == 0 {
                let here = (groups - group).min(1 << log_flex);
                for index in 0..here {
                    layout.groups.push(Group {
                        block_bitmap: next + index,
                        inode_bitmap: next + here + index,
                        inode_table: next + 2 * here + index * table,
                    });
                }
                next += here * (2 + table);
            }
            let start = group * GROUP_BLOCKS;
            if next > start {
                layout.fixed.push(Run {
                    start,
                    count: next - start,
                });
            }
        }
        Some(layout)
    }

    /// Blocks of fixed metadata.
    pub(crate) fn overhead(&self) -> u64 {
        self.fixed.iter().map(|run| run.count).sum()
    }

    /// The blocks of a group: all have the same number but the last.
    pub(crate) fn blocks_of(&self, group: u64) -> u64 {
        (self.blocks - group * GROUP_BLOCKS).min(GROUP_BLOCKS)
    }

    /// A group's bitmap of used blocks, those that do not exist included, and how many are free.
    pub(crate) fn bitmap(&self, group: u64, end: u64) -> (Vec<u8>, u64) {
        let first = group * GROUP_BLOCKS;
        let mut bits = Bits::new();
        bits.set(0..end.saturating_sub(first).min(GROUP_BLOCKS));
        let from = self
            .fixed
            .partition_point(|run| run.start + run.count <= first);
        for run in self.fixed[from..]
            .iter()
            .take_while(|run| run.start < first + GROUP_BLOCKS)
        {
            let start = run.start.max(first) - first;
            bits.set(start..(run.start + run.count - first).min(GROUP_BLOCKS));
        }
        bits.set(self.blocks_of(group)..GROUP_BLOCKS);
        let free = GROUP_BLOCKS - bits.count();
        (bits.0, free)
    }
}

/// A bitmap of one block.
pub(crate) struct Bits(pub(crate) Vec<u8>);

impl Bits {
    pub(crate) fn new() -> Self {
        Bits(vec![0; BLOCK as usize])
    }

    pub(crate) fn set(&mut self, range: std::ops::Range<u64>) {
        let (mut at, end) = (range.start, range.end);
        while at < end {
            if at.is_multiple_of(8) && end - at >= 8 {
                let whole = (end - at) / 8;
                let first = (at / 8) as usize;
                self.0[first..first + whole as usize].fill(0xff);
                at += whole * 8;
            } else {
                self.0[(at / 8) as usize] |= 1 << (at % 8);
                at += 1;
            }
        }
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|byte| u64::from(byte.count_ones())).sum()
    }
}

/// Gives out what the fixed metadata leaves, from the start on; past the end too, so that the
/// planner learns how much it would have needed.
#[derive(Debug)]
pub(crate) struct Allocator<'l> {
    fixed: &'l [Run],
    /// Every block before this one is used.
    pub(crate) end: u64,
    /// How many blocks were given out.
    pub(crate) taken: u64,
}

impl<'l> Allocator<'l> {
    pub(crate) fn new(layout: &'l Layout) -> Self {
        Allocator {
            fixed: &layout.fixed,
            end: 0,
            taken: 0,
        }
    }

    /// The next `count` blocks, in runs that fit in an extent.
    pub(crate) fn take(&mut self, count: u64) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut left = count;
        while left > 0 {
            let until = match self.fixed.first() {
                Some(run) if run.start <= self.end => {
                    self.end = self.end.max(run.start + run.count);
                    self.fixed = &self.fixed[1..];
                    continue;
                }
                Some(run) => run.start - self.end,
                None => u64::MAX,
            };
            let count = left.min(until).min(LONGEST_EXTENT);
            runs.push(Run {
                start: self.end,
                count,
            });
            self.end += count;
            left -= count;
        }
        self.taken += count;
        runs
    }

    /// The next block.
    pub(crate) fn take_one(&mut self) -> u64 {
        self.take(1)[0].start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_are_in_the_powers_of_three_five_and_seven() {
        let with: Vec<u64> = (0..130).filter(|group| has_superblock(*group)).collect();
        assert_eq!(with, [0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125]);
    }

    #[test]
    fn fixed_metadata_never_overlaps_and_tables_are_whole() {
        for (blocks, inodes) in [
            (200, 20),
            (32768, 9000),
            (40 * 32768, 60_000),
            (3 * 32768 + 3, 98304),
        ] {
            let layout = Layout::new(blocks, inodes).unwrap();
            let mut end = 0;
            for run in &layout.fixed {
                assert!(run.start >= end && run.count > 0);
                end = run.start + run.count;
            }
            assert!(end <= layout.blocks, "{layout:?}");
            assert_eq!(
                layout.groups.len() as u64,
                layout.blocks.div_ceil(GROUP_BLOCKS)
            );
            assert!(layout.inodes_per_group * layout.groups.len() as u64 >= inodes);
        }
        assert!(Layout::new(32768, 40_000).is_none());
    }

    #[test]
    fn the_allocator_steps_over_fixed_metadata() {
        let layout = Layout::new(2 * 32768, 16).unwrap();
        let first = layout.fixed[0].count;
        let mut allocator = Allocator::new(&layout);
        let runs = allocator.take(40_000);
        let next = layout.fixed[1];
        assert_eq!(
            runs[0],
            Run {
                start: first,
                count: 32768 - first
            }
        );
        assert_eq!(runs[1].start, next.start + next.count);
        let (bitmap, free) = layout.bitmap(1, allocator.end);
        assert_eq!(free, 32768 - next.count - runs[1].count);
        assert_eq!((bitmap[0], bitmap[4095]), (0xff, 0));
        assert_eq!(layout.bitmap(0, allocator.end).1, 0);
    }
}
