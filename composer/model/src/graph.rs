//! The derivation graph: every derivation that a wanted one needs, by id.
//!
//! `instantiate` makes it, the scheduler and the command line read it. Invariant: it is closed
//! and acyclic, because a derivation can name only derivations that exist, by their digest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::{Derivation, DrvId, InputSource};

/// Derivations by id.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    drvs: BTreeMap<DrvId, Arc<Derivation>>,
}

impl Graph {
    /// Adds a derivation and returns its id. The derivations it needs must be there already.
    pub fn insert(&mut self, drv: Derivation) -> DrvId {
        let id = drv.id();
        debug_assert!(dependencies(&drv).all(|dep| self.drvs.contains_key(&dep)));
        self.drvs.entry(id).or_insert_with(|| Arc::new(drv));
        id
    }

    /// The derivation with that id.
    pub fn get(&self, id: &DrvId) -> Option<&Arc<Derivation>> {
        self.drvs.get(id)
    }

    /// Every derivation, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&DrvId, &Arc<Derivation>)> {
        self.drvs.iter()
    }

    /// How many derivations there are.
    pub fn len(&self) -> usize {
        self.drvs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.drvs.is_empty()
    }

    /// The ids that `wanted` needs, itself included, each after everything it needs.
    pub fn closure(&self, wanted: &[DrvId]) -> Vec<DrvId> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        // An explicit stack: a chain of derivations may be longer than the native one allows.
        let mut stack: Vec<(DrvId, bool)> = wanted.iter().rev().map(|id| (*id, false)).collect();
        while let Some((id, expanded)) = stack.pop() {
            if expanded {
                order.push(id);
                continue;
            }
            if !seen.insert(id) {
                continue;
            }
            stack.push((id, true));
            if let Some(drv) = self.drvs.get(&id) {
                stack.extend(dependencies(drv).map(|dep| (dep, false)));
            }
        }
        order
    }
}

/// The derivations that `drv` names as inputs, possibly more than once.
pub fn dependencies(drv: &Derivation) -> impl Iterator<Item = DrvId> + '_ {
    drv.inputs.iter().filter_map(|input| match &input.source {
        InputSource::Output { drv, .. } => Some(*drv),
        InputSource::Source { .. } => None,
    })
}
