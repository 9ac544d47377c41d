//! The bill of materials, held against what the SPDX 2.3 schema asks of a document.

use std::collections::BTreeSet;

use serde_json::Value;
use xsc_image::sbom::{self, SbomPackage, SbomSpec};
use xsc_model::Digest;

fn document() -> Value {
    let package = |name: &str| SbomPackage {
        name: name.to_owned(),
        version: "1:2.0+xsc1~a".to_owned(),
        architecture: "amd64".to_owned(),
        source: Some(("src".to_owned(), "2.0".to_owned())),
        maintainer: Some("A Team <team@example.org>".to_owned()),
        homepage: Some("https://example.org/".to_owned()),
        summary: Some("a package".to_owned()),
        ..SbomPackage::default()
    };
    let spec = SbomSpec {
        name: "an image_1",
        packages: &[package("zlib1g"), package("libstdc++6"), package("a_b")],
        seed: Digest::of(b"seed"),
        epoch: 1_755_000_000,
    };
    let text = sbom::write(&spec).unwrap();
    assert_eq!(text, sbom::write(&spec).unwrap());
    serde_json::from_str(&text).unwrap()
}

/// The members that the schema requires of an object, as it names them.
const DOCUMENT: &[&str] = &[
    "SPDXID",
    "creationInfo",
    "dataLicense",
    "name",
    "spdxVersion",
    "documentNamespace",
];
const PACKAGE: &[&str] = &["SPDXID", "downloadLocation", "name"];
const RELATIONSHIP: &[&str] = &["spdxElementId", "relatedSpdxElement", "relationshipType"];
const REFERENCE: &[&str] = &["referenceCategory", "referenceLocator", "referenceType"];

fn requires(object: &Value, members: &[&str]) {
    for member in members {
        assert!(!object[*member].is_null(), "no `{member}` in {object}");
    }
}

#[test]
fn a_document_has_what_the_schema_requires() {
    let document = document();
    requires(&document, DOCUMENT);
    assert_eq!(document["spdxVersion"], "SPDX-2.3");
    assert_eq!(document["dataLicense"], "CC0-1.0");
    assert_eq!(document["creationInfo"]["created"], "2025-08-12T12:00:00Z");
    let mut ids = BTreeSet::from(["SPDXRef-DOCUMENT".to_owned()]);
    for package in document["packages"].as_array().unwrap() {
        requires(package, PACKAGE);
        let id = package["SPDXID"].as_str().unwrap();
        let rest = id.strip_prefix("SPDXRef-").unwrap();
        assert!(
            rest.chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)),
            "{id}"
        );
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        for reference in package["externalRefs"].as_array().into_iter().flatten() {
            requires(reference, REFERENCE);
        }
    }
    for relation in document["relationships"].as_array().unwrap() {
        requires(relation, RELATIONSHIP);
        for end in ["spdxElementId", "relatedSpdxElement"] {
            assert!(ids.contains(relation[end].as_str().unwrap()), "{relation}");
        }
    }
    assert_eq!(ids.len(), 5);
    let first = &document["packages"][2];
    assert_eq!(
        first["externalRefs"][0]["referenceLocator"],
        "pkg:deb/libstdc%2B%2B6@1%3A2.0%2Bxsc1~a?arch=amd64"
    );
    assert_eq!(first["supplier"], "Organization: A Team (team@example.org)");
}

#[test]
fn times_that_spdx_cannot_say_are_refused() {
    for epoch in [-1, 253_402_300_800, i64::MAX] {
        let spec = SbomSpec {
            name: "x",
            packages: &[],
            seed: Digest::of(b""),
            epoch,
        };
        assert!(sbom::write(&spec).is_err());
    }
}
