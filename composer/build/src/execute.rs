//! Commands that run elsewhere: the seam to Remote Execution engines, and what is the same for both ways.
//!
//! `exec` asks here first. The command line gives an [`Executor`]; this crate knows no protocol.
//! Invariant: outputs from elsewhere are judged and ingested as those of a local sandbox are, and
//! where an engine fails, other than the command on it, the command runs here.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use xsc_model::{Action, Cores, Exec};
use xsc_sandbox::{ActionSpec, Cpus, SandboxSpec, Surroundings};

use crate::engine::{Engine, Job};
use crate::error::FailureKind;
use crate::event::Event;
use crate::exec::{self, Built};

/// A command with all that an engine needs beside the trees of its inputs.
pub struct Task<'a> {
    /// The action.
    pub action: &'a Action,
    /// The runner's instructions.
    pub spec: &'a [u8],
    /// An existing, empty directory for the outputs.
    pub outputs: &'a Path,
    /// Longest run.
    pub timeout: Option<Duration>,
    /// Set to stop.
    pub cancel: &'a AtomicBool,
}

/// How a command ended elsewhere.
#[derive(Debug)]
pub struct Ran {
    /// The runner's exit status: the command's, or 125 where the sandbox could not be set up.
    pub status: i32,
    /// The runner's report.
    pub report: Option<Vec<u8>>,
    /// What the runner complained about.
    pub complaints: String,
}

/// Why nothing is known of a command that was to run elsewhere.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// It was not run, or its result could not be had or not be believed.
    #[error("{0}")]
    Unusable(String),
    /// It ran too long.
    #[error("timed out after {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The user stopped the run.
    #[error("interrupted")]
    Cancelled,
}

/// Runs commands elsewhere, from several threads at once.
pub trait Executor: Sync {
    /// What messages call it.
    fn name(&self) -> &str;

    /// Whether it should be asked to run this action, or why not: it is known to be gone, or there is no runner for
    /// the platform. It says so itself where people have to know.
    fn takes(&self, action: &Action) -> Result<(), String>;

    /// How many commands it runs at once.
    fn jobs(&self) -> usize;

    /// Runs a command; what it printed goes to `log`, its outputs into the task's directory.
    ///
    /// # Errors
    ///
    /// A command that fails is none; see [`ExecutorError`].
    fn execute(&self, task: &Task<'_>, log: &mut dyn Write) -> Result<Ran, ExecutorError>;
}

/// Runs `command` elsewhere, if there is an executor that takes it. `None` means: run it here; then the scratch
/// directory is as it was.
pub(crate) fn try_run(
    engine: &Engine<'_>,
    job: &Job<'_>,
    command: &Exec,
    scratch: &Path,
    log: &mut dyn Write,
) -> Option<Result<Built, FailureKind>> {
    let executor = engine.executor?;
    let (name, action) = (&job.drv.name, job.action);
    if let Err(problem) = executor.takes(action) {
        return engine.options.require_remote.then(|| {
            Err(FailureKind::Remote {
                engine: executor.name().to_owned(),
                problem,
            })
        });
    }
    let made = scratch.join("build/out");
    let problem = match attempt(engine, executor, action, command, &made, log) {
        Ok(isolation) => {
            (job.command_ended)();
            let collected = exec::collect(engine, action, command, scratch);
            return Some(collected.map(|outputs| Built { outputs, isolation }));
        }
        Err(Ended::Command(kind)) => return Some(Err(*kind)),
        Err(Ended::Engine(problem)) => problem,
    };
    if engine.options.require_remote {
        return Some(Err(FailureKind::Remote {
            engine: executor.name().to_owned(),
            problem,
        }));
    }
    let text = format!("warning: {name} is built here: {problem}");
    engine.observer.event(&Event::Notice { text: &text });
    match std::fs::remove_dir_all(scratch.join("build")) {
        Ok(()) => None,
        Err(source) => Some(Err(FailureKind::Io { path: made, source })),
    }
}

/// Whose end it was.
enum Ended {
    Command(Box<FailureKind>),
    Engine(String),
}

fn attempt(
    engine: &Engine<'_>,
    executor: &dyn Executor,
    action: &Action,
    command: &Exec,
    made: &Path,
    log: &mut dyn Write,
) -> Result<Vec<String>, Ended> {
    let spec = travelling(action, command);
    let spec = spec
        .encode()
        .map_err(|error| Ended::Command(Box::new(error.into())))?;
    std::fs::create_dir_all(made).map_err(|source| {
        Ended::Command(Box::new(FailureKind::Io {
            path: made.to_owned(),
            source,
        }))
    })?;
    let task = Task {
        action,
        spec: &spec,
        outputs: made,
        timeout: engine.options.timeout,
        cancel: engine.cancel,
    };
    let ran = match executor.execute(&task, log) {
        Ok(ran) => ran,
        Err(ExecutorError::Unusable(problem)) => return Err(Ended::Engine(problem)),
        Err(ExecutorError::TimedOut(limit)) => {
            return Err(Ended::Command(Box::new(FailureKind::TimedOut {
                limit,
                what: "in all",
            })));
        }
        Err(ExecutorError::Cancelled) => {
            return Err(Ended::Command(Box::new(FailureKind::Interrupted)));
        }
    };
    let who = executor.name();
    let Some(report) = ran.report else {
        let said = match ran.complaints.as_str() {
            "" => format!("status {}", ran.status),
            complaints => complaints.to_owned(),
        };
        return Err(Ended::Engine(format!(
            "on {who} the runner left no report: {said}"
        )));
    };
    match xsc_sandbox::read_report(&report) {
        Ok(report) => match exec::judge(&report.outcome) {
            Ok(()) if ran.status == 0 => Ok(report.isolation.0),
            Ok(()) => {
                let status = ran.status;
                let problem = format!("{who} says status {status}, and the runner's report says 0");
                Err(Ended::Engine(problem))
            }
            Err(kind) => Err(Ended::Command(Box::new(kind))),
        },
        // Another worker, or this machine, may let the runner have what it needs.
        Err(error) => {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
            Err(Ended::Engine(format!("a worker of {who}: {error}{reason}")))
        }
    }
}

/// The sandbox of a command with every directory where the input root of a remote action has it:
/// `in/NNNN` for the `N`th input, as in [`Action::input_root`], and `w` for all that is written.
fn travelling(action: &Action, command: &Exec) -> ActionSpec {
    let inputs = 0..action.inputs.len();
    let paths = inputs.map(|index| PathBuf::from(format!("in/{index:04}")));
    let (root, mounts) = exec::laid_out(action, paths.collect());
    let granted = command.cores == Cores::Granted;
    ActionSpec {
        sandbox: SandboxSpec {
            root,
            mounts,
            scratch: PathBuf::from("w"),
            command: command.command.clone(),
            env: environment(action, command, 1),
            cpus: match granted {
                true => Cpus::All,
                false => Cpus::One(0),
            },
            clock: xsc_sandbox::DEFAULT_CLOCK,
            surroundings: Surroundings::default(),
            keep_tmp: false,
            again: false,
            cgroup: None,
        },
        grants_cores: granted,
    }
}

/// The environment of a command: the recipe's, where its outputs belong, and how many processors it may use.
pub(crate) fn environment(
    action: &Action,
    command: &Exec,
    cores: usize,
) -> BTreeMap<String, String> {
    let mut env = command.env.clone();
    for output in &action.outputs {
        env.insert(output.as_str().to_owned(), format!("/build/out/{output}"));
    }
    env.insert("XSC_CORES".to_owned(), cores.to_string());
    env
}
