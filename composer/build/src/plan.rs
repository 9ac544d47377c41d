//! What is known before anything runs: which derivations are realised already, here or elsewhere.
//!
//! The scheduler starts from it, `--dry-run` prints it. Invariant: planning changes nothing but
//! what is remembered of caches, and takes one small file an action where the store has all, so
//! that a build with nothing to do ends at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use xsc_model::{
    Action, ActionId, Builder, Derivation, DrvId, Graph, InputSource, Placement, Realisation,
    TreeId,
};
use xsc_store::{Store, StoreError};

use crate::event::Work;
use crate::substitute::{Substituter, ask};

/// What has to be done about a derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its outputs are fetched from a cache.
    Substitute,
    /// It is performed here.
    Perform,
}

/// The state of every derivation in a closure.
#[derive(Debug)]
pub struct Plan {
    /// The closure, each derivation after what it needs.
    pub order: Vec<DrvId>,
    /// What is realised already, in this store or in a cache.
    pub known: BTreeMap<DrvId, Realisation>,
    /// Which of these have no outputs in this store.
    pub remote: BTreeSet<DrvId>,
    /// What has to be done to have the outputs of what is wanted, and no more than that.
    pub steps: BTreeMap<DrvId, Step>,
    /// Derivations of which caches were asked, and that none knows.
    pub(crate) asked: BTreeSet<DrvId>,
}

/// Whether planning may ask caches, or only what they said before.
#[derive(Clone, Copy)]
pub enum Caches<'a> {
    /// There are none.
    None,
    /// What this machine heard before counts; nobody is asked.
    Remembered(&'a dyn Substituter),
    /// They are asked; but not about these actions, whose outputs they failed to give.
    Asked(&'a dyn Substituter, &'a BTreeSet<ActionId>),
}

impl Plan {
    /// Looks the closure of `wanted` up in the store alone.
    pub fn new(store: &Store, graph: &Graph, wanted: &[DrvId]) -> Result<Plan, StoreError> {
        Plan::with(store, Caches::None, graph, wanted)
    }

    /// Looks the closure of `wanted` up in the store and in caches. What no store and no cache
    /// knows keeps what needs it unknown too.
    pub fn with(
        store: &Store,
        caches: Caches<'_>,
        graph: &Graph,
        wanted: &[DrvId],
    ) -> Result<Plan, StoreError> {
        let mut plan = Plan {
            order: graph.closure(wanted),
            known: BTreeMap::new(),
            remote: BTreeSet::new(),
            steps: BTreeMap::new(),
            asked: BTreeSet::new(),
        };
        // Each pass learns what the caches say of everything that the passes before made
        // known the inputs of: as many passes as the longest chain of what is not here.
        let mut left: Vec<DrvId> = plan.order.clone();
        loop {
            let mut unknown: Vec<(DrvId, Action)> = Vec::new();
            let mut unresolved = Vec::new();
            for id in left {
                let drv = graph
                    .get(&id)
                    .expect("a closure holds derivations of its graph");
                let Some(action) = resolve(drv, &plan.known) else {
                    unresolved.push(id);
                    continue;
                };
                if let Some(realisation) = store.realisation(&action.id())? {
                    plan.known.insert(id, realisation);
                } else if let Some(realisation) = caches.remembered(&action) {
                    plan.known.insert(id, realisation);
                    plan.remote.insert(id);
                } else {
                    unknown.push((id, action));
                }
            }
            let found = caches.ask(unknown, &mut plan.asked);
            if found.is_empty() {
                break;
            }
            plan.remote.extend(found.keys());
            plan.known.extend(found);
            left = unresolved;
        }
        plan.choose_steps(graph, wanted, caches.fetch());
        Ok(plan)
    }

    /// From what is wanted downwards: what is here needs nothing, what a cache has is fetched,
    /// and only what is performed here needs its inputs here.
    fn choose_steps(&mut self, graph: &Graph, wanted: &[DrvId], fetch: bool) {
        let mut stack: Vec<DrvId> = wanted.to_vec();
        while let Some(id) = stack.pop() {
            if self.steps.contains_key(&id) {
                continue;
            }
            match (self.known.contains_key(&id), self.remote.contains(&id)) {
                (true, false) => {}
                (true, true) if fetch => {
                    self.steps.insert(id, Step::Substitute);
                }
                _ => {
                    self.steps.insert(id, Step::Perform);
                    let drv = graph
                        .get(&id)
                        .expect("a closure holds derivations of its graph");
                    stack.extend(xsc_model::dependencies(drv));
                }
            }
        }
    }

