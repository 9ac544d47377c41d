//! Text of string literals: escapes, and the indentation rules of `''` strings.
//!
//! Called by lowering with the raw text between interpolations. Invariant: only spaces count as
//! indentation, and an escape is never indentation.

/// A piece of a string literal: text or an interpolated expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<T> {
    Text(String),
    Expr(T),
}

/// Interprets the escapes of a `"` string; line ends become `\n`.
pub(crate) fn unescape_quoted(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next().map(escaped)),
            '\r' => {
                chars.next_if_eq(&'\n');
                text.push('\n');
            }
            c => text.push(c),
        }
    }
    text
}

fn escaped(c: char) -> char {
    match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        c => c,
    }
}

/// A character of a `''` string, and whether an escape stood for it.
type Decoded = (char, bool);

/// Interprets the escapes of a `''` string: `'''`, `''$` and `''\x`.
fn decode_indented(raw: &str) -> Vec<Decoded> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find("''") {
        text.extend(rest[..at].chars().map(|c| (c, false)));
        let mut chars = rest[at + 2..].chars();
        match chars.next() {
            Some('\'') => text.extend([('\'', true), ('\'', true)]),
            Some('$') => text.push(('$', true)),
            Some('\\') => text.extend(chars.next().map(|c| (escaped(c), true))),
            // The tokenizer ends the literal at any other `''`.
            _ => {}
        }
        rest = chars.as_str();
    }
    text.extend(rest.chars().map(|c| (c, false)));
    text
}

/// Removes the common indentation of a `''` string and interprets its escapes.
///
/// The first line counts only if something other than spaces is on it; a last line of spaces is
/// dropped after its line end; lines of spaces alone do not count towards the common indentation.
/// An escape counts as text for finding the indentation, but as what it stands for when removing it.
pub(crate) fn strip_indentation<T>(pieces: Vec<Piece<T>>) -> Vec<Piece<T>> {
    let mut pieces: Vec<Decodable<T>> = pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(raw) => Decodable::Text(decode_indented(&raw)),
            Piece::Expr(expr) => Decodable::Expr(expr),
        })
        .collect();
    if let Some(Decodable::Text(first)) = pieces.first_mut()
        && let Some(end) = first.iter().position(|c| *c != (' ', false))
        && first[end] == ('\n', false)
    {
        first.drain(..=end);
    }
    let indent = common_indentation(&pieces);
    let last = pieces.len().saturating_sub(1);
    let mut at_line_start = true;
    let mut dropped = 0;
    let mut stripped = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.into_iter().enumerate() {
        let mut decoded = match piece {
            Decodable::Expr(expr) => {
                at_line_start = false;
                stripped.push(Piece::Expr(expr));
                continue;
            }
            Decodable::Text(decoded) => decoded,
        };
        decoded.retain(|(c, _)| match c {
            ' ' if at_line_start => {
                dropped += 1;
                dropped > indent
            }
            '\n' => {
                at_line_start = true;
                dropped = 0;
                true
            }
            _ => {
                at_line_start = false;
                true
            }
        });
        if index == last
            && let Some(end) = decoded.iter().rposition(|c| *c != (' ', false))
            && decoded[end] == ('\n', false)
        {
            decoded.truncate(end + 1);
        }
        if !decoded.is_empty() {
            stripped.push(Piece::Text(decoded.into_iter().map(|(c, _)| c).collect()));
        }
    }
    stripped
}

enum Decodable<T> {
    Text(Vec<Decoded>),
    Expr(T),
}

fn common_indentation<T>(pieces: &[Decodable<T>]) -> usize {
    let mut common = usize::MAX;
    let mut current = 0;
    let mut at_line_start = true;
    for piece in pieces {
        match piece {
            Decodable::Expr(_) => {
                if at_line_start {
                    common = common.min(current);
                }
                at_line_start = false;
            }
            Decodable::Text(decoded) => {
                for c in decoded {
                    match c {
                        ('\n', false) => {
                            at_line_start = true;
                            current = 0;
                        }
                        (' ', false) if at_line_start => current += 1,
                        _ if at_line_start => {
                            at_line_start = false;
                            common = common.min(current);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(raw: &str) -> String {
        strip_parts(vec![Piece::Text(raw.to_owned())])
    }

    fn strip_parts(pieces: Vec<Piece<&str>>) -> String {
        let parts = strip_indentation(pieces);
        parts
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Expr(name) => format!("<{name}>"),
            })
            .collect()
    }

    fn text(raw: &str) -> Piece<&'static str> {
        Piece::Text(raw.to_owned())
    }

    #[test]
    fn common_indentation_goes_and_relative_indentation_stays() {
        assert_eq!(strip("\n    a\n      b\n    c\n  "), "a\n  b\nc\n");
    }

    #[test]
    fn the_first_line_counts_when_it_has_text() {
        assert_eq!(strip("a\n   b"), "a\n   b");
        assert_eq!(strip("  a\n   b"), "a\n b");
    }

    #[test]
    fn blank_lines_do_not_count_and_lose_what_they_have() {
        assert_eq!(strip("\n    a\n\n  \n    b\n"), "a\n\n\nb\n");
        assert_eq!(strip("\n  a\n      \n  b"), "a\n    \nb");
    }

    #[test]
    fn only_spaces_are_indentation() {
        assert_eq!(strip("\n\ta\n  b\n"), "\ta\n  b\n");
    }

    #[test]
    fn a_last_line_of_spaces_is_dropped_but_not_its_line_end() {
        assert_eq!(strip("\n  a\n  "), "a\n");
        assert_eq!(strip("a  "), "a  ");
        assert_eq!(strip("   "), "");
    }

    #[test]
    fn interpolation_counts_as_text() {
        assert_eq!(
            strip_parts(vec![
                text("\n    "),
                Piece::Expr("x"),
                text("\n      b\n  ")
            ]),
            "<x>\n  b\n"
        );
        assert_eq!(
            strip_parts(vec![Piece::Expr("x"), text("\n  b")]),
            "<x>\n  b"
        );
    }

    #[test]
    fn escapes_are_text_and_come_last() {
        assert_eq!(strip("\n  ''\\n\n   '''\n  ''${x}\n"), "\n\n ''\n${x}\n");
        assert_eq!(strip("a''\\tb''\\\\"), "a\tb\\");
        assert_eq!(strip("it's '\n"), "it's '\n");
    }

    #[test]
    fn quoted_escapes() {
        assert_eq!(unescape_quoted(r#"a\n\t\"\\\${x} $$"#), "a\n\t\"\\${x} $$");
        assert_eq!(unescape_quoted("a\r\nb\rc"), "a\nb\nc");
    }
}
