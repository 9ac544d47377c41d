//! Completion: what may stand where the cursor is. Commands, files, variables, attributes.
//!
//! Called by the line editor for each Tab. Invariant: only what leads to the attributes is evaluated, for
//! a bounded number of steps; nothing is built, and failures give no candidates.

use std::path::{Path, PathBuf};

use xsc_eval::{Evaluator, Value, Variables, is_plain_name, split_attr_path};

use super::command::{Command, TABLE};

/// Steps of evaluation that one Tab may take: well below a second.
const STEPS: u64 = 1_000_000;

const KEYWORDS: [&str; 10] = [
    "assert", "builtins", "else", "if", "in", "inherit", "let", "rec", "then", "with",
];

/// What completion looks at.
pub(super) struct Scope<'a> {
    pub(super) eval: &'a Evaluator,
    pub(super) variables: &'a Variables,
    /// What `/` is in paths.
    pub(super) root: &'a Path,
    /// Where relative paths of expressions start, as a path of the language.
    pub(super) directory: &'a str,
}

impl Scope<'_> {
    /// The candidates for the end of `text`, and the byte at which what they replace starts.
    pub(super) fn complete(&self, text: &str) -> (usize, Vec<String>) {
        if let Some((name, argument)) = Command::split(text) {
            if argument.is_empty() && !text.ends_with(char::is_whitespace) {
                return (text.len() - name.len(), commands(name));
            }
            if Command::named(name).is_ok_and(|command| command == Command::Load) {
                let start = text.len() - argument.len();
                return files(start, argument, Path::new(""));
            }
        }
        if let Some(start) = path_start(text) {
            let typed = &text[start..];
            let base = match typed.starts_with('/') {
                true => self.root.to_owned(),
                false => self.root.join(self.directory.trim_start_matches('/')),
            };
            let (from, found) = files(start, typed.trim_start_matches('/'), &base);
            return (
                from + (typed.len() - typed.trim_start_matches('/').len()),
                found,
            );
        }
        let start = name_start(text);
        let (mut names, partial) = match text[start..].rfind('.') {
            Some(dot) => {
                let dot = start + dot;
                (self.attributes(&text[start..dot]), &text[dot + 1..])
            }
            // After something that is no attribute path, such as `(f x).`, nothing is known.
            None if text[..start].ends_with('.') => return (text.len(), Vec::new()),
            None => (self.names(), &text[start..]),
        };
        names.retain(|name| name.trim_start_matches('"').starts_with(partial));
        names.sort_unstable();
        names.dedup();
        (text.len() - partial.len(), names)
    }

    /// Variables, what is in scope everywhere, and words of the language.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.variables.keys().cloned().collect();
        names.extend(self.eval.global_names());
        names.extend(KEYWORDS.map(str::to_owned));
        names
    }

    /// The names of the attributes of the set that a path such as `pkgs.linux` leads to.
    fn attributes(&self, path: &str) -> Vec<String> {
        let Some(parts) = split_attr_path(path) else {
            return Vec::new();
        };
        let set = self.eval.limited(STEPS, || self.follow(&parts));
        let Some(Value::Attrs(attrs)) = set else {
            return Vec::new();
        };
        let names = attrs.iter().map(|attr| self.eval.name(attr.name));
        names.map(quoted).collect()
    }

    fn follow(&self, parts: &[String]) -> Option<Value> {
        let (first, rest) = parts.split_first()?;
        let value = match self.variables.get(first) {
            Some(value) => value.clone(),
            None if is_plain_name(first) => self.eval.eval_str("completion", "/", first).ok()?,
            None => return None,
        };
        let mut value = self.eval.force(&value).ok()?;
        for part in rest {
            let Value::Attrs(attrs) = &value else {
                return None;
            };
            let attr = attrs.get(self.eval.symbol(part))?.clone();
            value = self.eval.force(&attr.value).ok()?;
        }
        Some(value)
    }
}

fn commands(partial: &str) -> Vec<String> {
    let names = TABLE.iter().flat_map(|(_, names, ..)| names.iter());
    let names = names.filter(|name| name.starts_with(partial));
    names.map(|name| (*name).to_owned()).collect()
}

/// A name as it stands in an attribute path.
fn quoted(name: &str) -> String {
    match is_plain_name(name) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// Where the path that `text` ends with starts, if it ends with one.
fn path_start(text: &str) -> Option<usize> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "._-+/".contains(c);
    let start = text
        .char_indices()
        .rev()
        .take_while(|(_, c)| is_path(*c))
        .last()
        .map(|(at, _)| at)?;
    let word = &text[start..];
    (word.starts_with("./") || word.starts_with("../") || word.starts_with('/')).then_some(start)
}

