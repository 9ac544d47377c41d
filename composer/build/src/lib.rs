//! Realises derivations: plans from the store, schedules what is missing, performs actions.
//!
//! The command line drives it with an [`Engine`]. Invariant: nothing here prints, reads the
//! environment or knows the language; recipes arrive as a [`xsc_model::Graph`].

mod admission;
mod builtin;
mod causes;
mod engine;
mod error;
mod event;
mod exec;
mod execute;
mod fetch;
mod group;
mod places;
mod plan;
mod record;
mod runtime;
mod scheduler;
mod scratches;
mod shell;
mod source;
mod substitute;
mod verify;

pub use causes::{Cause, Change, Why, causes, stem};
pub use engine::{Engine, Options};
pub use error::{Failure, FailureKind, RealiseError};
pub use event::{Ended, Event, Observer, Work};
pub use execute::{Executor, ExecutorError, Ran, Task};
pub use plan::{Caches, Plan, Step, resolve, work_of};
pub use record::{BuildOutcome, BuildSummary, RECORD, Recorded};
pub use runtime::{Need, runtime_chain};
pub use scheduler::Cancel;
pub use scratches::Scratches;
pub use shell::{SHELL_DIR, ShellError, as_shell, kept};
pub use source::source_tree_id;
pub use substitute::{SubstituteError, Substituter};
pub use verify::{Aspect, Divergence, Isolated, Seen, Verdict, Verified, VerifyOptions};
