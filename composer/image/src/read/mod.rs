//! Readers of images: one trait over every format that the composer writes, and some that others do.
//!
//! `ls`, `cat`, `extract`, `whence` and `diff` of the command line, and tests of the writers, call [`open`]. Invariant:
//! whatever the bytes are, a reader answers or fails: it does not panic, does not loop, and allocates in proportion
//! to the image's size ([`input::Input`] holds the budget), whatever numbers the image claims.

mod bytes;
mod compressed;
mod content;
mod cpio;
mod erofs;
mod erofs_index;
mod ext4;
mod ext4_xattr;
mod fat;
mod gpt;
mod input;
mod iso;
mod oci;
mod source;
mod tar;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

pub use content::{Content, ContentReader};
pub use oci::open_layout;
pub use source::{FileSource, Source};

/// What a path of an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// The text of the link.
        target: Vec<u8>,
    },
    /// A character device.
    CharDevice {
        /// The driver.
        major: u32,
        /// The unit.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// The driver.
        major: u32,
        /// The unit.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// One path of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Bytes of a file; zero for everything else.
    pub size: u64,
    /// Seconds since 1970, where the format says.
    pub mtime: Option<i64>,
    /// Extended attributes by full name, such as `security.capability`.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Paths with the same number are one file with several names; none where there is one name.
    pub link: Option<u64>,
    /// Where the reader finds the content.
    pub(crate) place: Place,
}

/// Where a reader finds a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// There is none.
    Nothing,
    /// At a number that means something to the reader: an inode, a cluster.
    At(u64),
    /// In parts of the image, one behind another: start and length.
    Parts(Vec<(u64, u64)>),
    /// In one of the reader's inner images, at a byte.
    Inside(usize, u64),
}

impl Node {
    fn new(kind: NodeKind, mode: u32) -> Self {
        Node {
            kind,
            mode,
            uid: 0,
            gid: 0,
            size: 0,
            mtime: None,
            xattrs: BTreeMap::new(),
            link: None,
            place: Place::Nothing,
        }
    }

    /// A directory that the format implies, such as a partition.
    fn implied_directory() -> Self {
        Node::new(NodeKind::Directory, 0o755)
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == NodeKind::Directory
    }
}

/// All paths of an image, without a leading `/`; the empty one is the root. No component is empty, `.` or `..`.
pub type Entries = BTreeMap<Vec<u8>, Node>;

/// What a reader found when it opened an image.
#[derive(Debug)]
pub struct Listing {
    format: &'static str,
    entries: Entries,
}

/// An image that was opened.
pub trait Reader: Send + Sync {
    /// What was found.
    fn listing(&self) -> &Listing;

    /// The format's name.
    fn format(&self) -> &'static str {
        self.listing().format
    }

    /// Everything in it.
    fn entries(&self) -> &Entries {
        &self.listing().entries
    }

    /// The content of a file of [`Reader::entries`].
    fn content(&self, path: &[u8]) -> Result<Content, ReadError>;
}

/// An image that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes cannot be read.
    #[error("cannot read the image")]
    Io {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The image contradicts its format.
    #[error("the {format} image is broken: {what} (byte {at})")]
    Broken {
        /// The format.
        format: &'static str,
        /// What is wrong.
        what: &'static str,
        /// Where.
        at: u64,
    },
    /// The image uses a part of its format that the reader does not know.
    #[error("the {format} image has {what}, which is not read")]
    Unsupported {
        /// The format.
        format: &'static str,
        /// What.
        what: String,
    },
    /// The image claims more than can be in it.
    #[error("the {format} image is broken: it lists more than an image of its size can hold")]
    Budget {
        /// The format.
        format: &'static str,
    },
    /// No format that is known.
    #[error(
        "this is no image of a format that is read: ISO 9660, GPT disk, ext4, EROFS, FAT, cpio, tar, OCI layout or archive"
    )]
    Unknown,
    /// A part that the image does not have.
    #[error("the {format} image has no part `{wanted}`: it has {known}")]
    NoPart {
        /// The format.
        format: &'static str,
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
    /// A path that the image does not have.
    #[error("`{path}` is not in the image")]
    NotFound {
        /// The path as text.
        path: String,
    },
    /// A path that is no file.
    #[error("`{path}` is not a file")]
    NotAFile {
        /// The path as text.
        path: String,
    },
}

/// How deep compressed images and images in images may be nested.
const DEEPEST: usize = 8;

