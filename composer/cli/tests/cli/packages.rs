//! The steps that make, rebase and install packages, as recipes call them; `dpkg-deb`, `dpkg` and `rpm` judge.
//!
//! Invariant: a tool that is not installed is said to be skipped, by name; what is refused is refused by the composer.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::env::{Ran, TestRepo, can_build};
use crate::made::{Made, X86};

/// What a package of the tests is made of, in the sandbox.
const TREE: &str = r##"
tree = run "tree" ''
  mkdir -p $out/usr/bin $out/usr/share/t $out/etc
  printf '#!/bin/sh\necho hello\n' > $out/usr/bin/hello; chmod 755 $out/usr/bin/hello
  cp $out/usr/bin/hello $out/usr/bin/mighty; chmod 755 $out/usr/bin/mighty
  ln -s hello $out/usr/bin/hi
  echo secret > $out/etc/hello.conf
  echo text > $out/usr/share/t/text'';
nodes = { "/usr/bin/mighty".mode = "4755"; "/etc/hello.conf" = { mode = "0640"; gid = 42; }; };
"##;

const COMMON: &str = r#"package = "hello"; version = "1:2.0-1"; description = "a test\n of the step"; epoch = 1735689600; inherit nodes;"#;

/// Runs a tool; `None`, said with its name, if it is not installed.
fn tool(program: &str, args: &[&dyn AsRef<OsStr>]) -> Option<String> {
    let mut command = Command::new(program);
    for arg in args {
        command.arg(arg.as_ref());
    }
    let Ok(output) = command.env("LC_ALL", "C").output() else {
        println!("SKIP {program}: it is not installed");
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{program}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    Some(text(&output.stdout))
}

fn deb_step(name: &str, architecture: &str, tree: &str) -> String {
    format!(
        r##"{name} = step "{name}" "builtin:deb" {{ {COMMON} architecture = "{architecture}"; maintainer = "T <t@invalid>";
           depends = [ "base (>= 1)" ]; fields.Section = "misc"; scripts.postinst = "#!/bin/sh\n"; }}
           [ {{ at = "/tree"; from = {tree}; }} ];"##
    )
}

#[test]
fn a_tree_becomes_a_deb_that_dpkg_reads() {
    if !can_build("a_tree_becomes_a_deb_that_dpkg_reads") {
        return;
    }
    let repo = TestRepo::new(&format!(
        "{TREE}{}",
        deb_step("result", "xsc-amd64", "tree")
    ));
    let out = repo.build().ok().path();
    let record = fs::read_to_string(out.join("provenance.json")).unwrap();
    assert!(record.contains("\"provenance\": \"rebuilt\""), "{record}");
    let deb = out.join("hello_2.0-1_xsc-amd64.deb");
    let Some(info) = tool("dpkg-deb", &[&"-I", &deb]) else {
        return;
    };
    for part in [
        "Package: hello",
        "Version: 1:2.0-1",
        "Architecture: xsc-amd64",
        "Depends: base (>= 1)",
        "Section: misc",
        "XSC-Provenance: rebuilt",
        "Description: a test",
        "conffiles",
        "postinst",
        "md5sums",
    ] {
        assert!(info.contains(part), "{part} in {info}");
    }
    let list = tool("dpkg-deb", &[&"-c", &deb]).unwrap();
    for part in [
        "-rwsr-xr-x 0/0",
        "-rw-r----- 0/42",
        "./usr/bin/hi -> hello",
        "2025-01-01",
    ] {
        assert!(list.contains(part), "{part} in {list}");
    }
    let root = repo.temp().join("unpacked");
    tool("dpkg-deb", &[&"-x", &deb, &root]).unwrap();
    let said = fs::read_to_string(root.join("usr/bin/hi")).unwrap();
    assert_eq!(said, "#!/bin/sh\necho hello\n");
}

