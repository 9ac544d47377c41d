//! Small images of every format that is read, which the fuzzer changes: ours, and those of other programs.
//!
//! Invariant: what a sum or a digest covers is made right again after a change, so that changes reach the code behind.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use xsc_image::cpio::CpioSpec;
use xsc_image::erofs::ErofsCompression;
use xsc_image::ext4::Ext4Spec;
use xsc_image::fat::FatSpec;
use xsc_image::iso::{Bios, IsoSpec};
use xsc_image::{
    Compression, Entry, ImagePath, Kind, LinkGroup, Manifest, MemoryBlobs, cpio, ext4, fat, iso,
    tar,
};
use xsc_model::Digest;

use super::patched::{Patched, Random, SPOT};
use super::rich::{self, Holds};
use super::{EPOCH, tool};

/// What is done to changed parts before a reader gets them.
#[derive(Clone, Copy)]
pub(crate) enum Finish {
    /// Nothing.
    Nothing,
    /// The sums of tar headers are made right, most times.
    TarSums,
    /// The sums of a GPT are made right, most times.
    GptSums,
    Gzip,
    Zstd,
    /// The parts are index, manifest and layers of an OCI layout, which becomes an archive with right digests.
    Oci,
}

/// One image.
pub(crate) struct Seed {
    pub(crate) name: String,
    /// What is opened in it, as [`xsc_image::read::open`] has it.
    pub(crate) inward: &'static [&'static str],
    parts: Vec<Arc<Vec<u8>>>,
    /// Where each part says something: contents are mostly left out.
    places: Vec<Vec<usize>>,
    finish: Finish,
}

impl Seed {
    fn new(name: &str, finish: Finish, parts: Vec<Vec<u8>>) -> Self {
        let places = parts.iter().map(|part| places(part)).collect();
        Seed {
            name: name.to_owned(),
            inward: &[],
            parts: parts.into_iter().map(Arc::new).collect(),
            places,
            finish,
        }
    }

    /// The image with something changed.
    pub(crate) fn mutated(&self, random: &mut Random) -> Patched {
        let mut parts: Vec<Patched> = self.parts.iter().map(Patched::new).collect();
        for _ in 0..=random.below(6) {
            let index = random.below(parts.len());
            parts[index].mutate(&self.places[index], random);
        }
        self.finished(parts, random.below(8) > 0)
    }

    /// The image as it is.
    pub(crate) fn unchanged(&self) -> Patched {
        self.finished(self.parts.iter().map(Patched::new).collect(), true)
    }

    fn finished(&self, mut parts: Vec<Patched>, right: bool) -> Patched {
        let whole = |bytes: Vec<u8>| Patched::new(&Arc::new(bytes));
        match self.finish {
            Finish::Nothing => {}
            Finish::TarSums if right => {
                for at in parts[0].blocks() {
                    if parts[0].bytes(at + 257, 5) == b"ustar" {
                        parts[0].put(at + 148, b"        ");
                        let block = parts[0].bytes(at, 512);
                        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
                        parts[0].put(at + 148, format!("{sum:06o}\0 ").as_bytes());
                    }
                }
            }
            Finish::GptSums if right && parts[0].touches(512, 4096) => gpt_sums(&mut parts[0]),
            Finish::TarSums | Finish::GptSums => {}
            Finish::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(1));
                encoder.write_all(&parts[0].whole()).unwrap();
                return whole(encoder.finish().unwrap());
            }
            Finish::Zstd => return whole(zstd::encode_all(&*parts[0].whole(), 1).unwrap()),
            Finish::Oci => {
                let parts: Vec<Vec<u8>> = parts.iter().map(Patched::whole).collect();
                return whole(oci_archive(&parts));
            }
        }
        parts.swap_remove(0)
    }
}

/// Blocks that are not zero, those of text left out: what is left is mostly tables.
fn places(bytes: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    for (index, block) in bytes.chunks(SPOT).enumerate() {
        let textual = block
            .iter()
            .filter(|b| b.is_ascii_graphic() || **b == b' ' || **b == b'\n');
        let is_content = bytes.len() > 4096 && textual.count() == block.len();
        if block.iter().any(|byte| *byte != 0) && (!is_content || index % 16 == 0) {
            places.push(index * SPOT);
        }
    }
    places
}

