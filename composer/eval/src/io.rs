//! The seam through which evaluation reads files: a trait, the tree of one directory, and a tree in memory.
//!
//! Called by `import`, `readFile` and friends. Invariant: paths are the language's (absolute, normalised,
//! `/` is the root of the tree), so results do not depend on where the tree lies on the host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Anything else.
    Unknown,
}

impl FileType {
    /// The language's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            FileType::Regular => "regular",
            FileType::Directory => "directory",
            FileType::Symlink => "symlink",
            FileType::Unknown => "unknown",
        }
    }
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IoError {
    /// Nothing is there.
    #[error("no such file: {path} (in {root})")]
    NotFound {
        /// The language's path.
        path: String,
        /// The root it was looked for in.
        root: String,
    },
    /// The path, or a symbolic link on it, leads out of the root.
    #[error("{path} leads outside of {root}, the only tree that evaluation may read")]
    Escapes {
        /// The language's path.
        path: String,
        /// The root.
        root: String,
    },
    /// The operating system refused.
    #[error("can't read {path} in {root}: {source}")]
    Read {
        /// The language's path.
        path: String,
        /// The root.
        root: String,
        /// Why.
        source: std::io::Error,
    },
}

/// File access of the language. `path` is always absolute and normalised.
pub trait EvalIo {
    /// The root in words, for error messages.
    fn root(&self) -> String;
    /// The content of a file.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, IoError>;
    /// The entries of a directory with their types, sorted by name.
    fn read_dir(&self, path: &str) -> Result<Vec<(String, FileType)>, IoError>;
    /// Whether something is there; a path leading outside is an error.
    fn path_exists(&self, path: &str) -> Result<bool, IoError>;
    /// What is there, symbolic links not followed.
    fn file_type(&self, path: &str) -> Result<FileType, IoError>;
    /// Whether `path`, symbolic links followed, is a directory.
    fn is_dir(&self, path: &str) -> Result<bool, IoError>;
}

/// One directory of the host, and nothing outside of it.
pub struct StdIo {
    dir: Dir,
    root: PathBuf,
}

impl StdIo {
    /// Opens `root`.
    pub fn open(root: impl Into<PathBuf>) -> Result<StdIo, IoError> {
        let root = root.into();
        let dir = Dir::open_ambient_dir(&root, ambient_authority()).map_err(|source| {
            let root = root.display().to_string();
            IoError::Read {
                path: "/".into(),
                root,
                source,
            }
        })?;
        Ok(StdIo { dir, root })
    }

    /// Where a path of the language lies on the host.
    pub fn host_path(&self, path: &str) -> PathBuf {
        self.root.join(relative(path))
    }

    fn fail(&self, path: &str, source: std::io::Error) -> IoError {
        let (path, root) = (path.to_owned(), self.root.display().to_string());
        match source.kind() {
            std::io::ErrorKind::NotFound => IoError::NotFound { path, root },
            // cap-std reports an escape as a refused permission without an errno; a real refusal has one.
            std::io::ErrorKind::PermissionDenied if source.raw_os_error().is_none() => {
                IoError::Escapes { path, root }
            }
            _ => IoError::Read { path, root, source },
        }
    }
}

/// The language's path relative to the root; `.` for the root itself.
fn relative(path: &str) -> &Path {
    match path.trim_start_matches('/') {
        "" => Path::new("."),
        rest => Path::new(rest),
    }
}

fn type_of(file_type: cap_std::fs::FileType) -> FileType {
    if file_type.is_symlink() {
        FileType::Symlink
    } else if file_type.is_dir() {
        FileType::Directory
    } else if file_type.is_file() {
        FileType::Regular
    } else {
        FileType::Unknown
    }
}

