//! One running QEMU process and the guarantee that it does not outlive its owner.
//!
//! Used by `accel`, `interactive` and `runner`. Two guards: dropping a `Guest` kills and reaps QEMU, which covers
//! errors, cancellation and panics; `setpriv --pdeathsig KILL`, where installed, makes the kernel end QEMU when
//! the thread that started it dies, which covers SIGKILL. Invariant: that thread stays in the call that owns the
//! `Guest`. Without setpriv, a QEMU whose owner was killed by SIGKILL is left running.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::VmError;

/// How often a running process is looked at.
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// Where QEMU's own input and output go.
pub(crate) enum Stdio3 {
    /// The terminal of this process, in its process group, so that QEMU may set the terminal's modes.
    Inherit,
    /// No input; output and errors to a file. QEMU gets a process group of its own, so that Ctrl-c at the
    /// terminal reaches only us and we decide.
    Log {
        /// The file.
        log: File,
        /// The folder to run in, where a core dump lands; `None` for ours.
        folder: Option<PathBuf>,
    },
}

/// A running QEMU.
pub(crate) struct Guest {
    child: Child,
    program: PathBuf,
}

impl Guest {
    pub(crate) fn spawn(
        program: &Path,
        setpriv: Option<&Path>,
        arguments: &[OsString],
        stdio: Stdio3,
    ) -> Result<Guest, VmError> {
        let mut command = match setpriv {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.args(arguments);
        let start = |source| VmError::Start {
            program: program.to_owned(),
            source,
        };
        if let Stdio3::Log { log, folder } = stdio {
            let errors = log.try_clone().map_err(start)?;
            command
                .stdin(Stdio::null())
                .stdout(log)
                .stderr(errors)
                .process_group(0);
            if let Some(folder) = folder {
                command.current_dir(folder);
            }
        }
        let child = command.spawn().map_err(start)?;
        Ok(Guest {
            child,
            program: program.to_owned(),
        })
    }

    pub(crate) fn try_wait(&mut self) -> Result<Option<ExitStatus>, VmError> {
        self.child.try_wait().map_err(|source| self.follow(source))
    }

    /// Kills the process and reaps it.
    pub(crate) fn kill(&mut self) -> Result<ExitStatus, VmError> {
        // Killing fails only when the process has ended already, and then `wait` tells how.
        let _ = self.child.kill();
        self.child.wait().map_err(|source| self.follow(source))
    }

    /// Asks the process to end, so that it restores the terminal, and kills it when it does not.
    pub(crate) fn terminate(&mut self, grace: Duration) -> Result<ExitStatus, VmError> {
        let asked = i32::try_from(self.child.id())
            .is_ok_and(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM).is_ok());
        let start = Instant::now();
        while asked && start.elapsed() < grace {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
        self.kill()
    }

    fn follow(&self, source: io::Error) -> VmError {
        VmError::Follow {
            program: self.program.clone(),
            source,
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn sleeper(setpriv: Option<&Path>) -> Guest {
        let log = tempfile::tempfile().unwrap();
        let stdio = Stdio3::Log { log, folder: None };
        Guest::spawn(Path::new("/bin/sleep"), setpriv, &["600".into()], stdio).unwrap()
    }

    #[test]
    fn a_process_dies_with_the_thread_that_started_it() {
        let setpriv = Path::new("/usr/bin/setpriv");
        if !setpriv.exists() {
            eprintln!(
                "skipped: {} is not installed (package util-linux)",
                setpriv.display()
            );
            return;
        }
        // The thread waits until setpriv has become sleep; before that the death of the owner is not yet watched.
        let owner = thread::spawn(|| {
            let guest = sleeper(Some(setpriv));
            let comm = format!("/proc/{}/comm", guest.child.id());
            while std::fs::read_to_string(&comm).unwrap() != "sleep\n" {
                thread::sleep(POLL);
            }
            guest
        });
        let mut guest = owner.join().unwrap();
        let status = guest.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9));
    }

    #[test]
    fn dropping_and_terminating_end_the_process() {
        let guest = sleeper(None);
        let folder = PathBuf::from(format!("/proc/{}", guest.child.id()));
        assert!(folder.exists());
        drop(guest);
        assert!(!folder.exists(), "killed and reaped");
        let status = sleeper(None).terminate(Duration::from_secs(60)).unwrap();
        assert_eq!(status.signal(), Some(15));
        let status = sleeper(None).terminate(Duration::ZERO).unwrap();
        assert!(matches!(status.signal(), Some(9 | 15)));
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let log = tempfile::tempfile().unwrap();
        let stdio = Stdio3::Log { log, folder: None };
        let error = Guest::spawn(Path::new("/nonexistent/qemu"), None, &[], stdio)
            .err()
            .unwrap();
        assert!(error.to_string().contains("/nonexistent/qemu"), "{error}");
    }
}
