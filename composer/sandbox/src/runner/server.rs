//! `xsc-runner --serve`: forks an outer process for each request that comes over the socket on standard input, with
//! the three descriptors of the request as its standard streams. The library's `server` is the other end.
//! Invariant: one thread, nothing kept from one run for the next; the end of the socket is the end of this process,
//! whose death the outer processes have as their death signal.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, getpid, setsid};

use super::{EXIT_SETUP, complain, serve, sys};
use crate::error::{SetupFailure, Step};
use crate::server::{STREAMS, receive, send};

/// Serves until the composer has closed its end.
pub(super) fn run() -> i32 {
    match prepare().and_then(|()| answer_all()) {
        Ok(()) => 0,
        Err(failure) => {
            complain(&failure.to_string());
            EXIT_SETUP
        }
    }
}

fn prepare() -> Result<(), SetupFailure> {
    // A composer that ignores SIGCHLD would have left us unable to wait for children.
    sys::reset_signals().step("reset signals")?;
    sys::close_from(3).step("close inherited file descriptors")?;
    // The leader of a process group, which we are, may not start a session; a child of ours will.
    let _ = setsid();
    super::root::note_unwritable().step_at("list", "/proc")
}

fn answer_all() -> Result<(), SetupFailure> {
    let socket = std::io::stdin();
    loop {
        let mut word = [0];
        let received = receive(socket.as_fd(), &mut word).map_err(std::io::Error::from);
        let (count, fds) = received.step("receive a request")?;
        // Those that ended meanwhile: until now their numbers could not be used again.
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            if status == WaitStatus::StillAlive {
                break;
            }
        }
        if count == 0 {
            return Ok(());
        }
        let started = start(fds);
        let errno = started.as_ref().err().map_or(0, |errno| *errno as i32);
        let handle: Vec<BorrowedFd<'_>> = started.iter().map(AsFd::as_fd).collect();
        // A composer that is gone shows at the next receive.
        let _ = send(socket.as_fd(), &errno.to_ne_bytes(), &handle);
    }
}

/// Forks an outer process with these streams.
fn start(fds: Vec<OwnedFd>) -> Result<OwnedFd, Errno> {
    if fds.len() != STREAMS {
        return Err(Errno::EBADMSG);
    }
    let server = getpid();
    match sys::fork()? {
        ForkResult::Child => {
            for (stream, fd) in (0..).zip(&fds) {
                if sys::copy_onto(fd.as_raw_fd(), stream).is_err() {
                    std::process::exit(EXIT_SETUP);
                }
            }
            drop(fds);
            std::process::exit(serve(server))
        }
        ForkResult::Parent { child } => sys::pidfd_open(child),
    }
}
