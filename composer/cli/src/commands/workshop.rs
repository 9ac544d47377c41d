//! An engine for verbs that use one otherwise than to realise: `verify` and `shell`.
//!
//! Invariant: it fetches nothing; what a build needs is realised before.

use xsc_build::{Engine, Observer, Options, Scratches};
use xsc_sandbox::Cgroups;
use xsc_store::Store;

use super::{Cancel, Origin, sandbox};
use crate::args::BuildFlags;
use crate::context::Context;

/// What an engine works with.
pub(crate) struct Workshop<'a> {
    pub(crate) context: &'a Context,
    pub(crate) origin: &'a Origin<'a>,
    pub(crate) store: &'a Store,
    pub(crate) flags: &'a BuildFlags,
    /// Where builds have limits, if they have any.
    pub(crate) cgroups: Option<Cgroups>,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) cancel: &'a Cancel,
}

/// Calls `work` with an engine over the store.
pub(crate) fn with_engine<T>(workshop: &Workshop<'_>, work: impl FnOnce(&Engine<'_>) -> T) -> T {
    let flags = workshop.flags;
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    let sandbox = sandbox(workshop.context.runner_dir.as_deref());
    let engine = Engine {
        store: workshop.store,
        sandbox: &sandbox,
        scratches: Scratches::default(),
        downloader: None,
        substituter: None,
        executor: None,
        cgroups: workshop.cgroups.as_ref(),
        repository: workshop.origin.root,
        options: Options {
            max_jobs: flags.max_jobs.map_or(processors, usize::from),
            cores: flags.cores.map_or(processors, usize::from),
            max_memory: None,
            keep_going: flags.keep_going,
            keep_failed: flags.keep_failed,
            timeout: flags.timeout,
            max_silent: flags.max_silent_time,
            require_remote: false,
        },
        observer: workshop.observer,
        cancel: workshop.cancel,
    };
    work(&engine)
}
