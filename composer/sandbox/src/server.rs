//! The library's side of the fork server: one runner process that forks itself for each run, so that the program is
//! loaded and linked once and not for every build. `Running` asks it for a PID 1.
//! Invariant: it lives as long as its `Sandbox` or the composer, whichever ends first: it leaves when the socket
//! between the two closes, and what it forked dies with it.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::spec::Asked;
use crate::{RunnerProgram, SandboxError, SetupFailure};

/// How long the server may take to fork. A machine that swaps is slow; a program that is no runner never answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// A name of the sources that this is built from. A server is started with it, and says it when it is ready, so that
/// none of another version is ever asked anything.
pub(crate) const READY: &str = env!("XSC_SANDBOX_SOURCES");

/// The answer to a request: the kernel's error number of the fork, 0 with a descriptor.
pub(crate) const ANSWER: usize = 4;

/// How many descriptors a request has.
pub(crate) const STREAMS: usize = 2;

/// What a request begins with, together with its descriptors: the length of what follows.
pub(crate) const LENGTH: usize = 4;

/// The streams of a PID 1, in the order in which they are sent.
pub(crate) struct Streams {
    /// Its standard output: the runner's reports.
    pub(crate) status: OwnedFd,
    /// Its standard error: the command's output.
    pub(crate) output: OwnedFd,
}

/// Where the sandboxes of one `Sandbox` value come from; clones share one server.
#[derive(Debug, Clone)]
pub(crate) struct ForkServer {
    program: RunnerProgram,
    preferred: Option<PathBuf>,
    running: Arc<Mutex<Option<Server>>>,
}

impl ForkServer {
    pub(crate) fn new(program: RunnerProgram) -> Self {
        Self {
            program,
            preferred: None,
            running: Arc::default(),
        }
    }

    /// One that starts this `xsc-runner` where it is there and is built from the same sources.
    pub(crate) fn preferring(self, runner: PathBuf) -> Self {
        Self {
            preferred: Some(runner),
            ..self
        }
    }

    /// Starts the server now, beside what the caller does; the first to need it waits for it, and finds out where it cannot
    /// be started.
    pub(crate) fn prepare(&self) {
        let this = self.clone();
        std::thread::spawn(move || {
            let mut running = this.running.lock().unwrap_or_else(PoisonError::into_inner);
            if running.is_none() {
                *running = this.start().ok();
            }
        });
    }

    /// Forks one PID 1 for a request, with these streams; a process descriptor to wait for it and to kill it.
    ///
    /// A server that was killed since it last forked is replaced once.
    pub(crate) fn fork(&self, asked: &Asked, streams: &Streams) -> Result<OwnedFd, SandboxError> {
        let request = serde_json::to_vec(asked).expect("a request has only JSON-safe parts");
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = running.as_mut() {
            match server.ask(&request, streams) {
                Ok(answer) => return answer.map_err(refused),
                Err(_) => *running = None,
            }
        }
        let server = running.insert(self.start()?);
        match server.ask(&request, streams) {
            Ok(answer) => answer.map_err(refused),
            Err(error) => {
                let server = running.take().expect("it was just put there");
                Err(server.judge(error))
            }
        }
    }

    fn start(&self) -> Result<Server, SandboxError> {
        if let Some(runner) = &self.preferred
            && let Ok(server) = Server::start(&RunnerProgram::Exe(runner.clone(), Vec::new()))
        {
            return Ok(server);
        }
        Server::start(&self.program)
    }
}

fn refused(errno: Errno) -> SandboxError {
    SandboxError::Setup(SetupFailure::new("start PID 1", errno))
}

#[derive(Debug)]
struct Server {
    child: Child,
    socket: Option<UnixStream>,
}

impl Server {
    fn start(RunnerProgram::Exe(program, leading): &RunnerProgram) -> Result<Self, SandboxError> {
        let (socket, theirs) = UnixStream::pair().map_err(SandboxError::Pipe)?;
        socket
            .set_read_timeout(Some(PATIENCE))
            .map_err(SandboxError::Pipe)?;
        let child = Command::new(program)
            .args(leading)
            .args(["--serve", READY])
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // An interrupt from the terminal is for the composer to judge.
            .process_group(0)
            .spawn()
            .map_err(|source| SandboxError::StartRunner {
                program: program.clone(),
                source,
            })?;
        let server = Self {
            child,
            socket: Some(socket),
        };
        match server.wait_until_ready() {
            Ok(()) => Ok(server),
            Err(error) => Err(server.judge(error)),
        }
    }

