//! OCI images: layers that are shared, several processors behind one name, archives that engines load.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use support::rich::{Holds, compare, tree};
use support::{EPOCH, path, tool};
use xsc_image::oci::{Architecture, Layer, OciSpec};
use xsc_image::oci_bundle::Part;
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

fn part<'a>(name: &'a str, layout: &'a Path) -> Part<'a> {
    Part { name, layout }
}

/// Runs skopeo, if it is there; nothing of the user's says which images it may copy.
fn skopeo(args: &[&str]) -> Option<String> {
    tool("skopeo", &[&["--insecure-policy"], args].concat())
}

#[test]
fn several_processors_are_behind_one_name() {
    let (files, mut content) = tree(Holds::Everything);
    let mut other = files.clone();
    let entry = Entry::new(content.add(b"for arm64".to_vec()));
    other.insert(path("/only"), entry).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let [amd, arm, both] = ["amd", "arm", "both"].map(|name| {
        let layout = dir.path().join(name);
        std::fs::create_dir(&layout).unwrap();
        layout
    });
    write(&files, &content, Architecture::Amd64, &amd);
    write(&other, &content, Architecture::Arm64, &arm);
    let digest = oci_bundle::join(&[part("a", &amd), part("b", &arm)], "both", &both).unwrap();
    for part in ["amd64", "both"] {
        compare(
            &*read::open_layout(&both, &[part]).unwrap(),
            Holds::Everything,
        );
    }
    let reader = read::open_layout(&both, &["arm64"]).unwrap();
    assert!(reader.entries().contains_key(b"only".as_slice()));
    // Each image is what it was, with its platform, and what they share is there once.
    let file = both
        .join("blobs/sha256")
        .join(digest.strip_prefix("sha256:").unwrap());
    let index: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let found: Vec<&Value> = index["manifests"].as_array().unwrap().iter().collect();
    assert_eq!(found.len(), 2);
    for (found, (layout, processor)) in found.iter().zip([(&amd, "amd64"), (&arm, "arm64")]) {
        let alone = std::fs::read(layout.join("index.json")).unwrap();
        let alone: Value = serde_json::from_slice(&alone).unwrap();
        assert_eq!(
            **found,
            json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": alone["manifests"][0]["digest"],
                "size": alone["manifests"][0]["size"],
                "platform": { "os": "linux", "architecture": processor },
            })
        );
    }
    let all: BTreeSet<String> = [&amd, &arm]
        .into_iter()
        .flat_map(|dir| blobs(dir))
        .collect();
    assert_eq!(blobs(&both).len(), all.len() + 1);
    assert!(all.is_subset(&blobs(&both)));

    let layout = format!("oci:{}:both", both.display());
    if let Some(said) = skopeo(&["inspect", "--raw", &layout]) {
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), index);
    }
    for (processor, has) in [("amd64", false), ("arm64", true)] {
        let copy = dir.path().join(format!("copy-{processor}"));
        let to = format!("oci:{}:copy", copy.display());
        let copied = skopeo(&[
            "--override-arch",
            processor,
            "copy",
            "--quiet",
            &layout,
            &to,
        ]);
        if copied.is_some() {
            let reader = read::open_layout(&copy, &["copy"]).unwrap();
            let only = reader.entries().contains_key(b"only".as_slice());
            assert_eq!(only, has, "{processor}");
        }
        let config = skopeo(&["--override-arch", processor, "inspect", "--config", &layout]);
        if let Some(said) = config {
            let config: Value = serde_json::from_str(&said).unwrap();
            assert_eq!(config["architecture"], processor);
            assert_eq!(config["config"]["Entrypoint"], json!(["/init"]));
        }
    }
}

#[test]
fn what_cannot_be_joined_is_refused_by_name() {
    let (files, content) = tree(Holds::Everything);
    let dir = tempfile::tempdir().unwrap();
    let [amd, again, empty, index, broken] =
        ["amd", "again", "empty", "index", "broken"].map(|name| {
            let layout = dir.path().join(name);
            std::fs::create_dir(&layout).unwrap();
            layout
        });
    write(&files, &content, Architecture::Amd64, &amd);
    write(&files, &content, Architecture::Amd64, &again);
    std::fs::write(broken.join("index.json"), "[]").unwrap();
    // One is an index of one.
    oci_bundle::join(&[part("amd", &amd)], "one", &index).unwrap();
    compare(
        &*read::open_layout(&index, &["one"]).unwrap(),
        Holds::Everything,
    );
    let out = dir.path().join("out");
    let said = |parts: &[Part<'_>], reference: &str| {
        let error = oci_bundle::join(parts, reference, &out).unwrap_err();
        assert!(!out.exists(), "nothing is written before all is known");
        error.to_string()
    };
    let a = part("a", &amd);
    assert_eq!(
        said(&[a, part("b", &again)], "x"),
        "`a` and `b` are both for linux/amd64; an index has one image for each processor"
    );
    assert_eq!(said(&[], "x"), "an index needs at least one layout");
    for (name, layout) in [("empty", &empty), ("none", &out), ("index", &index)] {
        assert_eq!(
            said(&[a, part(name, layout)], "x"),
            format!("`{name}` is not an OCI layout of one image")
        );
    }
    assert!(said(&[part("broken", &broken)], "x").contains("broken/index.json` is not a layout"));
    assert!(said(&[a], "x//y").starts_with("the reference `x//y` is not valid"));
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
