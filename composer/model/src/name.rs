//! Names that constructors validate: tree entries, derivations, outputs, mount points, systems.
//!
//! Invariant: a value of these types can be joined to a directory and stays below it.

use std::fmt;
use std::str::FromStr;

/// A name that its type does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a valid {kind}: {rule}")]
pub struct InvalidName {
    /// Which kind of name was wanted.
    pub kind: &'static str,
    /// What was given.
    pub name: String,
    /// What is allowed.
    pub rule: &'static str,
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Validates `name`.
            pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
                let name = name.into();
                let check: fn(&str) -> bool = $check;
                if check(&name) {
                    Ok($name(name))
                } else {
                    Err(InvalidName { kind: $kind, name, rule: $rule })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(name: &str) -> Result<Self, InvalidName> {
                Self::new(name)
            }
        }
    };
}

name_type! {
    /// One component of a path inside a tree.
    EntryName, "file name", "it must be 1 to 255 bytes, not `.` or `..`, without `/` or NUL",
    |n| !n.is_empty() && n.len() <= 255 && n != "." && n != ".." && !n.contains(['/', '\0'])
}
name_type! {
    /// A derivation's name, such as `linux-objects-6.12.107`; for people and logs.
    DrvName, "derivation name",
    "it must be 1 to 200 letters, digits or `+ - . _ ? = ~ :`, and not start with a dot",
    |n| !n.is_empty() && n.len() <= 200 && !n.starts_with('.')
        && n.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._?=~:".contains(&b))
}
name_type! {
    /// The name of one output of a derivation, `out` where there is one.
    OutputName, "output name", "it must be 1 to 60 lower-case letters, digits, `-` or `_`",
    |n| !n.is_empty() && n.len() <= 60
        && n.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}
name_type! {
    /// Where an input appears inside the sandbox: `/`, or an absolute path without `.` or `..`.
    MountPoint, "mount point", "it must be `/` or an absolute path in its shortest form",
    |n| n == "/" || (n.starts_with('/') && n[1..].split('/').all(|c| EntryName::new(c).is_ok()))
}

impl OutputName {
    /// The name of a derivation's only output.
    pub fn out() -> Self {
        OutputName("out".to_owned())
    }
}

impl MountPoint {
    /// The root of the sandbox, where several inputs merge.
    pub fn root() -> Self {
        MountPoint("/".to_owned())
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }
}

/// A platform that builds run on or are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// 64-bit x86 with Linux.
    X86_64Linux,
    /// 64-bit Arm with Linux.
    Aarch64Linux,
}

/// A text that names no known system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown system `{text}`: known are x86_64-linux and aarch64-linux")]
pub struct ParseSystemError {
    /// What was given.
    pub text: String,
}

impl System {
    /// The system that this program was compiled for, where it is a known one.
    pub const fn host() -> Option<System> {
        if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            Some(System::X86_64Linux)
        } else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
            Some(System::Aarch64Linux)
        } else {
            None
        }
    }

    /// The usual spelling, such as `x86_64-linux`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            System::X86_64Linux => "x86_64-linux",
            System::Aarch64Linux => "aarch64-linux",
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for System {
    type Err = ParseSystemError;

    fn from_str(text: &str) -> Result<Self, ParseSystemError> {
        [System::X86_64Linux, System::Aarch64Linux]
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| ParseSystemError {
                text: text.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_names_cannot_leave_their_directory() {
        for bad in ["", ".", "..", "a/b", "/", "a\0b", &"x".repeat(256)] {
            assert!(EntryName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "...", ".git", "Größe", "a b"] {
            assert!(EntryName::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn mount_points_are_absolute_and_shortest() {
        for bad in ["", "src", "/src/", "//src", "/src/../etc", "/./src"] {
            assert!(MountPoint::new(bad).is_err(), "{bad:?}");
        }
        assert!(MountPoint::new("/src/linux").is_ok());
        assert!(MountPoint::root().is_root());
    }
}
