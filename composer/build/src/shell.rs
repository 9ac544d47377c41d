//! A build's own sandbox for a person: staged as for the build, or as it stood when the build failed.
//!
//! `xsc-compose shell` calls it; `exec` leaves the record of a failed build. Invariant: nothing that is done in
//! such a shell enters the store or changes an input.

use std::io;
use std::path::{Path, PathBuf};

use xsc_model::{Action, Builder};
use xsc_sandbox::{Mount, MountMode, SandboxSpec, reset_scratch};

use crate::engine::Engine;
use crate::error::FailureKind;
use crate::exec::{self, Conditions};

/// The file in a kept build's directory that says how to enter it again.
const RECORD: &str = "sandbox.json";

/// Where the shell's own files appear in its sandbox.
pub const SHELL_DIR: &str = "/.xsc";

/// Shells, the most able first: their places in a root.
const SHELLS: [&str; 4] = ["usr/bin/bash", "bin/bash", "usr/bin/sh", "bin/sh"];

/// A kept build could not be entered.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The record is not there or not one.
    #[error("{} does not say how to enter it: {problem}", path.display())]
    Record {
        /// The kept directory.
        path: PathBuf,
        /// What is wrong with the record.
        problem: String,
    },
    /// An input is gone.
    #[error("the build had {} as an input, which the store has no more", path.display())]
    Collected {
        /// The input's tree.
        path: PathBuf,
    },
    /// No program to talk to.
    #[error("the build's root has no shell (none of {})", SHELLS.map(|s| format!("/{s}")).join(", "))]
    NoShell,
    /// The directory could not be made ready.
    #[error("cannot prepare {}", path.display())]
    Prepare {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

/// Leaves in a failed build's directory what it takes to enter it again.
pub(crate) fn remember(scratch: &Path, spec: &SandboxSpec) -> io::Result<()> {
    let text = serde_json::to_vec(spec).map_err(io::Error::other)?;
    std::fs::write(scratch.join(RECORD), text)
}

/// The sandbox of a build that was kept in `dir`: the same inputs, and what the build wrote.
///
/// # Errors
///
/// The directory has no record, or the store has lost an input since.
pub fn kept(dir: &Path) -> Result<SandboxSpec, ShellError> {
    let record = |problem: String| ShellError::Record {
        path: dir.to_owned(),
        problem,
    };
    let text = std::fs::read(dir.join(RECORD)).map_err(|e| record(e.to_string()))?;
    let mut spec: SandboxSpec = serde_json::from_slice(&text).map_err(|e| record(e.to_string()))?;
    let inputs = spec.root.iter().chain(spec.mounts.iter().map(|m| &m.from));
    if let Some(path) = inputs.into_iter().find(|path| !path.is_dir()) {
        return Err(ShellError::Collected { path: path.clone() });
    }
    reset_scratch(dir).map_err(|error| ShellError::Prepare {
        path: error.path,
        source: error.source,
    })?;
    spec.scratch = dir.to_owned();
    spec.again = true;
    Ok(spec)
}

impl Engine<'_> {
    /// The sandbox of an action whose inputs are realised, as its build would find it.
    ///
    /// # Errors
    ///
    /// The action is no command, is for another machine, or its inputs cannot be laid out.
    pub fn stage(
        &self,
        drv: &xsc_model::Derivation,
        action: &Action,
        scratch: &Path,
    ) -> Result<Option<SandboxSpec>, FailureKind> {
        let Builder::Exec(command) = &action.builder else {
            return Ok(None);
        };
        exec::check_system(action)?;
        self.import_sources(drv)?;
        let conditions = Conditions::usual(self, command, 0);
        exec::stage(self, action, command, scratch, &conditions).map(Some)
    }
}

/// Makes `spec` start a shell instead of its command. `files` is an existing directory that appears as
/// [`SHELL_DIR`]; it gets the command as a script, and what the shell reads first. `phases` is text for the
/// latter, the functions of the recipes' phases. One that is not `interactive` reads commands and nothing else.
///
/// # Errors
///
/// The root has no shell, or the files cannot be written.
pub fn as_shell(
    mut spec: SandboxSpec,
    files: &Path,
    name: &str,
    phases: &str,
    interactive: bool,
) -> Result<SandboxSpec, ShellError> {
    let found = SHELLS.iter().find(|shell| {
        let has = |layer: &PathBuf| layer.join(shell).symlink_metadata().is_ok();
        spec.root.iter().any(has)
    });
    let shell = found.ok_or(ShellError::NoShell)?;
    let bash = shell.ends_with("bash");
    let write = |file: &str, text: String| {
        let path = files.join(file);
        std::fs::write(&path, text).map_err(|source| ShellError::Prepare { path, source })
    };
    // A command that is a shell's script is a file of its own, to be read.
    let mut command = spec.command.clone();
    if let [program, flags @ .., option, script] = &spec.command[..]
        && program.ends_with("sh")
        && option.starts_with('-')
        && option.ends_with('c')
    {
        write("script", format!("{script}\n"))?;
        command = vec![program.clone()];
        command.extend(flags.iter().cloned());
        if option.len() > 2 {
            command.push(option.trim_end_matches('c').to_owned());
        }
        command.push(format!("{SHELL_DIR}/script"));
    }
    let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
    write("rc", rc(name, &words.join(" "), phases))?;
    spec.mounts.push(Mount {
        at: SHELL_DIR.to_owned(),
        from: files.to_owned(),
        mode: MountMode::ReadOnly,
    });
    let rc_file = format!("{SHELL_DIR}/rc");
    spec.command = vec![format!("/{shell}")];
    let flags: &[&str] = match (bash, interactive) {
        (true, true) => &["--noprofile", "--rcfile", &rc_file, "-i"],
        (true, false) => &["--noprofile", "--norc"],
        (false, true) => &["-i"],
        (false, false) => &[],
    };
    spec.command
        .extend(flags.iter().map(|&flag| flag.to_owned()));
    match (bash, interactive) {
        (true, true) => {}
        (true, false) => drop(spec.env.insert("BASH_ENV".to_owned(), rc_file)),
        (false, _) => drop(spec.env.insert("ENV".to_owned(), rc_file)),
    }
    Ok(spec)
}

/// What the shell reads before the person types.
fn rc(name: &str, command: &str, phases: &str) -> String {
    format!(
        "unset BASH_ENV ENV\nPS1={}\nHISTFILE=\nTERM=${{TERM:-dumb}}\n\
         # The whole build as it would run, in a process of its own.\n\
         build_script() {{ {command}; }}\n{phases}\n",
        quoted(&format!("[{name}:\\w]$ "))
    )
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
