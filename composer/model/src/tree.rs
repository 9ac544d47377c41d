//! Trees as Merkle nodes: a directory lists its entries, each named by content.
//!
//! The store writes these encodings as `dirs/<id>`; image writers and executors walk them.
//! A tree carries names, the executable bit, symbolic links and nothing else: no owner, no mode,
//! no time. Invariant: entries are sorted by the bytes of their names, each name once.

use std::collections::BTreeMap;

use crate::{BlobId, DecodeError, Decoder, Digest, Encoder, EntryName, TreeId};

const DOMAIN: &str = "xsc-directory-1";

/// What one name in a directory stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// A regular file.
    File {
        /// The content.
        blob: BlobId,
        /// Bytes.
        size: u64,
        /// Whether it may be executed (mode 0555, else 0444).
        executable: bool,
    },
    /// A directory.
    Directory {
        /// The directory's own id.
        tree: TreeId,
    },
    /// A symbolic link.
    Symlink {
        /// The text of the link, never resolved.
        target: String,
    },
}

/// One directory: sorted names and what they stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// The entries.
    pub entries: BTreeMap<EntryName, Node>,
}

impl Directory {
    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::new(DOMAIN);
        e.u64(self.entries.len() as u64);
        for (name, node) in &self.entries {
            match node {
                Node::File {
                    blob,
                    size,
                    executable,
                } => {
                    e.str(if *executable { "x" } else { "f" })
                        .str(name.as_str());
                    e.digest(blob.digest()).u64(*size);
                }
                Node::Directory { tree } => {
                    e.str("d").str(name.as_str()).digest(tree.digest());
                }
                Node::Symlink { target } => {
                    e.str("l").str(name.as_str()).str(target);
                }
            }
        }
        e.finish()
    }

    /// Reads an encoding back; anything but the canonical form is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes, DOMAIN)?;
        let mut entries = BTreeMap::new();
        for _ in 0..d.count("entry count")? {
            let kind = d.str("entry kind")?;
            let name = EntryName::new(d.str("entry name")?).map_err(|_| DecodeError::Invalid {
                field: "entry name",
            })?;
            let node = match kind {
                "f" | "x" => Node::File {
                    blob: BlobId(d.digest("blob")?),
                    size: d.u64("size")?,
                    executable: kind == "x",
                },
                "d" => Node::Directory {
                    tree: TreeId(d.digest("tree")?),
                },
                "l" => Node::Symlink {
                    target: d.str("link target")?.to_owned(),
                },
                _ => {
                    return Err(DecodeError::Invalid {
                        field: "entry kind",
                    });
                }
            };
            if entries
                .last_key_value()
                .is_some_and(|(last, _)| *last >= name)
            {
                return Err(DecodeError::Invalid {
                    field: "order of entries",
                });
            }
            entries.insert(name, node);
        }
        d.finish()?;
        Ok(Directory { entries })
    }

    /// The id of the tree whose root this is.
    pub fn id(&self) -> TreeId {
        TreeId(Digest::of(&self.encode()))
    }
}
