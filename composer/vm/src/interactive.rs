//! Runs a machine with its serial console on the terminal.
//!
//! Called by the command line for `xsc-compose run`. Ctrl-a x ends QEMU, Ctrl-a c reaches its monitor, Ctrl-c goes
//! to the guest. Invariant: the image is not changed, and QEMU is asked to end before it is killed, so that it
//! restores the terminal.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::command::{Wiring, arguments};
use crate::error::VmError;
use crate::guest::{Guest, POLL, Stdio3};
use crate::locate::Emulator;
use crate::machine::Machine;
use crate::wire::Scratch;

/// The time QEMU gets to restore the terminal.
const GRACE: Duration = Duration::from_secs(2);

/// Boots `machine` on the terminal and returns how QEMU ended; the exit status says nothing about the guest.
///
/// A raised `cancel` ends QEMU. Fails with `Input`, `Scratch`, `Start` or `Follow`.
pub fn run_interactive(
    emulator: &Emulator,
    machine: &Machine,
    cancel: &AtomicBool,
) -> Result<ExitStatus, VmError> {
    let scratch = Scratch::new(machine)?;
    let arguments = arguments(machine, &emulator.accel, Wiring::Terminal, &scratch.vars());
    let mut guest = Guest::spawn(
        &emulator.program,
        emulator.setpriv.as_deref(),
        &arguments,
        Stdio3::Inherit,
    )?;
    loop {
        if let Some(status) = guest.try_wait()? {
            return Ok(status);
        }
        if cancel.load(Ordering::Relaxed) {
            return guest.terminate(GRACE);
        }
        thread::sleep(POLL);
    }
}
