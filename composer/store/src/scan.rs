//! Reads a file once: hashes it and looks for what outputs must not contain.
//!
//! Ingest calls it for every file, verification for every object. Invariant: a needle is found
//! wherever it lies, across the borders of the read buffer too.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use memchr::memmem::Finder;
use xsc_model::{BlobId, Digest};

/// Bytes that a tree must not contain, in a file, a name or the target of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    /// The bytes; an empty needle is never found.
    pub bytes: Vec<u8>,
    /// What they stand for, in messages.
    pub what: String,
}

impl Needle {
    /// A path as it would be written into a file.
    pub fn path(path: &Path, what: &str) -> Needle {
        Needle {
            bytes: path.as_os_str().as_bytes().to_vec(),
            what: format!("{what} `{}`", path.display()),
        }
    }
}

/// Where a needle was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundIn {
    /// In the content, at this offset in bytes.
    Content {
        /// Counted from zero.
        offset: u64,
    },
    /// In the path below the tree's root.
    Name,
    /// In the target of a symbolic link.
    Target,
}

impl fmt::Display for FoundIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FoundIn::Content { offset } => write!(f, "at byte {offset}"),
            FoundIn::Name => f.write_str("in its name"),
            FoundIn::Target => f.write_str("in its target"),
        }
    }
}

/// The searchers of a set of needles.
pub(crate) struct Needles<'a> {
    finders: Vec<(Finder<'a>, &'a Needle)>,
    overlap: usize,
}

impl<'a> Needles<'a> {
    pub(crate) fn new(needles: &'a [Needle]) -> Self {
        let finders: Vec<_> = needles
            .iter()
            .filter(|needle| !needle.bytes.is_empty())
            .map(|needle| (Finder::new(&needle.bytes), needle))
            .collect();
        let longest = finders.iter().map(|(_, n)| n.bytes.len()).max();
        Needles {
            overlap: longest.map_or(0, |length| length - 1),
            finders,
        }
    }

    /// The first needle, in the caller's order, and its offset.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<(&'a Needle, usize)> {
        self.finders
            .iter()
            .find_map(|(finder, needle)| Some((*needle, finder.find(bytes)?)))
    }
}

/// How much is read at a time.
const CHUNK: usize = 256 * 1024;
/// And at least, whatever the size of the file seemed to be.
const SMALLEST: usize = 4096;

/// What reading a file gave.
pub(crate) struct Scanned<'a> {
    pub(crate) blob: BlobId,
    pub(crate) size: u64,
    pub(crate) found: Option<(&'a Needle, u64)>,
}

/// Reads `file`, of which `size` bytes are expected, to its end. `buffer` is scratch space that the
/// caller keeps from file to file.
pub(crate) fn scan<'a>(
    file: &mut File,
    size: u64,
    needles: &Needles<'a>,
    buffer: &mut Vec<u8>,
) -> io::Result<Scanned<'a>> {
    // One more than is expected, so that the end is seen without another round.
    let room = usize::try_from(size).map_or(CHUNK, |size| size.saturating_add(1).min(CHUNK));
    let capacity = needles.overlap + room.max(SMALLEST);
    if buffer.len() < capacity {
        buffer.resize(capacity, 0);
    }
    let mut hasher = blake3::Hasher::new();
    let mut size = 0u64;
    let mut carried = 0usize;
    let mut found = None;
    loop {
        let count = match file.read(&mut buffer[carried..capacity]) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = carried + count;
        hasher.update(&buffer[carried..end]);
        if found.is_none()
            && let Some((needle, at)) = needles.find(&buffer[..end])
        {
            found = Some((needle, size - carried as u64 + at as u64));
        }
        size += count as u64;
        let keep = needles.overlap.min(end);
        buffer.copy_within(end - keep..end, 0);
        carried = keep;
    }
    Ok(Scanned {
        blob: BlobId(Digest::from_bytes(*hasher.finalize().as_bytes())),
        size,
        found,
    })
}
