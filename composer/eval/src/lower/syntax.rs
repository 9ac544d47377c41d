//! rnix's parse errors in words.
//!
//! Called by lowering when parsing failed. Invariant: messages name tokens as they are written, never by
//! rnix's names for them.

use rnix::SyntaxKind;

use super::Lowerer;
use super::mistakes::Mistake;
use crate::error::SyntaxError;
use crate::source::Span;

impl Lowerer<'_> {
    pub(super) fn parse_error(&self, error: &rnix::ParseError) -> SyntaxError {
        use rnix::ParseError as E;
        let text = self.evaluator.sources.text(self.file);
        let end = u32::try_from(text.trim_end().len()).expect("files are shorter than 4 GiB");
        let eof = Span {
            file: self.file,
            start: end,
            end,
        };
        let (span, message) = match error {
            E::Unexpected(range) => (self.range(*range), "unexpected text".to_owned()),
            E::UnexpectedExtra(range) => {
                let message = "unexpected text after the end of the expression";
                (self.range(*range), message.to_owned())
            }
            E::UnexpectedWanted(found, range, wanted) => {
                let found = word(*found).trim_start_matches("a ");
                let message = format!("unexpected {found}, expected {}", words(wanted));
                (self.range(*range), message)
            }
            E::UnexpectedDoubleBind(range) => (
                self.range(*range),
                "the arguments are named as a whole twice".to_owned(),
            ),
            E::UnexpectedEOF => (
                eof,
                "the text ends in the middle of an expression".to_owned(),
            ),
            E::UnexpectedEOFWanted(wanted) => (
                eof,
                format!("the text ends where {} is expected", words(wanted)),
            ),
            E::DuplicatedArgs(range, name) => (
                self.range(*range),
                format!("the argument `{name}` is named twice"),
            ),
            E::RecursionLimitExceeded => (eof, "expressions are nested too deeply".to_owned()),
            _ => (eof, "this text can't be parsed".to_owned()),
        };
        if let Some(known) = self.mistake(error, span) {
            return known;
        }
        let (span, message) = self.unclosed(span).unwrap_or_else(|| {
            // An error can reach to the end of the file; its first line is enough to show.
            let shown = text
                .get(span.start as usize..span.end as usize)
                .unwrap_or("");
            let line = shown.lines().next().map_or(0, |line| line.trim_end().len());
            let end = span.start + u32::try_from(line).expect("files are shorter than 4 GiB");
            (Span { end, ..span }, message)
        });
        SyntaxError::new("syntax", span, message)
    }

    fn mistake(&self, error: &rnix::ParseError, span: Span) -> Option<SyntaxError> {
        use rnix::ParseError as E;
        let wanted = match error {
            E::UnexpectedWanted(_, _, wanted) | E::UnexpectedEOFWanted(wanted) => wanted,
            E::Unexpected(_) | E::UnexpectedExtra(_) | E::UnexpectedEOF => &[][..],
            _ => return None,
        };
        let text = self.evaluator.sources.text(self.file);
        Mistake::new(self.file, text, span.start, wanted).explain()
    }

    /// What an undefined variable may have been meant to be.
    pub(super) fn undefined_help(&self, name: &str, span: Span) -> Option<String> {
        let builtins = self.evaluator.builtins_set().ok()?;
        if builtins.get(self.evaluator.symbol(name)).is_some() {
            return Some(format!("write `builtins.{name}`"));
        }
        let instead = match name {
            "True" | "TRUE" => "`true`",
            "False" | "FALSE" => "`false`",
            "None" | "nil" | "undefined" | "NULL" | "Null" => "`null`",
            "and" => "`&&`",
            "or" => "`||`",
            "not" => "`!`",
            "elif" | "elsif" | "elseif" => "`else if`",
            "fi" | "end" | "endif" | "done" => "nothing: `if` and `let` have no closing word",
            _ => return self.other_help(name, span),
        };
        Some(format!("write {instead}"))
    }

    fn other_help(&self, name: &str, span: Span) -> Option<String> {
        let defined = |part: &str| {
            let symbol = self.evaluator.symbol(part);
            self.scopes.names().any(|name| name == symbol)
        };
        if let Some((left, right)) = name.split_once('-')
            && defined(left)
            && (defined(right) || right.chars().all(|c| c.is_ascii_digit()))
        {
            return Some(format!(
                "`-` is part of the name; write `{left} - {right}` to subtract"
            ));
        }
        let text = self.evaluator.sources.text(span.file);
        let before = text.get(..span.start as usize)?;
        if before.ends_with("${") && super::Outline::parse(text).in_indented_string(span.start) {
            return Some(
                "if the shell is to see `${`, write `''${` in an indented string".to_owned(),
            );
        }
        matches!(
            name,
            "lib" | "pkgs" | "config" | "inputs" | "profile" | "options"
        )
        .then(|| format!("if the file gets it, name it in the arguments: `{{ {name}, ... }}:`"))
    }

    /// rnix reports a string or comment without end as unexpected text up to the end of the file.
    fn unclosed(&self, span: Span) -> Option<(Span, String)> {
        let text = self.evaluator.sources.text(self.file);
        let (before, after) = text.split_at_checked(span.start as usize)?;
        if span.end as usize != text.len() {
            return None;
        }
        let (what, start, length) = if after.starts_with("/*") {
            ("comment", span.start, 2)
        } else if before.ends_with("''") {
            ("string", span.start - 2, 2)
        } else if before.ends_with('"') {
            ("string", span.start - 1, 1)
        } else {
            return None;
        };
        let end = start + length;
        Some((
            Span { start, end, ..span },
            format!("this {what} has no end"),
        ))
    }
}

