//! An OCI image layout, as a directory that `skopeo` and `umoci` read.
//!
//! `build` calls [`write()`] for the `oci` builtin, with the layers that [`crate::oci_layers`] splits a tree into. Own documents, because `ocidir` needs OpenSSL
//! and the host's zlib, and `oci-spec` keeps labels in hash maps. Invariant: documents are
//! compact JSON with their keys in a fixed order, so the digests follow from the inputs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use crate::compress::{Compressor, Sha256Writer};
use crate::tar::{self, TarError};
use crate::{BlobSource, Compression, Manifest};

/// What to write.
#[derive(Debug, Clone)]
pub struct OciSpec<'a> {
    /// The root file system, lowest layer first.
    pub layers: Vec<Layer<'a>>,
    /// The processor.
    pub architecture: Architecture,
    /// What a container runs; `command` is then its arguments.
    pub entrypoint: &'a [String],
    /// The command that a container runs.
    pub command: &'a [String],
    /// Where it runs; empty for `/`.
    pub working_dir: &'a str,
    /// As whom, `user` or `user:group`, names or numbers; empty for root.
    pub user: &'a str,
    /// The environment, by name.
    pub env: &'a BTreeMap<String, String>,
    /// Labels.
    pub labels: &'a BTreeMap<String, String>,
    /// The name of the image in the layout's index, such as `latest`.
    pub reference: &'a str,
    /// How the layer is compressed; gzip is what every reader knows.
    pub compression: Compression,
    /// Every time in the image, seconds since 1970.
    pub epoch: i64,
    /// How many threads compress with gzip; the bytes do not depend on it.
    pub threads: usize,
}

/// One layer.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// What it adds.
    pub files: &'a Manifest,
    /// What the history says of it.
    pub created_by: &'a str,
}

/// A processor, by the name that OCI gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// 64-bit x86.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

/// A layout that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// The time does not fit the format of `created`.
    #[error("the time {epoch} (seconds since 1970) is outside the years 1970 to 9999")]
    Epoch {
        /// What was given.
        epoch: i64,
    },
    /// A reference that the specification does not allow.
    #[error(
        "the reference `{reference}` is not valid: letters and digits, with single . _ - / : @ + between them"
    )]
    Reference {
        /// What was given.
        reference: String,
    },
    /// A name of the environment that cannot be one.
    #[error("`{name}` cannot be the name of an environment variable")]
    Variable {
        /// The name.
        name: String,
    },
    /// The layer's archive could not be written.
    #[error("cannot write the layer")]
    Layer {
        /// Why.
        #[source]
        source: TarError,
    },
    /// A layout that is joined or archived could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A layout that is joined or archived is not one of one image.
    #[error("`{}` is not a layout of one image, as the composer writes it", path.display())]
    Layout {
        /// The layout or the document.
        path: PathBuf,
    },
    /// There is nothing to join.
    #[error("an index needs at least one layout")]
    NoLayouts,
    /// What is to be joined is no layout, or holds several images.
    #[error("`{name}` is not an OCI layout of one image")]
    NotOneImage {
        /// What the caller calls it.
        name: String,
    },
    /// Two images of which engines could take either.
    #[error(
        "`{first}` and `{second}` are both for {platform}; an index has one image for each processor"
    )]
    SamePlatform {
        /// Such as `linux/arm64`.
        platform: String,
        /// What the caller calls the first.
        first: String,
        /// What the caller calls the second.
        second: String,
    },
    /// A file of the layout could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

#[derive(Serialize)]
struct Layout {
    #[serde(rename = "imageLayoutVersion")]
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageManifest {
    schema_version: u32,
    media_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: &'static str,
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Platform {
    architecture: Architecture,
    os: &'static str,
}

#[derive(Serialize)]
struct Config<'a> {
    created: &'a str,
    architecture: Architecture,
    os: &'static str,
    config: Execution<'a>,
    rootfs: RootFs,
    history: Vec<History<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Execution<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    env: Vec<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    entrypoint: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cmd: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    working_dir: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct RootFs {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: Vec<String>,
}

#[derive(Serialize)]
struct History<'a> {
    created: &'a str,
    created_by: &'a str,
}

/// Writes a layout into the empty directory `out` and returns the digest of its manifest, as
/// `sha256:` and 64 hexadecimal digits.
pub fn write(spec: &OciSpec<'_>, blobs: &dyn BlobSource, out: &Path) -> Result<String, OciError> {
    let created = created(spec.epoch)?;
    check_names(spec)?;
    let blob_dir = out.join("blobs/sha256");
    fs::create_dir_all(&blob_dir).map_err(write_error(&blob_dir))?;
    let (mut layers, mut diff_ids, mut history) = (Vec::new(), Vec::new(), Vec::new());
    for layer in &spec.layers {
        let (descriptor, diff_id) = write_layer(spec, layer.files, blobs, &blob_dir)?;
        layers.push(descriptor);
        diff_ids.push(diff_id);
        history.push(History {
            created: &created,
            created_by: layer.created_by,
        });
    }
    let config = Config {
        created: &created,
        architecture: spec.architecture,
        os: "linux",
        config: Execution {
            env: (spec.env.iter())
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            entrypoint: spec.entrypoint,
            cmd: spec.command,
            working_dir: spec.working_dir,
            user: spec.user,
            labels: spec.labels,
        },
        rootfs: RootFs {
            kind: "layers",
            diff_ids,
        },
        history,
    };
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: MANIFEST_TYPE,
        config: put_document(&config, CONFIG_TYPE, &blob_dir)?,
        layers,
    };
    let mut described = put_document(&manifest, MANIFEST_TYPE, &blob_dir)?;
    let digest = described.digest.clone();
    described.platform = Some(Platform {
        architecture: spec.architecture,
        os: "linux",
    });
    let name = "org.opencontainers.image.ref.name";
    described.annotations = BTreeMap::from([(name, spec.reference.to_owned())]);
    let index = Index {
        schema_version: 2,
        media_type: INDEX_TYPE,
        manifests: vec![described],
    };
    put_file(&out.join("index.json"), &json(&index))?;
    let layout = Layout { version: "1.0.0" };
    put_file(&out.join("oci-layout"), &json(&layout))?;
    Ok(digest)
}

