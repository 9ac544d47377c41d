//! Debian version numbers: `[epoch:]upstream[-revision]`, compared as the policy manual says (section 5.6.12).
//!
//! Used to choose the highest version and to judge version constraints.
//! Invariant: `compare` is a total order on all strings; `~` sorts before the end of a part.

use std::cmp::Ordering;

/// Compares two Debian versions.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    a.0.cmp(&b.0)
        .then_with(|| compare_part(a.1, b.1))
        .then_with(|| compare_part(a.2, b.2))
}

/// Returns the upstream part of a version: without epoch and Debian revision.
pub(crate) fn upstream(version: &str) -> &str {
    split(version).1
}

fn split(version: &str) -> (u64, &str, &str) {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) => match epoch.parse() {
            Ok(epoch) => (epoch, rest),
            Err(_) => (0, version),
        },
        None => (0, version),
    };
    match rest.rsplit_once('-') {
        Some((upstream, revision)) => (epoch, upstream, revision),
        None => (epoch, rest, ""),
    }
}

fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (text_a, text_b);
        (text_a, a) = take(a, |c| !c.is_ascii_digit());
        (text_b, b) = take(b, |c| !c.is_ascii_digit());
        let text = compare_text(text_a, text_b);
        if text != Ordering::Equal {
            return text;
        }
        let (number_a, number_b);
        (number_a, a) = take(a, |c| c.is_ascii_digit());
        (number_b, b) = take(b, |c| c.is_ascii_digit());
        // By length and then by digits, so that no number is too long to compare.
        let (x, y) = (
            number_a.trim_start_matches('0'),
            number_b.trim_start_matches('0'),
        );
        let number = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
        if number != Ordering::Equal {
            return number;
        }
    }
    Ordering::Equal
}

fn take(text: &str, wanted: fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !wanted(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn compare_text(a: &str, b: &str) -> Ordering {
    let weight = |c: Option<char>| match c {
        Some('~') => -1,
        None => 0,
        Some(c) if c.is_ascii_alphabetic() => i64::from(u32::from(c)),
        Some(c) => i64::from(u32::from(c)) + 256,
    };
    let (mut a, mut b) = (a.chars(), b.chars());
    loop {
        let (x, y) = (a.next(), b.next());
        match weight(x).cmp(&weight(y)) {
            Ordering::Equal if x.is_none() && y.is_none() => return Ordering::Equal,
            Ordering::Equal => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        // Each line sorts strictly before the next.
        let ordered = [
            "0~~",
            "0~",
            "0",
            "0a",
            "0+",
            "0.1~rc1-1",
            "0.1-1~bpo1",
            "0.1-1",
            "0.1-1+b1",
            "0.1-1.1",
            "0.9",
            "0.10",
            "0.10a",
            "0.10.1",
            "1.0-0.1",
            "1.0-1",
            "1.0.0",
            "6.12.9-1",
            "6.12.94-1",
            "6.12.107-1",
            "20240101",
            "99999999999999999999998",
            "99999999999999999999999",
            "1:0.1",
            "1:0.1-1",
            "2:0",
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(compare_versions(a, b), i.cmp(&j), "{a} and {b}");
            }
        }
    }

    #[test]
    fn different_spellings_of_one_version() {
        for (a, b) in [
            ("1.0", "0:1.0"),
            ("1.02", "1.2"),
            ("1", "1-0"),
            ("1.0-1", "1.0-01"),
        ] {
            assert_eq!(compare_versions(a, b), Ordering::Equal, "{a} and {b}");
        }
    }

    #[test]
    fn upstream_part() {
        assert_eq!(upstream("1:6.12.107+dfsg-2-1"), "6.12.107+dfsg-2");
        assert_eq!(upstream("6.12"), "6.12");
    }
}
