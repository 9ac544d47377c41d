//! What is known before anything runs: which derivations are realised already.
//!
//! The scheduler starts from it, `--dry-run` prints it. Invariant: planning only reads the
//! store, and takes one small file an action, so that a build with nothing to do ends at once.

use std::collections::BTreeMap;
use std::time::Duration;

use xsc_model::{
    Action, Builder, Derivation, DrvId, Graph, InputSource, Placement, Realisation, TreeId,
};
use xsc_store::{Store, StoreError};

use crate::event::Work;

/// The state of every derivation in a closure.
#[derive(Debug)]
pub struct Plan {
    /// The closure, each derivation after what it needs.
    pub order: Vec<DrvId>,
    /// What is realised already.
    pub known: BTreeMap<DrvId, Realisation>,
}

impl Plan {
    /// Looks the closure of `wanted` up.
    pub fn new(store: &Store, graph: &Graph, wanted: &[DrvId]) -> Result<Plan, StoreError> {
        let order = graph.closure(wanted);
        let mut known = BTreeMap::new();
        for id in &order {
            let drv = graph
                .get(id)
                .expect("a closure holds derivations of its graph");
            if let Some(action) = resolve(drv, &known)
                && let Some(realisation) = store.realisation(&action.id())?
            {
                known.insert(*id, realisation);
            }
        }
        Ok(Plan { order, known })
    }

    /// The derivations that may have to be worked on: some may turn out to be the same as
    /// before once their inputs are rebuilt.
    pub fn missing(&self) -> impl Iterator<Item = &DrvId> {
        self.order.iter().filter(|id| !self.known.contains_key(id))
    }

    /// For every missing derivation the length of the longest chain of missing work that it
    /// heads, by past durations (0 where there is none): the order in which to start.
    pub fn priorities(&self, store: &Store, graph: &Graph) -> BTreeMap<DrvId, Duration> {
        let mut priority: BTreeMap<DrvId, Duration> = BTreeMap::new();
        // From the wanted ones down: whatever heads a chain has been seen before its inputs.
        for id in self
            .order
            .iter()
            .rev()
            .filter(|id| !self.known.contains_key(id))
        {
            let drv = graph
                .get(id)
                .expect("a closure holds derivations of its graph");
            let own = store
                .last_duration(drv.name.as_str())
                .unwrap_or(Duration::from_secs(1));
            let total = priority.get(id).copied().unwrap_or_default() + own;
            priority.insert(*id, total);
            for dep in xsc_model::dependencies(drv) {
                if !self.known.contains_key(&dep) {
                    let entry = priority.entry(dep).or_default();
                    *entry = (*entry).max(total);
                }
            }
        }
        priority
    }
}

/// The action of `drv`, if everything that it needs is realised.
pub fn resolve(drv: &Derivation, known: &BTreeMap<DrvId, Realisation>) -> Option<Action> {
    let mut inputs = Vec::with_capacity(drv.inputs.len());
    for input in &drv.inputs {
        let tree = resolve_source(&input.source, known)?;
        inputs.push(Placement {
            at: input.at.clone(),
            mode: input.mode,
            tree,
        });
    }
    if matches!(drv.builder, Builder::Exec(_)) {
        inputs.sort();
    }
    Some(Action {
        system: drv.system,
        builder: drv.builder.clone(),
        inputs,
        outputs: drv.outputs.clone(),
    })
}

fn resolve_source(source: &InputSource, known: &BTreeMap<DrvId, Realisation>) -> Option<TreeId> {
    match source {
        InputSource::Source { tree, .. } => Some(*tree),
        InputSource::Output { drv, output } => known.get(drv)?.outputs.get(output).copied(),
    }
}

/// What kind of work a derivation is.
pub fn work_of(drv: &Derivation) -> Work {
    match drv.builder {
        Builder::Fetch(_) => Work::Fetch,
        Builder::Builtin { .. } => Work::Builtin,
        Builder::Exec(_) => Work::Build,
    }
}
