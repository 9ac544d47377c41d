//! Which format two contents are in, and what that format says of their difference.
//!
//! `tree` calls [`compare`] for files, formats call it for what they contain. Each format is a function from bytes
//! to [`Member`]s, which one place compares. Invariant: what no format explains is explained as bytes, so equal
//! members of different contents are never passed over.

mod archive;
mod bytes;
mod compressed;
mod disk;
mod elf;
mod ext4;
mod fat;
mod iso;
mod text;
mod zip;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::cause::Cause;
use crate::context::Context;

/// A part of a container: a member of an archive, a section, a partition, a header.
pub(crate) struct Member<'a> {
    /// What it is called; several may have one name.
    pub(crate) name: String,
    /// What the container says of it.
    pub(crate) fields: Vec<Field>,
    /// What it holds.
    pub(crate) data: Cow<'a, [u8]>,
}

/// One thing that a container says of a member.
pub(crate) struct Field {
    name: &'static str,
    value: String,
    cause: Option<Cause>,
}

impl Field {
    pub(crate) fn new(name: &'static str, value: impl ToString, cause: Option<Cause>) -> Self {
        Field {
            name,
            value: value.to_string(),
            cause,
        }
    }

    /// A point in time, in seconds since the epoch.
    pub(crate) fn time(name: &'static str, seconds: i64) -> Self {
        let value = chrono::DateTime::from_timestamp(seconds, 0).map_or(seconds.to_string(), |t| {
            t.format("%Y-%m-%d %H:%M:%S").to_string()
        });
        Field::new(name, value, Some(Cause::TimeStamp))
    }

    pub(crate) fn user(name: &'static str, value: impl ToString) -> Self {
        Field::new(name, value, Some(Cause::User))
    }

    pub(crate) fn mode(value: u32) -> Self {
        Field::new("mode", format!("{value:04o}"), Some(Cause::Umask))
    }
}

/// A container: what it is called, how it is told, what it holds (`None` if it is broken).
type Format = (
    &'static str,
    fn(&[u8]) -> bool,
    fn(&[u8], usize) -> Option<Vec<Member<'_>>>,
);

const FORMATS: &[Format] = &[
    ("gzip", compressed::is_gzip, compressed::gzip),
    ("xz", compressed::is_xz, compressed::xz),
    ("zstd", compressed::is_zstd, compressed::zstd),
    ("ELF", elf::is, elf::members),
    ("ar", archive::is_ar, archive::ar),
    ("cpio", archive::is_cpio, archive::cpio),
    ("tar", archive::is_tar, archive::tar),
    ("zip", zip::is, zip::members),
    ("ISO 9660", iso::is, iso::members),
    ("GPT", disk::is_gpt, disk::gpt),
    ("ext4", ext4::is, ext4::members),
    ("FAT", fat::is, fat::members),
    ("MBR", disk::is_mbr, disk::mbr),
];

/// Notes what differs between two contents; nothing if they are equal.
pub(crate) fn compare(context: &mut Context<'_>, first: &[u8], second: &[u8]) {
    if first == second {
        return;
    }
    if first.is_empty() || second.is_empty() {
        context.note(
            "size",
            first.len().to_string(),
            second.len().to_string(),
            None,
        );
        return;
    }
    let format = FORMATS.iter().find(|(_, is, _)| is(first) && is(second));
    if let Some((name, _, open)) = format
        && context.may_open()
    {
        let budget = context.budget();
        if let (Some(a), Some(b)) = (open(first, budget), open(second, budget)) {
            let owned = |member: &Member<'_>| match &member.data {
                Cow::Owned(data) => data.len(),
                Cow::Borrowed(_) => 0,
            };
            context.spend(a.iter().chain(&b).map(owned).sum());
            let before = context.count();
            members(context, name, a, b);
            if context.count() > before {
                return;
            }
        }
        context.inside(name, |context| bytes::compare(context, first, second));
        return;
    }
    if text::is(first) && text::is(second) {
        text::compare(context, first, second);
    } else {
        bytes::compare(context, first, second);
    }
}

