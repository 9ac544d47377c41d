//! Archives as they should be, and archives made to harm.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use xsc_fetch::{Compression, UnpackError, UnpackOptions, Unpacked, unpack_deb, unpack_tar};

/// One entry: kind, path, link target or content, mode.
type Item<'a> = (EntryType, &'a str, &'a str, u32);

const FILE: EntryType = EntryType::Regular;
const DIR: EntryType = EntryType::Directory;
const SYMLINK: EntryType = EntryType::Symlink;
const LINK: EntryType = EntryType::Link;

fn tarball(items: &[Item<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, path, text, mode) in items {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(*mode);
        header.set_uid(1234);
        header.set_mtime(1);
        // Written as bytes, because the crate itself refuses to write a path such as `../x`.
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        let content = if kind.is_file() {
            text.as_bytes()
        } else {
            let link = &mut header.as_old_mut().linkname;
            link[..text.len()].copy_from_slice(text.as_bytes());
            b""
        };
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    builder.into_inner().unwrap()
}

struct Sandbox {
    temp: TempDir,
    root: Dir,
}

impl Sandbox {
    fn new() -> Sandbox {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join("root")).unwrap();
        std::fs::create_dir(temp.path().join("outside")).unwrap();
        std::fs::write(temp.path().join("outside/victim"), "safe").unwrap();
        let root = Dir::open_ambient_dir(temp.path().join("root"), ambient_authority()).unwrap();
        Sandbox { temp, root }
    }

    fn unpack(&self, items: &[Item<'_>]) -> Result<Unpacked, UnpackError> {
        self.unpack_with(items, &UnpackOptions::default())
    }

    fn unpack_with(
        &self,
        items: &[Item<'_>],
        options: &UnpackOptions,
    ) -> Result<Unpacked, UnpackError> {
        let bytes = tarball(items);
        unpack_tar(&bytes[..], Compression::None, &self.root, options)
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.temp.path().join("root").join(path)
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// Nothing but what was there stands outside the root.
    fn assert_outside_untouched(&self) {
        let list = |dir: &Path| {
            let entries = std::fs::read_dir(dir).unwrap();
            let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(list(self.temp.path()), ["outside", "root"]);
        assert_eq!(list(&self.temp.path().join("outside")), ["victim"]);
        let victim = self.temp.path().join("outside/victim");
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "safe");
        assert_eq!(std::fs::metadata(victim).unwrap().nlink(), 1);
    }
}

#[test]
fn an_ordinary_archive() {
    let sandbox = Sandbox::new();
    let done = sandbox
        .unpack(&[
            (DIR, "./", "", 0o755),
            (FILE, "./b/c/late-parent", "1", 0o600),
            (DIR, "./b/", "", 0o700),
            (FILE, "./a", "two", 0o4755),
            (LINK, "./hard", "./a", 0o644),
            (SYMLINK, "./abs", "/etc/alternatives/x", 0o777),
            (SYMLINK, "./up", "../../..", 0o777),
            (FILE, "./empty", "", 0o640),
        ])
        .unwrap();
    assert_eq!(
        done,
        Unpacked {
            files: 3,
            bytes: 4,
            directories: 1,
            symlinks: 2,
            hard_links: 1,
            set_id_dropped: 1,
            left_out: 1,
        }
    );
    assert_eq!(sandbox.read("b/c/late-parent"), "1");
    assert_eq!(sandbox.read("hard"), "two");
    let mode = |path: &str| {
        std::fs::metadata(sandbox.path(path))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("a") & 0o7100, 0o100, "executable, and no set-id bit");
    assert_eq!(mode("b/c/late-parent") & 0o7111, 0);
    assert_eq!(
        std::fs::read_link(sandbox.path("abs")).unwrap(),
        Path::new("/etc/alternatives/x")
    );
    sandbox.assert_outside_untouched();
}

#[test]
fn paths_that_leave_the_root() {
    for path in [
        "../outside/new",
        "/tmp/xsc-new",
        "a/../../outside/new",
        "..",
        "a/..",
    ] {
        for kind in [FILE, DIR, SYMLINK] {
            let sandbox = Sandbox::new();
            let result = sandbox.unpack(&[(kind, path, "x", 0o644)]);
            assert!(
                matches!(&result, Err(UnpackError::Escape { path: p }) if p.trim_end_matches('/') == path),
                "{path}: {result:?}"
            );
            sandbox.assert_outside_untouched();
        }
    }
}

#[test]
fn symbolic_links_are_no_way_out() {
    for target in [
        "../outside",
        "../../../../../../tmp",
        "/tmp",
        "sub/../../outside",
        "loop",
    ] {
        let sandbox = Sandbox::new();
        let result = sandbox.unpack(&[
            (DIR, "sub", "", 0o755),
            (SYMLINK, "loop", target, 0o777),
            (FILE, "loop/new", "x", 0o644),
        ]);
        assert!(
            matches!(&result, Err(UnpackError::ThroughLink { path, .. }) if path == "loop"),
            "{target}: {result:?}"
        );
        sandbox.assert_outside_untouched();
    }
}

#[test]
fn a_link_made_between_two_entries_of_one_directory_is_no_way_out() {
    let sandbox = Sandbox::new();
    let result = sandbox.unpack(&[
        (FILE, "d/one", "1", 0o644),
        (SYMLINK, "d", "../outside", 0o777),
        (FILE, "d/victim", "2", 0o644),
    ]);
    assert!(
        matches!(&result, Err(UnpackError::Conflict { .. })),
        "{result:?}"
    );
    sandbox.assert_outside_untouched();
}

#[test]
fn a_link_inside_the_root_is_followed_to_a_directory() {
    let sandbox = Sandbox::new();
    sandbox
        .unpack(&[
            (DIR, "usr/lib", "", 0o755),
            (SYMLINK, "lib", "usr/lib", 0o777),
            (FILE, "lib/x", "1", 0o644),
            // Now the link changes, and the handle reached through it must not be used again.
            (DIR, "other", "", 0o755),
            (SYMLINK, "lib", "other", 0o777),
            (FILE, "lib/y", "2", 0o644),
        ])
        .unwrap();
    assert_eq!(
        (sandbox.read("usr/lib/x"), sandbox.read("other/y")),
        ("1".into(), "2".into())
    );
    assert!(!sandbox.path("usr/lib/y").exists());
}

#[test]
fn files_are_not_written_through_links() {
    let sandbox = Sandbox::new();
    sandbox
        .unpack(&[
            (SYMLINK, "link", "../outside/victim", 0o777),
            (FILE, "link", "harm", 0o644),
        ])
        .unwrap();
    assert_eq!(sandbox.read("link"), "harm");
    assert!(!sandbox.path("link").is_symlink());
    sandbox.assert_outside_untouched();
}

#[test]
fn writing_over_a_hard_link_leaves_the_other_name_alone() {
    // A tree of the store may be hard-linked into place: unpacking over it must not change the store.
    let sandbox = Sandbox::new();
    let outside = sandbox.temp.path().join("outside/victim");
    std::fs::hard_link(&outside, sandbox.path("f")).unwrap();
    sandbox.unpack(&[(FILE, "f", "new", 0o644)]).unwrap();
    assert_eq!(sandbox.read("f"), "new");
    sandbox.assert_outside_untouched();
}

#[test]
fn hard_links_are_no_way_out() {
    for target in ["../outside/victim", "/etc/passwd", "a/../../outside/victim"] {
        let sandbox = Sandbox::new();
        let result = sandbox.unpack(&[(LINK, "l", target, 0o644)]);
        assert!(
            matches!(&result, Err(UnpackError::LinkEscape { path, target: t }) if path == "l" && t == target),
            "{result:?}"
        );
        sandbox.assert_outside_untouched();
    }
    let sandbox = Sandbox::new();
    let result = sandbox.unpack(&[
        (SYMLINK, "out", "../outside", 0o777),
        (LINK, "l", "out/victim", 0o644),
    ]);
    assert!(
        matches!(&result, Err(UnpackError::LinkTarget { .. })),
        "{result:?}"
    );
    sandbox.assert_outside_untouched();
    // A hard link to a link that leads out names the link, not what it leads to.
    let sandbox = Sandbox::new();
    sandbox
        .unpack(&[
            (SYMLINK, "out", "../outside/victim", 0o777),
            (LINK, "l", "out", 0o644),
            (FILE, "l", "harm", 0o644),
        ])
        .unwrap();
    sandbox.assert_outside_untouched();
}

#[test]
fn devices_pipes_and_unknown_kinds() {
    for (kind, word) in [
        (EntryType::Char, "character device"),
        (EntryType::Block, "block device"),
        (EntryType::Fifo, "named pipe"),
        (EntryType::new(b'Z'), "file of an unknown kind"),
    ] {
        let sandbox = Sandbox::new();
        let result = sandbox.unpack(&[(kind, "dev/x", "", 0o666)]);
        assert!(
            matches!(&result, Err(UnpackError::Kind { kind, .. }) if *kind == word),
            "{result:?}"
        );
    }
}

#[test]
fn the_last_of_one_name_wins() {
    let sandbox = Sandbox::new();
    sandbox
        .unpack(&[
            (FILE, "f", "first", 0o755),
            (FILE, "f", "2", 0o644),
            (SYMLINK, "l", "f", 0o777),
            (SYMLINK, "l", "g", 0o777),
            (FILE, "h", "h", 0o644),
            (LINK, "h", "f", 0o644),
            (LINK, "f", "f", 0o644),
        ])
        .unwrap();
    assert_eq!(
        (sandbox.read("f"), sandbox.read("h")),
        ("2".into(), "2".into())
    );
    assert_eq!(
        std::fs::read_link(sandbox.path("l")).unwrap(),
        Path::new("g")
    );
    let mode = std::fs::metadata(sandbox.path("f"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0);
}

#[test]
fn files_and_directories_do_not_replace_each_other() {
    let both: [&[Item<'_>]; 5] = [
        &[(FILE, "x", "1", 0o644), (FILE, "x/y", "2", 0o644)],
        &[(FILE, "x", "1", 0o644), (DIR, "x", "", 0o755)],
        &[(DIR, "x", "", 0o755), (FILE, "x", "1", 0o644)],
        &[(DIR, "x", "", 0o755), (LINK, "y", "x", 0o644)],
        &[(SYMLINK, "x", "nowhere", 0o777), (FILE, "x/y", "2", 0o644)],
    ];
    for items in both {
        let result = Sandbox::new().unpack(items);
        assert!(
            matches!(&result, Err(UnpackError::Conflict { .. })),
            "{items:?}: {result:?}"
        );
    }
}

#[test]
fn options_choose_and_move() {
    let sandbox = Sandbox::new();
    let options = UnpackOptions {
        strip_components: 1,
        exclude: vec!["usr/share/doc".into(), "usr/share/man".into()],
        include: vec!["usr/share/doc/*/copyright".into()],
        usr_merge: true,
    };
    let done = sandbox
        .unpack_with(
            &[
                (DIR, "p/", "", 0o755),
                (FILE, "p/bin/sh", "sh", 0o755),
                (LINK, "p/bin/rsh", "p/bin/sh", 0o755),
                (SYMLINK, "p/lib64", "usr/lib64", 0o777),
                (FILE, "p/lib64/ld.so", "ld", 0o755),
                (FILE, "p/usr/share/doc/sh/copyright", "c", 0o644),
                (FILE, "p/usr/share/doc/sh/changelog", "c", 0o644),
                (DIR, "p/usr/share/man", "", 0o755),
            ],
            &options,
        )
        .unwrap();
    assert_eq!(done.left_out, 3);
    assert_eq!(sandbox.read("usr/bin/rsh"), "sh");
    assert_eq!(sandbox.read("lib64/ld.so"), "ld");
    assert!(sandbox.path("lib64").is_symlink());
    assert!(sandbox.path("usr/share/doc/sh/copyright").exists());
    assert!(!sandbox.path("usr/share/doc/sh/changelog").exists());
    assert!(!sandbox.path("usr/share/man").exists());
}

#[test]
fn a_hard_link_to_what_was_left_out() {
    let sandbox = Sandbox::new();
    let options = UnpackOptions {
        exclude: vec!["a".into()],
        ..UnpackOptions::default()
    };
    let items = [(FILE, "a", "1", 0o644), (LINK, "b", "a", 0o644)];
    let result = sandbox.unpack_with(&items, &options);
    assert!(
        matches!(&result, Err(UnpackError::LinkTarget { .. })),
        "{result:?}"
    );
}

fn packed(bytes: &[u8], compression: Compression) -> Vec<u8> {
    match compression {
        Compression::None => bytes.to_vec(),
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Xz => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Zstd => zstd::stream::encode_all(bytes, 1).unwrap(),
    }
}

const ALL: [Compression; 4] = [
    Compression::None,
    Compression::Gzip,
    Compression::Xz,
    Compression::Zstd,
];

#[test]
fn every_compression_and_every_way_to_be_damaged() {
    let text: String = (0..200_000)
        .map(|i| char::from(b'a' + (i % 23 * (i % 19) % 26) as u8))
        .collect();
    let tar = tarball(&[(FILE, "f", &text, 0o644), (FILE, "g", "g", 0o644)]);
    for compression in ALL {
        let whole = packed(&tar, compression);
        let sandbox = Sandbox::new();
        let unpack =
            |bytes: &[u8]| unpack_tar(bytes, compression, &sandbox.root, &UnpackOptions::default());
        unpack(&whole).unwrap();
        assert_eq!(sandbox.read("f"), text);
        let result = unpack(&whole[..whole.len() / 2]);
        assert!(
            matches!(&result, Err(UnpackError::Damaged { .. })),
            "{compression:?}: {result:?}"
        );
        if compression != Compression::None {
            // Even if all entries came out, the end of the file is looked at.
            let result = unpack(&whole[..whole.len() - 1]);
            assert!(
                matches!(&result, Err(UnpackError::Damaged { .. })),
                "{compression:?}: {result:?}"
            );
            let result = unpack(b"not compressed at all, and long enough to be looked at");
            assert!(
                matches!(&result, Err(UnpackError::Damaged { .. })),
                "{compression:?}: {result:?}"
            );
        }
    }
}

#[test]
fn two_xz_streams_one_after_the_other() {
    let tar = tarball(&[(FILE, "f", &"x".repeat(5000), 0o644)]);
    let mut bytes = packed(&tar[..1000], Compression::Xz);
    bytes.extend(packed(&tar[1000..], Compression::Xz));
    let sandbox = Sandbox::new();
    let done = unpack_tar(
        &bytes[..],
        Compression::Xz,
        &sandbox.root,
        &UnpackOptions::default(),
    );
    assert_eq!(done.unwrap().bytes, 5000);
}

fn deb(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = ar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
        builder.append(&header, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn packages_of_every_compression() {
    let names = BTreeMap::from([
        ("data.tar", Compression::None),
        ("data.tar.gz", Compression::Gzip),
        ("data.tar.xz", Compression::Xz),
        ("data.tar.zst", Compression::Zstd),
    ]);
    let data = tarball(&[(FILE, "./usr/bin/x", "x", 0o755)]);
    let control = tarball(&[(FILE, "./postinst", "rm -rf /", 0o755)]);
    for (name, compression) in names {
        let sandbox = Sandbox::new();
        let bytes = deb(&[
            ("debian-binary", b"2.0\n".to_vec()),
            ("control.tar.gz", packed(&control, Compression::Gzip)),
            (name, packed(&data, compression)),
        ]);
        unpack_deb(&bytes[..], &sandbox.root, &UnpackOptions::default()).unwrap();
        assert_eq!(sandbox.read("usr/bin/x"), "x");
        assert!(!sandbox.path("postinst").exists());
    }
}

#[test]
fn what_is_no_package() {
    let data = packed(&tarball(&[(FILE, "x", "x", 0o644)]), Compression::Gzip);
    let format = ("debian-binary", b"2.0\n".to_vec());
    let cases = [
        (b"garbage that is no archive".to_vec(), "no ar archive"),
        (
            deb(&[("data.tar.gz", data.clone())]),
            "debian-binary is missing",
        ),
        (deb(std::slice::from_ref(&format)), "data.tar is missing"),
        (
            deb(&[format.clone(), ("data.tar.bz2", data.clone())]),
            "unknown way",
        ),
        (
            deb(&[
                format.clone(),
                ("data.tar.gz", data.clone()),
                ("data.tar.gz", data.clone()),
            ]),
            "twice",
        ),
        (deb(&[("debian-binary", b"3.0\n".to_vec())]), "not 2.x"),
    ];
    for (bytes, reason) in cases {
        let sandbox = Sandbox::new();
        let result = unpack_deb(&bytes[..], &sandbox.root, &UnpackOptions::default());
        let shown = result.unwrap_err().to_string();
        assert!(shown.contains(reason), "{reason}: {shown}");
    }
    let whole = deb(&[format, ("data.tar.gz", data)]);
    let cut = &whole[..whole.len() - 20];
    let sandbox = Sandbox::new();
    let result = unpack_deb(cut, &sandbox.root, &UnpackOptions::default());
    assert!(
        matches!(&result, Err(UnpackError::Damaged { .. })),
        "{result:?}"
    );
}
