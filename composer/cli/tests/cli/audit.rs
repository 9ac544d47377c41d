//! No system image is made of files that break the rules: planted files, real recipes.
//!
//! Invariant: recipes and modules are the repository's own, in a copy; the test adds a module that puts a file into the
//! image, and composes. The files are made by hand, so no toolchain is needed.

use std::fs;
use std::path::Path;

use crate::env::{Ran, TestRepo};
use crate::made::{ARM, Made, X86};
use crate::options::{copy, root};

const RET: [u8; 1] = [0xc3];

/// A repository with our recipes and one profile: a system without packages, with one file more.
struct System {
    repo: TestRepo,
}

impl System {
    fn new() -> System {
        let repo = TestRepo::new("");
        for folder in ["images", "modules", "pkgs"] {
            copy(&root().join(folder), &repo.dir().join(folder));
        }
        fs::create_dir(repo.dir().join("toolchain")).unwrap();
        for file in ["machines.nix", "default.nix"] {
            copy(
                &root().join("toolchain").join(file),
                &repo.dir().join("toolchain").join(file),
            );
        }
        repo.write(
            "modules/planted.nix",
            "{ ... }: {\n  imports = [ ./system.nix ];\n  files.\"/usr/lib/planted\".source = ../planted;\n}\n",
        );
        System { repo }
    }

    /// Composes with that file; `options` are lines of the profile.
    fn compose(&self, machine: &str, variant: &str, planted: &[u8], options: &str) -> Ran {
        fs::write(self.repo.dir().join("planted"), planted).unwrap();
        let profile = format!(
            "[profile]\nname = \"t\"\ndescription = \"A system\"\nsystem = \"{machine}-linux\"\nvariant = \"{variant}\"\n\
             modules = [\"planted\"]\nimages = [\"oci\"]\n\n[options]\ninit = \"busybox\"\n{options}\n"
        );
        self.repo.write("profiles/t.toml", &profile);
        self.repo.build()
    }

    /// What stands in the way of an image, whichever way one asks for it.
    fn refused(&self, variant: &str, planted: &[u8], options: &str, said: &[&str]) {
        let step = format!("error: t-{variant}-x86_64-linux-audit: the audit found ");
        let said = [&[step.as_str()][..], said].concat();
        self.compose("x86_64", variant, planted, options)
            .fails(100, &said);
        assert!(!self.repo.dir().join("result").exists());
        let image = self.repo.build_with(&["-A", "images.oci.layout"]);
        image.fails(100, &said);
    }
}

fn trap() -> Made {
    let mut made = Made::new(X86, &[0x90, 0x0f, 0x05, 0xc3]).noted(&[1]);
    made.symbols = vec![("getpid", 0, 4, true)];
    made
}

