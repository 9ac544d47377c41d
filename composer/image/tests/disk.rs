//! Disks: the table, both boot paths' bytes, the root in its partition, hashes, and qcow2.

mod support;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use support::{EPOCH, path, tool};
use xsc_image::disk::{self, Architecture, Bios, Disk, DiskError, DiskSpec, RootError};
use xsc_image::erofs::{self, ErofsCompression, ErofsSpec};
use xsc_image::ext4::{self, Ext4Spec};
use xsc_image::read::{self, FileSource};
use xsc_image::{Entry, Kind, Manifest, MemoryBlobs, qcow2, verity};
use xsc_model::Digest;

struct Made {
    file: tempfile::NamedTempFile,
    disk: Disk,
}

const MENU: &str = "linux /vmlinuz root=PARTUUID=@ROOT_UUID@\n";
const VERITY_MENU: &str = "linux /vmlinuz '@VERITY@' @VERITY_UUID@ @ROOT_UUID@\n";

fn core() -> Vec<u8> {
    let mut core = vec![0xcc; 512 * 60 - 100];
    core[508..510].copy_from_slice(&59u16.to_le_bytes());
    core
}

/// What a root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    Ext4,
    Erofs,
}

fn make(menu: &str, verity: bool, threads: usize) -> Result<Made, DiskError> {
    make_with(Root::Ext4, menu, verity, threads)
}

fn make_with(kind: Root, menu: &str, verity: bool, threads: usize) -> Result<Made, DiskError> {
    let mut blobs = MemoryBlobs::default();
    let kernel = Entry::new(blobs.add(vec![7; 3_000_000]));
    let esp = Manifest::from_entries([(path("/vmlinuz"), kernel)]).unwrap();
    let init = Entry::new(blobs.add(vec![1; 100_000])).with_mode(0o755);
    let files = Manifest::from_entries([(path("/init"), init)]).unwrap();
    let ext4 = Ext4Spec {
        label: "root",
        files: &files,
        size: None,
        free: 20 << 20,
        seed: Digest::of(b"root"),
        epoch: EPOCH,
        threads,
    };
    let erofs = ErofsSpec {
        label: "root",
        files: &files,
        compression: ErofsCompression::Lz4,
        threads,
        seed: Digest::of(b"root"),
        epoch: EPOCH,
    };
    let root = |mut out: &File, base: u64| -> Result<u64, RootError> {
        if kind == Root::Ext4 {
            return Ok(ext4::write(&ext4, &blobs, out, base)?);
        }
        out.seek(SeekFrom::Start(base))?;
        Ok(erofs::write(&erofs, &blobs, &mut out)?)
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let (boot, core) = ([0x90; 512], core());
    let spec = DiskSpec {
        esp: &esp,
        menu: Some((path("/grub/grub.cfg"), menu)),
        bios: Some(Bios {
            boot: &boot,
            core: &core,
        }),
        architecture: Architecture::X86_64,
        root: &root,
        read_only: kind == Root::Erofs,
        verity,
        seed: Digest::of(b"disk"),
        epoch: EPOCH,
        threads,
    };
    let disk = disk::write(&spec, &blobs, file.as_file_mut())?;
    Ok(Made { file, disk })
}

impl Made {
    fn bytes(&self, at: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.file.as_file().read_exact_at(&mut bytes, at).unwrap();
        bytes
    }

    /// Name, GUID, first byte and size of each partition, as the `gpt` crate reads them.
    fn partitions(&self) -> Vec<(String, String, u64, u64)> {
        let disk = gpt::GptConfig::new().open(self.file.path()).unwrap();
        let partitions = disk.partitions().values().map(|partition| {
            let start = partition.first_lba * 512;
            let size = (partition.last_lba + 1) * 512 - start;
            let guid = partition.part_guid.to_string();
            (partition.name.clone(), guid, start, size)
        });
        partitions.collect()
    }

    /// A partition as a file of its own.
    fn partition(&self, name: &str) -> tempfile::NamedTempFile {
        let partitions = self.partitions();
        let (.., start, size) = partitions.iter().find(|(found, ..)| found == name).unwrap();
        let alone = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(alone.path(), self.bytes(*start, *size as usize)).unwrap();
        alone
    }

    fn menu(&self) -> String {
        let esp = File::open(self.partition("EFI system partition").path()).unwrap();
        let volume = fatfs::FileSystem::new(esp, fatfs::FsOptions::new()).unwrap();
        let mut menu = String::new();
        let mut file = volume.root_dir().open_file("grub/grub.cfg").unwrap();
        file.read_to_string(&mut menu).unwrap();
        menu
    }
}

#[test]
fn a_disk_has_its_partitions_and_boots_both_ways() {
    let made = make(MENU, false, 2).unwrap();
    let size = made.file.as_file().metadata().unwrap().len();
    assert_eq!(made.disk.size, size);
    let partitions = made.partitions();
    let names: Vec<&str> = partitions.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        ["BIOS boot partition", "EFI system partition", "root"]
    );
    assert_eq!(partitions[2].1, made.disk.root_uuid);
    assert!(
        partitions
            .iter()
            .all(|(.., start, size)| start % (1 << 20) == 0 && size % (1 << 20) == 0)
    );
    assert!(
        made.menu()
            .contains(&format!("root=PARTUUID={}\n", made.disk.root_uuid))
    );

    // The boot record knows the core, and the core's first sector its rest.
    let record = made.bytes(0, 512);
    assert_eq!(record[0x5c..0x64], 2048u64.to_le_bytes());
    assert_eq!((record[0x66], record[510], record[511]), (0x90, 0x55, 0xaa));
    let core = made.bytes(1 << 20, 512);
    assert_eq!(core[500..508], 2049u64.to_le_bytes());
    assert_eq!(core[508..510], 59u16.to_le_bytes());

    let root = made.partition("root");
    tool("e2fsck", &["-fn", root.path().to_str().unwrap()]);
    let ext4 = ext4_view::Ext4::load_from_path(root.path()).unwrap();
    assert_eq!(ext4.read("/init").unwrap(), vec![1; 100_000]);
    let esp = made.partition("EFI system partition");
    tool("fsck.vfat", &["-n", esp.path().to_str().unwrap()]);
    if let Some(said) = tool("sgdisk", &["-v", made.file.path().to_str().unwrap()]) {
        assert!(said.contains("No problems found"), "{said}");
    }
}

