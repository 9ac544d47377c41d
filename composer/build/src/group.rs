//! The control group of one build: the limits that its recipe and the user set, where groups can be had.
//!
//! `exec` runs a command through it. Invariant: a group that cannot be made or entered is told of once in a run, and
//! the build runs without one; only a kill for want of memory is told otherwise than without groups.

use std::error::Error;
use std::io::Write;

use xsc_model::{Cores, Exec};
use xsc_sandbox::{
    CancelToken, Cgroup, Cgroups, GroupLimits, Limits, Outcome, Report, SandboxSpec,
};

use crate::engine::Engine;
use crate::error::FailureKind;
use crate::event::Event;

/// What this command may use; none where neither recipe nor user set a limit.
fn limits(engine: &Engine<'_>, command: &Exec) -> Option<GroupLimits> {
    let memory = match command.resources.memory {
        0 => None,
        mib => mib.checked_mul(1 << 20),
    };
    let machine = std::thread::available_parallelism().map_or(1, |n| n.get());
    let cores = engine.options.cores.max(1);
    let cores = (command.cores == Cores::Granted && cores < machine).then_some(cores);
    (memory.is_some() || cores.is_some()).then_some(GroupLimits { memory, cores })
}

fn make(engine: &Engine<'_>, command: &Exec) -> Option<Cgroup> {
    let groups = engine.cgroups.filter(|groups| !groups.given_up())?;
    match groups.make(limits(engine, command)?) {
        Ok(group) => Some(group),
        Err(error) => {
            give_up(engine, groups, &in_words(&error));
            None
        }
    }
}

fn give_up(engine: &Engine<'_>, groups: &Cgroups, problem: &str) {
    if groups.give_up() {
        let text = format!("warning: builds run without cgroups: {problem}");
        engine.observer.event(&Event::Notice { text: &text });
    }
}

/// Runs what was staged, in a group of its own where there can be one.
pub(crate) fn run(
    engine: &Engine<'_>,
    command: &Exec,
    spec: &SandboxSpec,
    log: &mut dyn Write,
    cancel: &CancelToken,
    time: Limits,
) -> Result<Report, FailureKind> {
    let Some(group) = make(engine, command) else {
        return Ok(engine.sandbox.run(spec, log, cancel, time)?);
    };
    let inside = SandboxSpec {
        cgroup: Some(group.path().to_owned()),
        ..spec.clone()
    };
    let ran = engine.sandbox.run(&inside, log, cancel, time);
    let well = |report: &Report| report.outcome == Outcome::Exited(0);
    let cancelled = |report: &Report| report.outcome == Outcome::Cancelled;
    match ran {
        Err(error) if error.is_of_cgroup() => {
            if let Some(groups) = engine.cgroups {
                give_up(engine, groups, &in_words(&error));
            }
            Ok(engine.sandbox.run(spec, log, cancel, time)?)
        }
        Ok(report) if well(&report) || cancelled(&report) => Ok(report),
        // The kernel kills the runner too, so there may be no report.
        _ if group.ran_out_of_memory() => Err(FailureKind::OutOfMemory {
            limit: command.resources.memory,
        }),
        ran => Ok(ran?),
    }
}

/// An error and its causes in one line.
fn in_words(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
