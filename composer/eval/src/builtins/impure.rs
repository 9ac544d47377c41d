//! What other evaluators read from the machine: here errors that say what to write instead.
//!
//! Invariant: nothing in this file returns a value. A host that has a pure form of one of these
//! (fetching with a hash, say) registers its own builtin of the same name.

use super::{Result, Row};
use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::value::Value;

const USE_INPUT: &str =
    "name the source in flake-like.toml, run `xsc-compose lock`, and use the input";

pub(super) const ALL: &[Row] = &[
    (
        "fetchGit",
        1,
        "Not available: sources come from the lock file.",
        |_, _| Err(impure("`builtins.fetchGit`", USE_INPUT)),
    ),
    (
        "fetchMercurial",
        1,
        "Not available: sources come from the lock file.",
        |_, _| Err(impure("`builtins.fetchMercurial`", USE_INPUT)),
    ),
    (
        "fetchTarball",
        1,
        "Not available: sources come from the lock file.",
        |_, _| Err(impure("`builtins.fetchTarball`", USE_INPUT)),
    ),
    (
        "fetchTree",
        1,
        "Not available: sources come from the lock file.",
        |_, _| Err(impure("`builtins.fetchTree`", USE_INPUT)),
    ),
    (
        "fetchurl",
        1,
        "Not available: sources come from the lock file.",
        |_, _| Err(impure("`builtins.fetchurl`", USE_INPUT)),
    ),
    (
        "findFile",
        2,
        "Not available: there is no search path.",
        |_, _| {
            Err(impure(
                "`builtins.findFile`",
                "write a path in the tree, or use an input",
            ))
        },
    ),
    (
        "getEnv",
        1,
        "Not available: builds do not see the environment.",
        get_env,
    ),
    (
        "getFlake",
        1,
        "Not available: sources come from the lock file.",
        |_, _| Err(impure("`builtins.getFlake`", USE_INPUT)),
    ),
];

/// Impure names that are values in other evaluators: errors when used.
pub(super) fn values() -> [(&'static str, Value); 3] {
    let failing = |what: &'static str, instead: &'static str| {
        Value::lazy(move |_| Err(impure(what, instead)))
    };
    [
        (
            "currentSystem",
            failing("`builtins.currentSystem`", "use the profile's `system`"),
        ),
        (
            "currentTime",
            failing(
                "`builtins.currentTime`",
                "use the profile's source date, SOURCE_DATE_EPOCH",
            ),
        ),
        (
            "nixPath",
            failing(
                "`builtins.nixPath`",
                "write a path in the tree, or use an input",
            ),
        ),
    ]
}

fn impure(what: &str, instead: &'static str) -> EvalError {
    ErrorKind::Impure {
        what: what.to_owned(),
        instead,
    }
    .into()
}

fn get_env(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let name = ev.expect_string(&args[0], "the argument of `getEnv`")?;
    let what = format!("the environment variable `{}`", name.to_string_lossy());
    Err(impure(&what, "make it an option of the profile"))
}
