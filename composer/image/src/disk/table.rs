//! The GUID partition table at both ends of a disk, and the master boot record before it.
//!
//! Written with the `gpt` crate. Invariant: the entries are in the order of the partitions on the
//! disk, and every GUID was given.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use gpt::partition_types::{self, OperatingSystem, Type};
use gpt::{GptConfig, partition};
use uuid::{Uuid, uuid};
use xsc_model::Digest;

use super::{Architecture, DiskError};
use crate::mbr::master_boot_record;
use crate::seed;

const SECTOR: u64 = 512;
/// Attributes of the Discoverable Partitions Specification.
const GROW: u64 = 1 << 59;
const READ_ONLY: u64 = 1 << 60;

/// What a partition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// GRUB's core image.
    Bios,
    /// What UEFI starts.
    Esp,
    /// A root that is written to and may grow.
    Growing(Architecture),
    /// A root that is only read.
    Root(Architecture),
    /// The hashes of a root.
    Verity(Architecture),
}

/// A partition, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partition {
    pub(super) role: Role,
    pub(super) start: u64,
    pub(super) size: u64,
    pub(super) guid: [u8; 16],
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::Bios => "BIOS boot partition",
            Role::Esp => "EFI system partition",
            Role::Growing(_) | Role::Root(_) => "root",
            Role::Verity(_) => "root-verity",
        }
    }

    fn flags(self) -> u64 {
        match self {
            Role::Growing(_) => GROW,
            Role::Root(_) | Role::Verity(_) => READ_ONLY,
            Role::Bios | Role::Esp => 0,
        }
    }

    fn kind(self) -> Type {
        let linux = |guid| Type {
            guid,
            os: OperatingSystem::Linux,
        };
        match self {
            Role::Bios => partition_types::BIOS,
            Role::Esp => partition_types::EFI,
            Role::Growing(Architecture::X86_64) | Role::Root(Architecture::X86_64) => {
                partition_types::LINUX_ROOT_X64
            }
            Role::Growing(Architecture::Aarch64) | Role::Root(Architecture::Aarch64) => {
                partition_types::LINUX_ROOT_ARM_64
            }
            Role::Verity(Architecture::X86_64) => {
                linux(uuid!("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5"))
            }
            Role::Verity(Architecture::Aarch64) => {
                linux(uuid!("df3300ce-d69f-4c92-978c-9bfb0f38d820"))
            }
        }
    }
}

/// Writes both tables and the master boot record of a disk of `size` bytes.
pub(super) fn write(
    partitions: &[Partition],
    size: u64,
    code: Option<[u8; 440]>,
    seed: &Digest,
    disk: &mut File,
) -> Result<(), DiskError> {
    let table_error = |source| DiskError::Table { source };
    let io_error = |source| DiskError::Write { source };
    let guid = Uuid::from_bytes(seed::uuid(seed, "gpt-disk"));
    let mut table = GptConfig::new()
        .writable(true)
        .create_from_device(&mut *disk, Some(guid))
        .map_err(table_error)?;
    let entries: BTreeMap<u32, partition::Partition> = (1..)
        .zip(partitions)
        .map(|(number, partition)| {
            let first = partition.start / SECTOR;
            let entry = partition::Partition {
                part_type_guid: partition.role.kind(),
                part_guid: Uuid::from_bytes(partition.guid),
                first_lba: first,
                last_lba: first + partition.size / SECTOR - 1,
                flags: partition.role.flags(),
                name: partition.role.name().to_owned(),
            };
            (number, entry)
        })
        .collect();
    table.update_partitions(entries).map_err(table_error)?;
    table.write_inplace().map_err(table_error)?;
    drop(table);
    let record = master_boot_record(size / SECTOR, code, seed);
    disk.seek(SeekFrom::Start(0)).map_err(io_error)?;
    disk.write_all(&record).map_err(io_error)
}
