//! A file's content: pieces of an image, one behind another, some of them holes or compressed.
//!
//! Every reader answers with one. Invariant: a content has exactly its size; what a broken image does not store is
//! an error when it is read, and a compressed piece is no longer than its format can make of its stored bytes.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::Source;
use super::source::fill;

/// How a piece is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// Not at all: zeros.
    Hole,
    /// As it is, at a byte of the source.
    Plain { at: u64 },
    /// As an LZ4 block of so many bytes, with zeros before it.
    Lz4 { at: u64, length: u32 },
}

/// A piece of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// Where it starts in the file.
    start: u64,
    length: u64,
    stored: Stored,
}

/// The content of a file, which is a source of bytes itself.
#[derive(Clone)]
pub struct Content {
    source: Arc<dyn Source>,
    pieces: Arc<[Piece]>,
    size: u64,
    /// The compressed piece that was read last.
    unpacked: Arc<Mutex<Option<Unpacked>>>,
}

/// A compressed piece's number and what is in it.
type Unpacked = (usize, Vec<u8>);

/// The most that LZ4 makes of one byte.
const LZ4_MOST: u64 = 255;

impl Content {
    /// The content of `size` bytes of pieces with their lengths; where they end early, zeros follow.
    pub(crate) fn new(
        source: Arc<dyn Source>,
        size: u64,
        parts: impl IntoIterator<Item = (u64, Stored)>,
    ) -> Self {
        let mut pieces = Vec::new();
        let mut start = 0;
        for (length, stored) in parts {
            if start >= size {
                break;
            }
            // A compressed piece is unpacked whole.
            let length = match stored {
                Stored::Lz4 { .. } => length,
                _ => length.min(size - start),
            };
            if length > 0 {
                pieces.push(Piece {
                    start,
                    length,
                    stored,
                });
            }
            start = start.saturating_add(length);
        }
        if start < size {
            pieces.push(Piece {
                start,
                length: size - start,
                stored: Stored::Hole,
            });
        }
        Content {
            source,
            pieces: pieces.into(),
            size,
            unpacked: Arc::default(),
        }
    }

    /// Bytes.
    pub fn len(&self) -> u64 {
        self.size
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// A reader from the start.
    pub fn reader(&self) -> ContentReader {
        ContentReader {
            content: self.clone(),
            at: 0,
        }
    }

    /// A reader from a byte on.
    pub fn reader_from(&self, at: u64) -> ContentReader {
        ContentReader {
            content: self.clone(),
            at,
        }
    }

    /// The ranges that are stored, without the holes between them.
    pub fn stored_ranges(&self) -> impl Iterator<Item = (u64, u64)> {
        self.pieces
            .iter()
            .filter(|piece| piece.stored != Stored::Hole)
            .map(|piece| (piece.start, piece.length.min(self.size - piece.start)))
    }

    fn lz4(
        &self,
        index: usize,
        piece: &Piece,
        at: u64,
        length: u32,
        skip: u64,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        let data = match &mut *unpacked {
            Some((last, data)) if *last == index => data,
            other => {
                let data = unpack_lz4(&*self.source, at, length, piece.length)?;
                &mut other.insert((index, data)).1
            }
        };
        let skip = usize::try_from(skip).map_err(io::Error::other)?;
        match data.get(skip..skip + buffer.len()) {
            Some(part) => buffer.copy_from_slice(part),
            None => return Err(broken("a compressed piece is shorter than it says")),
        }
        Ok(())
    }
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn unpack_lz4(source: &dyn Source, at: u64, length: u32, size: u64) -> io::Result<Vec<u8>> {
    if size > u64::from(length).saturating_mul(LZ4_MOST) {
        return Err(broken("a compressed piece cannot be as long as it says"));
    }
    if source.size().is_some_and(|size| u64::from(length) > size) {
        return Err(broken("a compressed piece is longer than the image"));
    }
    let mut packed = vec![0; length as usize];
    if fill(source, at, &mut packed)? < packed.len() {
        return Err(broken(
            "a compressed piece lies behind the end of the image",
        ));
    }
    let start = packed.iter().position(|byte| *byte != 0).unwrap_or(0);
    let mut data = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    let count = lz4_flex::block::decompress_into(&packed[start..], &mut data)
        .map_err(|_| broken("a compressed piece cannot be unpacked"))?;
    match count == data.len() {
        true => Ok(data),
        false => Err(broken("a compressed piece is shorter than it says")),
    }
}

impl Source for Content {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if at >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let index = self.pieces.partition_point(|piece| piece.start <= at) - 1;
        let piece = &self.pieces[index];
        let skip = at - piece.start;
        let left = (piece.length - skip).min(self.size - at);
        let count = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let buffer = &mut buffer[..count];
        match piece.stored {
            Stored::Hole => buffer.fill(0),
            Stored::Plain { at } => {
                let at = at.checked_add(skip).ok_or_else(|| broken("an address"))?;
                if fill(&*self.source, at, buffer)? < count {
                    return Err(broken("the image ends before the file does"));
                }
            }
            Stored::Lz4 { at, length } => self.lz4(index, piece, at, length, skip, buffer)?,
        }
        Ok(count)
    }

    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn stored(&self) -> u64 {
        self.size.min(self.source.stored())
    }
}

/// Reads a content from its start to its end.
pub struct ContentReader {
    content: Content,
    at: u64,
}

impl Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(self.at, buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}
