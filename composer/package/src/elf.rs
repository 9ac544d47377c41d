//! What a package needs to know of an ELF file: what it is, which libraries it needs and which it is.
//!
//! Used by `dependencies` and `rebase`. Invariant: reads only the dynamic section and the symbol versions; what
//! instructions a file holds is the audit's business.

use std::collections::{BTreeMap, BTreeSet};

use object::elf;
use object::read::elf::{FileHeader, ProgramHeader as _, SectionHeader as _};
use object::{Endianness, StringTable};

use crate::PackageError;

/// One ELF file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ElfInfo {
    /// `ET_EXEC` or `ET_DYN`: a file with segments, which the kernel or the loader maps.
    pub loadable: bool,
    /// A program, and linked statically: no interpreter although it is no library.
    pub static_program: bool,
    /// The interpreter, if it names one.
    pub interpreter: Option<String>,
    /// The name that other files need it by.
    pub soname: Option<String>,
    /// Libraries it needs.
    pub needed: Vec<String>,
    /// Versions of symbols that it needs, by library.
    pub versions_needed: BTreeMap<String, BTreeSet<String>>,
    /// Versions of symbols that it defines, its own name aside.
    pub versions_defined: BTreeSet<String>,
    /// Whether it has 64-bit words.
    pub is_64: bool,
}

/// Reads an ELF file; `None` if it is something else. `path` is for messages.
///
/// # Errors
/// `Elf` if it begins like one and can't be read.
pub fn read_elf(path: &str, bytes: &[u8]) -> Result<Option<ElfInfo>, PackageError> {
    if !bytes.starts_with(b"\x7fELF") || bytes.len() < 64 {
        return Ok(None);
    }
    let info = match bytes[4] {
        elf::ELFCLASS64 => read::<elf::FileHeader64<Endianness>>(bytes),
        _ => read::<elf::FileHeader32<Endianness>>(bytes),
    };
    info.map(Some).map_err(|source| PackageError::Elf {
        path: path.to_owned(),
        source,
    })
}

fn read<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> object::read::Result<ElfInfo> {
    let header = H::parse(bytes)?;
    let endian = header.endian()?;
    let kind = header.e_type(endian);
    let mut info = ElfInfo {
        loadable: kind == elf::ET_EXEC || kind == elf::ET_DYN,
        is_64: header.is_type_64(),
        ..ElfInfo::default()
    };
    for segment in header.program_headers(endian, bytes)? {
        if let Some(interpreter) = segment.interpreter(endian, bytes)? {
            info.interpreter = Some(String::from_utf8_lossy(interpreter).into_owned());
        }
    }
    let sections = header.sections(endian, bytes)?;
    let text = |strings: StringTable<'_>, offset: u32| {
        let found = strings.get(offset).unwrap_or_default();
        String::from_utf8_lossy(found).into_owned()
    };
    let mut pie = false;
    for section in sections.iter() {
        let Some((dynamic, link)) = section.dynamic(endian, bytes)? else {
            continue;
        };
        let strings = sections.strings(endian, bytes, link)?;
        for entry in dynamic {
            use object::read::elf::Dyn as _;
            let Some(value) = entry.val32(endian) else {
                continue;
            };
            match entry.tag32(endian) {
                Some(tag) if tag == elf::DT_NEEDED as i32 => info.needed.push(text(strings, value)),
                Some(tag) if tag == elf::DT_SONAME as i32 => {
                    info.soname = Some(text(strings, value))
                }
                Some(tag) if tag == elf::DT_FLAGS_1 as i32 => pie = value & elf::DF_1_PIE != 0,
                _ => {}
            }
        }
    }
    let program = kind == elf::ET_EXEC || (kind == elf::ET_DYN && pie);
    info.static_program = program && info.interpreter.is_none();
    if let Some((mut needs, link)) = sections.gnu_verneed(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        while let Some((need, mut versions)) = needs.next()? {
            let library = text(strings, need.vn_file.get(endian));
            let of_library = info.versions_needed.entry(library).or_default();
            while let Some(version) = versions.next()? {
                of_library.insert(text(strings, version.vna_name.get(endian)));
            }
        }
    }
    if let Some((mut definitions, link)) = sections.gnu_verdef(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        while let Some((definition, mut names)) = definitions.next()? {
            if definition.vd_flags.get(endian) & elf::VER_FLG_BASE != 0 {
                continue;
            }
            if let Some(name) = names.next()? {
                info.versions_defined
                    .insert(text(strings, name.vda_name.get(endian)));
            }
        }
    }
    Ok(info)
}
