//! Many files at once, archives, and the three forms of a report.

use std::io::{Cursor, Write};

use xsc_elf::{Audit, Policy, Require, audit_all, json, sarif, text};

use crate::made::{Made, X86};

fn files() -> Vec<(String, Vec<u8>)> {
    let good = Made::new(X86, &[0xc3]).noted(&[1]).bytes();
    let mut bad = Made::new(X86, &[0x90, 0x0f, 0x05, 0xc3]);
    bad.symbols = vec![("enter", 0, 4, true)];
    vec![
        ("usr/bin/good".to_owned(), good),
        ("usr/bin/b d".to_owned(), bad.bytes()),
        ("etc/passwd".to_owned(), b"root:x:0\n".to_vec()),
    ]
}

fn run(files: &[(String, Vec<u8>)], allow: &[&str]) -> Audit {
    let allow: Vec<String> = allow.iter().map(|s| (*s).to_owned()).collect();
    let policy = Policy::new(Require::Base, None);
    run_with(files, &policy.allowing_traps(&allow).unwrap())
}

fn run_with(files: &[(String, Vec<u8>)], policy: &Policy) -> Audit {
    let names: Vec<&String> = files.iter().map(|(name, _)| name).collect();
    audit_all(&names, policy, 3, |name| {
        let (_, bytes) = files.iter().find(|(n, _)| n == *name).unwrap();
        Ok(Cursor::new(bytes.clone()))
    })
    .unwrap()
}

fn golden(name: &str, text: &str) {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("XSC_ACCEPT").is_some() {
        std::fs::write(&path, text).unwrap();
        panic!("accepted, not checked");
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap_or_default(),
        text,
        "{name}"
    );
}

#[test]
fn reports_are_as_written() {
    let audit = run(&files(), &[]);
    assert!(!audit.passes());
    golden("report.txt", &text(&audit));
    let pretty = |value| format!("{}\n", serde_json::to_string_pretty(&value).unwrap());
    golden("report.json", &pretty(json(&audit)));
    golden("report.sarif", &pretty(sarif(&audit)));
}

/// What SARIF 2.1.0 asks of the parts that are used.
#[test]
fn sarif_has_its_shape() {
    let log = sarif(&run(&files(), &[]));
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(run["tool"]["driver"]["name"].is_string());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "usr/bin/b%20d");
    }
}

#[test]
fn patterns_allow_traps() {
    for pattern in ["b d", "usr/bin/*", "**/b d", "/usr/bin/b d"] {
        let audit = run(&files(), &[pattern]);
        let errors = audit.summary().errors;
        assert_eq!(errors, 1, "{pattern}: only the note is missing");
        assert_eq!(audit.summary().traps, 1);
    }
    assert_eq!(run(&files(), &["*/b d", "bin/*", "b"]).summary().errors, 2);
    let policy = Policy::new(Require::Base, None);
    assert!(policy.allowing_traps(&["a[".to_owned()]).is_err());
}

#[test]
fn exemptions() {
    let exempting = |paths: &[&str]| {
        let reasons = paths
            .iter()
            .map(|path| ((*path).to_owned(), "why".to_owned()));
        let policy = Policy::new(Require::Base, None).exempting(reasons.collect());
        run_with(&files(), &policy)
    };
    let audit = exempting(&["usr/bin/b d"]);
    assert!(audit.passes());
    assert_eq!((audit.summary().traps, audit.summary().noted), (1, 1));
    let shown = text(&audit);
    assert!(
        shown.contains("exempt: usr/bin/b d: why [trap-instruction, no-note]\n"),
        "{shown}"
    );
    let value = sarif(&audit);
    let suppressed = &value["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!(suppressed["justification"], "why");
    // What needs none, what is no ELF file, what is not there.
    for path in ["usr/bin/good", "etc/passwd", "usr/bin/*"] {
        let audit = exempting(&["usr/bin/b d", path]);
        assert!(!audit.passes());
        assert_eq!(audit.unneeded, [path]);
        assert_eq!(audit.summary().errors, 1);
        let shown = text(&audit);
        assert!(
            shown.contains(&format!("error: {path}: it is exempt")),
            "{shown}"
        );
    }
}

fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn cpio(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let end = ("TRAILER!!!".to_owned(), Vec::new());
    for (name, bytes) in files.iter().chain([&end]) {
        let mut fields = [0; 13];
        (fields[1], fields[6], fields[11]) = (0o100_755, bytes.len(), name.len() + 1);
        out.extend_from_slice(b"070701");
        for field in fields {
            write!(out, "{field:08x}").unwrap();
        }
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn archives_are_looked_into() {
    let files = files();
    let mut deb = ar::Builder::new(Vec::new());
    let data = zstd::encode_all(&tar(&files)[..], 1).unwrap();
    for (name, bytes) in [("debian-binary", b"2.0\n".to_vec()), ("data.tar.zst", data)] {
        let header = ar::Header::new(name.into(), bytes.len() as u64);
        deb.append(&header, &bytes[..]).unwrap();
    }
    // An initramfs: something plain first, padding, then the compressed archive.
    let mut initramfs = cpio(&[("early".to_owned(), vec![1, 2, 3])]);
    initramfs.resize(initramfs.len() + 512, 0);
    initramfs.extend_from_slice(&gzip(&cpio(&files)));
    let packed = [
        ("p.deb", deb.into_inner().unwrap()),
        ("layer", gzip(&tar(&files))),
        ("initramfs", initramfs.clone()),
    ];
    for (name, bytes) in packed {
        let audit = run(&[(name.to_owned(), bytes)], &[]);
        let paths: Vec<&str> = audit.files.iter().map(|f| f.path.as_str()).collect();
        let expected = [
            format!("{name}!usr/bin/b d"),
            format!("{name}!usr/bin/good"),
        ];
        assert_eq!(paths, expected, "{name}");
        assert_eq!(audit.summary().errors, 2, "{name}");
    }
    // Damage is said, and what was read before it is not lost.
    initramfs.truncate(initramfs.len() - 40);
    let audit = run(&[("initramfs".to_owned(), initramfs)], &[]);
    assert_eq!(audit.summary().warnings, 1);
}
