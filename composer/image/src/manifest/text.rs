//! The text of a manifest (docs/formats/manifest.md), written beside images and read back.
//!
//! `build` writes it, the command line shows and compares it. Invariant: equal manifests have
//! equal text and no other text is read: the parser prints each line again and compares.

use std::fmt::Write;

use xsc_model::BlobId;

use super::path::{escape_word, unescape};
use super::{Entry, ImagePath, Kind, LinkGroup, Manifest, ManifestError, Origin, Xattrs};

/// The first line.
const HEADER: &str = "xsc-manifest 1";

/// A manifest's text that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestTextError {
    /// The first line is another one.
    #[error("line 1: expected `{HEADER}`, found `{found}`")]
    Header {
        /// What stands there.
        found: String,
    },
    /// A line that is no entry.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from one.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// An entry that is written otherwise, such as with a field out of order.
    #[error("line {line}: not in the one form that it has: expected `{expected}`")]
    NotCanonical {
        /// Counted from one.
        line: usize,
        /// The line as it has to be.
        expected: String,
    },
    /// Entries that are not sorted by the bytes of their paths.
    #[error("line {line}: `{path}` is out of order")]
    Order {
        /// Counted from one.
        line: usize,
        /// The path.
        path: ImagePath,
    },
    /// The entries are no file system.
    #[error("line {line}: {source}")]
    Manifest {
        /// Counted from one.
        line: usize,
        /// Why.
        source: ManifestError,
    },
}

impl Manifest {
    /// The text: a line each for the names of users and groups, then for each entry.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for (word, names) in [("user", &self.users), ("group", &self.groups)] {
            for (number, name) in names {
                let _ = writeln!(text, "{word} {number} {}", escape_word(name.as_bytes()));
            }
        }
        // Groups are numbered anew by their first names, so that equal files have equal numbers.
        let mut numbers = std::collections::BTreeMap::new();
        for (path, entry) in &self.entries {
            let link = entry.link.map(|group| {
                let next = numbers.len();
                *numbers.entry(group).or_insert(next)
            });
            text.push_str(&line_of(path, entry, link));
            text.push('\n');
        }
        text
    }

    /// Reads the text.
    pub fn from_text(text: &str) -> Result<Self, ManifestTextError> {
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        let first = lines.next().map_or("", |(_, line)| line);
        if first != HEADER {
            return Err(ManifestTextError::Header {
                found: first.chars().take(80).collect(),
            });
        }
        let mut manifest = Manifest::new();
        let mut last: Option<ImagePath> = None;
        for (line, text) in lines {
            let bad = |problem: String| ManifestTextError::Line { line, problem };
            let wrong = |source| ManifestTextError::Manifest { line, source };
            let words: Vec<&str> = text.split(' ').collect();
            if let [word @ ("user" | "group"), number, name] = words[..] {
                let number = number
                    .parse()
                    .map_err(|_| bad(format!("`{number}` is no number of a {word}")))?;
                let name = unescape(name)
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .ok_or_else(|| bad(format!("`{name}` is no name")))?;
                match word {
                    "user" => manifest.set_user_name(number, &name),
                    _ => manifest.set_group_name(number, &name),
                }
                .map_err(wrong)?;
                let name = escape_word(name.as_bytes());
                canonical(line, text, format!("{word} {number} {name}"))?;
                continue;
            }
            let (path, entry) = entry_of(&words).map_err(bad)?;
            let link = entry.link.map(|group| group.0 as usize);
            canonical(line, text, line_of(&path, &entry, link))?;
            match &last {
                Some(last) if *last >= path => {
                    return Err(ManifestTextError::Order { line, path });
                }
                None if !path.is_root() => {
                    return Err(ManifestTextError::Order { line, path });
                }
                _ => {}
            }
            last = Some(path.clone());
            if !path.is_root() {
                manifest.insert(path, entry).map_err(wrong)?;
            } else if entry.kind == Kind::Directory {
                super::check(&path, &entry).map_err(wrong)?;
                manifest.entries.insert(path, entry);
            } else {
                return Err(bad("`/` must be a directory".to_owned()));
            }
        }
        if manifest.to_text() != text {
            // All lines are right one by one: what is left is their order, or a missing `/`.
            return Err(ManifestTextError::Line {
                line: 1,
                problem: "names of users and groups come first, sorted and once each, then `/`; \
                          groups of hard links count from 0; the last line ends with a newline"
                    .to_owned(),
            });
        }
        Ok(manifest)
    }
}

fn canonical(line: usize, found: &str, expected: String) -> Result<(), ManifestTextError> {
    match found == expected {
        true => Ok(()),
        false => Err(ManifestTextError::NotCanonical { line, expected }),
    }
}

