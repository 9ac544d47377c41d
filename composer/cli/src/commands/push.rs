//! `push`: gives a realised closure, signed, to a cache that others pull from.
//!
//! Invariant: nothing is built; a statement is published only after the outputs that it names are
//! whole in the cache, but for what this machine itself knows only from caches.

use std::time::Instant;

use indicatif::HumanBytes;
use serde_json::json;
use xsc_build::{Caches, Plan};
use xsc_remote::{CacheSet, PushError, Pushed};

use super::{Cancel, open_about, print};
use crate::args::Push;
use crate::caches::{self, Again, Shared};
use crate::context::Context;
use crate::error::{CommandError, chain, exit, store_error};
use crate::ui::{beside_saying, count, human, say};

pub(crate) fn run(context: &Context, args: &Push, cancel: &Cancel) -> Result<(), CommandError> {
    let (opened, drv) = open_about(context, &args.about)?;
    let graph = opened.recipes.graph();
    let store = context.store()?;
    let _session = store.session().map_err(|e| store_error(&e))?;
    let endpoint = caches::named(context, &opened.flake, &args.destination)?;
    let cache = caches::open_endpoint(context, &endpoint, &store, Some(Again(args.again)))?;
    let member = xsc_remote::Endpoint {
        cache,
        pull: false,
        push: true,
        trust_engine: false,
    };
    let signer = caches::signer(context, args.key.as_deref())?;
    let trust = caches::trust(&opened.flake)?;
    let set = CacheSet::new(&store, vec![member], trust, signer, say);
    let shared = Shared::new(&set);
    let plan = Plan::with(&store, Caches::Remembered(&shared), &graph, &[drv])
        .map_err(|e| store_error(&e))?;
    if plan.missing().next().is_some() || plan.remote.contains(&drv) {
        return Err(CommandError::other(format!(
            "{} is not built here",
            opened.subject_words(args.about.attr.as_deref())
        ))
        .hint("`xsc-compose build` builds or fetches it"));
    }
    let begin = Instant::now();
    let total = plan.order.len();
    let at = std::sync::atomic::AtomicUsize::new(0);
    let text = || {
        let at = at.load(std::sync::atomic::Ordering::Relaxed);
        format!("pushing: {at} of {}", count(total, "derivation"))
    };
    let mut done = Pushed::default();
    beside_saying(context.quiet, text, || {
        for id in &plan.order {
            if cancel.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(CommandError::new(exit::INTERRUPTED, "interrupted")
                    .hint("what was sent is kept; run the same command to go on"));
            }
            let realisation = &plan.known[id];
            let only_said = plan.remote.contains(id) || (args.result_only && *id != drv);
            let more = match only_said {
                true => set.say(realisation),
                false => set.push(realisation, false),
            };
            done += more.map_err(|error| push_error(&error))?;
            at.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        set.finish().map_err(|error| push_error(&error))
    })?;
    if context.json {
        let value = json!({
            "version": 1,
            "destination": endpoint.url,
            "derivations": total,
            "trees": done.sent.trees,
            "files": done.sent.files,
            "bytes": done.sent.bytes,
            "statements": done.statements,
        });
        print(&value.to_string());
    } else {
        print(&format!(
            "pushed {} to {}: {} new, {} ({}), {}, in {}",
            count(total, "derivation"),
            endpoint.name,
            count(done.sent.trees, "tree"),
            count(done.sent.files, "file"),
            HumanBytes(done.sent.bytes),
            count(done.statements, "statement"),
            human(begin.elapsed())
        ));
    }
    Ok(())
}

fn push_error(error: &PushError) -> CommandError {
    match error {
        PushError::NoKey => CommandError::usage(error.to_string())
            .hint("`xsc-compose keygen NAME` makes one; give it with --key FILE, or as `signing-key` in config.toml"),
        PushError::Transfer(error) => CommandError::other(chain(error))
            .hint("what was sent is kept; run the same command to go on"),
    }
}