#[test]
fn the_bytes_do_not_depend_on_threads() {
    for (menu, verity) in [(MENU, false), (VERITY_MENU, true)] {
        for kind in [Root::Ext4, Root::Erofs] {
            let bytes = |threads| {
                let made = make_with(kind, menu, verity, threads).unwrap();
                std::fs::read(made.file.path()).unwrap()
            };
            assert!(bytes(1) == bytes(2), "{kind:?}");
        }
    }
}

#[test]
fn a_root_that_is_only_read_says_so_and_does_not_grow() {
    const GROW: u64 = 1 << 59;
    const READ_ONLY: u64 = 1 << 60;
    for (kind, verity, flags, size) in [
        (Root::Ext4, false, GROW, 25 << 20),
        (Root::Ext4, true, READ_ONLY, 25 << 20),
        // As large as what is in it, in whole MiB.
        (Root::Erofs, false, READ_ONLY, 1 << 20),
        (Root::Erofs, true, READ_ONLY, 1 << 20),
    ] {
        let menu = if verity { VERITY_MENU } else { MENU };
        let made = make_with(kind, menu, verity, 2).unwrap();
        let table = gpt::GptConfig::new().open(made.file.path()).unwrap();
        let found = &table.partitions()[&3];
        assert_eq!(
            (found.name.as_str(), found.flags),
            ("root", flags),
            "{kind:?} {verity}"
        );
        assert_eq!(found.part_guid.to_string(), made.disk.root_uuid);
        assert!(made.menu().contains(&made.disk.root_uuid));
        let part = made.partition("root");
        let found = part.as_file().metadata().unwrap().len();
        assert!(found <= size, "{kind:?}: {found}");
        if kind == Root::Erofs {
            tool("fsck.erofs", &[part.path().to_str().unwrap()]);
        }
        if let Some(root) = &made.disk.root_hash {
            let data = std::fs::read(part.path()).unwrap();
            let hashes = std::fs::read(made.partition("root-verity").path()).unwrap();
            // The end of the partition is not hashed.
            let menu = made.menu();
            let (_, sectors) = menu.split_once("'0 ").unwrap();
            let (sectors, _) = sectors.split_once(' ').unwrap();
            let hashed = sectors.parse::<usize>().unwrap() * 512;
            assert!((1..=1 << 20).contains(&(data.len() - hashed + 1)));
            let blocks = hashed / 4096;
            assert!(menu.contains(&format!(" {blocks} 1 sha256 {root} ")));
            check_tree(&data[..hashed], &hashes, root);
        }
        // As `xsc-compose ls disk.img#root` opens it.
        let disk = FileSource::open(made.file.path()).unwrap();
        let reader = read::open(Arc::new(disk), &["root"]).unwrap();
        let format = if kind == Root::Erofs { "EROFS" } else { "ext4" };
        assert_eq!(reader.format(), format);
        let mut bytes = Vec::new();
        let content = reader.content(b"init").unwrap();
        content.reader().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, vec![1; 100_000]);
    }
}

