//! EROFS: a root file system that is only read, in plain blocks or compressed with LZ4.
//!
//! `build` calls [`write()`] for the `erofs` builtin. Contents are written first, then what describes them, so that
//! compressed sizes need not be known before; the superblock comes last, at the front. Invariant: the bytes follow from
//! the specification and the blobs alone, however many threads compress; `docs/formats/erofs.md` describes the layout.

mod data;
mod inode;
pub(crate) mod layout;
mod plan;

use std::io::{self, Seek, SeekFrom, Write};

use xsc_model::Digest;

use crate::blobs::{BlobSource, CopyError};
use crate::{ImagePath, Manifest, seed};

use self::layout::{BLOCK, SUPERBLOCK};

/// What to write.
#[derive(Debug, Clone)]
pub struct ErofsSpec<'a> {
    /// The files.
    pub files: &'a Manifest,
    /// The volume's name, at most 16 bytes; may be empty.
    pub label: &'a str,
    /// How contents are stored.
    pub compression: ErofsCompression,
    /// How many threads compress; the bytes are the same for any number.
    pub threads: usize,
    /// What the UUID is derived from.
    pub seed: Digest,
    /// Every time in the image, seconds since 1970.
    pub epoch: i64,
}

/// How contents are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErofsCompression {
    /// As they are.
    None,
    /// LZ4 in pieces of 128 KiB; what does not become smaller is stored as it is.
    Lz4,
}

impl ErofsCompression {
    /// The name in recipes: `none` or `lz4`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "none" => Some(ErofsCompression::None),
            "lz4" => Some(ErofsCompression::Lz4),
            _ => None,
        }
    }
}

/// An image that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ErofsError {
    /// A label that does not fit.
    #[error("the label `{label}` is longer than the 16 bytes that EROFS has for it")]
    Label {
        /// What was given.
        label: String,
    },
    /// The time is before 1970.
    #[error("the time {epoch} is before 1970, which EROFS cannot hold")]
    Epoch {
        /// Seconds since 1970.
        epoch: i64,
    },
    /// A device that cannot be described.
    #[error(
        "the device numbers of `{path}` are too large for EROFS: 4095 and 1048575 are the most"
    )]
    Device {
        /// The path.
        path: ImagePath,
    },
    /// An extended attribute that cannot be stored.
    #[error("EROFS cannot hold the extended attribute `{name}` of `{path}`: {rule}")]
    Xattr {
        /// The path.
        path: ImagePath,
        /// The attribute.
        name: String,
        /// What it can hold.
        rule: &'static str,
    },
    /// More blocks than 32 bits count.
    #[error("the image would be larger than the 16 TiB that EROFS can address")]
    TooBig,
    /// A file's content could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The image could not be written.
    #[error("cannot write the image")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Where an image is written: front to back, and at last once more at the front.
pub trait Target: Write + Seek {}

impl<T: Write + Seek> Target for T {}

/// Writes an image from where `out` stands and returns its size in bytes.
pub fn write(
    spec: &ErofsSpec<'_>,
    blobs: &dyn BlobSource,
    out: &mut dyn Target,
) -> Result<u64, ErofsError> {
    if spec.label.len() > 16 {
        return Err(ErofsError::Label {
            label: spec.label.to_owned(),
        });
    }
    let build_time =
        u64::try_from(spec.epoch).map_err(|_| ErofsError::Epoch { epoch: spec.epoch })?;
    let error = |source| ErofsError::Write { source };
    let start = out.stream_position().map_err(error)?;
    let mut blocks = Blocks { out, count: 0 };
    blocks.put(&[0; BLOCK])?;
    let mut plan = plan::Plan::new(spec.files)?;
    data::write(spec, blobs, &mut plan, &mut blocks)?;
    plan.lay_out(&mut blocks)?;
    let meta = blocks.count;
    plan.write(build_time, blobs, &mut blocks)?;
    let superblock = superblock(spec, build_time, meta, blocks.count, &plan);
    let (count, out) = (blocks.count, blocks.out);
    out.seek(SeekFrom::Start(start)).map_err(error)?;
    out.write_all(&superblock).map_err(error)?;
    let size = u64::from(count) * BLOCK as u64;
    out.seek(SeekFrom::Start(start + size)).map_err(error)?;
    out.flush().map_err(error)?;
    Ok(size)
}

/// The image as it grows, in whole blocks.
pub(crate) struct Blocks<'a> {
    out: &'a mut dyn Target,
    pub(crate) count: u32,
}

impl Blocks<'_> {
    /// Appends bytes and zeros up to a whole block; returns the address of the first.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<u32, ErofsError> {
        let first = self.count;
        let count = u32::try_from(bytes.len().div_ceil(BLOCK)).ok();
        let end = count.and_then(|count| first.checked_add(count));
        self.count = end
            .filter(|end| *end < u32::MAX)
            .ok_or(ErofsError::TooBig)?;
        let zeros = bytes.len().next_multiple_of(BLOCK) - bytes.len();
        let done = self.out.write_all(bytes);
        done.and_then(|()| self.out.write_all(&[0; BLOCK][..zeros]))
            .map_err(|source| ErofsError::Write { source })?;
        Ok(first)
    }
}

/// The first block: the superblock at byte 1024, and behind it what compressors are told.
fn superblock(
    spec: &ErofsSpec<'_>,
    build_time: u64,
    meta: u32,
    blocks: u32,
    plan: &plan::Plan<'_>,
) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK];
    let at = SUPERBLOCK as usize;
    let mut put = |offset: usize, value: &[u8]| {
        bytes[at + offset..at + offset + value.len()].copy_from_slice(value);
    };
    put(0, &layout::MAGIC.to_le_bytes());
    put(8, &layout::COMPAT_SUM.to_le_bytes());
    put(12, &[BLOCK.trailing_zeros() as u8]);
    put(14, &plan.root().to_le_bytes());
    put(16, &plan.inodes().to_le_bytes());
    put(24, &build_time.to_le_bytes());
    put(36, &blocks.to_le_bytes());
    put(40, &meta.to_le_bytes());
    put(48, &seed::uuid(&spec.seed, "erofs"));
    put(64, spec.label.as_bytes());
    if spec.compression == ErofsCompression::Lz4 {
        let features = layout::INCOMPAT_ZERO_PADDING | layout::INCOMPAT_BIG_PCLUSTER;
        put(80, &features.to_le_bytes());
        // The first compressor, LZ4: 14 bytes of settings, distance and blocks of a piece at most.
        put(84, &1u16.to_le_bytes());
        put(128, &14u16.to_le_bytes());
        put(130, &u16::MAX.to_le_bytes());
        put(132, &data::MOST_BLOCKS.to_le_bytes());
    }
    // The sum is that of CRC-32C without its last inversion.
    let sum = !crc32c::crc32c(&bytes[at..]);
    bytes[at + 4..at + 8].copy_from_slice(&sum.to_le_bytes());
    bytes
}
