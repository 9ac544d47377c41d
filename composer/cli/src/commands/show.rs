//! `show`: a profile's derivations, or one with its inputs, action and outputs.
//!
//! Invariant: nothing is built; what is not realised is said to be missing.

use std::fmt::Write;
use std::io::Read;

use serde_json::{Value, json};
use xsc_build::Plan;
use xsc_model::{Builder, Derivation, DirectorySource, DrvId, Graph, InputMode, InputSource, Node};
use xsc_store::Store;

use super::{Opened, open_subject, print};
use crate::args::Show;
use crate::caches;
use crate::context::Context;
use crate::error::{CommandError, store_error};
use crate::ui::human;

pub(crate) fn run(context: &Context, args: &Show) -> Result<(), CommandError> {
    let mut opened = open_subject(context, &args.profile)?;
    let store = context.store()?;
    if args.manifest {
        print(manifest(context, &mut opened, &store)?.trim_end());
        return Ok(());
    }
    match &args.which {
        Some(which) => {
            let (graph, id) = find(&mut opened, which)?;
            let plan = caches::plan_here(context, &opened.flake, &store, &graph, &[id])?;
            one(context, &store, &graph, id, &plan)
        }
        None => {
            let top = opened.derivation(None)?;
            let graph = opened.recipes.graph();
            let plan = caches::plan_here(context, &opened.flake, &store, &graph, &[top])?;
            table(context, &graph, &plan)
        }
    }
}

/// The text of the profile's manifest, if it was made.
pub(crate) fn manifest(
    context: &Context,
    opened: &mut Opened,
    store: &Store,
) -> Result<String, CommandError> {
    let id = opened.derivation(Some("manifest"))?;
    let graph = opened.recipes.graph();
    let plan = caches::plan_here(context, &opened.flake, store, &graph, &[id])?;
    let made = plan.known.get(&id).filter(|_| !plan.remote.contains(&id));
    let Some(tree) = made.and_then(|made| made.outputs.values().next()) else {
        let message = format!("the manifest of {} is not built", opened.described());
        let build = format!(
            "`xsc-compose build --no-link -A manifest {}` makes it",
            opened.path.display()
        );
        return Err(CommandError::other(message).hint(build));
    };
    let directory = store.directory(*tree).map_err(|e| store_error(&e))?;
    let Some(Node::File { blob, .. }) = directory.entries.values().next() else {
        let message = format!("the manifest of {} has no file", opened.described());
        return Err(CommandError::other(message));
    };
    let mut text = String::new();
    store
        .open_blob(*blob)
        .map_err(|e| store_error(&e))?
        .read_to_string(&mut text)
        .map_err(|e| CommandError::from_error(&e))?;
    Ok(text)
}

/// The derivation of that name in the profile's graph, or at that attribute path.
pub(crate) fn find(opened: &mut Opened, which: &str) -> Result<(Graph, DrvId), CommandError> {
    let top = opened.derivation(None)?;
    let graph = opened.recipes.graph();
    let closure = graph.closure(&[top]);
    let name = |id: &DrvId| graph.get(id).map_or("", |drv| drv.name.as_str());
    if let Some(id) = closure.iter().find(|id| name(id) == which) {
        return Ok((graph.clone(), *id));
    }
    if let Ok(id) = opened.recipes.derivation(which) {
        return Ok((opened.recipes.graph(), id));
    }
    Err(no_such(opened, which, closure.iter().map(name)))
}

/// Says that none of the derivations, which have these names, is meant.
pub(super) fn no_such<'n>(
    opened: &Opened,
    which: &str,
    names: impl Iterator<Item = &'n str>,
) -> CommandError {
    let error = CommandError::usage(format!(
        "{} has no derivation `{which}`",
        opened.described()
    ));
    match xsc_profile::closest(which, names) {
        Some(close) => error.hint(format!("did you mean {close}?")),
        None => error.hint(format!(
            "`xsc-compose show {}` lists them",
            opened.path.display()
        )),
    }
}

