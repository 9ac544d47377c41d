//! Where the note goes, and which program header says so.
//!
//! Three ways, the gentlest first:
//! 1. the note in the unused bytes behind a read-only segment, in a page that is mapped anyway, and a
//!    header that is spare, or gained by describing two neighbouring note segments by one header;
//! 2. the same bytes, with a copy of the one note segment there is before the note: its header and its
//!    sections then lead to the copy, the old bytes stay;
//! 3. a new page behind the last segment with the note and a longer table of program headers.
//!
//! Invariant: no byte of a segment changes but program headers; no segment moves.

use object::elf;

use super::RewriteError;
use super::sections::{self, NewSection};
use crate::elf::{Elf, Segment};
use crate::notes::{self, walk};

const HEADER: usize = 56;
const PAGE: u64 = 4096;

/// The file being made.
pub(super) struct Draft {
    pub(super) bytes: Vec<u8>,
    /// Sections that move: index, new offset, new address.
    pub(super) moved: Vec<(usize, u64, u64)>,
}

pub(super) fn rewrite(elf: &Elf<'_>, note: &[u8]) -> Result<Vec<u8>, RewriteError> {
    let mut draft = Draft {
        bytes: elf.bytes.to_vec(),
        moved: Vec::new(),
    };
    let at = in_slack(elf, note, &mut draft)
        .or_else(|| with_copy(elf, note, &mut draft))
        .map_or_else(|| in_new_page(elf, note, &mut draft), Ok)?;
    let section = NewSection {
        name: notes::SECTION,
        offset: at.offset,
        address: at.address,
        size: note.len() as u64,
    };
    sections::add(elf, &mut draft, &section);
    Ok(draft.bytes)
}

/// Where something is in the file and in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spot {
    offset: u64,
    address: u64,
}

impl Spot {
    fn after(self, size: u64) -> Spot {
        Spot {
            offset: self.offset + size,
            address: self.address + size,
        }
    }
}

/// Way 1.
fn in_slack(elf: &Elf<'_>, note: &[u8], draft: &mut Draft) -> Option<Spot> {
    let slot = match elf.segments.iter().position(|s| s.kind == elf::PT_NULL) {
        Some(spare) => (spare, None),
        None => {
            let (first, second) = neighbours(elf)?;
            (second, Some(first))
        }
    };
    let (load, spot) = room(elf, note.len() as u64)?;
    if let (second, Some(first)) = slot {
        let size = elf.segments[first].file_size + elf.segments[second].file_size;
        let joined = Segment {
            file_size: size,
            memory_size: size,
            align: 4,
            ..elf.segments[first]
        };
        write_header(elf, draft, first, &joined);
    }
    write_header(elf, draft, slot.0, &note_segment(spot, note.len() as u64));
    extend(elf, draft, load, spot.offset + note.len() as u64);
    put(draft, spot.offset, note);
    Some(spot)
}

/// Two note segments that one header can describe: side by side, and read the same by words of four
/// bytes as they are by their own alignment.
fn neighbours(elf: &Elf<'_>) -> Option<(usize, usize)> {
    let found = |kind: u32| {
        let of_kind = move |(_, s): &(usize, &Segment)| s.kind == kind;
        elf.segments.iter().enumerate().filter(of_kind)
    };
    // Loaders look for the property by its own header; where that is missing they would miss it.
    let property = elf.of_kind(elf::PT_GNU_PROPERTY).next().is_some();
    for (i, first) in found(elf::PT_NOTE) {
        for (j, second) in found(elf::PT_NOTE) {
            let side_by_side = first.file_end() == second.offset
                && first.memory_end() == second.address
                && first.file_size == first.memory_size
                && second.file_size == second.memory_size;
            let size = first.file_size.saturating_add(second.file_size);
            if i == j || !side_by_side || size > notes::SEGMENT_MAX as u64 {
                continue;
            }
            let apart: Vec<_> = [first, second]
                .into_iter()
                .flat_map(|s| walk(elf.range(s.offset, s.file_size), s.align))
                .map(|n| (n.name, n.kind, n.description))
                .collect();
            let joined: Vec<_> = walk(elf.range(first.offset, size), 4)
                .map(|n| (n.name, n.kind, n.description))
                .collect();
            let has_property = apart
                .iter()
                .any(|(_, kind, _)| *kind == elf::NT_GNU_PROPERTY_TYPE_0);
            if apart == joined && !apart.is_empty() && (property || !has_property) {
                return Some((i, j));
            }
        }
    }
    None
}

