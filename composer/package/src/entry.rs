//! A package in memory: its control paragraph, the other members of its control archive, and its files.
//!
//! Everything of this crate reads or makes one. Invariant: a `PackagePath` is absolute, in its shortest form and
//! never climbs, so an entry can't leave the root it is unpacked into.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Control, PackageError};

/// An absolute path of a package: `/`, or `/` before each of one or more names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackagePath(String);

impl PackagePath {
    /// Reads a path in any of the forms that archives have: `./a`, `a/`, `/a`.
    ///
    /// # Errors
    /// `Path` if it climbs with `..` or holds a NUL byte.
    pub fn new(path: &str) -> Result<PackagePath, PackageError> {
        let mut shortest = String::new();
        for name in path.split('/').filter(|n| !n.is_empty() && *n != ".") {
            if name == ".." || name.contains('\0') {
                return Err(PackageError::Path {
                    path: path.to_owned(),
                });
            }
            shortest.push('/');
            shortest.push_str(name);
        }
        if shortest.is_empty() {
            shortest.push('/');
        }
        Ok(PackagePath(shortest))
    }

    /// The path with its leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its leading `/`; empty for the root.
    pub fn relative(&self) -> &str {
        &self.0[1..]
    }

    /// The last component; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The directory that holds it; none for the root.
    pub fn parent(&self) -> Option<PackagePath> {
        match self.0.rfind('/') {
            _ if self.0 == "/" => None,
            Some(0) | None => Some(PackagePath("/".to_owned())),
            Some(at) => Some(PackagePath(self.0[..at].to_owned())),
        }
    }
}

impl fmt::Display for PackagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file with this content.
    File(Vec<u8>),
    /// A directory.
    Directory,
    /// A symbolic link with this text.
    Symlink(String),
    /// Another name of a file that stands before it.
    Hardlink(PackagePath),
}

/// One path of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it goes.
    pub path: PackagePath,
    /// What it is.
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Seconds since 1970.
    pub mtime: u64,
}

impl Entry {
    /// An entry of root's with the usual mode for its kind, not executable.
    pub fn new(path: PackagePath, kind: Kind, mtime: u64) -> Entry {
        let mode = match kind {
            Kind::Directory => 0o755,
            Kind::Symlink(_) => 0o777,
            Kind::File(_) | Kind::Hardlink(_) => 0o644,
        };
        Entry {
            path,
            kind,
            mode,
            uid: 0,
            gid: 0,
            mtime,
        }
    }
}

/// A file of the control archive besides `control` and `md5sums`: a script, `conffiles`, `triggers`, ...
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether it is a script.
    pub executable: bool,
}

/// A package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// The control paragraph.
    pub control: Control,
    /// The rest of the control archive, by name; `md5sums` is made when the package is written.
    pub members: BTreeMap<String, Member>,
    /// Its files; a directory stands before what is in it.
    pub files: Vec<Entry>,
}

impl Package {
    /// `<name>_<version without epoch>_<architecture>.deb`.
    ///
    /// # Errors
    /// `MissingField`.
    pub fn file_name(&self) -> Result<String, PackageError> {
        let version = self.control.need("Version")?;
        let version = version.split_once(':').map_or(version, |(_, rest)| rest);
        let (name, architecture) = (
            self.control.need("Package")?,
            self.control.need("Architecture")?,
        );
        Ok(format!("{name}_{version}_{architecture}.deb"))
    }

    /// What the files take when unpacked, in KiB, counted as `dpkg-gencontrol` does: files rounded up, 1 for the rest.
    pub fn installed_size(&self) -> u64 {
        let sizes = self.files.iter().map(|entry| match &entry.kind {
            Kind::File(bytes) => (bytes.len() as u64).div_ceil(1024),
            Kind::Hardlink(_) => 0,
            Kind::Directory | Kind::Symlink(_) => 1,
        });
        sizes.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (given, path) in [("./", "/"), ("./a//b/", "/a/b"), ("/a", "/a"), ("", "/")] {
            assert_eq!(PackagePath::new(given).unwrap().as_str(), path);
        }
        for bad in ["../a", "a/../b", "a\0"] {
            assert!(PackagePath::new(bad).is_err(), "{bad:?}");
        }
        let path = PackagePath::new("a/b").unwrap();
        assert_eq!(path.parent().unwrap().as_str(), "/a");
        assert_eq!(path.parent().unwrap().parent().unwrap().as_str(), "/");
        assert_eq!(path.name(), "b");
    }
}
