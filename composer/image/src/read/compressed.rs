//! A gzip or zstd file as a source: what is behind the last read is read on, what is before is unpacked again.
//!
//! [`super::open`] puts it around compressed archives. Invariant: nothing is kept but the decoder, so memory does not
//! grow with the content; readers that go forward, as all do with archives, unpack once.

use std::io::{self, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::source::fill;
use super::{ReadError, Source};

/// A compressor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Zstd,
}

/// Tells a compressed source by its first bytes.
pub(crate) fn detect(source: &dyn Source) -> Result<Option<Packing>, ReadError> {
    let mut magic = [0; 4];
    let count = fill(source, 0, &mut magic).map_err(|source| ReadError::Io { source })?;
    Ok(match &magic[..count] {
        [0x1f, 0x8b, 8, _] => Some(Packing::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd] => Some(Packing::Zstd),
        _ => None,
    })
}

/// The unpacked content of `source`.
pub(crate) fn open(source: Arc<dyn Source>, packing: Packing) -> Arc<dyn Source> {
    Arc::new(Unpacked {
        source,
        packing,
        state: Mutex::new(State {
            decoder: None,
            at: 0,
        }),
    })
}

struct Unpacked {
    source: Arc<dyn Source>,
    packing: Packing,
    state: Mutex<State>,
}

struct State {
    decoder: Option<Box<dyn Read + Send>>,
    /// Bytes that the decoder gave.
    at: u64,
}

/// Reads a source front to back.
struct Forward {
    source: Arc<dyn Source>,
    at: u64,
}

impl Read for Forward {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read_at(self.at, buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// The largest window that a zstd file of `stored` bytes may ask for, as a power of two: 8 MiB as every decoder has it,
/// more for a file that is large itself, at most what `zstd --long` makes. zstd takes this memory as the file says.
fn window_log(stored: u64) -> u32 {
    stored.max(1).ilog2().saturating_add(7).clamp(23, 27)
}

impl Unpacked {
    fn decoder(&self) -> io::Result<Box<dyn Read + Send>> {
        let source = Arc::clone(&self.source);
        let forward = BufReader::with_capacity(128 * 1024, Forward { source, at: 0 });
        Ok(match self.packing {
            Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(forward)),
            Packing::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(forward)?;
                decoder.window_log_max(window_log(self.source.stored()))?;
                Box::new(decoder)
            }
        })
    }
}

impl Source for Unpacked {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.decoder.is_none() || state.at > at {
            state.decoder = Some(self.decoder()?);
            state.at = 0;
        }
        let State { decoder, at: place } = &mut *state;
        let decoder = decoder.as_mut().expect("made above where there was none");
        let skipped = io::copy(&mut decoder.by_ref().take(at - *place), &mut io::sink());
        let result = skipped.and_then(|count| {
            *place += count;
            match *place == at {
                true => decoder.read(buffer),
                false => Ok(0),
            }
        });
        match result {
            Ok(count) => *place += count as u64,
            // A decoder that failed may not be asked again.
            Err(_) => state.decoder = None,
        }
        result
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn stored(&self) -> u64 {
        self.source.stored()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_small_file_cannot_ask_for_a_large_window() {
        for (log, content, opens) in [(23, 9 << 20, true), (27, 9 << 20, false)] {
            let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(log).unwrap();
            encoder.include_contentsize(false).unwrap();
            encoder.write_all(&vec![0; content]).unwrap();
            let packed = encoder.finish().unwrap();
            assert!(packed.len() < 1 << 16);
            let unpacked = open(Arc::new(packed), Packing::Zstd);
            let mut byte = [1];
            assert_eq!(unpacked.read_at(5, &mut byte).is_ok(), opens, "{log}");
        }
        assert_eq!(
            [0, 1 << 16, 1 << 19, u64::MAX].map(window_log),
            [23, 23, 26, 27]
        );
    }
}