fn words(kinds: &[SyntaxKind]) -> String {
    // What begins an expression, and what can be a name, has one word.
    let expression = kinds.contains(&SyntaxKind::TOKEN_REC);
    let begins = |kind: &SyntaxKind| {
        matches!(
            word(*kind),
            "`(`" | "`rec`" | "`{`" | "`[`" | "a string" | "a name" | "a number" | "a path"
        )
    };
    let name = kinds.contains(&SyntaxKind::TOKEN_OR) && !expression;
    let mut words: Vec<&str> = Vec::new();
    if expression {
        words.push("an expression");
    }
    if name {
        words.push("a name");
    }
    let other = kinds.iter().filter(|kind| {
        let known = (expression && begins(kind))
            || (name && matches!(word(**kind), "a name" | "`or`" | "operator"));
        !known
    });
    words.extend(other.map(|kind| word(*kind)));
    match &words[..] {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => words.concat(),
    }
}

fn word(kind: SyntaxKind) -> &'static str {
    use SyntaxKind::*;
    match kind {
        TOKEN_ASSIGN => "`=`",
        TOKEN_AT => "`@`",
        TOKEN_COLON => "`:`",
        TOKEN_COMMA => "`,`",
        TOKEN_DOT => "`.`",
        TOKEN_ELLIPSIS => "`...`",
        TOKEN_QUESTION => "`?`",
        TOKEN_SEMICOLON => "`;`",
        TOKEN_L_BRACE => "`{`",
        TOKEN_R_BRACE => "`}`",
        TOKEN_L_BRACK => "`[`",
        TOKEN_R_BRACK => "`]`",
        TOKEN_L_PAREN => "`(`",
        TOKEN_R_PAREN => "`)`",
        TOKEN_INTERPOL_START => "`${`",
        TOKEN_INTERPOL_END => "`}`",
        TOKEN_STRING_START | TOKEN_STRING_CONTENT => "a string",
        TOKEN_STRING_END => "the end of the string",
        TOKEN_IDENT => "a name",
        TOKEN_INTEGER | TOKEN_FLOAT => "a number",
        TOKEN_PATH_ABS | TOKEN_PATH_REL | TOKEN_PATH_HOME | TOKEN_PATH_SEARCH => "a path",
        TOKEN_URI => "a URL",
        TOKEN_ASSERT => "`assert`",
        TOKEN_ELSE => "`else`",
        TOKEN_IF => "`if`",
        TOKEN_IN => "`in`",
        TOKEN_INHERIT => "`inherit`",
        TOKEN_LET => "`let`",
        TOKEN_OR => "`or`",
        TOKEN_REC => "`rec`",
        TOKEN_THEN => "`then`",
        TOKEN_WITH => "`with`",
        TOKEN_ERROR => "text",
        _ => "operator",
    }
}