/// The files whose path starts with `typed`, which begins at byte `start`.
fn files(start: usize, typed: &str, base: &Path) -> (usize, Vec<String>) {
    let (dir, partial) = match typed.rfind('/') {
        Some(slash) => typed.split_at(slash + 1),
        None => ("", typed),
    };
    let mut folder = base.join(dir);
    if folder.as_os_str().is_empty() {
        folder = PathBuf::from(".");
    }
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_hidden = name.starts_with('.') && !partial.starts_with('.');
            if !name.starts_with(partial) || is_hidden {
                return None;
            }
            let end = if entry.path().is_dir() { "/" } else { "" };
            Some(format!("{name}{end}"))
        })
        .collect();
    found.sort_unstable();
    (start + dir.len(), found)
}

/// Where the attribute path that `text` ends with starts; the last name may be unfinished.
fn name_start(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-'".contains(&byte);
    let mut at = bytes.len();
    loop {
        while at > 0 && is_name(bytes[at - 1]) {
            at -= 1;
        }
        if at == 0 || bytes[at - 1] != b'.' {
            return at;
        }
        // In front of the dot stands a name, quoted or not.
        match at.checked_sub(2).map(|before| bytes[before]) {
            Some(b'"') => match text[..at - 2].rfind('"') {
                Some(open) if open > 0 && bytes[open - 1] == b'.' => at = open,
                _ => return at,
            },
            Some(byte) if is_name(byte) => at -= 1,
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETS: &str = "{ pkgs = { linux = { kernel = 1; config = 2; }; \"gcc 12\" = { bin = 1; }; \
        glibc = throw \"no\"; }; f = x: x; endless = (let f = n: f (n + 1); in f 0); lib = { }; }";

    /// What stands in front of the candidates, and the candidates.
    fn complete(text: &str) -> (String, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        std::fs::write(dir.path().join("sub/file.nix"), "1").unwrap();
        std::fs::write(dir.path().join("setup.nix"), "1").unwrap();
        let eval = Evaluator::without_files();
        let set = eval.eval_str("test", "/", SETS).unwrap();
        let variables = eval.variables(&eval.expect_attrs(&set, "").unwrap());
        let scope = Scope {
            eval: &eval,
            variables: &variables,
            root: dir.path(),
            directory: "/",
        };
        let (start, found) = scope.complete(text);
        (text[..start].to_owned(), found)
    }

    fn found(text: &str) -> String {
        complete(text).1.join(" ")
    }

    #[test]
    fn variables_and_builtins() {
        assert_eq!(found("pk"), "pkgs");
        assert_eq!(complete("1 + pk").0, "1 + ");
        assert_eq!(found("(l"), "let lib");
        assert_eq!(found("toStr"), "toString");
        assert_eq!(found("nothing-like-this"), "");
        assert!(found("").contains("builtins"));
        assert!(found("[ p").contains("pkgs"));
    }

    #[test]
    fn attribute_paths() {
        assert_eq!(found("pkgs.l"), "linux");
        assert_eq!(complete("[ pkgs.linux.").0, "[ pkgs.linux.");
        assert_eq!(found("[ pkgs.linux."), "config kernel");
        assert_eq!(found("pkgs.linux.k"), "kernel");
        assert_eq!(found("pkgs.g"), "\"gcc 12\" glibc");
        assert_eq!(found("pkgs."), "\"gcc 12\" glibc linux");
        assert_eq!(found("pkgs.\"gcc 12\"."), "bin");
        assert_eq!(found("builtins.mapA"), "mapAttrs");
        // What has no attributes, fails or does not end gives nothing.
        for text in [
            "f.",
            "pkgs.glibc.",
            "nowhere.",
            "pkgs.linux.kernel.x",
            "endless.",
            "1.",
            ".",
            "a..",
            "\"a\".",
        ] {
            assert_eq!(found(text), "", "{text}");
        }
    }

    #[test]
    fn commands_and_their_arguments() {
        assert_eq!(complete(":").0, ":");
        assert!(found(":").contains("doc"));
        assert_eq!(found(":d"), "doc");
        assert_eq!(found(":t pkgs.linux.k"), "kernel");
        assert_eq!(complete(":t pkgs.linux.k").0, ":t pkgs.linux.");
    }

    #[test]
    fn files_of_expressions_and_of_load() {
        assert_eq!(found("import ./s"), "setup.nix sub/");
        assert_eq!(complete("import ./s").0, "import ./");
        assert_eq!(found("import ./sub/"), "file.nix");
        assert_eq!(found("import /sub/f"), "file.nix");
        assert_eq!(complete("import /sub/f").0, "import /sub/");
        assert_eq!(found("./nowhere/"), "");
        let here = found(":l src/ma");
        assert_eq!(here, "main.rs");
        assert_eq!(complete(":l src/ma").0, ":l src/");
    }
}
