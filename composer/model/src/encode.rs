//! The one encoding under every identity: a domain string, then length-prefixed fields.
//!
//! `docs/formats/encoding.md` describes it; the goldens in `tests/` pin it. Integers are 64-bit
//! little-endian, a string is its byte length and its bytes, a list is its count and its items.
//! Invariant: an encoding is injective, so different values have different bytes.

/// Builds a canonical encoding.
#[derive(Debug)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Starts an encoding in `domain`, for example `xsc-directory-1`.
    pub fn new(domain: &str) -> Self {
        let mut encoder = Encoder(Vec::new());
        encoder.str(domain);
        encoder
    }

    /// Appends an integer.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Appends a length-prefixed byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.u64(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    /// Appends a length-prefixed string.
    pub fn str(&mut self, value: &str) -> &mut Self {
        self.bytes(value.as_bytes())
    }

    /// Appends a digest, which has a fixed length and so no prefix.
    pub fn digest(&mut self, value: &crate::Digest) -> &mut Self {
        self.0.extend_from_slice(value.as_bytes());
        self
    }

    /// The bytes so far.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// What can be wrong with stored bytes that should be an encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("the encoding ends early, in {field}")]
    Truncated {
        /// The field being read.
        field: &'static str,
    },
    /// Bytes are left after the last field.
    #[error("{count} bytes follow the end of the encoding")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// The encoding is of another kind or version.
    #[error("expected the domain `{expected}`")]
    Domain {
        /// The domain string that should stand first.
        expected: &'static str,
    },
    /// A field holds a value that the type does not allow, or not in canonical order.
    #[error("invalid {field}")]
    Invalid {
        /// The field.
        field: &'static str,
    },
}

/// Reads a canonical encoding back.
#[derive(Debug)]
pub struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// Opens `bytes` and checks that they are of `domain`.
    pub fn new(bytes: &'a [u8], domain: &'static str) -> Result<Self, DecodeError> {
        let mut decoder = Decoder(bytes);
        match decoder.bytes("domain") {
            Ok(found) if found == domain.as_bytes() => Ok(decoder),
            _ => Err(DecodeError::Domain { expected: domain }),
        }
    }

    fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        if count > self.0.len() {
            return Err(DecodeError::Truncated { field });
        }
        let (head, tail) = self.0.split_at(count);
        self.0 = tail;
        Ok(head)
    }

    /// Reads an integer.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let bytes = self.take(8, field)?;
        Ok(u64::from_le_bytes(
            bytes.try_into().expect("took eight bytes"),
        ))
    }

    /// Reads a count of items, each at least one byte long, so that a hostile count cannot make
    /// the caller reserve more than the input holds.
    pub fn count(&mut self, field: &'static str) -> Result<usize, DecodeError> {
        let count = self.u64(field)?;
        if count > self.0.len() as u64 {
            return Err(DecodeError::Truncated { field });
        }
        Ok(count as usize)
    }

    /// Reads a byte string.
    pub fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let count = self.count(field)?;
        self.take(count, field)
    }

    /// Reads a string.
    pub fn str(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes(field)?).map_err(|_| DecodeError::Invalid { field })
    }

    /// Reads a digest.
    pub fn digest(&mut self, field: &'static str) -> Result<crate::Digest, DecodeError> {
        let bytes = self.take(32, field)?;
        Ok(crate::Digest::from_bytes(
            bytes.try_into().expect("took 32 bytes"),
        ))
    }

    /// Checks that nothing is left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.0.len() {
            0 => Ok(()),
            count => Err(DecodeError::Trailing { count }),
        }
    }
}
