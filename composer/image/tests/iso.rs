//! ISO images: read back what was written, pin the tables, refuse bad input.

mod support;

use std::io;
use std::sync::Arc;

use proptest::prelude::*;
use support::{EPOCH, build, path, random_tree};
use xsc_image::iso::{Bios, IsoError, IsoSpec, write};
use xsc_image::read::{NodeKind, open};
use xsc_image::{BlobSource, CopyError, Entry, Kind, Manifest, MemoryBlobs};
use xsc_model::{BlobId, Digest};

fn spec(files: &Manifest) -> IsoSpec<'_> {
    IsoSpec {
        volume_id: "XSC_TEST",
        publisher: "",
        application: "XSC OS",
        files,
        bios: None,
        efi: None,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    }
}

fn image(spec: &IsoSpec<'_>, blobs: &MemoryBlobs) -> Result<Vec<u8>, IsoError> {
    let mut bytes = Vec::new();
    let size = write(spec, blobs, &mut bytes)?;
    assert_eq!(size, bytes.len() as u64);
    Ok(bytes)
}

/// A tree with boot images, a link, a device and clashing names.
fn boot_tree(order: &[usize]) -> (Manifest, MemoryBlobs) {
    let mut blobs = MemoryBlobs::default();
    let eltorito: Vec<u8> = (0..5001u32).map(|i| (i % 251) as u8).collect();
    let entries = [
        ("/boot", Entry::new(Kind::Directory)),
        ("/boot/eltorito.img", Entry::new(blobs.add(eltorito))),
        ("/boot/esp.img", Entry::new(blobs.add(vec![0xe5; 4096]))),
        (
            "/boot/vmlinuz",
            Entry::new(blobs.add(b"kernel".to_vec())).with_mode(0o755),
        ),
        ("/boot/VMLINUZ", Entry::new(blobs.add(b"Kernel".to_vec()))),
        ("/boot/empty", Entry::new(blobs.add(Vec::new()))),
        ("/dev", Entry::new(Kind::Directory)),
        (
            "/dev/null",
            Entry::new(Kind::CharDevice { major: 1, minor: 3 }).with_mode(0o666),
        ),
        (
            "/link",
            Entry::new(Kind::Symlink {
                target: b"/boot/../boot/vmlinuz".to_vec(),
            }),
        ),
    ];
    let entries = order
        .iter()
        .map(|index| (path(entries[*index].0), entries[*index].1.clone()));
    (Manifest::from_entries(entries).unwrap(), blobs)
}

const IN_ORDER: [usize; 9] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

fn bootable<'a>(files: &'a Manifest, mbr_code: &'a [u8]) -> IsoSpec<'a> {
    IsoSpec {
        bios: Some(Bios {
            image: path("/boot/eltorito.img"),
            mbr_code,
        }),
        efi: Some(path("/boot/esp.img")),
        ..spec(files)
    }
}

#[test]
fn tables_are_as_pinned() {
    let (files, blobs) = boot_tree(&IN_ORDER);
    let bytes = image(&bootable(&files, &[0x90; 512]), &blobs).unwrap();
    let dump = support::iso::dump(&bytes);
    assert_eq!(dump, include_str!("golden/iso.txt"), "\n{dump}");
}

#[test]
fn boot_image_and_boot_code_learn_their_addresses() {
    let (files, blobs) = boot_tree(&IN_ORDER);
    let bytes = image(&bootable(&files, &[0x90; 512]), &blobs).unwrap();
    let dump = support::iso::dump(&bytes);
    let block = dump
        .lines()
        .find(|l| l.contains("4 sectors at block"))
        .unwrap();
    let block: usize = block.rsplit(' ').next().unwrap().parse().unwrap();
    let written = &bytes[block * 2048..block * 2048 + 5001];
    let plain: Vec<u8> = (0..5001u32).map(|i| (i % 251) as u8).collect();
    assert_eq!(support::iso::le64(written, 2548), block as u64 * 4 + 5);
    assert_eq!(support::iso::le64(&bytes, 0x1b0), block as u64 * 4 + 4);
    assert_eq!(support::iso::le32(written, 8), 16);
    assert_eq!(support::iso::le32(written, 12), block as u32);
    assert_eq!(support::iso::le32(written, 16), 5001);
    let mut padded = written[64..].to_vec();
    padded.resize(padded.len().next_multiple_of(4), 0);
    let sum = padded
        .chunks(4)
        .map(|w| support::iso::le32(w, 0))
        .fold(0, u32::wrapping_add);
    assert_eq!(support::iso::le32(written, 20), sum);
    assert_eq!(
        (&written[..8], &written[2556..]),
        (&plain[..8], &plain[2556..])
    );
    assert_eq!(
        (&written[64..2548], &bytes[..0x1b0]),
        (&plain[64..2548], &[0x90; 0x1b0][..])
    );
}

