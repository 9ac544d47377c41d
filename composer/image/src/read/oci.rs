//! Reads OCI image layouts, as a directory or in a tar archive: the layers of one image, put together.
//!
//! Whiteouts take away what lower layers gave. Invariant: manifests are used only if they have the digest that they are
//! named by; a digest names a file of the layout and nothing else.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::input::{Input, complete, parent};
use super::tar::Tar;
use super::{
    Content, Entries, FileSource, Listing, Node, Place, ReadError, Reader, Source, compressed,
    file, tar,
};

const FORMAT: &str = "OCI layout";
/// The most that a manifest or an index may have.
const LONGEST_DOCUMENT: u64 = 16 << 20;
/// As many indexes as may refer to one another.
const DEEPEST_INDEX: usize = 4;

/// Opens a layout that is a directory; `parts` as in [`super::open`].
pub fn open_layout(dir: &Path, parts: &[&str]) -> Result<Box<dyn Reader>, ReadError> {
    super::open_oci(Blobs::Directory(dir.to_owned()), parts, super::DEEPEST)
}

/// Where a layout's files are.
pub(crate) enum Blobs {
    Directory(PathBuf),
    Archive(Arc<Tar>),
}

impl Blobs {
    fn file(&self, path: &str) -> Result<Arc<dyn Source>, ReadError> {
        match self {
            Blobs::Directory(dir) => match FileSource::open(&dir.join(path)) {
                Ok(source) => Ok(Arc::new(source)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ReadError::NotFound {
                    path: path.to_owned(),
                }),
                Err(source) => Err(ReadError::Io { source }),
            },
            Blobs::Archive(archive) => Ok(Arc::new(archive.content(path.as_bytes())?)),
        }
    }

    fn blob(&self, digest: &str) -> Result<Arc<dyn Source>, ReadError> {
        let hex = digest.strip_prefix("sha256:").filter(|hex| {
            hex.len() == 64
                && hex
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        match hex {
            Some(hex) => self.file(&format!("blobs/sha256/{hex}")),
            None => Err(ReadError::Unsupported {
                format: FORMAT,
                what: format!("a digest that is not SHA-256: `{digest}`"),
            }),
        }
    }
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Descriptor>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    platform: Option<Platform>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize, Clone)]
struct Platform {
    architecture: String,
}

impl Descriptor {
    fn reference(&self) -> Option<&str> {
        let reference = self.annotations.get("org.opencontainers.image.ref.name");
        reference.map(String::as_str)
    }

    fn architecture(&self) -> Option<&str> {
        self.platform
            .as_ref()
            .map(|platform| platform.architecture.as_str())
    }

    fn is(&self, wanted: &str) -> bool {
        [self.reference(), self.architecture(), Some(&self.digest)].contains(&Some(wanted))
    }

    fn is_index(&self) -> bool {
        self.media_type.ends_with(".image.index.v1+json")
            || self.media_type.ends_with(".manifest.list.v2+json")
    }
}

fn document<T: serde::de::DeserializeOwned>(
    source: &dyn Source,
    digest: Option<&str>,
) -> Result<T, ReadError> {
    let broken = |what| ReadError::Broken {
        format: FORMAT,
        what,
        at: 0,
    };
    if source.size().is_none_or(|size| size > LONGEST_DOCUMENT) {
        return Err(broken("a document that is too long"));
    }
    let mut bytes = Vec::new();
    Whole(source, 0)
        .read_to_end(&mut bytes)
        .map_err(|source| ReadError::Io { source })?;
    if let Some(digest) = digest {
        let found = hex::encode(Sha256::digest(&bytes));
        if digest.strip_prefix("sha256:") != Some(found.as_str()) {
            return Err(broken("a document does not have the digest that names it"));
        }
    }
    serde_json::from_slice(&bytes).map_err(|_| broken("a document is not JSON of the right form"))
}

struct Whole<'a>(&'a dyn Source, u64);

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read_at(self.1, buffer)?;
        self.1 += count as u64;
        Ok(count)
    }
}

pub(crate) struct Layers {
    layers: Vec<Tar>,
    listing: Listing,
    /// The source of files without content.
    empty: Arc<dyn Source>,
}

