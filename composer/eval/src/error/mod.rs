//! Evaluation errors: what went wrong, where, and on whose behalf.
//!
//! Made everywhere in the crate, rendered by `render.rs`. Invariant: one `Result` carries every failure;
//! `ErrorKind::is_catchable` alone decides what `tryEval` sees.

mod codes;
mod cycle;
mod files;
mod json;
mod kind;
mod render;
mod report;
mod similar;
mod trace;

use std::fmt;
use std::rc::Rc;

pub use codes::ERROR_CODES;
pub(crate) use json::error_json;
pub use kind::{ErrorKind, SyntaxError};
pub use render::Detail;
pub(crate) use render::render;
pub(crate) use similar::similar;

use crate::source::Span;

/// A failed evaluation.
#[derive(Debug, Clone)]
pub struct EvalError(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    kind: ErrorKind,
    span: Option<Span>,
    frames: Vec<Frame>,
    /// What is at the main place; empty where the message says it.
    label: String,
    /// Further places that matter, with what they are.
    places: Vec<(Span, String)>,
    notes: Vec<String>,
    cycle: Option<Cycle>,
    /// The expression whose value is wrong, where that is not the main place.
    subject: Option<Span>,
}

/// Infinite recursion: the value that needs itself, and how many of the frames lead back to it.
#[derive(Debug, Clone)]
struct Cycle {
    /// Where the value lies; only compared, and only while it is alive.
    address: usize,
    frames: Option<usize>,
}

/// One step of the trace, innermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What was being evaluated.
    pub kind: FrameKind,
    /// Where: the definition for attributes and files, the call for calls.
    pub span: Option<Span>,
}

/// What was being evaluated when an error passed by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameKind {
    /// An attribute.
    Attr(Rc<str>),
    /// A call of a function written in the language; anonymous functions have no name.
    Call(Option<Rc<str>>),
    /// A call of a builtin.
    Builtin(Rc<str>),
    /// An imported file.
    File(Rc<str>),
    /// A variable; only in the trace of infinite recursion.
    Variable(Rc<str>),
    /// An element of a list, from 0.
    Element(usize),
    /// The use of an attribute, as against its definition; only in the trace of infinite recursion.
    Reference(Rc<str>),
    /// What `addErrorContext` says, a sentence of its own.
    Context(Rc<str>),
    /// Something of the host's, in its words, after "while".
    Host(Rc<str>),
}

impl EvalError {
    /// An error at a known place.
    pub fn at(kind: ErrorKind, span: Span) -> EvalError {
        EvalError::from(kind).or_at(Some(span))
    }

    /// An error of a host builtin.
    pub fn host(source: impl std::error::Error + 'static) -> EvalError {
        ErrorKind::Host {
            source: Rc::new(source),
        }
        .into()
    }

    /// A value, known by its address, that is needed to compute itself.
    #[cold]
    pub(crate) fn recursion(address: usize) -> EvalError {
        let mut error = EvalError::from(ErrorKind::InfiniteRecursion);
        error.0.cycle = Some(Cycle {
            address,
            frames: None,
        });
        error
    }

    /// The error leaves the evaluation of the value at `address`; a cycle may be whole now.
    #[cold]
    pub(crate) fn leaving(mut self, address: usize) -> EvalError {
        let frames = self.0.frames.len();
        if let Some(cycle) = &mut self.0.cycle
            && cycle.address == address
        {
            cycle.frames.get_or_insert(frames);
        }
        self
    }

    /// Of the frames, those that lead from a value back to itself.
    pub fn cycle(&self) -> &[Frame] {
        let cycle = self.0.cycle.as_ref();
        let length = cycle.and_then(|cycle| cycle.frames).unwrap_or(0);
        &self.0.frames[..length]
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Where, if a place in a source file is to blame.
    pub fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// The trace, innermost first.
    pub fn frames(&self) -> &[Frame] {
        &self.0.frames
    }

    /// Sets the place unless there is one already.
    #[must_use]
    pub fn or_at(mut self, span: Option<Span>) -> EvalError {
        self.0.span = self.0.span.or(span);
        self
    }

    /// What the main place is called in the excerpt; empty if the message says it.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// Further places that matter, with what they are.
    pub fn places(&self) -> &[(Span, String)] {
        &self.0.places
    }

    /// Remarks and help given with the error.
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// Names what is at the main place.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> EvalError {
        self.0.label = label.into();
        self
    }

    /// Adds a place that matters, with what it is.
    #[must_use]
    pub fn and_place(mut self, span: Span, label: impl Into<String>) -> EvalError {
        self.0.places.push((span, label.into()));
        self
    }

    /// Adds a remark or help below the excerpt.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> EvalError {
        self.0.notes.push(text.into());
        self
    }

    /// Says whose value is wrong, for a look at its definition.
    #[must_use]
    pub(crate) fn about(mut self, subject: Span) -> EvalError {
        self.0.subject = Some(subject);
        self
    }

    pub(crate) fn subject(&self) -> Option<Span> {
        self.0.subject
    }

    /// Adds a step to the outer end of the trace.
    #[must_use]
    pub fn during(mut self, kind: FrameKind, span: Option<Span>) -> EvalError {
        self.0.frames.push(Frame { kind, span });
        self
    }
}

impl From<ErrorKind> for EvalError {
    fn from(kind: ErrorKind) -> EvalError {
        EvalError(Box::new(Parts {
            kind,
            span: None,
            frames: Vec::new(),
            label: String::new(),
            places: Vec::new(),
            notes: Vec::new(),
            cycle: None,
            subject: None,
        }))
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl std::error::Error for EvalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.kind.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_throw_and_assert_are_catchable() {
        assert!(
            ErrorKind::Throw {
                message: String::new()
            }
            .is_catchable()
        );
        assert!(ErrorKind::AssertionFailed.is_catchable());
        assert!(
            !ErrorKind::Abort {
                message: String::new()
            }
            .is_catchable()
        );
        assert!(!ErrorKind::InfiniteRecursion.is_catchable());
    }
}
