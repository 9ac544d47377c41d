//! Mistakes with what opens and closes: brackets, strings, `${}` meant for a shell.
//!
//! A part of `mistakes`. Invariant: the opening token is marked wherever it is known.

use rnix::SyntaxKind::*;

use super::{Mistake, closing};
use crate::error::SyntaxError;

impl Mistake<'_> {
    pub(super) fn in_shell_text(&self) -> Option<SyntaxError> {
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

    pub(super) fn unclosed_string(&self) -> Option<SyntaxError> {
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

    pub(super) fn closer(&self) -> Option<SyntaxError> {
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

    pub(super) fn unclosed_before(&self, open: usize, before: usize) -> SyntaxError {
        let needed = closing(self.kind(open)).unwrap_or("}");
        let message = format!("`{needed}` is missing before this `{}`", self.text(before));
        let error = SyntaxError::new("unclosed-bracket", self.span(before), message);
        error.and(
            self.span(open),
            format!("this `{}` is open", self.text(open)),
        )
    }

    pub(super) fn end_of_text(&self) -> Option<SyntaxError> {
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
}
