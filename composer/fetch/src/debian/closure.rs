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

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line: `name version [| field: value]...`.
    fn list(lines: &str) -> Vec<String> {
        let mut text = String::new();
        for line in lines.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let mut parts = line.split(" ; ");
            let (name, version) = parts.next().unwrap().split_once(' ').unwrap();
            text += &format!(
                "Package: {name}\nVersion: {version}\nFilename: pool/{name}.deb\nSize: 1\nSHA256: {}\n",
                "a".repeat(64)
            );
            for part in parts {
                text += &format!("{part}\n");
            }
            text += "\n";
        }
        vec![text]
    }

    fn close(lines: &str, roots: &[&str], exclude: &[&str]) -> Result<Vec<String>, ClosureFault> {
        let texts = list(lines);
        let index = PackageIndex::new(&texts, "amd64");
        let exclude = exclude.iter().copied().collect();
        let closed = closure(&index, roots, &exclude)?;
        Ok(closed.into_iter().map(str::to_owned).collect())
    }

    fn assert_closure(lines: &str, roots: &[&str], expected: &[&str]) {
        let closed = close(lines, roots, &[]).unwrap();
        assert_eq!(closed, expected, "{lines}");
        let reversed: Vec<&str> = lines.lines().rev().collect();
        let closed = close(&reversed.join("\n"), roots, &[]).unwrap();
        assert_eq!(closed, expected, "the order of the index decided: {lines}");
    }

    #[test]
    fn follows_both_fields_and_cycles() {
        assert_closure(
            "a 1 ; Depends: b (>= 1), c\nb 1 ; Pre-Depends: d\nc 1 ; Depends: a\nd 1\ne 1",
            &["a"],
            &["a", "b", "c", "d"],
        );
    }

    #[test]
    fn essential_and_recommended_are_not_followed() {
        assert_closure(
            "a 1 ; Recommends: b ; Suggests: c\nb 1\nc 1\nd 1 ; Essential: yes",
            &["a"],
            &["a"],
        );
    }

    #[test]
    fn the_first_alternative_that_can_be_had() {
        assert_closure("a 1 ; Depends: x | c | b\nb 1\nc 1", &["a"], &["a", "c"]);
        // What is asked for anyway is not joined by another alternative.
        assert_closure("a 1 ; Depends: c | b\nb 1\nc 1", &["a", "b"], &["a", "b"]);
        // A version that is too low is no alternative.
        assert_closure("a 1 ; Depends: c (>= 2) | b\nb 1\nc 1", &["a"], &["a", "b"]);
        assert_closure(
            "a 1 ; Depends: c (>= 2~) | b\nb 1\nc 2~rc1",
            &["a"],
            &["a", "c"],
        );
    }

    #[test]
    fn virtual_packages() {
        // By the archive's own priority, then by name.
        let awks = "a 1 ; Depends: awk\ngawk 1 ; Provides: awk\nmawk 1 ; Provides: awk ; Priority: required";
        assert_closure(awks, &["a"], &["a", "mawk"]);
        assert_closure(awks, &["a", "gawk"], &["a", "gawk"]);
        assert_closure(
            "a 1 ; Depends: v\nc 1 ; Provides: v\nb 1 ; Provides: v",
            &["a"],
            &["a", "b"],
        );
        // A real package goes before those that provide its name.
        assert_closure(
            "a 1 ; Depends: v\nb 1 ; Provides: v\nv 1",
            &["a"],
            &["a", "v"],
        );
        // A constraint is met by a versioned provision only.
        let versioned = "a 1 ; Depends: v (>= 2)\nb 9 ; Provides: v\nc 1 ; Provides: v (= 1)\nd 1 ; Provides: v (= 2)";
        assert_closure(versioned, &["a"], &["a", "d"]);
    }

    #[test]
    fn qualifiers() {
        assert_closure(
            "a 1 ; Depends: p:any, q:amd64, r:arm64, s [arm64], t [!arm64]\np 1\nq 1\nr 1\ns 1\nt 1",
            &["a"],
            &["a", "p", "q", "t"],
        );
    }

    #[test]
    fn excluded_packages_satisfy_and_are_not_taken() {
        let lines = "a 1 ; Depends: b, c | d\nb 1 ; Depends: e\nc 1\nd 1\ne 1";
        assert_eq!(close(lines, &["a"], &["b", "d"]).unwrap(), ["a"]);
        assert_eq!(close(lines, &["a"], &["e"]).unwrap(), ["a", "b", "c"]);
        // What is asked for by name is taken all the same.
        assert_eq!(close(lines, &["b"], &["b", "e"]).unwrap(), ["b"]);
        // An excluded provider is not chosen.
        let lines = "a 1 ; Depends: v\nb 1 ; Provides: v\nc 1 ; Provides: v";
        assert_eq!(close(lines, &["a"], &["b"]).unwrap(), ["a", "c"]);
    }

    #[test]
    fn the_highest_version_of_several_archives() {
        let texts = [
            list("a 1 ; Depends: b\nb 1"),
            list("a 1.1 ; Depends: c\nc 1\nb 1"),
        ]
        .concat();
        let index = PackageIndex::new(&texts, "amd64");
        let closed = closure(&index, &["a"], &BTreeSet::new()).unwrap();
        assert_eq!(closed.into_iter().collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(
            (index.packages["a"].archive, index.packages["b"].archive),
            (1, 0)
        );
    }

    #[test]
    fn faults() {
        assert_eq!(
            close("a 1", &["b"], &[]),
            Err(ClosureFault::Unknown { name: "b".into() })
        );
        assert_eq!(
            close("a 1 ; Provides: v", &["v"], &[]),
            Err(ClosureFault::Virtual {
                name: "v".into(),
                providers: vec!["a".into()]
            })
        );
        assert_eq!(
            close("a 1 ; Depends: b (>= 2) | v\nb 1", &["a"], &[]),
            Err(ClosureFault::Unsatisfied {
                package: "a".into(),
                dependency: "b (>= 2) | v".into()
            })
        );
        assert_eq!(
            close("a 1 ; Depends: b (~ 2)\nb 1", &["a"], &[]),
            Err(ClosureFault::Unreadable {
                package: "a".into(),
                dependency: "b (~ 2)".into()
            })
        );
    }
}
