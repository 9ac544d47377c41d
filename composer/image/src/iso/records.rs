//! Directory records and path tables (ECMA-119, 9.1 and 9.4).
//!
//! Invariant: sizes do not depend on addresses, so the same function measures the directories
//! with addresses of zero and then writes them with the real ones.

use crate::Kind;
use crate::iso::bytes::{BLOCK, both16, both32, fill_block};
use crate::iso::susp::{self, Continuations};
use crate::iso::tree::{Files, Target, Tree};
use crate::time::Epoch;

/// Where the directories of a tree lie, in blocks; all zero while sizes are measured.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) dirs: Vec<u32>,
    /// Bytes of each directory, a multiple of the block size.
    pub(crate) dir_sizes: Vec<u32>,
    pub(crate) continuations: u32,
}

/// The encoded directories, in their order, and the continuation area.
#[derive(Debug)]
pub(crate) struct Directories {
    pub(crate) dirs: Vec<Vec<u8>>,
    pub(crate) continuations: Vec<u8>,
}

const DIRECTORY_FLAG: u8 = 2;
/// The record describes a part of a file, and the next one goes on.
const CONTINUED_FLAG: u8 = 0x80;
/// The most bytes that one record describes, in whole blocks.
pub(crate) const LARGEST_EXTENT: u64 = (1 << 32) - BLOCK as u64;

/// A directory record without system use bytes.
pub(crate) fn record(
    identifier: &[u8],
    block: u32,
    size: u32,
    directory: bool,
    epoch: &Epoch,
) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    both32(&mut bytes, block);
    both32(&mut bytes, size);
    bytes.extend(epoch.iso_record());
    bytes.extend([if directory { DIRECTORY_FLAG } else { 0 }, 0, 0]);
    both16(&mut bytes, 1);
    bytes.push(u8::try_from(identifier.len()).expect("identifiers are short"));
    bytes.extend(identifier);
    if identifier.len().is_multiple_of(2) {
        bytes.push(0);
    }
    bytes[0] = u8::try_from(bytes.len()).expect("identifiers are short");
    bytes
}

/// The most bytes of a record: its length is one byte and even.
const LONGEST_RECORD: usize = 254;

fn finish(mut bytes: Vec<u8>, entries: &[Vec<u8>], rest: &mut Continuations) -> Vec<u8> {
    let room = LONGEST_RECORD - bytes.len();
    bytes.extend(rest.place(entries, room));
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes[0] = u8::try_from(bytes.len()).expect("place() keeps to the room");
    bytes
}

/// Encodes all directories.
pub(crate) fn directories(
    tree: &Tree<'_>,
    files: &Files<'_>,
    at: &Addresses,
    epoch: &Epoch,
) -> Directories {
    let mut rest = Continuations::new(at.continuations);
    let links = |number: usize| {
        let below = tree.dirs[number]
            .records
            .iter()
            .filter(|record| matches!(record.target, Target::Dir(_)))
            .count();
        u32::try_from(below + 2).expect("fewer than 4 G directories")
    };
    let mut dirs = Vec::new();
    for (number, dir) in tree.dirs.iter().enumerate() {
        let mut bytes = Vec::new();
        let mut append = |record: Vec<u8>| {
            if bytes.len() % BLOCK + record.len() > BLOCK {
                fill_block(&mut bytes);
            }
            bytes.extend(record);
        };
        for (identifier, this) in [(0, number), (1, dir.parent)] {
            let base = record(
                &[identifier],
                at.dirs[this],
                at.dir_sizes[this],
                true,
                epoch,
            );
            let mut entries = Vec::new();
            if tree.rock_ridge {
                entries = susp::attributes(tree.dirs[this].entry, links(this), epoch);
                if number == 0 && identifier == 0 {
                    entries.insert(0, susp::sp());
                    entries.push(susp::er());
                }
            }
            append(finish(base, &entries, &mut rest));
        }
        for item in &dir.records {
            let (mut block, mut size, count) = match item.target {
                Target::Dir(below) => (at.dirs[below], at.dir_sizes[below].into(), links(below)),
                Target::File(file) => (files.0[file].block, files.0[file].size, 1),
                Target::Nothing => (0, 0, 1),
            };
            let directory = matches!(item.target, Target::Dir(_));
            let mut entries = Vec::new();
            if tree.rock_ridge {
                entries = susp::attributes(item.entry, count, epoch);
                entries.extend(susp::name(item.path.name()));
                if let Kind::Symlink { target } = &item.entry.kind {
                    entries.extend(susp::link(target));
                }
            }
            let identifier = &item.identifier;
            while size > LARGEST_EXTENT {
                let part = u32::try_from(LARGEST_EXTENT).expect("below 4 GiB");
                let mut base = record(identifier, block, part, directory, epoch);
                base[25] |= CONTINUED_FLAG;
                append(finish(base, &entries, &mut rest));
                block += part / BLOCK as u32;
                size -= LARGEST_EXTENT;
            }
            let size = u32::try_from(size).expect("at most an extent is left");
            let base = record(identifier, block, size, directory, epoch);
            append(finish(base, &entries, &mut rest));
        }
        fill_block(&mut bytes);
        dirs.push(bytes);
    }
    fill_block(&mut rest.bytes);
    Directories {
        dirs,
        continuations: rest.bytes,
    }
}

/// Encodes a path table: little-endian for the L table, big-endian for the M table.
pub(crate) fn path_table(tree: &Tree<'_>, addresses: &[u32], big_endian: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (dir, address) in tree.dirs.iter().zip(addresses) {
        let root: &[u8] = &[0];
        let identifier = if dir.identifier.is_empty() {
            root
        } else {
            &dir.identifier
        };
        let parent = u16::try_from(dir.parent + 1).expect("checked by the layout");
        bytes.push(u8::try_from(identifier.len()).expect("identifiers are short"));
        bytes.push(0);
        if big_endian {
            bytes.extend(address.to_be_bytes());
            bytes.extend(parent.to_be_bytes());
        } else {
            bytes.extend(address.to_le_bytes());
            bytes.extend(parent.to_le_bytes());
        }
        bytes.extend(identifier);
        if identifier.len() % 2 == 1 {
            bytes.push(0);
        }
    }
    bytes
}
