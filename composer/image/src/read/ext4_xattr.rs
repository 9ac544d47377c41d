//! Extended attributes of an ext4 inode: those behind its fields, and those in its block.
//!
//! `ext4` calls [`read`] for each inode. Invariant: values in inodes of their own are refused, not left out.

use std::collections::BTreeMap;

use super::ReadError;
use super::bytes::{le16, le32};
use super::input::Input;

const MAGIC: u32 = 0xea02_0000;

/// What the numbers of names stand for.
const PREFIXES: &[(u8, &[u8])] = &[
    (0, b""),
    (1, b"user."),
    (2, b"system.posix_acl_access"),
    (3, b"system.posix_acl_default"),
    (4, b"trusted."),
    (6, b"security."),
    (7, b"system."),
];

/// All attributes of an inode, by full name.
pub(crate) fn read(
    input: &mut Input,
    inode: &[u8],
    block: u64,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ReadError> {
    let mut found = BTreeMap::new();
    if inode.len() > 132 {
        let start = 128 + usize::from(le16(inode, 128));
        if le32(inode, start) == MAGIC {
            let area = &inode[start + 4..];
            entries(input, area, area, &mut found)?;
        }
    }
    let number = u64::from(le32(inode, 104)) | u64::from(le16(inode, 118)) << 32;
    if number != 0 {
        let at = number.saturating_mul(block);
        let bytes = input.bytes(at, block)?;
        if le32(&bytes, 0) != MAGIC {
            return Err(input.broken("a block of attributes without its magic number", at));
        }
        entries(input, &bytes[32..], &bytes, &mut found)?;
    }
    Ok(found)
}

/// Reads entries from the start of `list`; their values lie in `area`.
fn entries(
    input: &mut Input,
    mut list: &[u8],
    area: &[u8],
    found: &mut BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<(), ReadError> {
    while list.len() >= 16 && le32(list, 0) != 0 {
        let (length, index) = (usize::from(list[0]), list[1]);
        let (at, size) = (usize::from(le16(list, 2)), le32(list, 8) as usize);
        if le32(list, 4) != 0 {
            return Err(input.unsupported("an attribute in an inode of its own"));
        }
        let prefix = PREFIXES.iter().find(|(number, _)| *number == index);
        let name = list.get(16..16 + length);
        let value = at.checked_add(size).and_then(|end| area.get(at..end));
        let (Some((_, prefix)), Some(name), Some(value)) = (prefix, name, value) else {
            return Err(input.broken("an extended attribute", 0));
        };
        input.charge((prefix.len() + length + size) as u64)?;
        found.insert([prefix, name].concat(), value.to_vec());
        list = list
            .get((16 + length).next_multiple_of(4)..)
            .unwrap_or_default();
    }
    Ok(())
}
