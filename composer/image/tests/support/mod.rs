//! Shared by the tests: readers of ISO and cpio that give a manifest back, and random trees.
//!
//! Invariant: the readers share no code with the writers, so both must agree on the format.
#![allow(dead_code, missing_docs)]

pub(crate) mod cpio;
pub(crate) mod hard;
pub(crate) mod iso;
pub(crate) mod patched;
pub(crate) mod rich;
pub(crate) mod seeds;

use std::collections::BTreeMap;
use std::process::Command;

use proptest::prelude::*;
use xsc_image::ext4::Ext4Spec;
use xsc_image::oci::{Architecture, Layer, OciSpec};
use xsc_image::{Compression, Entry, ImagePath, Kind, Manifest, MemoryBlobs};
use xsc_model::{BlobId, Digest};

pub(crate) const EPOCH: i64 = 1_755_000_000;

pub(crate) fn path(text: &str) -> ImagePath {
    ImagePath::new(text).unwrap()
}

pub(crate) fn file_of(content: &[u8]) -> Kind {
    Kind::File {
        blob: BlobId(Digest::of(content)),
        size: content.len() as u64,
    }
}

/// An OCI image of one layer and nothing else said of it.
pub(crate) fn oci_spec(files: &Manifest) -> OciSpec<'_> {
    static NONE: BTreeMap<String, String> = BTreeMap::new();
    OciSpec {
        layers: vec![Layer {
            files,
            created_by: "a test",
        }],
        entrypoint: &[],
        working_dir: "",
        user: "",
        architecture: Architecture::Amd64,
        command: &[],
        env: &NONE,
        labels: &NONE,
        reference: "latest",
        compression: Compression::Gzip,
        epoch: EPOCH,
        threads: 2,
    }
}

/// An ext4 file system as large as it has to be.
pub(crate) fn ext4_spec(files: &Manifest) -> Ext4Spec<'_> {
    Ext4Spec {
        label: "root",
        files,
        size: None,
        free: 0,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
        threads: 2,
    }
}

/// Runs a program that other packages bring; `None`, said aloud, where it is not installed.
pub(crate) fn tool(name: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(name)
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
    {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name} {arguments:?}: {text}");
            Some(text)
        }
        Err(error) => {
            println!("skipped: `{name}` cannot be run here: {error}");
            None
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum RandomKind {
    File(Vec<u8>),
    Directory,
    Symlink(String),
    Char(u32, u32),
    Fifo,
}

fn random_kind() -> impl Strategy<Value = RandomKind> {
    prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..5000).prop_map(RandomKind::File),
        4 => Just(RandomKind::Directory),
        2 => "[a-c./é]{1,40}".prop_map(RandomKind::Symlink),
        1 => "[a-z]{200,255}(/[a-z]{1,255}){0,14}".prop_map(RandomKind::Symlink),
        1 => (1..4096u32, 0..(1u32 << 20)).prop_map(|(major, minor)| RandomKind::Char(major, minor)),
        1 => Just(RandomKind::Fifo),
    ]
}

/// Entries, those of a directory's children among them, with the blobs they need.
pub(crate) type RandomTree = Vec<(Vec<String>, RandomKind, u32, u32)>;

/// Trees of names that clash when they are shortened, deep and wide.
pub(crate) fn random_tree() -> impl Strategy<Value = RandomTree> {
    let name = prop_oneof![
        4 => "[abAB_.-]{1,3}",
        2 => "[a-z]{1,12}\\.[a-z]{1,4}",
        1 => "[a-z é]{100,127}",
        1 => "x{251,253}",
    ]
    .prop_filter("a name", |name| {
        name != "." && name != ".." && name.len() <= 255
    });
    let components = prop::collection::vec(name, 1..10);
    prop::collection::vec(
        (components, random_kind(), 0..=0o7777u32, any::<u32>()),
        0..40,
    )
}

/// The manifest of a random tree; the parents of its entries are directories.
pub(crate) fn build(tree: &RandomTree) -> (Manifest, MemoryBlobs) {
    let mut blobs = MemoryBlobs::default();
    let mut manifest = Manifest::new();
    for (components, kind, mode, owner) in tree {
        let mut at = String::new();
        for component in &components[..components.len() - 1] {
            at = format!("{at}/{component}");
            let _ = manifest.insert(path(&at), Entry::new(Kind::Directory));
        }
        let kind = match kind.clone() {
            RandomKind::File(bytes) => blobs.add(bytes),
            RandomKind::Directory => Kind::Directory,
            RandomKind::Symlink(target) => Kind::Symlink {
                target: target.into_bytes(),
            },
            RandomKind::Char(major, minor) => Kind::CharDevice { major, minor },
            RandomKind::Fifo => Kind::Fifo,
        };
        let entry = Entry {
            mode: *mode,
            uid: *owner,
            gid: owner / 2,
            ..Entry::new(kind)
        };
        // A path below a file, or one that is there already, is left out.
        let _ = manifest.insert(
            path(&format!("{at}/{}", components[components.len() - 1])),
            entry,
        );
    }
    (manifest, blobs)
}