/// Opens an image of any format. `parts` lead inward: a partition of a disk by number, name or role (`root`, `esp`),
/// an image of an OCI layout by reference or processor, or, with a leading `/`, a file that is an image itself.
pub fn open(source: Arc<dyn Source>, parts: &[&str]) -> Result<Box<dyn Reader>, ReadError> {
    open_nested(source, parts, DEEPEST)
}

fn open_nested(
    source: Arc<dyn Source>,
    parts: &[&str],
    depth: usize,
) -> Result<Box<dyn Reader>, ReadError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(ReadError::Unknown);
    };
    if let Some(kind) = compressed::detect(&*source)? {
        return open_nested(compressed::open(source, kind), parts, depth);
    }
    if gpt::is(&*source)? && !iso::is(&*source)? {
        return match parts.split_first() {
            Some((part, rest)) if !part.starts_with('/') => {
                open_nested(gpt::partition(source, part)?, rest, depth)
            }
            _ => into_files(Box::new(gpt::open(source, depth)?), parts, depth),
        };
    }
    if tar::is(&*source)? {
        let archive = Arc::new(tar::open(source)?);
        if archive.entries().contains_key(b"oci-layout".as_slice()) {
            return open_oci(oci::Blobs::Archive(archive), parts, depth);
        }
        return into_files(Box::new(archive), parts, depth);
    }
    into_files(open_plain(source)?, parts, depth)
}

/// A file system or an archive by itself.
fn open_plain(source: Arc<dyn Source>) -> Result<Box<dyn Reader>, ReadError> {
    if iso::is(&*source)? {
        Ok(Box::new(iso::open(source)?))
    } else if ext4::is(&*source)? {
        Ok(Box::new(ext4::open(source)?))
    } else if erofs::is(&*source)? {
        Ok(Box::new(erofs::open(source)?))
    } else if cpio::is(&*source)? {
        Ok(Box::new(cpio::open(source)?))
    } else if fat::is(&*source)? {
        Ok(Box::new(fat::open(source)?))
    } else {
        Err(ReadError::Unknown)
    }
}

fn open_oci(blobs: oci::Blobs, parts: &[&str], depth: usize) -> Result<Box<dyn Reader>, ReadError> {
    let (wanted, rest) = match parts.split_first() {
        Some((part, rest)) if !part.starts_with('/') => (Some(*part), rest),
        _ => (None, parts),
    };
    into_files(Box::new(oci::open(blobs, wanted)?), rest, depth)
}

/// Goes on into the file that the first part names, if there is one.
fn into_files(
    reader: Box<dyn Reader>,
    parts: &[&str],
    depth: usize,
) -> Result<Box<dyn Reader>, ReadError> {
    let Some((part, rest)) = parts.split_first() else {
        return Ok(reader);
    };
    match part.strip_prefix('/') {
        Some(path) => {
            let content = reader.content(path.as_bytes())?;
            open_nested(Arc::new(content), rest, depth)
        }
        None => Err(ReadError::NoPart {
            format: reader.format(),
            wanted: (*part).to_owned(),
            known: "no partitions; a file in it is named with a leading `/`".to_owned(),
        }),
    }
}

impl<R: Reader + ?Sized> Reader for Arc<R> {
    fn listing(&self) -> &Listing {
        (**self).listing()
    }

    fn content(&self, path: &[u8]) -> Result<Content, ReadError> {
        (**self).content(path)
    }
}

/// The node of a file whose content is wanted.
fn file<'e>(entries: &'e Entries, path: &[u8]) -> Result<&'e Node, ReadError> {
    let shown = || String::from_utf8_lossy(path).into_owned();
    match entries.get(path) {
        Some(node) if node.kind == NodeKind::File => Ok(node),
        Some(_) => Err(ReadError::NotAFile { path: shown() }),
        None => Err(ReadError::NotFound { path: shown() }),
    }
}

/// The kind that the type bits of a mode say; devices get their numbers, links their text later.
fn kind_of_mode(mode: u32, device: (u32, u32)) -> Option<NodeKind> {
    let (major, minor) = device;
    Some(match mode >> 12 {
        0o01 => NodeKind::Fifo,
        0o02 => NodeKind::CharDevice { major, minor },
        0o04 => NodeKind::Directory,
        0o06 => NodeKind::BlockDevice { major, minor },
        0o10 => NodeKind::File,
        0o12 => NodeKind::Symlink { target: Vec::new() },
        0o14 => NodeKind::Socket,
        _ => return None,
    })
}

/// Device numbers as Linux packs them into 32 bits.
fn device(packed: u32) -> (u32, u32) {
    (packed >> 8 & 0xfff, packed & 0xff | packed >> 12 & 0xfff00)
}
