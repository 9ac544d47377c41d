//! Texts, by line.
//!
//! Invariant: lines that are equal as a set are said to differ in order and in nothing else.

use crate::cause::Cause;
use crate::context::Context;

/// As many lines as are shown of one text.
const LINES: usize = 8;

/// As much of a line as is shown.
const WIDTH: usize = 160;

/// As far as the other text is searched for the place where both go on.
const LOOK_AHEAD: usize = 64;

pub(super) fn is(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(8192)];
    let valid = match std::str::from_utf8(start) {
        Ok(_) => true,
        // Cut in the middle of a character.
        Err(error) => error.error_len().is_none(),
    };
    let control = |b: &&u8| **b < 0x20 && !b"\t\n\r\x0c\x1b".contains(b);
    valid && !start.iter().any(|b| control(&b))
}

pub(super) fn compare(context: &mut Context<'_>, first: &[u8], second: &[u8]) {
    let (first, second) = (
        String::from_utf8_lossy(first),
        String::from_utf8_lossy(second),
    );
    let a: Vec<&str> = first.split_inclusive('\n').collect();
    let b: Vec<&str> = second.split_inclusive('\n').collect();
    let sorted = |lines: &[&'_ str]| {
        let mut lines: Vec<String> = lines
            .iter()
            .map(|l| l.trim_end_matches('\n').to_owned())
            .collect();
        lines.sort_unstable();
        lines
    };
    if a.len() == b.len() && a.len() > 1 && sorted(&a) == sorted(&b) {
        let at = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
        let what = format!("order of lines, from line {}", at + 1);
        context.note(what, cut(a[at]), cut(b[at]), Some(Cause::Order));
        return;
    }
    let (mut x, mut y, mut shown) = (0, 0, 0);
    while x < a.len() || y < b.len() {
        if x < a.len() && y < b.len() && a[x] == b[y] {
            x += 1;
            y += 1;
            continue;
        }
        if shown == LINES {
            context.note("more lines", "", "", Some(Cause::Consequence));
            return;
        }
        shown += 1;
        let (skip_x, skip_y) = meet(&a[x..], &b[y..]);
        let what = format!("line {}", x + 1);
        let line = |lines: &[&str], at: usize, count: usize| match count {
            0 => String::new(),
            1 => cut(lines[at]),
            count => format!("{} (and {} more)", cut(lines[at]), count - 1),
        };
        context.note(what, line(&a, x, skip_x), line(&b, y, skip_y), None);
        x += skip_x;
        y += skip_y;
    }
}

/// How many lines of each come before both go on alike.
fn meet(a: &[&str], b: &[&str]) -> (usize, usize) {
    for sum in 1..LOOK_AHEAD {
        // Changed lines come before added ones.
        for x in (0..=sum)
            .rev()
            .map(|n| (sum / 2).abs_diff(n))
            .filter(|x| *x <= sum)
        {
            let y = sum - x;
            if let (Some(one), Some(other)) = (a.get(x), b.get(y))
                && one == other
            {
                return (x, y);
            }
        }
    }
    // Nowhere near: line by line.
    match (a.len(), b.len()) {
        (0, rest) => (0, rest),
        (rest, 0) => (rest, 0),
        _ => (1, 1),
    }
}

fn cut(line: &str) -> String {
    let line = line.trim_end_matches('\n');
    match line.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