/// The header in sector 1 and a table of four entries behind it.
fn gpt_sums(disk: &mut Patched) {
    let sum = crc32fast::hash(&disk.bytes(1024, 4 * 128));
    disk.put(512 + 88, &sum.to_le_bytes());
    disk.put(512 + 16, &[0; 4]);
    let sum = crc32fast::hash(&disk.bytes(512, 92));
    disk.put(512 + 16, &sum.to_le_bytes());
}

/// A disk with these partitions of the types for an EFI system partition and a root.
fn gpt_disk(partitions: &[&[u8]]) -> Vec<u8> {
    let types = [
        "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
        "21686148-6449-6e6f-744e-656564454649",
    ];
    let mut disk = vec![0; 4096];
    disk[512..520].copy_from_slice(b"EFI PART");
    disk[512 + 12..512 + 16].copy_from_slice(&92u32.to_le_bytes());
    disk[512 + 72..512 + 80].copy_from_slice(&2u64.to_le_bytes());
    disk[512 + 80..512 + 84].copy_from_slice(&4u32.to_le_bytes());
    disk[512 + 84..512 + 88].copy_from_slice(&128u32.to_le_bytes());
    for (index, bytes) in partitions.iter().enumerate() {
        let guid: uuid::Uuid = types[index].parse().unwrap();
        let first = disk.len() as u64 / 512;
        disk.extend(*bytes);
        disk.resize(disk.len().next_multiple_of(512), 0);
        let last = disk.len() as u64 / 512 - 1;
        let entry = &mut disk[1024 + 128 * index..][..128];
        entry[..16].copy_from_slice(&guid.to_bytes_le());
        entry[32..40].copy_from_slice(&first.to_le_bytes());
        entry[40..48].copy_from_slice(&last.to_le_bytes());
        entry[56] = b'p';
    }
    let mut disk = Patched::new(&Arc::new(disk));
    gpt_sums(&mut disk);
    disk.whole()
}

fn header(size: usize) -> ::tar::Header {
    let mut header = ::tar::Header::new_gnu();
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(EPOCH as u64);
    header
}

fn oci_archive(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut put = |name: &str, bytes: &[u8]| {
        let mut header = header(bytes.len());
        builder.append_data(&mut header, name, bytes).unwrap();
    };
    put("oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}");
    let mut blob = |bytes: &[u8]| {
        let digest = Sha256::digest(bytes);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        put(&format!("blobs/sha256/{hex}"), bytes);
        hex
    };
    let mut manifest = String::from_utf8_lossy(&parts[1]).into_owned();
    for (number, layer) in parts[2..].iter().enumerate() {
        let layer = match number % 2 {
            0 => zstd::encode_all(layer.as_slice(), 1).unwrap(),
            _ => layer.clone(),
        };
        manifest = manifest.replace(&format!("@LAYER{number}@"), &blob(&layer));
    }
    let index =
        String::from_utf8_lossy(&parts[0]).replace("@MANIFEST@", &blob(manifest.as_bytes()));
    put("index.json", index.as_bytes());
    builder.into_inner().unwrap()
}

/// One of everything that a format holds, in little room.
fn small(holds: Holds) -> (Manifest, MemoryBlobs) {
    let (mut manifest, mut blobs) = (Manifest::new(), MemoryBlobs::default());
    let mut add = |name: &[u8], entry: Entry| {
        let name = ImagePath::new(name).unwrap();
        manifest.insert(name, entry).unwrap();
    };
    add(b"/d", Entry::new(Kind::Directory));
    for (name, bytes) in [
        (b"/d/empty".as_slice(), Vec::new()),
        (b"/d/a longer name.text", b"hello\n".to_vec()),
        (b"/d/text", rich::text(9000)),
        (b"/noise", rich::noise(5000)),
        (b"/d/zeros", vec![0; 140_000]),
    ] {
        add(name, Entry::new(blobs.add(bytes)));
    }
    for number in 0..12 {
        let name = format!("/d/{number}{}", "n".repeat(100));
        add(
            name.as_bytes(),
            Entry::new(blobs.add(number.to_string().into_bytes())),
        );
    }
    if holds == Holds::Names {
        return (manifest, blobs);
    }
    let null = Kind::CharDevice { major: 1, minor: 3 };
    add(b"/null", Entry::new(null));
    add(b"/pipe", Entry::new(Kind::Fifo));
    for target in [b"d/text".to_vec(), b"abcdefghi/".repeat(30)] {
        let name = format!("/l{}", target.len());
        add(name.as_bytes(), Entry::new(Kind::Symlink { target }));
    }
    if holds != Holds::Nodes {
        for name in [b"/one".as_slice(), b"/d/two"] {
            let mut entry = Entry::new(blobs.add(rich::text(3000)));
            entry.link = Some(LinkGroup(1));
            add(name, entry);
        }
    }
    if holds == Holds::Everything {
        for (name, length) in [(b"/x".as_slice(), 20), (b"/y", 600)] {
            let mut entry = Entry::new(blobs.add(b"x".to_vec()));
            entry.xattrs.insert(b"user.a".to_vec(), vec![7; length]);
            add(name, entry);
        }
    }
    (manifest, blobs)
}

