//! Names for addresses, and where functions begin and end as far as the file says.
//!
//! The trap scan reads them, once it has something to explain. Invariant: symbols and frame
//! descriptions only add places to decode from; none takes a place away.

use gimli::{BaseAddresses, CieOrFde, EhFrame, EhFrameHdr, LittleEndian, Pointer, UnwindSection};
use object::elf;

use crate::elf::{Elf, Section, u32_at, u64_at};

/// A named address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Symbol<'a> {
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) name: &'a [u8],
    pub(crate) is_function: bool,
    /// The section it is defined in; addresses of object files count from there.
    pub(crate) section: u16,
}

/// The symbols of a file, by address.
pub(crate) struct Symbols<'a> {
    sorted: Vec<Symbol<'a>>,
}

impl<'a> Symbols<'a> {
    pub(crate) fn read(elf: &Elf<'a>) -> Symbols<'a> {
        let mut sorted = Vec::new();
        for section in &elf.sections {
            if section.kind == elf::SHT_SYMTAB || section.kind == elf::SHT_DYNSYM {
                read_table(elf, section, &mut sorted);
            }
        }
        // The last one at an address names it: functions, then the longest, then by name.
        sorted.sort_by(|a, b| {
            let key = |s: &Symbol<'a>| (s.section, s.address, s.is_function, s.size);
            key(a).cmp(&key(b)).then_with(|| b.name.cmp(a.name))
        });
        if elf.kind != elf::ET_REL {
            sorted.sort_by_key(|s| s.address);
        }
        Symbols { sorted }
    }

    /// Those of one section, which is what an object file has; others have all in one space.
    pub(crate) fn of(&self, section: Option<u16>) -> &[Symbol<'a>] {
        let Some(section) = section else {
            return &self.sorted;
        };
        let from = self.sorted.partition_point(|s| s.section < section);
        let to = self.sorted.partition_point(|s| s.section <= section);
        &self.sorted[from..to]
    }

    /// The closest symbol at or before an address, and the distance.
    pub(crate) fn name(&self, section: Option<u16>, address: u64) -> Option<(String, u64)> {
        let symbols = self.of(section);
        let after = symbols.partition_point(|s| s.address <= address);
        let nearest = symbols[..after].last()?;
        let name = String::from_utf8_lossy(nearest.name).into_owned();
        Some((name, address - nearest.address))
    }
}

fn read_table<'a>(elf: &Elf<'a>, section: &Section<'a>, out: &mut Vec<Symbol<'a>>) {
    let table = elf.range(section.offset, section.size);
    let names = elf.sections.get(section.link as usize);
    let names = names.map_or(&[][..], |s| elf.range(s.offset, s.size));
    for entry in table.chunks_exact(24) {
        let kind = entry[4] & 15;
        let index = u16::from_le_bytes([entry[6], entry[7]]);
        let named = matches!(
            kind,
            elf::STT_NOTYPE | elf::STT_OBJECT | elf::STT_FUNC | elf::STT_GNU_IFUNC
        );
        if !named || index == elf::SHN_UNDEF || index >= elf::SHN_LORESERVE {
            continue;
        }
        let name = names.get(u32_at(entry, 0) as usize..).unwrap_or(b"");
        let name = &name[..memchr::memchr(0, name).unwrap_or(name.len())];
        // Mapping symbols say what the assembler thought of bytes; that is not evidence.
        if name.is_empty() || name.starts_with(b"$") {
            continue;
        }
        out.push(Symbol {
            address: u64_at(entry, 8),
            size: u64_at(entry, 16),
            name,
            is_function: matches!(kind, elf::STT_FUNC | elf::STT_GNU_IFUNC),
            section: index,
        });
    }
}

/// Stretches that the unwinding tables call functions, sorted and disjoint.
pub(crate) fn functions(elf: &Elf<'_>) -> Vec<(u64, u64)> {
    let mut found = frames(elf);
    found.retain(|(from, to)| from < to);
    found.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::with_capacity(found.len());
    for (from, to) in found {
        match merged.last_mut() {
            // Two that overlap are cut at the second's start, so that both starts are kept.
            Some(last) if last.1 > from => {
                let end = last.1.max(to);
                last.1 = from;
                if last.0 == last.1 {
                    merged.pop();
                }
                merged.push((from, end));
            }
            _ => merged.push((from, to)),
        }
    }
    merged
}

fn frames(elf: &Elf<'_>) -> Vec<(u64, u64)> {
    let Some((address, bytes)) = eh_frame(elf) else {
        return Vec::new();
    };
    let frame = EhFrame::new(bytes, LittleEndian);
    let bases = BaseAddresses::default().set_eh_frame(address);
    let mut entries = frame.entries(&bases);
    let mut found = Vec::new();
    let mut last: Option<(usize, gimli::CommonInformationEntry<_>)> = None;
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else {
            continue;
        };
        let fde = partial.parse(|section, bases, offset| match &last {
            Some((at, cie)) if *at == offset.0 => Ok(cie.clone()),
            _ => {
                let cie = section.cie_from_offset(bases, offset)?;
                last = Some((offset.0, cie.clone()));
                Ok(cie)
            }
        });
        if let Ok(fde) = fde {
            let from = fde.initial_address();
            found.push((from, from.saturating_add(fde.len())));
        }
    }
    found
}

fn eh_frame<'a>(elf: &Elf<'a>) -> Option<(u64, &'a [u8])> {
    if elf.kind == elf::ET_REL {
        return None;
    }
    if let Some(section) = elf.section(".eh_frame").filter(|s| s.in_file()) {
        return Some((section.address, elf.range(section.offset, section.size)));
    }
    let header = elf.of_kind(elf::PT_GNU_EH_FRAME).next()?;
    let bytes = elf.range(header.offset, header.file_size);
    let bases = BaseAddresses::default().set_eh_frame_hdr(header.address);
    let parsed = EhFrameHdr::new(bytes, LittleEndian).parse(&bases, 8).ok()?;
    let Pointer::Direct(address) = parsed.eh_frame_ptr() else {
        return None;
    };
    Some((address, elf.at_address(address)?))
}
