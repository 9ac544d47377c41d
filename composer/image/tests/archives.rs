//! cpio archives, FAT images and OCI layouts: read back what was written, refuse bad input.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::path::Path;

use proptest::prelude::*;
use support::{EPOCH, build, file_of, path, random_tree};
use xsc_image::cpio::CpioSpec;
use xsc_image::fat::{FatError, FatSpec};
use xsc_image::oci::{Architecture, Layer, OciSpec};
use xsc_image::{Compression, Entry, Kind, Manifest, MemoryBlobs, cpio, fat, oci, tar};
use xsc_model::Digest;

fn archive(files: &Manifest, blobs: &MemoryBlobs, compression: Compression) -> Vec<u8> {
    let mut bytes = Vec::new();
    let spec = CpioSpec {
        files,
        compression,
        epoch: EPOCH,
    };
    cpio::write(&spec, blobs, &mut bytes).unwrap();
    bytes
}

/// The entries of a tar archive as a manifest, read by the `tar` crate.
fn read_tar(bytes: &[u8]) -> Manifest {
    let mut entries = Vec::new();
    let mut archive = ::tar::Archive::new(bytes);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let header = entry.header().clone();
        let device = || {
            let major = header.device_major().unwrap().unwrap();
            (major, header.device_minor().unwrap().unwrap())
        };
        let kind = match header.entry_type() {
            ::tar::EntryType::Directory => Kind::Directory,
            ::tar::EntryType::Fifo => Kind::Fifo,
            ::tar::EntryType::Char => {
                let (major, minor) = device();
                Kind::CharDevice { major, minor }
            }
            ::tar::EntryType::Symlink => Kind::Symlink {
                target: entry.link_name_bytes().unwrap().into_owned(),
            },
            ::tar::EntryType::Regular => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                file_of(&content)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(header.mtime().unwrap(), EPOCH as u64);
        let full = match name.as_str() {
            "./" => "/".to_owned(),
            _ => format!("/{}", name.trim_end_matches('/')),
        };
        let entry = Entry {
            mode: header.mode().unwrap(),
            uid: header.uid().unwrap() as u32,
            gid: header.gid().unwrap() as u32,
            ..Entry::new(kind)
        };
        entries.push((path(&full), entry));
    }
    Manifest::from_entries(entries).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cpio_and_tar_and_text_give_back_what_was_written(tree in random_tree()) {
        let (files, blobs) = build(&tree);
        prop_assert_eq!(&support::cpio::read(&archive(&files, &blobs, Compression::None)), &files);
        let mut layer = Vec::new();
        tar::write(&files, EPOCH, &blobs, &mut layer).unwrap();
        prop_assert_eq!(&read_tar(&layer), &files);
        prop_assert_eq!(&Manifest::from_text(&files.to_text()).unwrap(), &files);
    }
}

fn small() -> (Manifest, MemoryBlobs) {
    let mut blobs = MemoryBlobs::default();
    let entries = [
        ("/dev", Entry::new(Kind::Directory)),
        (
            "/dev/console",
            Entry::new(Kind::CharDevice { major: 5, minor: 1 }).with_mode(0o600),
        ),
        (
            "/init",
            Entry::new(blobs.add(b"#!/bin/sh\n".to_vec())).with_mode(0o755),
        ),
    ];
    let entries = entries.map(|(name, entry)| (path(name), entry));
    (Manifest::from_entries(entries).unwrap(), blobs)
}

