//! Layouts put together: several processors behind one reference, and a layout as an archive that engines load.
//!
//! `build` calls [`join`] and [`archive`] on layouts that [`crate::oci`] wrote. Invariant: blobs are copied as they are,
//! so an image keeps its digest wherever it is put.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ::tar::{Builder, EntryType, Header};
use serde_json::{Value, json};

use crate::oci::{INDEX_TYPE, OciError, put_bytes, put_file, read_file};

/// A layout of one image for [`join`].
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// What errors call it.
    pub name: &'a str,
    /// Its directory.
    pub layout: &'a Path,
}

/// Joins layouts of one image each, for different processors, into `out`, an empty directory, under one reference.
///
/// The digest is that of the index of processors, in the order of the layouts, which `index.json` names. Errors: no
/// layout, what is no layout of one image, two for one processor, a reference that OCI does not allow.
pub fn join(parts: &[Part<'_>], reference: &str, out: &Path) -> Result<String, OciError> {
    crate::oci::check_reference(reference)?;
    if parts.is_empty() {
        return Err(OciError::NoLayouts);
    }
    let mut platforms: BTreeMap<String, &str> = BTreeMap::new();
    let mut manifests = Vec::new();
    for part in parts {
        let (shown, manifest) = described(part)?;
        if let Some(first) = platforms.insert(shown.clone(), part.name) {
            return Err(OciError::SamePlatform {
                platform: shown,
                first: first.to_owned(),
                second: part.name.to_owned(),
            });
        }
        manifests.push(manifest);
    }
    let blob_dir = out.join("blobs/sha256");
    fs::create_dir_all(&blob_dir).map_err(crate::oci::write_error(&blob_dir))?;
    for part in parts {
        for digest in blobs_of(part.layout)? {
            let (from, to) = (
                part.layout.join("blobs/sha256").join(&digest),
                blob_dir.join(&digest),
            );
            if !to.exists() {
                fs::copy(&from, &to).map_err(crate::oci::write_error(&to))?;
            }
        }
    }
    let inner = json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests });
    let (digest, size) = put_bytes(inner.to_string().as_bytes(), &blob_dir)?;
    let outer = json!({
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [{
            "mediaType": INDEX_TYPE,
            "digest": digest,
            "size": size,
            "annotations": { "org.opencontainers.image.ref.name": reference },
        }],
    });
    put_file(&out.join("index.json"), outer.to_string().as_bytes())?;
    put_file(
        &out.join("oci-layout"),
        br#"{"imageLayoutVersion":"1.0.0"}"#,
    )?;
    Ok(digest)
}

/// The one image of a layout: its platform as people write it, and its descriptor for an index of processors.
fn described(part: &Part<'_>) -> Result<(String, Value), OciError> {
    let not_one = || OciError::NotOneImage {
        name: part.name.to_owned(),
    };
    if !part.layout.join("index.json").is_file() {
        return Err(not_one());
    }
    let manifests = index(part.layout)?;
    let [descriptor] = manifests.as_slice() else {
        return Err(not_one());
    };
    // What is no manifest, as an index of several processors, has no configuration.
    let manifest = blob(descriptor).ok_or_else(not_one)?;
    let manifest = document(&part.layout.join(manifest))?;
    let config = blob(&manifest["config"]).ok_or_else(not_one)?;
    let config = document(&part.layout.join(config))?;
    let (Some(os), Some(architecture)) = (config["os"].as_str(), config["architecture"].as_str())
    else {
        return Err(not_one());
    };
    let mut platform = json!({ "architecture": architecture, "os": os });
    let mut shown = format!("{os}/{architecture}");
    if let Some(variant) = config["variant"].as_str() {
        platform["variant"] = variant.into();
        shown = format!("{shown}/{variant}");
    }
    let described = json!({
        "mediaType": descriptor["mediaType"],
        "digest": descriptor["digest"],
        "size": descriptor["size"],
        "platform": platform,
    });
    Ok((shown, described))
}

/// Writes a layout of one image as a tar archive that is a layout still, and that `docker load` reads as well: its
/// `manifest.json` names the image `name`.
pub fn archive(layout: &Path, name: &str, epoch: i64, out: &mut dyn Write) -> Result<(), OciError> {
    let manifests = index(layout)?;
    let broken = || OciError::Layout {
        path: layout.to_owned(),
    };
    let [descriptor] = manifests.as_slice() else {
        return Err(broken());
    };
    let manifest = blob(descriptor).ok_or_else(broken)?;
    let manifest = document(&layout.join(manifest))?;
    let layers: Option<Vec<String>> = manifest["layers"]
        .as_array()
        .and_then(|layers| layers.iter().map(blob).collect());
    let docker = json!([{
        "Config": blob(&manifest["config"]).ok_or_else(broken)?,
        "RepoTags": [name],
        "Layers": layers.ok_or_else(broken)?,
    }]);
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    for digest in blobs_of(layout)? {
        let name = format!("blobs/sha256/{digest}");
        files.insert(name.clone(), layout.join(name));
    }
    for name in ["index.json", "oci-layout"] {
        files.insert(name.to_owned(), layout.join(name));
    }
    let time = u64::try_from(epoch).map_err(|_| OciError::Epoch { epoch })?;
    let error = |source| OciError::Write {
        path: layout.to_owned(),
        source,
    };
    let mut builder = Builder::new(out);
    for directory in ["blobs/", "blobs/sha256/"] {
        let mut header = header(EntryType::Directory, 0o755, 0, time);
        builder
            .append_data(&mut header, directory, io::empty())
            .map_err(error)?;
    }
    for (name, path) in &files {
        let file = File::open(path).map_err(error)?;
        let size = file.metadata().map_err(error)?.len();
        let mut header = header(EntryType::Regular, 0o644, size, time);
        builder
            .append_data(&mut header, name, file)
            .map_err(error)?;
    }
    let bytes = docker.to_string();
    let mut header = header(EntryType::Regular, 0o644, bytes.len() as u64, time);
    builder
        .append_data(&mut header, "manifest.json", bytes.as_bytes())
        .map_err(error)?;
    builder.finish().map_err(error)
}

fn header(kind: EntryType, mode: u32, size: u64, time: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(time);
    header
}

/// The descriptors of a layout's index.
fn index(layout: &Path) -> Result<Vec<Value>, OciError> {
    let path = layout.join("index.json");
    let mut index = document(&path)?;
    let manifests = index["manifests"].as_array_mut().map(std::mem::take);
    manifests.ok_or(OciError::Layout { path })
}

/// A JSON object.
fn document(path: &Path) -> Result<Value, OciError> {
    let document: Option<Value> = serde_json::from_slice(&read_file(path)?).ok();
    let document = document.filter(Value::is_object);
    document.ok_or_else(|| OciError::Layout {
        path: path.to_owned(),
    })
}

/// Where in a layout the blob of a descriptor is.
fn blob(descriptor: &Value) -> Option<String> {
    let hex = descriptor["digest"].as_str()?.strip_prefix("sha256:")?;
    hex.bytes()
        .all(|b| b.is_ascii_hexdigit())
        .then(|| format!("blobs/sha256/{hex}"))
}

/// The names of a layout's blobs, sorted.
fn blobs_of(layout: &Path) -> Result<BTreeSet<String>, OciError> {
    let dir = layout.join("blobs/sha256");
    let names = || -> io::Result<BTreeSet<String>> {
        fs::read_dir(&dir)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    names().map_err(|source| OciError::Read {
        path: dir.clone(),
        source,
    })
}
