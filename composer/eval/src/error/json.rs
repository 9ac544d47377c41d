//! Errors as JSON for editors and other programs; docs/diagnostics.md describes the form.
//!
//! Called through `Evaluator::error_json`. Invariant: lines and columns count from 1, columns in
//! characters, ends are exclusive; fields are added, never renamed.

use serde_json::{Map, Value as Json, json};

use super::EvalError;
use super::report::{Place, Report, reports};
use super::trace::Step;
use crate::evaluator::Evaluator;
use crate::source::{SourceMap, Span};

/// The error as one object; further syntax errors of the same file are in `more`.
pub(crate) fn error_json(error: &EvalError, evaluator: &Evaluator) -> Json {
    let mut objects: Vec<Json> = reports(error, evaluator)
        .into_iter()
        .map(|report| object(&report, &evaluator.sources))
        .collect();
    let more = objects.split_off(1.min(objects.len()));
    let mut first = objects.pop().unwrap_or_else(|| json!({}));
    first["more"] = Json::Array(more);
    first
}

fn object(report: &Report, sources: &SourceMap) -> Json {
    let mut object = Map::new();
    object.insert("severity".into(), json!("error"));
    object.insert("code".into(), json!(report.code));
    object.insert("message".into(), json!(report.message));
    place(
        &mut object,
        report.main.as_ref().map(|main| main.span),
        sources,
    );
    let label = report.main.as_ref().map_or("", |main| &main.text);
    object.insert("label".into(), json!(label));
    let labels = report.places.iter().map(|label: &Place| {
        let mut object = Map::new();
        object.insert("text".into(), json!(label.text));
        place(&mut object, Some(label.span), sources);
        Json::Object(object)
    });
    object.insert("labels".into(), labels.collect());
    object.insert("notes".into(), json!(report.notes));
    let trace = report.trace.iter().map(|step| step_json(step, sources));
    object.insert("trace".into(), trace.collect());
    Json::Object(object)
}

fn step_json(step: &Step, sources: &SourceMap) -> Json {
    let mut object = Map::new();
    object.insert("kind".into(), json!(step.kind));
    object.insert("text".into(), json!(step.text));
    object.insert("times".into(), json!(step.times));
    object.insert("pattern".into(), json!(step.pattern));
    object.insert("library".into(), json!(step.library));
    place(&mut object, step.span, sources);
    Json::Object(object)
}

fn place(object: &mut Map<String, Json>, span: Option<Span>, sources: &SourceMap) {
    let Some(span) = span else {
        for name in ["file", "line", "column", "endLine", "endColumn"] {
            object.insert(name.into(), Json::Null);
        }
        return;
    };
    let start = sources.location(span);
    let end = sources.location(Span {
        start: span.end,
        ..span
    });
    object.insert("file".into(), json!(start.file.trim_start_matches('/')));
    object.insert("line".into(), json!(start.line));
    object.insert("column".into(), json!(start.column));
    object.insert("endLine".into(), json!(end.line));
    object.insert("endColumn".into(), json!(end.column));
}
