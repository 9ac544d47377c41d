//! `log`: the output of a derivation's build, as it was kept.
//!
//! The log belongs to the action that the recipes give now. Invariant: nothing is built.

use std::io::{self, Write};

use super::show::find;
use super::{open_subject, print};
use crate::args::Log;
use crate::caches;
use crate::context::Context;
use crate::error::{CommandError, store_error};

pub(crate) fn run(context: &Context, args: &Log) -> Result<(), CommandError> {
    let mut opened = open_subject(context, &args.profile)?;
    let store = context.store()?;
    let (graph, id) = find(&mut opened, &args.which)?;
    let pull = caches::Use {
        pull: true,
        push: false,
    };
    let set = caches::open(context, &opened.flake, &store, pull)?;
    let plan = caches::plan_here(context, &opened.flake, &store, &graph, &[id])?;
    let drv = graph.get(&id).expect("what was found is in its graph");
    let action = xsc_build::resolve(drv, &plan.known).ok_or_else(|| {
        CommandError::other(format!(
            "{} was never tried: its inputs are not built",
            drv.name
        ))
    })?;
    let mut log = store.read_log(&action.id()).map_err(|e| store_error(&e))?;
    if let (None, Some(set)) = (&log, &set) {
        let asked = set.believed(&[action.id()]).map_err(|e| store_error(&e))?;
        if asked.iter().flatten().any(|found| set.fetch_log(found)) {
            log = store.read_log(&action.id()).map_err(|e| store_error(&e))?;
        }
    }
    let Some(mut log) = log else {
        return Err(CommandError::other(format!(
            "there is no log of {}: nothing was run for it as it is now",
            drv.name
        )));
    };
    if context.json {
        let mut text = Vec::new();
        io::copy(&mut log, &mut text).map_err(|e| CommandError::from_error(&e))?;
        let value = serde_json::json!({
            "version": 1,
            "name": drv.name.as_str(),
            "action": action.id().to_string(),
            "log": String::from_utf8_lossy(&text),
        });
        print(&value.to_string());
        return Ok(());
    }
    let mut out = io::stdout().lock();
    match io::copy(&mut log, &mut out).and_then(|_| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::other(
            format!("cannot print the log of {}: {error}", drv.name),
        )),
        _ => Ok(()),
    }
}