pub(crate) fn open(blobs: Blobs, wanted: Option<&str>) -> Result<Layers, ReadError> {
    let index: Index = document(&*blobs.file("index.json")?, None)?;
    let descriptor = choose(&blobs, index, wanted, DEEPEST_INDEX)?;
    let manifest = blobs.blob(&descriptor.digest)?;
    let manifest: Manifest = document(&*manifest, Some(&descriptor.digest))?;
    let mut entries = Entries::new();
    let mut layers = Vec::new();
    let empty: Arc<dyn Source> = Arc::new(Vec::new());
    for layer in &manifest.layers {
        let mut source = blobs.blob(&layer.digest)?;
        if let Some(packing) = compressed::detect(&*source)? {
            source = compressed::open(source, packing);
        }
        let mut input = Input::new(Arc::clone(&source), FORMAT);
        let layer = tar::open(source)?;
        apply(&mut entries, layer.entries(), layers.len(), &mut input)?;
        complete(&mut entries, &mut input)?;
        layers.push(layer);
    }
    complete(&mut entries, &mut Input::new(Arc::clone(&empty), FORMAT))?;
    Ok(Layers {
        layers,
        listing: Listing {
            format: FORMAT,
            entries,
        },
        empty,
    })
}

/// The manifest that `wanted` names, or the first; through indexes of several processors.
fn choose(
    blobs: &Blobs,
    index: Index,
    wanted: Option<&str>,
    depth: usize,
) -> Result<Descriptor, ReadError> {
    let mut known: Vec<String> = Vec::new();
    for descriptor in &index.manifests {
        let named = wanted.is_none_or(|wanted| descriptor.is(wanted));
        if descriptor.is_index() && depth > 0 {
            let inner = blobs.blob(&descriptor.digest)?;
            let inner: Index = document(&*inner, Some(&descriptor.digest))?;
            let wanted = wanted.filter(|_| !named);
            match choose(blobs, inner, wanted, depth - 1) {
                Err(ReadError::NoPart { known: inner, .. }) => known.push(inner),
                other => return other,
            }
        } else if named {
            return Ok(descriptor.clone());
        }
        let names = [descriptor.reference(), descriptor.architecture()];
        known.extend(names.into_iter().flatten().map(str::to_owned));
    }
    Err(ReadError::NoPart {
        format: FORMAT,
        wanted: wanted.unwrap_or("any image").to_owned(),
        known: match known.is_empty() {
            true => "none".to_owned(),
            false => known.join(", "),
        },
    })
}

/// Lays a layer over what is there.
fn apply(
    entries: &mut Entries,
    layer: &Entries,
    number: usize,
    input: &mut Input,
) -> Result<(), ReadError> {
    for path in layer.keys() {
        let name_at = path
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |at| at + 1);
        let Some(name) = path[name_at..].strip_prefix(b".wh.") else {
            continue;
        };
        let directory = parent(path).unwrap_or_default();
        if name == b".wh..opq" {
            remove_below(entries, directory);
        } else {
            let hidden = [&path[..name_at], name].concat();
            remove_below(entries, &hidden);
            entries.remove(&hidden);
        }
    }
    for (path, node) in layer {
        let name_at = path
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |at| at + 1);
        if path[name_at..].starts_with(b".wh.") {
            continue;
        }
        // A directory that the layer only implies changes nothing that is there.
        if node.mtime.is_none() && entries.contains_key(path) {
            continue;
        }
        input.charge(path.len() as u64)?;
        let mut node = node.clone();
        node.link = node.link.map(|link| link | (number as u64 + 1) << 40);
        node.place = Place::Inside(number, 0);
        if !node.is_directory() && entries.get(path).is_some_and(Node::is_directory) {
            remove_below(entries, path);
        }
        entries.insert(path.clone(), node);
    }
    Ok(())
}

fn remove_below(entries: &mut Entries, directory: &[u8]) {
    let mut prefix = directory.to_vec();
    if !prefix.is_empty() {
        prefix.push(b'/');
    }
    let mut below = entries.split_off(&prefix);
    let mut after = match prefix.is_empty() {
        true => Entries::new(),
        false => {
            // The first path behind all that start with the prefix.
            *prefix.last_mut().expect("it ends with a slash") += 1;
            below.split_off(&prefix)
        }
    };
    entries.append(&mut after);
}

impl Reader for Layers {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn content(&self, path: &[u8]) -> Result<Content, ReadError> {
        match file(self.entries(), path)?.place {
            Place::Inside(layer, _) => self.layers[layer].content(path),
            _ => Ok(Content::new(Arc::clone(&self.empty), 0, [])),
        }
    }
}