    fn wait_until_ready(&self) -> io::Result<()> {
        let socket = self.socket.as_ref().expect("it is closed with the server");
        let mut said = [0; READY.len()];
        let (count, _) = receive(socket.as_fd(), &mut said)?;
        match &said[..count] {
            [] => Err(ErrorKind::UnexpectedEof.into()),
            said if said == READY.as_bytes() => Ok(()),
            _ => Err(io::Error::other("it is of another version")),
        }
    }

    /// Has one process forked. The outer error says that there is no server to talk to.
    fn ask(&mut self, request: &[u8], streams: &Streams) -> io::Result<Result<OwnedFd, Errno>> {
        let Some(socket) = &self.socket else {
            return Err(ErrorKind::NotConnected.into());
        };
        let length = u32::try_from(request.len()).map_err(|_| ErrorKind::InvalidInput)?;
        let mut message = length.to_ne_bytes().to_vec();
        message.extend_from_slice(request);
        let fds = [streams.status.as_fd(), streams.output.as_fd()];
        // What a socket takes at once is limited; the descriptors go with the first part.
        let (mut rest, mut fds) = (&message[..], &fds[..]);
        while !rest.is_empty() {
            rest = &rest[send(socket.as_fd(), rest, fds)?..];
            fds = &[];
        }
        let mut answer = [0; ANSWER];
        let (count, mut fds) = receive(socket.as_fd(), &mut answer)?;
        if count != ANSWER {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        match (i32::from_ne_bytes(answer), fds.pop()) {
            (0, Some(handle)) => Ok(Ok(handle)),
            (0, None) => Err(ErrorKind::InvalidData.into()),
            (errno, _) => Ok(Err(Errno::from_raw(errno))),
        }
    }

    /// Why a server that never answered did not: it is ended, and what it printed is read.
    fn judge(mut self, error: io::Error) -> SandboxError {
        drop(self.socket.take());
        // It may be a program that reads nothing and never ends; one that has closed its end is ending by itself.
        if error.kind() != ErrorKind::UnexpectedEof {
            let _ = self.child.kill();
        }
        let mut message = Vec::new();
        if let Some(printed) = self.child.stdout.take() {
            // Half of it will do.
            let _ = printed.take(200).read_to_end(&mut message);
        }
        match self.child.wait() {
            Ok(status) => SandboxError::RunnerDied {
                status: in_words(status),
                message: String::from_utf8_lossy(&message).trim().to_owned(),
            },
            Err(error) => SandboxError::Pipe(error),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.socket.take());
        // It leaves at once, and takes with it what still runs.
        let _ = self.child.wait();
    }
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => format!("status {}", status.into_raw()),
    }
}

/// Sends a message, or its beginning, and descriptors with it; the number of bytes. A peer that is gone is an error, not
/// a signal.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    fds: &[BorrowedFd<'_>],
) -> Result<usize, rustix::io::Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STREAMS))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !rights.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(rustix::io::Errno::INVAL);
    }
    let parts = [IoSlice::new(bytes)];
    retry_on_intr(|| sendmsg(socket, &parts, &mut rights, SendFlags::NOSIGNAL))
}

/// Receives a message and the descriptors that came with it, closed by exec; 0 bytes are the end.
pub(crate) fn receive(
    socket: BorrowedFd<'_>,
    into: &mut [u8],
) -> Result<(usize, Vec<OwnedFd>), rustix::io::Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STREAMS))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let mut parts = [IoSliceMut::new(into)];
    let message = retry_on_intr(|| recvmsg(socket, &mut parts, &mut rights, flags))?;
    let mut fds = Vec::new();
    for control in rights.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = control {
            fds.extend(received);
        }
    }
    Ok((message.bytes, fds))
}
