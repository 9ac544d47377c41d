//! An engine for verbs that use one otherwise than to realise: `verify` and `shell`.
//!
//! Invariant: it fetches nothing; what a build needs is realised before.

use xsc_build::{Engine, Observer, Options, Scratches};
use xsc_store::Store;

use super::{Cancel, Origin, sandbox};
use crate::args::BuildFlags;

/// Calls `work` with an engine over the store.
pub(crate) fn with_engine<T>(
    origin: &Origin<'_>,
    store: &Store,
    flags: &BuildFlags,
    observer: &dyn Observer,
    cancel: &Cancel,
    work: impl FnOnce(&Engine<'_>) -> T,
) -> T {
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    let sandbox = sandbox(None);
    let engine = Engine {
        store,
        sandbox: &sandbox,
        scratches: Scratches::default(),
        downloader: None,
        substituter: None,
        executor: None,
        cgroups: None,
        repository: origin.root,
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
        observer,
        cancel,
    };
    work(&engine)
}
