//! An inode's 256 bytes.
//!
//! The writer fills tables with them. Invariant: every time is the image's, every generation is
//! zero, and the checksum covers all that was given.

use super::layout::INODE;
use super::sums::crc;
use super::xattr::INODE_FIELDS;

/// The blocks of the inode are described by extents.
pub(crate) const EXTENTS_FLAG: u32 = 0x8_0000;

/// What an inode says.
#[derive(Debug, Clone)]
pub(crate) struct Inode<'a> {
    /// Type and permissions.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) links: u16,
    pub(crate) size: u64,
    /// Blocks of data, of the extents' tree and of attributes.
    pub(crate) blocks: u64,
    pub(crate) flags: u32,
    /// Extents, a device's number, or the target of a short link.
    pub(crate) content: [u8; 60],
    pub(crate) xattr_block: u64,
    pub(crate) xattrs: &'a [u8],
}

/// A time as an inode has it: 32 bits, and what is above them with the nanoseconds.
pub(crate) fn time(epoch: i64) -> (u32, u32) {
    let low = epoch as u32;
    let above = (epoch - i64::from(low as i32)) >> 32;
    (low, above as u32 & 3)
}

impl Inode<'_> {
    /// The bytes; `start` is where the inode's checksums start.
    pub(crate) fn encode(&self, epoch: i64, start: u32) -> [u8; INODE as usize] {
        let mut bytes = [0; INODE as usize];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let low = |value: u32| (value as u16).to_le_bytes();
        let high = |value: u32| ((value >> 16) as u16).to_le_bytes();
        let sectors = self.blocks * 8;
        let (seconds, extra) = time(epoch);
        put(0, &low(self.mode));
        put(2, &low(self.uid));
        put(4, &(self.size as u32).to_le_bytes());
        for at in [8, 12, 16, 144] {
            put(at, &seconds.to_le_bytes());
        }
        for at in [132, 136, 140, 148] {
            put(at, &extra.to_le_bytes());
        }
        put(24, &low(self.gid));
        put(26, &self.links.to_le_bytes());
        put(28, &(sectors as u32).to_le_bytes());
        put(32, &self.flags.to_le_bytes());
        put(40, &self.content);
        put(104, &(self.xattr_block as u32).to_le_bytes());
        put(108, &((self.size >> 32) as u32).to_le_bytes());
        put(116, &((sectors >> 32) as u16).to_le_bytes());
        put(118, &((self.xattr_block >> 32) as u16).to_le_bytes());
        put(120, &high(self.uid));
        put(122, &high(self.gid));
        put(128, &((INODE_FIELDS - 128) as u16).to_le_bytes());
        put(INODE_FIELDS, self.xattrs);
        let sum = crc(start, &bytes);
        bytes[124..126].copy_from_slice(&low(sum));
        bytes[130..132].copy_from_slice(&high(sum));
        bytes
    }
}

/// The content of a device's inode; none where ext4 cannot hold the numbers.
pub(crate) fn device(major: u32, minor: u32) -> Option<[u8; 60]> {
    if major >= 1 << 12 || minor >= 1 << 20 {
        return None;
    }
    let mut content = [0; 60];
    if major < 256 && minor < 256 {
        content[..4].copy_from_slice(&(major << 8 | minor).to_le_bytes());
    } else {
        let number = (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12);
        content[4..8].copy_from_slice(&number.to_le_bytes());
    }
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_beyond_2038_and_before_1970() {
        assert_eq!(time(0), (0, 0));
        assert_eq!(time(-1), (u32::MAX, 0));
        assert_eq!(time(i64::from(i32::MAX) + 1), (1 << 31, 1));
        assert_eq!(time((1 << 34) - (1 << 31) - 1), (i32::MAX as u32, 3));
    }

    #[test]
    fn devices_have_an_old_and_a_new_form() {
        assert_eq!(device(5, 1).unwrap()[..8], [1, 5, 0, 0, 0, 0, 0, 0]);
        assert_eq!(device(259, 1).unwrap()[..8], [0, 0, 0, 0, 1, 3, 1, 0]);
        assert!(device(4096, 0).is_none() && device(0, 1 << 20).is_none());
    }
}
