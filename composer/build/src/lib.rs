//! Realises derivations: plans from the store, schedules what is missing, performs actions.
//!
//! The command line drives it with an [`Engine`]. Invariant: nothing here prints, reads the
//! environment or knows the language; recipes arrive as a [`xsc_model::Graph`].

mod builtin;
mod engine;
mod error;
mod event;
mod exec;
mod fetch;
mod plan;
mod scheduler;
mod source;

pub use engine::{Engine, Options};
pub use error::{Failure, FailureKind, RealiseError};
pub use event::{Ended, Event, Observer, Work};
pub use plan::{Plan, resolve, work_of};
pub use scheduler::Cancel;
pub use source::source_tree_id;
