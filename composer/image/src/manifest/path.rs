//! Paths inside images, and the one way to show bytes that may be no text.
//!
//! Every writer takes its names from here. Invariant: a path is `/` or `/` before components of 1
//! to 255 bytes without NUL, none of them `.` or `..`; nothing says that they are UTF-8.

use std::fmt;

use xsc_model::EntryName;

use super::ManifestError;

/// The most bytes of one component, on Linux and in every format here.
pub(crate) const LONGEST_NAME: usize = 255;

/// An absolute path inside an image, `/` or in its shortest form, as bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImagePath(Vec<u8>);

fn is_name(name: &[u8]) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name != b"."
        && name != b".."
        && !name.iter().any(|byte| matches!(byte, 0 | b'/'))
}

impl ImagePath {
    /// Validates `path`: `/`, or `/` before each of one or more valid names.
    pub fn new(path: impl Into<Vec<u8>>) -> Result<Self, ManifestError> {
        let path = path.into();
        let valid = path == b"/"
            || path
                .strip_prefix(b"/")
                .is_some_and(|rest| rest.split(|byte| *byte == b'/').all(is_name));
        if valid {
            Ok(ImagePath(path))
        } else {
            Err(ManifestError::BadPath {
                path: escape(&path),
            })
        }
    }

    /// `/`.
    pub fn root() -> Self {
        ImagePath(b"/".to_vec())
    }

    /// The path of `name` in this directory.
    pub fn join(&self, name: &[u8]) -> Result<Self, ManifestError> {
        let below = self.below(name);
        match is_name(name) {
            true => Ok(below),
            false => Err(ManifestError::BadPath {
                path: escape(&below.0),
            }),
        }
    }

    /// The path of a name that a tree has checked.
    pub(crate) fn join_name(&self, name: &EntryName) -> Self {
        self.below(name.as_str().as_bytes())
    }

    fn below(&self, name: &[u8]) -> Self {
        let mut path = self.0.clone();
        if !self.is_root() {
            path.push(b'/');
        }
        path.extend(name);
        ImagePath(path)
    }

    /// The directory that holds this path; none for `/`.
    pub fn parent(&self) -> Option<ImagePath> {
        match self.0.iter().rposition(|byte| *byte == b'/') {
            _ if self.is_root() => None,
            Some(0) => Some(Self::root()),
            Some(at) => Some(ImagePath(self.0[..at].to_vec())),
            None => None,
        }
    }

    /// The last component; empty for `/`.
    pub fn name(&self) -> &[u8] {
        self.0.rsplit(|byte| *byte == b'/').next().unwrap_or(&[])
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0 == b"/"
    }

    /// The path with its leading `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text, where it is UTF-8.
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The path without its leading `/`; empty for the root.
    pub fn relative(&self) -> &[u8] {
        &self.0[1..]
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0))
    }
}

impl fmt::Debug for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", escape(&self.0))
    }
}

/// Bytes as text in which everything but printable UTF-8 is `\x` and two digits, the backslash
/// too; two different names never look the same.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' || c.is_control() || (c.is_whitespace() && c != ' ') {
                let mut utf8 = [0; 4];
                hexadecimal(&mut text, c.encode_utf8(&mut utf8).as_bytes());
            } else {
                text.push(c);
            }
        }
        hexadecimal(&mut text, chunk.invalid());
    }
    text
}

fn hexadecimal(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str(&format!("\\x{byte:02x}"));
    }
}

/// The same without spaces, for a word of a line.
pub(crate) fn escape_word(bytes: &[u8]) -> String {
    escape(bytes).replace(' ', "\\x20")
}

/// The bytes that [`escape`] shows; none where a backslash is not followed by `x` and two digits.
pub(crate) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'\\' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let digits = after.strip_prefix(b"x")?.get(..2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[3..];
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_one_text_and_comes_back() {
        for (bytes, text) in [
            (&b"a b"[..], "a b"),
            ("é".as_bytes(), "é"),
            (b"\xff\\\n", "\\xff\\x5c\\x0a"),
            (b"a\xc3", "a\\xc3"),
            ("\u{2028}".as_bytes(), "\\xe2\\x80\\xa8"),
        ] {
            assert_eq!(escape(bytes), text);
            assert_eq!(unescape(text).unwrap(), bytes);
        }
        assert_eq!(escape_word(b"a b"), "a\\x20b");
        for bad in ["\\", "\\x", "\\x0", "\\y00", "\\xzz", "\\x+1"] {
            // from_str_radix takes a sign, the canonical form does not: the parser compares.
            assert!(unescape(bad).is_none() || bad == "\\x+1", "{bad}");
        }
    }
}
