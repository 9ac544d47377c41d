//! A raw disk as qcow2, version 3: the clusters that are not all zeros, in their order.
//!
//! `build` calls [`write()`] for disks that are asked for in this format. Invariant: the bytes
//! follow from those of the raw disk, wherever the host's file has holes.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

/// Bytes of a cluster, and the bits of an address in one.
const CLUSTER: u64 = 1 << CLUSTER_BITS;
const CLUSTER_BITS: u32 = 16;
/// Entries of a table that is a cluster.
const ENTRIES: u64 = CLUSTER / 8;
/// Counts of references in a cluster, two bytes each.
const COUNTS: u64 = CLUSTER / 2;
/// The cluster is referred to once, so that it may be written in place.
const ONCE: u64 = 1 << 63;

/// Writes the first `size` bytes of `raw` and returns the bytes of the image.
pub fn write(raw: &File, size: u64, out: &mut dyn Write) -> io::Result<u64> {
    let clusters = size.div_ceil(CLUSTER);
    let used = used(raw, size)?;
    let tables = clusters.div_ceil(ENTRIES);
    let l1_clusters = (tables * 8).div_ceil(CLUSTER).max(1);
    let l2_used: Vec<bool> = (0..tables)
        .map(|table| {
            let from = (table * ENTRIES) as usize;
            let to = ((table + 1) * ENTRIES).min(clusters) as usize;
            used[from..to].iter().any(|used| *used)
        })
        .collect();
    let l2_count = l2_used.iter().filter(|used| **used).count() as u64;
    let data = used.iter().filter(|used| **used).count() as u64;
    // What counts references is counted too.
    let (mut blocks, mut table) = (1, 1);
    let total = loop {
        let total = 1 + l1_clusters + table + blocks + l2_count + data;
        let needed = total.div_ceil(COUNTS);
        if needed <= blocks && blocks.div_ceil(ENTRIES) <= table {
            break total;
        }
        blocks = blocks.max(needed);
        table = table.max(blocks.div_ceil(ENTRIES));
    };
    let l1_at = CLUSTER;
    let table_at = l1_at + l1_clusters * CLUSTER;
    let blocks_at = table_at + table * CLUSTER;
    let l2_at = blocks_at + blocks * CLUSTER;
    let data_at = l2_at + l2_count * CLUSTER;

    let mut out = BufWriter::with_capacity(1 << 20, out);
    let mut header = b"QFI\xfb".to_vec();
    header.extend(3u32.to_be_bytes());
    header.extend([0; 12]); // no backing file
    header.extend(CLUSTER_BITS.to_be_bytes());
    header.extend(size.to_be_bytes());
    header.extend(0u32.to_be_bytes()); // not encrypted
    header.extend((tables as u32).to_be_bytes());
    header.extend(l1_at.to_be_bytes());
    header.extend(table_at.to_be_bytes());
    header.extend((table as u32).to_be_bytes());
    header.extend([0; 12]); // no snapshots
    header.extend([0; 24]); // no features
    header.extend(4u32.to_be_bytes()); // counts of 16 bits
    header.extend(104u32.to_be_bytes());
    put(&mut out, &header, CLUSTER)?;

    let mut next = l2_at;
    let mut l1 = Vec::new();
    for used in &l2_used {
        l1.extend(place(*used, &mut next).to_be_bytes());
    }
    put(&mut out, &l1, l1_clusters * CLUSTER)?;
    let refcounts: Vec<u8> = (0..blocks)
        .flat_map(|block| (blocks_at + block * CLUSTER).to_be_bytes())
        .collect();
    put(&mut out, &refcounts, table * CLUSTER)?;
    let counts: Vec<u8> = (0..total).flat_map(|_| 1u16.to_be_bytes()).collect();
    put(&mut out, &counts, blocks * CLUSTER)?;
    let mut next = data_at;
    for (number, _) in l2_used.iter().enumerate().filter(|(_, used)| **used) {
        let from = number * ENTRIES as usize;
        let to = (from + ENTRIES as usize).min(used.len());
        let mut l2 = Vec::new();
        for used in &used[from..to] {
            l2.extend(place(*used, &mut next).to_be_bytes());
        }
        put(&mut out, &l2, CLUSTER)?;
    }
    let mut buffer = vec![0; CLUSTER as usize];
    for (number, _) in used.iter().enumerate().filter(|(_, used)| **used) {
        let at = number as u64 * CLUSTER;
        let count = (size - at).min(CLUSTER) as usize;
        raw.read_exact_at(&mut buffer[..count], at)?;
        put(&mut out, &buffer[..count], CLUSTER)?;
    }
    out.flush()?;
    Ok(total * CLUSTER)
}

/// An entry of a table for the next cluster, or for none.
fn place(used: bool, next: &mut u64) -> u64 {
    if !used {
        return 0;
    }
    let entry = *next | ONCE;
    *next += CLUSTER;
    entry
}

fn put(out: &mut dyn Write, bytes: &[u8], whole: u64) -> io::Result<()> {
    out.write_all(bytes)?;
    out.write_all(&vec![0; whole as usize - bytes.len()])
}

/// Which clusters hold anything but zeros.
fn used(raw: &File, size: u64) -> io::Result<Vec<bool>> {
    let zeros = [0; CLUSTER as usize];
    let mut buffer = vec![0; CLUSTER as usize];
    let mut used = Vec::new();
    let mut at = 0;
    while at < size {
        let count = (size - at).min(CLUSTER) as usize;
        raw.read_exact_at(&mut buffer[..count], at)?;
        used.push(buffer[..count] != zeros[..count]);
        at += CLUSTER;
    }
    Ok(used)
}
