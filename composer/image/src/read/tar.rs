//! Reads tar: ustar, GNU and PAX, the layer of an OCI image among them.
//!
//! The `tar` crate reads fields; the walk over blocks is here, where it can be bounded. Invariant: long names and PAX
//! records are taken into memory only up to [`LONGEST_RECORD`]; later entries of a path replace earlier ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::tar::{EntryType, Header};

use super::content::Stored;
use super::input::{Input, complete};
use super::source::fill;
use super::{Content, Entries, Listing, Node, NodeKind, Place, ReadError, Reader, Source, file};

const FORMAT: &str = "tar";
const BLOCK: u64 = 512;
/// The most that a long name or a PAX header may have.
const LONGEST_RECORD: u64 = 1 << 20;

pub(crate) fn is(source: &dyn Source) -> Result<bool, ReadError> {
    let mut block = [0; BLOCK as usize];
    let count = fill(source, 0, &mut block).map_err(|source| ReadError::Io { source })?;
    Ok(count == block.len() && &block[257..262] == b"ustar" && sum_is_right(&block))
}

fn sum_is_right(block: &[u8; BLOCK as usize]) -> bool {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let computed = sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]);
    Header::from_byte_slice(block).cksum().ok() == Some(computed)
}

pub(crate) struct Tar {
    source: Arc<dyn Source>,
    listing: Listing,
}

/// What extensions say about the next entry.
#[derive(Default, Clone)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    mtime: Option<i64>,
    xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    sparse: bool,
}

pub(crate) fn open(source: Arc<dyn Source>) -> Result<Tar, ReadError> {
    let mut input = Input::new(Arc::clone(&source), FORMAT);
    let mut entries = Entries::new();
    let mut next = Extended::default();
    let mut global = Extended::default();
    let mut links = 0u64;
    let mut at = 0u64;
    loop {
        let mut block = [0; BLOCK as usize];
        let count = fill(&*source, at, &mut block).map_err(|source| ReadError::Io { source })?;
        if count == 0 || block.iter().all(|byte| *byte == 0) {
            break;
        }
        if count < block.len() || !sum_is_right(&block) {
            return Err(input.broken("a header with a wrong sum", at));
        }
        let header = Header::from_byte_slice(&block);
        let field = |_| ReadError::Broken {
            format: FORMAT,
            what: "a header field that is no number",
            at,
        };
        let kind = header.entry_type();
        let size = header.entry_size().map_err(field)?;
        let size = match next.size {
            Some(size) if !is_extension(kind) => size,
            _ => size,
        };
        let data = at + BLOCK;
        let padded = size.checked_next_multiple_of(BLOCK);
        let Some(end) = padded.and_then(|size| data.checked_add(size)) else {
            return Err(input.broken("the size of an entry", at));
        };
        if is_extension(kind) {
            if size > LONGEST_RECORD {
                return Err(input.broken("an extension that is too long", at));
            }
            let bytes = input.bytes(data, size)?;
            let text = || bytes.strip_suffix(b"\0").unwrap_or(&bytes).to_vec();
            match kind {
                EntryType::GNULongName => next.path = Some(text()),
                EntryType::GNULongLink => next.link = Some(text()),
                EntryType::XGlobalHeader => pax(&input, &bytes, at, &mut global)?,
                _ => pax(&input, &bytes, at, &mut next)?,
            }
            at = end;
            continue;
        }
        let said = std::mem::take(&mut next);
        let name = said.path.or_else(|| global.path.clone());
        let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = said
            .link
            .or_else(|| Some(header.link_name_bytes()?.into_owned()));
        let path = input.archived(&name, at)?;
        input.charge(128)?;
        let numbers = (header.device_major(), header.device_minor());
        let device = || match numbers {
            (Ok(Some(major)), Ok(Some(minor))) => (major, minor),
            _ => (0, 0),
        };
        let (major, minor) = device();
        let hard = kind == EntryType::Link;
        let kind = match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::Link if !said.sparse => {
                NodeKind::File
            }
            EntryType::Directory => NodeKind::Directory,
            EntryType::Symlink => NodeKind::Symlink {
                target: link.clone().unwrap_or_default(),
            },
            EntryType::Char => NodeKind::CharDevice { major, minor },
            EntryType::Block => NodeKind::BlockDevice { major, minor },
            EntryType::Fifo => NodeKind::Fifo,
            EntryType::GNUSparse | EntryType::Regular => {
                return Err(input.unsupported("a sparse file"));
            }
            other => {
                let number = other.as_byte();
                return Err(input.unsupported(format!("an entry of type {number:#04x}")));
            }
        };
        let mut node = Node::new(kind, header.mode().map_err(field)? & 0o7777);
        let number = |long: Option<u64>, short: std::io::Result<u64>| {
            let value = long.map_or(short.map_err(field), Ok)?;
            u32::try_from(value).map_err(|_| input.broken("the number of an owner", at))
        };
        node.uid = number(said.uid.or(global.uid), header.uid())?;
        node.gid = number(said.gid.or(global.gid), header.gid())?;
        node.mtime = match said.mtime.or(global.mtime) {
            Some(time) => Some(time),
            None => i64::try_from(header.mtime().map_err(field)?).ok(),
        };
        node.xattrs = said.xattrs;
        if hard {
            let target = input.archived(&link.unwrap_or_default(), at)?;
            // The name of a file that comes later, or of one outside, says nothing.
            let Some(first) = entries.get_mut(&target) else {
                return Err(input.broken("a hard link to a file that is not there", at));
            };
            if first.is_directory() {
                return Err(input.broken("a hard link to a directory", at));
            }
            let charge = first
                .xattrs
                .iter()
                .map(|(name, value)| name.len() + value.len());
            input.charge(charge.sum::<usize>() as u64)?;
            first.link.get_or_insert_with(|| {
                links += 1;
                links
            });
            node = first.clone();
        } else if node.kind == NodeKind::File {
            node.size = size;
            node.place = Place::At(data);
        }
        entries.insert(path, node);
        at = if hard { data } else { end };
    }
    complete(&mut entries, &mut input)?;
    Ok(Tar {
        source,
        listing: Listing {
            format: FORMAT,
            entries,
        },
    })
}

