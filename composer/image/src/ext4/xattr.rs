//! Extended attributes in the inode's spare bytes, and in one block where they do not fit.
//!
//! The planner encodes them before it allocates. Invariant: entries of a block are sorted as the
//! kernel searches them, and an attribute that has no room is an error, not a loss.

use super::layout::{BLOCK, INODE};
use super::sums::Sums;
use crate::{Entry, Xattrs};

/// Where the inode's own fields end and its attributes may begin.
pub(crate) const INODE_FIELDS: usize = 160;
/// Bytes for attributes in an inode, behind their magic number.
const IN_INODE: usize = INODE as usize - INODE_FIELDS - 4;
const MAGIC: u32 = 0xea02_0000;
const BLOCK_HEADER: usize = 32;
const ENTRY: usize = 16;

/// Namespaces and whole names that ext4 numbers; longer ones first.
const PREFIXES: [(&[u8], u8); 6] = [
    (b"system.posix_acl_access", 2),
    (b"system.posix_acl_default", 3),
    (b"user.", 1),
    (b"trusted.", 4),
    (b"security.", 6),
    (b"system.", 7),
];
const ACLS: [u8; 2] = [2, 3];

/// Attributes that ext4 cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// More than the inode and a block hold.
    TooLarge,
    /// An access control list that is none.
    BadAcl,
}

/// An inode's attributes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Encoded {
    /// What stands behind the inode's own fields; may be empty.
    pub(crate) in_inode: Vec<u8>,
    /// A block without its checksum.
    pub(crate) block: Option<Vec<u8>>,
}

struct Attribute {
    index: u8,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Attribute {
    fn size(&self) -> usize {
        ENTRY + self.name.len().next_multiple_of(4) + self.value.len().next_multiple_of(4)
    }

    fn hash(&self) -> u32 {
        let mut hash = 0u32;
        for byte in &self.name {
            hash = hash.rotate_left(5) ^ u32::from(*byte);
        }
        let mut padded = self.value.clone();
        padded.resize(self.value.len().next_multiple_of(4), 0);
        for word in padded.chunks(4) {
            let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            hash = hash.rotate_left(16) ^ word;
        }
        hash
    }
}

/// Encodes an entry's attributes.
pub(crate) fn encode(entry: &Entry) -> Result<Encoded, Problem> {
    if entry.xattrs.is_empty() {
        return Ok(Encoded::default());
    }
    let mut inside = Vec::new();
    let mut outside = Vec::new();
    // The entries end with four bytes of zero.
    let mut room = IN_INODE - 4;
    for attribute in sorted(&entry.xattrs)? {
        if attribute.size() <= room {
            room -= attribute.size();
            inside.push(attribute);
        } else {
            outside.push(attribute);
        }
    }
    let needed: usize = outside.iter().map(Attribute::size).sum();
    if needed + BLOCK_HEADER + 4 > BLOCK as usize {
        return Err(Problem::TooLarge);
    }
    let mut in_inode = Vec::new();
    if !inside.is_empty() {
        in_inode.extend(MAGIC.to_le_bytes());
        in_inode.extend(table(&inside, IN_INODE, 0));
    }
    let block = (!outside.is_empty()).then(|| {
        let mut header = vec![0; BLOCK_HEADER];
        header[..4].copy_from_slice(&MAGIC.to_le_bytes());
        header[4] = 1;
        header[8] = 1;
        let hash = outside.iter().fold(0u32, |hash, attribute| {
            hash.rotate_left(16) ^ attribute.hash()
        });
        header[12..16].copy_from_slice(&hash.to_le_bytes());
        header.extend(table(&outside, BLOCK as usize - BLOCK_HEADER, BLOCK_HEADER));
        header
    });
    Ok(Encoded { in_inode, block })
}

/// Puts the checksum into a block of attributes that is at `place`.
pub(crate) fn seal(block: &mut [u8], place: u64, sums: Sums) {
    let sum = sums.xattr_block(place, block);
    block[16..20].copy_from_slice(&sum.to_le_bytes());
}

/// The attributes by their numbers, in the kernel's order.
fn sorted(xattrs: &Xattrs) -> Result<Vec<Attribute>, Problem> {
    let mut sorted = Vec::new();
    for (full, value) in xattrs {
        let (prefix, index) = PREFIXES
            .iter()
            .find(|(prefix, _)| full.starts_with(prefix))
            .expect("a manifest has only these namespaces");
        let whole = ACLS.contains(index);
        if whole && full.len() > prefix.len() {
            // Another name that begins like a list's: one of the namespace `system`.
            sorted.push(Attribute {
                index: 7,
                name: full[b"system.".len()..].to_vec(),
                value: value.clone(),
            });
            continue;
        }
        sorted.push(Attribute {
            index: *index,
            name: full[prefix.len()..].to_vec(),
            value: if whole {
                acl(value).ok_or(Problem::BadAcl)?
            } else {
                value.clone()
            },
        });
    }
    sorted.sort_by(|a, b| (a.index, a.name.len(), &a.name).cmp(&(b.index, b.name.len(), &b.name)));
    Ok(sorted)
}

/// An access control list as ext4 has it, from what `getxattr` gives: the version is 1, and only
/// named users and groups have a number.
fn acl(value: &[u8]) -> Option<Vec<u8>> {
    let entries = value.strip_prefix(&2u32.to_le_bytes())?;
    if !entries.len().is_multiple_of(8) {
        return None;
    }
    let mut bytes = 1u32.to_le_bytes().to_vec();
    for entry in entries.chunks(8) {
        match u16::from_le_bytes([entry[0], entry[1]]) {
            0x01 | 0x04 | 0x10 | 0x20 => bytes.extend(&entry[..4]),
            0x02 | 0x08 => bytes.extend(entry),
            _ => return None,
        }
    }
    Some(bytes)
}

/// Entries from the front, values from the back of `room` bytes; offsets of values count from
/// `before` bytes ahead.
fn table(attributes: &[Attribute], room: usize, before: usize) -> Vec<u8> {
    let mut bytes = vec![0; room];
    let (mut at, mut end) = (0, room);
    for attribute in attributes {
        let value = &attribute.value;
        end -= value.len().next_multiple_of(4);
        bytes[end..end + value.len()].copy_from_slice(value);
        let offset = if value.is_empty() { 0 } else { end + before };
        let name = &attribute.name;
        bytes[at] = u8::try_from(name.len()).expect("names have at most 255 bytes");
        bytes[at + 1] = attribute.index;
        bytes[at + 2..at + 4].copy_from_slice(&(offset as u16).to_le_bytes());
        bytes[at + 8..at + 12].copy_from_slice(&(value.len() as u32).to_le_bytes());
        bytes[at + 12..at + 16].copy_from_slice(&attribute.hash().to_le_bytes());
        bytes[at + ENTRY..at + ENTRY + name.len()].copy_from_slice(name);
        at += ENTRY + name.len().next_multiple_of(4);
    }
    bytes
}