fn read(ran: &Ran, file: &str) -> String {
    let path = ran.path().join("t-base-x86_64-linux.audit").join(file);
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_trap_instruction_stops_the_image() {
    let system = System::new();
    system.refused(
        "base",
        &trap().bytes(),
        "",
        &[
            "the audit found 1 error",
            "error: usr/lib/planted: `syscall` at getpid+0x1 (offset 0x1001), bytes 0f 05 [trap-instruction]",
            "fix for trap-instruction: build the package from source with the XSC toolchain",
        ],
    );
    // Neither a name nor the lack of a mode makes it harmless, and neither does an archive around it.
    let mut archive = ar::Builder::new(Vec::new());
    let bytes = trap().bytes();
    let header = ar::Header::new(b"inner".to_vec(), bytes.len() as u64);
    archive.append(&header, &bytes[..]).unwrap();
    let archive = archive.into_inner().unwrap();
    system.refused(
        "base",
        &archive,
        "",
        &["usr/lib/planted!inner: `syscall` at getpid+0x1"],
    );
}

#[test]
fn a_file_without_note_stops_the_image() {
    let system = System::new();
    let planted = Made::new(X86, &RET);
    system.refused(
        "base",
        &planted.bytes(),
        "",
        &[
            "error: usr/lib/planted: no XSC note [no-note]",
            "fix for no-note: rebase the package, or link it with the XSC toolchain",
        ],
    );
    let other = Made::new(ARM, &0xd65f_03c0_u32.to_le_bytes()).noted(&[1]);
    system.refused(
        "base",
        &other.bytes(),
        "",
        &["usr/lib/planted: for aarch64, not x86_64 [wrong-machine]"],
    );
}

#[test]
fn under_cfi_a_file_without_marks_stops_the_image() {
    let system = System::new();
    let base = Made::new(X86, &RET).noted(&[1]);
    system.refused(
        "cfi",
        &base.bytes(),
        "",
        &[
            "usr/lib/planted: the XSC note is of the base variant [no-cfi-note]",
            "usr/lib/planted: the marks for control-flow integrity are missing [no-cfi-marks]",
            "fix for no-cfi-marks: compile everything in it with -fcf-protection=full",
        ],
    );
    let noted = Made::new(X86, &RET).noted(&[1, 1]);
    system.refused("cfi", &noted.bytes(), "", &["[no-cfi-marks]"]);
    let marked = Made {
        property: Some(3),
        ..noted
    };
    let ran = system.compose("x86_64", "cfi", &marked.bytes(), "").ok();
    assert!(
        ran.path()
            .join("t-cfi-x86_64-linux-oci/index.json")
            .exists()
    );
}

#[test]
fn what_breaks_no_rule_is_composed_with_its_report() {
    let system = System::new();
    let planted = Made::new(X86, &RET).noted(&[1]).bytes();
    let ran = system.compose("x86_64", "base", &planted, "").ok();
    assert!(
        ran.path()
            .join("t-base-x86_64-linux-oci/index.json")
            .exists()
    );
    let report = read(&ran, "report.txt");
    assert!(
        report.contains("1 ELF file, 1 of them programs and libraries: 1 noted"),
        "{report}"
    );
    let again = system.compose("x86_64", "base", &planted, "").ok();
    assert_eq!(
        (again.path(), again.err.as_str()),
        (ran.path(), ""),
        "the audit is cached"
    );
    // By what they are, not where they lie: a kernel, firmware for another processor.
    let mut kernel = Made::new(X86, &[0x0f, 0x05]);
    kernel.kind = 2;
    kernel.interpreter = None;
    kernel.dynamic.clear();
    kernel.base = 0xffff_ffff_8000_0000;
    let mut firmware = Made::new(243, &RET);
    firmware.kind = 2;
    for planted in [kernel, firmware] {
        let _ = system.compose("x86_64", "base", &planted.bytes(), "").ok();
    }
}

#[test]
fn exemptions_are_said_in_the_profile_and_shown_in_the_report() {
    let system = System::new();
    let exempt = "audit.exempt.\"/usr/lib/planted\" = \"a loader for ordinary kernels\"";
    let ran = system
        .compose("x86_64", "base", &trap().bytes(), exempt)
        .ok();
    let report = read(&ran, "report.txt");
    let line = "exempt: usr/lib/planted: a loader for ordinary kernels [trap-instruction]\n";
    assert!(report.contains(line), "{report}");
    let json: serde_json::Value = serde_json::from_str(&read(&ran, "report.json")).unwrap();
    assert_eq!(json["files"][0]["exempt"], "a loader for ordinary kernels");
    fs::remove_file(system.repo.dir().join("result")).unwrap();
    // One that is not needed is a mistake, and so is one of a file that is not there.
    let good = Made::new(X86, &RET).noted(&[1]).bytes();
    let unneeded = "[unneeded-exemption]";
    system.refused(
        "base",
        &good,
        exempt,
        &["usr/lib/planted: it is exempt", unneeded],
    );
    let elsewhere = "audit.exempt.\"/usr/lib/*\" = \"all of them\"";
    system.refused(
        "base",
        &good,
        elsewhere,
        &["usr/lib/*: it is exempt", unneeded],
    );
    system
        .compose("x86_64", "base", &good, "audit.exempt.\"usr/lib\" = \"x\"")
        .fails(
            1,
            &["`usr/lib` is not an absolute path in its shortest form"],
        );
}

/// The step by itself, as recipes call it.
#[test]
fn the_parameters_of_the_step() {
    let repo = TestRepo::new("");
    fs::create_dir_all(repo.dir().join("tree/bin")).unwrap();
    fs::write(repo.dir().join("tree/bin/p"), Made::new(X86, &RET).bytes()).unwrap();
    let step = |params: &str| {
        repo.recipes(&format!(
            "result = step \"a\" \"builtin:audit\" {{ {params} }} [ {{ at = \"/tree\"; from = ../tree; }} ];"
        ));
        repo.build()
    };
    let path = step("require = \"nothing\"; machine = \"\";").ok().path();
    let mut names: Vec<_> = fs::read_dir(Path::new(&path))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["report.json", "report.sarif", "report.txt"]);
    for (params, said) in [
        ("require = \"some\"; machine = \"\";", "`require` is `some`"),
        (
            "require = \"base\"; machine = \"arm\";",
            "`machine` is `arm`",
        ),
        (
            "require = \"base\"; machine = \"\"; exempt.\"bin/p\" = \"x\";",
            "`exempt`: `bin/p` is not an absolute path",
        ),
        (
            "require = \"base\"; machine = \"\"; exempt.\"/bin/p\" = \" \";",
            "`exempt`: `/bin/p` has no reason",
        ),
        (
            "require = \"base\"; machine = \"\"; allow = [ ];",
            "unknown parameter `allow`; known: exempt, machine, require",
        ),
        ("require = \"base\"; machine = \"\";", "bin/p: no XSC note"),
    ] {
        step(params).fails(100, &[said]);
    }
}
