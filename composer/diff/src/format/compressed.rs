//! Compressed streams: gzip, xz, zstd. A header field, or what they hold.

use std::borrow::Cow;
use std::io::Read;

use super::{Field, Member, le, shown};
use crate::cause::Cause;

pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

pub(super) fn is_xz(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xfd7zXZ\0")
}

pub(super) fn is_zstd(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

pub(super) fn gzip(bytes: &[u8], budget: usize) -> Option<Vec<Member<'_>>> {
    let flags = *bytes.get(3)?;
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + super::index::<2>(bytes, at)?;
    }
    let mut text = || {
        let length = bytes.get(at..)?.iter().position(|b| *b == 0)?;
        let text = shown(&bytes[at..at + length]);
        at += length + 1;
        Some(text)
    };
    let name = if flags & 8 != 0 {
        text()?
    } else {
        String::new()
    };
    let comment = if flags & 16 != 0 {
        text()?
    } else {
        String::new()
    };
    let fields = vec![
        Field::time("modification time", i64::try_from(le::<4>(bytes, 4)?).ok()?),
        Field::new("file name", name, None),
        Field::new("comment", comment, None),
        Field::new("level", bytes.get(8)?, None),
        Field::new("system", bytes.get(9)?, None),
    ];
    let data = unpacked(flate2::read::MultiGzDecoder::new(bytes), budget)?;
    Some(vec![member(fields, data)])
}

pub(super) fn xz(bytes: &[u8], budget: usize) -> Option<Vec<Member<'_>>> {
    let data = unpacked(liblzma::read::XzDecoder::new_multi_decoder(bytes), budget)?;
    Some(vec![member(settings(bytes.len()), data)])
}

pub(super) fn zstd(bytes: &[u8], budget: usize) -> Option<Vec<Member<'_>>> {
    let data = unpacked(::zstd::stream::read::Decoder::new(bytes).ok()?, budget)?;
    Some(vec![member(settings(bytes.len()), data)])
}

/// The same content in another length was compressed otherwise, as a number of threads does.
fn settings(length: usize) -> Vec<Field> {
    vec![Field::new(
        "compressed length",
        length,
        Some(Cause::Consequence),
    )]
}

fn member(fields: Vec<Field>, data: Vec<u8>) -> Member<'static> {
    Member {
        name: String::new(),
        fields,
        data: Cow::Owned(data),
    }
}

pub(super) fn unpacked(from: impl Read, budget: usize) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    let limit = u64::try_from(budget).ok()?;
    let read = from.take(limit).read_to_end(&mut data).ok()?;
    (read < budget).then_some(data)
}
