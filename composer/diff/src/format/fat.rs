//! FAT file systems: the boot sector's fields, and each file with its times.

use std::borrow::Cow;

use super::zip::dos_time;
use super::{Field, Member, index, le, part, shown};
use crate::cause::Cause;

/// As many directory entries as are looked at.
const MOST: usize = 100_000;

pub(super) fn is(bytes: &[u8]) -> bool {
    part(bytes, 510, 2) == [0x55, 0xaa]
        && (part(bytes, 54, 3) == b"FAT" || part(bytes, 82, 5) == b"FAT32")
}

/// Where things are.
struct Fat<'a> {
    bytes: &'a [u8],
    cluster: usize,
    first_data: usize,
    table: usize,
    /// 12, 16 or 32.
    width: u32,
}

pub(super) fn members(bytes: &[u8], _budget: usize) -> Option<Vec<Member<'_>>> {
    let sector = index::<2>(bytes, 11)?;
    let cluster = usize::from(*bytes.get(13)?) * sector;
    let reserved = index::<2>(bytes, 14)?;
    let tables = usize::from(*bytes.get(16)?);
    let root_entries = index::<2>(bytes, 17)?;
    let short = index::<2>(bytes, 22)?;
    let table_sectors = if short == 0 {
        index::<4>(bytes, 36)?
    } else {
        short
    };
    let total = match index::<2>(bytes, 19)? {
        0 => index::<4>(bytes, 32)?,
        total => total,
    };
    let root = reserved
        .checked_add(tables.checked_mul(table_sectors)?)?
        .checked_mul(sector)?;
    let first_data = root + (root_entries * 32).next_multiple_of(sector.max(1));
    let clusters = total
        .checked_mul(sector)?
        .checked_sub(first_data)?
        .checked_div(cluster)?;
    let width = match clusters {
        0..4085 => 12,
        4085..65_525 => 16,
        _ => 32,
    };
    let extended = if short == 0 { 67 } else { 39 };
    let mut found = vec![Member {
        name: "boot sector".to_owned(),
        fields: vec![
            Field::new("maker", shown(part(bytes, 3, 8)), None),
            Field::new(
                "volume id",
                format!("{:08x}", le::<4>(bytes, extended)?),
                Some(Cause::Random),
            ),
            Field::new("label", shown(part(bytes, extended + 4, 11)), None),
        ],
        data: Cow::Borrowed(&[]),
    }];
    let fat = Fat {
        bytes,
        cluster,
        first_data,
        table: reserved * sector,
        width,
    };
    let top = match short {
        0 => fat.chain(index::<4>(bytes, 44)?)?,
        _ => part(bytes, root, root_entries * 32).to_vec(),
    };
    let mut pending = vec![(String::new(), top)];
    let mut seen = 0;
    while let Some((path, directory)) = pending.pop() {
        let mut long: Vec<u16> = Vec::new();
        for entry in directory.as_chunks::<32>().0 {
            seen += 1;
            if entry[0] == 0 || seen > MOST {
                break;
            }
            if entry[0] == 0xe5 {
                long.clear();
                continue;
            }
            if entry[11] == 0x0f {
                let part = [&entry[1..11], &entry[14..26], &entry[28..32]].concat();
                let mut units: Vec<u16> = part
                    .as_chunks()
                    .0
                    .iter()
                    .map(|pair| u16::from_le_bytes(*pair))
                    .collect();
                units.retain(|unit| !matches!(unit, 0 | 0xffff));
                units.append(&mut long);
                long = units;
                continue;
            }
            let name = match long.is_empty() {
                true => [shown(&entry[..8]), shown(&entry[8..11])]
                    .join(".")
                    .trim_end_matches('.')
                    .to_owned(),
                false => String::from_utf16_lossy(&std::mem::take(&mut long)),
            };
            if name.starts_with('.') && entry[11] & 0x10 != 0 {
                continue;
            }
            let name = format!("{path}{name}");
            let start = index::<2>(entry, 26)? | index::<2>(entry, 20)? << 16;
            let size = index::<4>(entry, 28)?;
            let data = match start {
                0 => Vec::new(),
                start => fat.chain(start)?,
            };
            let directory = entry[11] & 0x10 != 0;
            let label = entry[11] & 0x08 != 0;
            found.push(Member {
                name: name.clone(),
                fields: vec![
                    Field::new(
                        "modification time",
                        dos_time(le::<4>(entry, 22)?),
                        Some(Cause::TimeStamp),
                    ),
                    Field::new(
                        "creation time",
                        dos_time(le::<4>(entry, 14)?),
                        Some(Cause::TimeStamp),
                    ),
                    Field::new(
                        "access date",
                        dos_time(le::<2>(entry, 18)? << 16),
                        Some(Cause::TimeStamp),
                    ),
                    Field::new("attributes", entry[11], None),
                    Field::new("first cluster", start, Some(Cause::Order)),
                ],
                data: Cow::Owned(match directory || label {
                    true => Vec::new(),
                    false => part(&data, 0, size).to_vec(),
                }),
            });
            if directory {
                pending.push((format!("{name}/"), data));
            }
        }
    }
    Some(found)
}

impl Fat<'_> {
    /// The content of a chain of clusters.
    fn chain(&self, start: usize) -> Option<Vec<u8>> {
        let mut data = Vec::new();
        let mut cluster = start;
        let end = match self.width {
            12 => 0xff8,
            16 => 0xfff8,
            _ => 0x0fff_fff8,
        };
        while (2..end).contains(&cluster) && data.len() <= self.bytes.len() {
            let at = self
                .first_data
                .checked_add((cluster - 2).checked_mul(self.cluster)?)?;
            data.extend_from_slice(part(self.bytes, at, self.cluster));
            cluster = match self.width {
                12 => {
                    let pair = index::<2>(self.bytes, self.table + cluster + cluster / 2)?;
                    if cluster.is_multiple_of(2) {
                        pair & 0xfff
                    } else {
                        pair >> 4
                    }
                }
                16 => index::<2>(self.bytes, self.table + 2 * cluster)?,
                _ => index::<4>(self.bytes, self.table + 4 * cluster)? & 0x0fff_ffff,
            };
        }
        Some(data)
    }
}
