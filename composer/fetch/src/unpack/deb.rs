//! Unpacks the files of a Debian binary package.
//!
//! A package is an `ar` archive of `debian-binary`, `control.tar.*` and `data.tar.*`; only the last is opened.
//! Invariant: maintainer scripts, which are in `control.tar`, are neither unpacked nor read.

use std::io::Read;

use cap_std::fs::Dir;

use super::stream::Compression;
use super::tarball::unpack_tar;
use super::{UnpackError, UnpackOptions, Unpacked};

/// Unpacks the files of a `.deb` into `dest`, as [`unpack_tar`] does.
///
/// # Errors
/// See [`UnpackError`]; `NotDeb` if a member is missing, doubled or of an unknown compression.
pub fn unpack_deb<R: Read + Send>(
    reader: R,
    dest: &Dir,
    options: &UnpackOptions,
) -> Result<Unpacked, UnpackError> {
    let mut archive = ar::Archive::new(reader);
    let mut format_seen = false;
    let mut unpacked = None;
    let not_deb = |reason| UnpackError::NotDeb { reason };
    while let Some(entry) = archive.next_entry() {
        let mut entry = entry.map_err(|source| match format_seen {
            true => UnpackError::Damaged { path: None, source },
            false => not_deb("it is no ar archive"),
        })?;
        let name = String::from_utf8_lossy(entry.header().identifier()).into_owned();
        let name = name.trim_end_matches('/');
        if name == "debian-binary" {
            let mut version = String::new();
            let read = entry.by_ref().take(16).read_to_string(&mut version);
            if read.is_err() || !version.starts_with("2.") {
                return Err(not_deb("its format is not 2.x"));
            }
            format_seen = true;
        } else if name.starts_with("data.tar") {
            let compression = Compression::of_name(name);
            let compression =
                compression.ok_or(not_deb("data.tar is compressed in an unknown way"))?;
            if unpacked.is_some() {
                return Err(not_deb("it has data.tar twice"));
            }
            unpacked = Some(unpack_tar(entry, compression, dest, options)?);
        }
    }
    if !format_seen {
        return Err(not_deb("debian-binary is missing"));
    }
    unpacked.ok_or(not_deb("data.tar is missing"))
}
