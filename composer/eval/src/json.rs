//! JSON text as Nix writes it, digit by digit: derivations contain such text, so it decides their hashes.
//!
//! Called by `toJSON` and by hosts that print values. Invariant: numbers that fit in fifteen digits have no
//! exponent, others have one of at least two digits; a float always shows that it is one.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

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

#[cfg(test)]
mod tests {
    use super::*;

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
