//! Archives that are a list of members: ar (also `.deb` and `.a`), cpio, tar.
//!
//! Invariant: a member's data lies in the archive's own bytes; nothing is copied.

use std::borrow::Cow;
use std::io::Cursor;

use super::{Field, Member, part, shown};
use crate::cause::Cause;

const AR_MAGIC: &[u8] = b"!<arch>\n";

pub(super) fn is_ar(bytes: &[u8]) -> bool {
    bytes.starts_with(AR_MAGIC)
}

pub(super) fn is_cpio(bytes: &[u8]) -> bool {
    bytes.starts_with(b"070701") || bytes.starts_with(b"070702")
}

pub(super) fn is_tar(bytes: &[u8]) -> bool {
    part(bytes, 257, 5) == b"ustar"
}

pub(super) fn ar(bytes: &[u8], _budget: usize) -> Option<Vec<Member<'_>>> {
    let mut members = Vec::new();
    let mut names: &[u8] = &[];
    let mut at = AR_MAGIC.len();
    while at < bytes.len() {
        let header = bytes.get(at..at + 60)?;
        let text = |from: usize, to: usize| shown(&header[from..to]);
        let size: usize = text(48, 58).parse().ok()?;
        let data = bytes.get(at + 60..at + 60 + size)?;
        let mut name = text(0, 16);
        if name == "//" {
            names = data;
        } else if let Some(offset) = name.strip_prefix('/').and_then(|n| n.parse::<usize>().ok()) {
            let long = names.get(offset..)?.split(|b| *b == b'\n').next()?;
            name = shown(long);
        }
        if name.len() > 1 && name != "//" {
            name = name.trim_end_matches('/').to_owned();
        }
        let symbols = name == "/" || name == "//" || name == "/SYM64";
        members.push(Member {
            name: if symbols {
                "symbol table".to_owned()
            } else {
                name
            },
            fields: vec![
                Field::time("time", text(16, 28).parse().unwrap_or(0)),
                Field::user("user", text(28, 34)),
                Field::user("group", text(34, 40)),
                Field::new("mode", text(40, 48), Some(Cause::Umask)),
            ],
            data: Cow::Borrowed(data),
        });
        at += 60 + size.next_multiple_of(2);
    }
    Some(members)
}

pub(super) fn cpio(bytes: &[u8], _budget: usize) -> Option<Vec<Member<'_>>> {
    let mut members = Vec::new();
    let mut at = 0;
    loop {
        let header = bytes.get(at..at + 110)?;
        let field = |n: usize| -> Option<u32> {
            let text = std::str::from_utf8(&header[6 + 8 * n..14 + 8 * n]).ok()?;
            u32::from_str_radix(text, 16).ok()
        };
        let (size, length) = (field(6)? as usize, field(11)? as usize);
        let name = shown(bytes.get(at + 110..at + 110 + length)?);
        let start = (at + 110 + length).next_multiple_of(4);
        let data = bytes.get(start..start.checked_add(size)?)?;
        at = (start + size).next_multiple_of(4);
        if name == "TRAILER!!!" {
            break;
        }
        members.push(Member {
            name,
            fields: vec![
                Field::new("inode number", field(0)?, Some(Cause::Order)),
                Field::mode(field(1)?),
                Field::user("user", field(2)?),
                Field::user("group", field(3)?),
                Field::time("time", i64::from(field(5)?)),
                Field::new("device", format!("{}:{}", field(9)?, field(10)?), None),
            ],
            data: Cow::Borrowed(data),
        });
    }
    let rest = part(bytes, at, bytes.len());
    let padding = rest.iter().take_while(|b| **b == 0).count();
    if padding < rest.len() {
        members.push(Member {
            name: "what follows the archive".to_owned(),
            fields: Vec::new(),
            data: Cow::Borrowed(&rest[padding..]),
        });
    }
    Some(members)
}

pub(super) fn tar(bytes: &[u8], _budget: usize) -> Option<Vec<Member<'_>>> {
    let mut archive = tar::Archive::new(Cursor::new(bytes));
    let mut members = Vec::new();
    for entry in archive.entries_with_seek().ok()? {
        let mut entry = entry.ok()?;
        let mut extensions = String::new();
        if let Ok(Some(pax)) = entry.pax_extensions() {
            for one in pax.flatten() {
                let value = String::from_utf8_lossy(one.value_bytes());
                extensions.push_str(&format!("{}={value} ", one.key().unwrap_or("?")));
            }
        }
        let header = entry.header();
        let link = header
            .link_name_bytes()
            .map(|name| shown(&name))
            .unwrap_or_default();
        let text = |bytes: Option<&[u8]>| bytes.map(shown).unwrap_or_default();
        let start = usize::try_from(entry.raw_file_position()).ok()?;
        let size = usize::try_from(entry.size()).ok()?;
        members.push(Member {
            name: shown(&entry.path_bytes()),
            fields: vec![
                Field::time("time", i64::try_from(header.mtime().ok()?).ok()?),
                Field::user("user", header.uid().ok()?),
                Field::user("group", header.gid().ok()?),
                Field::user("user's name", text(header.username_bytes())),
                Field::user("group's name", text(header.groupname_bytes())),
                Field::mode(header.mode().ok()?),
                Field::new("kind", format!("{:?}", header.entry_type()), None),
                Field::new("link", link, None),
                Field::new("extension", extensions, None),
            ],
            data: Cow::Borrowed(bytes.get(start..start.checked_add(size)?)?),
        });
    }
    Some(members)
}