#[test]
fn a_tree_becomes_an_rpm_that_rpm_reads() {
    if !can_build("a_tree_becomes_an_rpm_that_rpm_reads") {
        return;
    }
    let step = |version: &str| {
        format!(
            r#"{TREE} result = step "r" "builtin:rpm" {{ package = "hello"; version = "{version}"; release = "3.xsc";
               architecture = "x86_64-xsc"; license = "MIT"; summary = "a test"; description = "of the step"; url = "";
               requires = [ "bash >= 5" ]; conffiles = [ "/etc/hello.conf" ]; epoch = 1735689600; inherit nodes; }}
               [ {{ at = "/tree"; from = tree; }} ];"#
        )
    };
    let repo = TestRepo::new(&step("2-0"));
    repo.build().fails(
        100,
        &["hello: the field Version is `2-0`, expected text without `-` and spaces"],
    );
    repo.recipes(&step("2.0"));
    let rpm = repo
        .build()
        .ok()
        .path()
        .join("hello-2.0-3.xsc.x86_64-xsc.rpm");
    assert!(rpm.exists());
    let query = |words: &[&dyn AsRef<OsStr>]| {
        let all: Vec<&dyn AsRef<OsStr>> = [&"-qp" as &dyn AsRef<OsStr>]
            .into_iter()
            .chain(words.iter().copied())
            .chain([&rpm as &dyn AsRef<OsStr>])
            .collect();
        tool("rpm", &all)
    };
    let Some(head) = query(&[&"--qf", &"%{NEVRA} %{BUILDHOST} %{BUILDTIME}\n"]) else {
        return;
    };
    assert_eq!(head, "hello-2.0-3.xsc.x86_64-xsc xsc 1735689600\n");
    assert!(query(&[&"--requires"]).unwrap().contains("bash >= 5\n"));
    assert_eq!(query(&[&"--configfiles"]).unwrap(), "/etc/hello.conf\n");
    let dump = query(&[&"--dump"]).unwrap();
    for part in [
        "/usr/bin/mighty ",
        "0104755 root root",
        "0100640 root shadow",
    ] {
        assert!(dump.contains(part), "{part} in {dump}");
    }
    tool("rpm", &[&"-K", &"--nosignature", &rpm]).unwrap();
}

/// A tar archive of files, each with its name as it is given.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let header = header(name, bytes.len() as u64);
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn header(name: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    header
}

fn deb(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

const CONTROL: &str = "Package: hello\nVersion: 2.0-1\nArchitecture: amd64\nMaintainer: T <t@invalid>\n\
                       Depends: libc6 (>= 2.38), other (= 3-1)\nDescription: a test\n";

/// Debian's package `hello` with these files in its data.
fn debian(data: &[u8]) -> Vec<u8> {
    let control = tar(&[("./control", CONTROL.as_bytes())]);
    deb(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar", &control),
        ("data.tar", data),
    ])
}

struct Rebase {
    repo: TestRepo,
}

impl Rebase {
    fn new() -> Rebase {
        let repo = TestRepo::new(
            r#"result = step "rebased" "builtin:rebase" { fromArchitecture = "amd64"; architecture = "xsc-amd64";
                 suffix = "+xsc1"; minimal.libc6 = "2.41-12+xsc1"; substitute = { }; drop = [ ]; epoch = 1735689600; }
                 [ { at = "/archive"; from = ../archive; } ];"#,
        );
        fs::create_dir_all(repo.dir().join("archive")).unwrap();
        Rebase { repo }
    }

    fn of(&self, package: &[u8]) -> Ran {
        fs::write(self.repo.dir().join("archive/hello.deb"), package).unwrap();
        self.repo.build()
    }
}

#[test]
fn a_package_is_rebased() {
    let rebase = Rebase::new();
    let program = Made::new(X86, &[0xc3]).bytes();
    let data = tar(&[("./usr/bin/hello", &program), ("./usr/share/t", b"text")]);
    let out = rebase.of(&debian(&data)).ok().path();
    let record = fs::read_to_string(out.join("provenance.json")).unwrap();
    for part in [
        "\"rebased\"",
        "\"origin_version\": \"2.0-1\"",
        "/usr/bin/hello",
    ] {
        assert!(record.contains(part), "{part} in {record}");
    }
    let deb = out.join("hello_2.0-1+xsc1_xsc-amd64.deb");
    let Some(info) = tool("dpkg-deb", &[&"-I", &deb]) else {
        return;
    };
    assert!(
        info.contains("Depends: libc6 (>= 2.41-12+xsc1), other (= 3-1+xsc1)"),
        "{info}"
    );
    let root = rebase.repo.temp().join("unpacked");
    tool("dpkg-deb", &[&"-x", &deb, &root]).unwrap();
    let audit = |path: &Path| rebase.repo.run(&["audit", path.to_str().unwrap()]);
    let report = audit(&root).ok().out;
    assert!(
        report.contains("1 of them programs and libraries: 1 noted"),
        "{report}"
    );
    let before = rebase.repo.dir().join("archive/hello.deb");
    assert!(audit(&before).out.contains("no XSC note [no-note]"));
}

