//! The options that a repository's modules declare, as data for people.
//!
//! Called by `xsc-compose options`. Invariant: no recipe is evaluated, and a default, example or value
//! that fails is a problem of its option alone.

use xsc_eval::{AttrsReader, EvalError, Evaluator, Value};
use xsc_profile::Profile;

use crate::language::Language;
use crate::recipes::InstantiateError;
use crate::values;

/// The file that evaluates modules.
const MODULES: &str = "modules/default.nix";

/// A place in a file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionPlace {
    /// The file, relative to the repository.
    pub file: String,
    /// The line, from 1, where one is known.
    pub line: Option<i64>,
}

/// A part of an option that is evaluated: its value, or why there is none.
pub type Evaluated<T> = Result<T, String>;

/// One option.
#[derive(Debug, Clone)]
pub struct OptionInfo {
    /// The path as people write it.
    pub name: String,
    /// The path's parts.
    pub loc: Vec<String>,
    /// What a value has to be, in words.
    pub kind: String,
    /// What it is for.
    pub description: Option<String>,
    /// The default as an expression or in words.
    pub default: Option<Evaluated<String>>,
    /// A value to copy, as an expression.
    pub example: Option<Evaluated<String>>,
    /// Whether it can be set once only.
    pub read_only: bool,
    /// Whether it is for modules among themselves.
    pub internal: bool,
    /// Where it is declared.
    pub declared: Vec<OptionPlace>,
    /// With a profile, the value as an expression and as data. What is inside a list has none.
    pub value: Option<Evaluated<(String, serde_json::Value)>>,
    /// Where that value was set; nothing where it is the default.
    pub defined: Vec<OptionPlace>,
}

/// All options of the modules that a profile has, with their values; without one, of all modules.
///
/// # Errors
/// What is wrong with the modules or, with a profile, with which modules it names.
pub fn options(
    language: &Language,
    profile: Option<&Profile>,
) -> Result<Vec<OptionInfo>, InstantiateError> {
    read(language.evaluator(), profile).map_err(|error| language.failed(&error))
}

fn read(eval: &Evaluator, profile: Option<&Profile>) -> Result<Vec<OptionInfo>, EvalError> {
    let modules = eval.eval_file(MODULES)?;
    let argument = match profile {
        Some(profile) => eval.make_attrs([("profile", values::profile(eval, profile))]),
        None => eval.make_attrs([]),
    };
    let whole = eval.call(&modules, argument)?;
    let whole = eval.reader(&whole, "the modules")?;
    let list = whole.list("reference")?;
    let infos = list.iter().map(|item| info(eval, item, profile.is_some()));
    infos.collect()
}

fn info(eval: &Evaluator, item: &Value, with_value: bool) -> Result<OptionInfo, EvalError> {
    let option = eval.reader(item, "an option")?;
    let in_words = option.opt_bool("defaultIsText")?.unwrap_or(false);
    let value = if with_value && has(eval, &option, "value") {
        let expression = expression(eval, &option, "value", false);
        let value = expression.and_then(|text| {
            let value = option.get("value").map_err(|e| problem(eval, &e))?;
            let data = values::to_json(eval, &value).map_err(|e| problem(eval, &e))?;
            Ok((text, data))
        });
        Some(value)
    } else {
        None
    };
    let defined = match &value {
        Some(Ok(_)) => places(eval, &option, "definitions")?,
        _ => Vec::new(),
    };
    Ok(OptionInfo {
        name: option.text("name")?,
        loc: option.texts("loc")?,
        kind: option.text("type")?,
        description: option.opt_text("description")?,
        default: has(eval, &option, "default")
            .then(|| expression(eval, &option, "default", in_words)),
        example: has(eval, &option, "example").then(|| expression(eval, &option, "example", false)),
        read_only: option.bool("readOnly")?,
        internal: option.bool("internal")?,
        declared: places(eval, &option, "declarations")?,
        value,
        defined,
    })
}

/// An attribute as an expression of one line; what `literalExpression` made, or `in_words`, is text already.
fn expression(
    eval: &Evaluator,
    option: &AttrsReader<'_>,
    name: &str,
    in_words: bool,
) -> Evaluated<String> {
    let shown = || -> Result<String, EvalError> {
        let Some(value) = option.opt(name)? else {
            return Ok("null".to_owned());
        };
        if let Value::Attrs(attrs) = &value
            && let Some(kind) = attrs.get(eval.symbol("_type"))
            && let Value::String(kind) = eval.force(&kind.value)?
            && matches!(kind.as_str(), Some("literalExpression" | "literalMD"))
        {
            return eval.reader(&value, "a literal")?.text("text");
        }
        if let (true, Value::String(text)) = (in_words, &value) {
            return Ok(text.to_string_lossy().into_owned());
        }
        Ok(eval.show(&eval.force_deep(&value)?))
    };
    shown().map_err(|error| problem(eval, &error))
}

fn has(eval: &Evaluator, option: &AttrsReader<'_>, name: &str) -> bool {
    option.attrs().get(eval.symbol(name)).is_some()
}

/// The message alone.
fn problem(eval: &Evaluator, error: &EvalError) -> String {
    let text = eval.render(error);
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

fn places(
    eval: &Evaluator,
    option: &AttrsReader<'_>,
    name: &str,
) -> Result<Vec<OptionPlace>, EvalError> {
    let mut places = Vec::new();
    for item in option.list(name)?.iter() {
        let item = eval.reader(item, "a place")?;
        let place = match item.opt("pos")? {
            Some(pos) => {
                let pos = eval.reader(&pos, "a position")?;
                OptionPlace {
                    file: pos.text("file")?,
                    line: Some(pos.int("line")?),
                }
            }
            None => OptionPlace {
                file: eval
                    .to_text(&item.get("file")?)?
                    .to_string_lossy()
                    .into_owned(),
                line: None,
            },
        };
        let file = place.file.trim_start_matches('/').to_owned();
        let place = OptionPlace { file, ..place };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}
