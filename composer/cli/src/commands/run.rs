//! `run`: builds a profile and boots its ISO with the console in this terminal.
//!
//! Also holds what `test` shares: the machine that a profile's ISO boots on. Invariant: the image
//! in the store is never written to.

use std::path::{Path, PathBuf};

use xsc_profile::Profile;
use xsc_vm::{Emulator, Firmware, Machine, Medium, VmError};

use super::{Cancel, build};
use crate::args::{BootFlags, FirmwareArg, MediumArg, Run};
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(context: &Context, args: &Run, cancel: &Cancel) -> Result<(), CommandError> {
    let images = build::images(context, &args.profile, &args.flags, cancel)?;
    let Some(images) = images else {
        return Ok(());
    };
    let (emulator, machine) = prepare(&images.opened.profile, &images.path, &args.boot, cancel)?;
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

pub(crate) fn vm_error(error: &VmError) -> CommandError {
    CommandError::from_error(error)
}

/// Finds QEMU and describes the machine that boots the profile's ISO.
pub(crate) fn prepare(
    profile: &Profile,
    images: &Path,
    flags: &BootFlags,
    cancel: &Cancel,
) -> Result<(Emulator, Machine), CommandError> {
    let system = match profile.system {
        xsc_profile::System::X86_64Linux => xsc_vm::System::X86_64,
        xsc_profile::System::Aarch64Linux => xsc_vm::System::Aarch64,
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let emulator = Emulator::locate(system, &path, cancel).map_err(|e| vm_error(&e))?;
    let iso = iso(images)?;
    let firmware = match flags.firmware {
        FirmwareArg::Bios => Firmware::Bios,
        FirmwareArg::Uefi => xsc_vm::find_uefi(system).map_err(|e| vm_error(&e))?,
    };
    let medium = match flags.medium {
        MediumArg::Cd => Medium::Cdrom(iso),
        MediumArg::Disk => Medium::Disk(iso),
    };
    let profile_memory = profile
        .test
        .memory_mib
        .and_then(|mib| u32::try_from(mib).ok());
    let memory_mib = flags.memory.or(profile_memory).unwrap_or(512);
    let machine = Machine {
        system,
        medium,
        firmware,
        memory_mib,
        cpus: flags.cpus,
        extra: Vec::new(),
    };
    Ok((emulator, machine))
}

/// The ISO among a profile's images.
fn iso(images: &Path) -> Result<PathBuf, CommandError> {
    let entries = std::fs::read_dir(images)
        .map_err(|e| CommandError::other(format!("cannot read {}: {e}", images.display())))?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "iso"))
        .ok_or_else(|| {
            CommandError::usage("this profile makes no ISO to boot")
                .hint("add \"iso\" to `images` of the profile")
        })
}