fn created(epoch: i64) -> Result<String, OciError> {
    const YEAR_10000: i64 = 253_402_300_800;
    DateTime::from_timestamp(epoch, 0)
        .filter(|_| (0..YEAR_10000).contains(&epoch))
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
        .ok_or(OciError::Epoch { epoch })
}

/// Whether the specification allows a reference.
pub(crate) fn check_reference(reference: &str) -> Result<(), OciError> {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    match reference
        .split(['.', '_', '-', '/', ':', '@', '+'])
        .all(word)
    {
        true => Ok(()),
        false => Err(OciError::Reference {
            reference: reference.to_owned(),
        }),
    }
}

fn check_names(spec: &OciSpec<'_>) -> Result<(), OciError> {
    check_reference(spec.reference)?;
    match spec
        .env
        .keys()
        .find(|name| name.is_empty() || name.contains(['=', '\0']))
    {
        Some(name) => Err(OciError::Variable { name: name.clone() }),
        None => Ok(()),
    }
}

/// Writes the layer and returns its descriptor and the digest of the archive in it.
fn write_layer(
    spec: &OciSpec<'_>,
    files: &Manifest,
    blobs: &dyn BlobSource,
    blob_dir: &Path,
) -> Result<(Descriptor, String), OciError> {
    // Blobs are named by what they contain, so the layer has a passing name until it is whole.
    let path = blob_dir.join("layer.partial");
    let error = write_error(&path);
    let file = File::create(&path).map_err(&error)?;
    let compressed = Sha256Writer::new(BufWriter::with_capacity(256 << 10, file));
    let compressor =
        Compressor::parallel(spec.compression, compressed, spec.threads).map_err(&error)?;
    let mut plain = Sha256Writer::new(compressor);
    tar::write(files, spec.epoch, blobs, &mut plain)
        .map_err(|source| OciError::Layer { source })?;
    let (compressor, diff_id, _) = plain.finish();
    let (mut buffered, digest, size) = compressor.finish().map_err(&error)?.finish();
    buffered.flush().map_err(&error)?;
    fs::rename(&path, blob_dir.join(&digest)).map_err(&error)?;
    let media_type = match spec.compression {
        Compression::None => "application/vnd.oci.image.layer.v1.tar",
        Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
    };
    Ok((
        descriptor(media_type, &digest, size),
        format!("sha256:{diff_id}"),
    ))
}

fn descriptor(media_type: &'static str, digest: &str, size: u64) -> Descriptor {
    Descriptor {
        media_type,
        digest: format!("sha256:{digest}"),
        size,
        platform: None,
        annotations: BTreeMap::new(),
    }
}

fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("strings and numbers always have a JSON form")
}

fn put_document(
    document: &impl Serialize,
    media_type: &'static str,
    blob_dir: &Path,
) -> Result<Descriptor, OciError> {
    let (digest, size) = put_bytes(&json(document), blob_dir)?;
    Ok(Descriptor {
        media_type,
        digest,
        size,
        platform: None,
        annotations: BTreeMap::new(),
    })
}

/// Writes a blob; returns its digest with `sha256:`, and its size.
pub(crate) fn put_bytes(bytes: &[u8], blob_dir: &Path) -> Result<(String, u64), OciError> {
    let mut hashed = Sha256Writer::new(io::sink());
    hashed.write_all(bytes).expect("a sink takes everything");
    let (_, digest, size) = hashed.finish();
    put_file(&blob_dir.join(&digest), bytes)?;
    Ok((format!("sha256:{digest}"), size))
}

/// Reads a document of a layout.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, OciError> {
    fs::read(path).map_err(|source| OciError::Read {
        path: path.to_owned(),
        source,
    })
}

pub(crate) fn put_file(path: &Path, bytes: &[u8]) -> Result<(), OciError> {
    fs::write(path, bytes).map_err(write_error(path))
}

pub(crate) fn write_error(path: &Path) -> impl Fn(io::Error) -> OciError + '_ {
    |source| OciError::Write {
        path: path.to_owned(),
        source,
    }
}
