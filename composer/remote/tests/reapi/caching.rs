//! An engine as a cache: trees, logs and statements of one member reach another who has nothing.

use std::collections::BTreeMap;

use xsc_model::{ActionId, Digest, OutputName};
use xsc_remote::{
    Blob, BlobKind, Cache, CacheError, KeyName, SecretKey, SignedStatement, Statement,
};

use crate::double::Double;
use crate::support::{BOTH, Home};

fn blob(kind: BlobKind, bytes: &[u8]) -> Blob {
    Blob {
        kind,
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
    }
}

fn key(name: &str, seed: u8) -> SecretKey {
    SecretKey::from_seed(KeyName::new(name).unwrap(), [seed; 32])
}

#[test]
fn files_and_records_of_a_tree_reach_a_member_with_an_empty_store() {
    for function in BOTH {
        let engine = Double::start(function);
        let (a, b) = (Home::new(), Home::new());
        let large = vec![7; 3 << 20];
        let files: Vec<(String, Vec<u8>)> = (0..300)
            .map(|n| (format!("f{n}"), format!("content {n}").into_bytes()))
            .chain([("large".to_owned(), large.clone())])
            .collect();
        let borrowed: Vec<(&str, &[u8])> =
            files.iter().map(|(n, b)| (n.as_str(), &b[..])).collect();
        let tree = a.tree(&borrowed);
        let blobs: Vec<Blob> = files.iter().map(|(_, b)| blob(BlobKind::File, b)).collect();
        let sender = a.client(&engine.url);
        assert_eq!(sender.missing_trees(&[tree]).unwrap(), [tree]);
        assert_eq!(sender.missing(&blobs).unwrap().len(), files.len());
        let small: Vec<(Blob, Vec<u8>)> = files[..300]
            .iter()
            .map(|(_, b)| (blob(BlobKind::File, b), b.clone()))
            .collect();
        sender.put_many(&small).unwrap();
        sender.put(&blobs[300], &mut large.as_slice()).unwrap();
        assert_eq!(sender.missing(&blobs).unwrap(), []);
        sender
            .put_directories(&tree, b"the records", &blobs)
            .unwrap();
        assert_eq!(sender.missing_trees(&[tree]).unwrap(), []);

        let receiver = b.client(&engine.url);
        assert_eq!(receiver.missing_trees(&[tree]).unwrap(), []);
        assert_eq!(receiver.directories(&tree).unwrap(), b"the records");
        let mut got = BTreeMap::new();
        receiver
            .get_many(&blobs[..300], &mut |blob, bytes| {
                got.insert(blob.digest, bytes?);
                Ok(())
            })
            .unwrap();
        assert_eq!(got.len(), 300);
        assert!(
            got.iter()
                .all(|(digest, bytes)| Digest::of(bytes) == *digest)
        );
        assert!(engine.count("BatchReadBlobs") < 10);
        let mut bytes = Vec::new();
        receiver.get(&blobs[300], &mut bytes).unwrap();
        assert_eq!(bytes, large);

        // One file of the tree goes: it is no whole tree any more.
        let gone = match function {
            xsc_remote::reapi::DigestFunction::Blake3 => Digest::of(b"content 7").to_hex(),
            xsc_remote::reapi::DigestFunction::Sha256 => {
                use sha2::Digest as _;
                let hash = sha2::Sha256::digest(b"content 7");
                hash.iter().map(|byte| format!("{byte:02x}")).collect()
            }
        };
        assert!(engine.state().blobs.remove(&gone).is_some());
        assert_eq!(receiver.missing_trees(&[tree]).unwrap(), [tree]);
        let lost = blob(BlobKind::File, b"content 7");
        let error = receiver.get(&lost, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, CacheError::Absent { .. }), "{error}");
    }
}

#[test]
fn a_log_is_found_by_what_a_statement_says_of_it() {
    for function in BOTH {
        let engine = Double::start(function);
        let (a, b) = (Home::new(), Home::new());
        let log = blob(BlobKind::Log, b"checking for gcc... yes\n");
        let sender = a.client(&engine.url);
        sender
            .put(&log, &mut &b"checking for gcc... yes\n"[..])
            .unwrap();
        let mut bytes = Vec::new();
        b.client(&engine.url).get(&log, &mut bytes).unwrap();
        assert_eq!(bytes, b"checking for gcc... yes\n");
        let other = blob(BlobKind::Log, b"never written");
        let error = b.client(&engine.url).get(&other, &mut bytes).unwrap_err();
        assert!(matches!(error, CacheError::Absent { .. }), "{error}");
    }
}

#[test]
fn signers_have_slots_of_their_own() {
    for function in BOTH {
        let engine = Double::start(function);
        let home = Home::new();
        let cache = home.client(&engine.url);
        let action = ActionId(Digest::of(b"an action"));
        let tree = home.tree(&[("f", b"x")]);
        let signed = |key: &SecretKey| -> SignedStatement {
            key.sign(Statement {
                action,
                outputs: BTreeMap::from([(OutputName::out(), tree)]),
                isolation: Vec::new(),
                log: None,
                builder: "a test".to_owned(),
                time: 1,
            })
        };
        let (ci, dev, other) = (key("ci-1", 1), key("dev-1", 2), key("other-1", 3));
        for key in [&ci, &dev] {
            cache
                .publish(&action, &key.public(), &signed(key).to_bytes())
                .unwrap();
        }
        let keys = [ci.public(), dev.public(), other.public()];
        let found = cache.statements(&action, &keys).unwrap();
        assert_eq!(found, [signed(&ci).to_bytes(), signed(&dev).to_bytes()]);
        // What somebody writes into another's slot is no statement of theirs.
        cache
            .publish(&action, &ci.public(), &signed(&other).to_bytes())
            .unwrap();
        let found = cache.statements(&action, &[ci.public()]).unwrap();
        let parsed = SignedStatement::parse(&found[0]).unwrap();
        assert!(!parsed.verify(&ci.public()));
        let elsewhere = ActionId(Digest::of(b"another action"));
        assert!(cache.statements(&elsewhere, &keys).unwrap().is_empty());
    }
}

#[test]
fn an_engine_that_keeps_its_action_cache_to_itself_refuses_and_is_not_dead() {
    for function in BOTH {
        let engine = Double::start(function);
        engine.fault(|faults| faults.read_only_actions = true);
        let home = Home::new();
        let cache = home.client(&engine.url);
        let action = ActionId(Digest::of(b"an action"));
        let error = cache
            .publish(&action, &key("ci-1", 1).public(), b"anything")
            .unwrap_err();
        assert!(matches!(error, CacheError::Refused { .. }), "{error}");
        assert!(cache.dead().is_none());
    }
}
