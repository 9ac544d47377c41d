//! Writes `flake-like.lock`: sorted, one package a line, the same lock always the same bytes.
//!
//! Called by the command line through `Lock::to_text`. The writer is ours and not a serialiser's, so that a new
//! release of a crate never reorders or requotes a file that people review in diffs.
//! Invariant: `Lock::parse(lock.to_text())` gives the same lock back.

use std::fmt::Write as _;

use crate::lock::{Lock, LockedArchive, LockedContent, LockedFile, VERSION, cache_url};

const HEADER: &str = "\
# Written by `xsc-compose lock` and `xsc-compose update [INPUT]` from flake-like.toml. Do not edit.
# Every file is pinned by SHA-256. Locations are tried in the order given; the last resort, which is not
# written out, is mirror://cache/sha256/<hash>.
";

impl Lock {
    /// Returns the text of the lock file, with LF line ends.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}version = {VERSION}\n");
        for (name, input) in &self.inputs {
            let _ = write!(text, "\n[inputs.{}]\n", key(name));
            let _ = writeln!(text, "declaration = {}", quoted(&input.declaration));
            if let LockedContent::File { version, .. } = &input.content
                && let Some(version) = version
            {
                let _ = writeln!(text, "version = {}", quoted(version));
            }
            for archive in &input.archives {
                write_archive(&mut text, name, archive);
            }
            match &input.content {
                LockedContent::File { file, .. } => write_file(&mut text, name, file),
                LockedContent::Packages { packages, sets } => {
                    let _ = write!(text, "\n[inputs.{}.sets]\n", key(name));
                    for (set, names) in sets {
                        let _ = writeln!(text, "{} = [", key(set));
                        for package in names {
                            let _ = writeln!(text, "  {},", quoted(package));
                        }
                        text.push_str("]\n");
                    }
                    let _ = write!(text, "\n[inputs.{}.packages]\n", key(name));
                    for (package, p) in packages {
                        let _ = writeln!(
                            text,
                            "{} = {{ version = {}, sha256 = {}, size = {}, archive = {}, path = {} }}",
                            key(package),
                            quoted(&p.version),
                            quoted(&p.file.sha256),
                            p.file.size,
                            p.archive,
                            quoted(&p.path),
                        );
                    }
                }
            }
        }
        text
    }
}

fn write_archive(text: &mut String, input: &str, archive: &LockedArchive) {
    let _ = write!(text, "\n[[inputs.{}.archives]]\n", key(input));
    for (field, value) in [
        ("mirror", archive.mirror.as_str()),
        ("suite", &archive.suite),
        ("component", &archive.component),
        ("date", &archive.date),
        ("in_release_sha256", &archive.in_release_sha256),
        ("signature", archive.signature.as_str()),
    ] {
        let _ = writeln!(text, "{field} = {}", quoted(value));
    }
    write_list(text, "locations", &archive.locations);
}

fn write_file(text: &mut String, input: &str, file: &LockedFile) {
    let _ = write!(text, "\n[inputs.{}.file]\n", key(input));
    let _ = writeln!(text, "name = {}", quoted(&file.name));
    let _ = writeln!(text, "sha256 = {}", quoted(&file.sha256));
    let _ = writeln!(text, "size = {}", file.size);
    let cache = cache_url(&file.sha256);
    let urls: Vec<String> = file.urls.iter().filter(|u| **u != cache).cloned().collect();
    write_list(text, "urls", &urls);
}

fn write_list(text: &mut String, field: &str, values: &[String]) {
    let _ = writeln!(text, "{field} = [");
    for value in values {
        let _ = writeln!(text, "  {},", quoted(value));
    }
    text.push_str("]\n");
}

fn key(name: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !name.is_empty() && name.bytes().all(bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
