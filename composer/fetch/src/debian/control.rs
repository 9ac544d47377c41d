//! Paragraphs of `Field: value` lines, the format of all index files.
//!
//! Used by `release` and `index`. Invariant: a paragraph borrows from the text, so that an index of 57 MB is
//! walked without copying it.

/// One paragraph of a control file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paragraph<'t>(&'t str);

/// Splits a text into paragraphs.
pub(crate) fn paragraphs(text: &str) -> impl Iterator<Item = Paragraph<'_>> {
    text.split("\n\n")
        .map(|p| p.trim_matches('\n'))
        .filter(|p| !p.is_empty())
        .map(Paragraph)
}

impl<'t> Paragraph<'t> {
    /// The value of a field, with its continuation lines, trimmed.
    pub(crate) fn get(self, field: &str) -> Option<&'t str> {
        let text = self.0;
        let mut start = 0;
        while start < text.len() {
            let line_end = text[start..].find('\n').map_or(text.len(), |p| start + p);
            let line = &text[start..line_end];
            let named = line.len() > field.len()
                && line.as_bytes()[field.len()] == b':'
                && line.as_bytes()[..field.len()].eq_ignore_ascii_case(field.as_bytes());
            if named {
                let mut end = line_end;
                while text[end..].starts_with("\n ") || text[end..].starts_with("\n\t") {
                    end = text[end + 1..]
                        .find('\n')
                        .map_or(text.len(), |p| end + 1 + p);
                }
                return Some(text[start + field.len() + 1..end].trim());
            }
            start = line_end + 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::paragraphs;

    #[test]
    fn fields_and_continuations() {
        let text = "\n\nPackage: a\nDepends: b,\n c (>= 1)\nSize: 5\n\n\npackage: d\n";
        let found: Vec<_> = paragraphs(text).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].get("Depends"), Some("b,\n c (>= 1)"));
        assert_eq!(found[0].get("Size"), Some("5"));
        assert_eq!(found[0].get("Siz"), None);
        assert_eq!(found[0].get("c (>= 1)"), None);
        assert_eq!(found[1].get("Package"), Some("d"));
    }
}
