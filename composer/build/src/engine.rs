//! The engine: a store, a sandbox, a fetcher and options, and how one action is performed.
//!
//! The scheduler calls `perform` on a worker thread. Invariant: every action, whatever its kind,
//! goes the same way: lock, look up again, work in a scratch directory of the store, ingest the
//! outputs, record the realisation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use xsc_fetch::Downloader;
use xsc_model::{
    Action, ActionId, Builder, Derivation, DrvId, InputSource, OutputName, Realisation, TreeId,
};
use xsc_sandbox::{Cgroups, Sandbox};
use xsc_store::{ActionLock, IngestOptions, Needle, Store, StoreError};

use crate::error::{Failure, FailureKind};
use crate::event::{Ended, Event, Observer, Work};
use crate::execute::Executor;
use crate::places::Place;
use crate::plan::work_of;
use crate::scheduler::Cancel;
use crate::scratches::Scratches;
use crate::substitute::{SubstituteError, Substituter, ask};
use crate::{builtin, exec, fetch, source};

/// What the user may choose about a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Commands of builds at once; outputs of others may be taken in beside them.
    pub max_jobs: usize,
    /// Processors that one build may use.
    pub cores: usize,
    /// Memory in MiB that builds may need together, as their recipes say; none for no limit.
    pub max_memory: Option<u64>,
    /// Build what does not depend on a failure.
    pub keep_going: bool,
    /// Keep the directory of a failed build.
    pub keep_failed: bool,
    /// Longest time for one build.
    pub timeout: Option<Duration>,
    /// Longest time for one build to print nothing.
    pub max_silent: Option<Duration>,
    /// Fail rather than run a command here that an engine did not run.
    pub require_remote: bool,
}

/// Everything that realising needs.
pub struct Engine<'a> {
    /// Where results are.
    pub store: &'a Store,
    /// What runs commands.
    pub sandbox: &'a Sandbox,
    /// Where builds get control groups, if anywhere.
    pub cgroups: Option<&'a Cgroups>,
    /// Where commands run, between builds.
    pub scratches: Scratches,
    /// What runs commands elsewhere, if anything does.
    pub executor: Option<&'a dyn Executor>,
    /// What brings files; none when the user wants nothing fetched.
    pub downloader: Option<&'a Downloader>,
    /// What fetches results of others; none when the user wants everything built here.
    pub substituter: Option<&'a dyn Substituter>,
    /// The repository, below which the sources of derivations are.
    pub repository: &'a Path,
    /// What the user chose.
    pub options: Options,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// Set to stop.
    pub cancel: &'a Cancel,
}

/// A failure before the scheduler adds whose it is.
pub(crate) struct Failed {
    pub(crate) kind: Box<FailureKind>,
    pub(crate) log_tail: Vec<String>,
    pub(crate) kept: Option<PathBuf>,
}

impl<K: Into<FailureKind>> From<K> for Failed {
    fn from(kind: K) -> Self {
        Failed {
            kind: Box::new(kind.into()),
            log_tail: Vec::new(),
            kept: None,
        }
    }
}

impl Failed {
    /// The failure of this derivation's action.
    pub(crate) fn of(self, drv: DrvId, name: &str, action: ActionId) -> Box<Failure> {
        Box::new(Failure {
            drv,
            name: name.to_owned(),
            action: Some(action),
            log_tail: self.log_tail,
            kept: self.kept,
            kind: *self.kind,
        })
    }
}

/// What the scheduler knows of an action before it is performed.
pub(crate) struct Job<'a> {
    pub(crate) id: DrvId,
    pub(crate) drv: &'a Derivation,
    pub(crate) action: &'a Action,
    /// What people call the inputs.
    pub(crate) input_names: &'a [String],
    /// Whether the caches were asked about it already, and do not know it.
    pub(crate) asked: bool,
    pub(crate) slot: usize,
    /// Told when the command has ended well, so that another may start: what is left to do is to take the outputs in.
    pub(crate) command_ended: &'a dyn Fn(),
}