#[test]
fn compressed_archives_have_the_plain_one_inside_and_a_fixed_header() {
    let (files, blobs) = small();
    let plain = archive(&files, &blobs, Compression::None);
    let gzip = archive(&files, &blobs, Compression::Gzip);
    assert_eq!(gzip[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&gzip[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain);
    let zstd = archive(&files, &blobs, Compression::Zstd);
    assert_eq!(zstd::decode_all(&zstd[..]).unwrap(), plain);
    // Pinned: another compressor, such as the host's zlib, would give other bytes.
    assert_eq!(
        (Digest::of(&gzip).short(), Digest::of(&zstd).short()),
        (
            include_str!("golden/gzip.txt").trim().to_owned(),
            include_str!("golden/zstd.txt").trim().to_owned()
        )
    );
}

#[test]
fn times_that_archives_cannot_hold_are_refused() {
    let (files, blobs) = small();
    for epoch in [-1, 1 << 32] {
        let spec = CpioSpec {
            files: &files,
            compression: Compression::None,
            epoch,
        };
        let error = cpio::write(&spec, &blobs, &mut Vec::new()).unwrap_err();
        assert!(
            error.to_string().starts_with("the time of `/` is"),
            "{error}"
        );
    }
    assert!(tar::write(&files, -1, &blobs, &mut Vec::new()).is_err());
}

fn fat_spec(files: &Manifest) -> FatSpec<'_> {
    FatSpec {
        label: "ESP",
        files,
        fat32: false,
        min_size: 0,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    }
}

fn fat_image(files: &Manifest, blobs: &MemoryBlobs) -> Result<Vec<u8>, FatError> {
    let mut bytes = Vec::new();
    let size = fat::write(&fat_spec(files), blobs, &mut bytes)?;
    assert_eq!(size, bytes.len() as u64);
    Ok(bytes)
}

fn read_fat<T: fatfs::ReadWriteSeek>(
    dir: &fatfs::Dir<'_, T>,
    at: &str,
    out: &mut BTreeMap<String, Vec<u8>>,
) {
    for entry in dir.iter() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == "." || name == ".." {
            continue;
        }
        let full = format!("{at}/{name}");
        assert_eq!(entry.modified().date.year, 2025);
        if entry.is_dir() {
            out.insert(format!("{full}/"), Vec::new());
            read_fat(&entry.to_dir(), &full, out);
        } else {
            let mut content = Vec::new();
            entry.to_file().read_to_end(&mut content).unwrap();
            out.insert(full, content);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn fatfs_reads_what_was_written(
        names in prop::collection::btree_set("[a-c]{1,9}(\\.[a-z]{1,5})?", 1..30),
        sizes in prop::collection::vec(0..300_000usize, 30),
        deep in any::<bool>(),
        fat32 in any::<bool>(),
    ) {
        let mut blobs = MemoryBlobs::default();
        let mut expected = BTreeMap::from([("/EFI/".to_owned(), Vec::new()), ("/EFI/sub dir/".to_owned(), Vec::new())]);
        let mut entries = vec![
            (path("/EFI"), Entry::new(Kind::Directory)),
            (path("/EFI/sub dir"), Entry::new(Kind::Directory)),
        ];
        for (name, size) in names.iter().zip(sizes) {
            let content: Vec<u8> = (0..size).map(|i| (i * 7 + size) as u8).collect();
            let full = if deep { format!("/EFI/sub dir/{name}") } else { format!("/{name}") };
            expected.insert(full.clone(), content.clone());
            entries.push((path(&full), Entry::new(blobs.add(content))));
        }
        let files = Manifest::from_entries(entries).unwrap();
        let mut bytes = Vec::new();
        fat::write(&FatSpec { fat32, ..fat_spec(&files) }, &blobs, &mut bytes).unwrap();
        let volume = fatfs::FileSystem::new(Cursor::new(bytes), fatfs::FsOptions::new()).unwrap();
        let mut found = BTreeMap::new();
        read_fat(&volume.root_dir(), "", &mut found);
        prop_assert!(found == expected, "{:?}", found.keys());
        prop_assert_eq!(volume.volume_label(), "ESP");
        prop_assert_eq!(volume.fat_type() == fatfs::FatType::Fat32, fat32);
    }
}

#[test]
fn a_root_directory_of_fat32_has_no_fixed_size() {
    let mut blobs = MemoryBlobs::default();
    let names: Vec<String> = (0..2000).map(|i| format!("/name {i}")).collect();
    let content = blobs.add(vec![7; 1025]);
    let entries = names
        .iter()
        .map(|name| (path(name), Entry::new(content.clone())));
    let files = Manifest::from_entries(entries).unwrap();
    let spec = FatSpec {
        fat32: true,
        ..fat_spec(&files)
    };
    let mut bytes = Vec::new();
    fat::write(&spec, &blobs, &mut bytes).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    let volume = fatfs::FileSystem::new(Cursor::new(bytes), fatfs::FsOptions::new()).unwrap();
    let mut found = BTreeMap::new();
    read_fat(&volume.root_dir(), "", &mut found);
    assert!(found.keys().eq(names.iter().collect::<BTreeSet<_>>()));
    assert!(found.values().all(|content| *content == [7; 1025]));
    // What it says is free is what the table says.
    let said = volume.stats().unwrap().free_clusters();
    if let Some(output) = support::tool("fsck.vfat", &["-n", "-v", file.path().to_str().unwrap()]) {
        assert!(output.contains("2001 files"), "{output}");
        let used = format!("{}/", volume.stats().unwrap().total_clusters() - said);
        assert!(output.contains(&used), "{used} in {output}");
    }
}

#[test]
fn fat_refuses_what_it_cannot_hold() {
    let refused = |entries: Vec<(&str, Kind)>| {
        let entries = entries
            .into_iter()
            .map(|(name, kind)| (path(name), Entry::new(kind)));
        let files = Manifest::from_entries(entries).unwrap();
        fat_image(&files, &MemoryBlobs::default()).unwrap_err()
    };
    let error = refused(vec![
        ("/a.txt", Kind::Directory),
        ("/A.TXT", Kind::Directory),
    ]);
    assert_eq!(
        error.to_string(),
        "`/A.TXT` and `/a.txt` are one name to FAT, which ignores case"
    );
    let error = refused(vec![(
        "/l",
        Kind::Symlink {
            target: b"x".to_vec(),
        },
    )]);
    assert!(matches!(error, FatError::Unsupported { .. }), "{error}");
    for name in ["/a:b", "/a.", "/a ", "/a\tb"] {
        assert!(matches!(
            refused(vec![(name, Kind::Directory)]),
            FatError::BadName { .. }
        ));
    }
    let names: Vec<String> = (0..260).map(|i| format!("/name {i}")).collect();
    let many = names
        .iter()
        .map(|name| (name.as_str(), Kind::Directory))
        .collect();
    assert!(matches!(refused(many), FatError::RootFull { needed: 521 }));
    let Kind::File { blob, .. } = file_of(b"") else {
        unreachable!()
    };
    assert!(matches!(
        refused(vec![(
            "/f",
            Kind::File {
                blob,
                size: 3 << 30
            }
        )]),
        FatError::TooBig { .. }
    ));
    let files = Manifest::new();
    let spec = FatSpec {
        label: "lower",
        ..fat_spec(&files)
    };
    assert!(fat::write(&spec, &MemoryBlobs::default(), &mut Vec::new()).is_err());
}

fn oci_spec<'a>(
    files: &'a Manifest,
    command: &'a [String],
    maps: &'a (BTreeMap<String, String>, BTreeMap<String, String>),
) -> OciSpec<'a> {
    OciSpec {
        layers: vec![Layer {
            files,
            created_by: "xsc-compose",
        }],
        entrypoint: &[],
        working_dir: "",
        user: "",
        architecture: Architecture::Amd64,
        command,
        env: &maps.0,
        labels: &maps.1,
        reference: "latest",
        compression: Compression::Gzip,
        epoch: EPOCH,
        threads: 2,
    }
}

