//! Reads typed values out of a parsed TOML table and collects every fault on the way.
//!
//! Called by `profile` and `flake`. A key is known because code asks for it: `Table::finish` reports the keys
//! nobody asked for, and the list of valid keys it shows is exactly the list asked for.
//! Invariant: a method that returns `None` for a required value has recorded why.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::data::{self, Entry};
use crate::error::{Problem, TomlError, locate};
use crate::suggest::closest;

/// A value and the line of the file it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Line, counted from 1.
    pub line: usize,
}

pub(crate) struct Reader<'t> {
    text: &'t str,
    problems: RefCell<Vec<(usize, Problem)>>,
}

/// Parses `text`, hands its top table to `read` and returns what it made, unless anything was wrong.
pub(crate) fn read_file<T>(
    file: &str,
    text: &str,
    read: impl FnOnce(&Table<'_, '_>) -> Option<T>,
) -> Result<T, TomlError> {
    let fail = |problems| TomlError {
        file: file.to_owned(),
        problems,
    };
    let parsed = DeTable::parse(text).map_err(|e| {
        let span = e.span().unwrap_or(0..0);
        let message = e.message().replace('\n', ", ");
        fail(vec![Problem::new(text, span, message)])
    })?;
    let reader = Reader {
        text,
        problems: RefCell::new(Vec::new()),
    };
    let top = Table::new(&reader, String::new(), parsed.get_ref(), 0..0);
    let value = read(&top);
    top.finish();
    let mut problems = reader.problems.into_inner();
    problems.sort_by_key(|(offset, _)| *offset);
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(fail(problems.into_iter().map(|(_, p)| p).collect())),
    }
}

pub(crate) struct Table<'r, 't> {
    reader: &'r Reader<'t>,
    /// Dotted path, empty for the file itself.
    path: String,
    table: &'r DeTable<'t>,
    span: Range<usize>,
    asked: RefCell<Vec<String>>,
}

pub(crate) type Value<'r, 't> = &'r Spanned<DeValue<'t>>;

impl<'r, 't> Table<'r, 't> {
    fn new(
        reader: &'r Reader<'t>,
        path: String,
        table: &'r DeTable<'t>,
        span: Range<usize>,
    ) -> Self {
        Table {
            reader,
            path,
            table,
            span,
            asked: RefCell::new(Vec::new()),
        }
    }

    pub(crate) fn line(&self) -> usize {
        locate(self.reader.text, self.span.start).0
    }

    pub(crate) fn line_of(&self, value: Value<'_, '_>) -> usize {
        locate(self.reader.text, value.span().start).0
    }

    fn shown(&self) -> String {
        if self.path.is_empty() {
            "the file".to_owned()
        } else {
            format!("[{}]", self.path)
        }
    }

    fn below(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    pub(crate) fn problem(&self, span: Range<usize>, message: String) {
        self.report(span.clone(), Problem::new(self.reader.text, span, message));
    }

    fn report(&self, span: Range<usize>, problem: Problem) {
        self.reader
            .problems
            .borrow_mut()
            .push((span.start, problem));
    }

    /// Reports a word that is none of `valid`.
    pub(crate) fn not_one_of(
        &self,
        word: &str,
        span: Range<usize>,
        message: String,
        valid: &[&str],
    ) {
        let near = closest(word, valid.iter().copied());
        let problem = Problem::new(self.reader.text, span.clone(), message)
            .suggest(near.map(|n| format!("did you mean `{n}`?")))
            .note(format!("valid: {}", valid.join(", ")));
        self.report(span, problem);
    }

    /// The keys with their values, in the order of the file.
    pub(crate) fn entries(&self) -> Vec<(&'r str, Range<usize>, Value<'r, 't>)> {
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(k, v)| (k.get_ref().as_ref(), k.span(), v))
            .collect();
        entries.sort_by_key(|(_, span, _)| span.start);
        let mut asked = self.asked.borrow_mut();
        asked.extend(entries.iter().map(|(k, _, _)| (*k).to_owned()));
        entries
    }

