//! Bytes of no known format: where they differ, in hexadecimal and with the text around.
//!
//! Invariant: two contents that are not equal give at least one difference here.

use crate::cause::{Cause, cause_of};
use crate::context::Context;

/// As many places as are shown.
const PLACES: usize = 6;

/// Equal bytes between two places that count as one.
const GAP: usize = 8;

/// Bytes of a place that are shown.
const SHOWN: usize = 24;

pub(super) fn compare(context: &mut Context<'_>, first: &[u8], second: &[u8]) {
    if first.len() != second.len() {
        let (a, b) = (first.len().to_string(), second.len().to_string());
        let same = first.iter().zip(second).all(|(a, b)| a == b);
        context.note("size", a, b, (!same).then_some(Cause::Consequence));
    }
    let places = places(first, second);
    for (from, to) in &places {
        let (a, b) = (&first[*from..*to], &second[*from..*to]);
        let around = |bytes: &[u8]| printable(bytes, *from, *to);
        let cause = numbers(context, first, second, (*from, *to))
            .or_else(|| cause_of(&around(first), &around(second), context.facts));
        let what = format!("{} bytes at offset {from:#x}", to - from);
        context.note(
            what,
            shown(a, &around(first)),
            shown(b, &around(second)),
            cause,
        );
    }
}

/// The first places that differ.
fn places(first: &[u8], second: &[u8]) -> Vec<(usize, usize)> {
    let mut places: Vec<(usize, usize)> = Vec::new();
    for (at, _) in first
        .iter()
        .zip(second)
        .enumerate()
        .filter(|(_, (a, b))| a != b)
    {
        let count = places.len();
        match places.last_mut() {
            Some((_, end)) if at - *end < GAP => *end = at + 1,
            _ if count == PLACES => break,
            _ => places.push((at, at + 1)),
        }
    }
    places
}

/// A time or user as a binary number, at the place or around it.
fn numbers(
    context: &Context<'_>,
    first: &[u8],
    second: &[u8],
    (from, to): (usize, usize),
) -> Option<Cause> {
    let start = from.saturating_sub(7);
    let end = (to + 7).min(first.len()).min(second.len());
    let (a, b) = (&first[start..end], &second[start..end]);
    let has = |x: &[u8], y: &[u8]| {
        a.windows(x.len())
            .zip(b.windows(y.len()))
            .any(|(a, b)| a == x && b == y)
    };
    if let Some((x, y)) = context.facts.clock {
        // Only the low half: it is in every width.
        let (x, y) = (x as u32, y as u32);
        if has(&x.to_le_bytes(), &y.to_le_bytes()) || has(&x.to_be_bytes(), &y.to_be_bytes()) {
            return Some(Cause::TimeStamp);
        }
    }
    let (x, y) = context.facts.uid?;
    (has(&x.to_le_bytes(), &y.to_le_bytes()) || has(&x.to_be_bytes(), &y.to_be_bytes()))
        .then_some(Cause::User)
}

/// The text that the place is part of.
fn printable(bytes: &[u8], from: usize, to: usize) -> String {
    let is_text = |b: &u8| (0x20..0x7f).contains(b);
    let start = bytes[..from]
        .iter()
        .rev()
        .take(64)
        .take_while(|b| is_text(b))
        .count();
    let behind = bytes[to..]
        .iter()
        .take(64)
        .take_while(|b| is_text(b))
        .count();
    let all = &bytes[from - start..to + behind];
    let shown: String = all
        .iter()
        .take(160)
        .map(|b| if is_text(b) { char::from(*b) } else { ' ' })
        .collect();
    shown.trim().to_owned()
}

fn shown(bytes: &[u8], text: &str) -> String {
    let mut shown = hex::encode(&bytes[..bytes.len().min(SHOWN)]);
    if bytes.len() > SHOWN {
        shown.push('…');
    }
    match text.len() >= 4 {
        true => format!("{shown} {text:?}"),
        false => shown,
    }
}
