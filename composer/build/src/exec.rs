//! Performs a command: stages its inputs, runs it in the sandbox, takes its outputs in.
//!
//! Called by the engine for `Builder::Exec`. Invariant: an output enters the store only after
//! the command ended with status 0 and made every declared output and nothing else.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xsc_model::{Action, Cores, DrvId, Exec, InputMode, OutputName, TreeId};
use xsc_sandbox::{
    CancelToken, Cpus, Limits, Mount, MountMode, Outcome, SandboxSpec, Surroundings, TimeLimit,
};
use xsc_store::{IngestOptions, LogWriter};

use crate::engine::{Engine, Failed, Job};
use crate::error::FailureKind;
use crate::event::Event;
use crate::places::Place;
use crate::{execute, group, shell};

/// How many lines of a failed build are shown.
const TAIL_LINES: usize = 25;

/// What a command made, and in what isolation.
pub(crate) struct Built {
    pub(crate) outputs: BTreeMap<OutputName, TreeId>,
    pub(crate) isolation: Vec<String>,
}

/// What a command finds that is not of its action.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    pub(crate) cpus: Cpus,
    /// What `XSC_CORES` says.
    pub(crate) cores: usize,
    pub(crate) clock: i64,
    pub(crate) surroundings: Surroundings,
    /// Whether `/tmp` is kept with the rest.
    pub(crate) keep_tmp: bool,
}

impl Conditions {
    /// Those of a build.
    pub(crate) fn usual(engine: &Engine<'_>, command: &Exec, slot: usize) -> Self {
        let (cpus, cores) = match command.cores {
            Cores::One => (Cpus::One(slot), 1),
            Cores::Granted => (Cpus::All, engine.options.cores.max(1)),
        };
        Conditions {
            cpus,
            cores,
            clock: xsc_sandbox::DEFAULT_CLOCK,
            surroundings: Surroundings::default(),
            keep_tmp: engine.options.keep_failed,
        }
    }
}

/// Refuses what this machine cannot run.
pub(crate) fn check_system(action: &Action) -> Result<(), FailureKind> {
    if Some(action.system) == xsc_model::System::host() {
        return Ok(());
    }
    let host = xsc_model::System::host().map_or("unknown".to_owned(), |s| s.to_string());
    Err(FailureKind::System {
        wanted: action.system,
        host,
    })
}

pub(crate) fn run(engine: &Engine<'_>, job: &Job<'_>, command: &Exec) -> Result<Built, Failed> {
    let action = job.action;
    let name = job.drv.name.as_str();
    let (scratch, used) = match engine.executor {
        None => engine.scratches.take(engine.store)?,
        // What an engine brings back has a place of its own.
        Some(_) => (engine.store.scratch(name)?, false),
    };
    let log = engine.store.log_writer(&action.id())?;
    let mut output = Output::new(engine, job.id, name, Some(log));
    let mut staged = None;
    let elsewhere = execute::try_run(engine, job, command, scratch.path(), &mut output);
    let result = match elsewhere {
        Some(result) => result,
        None => {
            let mut run_here = || {
                check_system(action)?;
                let place = Place::take(engine)?;
                let conditions = Conditions::usual(engine, command, place.number(job.slot));
                let mut spec = stage(engine, action, command, scratch.path(), &conditions)?;
                spec.again = used;
                let spec = staged.insert(spec);
                let ended = || {
                    drop(place);
                    (job.command_ended)();
                };
                perform(engine, action, command, spec, &mut output, ended)
            };
            run_here()
        }
    };
    let Output { log, tail, .. } = output;
    if let Some(log) = log {
        log.finish()?;
    }
    match result {
        Ok(built) => {
            engine.scratches.give(scratch)?;
            Ok(built)
        }
        Err(kind) => {
            // Why the build failed matters more than that its directory could not be moved or removed.
            let (kept, trouble) = if engine.options.keep_failed {
                let trouble = staged
                    .and_then(|spec| shell::remember(scratch.path(), &spec).err())
                    .map(|error| error.to_string());
                match scratch.keep(name) {
                    Ok(kept) => (Some(kept), trouble),
                    Err(error) => (None, Some(error.to_string())),
                }
            } else {
                (None, scratch.remove().err().map(|error| error.to_string()))
            };
            if let Some(error) = trouble {
                let text = format!("warning: {error}");
                engine.observer.event(&Event::Notice { text: &text });
            }
            Err(Failed {
                kind: Box::new(kind),
                log_tail: tail.lines(),
                kept,
            })
        }
    }
}

/// Runs what was staged, says when it has `ended` well, and takes its outputs in if it ended well.
pub(crate) fn perform(
    engine: &Engine<'_>,
    action: &Action,
    command: &Exec,
    spec: &SandboxSpec,
    output: &mut Output<'_>,
    ended: impl FnOnce(),
) -> Result<Built, FailureKind> {
    let limits = Limits {
        timeout: engine.options.timeout,
        max_silent: engine.options.max_silent,
    };
    let cancel = CancelToken::from(Arc::clone(engine.cancel));
    let report = group::run(engine, command, spec, output, &cancel, limits)?;
    judge(&report.outcome)?;
    ended();
    Ok(Built {
        outputs: collect(engine, action, command, &spec.scratch)?,
        isolation: report.isolation.0,
    })
}

