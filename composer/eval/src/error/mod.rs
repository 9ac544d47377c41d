//! Evaluation errors: what went wrong, where, and on whose behalf.
//!
//! Made everywhere in the crate, rendered by `render.rs`. Invariant: one `Result` carries every failure;
//! `ErrorKind::is_catchable` alone decides what `tryEval` sees.

mod render;

use std::fmt;
use std::rc::Rc;

pub(crate) use render::render;

use crate::io::IoError;
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
    /// Something of the host's, in its words, after "while".
    Host(Rc<str>),
}

/// A place where the text does not follow the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Where.
    pub span: Span,
    /// What is wrong there.
    pub message: String,
    /// Another place that matters, with what it is.
    pub related: Option<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

/// What went wrong.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `throw`.
    #[error("{message}")]
    Throw {
        /// The message given to `throw`.
        message: String,
    },
    /// `assert`.
    #[error("assertion failed")]
    AssertionFailed,
    /// `abort`.
    #[error("evaluation aborted: {message}")]
    Abort {
        /// The message given to `abort`.
        message: String,
    },
    /// A name that no scope provides.
    #[error("undefined variable `{name}`")]
    UndefinedVariable {
        /// The name.
        name: Rc<str>,
        /// A name that is in scope and looks similar.
        similar: Option<Rc<str>>,
    },
    /// An attribute that a set lacks.
    #[error("attribute `{name}` is missing")]
    MissingAttribute {
        /// The attribute.
        name: Rc<str>,
        /// Attributes the set has and whose names look similar.
        similar: Vec<Rc<str>>,
    },
    /// An attribute that the host does not know.
    #[error("{what} has no attribute `{name}`")]
    UnknownAttribute {
        /// The attribute.
        name: Rc<str>,
        /// The set, in the host's words.
        what: Rc<str>,
        /// A known attribute that looks similar.
        similar: Option<Rc<str>>,
    },
    /// A value of the wrong type.
    #[error("expected {expected}{}, found {found}", of(.what))]
    Type {
        /// What was needed, with an article.
        expected: &'static str,
        /// What was there, with an article and, for simple values, the value.
        found: String,
        /// What the value was to be used as; may be empty.
        what: Rc<str>,
    },
    /// Something other than a function was called.
    #[error("attempt to call {found}, which is not a function")]
    NotAFunction {
        /// What was called.
        found: String,
    },
    /// A function with named arguments lacks one.
    #[error("{} is called without the argument `{name}`", callee(.function))]
    MissingArgument {
        /// The argument.
        name: Rc<str>,
        /// The function, if it has a name.
        function: Option<Rc<str>>,
    },
    /// A function with named arguments was given one it does not take.
    #[error("{} is called with the unexpected argument `{name}`", callee(.function))]
    UnexpectedArgument {
        /// The argument.
        name: Rc<str>,
        /// The function, if it has a name.
        function: Option<Rc<str>>,
        /// An argument that it does take and looks similar.
        similar: Option<Rc<str>>,
    },
    /// A value needs itself.
    #[error("infinite recursion: this value is needed to compute itself")]
    InfiniteRecursion,
    /// Calls nested too deeply.
    #[error("more than {limit} nested calls; a recursion probably has no end")]
    TooDeep {
        /// The evaluator's limit.
        limit: u32,
    },
    /// Values nested too deeply, or computations without calls.
    #[error("more than {limit} nested evaluations; a value is probably infinite")]
    TooNested {
        /// The limit.
        limit: u32,
    },
    /// The evaluation took more steps than its host allows.
    #[error("the evaluation takes more than {limit} steps")]
    TooManySteps {
        /// The host's limit.
        limit: u64,
    },
    /// The host asked for an end.
    #[error("interrupted")]
    Interrupted,
    /// A list or string that no memory would hold.
    #[error("a value of {size} {unit} is too large; the limit is {limit}")]
    TooLarge {
        /// The size it would have.
        size: u64,
        /// What the size counts.
        unit: &'static str,
        /// The limit, in the same unit.
        limit: u64,
    },
    /// Division by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// An integer result that 64 bits can't hold.
    #[error("integer overflow in `{left} {operator} {right}`")]
    Overflow {
        /// Left operand.
        left: i64,
        /// The operator.
        operator: &'static str,
        /// Right operand.
        right: i64,
    },
    /// An operator between types it is not defined for.
    #[error("`{operator}` is not defined between {left} and {right}")]
    Operands {
        /// The operator.
        operator: &'static str,
        /// Left operand's type.
        left: &'static str,
        /// Right operand's type.
        right: &'static str,
    },
    /// A value that has no text form.
    #[error("{found} can't be turned into a string")]
    NotCoercible {
        /// The value's type.
        found: String,
        /// What to write instead.
        hint: Option<&'static str>,
    },
    /// An argument of the right type but with an impossible value.
    #[error("{message}")]
    InvalidArgument {
        /// What is wrong with it.
        message: String,
    },
    /// The same attribute twice through a dynamic name.
    #[error("attribute `{name}` is defined twice")]
    DuplicateAttribute {
        /// The attribute.
        name: Rc<str>,
    },
    /// Reading a file failed.
    #[error("{source}")]
    Io {
        /// Why.
        source: Rc<IoError>,
    },
    /// Text that is not in the expected format.
    #[error("invalid {format}: {message}")]
    Format {
        /// JSON, TOML, a regular expression, ...
        format: &'static str,
        /// The parser's words.
        message: String,
    },
    /// Something that depends on more than the inputs.
    #[error("{what} is not available: its result depends on the machine or the moment")]
    Impure {
        /// The construct.
        what: String,
        /// What to write instead.
        instead: &'static str,
    },
    /// Text that does not follow the grammar.
    #[error("{}", first_message(.errors))]
    Syntax {
        /// All errors of the file, in order; at least one.
        errors: Vec<SyntaxError>,
    },
    /// A host builtin failed.
    #[error("{source}")]
    Host {
        /// Why.
        source: Rc<dyn std::error::Error>,
    },
}

fn of(what: &str) -> String {
    if what.is_empty() {
        String::new()
    } else {
        format!(" for {what}")
    }
}

fn callee(name: &Option<Rc<str>>) -> String {
    match name {
        Some(name) => format!("function `{name}`"),
        None => "an anonymous function".to_owned(),
    }
}

fn first_message(errors: &[SyntaxError]) -> &str {
    errors
        .first()
        .map_or("syntax error", |error| &error.message)
}

impl ErrorKind {
    /// Whether `tryEval` turns the error into a value.
    pub fn is_catchable(&self) -> bool {
        matches!(self, ErrorKind::Throw { .. } | ErrorKind::AssertionFailed)
    }
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

/// The names among `candidates` that look most like `name`, best first, at most three.
pub(crate) fn similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // One letter is too little to be similar to anything.
    let allowed = match name.chars().count() {
        0 | 1 => return Vec::new(),
        length => (length / 3).max(1),
    };
    let mut scored: Vec<(usize, &str)> = candidates
        .filter(|candidate| *candidate != name)
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    scored.sort_unstable();
    scored.dedup();
    scored
        .into_iter()
        .take(3)
        .map(|(_, candidate)| candidate)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_close_and_ordered() {
        let names = ["version", "versions", "src", "verison", "x"];
        assert_eq!(
            similar("verson", names.into_iter()),
            ["verison", "version", "versions"]
        );
        assert!(similar("name", names.into_iter()).is_empty());
    }

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
