//! SARIF 2.1.0, which code hosts and editors show.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::gather::{Audit, FileReport};
use crate::report::{Finding, Level, Rule};

/// The audit as a SARIF log with one run.
pub fn sarif(audit: &Audit) -> Value {
    let rules: Vec<Value> = Rule::ALL
        .iter()
        .map(|rule| {
            let level = match rule {
                Rule::TrapInData => Level::Warning,
                Rule::TrapPattern => Level::Note,
                _ => Level::Error,
            };
            json!({
                "id": rule.id(),
                "shortDescription": { "text": rule.description() },
                "help": { "text": rule.fix() },
                "defaultConfiguration": { "level": level.as_str() },
            })
        })
        .collect();
    let results: Vec<Value> = audit
        .files
        .iter()
        .flat_map(|file| file.report.findings.iter().map(|f| result(file, f)))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "xsc-compose audit", "rules": rules } },
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    })
}

fn result(file: &FileReport, finding: &Finding) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&file.path) } });
    let mut location = json!({});
    let mut message = finding.message.clone();
    if let Some(place) = &finding.place {
        physical["region"] = json!({
            "byteOffset": place.offset,
            "byteLength": place.bytes.len(),
        });
        let _ = write!(message, " at {place}");
        if let Some((name, _)) = &place.symbol {
            location["logicalLocations"] = json!([{ "name": name, "kind": "function" }]);
        }
    }
    location["physicalLocation"] = physical;
    let mut result = json!({
        "ruleId": finding.rule.id(),
        "ruleIndex": Rule::ALL.iter().position(|rule| *rule == finding.rule),
        "level": finding.level.as_str(),
        "message": { "text": message },
        "locations": [location],
        "occurrenceCount": finding.count,
    });
    if let Some(reason) = &file.exempt {
        result["suppressions"] = json!([{ "kind": "external", "justification": reason }]);
    }
    result
}

/// A path as a relative reference: what such a one must not hold is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b'/' | b'!' | b'+' | b'@' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
