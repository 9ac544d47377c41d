//! The section header of the note, for tools: loaders don't look at it.
//!
//! `layout` calls `add` last. Invariant: existing sections keep their index, so nothing that refers to
//! one changes; a file without section headers gets none.

use object::elf;

use super::layout::{Draft, put};
use crate::elf::Elf;

const HEADER: u64 = 64;

pub(super) struct NewSection {
    pub(super) name: &'static str,
    pub(super) offset: u64,
    pub(super) address: u64,
    pub(super) size: u64,
}

/// Whether the file goes on behind everything that its headers describe, as self-extracting programs do:
/// they find that by its distance from the end.
pub(super) fn trailing_data(elf: &Elf<'_>) -> bool {
    let sections = elf.sections.iter().filter(|s| s.in_file());
    let ends = sections
        .map(|s| s.offset.saturating_add(s.size))
        .chain(elf.segments.iter().map(|s| s.file_end()))
        .chain([headers_end(elf)]);
    let end = ends.max().unwrap_or(0);
    let end = end.checked_next_multiple_of(16);
    end.is_some_and(|end| elf.bytes.len() as u64 > end)
}

fn headers_end(elf: &Elf<'_>) -> u64 {
    elf.section_headers_at
        .saturating_add(HEADER * elf.sections.len() as u64)
}

/// Adds the header, and lets those of moved sections follow.
pub(super) fn add(elf: &Elf<'_>, draft: &mut Draft, section: &NewSection) {
    let count = elf.sections.len();
    let room_in_number = count + 1 < usize::from(elf::SHN_LORESERVE);
    let Some(names) = elf.sections.get(elf.names_index) else {
        return;
    };
    if count == 0 || !room_in_number || trailing_data(elf) || names.kind != elf::SHT_STRTAB {
        move_headers(draft, elf.section_headers_at as usize);
        return;
    }
    let mut table = elf
        .range(elf.section_headers_at, HEADER * count as u64)
        .to_vec();
    let mut strings = elf.range(names.offset, names.size).to_vec();
    let name = strings.len() as u32;
    strings.extend_from_slice(section.name.as_bytes());
    strings.push(0);
    // Names and headers are the last things in most files; then the new ones take their place.
    let last = elf.sections.iter().enumerate().all(|(i, s)| {
        i == elf.names_index || !s.in_file() || s.offset.saturating_add(s.size) <= names.offset
    }) && elf.segments.iter().all(|s| s.file_end() <= names.offset)
        && names.offset.saturating_add(names.size) <= elf.section_headers_at
        && headers_end(elf).saturating_add(15) >= elf.bytes.len() as u64;
    let grown = draft.bytes.len() > elf.bytes.len();
    if last && !grown {
        draft.bytes.truncate(names.offset as usize);
    }
    let strings_at = draft.bytes.len() as u64;
    put(draft, strings_at, &strings);
    let headers_at = (draft.bytes.len() as u64).next_multiple_of(8);
    let header = elf.names_index * HEADER as usize;
    table[header + 24..header + 32].copy_from_slice(&strings_at.to_le_bytes());
    table[header + 32..header + 40].copy_from_slice(&(strings.len() as u64).to_le_bytes());
    table.extend_from_slice(&encode(section, name));
    put(draft, headers_at, &table);
    draft.bytes[40..48].copy_from_slice(&headers_at.to_le_bytes());
    draft.bytes[60..62].copy_from_slice(&(count as u16 + 1).to_le_bytes());
    move_headers(draft, headers_at as usize);
}

fn move_headers(draft: &mut Draft, table: usize) {
    for (index, offset, address) in std::mem::take(&mut draft.moved) {
        let header = table + index * HEADER as usize;
        draft.bytes[header + 16..header + 24].copy_from_slice(&address.to_le_bytes());
        draft.bytes[header + 24..header + 32].copy_from_slice(&offset.to_le_bytes());
    }
}

fn encode(section: &NewSection, name: u32) -> [u8; HEADER as usize] {
    let mut bytes = [0; HEADER as usize];
    bytes[0..4].copy_from_slice(&name.to_le_bytes());
    bytes[4..8].copy_from_slice(&elf::SHT_NOTE.to_le_bytes());
    let numbers = [
        (8, u64::from(elf::SHF_ALLOC)),
        (16, section.address),
        (24, section.offset),
        (32, section.size),
        (48, 4),
    ];
    for (at, number) in numbers {
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    bytes
}
