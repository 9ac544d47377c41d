//! Source texts and positions: every span names a file of this map, also after the file's evaluation ended.
//!
//! Filled by the evaluator when it parses; read by error rendering and `unsafeGetAttrPos`.
//! Invariant: file ids and positions are never reused.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use codespan_reporting::files::{self, Files};
use elsa::FrozenVec;

/// A file known to the evaluator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A half-open byte range in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Where an attribute was defined: a span kept out of line, or nothing for values made in Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pos(u32);

impl Pos {
    /// No position is known.
    pub const NONE: Pos = Pos(0);
}

/// A position as people count: lines and columns from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file's name as given to the evaluator; for files read through `EvalIo`, the language's path.
    pub file: Rc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:{}:{}",
            self.file.trim_start_matches('/'),
            self.line,
            self.column
        )
    }
}

struct SourceFile {
    name: Rc<str>,
    text: String,
    line_starts: Vec<usize>,
}

#[derive(Default)]
pub(crate) struct SourceMap {
    files: FrozenVec<Box<SourceFile>>,
    positions: RefCell<Vec<Span>>,
    /// Starts of the names of files that belong to a library.
    libraries: Vec<String>,
}

impl SourceMap {
    pub(crate) fn add(&self, name: &str, text: String) -> FileId {
        let line_starts = files::line_starts(&text).collect();
        self.files.push(Box::new(SourceFile {
            name: name.into(),
            text,
            line_starts,
        }));
        FileId(u32::try_from(self.files.len() - 1).expect("fewer than 2^32 files"))
    }

    pub(crate) fn add_library(&mut self, prefix: &str) {
        self.libraries.push(prefix.to_owned());
    }

    pub(crate) fn is_library(&self, file: FileId) -> bool {
        let name = &self.file(file).name;
        self.libraries.iter().any(|prefix| name.starts_with(prefix))
    }

    pub(crate) fn text(&self, file: FileId) -> &str {
        &self.file(file).text
    }

    pub(crate) fn add_pos(&self, span: Span) -> Pos {
        let mut positions = self.positions.borrow_mut();
        positions.push(span);
        Pos(u32::try_from(positions.len()).expect("fewer than 2^32 positions"))
    }

    pub(crate) fn span(&self, pos: Pos) -> Option<Span> {
        let index = (pos.0 as usize).checked_sub(1)?;
        self.positions.borrow().get(index).copied()
    }

    pub(crate) fn location(&self, span: Span) -> Location {
        let file = self.file(span.file);
        let at = span.start as usize;
        let line = file
            .line_starts
            .partition_point(|&start| start <= at)
            .max(1);
        let before = file.text.get(file.line_starts[line - 1]..at).unwrap_or("");
        Location {
            file: file.name.clone(),
            line,
            column: before.chars().count() + 1,
        }
    }

    /// The file added last under `name`.
    pub(crate) fn find(&self, name: &str) -> Option<FileId> {
        let index = (0..self.files.len()).rev();
        let index = index
            .into_iter()
            .find(|index| *self.files[*index].name == *name)?;
        Some(FileId(u32::try_from(index).expect("fewer than 2^32 files")))
    }

    /// The word at a line and a column, both from 1: a name, a quoted string, or one character.
    pub(crate) fn word_at(&self, file: FileId, line: usize, column: usize) -> Option<Span> {
        let source = self.file(file);
        let line_start = *source.line_starts.get(line.checked_sub(1)?)?;
        let text = source.text.get(line_start..)?.lines().next()?;
        let (offset, first) = match text.char_indices().nth(column.checked_sub(1)?) {
            Some(found) => found,
            None => (text.len(), ' '),
        };
        let rest = &text[offset..];
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '\'');
        let length = match first {
            '"' => rest[1..].find('"').map_or(1, |end| end + 2),
            c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            c => c.len_utf8().min(rest.len()),
        };
        let at = |byte: usize| u32::try_from(byte).ok();
        Some(Span {
            file,
            start: at(line_start + offset)?,
            end: at(line_start + offset + length)?,
        })
    }

    fn file(&self, file: FileId) -> &SourceFile {
        self.files
            .get(file.0 as usize)
            .expect("file ids come from this map")
    }
}

impl<'a> Files<'a> for SourceMap {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<&'a str, files::Error> {
        // Paths of the language start at the root of the repository; people read them relative to it.
        Ok(self.file(id).name.trim_start_matches('/'))
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, files::Error> {
        Ok(&self.file(id).text)
    }

    fn line_index(&'a self, id: FileId, byte_index: usize) -> Result<usize, files::Error> {
        Ok(self
            .file(id)
            .line_starts
            .partition_point(|&start| start <= byte_index)
            .max(1)
            - 1)
    }

    fn line_range(&'a self, id: FileId, line: usize) -> Result<Range<usize>, files::Error> {
        let file = self.file(id);
        let Some(&start) = file.line_starts.get(line) else {
            return Err(files::Error::LineTooLarge {
                given: line,
                max: file.line_starts.len(),
            });
        };
        let end = file
            .line_starts
            .get(line + 1)
            .copied()
            .unwrap_or(file.text.len());
        Ok(start..end)
    }
}
