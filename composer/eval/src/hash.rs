//! Hashes as text: algorithms by name, and the notations hexadecimal, Nix's base 32, base 64 and SRI.
//!
//! Used by the hashing builtins and wherever an expression pins content. Invariant: a `Hash` has as many
//! bytes as its algorithm makes, and every notation read is canonical.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// A hash function that expressions can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Blake3,
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    const ALL: [(Algorithm, &str, usize); 5] = [
        (Algorithm::Blake3, "blake3", 32),
        (Algorithm::Md5, "md5", 16),
        (Algorithm::Sha1, "sha1", 20),
        (Algorithm::Sha256, "sha256", 32),
        (Algorithm::Sha512, "sha512", 64),
    ];

    pub(crate) fn from_name(name: &str) -> Result<Algorithm, String> {
        let found = Algorithm::ALL.iter().find(|(_, known, _)| *known == name);
        found.map(|(algorithm, ..)| *algorithm).ok_or_else(|| {
            format!("unknown hash algorithm `{name}`; use blake3, md5, sha1, sha256 or sha512")
        })
    }

    fn row(self) -> &'static (Algorithm, &'static str, usize) {
        let mut rows = Algorithm::ALL.iter();
        rows.find(|(algorithm, ..)| *algorithm == self)
            .expect("every algorithm is listed")
    }

    pub(crate) fn hash(self, bytes: &[u8]) -> Hash {
        let bytes = match self {
            Algorithm::Blake3 => blake3::hash(bytes).as_bytes().to_vec(),
            Algorithm::Md5 => md5::Md5::digest(bytes).to_vec(),
            Algorithm::Sha1 => Sha1::digest(bytes).to_vec(),
            Algorithm::Sha256 => Sha256::digest(bytes).to_vec(),
            Algorithm::Sha512 => Sha512::digest(bytes).to_vec(),
        };
        Hash {
            algorithm: self,
            bytes,
        }
    }
}

/// A way to write a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    Base16,
    Nix32,
    Base64,
    Sri,
}

impl Notation {
    /// `base32` is an old name of `nix32`.
    pub(crate) fn from_name(name: &str) -> Result<Notation, String> {
        Ok(match name {
            "base16" => Notation::Base16,
            "nix32" | "base32" => Notation::Nix32,
            "base64" => Notation::Base64,
            "sri" => Notation::Sri,
            _ => {
                let known = "use base16, nix32, base64 or sri";
                return Err(format!("unknown hash format `{name}`; {known}"));
            }
        })
    }
}

/// The result of a hash function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hash {
    pub(crate) algorithm: Algorithm,
    pub(crate) bytes: Vec<u8>,
}

impl Hash {
    /// Reads any notation. `ALGORITHM:` or `ALGORITHM-` in front has to agree with `algorithm`, if given.
    pub(crate) fn parse(text: &str, algorithm: Option<Algorithm>) -> Result<Hash, String> {
        let prefix = text.find([':', '-']);
        let (named, is_sri, rest) = match prefix {
            Some(at) => {
                let named = Algorithm::from_name(&text[..at])?;
                (Some(named), text.as_bytes()[at] == b'-', &text[at + 1..])
            }
            None => (None, false, text),
        };
        let algorithm = match (named, algorithm) {
            (Some(named), Some(wanted)) if named != wanted => {
                let wanted = wanted.row().1;
                return Err(format!("the hash `{text}` is not of the type {wanted}"));
            }
            (Some(algorithm), _) | (None, Some(algorithm)) => algorithm,
            (None, None) => return Err(format!("the hash `{text}` does not say its type")),
        };
        let size = algorithm.row().2;
        let bytes = match rest.len() {
            _ if is_sri => STANDARD.decode(rest).ok(),
            length if length == size * 2 => from_base16(rest),
            length if length == nix32_length(size) => from_nix32(rest, size),
            length if length == size.div_ceil(3) * 4 => STANDARD.decode(rest).ok(),
            _ => None,
        };
        match bytes {
            Some(bytes) if bytes.len() == size => Ok(Hash { algorithm, bytes }),
            _ => Err(format!("`{text}` is not a {} hash", algorithm.row().1)),
        }
    }