fn one(
    context: &Context,
    store: &Store,
    graph: &Graph,
    id: DrvId,
    plan: &Plan,
) -> Result<(), CommandError> {
    let drv = graph.get(&id).expect("what was found is in its graph");
    let action = xsc_build::resolve(drv, &plan.known).map(|action| action.id());
    let here = plan.known.get(&id).filter(|_| !plan.remote.contains(&id));
    let outputs: Vec<(String, String)> = here
        .into_iter()
        .flat_map(|realisation| &realisation.outputs)
        .map(|(name, tree)| {
            (
                name.to_string(),
                store.tree_place(tree).display().to_string(),
            )
        })
        .collect();
    let isolation = plan
        .known
        .get(&id)
        .map(|r| r.isolation.clone())
        .unwrap_or_default();
    let last = store.last_duration(drv.name.as_str());
    if context.json {
        let outputs: serde_json::Map<String, Value> = outputs
            .into_iter()
            .map(|(name, path)| (name, json!(path)))
            .collect();
        let value = json!({
            "version": 1,
            "name": drv.name.as_str(),
            "derivation": id.to_string(),
            "system": drv.system.as_str(),
            "builder": builder(drv),
            "inputs": inputs(graph, drv),
            "action": action.map(|a| a.to_string()),
            "outputs": outputs,
            "isolation": isolation,
            "last_duration_ms": last.map(|d| d.as_millis() as u64),
        });
        print(&serde_json::to_string_pretty(&value).expect("a JSON value can be written"));
        return Ok(());
    }
    let mut text = String::new();
    let action = action.map_or("unknown: its inputs are not built".to_owned(), |a| {
        a.to_string()
    });
    let _ = writeln!(text, "name        {}", drv.name);
    let _ = writeln!(text, "derivation  {id}");
    let _ = writeln!(text, "action      {action}");
    let _ = writeln!(text, "system      {}", drv.system);
    let _ = writeln!(text, "builder     {}", builder(drv));
    for input in inputs(graph, drv) {
        let word = |key: &str| input[key].as_str().unwrap_or_default().to_owned();
        let _ = writeln!(
            text,
            "input       {} ({}) {}",
            word("at"),
            word("mode"),
            word("from")
        );
    }
    for (name, path) in &outputs {
        let _ = writeln!(text, "output      {name} {path}");
    }
    if outputs.is_empty() {
        let _ = writeln!(text, "output      not built");
    }
    if !isolation.is_empty() {
        let _ = writeln!(text, "isolation   {}", isolation.join(" "));
    }
    if let Some(last) = last {
        let _ = writeln!(text, "last took   {}", human(last));
    }
    print(text.trim_end());
    Ok(())
}

fn builder(drv: &Derivation) -> String {
    match &drv.builder {
        Builder::Exec(exec) => exec.command.join(" "),
        Builder::Fetch(fetch) => format!("builtin:fetch {} sha256 {}", fetch.file, fetch.sha256),
        Builder::Builtin { name, .. } => format!("builtin:{}", name.as_str()),
    }
}

fn inputs(graph: &Graph, drv: &Derivation) -> Vec<Value> {
    drv.inputs
        .iter()
        .map(|input| {
            let from = match &input.source {
                InputSource::Source { paths, .. } => paths.join(", "),
                InputSource::Output { drv, output } => {
                    let name = graph.get(drv).map_or("?", |drv| drv.name.as_str());
                    format!("{name}.{output}")
                }
            };
            let mode = match input.mode {
                InputMode::ReadOnly => "ro",
                InputMode::Writable => "rw",
            };
            json!({ "at": input.at.as_str(), "mode": mode, "from": from })
        })
        .collect()
}

fn table(context: &Context, graph: &Graph, plan: &Plan) -> Result<(), CommandError> {
    let built = |id| plan.known.contains_key(id) && !plan.remote.contains(id);
    let rows: Vec<(&DrvId, &Derivation, bool)> = plan
        .order
        .iter()
        .filter_map(|id| Some((id, graph.get(id)?.as_ref(), built(id))))
        .collect();
    if context.json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(id, drv, built)| {
                json!({ "derivation": id.to_string(), "name": drv.name.as_str(), "realised": built })
            })
            .collect();
        print(&json!({ "version": 1, "derivations": rows }).to_string());
        return Ok(());
    }
    for (id, drv, built) in rows {
        let state = match (built, plan.remote.contains(id)) {
            (true, _) => "built  ",
            (false, true) => "cached ",
            (false, false) => "missing",
        };
        print(&format!("{} {state} {}", id.short(), drv.name));
    }
    Ok(())
}
