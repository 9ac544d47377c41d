//! Contents: blocks behind one another in the order of paths, compressed in pieces where that pays.
//!
//! Called once, before anything is laid out. Pieces are read by one thread, compressed by several and written in their
//! order. Invariant: at most [`BATCH`] pieces are in memory, and the number of threads changes no byte.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use xsc_model::BlobId;

use super::layout::BLOCK;
use super::plan::{Plan, Tail};
use super::{Blocks, ErofsCompression, ErofsError, ErofsSpec};
use crate::blobs::{BlobSource, CopyError};
use crate::{ImagePath, Kind};

/// Bytes of a file that are compressed together.
pub(crate) const PIECE: usize = 128 * 1024;
/// Blocks of a piece at most.
pub(crate) const MOST_BLOCKS: u16 = (PIECE / BLOCK) as u16;
/// Pieces that are read before they are compressed and written.
const BATCH: usize = 64;

/// Where a file's content is.
#[derive(Debug, Clone)]
pub(crate) enum Placed {
    /// From a block on, as it is.
    Plain { block: u32 },
    /// From a block on, with the number of blocks of each piece; a piece with as many as it would have anyway is
    /// stored as it is.
    Compressed { block: u32, pieces: Vec<u8> },
}

struct Piece {
    inode: usize,
    bytes: Vec<u8>,
}

/// Writes the contents that do not stand behind their inodes.
pub(crate) fn write(
    spec: &ErofsSpec<'_>,
    blobs: &dyn BlobSource,
    plan: &mut Plan<'_>,
    blocks: &mut Blocks<'_>,
) -> Result<(), ErofsError> {
    // One content is written once.
    let mut known: BTreeMap<BlobId, usize> = BTreeMap::new();
    let mut copies: Vec<(usize, usize)> = Vec::new();
    let mut batch = Vec::new();
    for inode in 0..plan.nodes.len() {
        let node = &plan.nodes[inode];
        let (Tail::Blocks, Kind::File { blob, size }) = (&node.tail, &node.entry.kind) else {
            continue;
        };
        let (path, blob, size) = (node.path, *blob, *size);
        if let Some(first) = known.get(&blob) {
            copies.push((inode, *first));
            continue;
        }
        known.insert(blob, inode);
        let mut reader = Exactly::open(blobs, path, blob, size)?;
        while let Some(bytes) = reader.next()? {
            batch.push(Piece { inode, bytes });
            if batch.len() == BATCH {
                flush(spec, plan, &mut batch, blocks)?;
            }
        }
    }
    flush(spec, plan, &mut batch, blocks)?;
    for (copy, first) in copies {
        plan.nodes[copy].placed = plan.nodes[first].placed.clone();
    }
    for node in &mut plan.nodes {
        // A file of which nothing became smaller needs no index.
        if let (Some(Placed::Compressed { block, pieces }), Kind::File { size, .. }) =
            (&node.placed, &node.entry.kind)
        {
            let whole = size.div_ceil(BLOCK as u64);
            if pieces.iter().map(|count| u64::from(*count)).sum::<u64>() == whole {
                node.placed = Some(Placed::Plain { block: *block });
            }
        }
    }
    Ok(())
}

fn flush(
    spec: &ErofsSpec<'_>,
    plan: &mut Plan<'_>,
    batch: &mut Vec<Piece>,
    blocks: &mut Blocks<'_>,
) -> Result<(), ErofsError> {
    let packed = match spec.compression {
        ErofsCompression::None => vec![None; batch.len()],
        ErofsCompression::Lz4 => compress(batch, spec.threads),
    };
    for (piece, packed) in batch.drain(..).zip(packed) {
        let bytes = packed.as_deref().unwrap_or(&piece.bytes);
        let first = blocks.put(bytes)?;
        let count = bytes.len().div_ceil(BLOCK) as u8;
        let placed = &mut plan.nodes[piece.inode].placed;
        match (placed, spec.compression) {
            (Some(Placed::Compressed { pieces, .. }), _) => pieces.push(count),
            (Some(Placed::Plain { .. }), _) => {}
            (placed, ErofsCompression::None) => *placed = Some(Placed::Plain { block: first }),
            (placed, ErofsCompression::Lz4) => {
                *placed = Some(Placed::Compressed {
                    block: first,
                    pieces: vec![count],
                });
            }
        }
    }
    Ok(())
}

/// Compresses each piece; none where that saves no block.
fn compress(batch: &[Piece], threads: usize) -> Vec<Option<Vec<u8>>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(vec![None; batch.len()]);
    let work = || {
        let mut room = vec![0; lz4_flex::block::get_maximum_output_size(PIECE)];
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = batch.get(index) else { break };
            let packed = pack(&piece.bytes, &mut room);
            done.lock().expect("no thread panics with the lock")[index] = packed;
        }
    };
    match threads.min(batch.len()) {
        0 | 1 => work(),
        threads => std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        }),
    }
    done.into_inner().expect("no thread panics with the lock")
}

/// The compressed form in whole blocks, zeros before the data.
fn pack(bytes: &[u8], room: &mut [u8]) -> Option<Vec<u8>> {
    let length = lz4_flex::block::compress_into(bytes, room).ok()?;
    let size = length.next_multiple_of(BLOCK);
    (size < bytes.len().next_multiple_of(BLOCK)).then(|| {
        let mut packed = vec![0; size];
        packed[size - length..].copy_from_slice(&room[..length]);
        packed
    })
}

/// Reads a blob of a size that is known, in pieces.
struct Exactly<'a> {
    reader: Box<dyn Read + 'a>,
    path: &'a ImagePath,
    size: u64,
    left: u64,
}

impl<'a> Exactly<'a> {
    fn open(
        blobs: &'a dyn BlobSource,
        path: &'a ImagePath,
        blob: BlobId,
        size: u64,
    ) -> Result<Self, CopyError> {
        let reader = blobs.open(blob).map_err(|source| CopyError::Read {
            path: path.clone(),
            source,
        })?;
        Ok(Exactly {
            reader,
            path,
            size,
            left: size,
        })
    }

    /// The next piece; none at the end, which must be where the manifest says.
    fn next(&mut self) -> Result<Option<Vec<u8>>, CopyError> {
        let want = self.left.min(PIECE as u64) as usize;
        // One more byte at the end shows a blob that is too long.
        let mut bytes = vec![0; want + usize::from(self.left == want as u64)];
        let mut count = 0;
        while count < bytes.len() {
            match self.reader.read(&mut bytes[count..]) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(CopyError::Read {
                        path: self.path.clone(),
                        source,
                    });
                }
            }
        }
        if count != want {
            return Err(CopyError::Size {
                path: self.path.clone(),
                expected: self.size,
                found: self.size - self.left + count as u64,
            });
        }
        bytes.truncate(want);
        self.left -= want as u64;
        Ok((want > 0).then_some(bytes))
    }
}
