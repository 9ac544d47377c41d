//! A tree with one of everything, and images of it in each format; what a reader gives is compared with the tree.
//!
//! Invariant: a format gets exactly what it can hold, so nothing may be missing from what is read back.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::os::unix::fs::FileExt;

use xsc_image::cpio::CpioSpec;
use xsc_image::erofs::{ErofsCompression, ErofsSpec};
use xsc_image::ext4::Ext4Spec;
use xsc_image::fat::FatSpec;
use xsc_image::iso::IsoSpec;
use xsc_image::read::{Node, NodeKind, Reader};
use xsc_image::{
    BlobSource, Compression, Entry, ImagePath, Kind, LinkGroup, Manifest, MemoryBlobs, cpio, erofs,
    ext4, fat, iso, tar,
};
use xsc_model::Digest;

use super::{EPOCH, path};

/// What a format holds beside files, directories and their names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Nothing: no owners, modes or links.
    Names,
    /// Modes, owners, symbolic links, devices.
    Nodes,
    /// Hard links as well.
    Links,
    /// Extended attributes as well.
    Everything,
}

/// Bytes that neither repeat nor are random.
pub(crate) fn text(length: usize) -> Vec<u8> {
    let words =
        (0u32..).flat_map(|n| format!("{} line {n}\n", n.wrapping_mul(2_654_435_761)).into_bytes());
    words.take(length).collect()
}

/// Bytes that do not become smaller.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// The tree for a format.
pub(crate) fn tree(holds: Holds) -> (Manifest, MemoryBlobs) {
    let mut blobs = MemoryBlobs::default();
    let mut manifest = Manifest::new();
    let mut add = |name: &[u8], entry: Entry| {
        manifest
            .insert(ImagePath::new(name).unwrap(), entry)
            .unwrap();
    };
    add(b"/dir", Entry::new(Kind::Directory));
    add(b"/dir/empty", Entry::new(blobs.add(Vec::new())));
    add(b"/dir/small", Entry::new(blobs.add(b"hello\n".to_vec())));
    add(
        b"/dir/A rather long name, in mixed case.text",
        Entry::new(blobs.add(b"x".to_vec())),
    );
    for (name, bytes) in [
        (b"/dir/t4095".as_slice(), text(4095)),
        (b"/dir/t4096", text(4096)),
        (b"/dir/t4097", text(4097)),
        (b"/dir/t8193", text(8193)),
        (b"/dir/t131072", text(131_072)),
        (b"/dir/t131073", text(131_073)),
        (b"/dir/t400000", text(400_000)),
        (b"/dir/noise", noise(200_000)),
        (
            b"/dir/mixed",
            [text(140_000), noise(131_072), vec![0; 300_000]].concat(),
        ),
        (b"/dir/zeros", vec![0; 1_000_000]),
    ] {
        add(name, Entry::new(blobs.add(bytes)));
    }
    add(b"/many", Entry::new(Kind::Directory));
    for index in 0..300 {
        let name = format!("/many/file number {index:04}");
        add(
            name.as_bytes(),
            Entry::new(blobs.add(format!("{index}").into_bytes())),
        );
    }
    if holds == Holds::Names {
        return (manifest, blobs);
    }
    add(b"/bin", Entry::new(Kind::Directory).with_mode(0o2711));
    let su = Entry::new(blobs.add(b"su".to_vec())).with_mode(0o4755);
    add(
        b"/bin/su",
        Entry {
            uid: 7,
            gid: 70_000,
            ..su
        },
    );
    add(b"/run", Entry::new(Kind::Directory).with_mode(0o1777));
    add(
        b"/null",
        Entry::new(Kind::CharDevice { major: 1, minor: 3 }).with_mode(0o666),
    );
    add(
        b"/disk",
        Entry::new(Kind::BlockDevice {
            major: 259,
            minor: 70_000,
        }),
    );
    add(b"/pipe", Entry::new(Kind::Fifo));
    for (name, target) in [
        (b"/link".as_slice(), b"../x/./y//z".to_vec()),
        (b"/long", b"abcdefghi/".repeat(30)),
        (b"/absolute", b"/dir/small".to_vec()),
    ] {
        add(name, Entry::new(Kind::Symlink { target }));
    }
    add(b"/x255", Entry::new(Kind::Directory));
    add(
        &[b"/x255/".as_slice(), &[b'n'; 200]].concat(),
        Entry::new(blobs.add(b"200".to_vec())),
    );
    if matches!(holds, Holds::Links | Holds::Everything) {
        let linked = blobs.add(text(5000));
        for name in [b"/dir/one".as_slice(), b"/dir/two", b"/run/three"] {
            let entry = Entry::new(linked.clone()).with_mode(0o600);
            add(
                name,
                Entry {
                    link: Some(LinkGroup(1)),
                    ..entry
                },
            );
        }
        add(b"/not \xff utf-8", Entry::new(blobs.add(b"bytes".to_vec())));
        add(
            &[b"/x255/".as_slice(), &[b'm'; 255]].concat(),
            Entry::new(blobs.add(b"255".to_vec())),
        );
    }
    if holds == Holds::Everything {
        let capability =
            b"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                .to_vec();
        let xattrs = BTreeMap::from([
            (b"security.capability".to_vec(), capability),
            (b"user.empty".to_vec(), Vec::new()),
            (b"user.long".to_vec(), vec![7; 700]),
        ]);
        let entry = Entry::new(blobs.add(b"ping".to_vec())).with_mode(0o755);
        add(
            b"/bin/ping",
            Entry {
                xattrs: xattrs.clone(),
                ..entry
            },
        );
        add(
            b"/attributed",
            Entry {
                xattrs,
                ..Entry::new(Kind::Directory)
            },
        );
    }
    (manifest, blobs)
}

