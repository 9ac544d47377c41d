//! Path arithmetic on the language's paths: absolute text, `/` is the root of the tree.
//!
//! Used by lowering, operators and builtins. Invariant: a normalised path has no `.`, `..`, empty
//! component or trailing slash, and `..` above the root is refused instead of being ignored.

use std::rc::Rc;

use crate::error::{ErrorKind, EvalError};
use crate::io::IoError;
use crate::value::NixPath;

/// Marks a path that climbs above the root.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AboveRoot;

/// Normalises absolute text.
pub(crate) fn normalise(text: &str) -> Result<String, AboveRoot> {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or(AboveRoot)?;
            }
            part => parts.push(part),
        }
    }
    Ok(format!("/{}", parts.join("/")))
}

/// Normalises absolute text to a path value; `root` is for the error message.
pub(crate) fn absolute(text: &str, root: impl Fn() -> String) -> Result<Rc<NixPath>, EvalError> {
    match normalise(text) {
        Ok(path) => Ok(Rc::new(NixPath::new(path))),
        Err(AboveRoot) => {
            let source = Rc::new(IoError::Escapes {
                path: text.to_owned(),
                root: root(),
            });
            Err(ErrorKind::Io { source }.into())
        }
    }
}

/// The directory part: everything before the last slash.
pub(crate) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) => "/",
        Some(slash) => &path[..slash],
        None => ".",
    }
}

/// The last component; one trailing slash does not count.
pub(crate) fn base_name(path: &str) -> &str {
    let path = path.strip_suffix('/').unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalisation() {
        assert_eq!(normalise("/a//b/./c/../d/").as_deref(), Ok("/a/b/d"));
        assert_eq!(normalise("/").as_deref(), Ok("/"));
        assert_eq!(normalise("/a/../.."), Err(AboveRoot));
    }

    #[test]
    fn parts() {
        assert_eq!((parent("/a/b"), base_name("/a/b")), ("/a", "b"));
        assert_eq!((parent("/a"), base_name("/a")), ("/", "a"));
        assert_eq!((parent("a"), base_name("a/b/")), (".", "b"));
    }
}