#[test]
fn what_cannot_be_rebased_is_refused_by_file_symbol_and_offset() {
    let rebase = Rebase::new();
    let mut trap = Made::new(X86, &[0x90, 0x0f, 0x05, 0xc3]);
    trap.symbols = vec![("getpid", 0, 4, true)];
    let mut fixed = Made::new(X86, &[0xc3]);
    fixed.kind = 2;
    fixed.interpreter = None;
    fixed.dynamic.clear();
    let data = tar(&[
        ("./usr/bin/trap", &trap.bytes()),
        ("./usr/bin/static", &fixed.bytes()),
    ]);
    rebase.of(&debian(&data)).fails(
        100,
        &[
            "error: rebased: hello.deb: 2 of its files can't be rebased: ",
            "/usr/bin/trap: it holds `syscall` at getpid+0x1 (offset 0x1001)",
            "/usr/bin/static: it is linked statically, so it holds a libc of its own",
        ],
    );
    let control = CONTROL.replace("amd64", "arm64");
    let control = tar(&[("./control", control.as_bytes())]);
    let arm = deb(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar", &control),
        ("data.tar", &tar(&[])),
    ]);
    rebase.of(&arm).fails(
        100,
        &["the field Architecture is `arm64`, expected amd64 or all"],
    );
}

#[test]
fn packages_that_are_damaged_or_hostile() {
    let rebase = Rebase::new();
    let good = debian(&tar(&[("./usr/share/t", b"text")]));
    let _ = rebase.of(&good).ok();
    let control = tar(&[("./control", CONTROL.as_bytes())]);
    let with_data = |name: &str, bytes: &[u8]| {
        deb(&[
            ("debian-binary", b"2.0\n"),
            ("control.tar", &control),
            (name, bytes),
        ])
    };
    // A size of nine exabytes, and one that is no number.
    let mut absurd = header("./usr/share/t", 1 << 62);
    absurd.set_cksum();
    let absurd = [absurd.as_bytes().as_slice(), &[0; 1024]].concat();
    let mut number = header("./usr/share/t", 0);
    number.as_old_mut().size.copy_from_slice(b"zzzzzzzzzzzz");
    number.set_cksum();
    let number = [number.as_bytes().as_slice(), &[0; 1024]].concat();
    let mut owner = header("./usr/bin/su", 0);
    owner.as_old_mut().uid.copy_from_slice(b"root\0\0\0\0");
    owner.set_mode(0o4755);
    owner.set_cksum();
    let owner = [owner.as_bytes().as_slice(), &[0; 1024]].concat();
    let mut device = header("./dev/sda", 0);
    device.set_entry_type(tar::EntryType::Block);
    device.set_cksum();
    let device = [device.as_bytes().as_slice(), &[0; 1024]].concat();
    let mut link = header("./usr/share/l", 0);
    link.set_entry_type(tar::EntryType::Link);
    link.as_old_mut().linkname[..14].copy_from_slice(b"../etc/passwd\0");
    link.set_cksum();
    let link = [link.as_bytes().as_slice(), &[0; 1024]].concat();
    let cases: [(&str, Vec<u8>, &str); 12] = [
        ("empty", Vec::new(), "hello.deb: not a Debian package"),
        (
            "no archive",
            b"PK\x03\x04".to_vec(),
            "not a Debian package: it is no ar archive",
        ),
        ("cut in a header", good[..100].to_vec(), "hello.deb: "),
        (
            "cut in data",
            good[..good.len() - 1500].to_vec(),
            "cannot process ",
        ),
        (
            "climbs",
            debian(&tar(&[("../../etc/passwd", b"x")])),
            "the path `../../etc/passwd` leaves the root",
        ),
        (
            "climbs later",
            debian(&tar(&[("./usr/../../x", b"x")])),
            "the path `./usr/../../x` leaves the root",
        ),
        (
            "link climbs",
            debian(&link),
            "the path `../etc/passwd` leaves the root",
        ),
        ("absurd size", debian(&absurd), "cannot process data.tar"),
        (
            "size that is none",
            debian(&number),
            "cannot process data.tar",
        ),
        (
            "owner that is none",
            debian(&owner),
            "cannot process an owner in data.tar",
        ),
        (
            "device",
            debian(&device),
            "`/dev/sda` is neither file, directory nor link",
        ),
        (
            "compression",
            with_data("data.tar.lzma", b""),
            "a member is compressed in an unknown way",
        ),
    ];
    for (what, package, said) in cases {
        let ran = rebase.of(&package);
        assert!(ran.err.contains(said), "{what}: {}", ran.err);
        ran.fails(100, &["error: rebased: hello.deb: "]);
    }
    // An absolute path is one of the package's root, as dpkg has it.
    let absolute = debian(&tar(&[("/usr/share/t", b"text")]));
    let out = rebase
        .of(&absolute)
        .ok()
        .path()
        .join("hello_2.0-1+xsc1_xsc-amd64.deb");
    if let Some(list) = tool("dpkg-deb", &[&"-c", &out]) {
        assert!(list.contains(" ./usr/share/t\n"), "{list}");
    }
    fs::write(rebase.repo.dir().join("archive/other.deb"), good).unwrap();
    rebase
        .repo
        .build()
        .fails(100, &["the input at `/archive` must hold one .deb"]);
}

