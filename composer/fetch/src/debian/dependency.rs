//! Dependency fields: `a (>= 1) | b:any, c`, and `Provides`.
//!
//! Used by `closure`. Invariant: what can't be parsed is left out of a list of alternatives only as a whole
//! and reported by `parse`, never read as something weaker.

use std::cmp::Ordering;

use super::version::compare_versions;

/// One alternative of a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation<'t> {
    pub(crate) name: &'t str,
    pub(crate) constraint: Option<(Operator, &'t str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Earlier,
    AtMost,
    Exactly,
    AtLeast,
    Later,
}

impl Relation<'_> {
    /// Whether a package of this version satisfies the constraint.
    pub(crate) fn accepts(&self, version: &str) -> bool {
        self.constraint.is_none_or(|(operator, wanted)| {
            let order = compare_versions(version, wanted);
            match operator {
                Operator::Earlier => order == Ordering::Less,
                Operator::AtMost => order != Ordering::Greater,
                Operator::Exactly => order == Ordering::Equal,
                Operator::AtLeast => order != Ordering::Less,
                Operator::Later => order == Ordering::Greater,
            }
        })
    }
}

/// Splits a field into dependencies, each a list of alternatives. `Err` is the part that can't be read.
pub(crate) fn parse<'t>(
    field: &'t str,
    architecture: &str,
) -> Result<Vec<Vec<Relation<'t>>>, &'t str> {
    let mut all = Vec::new();
    for dependency in field.split(',').map(str::trim).filter(|d| !d.is_empty()) {
        let mut alternatives = Vec::new();
        for text in dependency.split('|').map(str::trim) {
            let relation = relation(text, architecture).ok_or(dependency)?;
            alternatives.extend(relation);
        }
        if !alternatives.is_empty() {
            all.push(alternatives);
        }
    }
    Ok(all)
}

/// One alternative; `Some(None)` if it does not apply to the architecture.
fn relation<'t>(text: &'t str, architecture: &str) -> Option<Option<Relation<'t>>> {
    let (text, applies) = match text.split_once('[') {
        Some((before, list)) => {
            let list: Vec<&str> = list.strip_suffix(']')?.split_whitespace().collect();
            (before.trim(), applies(&list, architecture))
        }
        None => (text, true),
    };
    let (name, constraint) = match text.split_once('(') {
        Some((name, constraint)) => {
            let constraint = constraint.trim().strip_suffix(')')?.trim();
            let split = constraint.find(|c| !matches!(c, '<' | '>' | '='))?;
            let (operator, version) = constraint.split_at(split);
            let operator = match operator {
                "<<" => Operator::Earlier,
                "<=" | "<" => Operator::AtMost,
                "=" => Operator::Exactly,
                ">=" | ">" => Operator::AtLeast,
                ">>" => Operator::Later,
                _ => return None,
            };
            (name.trim(), Some((operator, version.trim())))
        }
        None => (text, None),
    };
    let (name, qualifier) = match name.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (name, None),
    };
    let fits = qualifier.is_none_or(|q| q == "any" || q == "native" || q == architecture);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    Some((applies && fits).then_some(Relation { name, constraint }))
}

fn applies(list: &[&str], architecture: &str) -> bool {
    let matches = |word: &str| {
        word == architecture || word == "any" || word == "linux-any" || {
            word.strip_prefix("any-")
                .is_some_and(|cpu| cpu == architecture)
        }
    };
    if list.iter().any(|w| w.starts_with('!')) {
        !list
            .iter()
            .any(|w| w.strip_prefix('!').is_some_and(matches))
    } else {
        list.iter().any(|w| matches(w))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(field: &str) -> Vec<Vec<String>> {
        let parsed = parse(field, "amd64").unwrap();
        let relation = |r: &Relation<'_>| match r.constraint {
            Some((op, version)) => format!("{} {op:?} {version}", r.name),
            None => r.name.to_owned(),
        };
        parsed
            .iter()
            .map(|d| d.iter().map(relation).collect())
            .collect()
    }

    #[test]
    fn reads_what_archives_hold() {
        assert_eq!(
            shown("libc6 (>= 2.38), gcc-14-base (= 14.2.0-19),\n perl:any, a | b (<< 1:2~) | c,"),
            [
                vec!["libc6 AtLeast 2.38"],
                vec!["gcc-14-base Exactly 14.2.0-19"],
                vec!["perl"],
                vec!["a", "b Earlier 1:2~", "c"],
            ]
        );
        assert_eq!(
            shown("a [amd64 arm64], b [!amd64], c:arm64, d:amd64"),
            [["a"], ["d"]]
        );
        assert_eq!(shown("a(>>1)"), [["a Later 1"]]);
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for bad in ["a (~ 1)", "a (>= 1", "a b", "a [amd64", "(>= 1)", "a ()"] {
            assert_eq!(parse(bad, "amd64"), Err(bad), "{bad}");
        }
    }

    #[test]
    fn constraints() {
        let accepts =
            |field: &str, version: &str| parse(field, "amd64").unwrap()[0][0].accepts(version);
        assert!(accepts("a (>= 1.0)", "1.0"));
        assert!(!accepts("a (>> 1.0)", "1.0"));
        assert!(accepts("a (<< 1.0)", "1.0~rc1"));
        assert!(!accepts("a (= 1.0)", "1.0+b1"));
        assert!(accepts("a (<= 1.0)", "0.9"));
    }
}
