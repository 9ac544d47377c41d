//! OCI images: layers that are shared, several processors behind one name, archives that engines load.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use support::rich::{Holds, compare, tree};
use support::{EPOCH, path, tool};
use xsc_image::oci::{Architecture, Layer, OciSpec};
use xsc_image::{
    Compression, Entry, ImagePath, Manifest, MemoryBlobs, oci, oci_bundle, oci_layers, read,
};

/// The set of a path: what is below `/many` and `/dir` first, then `/bin`, then the rest.
fn set_of(path: &ImagePath, _: &Entry) -> usize {
    match path.relative() {
        path if path.starts_with(b"many") || path.starts_with(b"dir") => 0,
        path if path.starts_with(b"bin") => 1,
        _ => 2,
    }
}

fn write(files: &Manifest, blobs: &MemoryBlobs, architecture: Architecture, out: &Path) {
    let layers = oci_layers::split(files, set_of);
    let spec = OciSpec {
        layers: layers
            .values()
            .map(|files| Layer {
                files,
                created_by: "a set",
            })
            .collect(),
        architecture,
        entrypoint: &["/init".to_owned()],
        command: &["--help".to_owned()],
        working_dir: "/run",
        user: "7:8",
        env: &BTreeMap::new(),
        labels: &BTreeMap::new(),
        reference: "latest",
        compression: Compression::Gzip,
        epoch: EPOCH,
        threads: 2,
    };
    oci::write(&spec, blobs, out).unwrap();
}

fn blobs(layout: &Path) -> BTreeSet<String> {
    let dir = std::fs::read_dir(layout.join("blobs/sha256")).unwrap();
    dir.map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn layers_give_the_tree_again_and_are_shared() {
    let (mut files, mut content) = tree(Holds::Everything);
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(oci_layers::split(&files, set_of).len(), 3);
    write(&files, &content, Architecture::Amd64, one.path());
    compare(
        &*read::open_layout(one.path(), &[]).unwrap(),
        Holds::Everything,
    );
    let entry = Entry::new(content.add(b"of one image only".to_vec()));
    files.insert(path("/only"), entry).unwrap();
    write(&files, &content, Architecture::Amd64, other.path());
    // Two layers of three; the third, the configuration and the manifest differ.
    let (one, other) = (blobs(one.path()), blobs(other.path()));
    assert_eq!((one.len(), one.intersection(&other).count()), (5, 2));
}

#[test]
fn several_processors_are_behind_one_name() {
    let (files, content) = tree(Holds::Everything);
    let (amd, arm, both) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    write(&files, &content, Architecture::Amd64, amd.path());
    write(&files, &content, Architecture::Arm64, arm.path());
    oci_bundle::join(&[amd.path(), arm.path()], "both", both.path()).unwrap();
    for part in ["amd64", "arm64", "both"] {
        compare(
            &*read::open_layout(both.path(), &[part]).unwrap(),
            Holds::Everything,
        );
    }
    let layout = format!("oci:{}:both", both.path().display());
    for processor in ["amd64", "arm64"] {
        let said = tool(
            "skopeo",
            &["--override-arch", processor, "inspect", "--config", &layout],
        );
        if let Some(said) = said {
            assert!(
                said.contains(&format!("\"architecture\": \"{processor}\"")),
                "{said}"
            );
            assert!(said.contains("\"/init\""), "{said}");
        }
    }
    assert!(oci_bundle::join(&[Path::new("/none")], "x", both.path()).is_err());
}

#[test]
fn an_archive_is_a_layout_and_what_docker_loads() {
    let (files, content) = tree(Holds::Everything);
    let dir = tempfile::tempdir().unwrap();
    let layout = dir.path().join("layout");
    std::fs::create_dir(&layout).unwrap();
    write(&files, &content, Architecture::Amd64, &layout);
    let mut bytes = Vec::new();
    oci_bundle::archive(&layout, "xsc/test:latest", EPOCH, &mut bytes).unwrap();
    let mut again = Vec::new();
    oci_bundle::archive(&layout, "xsc/test:latest", EPOCH, &mut again).unwrap();
    assert!(bytes == again);
    let archive = dir.path().join("image.tar");
    std::fs::write(&archive, &bytes).unwrap();
    let reader = read::open(Arc::new(bytes), &["latest"]).unwrap();
    compare(&*reader, Holds::Everything);
    for kind in ["docker-archive", "oci-archive"] {
        let from = format!("{kind}:{}", archive.display());
        let to = format!("dir:{}", dir.path().join(kind).display());
        let copied = tool(
            "skopeo",
            &["--insecure-policy", "copy", "--quiet", &from, &to],
        );
        if let Some(said) = copied {
            assert_eq!(said, "", "{kind}");
        }
    }
    assert!(oci_bundle::archive(dir.path(), "x", EPOCH, &mut Vec::new()).is_err());
}