/// Compares members by name; the second one of a name with the second one of that name.
fn members(
    context: &mut Context<'_>,
    format: &str,
    first: Vec<Member<'_>>,
    second: Vec<Member<'_>>,
) {
    let key = |all: &[Member<'_>]| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        all.iter()
            .map(|member| {
                let count = counts.entry(member.name.clone()).or_default();
                *count += 1;
                (member.name.clone(), *count)
            })
            .collect::<Vec<_>>()
    };
    let (a_names, b_names) = (key(&first), key(&second));
    let shown = |(name, count): &(String, usize)| match count {
        1 => name.clone(),
        count => format!("{name} ({count})"),
    };
    let a: BTreeMap<&(String, usize), &Member<'_>> = a_names.iter().zip(&first).collect();
    let b: BTreeMap<&(String, usize), &Member<'_>> = b_names.iter().zip(&second).collect();
    for (names, others, what) in [
        (&a_names, &b, "only in the first"),
        (&b_names, &a, "only in the second"),
    ] {
        for name in names.iter().filter(|name| !others.contains_key(name)) {
            context.note(
                format!("{format} member {} {what}", shown(name)),
                "",
                "",
                None,
            );
        }
    }
    let common = |names: &[(String, usize)], others: &BTreeMap<&(String, usize), &Member<'_>>| {
        let mut common: Vec<(String, usize)> = names.to_vec();
        common.retain(|name| others.contains_key(name));
        common
    };
    let (a_order, b_order) = (common(&a_names, &b), common(&b_names, &a));
    if let Some((x, y)) = a_order.iter().zip(&b_order).find(|(x, y)| x != y) {
        context.note(
            format!("order of {format} members"),
            shown(x),
            shown(y),
            Some(Cause::Order),
        );
    }
    for name in &a_order {
        let (one, other) = (a[name], b[name]);
        let place = match name.0.as_str() {
            "" => format.to_owned(),
            _ => shown(name),
        };
        context.inside(&place, |context| {
            for (x, y) in one.fields.iter().zip(&other.fields) {
                if x.value != y.value {
                    let what = format!("{format} {}", x.name);
                    context.note(what, x.value.as_str(), y.value.as_str(), x.cause);
                }
            }
            if !context.is_full() {
                compare(context, &one.data, &other.data);
            }
        });
    }
}

/// A little-endian number of `N` bytes at `at`.
pub(crate) fn le<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let part = bytes.get(at..at.checked_add(N)?)?;
    Some(
        part.iter()
            .rev()
            .fold(0, |n, byte| n << 8 | u64::from(*byte)),
    )
}

/// The same as an index into memory.
pub(crate) fn index<const N: usize>(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(le::<N>(bytes, at)?).ok()
}

/// Bytes as text without what cannot be shown, and without padding.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches(['\0', ' ']);
    text.chars()
        .map(|c| if c.is_control() { '.' } else { c })
        .collect()
}

/// A part of `bytes`, as much of it as there is.
pub(crate) fn part(bytes: &[u8], at: usize, length: usize) -> &[u8] {
    let from = at.min(bytes.len());
    let to = at.saturating_add(length).min(bytes.len());
    &bytes[from..to]
}

/// A GUID as it stands in tables: three little-endian groups, then bytes.
pub(crate) fn guid(bytes: &[u8], at: usize) -> Option<String> {
    let tail = bytes.get(at + 8..at + 16)?;
    Some(format!(
        "{:08x}-{:04x}-{:04x}-{}-{}",
        le::<4>(bytes, at)?,
        le::<2>(bytes, at + 4)?,
        le::<2>(bytes, at + 6)?,
        hex::encode(&tail[..2]),
        hex::encode(&tail[2..])
    ))
}
