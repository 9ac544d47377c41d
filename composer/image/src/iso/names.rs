//! The names of ISO 9660: short upper-case ones, which stand beside the real names of Rock Ridge, and Joliet's.
//!
//! The tree asks for the names of one directory at a time. Invariant: the result depends on the
//! set of real names only, each name is unique in its directory, and none is longer than 31 characters, or 64 in
//! Joliet (without the version that files carry).

use std::collections::{BTreeMap, BTreeSet};

/// A kind of names. Their order is that of the records in a directory.
pub(crate) trait Name: Ord + Clone {
    /// The name that is nearest to a real one.
    fn of(real: &[u8], directory: bool) -> Self;
    /// The same name with a number that makes it another one.
    fn numbered(&self, number: u32) -> Self;
    /// The identifier as a directory record has it.
    fn identifier(&self, directory: bool) -> Vec<u8>;
}

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

impl Name for ShortName {
    fn of(real: &[u8], directory: bool) -> Self {
        let name = &*String::from_utf8_lossy(real);
        let (stem, extension) = match name.rsplit_once('.') {
            Some((stem, extension)) if !directory && !stem.is_empty() => (stem, extension),
            _ => (name, ""),
        };
        let extension: String = mapped(extension).take(LONGEST_EXTENSION).collect();
        let stem = mapped(stem).take(LONGEST - extension.len()).collect();
        ShortName { stem, extension }
    }

    fn numbered(&self, number: u32) -> Self {
        let suffix = format!("_{number}");
        let room = LONGEST - self.extension.len() - suffix.len();
        let stem: String = self.stem.chars().take(room).collect();
        ShortName {
            stem: stem + &suffix,
            extension: self.extension.clone(),
        }
    }

