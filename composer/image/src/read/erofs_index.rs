//! The index of a compressed EROFS file: full, eight bytes for a block, or packed, two or four.
//!
//! `erofs` asks [`pieces`] for the parts of a file. Invariant: pieces lie behind one another from the start of the file to
//! its end; whatever the index says, they are no more than the file has blocks.

use super::ReadError;
use super::bytes::{le16, le32};
use super::content::Stored;
use super::input::Input;
use crate::erofs::layout;

/// What the index says of one block of the content.
#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: u16,
    /// Where a piece starts in the block.
    offset: u16,
    /// The first block of a piece.
    block: u32,
    /// The blocks of the piece before, where the entry says so.
    blocks: Option<u16>,
}

/// The bits of a packed entry below its kind.
const LOW: u32 = 12;

/// The pieces of a file of `size` bytes whose index starts at `map`, with their lengths.
pub(crate) fn pieces(
    input: &mut Input,
    map: u64,
    size: u64,
    block: u64,
    packed: bool,
) -> Result<Vec<(u64, Stored)>, ReadError> {
    let head: [u8; 8] = input.array(map)?;
    let advise = le16(&head, 4);
    // The third bit says the same as the second of a second compressor, which is not there.
    let known = layout::ADVISE_PACKED_2B | layout::ADVISE_BIG_PCLUSTER | 0x4;
    if advise & !known != 0 || head[6] != 0 || head[7] != 0 {
        return Err(input.unsupported("a file that is compressed by other means than LZ4 alone"));
    }
    let entries = match packed {
        true if block == 4096 => packed_entries(input, map + 8, size.div_ceil(block), advise)?,
        true => return Err(input.unsupported("a packed index of other blocks than of 4096 bytes")),
        false => full_entries(input, map + 16, size.div_ceil(block))?,
    };
    let broken = || ReadError::Broken {
        format: "EROFS",
        what: "the index of a compressed file",
        at: map,
    };
    let mut starts: Vec<(u64, Stored)> = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        if entry.kind == layout::NONHEAD {
            continue;
        }
        let start = number as u64 * block + u64::from(entry.offset);
        if u64::from(entry.offset) >= block || start > size {
            return Err(broken());
        }
        let at = u64::from(entry.block) * block;
        let next = entries.get(number + 1);
        let blocks = next.filter(|next| next.kind == layout::NONHEAD);
        let blocks = u32::from(blocks.and_then(|next| next.blocks).unwrap_or(1));
        starts.push((
            start,
            match entry.kind {
                layout::PLAIN => Stored::Plain { at },
                layout::HEAD => Stored::Lz4 {
                    at,
                    length: blocks.saturating_mul(block as u32),
                },
                _ => return Err(input.unsupported("a second compression of a file")),
            },
        ));
    }
    let mut pieces = Vec::new();
    for (index, (start, stored)) in starts.iter().enumerate() {
        if *start == size {
            // The mark of the end of the file.
            break;
        }
        let end = starts.get(index + 1).map_or(size, |next| next.0);
        if index == 0 && *start != 0 || end <= *start {
            return Err(broken());
        }
        pieces.push((end - start, *stored));
    }
    match pieces.is_empty() && size > 0 {
        true => Err(broken()),
        false => Ok(pieces),
    }
}

fn full_entries(input: &mut Input, at: u64, count: u64) -> Result<Vec<Entry>, ReadError> {
    let bytes = input.bytes(at, count.saturating_mul(8))?;
    let entry = |bytes: &[u8; 8]| {
        let back = le16(bytes, 4);
        Entry {
            kind: le16(bytes, 0) & 3,
            offset: le16(bytes, 2),
            block: le32(bytes, 4),
            blocks: counted(back),
        }
    };
    Ok(bytes.as_chunks().0.iter().map(entry).collect())
}

fn counted(value: u16) -> Option<u16> {
    (value & layout::COMPRESSED_BLOCKS != 0).then_some(value & !layout::COMPRESSED_BLOCKS)
}

/// Packs of 8 bytes for two entries up to a multiple of 32, then packs of 32 for sixteen, then the former again.
fn packed_entries(
    input: &mut Input,
    at: u64,
    count: u64,
    advise: u16,
) -> Result<Vec<Entry>, ReadError> {
    let first = (32 - at % 32) / 4 % 8;
    let small = match advise & layout::ADVISE_PACKED_2B {
        0 => 0,
        _ => count.saturating_sub(first) / 16 * 16,
    };
    let length = count.saturating_sub(small).saturating_mul(4) + small * 2;
    let end = (at + length).next_multiple_of(8);
    let bytes = input.bytes(at, end - at)?;
    input.charge(count.saturating_mul(8))?;
    let big = advise & layout::ADVISE_BIG_PCLUSTER != 0;
    let mut entries = Vec::new();
    for number in 0..count {
        let (before, index, width, of) = match number {
            _ if number < first => (0, number, 4, 2),
            _ if number < first + small => (first * 4, number - first, 2, 16),
            _ => (first * 4 + small * 2, number - first - small, 4, 2),
        };
        let pack = before + index / of * (of * width);
        let pack = pack as usize;
        let Some(pack) = bytes.get(pack..pack + (of * width) as usize) else {
            return Err(input.broken("the index of a compressed file", at));
        };
        let entry = packed_entry(pack, (index % of) as usize, of as usize, big);
        entries.push(entry.ok_or_else(|| input.broken("the index of a compressed file", at))?);
    }
    Ok(entries)
}

/// One entry of a pack of `of`, whose last four bytes are the block before its first piece.
fn packed_entry(pack: &[u8], index: usize, of: usize, big: bool) -> Option<Entry> {
    let bits = (pack.len() - 4) * 8 / of;
    let decode = |index: usize| {
        let at = bits * index;
        // The kind and what is below it lie within four bytes.
        let value = le32_short(pack, at / 8) >> (at % 8);
        ((value & ((1 << LOW) - 1)) as u16, (value >> LOW & 3) as u16)
    };
    let (low, kind) = decode(index);
    if kind == layout::NONHEAD {
        return Some(Entry {
            kind,
            offset: 0,
            block: 0,
            blocks: counted(low).filter(|_| big),
        });
    }
    let mut blocks = u32::from(!big);
    let mut at = index as isize;
    while at > 0 {
        at -= 1;
        let (low, kind) = decode(at as usize);
        let low_index = isize::try_from(low).ok()?;
        match (kind == layout::NONHEAD, big) {
            (true, false) => {
                at -= low_index;
                blocks += u32::from(at >= 0);
            }
            (true, true) => match counted(low) {
                Some(count) => {
                    at -= 1;
                    blocks = blocks.checked_add(count.into())?;
                }
                None if low > 1 => at -= low_index - 2,
                None => return None,
            },
            (false, _) => blocks += 1,
        }
    }
    Some(Entry {
        kind,
        offset: low,
        block: le32(pack, pack.len() - 4).checked_add(blocks)?,
        blocks: None,
    })
}

/// Four bytes, zeros behind the end.
fn le32_short(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    let rest = bytes.get(at..).unwrap_or_default();
    let count = rest.len().min(4);
    word[..count].copy_from_slice(&rest[..count]);
    u32::from_le_bytes(word)
}
