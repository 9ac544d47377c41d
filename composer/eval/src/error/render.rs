//! Errors as plain text: message, excerpt with a caret, hints, and the trace in the user's terms.
//!
//! Called through `Evaluator::render`. Invariant: no colour, no width detection; the same error always
//! gives the same text.

use codespan_reporting::diagnostic::{Diagnostic, Label};
use codespan_reporting::term;

use super::{ErrorKind, EvalError, Frame, FrameKind};
use crate::source::{FileId, SourceMap, Span};

/// Frames shown at either end of a long trace.
const TRACE_ENDS: usize = 8;

pub(crate) fn render(error: &EvalError, sources: &SourceMap) -> String {
    if let ErrorKind::Syntax { errors } = error.kind() {
        let mut text = String::new();
        for (index, syntax) in errors.iter().enumerate() {
            let mut labels = vec![label(syntax.span)];
            if let Some((span, message)) = &syntax.related {
                labels.push(Label::secondary(span.file, range(*span)).with_message(message));
            }
            let mut diagnostic = Diagnostic::error()
                .with_message(&syntax.message)
                .with_labels(labels);
            diagnostic = diagnostic.with_notes(syntax.help.iter().cloned().collect());
            if index + 1 == errors.len() {
                diagnostic = diagnostic.with_notes(trace(error, sources));
            }
            if index > 0 {
                text.push('\n');
            }
            text.push_str(&emit(&diagnostic, sources));
        }
        return text;
    }
    let mut notes = hints(error.kind());
    notes.extend(error.notes().iter().cloned());
    notes.extend(trace(error, sources));
    let main = error
        .span()
        .map(|span| label(span).with_message(error.label()));
    let places = error
        .places()
        .iter()
        .map(|(span, text)| Label::secondary(span.file, range(*span)).with_message(text));
    let diagnostic = Diagnostic::error()
        .with_message(error.kind())
        .with_labels(main.into_iter().chain(places).collect())
        .with_notes(notes);
    emit(&diagnostic, sources)
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

fn range(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}

fn label(span: Span) -> Label<FileId> {
    Label::primary(span.file, range(span))
}

fn hints(kind: &ErrorKind) -> Vec<String> {
    match kind {
        ErrorKind::UndefinedVariable {
            similar: Some(name),
            ..
        }
        | ErrorKind::UnknownAttribute {
            similar: Some(name),
            ..
        }
        | ErrorKind::UnexpectedArgument {
            similar: Some(name),
            ..
        } => {
            vec![format!("did you mean `{name}`?")]
        }
        ErrorKind::MissingAttribute { similar, .. } if !similar.is_empty() => {
            let names: Vec<String> = similar.iter().map(|name| format!("`{name}`")).collect();
            vec![format!("did you mean {}?", names.join(" or "))]
        }
        ErrorKind::Impure { instead, .. } => vec![(*instead).to_owned()],
        ErrorKind::NotCoercible {
            hint: Some(hint), ..
        } => vec![(*hint).to_owned()],
        _ => Vec::new(),
    }
}

/// One line a frame, equal neighbours counted, the middle of a long trace left out.
fn trace(error: &EvalError, sources: &SourceMap) -> Vec<String> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    // The excerpt already shows the innermost call if that is where the error is.
    let shown = |frame: &&Frame| {
        matches!(
            frame.kind,
            FrameKind::Call(_) | FrameKind::Builtin(_) | FrameKind::Variable(_)
        ) && frame.span.is_some()
            && frame.span == error.span()
    };
    let skipped = error.frames().iter().take_while(shown).count().min(1);
    for frame in &error.frames()[skipped..] {
        let line = describe(frame, sources);
        match lines.last_mut() {
            Some((last, count)) if *last == line => *count += 1,
            _ => lines.push((line, 1)),
        }
    }
    let omitted = lines.len().saturating_sub(2 * TRACE_ENDS);
    let mut notes = Vec::new();
    for (index, (line, count)) in lines.iter().enumerate() {
        if omitted > 1 && index == TRACE_ENDS {
            notes.push(format!("... {omitted} more steps ..."));
        }
        if omitted > 1 && (TRACE_ENDS..TRACE_ENDS + omitted).contains(&index) {
            continue;
        }
        match count {
            1 => notes.push(line.clone()),
            _ => notes.push(format!("{line} ({count} times)")),
        }
    }
    notes
}

fn describe(frame: &Frame, sources: &SourceMap) -> String {
    let what = match &frame.kind {
        FrameKind::Attr(name) => format!("while evaluating the attribute `{name}`"),
        FrameKind::Variable(name) => format!("while evaluating the variable `{name}`"),
        FrameKind::Call(Some(name)) => format!("while calling `{name}`"),
        FrameKind::Call(None) => "while calling an anonymous function".to_owned(),
        FrameKind::Builtin(name) => format!("while calling the builtin `{name}`"),
        FrameKind::File(path) => {
            format!("while evaluating the file {}", path.trim_start_matches('/'))
        }
        FrameKind::Element(index) => format!("while evaluating element {index} of a list"),
        FrameKind::Host(text) => format!("while {text}"),
    };
    match frame.span {
        Some(span) => format!("{what} at {}", sources.location(span)),
        None => what,
    }
}
