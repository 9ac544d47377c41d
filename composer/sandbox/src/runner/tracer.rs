//! The loop of PID 1: reaps every process, lets signals and job control pass, and answers for the clock.
//! Called by `init` with the command already seized. Uses raw `waitpid`, as the typed one of `nix` loses the status
//! of a process stopped by a real-time signal, which threads libraries use.
//! Invariant: a program never runs with a vDSO in sight, or it does not run on.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::io::{IoSlice, IoSliceMut};

use nix::errno::Errno;
use nix::libc::{self, c_int, pid_t};
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::unistd::Pid;

use super::arch::Registers;
use super::complain;
use super::deadline::{self, Restore};
use super::filter::{TRACE_CLOCK, TRACE_DEADLINE, TRACE_FOREIGN, TRACE_LISTING, TRACE_NETWORK};
use super::listing;
use crate::{Outcome, SandboxSpec};

const OPTIONS: c_int = libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_EXITKILL;

/// The signal of a stop at the end of a system call, marked by `PTRACE_O_TRACESYSGOOD`.
const CALL_RETURNED: c_int = libc::SIGTRAP | 0x80;

const PAGE: usize = 4096;

/// Starts to trace a process and, from then on, all that descend from it.
pub(super) fn seize(pid: Pid) -> Result<(), Errno> {
    ptrace(libc::PTRACE_SEIZE as _, pid.as_raw(), OPTIONS as usize)
}

fn ptrace(request: c_int, pid: pid_t, data: usize) -> Result<(), Errno> {
    // SAFETY: none of the requests used here makes the kernel write to our memory.
    Errno::result(unsafe { libc::ptrace(request as _, pid, 0usize, data) })?;
    Ok(())
}

/// What the tracer saw of a command that has ended.
pub(super) struct Traced {
    pub(super) outcome: Outcome,
    /// Whether a process may have used the network.
    pub(super) network: bool,
}

/// Serves the sandbox until the command has ended.
pub(super) fn run(command: Pid, spec: &SandboxSpec) -> Result<Traced, Errno> {
    let mut tracer = Tracer {
        clock: spec.clock,
        listing: spec.surroundings.listing,
        waiting: BTreeMap::new(),
        network: false,
    };
    loop {
        let mut status = 0;
        // SAFETY: writes one integer, ours.
        let waited = Errno::result(unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) });
        let pid = match waited {
            Ok(pid) => pid,
            Err(Errno::EINTR) => continue,
            Err(e) => return Err(e),
        };
        if libc::WIFSTOPPED(status) {
            match tracer.stopped(pid, status) {
                // Killed meanwhile; its end will be reported too.
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => end(
                    pid,
                    &format!("cannot be given a fixed clock ({})", errno.desc()),
                ),
            }
            continue;
        }
        tracer.waiting.remove(&pid);
        if pid == command.as_raw() {
            let outcome = match libc::WIFSIGNALED(status) {
                true => Outcome::Signaled(libc::WTERMSIG(status)),
                false => Outcome::Exited(libc::WEXITSTATUS(status)),
            };
            return Ok(Traced {
                outcome,
                network: tracer.network,
            });
        }
    }
}

