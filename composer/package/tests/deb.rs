//! What is written is read by the real tools: `dpkg-deb`, `dpkg`, `rpm`; and what is wrong is refused by name.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use xsc_package::{
    Alternative, Control, Entry, Kind, Member, Package, PackageError, PackagePath, Provenance,
    Provider, RebaseSpec, RootKind, RootSpec, RpmSpec, install, read_deb, rebase,
    shared_library_dependencies, write_deb, write_rpm,
};

const EPOCH: u64 = 1_735_689_600;

fn entry(path: &str, kind: Kind) -> Entry {
    Entry::new(PackagePath::new(path).unwrap(), kind, EPOCH)
}

fn file(path: &str, content: &[u8]) -> Entry {
    entry(path, Kind::File(content.to_vec()))
}

fn package(name: &str, fields: &str, files: Vec<Entry>) -> Package {
    let control = format!(
        "Package: {name}\nVersion: 1:1.0-1\nArchitecture: amd64\nMaintainer: XSC <xsc@invalid>\n{fields}Description: a test\n of packages\n"
    );
    Package {
        control: Control::parse(&control).unwrap(),
        members: BTreeMap::new(),
        files,
    }
}

fn sample() -> Package {
    let mut program = file("/usr/bin/tool", b"#!/bin/sh\nexit 0\n");
    program.mode = 0o4755;
    let mut secret = file("/etc/tool.conf", b"x=1\n");
    secret.mode = 0o640;
    secret.gid = 42;
    let long = format!("/usr/share/{}", "d".repeat(120));
    let mut package = package(
        "tool",
        "Depends: libc6 (>= 2.38)\n",
        vec![
            entry("/", Kind::Directory),
            entry("/etc", Kind::Directory),
            secret,
            entry("/usr", Kind::Directory),
            entry("/usr/bin", Kind::Directory),
            program,
            entry(
                "/usr/bin/tool-1",
                Kind::Hardlink(PackagePath::new("/usr/bin/tool").unwrap()),
            ),
            entry("/usr/bin/t", Kind::Symlink("./tool".to_owned())),
            entry("/usr/share", Kind::Directory),
            entry(&long, Kind::Directory),
            file(&format!("{long}/f"), b"deep"),
            entry(
                &format!("{long}/l"),
                Kind::Symlink(format!("../{}/f", "d".repeat(120))),
            ),
        ],
    );
    let member = |text: &str, executable| Member {
        bytes: text.as_bytes().to_vec(),
        executable,
    };
    let members = &mut package.members;
    members.insert("conffiles".to_owned(), member("/etc/tool.conf\n", false));
    members.insert("postinst".to_owned(), member("#!/bin/sh\nexit 0\n", true));
    members.insert(
        "triggers".to_owned(),
        member("interest-noawait /usr/share/x\ninterest ldconfig\n", false),
    );
    package
}

fn bytes(package: &Package) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_deb(package, EPOCH, &mut bytes).unwrap();
    bytes
}

