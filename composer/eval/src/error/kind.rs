//! What can go wrong, each with its message and a stable code.
//!
//! Made everywhere in the crate. Invariant: every code that `ErrorKind::code` or a syntax error gives is
//! explained in docs/diagnostics.md, and never changes its meaning.

use std::rc::Rc;

use crate::io::IoError;
use crate::source::Span;

/// A place where the text does not follow the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// The stable name of the mistake.
    pub code: &'static str,
    /// Where.
    pub span: Span,
    /// What is wrong there.
    pub message: String,
    /// Another place that matters, with what it is.
    pub related: Option<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl SyntaxError {
    /// A mistake at a place.
    pub(crate) fn new(code: &'static str, span: Span, message: impl Into<String>) -> SyntaxError {
        debug_assert!(super::ERROR_CODES.contains(&code), "{code} is no code");
        SyntaxError {
            code,
            span,
            message: message.into(),
            related: None,
            help: None,
        }
    }

    /// Names another place that matters.
    #[must_use]
    pub(crate) fn and(mut self, span: Span, what: impl Into<String>) -> SyntaxError {
        self.related = Some((span, what.into()));
        self
    }

    /// Says what to write.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> SyntaxError {
        self.help = Some(help.into());
        self
    }
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
    /// Something other than a set was asked for an attribute.
    #[error("can't select `{name}` from {found}: it is not a set")]
    NotASet {
        /// The attribute.
        name: Rc<str>,
        /// What was there instead.
        found: String,
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
    /// Something that needs a host that has it.
    #[error("{what} is not available here")]
    Unavailable {
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
    /// The stable name of what went wrong, for programs and for docs/diagnostics.md.
    pub fn code(&self) -> &'static str {
        match self {
            ErrorKind::Throw { .. } => "throw",
            ErrorKind::AssertionFailed => "assertion-failed",
            ErrorKind::Abort { .. } => "abort",
            ErrorKind::UndefinedVariable { .. } => "undefined-variable",
            ErrorKind::MissingAttribute { .. } => "missing-attribute",
            ErrorKind::NotASet { .. } => "not-a-set",
            ErrorKind::UnknownAttribute { .. } => "unknown-attribute",
            ErrorKind::Type { .. } => "wrong-type",
            ErrorKind::NotAFunction { .. } => "not-a-function",
            ErrorKind::MissingArgument { .. } => "missing-argument",
            ErrorKind::UnexpectedArgument { .. } => "unexpected-argument",
            ErrorKind::InfiniteRecursion => "infinite-recursion",
            ErrorKind::TooDeep { .. } => "too-many-calls",
            ErrorKind::TooNested { .. } => "too-nested",
            ErrorKind::TooManySteps { .. } => "too-many-steps",
            ErrorKind::Interrupted => "interrupted",
            ErrorKind::TooLarge { .. } => "too-large",
            ErrorKind::DivisionByZero => "division-by-zero",
            ErrorKind::Overflow { .. } => "integer-overflow",
            ErrorKind::Operands { .. } => "wrong-operands",
            ErrorKind::NotCoercible { .. } => "no-text-form",
            ErrorKind::InvalidArgument { .. } => "invalid-argument",
            ErrorKind::DuplicateAttribute { .. } => "defined-twice",
            ErrorKind::Io { source } => match **source {
                IoError::NotFound { .. } => "missing-file",
                IoError::Escapes { .. } => "outside-of-the-tree",
                _ => "unreadable-file",
            },
            ErrorKind::Format { .. } => "invalid-format",
            ErrorKind::Impure { .. } => "impure",
            ErrorKind::Unavailable { .. } => "unavailable",
            ErrorKind::Syntax { errors } => errors.first().map_or("syntax", |error| error.code),
            ErrorKind::Host { .. } => "host",
        }
    }

    /// Whether `tryEval` turns the error into a value.
    pub fn is_catchable(&self) -> bool {
        matches!(self, ErrorKind::Throw { .. } | ErrorKind::AssertionFailed)
    }
}
