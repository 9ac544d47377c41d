//! Dependency fields of a binary package, parsed to be changed and written again.
//!
//! Used by `rebase` and `root`. Invariant: what can't be read is an error, never dropped: a package must not lose a
//! dependency by being rebased.

use std::fmt;

use crate::PackageError;

/// One alternative: `name:qualifier (operator version)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The package.
    pub name: String,
    /// What follows the colon: `any` or an architecture.
    pub qualifier: Option<String>,
    /// Operator (`<<`, `<=`, `=`, `>=`, `>>`) and version.
    pub constraint: Option<(String, String)>,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(qualifier) = &self.qualifier {
            write!(f, ":{qualifier}")?;
        }
        if let Some((operator, version)) = &self.constraint {
            write!(f, " ({operator} {version})")?;
        }
        Ok(())
    }
}

/// Splits a field into dependencies, each a list of alternatives.
///
/// # Errors
/// `Relation` with the part that can't be read.
pub fn parse_relations(field: &str) -> Result<Vec<Vec<Relation>>, PackageError> {
    let dependencies = field.split(',').map(str::trim).filter(|d| !d.is_empty());
    dependencies
        .map(|dependency| {
            let alternatives = dependency.split('|').map(|text| relation(text.trim()));
            let alternatives: Option<Vec<Relation>> = alternatives.collect();
            alternatives.ok_or_else(|| PackageError::Relation {
                text: dependency.to_owned(),
            })
        })
        .collect()
}

/// The text of a field.
pub fn show_relations(dependencies: &[Vec<Relation>]) -> String {
    let one = |alternatives: &Vec<Relation>| {
        let texts: Vec<String> = alternatives.iter().map(Relation::to_string).collect();
        texts.join(" | ")
    };
    let texts: Vec<String> = dependencies.iter().map(one).collect();
    texts.join(", ")
}

fn relation(text: &str) -> Option<Relation> {
    let (name, constraint) = match text.split_once('(') {
        Some((name, rest)) => {
            let rest = rest.strip_suffix(')')?.trim();
            let split = rest.find(|c| !matches!(c, '<' | '>' | '='))?;
            let (operator, version) = rest.split_at(split);
            // The forms of old packages, which dpkg reads as "or equal".
            let operator = match operator {
                "<" => "<=",
                ">" => ">=",
                "<<" | "<=" | "=" | ">=" | ">>" => operator,
                _ => return None,
            };
            let version = version.trim();
            if version.contains(char::is_whitespace) {
                return None;
            }
            (name.trim(), Some((operator.to_owned(), version.to_owned())))
        }
        None => (text, None),
    };
    let (name, qualifier) = match name.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (name, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let word = |text: &str| !text.is_empty() && text.chars().all(plain);
    if !word(name) || !qualifier.is_none_or(word) {
        return None;
    }
    Some(Relation {
        name: name.to_owned(),
        qualifier: qualifier.map(str::to_owned),
        constraint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (text, shown) in [
            ("", ""),
            ("a", "a"),
            (
                "a(>>1:2-3),b:any|c (= 1~rc)",
                "a (>> 1:2-3), b:any | c (= 1~rc)",
            ),
            ("a (> 1),\n b", "a (>= 1), b"),
        ] {
            assert_eq!(show_relations(&parse_relations(text).unwrap()), shown);
        }
    }

    #[test]
    fn refuses() {
        for bad in [
            "a (~ 1)",
            "a (>= 1",
            "a b",
            "a ()",
            "|",
            "a:",
            "a (= 1 2)",
            "a [amd64]",
        ] {
            assert!(parse_relations(bad).is_err(), "{bad}");
        }
    }
}
