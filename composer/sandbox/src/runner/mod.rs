//! The runner's side: a single-threaded process that starts sandboxes, for the composer (`server`) or one of its own
//! (this file). *PID 1* (`init`) starts in new namespaces, builds the root, then traces (`tracer`); the *command*
//! (`command`) gives up every right and becomes the program.
//! Invariant: each dies with the one before it, so nothing outlives the composer.

mod arch;
mod command;
mod deadline;
mod examine;
mod filter;
mod hints;
mod init;
mod kept;
mod listing;
mod namespaces;
mod networks;
mod parts;
mod root;
mod server;
mod skeleton;
mod sys;
mod tracer;
mod travel;

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::process::exit;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::{ForkResult, Pid, getpid, getppid, setsid};

use self::namespaces::{Given, Owner};
use crate::error::{SetupFailure, Step};
use crate::report::Message;
use crate::server::READY;
use crate::spec::Request;
use crate::{Outcome, SandboxSpec};

/// Exit status of a stand-alone runner that could not set the sandbox up.
const EXIT_SETUP: i32 = 125;

/// The runner's `main`: sets up one sandbox, runs its command, exits.
///
/// With `--serve SOURCES` it serves [`Sandbox`](crate::Sandbox): it forks itself for each request that comes over the socket
/// on stdin. With `--spec FILE` it stands alone, as inside a remote action: the
/// command writes to the runner's own stdout and stderr, and the runner's exit status is the command's
/// (128 + n for signal n, 125 if the sandbox could not be set up). With `--action FILE` it does so inside an action
/// of a Remote Execution engine, by an [`ActionSpec`](crate::ActionSpec).
///
/// Must be called before the process starts a thread; a multi-threaded process cannot enter a user namespace.
pub fn runner_main(args: impl IntoIterator<Item = OsString>) -> ! {
    let args: Vec<OsString> = args.into_iter().collect();
    let words: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let code = match words.as_slice() {
        // One of another version must not serve: it goes the way of a wrong call, at once.
        ["--serve", sources] if *sources == READY => server::run(),
        ["--spec", file] => stand_alone(&PathBuf::from(file)),
        ["--action", file] => travel::run(&PathBuf::from(file)),
        ["--show", file] => examine::show(&PathBuf::from(file)),
        ["--examine", scratch] => examine::run(&PathBuf::from(scratch)),
        _ => usage(),
    };
    exit(code)
}

fn usage() -> i32 {
    complain("usage: xsc-runner --spec FILE");
    2
}

fn complain(text: &str) {
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "xsc-runner: {text}");
}

/// Where the runner's own messages go; PID 1 has it, the command never.
pub(crate) struct Status(File);

impl Status {
    fn send(&mut self, message: &Message) {
        let mut line = serde_json::to_vec(message).expect("a message has only JSON-safe parts");
        line.push(b'\n');
        // The reader is gone only if the composer is, and then we are about to die as well.
        let _ = self.0.write_all(&line);
    }
}

/// PID 1 of one run, a child of the fork server, which `server` is a descriptor of: reports go to stdout and the
/// command's output to stderr.
fn serve(request: &Request, server: BorrowedFd<'_>, given: &Given) -> i32 {
    let prepared = init::die_with(server).and_then(|()| {
        // A signal from the terminal is for the composer to judge.
        setsid().step("start a new session")?;
        let status = sys::duplicate(1).step("keep the report pipe")?;
        sys::redirect_to_null(0).step_at("open", "/dev/null")?;
        sys::copy_onto(2, 1).step("join stdout and stderr")?;
        Ok(Status(File::from(status)))
    });
    match prepared {
        Ok(mut status) => init::run(request, given, &mut status),
        Err(failure) => {
            complain(&failure.to_string());
            EXIT_SETUP
        }
    }
}

/// A child of the fork server in the place of a PID 1 that the host refuses: reports why, to stdout.
fn report_refusal(errno: Errno) {
    if let Ok(status) = sys::duplicate(1) {
        Status(File::from(status)).send(&Message::Failed(namespaces::why_refused(errno)));
    }
}

fn stand_alone(file: &std::path::Path) -> i32 {
    let spec = std::fs::read(file)
        .map_err(|e| e.to_string())
        .and_then(|text| {
            let spec = serde_json::from_slice::<SandboxSpec>(&text).map_err(|e| e.to_string())?;
            spec.validate().map_err(|e| e.to_string())?;
            Ok(spec)
        });
    let spec = match spec {
        Ok(spec) => spec,
        Err(problem) => {
            complain(&format!("{}: {problem}", file.display()));
            return EXIT_SETUP;
        }
    };
    let prepared = die_with(getppid()).and_then(|()| {
        sys::reset_signals().step("reset signals")?;
        sys::close_from(3).step("close inherited file descriptors")?;
        sys::redirect_to_null(0).step_at("open", "/dev/null")?;
        nix::unistd::pipe().step("make the report pipe")
    });
    let result = prepared.and_then(|(reading, writing)| {
        supervise(&Request::Run(spec), Status(File::from(writing)))?;
        let mut reports = String::new();
        File::from(reading)
            .read_to_string(&mut reports)
            .step("read the report pipe")?;
        Ok(reports)
    });
    let reports = match result {
        Ok(reports) => reports,
        Err(failure) => {
            complain(&failure.to_string());
            return EXIT_SETUP;
        }
    };
    let mut code = EXIT_SETUP;
    for message in reports
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
    {
        match message {
            Message::Failed(failure) => complain(&failure.to_string()),
            Message::Ended(Outcome::Exited(status)) => code = status,
            Message::Ended(Outcome::Signaled(signal)) => code = 128 + signal,
            Message::Started(_) | Message::Ended(_) => {}
        }
    }
    code
}

/// Ties our life to our parent's thread; it may have died before the call, hence the second look.
fn die_with(parent: Pid) -> Result<(), SetupFailure> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).step("tie the runner to its parent")?;
    if getppid() != parent {
        exit(EXIT_SETUP);
    }
    Ok(())
}

/// Starts a PID 1 and waits for its end, and with it that of all processes inside.
fn supervise(request: &Request, mut status: Status) -> Result<(), SetupFailure> {
    namespaces::forget_groups();
    sys::find_command_line().step("find the command line")?;
    let this = sys::pidfd_open(getpid()).step("watch the runner")?;
    let given = Given {
        owner: Owner::current(),
        network: false,
        shared: None,
        layers: Vec::new(),
    };
    match sys::fork_into(namespaces::FROM_THE_START) {
        Ok(ForkResult::Child) => match init::die_with(this.as_fd()) {
            Ok(()) => exit(init::run(request, &given, &mut status)),
            Err(failure) => {
                status.send(&Message::Failed(failure));
                exit(EXIT_SETUP)
            }
        },
        // Returns only after the kernel has killed and reaped all processes of the namespace.
        Ok(ForkResult::Parent { child }) => nix::sys::wait::waitpid(child, None)
            .map(drop)
            .step("wait for PID 1"),
        Err(errno) => Err(namespaces::why_refused(errno)),
    }
}
