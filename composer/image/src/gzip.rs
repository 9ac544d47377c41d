//! gzip by several threads: each MiB of the content becomes a member of its own, one behind another.
//!
//! Layers of OCI images go through it. A gzip file may have any number of members (RFC 1952, 2.2), and engines read such
//! layers: eStargz relies on it. `libdeflate` compresses whole buffers faster than zlib, and to less.
//! Invariant: where members begin depends on the content alone, so the bytes are the same for any number of threads.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use libdeflater::{CompressionLvl, Compressor};

/// Bytes of content in a member; that they know nothing of one another costs a thousandth of the size.
const PIECE: usize = 1 << 20;
/// Members that are gathered for each thread before all are compressed.
const DEEP: usize = 4;
/// Smaller than what zlib makes at its usual 6, in a third of the time.
const LEVEL: i32 = 5;

/// Compresses what is written to it.
pub(crate) struct ParallelGzip<W: Write> {
    out: W,
    threads: usize,
    pieces: Vec<Vec<u8>>,
    /// Whether a member was written; the empty content has one too.
    begun: bool,
}

impl<W: Write> ParallelGzip<W> {
    pub(crate) fn new(out: W, threads: usize) -> Self {
        ParallelGzip {
            out,
            threads: threads.max(1),
            pieces: Vec::new(),
            begun: false,
        }
    }

    /// Ends the file and gives the inner writer back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.begun && self.pieces.is_empty() {
            self.pieces.push(Vec::new());
        }
        self.compress()?;
        Ok(self.out)
    }

    fn compress(&mut self) -> io::Result<()> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(vec![Vec::new(); self.pieces.len()]);
        let work = || {
            let level = CompressionLvl::new(LEVEL).expect("a level of libdeflate");
            let mut compressor = Compressor::new(level);
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(piece) = self.pieces.get(index) else {
                    break;
                };
                let mut packed = vec![0; compressor.gzip_compress_bound(piece.len())];
                let count = compressor
                    .gzip_compress(piece, &mut packed)
                    .expect("there is room for any content");
                packed.truncate(count);
                done.lock().expect("no thread panics with the lock")[index] = packed;
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
        for packed in done.into_inner().expect("no thread panics with the lock") {
            self.out.write_all(&packed)?;
        }
        self.begun |= !self.pieces.is_empty();
        self.pieces.clear();
        Ok(())
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
        let mut gzip = ParallelGzip::new(Vec::new(), threads);
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
        let noise: Vec<u8> = noise.take(PIECE + 5).collect();
        let mixed = [words(PIECE), noise, words(3 * PIECE)].concat();
        for content in [
            Vec::new(),
            b"x".to_vec(),
            words(PIECE),
            vec![0; 9 * PIECE + 1],
            mixed,
        ] {
            let one = packed(&content, 1);
            assert!(one == packed(&content, 3));
            // No flags, no time, and no system that made it.
            assert_eq!(one[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
            let mut unpacked = Vec::new();
            flate2::read::MultiGzDecoder::new(one.as_slice())
                .read_to_end(&mut unpacked)
                .unwrap();
            assert!(unpacked == content, "{} bytes", content.len());
        }
    }
}
