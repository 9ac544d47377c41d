//! ext4: read back what was written, by two readers of other people; the same by any threads.
//!
//! `ext4-view` checks every checksum it meets; `e2fsck` is asked where it is installed.

mod support;

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ext4_view::{Ext4, FileType};
use proptest::prelude::*;
use support::{EPOCH, build, ext4_spec, path, random_tree, tool};
use xsc_image::ext4::{self, Ext4Error, Ext4Spec};
use xsc_image::{BlobSource, Entry, ImagePath, Kind, Manifest, MemoryBlobs, Xattrs};
use xsc_model::{BlobId, Digest};

fn written(spec: &Ext4Spec<'_>, blobs: &(dyn BlobSource + Sync)) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let size = ext4::write(spec, blobs, file.as_file(), 0).unwrap();
    assert_eq!(file.as_file().metadata().unwrap().len(), size);
    file
}

/// Asks e2fsck, which may say what it does and how full the file system is, and nothing else.
fn check(image: &Path) -> bool {
    let Some(said) = tool("e2fsck", &["-fn", image.to_str().unwrap()]) else {
        return false;
    };
    for line in said.lines() {
        let usual = line.starts_with("e2fsck 1.") || line.starts_with("Pass ");
        assert!(usual || line.contains(" blocks"), "{said}");
    }
    true
}

/// What `ext4-view` finds: names, kinds, modes, owners, times and contents.
fn read(image: &Path) -> Vec<(Vec<u8>, String)> {
    let ext4 = Ext4::load_from_path(image).unwrap();
    let mut found = Vec::new();
    let mut pending = vec![b"/".to_vec()];
    while let Some(at) = pending.pop() {
        let here = ext4_view::Path::new(&at);
        let metadata = ext4.symlink_metadata(here).unwrap();
        assert_eq!(metadata.modified().seconds(), EPOCH);
        let content = match metadata.file_type() {
            FileType::Regular => Digest::of(&ext4.read(here).unwrap()).to_string(),
            FileType::Symlink => format!("{:?}", ext4.read_link(here).unwrap()),
            FileType::Directory => {
                for entry in ext4.read_dir(here).unwrap() {
                    let entry = entry.unwrap();
                    let name = entry.file_name();
                    if ![&b"."[..], b".."].contains(&name.as_ref()) {
                        pending.push(
                            ImagePath::new(at.clone())
                                .unwrap()
                                .join(name.as_ref())
                                .unwrap()
                                .as_bytes()
                                .to_vec(),
                        );
                    }
                }
                String::new()
            }
            _ => String::new(),
        };
        let line = line(
            metadata.file_type(),
            metadata.mode().into(),
            metadata.uid(),
            metadata.gid(),
            &content,
        );
        if at != b"/lost+found" {
            found.push((at, line));
        }
    }
    found.sort();
    found
}

fn line(kind: FileType, mode: u32, uid: u32, gid: u32, content: &str) -> String {
    format!("{kind:?} {:04o} {uid} {gid} {content}", mode & 0o7777)
}

/// The same of the manifest.
fn expected(files: &Manifest, blobs: &dyn BlobSource) -> Vec<(Vec<u8>, String)> {
    let one = |(path, entry): (&ImagePath, &Entry)| {
        let (kind, content) = match &entry.kind {
            Kind::File { blob, .. } => {
                let mut bytes = Vec::new();
                blobs.open(*blob).unwrap().read_to_end(&mut bytes).unwrap();
                (FileType::Regular, Digest::of(&bytes).to_string())
            }
            Kind::Directory => (FileType::Directory, String::new()),
            Kind::Symlink { target } => {
                let target = ext4_view::Path::new(target);
                (FileType::Symlink, format!("{target:?}"))
            }
            Kind::CharDevice { .. } => (FileType::CharacterDevice, String::new()),
            Kind::BlockDevice { .. } => (FileType::BlockDevice, String::new()),
            Kind::Fifo => (FileType::Fifo, String::new()),
            Kind::Socket => (FileType::Socket, String::new()),
        };
        let line = line(kind, entry.mode, entry.uid, entry.gid, &content);
        (path.as_bytes().to_vec(), line)
    };
    let mut all: Vec<_> = files.iter().map(one).collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_written_is_read(tree in random_tree()) {
        let (files, blobs) = build(&tree);
        let image = written(&ext4_spec(&files), &blobs);
        check(image.path());
        prop_assert_eq!(read(image.path()), expected(&files, &blobs));
    }
}