#[test]
fn the_gpt_crate_finds_both_tables_valid() {
    let (files, blobs) = boot_tree(&IN_ORDER);
    let bytes = image(&bootable(&files, &[0x90; 512]), &blobs).unwrap();
    let disk = gpt::GptConfig::new()
        .only_valid_headers(true)
        .open_from_device(io::Cursor::new(bytes))
        .unwrap();
    assert_eq!(disk.partitions().len(), 1);
    assert_eq!(disk.partitions()[&1].sectors_len().unwrap(), 8);
}

#[test]
fn order_of_insertion_and_time_of_day_do_not_matter() {
    let (files, blobs) = boot_tree(&IN_ORDER);
    let (shuffled, other_blobs) = boot_tree(&[8, 3, 1, 7, 6, 0, 5, 4, 2]);
    let code = [0x90; 440];
    let first = image(&bootable(&files, &code), &blobs).unwrap();
    let second = image(&bootable(&shuffled, &code), &other_blobs).unwrap();
    assert!(first == second);
    let reseeded = IsoSpec {
        seed: Digest::of(b"other"),
        ..bootable(&files, &code)
    };
    assert!(image(&reseeded, &blobs).unwrap() != first);
}

#[test]
fn an_image_without_boot_code_is_plain_iso() {
    let bytes = image(&spec(&Manifest::new()), &MemoryBlobs::default()).unwrap();
    assert!(bytes[..16 * 2048].iter().all(|byte| *byte == 0));
    assert_eq!(
        (bytes[17 * 2048], bytes[18 * 2048]),
        (2, 255),
        "Joliet's descriptor, and no boot record"
    );
    assert_eq!(support::iso::read(&bytes), Manifest::new());
}

#[test]
fn joliet_has_the_names_and_bytes_of_files() {
    let (files, blobs) = boot_tree(&IN_ORDER);
    let bytes = image(&bootable(&files, &[0x90; 512]), &blobs).unwrap();
    let shown = support::iso::joliet(&bytes);
    let names: Vec<&str> = shown.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "/boot",
            "/boot/VMLINUZ",
            "/boot/eltorito.img",
            "/boot/empty",
            "/boot/esp.img",
            "/boot/vmlinuz",
            "/dev"
        ],
        "links and devices are Rock Ridge's"
    );
    assert_eq!(shown["/boot/vmlinuz"].as_deref(), Some(&b"kernel"[..]));
    assert_eq!(shown["/boot/VMLINUZ"].as_deref(), Some(&b"Kernel"[..]));
    assert_eq!(shown["/boot/empty"].as_deref(), Some(&b""[..]));
    assert_eq!(shown["/dev"], None);
}

#[test]
fn our_reader_shows_joliet_where_rock_ridge_is_not() {
    let (files, blobs) = boot_tree(&IN_ORDER);
    let mut bytes = image(&spec(&files), &blobs).unwrap();
    let root = support::iso::le32(&bytes, 16 * 2048 + 158) as usize * 2048;
    assert_eq!(&bytes[root + 34..root + 36], b"SP");
    bytes[root + 34..root + 36].copy_from_slice(b"XX");
    let shown = support::iso::joliet(&bytes);
    let reader = open(Arc::new(bytes), &[]).unwrap();
    for (name, content) in &shown {
        let node = &reader.entries()[&name.as_bytes()[1..]];
        assert_eq!(
            node.kind == NodeKind::Directory,
            content.is_none(),
            "{name}"
        );
    }
    assert_eq!(reader.entries().len(), shown.len() + 1);
}

