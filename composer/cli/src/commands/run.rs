//! `run`: builds a profile and boots it with the console in this terminal.
//!
//! Invariant: how QEMU ended says nothing about the guest; judging is `test`'s.

use super::machine::{choose, prepare, vm_error};
use super::{Cancel, build, open};
use crate::args::Run;
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(context: &Context, args: &Run, cancel: &Cancel) -> Result<(), CommandError> {
    let opened = open(context, &args.profile)?;
    let medium = choose(opened.profile(), &args.boot)?;
    let images = build::images(context, opened, &args.flags, cancel)?;
    let Some(images) = images else {
        return Ok(());
    };
    let profile = images.opened.profile();
    let (emulator, mut machine) = prepare(profile, &images.path, medium, &args.boot, cancel)?;
    machine.network = xsc_vm::Network::User;
    if !context.quiet {
        eprintln!("booting with {}; Ctrl-a x ends the machine", emulator.accel);
    }
    let status = xsc_vm::run_interactive(&emulator, &machine, cancel).map_err(|e| vm_error(&e))?;
    if status.success() {
        Ok(())
    } else {
        Err(CommandError::other(format!("qemu ended with {status}")))
    }
}
