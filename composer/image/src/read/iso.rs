//! Reads ISO 9660: Rock Ridge where it is there, else Joliet, else the plain names.
//!
//! Invariant: a directory is listed once, so loops end; a file's parts are what its records say, which the content
//! checks as it is read.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bytes::le32;
use super::content::Stored;
use super::input::Input;
use super::source::fill;
use super::{
    Content, Entries, Listing, Node, NodeKind, Place, ReadError, Reader, Source, file, kind_of_mode,
};

const BLOCK: u64 = 2048;

pub(crate) fn is(source: &dyn Source) -> Result<bool, ReadError> {
    let mut magic = [0; 5];
    let count =
        fill(source, 16 * BLOCK + 1, &mut magic).map_err(|source| ReadError::Io { source })?;
    Ok(count == 5 && &magic == b"CD001")
}

pub(crate) struct Iso {
    source: Arc<dyn Source>,
    listing: Listing,
}

/// A directory that is still to be listed.
struct Pending {
    path: Vec<u8>,
    block: u32,
    size: u32,
}

/// How names are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    RockRidge { skip: usize },
    Joliet,
    Plain,
}

pub(crate) fn open(source: Arc<dyn Source>) -> Result<Iso, ReadError> {
    let mut input = Input::new(Arc::clone(&source), "ISO 9660");
    let (mut primary, mut joliet) = (None, None);
    for number in 16..80 {
        let descriptor: [u8; 190] = input.array(number * BLOCK)?;
        if &descriptor[1..6] != b"CD001" {
            break;
        }
        let root = (le32(&descriptor, 158), le32(&descriptor, 166));
        match descriptor[0] {
            1 => primary = primary.or(Some(root)),
            2 if matches!(&descriptor[88..91], b"%/@" | b"%/C" | b"%/E") => joliet = Some(root),
            255 => break,
            _ => {}
        }
    }
    let Some((block, size)) = primary else {
        return Err(input.broken("there is no primary volume", 16 * BLOCK));
    };
    let mut names = rock_ridge(&input, block)?;
    let (mut block, mut size) = (block, size);
    if let (Names::Plain, Some(root)) = (names, joliet) {
        names = Names::Joliet;
        (block, size) = root;
    }
    let mut entries = Entries::new();
    entries.insert(Vec::new(), Node::implied_directory());
    let mut seen = BTreeSet::new();
    let mut pending = vec![Pending {
        path: Vec::new(),
        block,
        size,
    }];
    while let Some(directory) = pending.pop() {
        if seen.insert(directory.block) {
            list(&mut input, names, &directory, &mut entries, &mut pending)?;
        }
    }
    Ok(Iso {
        source,
        listing: Listing {
            format: "ISO 9660",
            entries,
        },
    })
}

/// Whether the first record of the root says that there is Rock Ridge.
fn rock_ridge(input: &Input, root: u32) -> Result<Names, ReadError> {
    let record: [u8; 41] = input.array(u64::from(root) * BLOCK)?;
    let marked = record[0] >= 41 && &record[34..36] == b"SP" && record[38..40] == [0xbe, 0xef];
    Ok(match marked {
        true => Names::RockRidge {
            skip: usize::from(record[40]),
        },
        false => Names::Plain,
    })
}

fn list(
    input: &mut Input,
    names: Names,
    directory: &Pending,
    entries: &mut Entries,
    pending: &mut Vec<Pending>,
) -> Result<(), ReadError> {
    let start = u64::from(directory.block) * BLOCK;
    let bytes = input.bytes(start, directory.size.into())?;
    let mut parts: Vec<(u64, u64)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = usize::from(bytes[at]);
        if length == 0 {
            at = (at + 1).next_multiple_of(BLOCK as usize);
            continue;
        }
        let here = start + at as u64;
        let record = bytes
            .get(at..at + length)
            .filter(|record| record.len() > 33 && 33 + usize::from(record[32]) <= record.len());
        let Some(record) = record else {
            return Err(input.broken("a directory record", here));
        };
        at += length;
        let identifier = &record[33..33 + usize::from(record[32])];
        let own = identifier == [0];
        if identifier == [1] {
            continue;
        }
        let extended = u64::from(record[1]);
        let part = (
            (u64::from(le32(record, 2)) + extended) * BLOCK,
            u64::from(le32(record, 10)),
        );
        if record[25] & 0x80 != 0 && !own {
            input.charge(16)?;
            parts.push(part);
            continue;
        }
        let use_start = (33 + identifier.len())
            .next_multiple_of(2)
            .min(record.len());
        let said = match names {
            Names::RockRidge { skip } => {
                let skip = if own && directory.path.is_empty() {
                    0
                } else {
                    skip
                };
                let area = &record[use_start..];
                system_use(input, area.get(skip..).unwrap_or_default(), here)?
            }
            _ => Said::default(),
        };
        if own {
            if let (true, Some(root)) = (directory.path.is_empty(), entries.get_mut(&Vec::new())) {
                apply(root, &said);
                root.mtime = time(&record[18..25]);
            }
            continue;
        }
        if said.moved {
            continue;
        }
        let name = match names {
            Names::Joliet => joliet_name(identifier),
            _ if said.name.is_empty() => plain_name(identifier),
            _ => said.name.clone(),
        };
        let path = input.join(&directory.path, &name, here)?;
        let is_directory = record[25] & 2 != 0 || said.child.is_some();
        let kind = match said.mode.and_then(|mode| kind_of_mode(mode, said.device)) {
            _ if is_directory => NodeKind::Directory,
            Some(NodeKind::Symlink { .. }) => NodeKind::Symlink {
                target: said.target.clone(),
            },
            Some(NodeKind::Directory) | None => NodeKind::File,
            Some(kind) => kind,
        };
        let mut node = Node::new(kind, if is_directory { 0o555 } else { 0o444 });
        apply(&mut node, &said);
        node.mtime = time(&record[18..25]);
        parts.push(part);
        let parts = std::mem::take(&mut parts);
        match node.kind {
            NodeKind::Directory => {
                let (block, size) = match said.child {
                    Some(block) => (
                        block,
                        le32(&input.array::<14>(u64::from(block) * BLOCK)?, 10),
                    ),
                    None => (le32(record, 2), le32(record, 10)),
                };
                pending.push(Pending {
                    path: path.clone(),
                    block,
                    size,
                });
            }
            NodeKind::File => {
                node.size = parts.iter().map(|(_, length)| length).sum();
                node.link = said.link.filter(|_| said.names > 1);
                node.place = Place::Parts(parts);
            }
            _ => {}
        }
        entries.entry(path).or_insert(node);
    }
    Ok(())
}

