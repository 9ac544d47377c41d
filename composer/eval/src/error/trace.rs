//! The trace: what was being evaluated, in the user's terms, repeated steps folded.
//!
//! Made from an error's frames when it is shown. Invariant: steps are innermost first, and what the
//! excerpt shows already is not said again.

use super::report::Reader;
use super::{EvalError, Frame, FrameKind};
use crate::source::Span;

/// Longest pattern of steps that is recognised as repeating.
const LONGEST_PATTERN: usize = 8;

/// One step of the trace.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The sort of step: attribute, call, builtin, import, file, element, context or host.
    pub(super) kind: &'static str,
    /// In words: "while calling `f`".
    pub(super) text: String,
    pub(super) span: Option<Span>,
    /// How often the step, or the `pattern` steps that end here, came in a row.
    pub(super) times: usize,
    pub(super) pattern: usize,
    /// Inside of the module library.
    pub(super) library: bool,
    /// For attributes, the path.
    path: Option<String>,
}

impl Step {
    /// The evaluation of the attribute at `path`.
    pub(super) fn attribute(path: String, span: Span) -> Step {
        Step {
            kind: "attribute",
            text: format!("while evaluating `{path}`"),
            span: Some(span),
            times: 1,
            pattern: 1,
            library: false,
            path: Some(path),
        }
    }

    /// Whether the step says which attribute was evaluated.
    pub(super) fn is_named(&self) -> bool {
        self.path.is_some()
    }

    /// Whether the step is the evaluation of the attribute at `path`.
    pub(super) fn is_about(&self, path: &str) -> bool {
        self.path.as_deref() == Some(path)
    }
}

pub(super) fn steps(error: &EvalError, reader: &mut Reader<'_>) -> Vec<Step> {
    let frames = &error.frames()[error.cycle().len()..];
    let mut steps: Vec<Step> = Vec::new();
    // The excerpt already shows the innermost calls if that is where the error is.
    // A recursion comes to the same place again and again: only its innermost call is left out.
    let mut calls = 0;
    let own = frames
        .iter()
        .take_while(|frame| {
            calls += usize::from(matches!(frame.kind, FrameKind::Call(_)));
            calls <= 1 && shown(frame, error.span(), reader)
        })
        .count();
    for frame in &frames[own..] {
        add(&mut steps, frame, error, reader);
    }
    calls_of_library(&mut steps);
    drop_files(&mut steps, error.span());
    fold(steps)
}

/// A call that has no place, by a builtin, is the library's where the builtin was called by it.
fn calls_of_library(steps: &mut [Step]) {
    for index in (0..steps.len()).rev() {
        let outer = steps.get(index + 1).is_some_and(|step| step.library);
        let step = &mut steps[index];
        step.library |= outer && step.kind == "call" && step.span.is_none();
    }
}

/// Whether a call is on the line that the excerpt shows.
fn shown(frame: &Frame, main: Option<Span>, reader: &Reader<'_>) -> bool {
    let (Some(span), Some(main)) = (frame.span, main) else {
        return false;
    };
    let line = |span| reader.evaluator.sources.location(span).line;
    let around = span.file == main.file && span.start <= main.start && main.end <= span.end;
    match &frame.kind {
        FrameKind::Builtin(_) => around && line(span) == line(main),
        FrameKind::Call(_) => span == main || (around && line(span) == line(main)),
        _ => false,
    }
}

/// Builtins that only pass on what they are given.
const PASSING: [&str; 8] = [
    "addErrorContext",
    "break",
    "deepSeq",
    "seq",
    "trace",
    "traceVerbose",
    "tryEval",
    "warn",
];

