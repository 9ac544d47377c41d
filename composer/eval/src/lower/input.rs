//! What people type: complete or not, bindings or an expression. Syntax only, nothing is evaluated.
//!
//! Called by read-eval-print loops before they evaluate. Invariant: text is incomplete only if what follows
//! it can make it right.

use rnix::{ParseError, SyntaxKind};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing, or comments.
    Empty,
    /// The beginning of something: brackets, strings or operators are open.
    Incomplete,
    /// `x = 1`, `inherit (a) b;`: the inside of a set.
    Bindings,
    /// Anything else, right or wrong.
    Expression,
}

impl Input {
    /// Tells what `text` is.
    pub fn of(text: &str) -> Input {
        super::with_stack(text, || classify(text))
    }
}

fn classify(text: &str) -> Input {
    let significant = |kind: &SyntaxKind| {
        !matches!(
            kind,
            SyntaxKind::TOKEN_WHITESPACE | SyntaxKind::TOKEN_COMMENT
        )
    };
    let kinds: Vec<SyntaxKind> = rnix::tokenize(text)
        .map(|(kind, _)| kind)
        .filter(significant)
        .collect();
    if kinds.is_empty() {
        return Input::Empty;
    }
    if kinds.ends_with(&[SyntaxKind::TOKEN_ERROR]) && is_unclosed(text) {
        return Input::Incomplete;
    }
    if !starts_like_a_binding(&kinds) {
        return match first_error(text) {
            Some(error) if is_at_end(&error) => Input::Incomplete,
            _ => Input::Expression,
        };
    }
    match first_error(&as_set(text)) {
        None => Input::Bindings,
        Some(_) => match first_error(&format!("{{{text}")) {
            // Without the closing brace, the end of the text is the first problem of what only began.
            Some(error) if is_at_end(&error) => Input::Incomplete,
            _ => Input::Bindings,
        },
    }
}

/// Bindings as a set. The last semicolon may be missing.
pub(crate) fn as_set(bindings: &str) -> String {
    let closed = format!("{{{bindings}\n}}");
    match first_error(&closed) {
        None => closed,
        Some(_) => format!("{{{bindings}\n;}}"),
    }
}

fn first_error(text: &str) -> Option<ParseError> {
    rnix::Root::parse(text).errors().first().cloned()
}

fn is_at_end(error: &ParseError) -> bool {
    matches!(
        error,
        ParseError::UnexpectedEOF | ParseError::UnexpectedEOFWanted(_)
    )
}

/// Whether the text ends inside a string or a comment.
fn is_unclosed(text: &str) -> bool {
    let mut before = None;
    let mut last = None;
    for (kind, token) in rnix::tokenize(text) {
        before = last.replace((kind, token)).map(|(kind, _)| kind);
    }
    let Some((SyntaxKind::TOKEN_ERROR, token)) = last else {
        return false;
    };
    token.starts_with("/*")
        || matches!(
            before,
            Some(
                SyntaxKind::TOKEN_STRING_START
                    | SyntaxKind::TOKEN_STRING_CONTENT
                    | SyntaxKind::TOKEN_INTERPOL_END
            )
        )
}

/// `inherit`, or an attribute path and `=`. Interpolation in the path counts as path.
fn starts_like_a_binding(kinds: &[SyntaxKind]) -> bool {
    let mut depth = 0usize;
    for (index, kind) in kinds.iter().enumerate() {
        match kind {
            SyntaxKind::TOKEN_INHERIT if index == 0 => return true,
            SyntaxKind::TOKEN_INTERPOL_START => depth += 1,
            SyntaxKind::TOKEN_INTERPOL_END => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            SyntaxKind::TOKEN_ASSIGN => return index > 0,
            SyntaxKind::TOKEN_IDENT
            | SyntaxKind::TOKEN_OR
            | SyntaxKind::TOKEN_DOT
            | SyntaxKind::TOKEN_STRING_START
            | SyntaxKind::TOKEN_STRING_CONTENT
            | SyntaxKind::TOKEN_STRING_END => {}
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_sorted() {
        let cases = [
            (Input::Empty, &["", "  \n", "# c", "/* c */ # d"][..]),
            (
                Input::Expression,
                &[
                    "x",
                    "{ x = 1; }",
                    "x: y",
                    "{ a, b }: a",
                    "f x)",
                    "1 + )",
                    "a == b",
                    "x ? a",
                    "\"a = ${b}\"",
                    "@",
                    "]",
                    "/* c */ 1",
                ],
            ),
            (
                Input::Bindings,
                &[
                    "x = 1",
                    "x = 1;",
                    "x = 1; y = 2",
                    "a.b.\"c d\" = { }",
                    "inherit (a) b c",
                    "inherit x;",
                    "\"${a}\" = 1",
                    "${a} = 1",
                    "x = 1 # why",
                    "x = )",
                    "or = 1",
                ],
            ),
            (
                Input::Incomplete,
                &[
                    "{",
                    "{ a = 1;",
                    "(1 +",
                    "1 +",
                    "[ 1",
                    "let x = 1;",
                    "let x = 1; in",
                    "if a then b",
                    "x:",
                    "{ a, b }:",
                    "\"abc",
                    "\"abc ${",
                    "\"abc ${x} d",
                    "''\n a",
                    "/* c",
                    "x =",
                    "x = {",
                    "x = 1 +",
                    "x = \"a",
                    "x = let y = 1;",
                    "inherit (a",
                    "a.",
                    "with x;",
                ],
            ),
        ];
        for (expected, texts) in cases {
            for text in texts {
                assert_eq!(Input::of(text), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn deep_text_is_no_danger() {
        assert_eq!(Input::of(&"[".repeat(5_000)), Input::Incomplete);
    }
}
