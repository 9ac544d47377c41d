//! Runs a command that a person talks to: with a terminal of its own where the person has one, else over a socket.
//! `xsc-compose shell` calls it. The terminal is made here, outside of the sandbox, and everything typed or printed
//! passes through this process. Invariant: the person's terminal has its old settings again when this returns.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{
    OptionalActions, Termios, Winsize, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};

use crate::sandbox::{Running, Stopped, TICK};
use crate::spec::Request;
use crate::{CancelToken, Isolation, Outcome, Report, Sandbox, SandboxError, SandboxSpec};

impl Sandbox {
    /// Runs one command with its standard streams connected to `input` and `output`, until it ends.
    ///
    /// If both are terminals, the command gets a terminal of its own that follows the size of theirs, with job
    /// control and interrupts. Otherwise it reads what `input` gives, to its end.
    ///
    /// # Errors
    ///
    /// As for [`run`](Self::run).
    pub fn attach(
        &self,
        spec: &SandboxSpec,
        input: BorrowedFd<'_>,
        output: BorrowedFd<'_>,
        cancel: &CancelToken,
    ) -> Result<Report, SandboxError> {
        spec.validate()?;
        let terminal = isatty(input) && isatty(output);
        let (ours, theirs) =
            if terminal { pty(input) } else { pair() }.map_err(SandboxError::Pipe)?;
        let request = Request::Attach {
            spec: spec.clone(),
            terminal,
        };
        let mut run = Running::start(&self.server, request, theirs, File::from(ours))?;
        let raw = if terminal {
            Some(Raw::enter(input).map_err(SandboxError::Pipe)?)
        } else {
            None
        };
        let ended = run.converse(input, output, cancel, terminal);
        if !matches!(ended, Ok(None)) {
            run.end()?;
        }
        run.wait()?;
        drop(raw);
        let stopped = Stopped::read(&run.reports, ended?)?;
        let isolation = stopped.isolation.clone().unwrap_or(Isolation(Vec::new()));
        match (stopped.outcome, stopped.cut_short) {
            (Some(outcome), _) | (None, Some(outcome)) => Ok(Report { outcome, isolation }),
            (None, None) => Err(stopped.died()),
        }
    }
}

/// A new terminal like the person's: our end and the command's.
fn pty(like: BorrowedFd<'_>) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let theirs = ioctl_tiocgptpeer(&ours, flags)?;
    tcsetattr(&theirs, OptionalActions::Now, &tcgetattr(like)?)?;
    tcsetwinsize(&ours, tcgetwinsize(like)?)?;
    Ok((ours, theirs))
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair()?;
    Ok((ours.into(), theirs.into()))
}

/// The person's terminal, passing everything on as it is typed until this is dropped.
struct Raw<'a> {
    terminal: BorrowedFd<'a>,
    before: Termios,
}

