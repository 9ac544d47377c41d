//! Rules for single files: length, opening comment, words that must not stand in code, host names of registries.
//! Invariant: the words looked for are put together here from halves, so that this file is held to the rules too.

use crate::assert_tidy;
use crate::tree::{File, files};

const LINES_WARN: usize = 500;
const LINES_MAX: usize = 900;

/// Machine-written, or another's text word for word: no house rule applies.
fn foreign(file: &File) -> bool {
    file.path == "Cargo.lock"
        || file.below("LICENSES")
        || file.path.contains("/tests/data/")
        || file.path.contains("/tests/lang/")
        || file.path.contains("/tests/errors/")
}

fn is_code(file: &File) -> bool {
    matches!(file.extension(), "rs" | "c" | "h" | "S" | "nix" | "sh")
        || matches!(file.path.as_str(), "x" | ".ci/run")
}

/// Lines of code with their numbers: comment lines are left out.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| {
            let line = line.trim_start();
            !["//", "#!", "# ", "/*", "* ", "*/"]
                .iter()
                .any(|start| line.starts_with(start))
        })
}

/// Whether `word` stands in `line` with no letter, digit or underscore beside it.
fn has_word(line: &str, word: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(inside) && !line[at + word.len()..].starts_with(inside)
    })
}

fn too_long(files: &[File], limit: usize) -> Vec<String> {
    let length = |file: &File| file.text.lines().count();
    files
        .iter()
        .filter(|file| is_code(file) && !foreign(file) && length(file) > limit)
        .map(|file| format!("{}: {} lines", file.path, length(file)))
        .collect()
}

fn unopened(files: &[File]) -> Vec<String> {
    let opens = |file: &File| {
        let mut lines = file
            .text
            .lines()
            .filter(|line| !line.starts_with("#!") && !line.contains("SPDX-License-Identifier"))
            .skip_while(|line| line.trim().is_empty());
        let first = lines.next().unwrap_or("").trim_start();
        match file.extension() {
            "rs" => first.starts_with("//!"),
            "c" | "h" | "S" => first.starts_with("/*") || first.starts_with("//"),
            _ => first.starts_with('#') || first.starts_with("/*"),
        }
    };
    files
        .iter()
        .filter(|file| is_code(file) && !foreign(file) && !opens(file))
        .map(|file| {
            format!(
                "{} does not open with a comment that says what it is",
                file.path
            )
        })
        .collect()
}

fn unsafe_outside_sandbox(files: &[File]) -> Vec<String> {
    let word = concat!("un", "safe");
    let mut found = Vec::new();
    for file in files
        .iter()
        .filter(|f| f.extension() == "rs" && !f.below("composer/sandbox"))
    {
        for (number, line) in code_lines(&file.text).filter(|(_, line)| has_word(line, word)) {
            found.push(format!("{}:{number}: {}", file.path, line.trim()));
        }
    }
    found
}

