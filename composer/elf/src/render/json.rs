//! For programs: everything that is known of every file.

use serde_json::{Value, json};

use crate::gather::{Audit, FileReport};
use crate::report::{Finding, Place, Require};

/// The audit as a JSON value; `version` changes when a field does.
pub fn json(audit: &Audit) -> Value {
    let sum = audit.summary();
    json!({
        "version": 1,
        "require": match audit.require {
            Require::Nothing => "nothing",
            Require::Base => "base",
            Require::Cfi => "cfi",
        },
        "passes": audit.passes(),
        "summary": {
            "files": sum.files,
            "programs": sum.programs,
            "noted": sum.noted,
            "marked": sum.marked,
            "traps": sum.traps,
            "errors": sum.errors,
            "warnings": sum.warnings,
            "codeBytes": sum.code_bytes,
        },
        "unneededExemptions": audit.unneeded,
        "files": audit.files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn file(file: &FileReport) -> Value {
    let report = &file.report;
    json!({
        "path": file.path,
        "exempt": file.exempt,
        "kind": report.kind.as_str(),
        "machine": report.machine.map(|m| m.as_str()),
        "interpreter": report.interpreter,
        "note": report.note.map(|note| json!({
            "abi": note.abi,
            "features": note.features,
        })),
        "cfiMarks": report.cfi_marks,
        "codeBytes": report.code_bytes,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule.id(),
        "level": finding.level.as_str(),
        "message": finding.message,
        "count": finding.count,
        "place": finding.place.as_ref().map(place),
    })
}

fn place(place: &Place) -> Value {
    let hex = hex::encode(&place.bytes);
    json!({
        "offset": place.offset,
        "address": place.address,
        "symbol": place.symbol.as_ref().map(|(name, _)| name),
        "distance": place.symbol.as_ref().map(|(_, distance)| distance),
        "bytes": hex,
    })
}
