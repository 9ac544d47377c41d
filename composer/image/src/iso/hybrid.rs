//! What makes the image a disk too: GRUB's master boot record, a protective one, and GPT.
//!
//! The boot images learn their own address here as well. The `gpt` crate writes the tables onto
//! a disk that exists in memory at its two ends only. Invariant: every identifier comes from the
//! seed, and nothing but the first 16 KiB and the last 33 sectors is touched.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use gpt::partition::Partition;
use gpt::{GptConfig, GptError, partition_types};
use xsc_model::Digest;

use crate::iso::bytes::BLOCK;
use crate::mbr::master_boot_record;
use crate::seed;

/// Bytes of a disk sector.
pub(crate) const SECTOR: u64 = 512;
/// Bytes at the start of the image that ISO 9660 leaves to others.
pub(crate) const SYSTEM_AREA: usize = 16 * BLOCK;
/// Sectors of a backup GPT: 128 entries and a header.
pub(crate) const BACKUP_SECTORS: u64 = 33;

const SECTORS_PER_BLOCK: u64 = BLOCK as u64 / SECTOR;

/// Puts the address of GRUB's image into its own code, and makes it a boot image for a CD: the
/// boot information table at 8, and GRUB's 64-bit sector number of its part behind the two
/// loaders at 2548.
pub(crate) fn patch_boot_image(image: &mut [u8], block: u32) {
    let sector = u64::from(block) * SECTORS_PER_BLOCK + 5;
    image[2548..2556].copy_from_slice(&sector.to_le_bytes());
    let length = u32::try_from(image.len()).expect("larger files are refused before");
    image[8..64].fill(0);
    let sum = image[64..]
        .chunks(4)
        .map(|word| {
            let mut bytes = [0; 4];
            bytes[..word.len()].copy_from_slice(word);
            u32::from_le_bytes(bytes)
        })
        .fold(0, u32::wrapping_add);
    for (at, value) in [(8, 16), (12, block), (16, length), (20, sum)] {
        image[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
}

/// The least bytes of a boot image that the patches fit into.
pub(crate) const SMALLEST_BOOT_IMAGE: u64 = 2556;

/// The master boot record's code with the address of GRUB's image in it, at 0x1b0.
pub(crate) fn mbr_code(code: &[u8], boot_image: u32) -> [u8; 440] {
    let mut patched = [0; 440];
    let length = code.len().min(440);
    patched[..length].copy_from_slice(&code[..length]);
    let sector = u64::from(boot_image) * SECTORS_PER_BLOCK + 4;
    patched[0x1b0..0x1b8].copy_from_slice(&sector.to_le_bytes());
    patched
}

/// The EFI system partition's place in the image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Esp {
    /// The block where it starts.
    pub(crate) block: u32,
    /// Bytes.
    pub(crate) size: u64,
}

/// The two ends of a partitioned disk.
#[derive(Debug)]
pub(crate) struct Tables {
    /// The system area.
    pub(crate) head: Vec<u8>,
    /// The last [`BACKUP_SECTORS`] sectors.
    pub(crate) tail: Vec<u8>,
}

/// Writes the tables of a disk of `blocks` blocks.
pub(crate) fn tables(
    blocks: u32,
    code: Option<[u8; 440]>,
    esp: Option<Esp>,
    seed: &Digest,
) -> Result<Tables, GptError> {
    let sectors = u64::from(blocks) * SECTORS_PER_BLOCK;
    let mut disk = Ends::new(sectors * SECTOR);
    let config = GptConfig::new().writable(true);
    let guid = uuid::Uuid::from_bytes(seed::uuid(seed, "gpt-disk"));
    let mut table = config.create_from_device(&mut disk, Some(guid))?;
    let mut partitions = BTreeMap::new();
    if let Some(esp) = esp {
        let first = u64::from(esp.block) * SECTORS_PER_BLOCK;
        partitions.insert(
            1,
            Partition {
                part_type_guid: partition_types::EFI,
                part_guid: uuid::Uuid::from_bytes(seed::uuid(seed, "gpt-esp")),
                first_lba: first,
                last_lba: first + esp.size.div_ceil(SECTOR) - 1,
                flags: 0,
                name: "EFI system partition".to_owned(),
            },
        );
    }
    table.update_partitions(partitions)?;
    table.write_inplace()?;
    drop(table);
    let record = master_boot_record(sectors, code, seed);
    disk.head[..SECTOR as usize].copy_from_slice(&record);
    Ok(Tables {
        head: disk.head,
        tail: disk.tail,
    })
}

/// A disk of zeros of which only the two ends can be written.
#[derive(Debug)]
struct Ends {
    size: u64,
    at: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Ends {
    fn new(size: u64) -> Self {
        Ends {
            size,
            at: 0,
            head: vec![0; SYSTEM_AREA],
            tail: vec![0; (BACKUP_SECTORS * SECTOR) as usize],
        }
    }

    /// The bytes from the current place on, where they are kept.
    fn here(&mut self) -> Option<&mut [u8]> {
        let tail_at = self.size - self.tail.len() as u64;
        if self.at < self.head.len() as u64 {
            Some(&mut self.head[self.at as usize..])
        } else if (tail_at..=self.size).contains(&self.at) {
            Some(&mut self.tail[(self.at - tail_at) as usize..])
        } else {
            None
        }
    }
}

impl Read for Ends {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.here() {
            Some(kept) => {
                let count = kept.len().min(buffer.len());
                buffer[..count].copy_from_slice(&kept[..count]);
                count
            }
            None => {
                buffer.fill(0);
                buffer.len()
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Write for Ends {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let Some(kept) = self.here() else {
            return Err(io::Error::other(
                "the middle of the disk is not a partition table",
            ));
        };
        let count = kept.len().min(buffer.len());
        kept[..count].copy_from_slice(&buffer[..count]);
        self.at += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Ends {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
