//! One inode as bytes: its fields, its extended attributes, the index of a compressed file.
//!
//! `plan` asks for sizes first and for bytes later. Invariant: [`head`] and [`index_size`] are the lengths of what
//! [`fields`], the attributes and [`index`] give.

use super::ErofsError;
use super::data::{PIECE, Placed};
use super::layout::{self, BLOCK, XATTR_PREFIXES};
use super::plan::{Planned, Tail};
use crate::{Entry, ImagePath, Kind};

const COMPACT: u64 = 32;
const EXTENDED: u64 = 64;

/// Refuses what no inode can say.
pub(crate) fn check(node: &Planned<'_>) -> Result<(), ErofsError> {
    match node.entry.kind {
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor }
            if major > 0xfff || minor > 0xf_ffff =>
        {
            Err(ErofsError::Device {
                path: node.path.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// Whether the fields need the long form.
fn is_extended(node: &Planned<'_>) -> bool {
    let small = |value: u32| u16::try_from(value).is_ok();
    let entry = node.entry;
    !small(entry.uid)
        || !small(entry.gid)
        || !small(node.links)
        || u32::try_from(node.size).is_err()
}

/// Bytes of an inode's fields and attributes.
pub(crate) fn head(node: &Planned<'_>) -> u64 {
    let fields = if is_extended(node) { EXTENDED } else { COMPACT };
    fields + node.xattrs.len() as u64
}

/// The extended attributes as they stand behind the fields.
pub(crate) fn xattrs(path: &ImagePath, entry: &Entry) -> Result<Vec<u8>, ErofsError> {
    let mut bytes = Vec::new();
    if entry.xattrs.is_empty() {
        return Ok(bytes);
    }
    bytes.extend([0; 12]);
    for (name, value) in &entry.xattrs {
        let error = |rule| ErofsError::Xattr {
            path: path.clone(),
            name: String::from_utf8_lossy(name).into_owned(),
            rule,
        };
        let prefix = XATTR_PREFIXES.iter().find_map(|(number, prefix)| {
            let rest = name.strip_prefix(*prefix)?;
            // The names of access lists are whole.
            (prefix.ends_with(b".") != rest.is_empty()).then_some((*number, rest))
        });
        let Some((number, rest)) = prefix else {
            return Err(error(
                "names start with `user.`, `trusted.` or `security.`, or are those of access lists",
            ));
        };
        let length = u8::try_from(rest.len()).map_err(|_| error("names have at most 255 bytes"))?;
        let size =
            u16::try_from(value.len()).map_err(|_| error("values have at most 65535 bytes"))?;
        bytes.extend([length, number]);
        bytes.extend(size.to_le_bytes());
        bytes.extend(rest);
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        if (bytes.len() - 12) / 4 >= usize::from(u16::MAX) {
            return Err(error("those of one file have at most 256 KiB together"));
        }
    }
    Ok(bytes)
}

/// The fields of an inode.
pub(crate) fn fields(node: &Planned<'_>, number: usize, mtime: u64) -> Vec<u8> {
    let entry = node.entry;
    let extended = is_extended(node);
    let (kind, value) = match (&node.placed, &entry.kind) {
        (_, Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor }) => {
            let packed = minor & 0xff | major << 8 | (minor & !0xff) << 12;
            (layout::FLAT_PLAIN, packed)
        }
        (Some(Placed::Compressed { pieces, .. }), _) => {
            let blocks = pieces.iter().map(|count| u32::from(*count)).sum();
            (layout::COMPRESSED_FULL, blocks)
        }
        (Some(Placed::Plain { block }), _) => (plain(node), *block),
        (None, _) => (plain(node), 0),
    };
    let xattrs = match node.xattrs.len() {
        0 => 0,
        length => (length - 12) / 4 + 1,
    };
    let mode = entry.st_mode() as u16;
    let mut bytes = vec![0; if extended { EXTENDED } else { COMPACT } as usize];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &(kind << 1 | u16::from(extended)).to_le_bytes());
    put(2, &(xattrs as u16).to_le_bytes());
    put(4, &mode.to_le_bytes());
    put(16, &value.to_le_bytes());
    put(20, &(number as u32 + 1).to_le_bytes());
    if extended {
        put(8, &node.size.to_le_bytes());
        put(24, &entry.uid.to_le_bytes());
        put(28, &entry.gid.to_le_bytes());
        put(32, &mtime.to_le_bytes());
        put(44, &node.links.to_le_bytes());
    } else {
        put(6, &(node.links as u16).to_le_bytes());
        put(8, &(node.size as u32).to_le_bytes());
        put(24, &(entry.uid as u16).to_le_bytes());
        put(26, &(entry.gid as u16).to_le_bytes());
    }
    bytes
}

fn plain(node: &Planned<'_>) -> u16 {
    match node.tail {
        Tail::Inline(_) => layout::FLAT_INLINE,
        _ => layout::FLAT_PLAIN,
    }
}

/// Bytes of a compressed file's index from the next multiple of eight on; zero for others.
pub(crate) fn index_size(node: &Planned<'_>) -> usize {
    match node.placed {
        Some(Placed::Compressed { .. }) => 16 + 8 * node.size.div_ceil(BLOCK as u64) as usize,
        _ => 0,
    }
}

/// Appends the index of a compressed file: eight bytes for each block of its content.
pub(crate) fn index(node: &Planned<'_>, bytes: &mut Vec<u8>) {
    let Some(Placed::Compressed { block, pieces }) = &node.placed else {
        return;
    };
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend([0; 4]);
    bytes.extend(layout::ADVISE_BIG_PCLUSTER.to_le_bytes());
    // LZ4, and blocks as large as those of the image; eight bytes are left out.
    bytes.extend([0; 2 + 8]);
    let mut entry = |kind: u16, offset: u16, value: [u8; 4]| {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        bytes.extend(value);
    };
    let mut at = *block;
    let mut left = node.size;
    for count in pieces {
        let size = left.min(PIECE as u64);
        left -= size;
        let covered = size.div_ceil(BLOCK as u64) as u16;
        if u16::from(*count) == covered {
            for index in 0..covered {
                entry(layout::PLAIN, 0, (at + u32::from(index)).to_le_bytes());
            }
        } else {
            entry(layout::HEAD, 0, at.to_le_bytes());
            let tail = (size % BLOCK as u64) as u16;
            let last = covered - u16::from(tail > 0);
            for index in 1..covered {
                if index == last {
                    // Where the file ends: readers learn how long the piece is.
                    entry(layout::PLAIN, tail, [0; 4]);
                    continue;
                }
                let back = match index {
                    1 => u16::from(*count) | layout::COMPRESSED_BLOCKS,
                    index => index,
                };
                let [a, b] = back.to_le_bytes();
                let [c, d] = (last - index).to_le_bytes();
                entry(layout::NONHEAD, 0, [a, b, c, d]);
            }
        }
        at += u32::from(*count);
    }
}