    /// The table as data, without asking for any key; what is no data is left out.
    pub(crate) fn data(&self) -> Vec<Entry> {
        data::entries(self.table, &mut |_, _, _, _| {})
    }

    /// Reports what is no data.
    pub(crate) fn report_no_data(&self) {
        data::entries(self.table, &mut |key, span, value, wanted| {
            self.wrong_type_at(key, span, value, wanted);
        });
    }

    pub(crate) fn get(&self, key: &str) -> Option<Value<'r, 't>> {
        self.asked.borrow_mut().push(key.to_owned());
        self.table
            .iter()
            .find(|(k, _)| k.get_ref().as_ref() == key)
            .map(|(_, v)| v)
    }

    fn need(&self, key: &str) -> Option<Value<'r, 't>> {
        let value = self.get(key);
        // A missing key next to a misspelt one is reported once, by `finish`, at the misspelt one.
        if value.is_none() && self.misspelt(key).is_none() {
            let message = format!("{} lacks the key `{key}`", self.shown());
            self.problem(self.span.clone(), message);
        }
        value
    }

    /// A key of the table that nobody asked for and that looks like `key`.
    fn misspelt(&self, key: &str) -> Option<&str> {
        let asked = self.asked.borrow();
        let unasked = self.table.iter().map(|(k, _)| k.get_ref().as_ref());
        let mut like = unasked.filter(|k| closest(k, [key]).is_some());
        like.find(|k| !asked.iter().any(|a| a == k))
    }

    /// For a table that is given up because the required `key` is misspelt, so that `finish`,
    /// which would report it, is never reached.
    pub(crate) fn give_up(&self, key: &str) {
        if let Some(wrong) = self.misspelt(key)
            && self.get(key).is_none()
        {
            let message = format!("{} lacks the key `{key}`", self.shown());
            let problem = Problem::new(self.reader.text, self.span.clone(), message)
                .suggest(Some(format!("did you mean `{key}` by `{wrong}`?")));
            self.report(self.span.clone(), problem);
        }
    }

    pub(crate) fn wrong_type(&self, key: &str, value: Value<'_, '_>, wanted: &str) {
        self.wrong_type_at(key, value.span(), value.get_ref(), wanted);
    }

    fn wrong_type_at(&self, key: &str, span: Range<usize>, value: &DeValue<'_>, wanted: &str) {
        let found = value.type_str();
        let message = format!("`{key}` must be {wanted}, not {} {found}", article(found));
        self.problem(span, message);
    }

