//! Which entries are unpacked, and under which path.
//!
//! Used by `tarball` for every entry. Invariant: `place` gives a relative path of normal components only, so a
//! path that leaves the root is refused before anything looks at the file system.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::UnpackError;

/// Choices made by a recipe.
#[derive(Debug, Clone, Default)]
pub struct UnpackOptions {
    /// Number of leading path components to drop; an entry with no more than that is left out.
    pub strip_components: usize,
    /// Patterns of entries to leave out. A pattern is a path after stripping, with `*`, `?` and `[...]` inside
    /// one component and `**` across; it also covers everything below what it matches.
    pub exclude: Vec<String>,
    /// Patterns of entries to unpack although `exclude` covers them.
    pub include: Vec<String>,
    /// Puts what stands below `bin`, `sbin`, `lib`, `lib32`, `lib64` and `libx32` below `usr/`. The symbolic
    /// links `bin -> usr/bin` themselves are kept if the archive has them.
    pub usr_merge: bool,
}

const MERGED: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// The options, ready for use.
pub(super) struct Rules {
    strip_components: usize,
    exclude: Patterns,
    include: Patterns,
    usr_merge: bool,
}

impl Rules {
    pub(super) fn new(options: &UnpackOptions) -> Result<Rules, UnpackError> {
        Ok(Rules {
            strip_components: options.strip_components,
            exclude: Patterns::new(&options.exclude)?,
            include: Patterns::new(&options.include)?,
            usr_merge: options.usr_merge,
        })
    }

    /// Where an entry goes; `None` if it is left out or is the root itself. `Err` if it leaves the root.
    pub(super) fn place(&self, raw: &[u8], is_symlink: bool) -> Result<Option<PathBuf>, ()> {
        let Some(path) = self.map(raw, is_symlink)? else {
            return Ok(None);
        };
        let left_out = self.exclude.cover(&path) && !self.include.cover(&path);
        Ok((!left_out).then_some(path))
    }

    /// Where an entry would go if no pattern left it out.
    pub(super) fn map(&self, raw: &[u8], is_symlink: bool) -> Result<Option<PathBuf>, ()> {
        if raw.starts_with(b"/") {
            return Err(());
        }
        let mut components = Vec::new();
        for part in raw.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => return Err(()),
                part if part.contains(&0) => return Err(()),
                part => components.push(OsStr::from_bytes(part)),
            }
        }
        if components.len() <= self.strip_components {
            return Ok(None);
        }
        let kept = &components[self.strip_components..];
        let top_is_merged = MERGED.iter().any(|m| kept[0] == *m);
        let moved = self.usr_merge && top_is_merged && !(is_symlink && kept.len() == 1);
        let mut path = PathBuf::new();
        if moved {
            path.push("usr");
        }
        path.extend(kept);
        Ok(Some(path))
    }
}

/// Patterns, with those that are plain paths looked up by hash: a source tree has 86,000 entries.
struct Patterns {
    plain: HashSet<PathBuf>,
    globs: Vec<Pattern>,
}

impl Patterns {
    fn new(list: &[String]) -> Result<Patterns, UnpackError> {
        let mut patterns = Patterns {
            plain: HashSet::new(),
            globs: Vec::new(),
        };
        for text in list {
            let trimmed = text.trim_start_matches("./").trim_end_matches('/');
            if trimmed.contains(['*', '?', '[']) {
                let glob = Pattern::new(trimmed).map_err(|e| UnpackError::Pattern {
                    pattern: text.clone(),
                    reason: e.msg,
                })?;
                patterns.globs.push(glob);
            } else {
                patterns.plain.insert(PathBuf::from(trimmed));
            }
        }
        Ok(patterns)
    }

    /// Whether a pattern matches the path or a directory above it.
    fn cover(&self, path: &Path) -> bool {
        if self.plain.is_empty() && self.globs.is_empty() {
            return false;
        }
        let options = MatchOptions {
            require_literal_separator: true,
            ..MatchOptions::new()
        };
        path.ancestors()
            .take_while(|p| !p.as_os_str().is_empty())
            .any(|p| {
                self.plain.contains(p) || self.globs.iter().any(|g| g.matches_path_with(p, options))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(options: UnpackOptions, path: &str) -> Result<Option<String>, ()> {
        let rules = Rules::new(&options).unwrap();
        let placed = rules.place(path.as_bytes(), false)?;
        Ok(placed.map(|p| p.to_str().unwrap().to_owned()))
    }

    fn some(path: &str) -> Result<Option<String>, ()> {
        Ok(Some(path.to_owned()))
    }

    #[test]
    fn paths_are_normal_or_refused() {
        let plain = UnpackOptions::default;
        assert_eq!(place(plain(), "./a//b/./c/"), some("a/b/c"));
        assert_eq!(place(plain(), "./"), Ok(None));
        for bad in ["/etc/passwd", "../x", "a/../../x", "a/..", "..", "a\0b"] {
            assert_eq!(place(plain(), bad), Err(()), "{bad:?}");
        }
        assert_eq!(place(plain(), "a..b/..c"), some("a..b/..c"));
    }

    #[test]
    fn stripping() {
        let strip = |n| UnpackOptions {
            strip_components: n,
            ..UnpackOptions::default()
        };
        assert_eq!(place(strip(1), "linux-6.12/"), Ok(None));
        assert_eq!(
            place(strip(1), "linux-6.12/kernel/fork.c"),
            some("kernel/fork.c")
        );
        assert_eq!(place(strip(1), "x/../../etc"), Err(()));
    }

    #[test]
    fn include_wins_over_exclude() {
        let options = || UnpackOptions {
            exclude: vec!["Documentation/".into(), "arch/*".into(), "**/*.bin".into()],
            include: vec!["arch/x86".into(), "arch/*/Kconfig".into()],
            ..UnpackOptions::default()
        };
        assert_eq!(place(options(), "Documentation/a/b.rst"), Ok(None));
        assert_eq!(place(options(), "Documentation"), Ok(None));
        assert_eq!(place(options(), "Documentations"), some("Documentations"));
        assert_eq!(place(options(), "arch/mips/kernel/x.c"), Ok(None));
        assert_eq!(
            place(options(), "arch/mips/Kconfig"),
            some("arch/mips/Kconfig")
        );
        assert_eq!(
            place(options(), "arch/x86/kernel/x.c"),
            some("arch/x86/kernel/x.c")
        );
        assert_eq!(place(options(), "arch/Kconfig"), Ok(None));
        assert_eq!(place(options(), "a/b/c.bin"), Ok(None));
        let bad = UnpackOptions {
            exclude: vec!["a[".into()],
            ..UnpackOptions::default()
        };
        assert!(matches!(Rules::new(&bad), Err(UnpackError::Pattern { .. })));
    }

    #[test]
    fn usr_merge() {
        let merged = || UnpackOptions {
            usr_merge: true,
            ..UnpackOptions::default()
        };
        assert_eq!(place(merged(), "./bin/sh"), some("usr/bin/sh"));
        assert_eq!(place(merged(), "lib64/"), some("usr/lib64"));
        assert_eq!(place(merged(), "usr/lib/x"), some("usr/lib/x"));
        assert_eq!(place(merged(), "libexec/x"), some("libexec/x"));
        let rules = Rules::new(&merged()).unwrap();
        assert_eq!(rules.place(b"bin", true), Ok(Some("bin".into())));
        assert_eq!(
            rules.place(b"bin/ash", true),
            Ok(Some("usr/bin/ash".into()))
        );
    }
}
