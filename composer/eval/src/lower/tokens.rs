//! The tokens of a text that does not parse, without blanks and comments, and what is open among them.
//!
//! Used by `mistakes.rs`. Invariant: works on any text; an index past the end is a blank.

use rnix::SyntaxKind::{self, *};

use super::mistakes::closing;

struct Token {
    kind: SyntaxKind,
    start: u32,
    end: u32,
    /// The line it begins on, from 0.
    line: usize,
}

/// The significant tokens of a text.
pub(super) struct Tokens<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Tokens<'a> {
        let mut tokens = Vec::new();
        let (mut start, mut line) = (0u32, 0);
        for (kind, piece) in rnix::tokenize(text) {
            let end = start + u32::try_from(piece.len()).expect("files are shorter than 4 GiB");
            if !matches!(kind, TOKEN_WHITESPACE | TOKEN_COMMENT) {
                tokens.push(Token {
                    kind,
                    start,
                    end,
                    line,
                });
            }
            line += piece.matches('\n').count();
            start = end;
        }
        Tokens { text, tokens }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The first token that ends after a byte.
    pub(super) fn index_at(&self, byte: u32) -> usize {
        self.tokens.partition_point(|token| token.end <= byte)
    }

    pub(super) fn kind(&self, index: usize) -> SyntaxKind {
        self.tokens
            .get(index)
            .map_or(TOKEN_WHITESPACE, |token| token.kind)
    }

    pub(super) fn text(&self, index: usize) -> &'a str {
        let range = self.range(index);
        self.text
            .get(range.0 as usize..range.1 as usize)
            .unwrap_or("")
    }

    /// First byte and one past the last; past the end, the end of the text.
    pub(super) fn range(&self, index: usize) -> (u32, u32) {
        let end = u32::try_from(self.text.trim_end().len()).expect("files are shorter than 4 GiB");
        self.tokens
            .get(index)
            .map_or((end, end), |token| (token.start, token.end))
    }

    /// The text from a token to the end of its line.
    pub(super) fn rest_of_line(&self, index: usize) -> &'a str {
        let start = self.range(index).0 as usize;
        let rest = self.text.get(start..).unwrap_or("");
        rest.lines().next().unwrap_or("")
    }

    /// The number of the line a token begins on, from 0.
    pub(super) fn line(&self, index: usize) -> usize {
        self.tokens
            .get(index)
            .or(self.tokens.last())
            .map_or(0, |token| token.line)
    }

    pub(super) fn begins_line(&self, index: usize) -> bool {
        match index.checked_sub(1) {
            None => true,
            Some(previous) => self.line(previous) != self.line(index),
        }
    }

    /// Blanks at the start of the line that a token is on.
    fn indentation(&self, index: usize) -> usize {
        let start = self.range(index).0 as usize;
        let before = self.text.get(..start).unwrap_or("");
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(line..).unwrap_or("");
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    /// What is open before a token, outermost first: brackets, strings, `let`, `if`, `then`.
    pub(super) fn open_at(&self, index: usize) -> Vec<usize> {
        self.walk(index, |_, _| {})
    }

    fn walk(&self, until: usize, mut closed: impl FnMut(usize, usize)) -> Vec<usize> {
        let mut open: Vec<usize> = Vec::new();
        for index in 0..until.min(self.tokens.len()) {
            let kind = self.kind(index);
            match kind {
                TOKEN_L_BRACE | TOKEN_L_BRACK | TOKEN_L_PAREN | TOKEN_INTERPOL_START
                | TOKEN_STRING_START | TOKEN_LET | TOKEN_IF => open.push(index),
                TOKEN_THEN => {
                    open.pop_if(|last| self.kind(*last) == TOKEN_IF);
                    open.push(index);
                }
                TOKEN_ELSE => {
                    open.pop_if(|last| self.kind(*last) == TOKEN_THEN);
                }
                TOKEN_IN => {
                    if let Some(at) = self.find(&open, |kind| kind == TOKEN_LET) {
                        open.truncate(at);
                    }
                }
                // Conditions that a binding left open are over with it.
                TOKEN_SEMICOLON => {
                    while open
                        .last()
                        .is_some_and(|last| matches!(self.kind(*last), TOKEN_IF | TOKEN_THEN))
                    {
                        open.pop();
                    }
                }
                TOKEN_STRING_END => {
                    if let Some(at) = self.find(&open, |kind| kind == TOKEN_STRING_START) {
                        open.truncate(at);
                    }
                }
                TOKEN_R_BRACE | TOKEN_R_BRACK | TOKEN_R_PAREN | TOKEN_INTERPOL_END => {
                    let wanted = self.text(index);
                    let innermost = self.find(&open, |kind| {
                        closing(kind).is_some() || kind == TOKEN_STRING_START
                    });
                    if let Some(at) = innermost
                        && closing(self.kind(open[at])) == Some(wanted)
                    {
                        closed(open[at], index);
                        open.truncate(at);
                    }
                }
                _ => {}
            }
        }
        open
    }

    fn find(&self, open: &[usize], is: impl Fn(SyntaxKind) -> bool) -> Option<usize> {
        open.iter().rposition(|index| is(self.kind(*index)))
    }

    /// The first bracket whose closing one begins a line further left than the opening one's line.
    pub(super) fn badly_indented(&self) -> Option<(usize, usize)> {
        let mut found = None;
        self.walk(self.len(), |open, close| {
            if self.begins_line(close)
                && self.line(open) != self.line(close)
                && self.indentation(close) < self.indentation(open)
            {
                found.get_or_insert((open, close));
            }
        });
        found
    }

    /// The nearest token of one of `kinds` before `index`, at the same depth, in the same binding.
    pub(super) fn back_to(&self, index: usize, kinds: &[SyntaxKind]) -> Option<usize> {
        let mut depth = 0usize;
        for at in (0..index.min(self.len())).rev() {
            match self.kind(at) {
                TOKEN_R_BRACE | TOKEN_R_BRACK | TOKEN_R_PAREN | TOKEN_INTERPOL_END
                | TOKEN_STRING_END => depth += 1,
                TOKEN_L_BRACE | TOKEN_L_BRACK | TOKEN_L_PAREN | TOKEN_INTERPOL_START
                | TOKEN_STRING_START => depth = depth.checked_sub(1)?,
                kind if depth == 0 && kinds.contains(&kind) => return Some(at),
                TOKEN_SEMICOLON if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// The first semicolon that stands directly in an open bracket, before `until`.
    pub(super) fn semicolon_in(&self, open: usize, until: usize) -> Option<usize> {
        let mut depth = 0usize;
        for index in open + 1..until {
            match self.kind(index) {
                TOKEN_L_BRACE | TOKEN_L_BRACK | TOKEN_L_PAREN | TOKEN_INTERPOL_START
                | TOKEN_STRING_START => depth += 1,
                TOKEN_R_BRACE | TOKEN_R_BRACK | TOKEN_R_PAREN | TOKEN_INTERPOL_END
                | TOKEN_STRING_END => depth = depth.checked_sub(1)?,
                TOKEN_SEMICOLON if depth == 0 => return Some(index),
                _ => {}
            }
        }
        None
    }

    /// The `if` of a `then`.
    pub(super) fn if_of(&self, then: usize) -> Option<usize> {
        let last = self.open_at(then).pop()?;
        (self.kind(last) == TOKEN_IF).then_some(last)
    }

    /// Where the attribute path that ends before `index` begins.
    pub(super) fn path_before(&self, index: usize) -> usize {
        let mut start = index.saturating_sub(1);
        loop {
            if self.kind(start) == TOKEN_STRING_END || self.kind(start) == TOKEN_INTERPOL_END {
                let open = self.open_at(start);
                start = open.last().copied().unwrap_or(start);
            }
            if start >= 2 && self.kind(start - 1) == TOKEN_DOT {
                start -= 2;
            } else {
                return start;
            }
        }
    }

    /// The name that an `=` binds.
    pub(super) fn binding_name(&self, assign: usize) -> &'a str {
        let start = self.range(self.path_before(assign)).0 as usize;
        let end = match assign.checked_sub(1) {
            Some(last) => self.range(last).1 as usize,
            None => start,
        };
        self.text.get(start..end).unwrap_or("")
    }

    /// Whether an open brace begins the arguments of a function: `}:` or `}@` closes it.
    pub(super) fn is_pattern(&self, open: Option<usize>) -> bool {
        let Some(open) = open.filter(|index| self.kind(*index) == TOKEN_L_BRACE) else {
            return false;
        };
        let mut depth = 0usize;
        for index in open..self.len() {
            match self.kind(index) {
                TOKEN_L_BRACE | TOKEN_INTERPOL_START => depth += 1,
                TOKEN_R_BRACE | TOKEN_INTERPOL_END => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return matches!(self.kind(index + 1), TOKEN_COLON | TOKEN_AT);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_known_in_broken_text_too() {
        let text = "{ a = [ (1 + \"x${y\" ; let b = if c then";
        let tokens = Tokens::of(text);
        let open: Vec<&str> = tokens
            .open_at(tokens.len())
            .into_iter()
            .map(|index| tokens.text(index))
            .collect();
        assert_eq!(open, ["{", "[", "(", "\"", "${", "\""]);
        for broken in ["", "}", "{", "''${", "\"", "}}}${{{", "let in ;"] {
            let tokens = Tokens::of(broken);
            for index in 0..=tokens.len() {
                tokens.open_at(index);
                tokens.back_to(index, &[TOKEN_ASSIGN]);
                tokens.is_pattern(Some(index));
                tokens.binding_name(index);
            }
        }
    }

    #[test]
    fn names_of_bindings_include_their_path() {
        let tokens = Tokens::of("{ a.\"b c\".d = 1; }");
        let assign = (0..tokens.len()).find(|index| tokens.kind(*index) == TOKEN_ASSIGN);
        assert_eq!(tokens.binding_name(assign.unwrap()), "a.\"b c\".d");
    }
}
