//! The images as other programs read them; each test is skipped, aloud, where one is missing.

mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

use support::hard;
use support::{EPOCH, path, tool};
use xsc_image::cpio::CpioSpec;
use xsc_image::fat::FatSpec;
use xsc_image::iso::{Bios, IsoSpec};
use xsc_image::oci::{Architecture, Layer, OciSpec};
use xsc_image::{
    BlobSource, Compression, Entry, Kind, Manifest, MemoryBlobs, cpio, fat, iso, oci, tar,
};
use xsc_model::Digest;

struct Made {
    dir: tempfile::TempDir,
}

impl Made {
    fn file(&self, name: &str) -> String {
        let path: PathBuf = self.dir.path().join(name);
        path.to_str().unwrap().to_owned()
    }
}

fn esp(blobs: &mut MemoryBlobs) -> Vec<u8> {
    let entries = [
        ("/EFI", Entry::new(Kind::Directory)),
        ("/EFI/BOOT", Entry::new(Kind::Directory)),
        (
            "/EFI/BOOT/BOOTX64.EFI",
            Entry::new(blobs.add(vec![0x5a; 700_000])),
        ),
        (
            "/EFI/BOOT/a long name.cfg",
            Entry::new(blobs.add(b"x".to_vec())),
        ),
    ];
    let entries = entries.map(|(name, entry)| (path(name), entry));
    let files = Manifest::from_entries(entries).unwrap();
    let mut bytes = Vec::new();
    let spec = FatSpec {
        label: "XSC_ESP",
        files: &files,
        fat32: false,
        min_size: 0,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    };
    fat::write(&spec, blobs, &mut bytes).unwrap();
    bytes
}

/// Writes one image of each kind into a directory.
fn make() -> Made {
    let made = Made {
        dir: tempfile::tempdir().unwrap(),
    };
    let mut blobs = MemoryBlobs::default();
    let esp = esp(&mut blobs);
    std::fs::write(made.file("esp.img"), &esp).unwrap();
    let entries = [
        ("/boot", Entry::new(Kind::Directory)),
        (
            "/boot/eltorito.img",
            Entry::new(blobs.add(vec![0x90; 40_000])),
        ),
        ("/boot/esp.img", Entry::new(blobs.add(esp))),
        (
            "/boot/A rather long name, in mixed case",
            Entry::new(blobs.add(b"hello".to_vec())),
        ),
        ("/dev", Entry::new(Kind::Directory)),
        (
            "/dev/null",
            Entry::new(Kind::CharDevice { major: 1, minor: 3 }).with_mode(0o666),
        ),
        (
            "/link",
            Entry::new(Kind::Symlink {
                target: b"../x/./y".to_vec(),
            }),
        ),
        ("/run", Entry::new(Kind::Directory).with_mode(0o1777)),
    ];
    let entries = entries.map(|(name, entry)| (path(name), entry));
    let files = Manifest::from_entries(entries).unwrap();
    let mut image = Vec::new();
    let spec = IsoSpec {
        volume_id: "XSC_TEST",
        publisher: "XSC",
        application: "XSC OS",
        files: &files,
        bios: Some(Bios {
            image: path("/boot/eltorito.img"),
            mbr_code: &[0x90; 512],
        }),
        efi: Some(path("/boot/esp.img")),
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    };
    iso::write(&spec, &blobs, &mut image).unwrap();
    std::fs::write(made.file("test.iso"), image).unwrap();
    let mut archive = Vec::new();
    let spec = CpioSpec {
        files: &files,
        compression: Compression::None,
        epoch: EPOCH,
    };
    cpio::write(&spec, &blobs, &mut archive).unwrap();
    std::fs::write(made.file("test.cpio"), archive).unwrap();
    let mut layer = Vec::new();
    tar::write(&files, EPOCH, &blobs, &mut layer).unwrap();
    std::fs::write(made.file("test.tar"), layer).unwrap();
    // Device nodes cannot be unpacked without root, so the container has none.
    let entries = files
        .iter()
        .filter(|(name, _)| !name.as_bytes().starts_with(b"/dev/"));
    let files =
        Manifest::from_entries(entries.map(|(name, entry)| (name.clone(), entry.clone()))).unwrap();
    for (name, compression) in [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)] {
        let layout = made.dir.path().join(name);
        std::fs::create_dir(&layout).unwrap();
        let spec = OciSpec {
            layers: vec![Layer {
                files: &files,
                created_by: "xsc-compose",
            }],
            entrypoint: &[],
            working_dir: "",
            user: "",
            architecture: Architecture::Amd64,
            command: &["/init".to_owned()],
            env: &BTreeMap::from([("PATH".to_owned(), "/usr/bin".to_owned())]),
            labels: &BTreeMap::from([("org.example.name".to_owned(), "x".to_owned())]),
            reference: "latest",
            compression,
            epoch: EPOCH,
            threads: 2,
        };
        oci::write(&spec, &blobs, &layout).unwrap();
    }
    made
}

