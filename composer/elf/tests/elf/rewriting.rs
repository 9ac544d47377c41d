//! Adding the note: hand-made files in every layout, and programs of this machine.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use xsc_elf::{FileKind, NoteKind, RewriteError, add_note, audit};

use crate::made::{ARM, CODE, Made, X86};

const RET: [u8; 1] = [0xc3];

fn segments(bytes: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([bytes[56], bytes[57]]))
}

/// The note is there, the code and its address are what they were, and nothing happens twice.
fn check(made: &Made, kind: NoteKind) -> Vec<u8> {
    let old = made.bytes();
    let new = add_note(&old, kind).unwrap();
    let report = audit(&new);
    assert!(report.passes(), "{:?}", report.findings);
    assert_eq!(report.note_kind(), Some(kind));
    assert_eq!(report.cfi_marks, audit(&old).cfi_marks);
    let code = CODE as usize..CODE as usize + made.code.len();
    assert_eq!(old[code.clone()], new[code]);
    assert_eq!(add_note(&new, kind).unwrap(), new);
    new
}

#[test]
fn every_layout_gets_a_note() {
    for machine in [X86, ARM] {
        let code = [0x1f, 0x20, 0x03, 0xd5];
        // One note segment: a copy of it moves. Two side by side: one header is gained.
        let made = Made::new(machine, &code);
        assert_eq!(
            segments(&check(&made, NoteKind::Base)),
            segments(&made.bytes())
        );
        let made = Made {
            property: Some(3),
            ..made
        };
        assert_eq!(
            segments(&check(&made, NoteKind::Base)),
            segments(&made.bytes())
        );
        check(&made, NoteKind::Cfi);
        // No note segment: a page behind the last segment.
        let made = Made {
            property: None,
            build_id: false,
            ..made
        };
        assert_eq!(
            segments(&check(&made, NoteKind::Base)),
            segments(&made.bytes()) + 2
        );
    }
}

#[test]
fn what_must_not_have_a_note_is_refused() {
    let add = |made: &Made, kind| add_note(&made.bytes(), kind).unwrap_err().to_string();
    let mut trap = Made::new(X86, &[0x90, 0x0f, 0x05, 0xc3]);
    trap.symbols = vec![("getpid", 0, 4, true)];
    assert_eq!(
        add(&trap, NoteKind::Base),
        "it holds `syscall` at getpid+0x1 (offset 0x1001)"
    );
    assert!(matches!(
        add_note(b"#!/bin/sh", NoteKind::Base),
        Err(RewriteError::NotElf)
    ));
    let mut fixed = Made::new(X86, &RET);
    fixed.interpreter = None;
    fixed.dynamic.clear();
    fixed.kind = 2;
    assert!(matches!(
        add_note(&fixed.bytes(), NoteKind::Base),
        Err(RewriteError::Static)
    ));
    fixed.kind = 1;
    assert!(add(&fixed, NoteKind::Base).starts_with("it is an object file"));
    fixed.machine = 3;
    assert!(add(&fixed, NoteKind::Base).starts_with("it is for i386"));
    assert!(matches!(
        add_note(&Made::new(X86, &RET).bytes(), NoteKind::Cfi),
        Err(RewriteError::NoMarks)
    ));
    let other = Made::new(X86, &RET).noted(&[7]);
    assert!(matches!(
        add_note(&other.bytes(), NoteKind::Base),
        Err(RewriteError::OtherNote { abi: 7, .. })
    ));
    // A payload that is found by its distance from the end stays where it is, or nothing is done.
    let mut payload = Made::new(X86, &RET);
    let with = |made: &Made| [made.bytes(), vec![9; 100]].concat();
    let new = add_note(&with(&payload), NoteKind::Base).unwrap();
    assert_eq!(new.len(), with(&payload).len());
    assert!(new.ends_with(&[9; 100]) && audit(&new).passes());
    payload.build_id = false;
    assert!(matches!(
        add_note(&with(&payload), NoteKind::Base),
        Err(RewriteError::Layout { .. })
    ));
}

/// Programs of this machine, rewritten, and what they are asked to do.
#[test]
fn programs_of_this_machine_run_with_a_note() {
    let programs: [(&str, &[&str], &str); 4] = [
        (
            "/bin/bash",
            &["-c", "for i in 1 2; do echo $i; done"],
            "1\n2\n",
        ),
        ("/bin/ls", &["-d", "/"], "/\n"),
        ("/usr/bin/env", &["printf", "x"], "x"),
        ("/usr/bin/python3", &["-c", "import json; print(1)"], "1\n"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let mut done = 0;
    for (program, args, expected) in programs {
        let Some(new) = rewritten(Path::new(program)) else {
            continue;
        };
        let path = dir.path().join(format!("p{done}"));
        std::fs::write(&path, &new).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let out = Command::new(&path).args(args).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stdout), expected, "{program}");
        assert!(out.status.success(), "{program}");
        readelf_is_content(Path::new(program), &path);
        done += 1;
    }
    if done == 0 {
        println!("skipped: no program of this machine can get a note");
    }
}

fn rewritten(path: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(path.canonicalize().ok()?).ok()?;
    let report = audit(&bytes);
    let able = report.kind == FileKind::Program && report.traps().next().is_none();
    able.then(|| add_note(&bytes, NoteKind::Base).unwrap())
}

/// It warns of nothing that it did not warn of before.
fn readelf_is_content(old: &Path, new: &Path) {
    let warnings = |path: &Path| {
        let out = Command::new("readelf").arg("-aW").arg(path).output().ok()?;
        Some(String::from_utf8_lossy(&out.stderr).into_owned())
    };
    match (warnings(old), warnings(new)) {
        (Some(before), Some(after)) => assert_eq!(before, after),
        _ => println!("skipped: there is no readelf"),
    }
}
