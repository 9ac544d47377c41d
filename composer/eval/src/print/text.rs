//! The parts of printed values: strings with their escapes, attribute names, floats.
//!
//! Used by both printers. Invariant: output is bytes, because strings of the language need not be UTF-8;
//! what was UTF-8 stays so.

const KEYWORDS: [&str; 9] = [
    "if", "then", "else", "assert", "with", "let", "in", "rec", "inherit",
];

/// A string literal that the language reads back as the same string.
pub(super) fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            b'$' if bytes.peek() == Some(&b'{') => out.extend(b"\\$"),
            byte => out.push(byte),
        }
    }
    out.push(b'"');
}

/// The same of at most `limit` bytes of the text, followed by what was left out.
pub(super) fn quote_limited(text: &[u8], limit: usize, out: &mut Vec<u8>) {
    if text.len() <= limit {
        return quote(text, out);
    }
    let is_start = |&at: &usize| text[at] & 0xc0 != 0x80;
    let end = (0..=limit).rev().find(is_start).unwrap_or(0);
    quote(&text[..end], out);
    out.push(b' ');
    elided(text.len() - end, "byte", out);
}

/// Says that `count` of something was left out.
pub(super) fn elided(count: usize, what: &str, out: &mut Vec<u8>) {
    let plural = if count == 1 { "" } else { "s" };
    out.extend(format!("«{count} {what}{plural} elided»").bytes());
}

/// Whether a name stands in a set or an attribute path without quotes.
pub fn is_plain_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\''))
        && !KEYWORDS.contains(&name)
}

/// An attribute's name, quoted where the language needs it.
pub(super) fn name(name: &str, out: &mut Vec<u8>) {
    if is_plain_name(name) {
        out.extend(name.bytes());
    } else {
        quote(name.as_bytes(), out);
    }
}

/// A float as C's `%g` prints it: six significant digits, no trailing zeros.
pub(super) fn float(value: f64) -> String {
    if value.is_nan() {
        let sign = if value.is_sign_negative() { "-" } else { "" };
        return format!("{sign}nan");
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

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
            (-0.0, "-0"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (-f64::NAN, "-nan"),
        ];
        for (value, text) in cases {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn strings_and_names_are_read_back_as_they_are() {
        let cases = [
            ("a\n\t\r\"b", r#""a\n\t\r\"b""#),
            ("${x} $x $$", r#""\${x} $x $$""#),
            ("\\", r#""\\""#),
            ("é\u{1}", "\"é\u{1}\""),
        ];
        for (given, printed) in cases {
            assert_eq!(text(|out| quote(given.as_bytes(), out)), printed);
        }
        let names = ["a-b'", "_", "or", "", "1a", "if", "a b", "é"];
        let printed = names.map(|given| text(|out| name(given, out)));
        let expected = [
            "a-b'", "_", "or", "\"\"", "\"1a\"", "\"if\"", "\"a b\"", "\"é\"",
        ];
        assert_eq!(printed, expected);
    }

    #[test]
    fn long_strings_are_cut_between_characters() {
        let cut = |limit| text(|out| quote_limited("aéb".as_bytes(), limit, out));
        assert_eq!(cut(4), "\"aéb\"");
        assert_eq!(cut(3), "\"aé\" «1 byte elided»");
        assert_eq!(cut(2), "\"a\" «3 bytes elided»");
        assert_eq!(cut(0), "\"\" «4 bytes elided»");
    }
}
