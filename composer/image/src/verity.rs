//! dm-verity: a tree of hashes over the blocks of a file system that is only read.
//!
//! The disk writer puts it behind the root. The format is that of `veritysetup`, version 1, with
//! SHA-256, blocks of 4 KiB and a salt from the seed. Invariant: the root's hash changes with any
//! bit of the data, and nothing of it depends on the number of threads.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use sha2::{Digest as _, Sha256};
use xsc_model::Digest;

use crate::seed;

const BLOCK: u64 = 4096;
const HASH: usize = 32;
/// Hashes in a block.
const FAN: usize = BLOCK as usize / HASH;
/// Blocks of data that a thread hashes at once.
const PIECE: u64 = 256;

/// A tree of hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verity {
    /// The hash of the tree's top block, which stands for all data.
    pub root_hash: [u8; HASH],
    /// What each block is hashed behind.
    pub salt: [u8; HASH],
    /// Blocks of data.
    pub blocks: u64,
    /// Bytes of the superblock and the tree.
    pub size: u64,
}

impl Verity {
    /// One without data, whose texts are at least as long as any other's.
    pub(crate) fn blank(seed: &Digest) -> Self {
        Verity {
            root_hash: [0; HASH],
            salt: salt(seed),
            blocks: u64::MAX / BLOCK,
            size: 0,
        }
    }

    /// The root's hash in hexadecimal.
    pub fn hash_text(&self) -> String {
        hex::encode(self.root_hash)
    }

    /// What the kernel's `dm-mod.create=` wants behind the name and the flags: one line of a table.
    /// The kernel reads numbers that begin with a zero as octal.
    pub(crate) fn table(&self, data: &str, hashes: &str) -> String {
        let sectors = self.blocks * (BLOCK / 512);
        format!(
            "0 {sectors} verity 1 {data} {hashes} {BLOCK} {BLOCK} {} 1 sha256 {} {}",
            self.blocks,
            self.hash_text(),
            hex::encode(self.salt)
        )
    }
}

fn salt(seed: &Digest) -> [u8; HASH] {
    let mut salt = [0; HASH];
    salt[..16].copy_from_slice(&seed::bytes(seed, "verity-salt-1"));
    salt[16..].copy_from_slice(&seed::bytes(seed, "verity-salt-2"));
    salt
}

/// Hashes `size` bytes at `data_at` and writes superblock and tree at `hash_at`.
///
/// `size` is a multiple of 4096 bytes.
pub fn write(
    disk: &File,
    data_at: u64,
    size: u64,
    hash_at: u64,
    seed: &Digest,
    threads: usize,
) -> io::Result<Verity> {
    if size == 0 || !size.is_multiple_of(BLOCK) {
        return Err(io::Error::other(format!(
            "the root has {size} bytes, which is not a number of blocks of 4096"
        )));
    }
    let salt = salt(seed);
    let blocks = size / BLOCK;
    let zero = hash(&salt, &[0; BLOCK as usize]);
    let mut level = vec![0; blocks as usize * HASH];
    let stride = PIECE as usize * HASH;
    let work = std::sync::Mutex::new(level.chunks_mut(stride).enumerate());
    let failed = std::sync::Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut buffer = vec![0; (PIECE * BLOCK) as usize];
                loop {
                    let next = work.lock().expect("no thread panics").next();
                    let Some((index, hashes)) = next else { break };
                    let bytes = &mut buffer[..hashes.len() / HASH * BLOCK as usize];
                    let at = data_at + index as u64 * PIECE * BLOCK;
                    if let Err(error) = disk.read_exact_at(bytes, at) {
                        *failed.lock().expect("no thread panics") = Some(error);
                        break;
                    }
                    let blocks = bytes.chunks(BLOCK as usize);
                    for (block, out) in blocks.zip(hashes.chunks_mut(HASH)) {
                        // Roots have much free space.
                        let empty = block == [0; BLOCK as usize];
                        out.copy_from_slice(&if empty { zero } else { hash(&salt, block) });
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().expect("no thread panics") {
        return Err(error);
    }
    // From the data up; the disk has them from the top down.
    let mut levels = Vec::new();
    loop {
        level.resize(level.len().next_multiple_of(BLOCK as usize), 0);
        let above: Vec<u8> = (level.chunks(BLOCK as usize))
            .flat_map(|block| hash(&salt, block))
            .collect();
        let top = level.len() == FAN * HASH;
        levels.push(std::mem::replace(&mut level, above));
        if top {
            break;
        }
    }
    let mut root_hash = [0; HASH];
    root_hash.copy_from_slice(&level);
    disk.write_all_at(&superblock(blocks, &salt, seed), hash_at)?;
    let mut at = hash_at + BLOCK;
    for level in levels.iter().rev() {
        disk.write_all_at(level, at)?;
        at += level.len() as u64;
    }
    Ok(Verity {
        root_hash,
        salt,
        blocks,
        size: at - hash_at,
    })
}

fn hash(salt: &[u8], block: &[u8]) -> [u8; HASH] {
    Sha256::new()
        .chain_update(salt)
        .chain_update(block)
        .finalize()
        .into()
}

/// What `veritysetup` reads, so that the partition alone can be checked.
fn superblock(blocks: u64, salt: &[u8; HASH], seed: &Digest) -> Vec<u8> {
    let mut bytes = b"verity\0\0".to_vec();
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(seed::uuid(seed, "verity"));
    bytes.extend(b"sha256");
    bytes.resize(64, 0);
    bytes.extend((BLOCK as u32).to_le_bytes());
    bytes.extend((BLOCK as u32).to_le_bytes());
    bytes.extend(blocks.to_le_bytes());
    bytes.extend((HASH as u16).to_le_bytes());
    bytes.extend([0; 6]);
    bytes.extend(salt);
    bytes.resize(BLOCK as usize, 0);
    bytes
}
