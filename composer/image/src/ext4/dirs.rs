//! Directories as lists of entries, block by block.
//!
//! The planner counts the blocks, the writer fills them. Invariant: no entry crosses a block, the
//! last one of a block reaches to its checksum, and names are in the order of their bytes.

use super::layout::BLOCK;
use super::sums::crc;

/// Bytes at the end of a block: an entry that is none and holds the checksum.
const TAIL: usize = 12;
const ROOM: usize = BLOCK as usize - TAIL;
/// `.` and `..`.
const DOTS: usize = 24;

/// One name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'m> {
    pub(crate) name: &'m [u8],
    pub(crate) inode: u32,
    pub(crate) kind: u8,
}

fn size(name: &[u8]) -> usize {
    (8 + name.len()).next_multiple_of(4)
}

/// How many of the names go into each block.
fn split(names: &[Name<'_>]) -> Vec<usize> {
    let mut blocks = vec![0];
    let mut used = DOTS;
    for name in names {
        if used + size(name.name) > ROOM {
            blocks.push(0);
            used = 0;
        }
        used += size(name.name);
        *blocks.last_mut().expect("starts with one") += 1;
    }
    blocks
}

/// How many blocks the names take.
pub(crate) fn blocks(names: &[Name<'_>]) -> u64 {
    split(names).len() as u64
}

/// The bytes of a directory of `count` blocks; `start` is where its checksums start.
pub(crate) fn encode(names: &[Name<'_>], own: u32, parent: u32, count: u64, start: u32) -> Vec<u8> {
    let dot = |name, inode| Name {
        name,
        inode,
        kind: 2,
    };
    let mut rest = names;
    let mut counts = split(names);
    counts.resize(count as usize, 0);
    let mut bytes = Vec::with_capacity((count * BLOCK) as usize);
    for (number, count) in counts.into_iter().enumerate() {
        let (here, after) = rest.split_at(count);
        rest = after;
        let mut block: Vec<Name<'_>> = Vec::with_capacity(here.len() + 2);
        if number == 0 {
            block.extend([dot(b".", own), dot(b"..", parent)]);
        }
        block.extend(here);
        if block.is_empty() {
            block.push(Name {
                name: b"",
                inode: 0,
                kind: 0,
            });
        }
        let begin = bytes.len();
        let last = block.len() - 1;
        for (index, name) in block.iter().enumerate() {
            let at = bytes.len() - begin;
            let length = if index == last {
                ROOM - at
            } else {
                size(name.name)
            };
            bytes.extend(name.inode.to_le_bytes());
            bytes.extend((length as u16).to_le_bytes());
            bytes.push(u8::try_from(name.name.len()).expect("names have at most 255 bytes"));
            bytes.push(name.kind);
            bytes.extend(name.name);
            bytes.resize(begin + at + length, 0);
        }
        let sum = crc(start, &bytes[begin..]);
        bytes.extend([0, 0, 0, 0, TAIL as u8, 0, 0, 0xde]);
        bytes.extend(sum.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_fill_their_blocks() {
        let long = [b'n'; 255];
        let names: Vec<Name<'_>> = (0..20)
            .map(|number| Name {
                name: &long,
                inode: 12 + number,
                kind: 1,
            })
            .collect();
        // 264 bytes each: 15 in a block, with `.` and `..` too.
        assert_eq!(split(&names), [15, 5]);
        let bytes = encode(&names, 11, 2, 3, 0);
        assert_eq!(bytes.len(), 3 * 4096);
        for block in bytes.chunks(4096) {
            let mut at = 0;
            while at < ROOM {
                at += usize::from(u16::from_le_bytes([block[at + 4], block[at + 5]]));
            }
            assert_eq!((at, block[ROOM + 7]), (ROOM, 0xde));
        }
    }
}
