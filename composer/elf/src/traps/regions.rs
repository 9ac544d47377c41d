//! The executable bytes of a file: what its program headers map executable, and what its section
//! headers call code.
//!
//! The scan searches all of them. Invariant: program headers decide first, by whole pages as the
//! kernel maps them; sections can only add.

use object::elf;

use crate::elf::{Elf, KERNEL_HALF};

/// The kernel maps files by pages; this is the smallest there is.
const PAGE: u64 = 4096;

/// A stretch of executable bytes.
pub(crate) struct Region<'a> {
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) bytes: &'a [u8],
    /// The section, in an object file, whose addresses count from it.
    pub(crate) section: Option<u16>,
    /// What in it is code by the section headers, as addresses; all of it where nothing says so.
    code: Vec<(u64, u64)>,
}

impl Region<'_> {
    pub(crate) fn end(&self) -> u64 {
        self.address.saturating_add(self.bytes.len() as u64)
    }

    /// The stretch of code that an address is in, by the section headers.
    pub(crate) fn code(&self, address: u64) -> Option<(u64, u64)> {
        self.code
            .iter()
            .find(|(from, to)| (*from..*to).contains(&address))
            .copied()
    }
}

pub(crate) fn regions<'a>(elf: &Elf<'a>) -> Vec<Region<'a>> {
    let mut regions = Vec::new();
    if elf.kind != elf::ET_REL {
        let loads = elf.segments.iter().filter(|s| s.is_executable_load());
        for segment in loads.filter(|s| s.file_size > 0) {
            // What the kernel maps: whole pages, where offset and address agree within the page.
            let head = match segment.offset % PAGE == segment.address % PAGE {
                true => segment.offset % PAGE,
                false => 0,
            };
            let offset = segment.offset - head;
            let end = segment.file_end().div_ceil(PAGE).saturating_mul(PAGE);
            let address = segment.address - head;
            let bytes = elf.range(offset, end - offset);
            let code = code_within(elf, address, address.saturating_add(bytes.len() as u64));
            regions.push(Region {
                offset,
                address,
                bytes,
                section: None,
                code,
            });
        }
    }
    for (index, section) in elf.sections.iter().enumerate() {
        let bytes = elf.range(section.offset, section.size);
        if !section.is_code() || !section.in_file() || bytes.is_empty() {
            continue;
        }
        let end = section.offset + bytes.len() as u64;
        let covered = regions
            .iter()
            .any(|r| r.offset <= section.offset && end <= r.offset + r.bytes.len() as u64);
        if covered {
            continue;
        }
        let relocatable = elf.kind == elf::ET_REL;
        let address = if relocatable { 0 } else { section.address };
        let to = address.checked_add(bytes.len() as u64);
        let Some(to) = to.filter(|to| *to <= KERNEL_HALF) else {
            continue;
        };
        regions.push(Region {
            offset: section.offset,
            address,
            bytes,
            section: relocatable.then_some(u16::try_from(index).unwrap_or(u16::MAX)),
            code: vec![(address, to)],
        });
    }
    regions
}

/// The code sections between two addresses; all of it where there are none.
fn code_within(elf: &Elf<'_>, from: u64, to: u64) -> Vec<(u64, u64)> {
    let mut code: Vec<(u64, u64)> = elf
        .sections
        .iter()
        .filter(|s| s.is_code() && s.is_loaded() && s.in_file())
        .map(|s| {
            (
                s.address.max(from),
                s.address.saturating_add(s.size).min(to),
            )
        })
        .filter(|(from, to)| from < to)
        .collect();
    code.sort_unstable();
    if code.is_empty() {
        code.push((from, to));
    }
    code
}
