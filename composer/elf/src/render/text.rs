//! For people: what fails and why, what to do, and the sum.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::gather::Audit;
use crate::report::{Level, Rule};

/// Findings of one rule that are listed of one file.
const LISTED: usize = 4;

/// The findings of an audit, a line each, then what to do about each kind, then the sum.
pub fn text(audit: &Audit) -> String {
    let mut out = String::new();
    let mut rules = BTreeSet::new();
    let mut notes = 0;
    for file in &audit.files {
        let mut last = None;
        let mut listed = 0;
        let findings = &file.report.findings;
        for (index, finding) in findings.iter().enumerate() {
            if finding.level == Level::Note {
                notes += finding.count;
                continue;
            }
            rules.insert(finding.rule);
            if last.replace(finding.rule) != Some(finding.rule) {
                listed = 0;
            }
            listed += 1;
            let rest = findings[index..]
                .iter()
                .filter(|f| f.rule == finding.rule)
                .count();
            if listed == LISTED + 1 {
                let _ = writeln!(
                    out,
                    "{}: {}: and {rest} more [{}]",
                    finding.level.as_str(),
                    file.path,
                    finding.rule.id()
                );
            }
            if listed > LISTED {
                continue;
            }
            let _ = write!(
                out,
                "{}: {}: {}",
                finding.level.as_str(),
                file.path,
                finding.message
            );
            if let Some(place) = &finding.place {
                let _ = write!(out, " at {place}");
                let bytes: Vec<String> = place.bytes.iter().map(|b| format!("{b:02x}")).collect();
                let _ = write!(out, ", bytes {}", bytes.join(" "));
            }
            if finding.count > 1 {
                let _ = write!(out, ", and {} more like it", finding.count - 1);
            }
            let _ = writeln!(out, " [{}]", finding.rule.id());
        }
    }
    for rule in rules {
        let _ = writeln!(out, "fix for {}: {}", rule.id(), Rule::fix(rule));
    }
    let sum = audit.summary();
    let _ = writeln!(
        out,
        "{} ELF files, {} of them programs and libraries: {} noted, {} with marks of control-flow integrity",
        sum.files, sum.programs, sum.noted, sum.marked
    );
    let _ = writeln!(
        out,
        "{} executable bytes: {} trap instructions, {notes} patterns inside other instructions or allowed",
        sum.code_bytes, sum.traps
    );
    let _ = writeln!(out, "{} errors, {} warnings", sum.errors, sum.warnings);
    out
}
