//! `xsc-runner --examine DIR`: what a worker of a Remote Execution engine lets an action do, one finding a line on
//! stdout, `NAME ok` or `NAME no REASON`. `xsc-compose remote doctor` runs it there and reads the lines.
//! Invariant: each finding is about the action's own input root; nothing else of the worker is touched.

use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::travel;
use crate::spec::DEFAULT_CLOCK;
use crate::{Cpus, Isolation, Mount, MountMode, SandboxSpec, Surroundings};

/// Looks at the input root, which is the working directory, and writes only below `scratch`.
pub(super) fn run(scratch: &Path) -> i32 {
    finding("relative-symlink", read_as("in/relative", "victim"));
    finding("absolute-symlink", absolute_link());
    finding("executable-bit", executable());
    // The order matters: what follows changes the input, if the engine lets it.
    finding("inputs-protected", protected());
    let reached = sandbox(scratch);
    finding("sandbox", reached.as_ref().map(drop));
    if let Ok(isolation) = reached {
        let outer = isolation.0.iter().any(|word| word == "outer-proc");
        finding(
            "own-proc",
            match outer {
                false => Ok(()),
                true => Err("/proc shows the processes of the engine's own sandbox"),
            },
        );
    }
    0
}

/// Prints a file, for the action that looks what became of it.
pub(super) fn show(file: &Path) -> i32 {
    let shown = fs::read(file).and_then(|bytes| std::io::stdout().write_all(&bytes));
    i32::from(shown.is_err())
}

fn finding<E: Display>(name: &str, result: Result<(), E>) {
    let line = match result {
        Ok(()) => format!("{name} ok\n"),
        Err(problem) => format!("{name} no {}\n", problem.to_string().replace('\n', " ")),
    };
    // Without a reader the engine lost our output, and the doctor says so.
    let _ = std::io::stdout().write_all(line.as_bytes());
}

fn read_as(link: &str, target: &str) -> Result<(), String> {
    let text = fs::read_link(link).map_err(|e| format!("{link}: {e}"))?;
    if text != Path::new(target) {
        return Err(format!("{link} points to {}", text.display()));
    }
    fs::read(link).map(drop).map_err(|e| format!("{link}: {e}"))
}

fn absolute_link() -> Result<(), String> {
    let text = fs::read_link("in/absolute").map_err(|e| format!("in/absolute: {e}"))?;
    match text == Path::new("/nowhere/at/all") {
        true => Ok(()),
        false => Err(format!("in/absolute points to {}", text.display())),
    }
}

fn executable() -> Result<(), String> {
    let mode = |file: &str| {
        fs::metadata(file)
            .map(|data| data.permissions().mode() & 0o111 != 0)
            .map_err(|e| format!("{file}: {e}"))
    };
    match (mode("xsc/runner")?, mode("in/victim")?) {
        (true, false) => Ok(()),
        (false, _) => Err("an executable file has lost its bit".to_owned()),
        (_, true) => Err("a plain file has become executable".to_owned()),
    }
}

/// Tries to change an input file as a hostile action would. That it succeeds is no fault where the action has a copy:
/// the doctor's next action looks whether the engine's own file was hit.
fn protected() -> Result<(), String> {
    let file = "in/victim";
    let opened = fs::metadata(file)
        .and_then(|data| {
            let mut permissions = data.permissions();
            permissions.set_mode(0o644);
            fs::set_permissions(file, permissions)
        })
        .and_then(|()| OpenOptions::new().append(true).open(file))
        .and_then(|mut file| file.write_all(b"changed by an action\n"));
    match opened {
        Err(_) => Ok(()),
        Ok(()) => Err("an action can change the files that it is given".to_owned()),
    }
}

/// Sets a sandbox up as a build has it: an overlay root, a writable copy, the clock.
fn sandbox(scratch: &Path) -> Result<Isolation, String> {
    let top = std::env::current_dir().map_err(|e| e.to_string())?;
    let spec = SandboxSpec {
        root: vec![top.join("in")],
        mounts: vec![Mount {
            at: "/copy".to_owned(),
            from: top.join("in"),
            mode: MountMode::Writable,
        }],
        scratch: top.join(scratch),
        // There is no program to be had: the set-up is all that is looked at.
        command: vec!["/nothing".to_owned()],
        env: std::collections::BTreeMap::new(),
        cpus: Cpus::All,
        clock: DEFAULT_CLOCK,
        surroundings: Surroundings::default(),
        keep_tmp: false,
        again: false,
        cgroup: None,
    };
    travel::examine(spec)
}
