//! GRUB's two images for PC BIOS, told where they are, as `grub-bios-setup` does.
//!
//! `boot.img` loads the first sector of the core image, which loads the rest by a list at its
//! end. Invariant: nothing of the images changes but those two addresses and the drive check.

use super::Bios;

/// Images that cannot be GRUB's.
#[derive(Debug, thiserror::Error)]
pub enum GrubError {
    /// The code for the master boot record.
    #[error("the boot image for BIOS has {size} bytes, and GRUB's `boot.img` has 512")]
    Boot {
        /// Bytes.
        size: usize,
    },
    /// The core.
    #[error(
        "the core image for BIOS has {size} bytes, and GRUB's has more than 512, all of them listed at the end of the first sector"
    )]
    Core {
        /// Bytes.
        size: usize,
    },
}

const SECTOR: usize = 512;
/// Bytes of code in a master boot record.
const CODE: usize = 440;
/// Where `boot.img` has the core's first sector.
const KERNEL_SECTOR: usize = 0x5c;
/// Where `boot.img` has a jump that trusts the firmware's drive number; without it the image sets
/// right what some firmware gets wrong, as on every hard disk.
const DRIVE_CHECK: usize = 0x66;
/// Where the core's first sector has its list: the first sector, how many, and a segment.
const LIST: usize = SECTOR - 12;

/// The code for the master boot record, and the core that lies at `sector`.
pub(super) fn patched(bios: &Bios<'_>, sector: u64) -> Result<([u8; CODE], Vec<u8>), GrubError> {
    if bios.boot.len() != SECTOR {
        return Err(GrubError::Boot {
            size: bios.boot.len(),
        });
    }
    let bad = GrubError::Core {
        size: bios.core.len(),
    };
    let Some(list) = bios.core.get(LIST..SECTOR) else {
        return Err(bad);
    };
    let listed = usize::from(u16::from_le_bytes([list[8], list[9]]));
    if listed == 0 || listed != (bios.core.len() - SECTOR).div_ceil(SECTOR) {
        return Err(bad);
    }
    let mut code = [0; CODE];
    code.copy_from_slice(&bios.boot[..CODE]);
    code[KERNEL_SECTOR..KERNEL_SECTOR + 8].copy_from_slice(&sector.to_le_bytes());
    code[DRIVE_CHECK..DRIVE_CHECK + 2].fill(0x90);
    let mut core = bios.core.to_vec();
    core[LIST..LIST + 8].copy_from_slice(&(sector + 1).to_le_bytes());
    Ok((code, core))
}
