//! Where a package comes from: rebuilt from source here, or rebased from a distribution's binary.
//!
//! Written as a field of the control paragraph and as `provenance.json` beside each `.deb`; a profile can demand
//! one of them. Invariant: a package without the field is taken for `unknown`, never for rebuilt.

use serde::{Deserialize, Serialize};

use crate::Control;

/// The field of the control paragraph.
pub(crate) const FIELD: &str = "XSC-Provenance";

/// How a package came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// Built from source by a recipe.
    Rebuilt,
    /// A distribution's binary package, audited and marked.
    Rebased,
    /// It doesn't say.
    Unknown,
}

impl Provenance {
    /// The word in control paragraphs, manifests and profiles.
    pub fn as_str(self) -> &'static str {
        match self {
            Provenance::Rebuilt => "rebuilt",
            Provenance::Rebased => "rebased",
            Provenance::Unknown => "unknown",
        }
    }

    /// What a control paragraph says.
    pub fn of(control: &Control) -> Provenance {
        match control.get(FIELD) {
            Some("rebuilt") => Provenance::Rebuilt,
            Some("rebased") => Provenance::Rebased,
            _ => Provenance::Unknown,
        }
    }
}

/// One package's origin, for `provenance.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenanceRecord {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    /// How it came to be.
    pub provenance: Provenance,
    /// SHA-256 of the binary package it was rebased from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub origin_sha256: Option<String>,
    /// The version of that package.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub origin_version: Option<String>,
    /// ELF files that were given the note.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub marked: Vec<MarkedFile>,
    /// Files that were left out.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub dropped: Vec<String>,
}

/// An ELF file that was given the note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkedFile {
    /// Its path.
    pub path: String,
    /// SHA-256 before.
    pub from_sha256: String,
    /// SHA-256 after.
    pub to_sha256: String,
}

impl ProvenanceRecord {
    /// The text of `provenance.json`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The record of what a control paragraph says; origin and files are added by who knows them.
    ///
    /// # Errors
    /// `MissingField`.
    pub fn of(control: &Control) -> Result<ProvenanceRecord, crate::PackageError> {
        Ok(ProvenanceRecord {
            package: control.need("Package")?.to_owned(),
            version: control.need("Version")?.to_owned(),
            architecture: control.need("Architecture")?.to_owned(),
            provenance: Provenance::of(control),
            origin_sha256: control.get("XSC-Origin-SHA256").map(str::to_owned),
            origin_version: control.get("XSC-Origin-Version").map(str::to_owned),
            marked: Vec::new(),
            dropped: Vec::new(),
        })
    }
}
