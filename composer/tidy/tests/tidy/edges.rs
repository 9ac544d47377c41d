//! The dependency direction: cli -> {instantiate, build} -> {fetch, image, store} -> {model, eval, profile,
//! sandbox, vm}. `ARCHITECTURE.md` says what each crate must not know.
//! Invariant: a crate that this table does not list is a complaint, so a new one is placed on purpose.

use std::collections::BTreeMap;

use crate::assert_tidy;
use crate::tree::{File, files};

/// Folder under composer/ and the crates of ours that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("diff", &[]),
    ("elf", &[]),
    ("eval", &[]),
    ("sandbox", &[]),
    ("profile", &[]),
    ("vm", &[]),
    ("store", &["model"]),
    ("remote", &["model", "store"]),
    ("image", &["model"]),
    ("fetch", &["model", "profile"]),
    ("package", &["fetch"]),
    ("instantiate", &["eval", "model", "profile"]),
    (
        "build",
        &[
            "model", "profile", "store", "sandbox", "image", "fetch", "elf", "package",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "elf",
            "eval",
            "sandbox",
            "profile",
            "vm",
            "store",
            "image",
            "fetch",
            "instantiate",
            "build",
            "diff",
            "remote",
        ],
    ),
    ("tidy", &[]),
];

/// Which of our crates each `composer/<folder>/Cargo.toml` names, tests included.
fn ours(manifests: &[File]) -> BTreeMap<String, Vec<String>> {
    let mut edges = BTreeMap::new();
    for file in manifests {
        let Some(folder) = file
            .path
            .strip_prefix("composer/")
            .and_then(|p| p.strip_suffix("/Cargo.toml"))
        else {
            continue;
        };
        let manifest: toml::Table = file.text.parse().unwrap();
        let mut names = Vec::new();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(section).and_then(|s| s.as_table());
            names.extend(table.into_iter().flat_map(|t| t.keys()).filter_map(|name| {
                name.strip_prefix("xsc-")
                    .map(|crate_name| crate_name.to_owned())
            }));
        }
        edges.insert(folder.to_owned(), names);
    }
    edges
}

fn complaints(edges: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut found = Vec::new();
    for (folder, names) in edges {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == folder) else {
            found.push(format!(
                "composer/{folder} is not in the table of allowed edges"
            ));
            continue;
        };
        for name in names {
            if !allowed.contains(&name.as_str()) {
                found.push(format!("{folder} must not depend on {name}"));
            }
        }
    }
    found
}

/// Complains about crates that do not take the workspace's lints and versions.
fn unruled(manifests: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in manifests {
        if !file.below("composer") || !file.path.ends_with("/Cargo.toml") {
            continue;
        }
        let manifest: toml::Table = file.text.parse().unwrap();
        let inherits = |value: &toml::Value| {
            value.get("workspace").and_then(toml::Value::as_bool) == Some(true)
        };
        if !manifest.get("lints").is_some_and(inherits) {
            found.push(format!("{} lacks `[lints] workspace = true`", file.path));
        }
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(section).and_then(|s| s.as_table());
            for (name, value) in table.into_iter().flatten() {
                if !inherits(value) {
                    found.push(format!("{}: {name} is not from the workspace", file.path));
                }
            }
        }
    }
    found
}

#[test]
fn crates_take_lints_and_versions_from_the_workspace() {
    assert_tidy("manifests", &unruled(&files()));
}

#[test]
fn a_manifest_of_its_own_is_seen() {
    let own = "[dependencies]\nserde = \"1\"\nmodel.workspace = true\n";
    let ruled = "[dependencies]\nserde = { workspace = true }\n[lints]\nworkspace = true\n";
    let path = "composer/a/Cargo.toml";
    assert_eq!(
        unruled(&[File::new(path, own)]),
        [
            format!("{path} lacks `[lints] workspace = true`"),
            format!("{path}: serde is not from the workspace")
        ]
    );
    assert_eq!(unruled(&[File::new(path, ruled)]), [""; 0]);
}

#[test]
fn crates_depend_only_downwards() {
    let edges = ours(&files());
    assert!(
        edges.contains_key("model"),
        "no manifest of the model crate was read"
    );
    assert_tidy("allowed edges", &complaints(&edges));
}

#[test]
fn table_has_no_cycle() {
    // Every crate that a row allows stands in an earlier row.
    for (index, (folder, allowed)) in ALLOWED.iter().enumerate() {
        for name in *allowed {
            let position = ALLOWED.iter().position(|(other, _)| other == name);
            assert!(position.is_some_and(|p| p < index), "{folder} -> {name}");
        }
    }
}

#[test]
fn an_upward_edge_is_seen_in_every_section() {
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let text = format!("[{section}]\nxsc-store.workspace = true\nserde = \"1\"\n");
        let edges = ours(&[File::new("composer/eval/Cargo.toml", &text)]);
        assert_eq!(complaints(&edges), ["eval must not depend on store"]);
    }
}

#[test]
fn an_unknown_crate_is_seen() {
    let edges = ours(&[File::new("composer/glue/Cargo.toml", "")]);
    assert_eq!(
        complaints(&edges),
        ["composer/glue is not in the table of allowed edges"]
    );
}