    /// The derivations that may have to be worked on, each after what it needs: some may turn out
    /// to be the same as before once their inputs are rebuilt.
    pub fn missing(&self) -> impl Iterator<Item = &DrvId> {
        self.order.iter().filter(|id| self.steps.contains_key(id))
    }

    /// What kind of work a derivation needs, if it needs any.
    pub fn work(&self, graph: &Graph, id: &DrvId) -> Option<Work> {
        match self.steps.get(id)? {
            Step::Substitute => Some(Work::Substitute),
            Step::Perform => graph.get(id).map(|drv| work_of(drv)),
        }
    }

    /// For every missing derivation the length of the longest chain of missing work that it
    /// heads, by past durations by name (1 s where there is none): the order in which to start.
    pub fn priorities(
        &self,
        last: &BTreeMap<String, Duration>,
        graph: &Graph,
    ) -> BTreeMap<DrvId, Duration> {
        let mut priority: BTreeMap<DrvId, Duration> = BTreeMap::new();
        // From the wanted ones down: whatever heads a chain has been seen before its inputs.
        for id in self
            .order
            .iter()
            .rev()
            .filter(|id| self.steps.contains_key(id))
        {
            let drv = graph
                .get(id)
                .expect("a closure holds derivations of its graph");
            let own = last
                .get(drv.name.as_str())
                .copied()
                .unwrap_or(Duration::from_secs(1));
            let total = priority.get(id).copied().unwrap_or_default() + own;
            priority.insert(*id, total);
            if self.steps[id] == Step::Substitute {
                continue;
            }
            for dep in xsc_model::dependencies(drv) {
                if self.steps.contains_key(&dep) {
                    let entry = priority.entry(dep).or_default();
                    *entry = (*entry).max(total);
                }
            }
        }
        priority
    }
}

impl Caches<'_> {
    fn fetch(&self) -> bool {
        match self {
            Caches::None => false,
            Caches::Remembered(substituter) | Caches::Asked(substituter, _) => {
                substituter.fetches()
            }
        }
    }

    fn remembered(&self, action: &Action) -> Option<Realisation> {
        match self {
            Caches::None => None,
            Caches::Remembered(substituter) => substituter.remembered(&action.id()),
            Caches::Asked(substituter, refused) => {
                let id = action.id();
                match refused.contains(&id) {
                    true => None,
                    false => substituter.remembered(&id),
                }
            }
        }
    }

    /// Asks about what is unknown, and notes of whom nobody knows anything.
    fn ask(
        &self,
        mut unknown: Vec<(DrvId, Action)>,
        asked: &mut BTreeSet<DrvId>,
    ) -> BTreeMap<DrvId, Realisation> {
        let Caches::Asked(substituter, refused) = self else {
            return BTreeMap::new();
        };
        asked.extend(unknown.iter().map(|(id, _)| *id));
        if !refused.is_empty() {
            unknown.retain(|(_, action)| !refused.contains(&action.id()));
        }
        if unknown.is_empty() {
            return BTreeMap::new();
        }
        ask(*substituter, unknown)
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

/// What people call each input of `drv`: a derivation's name, or paths of the repository.
pub(crate) fn input_names(graph: &Graph, drv: &Derivation) -> Vec<String> {
    let name = |source: &InputSource| match source {
        InputSource::Source { paths, .. } => paths.join(", "),
        InputSource::Output { drv, .. } => graph
            .get(drv)
            .map_or(String::new(), |drv| drv.name.to_string()),
    };
    drv.inputs.iter().map(|input| name(&input.source)).collect()
}

/// What kind of work a derivation is.
pub fn work_of(drv: &Derivation) -> Work {
    match drv.builder {
        Builder::Fetch(_) => Work::Fetch,
        Builder::Builtin { .. } => Work::Builtin,
        Builder::Exec(_) => Work::Build,
    }
}
