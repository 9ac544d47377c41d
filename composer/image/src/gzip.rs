//! gzip by several threads: each MiB of the content becomes a member of its own, one behind another.
//!
//! Layers of OCI images go through it. A gzip file may have any number of members (RFC 1952, 2.2), and engines read such
//! layers: eStargz relies on it. `libdeflate` compresses whole buffers faster than zlib, and to less.
//! Invariant: where members begin depends on the content alone, so the bytes are the same for any number of threads.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use libdeflater::{CompressionLvl, Compressor};

/// Bytes of content in a member; that they know nothing of one another costs a thousandth of the size.
const PIECE: usize = 1 << 20;
/// Members under way for each thread.
const DEEP: usize = 4;
/// Smaller than what zlib makes at its usual 6, in a quarter of the time.
const LEVEL: i32 = 4;

/// Compresses what is written to it.
pub(crate) struct ParallelGzip<W: Write> {
    out: W,
    packer: Packer,
    /// What the next member gets.
    piece: Vec<u8>,
    /// Whether a member was begun; the empty content has one too.
    begun: bool,
}

/// What compresses members.
enum Packer {
    /// This thread.
    Here(Compressor),
    /// Others, which end when their work does.
    Beside {
        work: Sender<Job>,
        /// Members under way, in their order.
        under_way: VecDeque<Receiver<Vec<u8>>>,
        /// As many as may be.
        most: usize,
    },
}

/// A member's content, and where it goes.
type Job = (Vec<u8>, Sender<Vec<u8>>);

fn compressor() -> Compressor {
    Compressor::new(CompressionLvl::new(LEVEL).expect("a level of libdeflate"))
}

fn pack(compressor: &mut Compressor, piece: &[u8]) -> Vec<u8> {
    let mut packed = vec![0; compressor.gzip_compress_bound(piece.len())];
    let count = compressor
        .gzip_compress(piece, &mut packed)
        .expect("there is room for any content");
    packed.truncate(count);
    packed
}

fn work_off(jobs: &Mutex<Receiver<Job>>) {
    let mut compressor = compressor();
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((piece, done)) = next else {
            return;
        };
        // A writer that failed no longer waits for it.
        let _ = done.send(pack(&mut compressor, &piece));
    }
}

impl Packer {
    fn new(threads: usize) -> io::Result<Self> {
        if threads <= 1 {
            return Ok(Packer::Here(compressor()));
        }
        let (work, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..threads {
            let jobs = Arc::clone(&jobs);
            std::thread::Builder::new().spawn(move || work_off(&jobs))?;
        }
        Ok(Packer::Beside {
            work,
            under_way: VecDeque::new(),
            most: threads * DEEP,
        })
    }
}

impl<W: Write> ParallelGzip<W> {
    pub(crate) fn new(out: W, threads: usize) -> io::Result<Self> {
        Ok(ParallelGzip {
            out,
            packer: Packer::new(threads)?,
            piece: Vec::new(),
            begun: false,
        })
    }

    /// Ends the file and gives the inner writer back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !(self.begun && self.piece.is_empty()) {
            self.compress()?;
        }
        self.take_in(0)?;
        Ok(self.out)
    }

    /// Has the piece compressed, and writes what is ready.
    fn compress(&mut self) -> io::Result<()> {
        self.begun = true;
        let piece = std::mem::take(&mut self.piece);
        let most = match &mut self.packer {
            Packer::Here(compressor) => return self.out.write_all(&pack(compressor, &piece)),
            Packer::Beside {
                work,
                under_way,
                most,
            } => {
                let (done, packed) = channel();
                under_way.push_back(packed);
                work.send((piece, done)).map_err(|_| lost())?;
                *most
            }
        };
        self.take_in(most)
    }

    /// Writes members, in their order, until only so many are under way.
    fn take_in(&mut self, most: usize) -> io::Result<()> {
        let Packer::Beside { under_way, .. } = &mut self.packer else {
            return Ok(());
        };
        while under_way.len() > most {
            let first = under_way.pop_front().expect("there are some");
            let packed = first.recv().map_err(|_| lost())?;
            self.out.write_all(&packed)?;
        }
        Ok(())
    }
}

fn lost() -> io::Error {
    io::Error::other("a thread that compresses has panicked")
}

impl<W: Write> Write for ParallelGzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE {
            self.compress()?;
        }
        if self.piece.is_empty() {
            self.piece.reserve_exact(PIECE);
        }
        let count = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend(&bytes[..count]);
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
        let noise: Vec<u8> = noise.take(PIECE + 5).collect();
        let mixed = [words(PIECE), noise, words(3 * PIECE)].concat();
        for content in [
            Vec::new(),
            b"x".to_vec(),
            words(PIECE),
            vec![0; 9 * PIECE + 1],
            mixed,
            words(14 * PIECE),
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
