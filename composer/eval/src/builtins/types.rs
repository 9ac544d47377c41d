//! Builtins that tell what a value is.

use super::{Result, Row};
use crate::evaluator::Evaluator;
use crate::expr::Param;
use crate::value::{Attr, Attrs, Value};

pub(super) const ALL: &[Row] = &[
    (
        "functionArgs",
        1,
        "The named arguments of a function: name to whether it has a default.",
        function_args,
    ),
    ("isAttrs", 1, "Whether a value is a set.", |ev, args| {
        is(ev, args, "set")
    }),
    ("isBool", 1, "Whether a value is a boolean.", |ev, args| {
        is(ev, args, "bool")
    }),
    ("isFloat", 1, "Whether a value is a float.", |ev, args| {
        is(ev, args, "float")
    }),
    (
        "isFunction",
        1,
        "Whether a value is a function.",
        |ev, args| is(ev, args, "lambda"),
    ),
    ("isInt", 1, "Whether a value is an integer.", |ev, args| {
        is(ev, args, "int")
    }),
    ("isList", 1, "Whether a value is a list.", |ev, args| {
        is(ev, args, "list")
    }),
    ("isNull", 1, "Whether a value is null.", |ev, args| {
        is(ev, args, "null")
    }),
    ("isPath", 1, "Whether a value is a path.", |ev, args| {
        is(ev, args, "path")
    }),
    ("isString", 1, "Whether a value is a string.", |ev, args| {
        is(ev, args, "string")
    }),
    (
        "typeOf",
        1,
        "The type of a value: int, bool, string, path, null, set, list, lambda or float.",
        type_of,
    ),
];

fn is(ev: &Evaluator, args: &[Value], name: &str) -> Result<Value> {
    Ok(Value::Bool(ev.force(&args[0])?.type_name() == name))
}

fn type_of(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    Ok(Value::from(ev.force(&args[0])?.type_name()))
}

fn function_args(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let function = ev.force(&args[0])?;
    match &function {
        Value::Builtin(_) => Ok(Value::attrs(Attrs::default())),
        Value::Lambda(id, _) => match &ev.lambda(*id).param {
            Param::Idents(_) => Ok(Value::attrs(Attrs::default())),
            Param::Pattern(pattern) => {
                let attrs = pattern.formals.iter().map(|formal| Attr {
                    name: formal.name,
                    pos: formal.pos,
                    value: Value::Bool(formal.default.is_some()),
                });
                Ok(Value::attrs(Attrs::from_unsorted(attrs.collect())))
            }
        },
        other => Err(ev.type_error("a function", other, "the argument of `functionArgs`")),
    }
}
