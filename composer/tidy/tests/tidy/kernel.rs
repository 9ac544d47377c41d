//! The kernel's part: what user space can name is documented and tested, patches say what they are and are
//! applied, licences, and what must not be included where.
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

/// What a patch must say of itself before its first change.
const TAGS: [&str; 3] = ["From: ", "Subject: ", "Forwarded: "];

/// Patches that are not in their `series`, or twice, or not there, or without a heading.
fn bad_patches(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    let patches = |file: &&File| file.below("kernel/patches");
    for series in files
        .iter()
        .filter(patches)
        .filter(|f| f.path.ends_with("/series"))
    {
        let folder = series.path.trim_end_matches("series");
        let listed: Vec<String> = series
            .text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| format!("{folder}{line}"))
            .collect();
        for (index, path) in listed.iter().enumerate() {
            if !files.iter().any(|file| file.path == *path) {
                found.push(format!("{path} is in the series and does not exist"));
            }
            if listed[..index].contains(path) {
                found.push(format!("{path} is in the series twice"));
            }
        }
        for file in files.iter().filter(|f| f.path.starts_with(folder)) {
            if file.extension() == "patch" && !listed.contains(&file.path) {
                found.push(format!("{} is not in the series", file.path));
            }
        }
    }
    for file in files
        .iter()
        .filter(patches)
        .filter(|f| f.extension() == "patch")
    {
        let head = file.text.split("\n--- ").next().unwrap_or("");
        for tag in TAGS {
            if !head.lines().any(|line| line.starts_with(tag)) {
                found.push(format!("{} has no line `{}`", file.path, tag.trim_end()));
            }
        }
    }
    found
}

/// Headers that Linux itself includes and that include the interface: a new opcode would compile Linux again.
fn heavy_headers(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter(|file| file.extension() == "h" && !file.below("kernel/include/uapi"))
        .filter(|file| file.below("kernel/include") || file.below("kernel/arch"))
        .filter(|file| {
            file.text
                .lines()
                .any(|line| line.starts_with("#include") && line.contains("uapi/linux/xsc.h"))
        })
        .map(|file| format!("{} includes uapi/linux/xsc.h", file.path))
        .collect()
}

#[test]
fn patches_are_listed_and_say_what_they_are() {
    assert_tidy("patches", &bad_patches(&files()));
}

#[test]
fn headers_of_linux_do_not_include_the_interface() {
    assert_tidy("headers", &heavy_headers(&files()));
}

#[test]
fn a_stray_patch_is_seen() {
    let good = "From: a\nSubject: b\nForwarded: no\n---\n--- a/x\n+++ b/x\n";
    let files = [
        File::new("kernel/patches/6.12/1.patch", good),
        File::new(
            "kernel/patches/6.12/2.patch",
            "From: a\n--- a/x\nSubject: late\n",
        ),
        File::new(
            "kernel/patches/6.12/series",
            "# all\n1.patch\n1.patch\n3.patch\n",
        ),
    ];
    assert_eq!(
        bad_patches(&files),
        [
            "kernel/patches/6.12/1.patch is in the series twice",
            "kernel/patches/6.12/3.patch is in the series and does not exist",
            "kernel/patches/6.12/2.patch is not in the series",
            "kernel/patches/6.12/2.patch has no line `Subject:`",
            "kernel/patches/6.12/2.patch has no line `Forwarded:`",
        ]
    );
}

#[test]
fn a_heavy_header_is_seen() {
    let text = "#include <uapi/linux/xsc.h>\n";
    let files = [
        File::new("kernel/include/linux/xsc.h", text),
        File::new(
            "kernel/arch/x86/include/asm/xsc.h",
            "/* not uapi/linux/xsc.h */\n",
        ),
        File::new("kernel/drivers/xsc/xsc.h", text),
    ];
    assert_eq!(
        heavy_headers(&files),
        ["kernel/include/linux/xsc.h includes uapi/linux/xsc.h"]
    );
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
