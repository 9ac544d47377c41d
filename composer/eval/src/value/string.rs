//! Strings of the language: byte strings, nearly always UTF-8, with an optional context.
//!
//! Invariant: `Text::Utf8` is used whenever the bytes are valid UTF-8, so `as_str` costs nothing and
//! equal strings have equal representations. The context is opaque here; the host gives it meaning.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

/// What a string refers to: items in the host's own notation, for instance derivation outputs.
pub type Context = BTreeSet<Rc<str>>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    Utf8(Box<str>),
    Bytes(Box<[u8]>),
}

/// A string with its context. Equality and order of the language ignore the context.
#[derive(Clone, Debug)]
pub struct NixString {
    text: Text,
    context: Option<Rc<Context>>,
}

impl NixString {
    /// Makes a string of arbitrary bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> NixString {
        let text = match String::from_utf8(bytes) {
            Ok(text) => Text::Utf8(text.into()),
            Err(error) => Text::Bytes(error.into_bytes().into()),
        };
        NixString {
            text,
            context: None,
        }
    }

    /// The same text with `context` instead of its own.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> NixString {
        self.context = if context.is_empty() {
            None
        } else {
            Some(Rc::new(context))
        };
        self
    }

    pub(crate) fn with_shared_context(mut self, context: Option<Rc<Context>>) -> NixString {
        self.context = context;
        self
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.text {
            Text::Utf8(text) => text.as_bytes(),
            Text::Bytes(bytes) => bytes,
        }
    }

    /// The text, unless the bytes are not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match &self.text {
            Text::Utf8(text) => Some(text),
            Text::Bytes(_) => None,
        }
    }

    /// The text for people: what is not UTF-8 is replaced.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// The context, absent when empty.
    pub fn context(&self) -> Option<&Rc<Context>> {
        self.context.as_ref()
    }
}

impl From<&str> for NixString {
    fn from(text: &str) -> NixString {
        NixString {
            text: Text::Utf8(text.into()),
            context: None,
        }
    }
}

impl From<String> for NixString {
    fn from(text: String) -> NixString {
        NixString {
            text: Text::Utf8(text.into()),
            context: None,
        }
    }
}

impl PartialEq for NixString {
    fn eq(&self, other: &NixString) -> bool {
        self.text == other.text
    }
}

impl Eq for NixString {}

impl PartialOrd for NixString {
    fn partial_cmp(&self, other: &NixString) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NixString {
    fn cmp(&self, other: &NixString) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

/// Concatenates pieces and unites their contexts.
#[derive(Default)]
pub(crate) struct StringBuilder {
    text: String,
    /// Set as soon as a piece is not UTF-8; then everything goes here.
    bytes: Option<Vec<u8>>,
    context: Option<Rc<Context>>,
}

impl StringBuilder {
    pub(crate) fn push(&mut self, piece: &NixString) {
        self.push_context(piece.context());
        match (&mut self.bytes, &piece.text) {
            (None, Text::Utf8(text)) => self.text.push_str(text),
            (Some(bytes), _) => bytes.extend_from_slice(piece.as_bytes()),
            (None, Text::Bytes(piece)) => {
                let mut bytes = std::mem::take(&mut self.text).into_bytes();
                bytes.extend_from_slice(piece);
                self.bytes = Some(bytes);
            }
        }
    }

    pub(crate) fn push_bytes(&mut self, piece: &[u8]) {
        match (&mut self.bytes, std::str::from_utf8(piece)) {
            (None, Ok(text)) => self.text.push_str(text),
            (Some(bytes), _) => bytes.extend_from_slice(piece),
            (None, Err(_)) => {
                let mut bytes = std::mem::take(&mut self.text).into_bytes();
                bytes.extend_from_slice(piece);
                self.bytes = Some(bytes);
            }
        }
    }

    pub(crate) fn push_str(&mut self, piece: &str) {
        match &mut self.bytes {
            None => self.text.push_str(piece),
            Some(bytes) => bytes.extend_from_slice(piece.as_bytes()),
        }
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.as_ref().map_or(self.text.len(), Vec::len)
    }

    pub(crate) fn push_context(&mut self, context: Option<&Rc<Context>>) {
        let Some(new) = context else { return };
        match &mut self.context {
            None => self.context = Some(new.clone()),
            Some(old) if Rc::ptr_eq(old, new) => {}
            Some(old) => Rc::make_mut(old).extend(new.iter().cloned()),
        }
    }

    /// A builder that writes into `buffer`, which has to be empty; see `finish_keeping`.
    pub(crate) fn reusing(buffer: String) -> StringBuilder {
        debug_assert!(buffer.is_empty());
        StringBuilder {
            text: buffer,
            ..StringBuilder::default()
        }
    }

    /// The string, in memory of just its size, and the buffer for the next one.
    pub(crate) fn finish_keeping(mut self) -> (NixString, String) {
        if self.bytes.is_some() {
            return (self.finish(), String::new());
        }
        let string = NixString::from(self.text.as_str()).with_shared_context(self.context.take());
        self.text.clear();
        (string, self.text)
    }

    /// Pushes what `Display` shows.
    pub(crate) fn push_display(&mut self, piece: impl std::fmt::Display) {
        use std::fmt::Write;
        match &mut self.bytes {
            None => write!(self.text, "{piece}").expect("strings take any text"),
            Some(bytes) => bytes.extend_from_slice(piece.to_string().as_bytes()),
        }
    }

    pub(crate) fn finish(self) -> NixString {
        let string = match self.bytes {
            None => NixString::from(self.text),
            Some(bytes) => NixString::from_bytes(bytes),
        };
        string.with_shared_context(self.context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_characters_come_together_again() {
        let (first, second) = "é".as_bytes().split_at(1);
        let halves = [first, second].map(|half| NixString::from_bytes(half.to_vec()));
        assert_eq!(halves[0].as_str(), None);
        let mut builder = StringBuilder::default();
        builder.push_str("a");
        builder.push(&halves[0]);
        builder.push(&halves[1]);
        assert_eq!(builder.finish().as_str(), Some("aé"));
    }

    #[test]
    fn a_kept_buffer_is_empty_and_bytes_do_not_go_there() {
        let mut builder = StringBuilder::reusing(String::with_capacity(100));
        builder.push_display(-12);
        let (string, buffer) = builder.finish_keeping();
        assert_eq!(string.as_str(), Some("-12"));
        assert!(buffer.is_empty() && buffer.capacity() >= 100);
        let mut builder = StringBuilder::reusing(buffer);
        builder.push(&NixString::from_bytes(vec![0xff]));
        builder.push_display(7);
        let (string, buffer) = builder.finish_keeping();
        assert_eq!(string.as_bytes(), b"\xff7");
        assert!(buffer.is_empty());
    }

    #[test]
    fn contexts_unite() {
        let with = |item: &str| NixString::from("x").with_context([Rc::from(item)].into());
        let mut builder = StringBuilder::default();
        builder.push(&with("b"));
        builder.push(&with("a"));
        let string = builder.finish();
        let items: Vec<&str> = string
            .context()
            .unwrap()
            .iter()
            .map(|item| &**item)
            .collect();
        assert_eq!(items, ["a", "b"]);
    }
}