/// A package of two tar archives that are not compressed.
fn archive_of(control: &[u8], data: &[u8]) -> Vec<u8> {
    let mut archive = ar::Builder::new(Vec::new());
    for (name, bytes) in [
        ("debian-binary", b"2.0\n".as_slice()),
        ("control.tar", control),
        ("data.tar", data),
    ] {
        let header = ar::Header::new(name.into(), bytes.len() as u64);
        archive.append(&header, bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Runs a tool; `None`, said on standard error, if it is not installed.
fn tool(program: &str, args: &[impl AsRef<std::ffi::OsStr>]) -> Option<String> {
    let output = match Command::new(program).args(args).env("LC_ALL", "C").output() {
        Ok(output) => output,
        Err(_) => {
            eprintln!("skipped: {program} is not installed");
            return None;
        }
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

fn write(path: &Path, bytes: &[u8]) -> String {
    std::fs::write(path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_deb_there_and_back() {
    let package = sample();
    let written = bytes(&package);
    assert_eq!(written, bytes(&package), "twice the same");
    assert_eq!(read_deb(written.as_slice()).unwrap(), package);
    assert_eq!(package.file_name().unwrap(), "tool_1.0-1_amd64.deb");
}

#[test]
fn dpkg_deb_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir.path().join("tool.deb"), &bytes(&sample()));
    let Some(info) = tool("dpkg-deb", &["-I", &path]) else {
        return;
    };
    for part in [
        "Package: tool",
        "Version: 1:1.0-1",
        "Depends: libc6 (>= 2.38)",
        "postinst",
        "conffiles",
        "md5sums",
    ] {
        assert!(info.contains(part), "{part} in {info}");
    }
    let list = tool("dpkg-deb", &["-c", &path]).unwrap();
    assert!(list.contains("-rwsr-xr-x 0/0"), "{list}");
    assert!(list.contains("-rw-r----- 0/42"), "{list}");
    assert!(list.contains("./usr/bin/t -> ./tool"), "{list}");
    assert!(list.contains("2025-01-01"), "{list}");
    let root = dir.path().join("x");
    tool("dpkg-deb", &["-x", &path, root.to_str().unwrap()]).unwrap();
    assert_eq!(
        std::fs::read(root.join("usr/bin/t")).unwrap(),
        b"#!/bin/sh\nexit 0\n"
    );
    let deep = root.join("usr/share").join("d".repeat(120));
    assert_eq!(std::fs::read(deep.join("l")).unwrap(), b"deep");
    let control = root.join("DEBIAN");
    tool("dpkg-deb", &["-e", &path, control.to_str().unwrap()]).unwrap();
    let sums = std::fs::read_to_string(control.join("md5sums")).unwrap();
    assert!(
        sums.contains("  usr/bin/tool\n") && !sums.contains("tool.conf"),
        "{sums}"
    );
}

#[test]
fn dpkg_installs_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut package = sample();
    package.control.remove("Depends");
    package.members.remove("postinst");
    let path = write(&dir.path().join("tool.deb"), &bytes(&package));
    let root = dir.path().join("root");
    for part in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log"] {
        std::fs::create_dir_all(root.join(part)).unwrap();
    }
    write(&root.join("var/lib/dpkg/status"), b"");
    let root = format!("--root={}", root.to_str().unwrap());
    let args = [
        &root,
        "--force-not-root",
        "--force-bad-path",
        "--force-architecture",
    ];
    let with = |more: &[&'static str]| -> Vec<String> {
        let all = args.iter().copied().chain(more.iter().copied());
        all.map(str::to_owned).collect()
    };
    if Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout != b"0\n")
    {
        eprintln!("skipped: dpkg --install changes owners, which needs root");
        return;
    }
    let Some(_) = tool("dpkg", &[&with(&["--install"]), &[path][..]].concat()) else {
        return;
    };
    assert_eq!(tool("dpkg", &with(&["--audit"])).unwrap(), "");
    assert_eq!(tool("dpkg", &with(&["--verify"])).unwrap(), "");
    assert!(
        tool("dpkg", &with(&["-l", "tool"]))
            .unwrap()
            .contains("\nii  tool")
    );
}

#[test]
fn refuses_what_is_no_package() {
    let good = bytes(&sample());
    assert!(matches!(
        read_deb(b"no".as_slice()),
        Err(PackageError::NotDeb { .. })
    ));
    assert!(matches!(
        read_deb(b"!<arch>\n".as_slice()),
        Err(PackageError::NotDeb { .. })
    ));
    for cut in [70, 140, 300, good.len() - 60] {
        assert!(read_deb(&good[..cut]).is_err(), "cut at {cut}");
    }
    let mut package = sample();
    package.control.remove("Maintainer");
    let error = write_deb(&package, EPOCH, &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the control paragraph has no field Maintainer"
    );
}

/// Every length, and bytes changed by a fixed sequence: an error or a package, never a panic.
#[test]
fn damage_is_never_a_panic() {
    let good = bytes(&sample());
    let mut seed = 0x5853_4321_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    // The last byte may only fill the archive up to an even length.
    for length in 0..good.len() - 1 {
        assert!(read_deb(&good[..length]).is_err(), "cut at {length}");
    }
    // Uncompressed, so that changes reach what is inside.
    let mut tar = tar::Builder::new(Vec::new());
    for entry in &sample().files {
        let Kind::File(content) = &entry.kind else {
            continue;
        };
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(entry.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        tar.append_data(&mut header, entry.path.relative(), content.as_slice())
            .unwrap();
    }
    let data = tar.into_inner().unwrap();
    let mut control = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(11);
    control
        .append_data(&mut header, "control", b"Package: a\n".as_slice())
        .unwrap();
    let control = control.into_inner().unwrap();
    let plain = archive_of(&control, &data);
    read_deb(plain.as_slice()).unwrap();
    for _ in 0..3000 {
        let mut changed = plain.clone();
        for _ in 0..=next(4) {
            let at = next(changed.len());
            changed[at] = next(256) as u8;
        }
        let _ = read_deb(changed.as_slice());
    }
}

#[test]
fn an_entry_that_climbs_is_refused() {
    let mut header = tar::Header::new_gnu();
    let mut builder = tar::Builder::new(Vec::new());
    header.as_old_mut().name[..9].copy_from_slice(b"../../etc");
    header.set_size(0);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    builder.append(&header, b"".as_slice()).unwrap();
    let data = builder.into_inner().unwrap();
    let mut control = tar::Builder::new(Vec::new());
    let text = b"Package: a\n";
    header.as_old_mut().name[..9].copy_from_slice(b"control\0\0");
    header.set_size(text.len() as u64);
    header.set_cksum();
    control.append(&header, text.as_slice()).unwrap();
    let control = control.into_inner().unwrap();
    let error = read_deb(archive_of(&control, &data).as_slice()).unwrap_err();
    assert_eq!(error.to_string(), "the path `../../etc` leaves the root");
}

/// Compiles a library and a program that needs it; `None` without a compiler.
fn compiled(dir: &Path) -> Option<(Vec<u8>, Vec<u8>)> {
    write(&dir.join("l.c"), b"int answer(void){return 42;}\n");
    write(&dir.join("v.map"), b"ANS_1.5 { answer; };\n");
    write(
        &dir.join("m.c"),
        b"int answer(void);int main(void){return answer();}\n",
    );
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let library = at("libanswer.so.1");
    let version = format!("-Wl,--version-script={}", at("v.map"));
    tool(
        "cc",
        &[
            "-shared",
            "-fPIC",
            "-Wl,-soname,libanswer.so.1",
            &version,
            "-o",
            &library,
            &at("l.c"),
        ],
    )?;
    tool("cc", &["-o", &at("m"), &at("m.c"), &library])?;
    Some((
        std::fs::read(&library).unwrap(),
        std::fs::read(dir.join("m")).unwrap(),
    ))
}

#[test]
fn dependencies_come_from_elf_files() {
    let dir = tempfile::tempdir().unwrap();
    let Some((library, program)) = compiled(dir.path()) else {
        return;
    };
    let mut answer = package(
        "libanswer1",
        "",
        vec![file("/usr/lib/libanswer.so.1", &library)],
    );
    let program = vec![file("/usr/bin/m", &program)];
    let libc = std::process::Command::new("cc")
        .arg("-print-file-name=libc.so.6")
        .output()
        .unwrap();
    let libc = std::fs::read(String::from_utf8(libc.stdout).unwrap().trim()).unwrap();
    let libc = package("libc6", "", vec![file("/usr/lib/libc.so.6", &libc)]);
    let libc = Provider::of(&libc).unwrap();

    let error = shared_library_dependencies(&program, std::slice::from_ref(&libc)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`/usr/bin/m` needs libanswer.so.1, which neither the package nor its inputs have"
    );
    let shown = |answer: &Package| {
        let providers = [libc.clone(), Provider::of(answer).unwrap()];
        let found = shared_library_dependencies(&program, &providers).unwrap();
        let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
        texts.join(", ")
    };
    assert_eq!(shown(&answer), "libanswer1 (>= 1:1.0), libc6 (>= 2.34)");
    let symbols =
        b"libanswer.so.1 libanswer1 #MINVER#\n ANS_1.5@ANS_1.5 1:0.9\n answer@ANS_1.5 1:0.8\n";
    let member = Member {
        bytes: symbols.to_vec(),
        executable: false,
    };
    answer.members.insert("symbols".to_owned(), member);
    assert_eq!(shown(&answer), "libanswer1 (>= 1:0.9), libc6 (>= 2.34)");
}

fn rpm_spec() -> RpmSpec {
    RpmSpec {
        name: "answer".to_owned(),
        version: "1.0".to_owned(),
        release: "1.xsc".to_owned(),
        architecture: "x86_64-xsc".to_owned(),
        license: "MIT".to_owned(),
        summary: "a test".to_owned(),
        description: "of rpm".to_owned(),
        url: String::new(),
        requires: vec!["bash >= 5".to_owned()],
        conffiles: vec!["/etc/tool.conf".to_owned()],
        epoch: EPOCH as u32,
    }
}

#[test]
fn rpm_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = sample().files;
    let Some((library, program)) = compiled(dir.path()) else {
        return;
    };
    files.push(file("/usr/lib64/libanswer.so.1", &library));
    files.push(file("/usr/bin/m", &program));
    let written = write_rpm(&rpm_spec(), &files).unwrap();
    assert_eq!(
        written,
        write_rpm(&rpm_spec(), &files).unwrap(),
        "twice the same"
    );
    let path = write(&dir.path().join("a.rpm"), &written);
    let format = "%{NEVRA} %{BUILDHOST} %{BUILDTIME} %{SIGPGP:pgpsig}\n";
    let Some(head) = tool("rpm", &["-qp", "--qf", format, &path]) else {
        return;
    };
    assert_eq!(head, "answer-1.0-1.xsc.x86_64-xsc xsc 1735689600 (none)\n");
    let query = |what: &str| tool("rpm", &["-qp", what, &path]).unwrap();
    let requires = query("--requires");
    assert!(requires.contains("bash >= 5\n"), "{requires}");
    assert!(
        requires.contains("libc.so.6(GLIBC_2.34)(64bit)\n"),
        "{requires}"
    );
    assert!(!requires.contains("libanswer"), "{requires}");
    let provides = query("--provides");
    assert!(
        provides.contains("libanswer.so.1(ANS_1.5)(64bit)\n"),
        "{provides}"
    );
    assert_eq!(query("--configfiles"), "/etc/tool.conf\n");
    let dump = query("--dump");
    assert!(dump.contains("0104755 root root"), "{dump}");
    assert!(dump.contains("0100640 root shadow"), "{dump}");
    tool("rpm", &["-K", "--nosignature", &path]).unwrap();
}

#[test]
fn rpm_versions_hold_no_dash() {
    let spec = RpmSpec {
        version: "1-2".to_owned(),
        ..rpm_spec()
    };
    let error = write_rpm(&spec, &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the field Version is `1-2`, expected text without `-` and spaces"
    );
}

fn rebase_spec() -> RebaseSpec {
    RebaseSpec {
        from_architecture: "amd64".to_owned(),
        architecture: "xsc-amd64".to_owned(),
        suffix: "+xsc1".to_owned(),
        origin_sha256: "0".repeat(64),
        minimal: BTreeMap::from([("libc6".to_owned(), "2.41-12+xsc1".to_owned())]),
        substitute: BTreeMap::from([("sqv".to_owned(), "gpgv".to_owned())]),
        drop: vec!["/usr/share/gone".to_owned()],
    }
}

#[test]
fn rebasing_rewrites_metadata_and_marks() {
    let dir = tempfile::tempdir().unwrap();
    let Some((library, program)) = compiled(dir.path()) else {
        return;
    };
    let fields = "Provides: t (= 1:1.0-1), u (= 3)\nDepends: libc6 (>= 2.38), a (= 2-1), b (<< 3), sqv (>= 1), c:amd64\nBreaks: d (<= 4-1), e (<< 5), f (<= 6)\n";
    let original = package(
        "m",
        fields,
        vec![
            file("/usr/bin/m", &program),
            file("/usr/lib/libanswer.so.1", &library),
            file("/usr/share/gone", b""),
            file("/usr/share/text", b"text"),
        ],
    );
    let marker = |_: &str, bytes: &[u8]| Ok([bytes, b"note"].concat());
    let (new, record) = rebase(original.clone(), &rebase_spec(), &marker).unwrap();
    let get = |field| new.control.get(field).unwrap();
    assert_eq!(get("Version"), "1:1.0-1+xsc1");
    assert_eq!(get("Architecture"), "xsc-amd64");
    assert_eq!(
        get("Depends"),
        "libc6 (>= 2.41-12+xsc1), a (= 2-1+xsc1), b (<< 3), gpgv, c:xsc-amd64"
    );
    assert_eq!(get("Breaks"), "d (<= 4-1+xsc1), e (<< 5), f (<= 6)");
    assert_eq!(get("Provides"), "t (= 1:1.0-1+xsc1), u (= 3)");
    assert_eq!(Provenance::of(&new.control), Provenance::Rebased);
    assert_eq!(record.provenance, Provenance::Rebased);
    assert_eq!(record.origin_version.as_deref(), Some("1:1.0-1"));
    let marked: Vec<&str> = record.marked.iter().map(|m| m.path.as_str()).collect();
    assert_eq!(marked, ["/usr/bin/m", "/usr/lib/libanswer.so.1"]);
    assert_eq!(new.files.len(), 3);
    assert!(matches!(&new.files[0].kind, Kind::File(b) if b.ends_with(b"note")));

    // All refusals at once, each with its file.
    let marker = |path: &str, _: &[u8]| match path {
        "/usr/bin/m" => Err(vec!["syscall at main+0x1".to_owned()]),
        _ => Err(vec!["other".to_owned()]),
    };
    let error = rebase(original.clone(), &rebase_spec(), &marker).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 of its files can't be rebased: /usr/bin/m: syscall at main+0x1; /usr/lib/libanswer.so.1: other"
    );

    // A file that goes leaves its content to its other names.
    let link = |path: &str, to: &str| {
        let to = PackagePath::new(to).unwrap();
        entry(path, Kind::Hardlink(to))
    };
    let linked = package(
        "l",
        "Depends: later (>> 2-1), libc6 (>> 2.41)\n",
        vec![
            file("/usr/share/gone", b"kept"),
            link("/usr/share/b", "/usr/share/gone"),
            link("/usr/share/c", "/usr/share/gone"),
        ],
    );
    let (linked, _) = rebase(linked, &rebase_spec(), &|_, bytes| Ok(bytes.to_vec())).unwrap();
    assert_eq!(
        linked.files,
        [
            file("/usr/share/b", b"kept"),
            link("/usr/share/c", "/usr/share/b"),
        ]
    );
    assert_eq!(
        linked.control.get("Depends"),
        Some("later (>> 2-1+xsc1), libc6 (>> 2.41)")
    );

    let mut arm = original.clone();
    arm.control.set("Architecture", "arm64");
    let marker = |_: &str, bytes: &[u8]| Ok(bytes.to_vec());
    let error = rebase(arm, &rebase_spec(), &marker).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the field Architecture is `arm64`, expected amd64 or all"
    );
    let spec = RebaseSpec {
        drop: vec!["/nowhere".to_owned()],
        ..rebase_spec()
    };
    let error = rebase(original, &spec, &marker).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`/nowhere` is to be left out, but is not in the package"
    );
}

