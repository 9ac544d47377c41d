//! Words, operators and characters of other languages, and those of ours in the wrong place.
//!
//! A part of `mistakes`. Invariant: each error says what to write instead.

use rnix::SyntaxKind::*;

use super::Mistake;
use crate::error::SyntaxError;

impl Mistake<'_> {
    pub(super) fn foreign_character(&self) -> Option<SyntaxError> {
        let text = self.text(self.at);
        if self.current() == TOKEN_ERROR && text.contains('/') {
            return text.ends_with('/').then(|| {
                let help = format!("write `{}`", text.trim_end_matches('/'));
                self.error("wrong-path", "a path can't end in `/`")
                    .help(help)
            });
        }
        if self.current() != TOKEN_ERROR {
            return None;
        }
        Some(match text.chars().next()? {
            '\'' => {
                let rest = self.tokens.rest_of_line(self.at);
                let inner = rest.get(1..).and_then(|rest| rest.split('\'').next());
                let error = self.error("wrong-quotes", "strings are in double quotes");
                match inner {
                    Some(inner) => error.help(format!("write `\"{inner}\"`")),
                    None => error,
                }
            }
            '`' => self
                .error("wrong-quotes", "there are no backquotes in the language")
                .help("strings are in double quotes; commands run in builds only"),
            '$' => self
                .error("wrong-variable", "variables have no `$`")
                .help("write the name alone, and `${name}` inside of a string"),
            '&' => self
                .error("wrong-operator", "`&` is no operator")
                .help("write `&&`"),
            '|' => self
                .error("wrong-operator", "`|` is no operator")
                .help("write `||`"),
            '%' => self
                .error("wrong-operator", "`%` is no operator")
                .help("the remainder is `a - (a / b) * b`"),
            character => self.error(
                "wrong-character",
                format!("`{character}` means nothing here"),
            ),
        })
    }

    pub(super) fn foreign_comment(&self) -> Option<SyntaxError> {
        let text = self.text(self.at);
        let begins = matches!(
            self.previous(),
            TOKEN_SEMICOLON | TOKEN_L_BRACE | TOKEN_LET | TOKEN_L_BRACK | TOKEN_WHITESPACE
        );
        let doubled = text == "-" && self.text(self.at + 1) == "-";
        (begins && (text == "//" || doubled)).then(|| {
            self.error("wrong-comment", "comments begin with `#`")
                .help("or stand between `/*` and `*/`")
        })
    }

    pub(super) fn condition(&self) -> Option<SyntaxError> {
        let inner = self
            .innermost()
            .filter(|index| matches!(self.kind(*index), TOKEN_IF | TOKEN_THEN));
        if let Some(condition) = inner {
            let start = if self.kind(condition) == TOKEN_IF {
                condition
            } else {
                self.tokens.if_of(condition).unwrap_or(condition)
            };
            let elif = (start..self.at)
                .rev()
                .find(|index| matches!(self.text(*index), "elif" | "elseif" | "elsif"));
            if let Some(index) = elif {
                let message = format!("`{}` is no word of the language", self.text(index));
                let error = SyntaxError::new("incomplete-if", self.span(index), message);
                return Some(error.help("write `else if`"));
            }
            let last = self.at.checked_sub(1)?;
            if self.wants(TOKEN_ELSE) || self.kind(condition) == TOKEN_THEN {
                let error =
                    SyntaxError::new("incomplete-if", self.after(last), "this `if` has no `else`");
                let error = error
                    .help("every `if` gives a value: add `else null`, `else { }` or `else [ ]`");
                return Some(error.and(self.span(start), "the `if` is here"));
            }
            if self.wants(TOKEN_THEN) {
                let span = self.after(last);
                let error = SyntaxError::new("incomplete-if", span, "this `if` has no `then`");
                return Some(error.and(self.span(start), "the `if` is here"));
            }
        }
        let question = self.tokens.back_to(self.at + 1, &[TOKEN_QUESTION])?;
        (question + 1 == self.at
            && !matches!(self.current(), TOKEN_IDENT | TOKEN_STRING_START)
            && !self.among_bindings())
        .then(|| {
            let error = SyntaxError::new(
                "wrong-operator",
                self.span(question),
                "`?` asks whether a set has an attribute",
            );
            error.help("to choose, write `if condition then a else b`")
        })
    }

    pub(super) fn let_in(&self) -> Option<SyntaxError> {
        if self.current() == TOKEN_REC && self.previous() == TOKEN_LET {
            let error = self.error("wrong-let", "`let` is always recursive");
            return Some(error.help("leave out `rec`"));
        }
        let inner = self.innermost()?;
        if self.kind(inner) != TOKEN_LET {
            return None;
        }
        let result = self.previous() == TOKEN_SEMICOLON
            && matches!(
                self.current(),
                TOKEN_L_BRACE
                    | TOKEN_L_BRACK
                    | TOKEN_L_PAREN
                    | TOKEN_INTEGER
                    | TOKEN_IF
                    | TOKEN_WITH
                    | TOKEN_LET
                    | TOKEN_ASSERT
            );
        if result || self.wants(TOKEN_IN) || self.at == self.tokens.len() {
            return Some(self.missing_in(self.at));
        }
        None
    }

    pub(super) fn missing_in(&self, before: usize) -> SyntaxError {
        let error = SyntaxError::new(
            "missing-in",
            self.span(before),
            "`in` is missing before the result",
        );
        match self.tokens.open_at(before).pop() {
            Some(index) if self.kind(index) == TOKEN_LET => {
                error.and(self.span(index), "the `let` is here")
            }
            _ => error,
        }
    }

    pub(super) fn foreign_operator(&self) -> Option<SyntaxError> {
        let (text, next) = (self.text(self.at), self.text(self.at + 1));
        let last = self.at.checked_sub(1).map_or("", |index| self.text(index));
        let (wrong, right) = match (last, text, next) {
            ("<", ">", _) => ("`<>` is no operator", "write `!=`"),
            ("==" | "!=", "=", _) => ("`=` follows an operator", "write `==` or `!=`"),
            (_, "=", ">") | (_, "=", _) if next.starts_with('>') => (
                "`=>` is no operator",
                "write `x: ...` for a function, `->` for an implication",
            ),
            _ => return None,
        };
        Some(self.error("wrong-operator", wrong).help(right))
    }

    pub(super) fn word_as_name(&self) -> Option<SyntaxError> {
        let text = self.text(self.at);
        if self.current() == TOKEN_INTERPOL_START {
            let error = self.error(
                "wrong-interpolation",
                "`${...}` stands in strings, paths and names of attributes",
            );
            return Some(error.help("write the expression alone, or `\"${...}\"` for a string"));
        }
        let word = matches!(
            self.current(),
            TOKEN_IF
                | TOKEN_THEN
                | TOKEN_ELSE
                | TOKEN_LET
                | TOKEN_IN
                | TOKEN_REC
                | TOKEN_WITH
                | TOKEN_ASSERT
        );
        let as_name = self.kind(self.at + 1) == TOKEN_ASSIGN || self.previous() == TOKEN_DOT;
        (word && as_name).then(|| {
            self.error(
                "reserved-word",
                format!("`{text}` is a word of the language"),
            )
            .help(format!("as a name, write it `\"{text}\"`"))
        })
    }

    /// The expression was complete, and more follows.
    pub(super) fn extra(&self) -> Option<SyntaxError> {
        if !self.wanted.is_empty() || self.at >= self.tokens.len() {
            return None;
        }
        let last = self.at.checked_sub(1)?;
        if self.current() != TOKEN_SEMICOLON {
            return None;
        }
        let more = (self.at..self.tokens.len()).any(|index| self.kind(index) == TOKEN_R_BRACE);
        if more && self.kind(last) == TOKEN_R_BRACE {
            let message = "this `}` ends the expression, but more follows";
            let error = SyntaxError::new("unmatched-bracket", self.span(last), message);
            return Some(match self.tokens.open_at(last).pop() {
                Some(open) => error.and(self.span(open), "it closes this `{`"),
                None => error,
            });
        }
        let error = self.error("extra-text", "nothing is to end here");
        Some(error.help("`;` stands after bindings, `with` and `assert`; remove it"))
    }
}