/// Kills a process that cannot go on, and says why in the log.
fn end(pid: pid_t, why: &str) {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    complain(&format!("process {pid} ({}) {why}; killed", name.trim()));
    // It can only be gone already.
    let _ = nix::sys::signal::kill(Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
}

struct Tracer {
    clock: i64,
    /// What chooses the order of listings.
    listing: Option<u64>,
    /// Threads in a call after which there is something to do.
    waiting: BTreeMap<pid_t, AtReturn>,
    network: bool,
}

/// What to do when a call returns, before the program can look.
enum AtReturn {
    /// Put back what a moved deadline took the place of.
    Restore(Restore),
    /// Reorder what the call listed.
    Reorder(u64),
}

impl Tracer {
    fn stopped(&mut self, pid: pid_t, status: c_int) -> Result<(), Errno> {
        let signal = libc::WSTOPSIG(status);
        let go_on = |signal: c_int| ptrace(libc::PTRACE_CONT as _, pid, signal as usize);
        match status >> 16 {
            libc::PTRACE_EVENT_STOP => match signal {
                // A group stop: the process stays stopped until somebody inside sends SIGCONT.
                libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => {
                    ptrace(libc::PTRACE_LISTEN as _, pid, 0)
                }
                _ => go_on(0),
            },
            libc::PTRACE_EVENT_EXEC => {
                hide_vdso(pid)?;
                go_on(0)
            }
            libc::PTRACE_EVENT_SECCOMP => {
                self.filtered(pid)?;
                let returns = self.waiting.contains_key(&pid);
                let request = if returns {
                    libc::PTRACE_SYSCALL
                } else {
                    libc::PTRACE_CONT
                };
                ptrace(request as _, pid, 0)
            }
            0 if signal == CALL_RETURNED => {
                match self.waiting.remove(&pid) {
                    Some(AtReturn::Restore(restore)) => restore.apply(pid)?,
                    Some(AtReturn::Reorder(seed)) => listing::reorder(pid, seed)?,
                    None => {}
                }
                go_on(0)
            }
            0 => go_on(signal),
            // Fork, vfork, clone: the child is traced already.
            _ => go_on(0),
        }
    }

    /// A system call that the filter sent here.
    fn filtered(&mut self, pid: pid_t) -> Result<(), Errno> {
        let mut why: libc::c_ulong = 0;
        // SAFETY: the kernel writes one long, ours.
        Errno::result(unsafe {
            libc::ptrace(libc::PTRACE_GETEVENTMSG as _, pid, 0usize, &raw mut why)
        })?;
        let registers = Registers::read(pid)?;
        match (u32::try_from(why).unwrap_or(0), registers) {
            (TRACE_CLOCK, Some(registers)) => {
                let result = match self.tell_time(pid, &registers) {
                    Ok(result) => result,
                    Err(Errno::ESRCH) => return Err(Errno::ESRCH),
                    Err(errno) => -(errno as i64),
                };
                registers.answer(pid, result)
            }
            (TRACE_DEADLINE, Some(registers)) => {
                if let Some(restore) = deadline::adjust(pid, registers, self.clock)? {
                    self.waiting.insert(pid, AtReturn::Restore(restore));
                }
                Ok(())
            }
            (TRACE_LISTING, Some(_)) => {
                if let Some(seed) = self.listing {
                    self.waiting.insert(pid, AtReturn::Reorder(seed));
                }
                Ok(())
            }
            (TRACE_NETWORK, Some(_)) => {
                self.network = true;
                Ok(())
            }
            (TRACE_FOREIGN, _) | (_, None) => {
                end(
                    pid,
                    "made a system call of another architecture, which could see the real time",
                );
                Ok(())
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// Does what the call would have done, with our time.
    fn tell_time(&self, pid: pid_t, registers: &Registers) -> Result<i64, Errno> {
        let pair = |first: i64| [first.to_ne_bytes(), [0; 8]].concat();
        let store = |address: u64, bytes: &[u8]| match address {
            0 => Ok(()),
            _ => write_memory(pid, address, bytes),
        };
        match registers.call() {
            // Seconds and nanoseconds; a null pointer is an error of the caller.
            libc::SYS_clock_gettime => write_memory(pid, registers.argument(1), &pair(self.clock))?,
            // Seconds and microseconds, then the time zone; either may be left out.
            libc::SYS_gettimeofday => {
                store(registers.argument(0), &pair(self.clock))?;
                store(registers.argument(1), &[0; 8])?;
            }
            // `time`, which not every machine has.
            _ => {
                store(registers.argument(0), &self.clock.to_ne_bytes())?;
                return Ok(self.clock);
            }
        }
        Ok(0)
    }
}

/// Makes a program that has just been executed believe that there is no vDSO, so that its libc asks the kernel
/// for the time. The entry in the auxiliary vector, behind arguments and environment on the stack, gets the type
/// that everybody skips.
fn hide_vdso(pid: pid_t) -> Result<(), Errno> {
    let Some(registers) = Registers::read(pid)? else {
        end(pid, "is a 32-bit program, which could see the real time");
        return Ok(());
    };
    let mut words = Words {
        pid,
        at: registers.stack(),
        chunk: Vec::new(),
        used: 0,
    };
    let arguments = words.next()?;
    for _ in 0..=arguments {
        words.next()?;
    }
    while words.next()? != 0 {}
    loop {
        let address = words.at;
        let kind = words.next()?;
        words.next()?;
        if kind == libc::AT_NULL {
            return Ok(());
        }
        if kind == libc::AT_SYSINFO_EHDR {
            return write_memory(pid, address, &libc::AT_IGNORE.to_ne_bytes());
        }
    }
}

/// Reads a process's memory word by word, a page at a time.
struct Words {
    pid: pid_t,
    at: u64,
    chunk: Vec<u8>,
    used: usize,
}

impl Words {
    fn next(&mut self) -> Result<u64, Errno> {
        if self.used == self.chunk.len() {
            let at = usize::try_from(self.at).map_err(|_| Errno::EFAULT)?;
            // Not past the end of the page: the next one may not exist.
            self.chunk.resize(PAGE - at % PAGE, 0);
            read_memory(self.pid, self.at, &mut self.chunk)?;
            self.used = 0;
        }
        let (word, _) = self.chunk[self.used..]
            .split_first_chunk()
            .ok_or(Errno::EFAULT)?;
        self.used += size_of::<u64>();
        self.at += size_of::<u64>() as u64;
        Ok(u64::from_ne_bytes(*word))
    }
}

pub(super) fn read_memory(pid: pid_t, address: u64, bytes: &mut [u8]) -> Result<(), Errno> {
    let base = usize::try_from(address).map_err(|_| Errno::EFAULT)?;
    let len = bytes.len();
    let remote = [RemoteIoVec { base, len }];
    let read = process_vm_readv(Pid::from_raw(pid), &mut [IoSliceMut::new(bytes)], &remote)?;
    if read == len {
        Ok(())
    } else {
        Err(Errno::EFAULT)
    }
}

pub(super) fn write_memory(pid: pid_t, address: u64, bytes: &[u8]) -> Result<(), Errno> {
    let base = usize::try_from(address).map_err(|_| Errno::EFAULT)?;
    let remote = [RemoteIoVec {
        base,
        len: bytes.len(),
    }];
    let written = process_vm_writev(Pid::from_raw(pid), &[IoSlice::new(bytes)], &remote)?;
    if written == bytes.len() {
        Ok(())
    } else {
        Err(Errno::EFAULT)
    }
}
