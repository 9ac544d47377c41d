//! Drives the real program on small repositories in temporary directories: one file a topic.
//!
//! Every repository brings its own root tree, copied from the host, and its own store; nothing
//! leaves the machine. A test that cannot run here prints `SKIP <test>: <reason>`. Needs `ldd`.

mod attest;
mod audit;
mod bad_input;
mod boot;
mod build;
mod builtins;
mod cgroups;
mod concurrent;
mod env;
mod eval;
mod events;
mod explain;
mod fetch;
mod gc;
mod hermetic;
mod images;
mod interrupt;
mod kills;
mod leaks;
mod options;
mod packages;
mod remote;
mod repl;
mod reproduce;
mod share;
mod share_faults;
mod shell;
mod team;
mod verbs;
mod verify;
mod whence;

/// ELF files made by hand, as the audit's own tests make them.
#[path = "../../../elf/tests/elf/made.rs"]
mod made;

/// A module that nobody declares would be tests that nobody runs.
#[test]
fn every_file_here_is_a_module() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let declared = std::fs::read_to_string(here.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").expect("only Rust files");
        let line = format!("mod {module};");
        assert!(
            module == "main" || declared.lines().any(|l| l == line),
            "{name} is not in main.rs"
        );
    }
}