fn unfinished(files: &[File]) -> Vec<String> {
    let words = [concat!("FIX", "ME"), concat!("XX", "X")];
    let calls = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ig", "nore"),
    ];
    let mut found = Vec::new();
    for file in files.iter().filter(|file| is_code(file) && !foreign(file)) {
        for (index, line) in file.text.lines().enumerate() {
            if words.iter().any(|word| has_word(line, word))
                || calls.iter().any(|call| line.contains(call))
            {
                found.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    found
}

/// The part of a Rust file before its inline tests.
fn before_tests(text: &str) -> &str {
    text.split_once("\n#[cfg(test)]\nmod ")
        .map_or(text, |(code, _)| code)
}

/// Library code: what runs in the composer but is not the command line, a program or a test.
fn library(file: &File) -> bool {
    file.extension() == "rs"
        && file.below("composer")
        && !file.below("composer/cli")
        && ![
            "/tests/",
            "/tests.rs",
            "_tests.rs",
            "/benches/",
            "/examples/",
            "/src/bin/",
            // What it prints is for Cargo.
            "/build.rs",
        ]
        .iter()
        .any(|part| file.path.contains(part))
}

fn printing(files: &[File]) -> Vec<String> {
    library_uses(
        files,
        &[
            concat!("print", "!("),
            concat!("print", "ln!("),
            concat!("db", "g!("),
        ],
    )
}

fn reading_environment(files: &[File]) -> Vec<String> {
    library_uses(
        files,
        &[concat!("env::", "var"), concat!("env::", "home_dir")],
    )
}

fn library_uses(files: &[File], needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| library(file)) {
        for (number, line) in code_lines(before_tests(&file.text)) {
            if needles.iter().any(|needle| line.contains(needle)) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    found
}

/// Sources are `mirror://NAME/path`; where a mirror is, the machine says.
fn registry_hosts(files: &[File]) -> Vec<String> {
    let hosts = [
        concat!("crates", ".io"),
        concat!("pypi", ".org"),
        concat!("pythonhosted", ".org"),
        concat!("npmjs", ".org"),
        concat!("debian", ".org"),
        concat!("debian", ".net"),
        concat!("ubuntu", ".com"),
        concat!("golang", ".org"),
        concat!("rubygems", ".org"),
        concat!("docker", ".io"),
        concat!("ghcr", ".io"),
        concat!("quay", ".io"),
    ];
    let mut found = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.path != "Cargo.lock" && !file.below("LICENSES"))
    {
        for (index, line) in file.text.lines().enumerate() {
            if hosts.iter().any(|host| line.contains(host)) {
                found.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn files_are_short() {
    let files = files();
    for long in too_long(&files, LINES_WARN) {
        println!("longer than {LINES_WARN} lines: {long}");
    }
    assert_tidy("files longer than 900 lines", &too_long(&files, LINES_MAX));
}

#[test]
fn files_say_what_they_are() {
    assert_tidy("opening comments", &unopened(&files()));
}

#[test]
fn only_the_sandbox_has_memory_unsafety() {
    assert_tidy(
        "only composer/sandbox may do this",
        &unsafe_outside_sandbox(&files()),
    );
}

#[test]
fn nothing_is_left_unfinished() {
    assert_tidy("unfinished", &unfinished(&files()));
}

#[test]
fn only_the_command_line_prints() {
    assert_tidy("libraries never print", &printing(&files()));
}

#[test]
fn only_the_command_line_reads_the_environment() {
    assert_tidy(
        "libraries never read the environment",
        &reading_environment(&files()),
    );
}

#[test]
fn no_registry_is_named() {
    assert_tidy("host names of registries", &registry_hosts(&files()));
}

#[test]
fn a_long_file_is_seen() {
    let long = File::new("kernel/drivers/xsc/a.c", &"x\n".repeat(LINES_MAX + 1));
    let fits = File::new("kernel/drivers/xsc/b.c", &"x\n".repeat(LINES_MAX));
    let data = File::new(
        "composer/store/tests/data/c.rs",
        &"x\n".repeat(LINES_MAX + 1),
    );
    assert_eq!(
        too_long(&[long, fits, data], LINES_MAX),
        ["kernel/drivers/xsc/a.c: 901 lines"]
    );
}

#[test]
fn a_file_without_opening_comment_is_seen() {
    let bad = [
        File::new(
            "composer/a/src/lib.rs",
            "// Not a module comment.\nmod b;\n",
        ),
        File::new(
            "kernel/b.c",
            "// SPDX-License-Identifier: GPL-2.0\n#include <c.h>\n",
        ),
        File::new("pkgs/c.nix", "{ }: { }\n"),
        File::new("kernel/d.sh", "#!/bin/sh\nset -e\n"),
        File::new("x", "#!/bin/sh\nset -e\n"),
    ];
    assert_eq!(unopened(&bad).len(), bad.len());
    let good = [
        File::new("composer/a/src/lib.rs", "//! A.\n"),
        File::new(
            "kernel/b.c",
            "// SPDX-License-Identifier: GPL-2.0\n/* B. */\n",
        ),
        File::new("pkgs/c.nix", "# C.\n{ }: { }\n"),
        File::new(
            "kernel/d.sh",
            "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0\n# D.\n",
        ),
    ];
    assert_eq!(unopened(&good), [""; 0]);
}

#[test]
fn memory_unsafety_outside_the_sandbox_is_seen() {
    let text = concat!(
        "fn f() {\n    un",
        "safe { g() }\n}\n// un",
        "safe\n#![deny(un",
        "safe_code)]\n"
    );
    let files = [
        File::new("composer/store/src/a.rs", text),
        File::new("composer/sandbox/src/a.rs", text),
    ];
    let line = concat!("composer/store/src/a.rs:2: un", "safe { g() }");
    assert_eq!(unsafe_outside_sandbox(&files), [line]);
}

#[test]
fn unfinished_work_is_seen() {
    let text = concat!(
        "todo",
        "!()\n// FIX",
        "ME later\n#[ig",
        "nore]\n/* XX",
        "X */\nmkstemp(\"XXXX",
        "XX\")\n"
    );
    let found = unfinished(&[File::new("composer/store/src/a.rs", text)]);
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn printing_and_environment_are_seen() {
    let text = concat!(
        "fn f() {\n    eprint",
        "ln!(\"a\");\n    std::env::",
        "var(\"A\");\n}\n",
        "#[cfg(test)]\nmod tests {\n    fn g() { print",
        "ln!(\"a\"); }\n}\n",
    );
    let paths = [
        "store/src/a.rs",
        "cli/src/a.rs",
        "store/tests/a.rs",
        "sandbox/src/bin/a.rs",
        "sandbox/build.rs",
    ];
    let files: Vec<File> = paths
        .iter()
        .map(|p| File::new(&format!("composer/{p}"), text))
        .collect();
    assert_eq!(
        printing(&files),
        [concat!("composer/store/src/a.rs:2: eprint", "ln!(\"a\");")]
    );
    assert_eq!(
        reading_environment(&files),
        [concat!(
            "composer/store/src/a.rs:3: std::env::",
            "var(\"A\");"
        )]
    );
}

#[test]
fn a_registry_host_is_seen() {
    let bad = File::new(
        "docs/a.md",
        concat!("see http://deb.debian", ".org/debian\n"),
    );
    let good = File::new("docs/b.md", "see mirror://debian/pool\n");
    assert_eq!(registry_hosts(&[bad, good]).len(), 1);
}
