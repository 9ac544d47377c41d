//! The classic mistakes, recognised from the tokens around the place where parsing failed.
//!
//! Called by `syntax.rs` with the place of rnix's first error. Invariant: a mistake is named only if the
//! text at that place fits it; `None` leaves the error to rnix's own words.

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

    fn in_shell_text(&self) -> Option<SyntaxError> {
        let open = self.tokens.open_at(self.at);
        let at = open
            .iter()
            .rposition(|index| self.kind(*index) == TOKEN_INTERPOL_START)?;
        let (string, interpol) = (*open.get(at.checked_sub(1)?)?, open[at]);
        let own = |index: &usize| matches!(self.kind(*index), TOKEN_L_BRACE | TOKEN_L_PAREN);
        if self.kind(string) != TOKEN_STRING_START || open[at..].iter().any(own) {
            return None;
        }
        let escaped = if self.text(string) == "''" {
            "''${"
        } else {
            "\\${"
        };
        let help = format!("if the text is to have `${{` as it is, write `{escaped}`");
        if self.current() == TOKEN_INTERPOL_END && self.at == interpol + 1 {
            let error = self.error("missing-value", "there is no expression in this `${}`");
            return Some(error.help(help));
        }
        let foreign = matches!(
            self.current(),
            TOKEN_ERROR | TOKEN_AT | TOKEN_COLON | TOKEN_COMMA | TOKEN_ASSIGN | TOKEN_URI
        ) || self.text(self.at).starts_with(['#', '%', '*', '!', '^']);
        let same_line = self.tokens.line(interpol) == self.tokens.line(self.at);
        (foreign && same_line).then(|| {
            let message = "this looks like the shell's, but `${...}` in a string is an expression of the language";
            self.error("shell-interpolation", message).help(help)
        })
    }

    fn unclosed_string(&self) -> Option<SyntaxError> {
        let open = self.tokens.open_at(self.tokens.len());
        let last = *open.last()?;
        let error =
            |index, message: &str| SyntaxError::new("unclosed-string", self.span(index), message);
        // The string that swallows the end of the text is often not the one that lacks its end.
        if self.kind(last) != TOKEN_STRING_START {
            return None;
        }
        if let [.., interpol, _] = open[..]
            && self.kind(interpol) == TOKEN_INTERPOL_START
            && self.tokens.line(interpol) == self.tokens.line(last)
        {
            let message = "this `${` has no `}`";
            return Some(SyntaxError::new(
                "unclosed-bracket",
                self.span(interpol),
                message,
            ));
        }
        if self.text(last) == "''" {
            let ended = (1..last).rev().find(|index| {
                self.kind(*index - 1) == TOKEN_STRING_END
                    && self.text(*index - 1) == "''"
                    && self.kind(*index) == TOKEN_IDENT
                    && self.span(*index - 1).end == self.span(*index).start
            });
            if let Some(index) = ended {
                let error = error(index - 1, "this `''` ends the string");
                return Some(error.help("write `'''` to have `''` in an indented string"));
            }
            return Some(error(last, "this string has no end").help("close it with `''`"));
        }
        let runaway = (0..last).find(|index| {
            self.kind(*index) == TOKEN_STRING_START
                && self.text(*index) == "\""
                && self.kind(*index + 1) == TOKEN_STRING_CONTENT
                && self
                    .text(*index + 1)
                    .split_once('\n')
                    .is_some_and(|(line, _)| line.trim_end().ends_with([';', ',', ']', ')']))
        });
        let index = runaway.unwrap_or(last);
        let first_line = self.text(index + 1).lines().next().unwrap_or("");
        let help = match first_line.trim_end().strip_suffix([';', ',']) {
            Some(content) => format!("write `\"{content}\"`"),
            None => "close it with `\"`".to_owned(),
        };
        Some(error(index, "this string has no end").help(help))
    }

    fn foreign_character(&self) -> Option<SyntaxError> {
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

    fn closer(&self) -> Option<SyntaxError> {
        if !matches!(
            self.current(),
            TOKEN_R_BRACE | TOKEN_R_BRACK | TOKEN_R_PAREN | TOKEN_INTERPOL_END
        ) {
            return None;
        }
        let found = self.text(self.at);
        let Some(open) = self.bracket() else {
            let message = format!("there is no open bracket for this `{found}`");
            return Some(self.error("unmatched-bracket", message).help("remove it"));
        };
        let needed = closing(self.kind(open))?;
        if needed != found {
            let mut all = self.tokens.open_at(self.at).into_iter();
            if !all.any(|index| closing(self.kind(index)) == Some(found)) {
                let message = format!("there is no open bracket for this `{found}`");
                return Some(self.error("unmatched-bracket", message).help("remove it"));
            }
            // The parser went on past the end of the binding.
            let end = self.tokens.semicolon_in(open, self.at);
            return Some(self.unclosed_before(open, end.unwrap_or(self.at)));
        }
        if self.kind(open) == TOKEN_L_PAREN
            && let Some(comma) = self.tokens.back_to(self.at, &[TOKEN_COMMA])
        {
            let span = self.span(comma);
            let message = "arguments are separated by spaces";
            return Some(SyntaxError::new("wrong-separator", span, message).help("write `f a b`"));
        }
        if self.kind(open) == TOKEN_L_PAREN
            && let Some(assign) = self.tokens.back_to(self.at, &[TOKEN_ASSIGN])
        {
            return Some(self.comparison(assign));
        }
        if self.kind(open) == TOKEN_L_PAREN && open + 1 == self.at {
            return Some(
                self.error(
                    "missing-value",
                    "there is no expression in these parentheses",
                )
                .help("every function takes one argument: give it a value, for instance `{ }`"),
            );
        }
        None
    }

    fn unclosed_before(&self, open: usize, before: usize) -> SyntaxError {
        let needed = closing(self.kind(open)).unwrap_or("}");
        let message = format!("`{needed}` is missing before this `{}`", self.text(before));
        let error = SyntaxError::new("unclosed-bracket", self.span(before), message);
        error.and(
            self.span(open),
            format!("this `{}` is open", self.text(open)),
        )
    }

    fn end_of_text(&self) -> Option<SyntaxError> {
        if self.at < self.tokens.len() {
            return None;
        }
        if self.tokens.len() == 0 {
            let message = "there is no expression in this text";
            return Some(
                self.error("missing-value", message)
                    .help("the least is `{ }`"),
            );
        }
        let open = self.bracket()?;
        let error = |index: usize| {
            let (text, close) = (self.text(index), closing(self.kind(index)).unwrap_or("}"));
            let message = format!("this `{text}` has no `{close}`");
            SyntaxError::new("unclosed-bracket", self.span(index), message)
        };
        // A bracket that was closed further left than it was opened is likely the one that lacks its end.
        match self.tokens.badly_indented() {
            Some((opener, closer)) => Some(error(opener).and(
                self.span(closer),
                "this one closes it now, and one more is needed at the end",
            )),
            None => Some(error(open)),
        }
    }

    fn foreign_comment(&self) -> Option<SyntaxError> {
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

    /// The `inherit` that the error is in.
    fn inherit(&self) -> Option<SyntaxError> {
        let start = self.tokens.back_to(self.at, &[TOKEN_INHERIT])?;
        let names: Vec<&str> = (start + 1..self.at).map(|index| self.text(index)).collect();
        Some(match self.current() {
            TOKEN_COMMA => self
                .error(
                    "wrong-inherit",
                    "the names after `inherit` are separated by spaces",
                )
                .help("write `inherit a b;`"),
            TOKEN_DOT => {
                let set = names.last().copied().unwrap_or("a");
                let name = self.text(self.at + 1);
                self.error("wrong-inherit", "`inherit` takes names, not paths")
                    .help(format!("write `inherit ({set}) {name};`"))
            }
            TOKEN_ASSIGN => {
                let name = names.last().copied().unwrap_or("a");
                self.error(
                    "wrong-inherit",
                    "`inherit` takes a value from around the set",
                )
                .help(format!("to give another one, write `{name} = ...;`"))
            }
            _ => {
                let last = self.at.checked_sub(1)?;
                SyntaxError::new(
                    "missing-semicolon",
                    self.after(last),
                    "`;` is missing after `inherit`",
                )
            }
        })
    }

    fn missing_operand(&self) -> Option<SyntaxError> {
        let last = self.at.checked_sub(1)?;
        if !matches!(
            self.current(),
            TOKEN_SEMICOLON
                | TOKEN_IN
                | TOKEN_THEN
                | TOKEN_ELSE
                | TOKEN_R_BRACE
                | TOKEN_R_PAREN
                | TOKEN_R_BRACK
                | TOKEN_COMMA
                | TOKEN_INTERPOL_END
                | TOKEN_WHITESPACE
        ) {
            return None;
        }
        let operator = self.text(last);
        if self.current() == TOKEN_SEMICOLON
            && !is_operator(self.kind(last))
            && let Some(open) = self.bracket()
            && matches!(self.kind(open), TOKEN_L_BRACK | TOKEN_L_PAREN)
            && self.innermost() == Some(open)
        {
            return Some(self.unclosed_before(open, self.at));
        }
        Some(match self.kind(last) {
            TOKEN_ASSIGN => {
                let name = self.tokens.binding_name(last);
                SyntaxError::new(
                    "missing-value",
                    self.after(last),
                    format!("`{name}` has no value"),
                )
            }
            TOKEN_DOT => SyntaxError::new(
                "missing-value",
                self.after(last),
                "a name is missing after `.`",
            ),
            TOKEN_IN => SyntaxError::new(
                "missing-value",
                self.after(last),
                "there is no result after `in`",
            ),
            TOKEN_THEN | TOKEN_ELSE | TOKEN_COLON => SyntaxError::new(
                "missing-value",
                self.after(last),
                format!("there is no expression after `{operator}`"),
            ),
            kind if is_operator(kind) => SyntaxError::new(
                "missing-value",
                self.after(last),
                format!("the right operand of `{operator}` is missing"),
            ),
            _ => return None,
        })
    }

    fn comma(&self) -> Option<SyntaxError> {
        if self.current() != TOKEN_COMMA {
            return None;
        }
        let open = self.bracket();
        Some(match open.map(|index| self.kind(index)) {
            Some(TOKEN_L_BRACK) => self
                .error("wrong-separator", "list elements are separated by spaces")
                .help("remove the comma; an element that is a call needs parentheses"),
            Some(TOKEN_L_PAREN) => self
                .error("wrong-separator", "arguments are separated by spaces")
                .help("write `f a b`"),
            Some(TOKEN_L_BRACE) if self.previous() == TOKEN_ELLIPSIS => self
                .error("wrong-arguments", "`...` is the last of the arguments")
                .help("write `{ a, b, ... }:`"),
            Some(TOKEN_L_BRACE) => self
                .error("wrong-separator", "a binding ends with `;`")
                .help("write `;` instead of the comma"),
            _ => self.error("wrong-separator", "a comma separates nothing here"),
        })
    }

    fn binding(&self) -> Option<SyntaxError> {
        let last = self.at.checked_sub(1)?;
        let name = self.text(last);
        let named = matches!(self.kind(last), TOKEN_IDENT | TOKEN_STRING_END);
        if !self.among_bindings() {
            if self.current() != TOKEN_ASSIGN {
                return None;
            }
            let open = self.bracket().map(|index| self.kind(index));
            return match (self.innermost().map(|index| self.kind(index)), open) {
                (Some(TOKEN_IF), _) => Some(self.comparison(self.at)),
                (_, Some(TOKEN_L_PAREN)) => Some(self.comparison(self.at)),
                (_, Some(TOKEN_L_BRACK)) => {
                    let error = self
                        .error("wrong-binding", "a list has no names")
                        .help("close the list with `]` before this, or write `{ name = value; }`");
                    Some(match self.bracket() {
                        Some(open) => error.and(self.span(open), "the list begins here"),
                        None => error,
                    })
                }
                (_, None) if named && self.tokens.back_to(self.at, &[TOKEN_ASSERT]).is_some() => {
                    Some(self.comparison(self.at))
                }
                (_, None) if named => Some(
                    self.error("wrong-binding", "bindings stand in a set")
                        .help("put `{` before the first and `}` after the last of them"),
                ),
                _ => None,
            };
        }
        if self.tokens.is_pattern(self.bracket()) {
            return None;
        }
        if self.current() == TOKEN_ASSIGN {
            return None.or_else(|| self.arrow());
        }
        let shown = if self.kind(last) == TOKEN_STRING_END {
            "name"
        } else {
            name
        };
        if named && self.current() == TOKEN_COLON {
            let error = self.error("wrong-binding", "a binding is written with `=`");
            return Some(error.help(format!("write `{shown} = ...;`")));
        }
        if self.current() == TOKEN_URI
            && let Some((name, value)) = self.text(self.at).split_once(':')
        {
            let error = self.error("wrong-binding", "a binding is written with `=`");
            let value = value.trim_end_matches(';');
            return Some(error.help(format!("write `{name} = {value};`")));
        }
        if !named || !self.wants(TOKEN_ASSIGN) {
            return None;
        }
        match self.current() {
            TOKEN_EQUAL => {
                let error = self.error(
                    "wrong-binding",
                    "`==` compares; a binding is written with `=`",
                );
                Some(error.help(format!("write `{shown} = ...;`")))
            }
            TOKEN_ADD | TOKEN_CONCAT | TOKEN_UPDATE | TOKEN_SUB | TOKEN_MUL
                if self.kind(self.at + 1) == TOKEN_ASSIGN =>
            {
                let error =
                    self.error("wrong-binding", "a value can't be changed, only bound once");
                let operator = self.text(self.at);
                Some(error.help(format!(
                    "give the result another name: `new = {shown} {operator} ...;`"
                )))
            }
            TOKEN_IDENT => {
                let mut words = vec![self.text(self.at)];
                let mut next = self.at + 1;
                while self.kind(next) == TOKEN_IDENT {
                    words.push(self.text(next));
                    next += 1;
                }
                if self.kind(next) != TOKEN_ASSIGN {
                    return None;
                }
                let error = self.error("wrong-binding", "arguments stand after the `=`");
                Some(error.help(format!("write `{shown} = {}: ...;`", words.join(": "))))
            }
            TOKEN_SEMICOLON => {
                let in_let = self.innermost().is_some_and(|i| self.kind(i) == TOKEN_LET);
                if in_let && self.tokens.begins_line(last) {
                    return Some(self.missing_in(last));
                }
                let error = SyntaxError::new(
                    "missing-value",
                    self.after(last),
                    format!("`{shown}` has no value"),
                );
                Some(error.help(format!("write `{shown} = ...;`, or `inherit {shown};`")))
            }
            kind if is_operator(kind)
                && self.innermost().is_some_and(|i| self.kind(i) == TOKEN_LET) =>
            {
                Some(self.missing_in(last))
            }
            _ => None,
        }
    }

    /// `x => y` where `x: y` is meant.
    fn arrow(&self) -> Option<SyntaxError> {
        (self.text(self.at + 1).starts_with('>')).then(|| {
            let name = self.at.checked_sub(1).map_or("x", |index| self.text(index));
            self.error("wrong-arguments", "a function is written with `:`")
                .help(format!("write `{name}: ...`"))
        })
    }

    fn comparison(&self, assign: usize) -> SyntaxError {
        let message = "`=` binds a name in a set or `let`; `==` compares";
        SyntaxError::new("wrong-operator", self.span(assign), message).help("write `==`")
    }

    fn arguments(&self) -> Option<SyntaxError> {
        let open = self.bracket();
        if self.tokens.is_pattern(open) {
            return Some(match self.current() {
                TOKEN_ASSIGN => self
                    .error("wrong-arguments", "a default is written with `?`")
                    .help(format!(
                        "write `{} ? {}`",
                        self.text(self.at - 1),
                        self.text(self.at + 1)
                    )),
                TOKEN_SEMICOLON => self
                    .error("wrong-arguments", "arguments are separated by commas")
                    .help("write `{ a, b }:`"),
                TOKEN_IDENT => {
                    let last = self.at.checked_sub(1)?;
                    SyntaxError::new(
                        "wrong-arguments",
                        self.after(last),
                        "a comma is missing between the arguments",
                    )
                }
                TOKEN_ELLIPSIS => self
                    .error("wrong-arguments", "`...` is the last of the arguments")
                    .help("write `{ a, b, ... }:`"),
                _ => return None,
            });
        }
        if self.previous() == TOKEN_R_BRACE && self.wants(TOKEN_COLON) {
            let last = self.at.checked_sub(1)?;
            return Some(match self.current() {
                TOKEN_ASSIGN => self
                    .error(
                        "wrong-arguments",
                        "the arguments of a function end with `:`",
                    )
                    .help("write `}:` instead of `} =`"),
                _ => SyntaxError::new(
                    "wrong-arguments",
                    self.after(last),
                    "`:` is missing after the arguments",
                )
                .help("in a set every name has a value: `{ a = 1; }`"),
            });
        }
        None
    }

    fn condition(&self) -> Option<SyntaxError> {
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

    fn let_in(&self) -> Option<SyntaxError> {
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

    fn missing_in(&self, before: usize) -> SyntaxError {
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

    fn missing_semicolon(&self) -> Option<SyntaxError> {
        if !self.wants(TOKEN_SEMICOLON) || self.at == 0 {
            return None;
        }
        let starters = [TOKEN_ASSIGN, TOKEN_WITH, TOKEN_ASSERT];
        let what = self.tokens.back_to(self.at, &starters)?;
        let mut last = self.at - 1;
        let mut next = None;
        if self.current() == TOKEN_ASSIGN && self.kind(what) == TOKEN_ASSIGN {
            // What looks like a call is the next binding's name.
            let name = self.tokens.path_before(self.at);
            last = name.checked_sub(1)?;
            next = Some(name);
        } else if self.kind(what) != TOKEN_ASSIGN {
            // The first line is what `with` or `assert` was to have.
            let line = self.tokens.line(what);
            last = (what + 1..self.at)
                .take_while(|index| self.tokens.line(*index) == line)
                .last()?;
        }
        let message = match self.kind(what) {
            TOKEN_ASSIGN => format!(
                "`;` is missing after the value of `{}`",
                self.tokens.binding_name(what)
            ),
            _ => format!("`;` is missing after `{} ...`", self.text(what)),
        };
        let error = SyntaxError::new("missing-semicolon", self.after(last), message);
        Some(match next {
            Some(name) if self.tokens.line(name) != self.tokens.line(last) => {
                error.and(self.span(name), "the next binding begins here")
            }
            _ => error,
        })
    }

    fn foreign_operator(&self) -> Option<SyntaxError> {
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

    fn word_as_name(&self) -> Option<SyntaxError> {
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
    fn extra(&self) -> Option<SyntaxError> {
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
