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

/// Joins layouts of one image each for several processors into `out`, an empty directory, under one reference.
pub fn join(layouts: &[&Path], reference: &str, out: &Path) -> Result<String, OciError> {
    let blob_dir = out.join("blobs/sha256");
    fs::create_dir_all(&blob_dir).map_err(crate::oci::write_error(&blob_dir))?;
    let mut manifests = Vec::new();
    for layout in layouts {
        for digest in blobs_of(layout)? {
            let (from, to) = (
                layout.join("blobs/sha256").join(&digest),
                blob_dir.join(&digest),
            );
            if !to.exists() {
                fs::copy(&from, &to).map_err(crate::oci::write_error(&to))?;
            }
        }
        for mut manifest in index(layout)? {
            if let Some(manifest) = manifest.as_object_mut() {
                manifest.remove("annotations");
            }
            manifests.push(manifest);
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
    let blob = |descriptor: &Value| -> Option<String> {
        let hex = descriptor["digest"].as_str()?.strip_prefix("sha256:")?;
        hex.bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| format!("blobs/sha256/{hex}"))
    };
    let manifest = blob(descriptor).ok_or_else(broken)?;
    let manifest: Value =
        serde_json::from_slice(&read_file(&layout.join(manifest))?).map_err(|_| broken())?;
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
    let index: Option<Value> = serde_json::from_slice(&read_file(&path)?).ok();
    index
        .and_then(|mut index| index["manifests"].as_array_mut().map(std::mem::take))
        .ok_or(OciError::Layout { path })
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
