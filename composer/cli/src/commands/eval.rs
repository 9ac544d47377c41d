//! `eval`: the value of a profile's recipes, or of one attribute, as JSON.
//!
//! A derivation is shown as its name and id, a function as what it is. Invariant: nothing is
//! built, fetched or written.

use super::{open, print};
use crate::args::Eval;
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(context: &Context, args: &Eval) -> Result<(), CommandError> {
    let mut opened = open(&args.profile)?;
    let value = opened
        .recipes
        .json(args.attr.as_deref())
        .map_err(|e| CommandError::other(e.to_string()))?;
    let text = if context.json {
        value.to_string()
    } else {
        serde_json::to_string_pretty(&value).expect("a JSON value can be written")
    };
    print(&text);
    Ok(())
}
