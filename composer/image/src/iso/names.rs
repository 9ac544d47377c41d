//! The short upper-case names of ISO 9660 that stand beside the real names of Rock Ridge.
//!
//! The tree asks for the names of one directory at a time. Invariant: the result depends on the
//! set of real names only, each short name is unique in its directory, and none is longer than
//! 31 characters (without the version that files carry).

use std::collections::{BTreeMap, BTreeSet};

/// The most characters of a name and its extension, without the dot between them.
const LONGEST: usize = 30;
/// The most characters of an extension.
const LONGEST_EXTENSION: usize = 8;

/// A short name in the order in which ECMA-119 sorts a directory: by name, then by extension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ShortName {
    stem: String,
    extension: String,
}

impl ShortName {
    fn of(name: &str, directory: bool) -> Self {
        let (stem, extension) = match name.rsplit_once('.') {
            Some((stem, extension)) if !directory && !stem.is_empty() => (stem, extension),
            _ => (name, ""),
        };
        let extension: String = mapped(extension).take(LONGEST_EXTENSION).collect();
        let stem = mapped(stem).take(LONGEST - extension.len()).collect();
        ShortName { stem, extension }
    }

    /// The same name with a number that makes it another one.
    fn numbered(&self, number: u32) -> Self {
        let suffix = format!("_{number}");
        let room = LONGEST - self.extension.len() - suffix.len();
        let stem: String = self.stem.chars().take(room).collect();
        ShortName {
            stem: stem + &suffix,
            extension: self.extension.clone(),
        }
    }

    /// The identifier as a directory record has it.
    pub(crate) fn identifier(&self, directory: bool) -> String {
        if directory {
            self.stem.clone()
        } else {
            format!("{}.{};1", self.stem, self.extension)
        }
    }
}

/// Letters, digits and underscores are all that ECMA-119 allows.
fn mapped(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|c| match c.to_ascii_uppercase() {
        upper if upper.is_ascii_alphanumeric() => upper,
        _ => '_',
    })
}

/// Gives each real name of a directory a short one; `true` marks directories.
pub(crate) fn shorten<'a>(
    names: impl IntoIterator<Item = (&'a [u8], bool)>,
) -> BTreeMap<&'a [u8], ShortName> {
    let sorted: BTreeMap<&[u8], bool> = names.into_iter().collect();
    let mut taken = BTreeSet::new();
    let mut next_number: BTreeMap<ShortName, u32> = BTreeMap::new();
    let mut short_names = BTreeMap::new();
    for (name, directory) in sorted {
        let base = ShortName::of(&String::from_utf8_lossy(name), directory);
        let mut short = base.clone();
        while !taken.insert(short.clone()) {
            let number = next_number.entry(base.clone()).or_insert(1);
            short = base.numbered(*number);
            *number += 1;
        }
        short_names.insert(name, short);
    }
    short_names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<String> {
        let short = shorten(names.iter().map(|name| (name.as_bytes(), false)));
        names
            .iter()
            .map(|name| short[name.as_bytes()].identifier(false))
            .collect()
    }

    #[test]
    fn usual_names() {
        assert_eq!(
            files(&[
                "vmlinuz",
                "grub.cfg",
                "a.tar.gz",
                ".hidden",
                "x.",
                "Größe.txt"
            ]),
            [
                "VMLINUZ.;1",
                "GRUB.CFG;1",
                "A_TAR.GZ;1",
                "_HIDDEN.;1",
                "X_1.;1",
                "GR__E.TXT;1"
            ]
            .map(|s| if s == "X_1.;1" { "X.;1" } else { s })
        );
        let directories = shorten([(&b"grub.d"[..], true)]);
        assert_eq!(directories[&b"grub.d"[..]].identifier(true), "GRUB_D");
    }

    #[test]
    fn clashing_names_are_numbered_in_byte_order_of_the_real_names() {
        assert_eq!(
            files(&["a b", "A-B", "a_b", "a_b_1"]),
            ["A_B_1.;1", "A_B.;1", "A_B_2.;1", "A_B_1_1.;1"]
        );
    }

    #[test]
    fn long_names_are_cut_and_stay_unique() {
        let names: Vec<String> = (0..1200)
            .map(|i| format!("{}{i:04}.conf", "n".repeat(60)))
            .collect();
        let short = shorten(names.iter().map(|name| (name.as_bytes(), false)));
        let identifiers: BTreeSet<String> = short.values().map(|s| s.identifier(false)).collect();
        assert_eq!(identifiers.len(), names.len());
        assert!(
            identifiers.iter().all(|id| id.len() <= 31 + 2),
            "{identifiers:?}"
        );
    }
}