impl<'a> Raw<'a> {
    fn enter(terminal: BorrowedFd<'a>) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(terminal, OptionalActions::Now, &raw)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no settings.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

impl Running {
    /// Passes on what is typed and printed until the command has ended (`None`) or is to be ended.
    fn converse(
        &mut self,
        input: BorrowedFd<'_>,
        output: BorrowedFd<'_>,
        cancel: &CancelToken,
        terminal: bool,
    ) -> Result<Option<Outcome>, SandboxError> {
        let pipe = SandboxError::Pipe;
        let mut typed = File::from(input.try_clone_to_owned().map_err(pipe)?);
        let mut shown = File::from(output.try_clone_to_owned().map_err(SandboxError::Log)?);
        let size = terminal.then(|| tcgetwinsize(input).ok()).flatten();
        let mut size = size.map(Size::new);
        let (mut status_open, mut output_open, mut input_open) = (true, true, true);
        let mut waiting: Vec<u8> = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while status_open || output_open {
            if cancel.is_cancelled() {
                return Ok(Some(Outcome::Cancelled));
            }
            if let Some(size) = &mut size {
                size.follow(input, &self.output, Instant::now());
            }
            let none = PollFlags::empty();
            let write = if waiting.is_empty() {
                none
            } else {
                PollFlags::POLLOUT
            };
            let talk = if output_open {
                PollFlags::POLLIN | write
            } else {
                none
            };
            let mut fds = vec![
                PollFd::new(self.status.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.output.as_fd(), talk),
            ];
            if input_open && waiting.is_empty() {
                fds.push(PollFd::new(input, PollFlags::POLLIN));
            }
            match poll(&mut fds, PollTimeout::try_from(TICK).expect("a tick fits")) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(e) => return Err(SandboxError::Pipe(e.into())),
            }
            let ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
            drop(fds);
            if status_open && ready[0] {
                match self.status.read(&mut buffer) {
                    Ok(0) => status_open = false,
                    Ok(count) => self.reports.extend_from_slice(&buffer[..count]),
                    Err(e) if is_later(&e) => {}
                    Err(e) => return Err(SandboxError::Pipe(e)),
                }
            }
            if output_open && ready[1] {
                match self.output.read(&mut buffer) {
                    Ok(0) => output_open = false,
                    Ok(count) => shown
                        .write_all(&buffer[..count])
                        .map_err(SandboxError::Log)?,
                    Err(e) if is_later(&e) => {}
                    // How a terminal says that nobody has its other end any more.
                    Err(e) if e.raw_os_error() == Some(nix::libc::EIO) => output_open = false,
                    Err(e) if e.kind() == ErrorKind::ConnectionReset => output_open = false,
                    Err(e) => return Err(SandboxError::Pipe(e)),
                }
            }
            if ready.get(2) == Some(&true) {
                match typed.read(&mut buffer) {
                    Ok(0) => {
                        input_open = false;
                        self.end_input(terminal);
                    }
                    Ok(count) => waiting.extend_from_slice(&buffer[..count]),
                    Err(e) if is_later(&e) => {}
                    // The person's terminal is gone.
                    Err(_) => return Ok(Some(Outcome::Cancelled)),
                }
            }
            if !waiting.is_empty() {
                match self.output.write(&waiting) {
                    Ok(count) => drop(waiting.drain(..count)),
                    Err(e) if is_later(&e) => {}
                    // The command reads no more.
                    Err(_) => waiting.clear(),
                }
            }
        }
        Ok(None)
    }

    /// Tells the command that there is no more input.
    fn end_input(&mut self, terminal: bool) {
        const END_OF_TEXT: u8 = 4;
        // Either fails only where nobody reads.
        if terminal {
            let _ = self.output.write_all(&[END_OF_TEXT]);
        } else if let Ok(copy) = self.output.as_fd().try_clone_to_owned() {
            let _ = UnixStream::from(copy).shutdown(Shutdown::Write);
        }
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// The size that the command's terminal was given last.
struct Size {
    given: Winsize,
    /// When it is looked at whether it was kept, and how often it is given again. A shell that reads the size and writes
    /// it back, as those with a line editor do, undoes a change that comes in between.
    check: Option<(Instant, u32)>,
}

impl Size {
    /// How often a size that is undone is given: a program that insists on its own has it.
    const TRIES: u32 = 3;

    fn new(given: Winsize) -> Self {
        Self { given, check: None }
    }

    /// Gives the command's terminal the size of the person's where that has changed.
    fn follow(&mut self, from: BorrowedFd<'_>, to: &File, now: Instant) {
        let same = |a: &Winsize, b: &Winsize| (a.ws_row, a.ws_col) == (b.ws_row, b.ws_col);
        let Ok(wanted) = tcgetwinsize(from) else {
            return;
        };
        let tries = match self.check {
            _ if !same(&wanted, &self.given) => Self::TRIES,
            Some((at, tries)) if now >= at => {
                self.check = None;
                if tries == 0 || tcgetwinsize(to).is_ok_and(|found| same(&found, &wanted)) {
                    return;
                }
                tries
            }
            _ => return,
        };
        if tcsetwinsize(to, wanted).is_ok() {
            self.given = wanted;
            self.check = Some((now + TICK, tries - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_is_undone_at_once_is_given_again() {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let (person, ours) = (openpt(flags).unwrap(), File::from(openpt(flags).unwrap()));
        let size = |rows| {
            let mut size = tcgetwinsize(&person).unwrap();
            (size.ws_row, size.ws_col) = (rows, 80);
            size
        };
        let rows = || tcgetwinsize(&ours).unwrap().ws_row;
        tcsetwinsize(&ours, size(24)).unwrap();
        let (mut follower, begin) = (Size::new(size(24)), Instant::now());
        let mut tick = |number| follower.follow(person.as_fd(), &ours, begin + TICK * number);
        tcsetwinsize(&person, size(50)).unwrap();
        tick(0);
        assert_eq!(rows(), 50);
        tcsetwinsize(&ours, size(24)).unwrap();
        tick(1);
        assert_eq!(rows(), 50);
        // One that was kept for a while is the command's to change.
        tick(2);
        tcsetwinsize(&ours, size(10)).unwrap();
        tick(3);
        assert_eq!(rows(), 10);
        // And so is one that it will not have.
        tcsetwinsize(&person, size(40)).unwrap();
        for number in 4..10 {
            tick(number);
            tcsetwinsize(&ours, size(10)).unwrap();
        }
        tick(10);
        assert_eq!(rows(), 10);
    }
}