/// Some of everything that ext4 holds.
fn everything() -> (Manifest, MemoryBlobs) {
    let mut blobs = MemoryBlobs::default();
    let xattrs = |pairs: &[(&str, &[u8])]| -> Xattrs {
        let pair = |(name, value): &(&str, &[u8])| (name.as_bytes().to_vec(), value.to_vec());
        pairs.iter().map(pair).collect()
    };
    let file = |blobs: &mut MemoryBlobs, size: usize| {
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8 + 1).collect();
        Entry::new(blobs.add(bytes))
    };
    let acl = [
        &2u32.to_le_bytes()[..],
        &[1, 0, 7, 0, 255, 255, 255, 255],
        &[2, 0, 6, 0, 232, 3, 0, 0],
        &[4, 0, 5, 0, 255, 255, 255, 255],
        &[16, 0, 7, 0, 255, 255, 255, 255],
        &[32, 0, 4, 0, 255, 255, 255, 255],
    ]
    .concat();
    let mut sparse = vec![0; 9 << 20];
    sparse[5 << 20] = 1;
    let mut entries = vec![
        (path("/bin"), Entry::new(Kind::Directory)),
        (path("/bin/su"), file(&mut blobs, 4096).with_mode(0o4755)),
        (
            path("/bin/ping"),
            Entry {
                xattrs: xattrs(&[(
                    "security.capability",
                    &[1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                )]),
                ..file(&mut blobs, 4097)
            },
        ),
        (
            path("/bin/many"),
            Entry {
                xattrs: xattrs(&[
                    ("user.empty", b""),
                    ("user.large", &[7; 3000]),
                    ("user.small", b"abc"),
                    ("trusted.x", &[1; 64]),
                ]),
                ..file(&mut blobs, 1)
            },
        ),
        (
            path("/acl"),
            Entry {
                xattrs: xattrs(&[
                    ("system.posix_acl_access", &acl),
                    ("system.posix_acl_default", &acl),
                ]),
                ..Entry::new(Kind::Directory)
            },
        ),
        (path("/sparse"), Entry::new(blobs.add(sparse))),
        (path("/large"), file(&mut blobs, 5 << 20)),
        (path("/empty"), file(&mut blobs, 0)),
        (
            path("/null"),
            Entry::new(Kind::CharDevice { major: 1, minor: 3 }),
        ),
        (
            path("/nvme"),
            Entry::new(Kind::BlockDevice {
                major: 259,
                minor: 70_000,
            }),
        ),
        (path("/fifo"), Entry::new(Kind::Fifo)),
        (path("/socket"), Entry::new(Kind::Socket)),
        (
            path("/fast"),
            Entry::new(Kind::Symlink {
                target: vec![b'f'; 59],
            }),
        ),
        (
            path("/slow"),
            Entry::new(Kind::Symlink {
                target: vec![b's'; 60],
            }),
        ),
        (
            path("/slowest"),
            Entry::new(Kind::Symlink {
                target: "t/".repeat(2047).into_bytes(),
            }),
        ),
        (ImagePath::new(b"/\xff\xfe").unwrap(), file(&mut blobs, 10)),
        (path("/wide"), Entry::new(Kind::Directory)),
    ];
    for number in 0..300 {
        let name = format!("/wide/{number}{}", "n".repeat(250));
        entries.push((path(&name), Entry::new(Kind::Fifo)));
    }
    let mut files = Manifest::from_entries(entries).unwrap();
    for name in ["/bin/sudo", "/a", "/z"] {
        files.hard_link(&path(name), &path("/bin/su")).unwrap();
    }
    (files, blobs)
}

#[test]
fn everything_that_ext4_holds_is_there() {
    let (files, blobs) = everything();
    let image = written(&ext4_spec(&files), &blobs);
    assert_eq!(read(image.path()), expected(&files, &blobs));
    if !check(image.path()) {
        return;
    }
    let ask = |what: &str| {
        tool("debugfs", &["-R", what, image.path().to_str().unwrap()]).unwrap_or_default()
    };
    assert!(ask("ea_get -x /bin/ping security.capability").contains("01 00 00 02 00 20"));
    let many = ask("ea_list /bin/many");
    for (name, size) in [
        ("user.empty", 0),
        ("user.large", 3000),
        ("user.small", 3),
        ("trusted.x", 64),
    ] {
        assert!(many.contains(&format!("{name} ({size})")), "{many}");
    }
    assert!(ask("stat /a").contains("Links: 4"));
    assert_eq!(
        ask("stat /a").lines().nth(1),
        ask("stat /bin/sudo").lines().nth(1)
    );
    assert!(
        ask("stat /nvme").contains("259:70000"),
        "{}",
        ask("stat /nvme")
    );
    let blocks = ask("stat /sparse");
    assert!(blocks.contains("Blockcount: 128"), "{blocks}");
}

