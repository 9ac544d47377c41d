//! Why a derivation has to be made again: what of it differs from the last build.
//!
//! `plan` calls [`causes`]. Invariant: a derivation is a cause only for something of its own; one
//! that is made again only because an input is, is never listed.

use std::collections::BTreeMap;
use std::path::Path;

use xsc_model::{DrvId, Graph};

use crate::plan::Plan;
use crate::record::{Facts, InputFacts, Recorded, files_of};

/// Lines of a changed text that a [`Change`] shows.
const LINES: usize = 8;

/// A derivation that is missing for a reason of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Which.
    pub drv: DrvId,
    /// Its name.
    pub name: String,
    /// The reason.
    pub why: Why,
}

/// The reason why a derivation is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The last build had none of that name.
    New,
    /// The last build had the same: it failed or did not get there, or the output was collected.
    Absent,
    /// It is not what it was.
    Changed(Vec<Change>),
}

/// One thing that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is, such as ``source `kernel/drivers` ``.
    pub what: String,
    /// The difference, a line each: `- ` gone, `+ ` new, `~ ` changed.
    pub lines: Vec<String>,
}

/// The causes of everything in `plan` that is missing, against what the last build saw. Sources
/// are read below `repository`.
pub fn causes(graph: &Graph, plan: &Plan, last: &Recorded, repository: &Path) -> Vec<Cause> {
    let mut by_stem: BTreeMap<&str, Vec<&Facts>> = BTreeMap::new();
    for facts in last.derivations.values() {
        by_stem.entry(stem(&facts.name)).or_default().push(facts);
    }
    let mut found = Vec::new();
    for id in plan.missing() {
        let Some(drv) = graph.get(id) else { continue };
        let follows = xsc_model::dependencies(drv).any(|dep| !plan.known.contains_key(&dep));
        let why = if last.derivations.contains_key(&id.to_string()) {
            (!follows).then_some(Why::Absent)
        } else {
            let now = Facts::new(graph, drv);
            let closest = by_stem
                .get(stem(&now.name))
                .into_iter()
                .flatten()
                .map(|then| changes(then, &now, last, repository))
                .min_by_key(Vec::len);
            match closest {
                None => Some(Why::New),
                Some(changes) if !changes.is_empty() => Some(Why::Changed(changes)),
                // Only inputs are others, and those say why.
                Some(_) if follows => None,
                Some(_) => Some(Why::Changed(vec![Change {
                    what: "what its inputs are made of, or their order".to_owned(),
                    lines: Vec::new(),
                }])),
            }
        };
        if let Some(why) = why {
            found.push(Cause {
                drv: *id,
                name: drv.name.to_string(),
                why,
            });
        }
    }
    found
}

/// What a derivation has of its own that it did not have then.
fn changes(then: &Facts, now: &Facts, last: &Recorded, repository: &Path) -> Vec<Change> {
    let mut changes = Vec::new();
    let keys = then.facts.keys().chain(now.facts.keys());
    let keys: std::collections::BTreeSet<&String> = keys.collect();
    for key in keys {
        let (old, new) = (then.facts.get(key), now.facts.get(key));
        if old != new {
            let text = |value: Option<&String>| value.cloned().unwrap_or_default();
            changes.push(Change {
                what: format!("`{key}`"),
                lines: difference(&text(old), &text(new)),
            });
        }
    }
    // Inputs are the same if they are at one place and of one recipe, whatever they contain.
    let key = |input: &InputFacts| match input.drv {
        Some(_) => (
            input.at.clone(),
            stem_of_output(&input.from).to_owned(),
            true,
        ),
        None => (input.at.clone(), input.from.clone(), false),
    };
    let mut before: BTreeMap<_, Vec<&InputFacts>> = BTreeMap::new();
    for input in then.inputs.iter().rev() {
        before.entry(key(input)).or_default().push(input);
    }
    for input in &now.inputs {
        let paired = before.get_mut(&key(input)).and_then(Vec::pop);
        match (paired, &input.tree) {
            (None, _) => changes.push(Change {
                what: format!("input at `{}`", input.at),
                lines: vec![format!("+ {}", input.from)],
            }),
            (Some(old), Some(tree)) if old.tree.as_ref() != Some(tree) => {
                let files = |id: &str| last.sources.get(id).cloned();
                let then = old.tree.as_deref().and_then(files);
                let now = tree.parse().ok().and_then(|tree| {
                    let paths: Vec<String> = input.from.split(", ").map(str::to_owned).collect();
                    files_of(repository, tree, &paths)
                });
                changes.push(Change {
                    what: format!("source `{}`", input.from),
                    lines: match (then, now) {
                        (Some(then), Some(now)) => changed_files(&then, &now),
                        _ => Vec::new(),
                    },
                });
            }
            _ => {}
        }
    }
    for input in before.into_values().flatten() {
        changes.push(Change {
            what: format!("input at `{}`", input.at),
            lines: vec![format!("- {}", input.from)],
        });
    }
    changes
}

/// A derivation's name without its version: up to the last `-` that a digit follows.
pub fn stem(name: &str) -> &str {
    let mut versions = name.rmatch_indices('-').map(|(at, _)| at);
    let digit = |at: &usize| {
        name[at + 1..]
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_digit())
    };
    versions.find(digit).map_or(name, |at| &name[..at])
}

/// The same of `NAME.OUTPUT`, the output left out.
fn stem_of_output(from: &str) -> &str {
    stem(from.rsplit_once('.').map_or(from, |(name, _)| name))
}

fn changed_files(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let gone = then.keys().filter(|path| !now.contains_key(*path));
    let mut lines: Vec<String> = gone.map(|path| format!("- {path}")).collect();
    for (path, content) in now {
        match then.get(path) {
            None => lines.push(format!("+ {path}")),
            Some(old) if old != content => lines.push(format!("~ {path}")),
            Some(_) => {}
        }
    }
    shorten(lines)
}

/// The lines of two texts between what they begin and what they end with.
fn difference(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| -> usize {
        pairs.take_while(|(a, b)| a == b).count()
    };
    let head = same(&mut old.iter().zip(&new));
    let tail = same(&mut old[head..].iter().rev().zip(new[head..].iter().rev()));
    let gone = &old[head..old.len() - tail];
    let come = &new[head..new.len() - tail];
    let lines = gone.iter().map(|line| format!("- {line}"));
    shorten(
        lines
            .chain(come.iter().map(|line| format!("+ {line}")))
            .collect(),
    )
}

fn shorten(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("… and {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stem_of_a_name_has_no_version() {
        for (name, expected) in [
            ("linux-6.12.107", "linux"),
            ("linux-drivers", "linux-drivers"),
            ("gcc-build-x86_64-14.2.0", "gcc-build-x86_64"),
            ("x", "x"),
            ("a-", "a-"),
        ] {
            assert_eq!(stem(name), expected);
        }
        assert_eq!(stem_of_output("linux-6.12.107.out"), "linux");
    }

    #[test]
    fn a_difference_is_what_lies_between() {
        assert_eq!(difference("a\nb\nc", "a\nx\nc"), ["- b", "+ x"]);
        assert_eq!(difference("a\na", "a"), ["- a"]);
        assert_eq!(difference("", "a"), ["+ a"]);
        let long: String = (0..20).map(|n| format!("{n}\n")).collect();
        let lines = difference("", &long);
        assert_eq!(lines.len(), LINES + 1);
        assert_eq!(lines.last().map(String::as_str), Some("… and 12 more"));
    }
}
