//! Bytes that nobody made in good faith: nothing panics, and nothing that can't be read passes.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use xsc_elf::{NoteKind, add_note, audit};

use crate::made::{ARM, Made, X86};

fn base() -> impl Strategy<Value = Vec<u8>> {
    let code = prop::collection::vec(any::<u8>(), 0..300);
    (code, any::<bool>(), any::<bool>()).prop_map(|(code, arm, property)| {
        let mut made = Made::new(if arm { ARM } else { X86 }, &code);
        made.property = property.then_some(3);
        made.symbols = vec![("f", 0, 40, true), ("g", 77, 0, false)];
        made.bytes()
    })
}

/// The same cases on every machine and every day.
fn config() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(0x5853_4321),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn all(bytes: &[u8]) {
    let report = audit(bytes);
    for kind in [NoteKind::Base, NoteKind::Cfi] {
        if let Ok(new) = add_note(bytes, kind) {
            assert!(
                audit(&new).note_kind() >= Some(kind),
                "{:?}",
                report.findings
            );
        }
    }
}

/// Each byte of the headers, one after the other, with the values that overflow most.
#[test]
fn no_byte_of_the_headers_makes_it_panic() {
    for machine in [X86, ARM] {
        let mut made = Made::new(machine, &[0x0f, 0x05, 0x90, 0xc3]);
        made.property = Some(3);
        made.symbols = vec![("f", 0, 40, true), ("g", 77, 0, false)];
        let good = made.bytes();
        let sections = u64::from_le_bytes(good[40..48].try_into().unwrap()) as usize;
        let headers = (16..64 + 56 * 8).chain(sections..good.len());
        for at in headers {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                all(&bytes);
            }
            for from in [8, 4, 2] {
                let mut bytes = good.clone();
                let end = good.len().min(at + from);
                bytes[at..end].fill(0xff);
                all(&bytes);
            }
        }
    }
}

#[test]
fn no_length_makes_it_panic() {
    let good = Made::new(X86, &[0xc3]).bytes();
    for length in (0..1024).chain(good.len() - 1024..good.len()) {
        all(&good[..length]);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn changed_bytes_never_panic(
        mut bytes in base(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        headers in prop::collection::vec((0..1000_usize, any::<u8>()), 0..12),
    ) {
        let length = bytes.len();
        for (at, value) in changes {
            bytes[at.index(length)] = value;
        }
        for (at, value) in headers {
            // Above the machine, so that the file stays one of ours.
            bytes[20 + at] = value;
        }
        let report = audit(&bytes);
        if let Ok(new) = add_note(&bytes, NoteKind::Base) {
            let again = audit(&new);
            prop_assert_eq!(again.note_kind(), Some(NoteKind::Base));
            prop_assert_eq!(again.traps().count(), 0);
            prop_assert_eq!(report.traps().count(), 0);
        }
    }

    #[test]
    fn a_cut_file_never_panics(bytes in base(), at in any::<prop::sample::Index>()) {
        let at = at.index(bytes.len());
        let _ = audit(&bytes[..at]);
        let _ = add_note(&bytes[..at], NoteKind::Cfi);
    }

    #[test]
    fn any_bytes_behind_the_magic(tail in prop::collection::vec(any::<u8>(), 0..600)) {
        let bytes = [b"\x7fELF\x02\x01\x01".as_slice(), &tail].concat();
        let _ = audit(&bytes);
        let _ = add_note(&bytes, NoteKind::Base);
    }

    #[test]
    fn a_real_trap_among_any_code_is_at_least_reported(
        before in prop::collection::vec(any::<u8>(), 0..100),
        after in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let code = [before, vec![0x0f, 0x05], after].concat();
        let report = audit(&Made::new(X86, &code).noted(&[1]).bytes());
        prop_assert!(!report.findings.is_empty());
    }
}
