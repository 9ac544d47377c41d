//! Numbers in bytes of an image, of either order.
//!
//! Every reader uses these. Invariant: reading outside the slice gives zero and never panics; readers check lengths
//! where it matters.

/// A little-endian number of `N` bytes at `at`, at most eight.
pub(crate) fn le<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    let part = at.checked_add(N).and_then(|end| bytes.get(at..end));
    let part = part.unwrap_or_default();
    part.iter()
        .rev()
        .fold(0, |n, byte| n << 8 | u64::from(*byte))
}

/// A 16-bit number.
pub(crate) fn le16(bytes: &[u8], at: usize) -> u16 {
    le::<2>(bytes, at) as u16
}

/// A 32-bit number.
pub(crate) fn le32(bytes: &[u8], at: usize) -> u32 {
    le::<4>(bytes, at) as u32
}

/// A 64-bit number.
pub(crate) fn le64(bytes: &[u8], at: usize) -> u64 {
    le::<8>(bytes, at)
}