/// Way 2.
fn with_copy(elf: &Elf<'_>, note: &[u8], draft: &mut Draft) -> Option<Spot> {
    let (index, old) = elf
        .segments
        .iter()
        .enumerate()
        .filter(|(_, s)| s.kind == elf::PT_NOTE && s.align != 8)
        .min_by_key(|(_, s)| s.file_size)?;
    let content = elf.range(old.offset, old.file_size);
    let padded = content.len().next_multiple_of(4);
    if old.file_size != content.len() as u64
        || old.file_size != old.memory_size
        || padded + note.len() > notes::SEGMENT_MAX
        || content.is_empty()
    {
        return None;
    }
    // A walk that ends early would not come to the new note.
    let mut copy = content.to_vec();
    copy.resize(padded, 0);
    copy.extend_from_slice(note);
    let last = walk(&copy, old.align).last()?;
    if last.name != notes::NAME {
        return None;
    }
    let (load, spot) = room(elf, copy.len() as u64)?;
    for (section, header) in elf.sections.iter().enumerate() {
        let inside = header.in_file()
            && header.is_loaded()
            && header.size > 0
            && header.offset >= old.offset
            && header.offset < old.file_end();
        if inside {
            let new = spot.after(header.offset - old.offset);
            draft.moved.push((section, new.offset, new.address));
        }
    }
    let moved = Segment {
        align: 4,
        ..note_segment(spot, copy.len() as u64)
    };
    write_header(elf, draft, index, &moved);
    extend(elf, draft, load, spot.offset + copy.len() as u64);
    put(draft, spot.offset, &copy);
    Some(spot.after(padded as u64))
}

/// Way 3.
fn in_new_page(elf: &Elf<'_>, note: &[u8], draft: &mut Draft) -> Result<Spot, RewriteError> {
    let refuse = |problem: &str| RewriteError::Layout {
        problem: problem.to_owned(),
    };
    if sections::trailing_data(elf) {
        return Err(refuse(
            "something that no header describes is behind its end",
        ));
    }
    let loads = || elf.of_kind(elf::PT_LOAD);
    let align = loads().map(|s| s.align).max().unwrap_or(0);
    let align = align.clamp(PAGE, 1 << 21);
    let end = loads().map(Segment::memory_end).max();
    let last = elf.segments.iter().rposition(|s| s.kind == elf::PT_LOAD);
    let (Some(end), Some(last), true) = (end, last, align.is_power_of_two()) else {
        return Err(refuse("it has no segments that are loaded"));
    };
    let headers = elf.segments.len() + 2;
    let table = HEADER * headers;
    let count = u16::try_from(headers)
        .ok()
        .filter(|_| table <= 1 << 16)
        .ok_or_else(|| refuse("its table of program headers is full"))?;
    let page = Spot {
        offset: (elf.bytes.len() as u64).next_multiple_of(align),
        address: end
            .checked_next_multiple_of(align)
            .filter(|address| *address < 1 << 46)
            .ok_or_else(|| refuse("its addresses end too high"))?,
    };
    let spot = page.after(table as u64);
    let size = table as u64 + note.len() as u64;
    let mut segments = elf.segments.clone();
    for segment in segments.iter_mut().filter(|s| s.kind == elf::PT_PHDR) {
        segment.offset = page.offset;
        segment.address = page.address;
        segment.file_size = table as u64;
        segment.memory_size = table as u64;
    }
    let load = Segment {
        kind: elf::PT_LOAD,
        align,
        ..note_segment(page, size)
    };
    segments.insert(last + 1, load);
    segments.push(note_segment(spot, note.len() as u64));
    let mut content = Vec::with_capacity(size as usize);
    for segment in &segments {
        content.extend_from_slice(&encode(segment));
    }
    content.extend_from_slice(note);
    put(draft, page.offset, &content);
    draft.bytes[32..40].copy_from_slice(&page.offset.to_le_bytes());
    draft.bytes[56..58].copy_from_slice(&count.to_le_bytes());
    Ok(spot)
}

