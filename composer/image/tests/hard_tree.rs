//! One hard tree through each format: what comes back is what went in, and what a format cannot hold is an error.
//!
//! 60,000 files, setuid, capabilities, devices, hard links, paths of 300 bytes and more, names that are no text and a
//! file of 5 GiB with holes. Invariant: a format gets all of the tree that it can hold, and for the rest there is a test that
//! it is refused by name.

mod support;

use std::io::BufWriter;
use std::sync::Arc;

use support::hard::{ALL, Holes, Made, Room, compare, tree};
use support::{EPOCH, ext4_spec, oci_spec, path};
use xsc_image::cpio::CpioSpec;
use xsc_image::erofs::{ErofsCompression, ErofsSpec};
use xsc_image::fat::FatSpec;
use xsc_image::iso::IsoSpec;
use xsc_image::oci::OciSpec;
use xsc_image::read::{self, FileSource};
use xsc_image::{
    Compression, Entry, ImagePath, Kind, Manifest, cpio, erofs, ext4, fat, iso, oci, tar,
};
use xsc_model::Digest;

const FILES: usize = 60_000;

/// Reads an image back and compares it.
fn check(image: Holes, files: &Manifest, made: &Made, room: Room) {
    assert!(image.kept() < 800 << 20, "{} bytes are kept", image.kept());
    let reader = read::open(Arc::new(image), &[]).unwrap();
    compare(&*reader, files, made, room);
}

fn erofs_spec(files: &Manifest, compression: ErofsCompression) -> ErofsSpec<'_> {
    ErofsSpec {
        files,
        label: "hard",
        compression,
        threads: 2,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    }
}

fn iso_spec(files: &Manifest) -> IsoSpec<'_> {
    IsoSpec {
        volume_id: "HARD",
        publisher: "",
        application: "",
        files,
        bios: None,
        efi: None,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    }
}

fn fat_spec(files: &Manifest) -> FatSpec<'_> {
    FatSpec {
        label: "HARD",
        files,
        fat32: false,
        min_size: 0,
        seed: Digest::of(b"seed"),
        epoch: EPOCH,
    }
}

fn cpio_spec(files: &Manifest) -> CpioSpec<'_> {
    CpioSpec {
        files,
        compression: Compression::None,
        epoch: EPOCH,
    }
}

#[test]
fn ext4_holds_all_of_it() {
    let (files, made) = tree(FILES, ALL);
    let file = tempfile::NamedTempFile::new().unwrap();
    let size = ext4::write(&ext4_spec(&files), &made, file.as_file(), 0).unwrap();
    assert!(size < 1 << 30, "the hole takes no blocks: {size}");
    let source = FileSource::open(file.path()).unwrap();
    let reader = read::open(Arc::new(source), &[]).unwrap();
    compare(&*reader, &files, &made, ALL);
}

#[test]
fn plain_erofs_holds_all_of_it() {
    let (files, made) = tree(FILES, ALL);
    let mut out = Holes::default();
    let spec = erofs_spec(&files, ErofsCompression::None);
    erofs::write(&spec, &made, &mut out).unwrap();
    check(out, &files, &made, ALL);
}

#[test]
fn compressed_erofs_holds_all_of_it() {
    let (files, made) = tree(FILES, ALL);
    let mut out = Holes::default();
    let spec = erofs_spec(&files, ErofsCompression::Lz4);
    erofs::write(&spec, &made, &mut out).unwrap();
    check(out, &files, &made, ALL);
}

#[test]
fn tar_holds_all_of_it() {
    let (files, made) = tree(FILES, ALL);
    let mut out = Holes::default();
    tar::write(&files, EPOCH, &made, &mut out).unwrap();
    check(out, &files, &made, ALL);
}

#[test]
fn an_oci_image_holds_all_of_it() {
    let (files, made) = tree(FILES, ALL);
    let layout = tempfile::tempdir().unwrap();
    let spec = OciSpec {
        compression: Compression::Zstd,
        ..oci_spec(&files)
    };
    oci::write(&spec, &made, layout.path()).unwrap();
    let reader = read::open_layout(layout.path(), &[]).unwrap();
    compare(&*reader, &files, &made, ALL);
}

#[test]
fn iso_holds_all_but_links_attributes_and_the_longest_names() {
    let room = Room {
        name: 253,
        hard_links: false,
        xattrs: false,
        ..ALL
    };
    let (files, made) = tree(FILES, room);
    let mut out = Holes::default();
    iso::write(&iso_spec(&files), &made, &mut out).unwrap();
    check(out, &files, &made, room);
}

#[test]
fn cpio_holds_all_but_attributes_and_large_files() {
    let room = Room {
        xattrs: false,
        large: None,
        ..ALL
    };
    let (files, made) = tree(FILES, room);
    let mut out = Holes::default();
    cpio::write(&cpio_spec(&files), &made, &mut out).unwrap();
    check(out, &files, &made, room);
}

#[test]
fn fat_holds_files_and_their_names() {
    let room = Room {
        unix: false,
        hard_links: false,
        xattrs: false,
        large: None,
        ..ALL
    };
    let (files, made) = tree(FILES, room);
    let mut out = BufWriter::with_capacity(1 << 20, Holes::default());
    fat::write(&fat_spec(&files), &made, &mut out).unwrap();
    check(out.into_inner().unwrap(), &files, &made, room);
}

fn text<T, E: ToString>(result: Result<T, E>) -> Option<String> {
    result.err().map(|error| error.to_string())
}

