//! The library's side: starts the runner, feeds the log, keeps the limits, and says how it ended.
//! `xsc-build` calls it from one thread per build.
//! When `run` returns, no process of the sandbox exists any more.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::Signal;

use crate::report::Message;
use crate::server::{ForkServer, Streams};
use crate::spec::{Asked, Request};
use crate::{Isolation, Limits, Outcome, Report, SandboxError, SandboxSpec, TimeLimit};

/// How often a waiting run looks at its cancel token.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// The program that calls [`runner_main`](crate::runner_main), and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunnerProgram {
    /// This executable with these leading arguments: `xsc-runner` with none, or the composer with a hidden verb.
    Exe(PathBuf, Vec<OsString>),
}

/// Asks running commands to stop; clones share the request. It cannot be taken back.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Makes a token that nobody has cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every run with this token to kill its command; they notice within about 50 ms.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Tells whether somebody cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl From<Arc<AtomicBool>> for CancelToken {
    /// Shares a flag that somebody else sets, such as a signal handler.
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}

/// Runs commands through one runner program, which is started for the first of them.
#[derive(Debug, Clone)]
pub struct Sandbox {
    pub(crate) server: ForkServer,
}

impl Sandbox {
    /// Uses this runner.
    #[must_use]
    pub fn new(runner: RunnerProgram) -> Self {
        Self {
            server: ForkServer::new(runner),
        }
    }

    /// Runs commands through this `xsc-runner` instead, where it is there and is built from the same sources: a small
    /// static program forks faster than the composer does.
    #[must_use]
    pub fn preferring(self, runner: PathBuf) -> Self {
        Self {
            server: self.server.preferring(runner),
        }
    }

    /// Says that commands will be run: what takes a while to start is started beside what the caller does until then.
    pub fn prepare(&self) {
        self.server.prepare();
    }

    /// Runs one command and waits for its end; its merged stdout and stderr go to `log` as they come.
    ///
    /// A command that fails, is killed, runs into a limit or is cancelled is an [`Outcome`], not an error.
    ///
    /// # Errors
    ///
    /// The spec is malformed, the host refuses a part of the isolation (the error says which and what would
    /// help), `log` fails, or the runner dies. The command does not run on after any of them.
    pub fn run(
        &self,
        spec: &SandboxSpec,
        log: &mut dyn Write,
        cancel: &CancelToken,
        limits: Limits,
    ) -> Result<Report, SandboxError> {
        spec.validate()?;
        let stopped = self.drive(Request::Run(spec.clone()), log, cancel, limits)?;
        let isolation = stopped.isolation.clone().unwrap_or(Isolation(Vec::new()));
        match (stopped.outcome, stopped.cut_short) {
            // The command may have ended by itself while we were about to kill it: then that counts.
            (Some(outcome), _) | (None, Some(outcome)) => Ok(Report { outcome, isolation }),
            (None, None) => Err(stopped.died()),
        }
    }

    /// Sets a whole sandbox up in `scratch`, an existing empty directory, and checks the clock inside.
    ///
    /// # Errors
    ///
    /// As for [`run`](Self::run): the host refuses something, and the error says what would help.
    pub fn probe(&self, scratch: &Path) -> Result<Isolation, SandboxError> {
        let request = Request::Probe {
            scratch: scratch.to_owned(),
        };
        let limits = Limits {
            timeout: Some(Duration::from_secs(60)),
            max_silent: None,
        };
        let stopped = self.drive(request, &mut io::sink(), &CancelToken::new(), limits)?;
        match (&stopped.isolation, stopped.outcome) {
            (Some(isolation), Some(Outcome::Exited(0))) => Ok(isolation.clone()),
            _ => Err(stopped.died()),
        }
    }

    fn drive(
        &self,
        request: Request,
        log: &mut dyn Write,
        cancel: &CancelToken,
        limits: Limits,
    ) -> Result<Stopped, SandboxError> {
        let (output, theirs) = pipe().map_err(SandboxError::Pipe)?;
        let mut run = Running::start(
            &self.server,
            request,
            theirs.into(),
            File::from(OwnedFd::from(output)),
        )?;
        let cut_short = run.pump(log, cancel, limits);
        if !matches!(cut_short, Ok(None)) {
            run.end()?;
        }
        run.wait()?;
        // The command's last words may still be in the pipe, and the runner's are.
        let drained = run.drain(log);
        let cut_short = cut_short?;
        drained?;
        Stopped::read(&run.reports, cut_short)
    }
}

/// A sandbox at work, with our ends of its pipes.
pub(crate) struct Running {
    /// Its PID 1, which is no child of ours.
    process: OwnedFd,
    pub(crate) status: File,
    /// Our end of the command's streams.
    pub(crate) output: File,
    pub(crate) reports: Vec<u8>,
}

impl Running {
    /// Starts a sandbox; `theirs` is the command's end of its streams and `output` ours.
    pub(crate) fn start(
        server: &ForkServer,
        request: Request,
        theirs: OwnedFd,
        output: File,
    ) -> Result<Self, SandboxError> {
        let (status, reports) = pipe().map_err(SandboxError::Pipe)?;
        let status = File::from(OwnedFd::from(status));
        nonblocking(&status)
            .and(nonblocking(&output))
            .map_err(SandboxError::Pipe)?;
        // From here on only the sandbox holds its ends.
        let streams = Streams {
            status: reports.into(),
            output: theirs,
        };
        let process = server.fork(&Asked::new(request), &streams)?;
        Ok(Self {
            process,
            status,
            output,
            reports: Vec::new(),
        })
    }

