//! The runner inside an action of a Remote Execution engine: `xsc-runner --action FILE`, started in the action's
//! input root. The command's stdout and stderr go to the runner's stdout, complaints of its own to stderr; how the
//! command ended goes to `report` beside the scratch directory's `build`, and nothing else is left there.
//! Invariant: exit status 0 means that the command ended with 0; 125 means that it did not run.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::{Pid, getppid};

use super::command::EXECUTE;
use super::{EXIT_SETUP, Status, die_with, supervise, sys};
use crate::error::{SetupFailure, Step};
use crate::report::Message;
use crate::scratch::{SETUP, WORK};
use crate::spec::Request;
use crate::travel::ActionSpec;
use crate::{Isolation, Outcome, SandboxSpec, remove_scratch};

/// What the runner and the command leave in the scratch directory that is nobody's output.
const LEFT: [&str; 3] = [SETUP, "upper", WORK];

/// Runs the action that `file` describes and returns the exit status.
pub(super) fn run(file: &Path) -> i32 {
    let mut complaints = fs::File::from(match sys::duplicate(2) {
        Ok(copy) => copy,
        Err(_) => return EXIT_SETUP,
    });
    match perform(file) {
        Ok(code) => code,
        Err(problem) => {
            // With stderr gone there is nobody left to tell.
            let _ = writeln!(complaints, "xsc-runner: {problem}");
            EXIT_SETUP
        }
    }
}

fn perform(file: &Path) -> Result<i32, String> {
    let text = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let action: ActionSpec =
        serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", file.display()))?;
    let top = std::env::current_dir().map_err(|e| format!("the working directory: {e}"))?;
    let mut spec = action.placed(&top);
    spec.validate().map_err(|e| e.to_string())?;
    if action.grants_cores {
        spec.env.insert("XSC_CORES".to_owned(), cores().to_string());
    }
    // An engine may make the directory of outputs beforehand.
    let build = spec.scratch.join("build");
    let _ = fs::remove_dir(build.join("out"));
    let _ = fs::remove_dir(&build);
    std::env::set_current_dir(&spec.scratch)
        .map_err(|e| format!("{}: {e}", spec.scratch.display()))?;
    let reports = supervised(spec).map_err(|failure| failure.to_string())?;
    let mut problem = None;
    let mut code = EXIT_SETUP;
    for message in reports
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
    {
        match message {
            Message::Failed(failure) => problem = Some(failure.to_string()),
            Message::Ended(Outcome::Exited(status)) => code = status,
            Message::Ended(Outcome::Signaled(signal)) => code = 128 + signal,
            Message::Started(_) | Message::Ended(_) => {}
        }
    }
    for name in LEFT {
        remove_scratch(Path::new(name)).map_err(|e| e.to_string())?;
    }
    fs::write("report", &reports).map_err(|e| format!("report: {e}"))?;
    match problem {
        Some(problem) => Err(problem),
        None => Ok(code),
    }
}

/// Everything that the sandbox's processes say of themselves.
fn supervised(spec: SandboxSpec) -> Result<String, SetupFailure> {
    die_with(getppid())?;
    sys::reset_signals().step("reset signals")?;
    sys::redirect_to_null(0).step_at("open", "/dev/null")?;
    sys::copy_onto(1, 2).step("join stdout and stderr")?;
    let (reading, writing) = nix::unistd::pipe().step("make the report pipe")?;
    supervise(&Request::Nested(spec), Status(fs::File::from(writing)))?;
    let mut reports = String::new();
    fs::File::from(reading)
        .read_to_string(&mut reports)
        .step("read the report pipe")?;
    Ok(reports)
}

/// Sets a sandbox up whose command does not exist: everything but that must work. Returns the isolation.
pub(super) fn examine(spec: SandboxSpec) -> Result<Isolation, String> {
    let reports = supervised(spec).map_err(|failure| failure.to_string())?;
    let mut reached = Isolation(Vec::new());
    for line in reports.lines() {
        match serde_json::from_str(line) {
            Ok(Message::Started(isolation)) => reached = isolation,
            Ok(Message::Failed(failure)) if failure.step == EXECUTE => return Ok(reached),
            Ok(Message::Failed(failure)) => return Err(failure.to_string()),
            Ok(Message::Ended(_)) | Err(_) => {}
        }
    }
    Err("the sandbox ended without a word".to_owned())
}

fn cores() -> usize {
    let count = |set: CpuSet| {
        (0..CpuSet::count())
            .filter(|cpu| set.is_set(*cpu).unwrap_or(false))
            .count()
    };
    sched_getaffinity(Pid::from_raw(0)).map_or(1, count).max(1)
}
