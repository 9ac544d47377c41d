//! An OCI image layout of one layer, as a directory that `skopeo` and `umoci` read.
//!
//! `build` calls [`write()`] for the `oci` builtin. Own documents, because `ocidir` needs OpenSSL
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
    /// The root file system.
    pub files: &'a Manifest,
    /// The processor.
    pub architecture: Architecture,
    /// The command that a container runs.
    pub command: &'a [String],
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
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

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
    cmd: &'a [String],
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
    created_by: &'static str,
}

/// Writes a layout into the empty directory `out` and returns the digest of its manifest, as
/// `sha256:` and 64 hexadecimal digits.
pub fn write(spec: &OciSpec<'_>, blobs: &dyn BlobSource, out: &Path) -> Result<String, OciError> {
    let created = created(spec.epoch)?;
    check_names(spec)?;
    let blob_dir = out.join("blobs/sha256");
    fs::create_dir_all(&blob_dir).map_err(write_error(&blob_dir))?;
    let (layer, diff_id) = write_layer(spec, blobs, &blob_dir)?;
    let config = Config {
        created: &created,
        architecture: spec.architecture,
        os: "linux",
        config: Execution {
            env: (spec.env.iter())
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            cmd: spec.command,
            labels: spec.labels,
        },
        rootfs: RootFs {
            kind: "layers",
            diff_ids: vec![diff_id],
        },
        history: vec![History {
            created: &created,
            created_by: "xsc-compose",
        }],
    };
    let manifest = ImageManifest {
        schema_version: 2,
        media_type: MANIFEST_TYPE,
        config: put_document(&config, CONFIG_TYPE, &blob_dir)?,
        layers: vec![layer],
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

fn check_names(spec: &OciSpec<'_>) -> Result<(), OciError> {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if !spec
        .reference
        .split(['.', '_', '-', '/', ':', '@', '+'])
        .all(word)
    {
        return Err(OciError::Reference {
            reference: spec.reference.to_owned(),
        });
    }
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
    blobs: &dyn BlobSource,
    blob_dir: &Path,
) -> Result<(Descriptor, String), OciError> {
    // Blobs are named by what they contain, so the layer has a passing name until it is whole.
    let path = blob_dir.join("layer.partial");
    let error = write_error(&path);
    let file = File::create(&path).map_err(&error)?;
    let compressed = Sha256Writer::new(BufWriter::new(file));
    let compressor = Compressor::new(spec.compression, compressed).map_err(&error)?;
    let mut plain = Sha256Writer::new(compressor);
    tar::write(spec.files, spec.epoch, blobs, &mut plain)
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
    let bytes = json(document);
    let mut hashed = Sha256Writer::new(io::sink());
    hashed.write_all(&bytes).expect("a sink takes everything");
    let (_, digest, size) = hashed.finish();
    put_file(&blob_dir.join(&digest), &bytes)?;
    Ok(descriptor(media_type, &digest, size))
}

fn put_file(path: &Path, bytes: &[u8]) -> Result<(), OciError> {
    fs::write(path, bytes).map_err(write_error(path))
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> OciError + '_ {
    |source| OciError::Write {
        path: path.to_owned(),
        source,
    }
}
