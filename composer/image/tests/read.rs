//! The readers: they give back what the writers were given, and refuse what is broken in words.

mod support;

use std::io::Read;
use std::sync::Arc;

use support::rich::{Holds, compare, erofs, images, tree};
use support::{EPOCH, oci_spec, tool};
use xsc_image::erofs::ErofsCompression;
use xsc_image::oci::{Architecture, OciSpec};
use xsc_image::read::{self, ReadError, Reader};
use xsc_image::{Compression, oci};

fn open(bytes: Vec<u8>) -> Result<Box<dyn Reader>, ReadError> {
    read::open(Arc::new(bytes), &[])
}

fn content(reader: &dyn Reader, path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let content = reader.content(path.as_bytes()).unwrap();
    content.reader().read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn every_format_gives_back_what_was_written() {
    for (format, holds, bytes) in images() {
        let reader = open(bytes).unwrap();
        assert_eq!(reader.format(), format);
        compare(&*reader, holds);
    }
}

#[test]
fn erofs_is_the_same_for_any_number_of_threads() {
    let (files, blobs) = tree(Holds::Everything);
    for compression in [ErofsCompression::None, ErofsCompression::Lz4] {
        let one = erofs(&files, &blobs, compression, 1);
        assert!(one == erofs(&files, &blobs, compression, 2));
        assert!(one == erofs(&files, &blobs, compression, 7));
    }
}

#[test]
fn fsck_erofs_accepts_and_unpacks_the_images() {
    let dir = tempfile::tempdir().unwrap();
    let (files, blobs) = tree(Holds::Everything);
    for (name, compression) in [
        ("none", ErofsCompression::None),
        ("lz4", ErofsCompression::Lz4),
    ] {
        let image = dir.path().join(name);
        std::fs::write(&image, erofs(&files, &blobs, compression, 1)).unwrap();
        let image = image.to_str().unwrap();
        let out = format!("{image}.out");
        let extract = format!("--extract={out}");
        let said =
            tool("fsck.erofs", &["-d3", image]).zip(tool("fsck.erofs", &["-d3", &extract, image]));
        let Some((checked, unpacked)) = said else {
            return;
        };
        let said = checked + &unpacked;
        for word in ["<W>", "<E>", "warn"] {
            assert!(!said.contains(word), "{said}");
        }
        let lines = said.lines().filter(|line| !line.is_empty());
        assert_eq!(lines.count(), 2, "{said}");
        assert!(said.contains("No errors found"), "{said}");
        for path in [
            "dir/small",
            "dir/t131073",
            "dir/mixed",
            "dir/noise",
            "many/file number 0299",
        ] {
            let wanted = content(&*open(std::fs::read(image).unwrap()).unwrap(), path);
            let found = std::fs::read(format!("{out}/{path}")).unwrap();
            assert!(found == wanted, "{name}: {path}");
        }
    }
}

#[test]
fn linux_reads_erofs_as_it_was_written() {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let dir = tempfile::tempdir().unwrap();
    let (files, blobs) = tree(Holds::Everything);
    for (name, compression) in [
        ("none", ErofsCompression::None),
        ("lz4", ErofsCompression::Lz4),
    ] {
        let (image, root) = (dir.path().join(name), dir.path().join("root"));
        std::fs::write(&image, erofs(&files, &blobs, compression, 1)).unwrap();
        std::fs::create_dir_all(&root).unwrap();
        let mut mount = std::process::Command::new("mount");
        mount
            .args(["-t", "erofs", "-o", "loop,ro"])
            .arg(&image)
            .arg(&root);
        let mounted = mount.output();
        if !mounted.as_ref().is_ok_and(|output| output.status.success()) {
            println!("skipped: an image cannot be mounted here");
            return;
        }
        let seen = std::panic::catch_unwind(|| {
            let reader = open(std::fs::read(&image).unwrap()).unwrap();
            for (path, entry) in files.iter() {
                use std::os::unix::ffi::OsStrExt;
                let at = root.join(std::ffi::OsStr::from_bytes(path.relative()));
                let meta = std::fs::symlink_metadata(&at).unwrap();
                let owner = (meta.mode() & 0o7777, meta.uid(), meta.gid());
                assert_eq!(owner, (entry.mode, entry.uid, entry.gid), "{path}");
                match &entry.kind {
                    xsc_image::Kind::File { size, .. } => {
                        assert_eq!(meta.len(), *size, "{path}");
                        let mut wanted = Vec::new();
                        let content = reader.content(path.relative()).unwrap();
                        content.reader().read_to_end(&mut wanted).unwrap();
                        assert!(std::fs::read(&at).unwrap() == wanted, "{path}");
                        assert_eq!(meta.nlink(), u64::from(files.link_count(entry)), "{path}");
                    }
                    xsc_image::Kind::Symlink { target } => {
                        let found = std::fs::read_link(&at).unwrap();
                        assert_eq!(found.as_os_str().as_bytes(), target, "{path}");
                    }
                    xsc_image::Kind::CharDevice { .. } => {
                        assert!(meta.file_type().is_char_device());
                        assert_eq!(meta.rdev(), 0x103, "{path}");
                    }
                    _ => {}
                }
            }
            assert_eq!(std::fs::read_dir(root.join("many")).unwrap().count(), 300);
        });
        let unmounted = std::process::Command::new("umount").arg(&root).status();
        assert!(unmounted.unwrap().success());
        seen.unwrap();
    }
}

#[test]
fn images_of_other_programs_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir_all(at("tree/sub")).unwrap();
    std::fs::write(at("tree/sub/text"), support::rich::text(300_000)).unwrap();
    std::fs::write(at("tree/small"), b"small").unwrap();
    std::os::unix::fs::symlink("sub/text", at("tree/link")).unwrap();
    std::fs::hard_link(at("tree/small"), at("tree/sub/again")).unwrap();
    let check = |image: &str| {
        let reader = open(std::fs::read(image).unwrap()).unwrap();
        assert!(
            content(&*reader, "sub/text") == support::rich::text(300_000),
            "{image}"
        );
        assert_eq!(content(&*reader, "sub/again"), b"small", "{image}");
        let entries = reader.entries();
        let [one, two] = ["small", "sub/again"].map(|path| entries[path.as_bytes()].link);
        assert!(one.is_some() && one == two, "{image}: hard links");
    };
    let tree = at("tree");
    for (name, program, arguments) in [
        (
            "ext4",
            "mke2fs",
            &["-q", "-t", "ext4", "-d", &tree, "IMAGE", "8M"][..],
        ),
        (
            "ext4-1k",
            "mke2fs",
            &[
                "-q", "-t", "ext4", "-b", "1024", "-O", "^64bit", "-d", &tree, "IMAGE", "8M",
            ],
        ),
        ("erofs", "mkfs.erofs", &["--quiet", "IMAGE", &tree]),
        (
            "erofs-lz4",
            "mkfs.erofs",
            &["--quiet", "-zlz4", "IMAGE", &tree],
        ),
        (
            "erofs-64k",
            "mkfs.erofs",
            &["--quiet", "-zlz4hc", "-C65536", "IMAGE", &tree],
        ),
        ("tar", "tar", &["-cf", "IMAGE", "-C", &tree, "."]),
        (
            "pax",
            "tar",
            &["--format=posix", "-cf", "IMAGE", "-C", &tree, "."],
        ),
    ] {
        let image = at(name);
        let arguments: Vec<&str> = arguments
            .iter()
            .map(|word| {
                if *word == "IMAGE" {
                    image.as_str()
                } else {
                    word
                }
            })
            .collect();
        if tool(program, &arguments).is_some() {
            check(&image);
        }
    }
}

