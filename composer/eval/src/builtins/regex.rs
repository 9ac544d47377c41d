//! `match` and `split`: POSIX extended regular expressions, run by the `regex` crate.
//!
//! Invariant: an expression is compiled once per evaluator. Of the matches at the leftmost place the longest
//! counts where an expression has alternatives; otherwise repetitions are greedy, which gives the same.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use regex::bytes::{Captures, Regex, RegexBuilder};
use regex_automata::hybrid::dfa;
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use super::ere::{self, Translated};
use super::{Result, Row};
use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::value::{NixString, Value};

pub(super) const ALL: &[Row] = &[
    (
        "match",
        2,
        "The groups of a regular expression that matches a whole string, or null.",
        matches,
    ),
    (
        "split",
        2,
        "Splits a string: the texts between matches, and the groups of each match.",
        split,
    ),
];

/// Groups in groups that the crate has to take: those of the expression, and one for each repetition.
const NESTING: u32 = 1_000;

/// A translated expression and the programs made from it, each when it is first needed.
pub(crate) struct Expression {
    translated: Translated,
    whole: OnceCell<Regex>,
    first: OnceCell<Regex>,
    longest: OnceCell<Longest>,
}

/// Finds the longest match at a place, and then its groups.
struct Longest {
    dfa: dfa::DFA,
    cache: RefCell<dfa::Cache>,
    /// The expression up to the end of the text, and up to a place before that.
    to_end: Regex,
    to_place: Regex,
}

fn expression(ev: &Evaluator, pattern: &Value) -> Result<Rc<Expression>> {
    let pattern = ev.expect_plain_string(pattern, "the regular expression")?;
    if let Some(known) = ev.regexes.borrow().get(pattern.as_bytes()) {
        return Ok(known.clone());
    }
    let translated = ere::translate(pattern.as_bytes());
    let translated = translated.map_err(|reason| invalid(&pattern, &reason))?;
    let expression = Rc::new(Expression {
        translated,
        whole: OnceCell::new(),
        first: OnceCell::new(),
        longest: OnceCell::new(),
    });
    let text = pattern.as_bytes().into();
    ev.regexes.borrow_mut().insert(text, expression.clone());
    Ok(expression)
}

fn invalid(pattern: &NixString, reason: &str) -> EvalError {
    let message = format!("`{}`: {reason}", pattern.to_string_lossy());
    let format = "regular expression";
    ErrorKind::Format { format, message }.into()
}

/// What is in `cell`, made first if need be.
fn made<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T, String>) -> Result<&T, String> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}

fn compile(pattern: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(pattern);
    builder
        .unicode(false)
        .dot_matches_new_line(true)
        .nest_limit(NESTING);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it needs too much memory".to_owned(),
        error => error.to_string(),
    })
}

impl Expression {
    fn whole(&self) -> Result<&Regex, String> {
        let pattern = &self.translated.pattern;
        made(&self.whole, || compile(&format!("^(?:{pattern})$")))
    }

    /// The groups of the match that starts first, and there is longest, at or after `start`.
    fn find<'t>(&self, text: &'t [u8], start: usize) -> Result<Option<Captures<'t>>, String> {
        let first = made(&self.first, || compile(&self.translated.pattern))?;
        if !self.translated.has_choice {
            return Ok(first.captures_at(text, start));
        }
        let Some(found) = first.find_at(text, start) else {
            return Ok(None);
        };
        let longest = made(&self.longest, || Longest::new(&self.translated))?;
        let end = longest.end(text, found.start())?;
        let program = if end == text.len() {
            &longest.to_end
        } else {
            &longest.to_place
        };
        Ok(program.captures_at(&text[..end], found.start()))
    }
}

impl Longest {
    fn new(translated: &Translated) -> Result<Longest, String> {
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .dot_matches_new_line(true)
            .nest_limit(NESTING);
        let dfa = dfa::DFA::builder()
            .configure(dfa::DFA::config().match_kind(MatchKind::All))
            .syntax(syntax)
            .thompson(thompson::Config::new().utf8(false))
            .build(&translated.pattern)
            .map_err(|error| error.to_string())?;
        let cache = RefCell::new(dfa.create_cache());
        let to_end = compile(&format!("(?:{})$", translated.pattern))?;
        let to_place = compile(&format!("(?:{})$", translated.inner))?;
        Ok(Longest {
            dfa,
            cache,
            to_end,
            to_place,
        })
    }

    fn end(&self, text: &[u8], start: usize) -> Result<usize, String> {
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        let cache = &mut self.cache.borrow_mut();
        let found = self.dfa.try_search_fwd(cache, &input);
        let found = found.map_err(|error| error.to_string())?;
        Ok(found.map_or(start, |found| found.offset()))
    }
}

fn groups(captures: &Captures<'_>) -> Value {
    let groups = captures.iter().skip(1).map(|group| match group {
        Some(group) => Value::string(NixString::from_bytes(group.as_bytes().to_vec())),
        None => Value::Null,
    });
    Value::list(groups.collect::<Vec<_>>())
}

fn matches(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let expression = expression(ev, &args[0])?;
    let text = ev.expect_string(&args[1], "the second argument of `match`")?;
    let whole = match expression.whole() {
        Ok(whole) => whole,
        Err(reason) => return Err(invalid(&*ev.expect_string(&args[0], "")?, &reason)),
    };
    let captures = whole.captures(text.as_bytes());
    Ok(captures.map_or(Value::Null, |captures| groups(&captures)))
}

/// The results have no context, as in Nix; `lib` puts it back where it is wanted.
fn split(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let expression = expression(ev, &args[0])?;
    let text = ev.expect_string(&args[1], "the second argument of `split`")?;
    let bytes = text.as_bytes();
    let piece = |bytes: &[u8]| Value::string(NixString::from_bytes(bytes.to_vec()));
    let mut parts = Vec::new();
    let (mut from, mut end) = (0, 0);
    while from <= bytes.len() {
        let found = match expression.find(bytes, from) {
            Ok(found) => found,
            Err(reason) => return Err(invalid(&*ev.expect_string(&args[0], "")?, &reason)),
        };
        let Some(captures) = found else { break };
        let whole = captures.get(0).expect("group 0 is the match");
        ev.spend_elements(2)?;
        parts.push(piece(&bytes[end..whole.start()]));
        parts.push(groups(&captures));
        end = whole.end();
        // After an empty match the search goes on one byte later; after another one right there.
        from = if whole.is_empty() { end + 1 } else { end };
    }
    parts.push(piece(&bytes[end..]));
    Ok(Value::list(parts))
}