#[test]
fn packages_become_a_root_with_owners() {
    if !can_build("packages_become_a_root_with_owners") {
        return;
    }
    let part = |name: &str, builder: &str, more: &str| {
        format!(
            r#"{name} = step "{name}" "builtin:{builder}" {{ architecture = "xsc-amd64"; userland = "any";
               exclude = [ "/usr/share/t" ];
               alternatives.greet = {{ link = "/usr/bin/greet"; choices."/usr/bin/hello" = 5; }}; {more} }}
               [ {{ at = "/packages/0"; from = hello; }} {{ at = "/packages/1"; from = base; }} ];"#
        )
    };
    let base = deb_step("base", "xsc-amd64", "../base")
        .replace("inherit nodes;", "")
        .replace("package = \"hello\"", "package = \"base\"")
        .replace("depends = [ \"base (>= 1)\" ];", "");
    let recipes = |more: &str| {
        format!(
            "{TREE}{}\n{base}\n{}\n{}\nresult = step \"all\" \"builtin:merge\" {{ }} \
             [ {{ at = \"/root\"; from = root-tree; }} {{ at = \"/owners\"; from = root-owners; }} ];",
            deb_step("hello", "xsc-amd64", "tree"),
            part("root-tree", "deb-root", more),
            part("root-owners", "deb-owners", more),
        )
    };
    let repo = TestRepo::new(&recipes(""));
    repo.write("base/usr/share/base", "text");
    let out = repo.build().ok().path();
    let root = out.join("root");
    assert_eq!(
        fs::read_link(root.join("usr/bin/greet")).unwrap(),
        Path::new("/etc/alternatives/greet")
    );
    assert!(root.join("usr/share/base").exists() && !root.join("usr/share/t").exists());
    let owners = fs::read_to_string(out.join("owners/owners.json")).unwrap();
    let owners: serde_json::Value = serde_json::from_str(&owners).unwrap();
    assert_eq!(
        owners,
        serde_json::json!([
            { "path": "/etc/hello.conf", "mode": "0640", "uid": 0, "gid": 42 },
            { "path": "/usr/bin/mighty", "mode": "4755", "uid": 0, "gid": 0 },
        ])
    );
    let at = format!("--root={}", root.display());
    if let Some(said) = tool("dpkg", &[&at, &"--audit"]) {
        assert_eq!(said, "");
        let list = tool("dpkg", &[&at, &"-S", &"/usr/bin/hi"]).unwrap();
        // The host's dpkg takes the architecture for a foreign one and names it.
        assert_eq!(list, "hello:xsc-amd64: /usr/bin/hi\n");
    }
    // A link where the database goes would lead whoever writes the root out of it.
    let outside = repo.temp().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, repo.dir().join("base/var")).unwrap();
    repo.build().fails(
        100,
        &["the root: `/var/lib` is to be in `/var`, which is no directory"],
    );
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    fs::remove_file(repo.dir().join("base/var")).unwrap();
    fs::create_dir_all(repo.dir().join("base/usr/bin")).unwrap();
    repo.write("base/usr/bin/hello", "another");
    repo.build()
        .fails(100, &["`/usr/bin/hello` is in both hello and base"]);
    fs::remove_file(repo.dir().join("base/usr/bin/hello")).unwrap();
    repo.recipes(&recipes("").replace("userland = \"any\"", "userland = \"rebased\""));
    repo.build().fails(
        100,
        &["the field XSC-Provenance is `another for hello, base`, expected rebased"],
    );
    repo.recipes(&recipes("").replace("choices.\"/usr/bin/hello\"", "choices.\"/usr/bin/no\""));
    repo.build().fails(
        100,
        &["`/usr/bin/no` is to be an alternative, but is not in the package"],
    );
}