/// What a writer says to one entry at `/a/b`.
fn refusals(entry: Entry, made: &Made) -> Vec<(&'static str, Option<String>)> {
    said(&["/a/b"], entry, made)
}

fn said(names: &[&str], entry: Entry, made: &Made) -> Vec<(&'static str, Option<String>)> {
    let mut entries = vec![(path("/a"), Entry::new(Kind::Directory))];
    for name in names {
        entries.push((path(name), entry.clone()));
    }
    let files = Manifest::from_entries(entries).unwrap();
    let mut out = Holes::default();
    let file = tempfile::tempfile().unwrap();
    let ext4 = ext4::write(&ext4_spec(&files), made, &file, 0);
    let erofs = erofs::write(
        &erofs_spec(&files, ErofsCompression::None),
        made,
        &mut Holes::default(),
    );
    let iso = iso::write(&iso_spec(&files), made, &mut Holes::default());
    let tar = tar::write(&files, EPOCH, made, &mut Holes::default());
    let cpio = cpio::write(&cpio_spec(&files), made, &mut out);
    let fat = fat::write(&fat_spec(&files), made, &mut Holes::default());
    vec![
        ("ext4", text(ext4)),
        ("EROFS", text(erofs)),
        ("ISO", text(iso)),
        ("tar", text(tar)),
        ("cpio", text(cpio)),
        ("FAT", text(fat)),
    ]
}

/// Exactly these formats refuse it, and name the path.
fn refused_by(formats: &[&str], said: Vec<(&'static str, Option<String>)>, name: &str) {
    let mut found = Vec::new();
    for (format, text) in said {
        if let Some(text) = text {
            assert!(text.contains(name), "{format} names no path: {text}");
            found.push(format);
        }
    }
    assert_eq!(found, formats);
}

#[test]
fn what_a_format_cannot_hold_is_refused_with_its_path() {
    let mut made = Made::default();
    let file = Entry::new(made.add(b"x".to_vec()));
    let refused = |formats: &[&str], entry: Entry| {
        refused_by(formats, refusals(entry, &made), "`/a/b`");
    };
    refused(&[], file.clone());

    let mut capable = file.clone();
    (capable.xattrs).insert(b"security.capability".to_vec(), vec![1; 20]);
    refused(&["ISO", "cpio", "FAT"], capable);
    let mut long = file.clone();
    long.xattrs.insert(b"user.long".to_vec(), vec![1; 5000]);
    refused(&["ext4", "ISO", "cpio", "FAT"], long);
    refused(&["FAT"], file.clone().with_mode(0o4755));
    let owned = Entry {
        uid: 7,
        ..file.clone()
    };
    refused(&["FAT"], owned);
    let target = b"x".to_vec();
    refused(&["FAT"], Entry::new(Kind::Symlink { target }));
    refused(&["tar", "FAT"], Entry::new(Kind::Socket));
    let device = |major, minor| Entry::new(Kind::CharDevice { major, minor });
    refused(&["FAT"], device(4095, 1_048_575));
    refused(&["ext4", "EROFS", "FAT"], device(4096, 0));
    refused(&["ext4", "EROFS", "FAT"], device(0, 1 << 20));
    refused(&["ext4", "EROFS", "tar", "FAT"], device(0, 1 << 21));

    let mut linked = file.clone();
    linked.link = Some(xsc_image::LinkGroup(0));
    let names = ["/a/b", "/a/c"];
    refused_by(&["ISO", "FAT"], said(&names, linked, &made), "`/a/b`");

    let long = format!("/a/{}", "n".repeat(254));
    let said_of_long = said(&[&long], file.clone(), &made);
    refused_by(&["ISO"], said_of_long, &format!("`{long}`"));
    let error = ImagePath::new(format!("/a/{}", "n".repeat(300))).unwrap_err();
    assert!(
        error.to_string().contains("names of 1 to 255 bytes"),
        "{error}"
    );

    let bytes = ImagePath::new(b"/a/\xff".to_vec()).unwrap();
    let entries = [
        (path("/a"), Entry::new(Kind::Directory)),
        (bytes, file.clone()),
    ];
    let files = Manifest::from_entries(entries).unwrap();
    let error = fat::write(&fat_spec(&files), &made, &mut Holes::default()).unwrap_err();
    assert!(
        error.to_string().contains("`/a/\\xff` is not valid on FAT"),
        "{error}"
    );
}

#[test]
fn files_that_are_too_large_are_refused_before_they_are_read() {
    // No blob has this content, so that a writer that tried to read it would say that.
    let blob = xsc_model::BlobId(Digest::of(b"never read"));
    for (size, formats) in [
        (1u64 << 32, &["cpio", "FAT"][..]),
        (1 << 39, &["ISO", "cpio", "FAT"]),
        (1 << 45, &["ext4", "ISO", "cpio", "FAT"]),
    ] {
        let entry = Entry::new(Kind::File { blob, size });
        let said = refusals(entry, &Made::default());
        let refused: Vec<&str> = said
            .iter()
            .filter(|(_, text)| (text.as_ref()).is_some_and(|text| !text.contains("cannot read")))
            .map(|(format, _)| *format)
            .collect();
        assert_eq!(refused, formats, "{size}: {said:?}");
        assert!(
            said.iter()
                .all(|(_, text)| text.as_ref().unwrap().contains("`/a/b`")),
            "{said:?}"
        );
    }
}
