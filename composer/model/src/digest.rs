//! BLAKE3-256 digests and the identifiers made of them.
//!
//! Everything that is stored or looked up is named by one of these types. A blob's id is the
//! digest of its raw bytes; the other ids digest a canonical encoding that opens with its own
//! domain string, so two kinds of thing never share an identity.

use std::fmt;
use std::str::FromStr;

/// A BLAKE3-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Digests `bytes` in one go.
    pub fn of(bytes: &[u8]) -> Self {
        Digest(*blake3::hash(bytes).as_bytes())
    }

    /// Wraps a digest computed elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Digest(bytes)
    }

    /// The raw 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// All 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_hex()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.short())
    }
}

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a digest: expected 64 lower-case hexadecimal digits")]
pub struct ParseDigestError {
    /// What was given.
    pub text: String,
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseDigestError {
            text: text.to_owned(),
        };
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(error());
        }
        let hash = blake3::Hash::from_hex(text).map_err(|_| error())?;
        Ok(Digest(*hash.as_bytes()))
    }
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Digest);

        impl $name {
            /// The digest inside.
            pub const fn digest(&self) -> &Digest {
                &self.0
            }

            /// The first 12 hexadecimal digits, for people.
            pub fn short(&self) -> String {
                self.0.short()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    };
}

id_type! {
    /// A file's content: the digest of its raw bytes.
    BlobId
}
id_type! {
    /// A directory tree: the digest of its root [`crate::Directory`]'s encoding.
    TreeId
}
id_type! {
    /// A derivation: the digest of its canonical encoding, inputs named by derivation.
    DrvId
}
id_type! {
    /// An action: a derivation whose inputs are named by content. It is the cache key.
    ActionId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips() {
        let digest = Digest::of(b"xsc");
        assert_eq!(digest.to_hex().parse::<Digest>(), Ok(digest));
    }

    #[test]
    fn upper_case_short_and_foreign_text_is_refused() {
        for text in [
            "",
            "00",
            &Digest::of(b"x").to_hex().to_uppercase(),
            &"g".repeat(64),
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    #[test]
    fn known_digest_of_nothing() {
        assert!(
            Digest::of(b"")
                .to_hex()
                .starts_with("af1349b9f5f9a1a6a0404dea36dcc949")
        );
    }
}
