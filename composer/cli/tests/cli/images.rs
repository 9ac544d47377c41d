//! `ls`, `cat` and `extract`: what is in images, without mounting them.
//!
//! The images here are archives of the `tar` crate; the readers of other formats are tested where they are.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::env::TestRepo;

/// One recipe that needs no build.
const FINE: &str = r#"result = step "nothing" "builtin:merge" { } [ ];"#;

/// Writes an archive with a file, a hard link to it, links, a device, and names that try to get out.
fn archive(repo: &TestRepo) {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |name: &str, kind: tar::EntryType, link: &str, mode: u32, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_mtime(1_755_000_000);
        header.set_uid(7);
        header.set_gid(8);
        if !link.is_empty() {
            header.set_link_name_literal(link).unwrap();
        }
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, content).unwrap();
    };
    let file = tar::EntryType::Regular;
    add("./etc/", tar::EntryType::Directory, "", 0o555, b"");
    add("./etc/motd", file, "", 0o640, b"hello\n");
    add("./etc/again", tar::EntryType::Link, "etc/motd", 0o640, b"");
    add("./bin/su", file, "", 0o4755, b"su");
    add("./issue", tar::EntryType::Symlink, "/etc/motd", 0o777, b"");
    add("./up", tar::EntryType::Symlink, "../..", 0o777, b"");
    add("./dev/null", tar::EntryType::Char, "", 0o666, b"");
    let bytes = builder.into_inner().unwrap();
    fs::write(repo.dir().join("t.tar"), bytes).unwrap();
}

#[test]
fn images_are_listed_and_printed() {
    let repo = TestRepo::new(FINE);
    archive(&repo);
    let ls = |arguments: &[&str]| repo.run(&[&["ls", "t.tar"], arguments].concat());
    assert_eq!(ls(&[]).ok().out, "bin\ndev\netc\nissue\nup\n");
    assert_eq!(ls(&["/etc/"]).ok().out, "etc/again\netc/motd\n");
    let long = ls(&["-l", "-R"]).ok().out;
    for part in [
        "-rwsr-xr-x     7     8          2 2025-08-12 12:00:00 bin/su\n",
        "lrwxrwxrwx     7     8          0 2025-08-12 12:00:00 issue -> /etc/motd\n",
        "crw-rw-rw- ",
        "etc/motd (file 1)\n",
    ] {
        assert!(long.contains(part), "no `{part}` in:\n{long}");
    }
    let json = ls(&["--json", "bin"]).ok().json();
    assert_eq!(json["format"], "tar");
    assert_eq!(json["entries"][0]["mode"], "4755");
    let cat = |path: &str| repo.run(&["cat", "t.tar", path]);
    assert_eq!(cat("etc/motd").ok().out, "hello\n");
    assert_eq!(cat("issue").ok().out, "hello\n");
    assert_eq!(cat("up/etc/again").ok().out, "hello\n");
    let _ = cat("etc").fails(2, &["error: t.tar: `etc` is not a file"]);
    let _ = cat("etc/none").fails(2, &["error: t.tar: `etc/none` is not in the image"]);
    let _ = ls(&["none"]).fails(2, &["`none` is not in the image"]);
    repo.write("text", "no image at all");
    let _ = repo
        .run(&["ls", "text"])
        .fails(2, &["this is no image of a format that is read"]);
    let _ = repo
        .run(&["ls", "t.tar#root"])
        .fails(2, &["no part `root`"]);
    let _ = repo
        .run(&["ls", "none.iso"])
        .fails(1, &["none.iso: cannot read the image"]);
}

#[test]
fn images_are_compared_by_their_files() {
    let repo = TestRepo::new(FINE);
    archive(&repo);
    let mut builder = tar::Builder::new(Vec::new());
    for (name, mode, content) in [
        ("etc/motd", 0o600, b"hello\n".as_slice()),
        ("etc/again", 0o640, b"other\n"),
        ("var/lib/dpkg/status", 0o644, b"Package: a\nVersion: 2\n"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_uid(7);
        header.set_gid(8);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content).unwrap();
    }
    fs::write(repo.dir().join("u.tar"), builder.into_inner().unwrap()).unwrap();
    let ran = repo.run(&["diff", "--files", "t.tar", "u.tar"]);
    assert_eq!(ran.code, Some(104), "{}", ran.err);
    for part in [
        "package a: version\n  - not installed\n  + 2\n",
        "etc/motd: mode\n  - -rw-r-----\n  + -rw-------\n",
        "dev/null: only in the first",
        "etc/again",
        "issue",
    ] {
        assert!(ran.out.contains(part), "no `{part}` in:\n{}", ran.out);
    }
    let _ = repo.run(&["diff", "--files", "t.tar", "t.tar"]).ok();
}

#[test]
fn extracting_stays_in_its_directory() {
    let repo = TestRepo::new(FINE);
    archive(&repo);
    let ran = repo.run(&["extract", "t.tar", "out"]).ok();
    assert!(ran.err.contains("left out 1 node"), "{}", ran.err);
    let out = repo.dir().join("out");
    let meta = |path: &str| fs::symlink_metadata(out.join(path)).unwrap();
    assert_eq!(
        fs::read_link(out.join("issue")).unwrap().to_str(),
        Some("/etc/motd")
    );
    assert_eq!(meta("etc/motd").ino(), meta("etc/again").ino());
    assert_eq!(meta("etc/motd").permissions().mode() & 0o7777, 0o640);
    assert_eq!(meta("etc").permissions().mode() & 0o7777, 0o555);
    // Special bits stay behind, and so do owners.
    assert_eq!(meta("bin/su").permissions().mode() & 0o7777, 0o755);
    assert_ne!(meta("bin/su").uid(), 7);
    let _ = repo
        .run(&["extract", "t.tar", "out"])
        .fails(2, &["out is not empty", "nothing is ever replaced"]);
    let _ = repo.run(&["extract", "t.tar", "etc/motd", "one"]).ok();
    assert_eq!(fs::read(repo.dir().join("one/motd")).unwrap(), b"hello\n");
    let _ = repo
        .run(&["extract", "t.tar", "none", "two"])
        .fails(2, &["`none` is not in the image"]);
}
