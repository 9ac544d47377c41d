//! Boots images in QEMU and judges what they say.
//!
//! Called by the command line for `xsc-compose run` and `xsc-compose test`. `Emulator::locate` finds QEMU and
//! probes the accelerator, `run_interactive` gives the guest the terminal, `test` returns a `Verdict`.
//! Invariants: QEMU's exit code is never taken for success; an image is never written; no QEMU outlives its call.

mod accel;
mod bundle;
mod command;
mod complaints;
mod console;
mod error;
mod guest;
mod interactive;
mod judge;
mod locate;
mod machine;
mod runner;
mod script;
mod sector;
mod token;
mod verdict;
mod wire;

#[cfg(test)]
mod arm;
#[cfg(test)]
mod boot_tests;

pub use accel::{Accel, probe};
pub use complaints::{COMPLAINTS, complaint_in};
pub use error::VmError;
pub use interactive::run_interactive;
pub use locate::{Emulator, find_qemu, find_uefi, network_start_missing};
pub use machine::{Bus, Firmware, Machine, Medium, Network, System};
pub use runner::{TestSpec, VERDICT_CHANNEL, test};
pub use script::{Script, ScriptError, Talk};
pub use token::Counts;
pub use verdict::{Ended, Failure, Verdict};
