//! JSON and TOML.
//!
//! The conversions themselves are in `convert.rs`, which hosts use, too.

use super::{Result, Row};
use crate::convert::toml_to_value;
use crate::error::ErrorKind;
use crate::evaluator::Evaluator;
use crate::json::{json_text, read_json};
use crate::value::Value;

pub(super) const ALL: &[Row] = &[
    (
        "fromJSON",
        1,
        "The value that a JSON text describes.",
        from_json,
    ),
    (
        "fromTOML",
        1,
        "The value that a TOML text describes.",
        from_toml,
    ),
    ("toJSON", 1, "A value as JSON text.", to_json),
];

fn from_json(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.expect_plain_string(&args[0], "the argument of `fromJSON`")?;
    read_json(ev, text.as_bytes())
}

fn from_toml(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.expect_plain_string(&args[0], "the argument of `fromTOML`")?;
    let table: toml::Table =
        ev.utf8(&text, "TOML")?
            .parse()
            .map_err(|error: toml::de::Error| ErrorKind::Format {
                format: "TOML",
                message: error.message().to_owned(),
            })?;
    toml_to_value(ev, &toml::Value::Table(table))
}

fn to_json(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let (json, context) = ev.value_to_json(&args[0])?;
    Ok(Value::string(
        crate::value::NixString::from(json_text(&json)).with_context(context),
    ))
}
