//! A 64-bit little-endian ELF file of one of our machines, as tables of plain numbers.
//!
//! The audit and the rewriter read files through it. Invariant: every range handed out lies in the
//! file; what a table says beyond that is cut off or an error, never a panic.

use object::LittleEndian as LE;
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use crate::report::Machine;

/// The kernel's addresses begin here.
pub(crate) const KERNEL_HALF: u64 = 1 << 63;

/// Why a file can't be read as one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It does not begin as an ELF file.
    NotElf,
    /// It is for a machine or class that is not ours.
    Foreign {
        /// In words.
        what: String,
        /// Whether a kernel of our machines could start it.
        executable: bool,
    },
    /// Its headers are damaged.
    Malformed(String),
}

/// One program header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) file_size: u64,
    pub(crate) memory_size: u64,
    pub(crate) align: u64,
}

impl Segment {
    pub(crate) fn is_executable_load(&self) -> bool {
        self.kind == elf::PT_LOAD && self.flags & elf::PF_X != 0
    }

    /// Whether it would be where no program is: the upper half of all addresses is the kernel's on both machines.
    pub(crate) fn in_kernel_half(&self) -> bool {
        self.kind == elf::PT_LOAD && self.memory_size > 0 && self.memory_end() > KERNEL_HALF
    }

    pub(crate) fn file_end(&self) -> u64 {
        self.offset.saturating_add(self.file_size)
    }

    pub(crate) fn memory_end(&self) -> u64 {
        self.address.saturating_add(self.memory_size)
    }
}

/// One section header with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) kind: u32,
    pub(crate) flags: u64,
    pub(crate) address: u64,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) link: u32,
}

impl Section<'_> {
    /// Whether its bytes are in the file.
    pub(crate) fn in_file(&self) -> bool {
        self.kind != elf::SHT_NOBITS && self.kind != elf::SHT_NULL
    }

    pub(crate) fn is_code(&self) -> bool {
        self.flags & u64::from(elf::SHF_EXECINSTR) != 0
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.flags & u64::from(elf::SHF_ALLOC) != 0
    }
}

/// The file.
#[derive(Debug)]
pub(crate) struct Elf<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) machine: Machine,
    /// `ET_EXEC`, `ET_DYN`, ….
    pub(crate) kind: u16,
    pub(crate) segments: Vec<Segment>,
    pub(crate) sections: Vec<Section<'a>>,
    /// What is wrong with the section headers; they are taken for absent then.
    pub(crate) sections_problem: Option<String>,
    pub(crate) program_headers_at: u64,
    pub(crate) section_headers_at: u64,
    pub(crate) names_index: usize,
}

impl<'a> Elf<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Elf<'a>, Unreadable> {
        let machine = machine_of(bytes)?;
        let bad = |e: object::read::Error| Unreadable::Malformed(e.to_string());
        let header = elf::FileHeader64::<LE>::parse(bytes).map_err(bad)?;
        let segments: Vec<Segment> = header
            .program_headers(LE, bytes)
            .map_err(bad)?
            .iter()
            .map(|p| Segment {
                kind: p.p_type(LE),
                flags: p.p_flags(LE),
                offset: p.p_offset(LE),
                address: p.p_vaddr(LE),
                file_size: p.p_filesz(LE),
                memory_size: p.p_memsz(LE),
                align: p.p_align(LE),
            })
            .collect();
        for segment in segments.iter().filter(|s| s.kind == elf::PT_LOAD) {
            let sound = segment
                .offset
                .checked_add(segment.file_size)
                .is_some_and(|end| end <= bytes.len() as u64)
                && segment.address.checked_add(segment.memory_size).is_some()
                && segment.file_size <= segment.memory_size;
            if !sound {
                return Err(Unreadable::Malformed(format!(
                    "the segment at {:#x} with {:#x} bytes from offset {:#x} is beyond the file",
                    segment.address, segment.file_size, segment.offset
                )));
            }
        }
        let high = segments.iter().any(Segment::in_kernel_half);
        if high && segments.iter().any(|s| s.kind == elf::PT_DYNAMIC) {
            return Err(Unreadable::Malformed(
                "it wants to be at addresses of the kernel".to_owned(),
            ));
        }
        let (sections, names_index, sections_problem) = match sections(header, bytes) {
            Ok((sections, index)) => (sections, index, None),
            Err(problem) => (Vec::new(), 0, Some(problem)),
        };
        Ok(Elf {
            bytes,
            machine,
            kind: header.e_type(LE),
            segments,
            sections,
            sections_problem,
            program_headers_at: header.e_phoff(LE),
            section_headers_at: header.e_shoff(LE),
            names_index,
        })
    }

    /// The bytes of the file in a range, as far as they are there.
    pub(crate) fn range(&self, offset: u64, size: u64) -> &'a [u8] {
        let length = self.bytes.len() as u64;
        let begin = offset.min(length);
        let end = offset.saturating_add(size).min(length);
        &self.bytes[begin as usize..end as usize]
    }

    pub(crate) fn of_kind(&self, kind: u32) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(move |s| s.kind == kind)
    }

    pub(crate) fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|s| s.name == name.as_bytes())
    }

    /// The bytes at an address, up to the end of what the file has for its segment.
    pub(crate) fn at_address(&self, address: u64) -> Option<&'a [u8]> {
        self.of_kind(elf::PT_LOAD).find_map(|s| {
            let skip = address.checked_sub(s.address)?;
            let left = s.file_size.checked_sub(skip).filter(|left| *left > 0)?;
            Some(self.range(s.offset + skip, left))
        })
    }

    /// The dynamic section's entries.
    pub(crate) fn dynamic(&self) -> impl Iterator<Item = (u64, u64)> + 'a {
        let bytes = self
            .of_kind(elf::PT_DYNAMIC)
            .next()
            .map_or(&[][..], |s| self.range(s.offset, s.file_size));
        bytes
            .chunks_exact(16)
            .map(|entry| (u64_at(entry, 0), u64_at(entry, 8)))
            .take_while(|(tag, _)| *tag != 0)
    }

    pub(crate) fn dynamic_value(&self, tag: i64) -> Option<u64> {
        self.dynamic()
            .find(|(found, _)| *found == tag as u64)
            .map(|(_, value)| value)
    }

    pub(crate) fn interpreter(&self) -> Option<String> {
        let segment = self.of_kind(elf::PT_INTERP).next()?;
        let bytes = self.range(segment.offset, segment.file_size);
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }
}