/// All files below a directory, by relative path.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in ["index.json", "oci-layout"] {
        found.insert(name.to_owned(), std::fs::read(dir.join(name)).unwrap());
    }
    for entry in std::fs::read_dir(dir.join("blobs/sha256")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        found.insert(name, std::fs::read(entry.path()).unwrap());
    }
    found
}

#[test]
fn a_layout_is_the_same_each_time_and_its_digests_are_right() {
    use sha2::Digest as _;
    let (files, blobs) = small();
    let command = ["/init".to_owned()];
    let pair = |name: &str| (name.to_owned(), "v".to_owned());
    let maps = (
        BTreeMap::from(["B", "A"].map(pair)),
        BTreeMap::from(["z", "y", "x"].map(pair)),
    );
    let layouts: Vec<_> = (0..2)
        .map(|_| {
            let dir = tempfile::tempdir().unwrap();
            oci::write(&oci_spec(&files, &command, &maps), &blobs, dir.path()).unwrap();
            contents(dir.path())
        })
        .collect();
    assert!(layouts[0] == layouts[1]);
    assert_eq!(layouts[0].len(), 5);
    for (name, content) in layouts[0].iter().filter(|(name, _)| name.len() == 64) {
        let digest: String = sha2::Sha256::digest(content)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(*name, digest);
    }
    let config = layouts[0]
        .values()
        .find(|c| c.starts_with(b"{\"created\""))
        .unwrap();
    let config = String::from_utf8(config.clone()).unwrap();
    for part in [
        r#"{"created":"2025-08-12T12:00:00Z","architecture":"amd64","os":"linux""#,
        r#""config":{"Env":["A=v","B=v"],"Cmd":["/init"],"Labels":{"x":"v","y":"v","z":"v"}}"#,
    ] {
        assert!(config.contains(part), "{config}");
    }
}

#[test]
fn a_layout_with_bad_names_is_refused() {
    let (files, blobs) = small();
    let dir = tempfile::tempdir().unwrap();
    let mut maps = (BTreeMap::new(), BTreeMap::new());
    for reference in ["", "a b", "-x", "a..b", "ä"] {
        let spec = OciSpec {
            reference,
            ..oci_spec(&files, &[], &maps)
        };
        assert!(
            oci::write(&spec, &blobs, dir.path()).is_err(),
            "{reference}"
        );
    }
    let spec = OciSpec {
        epoch: -1,
        ..oci_spec(&files, &[], &maps)
    };
    assert!(oci::write(&spec, &blobs, dir.path()).is_err());
    maps.0.insert("A=B".to_owned(), String::new());
    assert!(oci::write(&oci_spec(&files, &[], &maps), &blobs, dir.path()).is_err());
}

