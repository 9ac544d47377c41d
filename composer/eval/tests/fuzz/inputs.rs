//! What the fuzzer evaluates: texts made from a seed and a number, and nothing else.
//!
//! Most are mutations of files that mean something, by their grammar or by their tokens; the rest is soup.
//! Invariant: input `index` of a seed is the same text in every run and every process.

use std::fs;
use std::path::{Path, PathBuf};

use rnix::SyntaxKind;
use rnix::ast::{AstNode, Expr};

use crate::generate;

/// Files longer than this take time and find nothing that short ones do not.
const MAX_FILE: usize = 6_000;

/// Words of the token soup, besides those of the files.
const WORDS: &[&str] = &[
    "a",
    "b",
    "x",
    "let",
    "in",
    "rec",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ":",
    ",",
    "=",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "->",
    "//",
    "++",
    "+",
    "-",
    "*",
    "/",
    "!",
    "?",
    ".",
    "...",
    "@",
    "or",
    "with",
    "inherit",
    "if",
    "then",
    "else",
    "assert",
    "${",
    "\"",
    "''",
    "1",
    "0",
    "1.5",
    "9223372036854775807",
    "null",
    "true",
    "false",
    "./a",
    "../b",
    "<x>",
    "~/c",
    "builtins",
    "throw",
    "abort",
    "import",
    "map",
    "toString",
    "__functor",
    "outPath",
    "__toString",
    "type",
    "|>",
    "<|",
    "#",
    "/*",
    "*/",
    "\n",
    "self:",
    "x:",
    "{ a, ... }:",
    "http://x",
    "__curPos",
];

/// Sizes that a careless builtin would try to allocate.
const HUGE: &[&str] = &[
    "builtins.genList (x: x) 1000000000000",
    "builtins.foldl' (s: _: s + s) \"ab\" (builtins.genList (x: x) 64)",
    "builtins.foldl' (s: _: s ++ s) [ 1 ] (builtins.genList (x: x) 64)",
    "builtins.foldl' (s: _: \"${s}${s}\") \"ab\" (builtins.genList (x: x) 64)",
    "builtins.substring 0 9223372036854775807 \"abc\"",
    "builtins.concatStringsSep \"abcdefgh\" (builtins.genList toString 1000000000)",
    "builtins.match \"((a{1,99}){1,99}){1,99}\" \"aaaa\"",
    "builtins.split \"(a*)*b\" \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
    "let f = x: f (x + 1); in f 0",
    "let x = [ x ]; in x == x",
    "let x = { a = x; }; in builtins.toJSON x",
    "let x = { a = x; }; in builtins.deepSeq x x",
    "let a = [ b b ]; b = [ a ]; in builtins.elem a [ b ]",
    "builtins.fromJSON (builtins.concatStringsSep \"\" (builtins.genList (x: \"[\") 10000))",
    "builtins.fromTOML (\"a = \" + builtins.concatStringsSep \"\" (builtins.genList (x: \"[\") 10000))",
    "builtins.replaceStrings [ \"\" ] [ \"abc\" ] (builtins.toJSON (builtins.genList (x: x) 5000))",
    "builtins.sort (a: b: true) (builtins.genList (x: x) 2000)",
    "builtins.genericClosure { startSet = [ { key = 0; } ]; operator = e: [ { key = e.key + 1; } { key = -e.key; } ]; }",
];

/// A small generator of numbers: good enough here, and the same on every machine.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64, index: u64) -> Numbers {
        Numbers(
            seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index.wrapping_mul(0xbf58_476d_1ce4_e5b9),
        )
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count.max(1) as u64).expect("less than a usize")
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

struct Sample {
    text: String,
    /// Where its expressions are.
    expressions: Vec<(usize, usize)>,
    /// Where its tokens are, blanks included.
    tokens: Vec<(usize, usize)>,
}

/// `rowan`'s cast, reached through rnix's own trait.
fn cast<N: AstNode>(node: rnix::SyntaxNode) -> Option<N> {
    N::cast(node)
}

impl Sample {
    fn new(text: String) -> Sample {
        let parse = rnix::Root::parse(&text);
        let (mut expressions, mut tokens) = (Vec::new(), Vec::new());
        let range = |range: rnix::TextRange| (range.start().into(), range.end().into());
        for element in parse.syntax().descendants_with_tokens() {
            match element {
                rnix::NodeOrToken::Node(node) => {
                    let place = range(node.text_range());
                    expressions.extend(cast::<Expr>(node).map(|_| place));
                }
                rnix::NodeOrToken::Token(token) if token.kind() != SyntaxKind::TOKEN_WHITESPACE => {
                    tokens.push(range(token.text_range()));
                }
                _ => {}
            }
        }
        Sample {
            text,
            expressions,
            tokens,
        }
    }
}

/// The files that mutations start from.
pub(crate) struct Corpus(Vec<Sample>);

fn nix_files(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            nix_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "nix") {
            files.push(path);
        }
    }
}

