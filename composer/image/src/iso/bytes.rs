//! Small encodings of ECMA-119: numbers in both byte orders, padded text, blocks.
//!
//! Used by every part of the ISO writer. Invariant: a helper appends exactly the number of bytes
//! that its format gives, so offsets in the callers are sums of constants.

/// Bytes of a logical block and of a sector of the volume.
pub(crate) const BLOCK: usize = 2048;

/// Blocks that hold `bytes`.
pub(crate) fn blocks(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK as u64)
}

/// A 16-bit number in both byte orders.
pub(crate) fn both16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
    out.extend(value.to_be_bytes());
}

/// A 32-bit number in both byte orders.
pub(crate) fn both32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
    out.extend(value.to_be_bytes());
}

/// Text padded with spaces to `width`; the caller has checked that it fits.
pub(crate) fn padded(out: &mut Vec<u8>, text: &str, width: usize) {
    assert!(
        text.len() <= width,
        "checked text of a descriptor fits its field"
    );
    out.extend(text.as_bytes());
    out.extend(std::iter::repeat_n(b' ', width - text.len()));
}

/// Text in big-endian UCS-2, cut or padded with spaces to `width`; the odd byte at the end of some fields is zero.
pub(crate) fn padded_ucs2(out: &mut Vec<u8>, text: &str, width: usize) {
    let units = text.encode_utf16().chain(std::iter::repeat(b' '.into()));
    out.extend(units.take(width / 2).flat_map(u16::to_be_bytes));
    out.extend(vec![0; width % 2]);
}

/// Zeros up to the next whole block.
pub(crate) fn fill_block(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}
