//! Compression of archives with fixed headers and levels.
//!
//! The cpio and OCI writers go through [`Compressor`]. Invariant: the bytes depend on the input,
//! the choice and the locked versions of the compressors, which are built from their own
//! sources, never on a library of the host.

use std::io::{self, Write};

use crate::gzip::ParallelGzip;
use flate2::{Compression as GzipLevel, GzBuilder, write::GzEncoder};

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip at level 6, without name and time.
    Gzip,
    /// zstd at level 10 with a checksum, one thread.
    Zstd,
}

impl Compression {
    /// The name in recipes: `none`, `gzip` or `zstd`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Compression::None),
            "gzip" => Some(Compression::Gzip),
            "zstd" => Some(Compression::Zstd),
            _ => None,
        }
    }
}

/// A writer that compresses.
pub(crate) enum Compressor<W: Write> {
    None(W),
    Gzip(GzEncoder<W>),
    ParallelGzip(ParallelGzip<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Compressor<W> {
    pub(crate) fn new(compression: Compression, out: W) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Compressor::None(out),
            Compression::Gzip => {
                Compressor::Gzip(GzBuilder::new().mtime(0).write(out, GzipLevel::new(6)))
            }
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(out, 10)?;
                encoder.include_checksum(true)?;
                Compressor::Zstd(encoder)
            }
        })
    }

    /// The same with gzip by several threads, which gives other bytes than [`Compressor::new`], the same for any number.
    pub(crate) fn parallel(compression: Compression, out: W, threads: usize) -> io::Result<Self> {
        match compression {
            Compression::Gzip => Ok(Compressor::ParallelGzip(ParallelGzip::new(out, threads)?)),
            _ => Self::new(compression, out),
        }
    }

    /// Ends the stream and gives the inner writer back.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Compressor::None(out) => Ok(out),
            Compressor::Gzip(encoder) => encoder.finish(),
            Compressor::ParallelGzip(encoder) => encoder.finish(),
            Compressor::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Compressor::None(out) => out.write(bytes),
            Compressor::Gzip(encoder) => encoder.write(bytes),
            Compressor::ParallelGzip(encoder) => encoder.write(bytes),
            Compressor::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Compressor::None(out) => out.flush(),
            Compressor::Gzip(encoder) => encoder.flush(),
            Compressor::ParallelGzip(encoder) => encoder.flush(),
            Compressor::Zstd(encoder) => encoder.flush(),
        }
    }
}

/// A writer that counts and digests what passes through it.
pub(crate) struct Sha256Writer<W> {
    inner: W,
    hasher: sha2::Sha256,
    size: u64,
}

impl<W: Write> Sha256Writer<W> {
    pub(crate) fn new(inner: W) -> Self {
        use sha2::Digest as _;
        Sha256Writer {
            inner,
            hasher: sha2::Sha256::new(),
            size: 0,
        }
    }

    /// The inner writer, the digest in hexadecimal, and the bytes written.
    pub(crate) fn finish(self) -> (W, String, u64) {
        use sha2::Digest as _;
        let digest = hex::encode(self.hasher.finalize());
        (self.inner, digest, self.size)
    }
}

impl<W: Write> Write for Sha256Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use sha2::Digest as _;
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
