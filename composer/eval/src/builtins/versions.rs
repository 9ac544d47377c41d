//! Version strings: splitting, comparing, and telling them from names.

use std::cmp::Ordering;

use super::{Result, Row};
use crate::evaluator::Evaluator;
use crate::value::Value;

pub(super) const ALL: &[Row] = &[
    (
        "compareVersions",
        2,
        "-1, 0 or 1: whether a version is older than, equal to or newer than another.",
        compare_versions,
    ),
    (
        "parseDrvName",
        1,
        "Splits NAME-VERSION into { name, version }.",
        parse_drv_name,
    ),
    (
        "splitVersion",
        1,
        "The components of a version.",
        split_version,
    ),
];

/// Components are runs of digits and runs of anything else; `.` and `-` separate.
fn components(version: &str) -> impl Iterator<Item = &str> {
    let mut rest = version;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(['.', '-']);
        let first = rest.chars().next()?;
        let digits = first.is_ascii_digit();
        let end = rest
            .find(|c: char| matches!(c, '.' | '-') || c.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let (component, tail) = rest.split_at(end);
        rest = tail;
        Some(component)
    })
}

/// Numbers compare as numbers; `pre` is older than anything, also than nothing; nothing is older than
/// a number or a word, and words are older than numbers.
fn compare_component(a: &str, b: &str) -> Ordering {
    // As in Nix, a longer number is a word.
    let number = |text: &str| text.parse::<i32>().ok();
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (None, Some(_)) if a.is_empty() => Ordering::Less,
        (Some(_), None) if b.is_empty() => Ordering::Greater,
        (a_number, b_number) => match (a, b) {
            ("pre", "pre") => Ordering::Equal,
            ("pre", _) => Ordering::Less,
            (_, "pre") => Ordering::Greater,
            _ if b_number.is_some() => Ordering::Less,
            _ if a_number.is_some() => Ordering::Greater,
            _ => a.cmp(b),
        },
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (components(a), components(b));
    loop {
        let (next_a, next_b) = (a.next(), b.next());
        if next_a.is_none() && next_b.is_none() {
            return Ordering::Equal;
        }
        let order = compare_component(next_a.unwrap_or(""), next_b.unwrap_or(""));
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_versions(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let a = ev.expect_plain_string(&args[0], "the first argument of `compareVersions`")?;
    let b = ev.expect_plain_string(&args[1], "the second argument of `compareVersions`")?;
    Ok(Value::Int(
        match compare(&a.to_string_lossy(), &b.to_string_lossy()) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        },
    ))
}

fn split_version(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let version = ev.expect_plain_string(&args[0], "the argument of `splitVersion`")?;
    let version = version.to_string_lossy();
    Ok(Value::list(
        components(&version).map(Value::from).collect::<Vec<_>>(),
    ))
}

fn parse_drv_name(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let full = ev.expect_plain_string(&args[0], "the argument of `parseDrvName`")?;
    let full = full.to_string_lossy();
    // The version starts after the first dash that no letter follows.
    let dash = full.char_indices().find(|(index, c)| {
        let next = full[index + c.len_utf8()..].chars().next();
        *c == '-' && next.is_some_and(|next| !next.is_ascii_alphabetic())
    });
    let (name, version) = match dash {
        Some((index, _)) => (&full[..index], &full[index + 1..]),
        None => (&*full, ""),
    };
    Ok(ev.make_attrs([
        ("name", Value::from(name)),
        ("version", Value::from(version)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_in_nix() {
        let ordered = [
            "1.0pre1", "1.0", "1.0a", "1.0.1", "1.2", "2.3", "2.3.1", "2.10",
        ];
        for (index, version) in ordered.iter().enumerate() {
            assert_eq!(compare(version, version), Ordering::Equal);
            for later in &ordered[index + 1..] {
                assert_eq!(
                    compare(version, later),
                    Ordering::Less,
                    "{version} < {later}"
                );
                assert_eq!(
                    compare(later, version),
                    Ordering::Greater,
                    "{later} > {version}"
                );
            }
        }
        assert_eq!(compare("2.3.1", "2.3a"), Ordering::Greater);
    }
}
