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
                if file.exempt.is_none() {
                    notes += finding.count;
                }
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
    for file in &audit.files {
        if let Some(reason) = &file.exempt {
            let found: BTreeSet<Rule> = file.report.findings.iter().map(|f| f.rule).collect();
            let found: Vec<&str> = found.into_iter().map(Rule::id).collect();
            let _ = writeln!(
                out,
                "exempt: {}: {reason} [{}]",
                file.path,
                found.join(", ")
            );
        }
    }
    for path in &audit.unneeded {
        let _ = writeln!(
            out,
            "error: {path}: it is exempt, and no ELF file of that path breaks a rule [unneeded-exemption]"
        );
    }
    if !audit.unneeded.is_empty() {
        out.push_str("fix for unneeded-exemption: take the exemption away, or name the file as the report does\n");
    }
    for rule in rules {
        let _ = writeln!(out, "fix for {}: {}", rule.id(), Rule::fix(rule));
    }
    let sum = audit.summary();
    let _ = writeln!(
        out,
        "{}, {} of them programs and libraries: {} noted, {} with marks of control-flow integrity",
        count(sum.files, "ELF file"),
        sum.programs,
        sum.noted,
        sum.marked
    );
    let _ = writeln!(
        out,
        "{} executable bytes: {}, {notes} patterns inside other instructions or allowed",
        sum.code_bytes,
        count(sum.traps, "trap instruction")
    );
    let (errors, warnings) = (count(sum.errors, "error"), count(sum.warnings, "warning"));
    let _ = writeln!(out, "{errors}, {warnings}");
    out
}

fn count(number: usize, word: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {word}{ending}")
}
