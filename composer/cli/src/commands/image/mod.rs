//! What `ls`, `cat`, `extract` and `whence` share: opening an image by its word, and paths of images as text.
//!
//! Invariant: an image is opened for reading only, and nothing of it is run.

pub(crate) mod cat;
pub(crate) mod extract;
pub(crate) mod ls;
pub(crate) mod whence;

use std::path::Path;
use std::sync::Arc;

use xsc_image::read::{self, Content, Entries, FileSource, Node, NodeKind, ReadError, Reader};

use crate::error::CommandError;

/// Links that are followed on the way to one file, as the kernel does it.
const MOST_LINKS: usize = 40;

/// Opens what an IMAGE word names: a file or a layout, and the parts behind each `#`.
pub(crate) fn open(word: &str) -> Result<Box<dyn Reader>, CommandError> {
    // A file may have `#` in its name.
    let (file, parts) = match Path::new(word).exists() {
        true => (word, Vec::new()),
        false => {
            let mut split = word.split('#');
            (split.next().unwrap_or_default(), split.collect())
        }
    };
    let path = Path::new(file);
    let opened = match path.join("index.json").is_file() {
        true => read::open_layout(path, &parts),
        false if path.is_dir() => {
            return Err(CommandError::usage(format!(
                "{file} is a directory, and no OCI layout: it has no index.json"
            )));
        }
        false => FileSource::open(path)
            .map_err(|source| ReadError::Io { source })
            .and_then(|source| read::open(Arc::new(source), &parts)),
    };
    opened.map_err(|error| failed(word, &error))
}

/// A failure to read an image, with the image's name.
pub(crate) fn failed(word: &str, error: &ReadError) -> CommandError {
    let text = crate::error::chain(error);
    match error {
        ReadError::NotFound { .. } | ReadError::NotAFile { .. } | ReadError::NoPart { .. } => {
            CommandError::usage(format!("{word}: {text}"))
        }
        ReadError::Unknown => {
            CommandError::usage(format!("{word}: {text}")).hint("xz is not read; unpack it first")
        }
        _ => CommandError::other(format!("{word}: {text}")),
    }
}

/// The file that a user's path leads to, through links: its path in the image, and its content.
pub(crate) fn file(
    word: &str,
    image: &dyn Reader,
    path: &str,
) -> Result<(Vec<u8>, Content), CommandError> {
    let wanted = wanted(path.as_bytes());
    let failure = |error: ReadError| Err(failed(word, &error));
    match resolve(image.entries(), &wanted) {
        None => failure(ReadError::NotFound {
            path: shown(&wanted),
        }),
        // The root's path is empty in images.
        Some(path) if path.is_empty() => failure(ReadError::NotAFile {
            path: "/".to_owned(),
        }),
        Some(path) => match image.content(&path) {
            Err(error) => failure(error),
            Ok(content) => Ok((path, content)),
        },
    }
}

/// A path that the user names, as images have it: without slashes at its ends.
pub(crate) fn wanted(path: &[u8]) -> Vec<u8> {
    let parts = path.split(|byte| *byte == b'/');
    let parts: Vec<&[u8]> = parts.filter(|part| !matches!(*part, b"" | b".")).collect();
    parts.join(&b'/')
}

/// Follows links from `path` to what is there; `..` leads up, and never out of the image.
pub(crate) fn resolve(entries: &Entries, path: &[u8]) -> Option<Vec<u8>> {
    let parts = |text: &[u8]| -> Vec<Vec<u8>> {
        let parts = text.split(|byte| *byte == b'/').rev();
        parts
            .filter(|part| !part.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    };
    let mut pending = parts(path);
    let mut at: Vec<Vec<u8>> = Vec::new();
    let mut links = 0;
    while let Some(part) = pending.pop() {
        match part.as_slice() {
            b"." => continue,
            b".." => {
                at.pop();
                continue;
            }
            _ => at.push(part),
        }
        match &entries.get(&at.join(&b'/'))?.kind {
            NodeKind::Symlink { target } => {
                links += 1;
                if links > MOST_LINKS {
                    return None;
                }
                at.pop();
                if target.starts_with(b"/") {
                    at.clear();
                }
                pending.extend(parts(target));
            }
            NodeKind::Directory => {}
            _ if pending.is_empty() => {}
            _ => return None,
        }
    }
    Some(at.join(&b'/'))
}

/// Bytes of a path or link as text; what is not printable is written `\xNN`.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                c if c.is_control() => {
                    text.extend(c.to_string().bytes().map(|byte| format!("\\x{byte:02x}")))
                }
                c => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// The type and permissions as `ls -l` writes them.
pub(crate) fn mode_text(node: &Node) -> String {
    let kind = match node.kind {
        NodeKind::File => '-',
        NodeKind::Directory => 'd',
        NodeKind::Symlink { .. } => 'l',
        NodeKind::CharDevice { .. } => 'c',
        NodeKind::BlockDevice { .. } => 'b',
        NodeKind::Fifo => 'p',
        NodeKind::Socket => 's',
    };
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = node.mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, node.mode & special != 0) {
            (true, false) => 'x',
            (false, false) => '-',
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_paths_is_printable() {
        assert_eq!(shown(b"a\xffb\\ \n\xc3\xa9"), "a\\xffb\\\\ \\x0a\u{e9}");
        assert_eq!(wanted(b"//a/./b/"), b"a/b");
    }
}
