//! The kernel's interface: what user space can name is documented and tested.
//! Invariant: every `XSC_` name that include/uapi/linux/xsc.h defines is held to it, but for those of `INTERNAL`.

use std::collections::BTreeSet;

use crate::assert_tidy;
use crate::tree::{File, files};

const HEADER: &str = "kernel/include/uapi/linux/xsc.h";
const PAGE: &str = "kernel/docs/xsc-abi.rst";
const TESTS: &str = "kernel/tests";

/// What the header needs for itself: the end of an enum, a part of ioctl numbers.
const INTERNAL: [&str; 2] = ["XSC_OP_LAST", "XSC_IOC_MAGIC"];

/// Every identifier in `text`.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .collect()
}

/// The names that a header gives to user space: macros, constants of enums.
fn interface(header: &str) -> BTreeSet<&str> {
    let mut code = String::new();
    let guard = header
        .lines()
        .find_map(|line| line.strip_prefix("#ifndef "))
        .unwrap_or("");
    let mut rest = header;
    while let Some((before, after)) = rest.split_once("/*") {
        code.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, tail)| tail);
    }
    code.push_str(rest);
    let named: BTreeSet<&str> = words(&code);
    words(header)
        .into_iter()
        .filter(|word| word.starts_with("XSC_") && named.contains(word))
        .filter(|word| *word != guard && !INTERNAL.contains(word))
        .collect()
}

fn complaints(header: &str, page: &str, tests: &str) -> Vec<String> {
    let (documented, tested) = (words(page), words(tests));
    let mut found = Vec::new();
    for name in interface(header) {
        if !documented.contains(name) {
            found.push(format!("{name} is not in {PAGE}"));
        }
        if !tested.contains(name) {
            found.push(format!("{name} is in no test under {TESTS}"));
        }
    }
    found
}

#[test]
fn the_interface_is_documented_and_tested() {
    let files = files();
    let text = |path: &str| {
        files
            .iter()
            .find(|f| f.path == path)
            .map(|f| f.text.as_str())
    };
    let header = text(HEADER).unwrap_or_else(|| panic!("{HEADER} is missing"));
    let page = text(PAGE).unwrap_or_else(|| panic!("{PAGE} is missing"));
    let tests: Vec<&File> = files
        .iter()
        .filter(|f| f.below(TESTS) && matches!(f.extension(), "c" | "h"))
        .collect();
    let tests: String = tests.iter().map(|f| f.text.as_str()).collect();
    assert!(!interface(header).is_empty(), "{HEADER} names nothing");
    assert_tidy("kernel interface", &complaints(header, page, &tests));
}

/// C files of the kernel that do not say their licence where Linux wants it: in the first line.
fn unlicensed(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter(|file| file.below("kernel") && matches!(file.extension(), "c" | "h" | "S"))
        .filter(|file| {
            !file
                .text
                .lines()
                .next()
                .unwrap_or("")
                .contains("SPDX-License-Identifier")
        })
        .map(|file| format!("{} does not begin with its licence", file.path))
        .collect()
}

#[test]
fn kernel_files_say_their_licence() {
    assert_tidy("licences", &unlicensed(&files()));
}

#[test]
fn a_kernel_file_without_licence_is_seen() {
    let good = "// SPDX-License-Identifier: GPL-2.0\n";
    let files = [
        File::new("kernel/a.c", good),
        File::new("kernel/b.c", "/* B. */\n"),
    ];
    assert_eq!(
        unlicensed(&files),
        ["kernel/b.c does not begin with its licence"]
    );
}

#[test]
fn a_name_without_page_or_test_is_seen() {
    let header =
        "#ifndef XSC_H\n#define XSC_A 1\n/* XSC_PROSE */\nenum { XSC_B, XSC_OP_LAST };\n#endif\n";
    assert_eq!(
        complaints(header, "``XSC_A`` is", "f(XSC_AB, XSC_B)"),
        [
            "XSC_A is in no test under kernel/tests",
            "XSC_B is not in kernel/docs/xsc-abi.rst"
        ]
    );
    assert!(complaints(header, "XSC_A XSC_B", "XSC_A|XSC_B").is_empty());
}