/// A file with two names and an attribute, of a named owner, beside a name that is not UTF-8.
fn linked(xattrs: bool) -> (Manifest, MemoryBlobs) {
    let mut blobs = MemoryBlobs::default();
    let mut entry = Entry::new(blobs.add(b"content".to_vec())).with_mode(0o4755);
    if xattrs {
        let name = b"security.capability".to_vec();
        entry.xattrs.insert(name, b"\x01\0=".to_vec());
    }
    let odd = xsc_image::ImagePath::new(b"/\xff").unwrap();
    let mut files =
        Manifest::from_entries([(path("/b"), entry), (odd, Entry::new(Kind::Fifo))]).unwrap();
    files.hard_link(&path("/a"), &path("/b")).unwrap();
    files.set_user_name(0, "root").unwrap();
    (files, blobs)
}

#[test]
fn a_root_is_an_archive_of_its_own_however_it_is_compressed() {
    let (files, blobs) = linked(true);
    let mut plain = Vec::new();
    tar::write(&files, EPOCH, &blobs, &mut plain).unwrap();
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let mut bytes = Vec::new();
        tar::archive(&files, EPOCH, compression, &blobs, &mut bytes).unwrap();
        let mut unpacked = Vec::new();
        match compression {
            Compression::None => unpacked.clone_from(&bytes),
            Compression::Gzip => {
                let mut reader = flate2::read::MultiGzDecoder::new(&bytes[..]);
                reader.read_to_end(&mut unpacked).unwrap();
            }
            Compression::Zstd => unpacked = zstd::decode_all(&bytes[..]).unwrap(),
        }
        assert!(unpacked == plain, "{compression:?}");
    }
    let fails = tar::archive(&files, -1, Compression::Zstd, &blobs, &mut Vec::new());
    assert!(fails.unwrap_err().to_string().contains("before 1970"));
}

#[test]
fn tar_has_hard_links_attributes_and_names_of_owners() {
    let (files, blobs) = linked(true);
    let mut layer = Vec::new();
    tar::write(&files, EPOCH, &blobs, &mut layer).unwrap();
    let mut seen = Vec::new();
    for entry in ::tar::Archive::new(&layer[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let xattrs: Vec<(String, Vec<u8>)> = match entry.pax_extensions().unwrap() {
            None => Vec::new(),
            Some(records) => records
                .map(|record| record.unwrap())
                .map(|r| (r.key().unwrap().to_owned(), r.value_bytes().to_vec()))
                .collect(),
        };
        assert_eq!(entry.header().username().unwrap(), Some("root"));
        let link = entry.link_name_bytes().map(|name| name.into_owned());
        seen.push((entry.path_bytes().into_owned(), link, xattrs));
    }
    let capability = (
        "SCHILY.xattr.security.capability".to_owned(),
        b"\x01\0=".to_vec(),
    );
    assert_eq!(
        seen,
        [
            (b"./".to_vec(), None, vec![]),
            (b"a".to_vec(), None, vec![capability]),
            (b"b".to_vec(), Some(b"a".to_vec()), vec![]),
            (b"\xff".to_vec(), None, vec![]),
        ]
    );
}

#[test]
fn cpio_has_hard_links_and_refuses_attributes() {
    let (files, blobs) = linked(false);
    let bytes = archive(&files, &blobs, Compression::None);
    let field = |name: &[u8], index: usize| {
        let found = bytes.windows(name.len()).position(|w| w == name).unwrap();
        let text = std::str::from_utf8(&bytes[found - 104 + index * 8..][..8]).unwrap();
        u32::from_str_radix(text, 16).unwrap()
    };
    // Inode, link count, size: the last name has the content.
    let numbers = |name: &[u8]| (field(name, 0), field(name, 4), field(name, 6));
    assert_eq!(numbers(b"a\0"), (2, 2, 0));
    assert_eq!(numbers(b"b\0"), (2, 2, 7));
    let (files, blobs) = linked(true);
    let spec = CpioSpec {
        files: &files,
        compression: Compression::None,
        epoch: EPOCH,
    };
    let error = cpio::write(&spec, &blobs, &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`/a` has extended attributes, which newc cannot hold"
    );
}
