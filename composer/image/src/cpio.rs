//! A newc cpio archive, the format of an initramfs, with optional compression.
//!
//! `build` calls [`write()`] for the `cpio` builtin. Invariant: entries are in the order of their
//! paths, inode numbers count from one in that order, and every time is the epoch. Of hard links,
//! which share a number, the last has the content, as the kernel and GNU cpio want it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::blobs::{self, BlobSource, CopyError};
use crate::compress::Compressor;
use crate::{Compression, Entry, ImagePath, Kind, Manifest};

/// What to write.
#[derive(Debug, Clone)]
pub struct CpioSpec<'a> {
    /// The files.
    pub files: &'a Manifest,
    /// How the archive is compressed.
    pub compression: Compression,
    /// Every time in the archive, seconds since 1970.
    pub epoch: i64,
}

/// An archive that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum CpioError {
    /// A number that does not fit in eight hexadecimal digits.
    #[error("the {field} of `{path}` is {value}, more than newc can hold")]
    Number {
        /// The path.
        path: ImagePath,
        /// Which number.
        field: &'static str,
        /// The number.
        value: i128,
    },
    /// Extended attributes, for which newc has no place.
    #[error("`{path}` has extended attributes, which newc cannot hold")]
    Xattrs {
        /// The path.
        path: ImagePath,
    },
    /// A file's content could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The archive could not be written.
    #[error("cannot write the archive")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Writes an archive; the root directory itself is its first entry, `.`.
pub fn write(
    spec: &CpioSpec<'_>,
    blobs: &dyn BlobSource,
    out: &mut dyn Write,
) -> Result<(), CpioError> {
    let io_error = |source| CpioError::Write { source };
    let mut out = Compressor::new(spec.compression, out).map_err(io_error)?;
    let mut inodes = BTreeMap::new();
    for (index, (path, entry)) in spec.files.iter().enumerate() {
        if !entry.xattrs.is_empty() {
            return Err(CpioError::Xattrs { path: path.clone() });
        }
        let name = match path.is_root() {
            true => b".",
            false => path.relative(),
        };
        let own = index as u64 + 1;
        let inode = match entry.link {
            Some(group) => *inodes.entry(group).or_insert(own),
            None => own,
        };
        let has_content = match entry.link {
            Some(group) => spec.files.links(group).last() == Some(path),
            None => true,
        };
        let content = match &entry.kind {
            Kind::File { .. } if !has_content => 0,
            Kind::File { size, .. } => *size,
            Kind::Symlink { target } => target.len() as u64,
            _ => 0,
        };
        let numbers = Numbers {
            inode,
            links: match entry.kind {
                Kind::Directory => 2,
                _ => spec.files.link_count(entry),
            },
            content,
            epoch: spec.epoch,
        };
        let header = header(path, name, entry, &numbers)?;
        out.write_all(&header).map_err(io_error)?;
        match &entry.kind {
            Kind::File { blob, size } if has_content => {
                blobs::copy(blobs, path, *blob, *size, &mut out)?;
            }
            Kind::Symlink { target } => out.write_all(target).map_err(io_error)?,
            _ => {}
        }
        let padding = content.next_multiple_of(4) - content;
        out.write_all(&[0; 4][..padding as usize])
            .map_err(io_error)?;
    }
    let trailer = Entry::new(Kind::Fifo).with_mode(0);
    let numbers = Numbers {
        inode: 0,
        links: 1,
        content: 0,
        epoch: 0,
    };
    let path = ImagePath::root();
    let mut header = header(&path, b"TRAILER!!!", &trailer, &numbers)?;
    // The trailer alone has a mode of zero.
    header[14..22].copy_from_slice(b"00000000");
    out.write_all(&header).map_err(io_error)?;
    out.finish().map_err(io_error)?;
    Ok(())
}

/// What a header has beside the entry itself.
struct Numbers {
    inode: u64,
    links: u32,
    content: u64,
    epoch: i64,
}

fn header(
    path: &ImagePath,
    name: &[u8],
    entry: &Entry,
    numbers: &Numbers,
) -> Result<Vec<u8>, CpioError> {
    let (major, minor) = match entry.kind {
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => (major, minor),
        _ => (0, 0),
    };
    let fields: [(&'static str, i128); 13] = [
        ("inode", numbers.inode.into()),
        ("mode", entry.st_mode().into()),
        ("user", entry.uid.into()),
        ("group", entry.gid.into()),
        ("link count", numbers.links.into()),
        ("time", numbers.epoch.into()),
        ("size", numbers.content.into()),
        ("device", 0),
        ("device", 0),
        ("device major", major.into()),
        ("device minor", minor.into()),
        ("name length", name.len() as i128 + 1),
        ("checksum", 0),
    ];
    let mut bytes = b"070701".to_vec();
    for (field, value) in fields {
        let value = u32::try_from(value).map_err(|_| CpioError::Number {
            path: path.clone(),
            field,
            value,
        })?;
        bytes.extend(format!("{value:08X}").as_bytes());
    }
    bytes.extend(name);
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    Ok(bytes)
}
