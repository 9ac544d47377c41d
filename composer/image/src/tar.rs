//! A tar archive of a manifest: the layer of an OCI image, or a root on its own.
//!
//! Written with the `tar` crate. Invariant: entries are in the order of their paths and every
//! header is filled from the manifest and the epoch alone; what does not fit in a classic header
//! goes into GNU or PAX extensions, which every reader of layers knows. Extended attributes are
//! PAX records `SCHILY.xattr.*`; of hard links the first has the content.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use ::tar::{Builder, EntryType, Header};

use crate::blobs::{self, BlobSource, CopyError};
use crate::compress::Compressor;
use crate::{Compression, Entry, ImagePath, Kind, Manifest};

/// An archive that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The time is before 1970.
    #[error("the time {epoch} is before 1970, which tar cannot hold")]
    Epoch {
        /// Seconds since 1970.
        epoch: i64,
    },
    /// A device number that tar cannot hold.
    #[error("the device numbers of `{path}` are too large for tar")]
    Device {
        /// The path.
        path: ImagePath,
    },
    /// A socket, for which tar has no type.
    #[error("`{path}` is a socket, which tar cannot hold")]
    Socket {
        /// The path.
        path: ImagePath,
    },
    /// An attribute whose name cannot be one in a PAX record.
    #[error(
        "the name of an extended attribute of `{path}` is not UTF-8 or has a `=`, which tar cannot hold"
    )]
    Xattr {
        /// The path.
        path: ImagePath,
    },
    /// A file's content could not be read.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The archive could not be written.
    #[error("cannot write `{path}` to the archive")]
    Write {
        /// The path.
        path: ImagePath,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Bytes of a record of the archive.
const BLOCK: u64 = 512;
/// Bytes that a header has for the target of a link.
const SHORT_LINK: usize = 100;

/// Appends all entries and the end mark to `out`.
///
/// Names have no leading `/`; the root is `./`, and directories end with `/`.
pub fn write(
    files: &Manifest,
    epoch: i64,
    blobs: &dyn BlobSource,
    out: &mut dyn Write,
) -> Result<(), TarError> {
    let time = u64::try_from(epoch).map_err(|_| TarError::Epoch { epoch })?;
    let mut builder = Builder::new(out);
    for (path, entry) in files.iter() {
        append(&mut builder, files, (path, entry), time, blobs)?;
    }
    builder.finish().map_err(|source| TarError::Write {
        path: ImagePath::root(),
        source,
    })
}

/// Writes the archive compressed, as a file of its own.
pub fn archive(
    files: &Manifest,
    epoch: i64,
    compression: Compression,
    blobs: &dyn BlobSource,
    out: &mut dyn Write,
) -> Result<(), TarError> {
    let whole = |source| TarError::Write {
        path: ImagePath::root(),
        source,
    };
    let mut out = Compressor::new(compression, out).map_err(whole)?;
    write(files, epoch, blobs, &mut out)?;
    out.finish().map_err(whole)?.flush().map_err(whole)
}

fn append(
    builder: &mut Builder<&mut dyn Write>,
    files: &Manifest,
    (path, entry): (&ImagePath, &Entry),
    time: u64,
    blobs: &dyn BlobSource,
) -> Result<(), TarError> {
    let write_error = |source| TarError::Write {
        path: path.clone(),
        source,
    };
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(entry.uid.into());
    header.set_gid(entry.gid.into());
    header.set_mtime(time);
    header.set_size(0);
    if let Some(user) = files.user_name(entry.uid) {
        header.set_username(user).map_err(write_error)?;
    }
    if let Some(group) = files.group_name(entry.gid) {
        header.set_groupname(group).map_err(write_error)?;
    }
    let mut name = path.relative().to_vec();
    match entry.kind {
        _ if path.is_root() => name.extend(b"./"),
        Kind::Directory => name.push(b'/'),
        _ => {}
    }
    let name = OsStr::from_bytes(&name);
    if let Some(group) = entry.link
        && !files.is_first_link(path, entry)
    {
        let first = files
            .links(group)
            .next()
            .expect("the entry is in its group");
        header.set_entry_type(EntryType::Link);
        return builder
            .append_link(&mut header, name, OsStr::from_bytes(first.relative()))
            .map_err(write_error);
    }
    append_xattrs(builder, path, entry)?;
    match &entry.kind {
        Kind::File { blob, size } => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(*size);
            builder
                .append_data(&mut header, name, io::empty())
                .map_err(write_error)?;
            let out = builder.get_mut();
            blobs::copy(blobs, path, *blob, *size, out)?;
            let padding = size.next_multiple_of(BLOCK) - size;
            return out
                .write_all(&[0; BLOCK as usize][..padding as usize])
                .map_err(write_error);
        }
        Kind::Symlink { target } => {
            header.set_entry_type(EntryType::Symlink);
            if target.len() > SHORT_LINK {
                return builder
                    .append_link(&mut header, name, OsStr::from_bytes(target))
                    .map_err(write_error);
            }
            // As it is: `append_link` drops `./` and doubled slashes from short targets.
            header.set_link_name_literal(target).map_err(write_error)?;
        }
        Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
            let char = matches!(entry.kind, Kind::CharDevice { .. });
            header.set_entry_type(if char {
                EntryType::Char
            } else {
                EntryType::Block
            });
            if *major > 0o7777777 || *minor > 0o7777777 {
                return Err(TarError::Device { path: path.clone() });
            }
            header.set_device_major(*major).map_err(write_error)?;
            header.set_device_minor(*minor).map_err(write_error)?;
        }
        Kind::Directory => header.set_entry_type(EntryType::Directory),
        Kind::Fifo => header.set_entry_type(EntryType::Fifo),
        Kind::Socket => return Err(TarError::Socket { path: path.clone() }),
    }
    builder
        .append_data(&mut header, name, io::empty())
        .map_err(write_error)
}

/// The extended attributes of the entry that follows.
fn append_xattrs(
    builder: &mut Builder<&mut dyn Write>,
    path: &ImagePath,
    entry: &Entry,
) -> Result<(), TarError> {
    let mut records = Vec::new();
    for (name, value) in &entry.xattrs {
        match std::str::from_utf8(name) {
            Ok(name) if !name.contains('=') => {
                records.push((format!("SCHILY.xattr.{name}"), value.as_slice()));
            }
            _ => return Err(TarError::Xattr { path: path.clone() }),
        }
    }
    builder
        .append_pax_extensions(records.iter().map(|(name, value)| (name.as_str(), *value)))
        .map_err(|source| TarError::Write {
            path: path.clone(),
            source,
        })
}
