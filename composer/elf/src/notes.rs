//! The XSC note and the marks of control-flow integrity, read as the kernel reads them.
//!
//! The audit and the rewriter use it. Invariant: what `kernel/drivers/xsc/exec.c` would find in a
//! file is what is found here: the same walk, the same limits, the last note wins.

use object::elf;

use crate::elf::{Elf, u32_at};
use crate::report::Machine;

/// The version of the ABI that this composer knows, `XSC_ABI`.
pub(crate) const ABI: u32 = 1;
/// `XSC_NOTE_CFI`.
pub(crate) const CFI: u32 = 1;
/// `XSC_NOTE_NAME` with its zero.
pub(crate) const NAME: &[u8; 4] = b"XSC\0";
/// `XSC_NOTE_TYPE`.
pub(crate) const TYPE: u32 = 1;
/// What the kernel reads of a segment of notes.
pub(crate) const SEGMENT_MAX: usize = 4096;
/// The name that the linker gives the section.
pub(crate) const SECTION: &str = ".note.XSC-ABI";

/// Which note a program carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteKind {
    /// No trap instruction.
    Base,
    /// The same, and control-flow integrity is demanded: `XSC_NOTE_CFI`.
    Cfi,
}

impl NoteKind {
    /// The word for it in options and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            NoteKind::Base => "base",
            NoteKind::Cfi => "cfi",
        }
    }

    /// The note's bytes: 20 for base, 24 for cfi.
    pub(crate) fn encode(self) -> Vec<u8> {
        let description: &[u32] = match self {
            NoteKind::Base => &[ABI],
            NoteKind::Cfi => &[ABI, CFI],
        };
        let size = 4 * description.len() as u32;
        let mut note = Vec::with_capacity(24);
        for word in [NAME.len() as u32, size, TYPE] {
            note.extend_from_slice(&word.to_le_bytes());
        }
        note.extend_from_slice(NAME);
        for word in description {
            note.extend_from_slice(&word.to_le_bytes());
        }
        note
    }
}

/// The content of an XSC note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XscNote {
    /// The ABI version.
    pub abi: u32,
    /// The feature mask; 0 where the note has none.
    pub features: u32,
}

impl XscNote {
    /// What the note means, if it is one that the kernel takes.
    pub fn kind(&self) -> Option<NoteKind> {
        match (self.abi, self.features) {
            (ABI, 0) => Some(NoteKind::Base),
            (ABI, CFI) => Some(NoteKind::Cfi),
            _ => None,
        }
    }
}

/// What the notes of a file say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    pub(crate) xsc: Option<XscNote>,
    pub(crate) cfi_marks: bool,
}

/// One note of a segment: name with its zero, type, description.
pub(crate) struct Note<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) kind: u32,
    pub(crate) description: &'a [u8],
}

/// Reads the notes of a file by its program headers.
pub(crate) fn read(elf: &Elf<'_>) -> Notes {
    let mut notes = Notes::default();
    for segment in elf.of_kind(elf::PT_NOTE) {
        let bytes = elf.range(segment.offset, segment.file_size);
        let bytes = &bytes[..bytes.len().min(SEGMENT_MAX)];
        for note in walk(bytes, segment.align) {
            notes.add(&note, elf.machine);
        }
    }
    notes
}

/// Reads the notes of an object file by its sections: it has no program headers yet.
pub(crate) fn read_object(elf: &Elf<'_>) -> Notes {
    let mut notes = Notes::default();
    for section in elf.sections.iter().filter(|s| s.kind == elf::SHT_NOTE) {
        let align = if section.name == b".note.gnu.property" {
            8
        } else {
            4
        };
        for note in walk(elf.range(section.offset, section.size), align) {
            notes.add(&note, elf.machine);
        }
    }
    notes
}

impl Notes {
    fn add(&mut self, note: &Note<'_>, machine: Machine) {
        let words: Vec<u32> = note
            .description
            .chunks_exact(4)
            .take(2)
            .map(|word| u32_at(word, 0))
            .collect();
        if note.name == NAME && note.kind == TYPE {
            if let Some(abi) = words.first() {
                self.xsc = Some(XscNote {
                    abi: *abi,
                    features: words.get(1).copied().unwrap_or(0),
                });
            }
        } else if note.name == b"GNU\0"
            && note.kind == elf::NT_GNU_PROPERTY_TYPE_0
            && let Some(marks) = cfi_marks(note.description, machine)
        {
            self.cfi_marks = marks;
        }
    }
}

/// Whether the property of the machine has all bits; `None` where it is not in the array.
fn cfi_marks(mut array: &[u8], machine: Machine) -> Option<bool> {
    let (property, bits) = match machine {
        // IBT and SHSTK.
        Machine::X86_64 => (elf::GNU_PROPERTY_X86_FEATURE_1_AND, 3),
        // BTI and PAC.
        Machine::Aarch64 => (elf::GNU_PROPERTY_AARCH64_FEATURE_1_AND, 3),
    };
    let mut marks = None;
    while array.len() >= 8 {
        let (kind, size) = (u32_at(array, 0), u32_at(array, 4) as usize);
        array = &array[8..];
        if size > array.len() {
            break;
        }
        if kind == property && size == 4 {
            marks = Some(u32_at(array, 0) & bits == bits);
        }
        array = &array[array.len().min(size.next_multiple_of(8))..];
    }
    marks
}

/// The notes of a segment; whatever is malformed ends the walk.
pub(crate) fn walk(bytes: &[u8], align: u64) -> impl Iterator<Item = Note<'_>> {
    let align = if align == 8 { 8 } else { 4 };
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.len() < 12 {
            return None;
        }
        let (name, size) = (u32_at(rest, 0) as usize, u32_at(rest, 4) as usize);
        let from = (12 + name).next_multiple_of(align);
        let description = rest.get(from..from.checked_add(size)?)?;
        let note = Note {
            name: rest.get(12..12 + name)?,
            kind: u32_at(rest, 8),
            description,
        };
        rest = &rest[rest.len().min((from + size).next_multiple_of(align))..];
        Some(note)
    })
}
