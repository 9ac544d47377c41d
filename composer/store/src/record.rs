//! Small records: realisations and build logs.
//!
//! The scheduler reads and writes them. Invariant: a realisation is returned only if every tree
//! that it names is in the store, so a caller may use its outputs without looking again.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use xsc_model::{ActionId, Realisation};

use crate::error::{Context, FileError};
use crate::fsops::read_optional;
use crate::{Store, StoreError, layout};

/// A frame of Zstandard without content.
const NO_LOG: [u8; 9] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x01, 0x00, 0x00];

impl Store {
    /// What an action produced; `None` if it is not known or an output is gone. A damaged record
    /// is set aside (see [`Store::take_warnings`]) and counts as unknown.
    pub fn realisation(&self, action: &ActionId) -> Result<Option<Realisation>, StoreError> {
        let path = self.at(&layout::realisation(*action));
        let Some(bytes) = read_optional(&path)? else {
            return Ok(None);
        };
        let parsed = match std::str::from_utf8(&bytes) {
            Ok(text) => Realisation::parse(text).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let problem = match parsed {
            Ok(found) if found.action == *action => {
                let complete = found.outputs.values().all(|tree| self.has_tree(tree));
                return Ok(complete.then_some(found));
            }
            Ok(found) => format!("it is the realisation of {}", found.action),
            Err(problem) => problem,
        };
        self.set_aside(&path, problem)?;
        Ok(None)
    }

    /// Records what an action produced; the trees must be in the store.
    pub fn put_realisation(&self, realisation: &Realisation) -> Result<(), StoreError> {
        for tree in realisation.outputs.values() {
            if !self.has_tree(tree) {
                return Err(StoreError::MissingDirectory { tree: *tree });
            }
        }
        let place = layout::realisation(realisation.action);
        let path = self.at(&place);
        let _writing = self.writing()?;
        let staged = self.temporary()?;
        fs::write(&staged, realisation.to_text()).context("write", &staged)?;
        let rename = || fs::rename(&staged, &path);
        Ok(self.in_shard(&place, rename).context("rename to", &path)?)
    }

    /// Opens a new log of an action. It takes the place of an older one when it is finished.
    pub fn log_writer(&self, action: &ActionId) -> Result<LogWriter<'_>, StoreError> {
        Ok(LogWriter {
            store: self,
            encoder: None,
            staged: self.temporary()?,
            place: layout::log(*action),
        })
    }

    /// Opens the last log of an action, if there is one.
    pub fn read_log(&self, action: &ActionId) -> Result<Option<LogReader>, StoreError> {
        let path = self.at(&layout::log(*action));
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::new("open", &path, error).into()),
        };
        let decoder = zstd::Decoder::new(file).context("decompress", &path)?;
        Ok(Some(LogReader(decoder)))
    }
}

/// A build log being written, compressed.
pub struct LogWriter<'a> {
    store: &'a Store,
    /// Made for the first byte: many builds say nothing, and a compressor is large.
    encoder: Option<zstd::Encoder<'static, File>>,
    staged: PathBuf,
    place: String,
}

impl LogWriter<'_> {
    /// Completes the log and puts it in its place.
    pub fn finish(self) -> Result<(), StoreError> {
        let (store, staged) = (self.store, &self.staged);
        let to = store.at(&self.place);
        match self.encoder {
            Some(encoder) => {
                encoder.finish().context("write", staged)?;
            }
            // One file will do for all that said nothing.
            None if store.link_silent(&self.place, &to) => return Ok(()),
            None => fs::write(staged, NO_LOG).context("write", staged)?,
        }
        let rename = || fs::rename(staged, &to);
        let renamed = store.in_shard(&self.place, rename);
        Ok(renamed.context("rename to", &to)?)
    }
}

impl Store {
    /// Gives the log that says nothing another name; not where there is something, or a file has all the names that it
    /// can have.
    fn link_silent(&self, place: &str, to: &Path) -> bool {
        let make = || {
            self.temporary()
                .ok()
                .filter(|path| fs::write(path, NO_LOG).is_ok())
        };
        let known = self.silent.get_or_init(make).as_ref();
        known.is_some_and(|known| self.in_shard(place, || fs::hard_link(known, to)).is_ok())
    }
}

impl Write for LogWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => none.insert(zstd::Encoder::new(File::create(&self.staged)?, 3)?),
        };
        encoder.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.encoder {
            Some(encoder) => encoder.flush(),
            None => Ok(()),
        }
    }
}

/// A build log being read, decompressed.
pub struct LogReader(zstd::Decoder<'static, BufReader<File>>);

impl Read for LogReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}