/// One entry's line.
pub(super) fn line_of(path: &ImagePath, entry: &Entry, link: Option<usize>) -> String {
    let (word, rest) = match &entry.kind {
        Kind::File { blob, size } => ("file", format!(" size={size} blob={blob}")),
        Kind::Directory => ("directory", String::new()),
        Kind::Symlink { target } => ("symlink", format!(" target={}", escape_word(target))),
        Kind::CharDevice { major, minor } => ("char", format!(" device={major},{minor}")),
        Kind::BlockDevice { major, minor } => ("block", format!(" device={major},{minor}")),
        Kind::Fifo => ("fifo", String::new()),
        Kind::Socket => ("socket", String::new()),
    };
    let mut line = format!(
        "{} {word} mode={:04o} uid={} gid={}{rest}",
        escape_word(path.as_bytes()),
        entry.mode,
        entry.uid,
        entry.gid
    );
    if let Some(number) = link {
        let _ = write!(line, " link={number}");
    }
    for (name, value) in &entry.xattrs {
        let name = escape_word(name).replace('=', "\\x3d");
        let _ = write!(line, " xattr:{name}={}", escape_word(value));
    }
    if let Some(origin) = &entry.origin {
        let _ = write!(line, " from={}", escape_word(origin.as_str().as_bytes()));
    }
    line
}

/// One entry from the words of its line, in any order and form; the caller compares.
fn entry_of(words: &[&str]) -> Result<(ImagePath, Entry), String> {
    let [path, word, fields @ ..] = words else {
        return Err("expected a path and what it is".to_owned());
    };
    let bytes = |text: &str| unescape(text).ok_or_else(|| format!("`{text}` is not escaped right"));
    let path = ImagePath::new(bytes(path)?).map_err(|error| error.to_string())?;
    let mut xattrs = Xattrs::new();
    let mut values = std::collections::BTreeMap::new();
    for field in fields {
        let (key, value) = (field.split_once('='))
            .ok_or_else(|| format!("`{field}` is no field: expected `name=value`"))?;
        match key.strip_prefix("xattr:") {
            Some(name) => {
                xattrs.insert(bytes(name)?, bytes(value)?);
            }
            None => {
                values.insert(key, value);
            }
        }
    }
    let mut take = |key: &str| {
        values
            .remove(key)
            .ok_or_else(|| format!("the field `{key}` is missing"))
    };
    let number = |text: &str| {
        text.parse::<u32>()
            .map_err(|_| format!("`{text}` is no number of 32 bits"))
    };
    let mode = take("mode")?;
    let mode = u32::from_str_radix(mode, 8).map_err(|_| format!("`{mode}` is no octal mode"))?;
    let (uid, gid) = (number(take("uid")?)?, number(take("gid")?)?);
    let device = |text: &str| -> Result<(u32, u32), String> {
        let (major, minor) = (text.split_once(','))
            .ok_or_else(|| format!("`{text}` is no device: expected `major,minor`"))?;
        Ok((number(major)?, number(minor)?))
    };
    let kind = match *word {
        "file" => {
            let size = take("size")?;
            let blob = take("blob")?;
            Kind::File {
                size: size.parse().map_err(|_| format!("`{size}` is no size"))?,
                blob: (blob.parse::<BlobId>()).map_err(|_| format!("`{blob}` is no digest"))?,
            }
        }
        "directory" => Kind::Directory,
        "symlink" => Kind::Symlink {
            target: bytes(take("target")?)?,
        },
        "char" => {
            let (major, minor) = device(take("device")?)?;
            Kind::CharDevice { major, minor }
        }
        "block" => {
            let (major, minor) = device(take("device")?)?;
            Kind::BlockDevice { major, minor }
        }
        "fifo" => Kind::Fifo,
        "socket" => Kind::Socket,
        other => {
            return Err(format!(
                "`{other}` is no kind: known are file, directory, symlink, char, block, fifo and socket"
            ));
        }
    };
    let link = (values.remove("link").map(number).transpose()?).map(LinkGroup);
    let origin = match values.remove("from") {
        Some(text) => Some(Origin::new(
            std::str::from_utf8(&bytes(text)?).map_err(|_| format!("`{text}` is not UTF-8"))?,
        )),
        None => None,
    };
    if let Some(key) = values.keys().next() {
        return Err(format!("a {word} has no field `{key}`"));
    }
    let entry = Entry {
        kind,
        mode,
        uid,
        gid,
        xattrs,
        link,
        origin,
    };
    Ok((path, entry))
}
