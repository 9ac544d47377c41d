//! The closure of a set of packages under `Pre-Depends` and `Depends`.
//!
//! Called by `lock` for each named set. Invariant: the same index and names give the same closure, whatever the
//! order of either: names are taken in sorted order, and each choice follows a fixed rule. `Essential` is not
//! implied, `Recommends` is not followed, `Conflicts` is not judged.

use std::collections::{BTreeSet, VecDeque};

use super::dependency::{Relation, parse};
use super::index::{Package, PackageIndex};

/// Why a set has no closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClosureFault {
    /// A name asked for is none of a package.
    Unknown { name: String },
    /// A name asked for is virtual.
    Virtual {
        name: String,
        providers: Vec<String>,
    },
    /// Nothing satisfies a dependency.
    Unsatisfied { package: String, dependency: String },
    /// A dependency can't be read.
    Unreadable { package: String, dependency: String },
}

/// Returns the sorted names of the closure of `roots`.
pub(crate) fn closure<'t>(
    index: &PackageIndex<'t>,
    roots: &[&str],
    exclude: &BTreeSet<&str>,
) -> Result<BTreeSet<&'t str>, ClosureFault> {
    let mut roots = roots.to_vec();
    roots.sort_unstable();
    let mut selected = BTreeSet::new();
    let mut queue = VecDeque::new();
    for name in roots {
        match index.packages.get(name) {
            Some(package) => {
                if selected.insert(package.name) {
                    queue.push_back(package);
                }
            }
            None => return Err(unknown(index, name)),
        }
    }
    while let Some(package) = queue.pop_front() {
        for field in [package.pre_depends, package.depends] {
            let dependencies = parse(field, &index.architecture);
            let dependencies = dependencies.map_err(|bad| ClosureFault::Unreadable {
                package: package.name.to_owned(),
                dependency: bad.to_owned(),
            })?;
            for alternatives in &dependencies {
                if is_met(index, alternatives, &selected, exclude) {
                    continue;
                }
                let chosen = choose(index, alternatives, exclude);
                let chosen = chosen.ok_or_else(|| ClosureFault::Unsatisfied {
                    package: package.name.to_owned(),
                    dependency: shown(alternatives),
                })?;
                if selected.insert(chosen.name) {
                    queue.push_back(chosen);
                }
            }
        }
    }
    Ok(selected)
}

fn unknown(index: &PackageIndex<'_>, name: &str) -> ClosureFault {
    let name = name.to_owned();
    match index.providers.get(name.as_str()) {
        Some(list) => ClosureFault::Virtual {
            name,
            providers: list.iter().map(|p| p.package.to_owned()).collect(),
        },
        None => ClosureFault::Unknown { name },
    }
}

/// Whether an alternative is excluded on purpose or already satisfied by what is selected.
fn is_met(
    index: &PackageIndex<'_>,
    alternatives: &[Relation<'_>],
    selected: &BTreeSet<&str>,
    exclude: &BTreeSet<&str>,
) -> bool {
    alternatives.iter().any(|relation| {
        exclude.contains(relation.name)
            || candidates(index, relation).any(|p| selected.contains(p.name))
    })
}

/// The first alternative that something satisfies; of that, the real package before its providers.
fn choose<'i, 't>(
    index: &'i PackageIndex<'t>,
    alternatives: &[Relation<'_>],
    exclude: &BTreeSet<&str>,
) -> Option<&'i Package<'t>> {
    alternatives
        .iter()
        .find_map(|relation| candidates(index, relation).find(|p| !exclude.contains(p.name)))
}

fn candidates<'i: 'a, 'a, 't>(
    index: &'i PackageIndex<'t>,
    relation: &'a Relation<'_>,
) -> impl Iterator<Item = &'i Package<'t>> + 'a {
    let real = index.packages.get(relation.name);
    let real = real.filter(|p| relation.accepts(p.version));
    let providers = index.providers.get(relation.name);
    let provided = providers.into_iter().flatten().filter(|p| match p.version {
        Some(version) => relation.accepts(version),
        None => relation.constraint.is_none(),
    });
    real.into_iter()
        .chain(provided.filter_map(|p| index.packages.get(p.package)))
}

fn shown(alternatives: &[Relation<'_>]) -> String {
    let relation = |r: &Relation<'_>| match r.constraint {
        Some((operator, version)) => {
            use super::dependency::Operator::*;
            let sign = match operator {
                Earlier => "<<",
                AtMost => "<=",
                Exactly => "=",
                AtLeast => ">=",
                Later => ">>",
            };
            format!("{} ({sign} {version})", r.name)
        }
        None => r.name.to_owned(),
    };
    let list: Vec<String> = alternatives.iter().map(relation).collect();
    list.join(" | ")
}
