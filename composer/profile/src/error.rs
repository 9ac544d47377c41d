//! What is wrong with a TOML file, shown with file, line, column, excerpt and a way out.
//!
//! Built by `reader` and the lock parser; the command line prints `TomlError` as it is.
//! Invariant: every problem of a file is reported, in the order of the file.

use std::fmt;
use std::ops::Range;

/// One fault in a TOML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong, in lower case without a full stop.
    pub message: String,
    /// The line of the file the fault is on.
    pub excerpt: String,
    /// Number of characters to underline, at least 1.
    pub width: usize,
    /// The likely remedy, shown at the underline.
    pub suggestion: Option<String>,
    /// Further facts, one a line.
    pub notes: Vec<String>,
}

impl Problem {
    pub(crate) fn new(text: &str, span: Range<usize>, message: String) -> Self {
        let (line, column, excerpt) = locate(text, span.start);
        let marked = text.get(span.start..span.end.max(span.start)).unwrap_or("");
        let width = marked.lines().next().unwrap_or("").chars().count().max(1);
        Problem {
            line,
            column,
            message,
            excerpt,
            width,
            suggestion: None,
            notes: Vec::new(),
        }
    }

    pub(crate) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    pub(crate) fn note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }
}

/// Line and column (from 1) of a byte offset, and that line's text.
pub(crate) fn locate(text: &str, offset: usize) -> (usize, usize, String) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |p| p + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |p| offset + p);
    let line = before.matches('\n').count() + 1;
    (
        line,
        text[start..offset].chars().count() + 1,
        text[start..end].trim_end_matches('\r').to_owned(),
    )
}

/// A TOML file that can't be used, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TomlError {
    /// The file's name as the caller gave it.
    pub file: String,
    /// The faults, in the order of the file; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for TomlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, p) in self.problems.iter().enumerate() {
            if index > 0 {
                out.write_str("\n")?;
            }
            write!(out, "{}:{}:{}: {}", self.file, p.line, p.column, p.message)?;
            let gutter = p.line.to_string().len().max(4);
            write!(out, "\n{:>gutter$} | {}", p.line, p.excerpt)?;
            // Tabs are kept so that the mark stands below the word in a terminal.
            let pad: String = p
                .excerpt
                .chars()
                .take(p.column - 1)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            write!(out, "\n{:>gutter$} | {pad}{}", "", "^".repeat(p.width))?;
            if let Some(suggestion) = &p.suggestion {
                write!(out, " {suggestion}")?;
            }
            for note in &p.notes {
                write!(out, "\n{:>gutter$} = {note}", "")?;
            }
        }
        Ok(())
    }
}
