//! An error made ready to be shown: places chosen, names looked up, the trace in the user's terms.
//!
//! The text and the JSON of an error both come from a `Report`, so they say the same. Invariant: made only
//! when an error is shown; it may read sources again, but evaluates nothing.

use std::collections::BTreeMap;

use super::trace::{self, Step};
use super::{ErrorKind, EvalError, FrameKind, similar};
use crate::evaluator::Evaluator;
use crate::io::IoError;
use crate::lower::Outline;
use crate::path;
use crate::source::{FileId, Span};

/// Places of a cycle that are marked in the excerpt; the rest is only named.
const MARKED: usize = 2;

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
    fn outline(&mut self, file: FileId) -> &Outline {
        let sources = &self.evaluator.sources;
        let make = || Outline::parse(sources.text(file));
        self.outlines.entry(file).or_insert_with(make)
    }

    /// The path of the binding that a place is in.
    pub(super) fn path_at(&mut self, span: Span) -> Option<String> {
        self.outline(span.file).path_at(span.start)
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
            ErrorKind::Io { source } => report.notes.extend(self.near_files(source)),
            ErrorKind::Type { .. }
            | ErrorKind::NotAFunction { .. }
            | ErrorKind::NotCoercible { .. } => self.origin(&mut report),
            ErrorKind::Operands { .. } => self.operand_origins(&mut report),
            _ => {}
        }
        report.notes.extend(error.notes().iter().cloned());
        self.user_first(&mut report);
        report
    }

    /// Where the variable at the main place got its value.
    fn origin(&mut self, report: &mut Report) {
        let Some(main) = &report.main else { return };
        if !report.places.is_empty() {
            return;
        }
        if let Some(span) = self.definition(main.span) {
            report.places.push(Place {
                span,
                text: "the value is defined here".to_owned(),
            });
        }
    }

    fn operand_origins(&mut self, report: &mut Report) {
        let operands = report.main.iter().chain(&report.places);
        let spans: Vec<Span> = operands.map(|place| place.span).collect();
        for span in spans {
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

    /// The chain of names that leads from a value back to itself, each marked where it is used.
    fn cycle(&mut self, error: &EvalError, report: &mut Report) {
        let mut uses: Vec<(Span, &str)> = error
            .cycle()
            .iter()
            .filter_map(|frame| match &frame.kind {
                FrameKind::Variable(name) | FrameKind::Reference(name) => {
                    Some((frame.span?, &**name))
                }
                _ => None,
            })
            .collect();
        if uses.iter().any(|(span, _)| !self.is_library(*span)) {
            uses.retain(|(span, _)| !self.is_library(*span));
        }
        uses.reverse();
        // Inside of a selection the whole of it is the use, the parts repeat it.
        let mut links: Vec<(Span, String, String)> = Vec::new();
        for (span, name) in uses {
            let owner = self.path_at(span).unwrap_or_default();
            match links.last_mut() {
                Some((last, known, needed)) if *known == owner && last.file == span.file => {
                    if *name != **needed {
                        needed.push('.');
                        needed.push_str(name);
                    }
                    last.start = last.start.min(span.start);
                    last.end = last.end.max(span.end);
                }
                _ => links.push((span, owner, name.to_owned())),
            }
        }
        let Some((_, first, last_needed)) = links
            .first()
            .map(|(span, owner, _)| (*span, owner.clone(), links.last().map(|l| l.2.clone())))
        else {
            return;
        };
        let last_needed = last_needed.unwrap_or_default();
        let start = if first.is_empty() {
            last_needed.clone()
        } else {
            first
        };
        report.message = format!("infinite recursion: `{start}` is needed to compute itself");
        if links.len() > 1 {
            let mut chain: Vec<String> = vec![format!("`{start}`")];
            for (_, owner, _) in links.iter().skip(1) {
                let name = format!("`{owner}`");
                if !owner.is_empty() && chain.last() != Some(&name) {
                    chain.push(name);
                }
            }
            chain.push(format!("`{start}`"));
            let omitted = chain.len().saturating_sub(12);
            if omitted > 0 {
                let text = format!("... {omitted} more ...");
                chain.splice(6..6 + omitted, [text]);
            }
            report
                .notes
                .push(format!("the cycle: {}", chain.join(" -> ")));
        }
        let label = |owner: &str, needed: &str, again: &str| match owner {
            "" => format!("`{needed}` is needed{again}"),
            owner => format!("`{owner}` needs `{needed}`{again}"),
        };
        if let Some((span, owner, needed)) = links.pop() {
            report.main = Some(Place {
                span,
                text: label(
                    &owner,
                    &needed,
                    if links.is_empty() { "" } else { " again" },
                ),
            });
        }
        let marked = links.into_iter().take(MARKED);
        report.places = marked
            .map(|(span, owner, needed)| Place {
                span,
                text: label(&owner, &needed, ""),
            })
            .collect();
        // The excerpt says already how evaluation got into the cycle.
        if report
            .trace
            .first()
            .is_some_and(|step| step.kind == "attribute" && step.is_about(&start))
        {
            report.trace.remove(0);
        }
    }

    /// What lies where a file is missing.
    fn near_files(&self, error: &IoError) -> Vec<String> {
        let IoError::NotFound { path, root } = error else {
            return Vec::new();
        };
        let io = &self.evaluator.io;
        // The part of the path that is there.
        let mut missing = path.as_str();
        let mut folder = path::parent(missing);
        while folder != "/" && !io.is_dir(folder).unwrap_or(false) {
            missing = folder;
            folder = path::parent(folder);
        }
        let Ok(entries) = io.read_dir(folder) else {
            return vec![format!("looked for it in {root}")];
        };
        let shown = |folder: &str| match folder.trim_start_matches('/') {
            "" => root.clone(),
            folder => format!("{folder}/"),
        };
        let wanted = path::base_name(missing);
        let names = || entries.iter().map(|(name, _)| name.as_str());
        let near = similar(wanted, names());
        let with_suffix = format!("{wanted}.nix");
        if let Some(name) = names().find(|name| *name == with_suffix) {
            return vec![format!("did you mean {}?", written(folder, name))];
        }
        if let Some(near) = near.first() {
            return vec![format!("did you mean {}?", written(folder, near))];
        }
        if wanted == "default.nix" {
            let files: Vec<&str> = names().filter(|name| name.ends_with(".nix")).collect();
            let there = match files.len() {
                0 => "has no .nix file at all".to_owned(),
                1..=5 => format!("has {}", files.join(", ")),
                count => format!("has {count} other .nix files"),
            };
            return vec![format!(
                "importing a folder means its default.nix, but {} {there}",
                shown(folder)
            )];
        }
        if missing != path {
            return vec![format!("there is no folder {}", written(folder, wanted))];
        }
        let names: Vec<&str> = names().collect();
        match names.len() {
            0 => vec![format!("{} is empty", shown(folder))],
            1..=6 => vec![format!("{} has {}", shown(folder), names.join(", "))],
            _ => vec![format!("{} has no file with a similar name", shown(folder))],
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

/// A path as people write it, from the top of the tree.
fn written(folder: &str, name: &str) -> String {
    let folder = folder.trim_matches('/');
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
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