#[test]
fn more_than_one_block_of_records() {
    let mut blobs = MemoryBlobs::default();
    let content = blobs.add(b"x".to_vec());
    let entries = (0..500).map(|i| {
        (
            path(&format!("/{}-{i}", "long".repeat(50))),
            Entry::new(content.clone()),
        )
    });
    let files = Manifest::from_entries(entries).unwrap();
    let bytes = image(&spec(&files), &blobs).unwrap();
    assert_eq!(support::iso::read(&bytes), files);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn reading_gives_what_was_written(tree in random_tree()) {
        let (files, blobs) = build(&tree);
        let bytes = image(&spec(&files), &blobs).unwrap();
        let in_joliet = files.iter().filter(|(path, entry)| {
            path.parent().is_some() && matches!(entry.kind, Kind::Directory | Kind::File { .. })
        });
        prop_assert_eq!(support::iso::joliet(&bytes).len(), in_joliet.count());
        prop_assert_eq!(support::iso::read(&bytes), files);
    }
}

fn refused(change: impl FnOnce(&mut IsoSpec<'_>)) -> String {
    let (files, blobs) = boot_tree(&IN_ORDER);
    let mut spec = spec(&files);
    change(&mut spec);
    image(&spec, &blobs).unwrap_err().to_string()
}

#[test]
fn bad_parameters_are_refused() {
    for volume in ["", "lower", "A B", &"A".repeat(33), "ÄÖ"] {
        let message =
            refused(|spec| spec.volume_id = Box::leak(volume.to_owned().into_boxed_str()));
        assert!(
            message.starts_with(&format!("the volume id `{volume}` is not valid")),
            "{message}"
        );
    }
    assert!(refused(|spec| spec.publisher = "a@b").contains("publisher"));
    assert!(refused(|spec| spec.epoch = i64::MAX).contains("outside the years 1900 to 2155"));
}

#[test]
fn bad_boot_images_are_refused() {
    let bios = |image: &str, mbr_code| {
        Some(Bios {
            image: path(image),
            mbr_code,
        })
    };
    assert_eq!(
        refused(|spec| spec.bios = bios("/boot/none", &[])),
        "the BIOS boot image `/boot/none` is not a file of the image with content"
    );
    assert!(refused(|spec| spec.bios = bios("/boot/empty", &[])).contains("`/boot/empty` is not"));
    assert!(refused(|spec| spec.bios = bios("/boot", &[])).contains("`/boot` is not"));
    assert!(refused(|spec| spec.bios = bios("/boot/vmlinuz", &[])).contains("6 bytes, too few"));
    assert!(
        refused(|spec| spec.bios = bios("/boot/eltorito.img", &[0; 100])).contains("100 bytes")
    );
    assert!(refused(|spec| spec.efi = Some(path("/efi.img"))).contains("the EFI boot image"));
}

fn refused_file(size: u64, efi: bool) -> IsoError {
    let blob = BlobId(Digest::of(b"never read"));
    let entry = Entry::new(Kind::File { blob, size });
    let files = Manifest::from_entries([(path("/big"), entry)]).unwrap();
    let spec = IsoSpec {
        efi: efi.then(|| path("/big")),
        ..spec(&files)
    };
    image(&spec, &MemoryBlobs::default()).unwrap_err()
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_read() {
    let error = refused_file(1 << 39, false);
    assert!(
        matches!(&error, IsoError::FileTooBig { size, .. } if *size == 1 << 39),
        "{error}"
    );
    let error = refused_file(65535 * 512 + 1, true);
    assert!(matches!(error, IsoError::EspTooBig { .. }), "{error}");
    assert!(matches!(
        refused_file(65535 * 512, true),
        IsoError::Copy(CopyError::Read { .. })
    ));
}

struct Liar;

impl BlobSource for Liar {
    fn open(&self, _: BlobId) -> io::Result<Box<dyn io::Read + '_>> {
        Ok(Box::new(&b"12345"[..]))
    }
}

#[test]
fn content_of_another_size_is_an_error() {
    for (size, found) in [(4, 5), (6, 5)] {
        let blob = BlobId(Digest::of(b""));
        let entry = Entry::new(Kind::File { blob, size });
        let files = Manifest::from_entries([(path("/file"), entry)]).unwrap();
        let error = write(&spec(&files), &Liar, &mut io::sink()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`/file` is said to have {size} bytes, but its content has {found}")
        );
    }
}
