//! gzip by several threads: pieces of the content are compressed alone and put behind one another in one stream.
//!
//! Layers of OCI images go through it. Each piece ends at a whole byte (a sync flush) and refers to nothing before it,
//! as `pigz --independent` does it, so every reader of gzip unpacks it. Invariant: where pieces begin depends on the content
//! alone, so the bytes are the same for any number of threads.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

/// Bytes of content that are compressed alone; 1 MiB costs a thousandth of the size.
const PIECE: usize = 1 << 20;
/// Pieces that are gathered for each thread before all are compressed.
const DEEP: usize = 4;
const LEVEL: u32 = 6;
/// No name, no time, no particular system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The last block of a deflate stream, an empty one.
const END: [u8; 2] = [3, 0];

/// Compresses what is written to it.
pub(crate) struct ParallelGzip<W: Write> {
    out: W,
    threads: usize,
    pieces: Vec<Vec<u8>>,
    sum: Hasher,
    size: u32,
}

impl<W: Write> ParallelGzip<W> {
    pub(crate) fn new(mut out: W, threads: usize) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        Ok(ParallelGzip {
            out,
            threads: threads.max(1),
            pieces: Vec::new(),
            sum: Hasher::new(),
            size: 0,
        })
    }

    /// Ends the stream and gives the inner writer back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.compress()?;
        self.out.write_all(&END)?;
        self.out.write_all(&self.sum.finalize().to_le_bytes())?;
        self.out.write_all(&self.size.to_le_bytes())?;
        Ok(self.out)
    }

    fn compress(&mut self) -> io::Result<()> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(vec![(Vec::new(), Hasher::new()); self.pieces.len()]);
        let work = || {
            let mut deflate = Compress::new(Compression::new(LEVEL), false);
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(piece) = self.pieces.get(index) else {
                    break;
                };
                let packed = pack(&mut deflate, piece);
                let mut sum = Hasher::new();
                sum.update(piece);
                done.lock().expect("no thread panics with the lock")[index] = (packed, sum);
            }
        };
        match self.threads.min(self.pieces.len()) {
            0 | 1 => work(),
            threads => std::thread::scope(|scope| {
                for _ in 1..threads {
                    scope.spawn(work);
                }
                work();
            }),
        }
        for (packed, sum) in done.into_inner().expect("no thread panics with the lock") {
            self.out.write_all(&packed)?;
            self.sum.combine(&sum);
        }
        self.pieces.clear();
        Ok(())
    }
}

/// One piece as blocks of deflate that end at a whole byte.
fn pack(deflate: &mut Compress, piece: &[u8]) -> Vec<u8> {
    deflate.reset();
    // What does not become smaller is stored, with five bytes for each 64 KiB or less.
    let mut packed = Vec::with_capacity(piece.len() + piece.len() / 1000 + 1024);
    loop {
        let taken = deflate.total_in() as usize;
        let status = deflate
            .compress_vec(&piece[taken..], &mut packed, FlushCompress::Sync)
            .expect("a fresh compressor takes any bytes");
        let whole = deflate.total_in() as usize == piece.len();
        if whole && packed.len() < packed.capacity() && status != Status::StreamEnd {
            return packed;
        }
        packed.reserve(piece.len() / 8 + 1024);
    }
}

impl<W: Write> Write for ParallelGzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pieces.last().is_none_or(|last| last.len() == PIECE) {
            if self.pieces.len() == self.threads * DEEP {
                self.compress()?;
            }
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        let last = self.pieces.last_mut().expect("there is one");
        let count = bytes.len().min(PIECE - last.len());
        last.extend(&bytes[..count]);
        self.size = self.size.wrapping_add(count as u32);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn packed(bytes: &[u8], threads: usize) -> Vec<u8> {
        let mut gzip = ParallelGzip::new(Vec::new(), threads).unwrap();
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn any_content_comes_back_and_threads_do_not_matter() {
        let words = |count: usize| -> Vec<u8> {
            let words =
                (0u32..).flat_map(|n| format!("{} ", n.wrapping_mul(n) % 7919).into_bytes());
            words.take(count).collect()
        };
        let mut state = 1u64;
        let noise = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        });
        let mixed = [
            words(PIECE),
            noise.take(PIECE + 5).collect(),
            words(3 * PIECE),
        ]
        .concat();
        for content in [
            Vec::new(),
            b"x".to_vec(),
            words(PIECE),
            vec![0; 9 * PIECE + 1],
            mixed,
        ] {
            let one = packed(&content, 1);
            assert!(one == packed(&content, 3));
            let mut unpacked = Vec::new();
            // One member: the single decoder reads all of it.
            let mut decoder = flate2::bufread::GzDecoder::new(one.as_slice());
            decoder.read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == content, "{} bytes", content.len());
            assert!(decoder.into_inner().is_empty());
        }
    }
}
