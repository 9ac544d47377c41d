//! Builtins with which the module library makes errors that point at the user's own lines.
//!
//! Ours, not Nix's: `modules/lib` uses them as `builtins.throwAt or (...)`, so plain Nix can do without.
//! Invariant: a bad `at` never hides the message; a place that can't be found becomes a remark.

use super::{Result, Row};
use crate::error::{ErrorKind, EvalError, similar};
use crate::evaluator::Evaluator;
use crate::source::Span;
use crate::value::{Attrs, Value};

pub(super) const ALL: &[Row] = &[
    (
        "similarNames",
        2,
        "The names in a list that look most like the given one, best first; for `did you mean`.",
        similar_names,
    ),
    (
        "throwAt",
        1,
        "Fails like throw, with a set { message, at, help ? null }: `at` is a list of { pos, label }, \
         where pos is what unsafeGetAttrPos gives; the first place known is the error's.",
        throw_at,
    ),
];

fn similar_names(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let name = ev.expect_string(&args[0], "the first argument of `similarNames`")?;
    let list = ev.expect_list(&args[1], "the second argument of `similarNames`")?;
    let mut names = Vec::with_capacity(list.len());
    for item in list.iter() {
        names.push(ev.expect_string(item, "an element of the list given to `similarNames`")?);
    }
    let texts: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
    let near = similar(
        &name.to_string_lossy(),
        texts.iter().map(|text| text.as_ref()),
    );
    Ok(Value::list(
        near.into_iter().map(Value::from).collect::<Vec<_>>(),
    ))
}

fn throw_at(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let what = "the argument of `throwAt`";
    let fields = ev.expect_attrs(&args[0], what)?;
    let text = |value: &Value, what: &str| -> Result<String> {
        let text = ev.expect_string(value, what)?;
        Ok(text.to_string_lossy().into_owned())
    };
    let message = ev.symbol("message");
    let Some(message) = fields.get(message) else {
        return Err(ev.lacking(message, &fields));
    };
    let message = text(&message.value, "`message` of `throwAt`")?;
    let mut error = EvalError::from(ErrorKind::Throw { message });
    if let Some(at) = fields.get(ev.symbol("at")) {
        for item in ev.expect_list(&at.value, "`at` of `throwAt`")?.iter() {
            let place = ev.expect_attrs(item, "an element of `at` of `throwAt`")?;
            let label = match place.get(ev.symbol("label")) {
                Some(label) => text(&label.value, "`label` of `throwAt`")?,
                None => String::new(),
            };
            let pos = match place.get(ev.symbol("pos")) {
                Some(pos) => ev.force(&pos.value)?,
                None => Value::Null,
            };
            error = add_place(ev, error, &pos, label)?;
        }
    }
    if let Some(help) = fields.get(ev.symbol("help"))
        && !matches!(ev.force(&help.value)?, Value::Null)
    {
        error = error.note(text(&help.value, "`help` of `throwAt`")?);
    }
    Err(error)
}

fn add_place(ev: &Evaluator, error: EvalError, pos: &Value, label: String) -> Result<EvalError> {
    let found = match pos {
        Value::Null => None,
        pos => Some(read_pos(ev, &*ev.expect_attrs(pos, "`pos` of `throwAt`")?)?),
    };
    Ok(match found {
        None if label.is_empty() => error,
        None => error.note(label),
        Some((_, Some(span))) if error.span().is_none() => error.or_at(Some(span)).labelled(label),
        Some((_, Some(span))) => error.and_place(span, label),
        Some((place, None)) if label.is_empty() => error.note(format!("at {place}")),
        Some((place, None)) => error.note(format!("{label}: {place}")),
    })
}

/// A position as text, and as a span where the file can be read.
fn read_pos(ev: &Evaluator, pos: &Attrs) -> Result<(String, Option<Span>)> {
    let number = |name: &str, what: &str| match pos.get(ev.symbol(name)) {
        Some(attr) => ev.expect_int(&attr.value, what),
        None => Ok(1),
    };
    let file = match pos.get(ev.symbol("file")) {
        Some(attr) => ev.to_text(&attr.value)?.to_string_lossy().into_owned(),
        None => return Err(ev.lacking(ev.symbol("file"), pos)),
    };
    let line = number("line", "`line` of a position")?;
    let column = number("column", "`column` of a position")?;
    let place = format!("{}:{line}:{column}", file.trim_start_matches('/'));
    // A file that is not of the language, a profile for instance, is read for its excerpt.
    let id = ev.sources.find(&file).or_else(|| {
        let text = String::from_utf8(ev.read_file(&file).ok()?).ok()?;
        Some(ev.sources.add(&file, text))
    });
    let span = id.zip(usize::try_from(line).ok().zip(usize::try_from(column).ok()));
    let span = span.and_then(|(id, (line, column))| ev.sources.word_at(id, line, column));
    Ok((place, span))
}
