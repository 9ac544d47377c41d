//! Why a sandbox could not run: `SandboxError` for callers, `SetupFailure` as the runner reports it.
//! A command that ran and failed is not an error but an `Outcome`.
//! Inside the runner every fallible step goes through `Step`, so that no failure lacks its step and errno.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

/// Why [`Sandbox::run`](crate::Sandbox::run) or [`Sandbox::probe`](crate::Sandbox::probe) gave no result.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The spec cannot describe a sandbox on any host.
    #[error("invalid sandbox: {problem}")]
    InvalidSpec {
        /// What is wrong with it.
        problem: String,
    },
    /// The runner program did not start.
    #[error("cannot start the sandbox runner {}", program.display())]
    StartRunner {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The host did not let the runner set the sandbox up; the command did not run.
    #[error("cannot set up the sandbox")]
    Setup(#[source] SetupFailure),
    /// The runner ended without saying what became of the command, for example because it was killed.
    #[error("the sandbox runner ended without a report ({status}){}", detail(.message))]
    RunnerDied {
        /// Its exit status, in words.
        status: String,
        /// The first of what it wrote where a report should have been.
        message: String,
    },
    /// The build log could not be written; the command was killed.
    #[error("cannot write the build log")]
    Log(#[source] io::Error),
    /// A pipe between the library and the runner failed.
    #[error("cannot talk to the sandbox runner")]
    Pipe(#[source] io::Error),
}

/// The step of the set-up that a build can do without.
pub(crate) const ENTER_CGROUP: &str = "enter the build's cgroup";

impl SandboxError {
    /// Whether the only fault is that the runner may not enter the spec's control group. Nothing was done then.
    #[must_use]
    pub fn is_of_cgroup(&self) -> bool {
        matches!(self, SandboxError::Setup(failure) if failure.step == ENTER_CGROUP)
    }
}

fn detail(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

/// One step of the set-up that failed, as the runner reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct SetupFailure {
    /// What the runner was doing.
    pub step: String,
    /// The file or directory involved.
    pub path: Option<PathBuf>,
    /// The system's error number; 0 when the system did not refuse but the result was wrong.
    pub errno: i32,
    /// What would help on this host, where it is known.
    pub hint: Option<String>,
}

impl fmt::Display for SetupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.step)?;
        if let Some(path) = &self.path {
            write!(f, " ({})", path.display())?;
        }
        if self.errno != 0 {
            let errno = Errno::from_raw(self.errno);
            write!(f, ": {} ({errno:?})", errno.desc())?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl SetupFailure {
    pub(crate) fn new(step: &str, errno: Errno) -> Self {
        Self {
            step: step.to_owned(),
            path: None,
            errno: errno as i32,
            hint: None,
        }
    }

    pub(crate) fn at(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    pub(crate) fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// Names the step that a system error belongs to.
pub(crate) trait Step<T> {
    fn step(self, step: &str) -> Result<T, SetupFailure>;
    fn step_at(self, step: &str, path: impl AsRef<Path>) -> Result<T, SetupFailure>;
}

impl<T, E: IntoErrno> Step<T> for Result<T, E> {
    fn step(self, step: &str) -> Result<T, SetupFailure> {
        self.map_err(|e| SetupFailure::new(step, e.into_errno()))
    }

    fn step_at(self, step: &str, path: impl AsRef<Path>) -> Result<T, SetupFailure> {
        self.step(step).map_err(|failure| failure.at(path.as_ref()))
    }
}

pub(crate) trait IntoErrno {
    fn into_errno(self) -> Errno;
}

impl IntoErrno for Errno {
    fn into_errno(self) -> Errno {
        self
    }
}

impl IntoErrno for io::Error {
    fn into_errno(self) -> Errno {
        // An error that std made up has no number; only malformed arguments lead to one here.
        self.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw)
    }
}