#[test]
fn the_bytes_do_not_depend_on_threads_and_differ_by_seed() {
    let (files, blobs) = everything();
    let bytes = |threads: usize, seed: &[u8]| {
        let spec = Ext4Spec {
            threads,
            seed: Digest::of(seed),
            ..ext4_spec(&files)
        };
        std::fs::read(written(&spec, &blobs).path()).unwrap()
    };
    let one = bytes(1, b"seed");
    assert!(one == bytes(2, b"seed"));
    assert!(one == bytes(7, b"seed"));
    assert!(one != bytes(2, b"other"));
}

#[test]
fn sizes_are_computed_or_given_and_leave_what_is_asked_for() {
    let (files, blobs) = everything();
    let free = |image: &Path| {
        let text = tool("dumpe2fs", &["-h", image.to_str().unwrap()])?;
        let line = text
            .lines()
            .find(|line| line.starts_with("Free blocks:"))?
            .to_owned();
        line.split_whitespace()
            .last()?
            .parse::<u64>()
            .ok()
            .map(|blocks| blocks * 4096)
    };
    let wanted = 300 << 20;
    let spec = Ext4Spec {
        free: wanted,
        ..ext4_spec(&files)
    };
    let image = written(&spec, &blobs);
    let size = image.as_file().metadata().unwrap().len();
    check(image.path());
    if let Some(free) = free(image.path()) {
        assert!((wanted..wanted + (2 << 20)).contains(&free), "{free}");
    }
    assert!(
        image.as_file().metadata().unwrap().blocks() * 512 < size / 4,
        "it is sparse"
    );
    for size in [size, size + 4096, 2 << 30] {
        let given = Ext4Spec {
            size: Some(size),
            ..spec.clone()
        };
        let image = written(&given, &blobs);
        assert_eq!(image.as_file().metadata().unwrap().len(), size);
        check(image.path());
    }
    let file = tempfile::tempfile().unwrap();
    for bad in [4096, 1 << 20, size - (1 << 20), size + 1] {
        let given = Ext4Spec {
            size: Some(bad),
            ..spec.clone()
        };
        match ext4::write(&given, &blobs, &file, 0) {
            Err(Ext4Error::TooSmall { size, needed }) => assert!(size == bad && needed > bad),
            other => panic!("{other:?}"),
        }
    }
}

/// Contents that are made as they are read: zeros with a byte at the start and the end.
struct Endless(u64);

impl BlobSource for Endless {
    fn open(&self, _: BlobId) -> io::Result<Box<dyn Read + '_>> {
        let ends = || io::Cursor::new(b"x");
        Ok(Box::new(
            ends().chain(io::repeat(0).take(self.0 - 2)).chain(ends()),
        ))
    }
}

#[test]
fn a_file_of_5_gib_is_mostly_a_hole() {
    let size = (5 << 30) + 77;
    let blob = BlobId(Digest::of(b"any"));
    let files =
        Manifest::from_entries([(path("/big"), Entry::new(Kind::File { blob, size }))]).unwrap();
    let image = written(&ext4_spec(&files), &Endless(size));
    let length = image.as_file().metadata().unwrap().len();
    assert!(length < 16 << 20, "{length}");
    check(image.path());
    let ext4 = Ext4::load_from_path(image.path()).unwrap();
    let mut big = ext4.open("/big").unwrap();
    assert_eq!(big.metadata().len(), size);
    for (at, byte) in [(0, b'x'), (1, 0), (3 << 30, 0), (size - 1, b'x')] {
        let mut one = [7];
        big.seek_to(at).unwrap();
        assert_eq!(big.read_bytes(&mut one).unwrap(), 1);
        assert_eq!(one[0], byte, "{at}");
    }
}

