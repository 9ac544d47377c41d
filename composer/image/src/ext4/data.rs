//! The contents of files: where they have holes, and their way into the image, by threads.
//!
//! The writer calls both. Invariant: what a thread reads and where it writes follows from the
//! plan alone, so the number of threads shows in the time only.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Ext4Error;
use super::layout::{BLOCK, Run};
use super::plan::{Node, Place};
use crate::ImagePath;
use crate::blobs::{BlobSource, CopyError};

/// Smaller files are written whole: what a hole would save is not worth reading them twice.
const SPARSE_FROM: u64 = 4 << 20;
/// Zeros are a hole where they fill this much, aligned.
const HOLE: usize = 64 << 10;
/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;
/// A thread takes files of about so many bytes at a time.
const UNIT: u64 = 4 << 20;

static ZEROS: [u8; HOLE] = [0; HOLE];

/// Runs `work` for each of `count` indices on some threads; the error of the lowest index wins.
fn spread<T: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> Result<T, Ext4Error> + Sync,
) -> Result<Vec<T>, Ext4Error> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<T, Ext4Error>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let result = work(index);
                    let stop = result.is_err();
                    done.lock().expect("no thread panics").push((index, result));
                    if stop {
                        next.store(count, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread panics");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Which blocks of each node's file have content; empty for what has none.
pub(crate) fn ranges(
    nodes: &[Node<'_>],
    blobs: &(dyn BlobSource + Sync),
    threads: usize,
) -> Result<Vec<Vec<Run>>, Ext4Error> {
    let mut all: Vec<Vec<Run>> = nodes
        .iter()
        .map(|node| match node.content() {
            Some(content) => vec![Run {
                start: 0,
                count: content.size.div_ceil(BLOCK),
            }],
            None => Vec::new(),
        })
        .collect();
    let large: Vec<usize> = (0..nodes.len())
        .filter(|index| {
            (nodes[*index].content()).is_some_and(|content| content.size >= SPARSE_FROM)
        })
        .collect();
    let found = spread(threads, large.len(), |index| {
        scan(&nodes[large[index]], blobs)
    })?;
    for (index, ranges) in large.into_iter().zip(found) {
        all[index] = ranges;
    }
    Ok(all)
}

/// The blocks of one file that are not in holes.
fn scan(node: &Node<'_>, blobs: &(dyn BlobSource + Sync)) -> Result<Vec<Run>, Ext4Error> {
    let content = node.content().expect("only files with content are scanned");
    let mut reader = (blobs.open(content.blob)).map_err(|source| read_error(node.path, source))?;
    let mut buffer = vec![0; HOLE];
    let mut ranges: Vec<Run> = Vec::new();
    let mut at = 0;
    while at < content.size {
        let count = (content.size - at).min(HOLE as u64);
        let piece = &mut buffer[..count as usize];
        fill(&mut *reader, piece).map_err(|error| error.at(node, content.size, at))?;
        if *piece != ZEROS[..piece.len()] {
            let (start, count) = (at / BLOCK, count.div_ceil(BLOCK));
            match ranges.last_mut() {
                Some(last) if last.start + last.count == start => last.count += count,
                _ => ranges.push(Run { start, count }),
            }
        }
        at += count;
    }
    Ok(ranges)
}

/// Writes the contents of all files into the file system that begins at `base`.
pub(crate) fn write(
    nodes: &[Node<'_>],
    places: &[Place],
    blobs: &(dyn BlobSource + Sync),
    threads: usize,
    out: &File,
    base: u64,
) -> Result<(), Ext4Error> {
    let mut units: Vec<Vec<usize>> = vec![Vec::new()];
    let mut size = 0;
    for (index, node) in nodes.iter().enumerate() {
        let Some(content) = node.content() else {
            continue;
        };
        if size >= UNIT {
            units.push(Vec::new());
            size = 0;
        }
        size += content.size;
        units.last_mut().expect("starts with one").push(index);
    }
    spread(threads, units.len(), |unit| {
        let mut sink = Sink::new(out, base);
        for index in &units[unit] {
            copy(&nodes[*index], &places[*index], blobs, &mut sink)?;
        }
        sink.flush()
    })?;
    Ok(())
}

fn copy(
    node: &Node<'_>,
    place: &Place,
    blobs: &(dyn BlobSource + Sync),
    sink: &mut Sink<'_>,
) -> Result<(), Ext4Error> {
    let content = node.content().expect("units are of files with content");
    let mut reader = (blobs.open(content.blob)).map_err(|source| read_error(node.path, source))?;
    let mut at = 0;
    for extent in &place.extents {
        let start = u64::from(extent.logical) * BLOCK;
        skip(&mut *reader, start - at).map_err(|error| error.at(node, content.size, at))?;
        at = start;
        let mut to = extent.start * BLOCK;
        let end = (start + u64::from(extent.count) * BLOCK).min(content.size);
        while at < end {
            let room = sink.room(to)?;
            let count = room.len().min((end - at) as usize);
            fill(&mut *reader, &mut room[..count])
                .map_err(|error| error.at(node, content.size, at))?;
            sink.filled(count);
            at += count as u64;
            to += count as u64;
        }
    }
    skip(&mut *reader, content.size - at).map_err(|error| error.at(node, content.size, at))?;
    match skip(&mut *reader, 1) {
        Ok(()) => Err(CopyError::Size {
            path: node.path.clone(),
            expected: content.size,
            found: content.size + 1,
        }
        .into()),
        Err(Short::End(_)) => Ok(()),
        Err(error) => Err(error.at(node, content.size, content.size)),
    }
}

fn read_error(path: &ImagePath, source: io::Error) -> Ext4Error {
    let path = path.clone();
    CopyError::Read { path, source }.into()
}

/// Why bytes are missing.
enum Short {
    /// The blob ended after so many of them.
    End(usize),
    Io(io::Error),
}

impl Short {
    fn at(self, node: &Node<'_>, expected: u64, at: u64) -> Ext4Error {
        match self {
            Short::Io(source) => read_error(node.path, source),
            Short::End(count) => CopyError::Size {
                path: node.path.clone(),
                expected,
                found: at + count as u64,
            }
            .into(),
        }
    }
}

fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> Result<(), Short> {
    let mut done = 0;
    while done < buffer.len() {
        match reader.read(&mut buffer[done..]) {
            Ok(0) => return Err(Short::End(done)),
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Short::Io(error)),
        }
    }
    Ok(())
}

/// Reads over bytes that are not wanted.
fn skip(reader: &mut dyn Read, count: u64) -> Result<(), Short> {
    let mut left = count;
    let mut buffer = Vec::new();
    while left > 0 {
        buffer.resize(left.min(HOLE as u64) as usize, 0);
        fill(reader, &mut buffer)?;
        left -= buffer.len() as u64;
    }
    Ok(())
}

/// Gathers what lies side by side into large writes.
struct Sink<'o> {
    out: &'o File,
    base: u64,
    /// Where the buffer's first byte belongs.
    at: u64,
    used: usize,
    buffer: Vec<u8>,
}

impl<'o> Sink<'o> {
    fn new(out: &'o File, base: u64) -> Self {
        Sink {
            out,
            base,
            at: 0,
            used: 0,
            buffer: vec![0; BUFFER],
        }
    }

    /// Room for bytes that belong at `to`, at least one; zeros fill the rest of a block before.
    fn room(&mut self, to: u64) -> Result<&mut [u8], Ext4Error> {
        let end = self.at + self.used as u64;
        let gap = to.checked_sub(end).filter(|gap| *gap < BLOCK);
        match gap.map(|gap| self.used + gap as usize) {
            Some(next) if next < BUFFER => {
                self.buffer[self.used..next].fill(0);
                self.used = next;
            }
            _ => {
                self.flush()?;
                self.at = to;
            }
        }
        Ok(&mut self.buffer[self.used..])
    }

    fn filled(&mut self, count: usize) {
        self.used += count;
    }

    fn flush(&mut self) -> Result<(), Ext4Error> {
        (self.out)
            .write_all_at(&self.buffer[..self.used], self.base + self.at)
            .map_err(|source| Ext4Error::Write { source })?;
        self.used = 0;
        Ok(())
    }
}
