//! An error made ready to be shown: places chosen, names looked up, the trace in the user's terms.
//!
//! The text and the JSON of an error both come from a `Report`, so they say the same. Invariant: made only
//! when an error is shown; it may read sources again, but evaluates nothing.

use std::collections::BTreeMap;

use super::trace::{self, Step};
use super::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::lower::Outline;
use crate::source::{FileId, Span};

/// A place and what it is.
pub(super) struct Place {
    pub(super) span: Span,
    pub(super) text: String,
}

/// An error, ready to be shown.
pub(super) struct Report {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) main: Option<Place>,
    pub(super) places: Vec<Place>,
    pub(super) notes: Vec<String>,
    pub(super) trace: Vec<Step>,
}

/// One report for each error: syntax errors come several at a time, others alone.
pub(super) fn reports(error: &EvalError, evaluator: &Evaluator) -> Vec<Report> {
    let mut reader = Reader {
        evaluator,
        outlines: BTreeMap::new(),
    };
    let steps = trace::steps(error, &mut reader);
    let ErrorKind::Syntax { errors } = error.kind() else {
        return vec![reader.report(error, steps)];
    };
    let mut reports: Vec<Report> = errors
        .iter()
        .map(|syntax| Report {
            code: syntax.code,
            message: syntax.message.clone(),
            main: Some(Place {
                span: syntax.span,
                text: String::new(),
            }),
            places: syntax
                .related
                .iter()
                .map(|(span, text)| Place {
                    span: *span,
                    text: text.clone(),
                })
                .collect(),
            notes: syntax.help.iter().cloned().collect(),
            trace: Vec::new(),
        })
        .collect();
    if let Some(last) = reports.last_mut() {
        last.trace = steps;
    }
    reports
}

/// Sources, parsed again where a question about them comes up.
pub(super) struct Reader<'a> {
    pub(super) evaluator: &'a Evaluator,
    outlines: BTreeMap<FileId, Outline>,
}

