//! Mistakes with bindings and their separators: `;`, `,`, `=`, `:`, `inherit`, the arguments of functions.
//!
//! A part of `mistakes`. Invariant: a missing separator is shown where it belongs, not where it was missed.

use rnix::SyntaxKind::*;

use super::{Mistake, is_operator};
use crate::error::SyntaxError;

impl Mistake<'_> {
    /// The `inherit` that the error is in.
    pub(super) fn inherit(&self) -> Option<SyntaxError> {
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

    pub(super) fn missing_operand(&self) -> Option<SyntaxError> {
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

    pub(super) fn comma(&self) -> Option<SyntaxError> {
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

    pub(super) fn binding(&self) -> Option<SyntaxError> {
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
    pub(super) fn arrow(&self) -> Option<SyntaxError> {
        (self.text(self.at + 1).starts_with('>')).then(|| {
            let name = self.at.checked_sub(1).map_or("x", |index| self.text(index));
            self.error("wrong-arguments", "a function is written with `:`")
                .help(format!("write `{name}: ...`"))
        })
    }

    pub(super) fn comparison(&self, assign: usize) -> SyntaxError {
        let message = "`=` binds a name in a set or `let`; `==` compares";
        SyntaxError::new("wrong-operator", self.span(assign), message).help("write `==`")
    }

    pub(super) fn arguments(&self) -> Option<SyntaxError> {
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

    pub(super) fn missing_semicolon(&self) -> Option<SyntaxError> {
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
}
