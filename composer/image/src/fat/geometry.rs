//! Sizes of a FAT volume, its first sectors and its allocation table.
//!
//! Invariant: the number of clusters alone decides between FAT12, FAT16 and FAT32, as the specification has it, and
//! stays clear of the borders where other programs have counted differently.

/// Bytes of a sector.
pub(crate) const SECTOR: u64 = 512;
/// Entries of the root directory of FAT12 and FAT16, which has a fixed size.
pub(crate) const ROOT_ENTRIES: usize = 512;

const ROOT_SECTORS: u64 = ROOT_ENTRIES as u64 * 32 / SECTOR;
const TABLES: u64 = 2;
const UNIT: u64 = 1024 * 1024;
/// From this number of clusters on a volume is FAT16.
const FAT16_FROM: u64 = 4085;
/// From this number of clusters on a volume is FAT32.
const FAT32_FROM: u64 = 65525;
/// The number of the last cluster is below 0x0ffffff0.
const MOST_CLUSTERS: u64 = 0x0fff_ffee;
/// Distance kept from the borders.
const MARGIN: u64 = 16;
const LARGEST_CLUSTER: u64 = 32 * 1024;
/// Sectors of FAT12 and FAT16 before their tables.
const RESERVED_SECTORS: u64 = 1;
/// Sectors of FAT32 before its tables, at least.
const FAT32_RESERVED: u64 = 32;
/// The data of FAT32 begins at a multiple of so many sectors.
const FAT32_ALIGNMENT: u64 = 8;
/// Where FAT32 keeps its number of free clusters, and copies of that sector and the first.
const INFO_SECTOR: usize = 1;
const BACKUP_SECTOR: usize = 6;

/// Bits of an entry of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Fat12,
    Fat16,
    Fat32,
}

/// The sizes of one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Sectors of the image.
    pub(crate) sectors: u64,
    /// Bytes of a cluster.
    pub(crate) cluster: u64,
    pub(crate) width: Width,
    reserved: u64,
    table_sectors: u64,
    clusters: u64,
}

impl Geometry {
    /// The smallest whole number of MiB of FAT12 or FAT16 that holds chains of these sizes and is at least `min_size`;
    /// on failure, the bytes that would be needed.
    pub(crate) fn choose(sizes: &[u64], min_size: u64) -> Result<Self, u64> {
        let most = FAT32_FROM - 1 - MARGIN;
        Self::search(sizes, min_size, 2048, most, Self::small)
    }

    /// The same of FAT32, which has at least 33 MiB.
    pub(crate) fn choose_fat32(sizes: &[u64], min_size: u64) -> Result<Self, u64> {
        let content = sizes
            .iter()
            .fold(0u64, |sum, size| sum.saturating_add(*size));
        let wanted = content.max(min_size);
        // As large as leaves it enough clusters, up to the page of most machines.
        let mut cluster = 4096;
        while cluster > SECTOR && wanted / cluster < FAT32_FROM + MARGIN {
            cluster /= 2;
        }
        Self::search(sizes, min_size, cluster, MOST_CLUSTERS, Self::large)
    }

    /// Whether the number of clusters is clear of the borders between the widths.
    fn is_clear(&self) -> bool {
        match self.width {
            Width::Fat12 | Width::Fat16 => self.clusters.abs_diff(FAT16_FROM) > MARGIN,
            Width::Fat32 => self.clusters >= FAT32_FROM + MARGIN,
        }
    }

