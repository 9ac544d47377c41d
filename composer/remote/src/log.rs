//! The log of what trusted keys said: one file an action in the store, only added to.
//!
//! The set of caches notes in it what it verified, and weighs it with what caches answer later.
//! Invariant: a statement enters it once, whole, so a key that says another thing tomorrow, or a
//! cache that answers two ways, is found out even if nobody asks both at one time.

use xsc_model::ActionId;
use xsc_store::{Store, StoreError};

use crate::SignedStatement;

/// How messages call statements that come from the log.
pub(crate) const NAME: &str = "the local log";

/// Every statement in the log of `action` that can be read, in the order of hearing.
pub fn heard_before(store: &Store, action: &ActionId) -> Result<Vec<SignedStatement>, StoreError> {
    let bytes = store.statements(action)?;
    Ok(split(&bytes)
        .filter_map(|chunk| SignedStatement::parse(chunk).ok())
        .collect())
}

/// Adds a statement to the log of its action, if it is not there.
pub fn note(store: &Store, signed: &SignedStatement) -> Result<(), StoreError> {
    let action = signed.statement().action;
    match heard_before(store, &action)?.contains(signed) {
        true => Ok(()),
        false => store.add_statement(&action, &signed.to_bytes()),
    }
}

/// The statements that stand one after the other in `bytes`. One that is cut short, as by a kill,
/// does not parse and does not harm the next.
pub(crate) fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    split_by("xsc-statement-1", bytes)
}

/// What stands one after the other in `bytes`, each opened by the line `header`.
pub(crate) fn split_by<'a>(header: &str, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.strip_suffix(b"\n") == Some(header.as_bytes()) || at == 0 {
            starts.push(at);
        }
        at += line.len();
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([at]).collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| &bytes[start..end])
        .filter(|chunk| !chunk.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyName, SecretKey, Statement};
    use std::collections::BTreeMap;
    use xsc_model::{Digest, OutputName, TreeId};

    fn signed(seed: u8) -> SignedStatement {
        let key = SecretKey::from_seed(KeyName::new("k").unwrap(), [seed; 32]);
        key.sign(Statement {
            action: ActionId(Digest::of(b"action")),
            outputs: BTreeMap::from([(OutputName::out(), TreeId(Digest::of(&[seed])))]),
            isolation: Vec::new(),
            log: None,
            builder: "here".to_owned(),
            time: u64::from(seed),
        })
    }

    #[test]
    fn statements_are_added_once_and_come_back_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let (one, two) = (signed(1), signed(2));
        let action = one.statement().action;
        assert_eq!(heard_before(&store, &action).unwrap(), []);
        for signed in [&one, &two, &one, &two] {
            note(&store, signed).unwrap();
        }
        assert_eq!(heard_before(&store, &action).unwrap(), [one, two]);
    }

    #[test]
    fn a_statement_cut_short_does_not_harm_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let (one, two) = (signed(1), signed(2));
        let action = one.statement().action;
        let bytes = one.to_bytes();
        for cut in [1, 20, 90, bytes.len() - 2] {
            store.add_statement(&action, &bytes[..cut]).unwrap();
        }
        note(&store, &two).unwrap();
        assert_eq!(heard_before(&store, &action).unwrap(), [two]);
    }
}