    /// Reads a SHA-256 hash in any notation.
    pub(crate) fn parse_sha256(text: &str) -> Result<[u8; 32], String> {
        let hash = Hash::parse(text, Some(Algorithm::Sha256))?;
        Ok(hash.bytes.try_into().expect("SHA-256 makes 32 bytes"))
    }

    pub(crate) fn show(&self, notation: Notation) -> String {
        match notation {
            Notation::Base16 => hex::encode(&self.bytes),
            Notation::Nix32 => to_nix32(&self.bytes),
            Notation::Base64 => STANDARD.encode(&self.bytes),
            Notation::Sri => format!(
                "{}-{}",
                self.algorithm.row().1,
                STANDARD.encode(&self.bytes)
            ),
        }
    }
}

fn from_base16(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    text.as_bytes().chunks_exact(2).map(byte).collect()
}

/// Digits and letters without `e`, `o`, `t`, `u`.
const NIX32: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

fn nix32_length(size: usize) -> usize {
    (size * 8).div_ceil(5)
}

/// The bytes as one little-endian number, five bits a digit, most significant digit first.
pub(crate) fn to_nix32(bytes: &[u8]) -> String {
    let digit = |index: usize| {
        let (byte, shift) = (index * 5 / 8, index * 5 % 8);
        let low = u16::from(bytes[byte]);
        let high = bytes.get(byte + 1).map_or(0, |next| u16::from(*next));
        let value = ((high << 8 | low) >> shift) & 31;
        char::from(NIX32[usize::from(value)])
    };
    (0..nix32_length(bytes.len())).rev().map(digit).collect()
}

fn from_nix32(text: &str, size: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; size + 1];
    for (index, c) in text.bytes().rev().enumerate() {
        let value = NIX32.iter().position(|digit| *digit == c)?;
        let (byte, shift) = (index * 5 / 8, index * 5 % 8);
        let value = u16::try_from(value).ok()? << shift;
        bytes[byte] |= value.to_le_bytes()[0];
        bytes[byte + 1] |= value.to_le_bytes()[1];
    }
    // Bits beyond the size would make several texts of one hash.
    (bytes.pop() == Some(0)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_is_read_back() {
        for (algorithm, name, size) in Algorithm::ALL {
            let hash = algorithm.hash(b"xsc");
            assert_eq!(hash.bytes.len(), size, "{name}");
            let notations = [Notation::Base16, Notation::Nix32, Notation::Base64];
            for notation in notations {
                let text = hash.show(notation);
                assert_eq!(Hash::parse(&text, Some(algorithm)).as_ref(), Ok(&hash));
                let prefixed = format!("{name}:{text}");
                assert_eq!(Hash::parse(&prefixed, None).as_ref(), Ok(&hash));
                assert!(Hash::parse(&text, None).is_err(), "{text} has no type");
            }
            let sri = hash.show(Notation::Sri);
            assert_eq!(Hash::parse(&sri, None).as_ref(), Ok(&hash));
        }
    }

    #[test]
    fn bad_hashes_are_refused() {
        let sha256 = Some(Algorithm::Sha256);
        for text in [
            "",
            "00",
            "md5:d41d8cd98f00b204e9800998ecf8427e",
            "sha256-47DEQpj8HBSa",
            "sha3:00",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85g",
            "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
        ] {
            assert!(Hash::parse(text, sha256).is_err(), "{text}");
        }
    }

    #[test]
    fn base_32_is_that_of_nix() {
        let empty = Algorithm::Sha256.hash(b"");
        let text = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73";
        assert_eq!(empty.show(Notation::Nix32), text);
    }
}
