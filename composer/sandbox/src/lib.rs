//! Runs one command hermetically: in its own user, mount, pid, net, ipc, uts and cgroup namespaces, over
//! a root that consists of the given directories and nothing else, with a clock that stands still.
//! `xsc-build` calls [`Sandbox::run`]; the work happens in a fresh single-threaded process, forked by the
//! runner (`xsc-runner`, or any program that calls [`runner_main`]), which a [`Sandbox`] starts once.
//! Isolation that cannot be had is an error, never a silent fallback.
//!
//! # What the command sees
//!
//! - `/`: a read-only overlay of [`SandboxSpec::root`]; `/build` (its working directory, with `/build/out`),
//!   `/tmp` and `/dev/shm` are the only places it can write to, besides mounts that are [`MountMode::Writable`].
//! - uid and gid 1000, host name `xsc-build` (other [`Surroundings`] are for comparing), a loopback interface with nothing behind it, no capabilities.
//! - `CLOCK_REALTIME` and all that derives from it at [`SandboxSpec::clock`], also in static programs.
//!   Deadlines on that clock still work. `CLOCK_MONOTONIC` is live.
//!
//! # What still differs between hosts or runs
//!
//! - Time stamps of files are real ones. The default clock lies after all of them, so that `make`
//!   never sees a file "in the future". Outputs have to be canonicalised by the caller.
//! - Kernel release, CPU model and `/proc` (`uptime`, `meminfo`, the number of CPUs in `/proc/stat`).
//! - An ordinary user's supplementary groups show up as 65534; only root can drop them.
//! - The command is traced already: debuggers and `strace` do not work inside, and `/proc` shows a stopped process
//!   as `t` instead of `T`. A question for the wall clock costs two context switches.
//! - Timers on the wall clock with an absolute time (`timerfd`, `timer_settime`, `mq_timedreceive`) fire late or
//!   never; [`Limits::max_silent`] ends a build that waits for one.
//! - Mounting is refused, so a sandbox does not run inside a sandbox.
//! - A program that evades on purpose (`CLONE_UNTRACED`) gets `ENOSYS` for the clock rather than the host's time,
//!   unless it also looks for the vDSO by itself. The sandbox is for hermetic builds, not for hostile code.

mod attach;
mod cgroup;
mod error;
mod report;
mod runner;
mod sandbox;
mod scratch;
mod server;
mod spec;
mod travel;

pub use cgroup::{Cgroup, CgroupError, Cgroups, GroupLimits};
pub use error::{SandboxError, SetupFailure};
pub use report::{Isolation, Outcome, Report, TimeLimit};
pub use runner::runner_main;
pub use sandbox::{CancelToken, RunnerProgram, Sandbox};
pub use scratch::{RemoveScratchError, is_as_new, remove_scratch, reset_scratch};
pub use spec::{Cpus, DEFAULT_CLOCK, Limits, Mount, MountMode, SandboxSpec, Surroundings};
pub use travel::{ActionSpec, read_report};
