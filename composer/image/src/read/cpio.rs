//! Reads newc cpio archives, several behind one another and each compressed or not, as an initramfs may be.
//!
//! Invariant: an archive is read front to back; a later entry of a path replaces an earlier one, as the kernel does it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::Stored;
use super::input::{Input, complete};
use super::source::{Window, fill};
use super::{
    Content, Entries, Listing, Node, NodeKind, Place, ReadError, Reader, Source, compressed, file,
    kind_of_mode,
};

const FORMAT: &str = "cpio";
const HEADER: u64 = 110;
/// As many archives as may lie behind one another.
const MOST_PARTS: usize = 64;
/// The longest run of zeros between two archives that is looked over.
const LONGEST_GAP: u64 = 1 << 20;

pub(crate) fn is(source: &dyn Source) -> Result<bool, ReadError> {
    let mut magic = [0; 6];
    let count = fill(source, 0, &mut magic).map_err(|source| ReadError::Io { source })?;
    Ok(count == 6 && matches!(&magic, b"070701" | b"070702"))
}

pub(crate) struct Cpio {
    parts: Vec<Arc<dyn Source>>,
    listing: Listing,
}

pub(crate) fn open(source: Arc<dyn Source>) -> Result<Cpio, ReadError> {
    let mut parts = vec![source];
    let mut entries = Entries::new();
    while let Some(source) = parts.last() {
        let source = Arc::clone(source);
        let mut input = Input::new(Arc::clone(&source), FORMAT);
        let end = list(&mut input, parts.len() - 1, &mut entries)?;
        complete(&mut entries, &mut input)?;
        match next(&input, end)? {
            Some(_) if parts.len() == MOST_PARTS => {
                return Err(input.unsupported(format!("more than {MOST_PARTS} archives in one")));
            }
            Some(part) => parts.push(part),
            None => break,
        }
    }
    Ok(Cpio {
        parts,
        listing: Listing {
            format: FORMAT,
            entries,
        },
    })
}

/// Names of files with several, their size and place, by device and inode; the content stands with one of them.
type Links = BTreeMap<[u32; 3], (Vec<Vec<u8>>, u64, Place)>;

/// The archive behind `end`, if there is one.
fn next(input: &Input, end: u64) -> Result<Option<Arc<dyn Source>>, ReadError> {
    let mut at = end;
    while at < end + LONGEST_GAP {
        let mut buffer = [0; 512];
        let count = fill(&*input.source, at, &mut buffer);
        let count = count.map_err(|source| ReadError::Io { source })?;
        if count == 0 {
            break;
        }
        if let Some(skip) = buffer[..count].iter().position(|byte| *byte != 0) {
            let at = at + skip as u64;
            let left = input.source.size().map_or(u64::MAX - at, |size| size - at);
            let rest: Arc<dyn Source> = Arc::new(Window {
                inner: Arc::clone(&input.source),
                at,
                size: left,
            });
            if let Some(packing) = compressed::detect(&*rest)? {
                let unpacked = compressed::open(rest, packing);
                return Ok(is(&*unpacked)?.then_some(unpacked));
            }
            return Ok(is(&*rest)?.then_some(rest));
        }
        at += count as u64;
    }
    Ok(None)
}

/// Lists one archive and returns where it ends.
fn list(input: &mut Input, part: usize, entries: &mut Entries) -> Result<u64, ReadError> {
    let mut links = Links::new();
    let mut at = 0u64;
    loop {
        let header: [u8; HEADER as usize] = input.array(at)?;
        if !matches!(&header[..6], b"070701" | b"070702") {
            return Err(input.broken("a header without its magic number", at));
        }
        let mut fields = [0u32; 13];
        for (index, field) in fields.iter_mut().enumerate() {
            let digits = std::str::from_utf8(&header[6 + 8 * index..14 + 8 * index]).ok();
            let digits = digits.filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
            *field = digits
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .ok_or_else(|| input.broken("a header field that is no number", at))?;
        }
        let [
            ino,
            mode,
            uid,
            gid,
            names,
            time,
            size,
            dev_major,
            dev_minor,
            major,
            minor,
            length,
            _,
        ] = fields;
        if length == 0 || length > 64 * 1024 {
            return Err(input.broken("the length of a name", at));
        }
        let name = input.bytes(at + HEADER, length.into())?;
        let name = name.strip_suffix(b"\0").unwrap_or(&name);
        let data = (at + HEADER + u64::from(length)).next_multiple_of(4);
        let end = (data + u64::from(size)).next_multiple_of(4);
        if name == b"TRAILER!!!" {
            share(links, entries);
            return Ok(data);
        }
        let path = input.archived(name, at)?;
        let Some(kind) = kind_of_mode(mode, (major, minor)) else {
            return Err(input.broken("the type of an entry", at));
        };
        let mut node = Node::new(kind, mode & 0o7777);
        (node.uid, node.gid, node.mtime) = (uid, gid, Some(time.into()));
        input.charge(128)?;
        let number = (part as u64) << 32 | u64::from(ino);
        node.link = (names > 1 && !node.is_directory()).then_some(number);
        match &mut node.kind {
            NodeKind::Symlink { target } => {
                if size > 64 * 1024 {
                    return Err(input.broken("the length of a link", at));
                }
                *target = input.bytes(data, size.into())?;
            }
            NodeKind::File => {
                node.size = size.into();
                node.place = Place::Inside(part, data);
                if names > 1 {
                    let key = [dev_major, dev_minor, ino];
                    let group = links.entry(key).or_insert((Vec::new(), 0, Place::Nothing));
                    group.0.push(path.clone());
                    if size > 0 {
                        (group.1, group.2) = (node.size, node.place.clone());
                    }
                }
            }
            _ => {}
        }
        entries.insert(path, node);
        at = end;
        if input.source.size().is_some_and(|size| at >= size) {
            return Err(input.broken("it ends without a trailer", at));
        }
    }
}

/// Gives every name of a file the content that stands with one of them.
fn share(links: Links, entries: &mut Entries) {
    for (paths, size, place) in links.into_values() {
        for path in paths {
            if let Some(node) = entries
                .get_mut(&path)
                .filter(|node| node.kind == NodeKind::File && node.link.is_some())
            {
                (node.size, node.place) = (size, place.clone());
            }
        }
    }
}

impl Reader for Cpio {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn content(&self, path: &[u8]) -> Result<Content, ReadError> {
        let node = file(self.entries(), path)?;
        let Place::Inside(part, at) = node.place else {
            return Ok(Content::new(Arc::clone(&self.parts[0]), 0, []));
        };
        let stored = Stored::Plain { at };
        Ok(Content::new(
            Arc::clone(&self.parts[part]),
            node.size,
            [(node.size, stored)],
        ))
    }
}
