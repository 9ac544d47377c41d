//! What SHA-256 engines call our blobs: a file that maps BLAKE3 to SHA-256, one line each.
//!
//! Every use of a SHA-256 engine looks here first. Invariant: the file is an accelerator that may
//! be wrong, short or gone: an upload is checked by the engine, a download by its BLAKE3.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use xsc_model::Digest;

use super::digest::{DigestFunction, WireDigest};

/// The index of one store.
pub(crate) struct Index {
    path: PathBuf,
    known: OnceLock<Mutex<HashMap<Digest, WireDigest>>>,
}

impl Index {
    pub(crate) fn new(path: PathBuf) -> Index {
        Index {
            path,
            known: OnceLock::new(),
        }
    }

    /// What SHA-256 calls the blob, if that is known.
    pub(crate) fn get(&self, blake3: &Digest) -> Option<WireDigest> {
        self.known().get(blake3).copied()
    }

    /// Adds what is not known yet. A file that cannot be written costs hashing again, no more.
    pub(crate) fn add(&self, entries: impl IntoIterator<Item = (Digest, WireDigest)>) {
        let mut text = String::new();
        {
            let mut known = self.known();
            for (blake3, wire) in entries {
                if known.insert(blake3, wire) != Some(wire) {
                    text.push_str(&format!("{blake3} {} {}\n", wire.hash, wire.size));
                }
            }
        }
        if text.is_empty() {
            return;
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.path);
        if let Ok(mut file) = file {
            let _ = file.write_all(text.as_bytes());
        }
    }

    /// The SHA-256 of what `open` reads, from the index or by reading it.
    pub(crate) fn sha256(
        &self,
        blake3: &Digest,
        open: impl FnOnce() -> std::io::Result<File>,
    ) -> std::io::Result<WireDigest> {
        if let Some(known) = self.get(blake3) {
            return Ok(known);
        }
        let wire = hash(&mut open()?)?;
        self.add([(*blake3, wire)]);
        Ok(wire)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Digest, WireDigest>> {
        self.known
            .get_or_init(|| Mutex::new(read(&self.path)))
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn hash(file: &mut File) -> std::io::Result<WireDigest> {
    let mut hasher = DigestFunction::Sha256.hasher();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Lines that are not whole, as a kill leaves one, are passed over.
fn read(path: &PathBuf) -> HashMap<Digest, WireDigest> {
    let Ok(bytes) = std::fs::read(path) else {
        return HashMap::new();
    };
    let line = |line: &[u8]| {
        let text = std::str::from_utf8(line).ok()?;
        let mut words = text.split(' ');
        let (blake3, hash, size) = (words.next()?, words.next()?, words.next()?);
        let wire = WireDigest {
            hash: hash.parse().ok()?,
            size: size.parse().ok()?,
        };
        Some((blake3.parse().ok()?, wire))
    };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    bytes[..whole]
        .split(|byte| *byte == b'\n')
        .filter_map(line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_known_to_the_next_process_and_damage_is_passed_over() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("index");
        let blobs: [&[u8]; 3] = [b"one", b"two", b"three"];
        let index = Index::new(path.clone());
        for blob in blobs {
            let file = temp.path().join("blob");
            std::fs::write(&file, blob).unwrap();
            let found = index
                .sha256(&Digest::of(blob), || File::open(&file))
                .unwrap();
            assert_eq!(found, DigestFunction::Sha256.of(blob));
        }
        let mut bytes = std::fs::read(&path).unwrap();
        // The second line loses its head, and the last its end.
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        bytes[line] = b'!';
        bytes.truncate(bytes.len() - 3);
        std::fs::write(&path, bytes).unwrap();
        let again = Index::new(path);
        let known = |blob: &[u8]| again.get(&Digest::of(blob)).is_some();
        assert!(known(b"one") && !known(b"two") && !known(b"three"));
        let again_two = again.sha256(&Digest::of(b"two"), || File::open("/nonexistent"));
        assert!(again_two.is_err(), "what is not known is read");
    }
}
