//! Finds out whether KVM really runs guest code.
//!
//! Called by `Emulator::locate`. /dev/kvm may exist and open, and QEMU then abort or hang at the first
//! instruction, so a boot sector of ours is run under KVM with the board and processor a test uses. There is also KVM
//! without hardware for it (PVM), which runs such a sector and no firmware for UEFI. Invariant: `Kvm` is answered only
//! when the processor has the extension, and guest code wrote the expected byte to the exit port.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{board, drive};
use crate::error::VmError;
use crate::guest::{Guest, POLL, Stdio3};
use crate::machine::System;
use crate::sector::Sector;

/// The value the probe writes; QEMU then exits with twice that plus one.
const TOKEN: u8 = 0x31;
const TOKEN_EXIT: i32 = 0x63;

/// The time a probe may take; a working KVM needs well under a second.
const LIMIT: Duration = Duration::from_secs(5);

/// How guest code runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accel {
    /// On the processor itself; a probe has run.
    Kvm,
    /// Translated by QEMU.
    Tcg {
        /// Why not under KVM.
        reason: String,
    },
}

impl Accel {
    /// Returns the value of QEMU's `-accel`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Accel::Kvm => "kvm",
            Accel::Tcg { .. } => "tcg",
        }
    }

    /// Returns how long a healthy guest may be silent: translated code gets four times as long, which is more than
    /// the test image's init gives a program, so that a program that hangs is reported by its name.
    pub fn default_silence(&self) -> Duration {
        match self {
            Accel::Kvm => Duration::from_secs(60),
            Accel::Tcg { .. } => Duration::from_secs(240),
        }
    }
}

impl fmt::Display for Accel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Accel::Kvm => f.write_str("kvm"),
            Accel::Tcg { reason } => write!(f, "tcg: {reason}"),
        }
    }
}

/// Runs guest code of `system` under KVM, for at most 5 s, and tells whether it ran.
///
/// Fails with `Scratch` when the probe cannot be written and with `Cancelled`; everything else is a reason for TCG.
pub fn probe(
    system: System,
    program: &Path,
    setpriv: Option<&Path>,
    cancel: &AtomicBool,
) -> Result<Accel, VmError> {
    let host = std::env::consts::ARCH;
    let reason = if host != system.arch() {
        format!("the host is {host}, the guest {}", system.arch())
    } else if system == System::Aarch64 {
        "kvm is not probed on aarch64 hosts yet".to_owned()
    } else if let Err(error) = OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        match error.kind() {
            io::ErrorKind::NotFound => "/dev/kvm does not exist".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "/dev/kvm may not be opened; the group kvm may".to_owned()
            }
            _ => format!("/dev/kvm cannot be opened: {error}"),
        }
    } else if !fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| virtualizes(&text)) {
        "/dev/kvm is there, but the processor shows neither vmx nor svm".to_owned()
    } else {
        match run_probe("kvm", program, setpriv, LIMIT, cancel)? {
            Ok(()) => return Ok(Accel::Kvm),
            Err(reason) => format!("kvm does not work: {reason}"),
        }
    };
    Ok(Accel::Tcg { reason })
}

/// Whether the processors of `/proc/cpuinfo` run guests in hardware.
fn virtualizes(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().find_map(|line| {
        let (name, flags) = line.split_once(':')?;
        (name.trim() == "flags").then_some(flags)
    });
    flags.is_some_and(|flags| {
        flags
            .split_ascii_whitespace()
            .any(|flag| matches!(flag, "vmx" | "svm"))
    })
}

/// Runs the probe under `accel`. The inner error says why guest code did not run.
pub(crate) fn run_probe(
    accel: &str,
    program: &Path,
    setpriv: Option<&Path>,
    limit: Duration,
    cancel: &AtomicBool,
) -> Result<Result<(), String>, VmError> {
    let scratch = tempfile::tempdir().map_err(|source| VmError::Scratch {
        path: std::env::temp_dir(),
        source,
    })?;
    let image = scratch.path().join("probe.img");
    let log_path = scratch.path().join("qemu.log");
    let scratch_error = |path: &Path| {
        let path = path.to_owned();
        |source| VmError::Scratch { path, source }
    };
    fs::write(&image, Sector::new().exit(TOKEN).disk()).map_err(scratch_error(&image))?;
    let log = File::create(&log_path).map_err(scratch_error(&log_path))?;

    let mut arguments = board(System::X86_64, accel);
    arguments.extend(["-m", "32"].map(OsString::from));
    arguments.extend(drive("if=none,id=probe,format=raw,readonly=on", &image));
    arguments.extend(
        [
            "-device",
            "virtio-blk-pci,drive=probe,bootindex=0",
            "-device",
            "isa-debug-exit,iobase=0xf4,iosize=0x4",
        ]
        .map(OsString::from),
    );

    // A QEMU that aborts may leave a core dump, which must not land in the user's folder.
    let stdio = Stdio3::Log {
        log,
        folder: Some(scratch.path().to_owned()),
    };
    let mut guest = Guest::spawn(program, setpriv, &arguments, stdio)?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = guest.try_wait()? {
            break status;
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(VmError::Cancelled);
        }
        if start.elapsed() >= limit {
            guest.kill()?;
            let told = first_error(&log_path).map_or(String::new(), |line| format!(" ({line})"));
            return Ok(Err(format!(
                "no guest code ran within {} s{told}",
                limit.as_secs_f32()
            )));
        }
        thread::sleep(POLL);
    };
    if status.code() == Some(TOKEN_EXIT) {
        return Ok(Ok(()));
    }
    let how = match status.signal() {
        Some(signal) => format!("qemu died of signal {signal}"),
        None => format!("qemu ended with {status}"),
    };
    Ok(Err(match first_error(&log_path) {
        Some(line) => format!("{how}: {line}"),
        None => how,
    }))
}

/// Returns the first line of QEMU's output that is not a mere warning.
fn first_error(log: &Path) -> Option<String> {
    let bytes = fs::read(log).ok()?;
    String::from_utf8_lossy(&bytes)
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.contains("warning:"))
        .map(|line| line.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_is_seen_in_the_flags_of_a_processor() {
        let with =
            |flags: &str| format!("processor\t: 0\nvmx flags\t: x\nflags\t\t: fpu {flags} sse\n");
        assert!(virtualizes(&with("vmx")));
        assert!(virtualizes(&with("svm")));
        assert!(!virtualizes(&with("hypervisor svm_lock vmxoff")));
        assert!(!virtualizes(""));
    }
}
