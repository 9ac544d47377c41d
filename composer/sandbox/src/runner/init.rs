//! PID 1 of the sandbox: builds the root, starts the command, traces and reaps until the command ends.
//! Called in a child that started in a new pid namespace. When PID 1 exits, the kernel kills whatever the command
//! left behind, so background processes never outlive a build.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::exit;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, sethostname};

use super::command::{self, Command, Streams};
use super::namespaces::{self, Given};
use super::{EXIT_SETUP, Status, hints, root, sys, tracer};
use crate::error::{ENTER_CGROUP, SetupFailure, Step};
use crate::report::Message;
use crate::spec::{DEFAULT_CLOCK, Request};
use crate::{Cpus, SandboxSpec, Surroundings, cgroup};

/// What PID 1 tells the command that waits.
const GO_ON: u8 = 1;
const LEAVE: u8 = 0;

/// The step that a host may refuse.
const TRACE: &str = "trace the command";

/// What a child needs until it executes its program.
const COMMAND_STACK: usize = 1 << 20;

/// The exit status of a PID 1 whose sandbox left its network as it was.
pub(super) const UNTOUCHED: i32 = 0;
/// That of one whose sandbox may have used it.
const USED: i32 = 1;

/// Runs PID 1 to its end; the exit status.
pub(super) fn run(request: &Request, given: &Given, status: &mut Status) -> i32 {
    match live(request, given, status) {
        Ok(network) => {
            if network {
                USED
            } else {
                UNTOUCHED
            }
        }
        Err(failure) => {
            status.send(&Message::Failed(failure));
            EXIT_SETUP
        }
    }
}

/// Says whether the network may have been used.
fn live(request: &Request, given: &Given, status: &mut Status) -> Result<bool, SetupFailure> {
    if let Some(group) = request.cgroup() {
        cgroup::enter(group).step_at(ENTER_CGROUP, group)?;
    }
    if let Some(Cpus::One(index)) = request.spec().map(|spec| spec.cpus) {
        pin(index).step("pin the command to a CPU")?;
    }
    namespaces::enter(&request.surroundings(), given)?;
    // Where the host keeps the runner is not for the command to see in /proc/1.
    sys::blank_command_line();
    nix::sys::prctl::set_name(c"init").step("set the process name")?;
    let spec = match request {
        Request::Run(spec) | Request::Nested(spec) | Request::Attach { spec, .. } => spec.clone(),
        Request::Probe { scratch } => probe_spec(scratch)?,
    };
    sethostname(&spec.surroundings.host_name).step("set the host name")?;
    sys::clear_domain().step("clear the domain name")?;
    if !given.network {
        sys::raise_loopback().step("bring the loopback interface up")?;
    }
    let nested = matches!(request, Request::Nested(_));
    let proc = root::enter(&spec, given, nested)?;

    let (gate, open_gate) = nix::unistd::pipe().step("make a pipe")?;
    let what = match request {
        Request::Run(_) | Request::Nested(_) => Command::Program(Streams::Log),
        Request::Attach { terminal, .. } => Command::Program(match terminal {
            true => Streams::Terminal,
            false => Streams::Both,
        }),
        Request::Probe { .. } => Command::CheckClock,
    };
    let mut stack = vec![0; COMMAND_STACK];
    let mut child =
        || -> i32 { command::run(&spec, what, proc, status, || wait_for(gate.as_fd())) };
    // SAFETY: stack and closure live on until the command has memory of its own or has ended. Until then this process
    // only makes system calls, or the command is stopped.
    #[allow(unsafe_code)]
    let command = unsafe { sys::spawn(&mut stack, &mut child) }.step("start the command")?;
    let attended = tracer::seize(command)
        .map_err(|errno| (TRACE, errno))
        // Our descriptors and memory are not for the command to look at.
        .and_then(|()| {
            nix::sys::prctl::set_dumpable(false).map_err(|errno| ("protect PID 1", errno))
        });
    let word = if attended.is_ok() { GO_ON } else { LEAVE };
    let told = nix::unistd::write(&open_gate, &[word]);
    if let Err((step, errno)) = attended.and(told.map_err(|errno| ("release the command", errno))) {
        // It leaves by itself: one that is killed may have been in the middle of changing the memory.
        let _ = waitpid(command, None);
        let failure = SetupFailure::new(step, errno);
        return Err(match step {
            TRACE => hints::ptrace(failure),
            _ => failure,
        });
    }
    let traced = tracer::run(command, &spec).step("wait for the command")?;
    drop((stack, gate));
    status.send(&Message::Ended(traced.outcome));
    Ok(traced.network)
}

/// Pins this process, and the command that it will start, to one CPU: while one of the two runs the other waits for it.
fn pin(index: usize) -> Result<(), Errno> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let cpus: Vec<usize> = (0..CpuSet::count())
        .filter(|cpu| allowed.is_set(*cpu).unwrap_or(false))
        .collect();
    let mut one = CpuSet::new();
    one.set(*cpus.get(index % cpus.len().max(1)).ok_or(Errno::EINVAL)?)?;
    sched_setaffinity(this, &one)
}

/// Ties our life to the process that started us, of which `parent` is a descriptor. It is outside our pid namespace,
/// where `getppid` says 0 dead or alive, so the descriptor tells whether it died before the call.
pub(super) fn die_with(parent: BorrowedFd<'_>) -> Result<(), SetupFailure> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).step("tie PID 1 to the runner")?;
    let mut fds = [PollFd::new(parent, PollFlags::POLLIN)];
    if poll(&mut fds, PollTimeout::ZERO).step("look at the runner")? != 0 {
        exit(EXIT_SETUP);
    }
    Ok(())
}

/// The command goes on once it is traced. If PID 1 has failed before, it ends here.
fn wait_for(gate: BorrowedFd<'_>) {
    let mut word = [LEAVE];
    if nix::unistd::read(gate, &mut word) != Ok(1) || word != [GO_ON] {
        sys::leave(EXIT_SETUP);
    }
}

/// A root of one empty layer and a writable mount, so that each mechanism is used once.
fn probe_spec(scratch: &Path) -> Result<SandboxSpec, SetupFailure> {
    let (layer, copied) = (scratch.join("probe-root"), scratch.join("probe-mount"));
    for dir in [&layer, &copied] {
        fs::create_dir(dir).step_at("make a directory for the probe", dir)?;
    }
    let mode = crate::MountMode::Writable;
    Ok(SandboxSpec {
        root: vec![layer],
        mounts: vec![crate::Mount {
            at: "/copy".into(),
            from: copied,
            mode,
        }],
        scratch: scratch.to_owned(),
        command: Vec::new(),
        env: std::collections::BTreeMap::new(),
        cpus: Cpus::All,
        clock: DEFAULT_CLOCK,
        surroundings: Surroundings::default(),
        keep_tmp: false,
        again: false,
        cgroup: None,
    })
}
