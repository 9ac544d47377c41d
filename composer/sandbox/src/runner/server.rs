//! `xsc-runner --serve`: starts a PID 1 for each request that comes over the socket on standard input, with
//! the two descriptors of the request as its standard output and error. The library's `server` is the other end.
//! Invariant: one thread; of one run the command of the next finds nothing; the end of the socket is the end of this
//! process, which every PID 1 has as its death signal.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::exit;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, getpid, setsid};
use rustix::io::retry_on_intr;

use super::init::UNTOUCHED;
use super::kept::{Kept, Shared};
use super::namespaces::{self, Given, Owner};
use super::networks::Networks;
use super::{EXIT_SETUP, complain, hints, report_refusal, serve, sys};
use crate::error::{SetupFailure, Step};
use crate::server::{LENGTH, READY, STREAMS, receive, send};
use crate::spec::Asked;

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
    sys::find_command_line().step("find the command line")?;
    sys::pidfd_open(getpid()).step("watch the runner")
}

/// What one sandbox leaves for the next one. Without it each makes its own, and says what is refused.
struct Lent {
    networks: Option<Networks>,
    kept: Option<Kept>,
}

fn answer_all(this: &OwnedFd) -> Result<(), SetupFailure> {
    let socket = io::stdin();
    hints::note_limits();
    umask(Mode::from_bits_truncate(0o022));
    let networks = Networks::new();
    // The mount namespace belongs to the same user namespace as the networks.
    let kept = networks.as_ref().and_then(|_| Kept::new());
    let mut lent = Lent { networks, kept };
    let said = send(socket.as_fd(), READY.as_bytes(), &[]).map_err(io::Error::from);
    said.step("say that the runner is ready")?;
    loop {
        let received = next(socket.as_fd()).step("receive a request")?;
        // Those that ended meanwhile: until now their numbers could not be used again.
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let Some(pid) = status.pid() else { break };
            let well = status == WaitStatus::Exited(pid, UNTOUCHED);
            if let Some(networks) = &mut lent.networks {
                networks.take_back(pid, well);
            }
            if let Some(kept) = &mut lent.kept {
                kept.take_back(pid, well);
            }
        }
        let Some((text, fds)) = received else {
            return Ok(());
        };
        let started = match serde_json::from_slice(&text) {
            Ok(asked) => start(asked, fds, this, &mut lent),
            Err(_) => Err(Errno::EBADMSG),
        };
        let errno = started.as_ref().err().map_or(0, |errno| *errno as i32);
        let handle: Vec<BorrowedFd<'_>> = started.iter().map(AsFd::as_fd).collect();
        // A composer that is gone shows at the next receive.
        let _ = send(socket.as_fd(), &errno.to_ne_bytes(), &handle);
    }
}

/// The next request and its descriptors; `None` where the composer has closed its end.
fn next(socket: BorrowedFd<'_>) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut length = [0; LENGTH];
    let (count, fds) = receive(socket, &mut length)?;
    if count == 0 || !fill(socket, &mut length[count..])? {
        return Ok(None);
    }
    let mut text = vec![0; u32::from_ne_bytes(length) as usize];
    Ok(fill(socket, &mut text)?.then_some((text, fds)))
}

/// Reads until `into` is full; `false` where the composer was killed while it wrote.
fn fill(socket: BorrowedFd<'_>, mut into: &mut [u8]) -> io::Result<bool> {
    while !into.is_empty() {
        match retry_on_intr(|| rustix::io::read(socket, &mut *into))? {
            0 => return Ok(false),
            count => into = &mut into[count..],
        }
    }
    Ok(true)
}

/// Starts a PID 1 with these streams.
fn start(
    asked: Asked,
    fds: Vec<OwnedFd>,
    this: &OwnedFd,
    lent: &mut Lent,
) -> Result<OwnedFd, Errno> {
    if fds.len() != STREAMS {
        return Err(Errno::EBADMSG);
    }
    let network = lent.networks.as_mut().and_then(|all| all.enter().ok());
    let kept = lent.kept.as_mut();
    let root = kept.and_then(|kept| kept.find(&asked, this.as_fd()));
    let given = Given {
        owner: Owner::current(),
        network: network.is_some(),
        shared: root.map(Shared::of),
        layers: asked.layers,
    };
    let (forked, refused) = match fork_patiently() {
        Ok(forked) => (forked, None),
        Err(errno) => (sys::fork()?, Some(errno)),
    };
    match forked {
        ForkResult::Parent { child } => {
            if let (Some(networks), Some(network)) = (&mut lent.networks, network) {
                networks.lend(network, child);
            }
            if let (Some(kept), Some(root)) = (&mut lent.kept, root) {
                kept.lend(root, child);
            }
            sys::pidfd_open(child)
        }
        ForkResult::Child => {
            for (stream, fd) in (1..).zip(&fds) {
                if sys::copy_onto(fd.as_raw_fd(), stream).is_err() {
                    exit(EXIT_SETUP);
                }
            }
            // Those of others are not for this sandbox to hold.
            drop((fds, network, lent.networks.take()));
            if let Some(errno) = refused {
                report_refusal(errno);
                exit(EXIT_SETUP);
            }
            exit(serve(&asked.request, this.as_fd(), &given))
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
