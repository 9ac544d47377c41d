//! The JSON text of a manifest, written beside an image and read back by tools and tests.
//!
//! Invariant: entries are sorted by path and the text ends with a newline, so equal manifests
//! have equal text; reading refuses unknown fields and anything that is not a file system.

use serde::{Deserialize, Serialize};
use xsc_model::BlobId;

use crate::{Entry, ImagePath, Kind, Manifest, ManifestError};

/// A manifest's text that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestJsonError {
    /// Not JSON of the expected shape.
    #[error("the manifest is not valid")]
    Syntax {
        /// Why, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A version that this program does not know.
    #[error("the manifest has the version {version}, and only version 1 is known")]
    Version {
        /// The version found.
        version: u32,
    },
    /// A field of an entry that does not parse.
    #[error("the {field} of `{path}` in the manifest is not valid: `{text}`")]
    Field {
        /// The entry.
        path: String,
        /// Which field.
        field: &'static str,
        /// What stands there.
        text: String,
    },
    /// The entries are not a file system.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    entries: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    path: String,
    mode: String,
    uid: u32,
    gid: u32,
    kind: JsonKind,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum JsonKind {
    File { blob: String, size: u64 },
    Directory,
    Symlink { target: String },
    CharDevice { major: u32, minor: u32 },
    BlockDevice { major: u32, minor: u32 },
    Fifo,
}

impl Manifest {
    /// The stable JSON text.
    pub fn to_json(&self) -> String {
        let entries = self
            .iter()
            .map(|(path, entry)| to_line(path, entry))
            .collect();
        let document = Document {
            version: 1,
            entries,
        };
        let mut text = serde_json::to_string_pretty(&document)
            .expect("strings and numbers always have a JSON form");
        text.push('\n');
        text
    }

    /// Reads the JSON text.
    pub fn from_json(text: &str) -> Result<Self, ManifestJsonError> {
        let document: Document =
            serde_json::from_str(text).map_err(|source| ManifestJsonError::Syntax { source })?;
        if document.version != 1 {
            return Err(ManifestJsonError::Version {
                version: document.version,
            });
        }
        let entries: Result<Vec<_>, _> = document.entries.into_iter().map(from_line).collect();
        Ok(Manifest::from_entries(entries?)?)
    }
}

fn to_line(path: &ImagePath, entry: &Entry) -> Line {
    let kind = match &entry.kind {
        Kind::File { blob, size } => JsonKind::File {
            blob: blob.to_string(),
            size: *size,
        },
        Kind::Directory => JsonKind::Directory,
        Kind::Symlink { target } => JsonKind::Symlink {
            target: target.clone(),
        },
        Kind::CharDevice { major, minor } => JsonKind::CharDevice {
            major: *major,
            minor: *minor,
        },
        Kind::BlockDevice { major, minor } => JsonKind::BlockDevice {
            major: *major,
            minor: *minor,
        },
        Kind::Fifo => JsonKind::Fifo,
    };
    Line {
        path: path.to_string(),
        mode: format!("{:04o}", entry.mode),
        uid: entry.uid,
        gid: entry.gid,
        kind,
    }
}

fn from_line(line: Line) -> Result<(ImagePath, Entry), ManifestJsonError> {
    let field = |field, text: &str| ManifestJsonError::Field {
        path: line.path.clone(),
        field,
        text: text.to_owned(),
    };
    let octal = line.mode.len() == 4 && line.mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let mode = u32::from_str_radix(&line.mode, 8)
        .ok()
        .filter(|_| octal)
        .ok_or_else(|| field("mode", &line.mode))?;
    let kind = match line.kind {
        JsonKind::File { ref blob, size } => {
            let blob: BlobId = blob.parse().map_err(|_| field("blob", blob))?;
            Kind::File { blob, size }
        }
        JsonKind::Directory => Kind::Directory,
        JsonKind::Symlink { ref target } => Kind::Symlink {
            target: target.clone(),
        },
        JsonKind::CharDevice { major, minor } => Kind::CharDevice { major, minor },
        JsonKind::BlockDevice { major, minor } => Kind::BlockDevice { major, minor },
        JsonKind::Fifo => Kind::Fifo,
    };
    let entry = Entry {
        kind,
        mode,
        uid: line.uid,
        gid: line.gid,
    };
    Ok((ImagePath::new(line.path)?, entry))
}
