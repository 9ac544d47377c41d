//! `sign`: promotes results: what is known of a closure is said again under another key.
//!
//! `push` with the same key then publishes it. Invariant: only what this store has, or what
//! [trust] believes, is signed.

use std::collections::BTreeSet;

use serde_json::json;
use xsc_build::{Caches, Plan};
use xsc_remote::CacheSet;

use super::{open_about, print};
use crate::args::Sign;
use crate::caches::{self, Shared};
use crate::context::Context;
use crate::error::{CommandError, store_error};
use crate::ui::{count, say};

pub(crate) fn run(context: &Context, args: &Sign) -> Result<(), CommandError> {
    let (opened, drv) = open_about(context, &args.about)?;
    let graph = opened.recipes.graph();
    let store = context.store()?;
    let _session = store.session().map_err(|e| store_error(&e))?;
    let signer = caches::signer(context, Some(&args.key))?;
    let key = signer.as_ref().map(|signer| signer.key.public());
    let mut members = Vec::new();
    if let Some(word) = &args.from {
        let endpoint = caches::named(context, &opened.flake, word)?;
        members.push(xsc_remote::Endpoint {
            cache: caches::open_endpoint(context, &endpoint, &store, None)?,
            pull: true,
            push: false,
            trust_engine: endpoint.trust_engine,
        });
    }
    let trust = caches::trust(&opened.flake)?;
    let set = CacheSet::new(&store, members, trust, signer, say);
    let shared = Shared::new(&set);
    let nothing = BTreeSet::new();
    let caches = match args.from {
        Some(_) => Caches::Asked(&shared, &nothing),
        None => Caches::Remembered(&shared),
    };
    let plan = Plan::with(&store, caches, &graph, &[drv]).map_err(|e| store_error(&e))?;
    if !plan.known.contains_key(&drv) {
        let what = opened.subject_words(args.about.attr.as_deref());
        return Err(CommandError::other(format!(
            "{what} is not known: neither this store nor anybody who is trusted has its result"
        ))
        .hint("`xsc-compose build` builds it; --from ENDPOINT asks a cache"));
    }
    let mut signed = 0;
    for realisation in plan.known.values() {
        set.sign(realisation).map_err(|e| store_error(&e))?;
        signed += 1;
    }
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    match context.json {
        true => print(&json!({ "version": 1, "key": key, "signed": signed }).to_string()),
        false => print(&format!("signed {} with {key}", count(signed, "result"))),
    }
    Ok(())
}