    fn identifier(&self, directory: bool) -> Vec<u8> {
        if directory {
            self.stem.clone().into_bytes()
        } else {
            format!("{}.{};1", self.stem, self.extension).into_bytes()
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

/// The most characters of a name in Joliet, its dot and extension included.
const LONGEST_JOLIET: usize = 64;
/// The longest extension, with its dot, that a name keeps when it is cut.
const LONGEST_JOLIET_EXTENSION: usize = 17;

/// A name in Joliet's UCS-2, in the order of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JolietName {
    units: Vec<u16>,
    /// Where the dot of the extension stands, which stays when the name is cut.
    extension: usize,
}

impl JolietName {
    /// The name with `suffix` before its extension, cut where it is too long.
    fn with(&self, suffix: &str) -> Vec<u16> {
        let (stem, extension) = self.units.split_at(self.extension);
        let suffix: Vec<u16> = suffix.encode_utf16().collect();
        let room = LONGEST_JOLIET - extension.len() - suffix.len();
        let stem = &stem[..stem.len().min(room)];
        [stem, &suffix, extension].concat()
    }
}

impl Name for JolietName {
    fn of(real: &[u8], directory: bool) -> Self {
        let units: Vec<u16> = String::from_utf8_lossy(real)
            .chars()
            .map(joliet_unit)
            .collect();
        let dot = units.iter().rposition(|unit| *unit == u16::from(b'.'));
        let extension = dot
            .filter(|dot| !directory && *dot > 0 && units.len() - dot <= LONGEST_JOLIET_EXTENSION);
        let mut name = JolietName {
            extension: extension.unwrap_or(units.len()),
            units,
        };
        let behind = name.units.len() - name.extension;
        name.units = name.with("");
        name.extension = name.units.len() - behind;
        name
    }

    fn numbered(&self, number: u32) -> Self {
        let units = self.with(&format!("_{number}"));
        JolietName {
            extension: units.len() - (self.units.len() - self.extension),
            units,
        }
    }

    fn identifier(&self, directory: bool) -> Vec<u8> {
        let version = if directory { "" } else { ";1" };
        let version = version.encode_utf16();
        let units = self.units.iter().copied().chain(version);
        units.flat_map(u16::to_be_bytes).collect()
    }
}

/// What a character is in Joliet, which forbids some and knows none behind U+FFFF.
fn joliet_unit(c: char) -> u16 {
    match u16::try_from(u32::from(c)) {
        Ok(unit) if unit >= 0x20 && !"*/:;?\\\u{7f}\u{fffd}".contains(c) => unit,
        _ => u16::from(b'_'),
    }
}

/// Gives each real name of a directory one of the kind `N`; `true` marks directories.
pub(crate) fn names_of<'a, N: Name>(
    names: impl IntoIterator<Item = (&'a [u8], bool)>,
) -> BTreeMap<&'a [u8], N> {
    let sorted: BTreeMap<&[u8], bool> = names.into_iter().collect();
    let mut taken = BTreeSet::new();
    let mut next_number: BTreeMap<N, u32> = BTreeMap::new();
    let mut named = BTreeMap::new();
    for (name, directory) in sorted {
        let base = N::of(name, directory);
        let mut unique = base.clone();
        while !taken.insert(unique.clone()) {
            let number = next_number.entry(base.clone()).or_insert(1);
            unique = base.numbered(*number);
            *number += 1;
        }
        named.insert(name, unique);
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<String> {
        let short = names_of::<ShortName>(names.iter().map(|name| (name.as_bytes(), false)));
        names
            .iter()
            .map(|name| text(&short[name.as_bytes()]))
            .collect()
    }

    fn text(name: &ShortName) -> String {
        String::from_utf8(name.identifier(false)).unwrap()
    }

    fn joliet(names: &[(&[u8], bool)]) -> Vec<String> {
        let named = names_of::<JolietName>(names.iter().copied());
        let text = |(name, directory): &(&[u8], bool)| {
            let bytes = named[name].identifier(*directory);
            let units = bytes
                .as_chunks::<2>()
                .0
                .iter()
                .copied()
                .map(u16::from_be_bytes);
            char::decode_utf16(units).map(Result::unwrap).collect()
        };
        names.iter().map(text).collect()
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
        let directories = names_of::<ShortName>([(&b"grub.d"[..], true)]);
        assert_eq!(directories[&b"grub.d"[..]].identifier(true), b"GRUB_D");
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
        let short = names_of::<ShortName>(names.iter().map(|name| (name.as_bytes(), false)));
        let identifiers: BTreeSet<String> = short.values().map(text).collect();
        assert_eq!(identifiers.len(), names.len());
        assert!(
            identifiers.iter().all(|id| id.len() <= 31 + 2),
            "{identifiers:?}"
        );
    }

    #[test]
    fn joliet_keeps_what_it_can() {
        let invalid = b"caf\xe9";
        assert_eq!(
            joliet(&[
                (b"Mixed Case.conf", false),
                (b"grub.d", true),
                ("Größe €".as_bytes(), true),
                ("a:b?c*.🦀".as_bytes(), false),
                (invalid, false),
                (b".hidden", false),
            ]),
            [
                "Mixed Case.conf;1",
                "grub.d",
                "Größe €",
                "a_b_c_._;1",
                "caf_;1",
                ".hidden;1"
            ]
        );
    }

    #[test]
    fn joliet_names_are_cut_before_the_extension_and_numbered() {
        let (a, b) = ("n".repeat(70) + "a.service", "n".repeat(70) + "b.service");
        let long = "n".repeat(60) + "." + &"e".repeat(20);
        let names = joliet(&[
            (a.as_bytes(), false),
            (b.as_bytes(), false),
            (long.as_bytes(), false),
            (b"x?", true),
            (b"x*", true),
        ]);
        assert_eq!(names[0], "n".repeat(56) + ".service;1");
        assert_eq!(names[1], "n".repeat(54) + "_1.service;1");
        assert_eq!(names[2], "n".repeat(60) + ".eee;1");
        assert_eq!(names[3..], ["x__1", "x_"]);
    }
}
