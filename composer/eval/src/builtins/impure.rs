//! What other evaluators read from the machine: here errors that say what to write instead.
//!
//! Invariant: nothing in this file returns a value that the host did not give. A host that has a pure form
//! of one of these registers its own builtin of the same name.

use super::{Result, Row};
use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::store::unavailable;
use crate::value::Value;

pub(super) const USE_INPUT: &str =
    "name the source in flake-like.toml, run `xsc-compose lock`, and use the input";

const IN_RECIPES: &str =
    "write it in a recipe below images/ or pkgs/, which `xsc-compose` evaluates";

pub(super) const ALL: &[Row] = &[
    (
        "derivation",
        1,
        "Not available: only recipes make derivations.",
        |_, _| Err(unavailable("`derivation`", IN_RECIPES)),
    ),
    (
        "derivationStrict",
        1,
        "Not available: only recipes make derivations.",
        |_, _| Err(unavailable("`derivationStrict`", IN_RECIPES)),
    ),
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

/// Names that are values in other evaluators; errors when used, unless the host gives them.
pub(super) fn values() -> [(&'static str, Value); 3] {
    [
        (
            "currentSystem",
            Value::lazy(|ev| match &ev.settings.system {
                Some(system) => Ok(Value::from(&**system)),
                None => Err(impure(
                    "`builtins.currentSystem`",
                    "use the profile's `system`",
                )),
            }),
        ),
        (
            "currentTime",
            Value::lazy(|_| {
                Err(impure(
                    "`builtins.currentTime`",
                    "use the profile's source date, SOURCE_DATE_EPOCH",
                ))
            }),
        ),
        ("nixPath", Value::lazy(super::search::nix_path)),
    ]
}

pub(super) fn no_search_path(what: &str) -> EvalError {
    impure(what, "write a path in the tree, or use an input")
}

pub(super) fn impure(what: &str, instead: &'static str) -> EvalError {
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