fn note_segment(spot: Spot, size: u64) -> Segment {
    Segment {
        kind: elf::PT_NOTE,
        flags: elf::PF_R,
        offset: spot.offset,
        address: spot.address,
        file_size: size,
        memory_size: size,
        align: 4,
    }
}

/// Unused bytes behind a read-only segment, in file and memory: zero, described by no header, and in
/// front of the page where the next segment begins.
fn room(elf: &Elf<'_>, size: u64) -> Option<(usize, Spot)> {
    let mut loads: Vec<usize> = (0..elf.segments.len())
        .filter(|i| {
            let s = &elf.segments[*i];
            s.kind == elf::PT_LOAD
                && s.flags & elf::PF_W == 0
                && s.flags & elf::PF_R != 0
                && s.file_size == s.memory_size
                && s.file_size > 0
                && s.offset % PAGE == s.address % PAGE
        })
        .collect();
    loads.sort_by_key(|i| elf.segments[*i].flags & elf::PF_X);
    let table = |at: u64, size: usize| (at, at.saturating_add(size as u64));
    let tables = [
        table(elf.program_headers_at, HEADER * elf.segments.len()),
        table(elf.section_headers_at, 64 * elf.sections.len().max(1)),
    ];
    loads.into_iter().find_map(|index| {
        let load = &elf.segments[index];
        let offset = load.file_end().next_multiple_of(4);
        let end = offset.checked_add(size)?;
        let taken = |from: u64, to: u64| from < end && to > load.file_end();
        let free = !elf
            .segments
            .iter()
            .any(|s| s.file_size > 0 && taken(s.offset, s.file_end()))
            && !elf.sections.iter().any(|s| {
                s.in_file() && s.size > 0 && taken(s.offset, s.offset.saturating_add(s.size))
            })
            && tables.iter().all(|(from, to)| !taken(*from, *to))
            && end <= elf.bytes.len() as u64
            && elf
                .range(load.file_end(), end - load.file_end())
                .iter()
                .all(|byte| *byte == 0);
        let address = load.address.checked_add(offset - load.offset)?;
        let memory_end = address.checked_add(size)?;
        let apart = elf.of_kind(elf::PT_LOAD).all(|other| {
            let align = other.align.max(PAGE);
            other.address < load.memory_end()
                || align.is_power_of_two() && memory_end <= other.address & !(align - 1)
        });
        let spot = Spot { offset, address };
        (free && apart).then_some((index, spot))
    })
}

/// Makes a segment end at an offset in the file.
fn extend(elf: &Elf<'_>, draft: &mut Draft, index: usize, end: u64) {
    let size = end - elf.segments[index].offset;
    let longer = Segment {
        file_size: size,
        memory_size: size,
        ..elf.segments[index]
    };
    write_header(elf, draft, index, &longer);
}

fn encode(segment: &Segment) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[0..4].copy_from_slice(&segment.kind.to_le_bytes());
    bytes[4..8].copy_from_slice(&segment.flags.to_le_bytes());
    let numbers = [
        segment.offset,
        segment.address,
        // Physical addresses mean nothing to programs, and equal the others in all of them.
        segment.address,
        segment.file_size,
        segment.memory_size,
        segment.align,
    ];
    for (i, number) in numbers.iter().enumerate() {
        bytes[8 + 8 * i..16 + 8 * i].copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

fn write_header(elf: &Elf<'_>, draft: &mut Draft, index: usize, segment: &Segment) {
    let at = elf.program_headers_at as usize + HEADER * index;
    draft.bytes[at..at + HEADER].copy_from_slice(&encode(segment));
}

/// Writes at an offset, which may be behind the end.
pub(super) fn put(draft: &mut Draft, offset: u64, content: &[u8]) {
    let begin = offset as usize;
    let end = begin + content.len();
    if draft.bytes.len() < end {
        draft.bytes.resize(end, 0);
    }
    draft.bytes[begin..end].copy_from_slice(content);
}