    /// Copies output until PID 1 has closed its end or is gone (`None`), or until something cuts the command short. The
    /// runner's reports, few and short, wait in their pipe, as to be woken for each would take as long as to read them;
    /// one that is long is read a tick later.
    fn pump(
        &mut self,
        log: &mut dyn Write,
        cancel: &CancelToken,
        limits: Limits,
    ) -> Result<Option<Outcome>, SandboxError> {
        let begin = Instant::now();
        let mut last_output = begin;
        loop {
            if cancel.is_cancelled() {
                return Ok(Some(Outcome::Cancelled));
            }
            let now = Instant::now();
            for (limit, start, after) in [
                (TimeLimit::Total, begin, limits.timeout),
                (TimeLimit::Silence, last_output, limits.max_silent),
            ] {
                if let Some(after) = after.filter(|after| now.duration_since(start) >= *after) {
                    return Ok(Some(Outcome::TimedOut { limit, after }));
                }
            }
            let mut fds = [
                PollFd::new(self.output.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.process.as_fd(), PollFlags::POLLIN),
            ];
            let timeout = PollTimeout::try_from(TICK).expect("a tick fits");
            match poll(&mut fds, timeout) {
                Ok(0) => {
                    copy(&mut self.status, &mut self.reports).map_err(Copy::into_error)?;
                    continue;
                }
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(e) => return Err(SandboxError::Pipe(e.into())),
            }
            let gone = fds[1].any().unwrap_or(false);
            if fds[0].any().unwrap_or(false) {
                let (bytes, open) = copy(&mut self.output, log).map_err(Copy::into_error)?;
                if !open {
                    return Ok(None);
                }
                if bytes > 0 {
                    last_output = Instant::now();
                }
            }
            if gone {
                return Ok(None);
            }
        }
    }

    /// Takes what is left in both pipes without waiting for more.
    fn drain(&mut self, log: &mut dyn Write) -> Result<(), SandboxError> {
        copy(&mut self.status, &mut self.reports).map_err(Copy::into_error)?;
        copy(&mut self.output, log).map_err(Copy::into_error)?;
        Ok(())
    }

    /// Ends the sandbox and waits until every process inside is gone.
    pub(crate) fn end(&self) -> Result<(), SandboxError> {
        // The kernel kills all processes of a pid namespace whose PID 1 is killed.
        match rustix::process::pidfd_send_signal(&self.process, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => self.wait(),
            Err(e) => Err(SandboxError::Pipe(e.into())),
        }
    }

    /// Waits until PID 1 is gone; it goes after all processes inside.
    pub(crate) fn wait(&self) -> Result<(), SandboxError> {
        loop {
            let mut fds = [PollFd::new(self.process.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) => return Ok(()),
                Err(nix::errno::Errno::EINTR) => {}
                Err(e) => return Err(SandboxError::Pipe(e.into())),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended is not hit: the descriptor is of that process and no other.
        let _ = rustix::process::pidfd_send_signal(&self.process, Signal::KILL);
    }
}

/// Which end of a copy failed.
enum Copy {
    Read(io::Error),
    Write(io::Error),
}

impl Copy {
    fn into_error(self) -> SandboxError {
        match self {
            Self::Read(e) => SandboxError::Pipe(e),
            Self::Write(e) => SandboxError::Log(e),
        }
    }
}

/// Copies what is there now: the number of bytes, and whether more may come. A command that writes without
/// pause must not keep us from looking at the limits, hence the bound.
fn copy(from: &mut impl Read, to: &mut (impl Write + ?Sized)) -> Result<(usize, bool), Copy> {
    let mut buffer = [0; 8 * 1024];
    let mut total = 0;
    for _ in 0..128 {
        match from.read(&mut buffer) {
            Ok(0) => return Ok((total, false)),
            Ok(count) => {
                total += count;
                to.write_all(&buffer[..count]).map_err(Copy::Write)?;
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Copy::Read(e)),
        }
    }
    Ok((total, true))
}

pub(crate) fn nonblocking(fd: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// A run that is over.
pub(crate) struct Stopped {
    pub(crate) isolation: Option<Isolation>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) cut_short: Option<Outcome>,
    message: String,
}

impl Stopped {
    pub(crate) fn read(reports: &[u8], cut_short: Option<Outcome>) -> Result<Self, SandboxError> {
        let mut stopped = Self {
            isolation: None,
            outcome: None,
            cut_short,
            message: String::new(),
        };
        for line in reports
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            match serde_json::from_slice(line) {
                Ok(Message::Failed(failure)) => return Err(SandboxError::Setup(failure)),
                Ok(Message::Started(isolation)) => stopped.isolation = Some(isolation),
                Ok(Message::Ended(outcome)) => stopped.outcome = Some(outcome),
                // A program that is no runner, or half a line of one that was killed.
                Err(_) => {
                    let text = String::from_utf8_lossy(line);
                    stopped.message = text.chars().take(200).collect();
                }
            }
        }
        Ok(stopped)
    }

    pub(crate) fn died(self) -> SandboxError {
        SandboxError::RunnerDied {
            status: "it may have been killed".to_owned(),
            message: self.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(program: &str, args: &[&str]) -> SandboxError {
        let args = args.iter().map(OsString::from).collect();
        let sandbox = Sandbox::new(RunnerProgram::Exe(program.into(), args));
        sandbox.probe(Path::new("/nonexistent")).unwrap_err()
    }

    #[test]
    fn a_program_that_is_no_runner_is_found_out() {
        assert!(matches!(
            with("/nonexistent/runner", &[]),
            SandboxError::StartRunner { .. }
        ));
        let text = with("/bin/sh", &["-c", "echo hello; exit 3"]).to_string();
        assert!(
            text.contains("exit status 3") && text.contains("hello"),
            "{text}"
        );
        let text = with("/bin/sh", &["-c", "kill -9 $$"]).to_string();
        assert!(text.contains("signal 9"), "{text}");
    }
}
