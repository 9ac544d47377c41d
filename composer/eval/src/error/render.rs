//! Errors as plain text: message, excerpt with a caret, hints, and the trace in the user's terms.
//!
//! Called through `Evaluator::render`. Invariant: no colour, no width detection; the same error always
//! gives the same text.

use codespan_reporting::diagnostic::{Diagnostic, Label};
use codespan_reporting::term;

use super::EvalError;
use super::report::{Place, Report, reports};
use super::trace::Step;
use crate::evaluator::Evaluator;
use crate::source::{FileId, SourceMap, Span};

/// Lines that an error takes by default, where its excerpt leaves a choice.
const LINES: usize = 12;

/// Steps of the trace that are always shown.
const FEWEST_STEPS: usize = 2;

/// How much of the trace is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// As much as fits into a dozen lines, the user's own files first.
    #[default]
    Short,
    /// Every step.
    Full,
}

pub(crate) fn render(error: &EvalError, evaluator: &Evaluator, detail: Detail) -> String {
    let texts: Vec<String> = reports(error, evaluator)
        .into_iter()
        .map(|report| text(&report, evaluator, detail))
        .collect();
    texts.join("\n")
}

fn text(report: &Report, evaluator: &Evaluator, detail: Detail) -> String {
    let sources = &evaluator.sources;
    let main = report
        .main
        .iter()
        .map(|place| label(Label::primary, place, sources));
    let places = report
        .places
        .iter()
        .map(|place| label(Label::secondary, place, sources));
    let diagnostic = Diagnostic::error()
        .with_message(&report.message)
        .with_labels(main.chain(places).collect())
        .with_notes(report.notes.clone());
    if report.trace.is_empty() {
        return emit(&diagnostic, sources);
    }
    let room = match detail {
        Detail::Full => usize::MAX,
        Detail::Short => {
            let used = emit(&diagnostic, sources).lines().count();
            // A trace without notes before it is set off by one more line.
            let gap = usize::from(report.notes.is_empty() && report.main.is_some());
            // That there are steps in the library is worth no line that is one too many.
            if used + gap >= LINES && report.trace.iter().all(|step| step.library) {
                return emit(&diagnostic, sources);
            }
            LINES.saturating_sub(used + gap).max(FEWEST_STEPS)
        }
    };
    let notes = diagnostic.with_notes(trace(&report.trace, sources, room));
    emit(&notes, sources)
}

fn label(
    style: fn(FileId, std::ops::Range<usize>) -> Label<FileId>,
    place: &Place,
    sources: &SourceMap,
) -> Label<FileId> {
    let span = first_lines(place.span, sources);
    style(span.file, span.start as usize..span.end as usize).with_message(&place.text)
}

/// A place of many lines is shown by its first one.
fn first_lines(span: Span, sources: &SourceMap) -> Span {
    let text = sources.text(span.file);
    let shown = text
        .get(span.start as usize..span.end as usize)
        .unwrap_or("");
    match shown.split_once('\n') {
        Some((line, _)) => {
            let length = u32::try_from(line.trim_end().len()).unwrap_or(0);
            Span {
                end: span.start + length.max(1),
                ..span
            }
        }
        _ => span,
    }
}

fn emit(diagnostic: &Diagnostic<FileId>, sources: &SourceMap) -> String {
    let config = term::Config {
        chars: term::Chars::ascii(),
        ..term::Config::default()
    };
    let text = term::emit_into_string(&config, sources, diagnostic)
        .expect("labels point into files of the source map");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim_end())
}

/// One line a step, at most `room` of them: the user's own first, contexts always.
fn trace(steps: &[Step], sources: &SourceMap, room: usize) -> Vec<String> {
    let everything = room == usize::MAX;
    let own = |step: &&Step| everything || !step.library;
    let wanted = steps.iter().filter(own).count();
    let folded = wanted < steps.len() || wanted > room;
    let room = if folded && !everything {
        room.saturating_sub(1).max(1)
    } else {
        room
    };
    let contexts = steps.iter().filter(|step| step.kind == "context").count();
    let mut others = room.saturating_sub(contexts);
    let mut lines = Vec::new();
    let (mut hidden, mut library) = (0, 0);
    for step in steps {
        let context = step.kind == "context";
        let shown = own(&step) && (context || others > 0);
        if !shown {
            hidden += step.times;
            library += if step.library { step.times } else { 0 };
            continue;
        }
        if !context {
            others = others.saturating_sub(1);
        }
        lines.push(line(step, sources));
    }
    if hidden > 0 {
        let of_library = match library {
            0 => String::new(),
            count if count == hidden => " in the library".to_owned(),
            count => format!(", {count} in the library"),
        };
        let steps = if hidden == 1 { "step" } else { "steps" };
        lines.push(format!(
            "... {hidden} more {steps}{of_library} (--show-trace)"
        ));
    }
    lines
}

fn line(step: &Step, sources: &SourceMap) -> String {
    let mut line = match step.span {
        Some(span) => format!("{} at {}", step.text, sources.location(span)),
        None => step.text.clone(),
    };
    match (step.times, step.pattern) {
        (1, _) => {}
        (times, 1) => line.push_str(&format!(" ({times} times)")),
        (times, pattern) => line.push_str(&format!(" (these {pattern} steps {times} times)")),
    }
    line
}
