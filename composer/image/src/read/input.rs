//! What a reader reads through: a source with a budget, and errors that name the format and the place.
//!
//! Invariant: the bytes that a reader keeps of an image are bounded by what the image stores: overlapping or endless
//! structures end in [`ReadError::Budget`], not in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::source::fill;
use super::{Entries, Node, ReadError, Source};

/// The longest path that is listed.
const LONGEST_PATH: usize = 16 * 1024;

/// A source as one format's reader sees it.
pub(crate) struct Input {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) format: &'static str,
    left: u64,
}

impl Input {
    pub(crate) fn new(source: Arc<dyn Source>, format: &'static str) -> Self {
        // A whole source is listed from less than its bytes, several times over where names repeat in paths. What a
        // compressed one holds can be much more than it stores.
        let left = match source.size() {
            Some(size) => {
                size.min(source.stored().saturating_mul(64))
                    .saturating_mul(8)
                    + (1 << 20)
            }
            None => source.stored().saturating_mul(64) + (16 << 20),
        };
        Input {
            source,
            format,
            left,
        }
    }

    pub(crate) fn broken(&self, what: &'static str, at: u64) -> ReadError {
        ReadError::Broken {
            format: self.format,
            what,
            at,
        }
    }

    pub(crate) fn unsupported(&self, what: impl Into<String>) -> ReadError {
        ReadError::Unsupported {
            format: self.format,
            what: what.into(),
        }
    }

    /// Takes `bytes` off the budget.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), ReadError> {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => {
                return Err(ReadError::Budget {
                    format: self.format,
                });
            }
        }
        Ok(())
    }

    /// Fills a buffer from `at`; an image that ends before is broken.
    pub(crate) fn fill(&self, at: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let count = fill(&*self.source, at, buffer).map_err(|source| ReadError::Io { source })?;
        match count == buffer.len() {
            true => Ok(()),
            false => Err(self.broken("it ends too early", at.saturating_add(count as u64))),
        }
    }

    /// A few bytes, outside the budget.
    pub(crate) fn array<const N: usize>(&self, at: u64) -> Result<[u8; N], ReadError> {
        let mut bytes = [0; N];
        self.fill(at, &mut bytes)?;
        Ok(bytes)
    }

    /// `length` bytes at `at`, charged; what does not fit in the source is refused before memory is taken.
    pub(crate) fn bytes(&mut self, at: u64, length: u64) -> Result<Vec<u8>, ReadError> {
        let end = at.checked_add(length);
        let fits = match self.source.size() {
            Some(size) => end.is_some_and(|end| end <= size),
            None => end.is_some(),
        };
        if !fits {
            return Err(self.broken("it points behind its end", at));
        }
        self.charge(length)?;
        let length = usize::try_from(length).map_err(|_| self.broken("a length", at))?;
        let mut bytes = vec![0; length];
        self.fill(at, &mut bytes)?;
        Ok(bytes)
    }

    /// The path of `name` in `parent`, if it is one.
    pub(crate) fn join(
        &mut self,
        parent: &[u8],
        name: &[u8],
        at: u64,
    ) -> Result<Vec<u8>, ReadError> {
        if name.is_empty()
            || matches!(name, b"." | b"..")
            || name.contains(&b'/')
            || name.contains(&0)
        {
            return Err(self.broken("a name that cannot be one", at));
        }
        if parent.len() + name.len() > LONGEST_PATH {
            return Err(self.broken("a path that is too long", at));
        }
        self.charge((parent.len() + name.len()) as u64)?;
        let mut path = parent.to_vec();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend(name);
        Ok(path)
    }

    /// An archive's name as a path: `./` and `/` at its start and `/` at its end dropped.
    pub(crate) fn archived(&mut self, name: &[u8], at: u64) -> Result<Vec<u8>, ReadError> {
        if name.len() > LONGEST_PATH {
            return Err(self.broken("a path that is too long", at));
        }
        self.charge(name.len() as u64)?;
        let mut path = Vec::new();
        for component in name.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => continue,
                b".." => return Err(self.broken("a path that leads out of the archive", at)),
                component if component.contains(&0) => {
                    return Err(self.broken("a name that cannot be one", at));
                }
                component => {
                    if !path.is_empty() {
                        path.push(b'/');
                    }
                    path.extend(component);
                }
            }
        }
        Ok(path)
    }
}

/// The directory that holds a path; none for the root.
pub(crate) fn parent(path: &[u8]) -> Option<&[u8]> {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => Some(&path[..at]),
        None if path.is_empty() => None,
        None => Some(&[]),
    }
}

/// Adds the directories that an archive leaves out, and drops what lies below something that is no directory.
pub(crate) fn complete(entries: &mut Entries, input: &mut Input) -> Result<(), ReadError> {
    let mut missing = BTreeSet::new();
    for path in entries.keys() {
        let mut at = path.as_slice();
        while let Some(up) = parent(at) {
            if entries.contains_key(up) || !missing.insert(up.to_vec()) {
                break;
            }
            input.charge(up.len() as u64 + 64)?;
            at = up;
        }
    }
    missing.insert(Vec::new());
    for path in missing {
        entries.entry(path).or_insert_with(Node::implied_directory);
    }
    let mut kept = Entries::new();
    while let Some((path, node)) = entries.pop_first() {
        let below = parent(&path).and_then(|up| kept.get(up));
        if path.is_empty() || below.is_some_and(Node::is_directory) {
            kept.insert(path, node);
        }
    }
    *entries = kept;
    Ok(())
}