impl Corpus {
    /// The texts of the repository's own files, and of those of the directory in XSC_NIX_LANG_TESTS.
    pub(crate) fn texts() -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files = Vec::new();
        for directory in [
            "composer/eval/tests/lang",
            "modules",
            "pkgs",
            "images",
            "kernel",
        ] {
            nix_files(&root.join(directory), &mut files);
        }
        if let Some(directory) = std::env::var_os("XSC_NIX_LANG_TESTS") {
            nix_files(Path::new(&directory), &mut files);
        }
        files.sort();
        let mut texts: Vec<String> = files
            .iter()
            .filter_map(|file| fs::read_to_string(file).ok())
            .collect();
        texts.extend(HUGE.iter().map(|text| (*text).to_owned()));
        texts.retain(|text| text.len() <= MAX_FILE);
        texts
    }

    pub(crate) fn new(texts: Vec<String>) -> Corpus {
        let samples = texts.into_iter().map(Sample::new);
        Corpus(
            samples
                .filter(|sample| !sample.expressions.is_empty())
                .collect(),
        )
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The input of a number.
    pub(crate) fn input(&self, numbers: &mut Numbers) -> String {
        let text = match numbers.below(10) {
            0..=3 => self.spliced(numbers),
            4 | 5 => {
                let tape: Vec<u16> = (0..numbers.below(150))
                    .map(|_| numbers.next() as u16)
                    .collect();
                let sample = Sample::new(generate::expression(&tape, true));
                match numbers.below(3) {
                    0 => self.splice(&sample, numbers),
                    _ => sample.text,
                }
            }
            6 | 7 => self.shuffled(numbers),
            8 => self.soup(numbers),
            _ => self.bytes(numbers),
        };
        // What moved away from its variables shall fail late, if it fails.
        match numbers.below(2) {
            0 => format!("with builtins; with {{ lib = builtins; x = 1; f = x: x; }};\n{text}"),
            _ => text,
        }
    }

    /// A file with expressions of other files in the place of its own.
    fn spliced(&self, numbers: &mut Numbers) -> String {
        let mut text = self.splice(numbers.one_of(&self.0), numbers);
        while numbers.below(2) == 0 && text.len() < MAX_FILE {
            text = self.splice(&Sample::new(text), numbers);
        }
        text
    }

    fn splice(&self, sample: &Sample, numbers: &mut Numbers) -> String {
        let Some((start, end)) = pick(&sample.expressions, numbers) else {
            return sample.text.clone();
        };
        // Of the same file half of the time: then the names mean something.
        let other = match numbers.below(2) {
            0 => sample,
            _ => numbers.one_of(&self.0),
        };
        let (from, to) = pick(&other.expressions, numbers).unwrap_or((0, other.text.len()));
        let piece = &other.text[from..to];
        format!("{}({piece}){}", &sample.text[..start], &sample.text[end..])
    }

    /// A file with some tokens left out, doubled, exchanged or replaced.
    fn shuffled(&self, numbers: &mut Numbers) -> String {
        let sample = numbers.one_of(&self.0);
        let mut tokens: Vec<&str> = sample
            .tokens
            .iter()
            .map(|(start, end)| &sample.text[*start..*end])
            .collect();
        for _ in 0..=numbers.below(4) {
            let count = tokens.len();
            if count < 2 {
                break;
            }
            let (at, other) = (numbers.below(count), numbers.below(count));
            match numbers.below(4) {
                0 => drop(tokens.remove(at)),
                1 => tokens.insert(at, tokens[other]),
                2 => tokens.swap(at, other),
                _ => tokens[at] = WORDS[numbers.below(WORDS.len())],
            }
        }
        tokens.join(" ")
    }

    fn soup(&self, numbers: &mut Numbers) -> String {
        let mut text = String::new();
        for _ in 0..numbers.below(40) {
            let word = match numbers.below(3) {
                0 => {
                    let sample = numbers.one_of(&self.0);
                    let (start, end) = pick(&sample.tokens, numbers).unwrap_or((0, 0));
                    &sample.text[start..end]
                }
                _ => numbers.one_of(WORDS),
            };
            text.push_str(word);
            if numbers.below(4) > 0 {
                text.push(' ');
            }
        }
        text
    }

    /// A file with bytes changed, or nothing but bytes.
    fn bytes(&self, numbers: &mut Numbers) -> String {
        let mut bytes = match numbers.below(4) {
            0 => (0..numbers.below(60))
                .map(|_| numbers.next() as u8)
                .collect(),
            _ => numbers.one_of(&self.0).text.clone().into_bytes(),
        };
        for _ in 0..=numbers.below(6) {
            let at = numbers.below(bytes.len() + 1);
            match numbers.below(3) {
                0 => bytes.insert(at, numbers.next() as u8),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                _ if at < bytes.len() => bytes[at] = numbers.next() as u8 & 0x7f,
                _ => {}
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn pick(ranges: &[(usize, usize)], numbers: &mut Numbers) -> Option<(usize, usize)> {
    if ranges.is_empty() {
        None
    } else {
        Some(*numbers.one_of(ranges))
    }
}
