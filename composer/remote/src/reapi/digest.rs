//! Digests as an engine wants them: BLAKE3 or SHA-256, with the size beside it.
//!
//! Everything in `reapi` names blobs by these. Invariant: on a BLAKE3 engine the digest of a blob
//! is our own id of it, so nothing is hashed twice.

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use sha2::Digest as _;
use xsc_model::Digest;

use re::digest_function::Value;

/// A digest function that both sides know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestFunction {
    /// BLAKE3-256, which is also what the store uses.
    Blake3,
    /// SHA-256.
    Sha256,
}

impl DigestFunction {
    /// The name in configuration and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            DigestFunction::Blake3 => "blake3",
            DigestFunction::Sha256 => "sha256",
        }
    }

    pub(crate) const fn wire(self) -> i32 {
        match self {
            DigestFunction::Blake3 => Value::Blake3 as i32,
            DigestFunction::Sha256 => Value::Sha256 as i32,
        }
    }

    /// The digest of `bytes`.
    pub(crate) fn of(self, bytes: &[u8]) -> WireDigest {
        let mut hasher = self.hasher();
        hasher.update(bytes);
        hasher.finish()
    }

    pub(crate) fn hasher(self) -> Hasher {
        match self {
            DigestFunction::Blake3 => Hasher::Blake3(Box::default(), 0),
            DigestFunction::Sha256 => Hasher::Sha256(sha2::Sha256::new(), 0),
        }
    }

    /// The middle of a resource name: a 32-byte hash does not tell which function made it.
    pub(crate) fn resource(self, digest: &WireDigest) -> String {
        let (hash, size) = (digest.hash, digest.size);
        match self {
            DigestFunction::Blake3 => format!("blobs/blake3/{hash}/{size}"),
            DigestFunction::Sha256 => format!("blobs/{hash}/{size}"),
        }
    }
}

/// A digest being computed.
pub(crate) enum Hasher {
    Blake3(Box<blake3::Hasher>, u64),
    Sha256(sha2::Sha256, u64),
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Blake3(hasher, size) => {
                hasher.update(bytes);
                *size += bytes.len() as u64;
            }
            Hasher::Sha256(hasher, size) => {
                hasher.update(bytes);
                *size += bytes.len() as u64;
            }
        }
    }

    pub(crate) fn finish(self) -> WireDigest {
        let (hash, size) = match self {
            Hasher::Blake3(hasher, size) => (*hasher.finalize().as_bytes(), size),
            Hasher::Sha256(hasher, size) => (hasher.finalize().into(), size),
        };
        WireDigest {
            hash: Digest::from_bytes(hash),
            size,
        }
    }
}

/// What an engine calls a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WireDigest {
    /// 32 bytes of whichever function; [`Digest`] for its text form alone.
    pub(crate) hash: Digest,
    pub(crate) size: u64,
}

impl WireDigest {
    pub(crate) fn to_wire(self) -> re::Digest {
        re::Digest {
            hash: self.hash.to_hex(),
            size_bytes: self.size as i64,
        }
    }

    /// `None` for what is no digest of 32 bytes.
    pub(crate) fn from_wire(digest: Option<&re::Digest>) -> Option<WireDigest> {
        let digest = digest?;
        Some(WireDigest {
            hash: digest.hash.parse().ok()?,
            size: u64::try_from(digest.size_bytes).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_functions_give_their_own_digest_and_resource() {
        let blake3 = DigestFunction::Blake3.of(b"abc");
        assert_eq!(blake3.hash, Digest::of(b"abc"));
        let sha256 = DigestFunction::Sha256.of(b"abc");
        assert!(sha256.hash.to_hex().starts_with("ba7816bf8f01cfea"));
        assert_eq!((blake3.size, sha256.size), (3, 3));
        let resource = DigestFunction::Blake3.resource(&blake3);
        assert!(resource.starts_with("blobs/blake3/6437b3ac"), "{resource}");
        let resource = DigestFunction::Sha256.resource(&sha256);
        assert!(resource.starts_with("blobs/ba7816bf"), "{resource}");
    }

    #[test]
    fn what_is_no_digest_is_none() {
        let wire = |hash: &str, size_bytes| re::Digest {
            hash: hash.to_owned(),
            size_bytes,
        };
        let good = "0".repeat(64);
        assert!(WireDigest::from_wire(Some(&wire(&good, 1))).is_some());
        for bad in [wire("00", 1), wire(&good, -1), wire("", 0)] {
            assert_eq!(WireDigest::from_wire(Some(&bad)), None);
        }
        assert_eq!(WireDigest::from_wire(None), None);
    }
}
