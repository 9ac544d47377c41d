//! Reads FAT12, FAT16 and FAT32 with long names.
//!
//! Invariant: a chain of clusters is at most as long as the table has entries, so loops end.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bytes::{le16, le32};
use super::content::Stored;
use super::input::Input;
use super::source::fill;
use super::{Content, Entries, Listing, Node, NodeKind, Place, ReadError, Reader, Source, file};

const ENTRY: usize = 32;
/// What a path takes of the budget beside its name.
const NODE: u64 = 256;

pub(crate) fn is(source: &dyn Source) -> Result<bool, ReadError> {
    let mut sector = [0; 512];
    let count = fill(source, 0, &mut sector).map_err(|source| ReadError::Io { source })?;
    let named = &sector[54..57] == b"FAT" || &sector[82..87] == b"FAT32";
    Ok(count == 512 && sector[510..] == [0x55, 0xaa] && named)
}

pub(crate) struct Fat {
    table: Table,
    source: Arc<dyn Source>,
    listing: Listing,
}

/// The allocation table, and where clusters are.
struct Table {
    bytes: Vec<u8>,
    /// 12, 16 or 32.
    width: u32,
    clusters: u64,
    cluster: u64,
    first_data: u64,
}

impl Table {
    /// The cluster after one; none at the end of a chain.
    fn next(&self, cluster: u64) -> Option<u64> {
        let at = usize::try_from(cluster).ok()?;
        let next = match self.width {
            12 => {
                let pair = u64::from(le16(&self.bytes, at + at / 2));
                if at.is_multiple_of(2) {
                    pair & 0xfff
                } else {
                    pair >> 4
                }
            }
            16 => le16(&self.bytes, 2 * at).into(),
            _ => u64::from(le32(&self.bytes, 4 * at)) & 0x0fff_ffff,
        };
        (2..self.clusters + 2).contains(&next).then_some(next)
    }

    /// The places of a chain's clusters, neighbours as one: start and length.
    fn chain(&self, start: u64) -> Vec<(u64, u64)> {
        let mut parts: Vec<(u64, u64)> = Vec::new();
        let mut cluster = (2..self.clusters + 2).contains(&start).then_some(start);
        for _ in 0..self.clusters {
            let Some(number) = cluster else { break };
            let at = self.first_data + (number - 2) * self.cluster;
            match parts.last_mut() {
                Some((start, length)) if *start + *length == at => *length += self.cluster,
                _ => parts.push((at, self.cluster)),
            }
            cluster = self.next(number);
        }
        parts
    }
}

pub(crate) fn open(source: Arc<dyn Source>) -> Result<Fat, ReadError> {
    let mut input = Input::new(Arc::clone(&source), "FAT");
    let boot: [u8; 512] = input.array(0)?;
    let sector = u64::from(le16(&boot, 11));
    let cluster = u64::from(boot[13]) * sector;
    let root_entries = u64::from(le16(&boot, 17));
    let table_sectors = match le16(&boot, 22) {
        0 => u64::from(le32(&boot, 36)),
        count => count.into(),
    };
    let total = match le16(&boot, 19) {
        0 => u64::from(le32(&boot, 32)),
        count => count.into(),
    };
    if !matches!(sector, 512 | 1024 | 2048 | 4096) || cluster == 0 {
        return Err(input.broken("the sizes in the boot sector", 11));
    }
    let table_at = u64::from(le16(&boot, 14)) * sector;
    let root_at = table_at + u64::from(boot[16]) * table_sectors * sector;
    let first_data = root_at + (root_entries * ENTRY as u64).next_multiple_of(sector);
    let Some(data) = (total * sector).checked_sub(first_data) else {
        return Err(input.broken("the sizes in the boot sector", 11));
    };
    let mut clusters = data / cluster;
    let (width, bits) = match clusters {
        _ if le16(&boot, 22) == 0 => (32, 32),
        0..4085 => (12, 12),
        _ => (16, 16),
    };
    // The table is read only as far as it can describe clusters.
    let table_size = (table_sectors * sector).min(((clusters + 2) * bits).div_ceil(8));
    clusters = clusters.min((table_size * 8 / bits).saturating_sub(2));
    // A chain is no longer than what is really there, whatever the boot sector says.
    if let Some(size) = source.size() {
        clusters = clusters.min(size / cluster);
    }
    let bytes = input.bytes(table_at, table_size)?;
    let table = Table {
        bytes,
        width,
        clusters,
        cluster,
        first_data,
    };
    let root = match width {
        32 => table.chain(le32(&boot, 44).into()),
        _ => vec![(root_at, root_entries * ENTRY as u64)],
    };
    let mut entries = Entries::new();
    entries.insert(Vec::new(), Node::implied_directory());
    // Where directories start; a chain is followed when its turn comes, because there may be many that are long.
    let mut pending: Vec<(Vec<u8>, Option<u64>)> = vec![(Vec::new(), None)];
    let mut seen = BTreeSet::new();
    while let Some((path, start)) = pending.pop() {
        let parts = start.map_or_else(|| root.clone(), |start| table.chain(start));
        let mut bytes = Vec::new();
        for (at, length) in &parts {
            bytes.extend(input.bytes(*at, *length)?);
        }
        let at = parts.first().map_or(0, |part| part.0);
        for (name, short) in names(&bytes) {
            let start = u64::from(le16(&short, 20)) << 16 | u64::from(le16(&short, 26));
            let path = input.join(&path, &name, at)?;
            // An entry takes 32 bytes of the image and several hundred of memory.
            input.charge(NODE)?;
            let directory = short[11] & 0x10 != 0;
            let read_only = short[11] & 1 != 0;
            let mut node = match directory {
                true => Node::implied_directory(),
                false => Node::new(NodeKind::File, if read_only { 0o444 } else { 0o644 }),
            };
            node.mtime = time(le16(&short, 24), le16(&short, 22));
            if directory {
                if seen.insert(start) {
                    pending.push((path.clone(), Some(start)));
                }
            } else {
                node.size = le32(&short, 28).into();
                node.place = Place::At(start);
            }
            entries.entry(path).or_insert(node);
        }
    }
    Ok(Fat {
        table,
        source,
        listing: Listing {
            format: "FAT",
            entries,
        },
    })
}

