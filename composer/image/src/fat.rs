//! A FAT file system image from a manifest, for the EFI system partition.
//!
//! Made in memory with the `fatfs` crate, as such images are small; `build` calls [`write()`] for
//! the `fat` builtin. Invariant: files are made in the order of their paths, with one time and
//! with serial numbers from the seed, so the allocation and the short names are always the same.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};

use fatfs::{
    Date, DateTime, FileSystem, FormatVolumeOptions, FsOptions, Time, TimeProvider, format_volume,
};
use xsc_model::Digest;

use crate::blobs::{self, BlobSource, CopyError};
use crate::time::Epoch;
use crate::{EpochError, ImagePath, Kind, Manifest, seed};

/// What to write.
#[derive(Debug, Clone)]
pub struct FatSpec<'a> {
    /// The volume's name: 1 to 11 of `A`–`Z`, `0`–`9` and `_`.
    pub label: &'a str,
    /// The files; owners and modes are not kept, as FAT has none.
    pub files: &'a Manifest,
    /// The least size of the image in bytes; it grows to what the files need.
    pub min_size: u64,
    /// What the serial number is derived from.
    pub seed: Digest,
    /// Every time in the image, seconds since 1970; before 1980 it is written as 1980, where FAT
    /// begins.
    pub epoch: i64,
}

/// A FAT image that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FatError {
    /// The label has characters or a length that FAT does not allow.
    #[error(
        "the label `{label}` is not valid: it must be 1 to 11 upper-case letters, digits or underscores"
    )]
    Label {
        /// What was given.
        label: String,
    },
    /// The time does not fit.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// FAT holds files and directories only.
    #[error("`{path}` is neither a file nor a directory, and FAT holds nothing else")]
    Unsupported {
        /// The path.
        path: ImagePath,
    },
    /// Two names that are one to FAT.
    #[error("`{first}` and `{second}` are one name to FAT, which ignores case")]
    SameName {
        /// The path that comes first.
        first: ImagePath,
        /// The other.
        second: ImagePath,
    },
    /// The files need more than this writer makes.
    #[error("the image would have {size} bytes, and at most {limit} are made")]
    TooBig {
        /// Bytes needed.
        size: u64,
        /// The most.
        limit: u64,
    },
    /// The file system cannot be made.
    #[error("cannot make the file system")]
    Format {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file or directory cannot be made, mostly for its name.
    #[error("cannot make `{path}` in the FAT image")]
    Make {
        /// The path.
        path: ImagePath,
        /// Why.
        #[source]
        source: io::Error,
    },
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

const SECTOR: u64 = 512;
const CLUSTER: u64 = 2048;
const UNIT: u64 = 1024 * 1024;
/// FAT16 numbers fewer than 65525 clusters.
const LIMIT: u64 = 126 * UNIT;
const ROOT_ENTRIES: u16 = 512;

/// Writes an image and returns its size in bytes, a multiple of 1 MiB.
pub fn write(
    spec: &FatSpec<'_>,
    blobs: &dyn BlobSource,
    out: &mut dyn Write,
) -> Result<u64, FatError> {
    let label = check_label(spec.label)?;
    let time = Epoch::fat(spec.epoch)?;
    check_names(spec.files)?;
    let size = size_of(spec)?;
    let volume_id = u32::from_le_bytes(seed::short(&spec.seed, "fat-serial"));
    let mut disk = Cursor::new(vec![0; size as usize]);
    let options = FormatVolumeOptions::new()
        .bytes_per_sector(SECTOR as u16)
        .bytes_per_cluster(CLUSTER as u32)
        .max_root_dir_entries(ROOT_ENTRIES)
        .sectors_per_track(32)
        .heads(64)
        .volume_id(volume_id)
        .volume_label(label);
    let format_error = |source| FatError::Format { source };
    format_volume(&mut disk, options).map_err(format_error)?;
    FixedTime::set(time);
    let options = FsOptions::new().time_provider(&FixedTime);
    let file_system = FileSystem::new(&mut disk, options).map_err(format_error)?;
    for (path, entry) in spec.files.iter().skip(1) {
        let make_error = |source| FatError::Make {
            path: path.clone(),
            source,
        };
        let root = file_system.root_dir();
        if let Kind::File { blob, size } = entry.kind {
            let mut file = root.create_file(path.relative()).map_err(make_error)?;
            file.truncate().map_err(make_error)?;
            blobs::copy(blobs, path, blob, size, &mut file)?;
            file.flush().map_err(make_error)?;
        } else {
            root.create_dir(path.relative()).map_err(make_error)?;
        }
    }
    file_system.unmount().map_err(format_error)?;
    out.write_all(&disk.into_inner())
        .map_err(|source| FatError::Write { source })?;
    Ok(size)
}

fn check_label(label: &str) -> Result<[u8; 11], FatError> {
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if label.is_empty() || label.len() > 11 || !label.bytes().all(plain) {
        return Err(FatError::Label {
            label: label.to_owned(),
        });
    }
    let mut padded = [b' '; 11];
    padded[..label.len()].copy_from_slice(label.as_bytes());
    Ok(padded)
}

fn check_names(files: &Manifest) -> Result<(), FatError> {
    let mut seen: BTreeMap<String, &ImagePath> = BTreeMap::new();
    for (path, entry) in files.iter() {
        if !matches!(entry.kind, Kind::File { .. } | Kind::Directory) {
            return Err(FatError::Unsupported { path: path.clone() });
        }
        if let Some(first) = seen.insert(path.as_str().to_uppercase(), path) {
            return Err(FatError::SameName {
                first: first.clone(),
                second: path.clone(),
            });
        }
    }
    Ok(())
}

fn size_of(spec: &FatSpec<'_>) -> Result<u64, FatError> {
    let mut clusters: u64 = 0;
    let mut below: BTreeMap<ImagePath, u64> = BTreeMap::new();
    for (path, entry) in spec.files.iter() {
        match entry.kind {
            Kind::File { size, .. } => clusters = clusters.saturating_add(size.div_ceil(CLUSTER)),
            _ => {
                below.insert(path.clone(), 2 * 32);
            }
        }
        if let Some(size) = path.parent().and_then(|parent| below.get_mut(&parent)) {
            *size += 32 * (1 + path.name().len().div_ceil(13) as u64);
        }
    }
    let directories: u64 = below.values().map(|size| size.div_ceil(CLUSTER)).sum();
    clusters = clusters.saturating_add(directories);
    // Two tables of two bytes a cluster, the root directory and the boot sector.
    let fixed = u64::from(ROOT_ENTRIES) * 32 + 8 * SECTOR;
    let needed = clusters.saturating_mul(CLUSTER + 4).saturating_add(fixed);
    let size = needed.max(spec.min_size).max(1);
    if size > LIMIT {
        return Err(FatError::TooBig { size, limit: LIMIT });
    }
    Ok(size.next_multiple_of(UNIT))
}

/// The time of the image that this thread is writing: `fatfs` takes a `'static` provider only.
#[derive(Debug)]
struct FixedTime;

thread_local! {
    static NOW: Cell<Epoch> = const { Cell::new(Epoch::START) };
}

impl FixedTime {
    fn set(time: Epoch) {
        NOW.set(time);
    }
}

impl TimeProvider for FixedTime {
    fn get_current_date(&self) -> Date {
        self.get_current_date_time().date
    }

    fn get_current_date_time(&self) -> DateTime {
        let [year, month, day, hour, min, sec] = NOW.get().fields();
        DateTime {
            date: Date { year, month, day },
            time: Time {
                hour,
                min,
                sec,
                millis: 0,
            },
        }
    }
}