impl Reader<'_> {
    pub(super) fn outline(&mut self, file: FileId) -> &Outline {
        let sources = &self.evaluator.sources;
        let make = || Outline::parse(sources.text(file));
        self.outlines.entry(file).or_insert_with(make)
    }

    /// The path of the binding that a place is in.
    pub(super) fn path_at(&mut self, span: Span) -> Option<String> {
        self.outline(span.file).path_at(span.start)
    }

    /// What a call calls, if that is short enough to be named.
    pub(super) fn callee(&mut self, span: Span) -> Option<String> {
        let callee = self.outline(span.file).callee(span.start..span.end)?;
        (callee.len() <= 40 && !callee.contains(['\n', '{', '('])).then_some(callee)
    }

    /// Whether a name as written is a builtin's.
    pub(super) fn is_builtin(&self, name: &str) -> bool {
        let name = name.strip_prefix("builtins.").unwrap_or(name);
        let set = self.evaluator.builtins_set();
        set.is_ok_and(|set| set.get(self.evaluator.symbol(name)).is_some())
    }

    pub(super) fn text(&self, span: Span) -> &str {
        let text = self.evaluator.sources.text(span.file);
        text.get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }

    pub(super) fn is_library(&self, span: Span) -> bool {
        self.evaluator.sources.is_library(span.file)
    }

    fn report(&mut self, error: &EvalError, steps: Vec<Step>) -> Report {
        let mut report = Report {
            code: error.kind().code(),
            message: error.kind().to_string(),
            main: error.span().map(|span| Place {
                span,
                text: error.label().to_owned(),
            }),
            places: error
                .places()
                .iter()
                .map(|(span, text)| Place {
                    span: *span,
                    text: text.clone(),
                })
                .collect(),
            notes: hints(error.kind()),
            trace: steps,
        };
        match error.kind() {
            ErrorKind::InfiniteRecursion => self.cycle(error, &mut report),
            ErrorKind::Io { source } => {
                self.at_argument(&mut report, None);
                self.file(source, &mut report);
            }
            ErrorKind::Type {
                what,
                found,
                expected,
            } => {
                if &**what == "the namespace of `with`" {
                    self.at_namespace(&mut report);
                } else if let Some(number) = argument_number(what) {
                    self.at_argument(&mut report, number);
                    let swapped = match *expected {
                        "a list" | "a set" => found.contains("function"),
                        "a function" => found == "a list" || found == "a set",
                        _ => false,
                    };
                    if swapped {
                        let note = "are the arguments in the wrong order?";
                        report.notes.push(note.to_owned());
                    }
                }
                self.origin(&mut report, error.subject());
            }
            ErrorKind::InvalidArgument { message } if message.starts_with("the argument of `") => {
                self.at_argument(&mut report, None);
            }
            ErrorKind::NotAFunction { .. }
            | ErrorKind::NotASet { .. }
            | ErrorKind::NotCoercible { .. } => self.origin(&mut report, error.subject()),
            ErrorKind::Operands { .. } => self.operand_origins(&mut report),
            _ => {}
        }
        report.notes.extend(error.notes().iter().cloned());
        self.user_first(&mut report);
        self.name_binding(&mut report);
        report
    }

    /// Where the variable at the main place got its value.
    fn origin(&mut self, report: &mut Report, subject: Option<Span>) {
        let Some(span) = subject.or(report.main.as_ref().map(|main| main.span)) else {
            return;
        };
        if report
            .places
            .iter()
            .any(|place| place.text.ends_with("defined here"))
        {
            return;
        }
        if let Some(span) = self.definition(span) {
            report.places.push(Place {
                span,
                text: "the value is defined here".to_owned(),
            });
        }
    }

    /// A builtin's error about an argument points at the argument.
    fn at_argument(&mut self, report: &mut Report, number: Option<usize>) {
        let Some(main) = &mut report.main else { return };
        let span = main.span;
        let outline = self.outline(span.file);
        if let Some(range) = outline.argument(span.start..span.end, number) {
            main.span = Span {
                start: range.start,
                end: range.end,
                ..span
            };
        }
    }

    fn at_namespace(&mut self, report: &mut Report) {
        let Some(main) = &mut report.main else { return };
        let span = main.span;
        if let Some(range) = self.outline(span.file).namespace(span.start) {
            main.span = Span {
                start: range.start,
                end: range.end,
                ..span
            };
        }
    }

    fn operand_origins(&mut self, report: &mut Report) {
        let operands = report.main.iter().chain(&report.places);
        let spans: Vec<Span> = operands.map(|place| place.span).collect();
        for span in spans {
            if let Some((left, right)) = division(self.text(span)) {
                let note =
                    format!("without spaces this is a path; write `{left} / {right}` to divide");
                report.notes.push(note);
            }
            if let Some(definition) = self.definition(span) {
                let text = format!("`{}` is defined here", self.text(span));
                report.places.push(Place {
                    span: definition,
                    text,
                });
            }
        }
    }

    fn definition(&mut self, span: Span) -> Option<Span> {
        let found = self.outline(span.file).definition(span.start..span.end)?;
        let definition = Span {
            start: found.start,
            end: found.end,
            ..span
        };
        (definition != span).then_some(definition)
    }

    /// What a module defines is evaluated by the library: the trace says which definition it was where
    /// neither it nor the excerpt's line does.
    fn name_binding(&mut self, report: &mut Report) {
        let Some(span) = report.main.as_ref().map(|main| main.span) else {
            return;
        };
        let named = |step: &Step| step.is_named() && !step.library;
        if self.is_library(span) || report.trace.iter().any(named) {
            return;
        }
        let Some(start) = self.outline(span.file).binding_start(span.start) else {
            return;
        };
        let binding = Span {
            start,
            end: start,
            ..span
        };
        let line = |span| self.evaluator.sources.location(span).line;
        if line(binding) == line(span) {
            return;
        }
        if let Some(path) = self.path_at(span) {
            report.trace.insert(0, Step::attribute(path, binding));
        }
    }

    /// An error inside of the library is shown at the user's line that led there.
    fn user_first(&self, report: &mut Report) {
        let Some(main) = &report.main else { return };
        if !self.is_library(main.span) {
            return;
        }
        let place = report
            .places
            .iter()
            .position(|place| !self.is_library(place.span));
        let raised = self.evaluator.sources.location(main.span);
        if let Some(index) = place {
            let own = report.places.remove(index);
            report.main = Some(own);
        } else {
            let own = report
                .trace
                .iter()
                .position(|step| step.span.is_some_and(|span| !self.is_library(span)));
            let Some(index) = own else { return };
            let step = report.trace.remove(index);
            report.main = step.span.map(|span| Place {
                span,
                text: step.text,
            });
        }
        report.places.retain(|place| !self.is_library(place.span));
        report
            .notes
            .push(format!("found by the library at {raised}"));
    }
}

/// Which argument of a builtin an error is about, from 0; `None` inside for the only or last one.
fn argument_number(what: &str) -> Option<Option<usize>> {
    let number = match what.split(" argument of `").next()? {
        _ if what.starts_with("the argument of `") => None,
        "the first" => Some(0),
        "the second" => Some(1),
        "the third" => Some(2),
        _ => return None,
    };
    Some(number)
}

/// The operands of what was meant to be a division and is a path: `total/parts`.
fn division(text: &str) -> Option<(&str, &str)> {
    let (left, right) = text.split_once('/')?;
    let name = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    };
    (name(left) && name(right)).then_some((left, right))
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
        ErrorKind::Impure { instead, .. } | ErrorKind::Unavailable { instead, .. } => {
            vec![(*instead).to_owned()]
        }
        ErrorKind::NotCoercible {
            hint: Some(hint), ..
        } => vec![(*hint).to_owned()],
        _ => Vec::new(),
    }
}
