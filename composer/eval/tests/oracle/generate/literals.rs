//! Literals and leaves: numbers, strings of both kinds, paths, and the smallest value of each type.
//!
//! Invariant: strings stay UTF-8, since JSON, through which results are compared, can't hold anything else.

use super::{Generator, Type};

const INTEGERS: [&str; 9] = ["0", "1", "2", "3", "7", "10", "255", "(-1)", "(-7)"];
const LARGE_INTEGERS: [&str; 5] = [
    "9223372036854775807",
    "(-9223372036854775807)",
    "(-9223372036854775807 - 1)",
    "4611686018427387904",
    "3037000500",
];
const FLOATS: [&str; 14] = [
    "1.5",
    "0.5",
    ".5",
    "1.0",
    "0.1",
    "1.5e3",
    "1.5E+3",
    "2.5e-7",
    "1.0e100",
    "123456789.125",
    "(-0.0)",
    "100000.0",
    "1000000.0",
    "0.30000000000000004",
];

/// Pieces of `"..."` strings.
const QUOTED: [&str; 20] = [
    "a", "b", "foo", " ", "1.2", "-", "/", "\\n", "\\t", "\\\"", "\\\\", "\\${x}", "$", "$$",
    "$${x}", "''", "ü", "\\r", "\\q", "\n",
];

/// Pieces of `''...''` strings.
const INDENTED: [&str; 22] = [
    "a", "b", "foo", " ", "  ", "\n", "\n  ", "\n    ", "\n\t", "''$", "''${x}", "'''", "''\\n",
    "''\\t", "$", "$$", "$${x}", "\\", "\"", "'", "\n\n", "''\\x",
];

const PATHS: [&str; 8] = [
    "./.",
    "./a",
    "./a/b",
    "../x",
    "/a/b",
    "./a/./b/../c",
    "./a+b.c-d_e",
    "/.",
];

impl Generator<'_> {
    /// A literal of type `ty`.
    pub(super) fn leaf(&mut self, ty: &Type) -> String {
        match ty {
            Type::Int if self.modern && self.rarely(16) => self.one_of(&LARGE_INTEGERS).to_owned(),
            Type::Int => self.one_of(&INTEGERS).to_owned(),
            Type::Bool => self.one_of(&["true", "false"]).to_owned(),
            Type::Str => self.string(0),
            Type::Float => self.one_of(&FLOATS).to_owned(),
            Type::Null => "null".to_owned(),
            Type::Path => self.one_of(&PATHS).to_owned(),
            Type::List(item) => {
                let items: Vec<String> = (0..self.pick(4)).map(|_| self.leaf(item)).collect();
                format!("[ {} ]", items.join(" "))
            }
            Type::Set(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, ty)| format!("{name} = {};", self.leaf(ty)))
                    .collect();
                format!("{{ {} }}", fields.join(" "))
            }
            Type::Function(_, to) => format!("(_: {})", self.leaf(to)),
        }
    }

    /// A string literal of either kind.
    pub(super) fn string(&mut self, depth: u32) -> String {
        let quoted = self.pick(3) < 2;
        let mut text = String::new();
        for _ in 0..self.pick(if quoted { 5 } else { 9 }) {
            if self.rarely(4) {
                let inner = self.of(&Type::Str, depth.saturating_sub(1));
                text.push_str(&format!("${{{inner}}}"));
            } else if quoted {
                text.push_str(self.one_of(&QUOTED));
            } else {
                text.push_str(self.one_of(&INDENTED));
            }
        }
        // A dollar sign would join what follows it; a quote would end an indented string too early.
        if quoted {
            format!("\"{text}\"")
        } else {
            format!("''{text} ''")
        }
    }
}
