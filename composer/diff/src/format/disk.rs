//! Disk images: GUID partition tables and master boot records, by partition.

use std::borrow::Cow;

use super::{Field, Member, guid, index, le, part};
use crate::cause::Cause;

const SECTOR: usize = 512;

pub(super) fn is_gpt(bytes: &[u8]) -> bool {
    part(bytes, SECTOR, 8) == b"EFI PART"
}

/// A boot sector that is no file system by itself, with at least one partition.
pub(super) fn is_mbr(bytes: &[u8]) -> bool {
    let kind = |n: usize| bytes.get(446 + 16 * n + 4).is_some_and(|kind| *kind != 0);
    part(bytes, 510, 2) == [0x55, 0xaa] && (0..4).any(kind)
}

/// The boot sector without its table.
fn boot_sector(bytes: &[u8]) -> Option<Vec<Member<'_>>> {
    let signature = format!("{:08x}", le::<4>(bytes, 440)?);
    Some(vec![Member {
        name: "boot sector".to_owned(),
        fields: vec![Field::new("disk signature", signature, Some(Cause::Random))],
        data: Cow::Borrowed(bytes.get(..440)?),
    }])
}

pub(super) fn mbr(bytes: &[u8], _budget: usize) -> Option<Vec<Member<'_>>> {
    let mut members = boot_sector(bytes)?;
    for n in 0..4 {
        let at = 446 + 16 * n;
        let (first, count) = (index::<4>(bytes, at + 8)?, index::<4>(bytes, at + 12)?);
        members.push(Member {
            name: format!("partition {}", n + 1),
            fields: vec![
                Field::new("kind", format!("{:02x}", bytes.get(at + 4)?), None),
                Field::new("first sector", first, None),
                Field::new("sectors", count, None),
            ],
            data: content(bytes, first, count),
        });
    }
    Some(members)
}

pub(super) fn gpt(bytes: &[u8], _budget: usize) -> Option<Vec<Member<'_>>> {
    let mut members = boot_sector(bytes)?;
    members.push(Member {
        name: "table".to_owned(),
        fields: vec![
            Field::new("disk GUID", guid(bytes, SECTOR + 56)?, Some(Cause::Random)),
            Field::new("first usable sector", le::<8>(bytes, SECTOR + 40)?, None),
            Field::new("last usable sector", le::<8>(bytes, SECTOR + 48)?, None),
            Field::new(
                "checksum",
                le::<4>(bytes, SECTOR + 16)?,
                Some(Cause::Consequence),
            ),
        ],
        data: Cow::Borrowed(&[]),
    });
    let table = index::<8>(bytes, SECTOR + 72)?.checked_mul(SECTOR)?;
    let (count, size) = (
        index::<4>(bytes, SECTOR + 80)?,
        index::<4>(bytes, SECTOR + 84)?,
    );
    for n in 0..count.min(256) {
        let at = table.checked_add(n.checked_mul(size)?)?;
        let Some(entry) = bytes.get(at..at + 128) else {
            break;
        };
        if entry[..16].iter().all(|b| *b == 0) {
            continue;
        }
        let (first, last) = (index::<8>(entry, 32)?, index::<8>(entry, 40)?);
        let name: Vec<u16> = entry[56..128]
            .as_chunks()
            .0
            .iter()
            .map(|pair| u16::from_le_bytes(*pair))
            .take_while(|c| *c != 0)
            .collect();
        members.push(Member {
            name: format!("partition {}", n + 1),
            fields: vec![
                Field::new("kind", guid(entry, 0)?, None),
                Field::new("GUID", guid(entry, 16)?, Some(Cause::Random)),
                Field::new("name", String::from_utf16_lossy(&name), None),
                Field::new("first sector", first, None),
                Field::new("last sector", last, None),
                Field::new("attributes", le::<8>(entry, 48)?, None),
            ],
            data: content(bytes, first, (last + 1).checked_sub(first)?),
        });
    }
    Some(members)
}

/// What is in a partition; one that starts at the table itself, as on hybrid images, is not opened again.
fn content(bytes: &[u8], first: usize, count: usize) -> Cow<'_, [u8]> {
    let at = first.saturating_mul(SECTOR);
    Cow::Borrowed(match at {
        0 => &[],
        at => part(bytes, at, count.saturating_mul(SECTOR)),
    })
}
