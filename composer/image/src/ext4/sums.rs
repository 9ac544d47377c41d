//! Checksums of ext4's metadata: CRC-32C without the final inversion, each with its own start.
//!
//! Everything that is written goes through here last. Invariant: the file system's start is its
//! UUID, that of an inode's own blocks adds its number and generation.

/// Continues a checksum over more bytes.
pub(crate) fn crc(start: u32, bytes: &[u8]) -> u32 {
    !crc32c::crc32c_append(!start, bytes)
}

/// Where the checksums of one file system start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums(u32);

impl Sums {
    pub(crate) fn new(uuid: &[u8; 16]) -> Self {
        Sums(crc(!0, uuid))
    }

    /// Of a group's bitmap.
    pub(crate) fn bitmap(self, bytes: &[u8]) -> u32 {
        crc(self.0, bytes)
    }

    /// Of a group's descriptor, whose own field is zero.
    pub(crate) fn descriptor(self, group: u32, bytes: &[u8]) -> u16 {
        crc(crc(self.0, &group.to_le_bytes()), bytes) as u16
    }

    /// Of a block of attributes, whose own field is zero.
    pub(crate) fn xattr_block(self, block: u64, bytes: &[u8]) -> u32 {
        crc(crc(self.0, &block.to_le_bytes()), bytes)
    }

    /// Where those of one inode start; all generations are zero.
    pub(crate) fn inode(self, number: u32) -> u32 {
        crc(crc(self.0, &number.to_le_bytes()), &[0; 4])
    }
}
