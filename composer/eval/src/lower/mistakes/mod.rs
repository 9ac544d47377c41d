//! The classic mistakes, recognised from the tokens around the place where parsing failed.
//!
//! Called by `syntax.rs` with the place of rnix's first error. Invariant: a mistake is named only if the
//! text at that place fits it; `None` leaves the error to rnix's own words.

mod bindings;
mod brackets;
mod words;

use rnix::SyntaxKind::{self, *};

use super::tokens::Tokens;
use crate::error::SyntaxError;
use crate::source::{FileId, Span};

/// A parse error at a token, with the tokens that would have been right.
pub(super) struct Mistake<'a> {
    file: FileId,
    tokens: Tokens<'a>,
    /// The token that was not expected; one past the last at the end of the text.
    at: usize,
    wanted: &'a [SyntaxKind],
}

impl<'a> Mistake<'a> {
    pub(super) fn new(file: FileId, text: &'a str, byte: u32, wanted: &'a [SyntaxKind]) -> Self {
        let tokens = Tokens::of(text);
        let at = tokens.index_at(byte);
        Mistake {
            file,
            tokens,
            at,
            wanted,
        }
    }

    /// The mistake in words, if it is a known one.
    pub(super) fn explain(&self) -> Option<SyntaxError> {
        self.unclosed_string()
            .or_else(|| self.in_shell_text())
            .or_else(|| self.foreign_character())
            .or_else(|| self.closer())
            .or_else(|| self.end_of_text())
            .or_else(|| self.foreign_comment())
            .or_else(|| self.inherit())
            .or_else(|| self.missing_operand())
            .or_else(|| self.comma())
            .or_else(|| self.binding())
            .or_else(|| self.arguments())
            .or_else(|| self.condition())
            .or_else(|| self.let_in())
            .or_else(|| self.missing_semicolon())
            .or_else(|| self.foreign_operator())
            .or_else(|| self.word_as_name())
            .or_else(|| self.extra())
    }

    fn kind(&self, index: usize) -> SyntaxKind {
        self.tokens.kind(index)
    }

    fn current(&self) -> SyntaxKind {
        self.kind(self.at)
    }

    fn previous(&self) -> SyntaxKind {
        self.at
            .checked_sub(1)
            .map_or(TOKEN_WHITESPACE, |index| self.kind(index))
    }

    fn text(&self, index: usize) -> &'a str {
        self.tokens.text(index)
    }

    fn span(&self, index: usize) -> Span {
        let (start, end) = self.tokens.range(index);
        Span {
            file: self.file,
            start,
            end,
        }
    }

    /// The place right after a token.
    fn after(&self, index: usize) -> Span {
        let end = self.span(index).end;
        Span {
            start: end,
            ..self.span(index)
        }
    }

    fn wants(&self, kind: SyntaxKind) -> bool {
        self.wanted.contains(&kind)
    }

    fn error(&self, code: &'static str, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(code, self.span(self.at), message)
    }

    /// The innermost bracket that is open at the error.
    fn bracket(&self) -> Option<usize> {
        let open = self.tokens.open_at(self.at);
        open.into_iter()
            .rev()
            .find(|index| closing(self.kind(*index)).is_some())
    }

    /// The innermost thing that is open at the error, `let`, `if` and `then` included.
    fn innermost(&self) -> Option<usize> {
        self.tokens.open_at(self.at).pop()
    }

    /// Whether the text here is a row of bindings: in a set, in `let`.
    fn among_bindings(&self) -> bool {
        self.innermost()
            .is_some_and(|index| matches!(self.kind(index), TOKEN_L_BRACE | TOKEN_LET))
    }
}

/// The text that closes a bracket.
pub(super) fn closing(kind: SyntaxKind) -> Option<&'static str> {
    match kind {
        TOKEN_L_BRACE | TOKEN_INTERPOL_START => Some("}"),
        TOKEN_L_BRACK => Some("]"),
        TOKEN_L_PAREN => Some(")"),
        _ => None,
    }
}

fn is_operator(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        TOKEN_CONCAT
            | TOKEN_INVERT
            | TOKEN_UPDATE
            | TOKEN_ADD
            | TOKEN_SUB
            | TOKEN_MUL
            | TOKEN_DIV
            | TOKEN_AND_AND
            | TOKEN_EQUAL
            | TOKEN_IMPLICATION
            | TOKEN_LESS
            | TOKEN_LESS_OR_EQ
            | TOKEN_MORE
            | TOKEN_MORE_OR_EQ
            | TOKEN_NOT_EQUAL
            | TOKEN_OR_OR
    )
}