/// What Rock Ridge says about a record.
#[derive(Default)]
struct Said {
    mode: Option<u32>,
    uid: u32,
    gid: u32,
    names: u32,
    link: Option<u64>,
    device: (u32, u32),
    name: Vec<u8>,
    target: Vec<u8>,
    /// The block of a directory that was moved up.
    child: Option<u32>,
    /// A directory that is listed where it came from.
    moved: bool,
}

fn apply(node: &mut Node, said: &Said) {
    if let Some(mode) = said.mode {
        node.mode = mode & 0o7777;
        (node.uid, node.gid) = (said.uid, said.gid);
    }
}

/// As many continuations as one record has.
const MOST_AREAS: usize = 64;

fn system_use(input: &mut Input, area: &[u8], at: u64) -> Result<Said, ReadError> {
    let mut said = Said::default();
    let mut area = area.to_vec();
    let mut fresh = true;
    for _ in 0..MOST_AREAS {
        let mut next = None;
        let mut rest = area.as_slice();
        while let [a, b, length, _, ..] = rest {
            let length = usize::from(*length);
            if *a == 0 || length < 4 || length > rest.len() {
                break;
            }
            let (entry, behind) = rest.split_at(length);
            rest = behind;
            match &[*a, *b] {
                b"PX" if length >= 36 => {
                    said.mode = Some(le32(entry, 4));
                    said.names = le32(entry, 12);
                    (said.uid, said.gid) = (le32(entry, 20), le32(entry, 28));
                    said.link = (length >= 44).then(|| le32(entry, 36).into());
                }
                b"PN" if length >= 20 => {
                    let (high, low) = (le32(entry, 4), le32(entry, 12));
                    // The way Linux reads it.
                    said.device = match high {
                        0 if low > 255 => (low >> 8, low & 255),
                        _ => (high, low),
                    };
                }
                b"NM" if length >= 5 && entry[4] & 6 == 0 => said.name.extend(&entry[5..]),
                b"SL" if length >= 5 => link(&mut said.target, &entry[5..], &mut fresh),
                b"CL" if length >= 12 => said.child = Some(le32(entry, 4)),
                b"RE" => said.moved = true,
                b"CE" if length >= 28 => {
                    next = Some((le32(entry, 4), le32(entry, 12), le32(entry, 20)));
                }
                b"ST" => break,
                _ => {}
            }
        }
        let Some((block, offset, size)) = next else {
            return Ok(said);
        };
        area = input.bytes(u64::from(block) * BLOCK + u64::from(offset), size.into())?;
    }
    Err(input.broken("continuations without an end", at))
}

/// Appends the components of a part of a link's target.
fn link(target: &mut Vec<u8>, mut components: &[u8], fresh: &mut bool) {
    while let [flags, size, rest @ ..] = components {
        let (text, behind) = rest.split_at(usize::from(*size).min(rest.len()));
        if !*fresh {
            target.push(b'/');
        }
        match flags & !1 {
            2 => target.push(b'.'),
            4 => target.extend(b".."),
            8 => target.push(b'/'),
            _ => target.extend(text),
        }
        *fresh = flags & 1 != 0 || *flags == 8;
        components = behind;
    }
}

/// A name without its version.
fn plain_name(identifier: &[u8]) -> Vec<u8> {
    let end = identifier.iter().position(|byte| *byte == b';');
    let name = &identifier[..end.unwrap_or(identifier.len())];
    name.strip_suffix(b".").unwrap_or(name).to_vec()
}

fn joliet_name(identifier: &[u8]) -> Vec<u8> {
    let units = identifier.as_chunks::<2>().0.iter();
    let units: Vec<u16> = units.map(|pair| u16::from_be_bytes(*pair)).collect();
    let name = String::from_utf16_lossy(&units);
    name.trim_end_matches(";1").as_bytes().to_vec()
}

/// Seconds since 1970 of a record's seven bytes.
fn time(bytes: &[u8]) -> Option<i64> {
    let date = chrono::NaiveDate::from_ymd_opt(
        1900 + i32::from(bytes[0]),
        bytes[1].into(),
        bytes[2].into(),
    )?;
    let time = date.and_hms_opt(bytes[3].into(), bytes[4].into(), bytes[5].into())?;
    let zone = i64::from(bytes[6] as i8) * 15 * 60;
    Some(time.and_utc().timestamp() - zone)
}

impl Reader for Iso {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn content(&self, path: &[u8]) -> Result<Content, ReadError> {
        let node = file(self.entries(), path)?;
        let parts = match &node.place {
            Place::Parts(parts) => parts.as_slice(),
            _ => &[],
        };
        let pieces = parts
            .iter()
            .map(|(at, length)| (*length, Stored::Plain { at: *at }));
        Ok(Content::new(Arc::clone(&self.source), node.size, pieces))
    }
}