#[test]
fn static_programs_are_not_rebased() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("s.c"), b"int main(void){return 0;}\n");
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    for option in ["-static", "-static-pie"] {
        let Some(_) = tool("cc", &[option, "-o", &at("s"), &at("s.c")]) else {
            return;
        };
        let program = std::fs::read(dir.path().join("s")).unwrap();
        let original = package(
            "s",
            "",
            vec![file("/usr/share/gone", b""), file("/sbin/s", &program)],
        );
        let marker = |_: &str, bytes: &[u8]| Ok(bytes.to_vec());
        let error = rebase(original, &rebase_spec(), &marker).unwrap_err();
        assert_eq!(
            error.to_string(),
            "1 of its files can't be rebased: /sbin/s: it is linked statically, so it holds a libc of its own",
            "{option}"
        );
    }
}

fn root_spec() -> RootSpec {
    RootSpec {
        architecture: "amd64".to_owned(),
        exclude: vec!["/usr/share/doc".to_owned()],
        alternatives: vec![Alternative {
            name: "awk".to_owned(),
            link: "/usr/bin/awk".to_owned(),
            path: "/usr/bin/tool".to_owned(),
            priority: 5,
        }],
        demanded: None,
    }
}

#[test]
fn a_root_looks_installed() {
    let base = package(
        "base",
        "Multi-Arch: same\nProvides: libc6 (= 2.41)\n",
        vec![
            entry("/", Kind::Directory),
            entry("/lib", Kind::Symlink("usr/lib".to_owned())),
            entry("/usr/lib", Kind::Directory),
            file("/lib/below", b"link"),
            file("/usr/share/doc/x", b"doc"),
        ],
    );
    let root = install(&[sample(), base.clone()], &root_spec()).unwrap();
    assert_eq!(
        root,
        install(&[base.clone(), sample()], &root_spec()).unwrap(),
        "the order decides nothing"
    );
    let get = |path: &str| &root.entries[&PackagePath::new(path).unwrap()].kind;
    assert_eq!(get("/usr/lib/below"), &RootKind::File(b"link".to_vec()));
    assert_eq!(
        get("/usr/bin/awk"),
        &RootKind::Symlink("/etc/alternatives/awk".to_owned())
    );
    assert!(
        !root
            .entries
            .contains_key(&PackagePath::new("/usr/share/doc/x").unwrap())
    );
    let owners: Vec<(String, u32, u32)> = root
        .owners()
        .into_iter()
        .map(|o| (o.path.to_string(), o.mode, o.gid))
        .collect();
    assert_eq!(
        owners,
        [
            ("/etc/tool.conf".to_owned(), 0o640, 42),
            ("/usr/bin/tool".to_owned(), 0o4755, 0),
        ]
    );

    // dpkg reads the database.
    let dir = tempfile::tempdir().unwrap();
    for (path, entry) in &root.entries {
        let at = dir.path().join(path.relative());
        match &entry.kind {
            RootKind::Directory => std::fs::create_dir_all(&at).unwrap(),
            RootKind::File(bytes) => std::fs::write(&at, bytes).unwrap(),
            RootKind::Symlink(target) => std::os::unix::fs::symlink(target, &at).unwrap(),
        }
    }
    let root = format!("--root={}", dir.path().to_str().unwrap());
    let Some(audit) = tool("dpkg", &[&root, "--audit"]) else {
        return;
    };
    assert_eq!(audit, "");
    let list = tool("dpkg", &[&root, "-l"]).unwrap();
    assert!(
        list.contains("\nii  base:amd64") && list.contains("\nii  tool "),
        "{list}"
    );
    assert_eq!(tool("dpkg", &[&root, "-V", "tool"]).unwrap(), "");
    assert_eq!(
        tool("dpkg", &[&root, "-S", "/usr/bin/t"]).unwrap(),
        "tool: /usr/bin/t\n"
    );
}

