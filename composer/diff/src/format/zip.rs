//! Zip archives (also `.jar`, `.whl`, `.apk`), by the central directory at their end.

use std::borrow::Cow;

use super::{Field, Member, compressed, index, le, shown};
use crate::cause::Cause;

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

pub(super) fn members(bytes: &[u8], budget: usize) -> Option<Vec<Member<'_>>> {
    // The record at the end has a comment of at most 64 KiB behind it.
    let from = bytes.len().saturating_sub(22 + 65_536);
    let end = from + bytes[from..].windows(4).rposition(|window| window == END)?;
    let count = index::<2>(bytes, end + 10)?;
    let mut at = index::<4>(bytes, end + 16)?;
    let mut members = Vec::new();
    let mut left = budget;
    for _ in 0..count {
        if bytes.get(at..at + 4)? != ENTRY {
            return None;
        }
        let lengths = [28, 30, 32].map(|offset| index::<2>(bytes, at + offset));
        let [Some(name), Some(extra), Some(comment)] = lengths else {
            return None;
        };
        let text = |from: usize, length: usize| bytes.get(from..from + length);
        let method = le::<2>(bytes, at + 10)?;
        let packed = index::<4>(bytes, at + 20)?;
        let local = index::<4>(bytes, at + 42)?;
        let start = local + 30 + index::<2>(bytes, local + 26)? + index::<2>(bytes, local + 28)?;
        let raw = bytes.get(start..start.checked_add(packed)?)?;
        let data = match method {
            8 => match compressed::unpacked(flate2::read::DeflateDecoder::new(raw), left) {
                Some(data) => {
                    left -= data.len();
                    Cow::Owned(data)
                }
                None => Cow::Borrowed(raw),
            },
            _ => Cow::Borrowed(raw),
        };
        let extra_bytes = text(at + 46 + name, extra)?;
        // Tag 0x5455 is a time, 0x7875 a user.
        let extra_cause = match le::<2>(extra_bytes, 0) {
            Some(0x5455 | 0x5855) => Some(Cause::TimeStamp),
            Some(0x7875) => Some(Cause::User),
            _ => None,
        };
        members.push(Member {
            name: shown(text(at + 46, name)?),
            fields: vec![
                Field::new(
                    "time",
                    dos_time(le::<4>(bytes, at + 12)?),
                    Some(Cause::TimeStamp),
                ),
                Field::new("method", method, None),
                Field::new("made by", le::<2>(bytes, at + 4)?, None),
                Field::mode(u32::try_from(le::<4>(bytes, at + 38)? >> 16).ok()?),
                Field::new("extra field", hex::encode(extra_bytes), extra_cause),
                Field::new(
                    "comment",
                    shown(text(at + 46 + name + extra, comment)?),
                    None,
                ),
            ],
            data,
        });
        at += 46 + name + extra + comment;
    }
    Some(members)
}

/// The time in the low half and the date in the high one, as MS-DOS has them.
pub(super) fn dos_time(both: u64) -> String {
    let (time, date) = (both & 0xffff, both >> 16);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        1980 + (date >> 9),
        date >> 5 & 15,
        date & 31,
        time >> 11,
        time >> 5 & 63,
        2 * (time & 31)
    )
}