/// Checks a tree of hashes from its root down, by the format's description.
fn check_tree(data: &[u8], hashes: &[u8], root: &str) {
    assert_eq!(&hashes[..8], b"verity\0\0");
    let salt = &hashes[88..120];
    let hash = |block: &[u8]| {
        let hash = Sha256::new().chain_update(salt).chain_update(block);
        hash.finalize().to_vec()
    };
    let mut levels = vec![data.len() / 4096];
    while *levels.last().unwrap() > 1 {
        levels.push(levels.last().unwrap().div_ceil(128));
    }
    let mut at = 4096;
    let mut expected = vec![hex(root)];
    for count in levels[1..].iter().rev() {
        let blocks = &hashes[at..at + count * 4096];
        for (block, expected) in blocks.chunks(4096).zip(&expected) {
            assert_eq!(hash(block), *expected);
        }
        expected = blocks.chunks(32).map(<[u8]>::to_vec).collect();
        at += count * 4096;
    }
    for (block, expected) in data.chunks(4096).zip(&expected) {
        assert_eq!(hash(block), *expected);
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

#[test]
fn verity_hashes_every_block_and_names_the_partitions_after_the_root() {
    let made = make(VERITY_MENU, true, 2).unwrap();
    let root = made.disk.root_hash.clone().unwrap();
    let partitions = made.partitions();
    assert_eq!(partitions[3].0, "root-verity");
    assert_eq!(partitions[2].1.replace('-', ""), root[..32]);
    assert_eq!(partitions[3].1.replace('-', ""), root[32..]);
    let data = std::fs::read(made.partition("root").path()).unwrap();
    let hashes = std::fs::read(made.partition("root-verity").path()).unwrap();
    check_tree(&data, &hashes, &root);
    let menu = made.menu();
    let (sectors, blocks) = (data.len() / 512, data.len() / 4096);
    assert!(
        menu.contains(&format!(
            "'0 {sectors} verity 1 PARTUUID={} ",
            partitions[2].1
        )),
        "{menu}"
    );
    assert!(
        menu.contains(&format!(" {blocks} 1 sha256 {root} ")),
        "{menu}"
    );
    let (one, two) = (made.partition("root"), made.partition("root-verity"));
    let paths = [one.path().to_str().unwrap(), two.path().to_str().unwrap()];
    tool("veritysetup", &["verify", paths[0], paths[1], &root]);
}

#[test]
fn trees_of_one_level_and_of_several() {
    for blocks in [1u64, 128, 129, 20_000] {
        let file = tempfile::tempfile().unwrap();
        file.set_len(blocks * 4096).unwrap();
        for block in (0..blocks).step_by(7) {
            file.write_all_at(&block.to_le_bytes(), block * 4096)
                .unwrap();
        }
        let at = blocks * 4096;
        let made = verity::write(&file, 0, at, at, &Digest::of(b"seed"), 2).unwrap();
        let mut data = vec![0; at as usize];
        file.read_exact_at(&mut data, 0).unwrap();
        let mut hashes = vec![0; made.size as usize];
        file.read_exact_at(&mut hashes, at).unwrap();
        if blocks > 1 {
            check_tree(&data, &hashes, &made.hash_text());
        }
        file.write_all_at(b"changed", 3).unwrap();
        let other = verity::write(&file, 0, at, at, &Digest::of(b"seed"), 1).unwrap();
        assert_ne!(other.root_hash, made.root_hash);
    }
}

#[test]
fn what_is_no_grub_and_a_menu_without_verity_are_refused() {
    match make(VERITY_MENU, false, 1).map(|made| made.disk) {
        Err(DiskError::NoVerity { word: "@VERITY@" }) => {}
        other => panic!("{other:?}"),
    }
    let good = core();
    let mut short = good.clone();
    short[508] = 58;
    for (boot, core) in [
        (&[0; 511][..], &good),
        (&[0; 512], &short),
        (&[0; 512], &vec![0; 100]),
    ] {
        let files = Manifest::new();
        let spec = DiskSpec {
            esp: &files,
            menu: None,
            bios: Some(Bios { boot, core }),
            architecture: Architecture::Aarch64,
            root: &|_, _| Ok(4096),
            read_only: false,
            verity: false,
            seed: Digest::of(b""),
            epoch: EPOCH,
            threads: 1,
        };
        let mut file = tempfile::tempfile().unwrap();
        let made = disk::write(&spec, &MemoryBlobs::default(), &mut file);
        assert!(matches!(made, Err(DiskError::Grub(_))));
    }
    let taken = Manifest::from_entries([(path("/grub"), Entry::new(Kind::Directory))]).unwrap();
    assert_eq!(taken.len(), 2);
}

/// The raw bytes of a qcow2 image, by the format's description.
fn unpack(image: &[u8]) -> Vec<u8> {
    let word = |at: usize| u64::from_be_bytes(image[at..at + 8].try_into().unwrap());
    let half = |at: usize| u32::from_be_bytes(image[at..at + 4].try_into().unwrap());
    assert_eq!((&image[..4], half(4), half(20)), (&b"QFI\xfb"[..], 3, 16));
    let (size, l1) = (word(24) as usize, word(40) as usize);
    let mut raw = vec![0; size.next_multiple_of(65536)];
    let mut seen = std::collections::BTreeSet::new();
    for table in 0..half(36) as usize {
        let l2 = word(l1 + table * 8);
        if l2 == 0 {
            continue;
        }
        let l2 = (l2 & !(1 << 63)) as usize;
        assert!(l2.is_multiple_of(65536) && seen.insert(l2));
        for entry in 0..8192 {
            let data = (word(l2 + entry * 8) & !(1 << 63)) as usize;
            if data != 0 {
                assert!(data.is_multiple_of(65536) && seen.insert(data));
                let to = (table * 8192 + entry) * 65536;
                raw[to..to + 65536].copy_from_slice(&image[data..data + 65536]);
            }
        }
    }
    // Every cluster is counted once.
    let blocks = word(word(48) as usize) as usize;
    let counted = image[blocks..blocks + 65536]
        .chunks(2)
        .filter(|c| **c == [0, 1])
        .count();
    assert_eq!(counted, image.len() / 65536);
    raw.truncate(size);
    raw
}

#[test]
fn qcow2_holds_what_is_used_and_nothing_else() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let raw = file.as_file();
    let size = (514 << 20) + 512;
    raw.set_len(size).unwrap();
    for at in [0, 70_000, 3 << 20, (513 << 20) + 1, size - 1] {
        raw.write_all_at(b"x", at).unwrap();
    }
    let mut image = Vec::new();
    let written = qcow2::write(raw, size, &mut image).unwrap();
    assert_eq!((written, image.len()), (image.len() as u64, 11 * 65536));
    assert!(unpack(&image) == std::fs::read(file.path()).unwrap());
    let copy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(copy.path(), &image).unwrap();
    tool(
        "qemu-img",
        &["check", "-f", "qcow2", copy.path().to_str().unwrap()],
    );
}
