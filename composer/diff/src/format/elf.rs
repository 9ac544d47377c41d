//! ELF files, by section.

use std::borrow::Cow;

use object::read::elf::{ElfFile, FileHeader};
use object::{Endianness, Object, ObjectSection, SectionKind};

use super::{Field, Member};
use crate::cause::Cause;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF")
}

pub(super) fn members(bytes: &[u8], _budget: usize) -> Option<Vec<Member<'_>>> {
    match *bytes.get(4)? {
        2 => sections::<object::elf::FileHeader64<Endianness>>(bytes),
        1 => sections::<object::elf::FileHeader32<Endianness>>(bytes),
        _ => None,
    }
}

fn sections<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Vec<Member<'_>>> {
    let file = ElfFile::<H>::parse(bytes).ok()?;
    let mut members = vec![Member {
        name: "header".to_owned(),
        fields: vec![Field::new(
            "entry",
            format!("{:#x}", file.entry()),
            Some(Cause::Consequence),
        )],
        data: Cow::Borrowed(&[]),
    }];
    for section in file.sections() {
        let name = section.name().unwrap_or("?").to_owned();
        let data = match section.kind() {
            SectionKind::UninitializedData | SectionKind::UninitializedTls => &[][..],
            _ => section.data().unwrap_or(&[]),
        };
        let fields = vec![
            Field::new("size", section.size(), Some(Cause::Consequence)),
            Field::new(
                "address",
                format!("{:#x}", section.address()),
                Some(Cause::Consequence),
            ),
        ];
        // A build id is a digest of the rest.
        let digest = name == ".note.gnu.build-id" || name == ".gnu_debuglink";
        if digest {
            let value = hex::encode(data);
            members.push(Member {
                name: format!("section {name}"),
                fields: vec![Field::new("note", value, Some(Cause::Consequence))],
                data: Cow::Borrowed(&[]),
            });
            continue;
        }
        members.push(Member {
            name: format!("section {name}"),
            fields,
            data: Cow::Borrowed(data),
        });
    }
    Some(members)
}
