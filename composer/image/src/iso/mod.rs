//! A hybrid ISO 9660 image: Rock Ridge, Joliet, El Torito for BIOS and EFI, and GRUB's disk boot.
//!
//! `build` calls [`write()`] for the `iso` builtin. The layout is computed first, then the image
//! is written front to back in one pass, so any `Write` will do. Invariant: the bytes follow
//! from the specification and the blobs alone; `docs/adr/0004-iso-writer.md` says what is left
//! out and why.

mod bytes;
mod hybrid;
mod names;
mod records;
mod susp;
mod tree;
mod volume;

use std::io::{self, Write};

use xsc_model::Digest;

use crate::blobs::{self, BlobSource, CopyError};
use crate::iso::bytes::{BLOCK, blocks, fill_block};
use crate::iso::hybrid::{BACKUP_SECTORS, Esp, SECTOR, SMALLEST_BOOT_IMAGE, SYSTEM_AREA};
use crate::iso::records::{Addresses, LARGEST_EXTENT, directories, path_table};
use crate::iso::tree::{Files, Tree};
use crate::iso::volume::{BootImage, Geometry, Platform, Texts};
use crate::time::Epoch;
use crate::{EpochError, ImagePath, Manifest};

/// What to write.
#[derive(Debug, Clone)]
pub struct IsoSpec<'a> {
    /// The volume's name: 1 to 32 of `A`–`Z`, `0`–`9` and `_`.
    pub volume_id: &'a str,
    /// Who publishes it; at most 128 characters, may be empty.
    pub publisher: &'a str,
    /// What it is; at most 128 characters, may be empty.
    pub application: &'a str,
    /// The files, boot images included.
    pub files: &'a Manifest,
    /// How PC BIOS boots it.
    pub bios: Option<Bios<'a>>,
    /// The FAT image with the EFI boot loader, a file of `files`.
    pub efi: Option<ImagePath>,
    /// What identifiers are derived from.
    pub seed: Digest,
    /// Every time in the image, seconds since 1970.
    pub epoch: i64,
}

/// How PC BIOS boots an image.
#[derive(Debug, Clone)]
pub struct Bios<'a> {
    /// GRUB's El Torito image (`cdboot.img` and the core), a file of `files`; it is patched with
    /// its own address as it is written.
    pub image: ImagePath,
    /// GRUB's `boot_hybrid.img`, of which the first 440 bytes are used, so that the image boots
    /// as a disk; empty for CD only.
    pub mbr_code: &'a [u8],
}

