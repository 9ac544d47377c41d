//! Identifiers derived from an image's seed: GUIDs, disk signatures, volume serial numbers.
//!
//! The writers ask for one by role. Invariant: one seed and one role give one value, and two
//! roles of one image never share a value, because the role is part of what is digested.

use xsc_model::{Digest, Encoder};

/// Sixteen bytes for `role`.
pub(crate) fn bytes(seed: &Digest, role: &str) -> [u8; 16] {
    let mut e = Encoder::new("xsc-image-id-1");
    e.digest(seed).str(role);
    let digest = Digest::of(&e.finish());
    let mut id = [0; 16];
    id.copy_from_slice(&digest.as_bytes()[..16]);
    id
}

/// A UUID of version 8 (RFC 9562: the value is the application's own) for `role`.
pub(crate) fn uuid(seed: &Digest, role: &str) -> [u8; 16] {
    let mut id = bytes(seed, role);
    id[6] = id[6] & 0x0f | 0x80;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

/// Four bytes for `role`, never all zero because zero means "none" in a disk signature.
pub(crate) fn short(seed: &Digest, role: &str) -> [u8; 4] {
    let id = bytes(seed, role);
    let mut short = [id[0], id[1], id[2], id[3]];
    if short == [0; 4] {
        short[0] = 1;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_seeds_separate() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        assert_eq!(uuid(&a, "disk"), uuid(&a, "disk"));
        assert_ne!(uuid(&a, "disk"), uuid(&a, "esp"));
        assert_ne!(uuid(&a, "disk"), uuid(&b, "disk"));
        let id = uuid(&a, "disk");
        assert_eq!((id[6] >> 4, id[8] >> 6), (8, 2));
    }
}