impl Engine<'_> {
    /// Performs one action whose inputs are realised, unless another composer does so first, or a
    /// cache has what it produces: `started` is called only when there is work.
    pub(crate) fn perform(
        &self,
        job: &Job<'_>,
        started: impl FnOnce(Work),
    ) -> Result<(Realisation, Ended), Failed> {
        let Job {
            id, drv, action, ..
        } = *job;
        let action_id = action.id();
        let _lock = self.lock(drv, &action_id)?;
        if let Some(found) = self.store.realisation(&action_id)? {
            return Ok((found, Ended::Cutoff));
        }
        if let (Some(substituter), false) = (self.substituter, job.asked)
            && let Some(found) = ask(substituter, vec![((), action.clone())]).remove(&())
        {
            match self.take(substituter, id, &found) {
                Ok(()) => return Ok((found, Ended::Substituted)),
                Err(SubstituteError::NotToBeHad { problem }) => {
                    self.building_instead(drv, &problem)
                }
                Err(error) => return Err(FailureKind::from(error).into()),
            }
        }
        started(work_of(drv));
        self.import_sources(drv)?;
        let name = drv.name.as_str();
        let mut isolation = Vec::new();
        let outputs = match &action.builder {
            Builder::Exec(command) => {
                let built = exec::run(self, job, command)?;
                isolation = built.isolation;
                built.outputs
            }
            Builder::Fetch(file) => fetch::run(self, id, file, self.store.scratch(name)?)?,
            Builder::Builtin { name, params } => {
                let _place = Place::take(self)?;
                let tree = builtin::run(self, *name, params, action, job.input_names)?;
                BTreeMap::from([(OutputName::out(), tree)])
            }
        };
        let realisation = Realisation {
            action: action_id,
            outputs,
            isolation,
        };
        self.store.put_realisation(&realisation)?;
        if let Some(substituter) = self.substituter {
            substituter.built(&realisation);
        }
        Ok((realisation, Ended::Done))
    }

    /// Fetches the outputs of a realisation that a cache has, unless another composer does so
    /// first. `None` where no cache gives them: then the action has to be performed.
    pub(crate) fn substitute(
        &self,
        id: DrvId,
        drv: &Derivation,
        realisation: &Realisation,
    ) -> Result<Option<Ended>, Failed> {
        let Some(substituter) = self.substituter else {
            return Ok(None);
        };
        let _lock = self.lock(drv, &realisation.action)?;
        if let Some(found) = self.store.realisation(&realisation.action)? {
            // Another composer built it meanwhile, and to something else than the cache says:
            // what needs it was planned with the cache's answer.
            let same = found.outputs == realisation.outputs;
            return Ok(same.then_some(Ended::Cutoff));
        }
        match self.take(substituter, id, realisation) {
            Ok(()) => Ok(Some(Ended::Substituted)),
            Err(SubstituteError::NotToBeHad { problem }) => {
                self.building_instead(drv, &problem);
                Ok(None)
            }
            Err(error) => Err(FailureKind::from(error).into()),
        }
    }

    /// Fetches outputs and records the realisation.
    fn take(
        &self,
        substituter: &dyn Substituter,
        id: DrvId,
        realisation: &Realisation,
    ) -> Result<(), SubstituteError> {
        let done = AtomicU64::new(0);
        substituter.fetch(realisation, &|bytes| {
            let done = done.fetch_add(bytes, Ordering::Relaxed) + bytes;
            self.observer.event(&Event::Progress {
                drv: id,
                done,
                total: 0,
            });
        })?;
        self.store
            .put_realisation(realisation)
            .map_err(|error| SubstituteError::Local {
                disk_full: error.is_disk_full(),
                problem: error.to_string(),
            })
    }

    fn building_instead(&self, drv: &Derivation, problem: &str) {
        let text = format!("warning: {} is built here: {problem}", drv.name);
        self.observer.event(&Event::Notice { text: &text });
    }

    /// Takes the lock of an action, and tells if somebody else has it.
    fn lock(&self, drv: &Derivation, action: &ActionId) -> Result<ActionLock, StoreError> {
        let mut waiting = |holder: Option<u32>| {
            let holder = holder.map_or("another composer".to_owned(), |pid| {
                format!("process {pid}")
            });
            let text = format!("waiting for {holder}, which builds {}", drv.name);
            self.observer.event(&Event::Notice { text: &text });
        };
        self.store
            .lock_action_with(action, self.cancel, &mut waiting)
    }

    /// Brings the repository's files that `drv` names into the store.
    pub(crate) fn import_sources(&self, drv: &Derivation) -> Result<(), FailureKind> {
        for input in &drv.inputs {
            if let InputSource::Source { tree, paths } = &input.source
                && !self.store.has_tree(tree)
            {
                self.import_source(*tree, paths)?;
            }
        }
        Ok(())
    }

    fn import_source(&self, expected: TreeId, paths: &[String]) -> Result<(), FailureKind> {
        let path = paths.join(", ");
        let read_error = |source| FailureKind::Source {
            path: path.clone(),
            source,
        };
        let unchanged = |found: TreeId| {
            if found == expected {
                return Ok(());
            }
            Err(FailureKind::SourceChanged {
                path: path.clone(),
                expected,
                found,
            })
        };
        let paths: Vec<PathBuf> = paths.iter().map(|p| self.repository.join(p)).collect();
        let (found, scan) = source::scan(&paths).map_err(read_error)?;
        unchanged(found)?;
        let scratch = self.store.scratch("source")?;
        let staged = scratch.path().join("tree");
        std::fs::create_dir(&staged).map_err(read_error)?;
        source::copy(&scan, &staged).map_err(read_error)?;
        // Once more: a file may have changed between the scan and the copy.
        unchanged(self.store.add_tree(&staged, &IngestOptions::default())?)
    }

    /// What an output must not mention: paths of this machine.
    pub(crate) fn needles(&self, scratch: &Path, keeps_build_dir: bool) -> Vec<Needle> {
        let mut needles = vec![
            Needle::path(self.store.dir(), "the store's directory"),
            Needle::path(scratch, "the build's directory on the host"),
        ];
        if !keeps_build_dir {
            needles.push(Needle::path(Path::new("/build/"), "the build directory"));
        }
        needles
    }
}
