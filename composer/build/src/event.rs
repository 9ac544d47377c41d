//! What happens while derivations are realised, told to whoever shows it.
//!
//! The command line implements [`Observer`]; this crate never prints. Invariant: for one
//! derivation there is at most one `Started`, and if there is one, exactly one `Finished`.

use std::time::Duration;

use xsc_model::{ActionId, DrvId};

/// What kind of work a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Outputs come from a cache.
    Substitute,
    /// A file comes over the network.
    Fetch,
    /// A function of the composer.
    Builtin,
    /// A command in the sandbox.
    Build,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The work was done.
    Done,
    /// The same action had been done before: the inputs were rebuilt to the same content, or
    /// another composer did it.
    Cutoff,
    /// A cache had it.
    Substituted,
    /// The caches that know it did not give it: it is built instead.
    Refused,
    /// It failed.
    Failed,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// The lookup is over: this much is to be done.
    Planned {
        /// Derivations in the closure.
        total: usize,
        /// Of these, the ones whose outputs come from a cache.
        substitutes: usize,
        /// Of these, the ones that may have to be fetched.
        fetches: usize,
        /// Of these, the ones that may have to be built, builtins included.
        builds: usize,
        /// Bytes to fetch.
        bytes: u64,
        /// The longest chain of work by past durations, where all of it is known.
        estimate: Option<Duration>,
    },
    /// Work on a derivation starts.
    Started {
        /// Which.
        drv: DrvId,
        /// Its name.
        name: &'a str,
        /// What kind of work.
        work: Work,
        /// How long it took last time.
        expected: Option<Duration>,
    },
    /// A running build printed something.
    Log {
        /// Which derivation.
        drv: DrvId,
        /// Its name.
        name: &'a str,
        /// The bytes, as they came.
        bytes: &'a [u8],
    },
    /// A running fetch got further.
    Progress {
        /// Which derivation.
        drv: DrvId,
        /// Bytes so far.
        done: u64,
        /// Bytes in all, 0 where nobody knows.
        total: u64,
    },
    /// Something that a person should know, and that does not stop the work.
    Notice {
        /// The text.
        text: &'a str,
    },
    /// Work on a derivation is over.
    Finished {
        /// Which.
        drv: DrvId,
        /// Its name.
        name: &'a str,
        /// What kind of work.
        work: Work,
        /// The action, where it came to that.
        action: ActionId,
        /// How it ended.
        ended: Ended,
        /// How long it took.
        took: Duration,
    },
}

/// Receives events, from several threads at once.
pub trait Observer: Sync {
    /// One event.
    fn event(&self, event: &Event<'_>);
}