impl EvalIo for StdIo {
    fn root(&self) -> String {
        self.root.display().to_string()
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, IoError> {
        self.dir
            .read(relative(path))
            .map_err(|source| self.fail(path, source))
    }

    fn read_dir(&self, path: &str) -> Result<Vec<(String, FileType)>, IoError> {
        let fail = |source| self.fail(path, source);
        let mut entries = Vec::new();
        for entry in self.dir.read_dir(relative(path)).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().into_string().map_err(|name| {
                let message = format!("the name {name:?} is not UTF-8");
                fail(std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    message,
                ))
            })?;
            entries.push((name, type_of(entry.file_type().map_err(fail)?)));
        }
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }

    fn path_exists(&self, path: &str) -> Result<bool, IoError> {
        match self
            .dir
            .metadata(relative(path))
            .map_err(|source| self.fail(path, source))
        {
            Ok(_) => Ok(true),
            Err(IoError::NotFound { .. }) => Ok(false),
            Err(IoError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotADirectory =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn file_type(&self, path: &str) -> Result<FileType, IoError> {
        let metadata = self
            .dir
            .symlink_metadata(relative(path))
            .map_err(|source| self.fail(path, source))?;
        Ok(type_of(metadata.file_type()))
    }

    fn is_dir(&self, path: &str) -> Result<bool, IoError> {
        let metadata = self
            .dir
            .metadata(relative(path))
            .map_err(|source| self.fail(path, source))?;
        Ok(metadata.is_dir())
    }
}

/// Files in memory, for tests and for expressions that read nothing.
#[derive(Default, Clone)]
pub struct MemoryIo {
    files: BTreeMap<String, Arc<[u8]>>,
}

impl MemoryIo {
    /// A tree of the given files; paths are absolute.
    pub fn new<P: Into<String>, C: Into<Vec<u8>>>(
        files: impl IntoIterator<Item = (P, C)>,
    ) -> MemoryIo {
        let files = files
            .into_iter()
            .map(|(path, content)| (path.into(), content.into().into()));
        MemoryIo {
            files: files.collect(),
        }
    }

    fn not_found(&self, path: &str) -> IoError {
        IoError::NotFound {
            path: path.to_owned(),
            root: self.root(),
        }
    }

    fn children(&self, path: &str) -> impl Iterator<Item = (String, FileType)> + '_ {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        self.files.keys().filter_map(move |file| {
            let rest = file.strip_prefix(&prefix)?;
            Some(match rest.split_once('/') {
                Some((directory, _)) => (directory.to_owned(), FileType::Directory),
                None => (rest.to_owned(), FileType::Regular),
            })
        })
    }
}

impl EvalIo for MemoryIo {
    fn root(&self) -> String {
        "memory".to_owned()
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, IoError> {
        Ok(self
            .files
            .get(path)
            .ok_or_else(|| self.not_found(path))?
            .to_vec())
    }

    fn read_dir(&self, path: &str) -> Result<Vec<(String, FileType)>, IoError> {
        let mut entries: Vec<_> = self.children(path).collect();
        entries.dedup();
        if entries.is_empty() && path != "/" {
            return Err(self.not_found(path));
        }
        Ok(entries)
    }

    fn path_exists(&self, path: &str) -> Result<bool, IoError> {
        Ok(self.file_type(path).is_ok())
    }

    fn file_type(&self, path: &str) -> Result<FileType, IoError> {
        if self.files.contains_key(path) {
            Ok(FileType::Regular)
        } else if path == "/" || self.children(path).next().is_some() {
            Ok(FileType::Directory)
        } else {
            Err(self.not_found(path))
        }
    }

    fn is_dir(&self, path: &str) -> Result<bool, IoError> {
        Ok(self.file_type(path)? == FileType::Directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_tree_is_confined() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        let inside = tempfile::tempdir().unwrap();
        std::fs::write(inside.path().join("ok"), "content").unwrap();
        std::fs::create_dir(inside.path().join("sub")).unwrap();
        let link = |name: &str, target: &Path| {
            std::os::unix::fs::symlink(target, inside.path().join(name)).unwrap();
        };
        link("absolute", &outside.path().join("secret"));
        link("parent", Path::new("../"));
        link("sub/up", Path::new("../ok"));

        let io = StdIo::open(inside.path()).unwrap();
        assert_eq!(io.read_file("/ok").unwrap(), b"content");
        assert_eq!(
            io.read_file("/sub/up").unwrap(),
            b"content",
            "links inside are followed"
        );
        for path in [
            "/absolute",
            "/parent",
            "/parent/etc/passwd",
            "/../etc/passwd",
        ] {
            let error = io.read_file(path).unwrap_err();
            assert!(matches!(error, IoError::Escapes { .. }), "{path}: {error}");
            let text = error.to_string();
            assert!(text.contains(path) && text.contains(&io.root()), "{text}");
            assert!(
                io.path_exists(path).is_err(),
                "{path}: existence outside must not leak"
            );
        }
        assert!(matches!(
            io.read_file("/etc/passwd"),
            Err(IoError::NotFound { .. })
        ));
        assert!(!io.path_exists("/ok/below-a-file").unwrap());
        assert_eq!(io.file_type("/absolute").unwrap(), FileType::Symlink);
        let names: Vec<String> = io.read_dir("/").unwrap().into_iter().map(|e| e.0).collect();
        assert_eq!(names, ["absolute", "ok", "parent", "sub"]);
    }

    #[test]
    fn the_memory_tree_lists_directories() {
        let io = MemoryIo::new([("/a/b.nix", "1"), ("/a/c/d", "2"), ("/e", "3")]);
        let entries = io.read_dir("/a").unwrap();
        assert_eq!(
            entries,
            [
                ("b.nix".to_owned(), FileType::Regular),
                ("c".to_owned(), FileType::Directory)
            ]
        );
        assert!(io.read_dir("/nothing").is_err());
        assert!(io.path_exists("/a/c").unwrap());
        assert!(!io.path_exists("/a/x").unwrap());
    }
}
