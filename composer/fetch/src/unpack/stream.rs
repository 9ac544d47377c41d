//! Decompression on a thread of its own, so that writing files and decoding overlap.
//!
//! Used by `tarball`. Invariant: a fault of the decoder reaches the reader as an error, never as an early end.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

use liblzma::stream::MtStreamBuilder;

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip
    Gzip,
    /// xz
    Xz,
    /// zstd
    Zstd,
}

impl Compression {
    /// Returns the compression that the end of a file name stands for, if it is one of a tarball.
    pub fn of_name(name: &str) -> Option<Compression> {
        let all = [
            (".tar", Compression::None),
            (".tar.gz", Compression::Gzip),
            (".tgz", Compression::Gzip),
            (".tar.xz", Compression::Xz),
            (".txz", Compression::Xz),
            (".tar.zst", Compression::Zstd),
        ];
        let found = all.iter().find(|(end, _)| name.ends_with(end));
        found.map(|(_, compression)| *compression)
    }

    /// Returns a reader of what `reader` holds compressed.
    ///
    /// # Errors
    /// What the decoder has against being made.
    pub fn reader<'r>(self, reader: impl BufRead + 'r) -> io::Result<Box<dyn Read + 'r>> {
        Ok(match self {
            Compression::None => Box::new(reader),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(reader)?),
            Compression::Xz => {
                let flags = liblzma::stream::CONCATENATED;
                let stream = liblzma::stream::Stream::new_stream_decoder(MEMORY_LIMIT, flags)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream))
            }
        })
    }
}

const CHUNK: usize = 1 << 18;
/// Chunks decoded ahead: 4 MiB.
const AHEAD: usize = 16;
/// A decoder that wants more than this is fed something that no archive of ours is.
const MEMORY_LIMIT: u64 = 1 << 30;
const THREADED_MEMORY: u64 = 512 << 20;

/// Starts decoding `reader` on a thread of `scope`.
pub(super) fn decode<'s, R: Read + Send + 's>(
    scope: &'s Scope<'s, '_>,
    reader: R,
    compression: Compression,
) -> Decoded {
    let (sender, receiver) = sync_channel(AHEAD);
    scope.spawn(move || {
        if let Err(e) = decode_to(reader, compression, &sender) {
            // Nobody listens any more if the reader gave up first.
            let _ = sender.send(Err(e));
        }
    });
    Decoded {
        receiver,
        chunk: Vec::new(),
        position: 0,
        failed: None,
    }
}

type Chunk = io::Result<Vec<u8>>;

fn decode_to<R: Read>(
    reader: R,
    compression: Compression,
    sender: &SyncSender<Chunk>,
) -> io::Result<()> {
    let mut input = BufReader::with_capacity(CHUNK, reader);
    match compression {
        Compression::None | Compression::Gzip | Compression::Zstd => {
            copy(compression.reader(input)?, sender).map(|_| ())
        }
        Compression::Xz => {
            let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
            loop {
                // The threaded decoder reads one stream; a file may be several, one after the other.
                let stream = MtStreamBuilder::new()
                    .threads(threads)
                    .memlimit_threading(THREADED_MEMORY)
                    .memlimit_stop(MEMORY_LIMIT)
                    .decoder()?;
                let decoder = liblzma::bufread::XzDecoder::new_stream(&mut input, stream);
                let wanted = copy(decoder, sender)?;
                if !wanted || input.fill_buf()?.is_empty() {
                    return Ok(());
                }
            }
        }
    }
}

/// Sends everything; `false` if nobody wants more.
fn copy(mut reader: impl Read, sender: &SyncSender<Chunk>) -> io::Result<bool> {
    loop {
        let mut chunk = vec![0; CHUNK];
        let mut filled = 0;
        while filled < CHUNK {
            match reader.read(&mut chunk[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        let last = filled < CHUNK;
        chunk.truncate(filled);
        if !chunk.is_empty() && sender.send(Ok(chunk)).is_err() {
            return Ok(false);
        }
        if last {
            return Ok(true);
        }
    }
}

/// The decoded bytes.
pub(super) struct Decoded {
    receiver: Receiver<Chunk>,
    chunk: Vec<u8>,
    position: usize,
    /// Kept so that a reader that asks again after an error does not see an end of file.
    failed: Option<io::ErrorKind>,
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(kind) = self.failed {
            return Err(kind.into());
        }
        if self.position == self.chunk.len() {
            match self.receiver.recv() {
                Ok(Ok(chunk)) => (self.chunk, self.position) = (chunk, 0),
                Ok(Err(e)) => {
                    self.failed = Some(e.kind());
                    return Err(e);
                }
                Err(_) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.chunk.len() - self.position);
        buffer[..count].copy_from_slice(&self.chunk[self.position..self.position + count]);
        self.position += count;
        Ok(count)
    }
}
