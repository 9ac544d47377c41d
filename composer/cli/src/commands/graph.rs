//! `graph`: the derivations of a subject and what each needs, for graphviz or for programs.
//!
//! Invariant: nothing is built; the same recipes and store give the same bytes.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value, json};
use xsc_build::Work;
use xsc_model::{DrvId, InputSource};

use super::{open_about, print};
use crate::args::{Graph, GraphFormat};
use crate::caches;
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(context: &Context, args: &Graph) -> Result<(), CommandError> {
    let (opened, top) = open_about(context, &args.about)?;
    let graph = opened.recipes.graph();
    let store = context.store()?;
    let plan = caches::plan_here(context, &opened.flake, &store, &graph, &[top])?;
    let shown: Vec<&DrvId> = plan
        .order
        .iter()
        .filter(|id| !args.missing || !plan.known.contains_key(id))
        .collect();
    let is_shown: BTreeSet<&DrvId> = shown.iter().copied().collect();
    let mut nodes = Vec::new();
    let mut edges = BTreeSet::new();
    for id in &shown {
        let Some(drv) = graph.get(id) else { continue };
        let here = plan.known.contains_key(id) && !plan.remote.contains(id);
        nodes.push((*id, drv, here));
        for input in &drv.inputs {
            if let InputSource::Output { drv: dep, output } = &input.source
                && is_shown.contains(dep)
            {
                edges.insert((**id, *dep, output.clone()));
            }
        }
    }
    if context.json || args.format == GraphFormat::Json {
        let nodes: Vec<Value> = nodes
            .iter()
            .map(|(id, drv, built)| {
                json!({
                    "id": id.to_string(),
                    "name": drv.name.as_str(),
                    "work": word(xsc_build::work_of(drv)),
                    "realised": built,
                })
            })
            .collect();
        let edges: Vec<Value> = edges
            .iter()
            .map(|(from, to, output)| {
                json!({ "from": from.to_string(), "to": to.to_string(), "output": output.as_str() })
            })
            .collect();
        print(&json!({ "version": 1, "nodes": nodes, "edges": edges }).to_string());
        return Ok(());
    }
    let mut text = String::from("digraph derivations {\n  rankdir = LR;\n  node [shape = box];\n");
    for (id, drv, built) in nodes {
        let style = if built { "solid" } else { "dashed" };
        let shape = match xsc_build::work_of(drv) {
            Work::Build => "box",
            Work::Builtin => "ellipse",
            Work::Fetch | Work::Substitute => "note",
        };
        let _ = writeln!(
            text,
            "  \"{}\" [label = \"{}\", shape = {shape}, style = {style}];",
            id.short(),
            drv.name
        );
    }
    for (from, to, output) in edges {
        let label = match output.as_str() {
            "out" => String::new(),
            output => format!(" [label = \"{output}\"]"),
        };
        let _ = writeln!(text, "  \"{}\" -> \"{}\"{label};", from.short(), to.short());
    }
    text.push('}');
    print(&text);
    Ok(())
}

/// A kind of work in one word, as `plan` has it too.
pub(crate) fn word(work: Work) -> &'static str {
    match work {
        Work::Substitute => "cache",
        Work::Fetch => "fetch",
        Work::Builtin => "make",
        Work::Build => "build",
    }
}