    fn search(
        sizes: &[u64],
        min_size: u64,
        mut cluster: u64,
        most: u64,
        of: fn(u64, u64) -> Self,
    ) -> Result<Self, u64> {
        loop {
            let needed: u64 = sizes.iter().map(|size| size.div_ceil(cluster)).sum();
            let size = needed.saturating_mul(cluster).max(min_size).max(1);
            if size > LARGEST_CLUSTER * most || size / SECTOR > u64::from(u32::MAX) {
                return Err(size);
            }
            let mut size = size.next_multiple_of(UNIT);
            loop {
                let geometry = of(size / SECTOR, cluster);
                if geometry.clusters > most {
                    break;
                }
                if geometry.clusters >= needed && geometry.is_clear() {
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

    /// FAT12 or FAT16 of so many sectors.
    fn small(sectors: u64, cluster: u64) -> Self {
        let mut table_sectors = 1;
        loop {
            let fixed = RESERVED_SECTORS + TABLES * table_sectors + ROOT_SECTORS;
            let clusters = sectors.saturating_sub(fixed) / (cluster / SECTOR);
            let (width, bits) = match clusters {
                FAT16_FROM.. => (Width::Fat16, 16),
                _ => (Width::Fat12, 12),
            };
            if ((clusters + 2) * bits).div_ceil(8) <= table_sectors * SECTOR {
                return Geometry {
                    sectors,
                    cluster,
                    width,
                    reserved: RESERVED_SECTORS,
                    table_sectors,
                    clusters,
                };
            }
            table_sectors += 1;
        }
    }

    /// FAT32 of so many sectors.
    fn large(sectors: u64, cluster: u64) -> Self {
        // A table for every cluster that there could be; what it takes itself leaves a little of it unused.
        let table_sectors = ((sectors * SECTOR / cluster + 2) * 4).div_ceil(SECTOR);
        let tables = TABLES * table_sectors;
        let data = (FAT32_RESERVED + tables).next_multiple_of(FAT32_ALIGNMENT);
        Geometry {
            sectors,
            cluster,
            width: Width::Fat32,
            reserved: data - tables,
            table_sectors,
            clusters: sectors.saturating_sub(data) / (cluster / SECTOR),
        }
    }

    /// Clusters that hold so many bytes.
    pub(crate) fn clusters_of(&self, size: u64) -> u32 {
        u32::try_from(size.div_ceil(self.cluster)).expect("choose() made room for all chains")
    }

    /// The sectors before the tables; `used` clusters have something in them.
    pub(crate) fn reserved(&self, label: &[u8; 11], serial: [u8; 4], used: u32) -> Vec<u8> {
        let mut bytes = self.boot_sector(label, serial);
        if self.width == Width::Fat32 {
            bytes.extend(self.info_sector(used));
            let pair = bytes.clone();
            bytes.resize(self.reserved as usize * SECTOR as usize, 0);
            bytes[BACKUP_SECTOR * SECTOR as usize..][..pair.len()].copy_from_slice(&pair);
        }
        bytes
    }

    fn boot_sector(&self, label: &[u8; 11], serial: [u8; 4]) -> Vec<u8> {
        let small = |value: u64| {
            u16::try_from(value)
                .expect("bounded by choose()")
                .to_le_bytes()
        };
        let all = u32::try_from(self.sectors).expect("bounded by choose()");
        let fat32 = self.width == Width::Fat32;
        let few = u16::try_from(all).ok().filter(|_| !fat32);
        let mut bytes = vec![0xeb, if fat32 { 0x58 } else { 0x3c }, 0x90];
        bytes.extend(b"XSC     ");
        bytes.extend(small(SECTOR));
        bytes.push(u8::try_from(self.cluster / SECTOR).expect("at most 64"));
        bytes.extend(small(self.reserved));
        bytes.push(TABLES as u8);
        bytes.extend(small(if fat32 { 0 } else { ROOT_ENTRIES as u64 }));
        bytes.extend(few.unwrap_or(0).to_le_bytes());
        bytes.push(0xf8);
        bytes.extend(small(if fat32 { 0 } else { self.table_sectors }));
        bytes.extend(small(32));
        bytes.extend(small(64));
        bytes.extend([0; 4]);
        bytes.extend(few.map_or(all, |_| 0).to_le_bytes());
        if fat32 {
            let table_sectors = u32::try_from(self.table_sectors).expect("bounded by choose()");
            bytes.extend(table_sectors.to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(2u32.to_le_bytes());
            bytes.extend(small(INFO_SECTOR as u64));
            bytes.extend(small(BACKUP_SECTOR as u64));
            bytes.extend([0; 12]);
        }
        bytes.extend([0x80, 0, 0x29]);
        bytes.extend(serial);
        bytes.extend(label);
        bytes.extend(match self.width {
            Width::Fat12 => b"FAT12   ",
            Width::Fat16 => b"FAT16   ",
            Width::Fat32 => b"FAT32   ",
        });
        // Code for a BIOS that tries to boot this: interrupt 18h, "no bootable device", and stop.
        bytes.extend([0xcd, 0x18, 0xf4, 0xeb, 0xfd]);
        bytes.resize(510, 0);
        bytes.extend([0x55, 0xaa]);
        bytes
    }

    /// How many clusters are free, and the first of them.
    fn info_sector(&self, used: u32) -> Vec<u8> {
        let clusters = u32::try_from(self.clusters).expect("bounded by choose()");
        let free = clusters - used;
        let next = if free == 0 { u32::MAX } else { used + 2 };
        let mut bytes = b"RRaA".to_vec();
        bytes.resize(484, 0);
        bytes.extend(b"rrAa");
        bytes.extend(free.to_le_bytes());
        bytes.extend(next.to_le_bytes());
        bytes.resize(508, 0);
        bytes.extend([0, 0, 0x55, 0xaa]);
        bytes
    }

    /// The allocation table of chains that lie one behind the other.
    pub(crate) fn table(&self, chains: &[u32]) -> Vec<u8> {
        const END: u32 = 0x0fff_ffff;
        let mut entries: Vec<u32> = vec![0x0fff_fff8, END];
        for length in chains {
            for index in 1..=*length {
                let next = u32::try_from(entries.len() + 1).expect("bounded by choose()");
                entries.push(if index == *length { END } else { next });
            }
        }
        let low = |entry: u32| (entry as u16).to_le_bytes();
        let mut bytes = Vec::new();
        match self.width {
            Width::Fat32 => bytes.extend(entries.iter().flat_map(|entry| entry.to_le_bytes())),
            Width::Fat16 => bytes.extend(entries.iter().flat_map(|entry| low(*entry))),
            Width::Fat12 => {
                for pair in entries.chunks(2) {
                    let (low, high) = (pair[0] & 0xfff, pair.get(1).map_or(0, |e| e & 0xfff));
                    bytes.extend(&(low | high << 12).to_le_bytes()[..3]);
                }
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
        for (content, mib, width) in [
            (0, 1, Width::Fat12),
            (900_000, 1, Width::Fat12),
            (6 << 20, 7, Width::Fat12),
            // 8 MiB would be within the margin of the border to FAT16.
            (7 << 20, 9, Width::Fat16),
            (9 << 20, 10, Width::Fat16),
            (200 << 20, 201, Width::Fat16),
        ] {
            let geometry = Geometry::choose(&[content], 0).unwrap();
            assert_eq!(
                (geometry.sectors * SECTOR / UNIT, geometry.width),
                (mib, width),
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
    fn fat32_has_enough_clusters_to_be_it() {
        for (content, mib, cluster) in [
            (0, 33, 512),
            (33 << 20, 34, 512),
            (65 << 20, 66, 1024),
            (500 << 20, 502, 4096),
            (40 << 30, 41 * 1024, 4096),
        ] {
            let geometry = Geometry::choose_fat32(&[content], 0).unwrap();
            assert!(geometry.clusters >= FAT32_FROM + MARGIN, "{content}");
            assert!(geometry.clusters * geometry.cluster >= content);
            assert!((geometry.clusters + 2) * 4 <= geometry.table_sectors * SECTOR);
            assert!(geometry.sectors * SECTOR / UNIT <= mib, "{geometry:?}");
            assert_eq!(geometry.cluster, cluster);
        }
        assert!(Geometry::choose_fat32(&[3 << 40], 0).is_err());
        assert!(Geometry::choose_fat32(&[], u64::MAX).is_err());
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