#[test]
fn sets_that_do_not_fit_together() {
    let tool = sample();
    let message =
        |packages: &[Package], spec: &RootSpec| install(packages, spec).unwrap_err().to_string();
    assert_eq!(
        message(std::slice::from_ref(&tool), &root_spec()),
        "tool depends on libc6 (>= 2.38), which no package of the set satisfies"
    );
    let libc = |fields: &str| {
        let mut libc = package("libc6", fields, vec![file("/usr/bin/tool", b"other")]);
        libc.control.set("Version", "2.41");
        libc
    };
    assert_eq!(
        message(&[tool.clone(), libc("")], &root_spec()),
        "`/usr/bin/tool` is in both tool and libc6"
    );
    // The package that replaces the other has the file, whichever comes first.
    let replacing = libc("Replaces: tool\n");
    for packages in [[tool.clone(), replacing.clone()], [replacing, tool.clone()]] {
        let root = install(&packages, &root_spec()).unwrap();
        let entry = &root.entries[&PackagePath::new("/usr/bin/tool").unwrap()];
        assert_eq!(entry.kind, RootKind::File(b"other".to_vec()));
    }
    assert_eq!(
        message(
            &[tool.clone(), libc("Breaks: tool (<< 2:0)\n")],
            &root_spec()
        ),
        "libc6 breaks tool 1:1.0-1, which is in the set"
    );
    assert_eq!(
        message(&[tool.clone(), tool.clone()], &root_spec()),
        "the package tool is given twice"
    );
    let other = RootSpec {
        architecture: "xsc-amd64".to_owned(),
        ..root_spec()
    };
    assert_eq!(
        message(&[tool], &other),
        "tool is for amd64, and the set is for xsc-amd64"
    );
    let demanding = RootSpec {
        demanded: Some(Provenance::Rebuilt),
        ..root_spec()
    };
    assert_eq!(
        message(&[libc("")], &demanding),
        "the field XSC-Provenance is `another for libc6`, expected rebuilt"
    );
}
