//! `pull`: fetches a result from one cache, verified, and builds nothing.
//!
//! Invariant: what is not whole and signed as [trust] wants it is not linked.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use indicatif::HumanBytes;
use serde_json::json;
use xsc_build::{Caches, Plan, Step, Substituter};
use xsc_model::{DrvId, Graph};
use xsc_remote::CacheSet;

use super::build::check_link;
use super::{Cancel, open_about, print};
use crate::args::Pull;
use crate::caches::{self, Shared};
use crate::context::Context;
use crate::error::{CommandError, exit, store_error};
use crate::ui::{beside_saying, count, human, say};

pub(crate) fn run(context: &Context, args: &Pull, cancel: &Cancel) -> Result<(), CommandError> {
    let (mut opened, drv) = open_about(context, &args.about)?;
    let (_, output) = opened.output(args.about.attr.as_deref())?;
    let graph = opened.recipes.graph();
    let store = context.store()?;
    let _session = store.session().map_err(|e| store_error(&e))?;
    if !args.no_link {
        check_link(&args.out_link)?;
    }
    let endpoint = caches::named(context, &opened.flake, &args.source)?;
    let trust = caches::trust(&opened.flake)?;
    if trust.keys().is_empty() && !endpoint.trust_engine {
        return Err(CommandError::usage(format!(
            "{} trusts nobody, so nothing of {} can be used",
            opened.flake.file, endpoint.name
        ))
        .hint("name the keys of those who push: [trust] keys = [\"NAME:BASE64\"]"));
    }
    let member = xsc_remote::Endpoint {
        cache: caches::open_endpoint(context, &endpoint, &store, None)?,
        pull: true,
        push: false,
        trust_engine: endpoint.trust_engine,
    };
    let set = CacheSet::new(&store, vec![member], trust, None, say);
    let shared = Shared::new(&set);
    let begin = Instant::now();
    let plan = Plan::with(
        &store,
        Caches::Asked(&shared, &BTreeSet::new()),
        &graph,
        &[drv],
    )
    .map_err(|e| store_error(&e))?;
    refuse_builds(&plan, &graph, &endpoint.name, &set)?;
    let bytes = AtomicU64::new(0);
    let mut fetched = 0;
    let wanted = |id: &&DrvId| args.closure || plan.steps.contains_key(*id);
    let wanted: Vec<&DrvId> = plan
        .order
        .iter()
        .filter(|id| plan.remote.contains(*id))
        .filter(wanted)
        .collect();
    let text = || format!("pulling: {}", HumanBytes(bytes.load(Ordering::Relaxed)));
    beside_saying(context.quiet, text, || {
        for id in wanted {
            if cancel.load(Ordering::SeqCst) {
                return Err(CommandError::new(exit::INTERRUPTED, "interrupted")
                    .hint("what came is kept; run the same command to go on"));
            }
            let realisation = &plan.known[id];
            let progress = |more| {
                bytes.fetch_add(more, Ordering::Relaxed);
            };
            shared.fetch(realisation, &progress).map_err(|error| {
                let name = graph.get(id).map_or("?", |drv| drv.name.as_str());
                CommandError::other(format!("{name}: {error}"))
                    .hint("`xsc-compose build` builds what a cache does not give")
            })?;
            store
                .put_realisation(realisation)
                .map_err(|e| store_error(&e))?;
            fetched += 1;
        }
        Ok(())
    })?;
    let realisation = &plan.known[&drv];
    let tree = realisation.outputs[&output];
    let path = store.tree_path(&tree).map_err(|e| store_error(&e))?;
    if !args.no_link {
        let actions = caches::kept_here(&store, plan.known.values());
        store
            .add_root(&args.out_link, &tree, actions)
            .map_err(|e| CommandError::from_error(&e))?;
    }
    store.flush().map_err(|e| CommandError::from_error(&e))?;
    let bytes = bytes.into_inner();
    if context.json {
        let value = json!({
            "version": 1,
            "path": path,
            "action": realisation.action.to_string(),
            "fetched": fetched,
            "bytes": bytes,
        });
        print(&value.to_string());
        return Ok(());
    }
    if !context.quiet {
        eprintln!(
            "pulled {} of {} from {} ({}) in {}",
            fetched,
            count(plan.order.len(), "derivation"),
            endpoint.name,
            HumanBytes(bytes),
            human(begin.elapsed())
        );
    }
    print(&path.display().to_string());
    Ok(())
}

/// What nobody signed would have to be built, which is not what this verb is for.
fn refuse_builds(
    plan: &Plan,
    graph: &Graph,
    endpoint: &str,
    set: &CacheSet<'_>,
) -> Result<(), CommandError> {
    let builds: Vec<&str> = plan
        .missing()
        .filter(|id| plan.steps[*id] == Step::Perform)
        .filter_map(|id| graph.get(id).map(|drv| drv.name.as_str()))
        .collect();
    let Some(first) = builds.first() else {
        return Ok(());
    };
    if let [name, ..] = set.unavailable().as_slice() {
        return Err(CommandError::other(format!("{name} is not available")));
    }
    let more = match builds.len() {
        1 => String::new(),
        number => format!(" and {} more", number - 1),
    };
    Err(CommandError::other(format!(
        "{endpoint} has no answer that [trust] accepts about {first}{more}"
    ))
    .hint("`xsc-compose build` takes what there is and builds the rest"))
}
