//! ext2, ext3 and ext4: the superblock's fields, and each inode with its times, owner and, where its extents are
//! in the inode itself, its content.

use std::borrow::Cow;

use super::{Field, Member, index, le, part, shown};
use crate::cause::Cause;

const SUPER: usize = 1024;

pub(super) fn is(bytes: &[u8]) -> bool {
    part(bytes, SUPER + 56, 2) == [0x53, 0xef]
}

fn seconds(bytes: &[u8], at: usize) -> Option<i64> {
    i64::try_from(le::<4>(bytes, at)?).ok()
}

pub(super) fn members(bytes: &[u8], _budget: usize) -> Option<Vec<Member<'_>>> {
    let sb = bytes.get(SUPER..SUPER + 1024)?;
    let mut found = vec![Member {
        name: "superblock".to_owned(),
        fields: vec![
            Field::new("UUID", hex::encode(&sb[104..120]), Some(Cause::Random)),
            Field::new(
                "seed of directory hashes",
                hex::encode(&sb[236..252]),
                Some(Cause::Random),
            ),
            Field::time("time of creation", seconds(sb, 264)?),
            Field::time("time of the last mount", seconds(sb, 44)?),
            Field::time("time of the last write", seconds(sb, 48)?),
            Field::time("time of the last check", seconds(sb, 64)?),
            Field::new("label", shown(&sb[120..136]), None),
            Field::new(
                "last mounted at",
                shown(&sb[136..200]),
                Some(Cause::BuildPath),
            ),
            Field::new("mounts", le::<2>(sb, 52)?, None),
            Field::new("blocks", le::<4>(sb, 4)?, None),
            Field::new("free blocks", le::<4>(sb, 12)?, Some(Cause::Consequence)),
            Field::new("free inodes", le::<4>(sb, 16)?, Some(Cause::Consequence)),
            Field::new(
                "compatible features",
                format!("{:x}", le::<4>(sb, 92)?),
                None,
            ),
            Field::new(
                "incompatible features",
                format!("{:x}", le::<4>(sb, 96)?),
                None,
            ),
        ],
        data: Cow::Borrowed(&[]),
    }];
    let block = 1024usize.checked_shl(u32::try_from(le::<4>(sb, 24)?).ok()?)?;
    let inodes_per_group = index::<4>(sb, 40)?;
    let inodes = index::<4>(sb, 0)?;
    let size = match le::<4>(sb, 76)? {
        0 => 128,
        _ => index::<2>(sb, 88)?,
    };
    let wide = le::<4>(sb, 96)? & 0x80 != 0;
    let descriptor = if wide {
        index::<2>(sb, 254)?.max(32)
    } else {
        32
    };
    let groups = (SUPER / block + 1).checked_mul(block)?;
    if block > 65_536 || size < 128 || inodes_per_group == 0 || inodes > bytes.len() / 128 {
        return None;
    }
    for number in 1..=inodes {
        let (group, place) = (
            (number - 1) / inodes_per_group,
            (number - 1) % inodes_per_group,
        );
        let table = index::<4>(bytes, groups + group * descriptor + 8)?;
        let at = table.checked_mul(block)?.checked_add(place * size)?;
        let Some(inode) = bytes.get(at..at + size) else {
            break;
        };
        let mode = le::<2>(inode, 0)?;
        if mode == 0 {
            continue;
        }
        let created = if size > 148 { seconds(inode, 144)? } else { 0 };
        let length = index::<4>(inode, 4)?;
        found.push(Member {
            name: match number {
                2 => "root directory".to_owned(),
                number => format!("inode {number}"),
            },
            fields: vec![
                Field::new("mode", format!("{mode:06o}"), Some(Cause::Umask)),
                Field::user("user", le::<2>(inode, 2)?),
                Field::user("group", le::<2>(inode, 24)?),
                Field::new("length", length, None),
                Field::time("access time", seconds(inode, 8)?),
                Field::time("change time", seconds(inode, 12)?),
                Field::time("modification time", seconds(inode, 16)?),
                Field::time("creation time", created),
                Field::new("generation", le::<4>(inode, 100)?, Some(Cause::Random)),
                Field::new(
                    "block map",
                    hex::encode(&inode[40..100]),
                    Some(Cause::Consequence),
                ),
            ],
            data: Cow::Owned(content(bytes, inode, block, length)?),
        });
    }
    Some(found)
}

/// The blocks of a regular file or directory whose extents fit into the inode.
fn content(bytes: &[u8], inode: &[u8], block: usize, length: usize) -> Option<Vec<u8>> {
    let uses_extents = le::<4>(inode, 32)? & 0x8_0000 != 0;
    if !uses_extents || le::<2>(inode, 40)? != 0xf30a || le::<2>(inode, 46)? != 0 {
        return Some(Vec::new());
    }
    let mut data = Vec::new();
    for n in 0..index::<2>(inode, 42)?.min(4) {
        let at = 52 + 12 * n;
        let count = index::<2>(inode, at + 4)?;
        let start = index::<4>(inode, at + 8)?.checked_mul(block)?;
        data.extend_from_slice(part(bytes, start, count.checked_mul(block)?));
    }
    data.truncate(length);
    Some(data)
}
