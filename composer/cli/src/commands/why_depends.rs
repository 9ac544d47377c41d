//! `why-depends`: how one derivation comes to need another, when it is built or when it runs.
//!
//! Invariant: nothing is built; the chain that is printed is a shortest one.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use xsc_build::Work;
use xsc_model::{DrvId, Graph, InputSource, TreeId};

use super::{Opened, open_about, print};
use crate::args::WhyDepends;
use crate::context::Context;
use crate::error::{CommandError, chain, store_error};

/// One step: who needs whom, and by what.
struct Link {
    from: String,
    to: String,
    by: String,
}

pub(crate) fn run(context: &Context, args: &WhyDepends) -> Result<(), CommandError> {
    let (opened, top) = open_about(context, &args.about)?;
    let graph = opened.recipes.graph();
    let order = graph.closure(&[top]);
    let from = named(&opened, &graph, &order, &args.from)?;
    let to = named(&opened, &graph, &order, &args.to)?;
    let links = match args.runtime {
        false => at_build(&graph, &from, &to),
        true => at_run(context, &graph, top, &order, &from, &to)?,
    };
    if context.json {
        let links: Option<Vec<Value>> = links.map(|links| {
            let object = |link: &Link| json!({ "from": link.from, "to": link.to, "by": link.by });
            links.iter().map(object).collect()
        });
        print(&json!({ "version": 1, "depends": links.is_some(), "chain": links }).to_string());
        return Ok(());
    }
    let Some(links) = links else {
        let when = if args.runtime {
            "when it runs"
        } else {
            "to be built"
        };
        print(&format!("{} does not need {} {when}", args.from, args.to));
        return Ok(());
    };
    for (index, link) in links.iter().enumerate() {
        if index == 0 {
            print(&link.from);
        }
        print(&format!(
            "{:indent$}└ {}: {}",
            "",
            link.to,
            link.by,
            indent = 2 * index
        ));
    }
    Ok(())
}

/// The derivations that somebody means by a name: of that name, or of that name without the version.
fn named(
    opened: &Opened,
    graph: &Graph,
    order: &[DrvId],
    wanted: &str,
) -> Result<Vec<DrvId>, CommandError> {
    let name = |id: &DrvId| graph.get(id).map_or("", |drv| drv.name.as_str());
    for of in [|name| name, xsc_build::stem] as [fn(&str) -> &str; 2] {
        let found: Vec<DrvId> = order
            .iter()
            .filter(|id| of(name(id)) == wanted)
            .copied()
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let names = order.iter().map(name);
    Err(super::show::no_such(opened, wanted, names))
}

/// The shortest chain of inputs.
fn at_build(graph: &Graph, from: &[DrvId], to: &[DrvId]) -> Option<Vec<Link>> {
    let name = |id: &DrvId| {
        graph
            .get(id)
            .map_or("?".to_owned(), |drv| drv.name.to_string())
    };
    let mut reached: BTreeMap<DrvId, Option<(DrvId, String)>> =
        from.iter().map(|id| (*id, None)).collect();
    let mut queue: VecDeque<DrvId> = from.iter().copied().collect();
    while let Some(id) = queue.pop_front() {
        if to.contains(&id) && reached[&id].is_some() {
            let mut links = Vec::new();
            let mut at = id;
            while let Some((before, by)) = reached.get(&at).cloned().flatten() {
                links.push(Link {
                    from: name(&before),
                    to: name(&at),
                    by,
                });
                at = before;
            }
            links.reverse();
            return Some(links);
        }
        let Some(drv) = graph.get(&id) else { continue };
        for input in &drv.inputs {
            if let InputSource::Output { drv: dep, output } = &input.source {
                reached.entry(*dep).or_insert_with(|| {
                    queue.push_back(*dep);
                    Some((id, format!("output {output} is at {}", input.at.as_str())))
                });
            }
        }
    }
    None
}

/// The shortest chain of libraries, loaders and interpreters.
fn at_run(
    context: &Context,
    graph: &Graph,
    top: DrvId,
    order: &[DrvId],
    from: &[DrvId],
    to: &[DrvId],
) -> Result<Option<Vec<Link>>, CommandError> {
    let store = context.store()?;
    let plan = xsc_build::Plan::new(&store, graph, &[top]).map_err(|e| store_error(&e))?;
    let mut among: BTreeMap<DrvId, Vec<TreeId>> = BTreeMap::new();
    for id in order {
        let Some(drv) = graph.get(id) else { continue };
        let asked = from.contains(id) || to.contains(id);
        // Trees put together of others have everything and explain nothing.
        if xsc_build::work_of(drv) != Work::Build && !asked {
            continue;
        }
        match plan.known.get(id) {
            Some(known) => {
                among.insert(*id, known.outputs.values().copied().collect());
            }
            None if asked => {
                return Err(CommandError::other(format!(
                    "{} is not built, and what it needs when it runs is read from its files",
                    drv.name
                ))
                .hint("build it first"));
            }
            None => {}
        }
    }
    let found = xsc_build::runtime_chain(&store, &among, from, to)
        .map_err(|e| CommandError::other(chain(&e)))?;
    let name = |id: &DrvId| {
        graph
            .get(id)
            .map_or("?".to_owned(), |drv| drv.name.to_string())
    };
    Ok(found.map(|needs| {
        needs
            .iter()
            .map(|need| Link {
                from: name(&need.from),
                to: name(&need.to),
                by: format!("{} needs {}", need.file, need.needs),
            })
            .collect()
    }))
}
