//! A reader of ISO 9660 with Rock Ridge that checks what it reads, and a dump of its tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use xsc_image::{Entry, Kind, Manifest};

use super::{file_of, path};

pub(crate) const BLOCK: usize = 2048;

pub(crate) fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

pub(crate) fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub(crate) fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// A number that is there in both byte orders.
fn both32(bytes: &[u8], at: usize) -> u32 {
    let value = le32(bytes, at);
    assert_eq!(
        value.swap_bytes(),
        le32(bytes, at + 4),
        "byte orders at {at}"
    );
    value
}

fn block(image: &[u8], number: u32) -> &[u8] {
    &image[number as usize * BLOCK..][..BLOCK]
}

/// One directory record with what Rock Ridge says about it.
struct Record {
    identifier: Vec<u8>,
    block: u32,
    size: u32,
    directory: bool,
    name: String,
    target: Option<String>,
    px: [u32; 4],
    device: Option<(u32, u32)>,
}

fn record(image: &[u8], bytes: &[u8]) -> Record {
    let length = usize::from(bytes[32]);
    let mut record = Record {
        identifier: bytes[33..33 + length].to_vec(),
        block: both32(bytes, 2),
        size: both32(bytes, 10),
        directory: bytes[25] & 2 != 0,
        name: String::new(),
        target: None,
        px: [0; 4],
        device: None,
    };
    let mut name = Vec::new();
    let mut link: Option<Vec<u8>> = None;
    let mut fresh = true;
    let mut area = &bytes[33 + length + usize::from(length % 2 == 0)..];
    let mut next = None;
    loop {
        while area.len() >= 4 && area[0] != 0 {
            let (entry, rest) = area.split_at(usize::from(area[2]));
            area = rest;
            match &entry[..2] {
                b"PX" => record.px = [4, 12, 20, 28].map(|at| both32(entry, at)),
                b"NM" => name.extend(&entry[5..]),
                b"PN" => {
                    let (high, low) = (both32(entry, 4), both32(entry, 12));
                    // The way Linux reads it.
                    record.device = Some(if high == 0 && low > 255 {
                        (low >> 8, low & 255)
                    } else {
                        (high, low)
                    });
                }
                b"SL" => {
                    let text = link.get_or_insert_default();
                    let mut components = &entry[5..];
                    while !components.is_empty() {
                        let (flags, size) = (components[0], usize::from(components[1]));
                        if !fresh {
                            text.push(b'/');
                        }
                        match flags & !1 {
                            0 => text.extend(&components[2..2 + size]),
                            2 => text.push(b'.'),
                            4 => text.extend(b".."),
                            8 => text.push(b'/'),
                            other => panic!("component flags {other}"),
                        }
                        fresh = flags & 1 != 0 || flags == 8;
                        components = &components[2 + size..];
                    }
                }
                b"CE" => {
                    let [number, at, size] = [4, 12, 20].map(|at| both32(entry, at));
                    assert!(
                        (at + size) as usize <= BLOCK,
                        "a continuation stays in its block"
                    );
                    assert!(next.is_none(), "one continuation");
                    next = Some(&block(image, number)[at as usize..(at + size) as usize]);
                }
                b"SP" | b"ER" | b"TF" => {}
                other => panic!("entry {other:?}"),
            }
        }
        match next.take() {
            Some(more) => area = more,
            None => break,
        }
    }
    record.name = String::from_utf8(name).unwrap();
    record.target = link.map(|text| String::from_utf8(text).unwrap());
    record
}

/// The records of a directory, of which the first two are its own and its parent's.
fn directory(image: &[u8], at: u32, size: u32) -> Vec<Record> {
    let mut records = Vec::new();
    for number in 0..size / BLOCK as u32 {
        let block = block(image, at + number);
        let mut offset = 0;
        while offset < BLOCK && block[offset] != 0 {
            let length = usize::from(block[offset]);
            assert!(length % 2 == 0 && offset + length <= BLOCK);
            records.push(record(image, &block[offset..offset + length]));
            offset += length;
        }
    }
    assert_eq!((&records[0].identifier, records[0].block), (&vec![0], at));
    assert_eq!(records[1].identifier, [1]);
    records
}

