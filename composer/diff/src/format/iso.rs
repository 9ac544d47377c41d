//! ISO 9660 images: the volume descriptors' fields, each file's record, and what lies before them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Field, Member, index, part, shown};
use crate::cause::Cause;

const SECTOR: usize = 2048;

pub(super) fn is(bytes: &[u8]) -> bool {
    part(bytes, 16 * SECTOR + 1, 5) == b"CD001"
}

pub(super) fn members(bytes: &[u8], _budget: usize) -> Option<Vec<Member<'_>>> {
    let mut found = vec![Member {
        name: "system area".to_owned(),
        fields: Vec::new(),
        data: Cow::Borrowed(bytes.get(..16 * SECTOR)?),
    }];
    for n in 16..80 {
        let descriptor = bytes.get(n * SECTOR..(n + 1) * SECTOR)?;
        let (kind, name) = match descriptor[0] {
            1 => (1, "primary volume"),
            2 => (2, "supplementary volume"),
            255 => break,
            _ => continue,
        };
        let text = |name, at, length| Field::new(name, shown(part(descriptor, at, length)), None);
        let time = |name, at| {
            let value = shown(part(descriptor, at, 16));
            Field::new(name, value, Some(Cause::TimeStamp))
        };
        found.push(Member {
            name: name.to_owned(),
            fields: vec![
                text("system id", 8, 32),
                text("volume id", 40, 32),
                Field::new(
                    "size in sectors",
                    index::<4>(descriptor, 80)?,
                    Some(Cause::Consequence),
                ),
                text("volume set id", 190, 128),
                text("publisher", 318, 128),
                text("preparer", 446, 128),
                text("application", 574, 128),
                time("creation time", 813),
                time("modification time", 830),
                time("expiration time", 847),
                time("effective time", 864),
                text("application use", 883, 512),
            ],
            data: Cow::Borrowed(&[]),
        });
        if kind == 1 {
            files(bytes, part(descriptor, 156, 34), &mut found)?;
        }
    }
    Some(found)
}

/// Every record below the root's, without those of the directories themselves and their parents.
fn files<'a>(bytes: &'a [u8], root: &[u8], found: &mut Vec<Member<'a>>) -> Option<()> {
    let extent = |record: &[u8]| Some((index::<4>(record, 2)?, index::<4>(record, 10)?));
    let mut pending = vec![(String::new(), extent(root)?)];
    let mut seen = BTreeSet::new();
    while let Some((path, (sector, length))) = pending.pop() {
        if !seen.insert(sector) {
            continue;
        }
        let directory = part(bytes, sector.checked_mul(SECTOR)?, length);
        let mut at = 0;
        while at < directory.len() {
            let size = usize::from(directory[at]);
            if size == 0 {
                at = (at + 1).next_multiple_of(SECTOR);
                continue;
            }
            let record = directory.get(at..at + size)?;
            at += size;
            let length = usize::from(*record.get(32)?);
            let id = record.get(33..33 + length)?;
            if matches!(id, [0] | [1]) {
                continue;
            }
            let system_use = &record[(33 + length).next_multiple_of(2).min(size)..];
            let name = rock_ridge_name(system_use).unwrap_or_else(|| shown(id));
            let name = format!("{path}{name}");
            let (sector, length) = extent(record)?;
            let is_directory = record[25] & 2 != 0;
            let hex: String = without_times(system_use);
            found.push(Member {
                name: name.clone(),
                fields: vec![
                    Field::new("time", time(&record[18..25]), Some(Cause::TimeStamp)),
                    Field::new(
                        "times of Rock Ridge",
                        rock_ridge_times(system_use),
                        Some(Cause::TimeStamp),
                    ),
                    Field::new("first sector", sector, Some(Cause::Consequence)),
                    Field::new("flags", record[25], None),
                    Field::new("system use", hex, None),
                ],
                data: Cow::Borrowed(match is_directory {
                    true => &[],
                    false => part(bytes, sector.checked_mul(SECTOR)?, length),
                }),
            });
            if is_directory {
                pending.push((format!("{name}/"), (sector, length)));
            }
        }
    }
    Some(())
}

fn time(t: &[u8]) -> String {
    let year = 1900 + u32::from(t[0]);
    format!(
        "{year}-{:02}-{:02} {:02}:{:02}:{:02}",
        t[1], t[2], t[3], t[4], t[5]
    )
}

/// The fields of the system use protocol: signature and the whole field.
fn protocol(system_use: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut fields = Vec::new();
    let mut rest = system_use;
    while let [a, b, length, ..] = rest {
        let length = usize::from(*length).max(4);
        if !a.is_ascii_uppercase() || !b.is_ascii_uppercase() || length > rest.len() {
            break;
        }
        let (field, behind) = rest.split_at(length);
        fields.push((&field[..2], field));
        rest = behind;
    }
    fields
}

fn rock_ridge_name(system_use: &[u8]) -> Option<String> {
    let names = protocol(system_use);
    let parts: Vec<u8> = names
        .iter()
        .filter(|(kind, _)| *kind == b"NM")
        .flat_map(|(_, field)| part(field, 5, field.len()).iter().copied())
        .collect();
    (!parts.is_empty()).then(|| shown(&parts))
}

fn rock_ridge_times(system_use: &[u8]) -> String {
    let times = protocol(system_use)
        .into_iter()
        .filter(|(kind, _)| *kind == b"TF");
    times
        .map(|(_, field)| hex::encode(field))
        .collect::<Vec<_>>()
        .join(" ")
}

fn without_times(system_use: &[u8]) -> String {
    let others = protocol(system_use)
        .into_iter()
        .filter(|(kind, _)| *kind != b"TF");
    others
        .map(|(_, field)| hex::encode(field))
        .collect::<Vec<_>>()
        .join(" ")
}
