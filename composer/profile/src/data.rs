//! A profile's text as plain data, each key with its place in the file.
//!
//! Made by `profile`; the evaluator makes a module of it, so that an error about a definition shows the
//! profile's own line. Invariant: entries stand in the order of the file, no key twice in a table.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// A value of a profile.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number with a fraction.
    Float(f64),
    /// Text.
    String(String),
    /// An array.
    List(Vec<Data>),
    /// A table.
    Table(Vec<Entry>),
}

/// A key of a table with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Bytes of the file that are the key.
    pub span: Range<usize>,
    /// The value.
    pub value: Data,
}

/// Why a value is no [`Data`], in the words "must be ...".
pub(crate) type Fault = &'static str;

/// The table's entries; `fault` gets each value that the evaluator has no type for, which is left out.
pub(crate) fn entries<'r, 't>(
    table: &'r DeTable<'t>,
    fault: &mut impl FnMut(&str, Range<usize>, &'r DeValue<'t>, Fault),
) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (key, value) in table {
        let name = key.get_ref().to_string();
        if let Some(data) = data(&name, value.span(), value.get_ref(), fault) {
            entries.push(Entry {
                key: name,
                span: key.span(),
                value: data,
            });
        }
    }
    entries.sort_by_key(|entry| entry.span.start);
    entries
}

fn data<'r, 't>(
    key: &str,
    span: Range<usize>,
    value: &'r DeValue<'t>,
    fault: &mut impl FnMut(&str, Range<usize>, &'r DeValue<'t>, Fault),
) -> Option<Data> {
    let refused = match value {
        DeValue::String(text) => return Some(Data::String(text.to_string())),
        DeValue::Boolean(flag) => return Some(Data::Bool(*flag)),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => return Some(Data::Int(number)),
            Err(_) => "a number of at most 64 bits",
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => return Some(Data::Float(number)),
            _ => "a finite number",
        },
        // The language has no such type, and a string made from one would hide that.
        DeValue::Datetime(_) => "a string, number, boolean, array or table",
        DeValue::Array(items) => {
            let items = items.iter();
            let items =
                items.filter_map(|item| data(key, item.span(), item.get_ref(), &mut *fault));
            return Some(Data::List(items.collect()));
        }
        DeValue::Table(table) => return Some(Data::Table(entries(table, fault))),
    };
    fault(key, span, value, refused);
    None
}
