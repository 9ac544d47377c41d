//! A software bill of materials: SPDX 2.3 as JSON, of an image and the packages in it.
//!
//! `build` calls [`write`] for the `sbom` builtin with what the package database says. What nobody looked into is
//! `NOASSERTION`, as the specification has it. Invariant: the text follows from the arguments; identifiers from the seed.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};
use xsc_model::Digest;

use crate::seed;

/// What to write.
#[derive(Debug, Clone)]
pub struct SbomSpec<'a> {
    /// The image's name.
    pub name: &'a str,
    /// The packages, in any order.
    pub packages: &'a [SbomPackage],
    /// What the document's namespace is derived from.
    pub seed: Digest,
    /// The time of creation, seconds since 1970.
    pub epoch: i64,
}

/// One package of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SbomPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, such as `amd64`.
    pub architecture: String,
    /// The source package that it was built from, with its version.
    pub source: Option<(String, String)>,
    /// Who maintains it.
    pub maintainer: Option<String>,
    /// Its page.
    pub homepage: Option<String>,
    /// What it is, in a line.
    pub summary: Option<String>,
    /// SHA-256 of the archive that it was unpacked from.
    pub sha256: Option<String>,
    /// How it came to be, for people.
    pub comment: Option<String>,
}

/// A time that SPDX cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time {epoch} (seconds since 1970) is outside the years 1970 to 9999")]
pub struct SbomError {
    /// What was given.
    pub epoch: i64,
}

/// The document, with a newline at its end.
pub fn write(spec: &SbomSpec<'_>) -> Result<String, SbomError> {
    const YEAR_10000: i64 = 253_402_300_800;
    let created = DateTime::from_timestamp(spec.epoch, 0)
        .filter(|_| (0..YEAR_10000).contains(&spec.epoch))
        .ok_or(SbomError { epoch: spec.epoch })?
        .to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut sorted: Vec<&SbomPackage> = spec.packages.iter().collect();
    sorted.sort();
    let mut packages = vec![json!({
        "SPDXID": "SPDXRef-image",
        "name": spec.name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "OPERATING_SYSTEM",
    })];
    let mut relationships = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image")];
    for (index, found) in sorted.iter().enumerate() {
        let id = identifier(index, found);
        relationships.push(relation("SPDXRef-image", "CONTAINS", &id));
        packages.push(package(&id, found));
    }
    let uuid = uuid::Uuid::from_bytes(seed::uuid(&spec.seed, "spdx"));
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": spec.name,
        "documentNamespace": format!("https://xsc.invalid/spdx/{}-{uuid}", word(spec.name)),
        "creationInfo": { "created": created, "creators": ["Tool: xsc-compose"] },
        "packages": packages,
        "relationships": relationships,
    });
    let mut text = serde_json::to_string_pretty(&document)
        .expect("strings and numbers always have a JSON form");
    text.push('\n');
    Ok(text)
}

fn package(id: &str, found: &SbomPackage) -> Value {
    let supplier = found.maintainer.as_deref().map(supplier);
    let architecture = word(&found.architecture);
    let mut purl = format!(
        "pkg:deb/{}@{}",
        escaped(&found.name),
        escaped(&found.version)
    );
    if !architecture.is_empty() {
        purl.push_str(&format!("?arch={architecture}"));
    }
    let mut object = json!({
        "SPDXID": id,
        "name": found.name,
        "versionInfo": found.version,
        "supplier": supplier.as_deref().unwrap_or("NOASSERTION"),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl,
        }],
    });
    if let Some((name, version)) = &found.source {
        object["sourceInfo"] = format!("built from the source package {name} {version}").into();
    }
    if let Some(homepage) = found
        .homepage
        .as_deref()
        .filter(|page| page.contains("://"))
    {
        object["homepage"] = homepage.into();
    }
    if let Some(summary) = &found.summary {
        object["summary"] = summary.as_str().into();
    }
    if let Some(comment) = &found.comment {
        object["comment"] = comment.as_str().into();
    }
    if let Some(sha256) = &found.sha256 {
        object["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": sha256 }]);
    }
    object
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

/// Letters, digits, `.` and `-`, which is what identifiers are made of; the number keeps them apart.
fn identifier(index: usize, found: &SbomPackage) -> String {
    format!("SPDXRef-package-{index}-{}", word(&found.name))
}

fn word(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    text.chars().map(plain).collect()
}

/// `Name <address>` as SPDX says it.
fn supplier(maintainer: &str) -> String {
    match maintainer.split_once('<') {
        Some((name, address)) => {
            let address = address.trim_end().trim_end_matches('>');
            format!("Organization: {} ({address})", name.trim())
        }
        None => format!("Organization: {}", maintainer.trim()),
    }
}

/// Text in a package URL: what is not plain becomes `%XX`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => {
                out.push(byte.into())
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
