//! Walks a tar archive and writes what the options ask for.
//!
//! Called by `deb` and from outside. Invariant: entries are taken in the archive's order, the last of one name
//! wins, and the archive is read to its end, so damage behind the last entry is found too.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cap_std::fs::Dir;
use tar::{Archive, Entry, EntryType};

use super::destination::{Destination, shown, write_error};
use super::options::Rules;
use super::stream::{Compression, Decoded, decode};
use super::{UnpackError, UnpackOptions, Unpacked};

/// Files are read and written in pieces of this size: most are one piece.
const PIECE: usize = 1 << 20;

/// Unpacks a tar archive into `dest`.
///
/// Modes are reduced to 0644 or 0755 (less the caller's umask); owners, times and extended attributes are not
/// kept; set-id bits are dropped and counted; hard links become links. Symbolic links keep their target as
/// text, and a later entry may go through one only if it stays below `dest`. Devices and pipes are errors.
///
/// # Errors
/// See [`UnpackError`]. What was written before an error stays.
pub fn unpack_tar<R: Read + Send>(
    reader: R,
    compression: Compression,
    dest: &Dir,
    options: &UnpackOptions,
) -> Result<Unpacked, UnpackError> {
    let rules = Rules::new(options)?;
    std::thread::scope(|scope| {
        let decoded = decode(scope, reader, compression);
        unpack_entries(decoded, dest, &rules)
    })
}

fn unpack_entries(decoded: Decoded, dest: &Dir, rules: &Rules) -> Result<Unpacked, UnpackError> {
    let mut writer = Writer {
        destination: Destination::new(dest),
        rules,
        done: Unpacked::default(),
        buffer: vec![0; PIECE],
    };
    let mut archive = Archive::new(decoded);
    let mut last = None;
    let damaged = |path: &Option<String>, source| UnpackError::Damaged {
        path: path.clone(),
        source,
    };
    for entry in archive.entries().map_err(|e| damaged(&None, e))? {
        let mut entry = entry.map_err(|e| damaged(&last, e))?;
        writer.entry(&mut entry)?;
        last = Some(String::from_utf8_lossy(&entry.path_bytes()).into_owned());
    }
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|e| damaged(&last, e))?;
    Ok(writer.done)
}

struct Writer<'d> {
    destination: Destination<'d>,
    rules: &'d Rules,
    done: Unpacked,
    buffer: Vec<u8>,
}

impl Writer<'_> {
    fn entry(&mut self, entry: &mut Entry<'_, Decoded>) -> Result<(), UnpackError> {
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            return Ok(());
        }
        let raw = entry.path_bytes().into_owned();
        let name = || String::from_utf8_lossy(&raw).into_owned();
        let placed = self.rules.place(&raw, kind == EntryType::Symlink);
        let placed = placed.map_err(|()| UnpackError::Escape { path: name() })?;
        let Some(path) = placed else {
            self.done.left_out += 1;
            return Ok(());
        };
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mode = entry.header().mode().unwrap_or(0);
                if mode & 0o6000 != 0 {
                    self.done.set_id_dropped += 1;
                }
                let bytes = self.file(&path, mode & 0o111 != 0, entry)?;
                self.done.files += 1;
                self.done.bytes += bytes;
            }
            EntryType::Directory => {
                self.destination.directory(&path)?;
                self.done.directories += 1;
            }
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                if target.is_empty() {
                    return Err(damaged_link(name()));
                }
                let target = Path::new(OsStr::from_bytes(&target));
                self.destination.symlink(&path, target)?;
                self.done.symlinks += 1;
            }
            EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let escape = || UnpackError::LinkEscape {
                    path: name(),
                    target: String::from_utf8_lossy(&target).into_owned(),
                };
                let mapped = self.rules.map(&target, false).map_err(|()| escape())?;
                let mapped = mapped.ok_or_else(|| damaged_link(name()))?;
                self.destination.hard_link(&path, &mapped)?;
                self.done.hard_links += 1;
            }
            other => {
                let kind = match other {
                    EntryType::Char => "character device",
                    EntryType::Block => "block device",
                    EntryType::Fifo => "named pipe",
                    _ => "file of an unknown kind",
                };
                return Err(UnpackError::Kind { path: name(), kind });
            }
        }
        Ok(())
    }

    fn file(
        &mut self,
        path: &Path,
        executable: bool,
        entry: &mut Entry<'_, Decoded>,
    ) -> Result<u64, UnpackError> {
        let mut file = self.destination.file(path, executable)?;
        let mut total = 0;
        let mut left = entry.size();
        loop {
            let mut filled = 0;
            let piece = PIECE.min(usize::try_from(left).unwrap_or(PIECE));
            while filled < piece {
                match entry.read(&mut self.buffer[filled..piece]) {
                    Ok(0) => {
                        return Err(UnpackError::Damaged {
                            path: Some(shown(path)),
                            source: io::ErrorKind::UnexpectedEof.into(),
                        });
                    }
                    Ok(count) => filled += count,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(source) => {
                        let path = Some(shown(path));
                        return Err(UnpackError::Damaged { path, source });
                    }
                }
            }
            if filled == 0 {
                return Ok(total);
            }
            let written = file.write_all(&self.buffer[..filled]);
            written.map_err(|e| write_error(path, e))?;
            total += filled as u64;
            left -= filled as u64;
        }
    }
}

fn damaged_link(path: String) -> UnpackError {
    UnpackError::Damaged {
        path: Some(path),
        source: io::Error::new(io::ErrorKind::InvalidData, "a link without a target"),
    }
}