/// Reads an image and checks the order of its records, its path tables and its link counts.
pub(crate) fn read(image: &[u8]) -> Manifest {
    assert_eq!(image.len() % BLOCK, 0);
    let volume = block(image, 16);
    assert_eq!(&volume[..7], b"\x01CD001\x01");
    assert_eq!(both32(volume, 80) as usize * BLOCK, image.len());
    let mut entries = Vec::new();
    let mut dirs = vec![(
        String::new(),
        both32(volume, 158),
        both32(volume, 166),
        1u16,
    )];
    let mut table = Vec::new();
    let mut at = 0;
    while at < dirs.len() {
        let (parent, start, size, up) = dirs[at].clone();
        at += 1;
        let records = directory(image, start, size);
        let subdirectories = records[2..].iter().filter(|r| r.directory).count() as u32;
        assert_eq!(records[0].px[1], subdirectories + 2);
        let sorted: BTreeSet<Vec<u8>> = records[2..]
            .iter()
            .map(|r| sort_key(&r.identifier))
            .collect();
        let order: Vec<Vec<u8>> = records[2..]
            .iter()
            .map(|r| sort_key(&r.identifier))
            .collect();
        assert!(
            sorted.iter().eq(order.iter()),
            "sorted and unique: {order:?}"
        );
        let entry = |record: &Record, kind| Entry {
            mode: record.px[0] & 0o7777,
            uid: record.px[2],
            gid: record.px[3],
            ..Entry::new(kind)
        };
        if at == 1 {
            entries.push((path("/"), entry(&records[0], Kind::Directory)));
            table.push((vec![0], start, up));
        }
        for record in &records[2..] {
            let full = format!("{parent}/{}", record.name);
            let kind = match record.px[0] >> 12 {
                0o01 => Kind::Fifo,
                0o02 => {
                    let (major, minor) = record.device.unwrap();
                    Kind::CharDevice { major, minor }
                }
                0o04 => {
                    assert!(record.directory);
                    dirs.push((full.clone(), record.block, record.size, at as u16));
                    table.push((record.identifier.clone(), record.block, at as u16));
                    Kind::Directory
                }
                0o06 => {
                    let (major, minor) = record.device.unwrap();
                    Kind::BlockDevice { major, minor }
                }
                0o10 => {
                    let start = record.block as usize * BLOCK;
                    file_of(&image[start..start + record.size as usize])
                }
                0o12 => Kind::Symlink {
                    target: record.target.clone().unwrap().into_bytes(),
                },
                other => panic!("file type {other:o}"),
            };
            entries.push((path(&full), entry(record, kind)));
        }
    }
    check_path_tables(image, volume, &table);
    Manifest::from_entries(entries).unwrap()
}

/// What Joliet shows: directories, and files with their bytes. Checks the order of records and the path tables.
pub(crate) fn joliet(image: &[u8]) -> BTreeMap<String, Option<Vec<u8>>> {
    let volume = (16..)
        .map(|number| block(image, number))
        .take_while(|volume| volume[0] != 255)
        .find(|volume| volume[0] == 2)
        .expect("there is a supplementary volume");
    assert_eq!(
        (&volume[1..7], &volume[88..91]),
        (&b"CD001\x01"[..], &b"%/E"[..])
    );
    assert_eq!(both32(volume, 80) as usize * BLOCK, image.len());
    let mut shown = BTreeMap::new();
    let mut dirs = vec![(String::new(), both32(volume, 158), both32(volume, 166))];
    let mut table = vec![(vec![0], dirs[0].1, 1)];
    let mut at = 0;
    while at < dirs.len() {
        let (parent, start, size) = dirs[at].clone();
        at += 1;
        let records = directory(image, start, size);
        let name = |record: &Record| {
            let bytes = &record.identifier;
            bytes.strip_suffix(b"\0;\x001").unwrap_or(bytes).to_vec()
        };
        assert!(
            records[2..].is_sorted_by(|a, b| name(a) < name(b)),
            "sorted and unique"
        );
        for record in &records[2..] {
            assert_eq!(
                (record.px, record.name.as_str()),
                ([0; 4], ""),
                "no Rock Ridge"
            );
            let units = record.identifier.as_chunks::<2>().0.iter();
            let units: Vec<u16> = units.map(|pair| u16::from_be_bytes(*pair)).collect();
            let name = String::from_utf16(&units).unwrap();
            let full = format!("{parent}/{}", name.trim_end_matches(";1"));
            let content = if record.directory {
                dirs.push((full.clone(), record.block, record.size));
                table.push((record.identifier.clone(), record.block, at as u16));
                None
            } else {
                let start = record.block as usize * BLOCK;
                Some(image[start..start + record.size as usize].to_vec())
            };
            assert!(shown.insert(full, content).is_none());
        }
    }
    check_path_tables(image, volume, &table);
    shown
}

fn sort_key(identifier: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(identifier.to_vec()).unwrap();
    let text = text.trim_end_matches(";1");
    let (stem, extension) = text.split_once('.').unwrap_or((text, ""));
    format!("{stem:32}{extension}").into_bytes()
}

