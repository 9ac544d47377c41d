//! Rock Ridge: the system use entries with real names, modes, owners, links and devices.
//!
//! Records ask for the entries of one name; what does not fit beside the record goes to the
//! continuation area. Invariant: no continuation crosses a block, because Linux refuses one that
//! does, and the area's size does not depend on where it will lie.

use crate::iso::bytes::{BLOCK, both32};
use crate::time::Epoch;
use crate::{Entry, Kind};

/// Bytes of a `CE` entry, which points to a continuation.
pub(crate) const CE: usize = 28;
/// The most bytes of the payload of one `NM` or `SL` entry.
const PAYLOAD: usize = 250;

fn entry(signature: &[u8; 2], payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len() + 4).expect("an entry has at most 255 bytes");
    let mut bytes = vec![signature[0], signature[1], length, 1];
    bytes.extend(payload);
    bytes
}

/// `SP`: says that system use entries are present; first in the root's own record.
pub(crate) fn sp() -> Vec<u8> {
    entry(b"SP", &[0xbe, 0xef, 0])
}

/// `ER`: says that they are those of Rock Ridge.
pub(crate) fn er() -> Vec<u8> {
    let mut payload = vec![10, 0, 0, 1];
    payload.extend(b"RRIP_1991A");
    entry(b"ER", &payload)
}

/// `PX` and `TF`, and `PN` for devices: what `stat` shows.
pub(crate) fn attributes(of: &Entry, links: u32, epoch: &Epoch) -> Vec<Vec<u8>> {
    let mut px = Vec::new();
    for value in [of.st_mode(), links, of.uid, of.gid] {
        both32(&mut px, value);
    }
    let mut tf = vec![0b1110];
    for _ in ["modified", "accessed", "attributes"] {
        tf.extend(epoch.iso_record());
    }
    let mut entries = vec![entry(b"PX", &px), entry(b"TF", &tf)];
    if let Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } = of.kind {
        // Small numbers go in the low word, as other writers have it; Linux takes both forms,
        // and only the split one holds the large numbers.
        let (high, low) = if major < 1 << 12 && minor < 1 << 8 {
            (0, major << 8 | minor)
        } else {
            (major, minor)
        };
        let mut pn = Vec::new();
        both32(&mut pn, high);
        both32(&mut pn, low);
        entries.push(entry(b"PN", &pn));
    }
    entries
}

/// `NM`: the real name, in as many entries as it needs.
pub(crate) fn name(name: &[u8]) -> Vec<Vec<u8>> {
    let chunks: Vec<&[u8]> = name.chunks(PAYLOAD).collect();
    let last = chunks.len() - 1;
    chunks
        .iter()
        .enumerate()
        .map(|(index, chunk)| {
            let mut payload = vec![u8::from(index < last)];
            payload.extend(*chunk);
            entry(b"NM", &payload)
        })
        .collect()
}

/// `SL`: the target of a symbolic link, component by component.
pub(crate) fn link(target: &[u8]) -> Vec<Vec<u8>> {
    const CONTINUED: u8 = 1;
    const CURRENT: u8 = 2;
    const PARENT: u8 = 4;
    const ROOT: u8 = 8;
    let mut payloads: Vec<Vec<u8>> = vec![Vec::new()];
    let mut push = |flag: u8, text: &[u8]| {
        let last = payloads.last_mut().expect("starts with one");
        if last.len() + 2 + text.len() > PAYLOAD {
            payloads.push(Vec::new());
        }
        let last = payloads.last_mut().expect("starts with one");
        last.extend([flag, u8::try_from(text.len()).expect("chunks are short")]);
        last.extend(text);
    };
    let rest = match target.strip_prefix(b"/") {
        Some(rest) => {
            push(ROOT, b"");
            rest
        }
        None => target,
    };
    if !rest.is_empty() {
        for component in rest.split(|byte| *byte == b'/') {
            match component {
                b"." => push(CURRENT, b""),
                b".." => push(PARENT, b""),
                b"" => push(0, b""),
                _ => {
                    let chunks: Vec<&[u8]> = component.chunks(PAYLOAD - 2).collect();
                    let last = chunks.len() - 1;
                    for (index, chunk) in chunks.iter().enumerate() {
                        push(if index < last { CONTINUED } else { 0 }, chunk);
                    }
                }
            }
        }
    }
    let last = payloads.len() - 1;
    payloads
        .into_iter()
        .enumerate()
        .map(|(index, components)| {
            let mut payload = vec![u8::from(index < last)];
            payload.extend(components);
            entry(b"SL", &payload)
        })
        .collect()
}

/// The area with the entries that do not fit beside their records.
#[derive(Debug)]
pub(crate) struct Continuations {
    /// The block where the area will lie.
    block: u32,
    pub(crate) bytes: Vec<u8>,
}

impl Continuations {
    pub(crate) fn new(block: u32) -> Self {
        Continuations {
            block,
            bytes: Vec::new(),
        }
    }

    /// The system use bytes of a record with `room` left: all entries, or as many as fit and a
    /// pointer to the rest, which goes into the area.
    pub(crate) fn place(&mut self, entries: &[Vec<u8>], room: usize) -> Vec<u8> {
        let total: usize = entries.iter().map(Vec::len).sum();
        if total <= room {
            return entries.concat();
        }
        let mut fit = 0;
        let mut used = CE;
        while used + entries[fit].len() <= room {
            used += entries[fit].len();
            fit += 1;
        }
        let mut inline = entries[..fit].concat();
        inline.extend(self.continue_with(&entries[fit..]));
        inline
    }

    /// Stores entries and returns the `CE` entry that points to them.
    fn continue_with(&mut self, entries: &[Vec<u8>]) -> Vec<u8> {
        let left = BLOCK - self.bytes.len() % BLOCK;
        let total: usize = entries.iter().map(Vec::len).sum();
        if total.min(BLOCK) > left {
            self.bytes
                .resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        }
        let start = self.bytes.len();
        let length = if total <= BLOCK {
            self.bytes.extend(entries.concat());
            total
        } else {
            // The chain's next link lies behind this one, so reserve this block first.
            self.bytes.resize(start + BLOCK, 0);
            let mut unplaced = Continuations {
                block: self.block,
                bytes: std::mem::take(&mut self.bytes),
            };
            let first = unplaced.place(entries, BLOCK);
            self.bytes = unplaced.bytes;
            self.bytes[start..start + first.len()].copy_from_slice(&first);
            first.len()
        };
        let number = |value: usize| u32::try_from(value).expect("the area is below 4 GiB");
        let mut ce = Vec::new();
        both32(&mut ce, self.block + number(start / BLOCK));
        both32(&mut ce, number(start % BLOCK));
        both32(&mut ce, number(length));
        entry(b"CE", &ce)
    }
}
