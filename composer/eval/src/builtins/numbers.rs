//! Arithmetic, order and bits.

use super::{Result, Row, invalid};
use crate::evaluator::Evaluator;
use crate::value::Value;

pub(super) const ALL: &[Row] = &[
    ("add", 2, "The sum of two numbers.", |ev, args| {
        arithmetic(ev, "+", args)
    }),
    (
        "bitAnd",
        2,
        "The bitwise and of two integers.",
        |ev, args| bits(ev, args, |a, b| a & b),
    ),
    ("bitOr", 2, "The bitwise or of two integers.", |ev, args| {
        bits(ev, args, |a, b| a | b)
    }),
    (
        "bitXor",
        2,
        "The bitwise exclusive or of two integers.",
        |ev, args| bits(ev, args, |a, b| a ^ b),
    ),
    (
        "ceil",
        1,
        "The smallest integer that is not less than a number.",
        |ev, args| round(ev, &args[0], f64::ceil),
    ),
    (
        "div",
        2,
        "The quotient of two numbers; of integers, rounded towards zero.",
        |ev, args| arithmetic(ev, "/", args),
    ),
    (
        "floor",
        1,
        "The largest integer that is not greater than a number.",
        |ev, args| round(ev, &args[0], f64::floor),
    ),
    (
        "lessThan",
        2,
        "Whether the first argument is less than the second.",
        |ev, args| ev.less("<", &args[0], &args[1]).map(Value::Bool),
    ),
    ("mul", 2, "The product of two numbers.", |ev, args| {
        arithmetic(ev, "*", args)
    }),
    ("sub", 2, "The difference of two numbers.", |ev, args| {
        arithmetic(ev, "-", args)
    }),
];

fn arithmetic(ev: &Evaluator, operator: &'static str, args: &[Value]) -> Result<Value> {
    let (left, right) = (ev.force(&args[0])?, ev.force(&args[1])?);
    ev.arithmetic(operator, &left, &right)
}

fn bits(ev: &Evaluator, args: &[Value], apply: fn(i64, i64) -> i64) -> Result<Value> {
    let left = ev.expect_int(&args[0], "the first operand")?;
    let right = ev.expect_int(&args[1], "the second operand")?;
    Ok(Value::Int(apply(left, right)))
}

fn round(ev: &Evaluator, value: &Value, apply: fn(f64) -> f64) -> Result<Value> {
    match ev.force(value)? {
        Value::Int(i) => Ok(Value::Int(i)),
        Value::Float(x) => {
            let rounded = apply(x);
            // Both bounds are exact as floats; the upper one is 2^63, the first that does not fit.
            if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded) {
                return Err(invalid(format!("{x} does not fit into an integer")));
            }
            #[expect(clippy::cast_possible_truncation)]
            Ok(Value::Int(rounded as i64))
        }
        other => Err(ev.type_error("a number", &other, "rounding")),
    }
}
