//! The first sector of a disk with a GUID partition table: boot code, and an entry that protects the disk from programs
//! that know only the old table. The ISO and the disk writer put it before their tables.
//! Invariant: the same for the same size, code and seed.

use gpt::mbr::{PartRecord, ProtectiveMBR};
use xsc_model::Digest;

use crate::seed;

/// The sector of a disk of that many sectors; with boot code, it is one that a BIOS boots.
pub(crate) fn master_boot_record(
    sectors: u64,
    code: Option<[u8; 440]>,
    seed: &Digest,
) -> [u8; 512] {
    let last = u32::try_from(sectors - 1).unwrap_or(u32::MAX);
    let mut mbr = ProtectiveMBR::with_lb_size(last);
    mbr.set_disk_signature(seed::short(seed, "mbr-signature"));
    if let Some(code) = code {
        mbr.set_bootcode(code);
        // Some firmware boots no disk without an active partition, and the protective one must
        // not be it; an empty entry of type 0 satisfies both.
        let active = PartRecord {
            boot_indicator: 0x80,
            start_sector: 1,
            end_sector: 1,
            lb_size: 1,
            ..PartRecord::zero()
        };
        mbr.set_partition(1, active);
    }
    mbr.to_bytes()
}