/// The entries of a directory: each name with its short entry.
fn names(bytes: &[u8]) -> Vec<(Vec<u8>, [u8; ENTRY])> {
    let mut found = Vec::new();
    let mut long: Vec<u16> = Vec::new();
    let mut sum = 0;
    for entry in bytes.as_chunks::<ENTRY>().0 {
        match (entry[0], entry[11]) {
            (0, _) => break,
            (0xe5, _) => long.clear(),
            (order, 0x0f) => {
                if order & 0x40 != 0 || entry[13] != sum {
                    long.clear();
                    sum = entry[13];
                }
                let part = [&entry[1..11], &entry[14..26], &entry[28..32]].concat();
                let units = part.as_chunks().0.iter();
                let mut units: Vec<u16> = units.map(|pair| u16::from_le_bytes(*pair)).collect();
                let end = units.iter().position(|unit| *unit == 0);
                units.truncate(end.unwrap_or(units.len()));
                units.append(&mut long);
                // A long name has at most twenty parts.
                units.truncate(20 * 13);
                long = units;
            }
            (_, attributes) if attributes & 0x08 != 0 => long.clear(),
            _ => {
                let checked = entry[..11]
                    .iter()
                    .fold(0u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
                let units = std::mem::take(&mut long);
                let name = match checked == sum && !units.is_empty() {
                    true => String::from_utf16_lossy(&units).into_bytes(),
                    false => short_name(entry),
                };
                if !matches!(name.as_slice(), b"." | b"..") {
                    found.push((name, *entry));
                }
            }
        }
    }
    found
}

fn short_name(entry: &[u8; ENTRY]) -> Vec<u8> {
    let part = |range: std::ops::Range<usize>, lower: bool| {
        let text = String::from_utf8_lossy(&entry[range]).into_owned();
        let text = text.trim_end_matches(' ');
        match lower {
            true => text.to_ascii_lowercase(),
            false => text.to_owned(),
        }
    };
    let stem = part(0..8, entry[12] & 0x08 != 0);
    match part(8..11, entry[12] & 0x10 != 0).as_str() {
        "" => stem.into_bytes(),
        extension => format!("{stem}.{extension}").into_bytes(),
    }
}

fn time(date: u16, clock: u16) -> Option<i64> {
    let date = chrono::NaiveDate::from_ymd_opt(
        1980 + i32::from(date >> 9),
        (date >> 5 & 15).into(),
        (date & 31).into(),
    )?;
    let seconds = 2 * u32::from(clock & 31);
    let time = date.and_hms_opt((clock >> 11).into(), (clock >> 5 & 63).into(), seconds)?;
    Some(time.and_utc().timestamp())
}

impl Reader for Fat {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn content(&self, path: &[u8]) -> Result<Content, ReadError> {
        let node = file(self.entries(), path)?;
        let parts = match node.place {
            Place::At(cluster) => self.table.chain(cluster),
            _ => Vec::new(),
        };
        if parts.iter().map(|part| part.1).sum::<u64>() < node.size {
            return Err(ReadError::Broken {
                format: "FAT",
                what: "a file has fewer clusters than it needs",
                at: parts.first().map_or(0, |part| part.0),
            });
        }
        let pieces = parts
            .into_iter()
            .map(|(at, length)| (length, Stored::Plain { at }));
        Ok(Content::new(Arc::clone(&self.source), node.size, pieces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_no_longer_than_the_image() {
        // 480 sectors of table for a volume of 30 MB, of which four clusters are there.
        let data = 512 + 480 * 512;
        let mut image = vec![0u8; data + 4 * 512];
        let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
        put(11, &512u16.to_le_bytes());
        put(13, &[1, 1, 0, 1]);
        put(32, &61_000u32.to_le_bytes());
        put(36, &480u32.to_le_bytes());
        put(44, &2u32.to_le_bytes());
        put(82, b"FAT32");
        put(510, &[0x55, 0xaa]);
        for (cluster, next) in [(2, 0x0fff_ffff), (3, 5), (5, 3u32)] {
            put(512 + 4 * cluster, &next.to_le_bytes());
        }
        put(data, b"F          \x20");
        put(data + 26, &3u16.to_le_bytes());
        put(data + 28, &25_000_000u32.to_le_bytes());
        assert!(is(&image).unwrap());
        let fat = open(Arc::new(image)).unwrap();
        assert_eq!(fat.entries()[b"F".as_slice()].size, 25_000_000);
        assert!(fat.content(b"F").is_err());
        assert!(fat.table.chain(3).len() < 600);
    }
}