/// An image that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum IsoError {
    /// A text of the volume descriptor has characters that ISO 9660 does not allow.
    #[error("the {field} `{text}` is not valid: {rule}")]
    Text {
        /// Which text.
        field: &'static str,
        /// What was given.
        text: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// The time does not fit.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// A file of more extents than Linux reads.
    #[error("`{path}` has {size} bytes, and Linux reads at most 400 GiB of a file in an ISO image")]
    FileTooBig {
        /// The file.
        path: ImagePath,
        /// Bytes.
        size: u64,
    },
    /// Something that would be lost.
    #[error("`{path}` has {what}, which an ISO image cannot hold")]
    Unsupported {
        /// The path.
        path: ImagePath,
        /// What it has.
        what: &'static str,
    },
    /// More directories than a path table can number.
    #[error("the image has {count} directories, and a path table numbers at most 65535")]
    TooManyDirectories {
        /// How many there are.
        count: usize,
    },
    /// The whole image would have more blocks than 32 bits count.
    #[error("the image would have {size} bytes, more than ISO 9660 can address")]
    TooBig {
        /// Bytes.
        size: u64,
    },
    /// A boot image that is no file of the image, or an empty one.
    #[error("the {platform} boot image `{path}` is not a file of the image with content")]
    NoBootImage {
        /// Whose it is.
        platform: &'static str,
        /// Where it should be.
        path: ImagePath,
    },
    /// A boot image that cannot be GRUB's.
    #[error("the BIOS boot image `{path}` has {size} bytes, too few for GRUB's El Torito image")]
    BootImageTooSmall {
        /// The file.
        path: ImagePath,
        /// Bytes.
        size: u64,
    },
    /// Boot code for the disk that cannot be GRUB's.
    #[error(
        "the code for the master boot record has {size} bytes, and GRUB's `boot_hybrid.img` has at least 432"
    )]
    MbrCodeTooSmall {
        /// Bytes.
        size: usize,
    },
    /// An EFI image that El Torito cannot describe.
    #[error(
        "the EFI boot image `{path}` has {size} bytes, and El Torito describes at most 33553920"
    )]
    EspTooBig {
        /// The file.
        path: ImagePath,
        /// Bytes.
        size: u64,
    },
    /// The partition table could not be made.
    #[error("cannot make the partition table")]
    PartitionTable {
        /// Why.
        #[source]
        source: gpt::GptError,
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

/// Where the parts of an image lie, in blocks.
#[derive(Debug)]
struct Layout {
    /// Rock Ridge's directories, then Joliet's.
    trees: [TreeLayout; 2],
    catalog: u32,
    blocks: u32,
    data_end: u32,
}

/// Where the directories of one tree lie, in blocks.
#[derive(Debug)]
struct TreeLayout {
    addresses: Addresses,
    l_table: u32,
    m_table: u32,
    /// Bytes.
    table_size: u32,
}

/// Blocks behind the data that some drives read ahead into.
const READ_AHEAD: u64 = 150;
/// The most extents of a file that Linux reads.
const MOST_EXTENTS: u64 = 100;
/// The longest name that Linux reads from Rock Ridge; longer ones it cuts off.
const LONGEST_NAME: usize = 253;
/// The image's size is a multiple of this many blocks.
const SIZE_UNIT: u64 = 32;

/// Writes an image and returns its size in bytes.
pub fn write(
    spec: &IsoSpec<'_>,
    blobs: &dyn BlobSource,
    out: &mut dyn Write,
) -> Result<u64, IsoError> {
    let epoch = Epoch::iso(spec.epoch)?;
    check_texts(spec)?;
    check_entries(spec.files)?;
    let mut files = Files::new(spec.files);
    let trees = [
        Tree::rock_ridge(spec.files, &files),
        Tree::joliet(spec.files, &files),
    ];
    check_sizes(&trees[0], &files)?;
    let bios = spec
        .bios
        .as_ref()
        .map(|bios| check_bios(&files, bios))
        .transpose()?;
    let efi = spec
        .efi
        .as_ref()
        .map(|path| check_efi(&files, path))
        .transpose()?;

    let bootable = bios.is_some() || efi.is_some();
    let layout = lay_out(&trees, &mut files, bootable, &epoch)?;
    let mut images = Vec::new();
    if let Some(file) = bios {
        images.push(BootImage {
            platform: Platform::Bios,
            block: files.0[file].block,
            sectors: 4,
        });
    }
    let esp = efi.map(|file| Esp {
        block: files.0[file].block,
        size: files.0[file].size,
    });
    if let Some(esp) = esp {
        images.push(BootImage {
            platform: Platform::Efi,
            block: esp.block,
            sectors: u16::try_from(esp.size.div_ceil(SECTOR)).expect("checked by check_efi"),
        });
    }
    let code = match (&spec.bios, bios) {
        (Some(bios), Some(file)) if !bios.mbr_code.is_empty() => {
            Some(hybrid::mbr_code(bios.mbr_code, files.0[file].block))
        }
        _ => None,
    };
    let hybrid = code.is_some() || esp.is_some();
    let (head, tail) = if hybrid {
        let tables = hybrid::tables(layout.blocks, code, esp, &spec.seed)
            .map_err(|source| IsoError::PartitionTable { source })?;
        (tables.head, tables.tail)
    } else {
        (vec![0; SYSTEM_AREA], Vec::new())
    };

    let mut front = head;
    let texts = Texts {
        volume: spec.volume_id,
        publisher: spec.publisher,
        application: spec.application,
    };
    let [primary, joliet] = layout.trees.each_ref().map(|tree| Geometry {
        blocks: layout.blocks,
        table_size: tree.table_size,
        l_table: tree.l_table,
        m_table: tree.m_table,
        root: tree.addresses.dirs[0],
        root_size: tree.addresses.dir_sizes[0],
    });
    front.extend(volume::primary(&texts, &primary, &epoch));
    if bootable {
        front.extend(volume::boot_record(layout.catalog));
    }
    front.extend(volume::joliet(&texts, &joliet, &epoch));
    front.extend(volume::terminator());
    for (tree, layout) in trees.iter().zip(&layout.trees) {
        for big_endian in [false, true] {
            front.extend(path_table(tree, &layout.addresses.dirs, big_endian));
            fill_block(&mut front);
        }
        let encoded = directories(tree, &files, &layout.addresses, &epoch);
        front.extend(encoded.dirs.concat());
        front.extend(encoded.continuations);
    }
    if bootable {
        front.extend(volume::boot_catalog(&images));
    }
    write_all(out, &front)?;
    for (number, file) in files.0.iter().enumerate() {
        if Some(number) == bios {
            let mut image = blobs::read(blobs, file.path, file.blob, file.size)?;
            hybrid::patch_boot_image(&mut image, file.block);
            write_all(out, &image)?;
        } else {
            blobs::copy(blobs, file.path, file.blob, file.size, out)?;
        }
        let padding = blocks(file.size) * BLOCK as u64 - file.size;
        write_all(out, &vec![0; padding as usize])?;
    }
    let end = u64::from(layout.blocks) * BLOCK as u64;
    let gap = end - u64::from(layout.data_end) * BLOCK as u64 - tail.len() as u64;
    write_all(out, &vec![0; gap as usize])?;
    write_all(out, &tail)?;
    Ok(end)
}

fn write_all(out: &mut dyn Write, bytes: &[u8]) -> Result<(), IsoError> {
    out.write_all(bytes)
        .map_err(|source| IsoError::Write { source })
}

/// Gives everything its place.
fn lay_out(
    trees: &[Tree<'_>; 2],
    files: &mut Files<'_>,
    bootable: bool,
    epoch: &Epoch,
) -> Result<Layout, IsoError> {
    let mut next = SYSTEM_AREA as u64 / BLOCK as u64 + if bootable { 4 } else { 3 };
    let mut take = |count: u64| {
        let start = next;
        next += count;
        start
    };
    // Addresses are narrowed before they are known to fit: the total is checked below, before any is used.
    let narrow = |value: u64| value as u32;
    let layouts = trees.each_ref().map(|tree| {
        let zeros = Addresses {
            dirs: vec![0; tree.dirs.len()],
            dir_sizes: vec![0; tree.dirs.len()],
            continuations: 0,
        };
        let measured = directories(tree, files, &zeros, epoch);
        let table_size = path_table(tree, &zeros.dirs, false).len() as u64;
        let sizes = measured.dirs.iter().map(|dir| dir.len() as u64);
        TreeLayout {
            l_table: narrow(take(blocks(table_size))),
            m_table: narrow(take(blocks(table_size))),
            table_size: narrow(table_size),
            addresses: Addresses {
                dirs: sizes
                    .clone()
                    .map(|size| narrow(take(blocks(size))))
                    .collect(),
                dir_sizes: sizes.map(narrow).collect(),
                continuations: narrow(take(blocks(measured.continuations.len() as u64))),
            },
        }
    });
    let catalog = take(u64::from(bootable));
    for file in &mut files.0 {
        file.block = narrow(take(blocks(file.size)));
    }
    let data_end = take(0);
    let backup = blocks(BACKUP_SECTORS * SECTOR);
    let total = (data_end + READ_AHEAD + backup).next_multiple_of(SIZE_UNIT);
    // Every address is below the total, so one check covers them all.
    if u32::try_from(total).is_err() {
        return Err(IsoError::TooBig {
            size: total.saturating_mul(BLOCK as u64),
        });
    }
    Ok(Layout {
        trees: layouts,
        catalog: narrow(catalog),
        blocks: narrow(total),
        data_end: narrow(data_end),
    })
}

fn check_texts(spec: &IsoSpec<'_>) -> Result<(), IsoError> {
    let error = |field, text: &str, rule| IsoError::Text {
        field,
        text: text.to_owned(),
        rule,
    };
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    let volume = spec.volume_id;
    if volume.is_empty() || volume.len() > 32 || !volume.bytes().all(plain) {
        let rule = "it must be 1 to 32 upper-case letters, digits or underscores";
        return Err(error("volume id", volume, rule));
    }
    for (field, text) in [
        ("publisher", spec.publisher),
        ("application", spec.application),
    ] {
        let allowed = |b: u8| plain(b) || b" !\"%&'()*+,-./:;<=>?".contains(&b);
        if text.len() > 128 || !text.bytes().all(allowed) {
            let rule = "it must be at most 128 upper-case letters, digits, spaces or \
                        ! \" % & ' ( ) * + , - . / : ; < = > ? _";
            return Err(error(field, text, rule));
        }
    }
    Ok(())
}

/// Refuses what Rock Ridge has no place for, or Linux does not read from it.
fn check_entries(files: &Manifest) -> Result<(), IsoError> {
    for (path, entry) in files.iter() {
        let what = match entry {
            entry if !entry.xattrs.is_empty() => "extended attributes",
            entry if files.link_count(entry) > 1 => "hard links",
            _ if path.name().len() > LONGEST_NAME => {
                "a name of more than 253 bytes, which Linux would cut off"
            }
            _ => continue,
        };
        return Err(IsoError::Unsupported {
            path: path.clone(),
            what,
        });
    }
    Ok(())
}

fn check_sizes(tree: &Tree<'_>, files: &Files<'_>) -> Result<(), IsoError> {
    if tree.dirs.len() > usize::from(u16::MAX) {
        return Err(IsoError::TooManyDirectories {
            count: tree.dirs.len(),
        });
    }
    match files
        .0
        .iter()
        .find(|file| file.size > MOST_EXTENTS * LARGEST_EXTENT)
    {
        Some(file) => Err(IsoError::FileTooBig {
            path: file.path.clone(),
            size: file.size,
        }),
        None => Ok(()),
    }
}

fn check_bios(files: &Files<'_>, bios: &Bios<'_>) -> Result<usize, IsoError> {
    let number = files
        .number(&bios.image)
        .ok_or_else(|| IsoError::NoBootImage {
            platform: "BIOS",
            path: bios.image.clone(),
        })?;
    let size = files.0[number].size;
    if size < SMALLEST_BOOT_IMAGE {
        return Err(IsoError::BootImageTooSmall {
            path: bios.image.clone(),
            size,
        });
    }
    if !bios.mbr_code.is_empty() && bios.mbr_code.len() < 0x1b0 {
        return Err(IsoError::MbrCodeTooSmall {
            size: bios.mbr_code.len(),
        });
    }
    Ok(number)
}

fn check_efi(files: &Files<'_>, path: &ImagePath) -> Result<usize, IsoError> {
    let number = files.number(path).ok_or_else(|| IsoError::NoBootImage {
        platform: "EFI",
        path: path.clone(),
    })?;
    let size = files.0[number].size;
    if size.div_ceil(SECTOR) > u64::from(u16::MAX) {
        return Err(IsoError::EspTooBig {
            path: path.clone(),
            size,
        });
    }
    Ok(number)
}
