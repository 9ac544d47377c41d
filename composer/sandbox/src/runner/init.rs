//! PID 1 of the sandbox: builds the root, starts the command, traces and reaps until the command ends.
//! Called in a child that started in a new pid namespace. When PID 1 exits, the kernel kills whatever the command
//! left behind, so background processes never outlive a build.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::exit;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::{ForkResult, sethostname};

use super::command::{self, Command, Streams};
use super::namespaces::{self, Given};
use super::{EXIT_SETUP, Status, hints, root, sys, tracer};
use crate::error::{ENTER_CGROUP, SetupFailure, Step};
use crate::report::Message;
use crate::spec::{DEFAULT_CLOCK, Request};
use crate::{Cpus, SandboxSpec, Surroundings, cgroup};

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
    namespaces::enter(&request.surroundings(), given)?;
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
    let proc = root::enter(&spec, given.shared.as_ref(), nested)?;

    let (gate, open_gate) = nix::unistd::pipe().step("make a pipe")?;
    let command = match sys::fork().step("start the command")? {
        ForkResult::Child => {
            drop(open_gate);
            let what = match request {
                Request::Run(_) | Request::Nested(_) => Command::Program(Streams::Log),
                Request::Attach { terminal, .. } => Command::Program(match terminal {
                    true => Streams::Terminal,
                    false => Streams::Both,
                }),
                Request::Probe { .. } => Command::CheckClock,
            };
            command::run(&spec, what, proc, status, || wait_for(gate))
        }
        ForkResult::Parent { child } => child,
    };
    drop(gate);
    // Our descriptors and memory are not for the command to look at.
    nix::sys::prctl::set_dumpable(false).step("protect PID 1")?;
    tracer::seize(command)
        .step("trace the command")
        .map_err(hints::ptrace)?;
    nix::unistd::write(&open_gate, b"x").step("release the command")?;
    drop(open_gate);
    let traced = tracer::run(command, &spec).step("wait for the command")?;
    status.send(&Message::Ended(traced.outcome));
    Ok(traced.network)
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

/// The command goes on once it is traced; if PID 1 fails before, it never does.
fn wait_for(gate: OwnedFd) {
    let mut byte = [0];
    if !matches!(File::from(gate).read(&mut byte), Ok(1)) {
        exit(EXIT_SETUP);
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