fn is_extension(kind: EntryType) -> bool {
    kind.is_gnu_longname()
        || kind.is_gnu_longlink()
        || kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
}

/// The first record, `LENGTH KEY=VALUE` and a newline, and what is behind it. By its length and not, as the `tar` crate
/// has it, by its newline: values of attributes are any bytes.
fn pax_record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let digits = bytes.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
    let (record, behind) = bytes.split_at_checked(length)?;
    let record = record.get(digits + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], behind))
}

fn pax(input: &Input, bytes: &[u8], at: u64, said: &mut Extended) -> Result<(), ReadError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((key, value, behind)) = pax_record(rest) else {
            return Err(input.broken("a PAX record", at));
        };
        rest = behind;
        let text = std::str::from_utf8(value).unwrap_or_default();
        let number = || text.parse().map_err(|_| input.broken("a PAX number", at));
        match key {
            b"path" => said.path = Some(value.to_vec()),
            b"linkpath" => said.link = Some(value.to_vec()),
            b"size" => said.size = Some(number()?),
            b"uid" => said.uid = Some(number()?),
            b"gid" => said.gid = Some(number()?),
            b"mtime" => {
                let seconds = text.split('.').next().unwrap_or_default();
                said.mtime = seconds.parse().ok();
            }
            key => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    said.xattrs.insert(name.to_vec(), value.to_vec());
                }
                said.sparse |= key.starts_with(b"GNU.sparse.");
            }
        }
    }
    Ok(())
}

impl Reader for Tar {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn content(&self, path: &[u8]) -> Result<Content, ReadError> {
        let node = file(self.entries(), path)?;
        let pieces = match node.place {
            Place::At(at) => Some((node.size, Stored::Plain { at })),
            _ => None,
        };
        Ok(Content::new(Arc::clone(&self.source), node.size, pieces))
    }
}
