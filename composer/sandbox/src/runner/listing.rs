//! Listings of directories in another order than the file system's; a rebuild that is to be compared asks for it.
//! The tracer calls it when `getdents64` returns, before the program can look. Invariant: `.` and `..` stay where
//! they are and every position keeps its offset, so a program that seeks in a directory still sees each entry once
//! unless it seeks into the middle of what one call gave it.

use nix::errno::Errno;
use nix::libc::pid_t;

use super::arch::Registers;
use super::tracer::{read_memory, write_memory};

/// Offsets in the kernel's `struct linux_dirent64`.
const OFFSET: std::ops::Range<usize> = 8..16;
const LENGTH: std::ops::Range<usize> = 16..18;
const NAME: usize = 19;

/// Reorders what the call that just returned has put into the memory of `pid`.
pub(super) fn reorder(pid: pid_t, seed: u64) -> Result<(), Errno> {
    let registers = Registers::read(pid)?.ok_or(Errno::EINVAL)?;
    let Ok(length) = usize::try_from(registers.result()) else {
        return Ok(());
    };
    let address = registers.argument(1);
    let mut bytes = vec![0; length];
    read_memory(pid, address, &mut bytes)?;
    match reordered(&bytes, seed) {
        Some(other) => write_memory(pid, address, &other),
        None => Ok(()),
    }
}

/// The same records in the order of a hash of their names; `None` for what is no list of records.
fn reordered(bytes: &[u8], seed: u64) -> Option<Vec<u8>> {
    let mut records = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = u16::from_ne_bytes(rest.get(LENGTH)?.try_into().ok()?);
        let (record, behind) = rest.split_at_checked(usize::from(length).max(NAME))?;
        records.push(record);
        rest = behind;
    }
    let offsets: Vec<&[u8]> = records.iter().map(|record| &record[OFFSET]).collect();
    let first = records
        .iter()
        .take_while(|record| matches!(name(record), b"." | b".."))
        .count();
    records[first..].sort_by_key(|record| (mixed(name(record), seed), name(record)));
    let mut other = Vec::with_capacity(bytes.len());
    for (record, offset) in records.into_iter().zip(offsets) {
        let at = other.len();
        other.extend_from_slice(record);
        other[at..][OFFSET].copy_from_slice(offset);
    }
    Some(other)
}

fn name<'a>(record: &&'a [u8]) -> &'a [u8] {
    let text = &record[NAME..];
    text.split(|byte| *byte == 0).next().unwrap_or(text)
}

/// FNV-1a over the name, started by the seed, with its bits spread.
fn mixed(name: &[u8], seed: u64) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hash = name.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, offset: u64) -> Vec<u8> {
        let length = (NAME + name.len() + 1).next_multiple_of(8);
        let mut bytes = vec![0; length];
        bytes[OFFSET].copy_from_slice(&offset.to_ne_bytes());
        bytes[LENGTH].copy_from_slice(&u16::try_from(length).unwrap().to_ne_bytes());
        bytes[NAME..NAME + name.len()].copy_from_slice(name.as_bytes());
        bytes
    }

    fn names(mut bytes: &[u8]) -> Vec<(String, u64)> {
        let mut names = Vec::new();
        while !bytes.is_empty() {
            let length = u16::from_ne_bytes(bytes[LENGTH].try_into().unwrap());
            let (first, rest) = bytes.split_at(usize::from(length));
            let offset = u64::from_ne_bytes(first[OFFSET].try_into().unwrap());
            names.push((String::from_utf8(name(&first).to_vec()).unwrap(), offset));
            bytes = rest;
        }
        names
    }

    #[test]
    fn every_entry_stays_and_positions_keep_their_offsets() {
        let all = [".", "..", "a", "bb", "a-longer-name", "d", "e", "f"];
        let bytes: Vec<u8> = (1..)
            .zip(all)
            .flat_map(|(n, name)| record(name, n))
            .collect();
        let mut orders = std::collections::BTreeSet::new();
        for seed in 0..20 {
            let listed = names(&reordered(&bytes, seed).unwrap());
            let offsets: Vec<u64> = listed.iter().map(|(_, offset)| *offset).collect();
            assert_eq!(offsets, (1..=8).collect::<Vec<u64>>());
            let mut found: Vec<String> = listed.into_iter().map(|(name, _)| name).collect();
            assert_eq!(found[..2], [".", ".."]);
            orders.insert(found.clone());
            found.sort();
            let mut expected = all.to_vec();
            expected.sort_unstable();
            assert_eq!(found, expected);
        }
        assert!(orders.len() > 10, "{}", orders.len());
        assert_eq!(reordered(&bytes[..30], 1), None);
        assert_eq!(reordered(&[], 1), Some(Vec::new()));
    }
}