fn check_path_tables(image: &[u8], volume: &[u8], expected: &[(Vec<u8>, u32, u16)]) {
    let size = both32(volume, 132) as usize;
    let m_start = u32::from_be_bytes(volume[148..152].try_into().unwrap()) as usize;
    for (big_endian, start) in [(false, le32(volume, 140) as usize), (true, m_start)] {
        let mut rest = &image[start * BLOCK..start * BLOCK + size];
        for (identifier, block, parent) in expected {
            let length = usize::from(rest[0]);
            let (mut number, mut up) = (le32(rest, 2), le16(rest, 6));
            if big_endian {
                (number, up) = (number.swap_bytes(), up.swap_bytes());
            }
            assert_eq!(
                (&rest[8..8 + length], number, up),
                (&identifier[..], *block, *parent)
            );
            rest = &rest[8 + length + length % 2..];
        }
        assert!(rest.is_empty());
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .trim_end_matches([' ', '\0'])
        .to_owned()
}

/// The tables of an image as text: volume descriptor, boot catalog, MBR, GPT, listing.
pub(crate) fn dump(image: &[u8]) -> String {
    let mut out = String::new();
    let mut line = |text: String| writeln!(out, "{text}").unwrap();
    let volume = block(image, 16);
    for (name, range) in [
        ("system", 8..40),
        ("volume", 40..72),
        ("volume set", 190..318),
        ("publisher", 318..446),
        ("preparer", 446..574),
        ("application", 574..702),
        ("created", 813..830),
        ("modified", 830..847),
        ("expires", 847..864),
        ("effective", 864..881),
    ] {
        line(format!("{name}: {}", text(&volume[range])));
    }
    line(format!("blocks: {}", both32(volume, 80)));
    line(format!(
        "path tables: {} bytes at {} and {}",
        both32(volume, 132),
        le32(volume, 140),
        le32(volume, 148).swap_bytes()
    ));
    line(format!(
        "root: {} bytes at {}",
        both32(volume, 166),
        both32(volume, 158)
    ));
    let joliet = block(image, 18);
    line(format!(
        "joliet: {} path tables: {} bytes at {} and {}, root: {} bytes at {}",
        text(&joliet[40..72]).replace('\0', ""),
        both32(joliet, 132),
        le32(joliet, 140),
        le32(joliet, 148).swap_bytes(),
        both32(joliet, 166),
        both32(joliet, 158)
    ));
    let boot = block(image, 17);
    line(format!(
        "boot record: {:?}, catalog at {}",
        text(&boot[7..39]),
        le32(boot, 0x47)
    ));
    let catalog = block(image, le32(boot, 0x47));
    let sum = (0..16)
        .map(|i| le16(catalog, 2 * i))
        .fold(0, u16::wrapping_add);
    line(format!(
        "catalog: platform {}, sum {sum}, key {:x}",
        catalog[1],
        le16(catalog, 30)
    ));
    for at in [32, 96] {
        line(format!(
            "entry: header {:02x?} indicator {:x}, {} sectors at block {}",
            if at == 32 { &[] } else { &catalog[64..68] },
            catalog[at],
            le16(catalog, at + 6),
            le32(catalog, at + 8)
        ));
    }
    line(format!(
        "mbr: boot image at sector {}, signature {:02x?}, end {:04x}",
        le64(image, 0x1b0),
        &image[440..444],
        le16(image, 510)
    ));
    for at in [446, 462, 478, 494] {
        let entry = &image[at..at + 16];
        line(format!(
            "mbr entry: active {:02x} type {:02x} start {} size {}",
            entry[0],
            entry[4],
            le32(entry, 8),
            le32(entry, 12)
        ));
    }
    for (name, at) in [("primary", 512), ("backup", image.len() - 512)] {
        let header = &image[at..at + 92];
        let entries = le64(header, 72) as usize * 512;
        line(format!(
            "{name} gpt: {} this {} other {} usable {}..{} disk {:02x?} entries at {} x{} of {} crc {:08x}",
            text(&header[..8]),
            le64(header, 24),
            le64(header, 32),
            le64(header, 40),
            le64(header, 48),
            &header[56..72],
            le64(header, 72),
            le32(header, 80),
            le32(header, 84),
            le32(header, 88)
        ));
        let entry = &image[entries..entries + 128];
        let name: Vec<u16> = (0..36).map(|i| le16(entry, 56 + 2 * i)).collect();
        line(format!(
            "  partition: type {:02x?} id {:02x?} {}..{} {}",
            &entry[..16],
            &entry[16..32],
            le64(entry, 32),
            le64(entry, 40),
            text(String::from_utf16(&name).unwrap().as_bytes())
        ));
    }
    let mut dirs = vec![(both32(volume, 158), both32(volume, 166))];
    let mut at = 0;
    while at < dirs.len() {
        line(format!("directory at {}, {} bytes", dirs[at].0, dirs[at].1));
        for record in &directory(image, dirs[at].0, dirs[at].1)[2..] {
            if record.directory {
                dirs.push((record.block, record.size));
            }
            line(format!(
                "  {} {:06o} {}:{} {} bytes at {} {}{}",
                text(&record.identifier),
                record.px[0],
                record.px[2],
                record.px[3],
                record.size,
                record.block,
                record.name,
                record
                    .target
                    .as_ref()
                    .map_or(String::new(), |t| format!(" -> {t}"))
            ));
        }
        at += 1;
    }
    out
}
