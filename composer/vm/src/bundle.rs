//! Writes the folder a failed test leaves behind, enough to study it and to run it again.
//!
//! Called by `runner`. Holds console.log and verdict.log as they arrived, qemu.log (what QEMU itself said),
//! verdict.json, image, qemu-version, run.sh and, under UEFI, vars.fd. Invariant: only these names are written.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::command::{Wiring, arguments, shell_word};
use crate::error::VmError;
use crate::locate::Emulator;
use crate::machine::{Firmware, Machine};
use crate::verdict::Verdict;
use crate::wire::copy_writable;

/// What goes into a bundle besides the verdict.
pub(crate) struct Contents<'a> {
    pub(crate) emulator: &'a Emulator,
    pub(crate) machine: &'a Machine,
    /// The console as it arrived.
    pub(crate) console: &'a Path,
    /// The verdict channel as it arrived.
    pub(crate) verdict: &'a [u8],
    /// QEMU's own output.
    pub(crate) qemu_log: &'a Path,
}

/// Writes the bundle for `verdict`, whose `bundle` names the folder. An earlier bundle there is replaced.
pub(crate) fn write(
    verdict: &Verdict,
    folder: &Path,
    contents: &Contents<'_>,
) -> Result<(), VmError> {
    write_files(verdict, folder, contents).map_err(|(path, source)| VmError::Bundle {
        path,
        verdict: Box::new(verdict.clone()),
        source,
    })
}

fn write_files(
    verdict: &Verdict,
    folder: &Path,
    contents: &Contents<'_>,
) -> Result<(), (PathBuf, io::Error)> {
    fs::create_dir_all(folder).map_err(|error| (folder.to_owned(), error))?;
    // The script is run from anywhere, so its paths must not depend on ours.
    let folder = &folder
        .canonicalize()
        .map_err(|error| (folder.to_owned(), error))?;
    let put = |name: &str, write: &dyn Fn(&Path) -> io::Result<()>| {
        let path = folder.join(name);
        write(&path).map_err(|error| (path, error))
    };
    put("console.log", &|p| copy_writable(contents.console, p))?;
    put("qemu.log", &|p| copy_writable(contents.qemu_log, p))?;
    put("verdict.log", &|p| fs::write(p, contents.verdict))?;
    put("verdict.json", &|p| fs::write(p, verdict.to_json()))?;
    put("qemu-version", &|p| {
        fs::write(p, format!("{}\n", contents.emulator.version))
    })?;
    let mut image = contents
        .machine
        .medium
        .path()
        .as_os_str()
        .as_bytes()
        .to_vec();
    image.push(b'\n');
    put("image", &|p| fs::write(p, &image))?;
    if let Firmware::Uefi { vars_template, .. } = &contents.machine.firmware {
        put("vars.fd", &|p| copy_writable(vars_template, p))?;
    }
    let script = script(contents, folder);
    put("run.sh", &|p| {
        fs::write(p, &script)?;
        fs::set_permissions(p, fs::Permissions::from_mode(0o755))
    })
}

/// A shell script that boots the same machine with its console on the terminal.
fn script(contents: &Contents<'_>, folder: &Path) -> Vec<u8> {
    let again = folder.join("verdict-again.log");
    let vars = folder.join("vars.fd");
    let Emulator { program, accel, .. } = contents.emulator;
    let words = arguments(contents.machine, accel, Wiring::Replay(&again), &vars);
    let mut script = b"#!/bin/sh\n\
        # Boots the machine of this failed test again, with the console on the terminal (Ctrl-a x ends it).\n\
        # What the guest says on the verdict channel goes to verdict-again.log beside this file.\n\
        exec "
        .to_vec();
    script.extend(shell_word(program.as_os_str()));
    let mut previous = OsString::new();
    for word in words {
        // An option and its value share a line.
        let joint: &[u8] =
            if previous.as_bytes().starts_with(b"-") && !word.as_bytes().starts_with(b"-") {
                b" "
            } else {
                b" \\\n    "
            };
        script.extend(joint);
        script.extend(shell_word(&word));
        previous = word;
    }
    script.push(b'\n');
    script
}
