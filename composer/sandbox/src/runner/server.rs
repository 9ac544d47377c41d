//! `xsc-runner --serve`: starts a PID 1 for each request that comes over the socket on standard input, with
//! the three descriptors of the request as its standard streams. The library's `server` is the other end.
//! Invariant: one thread; of one run the next finds nothing; the end of the socket is the end of this process, which
//! every PID 1 has as its death signal.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::exit;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, getpid, setsid};

use super::init::UNTOUCHED;
use super::namespaces::{self, Given, Owner};
use super::networks::Networks;
use super::{EXIT_SETUP, complain, hints, report_refusal, serve, sys};
use crate::error::{SetupFailure, Step};
use crate::server::{READY, STREAMS, receive, send};

/// Serves until the composer has closed its end.
pub(super) fn run() -> i32 {
    match prepare().and_then(|this| answer_all(&this)) {
        Ok(()) => 0,
        Err(failure) => {
            complain(&failure.to_string());
            EXIT_SETUP
        }
    }
}

/// A descriptor of this process, for those that are to die with it.
fn prepare() -> Result<OwnedFd, SetupFailure> {
    // A composer that ignores SIGCHLD would have left us unable to wait for children.
    sys::reset_signals().step("reset signals")?;
    sys::close_from(3).step("close inherited file descriptors")?;
    // The leader of a process group, which we are, may not start a session; a child of ours will.
    let _ = setsid();
    namespaces::forget_groups();
    super::root::note_unwritable().step_at("list", "/proc")?;
    sys::pidfd_open(getpid()).step("watch the runner")
}

fn answer_all(this: &OwnedFd) -> Result<(), SetupFailure> {
    let socket = std::io::stdin();
    hints::note_limits();
    // Without them each sandbox makes its own, and says what is refused.
    let mut networks = Networks::new();
    let said = send(socket.as_fd(), READY.as_bytes(), &[]).map_err(std::io::Error::from);
    said.step("say that the runner is ready")?;
    loop {
        let mut word = [0];
        let received = receive(socket.as_fd(), &mut word).map_err(std::io::Error::from);
        let (count, fds) = received.step("receive a request")?;
        // Those that ended meanwhile: until now their numbers could not be used again.
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let Some(pid) = status.pid() else { break };
            if let Some(networks) = &mut networks {
                networks.take_back(pid, status == WaitStatus::Exited(pid, UNTOUCHED));
            }
        }
        if count == 0 {
            return Ok(());
        }
        let started = start(fds, this, &mut networks);
        let errno = started.as_ref().err().map_or(0, |errno| *errno as i32);
        let handle: Vec<BorrowedFd<'_>> = started.iter().map(AsFd::as_fd).collect();
        // A composer that is gone shows at the next receive.
        let _ = send(socket.as_fd(), &errno.to_ne_bytes(), &handle);
    }
}

/// Starts a PID 1 with these streams.
fn start(
    fds: Vec<OwnedFd>,
    this: &OwnedFd,
    networks: &mut Option<Networks>,
) -> Result<OwnedFd, Errno> {
    if fds.len() != STREAMS {
        return Err(Errno::EBADMSG);
    }
    let network = networks.as_mut().and_then(|all| all.enter().ok());
    let given = Given {
        owner: Owner::current(),
        network: network.is_some(),
    };
    let (forked, refused) = match fork_patiently() {
        Ok(forked) => (forked, None),
        Err(errno) => (sys::fork()?, Some(errno)),
    };
    match forked {
        ForkResult::Parent { child } => {
            if let (Some(networks), Some(network)) = (networks, network) {
                networks.lend(network, child);
            }
            sys::pidfd_open(child)
        }
        ForkResult::Child => {
            for (stream, fd) in (0..).zip(&fds) {
                if sys::copy_onto(fd.as_raw_fd(), stream).is_err() {
                    exit(EXIT_SETUP);
                }
            }
            // Those of others are not for this sandbox to hold.
            drop((fds, network, networks.take()));
            if let Some(errno) = refused {
                report_refusal(errno);
                exit(EXIT_SETUP);
            }
            exit(serve(this.as_fd(), given))
        }
    }
}

/// Forks a PID 1. Namespaces of one that has just ended may still count: the kernel takes them down later.
fn fork_patiently() -> Result<ForkResult, Errno> {
    const PAUSE: Duration = Duration::from_millis(10);
    for _ in 0..20 {
        match sys::fork_into(namespaces::FROM_THE_START) {
            Err(Errno::ENOSPC) => std::thread::sleep(PAUSE),
            forked => return forked,
        }
    }
    sys::fork_into(namespaces::FROM_THE_START)
}
