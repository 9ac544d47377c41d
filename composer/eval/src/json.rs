//! JSON text: written as Nix writes it, digit by digit, since derivations contain such text; and read.
//!
//! Called by `toJSON`, `fromJSON` and hosts that print values. Invariant: numbers that fit in fifteen digits
//! have no exponent, others have one of at least two digits; a float always shows that it is one.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::ser::{Formatter, Serializer};

use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::source::Pos;
use crate::stack;
use crate::value::{Attr, Attrs, Value};

/// Lists and sets inside of each other that are read; text nested deeper is taken for an attack.
const MAX_DEPTH: u32 = 100_000;

struct NixFormatter;

impl Formatter for NixFormatter {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(float_text(value).as_bytes())
    }
}

/// A JSON value as compact text.
pub fn json_text(json: &serde_json::Value) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, NixFormatter);
    json.serialize(&mut serializer)
        .expect("JSON values can be written to memory");
    String::from_utf8(text).expect("JSON text is UTF-8")
}

fn float_text(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific
        .split_once('e')
        .expect("`e` notation has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a small integer");
    if !(-4..15).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}

/// The value that JSON text describes. Of equal names in an object the last one counts.
pub(crate) fn read_json(evaluator: &Evaluator, text: &[u8]) -> Result<Value, EvalError> {
    evaluator.spend_bytes(text.len())?;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    deserializer.disable_recursion_limit();
    let reader = Reader {
        evaluator,
        depth: 0,
    };
    let value = reader.deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| {
        let message = error.to_string();
        let format = "JSON";
        ErrorKind::Format { format, message }.into()
    })
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    evaluator: &'a Evaluator,
    depth: u32,
}

impl Reader<'_> {
    fn deeper<E: Error>(mut self) -> Result<Self, E> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(E::custom(format!("nested more than {MAX_DEPTH} deep")));
        }
        Ok(self)
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        stack::deeper(|| deserializer.deserialize_any(self))
    }
}

/// Strings of the language can't contain NUL.
fn without_nul<E: Error>(text: &str) -> Result<&str, E> {
    if text.contains('\0') {
        return Err(E::custom("a string contains NUL"));
    }
    Ok(text)
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        let value = i64::try_from(value);
        let value = value.map_err(|_| E::custom("the number does not fit into 64 bits"))?;
        Ok(Value::Int(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(without_nul(text)?))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::list(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut attrs = Vec::new();
        while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            let name = self.evaluator.symbol(without_nul(&name)?);
            let value = map.next_value_seed(inner)?;
            let pos = Pos::NONE;
            attrs.push(Attr { name, pos, value });
        }
        // Of equal names the first one stays.
        attrs.reverse();
        Ok(Value::attrs(Attrs::from_unsorted(attrs)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_text_is_read_on_any_stack() {
        let evaluator = Evaluator::without_files();
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let mut value = read_json(&evaluator, nested(50_000).as_bytes()).unwrap();
        for _ in 0..50_000 {
            let Value::List(items) = &value else {
                panic!("a list")
            };
            value = items.as_slice()[0].clone();
        }
        assert!(matches!(value, Value::Int(1)));
        assert!(read_json(&evaluator, nested(200_000).as_bytes()).is_err());
        assert!(read_json(&evaluator, "[".repeat(300_000).as_bytes()).is_err());
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        let evaluator = Evaluator::without_files();
        for text in [
            "",
            "[1,]",
            "{a:1}",
            "01",
            "1 2",
            "nul",
            "\"\\u0000\"",
            "{\"\\u0000\":1}",
            "+1",
            "'a'",
            "18446744073709551615",
            "\"\\ud800\"",
            "[1",
            "// c",
        ] {
            assert!(read_json(&evaluator, text.as_bytes()).is_err(), "{text}");
        }
        let value = read_json(&evaluator, br#"{"a":1,"b":[null,1.5],"a":2}"#).unwrap();
        let text = evaluator.show(&value);
        assert_eq!(text, "{ a = 2; b = [ null 1.5 ]; }");
    }

    #[test]
    fn numbers_are_written_as_nix_does() {
        let cases = [
            (0.0, "0.0"),
            (-1.5, "-1.5"),
            (1500.0, "1500.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (2.5e-7, "2.5e-07"),
            (1e14, "100000000000000.0"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345.0"),
            (1.5e100, "1.5e+100"),
        ];
        for (value, text) in cases {
            assert_eq!(json_text(&value.into()), text);
        }
    }
}
