//! Evaluates recipes into derivations: the profile and the lock go in, a graph comes out.
//!
//! The command line loads a [`Recipes`] per run and asks it for derivations by attribute path.
//! Invariant: nothing is built, fetched or written here, so evaluation never waits for a build.

mod derivation;
mod language;
mod options;
mod read;
mod recipes;
mod values;

pub use language::{HashSources, Hooks, Language};
pub use options::{Evaluated, OptionInfo, OptionPlace, options};
pub use recipes::{InstantiateError, Recipes};
