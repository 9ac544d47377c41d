//! Values to and from JSON, and from TOML.
//!
//! Used by `toJSON`, `fromJSON`, `fromTOML` and by hosts. Invariant: converting to JSON forces the whole
//! value and returns the contexts of all strings in it.

use serde_json::{Map, Number};

use crate::error::{ErrorKind, EvalError, FrameKind};
use crate::evaluator::Evaluator;
use crate::interp::Coercion;
use crate::settings::Feature;
use crate::value::{Context, Value};

type Json = serde_json::Value;

/// `serde_json` writes and drops its values recursively on the caller's stack.
const MAX_JSON_DEPTH: u32 = 2_000;

impl Evaluator {
    /// The value as JSON, and the contexts of the strings in it.
    pub fn value_to_json(&self, value: &Value) -> Result<(Json, Context), EvalError> {
        let mut context = Context::new();
        let json = self.to_json(value, &mut context, 0)?;
        Ok((json, context))
    }

    fn to_json(&self, value: &Value, context: &mut Context, depth: u32) -> Result<Json, EvalError> {
        self.deeper(|| self.to_json_inner(value, context, depth))
    }

    fn to_json_inner(
        &self,
        value: &Value,
        context: &mut Context,
        depth: u32,
    ) -> Result<Json, EvalError> {
        if depth > MAX_JSON_DEPTH {
            return Err(ErrorKind::TooNested {
                limit: MAX_JSON_DEPTH,
            }
            .into());
        }
        let depth = depth + 1;
        self.spend(1)?;
        let value = self.force(value)?;
        Ok(match &value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::Number((*value).into()),
            // What is no number has no JSON form; Nix writes null.
            Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
            Value::String(_) | Value::Path(_) => {
                let text = self.coerced(&value, Coercion::Interpolation)?;
                context.extend(text.context().into_iter().flat_map(|c| c.iter().cloned()));
                Json::String(self.utf8(&text, "a string in JSON")?.to_owned())
            }
            Value::List(items) => {
                let mut array = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    array.push(
                        self.to_json(item, context, depth)
                            .map_err(|error| error.during(FrameKind::Element(index), None))?,
                    );
                }
                Json::Array(array)
            }
            Value::Attrs(attrs) => {
                if attrs.get(self.names.to_string).is_some() {
                    let text = self.coerced(&value, Coercion::Interpolation)?;
                    return self.to_json(&Value::String(text), context, depth);
                }
                if let Some(path) = attrs.get(self.names.out_path) {
                    return self.to_json(&self.force_attr(path)?, context, depth);
                }
                let mut object = Map::new();
                for (name, attr) in self.sorted(attrs) {
                    let json = self.to_json(&attr.value, context, depth).map_err(|error| {
                        self.during_attr(error.or_at(self.attr_span(attr)), attr)
                    })?;
                    object.insert(name.to_owned(), json);
                }
                Json::Object(object)
            }
            other => return Err(not_json(&self.brief(other))),
        })
    }

    /// The value that JSON describes.
    pub fn value_from_json(&self, json: &Json) -> Result<Value, EvalError> {
        Ok(match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) if number.is_u64() && !number.is_i64() => {
                let message = format!("the number {number} does not fit into 64 bits");
                return Err(ErrorKind::Format {
                    format: "JSON",
                    message,
                }
                .into());
            }
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(int), _) => Value::Int(int),
                (None, Some(float)) => Value::Float(float),
                (None, None) => {
                    let message = format!("the number {number} is out of range");
                    return Err(ErrorKind::Format {
                        format: "JSON",
                        message,
                    }
                    .into());
                }
            },
            Json::String(text) => Value::from(without_nul(text, "JSON")?),
            Json::Array(items) => {
                let items: Result<Vec<_>, _> = items
                    .iter()
                    .map(|item| self.value_from_json(item))
                    .collect();
                Value::list(items?)
            }
            Json::Object(object) => {
                let mut attrs = Vec::with_capacity(object.len());
                for (name, json) in object {
                    attrs.push((without_nul(name, "JSON")?, self.value_from_json(json)?));
                }
                self.make_attrs(attrs)
            }
        })
    }
}

/// Strings of the language can't contain NUL.
fn without_nul<'a>(text: &'a str, format: &'static str) -> Result<&'a str, EvalError> {
    if text.contains('\0') {
        let message = "a string contains NUL".to_owned();
        return Err(ErrorKind::Format { format, message }.into());
    }
    Ok(text)
}

fn not_json(what: &str) -> EvalError {
    ErrorKind::InvalidArgument {
        message: format!("{what} has no JSON form"),
    }
    .into()
}

pub(crate) fn toml_to_value(evaluator: &Evaluator, toml: &toml::Value) -> Result<Value, EvalError> {
    Ok(match toml {
        toml::Value::String(text) => Value::from(without_nul(text, "TOML")?),
        toml::Value::Integer(value) => Value::Int(*value),
        toml::Value::Float(value) => Value::Float(*value),
        toml::Value::Boolean(value) => Value::Bool(*value),
        toml::Value::Datetime(value) => {
            if !evaluator.settings.has(Feature::ParseTomlTimestamps) {
                let name = Feature::ParseTomlTimestamps.name();
                let message =
                    format!("the date {value} has no counterpart without the feature `{name}`");
                return Err(ErrorKind::Format {
                    format: "TOML",
                    message,
                }
                .into());
            }
            evaluator.make_attrs([
                ("_type", Value::from("timestamp")),
                ("value", Value::from(timestamp(*value))),
            ])
        }
        toml::Value::Array(items) => {
            let items: Result<Vec<_>, _> = items
                .iter()
                .map(|item| toml_to_value(evaluator, item))
                .collect();
            Value::list(items?)
        }
        toml::Value::Table(table) => {
            let mut attrs = Vec::with_capacity(table.len());
            for (name, value) in table {
                attrs.push((without_nul(name, "TOML")?, toml_to_value(evaluator, value)?));
            }
            evaluator.make_attrs(attrs)
        }
    })
}

/// The time in RFC 3339's form, with no, three, six or nine digits of a second, as few as are needed.
fn timestamp(mut value: toml::value::Datetime) -> String {
    let Some(time) = &mut value.time else {
        return value.to_string();
    };
    let nanoseconds = time.nanosecond.take().unwrap_or(0);
    time.second = Some(time.second.unwrap_or(0));
    let digits = match nanoseconds {
        0 => String::new(),
        n if n % 1_000_000 == 0 => format!(".{:03}", n / 1_000_000),
        n if n % 1_000 == 0 => format!(".{:06}", n / 1_000),
        n => format!(".{n:09}"),
    };
    let offset = value.offset.take().map(|offset| offset.to_string());
    format!("{value}{digits}{}", offset.unwrap_or_default())
}
