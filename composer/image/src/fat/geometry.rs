//! Sizes of a FAT volume, its boot sector and its allocation table.
//!
//! Invariant: the number of clusters alone decides between FAT12 and FAT16, as the specification
//! has it, and stays clear of the border where other programs have counted differently.

/// Bytes of a sector.
pub(crate) const SECTOR: u64 = 512;
/// Entries of the root directory, which has a fixed size.
pub(crate) const ROOT_ENTRIES: usize = 512;

const ROOT_SECTORS: u64 = ROOT_ENTRIES as u64 * 32 / SECTOR;
const RESERVED_SECTORS: u64 = 1;
const TABLES: u64 = 2;
const UNIT: u64 = 1024 * 1024;
/// From this number of clusters on a volume is FAT16.
const FAT16_FROM: u64 = 4085;
const MOST_CLUSTERS: u64 = 65524;
/// Distance kept from both borders.
const MARGIN: u64 = 16;
const LARGEST_CLUSTER: u64 = 32 * 1024;

/// The sizes of one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Sectors of the image.
    pub(crate) sectors: u64,
    /// Bytes of a cluster.
    pub(crate) cluster: u64,
    table_sectors: u64,
    fat16: bool,
}

impl Geometry {
    /// The smallest whole number of MiB that holds chains of these sizes and is at least
    /// `min_size`; on failure, the bytes that would be needed.
    pub(crate) fn choose(sizes: &[u64], min_size: u64) -> Result<Self, u64> {
        let mut cluster = 2048;
        loop {
            let needed: u64 = sizes.iter().map(|size| size.div_ceil(cluster)).sum();
            let size = needed.saturating_mul(cluster).max(min_size).max(1);
            if size > LARGEST_CLUSTER * MOST_CLUSTERS {
                return Err(size);
            }
            let mut size = size.next_multiple_of(UNIT);
            loop {
                let (geometry, clusters) = Self::of(size / SECTOR, cluster);
                if clusters > MOST_CLUSTERS - MARGIN {
                    break;
                }
                if clusters >= needed && clusters.abs_diff(FAT16_FROM) > MARGIN {
                    return Ok(geometry);
                }
                size += UNIT;
            }
            if cluster == LARGEST_CLUSTER {
                return Err(size);
            }
            cluster *= 2;
        }
    }

    /// The volume with so many sectors, and how many clusters it has.
    fn of(sectors: u64, cluster: u64) -> (Self, u64) {
        let mut table_sectors = 1;
        loop {
            let fixed = RESERVED_SECTORS + TABLES * table_sectors + ROOT_SECTORS;
            let clusters = sectors.saturating_sub(fixed) / (cluster / SECTOR);
            let fat16 = clusters >= FAT16_FROM;
            let bits = (clusters + 2) * if fat16 { 16 } else { 12 };
            if bits.div_ceil(8) <= table_sectors * SECTOR {
                let geometry = Geometry {
                    sectors,
                    cluster,
                    table_sectors,
                    fat16,
                };
                return (geometry, clusters);
            }
            table_sectors += 1;
        }
    }

    /// Clusters that hold so many bytes.
    pub(crate) fn clusters_of(&self, size: u64) -> u16 {
        u16::try_from(size.div_ceil(self.cluster)).expect("choose() made room for all chains")
    }

    /// The first sector.
    pub(crate) fn boot_sector(&self, label: &[u8; 11], serial: [u8; 4]) -> Vec<u8> {
        let small = |value: u64| {
            u16::try_from(value)
                .expect("bounded by choose()")
                .to_le_bytes()
        };
        let all = u32::try_from(self.sectors).expect("bounded by choose()");
        let mut bytes = vec![0xeb, 0x3c, 0x90];
        bytes.extend(b"XSC     ");
        bytes.extend(small(SECTOR));
        bytes.push(u8::try_from(self.cluster / SECTOR).expect("at most 64"));
        bytes.extend(small(RESERVED_SECTORS));
        bytes.push(TABLES as u8);
        bytes.extend(small(ROOT_ENTRIES as u64));
        bytes.extend(u16::try_from(all).unwrap_or(0).to_le_bytes());
        bytes.push(0xf8);
        bytes.extend(small(self.table_sectors));
        bytes.extend(small(32));
        bytes.extend(small(64));
        bytes.extend([0; 4]);
        let large = if u16::try_from(all).is_ok() { 0 } else { all };
        bytes.extend(large.to_le_bytes());
        bytes.extend([0x80, 0, 0x29]);
        bytes.extend(serial);
        bytes.extend(label);
        bytes.extend(if self.fat16 { b"FAT16   " } else { b"FAT12   " });
        // Code for a BIOS that tries to boot this: interrupt 18h, "no bootable device", and stop.
        bytes.extend([0xcd, 0x18, 0xf4, 0xeb, 0xfd]);
        bytes.resize(510, 0);
        bytes.extend([0x55, 0xaa]);
        bytes
    }

    /// The allocation table of chains that lie one behind the other.
    pub(crate) fn table(&self, chains: &[u16]) -> Vec<u8> {
        let mut entries: Vec<u16> = vec![0xfff8, 0xffff];
        for length in chains {
            for index in 1..=*length {
                let next = u16::try_from(entries.len() + 1).expect("bounded by choose()");
                entries.push(if index == *length { 0xffff } else { next });
            }
        }
        let mut bytes = Vec::new();
        if self.fat16 {
            bytes.extend(entries.iter().flat_map(|entry| entry.to_le_bytes()));
        } else {
            for pair in entries.chunks(2) {
                let (low, high) = (pair[0] & 0xfff, pair.get(1).map_or(0, |e| e & 0xfff));
                bytes.extend(&(u32::from(low) | u32::from(high) << 12).to_le_bytes()[..3]);
            }
        }
        bytes.resize((self.table_sectors * SECTOR) as usize, 0);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_grow_with_the_content() {
        for (content, mib, fat16) in [
            (0, 1, false),
            (900_000, 1, false),
            (6 << 20, 7, false),
            // 8 MiB would be within the margin of the border to FAT16.
            (7 << 20, 9, true),
            (9 << 20, 10, true),
            (200 << 20, 201, true),
        ] {
            let geometry = Geometry::choose(&[content], 0).unwrap();
            assert_eq!(
                (geometry.sectors * SECTOR / UNIT, geometry.fat16),
                (mib, fat16),
                "{content}"
            );
        }
        assert_eq!(
            Geometry::choose(&[], 33 << 20).unwrap().sectors * SECTOR,
            33 << 20
        );
    }

    #[test]
    fn what_fat16_cannot_hold_is_refused() {
        assert!(Geometry::choose(&[3 << 30], 0).is_err());
        assert!(Geometry::choose(&[], u64::MAX).is_err());
    }

    #[test]
    fn a_fat12_table() {
        let geometry = Geometry::choose(&[], 0).unwrap();
        let table = geometry.table(&[1, 3]);
        assert_eq!(
            &table[..9],
            [0xf8, 0xff, 0xff, 0xff, 0x4f, 0x00, 0x05, 0xf0, 0xff]
        );
    }
}