fn add(steps: &mut Vec<Step>, frame: &Frame, error: &EvalError, reader: &mut Reader<'_>) {
    let library = frame.span.is_some_and(|span| reader.is_library(span));
    let mut step = Step {
        kind: "call",
        text: String::new(),
        span: frame.span,
        times: 1,
        pattern: 1,
        library,
        path: None,
    };
    match &frame.kind {
        FrameKind::Attr(name) => {
            let Some(span) = frame.span else {
                // Values made by the host have no place; the excerpt names those that matter.
                if error
                    .span()
                    .is_some_and(|span| reader.text(span).contains(&**name))
                {
                    return;
                }
                step.kind = "attribute";
                step.text = format!("while evaluating `{name}`");
                steps.push(step);
                return;
            };
            let path = reader
                .path_at(span)
                .filter(|path| path.rsplit('.').next() == Some(name))
                .unwrap_or_else(|| name.to_string());
            if let Some(last) = steps.last() {
                // `a` around `a.b` says nothing more.
                let inside = last.path.as_ref().is_some_and(|inner| {
                    inner
                        .strip_prefix(&*path)
                        .is_some_and(|rest| rest.starts_with(['.', '[']) || rest.is_empty())
                });
                if inside && last.span.is_some_and(|inner| inner.file == span.file) {
                    return;
                }
            }
            if let Some(last) = steps.last_mut()
                && last.kind == "element"
                && last.path.is_none()
            {
                last.text = format!("{} in `{path}`", last.text);
                last.span = Some(span);
                last.library = library;
                last.path = Some(path);
                return;
            }
            step.kind = "attribute";
            step.text = format!("while evaluating `{path}`");
            step.path = Some(path);
        }
        FrameKind::Call(name) => {
            step.text = match name {
                Some(name) => format!("while calling `{name}`"),
                None => match frame.span.and_then(|span| reader.callee(span)) {
                    Some(callee) if reader.is_builtin(&callee) => {
                        let name = callee.trim_start_matches("builtins.");
                        format!("while calling the function given to `{name}`")
                    }
                    Some(callee) => format!("while calling `{callee}`"),
                    None => "while calling an anonymous function".to_owned(),
                },
            };
        }
        FrameKind::Builtin(name) if PASSING.contains(&&**name) => return,
        FrameKind::Builtin(name) => {
            // A function given to a builtin is called where the builtin is.
            if let Some(last) = steps.last_mut()
                && last.kind == "call"
                && last.span.is_some()
                && last.span == frame.span
            {
                last.kind = "builtin";
                return;
            }
            if &**name == "import" || &**name == "scopedImport" {
                if let Some(last) = steps.last_mut()
                    && last.kind == "file"
                    && last.span.is_none()
                {
                    last.kind = "import";
                    last.text = last.text.replace("evaluating", "importing");
                    last.span = frame.span;
                    last.library = library;
                    return;
                }
                step.kind = "import";
                let other = error
                    .span()
                    .filter(|main| frame.span.is_some_and(|span| span.file != main.file));
                if let Some(main) = other {
                    let file = reader.evaluator.sources.location(main).file;
                    step.text = format!("while importing {}", file.trim_start_matches('/'));
                    steps.push(step);
                    return;
                }
            } else {
                step.kind = "builtin";
            }
            step.text = format!("while calling `{name}`");
        }
        FrameKind::File(path) => {
            step.kind = "file";
            step.text = format!("while evaluating {}", path.trim_start_matches('/'));
        }
        FrameKind::Element(index) => {
            if steps.last().is_some_and(|last| last.path.is_some()) {
                return;
            }
            step.kind = "element";
            step.text = format!("while evaluating element {index}");
        }
        FrameKind::Context(text) => {
            step.kind = "context";
            step.text = text.to_string();
        }
        FrameKind::Host(text) => {
            step.kind = "host";
            step.text = format!("while {text}");
        }
        FrameKind::Variable(_) | FrameKind::Reference(_) => return,
    }
    steps.push(step);
}

/// The file that evaluation began with is worth a line only where no other place names it.
fn drop_files(steps: &mut Vec<Step>, main: Option<Span>) {
    let placed = main.is_some() || steps.iter().any(|step| step.span.is_some());
    // An element of a list without a name says little, too.
    steps.retain(|step| match step.kind {
        "file" => !placed,
        "element" => step.path.is_some() || main.is_none(),
        _ => true,
    });
    for step in steps {
        if step.kind == "element" && step.path.is_none() {
            step.text.push_str(" of a list");
        }
    }
}

/// Folds steps, and short patterns of steps, that repeat.
fn fold(steps: Vec<Step>) -> Vec<Step> {
    let mut folded: Vec<Step> = Vec::new();
    let mut at = 0;
    while at < steps.len() {
        let rest = &steps[at..];
        let best = (1..=LONGEST_PATTERN.min(rest.len() / 2))
            .map(|length| {
                let pattern = &rest[..length];
                let times = rest
                    .chunks_exact(length)
                    .take_while(|chunk| *chunk == pattern)
                    .count();
                (length, times)
            })
            .filter(|(length, times)| *times > 2 || (*times == 2 && *length == 1))
            .max_by_key(|(length, times)| (length * times, usize::MAX - length));
        match best {
            Some((length, times)) => {
                let start = folded.len();
                folded.extend_from_slice(&rest[..length]);
                let last = &mut folded[start + length - 1];
                last.times = times;
                last.pattern = length;
                at += length * times;
            }
            None => {
                folded.push(rest[0].clone());
                at += 1;
            }
        }
    }
    folded
}
