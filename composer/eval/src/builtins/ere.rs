//! POSIX extended regular expressions, read as Nix reads them and written for the `regex` crate.
//!
//! Called by `regex.rs`. Both work on bytes. Invariant: what is written is ASCII, every atom with a repetition
//! is a group of its own, and a set is a list of ranges, so nothing has a second meaning to the crate.

use std::fmt::Write;

/// Groups in groups, as many as the `regex` crate takes on its own.
const MAX_DEPTH: u32 = 200;

/// An expression in the crate's syntax.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) pattern: String,
    /// The same where the end of the text is known to be further on, so that `$` never holds.
    pub(super) inner: String,
    /// Whether it has `|`, so that the longest of several matches has to be found.
    pub(super) has_choice: bool,
}

/// Translates, or says what is wrong.
pub(super) fn translate(posix: &[u8]) -> Result<Translated, String> {
    let (pattern, has_choice) = written(posix, "$")?;
    let (inner, _) = written(posix, NOTHING)?;
    Ok(Translated {
        pattern,
        inner,
        has_choice,
    })
}

/// What no text matches.
const NOTHING: &str = r"[^\x00-\xFF]";

fn written(posix: &[u8], end: &'static str) -> Result<(String, bool), String> {
    let mut parser = Parser {
        rest: posix,
        end,
        out: String::with_capacity(posix.len() + 16),
        depth: 0,
        has_choice: false,
    };
    parser.choice()?;
    match parser.rest.first() {
        None => Ok((parser.out, parser.has_choice)),
        Some(b')') => Err("a `)` without `(`".to_owned()),
        Some(c) => Err(format!("nothing to repeat before `{}`", char::from(*c))),
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    /// What `$` becomes.
    end: &'static str,
    out: String,
    depth: u32,
    has_choice: bool,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn next_if(&mut self, wanted: u8) -> bool {
        let is = self.rest.first() == Some(&wanted);
        if is {
            self.rest = &self.rest[1..];
        }
        is
    }

    /// Alternatives, each a row of terms and possibly empty.
    fn choice(&mut self) -> Result<(), String> {
        loop {
            while self.term()? {}
            if !self.next_if(b'|') {
                return Ok(());
            }
            self.has_choice = true;
            self.out.push('|');
        }
    }

    /// One anchor, or one atom with its repetitions; false where none begins.
    fn term(&mut self) -> Result<bool, String> {
        let start = self.out.len();
        let Some(first) = self.rest.first() else {
            return Ok(false);
        };
        match first {
            b'^' => {
                self.next();
                self.out.push('^');
                return Ok(true);
            }
            b'$' => {
                self.next();
                self.out.push_str(self.end);
                return Ok(true);
            }
            b'|' | b')' | b'*' | b'+' | b'?' | b'{' => return Ok(false),
            b'(' => {
                self.next();
                self.group()?;
            }
            b'[' => {
                self.next();
                self.set()?;
            }
            b'.' => {
                self.next();
                self.out.push('.');
            }
            b'\\' => {
                self.next();
                match self.next() {
                    Some(c) if b".[\\()*+?{|^$".contains(&c) => self.literal(c),
                    Some(c) => {
                        let c = char::from(c);
                        return Err(format!(
                            "`\\{c}` means nothing; only `.[\\()*+?{{|^$` can be escaped"
                        ));
                    }
                    None => return Err("a `\\` at the end".to_owned()),
                }
            }
            c => {
                let c = *c;
                self.next();
                self.literal(c);
            }
        }
        let mut repetitions = 0;
        while let Some(repetition) = self.repetition()? {
            repetitions += 1;
            if repetitions > MAX_DEPTH {
                return Err("too many repetitions of one atom".to_owned());
            }
            self.out.insert_str(start, "(?:");
            let _ = write!(self.out, "){repetition}");
        }
        Ok(true)
    }

    fn literal(&mut self, c: u8) {
        if c.is_ascii_alphanumeric() {
            self.out.push(char::from(c));
        } else {
            let _ = write!(self.out, "\\x{c:02X}");
        }
    }

    fn group(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} groups inside of each other"));
        }
        self.out.push('(');
        self.choice()?;
        if !self.next_if(b')') {
            return Err(match self.rest.first() {
                None => "a `(` without `)`".to_owned(),
                Some(c) => format!("nothing to repeat before `{}`", char::from(*c)),
            });
        }
        self.out.push(')');
        self.depth -= 1;
        Ok(())
    }

    fn repetition(&mut self) -> Result<Option<String>, String> {
        match self.rest.first() {
            Some(c @ (b'*' | b'+' | b'?')) => {
                let repetition = char::from(*c).to_string();
                self.next();
                Ok(Some(repetition))
            }
            Some(b'{') => {
                self.next();
                self.interval().map(Some)
            }
            _ => Ok(None),
        }
    }

    /// `{2}`, `{2,}` and `{2,3}`, after the brace.
    fn interval(&mut self) -> Result<String, String> {
        let at_least = self.number()?;
        let mut text = format!("{{{at_least}");
        if self.next_if(b',') {
            text.push(',');
            if self.rest.first() != Some(&b'}') {
                let at_most = self.number()?;
                if at_most < at_least {
                    return Err(format!("`{{{at_least},{at_most}}}` is the wrong way round"));
                }
                let _ = write!(text, "{at_most}");
            }
        }
        if !self.next_if(b'}') {
            return Err("a repetition is `{2}`, `{2,}` or `{2,3}`".to_owned());
        }
        text.push('}');
        Ok(text)
    }

    fn number(&mut self) -> Result<u32, String> {
        let digits = self.rest.iter().take_while(|c| c.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let number = std::str::from_utf8(number).expect("digits are ASCII");
        if number.is_empty() {
            return Err("a repetition is `{2}`, `{2,}` or `{2,3}`".to_owned());
        }
        let number = number.parse();
        number.map_err(|_| "a repetition is too large".to_owned())
    }

    /// `[...]`, after the bracket.
    fn set(&mut self) -> Result<(), String> {
        let negated = self.next_if(b'^');
        let mut set = [false; 256];
        let mut last = match self.rest.first() {
            // A `]` or `-` that comes first stands for itself.
            Some(c @ (b']' | b'-')) => {
                let c = *c;
                self.next();
                set[usize::from(c)] = true;
                Last::Char(c)
            }
            _ => Last::Nothing,
        };
        while let Some(item) = self.set_item()? {
            last = match item {
                Item::Char(c) => {
                    set[usize::from(c)] = true;
                    Last::Char(c)
                }
                Item::Letter(c) => {
                    set[usize::from(c.to_ascii_lowercase())] = true;
                    set[usize::from(c.to_ascii_uppercase())] = true;
                    Last::Class
                }
                Item::Class(class) => {
                    for (c, is_in) in (0..=255).zip(&mut set) {
                        *is_in |= class(&c);
                    }
                    Last::Class
                }
                Item::Dash => match (last, self.set_item()?) {
                    (Last::Class, _) => return Err("a range can't start with a class".to_owned()),
                    (_, None) => {
                        set[usize::from(b'-')] = true;
                        break;
                    }
                    (Last::Char(from), Some(Item::Char(to))) => range(&mut set, from, to)?,
                    (Last::Char(from), Some(Item::Dash)) => range(&mut set, from, b'-')?,
                    (Last::Char(_), Some(Item::Class(_) | Item::Letter(_))) => {
                        return Err("a range can't end with a class".to_owned());
                    }
                    (Last::Nothing, Some(_)) => {
                        return Err("a `-` between two ranges; put it first or last".to_owned());
                    }
                },
            };
        }
        self.write_set(&set, negated);
        Ok(())
    }

    fn set_item(&mut self) -> Result<Option<Item>, String> {
        const OPEN: &str = "a `[` without `]`";
        Ok(Some(match self.next().ok_or(OPEN)? {
            b']' => return Ok(None),
            b'-' => Item::Dash,
            b'[' => match self.rest.first().ok_or(OPEN)? {
                kind @ (b':' | b'.' | b'=') => {
                    let kind = *kind;
                    self.next();
                    let end = [kind, b']'];
                    let length = self.rest.windows(2).position(|pair| pair == end);
                    let (name, rest) = self.rest.split_at(length.ok_or(OPEN)?);
                    self.rest = &rest[2..];
                    named(kind, name)?
                }
                _ => Item::Char(b'['),
            },
            c => Item::Char(c),
        }))
    }

    fn write_set(&mut self, set: &[bool; 256], negated: bool) {
        self.out.push_str(if negated { "[^" } else { "[" });
        let mut bytes = 0..256;
        while let Some(start) = bytes.find(|byte| set[*byte]) {
            let end = (start..256).find(|byte| !set[*byte]).unwrap_or(256) - 1;
            let _ = write!(self.out, "\\x{start:02X}-\\x{end:02X}");
            bytes = end + 1..256;
        }
        self.out.push(']');
    }
}