fn fat_image() -> Vec<u8> {
    let (files, blobs) = small(Holds::Names);
    let mut bytes = Vec::new();
    let spec = FatSpec {
        label: "SMALL",
        files: &files,
        fat32: false,
        min_size: 0,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    };
    fat::write(&spec, &blobs, &mut bytes).unwrap();
    bytes
}

fn iso_image(bootable: bool) -> Vec<u8> {
    let (mut files, mut blobs) = small(Holds::Nodes);
    let mut add = |name: &str, bytes: Vec<u8>| {
        let name = super::path(name);
        let entry = Entry::new(blobs.add(bytes));
        files.insert(name.clone(), entry).unwrap();
        name
    };
    let esp = bootable.then(|| add("/esp.img", fat_image()));
    let image = bootable.then(|| add("/cdboot.img", vec![0x90; 40_000]));
    let mut bytes = Vec::new();
    let spec = IsoSpec {
        volume_id: "SMALL",
        publisher: "",
        application: "",
        files: &files,
        bios: image.map(|image| Bios {
            image,
            mbr_code: &[0x90; 512],
        }),
        efi: esp,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    };
    iso::write(&spec, &blobs, &mut bytes).unwrap();
    bytes
}

fn ext4_image() -> Vec<u8> {
    let (files, blobs) = small(Holds::Everything);
    let file = tempfile::tempfile().unwrap();
    let spec = Ext4Spec {
        label: "small",
        files: &files,
        size: None,
        free: 0,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
        threads: 1,
    };
    let size = ext4::write(&spec, &blobs, &file, 0).unwrap();
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// Every seed; those of programs that are not installed are left out, aloud.
pub(crate) fn seeds() -> Vec<Seed> {
    let one = |name: &str, finish, bytes: &[u8]| Seed::new(name, finish, vec![bytes.to_vec()]);
    let mut seeds = vec![
        one("FAT", Finish::Nothing, &fat_image()),
        one("ISO", Finish::Nothing, &iso_image(false)),
    ];
    let mut inner = one("FAT in ISO", Finish::Nothing, &iso_image(true));
    inner.inward = &["/esp.img"];
    seeds.push(inner);

    let (files, blobs) = small(Holds::Links);
    let mut archive = Vec::new();
    let spec = CpioSpec {
        files: &files,
        compression: Compression::None,
        epoch: EPOCH,
    };
    cpio::write(&spec, &blobs, &mut archive).unwrap();
    let packed = zstd::encode_all(archive.as_slice(), 3).unwrap();
    seeds.push(one("cpio", Finish::Nothing, &archive));
    seeds.push(one("cpio in gzip", Finish::Gzip, &archive));
    seeds.push(one("zstd", Finish::Nothing, &packed));
    let twice = [archive.as_slice(), &packed].concat();
    seeds.push(one("cpio twice", Finish::Nothing, &twice));

    let (files, blobs) = small(Holds::Everything);
    let mut archive = Vec::new();
    tar::write(&files, EPOCH, &blobs, &mut archive).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(&archive).unwrap();
    seeds.push(one("gzip", Finish::Nothing, &encoder.finish().unwrap()));
    seeds.push(one("tar", Finish::TarSums, &archive));
    seeds.push(one("tar in zstd", Finish::Zstd, &archive));

    let ext4 = ext4_image();
    seeds.push(one("ext4", Finish::Nothing, &ext4));
    let mut erofs = Vec::new();
    for compression in [ErofsCompression::None, ErofsCompression::Lz4] {
        erofs = rich::erofs(&files, &blobs, compression, 1);
        seeds.push(one(
            &format!("EROFS {compression:?}"),
            Finish::Nothing,
            &erofs,
        ));
    }
    let disk = gpt_disk(&[&fat_image(), &ext4, &[1; 512]]);
    seeds.push(one("GPT", Finish::GptSums, &disk));
    let mut inner = one(
        "GPT, root",
        Finish::GptSums,
        &gpt_disk(&[&[1; 512], &erofs]),
    );
    inner.inward = &["root"];
    seeds.push(inner);

    let index = r#"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:@MANIFEST@","platform":{"architecture":"amd64"},"annotations":{"org.opencontainers.image.ref.name":"a"}}]}"#;
    let manifest = r#"{"schemaVersion":2,"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","digest":"sha256:@LAYER0@"},{"digest":"sha256:@LAYER1@"}]}"#;
    let mut upper = ::tar::Builder::new(Vec::new());
    for name in [
        "d/.wh.text",
        ".wh.noise",
        "e/.wh..wh..opq",
        "e/new",
        "null/below",
    ] {
        let mut header = header(3);
        upper.append_data(&mut header, name, &b"new"[..]).unwrap();
    }
    let upper = upper.into_inner().unwrap();
    let parts = vec![index.into(), manifest.into(), archive, upper];
    seeds.push(Seed::new("OCI", Finish::Oci, parts));

    others(&mut seeds);
    seeds
}

/// Images that other programs write of the same kind of tree.
fn others(seeds: &mut Vec<Seed>) {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir_all(at("tree/sub")).unwrap();
    std::fs::write(at("tree/sub/text"), rich::text(90_000)).unwrap();
    let mixed = [rich::text(20_000), rich::noise(9000), rich::text(30_000)];
    std::fs::write(at("tree/sub/mixed"), mixed.concat()).unwrap();
    for index in 0..12 {
        let name = format!("tree/sub/{index}{}", "n".repeat(90));
        std::fs::write(at(&name), b"small").unwrap();
    }
    std::os::unix::fs::symlink("sub/text".repeat(10), at("tree/link")).unwrap();
    std::fs::hard_link(at("tree/sub/text"), at("tree/again")).unwrap();
    let (tree, image) = (at("tree"), at("image"));
    let mut add = |name: &str, finish, program: &str, arguments: &[&str]| {
        let _ = std::fs::remove_file(&image);
        if tool(program, arguments).is_some() {
            let bytes = std::fs::read(&image).unwrap();
            seeds.push(Seed::new(name, finish, vec![bytes]));
        }
    };
    let common = [
        "-q",
        "-t",
        "ext4",
        "-b",
        "1024",
        "-N",
        "64",
        "-O",
        "^has_journal",
    ];
    let arguments = [&common[..], &["-d", &tree, &image, "1M"]].concat();
    add("ext4 of mke2fs", Finish::Nothing, "mke2fs", &arguments);
    for (name, option) in [
        ("EROFS of mkfs.erofs", "-x2"),
        ("EROFS, packed index", "-zlz4"),
        ("EROFS, packed index of large pieces", "-C16384"),
        ("EROFS, full index", "-Elegacy-compress"),
    ] {
        let lz4: &[&str] = if option.starts_with("-x") {
            &[]
        } else {
            &["-zlz4"]
        };
        let arguments = [lz4, &["--quiet", option, &image, &tree]].concat();
        add(name, Finish::Nothing, "mkfs.erofs", &arguments);
    }
    let arguments = ["--format=gnu", "-cf", &image, "-C", &tree, "."];
    add("tar of GNU", Finish::TarSums, "tar", &arguments);
    let arguments = ["-quiet", "-R", "-J", "-o", &image, &tree];
    add(
        "ISO of genisoimage",
        Finish::Nothing,
        "genisoimage",
        &arguments,
    );
    // FAT32 needs more clusters than our writer makes; the rest of it are zeros.
    std::fs::File::create(&image)
        .unwrap()
        .set_len(34 << 20)
        .unwrap();
    if tool("mkfs.vfat", &["-F", "32", "-s", "1", &image]).is_some()
        && tool("mcopy", &["-i", &image, "-s", &at("tree/sub"), "::/"]).is_some()
    {
        let mut bytes = std::fs::read(&image).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        bytes.truncate(end.next_multiple_of(4096));
        seeds.push(Seed::new("FAT32", Finish::Nothing, vec![bytes]));
    }
}