fn expect(text: Option<String>, parts: &[&str]) {
    let Some(text) = text else { return };
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

#[test]
fn xorriso_reads_the_iso() {
    let made = make();
    let iso = made.file("test.iso");
    expect(
        tool(
            "xorriso",
            &["-indev", &iso, "-toc", "-find", "/", "-exec", "lsdl", "--"],
        ),
        &[
            "MBR protective-msdos-label grub2-mbr cyl-align-off GPT",
            "boot_info_table=on , grub2_boot_info=on",
            "'/boot/esp.img' , platform_id=0xEF",
            "'/link' -> '../x/./y'",
            "'/boot/A rather long name, in mixed case'",
            "drwxrwxrwt",
            "crw-rw-rw-",
        ],
    );
}

#[test]
fn xorriso_finds_the_medium_readable() {
    let made = make();
    let iso = made.file("test.iso");
    let Some(said) = tool("xorriso", &["-indev", &iso, "-check_media", "--"]) else {
        return;
    };
    for word in ["WARNING", "SORRY", "MISHAP", "FAILURE", "FATAL"] {
        assert!(!said.contains(word), "{said}");
    }
    assert!(said.contains("+ good"), "{said}");
}

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A file that has holes where zeros are written.
struct Sparse(File);

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(ZEROS.len());
        match bytes[..count] == ZEROS[..count] {
            true => self.0.seek_relative(count as i64)?,
            false => self.0.write_all(&bytes[..count])?,
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn xorriso_reads_a_file_of_several_extents() {
    let (mut blobs, size) = (hard::Made::default(), (5 << 30) + 77);
    let entry = Entry::new(blobs.add_large(size));
    let files = Manifest::from_entries([(path("/large"), entry)]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let iso = dir.path().join("iso").to_str().unwrap().to_owned();
    let mut out = Sparse(File::create(&iso).unwrap());
    let spec = IsoSpec {
        volume_id: "LARGE",
        publisher: "",
        application: "",
        files: &files,
        bios: None,
        efi: None,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    };
    let image = iso::write(&spec, &blobs, &mut out).unwrap();
    out.0.set_len(image).unwrap();
    expect(
        tool(
            "xorriso",
            &["-indev", &iso, "-find", "/large", "-exec", "lsdl", "--"],
        ),
        &[&format!(" {size} ")],
    );
    let tail = format!("{iso}.tail");
    // The last extent alone: 1 GiB and what is behind it.
    let arguments = [
        "-osirrox",
        "on",
        "-indev",
        &iso,
        "-extract_cut",
        "/large",
        &(size - 4096).to_string(),
        "4096",
        &tail,
    ];
    if tool("xorriso", &arguments).is_some() {
        let mut wanted = Vec::new();
        let Kind::File { blob, .. } = files.get(&path("/large")).unwrap().kind else {
            unreachable!("it is a file");
        };
        let mut reader = blobs.open(blob).unwrap();
        io::copy(&mut reader.by_ref().take(size - 4096), &mut io::sink()).unwrap();
        reader.read_to_end(&mut wanted).unwrap();
        assert!(std::fs::read(tail).unwrap() == wanted);
    }
}

#[test]
fn isoinfo_reads_the_iso() {
    let made = make();
    let iso = made.file("test.iso");
    expect(
        tool("isoinfo", &["-d", "-i", &iso]),
        &[
            "Volume id: XSC_TEST",
            "Rock Ridge signatures version 1 found",
            "Joliet with UCS level 3 found",
            "Nsect 4",
        ],
    );
    expect(
        tool("isoinfo", &["-l", "-R", "-i", &iso]),
        &[
            "A rather long name, in mixed case",
            "link -> ../x/./y",
            "Aug 12 2025",
        ],
    );
    expect(
        tool("isoinfo", &["-f", "-J", "-i", &iso]),
        &["/A rather long name, in mixed case"],
    );
}

#[test]
fn sfdisk_finds_a_valid_partition_table() {
    let made = make();
    let iso = made.file("test.iso");
    expect(tool("sfdisk", &["--verify", &iso]), &["No errors detected"]);
    expect(
        tool("sfdisk", &["--dump", &iso]),
        &[
            "label: gpt",
            "type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
            "EFI system partition",
        ],
    );
}

#[test]
fn dosfstools_and_mtools_read_the_esp() {
    let made = make();
    let esp = made.file("esp.img");
    if let Some(text) = tool("fsck.vfat", &["-n", &esp]) {
        assert_eq!(text.lines().count(), 2, "{text}");
    }
    expect(
        tool("mdir", &["-i", &esp, "::/EFI/BOOT"]),
        &["BOOTX64  EFI    700000", "a long name.cfg"],
    );
}

#[test]
fn cpio_and_tar_list_the_archives() {
    let made = make();
    let archive = made.file("test.cpio");
    expect(
        tool("cpio", &["-itv", "--quiet", "-F", &archive]),
        &["1,   3", "dev/null", "link -> ../x/./y", "drwxrwxrwt"],
    );
    let layer = made.file("test.tar");
    expect(
        tool("tar", &["-tvf", &layer]),
        &[
            "crw-rw-rw- 0/0",
            "dev/null",
            "link -> ../x/./y",
            "drwxrwxrwt",
        ],
    );
}

#[test]
fn skopeo_and_umoci_read_the_layouts() {
    let made = make();
    for name in ["gzip", "zstd"] {
        let layout = format!("oci:{}:latest", made.file(name));
        expect(
            tool("skopeo", &["inspect", &layout]),
            &[
                "\"Created\": \"2025-08-12T12:00:00Z\"",
                "\"PATH=/usr/bin\"",
                "\"amd64\"",
            ],
        );
    }
    // umoci 0.4 knows gzip only.
    let (layout, bundle) = (format!("{}:latest", made.file("gzip")), made.file("bundle"));
    let unpacked = tool(
        "umoci",
        &["unpack", "--rootless", "--image", &layout, &bundle],
    );
    if unpacked.is_some() {
        let root = made.dir.path().join("bundle/rootfs");
        assert_eq!(
            std::fs::read_link(root.join("link")).unwrap().to_str(),
            Some("../x/./y")
        );
        let name = root.join("boot/A rather long name, in mixed case");
        assert_eq!(std::fs::read(name).unwrap(), b"hello");
    }
}