/// Lays the inputs out and says what to run over them, in this scratch directory.
pub(crate) fn stage(
    engine: &Engine<'_>,
    action: &Action,
    command: &Exec,
    scratch: &Path,
    conditions: &Conditions,
) -> Result<SandboxSpec, FailureKind> {
    let mut paths = Vec::with_capacity(action.inputs.len());
    for input in &action.inputs {
        paths.push(engine.store.tree_path(&input.tree)?);
    }
    let (root, mounts) = laid_out(action, paths);
    Ok(SandboxSpec {
        root,
        mounts,
        scratch: scratch.to_owned(),
        command: command.command.clone(),
        env: execute::environment(action, command, conditions.cores),
        cpus: conditions.cpus,
        clock: conditions.clock,
        surroundings: conditions.surroundings.clone(),
        keep_tmp: conditions.keep_tmp,
        again: false,
        cgroup: None,
    })
}

pub(crate) fn judge(outcome: &Outcome) -> Result<(), FailureKind> {
    match outcome {
        Outcome::Exited(0) => Ok(()),
        Outcome::Exited(status) => Err(FailureKind::Exit { status: *status }),
        Outcome::Signaled(signal) => Err(FailureKind::Signal { signal: *signal }),
        Outcome::TimedOut { limit, after } => Err(FailureKind::TimedOut {
            limit: *after,
            what: match limit {
                TimeLimit::Total => "in all",
                TimeLimit::Silence => "without output",
            },
        }),
        Outcome::Cancelled => Err(FailureKind::Interrupted),
    }
}

/// Checks what the build left and brings the outputs into the store.
pub(crate) fn collect(
    engine: &Engine<'_>,
    action: &Action,
    command: &Exec,
    scratch: &Path,
) -> Result<BTreeMap<OutputName, TreeId>, FailureKind> {
    let made = scratch.join("build/out");
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| FailureKind::Io { path, source }
    };
    for entry in std::fs::read_dir(&made).map_err(io(&made))? {
        let name = entry.map_err(io(&made))?.file_name();
        let declared = action.outputs.iter().any(|output| output.as_str() == name);
        if !declared {
            let known: Vec<&str> = action.outputs.iter().map(OutputName::as_str).collect();
            return Err(FailureKind::StrayOutput {
                path: name.to_string_lossy().into_owned(),
                known: known.join(", "),
            });
        }
    }
    let options = IngestOptions {
        forbidden: engine.needles(scratch, command.keeps_build_dir),
        ..IngestOptions::default()
    };
    let mut outputs = BTreeMap::new();
    for output in &action.outputs {
        let path: PathBuf = made.join(output.as_str());
        if !std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            return Err(FailureKind::MissingOutput {
                output: output.clone(),
            });
        }
        outputs.insert(output.clone(), engine.store.add_tree(&path, &options)?);
    }
    Ok(outputs)
}

/// The layers of the root and the other mounts of an action whose inputs are at `paths`, in the order of the inputs.
pub(crate) fn laid_out(action: &Action, paths: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<Mount>) {
    let mut root = Vec::new();
    let mut mounts = Vec::new();
    for (input, from) in action.inputs.iter().zip(paths) {
        if input.at.is_root() {
            root.push(from);
            continue;
        }
        let mode = match input.mode {
            InputMode::ReadOnly => MountMode::ReadOnly,
            InputMode::Writable => MountMode::Writable,
        };
        mounts.push(Mount {
            at: input.at.as_str().to_owned(),
            from,
            mode,
        });
    }
    (root, mounts)
}

/// Where a build's output goes: the log, the tail for an error message, and whoever watches.
pub(crate) struct Output<'a> {
    engine: &'a Engine<'a>,
    drv: DrvId,
    name: &'a str,
    log: Option<LogWriter<'a>>,
    pub(crate) tail: Tail,
}

impl<'a> Output<'a> {
    pub(crate) fn new(
        engine: &'a Engine<'a>,
        drv: DrvId,
        name: &'a str,
        log: Option<LogWriter<'a>>,
    ) -> Self {
        Output {
            engine,
            drv,
            name,
            log,
            tail: Tail::default(),
        }
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(log) = &mut self.log {
            log.write_all(bytes)?;
        }
        self.tail.push(bytes);
        self.engine.observer.event(&Event::Log {
            drv: self.drv,
            name: self.name,
            bytes,
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.log {
            Some(log) => log.flush(),
            None => Ok(()),
        }
    }
}

/// The last lines of a log, kept while it passes.
#[derive(Default)]
pub(crate) struct Tail {
    bytes: Vec<u8>,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        const KEEP: usize = 16 * 1024;
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > 4 * KEEP {
            self.bytes.drain(..self.bytes.len() - KEEP);
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(TAIL_LINES);
        lines[from..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_long_log_is_its_last_lines() {
        let mut tail = Tail::default();
        for n in 0..100_000 {
            tail.push(format!("line {n}\n").as_bytes());
        }
        let lines = tail.lines();
        assert_eq!(lines.len(), TAIL_LINES);
        assert_eq!(lines.last().map(String::as_str), Some("line 99999"));
        assert!(tail.bytes.len() <= 64 * 1024);
    }
}
