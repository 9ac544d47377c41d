//! The last generation: the process that becomes the command. Called in the child of PID 1.
//! It gives up every right in an order that lets each step still do its work, then executes the program. Meanwhile PID 1
//! begins to trace it. Until the program is executed both have the same memory, which PID 1 leaves alone meanwhile.
//! A failure here is a set-up failure, reported like any other: the program has not run.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc;
use nix::sys::personality::{self, Persona};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{execve, setsid};

use super::namespaces::NAMESPACES;
use super::root::Proc;
use super::{EXIT_SETUP, Status, filter, sys};
use crate::error::{SetupFailure, Step};
use crate::report::Message;
use crate::{Cpus, Isolation, SandboxSpec};

/// The last step; a failure here means that all before it worked.
pub(super) const EXECUTE: &str = "execute the command";

/// How much of a variable an error shows: reports go through a pipe.
const MOST_SHOWN: usize = 500;

/// What the process does once it is confined.
#[derive(Debug, Clone, Copy)]
pub(super) enum Command {
    /// Executes the spec's command.
    Program(Streams),
    /// Reads the clocks and exits with 0, for a probe.
    CheckClock,
}

/// Where the command's standard streams lead; the runner's standard error is the other end of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Streams {
    /// There is no input, and both outputs are a log.
    Log,
    /// Input and outputs are one socket.
    Both,
    /// Input and outputs are a terminal, which becomes the command's own.
    Terminal,
}

/// Confines this process and, when it is `traced`, executes the command.
pub(super) fn run(
    spec: &SandboxSpec,
    what: Command,
    proc: Proc,
    status: &mut Status,
    traced: impl FnOnce(),
) -> ! {
    let streams = match what {
        Command::Program(streams) => streams,
        Command::CheckClock => Streams::Log,
    };
    let confined = confine(spec, streams, proc);
    traced();
    let result = confined.and_then(|isolation| match what {
        Command::CheckClock => check_clock(spec.clock).map(|()| {
            status.send(&Message::Started(isolation));
        }),
        Command::Program(_) => {
            let program = find(spec)?;
            status.send(&Message::Started(isolation));
            Err(execute(&program, spec))
        }
    });
    match result {
        Ok(()) => sys::leave(0),
        Err(failure) => {
            status.send(&Message::Failed(failure));
            sys::leave(EXIT_SETUP)
        }
    }
}

fn confine(spec: &SandboxSpec, streams: Streams, proc: Proc) -> Result<Isolation, SetupFailure> {
    let mut reached: Vec<String> = NAMESPACES
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if proc == Proc::Outer {
        reached.push("outer-proc".to_owned());
    }
    // An interrupt from the terminal would end it in the middle of changing the memory that it shares.
    sys::hold_signals(true).step("hold signals")?;
    setsid().step("start a new session")?;
    match streams {
        Streams::Log => sys::redirect_to_null(0).step_at("open", "/dev/null")?,
        Streams::Both | Streams::Terminal => sys::copy_onto(2, 0).step("take the input")?,
    }
    if streams == Streams::Terminal {
        sys::take_terminal().step("take the terminal")?;
    }
    let own = &spec.surroundings;
    umask(Mode::from_bits_truncate(own.umask));
    limit_resources()?;
    if matches!(spec.cpus, Cpus::One(_)) {
        reached.push("one-cpu".to_owned());
    }
    // A container may refuse this. It makes builds more repeatable but isolates nothing, so it is only noted.
    if !own.random_addresses && personality::set(Persona::ADDR_NO_RANDOMIZE).is_ok() {
        reached.push("fixed-addresses".to_owned());
    }
    let keep: &[u32] = if spec.has_writable_mount() {
        &[sys::CAP_DAC_OVERRIDE]
    } else {
        &[]
    };
    sys::drop_capabilities(keep).step("give up capabilities")?;
    nix::sys::prctl::set_no_new_privs().step("give up new privileges")?;
    sys::install_filter(&filter::program(own.listing.is_some()))
        .step("install the system call filter")?;
    sys::close_from_on_exec(3).step("close inherited file descriptors")?;
    reached.extend(["system-calls".to_owned(), "clock".to_owned()]);
    Ok(Isolation(reached))
}

/// Limits as a freshly booted machine has them, whatever the composer's shell set.
fn limit_resources() -> Result<(), SetupFailure> {
    for (resource, soft, most) in [
        (Resource::RLIMIT_CORE, 0, 0),
        (Resource::RLIMIT_NOFILE, 1024, 524_288),
        (Resource::RLIMIT_STACK, 8 << 20, libc::RLIM_INFINITY),
    ] {
        let (_, hard) = getrlimit(resource).step("read a resource limit")?;
        let hard = hard.min(most);
        setrlimit(resource, soft.min(hard), hard).step("set a resource limit")?;
    }
    Ok(())
}

fn check_clock(expected: i64) -> Result<(), SetupFailure> {
    let wrong = |hint: String| SetupFailure {
        step: "check the clock".to_owned(),
        path: None,
        errno: 0,
        hint: Some(hint),
    };
    let time = sys::clock(libc::CLOCK_REALTIME).step("read the clock")?;
    if (time.tv_sec, time.tv_nsec) != (expected, 0) {
        return Err(wrong(format!(
            "it reads {} instead of {expected}",
            time.tv_sec
        )));
    }
    sys::clock(libc::CLOCK_MONOTONIC).step("read the monotonic clock")?;
    Ok(())
}

/// The program's file. The runner's own `PATH` plays no part.
fn find(spec: &SandboxSpec) -> Result<PathBuf, SetupFailure> {
    let name = spec.command.first().map_or("", String::as_str);
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let path = spec.env.get("PATH").map_or("", String::as_str);
    path.split(':')
        .filter(|dir| !dir.is_empty())
        .map(|dir| Path::new(dir).join(name))
        .find(|file| {
            nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok() && file.is_file()
        })
        .ok_or_else(|| {
            SetupFailure::new("find the command", Errno::ENOENT)
                .at(Path::new(name))
                .hint(Some(format!(
                    "it is not in the sandbox's PATH, which is {:?}",
                    path.chars().take(MOST_SHOWN).collect::<String>()
                )))
        })
}

fn execute(program: &Path, spec: &SandboxSpec) -> SetupFailure {
    let text = |text: &str| CString::new(text).map_err(|_| Errno::EINVAL);
    let exec = || {
        let file = text(program.to_str().ok_or(Errno::EINVAL)?)?;
        let args = spec
            .command
            .iter()
            .map(|arg| text(arg))
            .collect::<Result<Vec<_>, _>>()?;
        let env = spec
            .env
            .iter()
            .map(|(name, value)| text(&format!("{name}={value}")));
        let env = env.collect::<Result<Vec<_>, _>>()?;
        sys::hold_signals(false)?;
        execve(&file, &args, &env)
    };
    let Err(errno) = exec();
    let hint = match errno {
        Errno::ENOENT if program.exists() => {
            Some("the file is there, but the dynamic linker or the #! interpreter it names is not")
        }
        Errno::ENOEXEC => {
            Some("it is neither a program for this machine nor a script with a #! line")
        }
        _ => None,
    };
    SetupFailure::new(EXECUTE, errno)
        .at(program)
        .hint(hint.map(str::to_owned))
}