#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Char(u8),
    Class,
}

enum Item {
    Char(u8),
    Dash,
    Class(fn(&u8) -> bool),
    Letter(u8),
}

fn range(set: &mut [bool; 256], from: u8, to: u8) -> Result<Last, String> {
    if from > to {
        let (from, to) = (char::from(from), char::from(to));
        return Err(format!("the range `{from}-{to}` is the wrong way round"));
    }
    set[usize::from(from)..=usize::from(to)].fill(true);
    Ok(Last::Nothing)
}

/// `[:class:]`, `[.c.]` and `[=c=]`; the last two have a letter each, and the last means both cases of it.
fn named(kind: u8, name: &[u8]) -> Result<Item, String> {
    if kind == b':' {
        return Ok(Item::Class(match &*name.to_ascii_lowercase() {
            b"alnum" => u8::is_ascii_alphanumeric,
            b"alpha" => u8::is_ascii_alphabetic,
            b"blank" => |c| matches!(c, b' ' | b'\t'),
            b"cntrl" => u8::is_ascii_control,
            b"digit" | b"d" => u8::is_ascii_digit,
            b"graph" => u8::is_ascii_graphic,
            b"lower" => u8::is_ascii_lowercase,
            b"print" => |c| c.is_ascii_graphic() || *c == b' ',
            b"punct" => u8::is_ascii_punctuation,
            b"space" | b"s" => |c| c.is_ascii_whitespace() || *c == 0x0b,
            b"upper" => u8::is_ascii_uppercase,
            b"w" => |c| c.is_ascii_alphanumeric() || *c == b'_',
            b"xdigit" => u8::is_ascii_hexdigit,
            _ => {
                let name = String::from_utf8_lossy(name);
                return Err(format!("there is no class `[:{name}:]`"));
            }
        }));
    }
    match name {
        [c] if c.is_ascii_alphabetic() && kind == b'=' => Ok(Item::Letter(*c)),
        [c] if c.is_ascii_alphabetic() => Ok(Item::Char(*c)),
        _ => Err(format!(
            "`{}` names no letter",
            String::from_utf8_lossy(name)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(posix: &str) -> String {
        translate(posix.as_bytes()).unwrap().pattern
    }

    #[test]
    fn what_is_written_is_plain() {
        assert_eq!(pattern("ab.c"), "ab.c");
        assert_eq!(pattern(r"a\.\("), r"a\x2E\x28");
        assert_eq!(pattern("é"), r"\xC3\xA9");
        assert_eq!(pattern("(a|b)*c{2,}"), "(?:(a|b))*(?:c){2,}");
        assert_eq!(pattern("a+?"), "(?:(?:a)+)?");
        assert_eq!(pattern("]}"), r"\x5D\x7D");
    }

    #[test]
    fn brackets_become_ranges() {
        assert_eq!(pattern("[]a]"), r"[\x5D-\x5D\x61-\x61]");
        assert_eq!(pattern("[^a-c]"), r"[^\x61-\x63]");
        assert_eq!(pattern(r"[\n]"), r"[\x5C-\x5C\x6E-\x6E]");
        assert_eq!(pattern("[a-]"), r"[\x2D-\x2D\x61-\x61]");
        assert_eq!(pattern("[--0]"), r"[\x2D-\x30]");
        assert_eq!(pattern("[[:digit:]_]"), r"[\x30-\x39\x5F-\x5F]");
        assert_eq!(pattern("[[.a.][=b=]]"), r"[\x42-\x42\x61-\x62]");
    }

    #[test]
    fn what_posix_leaves_open_is_refused() {
        let refused = [
            "*a",
            "a|*b",
            "(*a)",
            "^*",
            "a{,2}",
            "a{2,1}",
            "a{",
            "{",
            "a{x}",
            ")",
            "(",
            "(a",
            "[",
            "[a",
            "[z-a]",
            "[a-c-e]",
            "[[:foo:]]",
            "[[:alpha:]-z]",
            "[a-[:alpha:]]",
            "[[:alpha:",
            r"\d",
            r"\/",
            "\\",
            "(?:a)",
            "a{99999999999}",
            "[[.hyphen.]]",
        ];
        for posix in refused {
            assert!(translate(posix.as_bytes()).is_err(), "{posix}");
        }
        let deep = "(".repeat(1000) + &")".repeat(1000);
        assert!(translate(deep.as_bytes()).is_err());
        assert!(translate("a".repeat(5).as_bytes()).is_ok());
        assert!(translate(format!("a{}", "*".repeat(1000)).as_bytes()).is_err());
    }
}