#[test]
fn an_image_in_an_image_is_read_by_its_parts() {
    let made = images();
    let inner = &made
        .iter()
        .find(|(format, ..)| *format == "EROFS")
        .unwrap()
        .2;
    let mut blobs = xsc_image::MemoryBlobs::default();
    let mut files = xsc_image::Manifest::new();
    let entry = xsc_image::Entry::new(blobs.add(inner.clone()));
    files.insert(support::path("/root.img"), entry).unwrap();
    let mut archive = Vec::new();
    let spec = xsc_image::cpio::CpioSpec {
        files: &files,
        compression: Compression::Zstd,
        epoch: EPOCH,
    };
    xsc_image::cpio::write(&spec, &blobs, &mut archive).unwrap();
    let source: Arc<dyn read::Source> = Arc::new(archive);
    let reader = read::open(Arc::clone(&source), &["/root.img"]).unwrap();
    compare(&*reader, Holds::Everything);
    let missing = read::open(Arc::clone(&source), &["/none"]).err().unwrap();
    assert!(matches!(missing, ReadError::NotFound { .. }), "{missing}");
    let no_part = read::open(source, &["root"]).err().unwrap();
    assert!(no_part.to_string().contains("no part `root`"), "{no_part}");
}

#[test]
fn layouts_are_read_as_directories() {
    let (files, blobs) = tree(Holds::Everything);
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let dir = tempfile::tempdir().unwrap();
        let spec = OciSpec {
            architecture: Architecture::Arm64,
            compression,
            ..oci_spec(&files)
        };
        oci::write(&spec, &blobs, dir.path()).unwrap();
        for parts in [&[][..], &["latest"], &["arm64"]] {
            compare(
                &*read::open_layout(dir.path(), parts).unwrap(),
                Holds::Everything,
            );
        }
        let error = read::open_layout(dir.path(), &["amd64"]).err().unwrap();
        assert!(
            error
                .to_string()
                .contains("no part `amd64`: it has latest, arm64"),
            "{error}"
        );
    }
}

#[test]
fn what_is_broken_is_said() {
    for bytes in [Vec::new(), vec![0; 100_000], b"hello".repeat(1000)] {
        assert!(matches!(open(bytes), Err(ReadError::Unknown)));
    }
    for (format, _, bytes) in images() {
        let half = bytes[..bytes.len() / 2].to_vec();
        let Ok(reader) = open(half) else { continue };
        // What is listed before the end may be read; the rest fails.
        let paths: Vec<&Vec<u8>> = reader.entries().keys().collect();
        let read = |path: &[u8]| {
            let content = reader.content(path).ok()?;
            content.reader().read_to_end(&mut Vec::new()).ok()
        };
        let files = paths
            .iter()
            .filter(|path| !reader.entries()[**path].is_directory());
        assert!(files.clone().any(|path| read(path).is_none()), "{format}");
    }
}
