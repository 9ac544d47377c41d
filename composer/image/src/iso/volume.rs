//! Volume descriptors (ECMA-119, 8) and the El Torito boot catalog.
//!
//! Invariant: each function returns exactly one block, and what it holds follows from its
//! arguments alone.

use crate::iso::bytes::{BLOCK, both16, both32, padded, padded_ucs2};
use crate::iso::records::record;
use crate::time::Epoch;

/// The texts of the primary volume descriptor, checked against their character sets.
#[derive(Debug)]
pub(crate) struct Texts<'a> {
    pub(crate) volume: &'a str,
    pub(crate) publisher: &'a str,
    pub(crate) application: &'a str,
}

/// The numbers of the primary volume descriptor.
#[derive(Debug)]
pub(crate) struct Geometry {
    /// Blocks of the whole image.
    pub(crate) blocks: u32,
    /// Bytes of a path table.
    pub(crate) table_size: u32,
    pub(crate) l_table: u32,
    pub(crate) m_table: u32,
    pub(crate) root: u32,
    pub(crate) root_size: u32,
}

fn descriptor(kind: u8) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(b"CD001\x01");
    bytes
}

fn block(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(BLOCK, 0);
    bytes
}

/// The primary volume descriptor.
pub(crate) fn primary(texts: &Texts<'_>, geometry: &Geometry, epoch: &Epoch) -> Vec<u8> {
    volume(1, [0; 32], padded, texts, geometry, epoch)
}

/// Joliet's volume descriptor: the same with texts in UCS-2, cut to what fits, and the escape sequence of level 3.
pub(crate) fn joliet(texts: &Texts<'_>, geometry: &Geometry, epoch: &Epoch) -> Vec<u8> {
    let mut escapes = [0; 32];
    escapes[..3].copy_from_slice(b"%/E");
    volume(2, escapes, padded_ucs2, texts, geometry, epoch)
}

fn volume(
    kind: u8,
    escapes: [u8; 32],
    text: fn(&mut Vec<u8>, &str, usize),
    texts: &Texts<'_>,
    geometry: &Geometry,
    epoch: &Epoch,
) -> Vec<u8> {
    let mut bytes = descriptor(kind);
    bytes.push(0);
    text(&mut bytes, "LINUX", 32);
    text(&mut bytes, texts.volume, 32);
    bytes.extend([0; 8]);
    both32(&mut bytes, geometry.blocks);
    bytes.extend(escapes);
    both16(&mut bytes, 1);
    both16(&mut bytes, 1);
    both16(&mut bytes, BLOCK as u16);
    both32(&mut bytes, geometry.table_size);
    bytes.extend(geometry.l_table.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(geometry.m_table.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(record(&[0], geometry.root, geometry.root_size, true, epoch));
    text(&mut bytes, texts.volume, 128);
    text(&mut bytes, texts.publisher, 128);
    text(&mut bytes, "XSC-COMPOSE", 128);
    text(&mut bytes, texts.application, 128);
    for _ in ["copyright", "abstract", "bibliography"] {
        text(&mut bytes, "", 37);
    }
    let never = b"0000000000000000\0";
    bytes.extend(epoch.iso_volume());
    bytes.extend(epoch.iso_volume());
    bytes.extend(never);
    bytes.extend(never);
    bytes.push(1);
    block(bytes)
}

/// The boot record, which says where the boot catalog is.
pub(crate) fn boot_record(catalog: u32) -> Vec<u8> {
    let mut bytes = descriptor(0);
    bytes.extend(b"EL TORITO SPECIFICATION");
    bytes.resize(0x47, 0);
    bytes.extend(catalog.to_le_bytes());
    block(bytes)
}

/// The end of the volume descriptors.
pub(crate) fn terminator() -> Vec<u8> {
    block(descriptor(255))
}

/// What a boot catalog points to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BootImage {
    pub(crate) platform: Platform,
    /// The block where it starts.
    pub(crate) block: u32,
    /// 512-byte sectors that firmware loads.
    pub(crate) sectors: u16,
}

/// Whose boot code an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Bios = 0,
    Efi = 0xef,
}

/// The boot catalog; the first image is the default entry.
pub(crate) fn boot_catalog(images: &[BootImage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, image) in images.iter().enumerate() {
        let platform = image.platform as u8;
        if index == 0 {
            let mut validation = vec![1, platform];
            validation.resize(30, 0);
            validation.extend([0x55, 0xaa]);
            let sum = validation
                .chunks_exact(2)
                .map(|word| u16::from_le_bytes([word[0], word[1]]))
                .fold(0, u16::wrapping_add);
            validation[28..30].copy_from_slice(&sum.wrapping_neg().to_le_bytes());
            bytes.extend(validation);
        } else {
            let more = index + 1 < images.len();
            let mut header = vec![if more { 0x90 } else { 0x91 }, platform, 1, 0];
            header.resize(32, 0);
            bytes.extend(header);
        }
        let mut entry = vec![0x88, 0, 0, 0, 0, 0];
        entry.extend(image.sectors.to_le_bytes());
        entry.extend(image.block.to_le_bytes());
        entry.resize(32, 0);
        bytes.extend(entry);
    }
    block(bytes)
}