    fn as_string(&self, key: &str, value: Value<'_, '_>) -> Option<At<String>> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "a string");
            return None;
        };
        Some(At {
            value: text.to_owned(),
            line: self.line_of(value),
        })
    }

    pub(crate) fn string(&self, key: &str) -> Option<At<String>> {
        self.need(key).and_then(|v| self.as_string(key, v))
    }

    pub(crate) fn string_or_none(&self, key: &str) -> Option<At<String>> {
        self.get(key).and_then(|v| self.as_string(key, v))
    }

    /// A required string that is one of the listed words.
    pub(crate) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.need(key)?;
        let word = self.as_string(key, value)?.value;
        let found = choices.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let valid: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let message = format!("`{key}` can't be \"{word}\"");
            self.not_one_of(&word, value.span(), message, &valid);
        }
        found.map(|(_, choice)| *choice)
    }

    /// As `choice`, where the key may be absent.
    pub(crate) fn choice_or_none<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        self.get(key)?;
        self.choice(key, choices)
    }

    /// `true` or `false`.
    pub(crate) fn flag_or_none(&self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        flag
    }

    pub(crate) fn array(&self, key: &str, value: Value<'r, 't>) -> Option<Vec<Value<'r, 't>>> {
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "an array");
            return None;
        };
        Some(array.iter().collect())
    }

    /// An array of distinct strings, each checked by `check`, which says what is wrong with one.
    pub(crate) fn as_strings(
        &self,
        key: &str,
        value: Value<'r, 't>,
        check: fn(&str) -> Option<&'static str>,
    ) -> Vec<At<String>> {
        let mut strings: Vec<At<String>> = Vec::new();
        for item in self.array(key, value).unwrap_or_default() {
            let Some(string) = self.as_string(key, item) else {
                continue;
            };
            if let Some(fault) = check(&string.value) {
                let message = format!("\"{}\" in `{key}` {fault}", string.value);
                self.problem(item.span(), message);
            } else if strings.iter().any(|s| s.value == string.value) {
                let message = format!("\"{}\" stands twice in `{key}`", string.value);
                self.problem(item.span(), message);
            } else {
                strings.push(string);
            }
        }
        strings
    }

    pub(crate) fn strings(
        &self,
        key: &str,
        check: fn(&str) -> Option<&'static str>,
    ) -> Vec<At<String>> {
        self.need(key)
            .map(|v| self.as_strings(key, v, check))
            .unwrap_or_default()
    }

    pub(crate) fn strings_or_none(
        &self,
        key: &str,
        check: fn(&str) -> Option<&'static str>,
    ) -> Vec<At<String>> {
        self.get(key)
            .map(|v| self.as_strings(key, v, check))
            .unwrap_or_default()
    }

    /// A whole number of at least 1.
    pub(crate) fn count_or_none(&self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(i) => u64::from_str_radix(i.as_str(), i.radix()).ok(),
            _ => None,
        };
        let number = number.filter(|n| *n > 0);
        if number.is_none() {
            self.wrong_type(key, value, "a whole number of at least 1");
        }
        number
    }

    pub(crate) fn as_table(&self, key: &str, value: Value<'r, 't>) -> Option<Table<'r, 't>> {
        match value.get_ref() {
            DeValue::Table(table) => {
                let span = self.key_span(key).unwrap_or_else(|| value.span());
                Some(Table::new(self.reader, self.below(key), table, span))
            }
            _ => {
                self.wrong_type(key, value, "a table");
                None
            }
        }
    }

    fn key_span(&self, key: &str) -> Option<Range<usize>> {
        let mut keys = self.table.iter();
        keys.find(|(k, _)| k.get_ref().as_ref() == key)
            .map(|(k, _)| k.span())
    }

    /// A table inside an array: `span` is the item's own.
    pub(crate) fn item_table(&self, key: &str, value: Value<'r, 't>) -> Option<Table<'r, 't>> {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(key, value, "a table");
            return None;
        };
        Some(Table::new(
            self.reader,
            self.below(key),
            table,
            value.span(),
        ))
    }

    pub(crate) fn table(&self, key: &str) -> Option<Table<'r, 't>> {
        self.need(key).and_then(|v| self.as_table(key, v))
    }

    pub(crate) fn table_or_none(&self, key: &str) -> Option<Table<'r, 't>> {
        self.get(key).and_then(|v| self.as_table(key, v))
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(&self) {
        let mut valid = self.asked.borrow().clone();
        let mut seen = std::collections::BTreeSet::new();
        valid.retain(|k| seen.insert(k.clone()));
        for (key, _) in self.table.iter() {
            let name: &str = key.get_ref();
            if seen.contains(name) {
                continue;
            }
            let near = closest(name, valid.iter().map(String::as_str));
            let message = format!("unknown key `{name}` in {}", self.shown());
            let problem = Problem::new(self.reader.text, key.span(), message)
                .suggest(near.map(|n| format!("did you mean `{n}`?")))
                .note(format!("valid keys: {}", valid.join(", ")));
            self.report(key.span(), problem);
        }
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

/// Says what keeps `name` from being a name of ours: `[a-z0-9][a-z0-9._-]*`.
pub(crate) fn name_fault(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = name.starts_with(plain)
        && name
            .chars()
            .all(|c| plain(c) || matches!(c, '-' | '_' | '.'))
        && !name.contains("..");
    (!good).then_some("must be made of lower-case letters, digits, `-`, `_` and `.`")
}
