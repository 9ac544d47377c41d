//! Names on FAT: the short one that every entry has, and the long one before it.
//!
//! Invariant: short names are unique in their directory and depend on the sorted set of real
//! names only; a name that is a short name already keeps it and has no long one.

use std::collections::{BTreeMap, BTreeSet};

use crate::ImagePath;
use crate::fat::FatError;

/// The two names of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// Eight and three characters, padded.
    pub(crate) short: [u8; 11],
    /// The real name where it differs.
    long: Option<Vec<u16>>,
}

/// UTF-16 units in one entry of a long name.
const UNITS: usize = 13;

impl Name {
    /// Entries that the name takes in its directory.
    pub(crate) fn entries(&self) -> usize {
        1 + self
            .long
            .as_ref()
            .map_or(0, |long| long.len().div_ceil(UNITS))
    }

    /// The entries of the long name, last part first, as FAT wants them.
    pub(crate) fn long_entries(&self) -> Vec<u8> {
        let Some(long) = &self.long else {
            return Vec::new();
        };
        let checksum = self
            .short
            .iter()
            .fold(0u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
        let parts: Vec<&[u16]> = long.chunks(UNITS).collect();
        let mut bytes = Vec::new();
        for (index, part) in parts.iter().enumerate().rev() {
            let mut units = part.to_vec();
            if units.len() < UNITS {
                units.push(0);
            }
            units.resize(UNITS, 0xffff);
            let units: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let last = if index + 1 == parts.len() { 0x40 } else { 0 };
            bytes.push(u8::try_from(index + 1).expect("names have at most 20 parts") | last);
            bytes.extend(&units[..10]);
            bytes.extend([0x0f, 0, checksum]);
            bytes.extend(&units[10..22]);
            bytes.extend([0, 0]);
            bytes.extend(&units[22..]);
        }
        bytes
    }
}

/// Names the entries of one directory, in their order.
pub(crate) fn name_directory(paths: &[&ImagePath]) -> Result<Vec<Name>, FatError> {
    let mut folded: BTreeMap<String, &ImagePath> = BTreeMap::new();
    let mut real = Vec::new();
    for path in paths {
        let name = match std::str::from_utf8(path.name()) {
            Ok(name) if is_valid(name) => name,
            _ => {
                return Err(FatError::BadName {
                    path: (*path).clone(),
                });
            }
        };
        real.push(name);
        if let Some(first) = folded.insert(name.to_uppercase(), path) {
            return Err(FatError::SameName {
                first: first.clone(),
                second: (*path).clone(),
            });
        }
    }
    let mut taken: BTreeSet<[u8; 11]> = real.iter().filter_map(|name| as_short(name)).collect();
    let mut next_number: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut names = Vec::new();
    for name in real {
        if let Some(short) = as_short(name) {
            names.push(Name { short, long: None });
            continue;
        }
        let (stem, extension) = alias(name);
        let number = next_number
            .entry((stem.clone(), extension.clone()))
            .or_insert(1);
        let short = loop {
            let tail = format!("~{number}");
            *number += 1;
            let short = pad(&format!("{stem:.0$}{tail}", 8 - tail.len()), &extension);
            if taken.insert(short) {
                break short;
            }
        };
        let long = Some(name.encode_utf16().collect());
        names.push(Name { short, long });
    }
    Ok(names)
}

fn is_valid(name: &str) -> bool {
    name.chars()
        .all(|c| c >= ' ' && c != '\x7f' && !"\"*:<>?\\|".contains(c))
        && !name.ends_with(['.', ' '])
        && name.encode_utf16().count() <= 255
}

fn is_short_char(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || "!#$%&'()-@^_`{}~".contains(c)
}

/// The name as it is, where it is a short one.
fn as_short(name: &str) -> Option<[u8; 11]> {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let fits = (1..=8).contains(&stem.len())
        && extension.len() <= 3
        && name.contains('.') != extension.is_empty()
        && (stem.chars().chain(extension.chars())).all(is_short_char);
    fits.then(|| pad(stem, extension))
}

/// The parts of a short name that stands for a long one, without its number.
fn alias(name: &str) -> (String, String) {
    let trimmed = name.trim_start_matches(['.', ' ']);
    let (stem, extension) = trimmed.rsplit_once('.').unwrap_or((trimmed, ""));
    let mapped = |text: &str, most: usize| -> String {
        text.chars()
            .filter(|c| !matches!(c, '.' | ' '))
            .map(|c| match c.to_ascii_uppercase() {
                upper if is_short_char(upper) => upper,
                _ => '_',
            })
            .take(most)
            .collect()
    };
    (mapped(stem, 8), mapped(extension, 3))
}

fn pad(stem: &str, extension: &str) -> [u8; 11] {
    let mut short = [b' '; 11];
    short[..stem.len()].copy_from_slice(stem.as_bytes());
    short[8..8 + extension.len()].copy_from_slice(extension.as_bytes());
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(names: &[&str]) -> Vec<String> {
        let paths: Vec<ImagePath> = names
            .iter()
            .map(|name| ImagePath::new(format!("/{name}")).unwrap())
            .collect();
        let named = name_directory(&paths.iter().collect::<Vec<_>>()).unwrap();
        named
            .iter()
            .map(|name| {
                let long = if name.long.is_some() { "+" } else { "" };
                format!("{}{long}", String::from_utf8_lossy(&name.short))
            })
            .collect()
    }

    #[test]
    fn short_names_stay_and_others_are_numbered() {
        assert_eq!(
            short(&[
                "BOOTX64.EFI",
                "EFI",
                "GRUB~1.CFG",
                "grub.cfg",
                ".x",
                "a long name.text",
                "a long name.texts"
            ]),
            [
                "BOOTX64 EFI",
                "EFI        ",
                "GRUB~1  CFG",
                "GRUB~2  CFG+",
                "X~1        +",
                "ALONGN~1TEX+",
                "ALONGN~2TEX+"
            ]
        );
    }

    #[test]
    fn numbers_of_two_digits_shorten_the_stem() {
        let names: Vec<String> = (0..12).map(|i| format!("kernel-image-{i:02}")).collect();
        let short = short(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(short[8], "KERNEL~9   +");
        assert_eq!(short[9], "KERNE~10   +");
    }
}