fn machine_of(bytes: &[u8]) -> Result<Machine, Unreadable> {
    if !bytes.starts_with(&elf::ELFMAG) {
        return Err(Unreadable::NotElf);
    }
    let Some(ident) = bytes.get(..20) else {
        return Err(Unreadable::Malformed("its header is cut short".to_owned()));
    };
    let little = ident[5] == 1;
    let half = |at: usize| {
        let pair = [ident[at], ident[at + 1]];
        if little {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        }
    };
    let wide = ident[4] == 2;
    // The kernel reads these numbers in its own byte order, whatever the file says of its.
    let native = |at: usize| u16::from_le_bytes([ident[at], ident[at + 1]]);
    let started = matches!(native(16), elf::ET_EXEC | elf::ET_DYN)
        && matches!(
            native(18),
            elf::EM_X86_64 | elf::EM_AARCH64 | elf::EM_386 | elf::EM_ARM
        );
    match native(18) {
        elf::EM_X86_64 if wide && little => return Ok(Machine::X86_64),
        elf::EM_AARCH64 if wide && little => return Ok(Machine::Aarch64),
        _ => {}
    }
    let machine = half(18);
    let name = match machine {
        elf::EM_386 => "i386".to_owned(),
        elf::EM_X86_64 => "x32".to_owned(),
        elf::EM_ARM => "32-bit ARM".to_owned(),
        elf::EM_RISCV => "RISC-V".to_owned(),
        elf::EM_BPF => "BPF".to_owned(),
        elf::EM_AARCH64 => "AArch64 of another class or byte order".to_owned(),
        other => format!("machine number {other}"),
    };
    Err(Unreadable::Foreign {
        what: name,
        // Firmware for other processors is of no kind that a kernel of ours would start.
        executable: started,
    })
}

fn sections<'a>(
    header: &elf::FileHeader64<LE>,
    bytes: &'a [u8],
) -> Result<(Vec<Section<'a>>, usize), String> {
    let text = |e: object::read::Error| e.to_string();
    let headers = header.section_headers(LE, bytes).map_err(text)?;
    if headers.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let index = header.section_strings_index(LE, bytes).map_err(text)?.0;
    let names = header.section_strings(LE, bytes, headers).map_err(text)?;
    let sections = headers
        .iter()
        .map(|s| Section {
            name: s.name(LE, names).unwrap_or(b"?"),
            kind: s.sh_type(LE),
            flags: s.sh_flags(LE),
            address: s.sh_addr(LE),
            offset: s.sh_offset(LE),
            size: s.sh_size(LE),
            link: s.sh_link(LE),
        })
        .collect();
    Ok((sections, index))
}

/// The number at `at`, which must be in `bytes`.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a slice of eight"))
}

/// The number at `at`, which must be in `bytes`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("a slice of four"))
}
