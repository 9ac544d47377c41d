//! Substitution: what others built and shared is fetched instead of built.
//!
//! The command line gives the engine something that implements [`Substituter`]; this crate knows
//! neither caches nor keys. Invariant: a substituter answers only what it believes, and a tree
//! that it fetched is in the store whole and verified; if it fails, the action is performed here
//! as if nobody had shared it.

use std::collections::BTreeMap;

use xsc_model::{Action, ActionId, Realisation};

/// Where results of others come from.
pub trait Substituter: Sync {
    /// Whether anything can be fetched at all; if not, only what was heard before is known.
    fn fetches(&self) -> bool;

    /// What each action produced, as far as this machine heard before: nobody is asked.
    fn remembered(&self, action: &ActionId) -> Option<Realisation>;

    /// What each action produced, as far as it is believed; in the order of `actions`.
    fn realisations(&self, actions: &[Action]) -> Vec<Option<Realisation>>;

    /// Brings all outputs of a realisation into the store. `progress` is told bytes as they come.
    fn fetch(
        &self,
        realisation: &Realisation,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), SubstituteError>;

    /// Is told of what was just made here; returns at once and may share it in the background.
    fn built(&self, realisation: &Realisation);
}

/// Why outputs were not fetched.
#[derive(Debug, thiserror::Error)]
pub enum SubstituteError {
    /// Nobody has them whole: they can be built instead.
    #[error("{problem}")]
    NotToBeHad {
        /// What the caches said, in one line.
        problem: String,
    },
    /// This machine cannot keep them.
    #[error("cannot keep what a cache gives: {problem}")]
    Local {
        /// What is wrong.
        problem: String,
        /// Whether the disk is full.
        disk_full: bool,
    },
}

/// Asks for what is not known yet, a whole level of the graph at a time.
pub(crate) fn ask<K: Ord + Copy>(
    substituter: &dyn Substituter,
    unknown: Vec<(K, Action)>,
) -> BTreeMap<K, Realisation> {
    let (keys, actions): (Vec<K>, Vec<Action>) = unknown.into_iter().unzip();
    let answers = substituter.realisations(&actions);
    let mut found = BTreeMap::new();
    for ((key, action), answer) in keys.into_iter().zip(&actions).zip(answers) {
        // An answer must have the outputs that were asked for; anything else would be met later
        // as a missing output of an input.
        if let Some(realisation) = answer
            && realisation.action == action.id()
            && realisation.outputs.keys().eq(action.outputs.iter())
        {
            found.insert(key, realisation);
        }
    }
    found
}
