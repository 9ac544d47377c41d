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
    let _ = cat("/").fails(2, &["error: t.tar: `/` is not a file"]);
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

/// A root of two parts, with what no tree can carry.
const ROOT: &str = r#"
one = step "one" "builtin:write" { files = { "/bin/a" = "a\n"; "/etc/x" = "old\n"; }; executable = [ "/bin/a" ]; links = { }; } [ ];
two = step "two" "builtin:write" { files."/etc/x" = "new\n"; executable = [ ]; links."/lib" = "bin"; } [ ];
root = step "root" "builtin:merge" { links = { }; lastWins = true; } [ { at = "/"; from = one; } { at = "/"; from = two; } ];
manifest = step "t-manifest" "builtin:manifest" {
  file = "t.manifest";
  nodes = {
    "/bin/b" = { type = "hardlink"; target = "/bin/a"; };
    "/bin/a" = { mode = "4755"; xattrs."security.capability" = "0100"; };
  };
} [ { at = "/tree"; from = root; } { at = "/parts/0"; from = one; } { at = "/parts/1"; from = two; } ];
bad = step "bad" "builtin:manifest" { file = "m"; nodes."/bin/a" = { xattrs."user.x" = "1"; }; }
  [ { at = "/tree"; from = root; } ];
"#;

#[test]
fn show_prints_the_manifest_that_was_built_and_says_who_brought_what() {
    let repo = TestRepo::new(ROOT);
    let show = || repo.run(&["show", "--manifest", "profiles/t.toml"]);
    let _ = show().fails(
        1,
        &[
            "error: the manifest of",
            "-A manifest profiles/t.toml` makes it",
        ],
    );
    let build = |attr: &str| repo.run(&["build", "--no-link", "profiles/t.toml", "-A", attr]);
    let _ = build("manifest").ok();
    let shown = show().ok();
    let words = |line: &str| -> Vec<String> {
        let kept = |word: &&str| !word.starts_with("blob=");
        line.split(' ').filter(kept).map(str::to_owned).collect()
    };
    let lines: Vec<String> = shown
        .out
        .lines()
        .map(|line| words(line).join(" "))
        .collect();
    let capability = "xattr:security.capability=\\x01\\x00";
    assert_eq!(
        lines,
        [
            "xsc-manifest 1".to_owned(),
            "/ directory mode=0755 uid=0 gid=0".to_owned(),
            "/bin directory mode=0755 uid=0 gid=0".to_owned(),
            format!("/bin/a file mode=4755 uid=0 gid=0 size=2 link=0 {capability} from=one"),
            format!("/bin/b file mode=4755 uid=0 gid=0 size=2 link=0 {capability}"),
            "/etc directory mode=0755 uid=0 gid=0".to_owned(),
            "/etc/x file mode=0644 uid=0 gid=0 size=4 from=two".to_owned(),
            "/lib symlink mode=0777 uid=0 gid=0 target=bin from=two".to_owned(),
        ]
    );
    let _ = build("bad").fails(
        100,
        &["`/bin/a`: `xattrs` must be a set of strings of hexadecimal"],
    );
}

#[test]
fn manifests_are_compared_by_path() {
    let repo = TestRepo::new(ROOT);
    let build = || repo.run(&["build", "--no-link", "profiles/t.toml", "-A", "manifest"]);
    let _ = build().ok();
    let old = repo.run(&["show", "--manifest", "profiles/t.toml"]).ok();
    repo.write("old.manifest", &old.out);
    let diff = |one: &str, other: &str| repo.run(&["diff", "--manifest", one, other]);
    let same = diff("old.manifest", "profiles/t.toml").ok();
    assert_eq!(same.out, "");
    repo.recipes(
        &ROOT
            .replace("4755", "0755")
            .replace(r#"links."/lib" = "bin""#, r#"links."/lab" = "bin""#)
            .replace("new", "newer"),
    );
    let _ = diff("old.manifest", "profiles/t.toml").fails(1, &["the manifest of", "is not built"]);
    let _ = build().ok();
    let ran = diff("old.manifest", "profiles/t.toml");
    assert_eq!(ran.code, Some(104), "{}", ran.err);
    for part in [
        "/bin/a: mode\n  - 4755\n  + 0755\n",
        "/bin/b: mode\n",
        "/etc/x: kind\n  - file of 4 bytes, ",
        "/lab: only in the second",
        "/lib: only in the first",
    ] {
        assert!(ran.out.contains(part), "no `{part}` in:\n{}", ran.out);
    }
    assert_eq!(
        ran.out
            .lines()
            .filter(|line| !line.starts_with(' '))
            .count(),
        5,
        "{}",
        ran.out
    );
    repo.write("no", "xsc-manifest 1\n/ directory\n");
    let _ = diff("no", "old.manifest")
        .fails(2, &["no: line 2: ", "hint: `xsc-compose show --manifest"]);
    let _ = diff("none", "old.manifest").fails(2, &["cannot read none"]);
}