/// One image: the format's name, what it holds, its bytes.
pub(crate) type Made = (&'static str, Holds, Vec<u8>);

/// An image of each format whose writer is here.
pub(crate) fn images() -> Vec<Made> {
    let mut made = Vec::new();
    let seed = Digest::of(b"seed");
    let (files, blobs) = tree(Holds::Names);
    let mut bytes = Vec::new();
    let spec = FatSpec {
        label: "RICH",
        files: &files,
        fat32: false,
        min_size: 0,
        seed,
        epoch: EPOCH,
    };
    fat::write(&spec, &blobs, &mut bytes).unwrap();
    made.push(("FAT", Holds::Names, bytes));
    let (files, blobs) = tree(Holds::Nodes);
    let mut bytes = Vec::new();
    let spec = IsoSpec {
        volume_id: "RICH",
        publisher: "",
        application: "",
        files: &files,
        bios: None,
        efi: None,
        seed,
        epoch: EPOCH,
    };
    iso::write(&spec, &blobs, &mut bytes).unwrap();
    made.push(("ISO 9660", Holds::Nodes, bytes));
    let (files, blobs) = tree(Holds::Links);
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let mut bytes = Vec::new();
        let spec = CpioSpec {
            files: &files,
            compression,
            epoch: EPOCH,
        };
        cpio::write(&spec, &blobs, &mut bytes).unwrap();
        made.push(("cpio", Holds::Links, bytes));
    }
    let (files, blobs) = tree(Holds::Everything);
    let mut bytes = Vec::new();
    tar::write(&files, EPOCH, &blobs, &mut bytes).unwrap();
    made.push(("tar", Holds::Everything, bytes));
    let file = tempfile::tempfile().unwrap();
    let spec = Ext4Spec {
        label: "rich",
        files: &files,
        size: None,
        free: 0,
        seed,
        epoch: EPOCH,
        threads: 2,
    };
    let size = ext4::write(&spec, &blobs, &file, 0).unwrap();
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    made.push(("ext4", Holds::Everything, bytes));
    for compression in [ErofsCompression::None, ErofsCompression::Lz4] {
        made.push((
            "EROFS",
            Holds::Everything,
            erofs(&files, &blobs, compression, 2),
        ));
    }
    made
}

