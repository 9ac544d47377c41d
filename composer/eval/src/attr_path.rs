//! Attribute paths as people write them on command lines: `a.b`, `a."b c".d`.
//!
//! Used by hosts to select, and by completion. Invariant: what comes back names attributes without quotes.

/// The names of an attribute path; nothing if it is not one. A name that needs quotes in the language may
/// stand without them, as on the command line of Nix; it only may not contain a dot.
pub fn split_attr_path(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                let (part, after) = rest.split_at(end);
                if part.is_empty() || part.contains('"') {
                    return None;
                }
                (part.to_owned(), after)
            }
        };
        parts.push(part);
        if after.is_empty() {
            return Some(parts);
        }
        rest = after.strip_prefix('.')?;
    }
}

/// The text up to the closing quote, and what follows it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((name, &quoted[at + 1..])),
            '\\' => name.push(chars.next()?.1),
            c => name.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_dots_outside_of_quotes() {
        let split = |text: &str| split_attr_path(text).map(|parts| parts.join("|"));
        assert_eq!(split("a").as_deref(), Some("a"));
        assert_eq!(split("a.b-c.0").as_deref(), Some("a|b-c|0"));
        assert_eq!(split("a.\"b.c d\".e").as_deref(), Some("a|b.c d|e"));
        assert_eq!(split(r#""a\"b""#).as_deref(), Some("a\"b"));
        assert_eq!(split("\"\"").as_deref(), Some(""));
        for wrong in ["", ".", "a.", ".a", "a..b", "\"a", "\"a\"b", "a\"b\""] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }
}
