//! Whether a set of packages can be installed together.
//!
//! Called by `install` before anything is placed. Invariant: judges by the rules of dpkg: `Depends` and
//! `Pre-Depends` are satisfied, no `Breaks` or `Conflicts` hits another package; architectures are the set's.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use xsc_fetch::compare_versions;

use crate::{Package, PackageError, Relation, parse_relations};

/// What a name stands for in the set: the package and, unless it is a virtual name without one, a version.
struct Offer<'p> {
    package: &'p str,
    version: Option<String>,
}

pub(super) fn check(packages: &[Package], architecture: &str) -> Result<(), PackageError> {
    let offers = offers(packages, architecture)?;
    for package in packages {
        let name = package.control.need("Package")?;
        for (field, says) in [("Pre-Depends", "pre-depends on"), ("Depends", "depends on")] {
            for alternatives in parse_relations(package.control.get(field).unwrap_or_default())? {
                if !alternatives
                    .iter()
                    .any(|r| found(&offers, r).next().is_some())
                {
                    let texts: Vec<String> = alternatives.iter().map(Relation::to_string).collect();
                    return Err(PackageError::Unsatisfied {
                        package: name.to_owned(),
                        field: says,
                        dependency: texts.join(" | "),
                    });
                }
            }
        }
        for (field, says) in [("Breaks", "breaks"), ("Conflicts", "conflicts with")] {
            let relations = parse_relations(package.control.get(field).unwrap_or_default())?;
            for relation in relations.iter().flatten() {
                // A package may conflict with a name that it provides itself: it is the only one then.
                if let Some(hit) = found(&offers, relation).find(|o| o.package != name) {
                    return Err(PackageError::Excluded {
                        package: name.to_owned(),
                        field: says,
                        other: hit.package.to_owned(),
                        version: hit.version.clone().unwrap_or_default(),
                    });
                }
            }
        }
    }
    Ok(())
}

fn offers<'p>(
    packages: &'p [Package],
    architecture: &str,
) -> Result<BTreeMap<String, Vec<Offer<'p>>>, PackageError> {
    let mut offers: BTreeMap<String, Vec<Offer<'p>>> = BTreeMap::new();
    for package in packages {
        let name = package.control.need("Package")?;
        let found = package.control.need("Architecture")?;
        if found != "all" && found != architecture {
            return Err(PackageError::Architecture {
                package: name.to_owned(),
                found: found.to_owned(),
                wanted: architecture.to_owned(),
            });
        }
        let own = offers.entry(name.to_owned()).or_default();
        if own.iter().any(|offer| offer.package == name) {
            return Err(PackageError::Twice {
                package: name.to_owned(),
            });
        }
        own.push(Offer {
            package: name,
            version: Some(package.control.need("Version")?.to_owned()),
        });
        let provided = parse_relations(package.control.get("Provides").unwrap_or_default())?;
        for relation in provided.into_iter().flatten() {
            offers.entry(relation.name).or_default().push(Offer {
                package: name,
                version: relation.constraint.map(|(_, version)| version),
            });
        }
    }
    Ok(offers)
}

fn found<'o, 'p>(
    offers: &'o BTreeMap<String, Vec<Offer<'p>>>,
    relation: &'o Relation,
) -> impl Iterator<Item = &'o Offer<'p>> {
    let list = offers.get(&relation.name).map(Vec::as_slice);
    let accepts = |offer: &&Offer<'_>| match (&relation.constraint, &offer.version) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((operator, wanted)), Some(version)) => {
            let order = compare_versions(version, wanted);
            match operator.as_str() {
                "<<" => order == Ordering::Less,
                "<=" => order != Ordering::Greater,
                "=" => order == Ordering::Equal,
                ">=" => order != Ordering::Less,
                _ => order == Ordering::Greater,
            }
        }
    };
    list.unwrap_or_default().iter().filter(accepts)
}