pub(crate) fn erofs(
    files: &Manifest,
    blobs: &dyn BlobSource,
    compression: ErofsCompression,
    threads: usize,
) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let spec = ErofsSpec {
        files,
        label: "rich",
        compression,
        threads,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    };
    let size = erofs::write(&spec, blobs, &mut out).unwrap();
    let bytes = out.into_inner();
    assert_eq!(bytes.len() as u64, size);
    bytes
}

/// Holds what a reader gives against the tree.
pub(crate) fn compare(reader: &dyn Reader, holds: Holds) {
    let (manifest, blobs) = tree(holds);
    let wanted: Vec<Vec<u8>> = manifest
        .iter()
        .map(|(path, _)| path.relative().to_vec())
        .collect();
    let found = reader
        .entries()
        .keys()
        .filter(|path| *path != b"lost+found");
    let found: Vec<Vec<u8>> = found.cloned().collect();
    let shown = |paths: &[Vec<u8>]| -> Vec<String> {
        paths
            .iter()
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect()
    };
    assert_eq!(shown(&found), shown(&wanted), "{}", reader.format());
    let mut groups: BTreeMap<u64, Vec<Vec<u8>>> = BTreeMap::new();
    for (path, entry) in manifest.iter() {
        let node = &reader.entries()[path.relative()];
        let context = format!("{} {path}", reader.format());
        match (&entry.kind, &node.kind) {
            (Kind::File { blob, size }, NodeKind::File) => {
                assert_eq!(node.size, *size, "{context}");
                let mut wanted = Vec::new();
                blobs.open(*blob).unwrap().read_to_end(&mut wanted).unwrap();
                let mut found = Vec::new();
                let content = reader.content(path.relative()).unwrap();
                content.reader().read_to_end(&mut found).unwrap();
                assert!(found == wanted, "{context}: the content differs");
                if let Some(link) = node.link {
                    groups
                        .entry(link)
                        .or_default()
                        .push(path.relative().to_vec());
                }
            }
            (Kind::Directory, NodeKind::Directory)
            | (Kind::Fifo, NodeKind::Fifo)
            | (Kind::Socket, NodeKind::Socket) => {}
            (Kind::Symlink { target }, NodeKind::Symlink { target: found }) => {
                assert_eq!(found, target, "{context}");
            }
            (Kind::CharDevice { major, minor }, NodeKind::CharDevice { major: a, minor: b })
            | (Kind::BlockDevice { major, minor }, NodeKind::BlockDevice { major: a, minor: b }) => {
                assert_eq!((a, b), (major, minor), "{context}")
            }
            (wanted, found) => panic!("{context}: {found:?} for {wanted:?}"),
        }
        if holds != Holds::Names {
            let owner = |node: &Node| (node.mode, node.uid, node.gid);
            assert_eq!(owner(node), (entry.mode, entry.uid, entry.gid), "{context}");
        }
        if holds == Holds::Everything {
            let wanted: BTreeMap<Vec<u8>, Vec<u8>> = entry
                .xattrs
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            assert_eq!(node.xattrs, wanted, "{context}");
        }
        if let (Some(mtime), false) = (node.mtime, path.is_root()) {
            assert_eq!(mtime, EPOCH, "{context}");
        }
    }
    if matches!(holds, Holds::Links | Holds::Everything) {
        let groups: Vec<Vec<Vec<u8>>> = groups.into_values().collect();
        let wanted = ["dir/one", "dir/two", "run/three"].map(|path| path.as_bytes().to_vec());
        assert_eq!(groups, [wanted.to_vec()], "{}", reader.format());
    }
    assert_eq!(path("/").relative(), b"");
}
