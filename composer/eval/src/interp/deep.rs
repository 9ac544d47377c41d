//! Whole values: forcing everything inside, and printing in the language's own syntax.
//!
//! Used by `deepSeq`, `trace` and hosts. Invariant: both end on cyclic values, because each shared set or
//! list is entered once (forcing) or not while it is being printed.

use std::fmt::Write;
use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::error::{EvalError, FrameKind};
use crate::evaluator::Evaluator;
use crate::value::Value;

impl Evaluator {
    /// Forces a value and everything inside.
    pub fn force_deep(&self, value: &Value) -> Result<Value, EvalError> {
        let value = self.force(value)?;
        self.deep(&value, &mut FxHashSet::default())?;
        Ok(value)
    }

    fn deep(&self, value: &Value, seen: &mut FxHashSet<usize>) -> Result<(), EvalError> {
        self.deeper(|| match self.force(value)? {
            Value::List(items) if seen.insert(Rc::as_ptr(&items).addr()) => {
                for (index, item) in items.iter().enumerate() {
                    self.deep(item, seen)
                        .map_err(|error| error.during(FrameKind::Element(index), None))?;
                }
                Ok(())
            }
            Value::Attrs(attrs) if seen.insert(Rc::as_ptr(&attrs).addr()) => {
                for (_, attr) in self.sorted(&attrs) {
                    self.deep(&attr.value, seen)
                        .map_err(|error| self.during_attr(error, attr))?;
                }
                Ok(())
            }
            _ => Ok(()),
        })
    }

    /// The value in the language's syntax. What is not evaluated yet is shown as such; call
    /// [`Evaluator::force_deep`] first to see everything.
    pub fn show(&self, value: &Value) -> String {
        let mut out = String::new();
        self.print(value, &mut out, &mut FxHashSet::default());
        out
    }

    fn print(&self, value: &Value, out: &mut String, open: &mut FxHashSet<usize>) {
        stacker::maybe_grow(super::RED_ZONE, super::SEGMENT, || {
            self.print_inner(value, out, open);
        });
    }

    fn print_inner(&self, value: &Value, out: &mut String, open: &mut FxHashSet<usize>) {
        let value = match value {
            Value::Thunk(thunk) if !Evaluator::is_forced(thunk) => {
                out.push_str("«thunk»");
                return;
            }
            value => match self.force(value) {
                Ok(value) => value,
                Err(_) => return,
            },
        };
        match &value {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Int(value) => out.push_str(&value.to_string()),
            Value::Float(value) => out.push_str(&show_float(*value)),
            Value::String(text) => quote(&text.to_string_lossy(), out),
            Value::Path(path) => out.push_str(path.as_str()),
            Value::List(items) => {
                let key = Rc::as_ptr(items).addr();
                if !open.insert(key) {
                    out.push_str("«repeated»");
                    return;
                }
                out.push('[');
                for item in items.iter() {
                    out.push(' ');
                    self.print(item, out, open);
                }
                out.push_str(" ]");
                open.remove(&key);
            }
            Value::Attrs(attrs) => {
                let key = Rc::as_ptr(attrs).addr();
                if !open.insert(key) {
                    out.push_str("«repeated»");
                    return;
                }
                out.push('{');
                for (name, attr) in self.sorted(attrs) {
                    out.push(' ');
                    show_name(name, out);
                    out.push_str(" = ");
                    self.print(&attr.value, out, open);
                    out.push(';');
                }
                out.push_str(" }");
                open.remove(&key);
            }
            Value::Lambda(..) => out.push_str("<LAMBDA>"),
            Value::Builtin(call) if call.args.is_empty() => out.push_str("<PRIMOP>"),
            Value::Builtin(_) => out.push_str("<PRIMOP-APP>"),
            Value::External(external) => {
                let _ = write!(out, "«{}»", external.type_name());
            }
            Value::Thunk(_) => out.push_str("«thunk»"),
        }
    }
}

/// A float as C's `%g` prints it: six significant digits, no trailing zeros.
fn show_float(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let scientific = format!("{value:.5e}");
    let (mantissa, exponent) = scientific
        .split_once('e')
        .expect("`e` notation has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a small integer");
    let trim = |text: &str| -> String {
        if !text.contains('.') {
            return text.to_owned();
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if (-4..6).contains(&exponent) {
        let digits = usize::try_from(5 - exponent).expect("the exponent is at most 5");
        return trim(&format!("{value:.digits$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' if chars.peek() == Some(&'{') => out.push_str("\\$"),
            c => out.push(c),
        }
    }
    out.push('"');
}

const KEYWORDS: [&str; 9] = [
    "if", "then", "else", "assert", "with", "let", "in", "rec", "inherit",
];

fn show_name(name: &str, out: &mut String) {
    let mut chars = name.chars();
    let plain = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\''))
        && !KEYWORDS.contains(&name);
    if plain {
        out.push_str(name)
    } else {
        quote(name, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_c() {
        let cases = [
            (1.0, "1"),
            (0.5, "0.5"),
            (1.0 / 3.0, "0.333333"),
            (1e10, "1e+10"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.23457e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-2.5, "-2.5"),
        ];
        for (value, text) in cases {
            assert_eq!(show_float(value), text);
        }
    }
}
