//! Builtins that steer evaluation: errors, forcing, tracing, imports.
//!
//! Invariant: `tryEval` catches exactly what `ErrorKind::is_catchable` says.

use super::{Result, Row};
use crate::error::ErrorKind;
use crate::evaluator::Evaluator;
use crate::path;
use crate::print::PrintOptions;
use crate::value::Value;

pub(super) const ALL: &[Row] = &[
    (
        "abort",
        1,
        "Ends the evaluation with a message that `tryEval` does not catch.",
        abort,
    ),
    (
        "addErrorContext",
        2,
        "Evaluates the second argument; errors mention the first.",
        add_context,
    ),
    ("break", 1, "Returns its argument.", identity),
    (
        "deepSeq",
        2,
        "Evaluates the first argument wholly, then returns the second.",
        deep_seq,
    ),
    (
        "import",
        1,
        "The value of another file, or of a directory's default.nix.",
        import,
    ),
    (
        "scopedImport",
        2,
        "Like import, with the attributes of a set in scope in the file.",
        scoped_import,
    ),
    (
        "seq",
        2,
        "Evaluates the first argument, then returns the second.",
        seq,
    ),
    (
        "throw",
        1,
        "Fails with a message; `tryEval` catches it.",
        throw,
    ),
    (
        "trace",
        2,
        "Shows the first argument, then returns the second.",
        trace,
    ),
    ("traceVerbose", 2, "Returns the second argument.", second),
    (
        "tryEval",
        1,
        "Evaluates its argument: { success = true; value; }, or { success = false; value = false; }.",
        try_eval,
    ),
    (
        "warn",
        2,
        "Shows the first argument as a warning, then returns the second.",
        warn,
    ),
];

/// The text of a message: of what interpolation takes, since Nix takes nothing else; paths are not copied.
fn message(ev: &Evaluator, value: &Value) -> Result<String> {
    Ok(ev
        .coerced(value, crate::interp::Coercion::PathPart)?
        .to_string_lossy()
        .into_owned())
}

fn abort(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    Err(ErrorKind::Abort {
        message: message(ev, &args[0])?,
    }
    .into())
}

fn throw(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    Err(ErrorKind::Throw {
        message: message(ev, &args[0])?,
    }
    .into())
}

fn add_context(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    match ev.force(&args[1]) {
        Ok(value) => Ok(value),
        Err(error) => {
            let text = message(ev, &args[0])?;
            Err(error.during(crate::error::FrameKind::Context(text.into()), None))
        }
    }
}

fn identity(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    ev.force(&args[0])
}

fn second(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    ev.force(&args[1])
}

fn seq(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    ev.force(&args[0])?;
    ev.force(&args[1])
}

fn deep_seq(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    ev.force_deep(&args[0])?;
    ev.force(&args[1])
}

fn trace(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = match ev.force(&args[0])? {
        Value::String(text) => text.to_string_lossy().into_owned(),
        value => ev.print(&value, &PrintOptions::default())?,
    };
    (ev.trace)(&text);
    ev.force(&args[1])
}

fn warn(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.expect_string(&args[0], "the message given to `warn`")?;
    (ev.trace)(&format!("warning: {}", text.to_string_lossy()));
    ev.force(&args[1])
}

fn try_eval(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let (success, value) = match ev.force(&args[0]) {
        Ok(value) => (true, value),
        Err(error) if error.kind().is_catchable() => (false, Value::Bool(false)),
        Err(error) => return Err(error),
    };
    Ok(ev.make_attrs([("success", Value::Bool(success)), ("value", value)]))
}

fn import(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let path = super::paths::path_argument(ev, &args[0], "the argument of `import`")?;
    ev.import(&path)
}

fn scoped_import(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let scope = ev.expect_attrs(&args[0], "the first argument of `scopedImport`")?;
    let file = super::paths::path_argument(ev, &args[1], "the second argument of `scopedImport`")?;
    debug_assert!(path::normalise(file.as_str()).is_ok());
    ev.scoped_import(&scope, file.as_str())
}