#[test]
fn sixty_thousand_files() {
    let mut blobs = MemoryBlobs::default();
    let mut entries = Vec::new();
    for directory in 0..60 {
        let at = format!("/{directory}");
        entries.push((path(&at), Entry::new(Kind::Directory)));
        for number in 0..1000 {
            let content = format!("{directory} {number}").repeat(number % 40);
            let entry = Entry::new(blobs.add(content));
            entries.push((path(&format!("{at}/file-{number}")), entry));
        }
    }
    let files = Manifest::from_entries(entries).unwrap();
    let image = written(&ext4_spec(&files), &blobs);
    check(image.path());
    let ext4 = Ext4::load_from_path(image.path()).unwrap();
    for directory in ["/0", "/59"] {
        let names = ext4.read_dir(directory).unwrap().count();
        assert_eq!(names, 1002, "with `.` and `..`");
        for number in [0, 39, 999] {
            let content = ext4.read_to_string(&*format!("{directory}/file-{number}"));
            let expected = format!("{} {number}", &directory[1..]).repeat(number % 40);
            assert_eq!(content.unwrap(), expected);
        }
    }
}

#[test]
fn what_ext4_cannot_hold_is_refused() {
    let refused = |entry: Entry, at: &str| {
        let files = Manifest::from_entries([(path(at), entry)]).unwrap();
        let file = tempfile::tempfile().unwrap();
        let spec = ext4_spec(&files);
        ext4::write(&spec, &MemoryBlobs::default(), &file, 0)
            .unwrap_err()
            .to_string()
    };
    let with = |name: &[u8], value: Vec<u8>| Entry {
        xattrs: Xattrs::from([(name.to_vec(), value)]),
        ..Entry::new(Kind::Fifo)
    };
    for (entry, at, message) in [
        (
            Entry::new(Kind::Fifo),
            "/lost+found",
            "`/lost+found` must be",
        ),
        (
            with(b"user.x", vec![1; 5000]),
            "/x",
            "the extended attributes of `/x`",
        ),
        (
            with(b"system.posix_acl_access", vec![1; 5]),
            "/x",
            "the access control list of `/x`",
        ),
        (
            Entry::new(Kind::CharDevice {
                major: 4096,
                minor: 0,
            }),
            "/x",
            "the device numbers of `/x`",
        ),
        (
            Entry::new(Kind::File {
                blob: BlobId(Digest::of(b"")),
                size: 1 << 60,
            }),
            "/x",
            "`/x` has 1152921504606846976 bytes",
        ),
        (
            Entry::new(Kind::File {
                blob: BlobId(Digest::of(b"none")),
                size: 1,
            }),
            "/x",
            "cannot read the content of `/x`",
        ),
    ] {
        let said = refused(entry, at);
        assert!(said.starts_with(message), "{said}");
    }
    let files = Manifest::new();
    for bad in [
        Ext4Spec {
            label: "seventeen letters",
            ..ext4_spec(&files)
        },
        Ext4Spec {
            epoch: 1 << 34,
            ..ext4_spec(&files)
        },
    ] {
        let file = tempfile::tempfile().unwrap();
        assert!(ext4::write(&bad, &MemoryBlobs::default(), &file, 0).is_err());
    }
}

#[test]
fn contents_of_another_size_are_refused() {
    let mut blobs = MemoryBlobs::default();
    let Kind::File { blob, size } = blobs.add(vec![1; 10_000]) else {
        panic!("a file");
    };
    for said in [size - 1, size + 1, 5 << 20] {
        let entry = Entry::new(Kind::File { blob, size: said });
        let files = Manifest::from_entries([(path("/x"), entry)]).unwrap();
        let file = tempfile::tempfile().unwrap();
        let error = ext4::write(&ext4_spec(&files), &blobs, &file, 0).unwrap_err();
        let message = format!("`/x` is said to have {said} bytes");
        assert!(error.to_string().starts_with(&message), "{error}");
    }
}

#[test]
fn a_file_system_may_begin_anywhere_in_a_file() {
    let (files, blobs) = everything();
    let alone = written(&ext4_spec(&files), &blobs);
    let file = tempfile::NamedTempFile::new().unwrap();
    let base = 3 << 20;
    let size = ext4::write(&ext4_spec(&files), &blobs, file.as_file(), base).unwrap();
    let mut bytes = Vec::new();
    File::open(file.path())
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    assert_eq!(bytes.len() as u64, base + size);
    assert!(bytes[base as usize..] == std::fs::read(alone.path()).unwrap());
}
