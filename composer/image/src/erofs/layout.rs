//! Numbers of the EROFS format that the writer and the reader share.
//!
//! As in Linux's `fs/erofs/erofs_fs.h`. Invariant: nothing here depends on an image.

/// Bytes of a block, as the writer has them.
pub(crate) const BLOCK: usize = 4096;
/// Bytes that an inode's number counts in.
pub(crate) const SLOT: usize = 32;
/// Where the superblock is.
pub(crate) const SUPERBLOCK: u64 = 1024;
pub(crate) const MAGIC: u32 = 0xe0f5_e1e2;

/// The superblock has a sum.
pub(crate) const COMPAT_SUM: u32 = 0x1;
/// The zeros of a compressed block stand before its data.
pub(crate) const INCOMPAT_ZERO_PADDING: u32 = 0x1;
/// Compressed pieces have several blocks, and the superblock is followed by settings of compressors.
pub(crate) const INCOMPAT_BIG_PCLUSTER: u32 = 0x2;

/// A file in blocks of its own.
pub(crate) const FLAT_PLAIN: u16 = 0;
/// A compressed file with eight bytes of index for each of its blocks.
pub(crate) const COMPRESSED_FULL: u16 = 1;
/// A file whose last part stands behind its inode.
pub(crate) const FLAT_INLINE: u16 = 2;
/// A compressed file with a packed index.
pub(crate) const COMPRESSED_COMPACT: u16 = 3;

/// Index entries: a block that is not compressed, the first of a compressed piece, and the others of it.
pub(crate) const PLAIN: u16 = 0;
pub(crate) const HEAD: u16 = 1;
pub(crate) const NONHEAD: u16 = 2;
/// In an index entry: the number of blocks of a compressed piece, not a distance.
pub(crate) const COMPRESSED_BLOCKS: u16 = 1 << 11;
/// A packed index has packs of two bytes an entry.
pub(crate) const ADVISE_PACKED_2B: u16 = 0x1;
/// A file has compressed pieces of several blocks.
pub(crate) const ADVISE_BIG_PCLUSTER: u16 = 0x2;

/// What the numbers of attributes' names stand for; the longest prefix that fits is used.
pub(crate) const XATTR_PREFIXES: &[(u8, &[u8])] = &[
    (2, b"system.posix_acl_access"),
    (3, b"system.posix_acl_default"),
    (1, b"user."),
    (4, b"trusted."),
    (6, b"security."),
];
