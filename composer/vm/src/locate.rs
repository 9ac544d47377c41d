//! Finds QEMU, its version and the UEFI firmware on the host.
//!
//! Called by the command line before `run_interactive` or `test`. Invariant: nothing here reads the environment;
//! the caller passes the search path (the value of PATH).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use crate::accel::{Accel, probe};
use crate::error::VmError;
use crate::machine::{Firmware, System};

/// QEMU as found on this host, with what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emulator {
    /// The instruction set it emulates.
    pub system: System,
    /// The program.
    pub program: PathBuf,
    /// Its version, such as `7.2.22 (Debian 1:7.2+dfsg-7)`.
    pub version: String,
    /// How guest code runs.
    pub accel: Accel,
    /// `setpriv`, which makes the kernel end QEMU when this process dies; `None` where it is absent.
    pub setpriv: Option<PathBuf>,
}

impl Emulator {
    /// Finds the emulator in `search_path` and probes the accelerator, which takes up to 5 s on a broken KVM.
    ///
    /// Fails with `QemuMissing`, `NotQemu`, `Start` or `Cancelled`.
    pub fn locate(
        system: System,
        search_path: &OsStr,
        cancel: &AtomicBool,
    ) -> Result<Emulator, VmError> {
        let program = find_qemu(system, search_path)?;
        let version = version(&program)?;
        let setpriv = find_program("setpriv", search_path);
        let accel = probe(system, &program, setpriv.as_deref(), cancel)?;
        Ok(Emulator {
            system,
            program,
            version,
            accel,
            setpriv,
        })
    }
}

/// Finds the emulator for `system` in `search_path`, a list of folders as in PATH.
///
/// Fails with `QemuMissing`, which names the Debian package.
pub fn find_qemu(system: System, search_path: &OsStr) -> Result<PathBuf, VmError> {
    find_program(system.program(), search_path).ok_or(VmError::QemuMissing {
        program: system.program(),
        package: system.package(),
    })
}

/// Finds the UEFI firmware for `system` where Debian puts it.
///
/// Fails with `UefiMissing`, which names the Debian package.
pub fn find_uefi(system: System) -> Result<Firmware, VmError> {
    find_uefi_under(Path::new("/"), system)
}

fn find_uefi_under(root: &Path, system: System) -> Result<Firmware, VmError> {
    let (folder, package, pairs): (_, _, &[(&str, &str)]) = match system {
        System::X86_64 => (
            "usr/share/OVMF",
            "ovmf",
            &[
                ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
                ("OVMF_CODE.fd", "OVMF_VARS.fd"),
            ],
        ),
        System::Aarch64 => (
            "usr/share/AAVMF",
            "qemu-efi-aarch64",
            &[
                ("AAVMF_CODE.no-secboot.fd", "AAVMF_VARS.fd"),
                ("AAVMF_CODE.fd", "AAVMF_VARS.fd"),
            ],
        ),
    };
    let directory = root.join(folder);
    // Code and variables of different sizes do not fit together, so only whole pairs count.
    pairs
        .iter()
        .map(|(code, vars)| (directory.join(code), directory.join(vars)))
        .find(|(code, vars)| code.is_file() && vars.is_file())
        .map(|(code, vars_template)| Firmware::Uefi {
            code,
            vars_template,
        })
        .ok_or(VmError::UefiMissing { directory, package })
}

/// Why no machine with a BIOS starts over the network here, if so: the card's program is in a package of its own.
pub fn network_start_missing() -> Option<String> {
    let folders = ["usr/lib/ipxe/qemu", "usr/share/qemu"].map(|folder| Path::new("/").join(folder));
    let name = "efi-virtio.rom";
    match folders.iter().any(|folder| folder.join(name).is_file()) {
        true => None,
        false => Some(format!(
            "QEMU's card has no {name} to start from; it is in the Debian package ipxe-qemu"
        )),
    }
}

fn find_program(name: &str, search_path: &OsStr) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    std::env::split_paths(search_path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| {
            path.metadata()
                .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
        })
}

fn version(program: &Path) -> Result<String, VmError> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| VmError::Start {
            program: program.to_owned(),
            source,
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .next()
        .and_then(|line| line.strip_prefix("QEMU emulator version "))
        .map(|version| version.trim().to_owned())
        .ok_or_else(|| VmError::NotQemu {
            program: program.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_missing_emulator_names_its_package() {
        let empty = tempfile::tempdir().unwrap();
        for (system, package) in [
            (System::X86_64, "qemu-system-x86"),
            (System::Aarch64, "qemu-system-arm"),
        ] {
            let error = find_qemu(system, empty.path().as_os_str()).unwrap_err();
            assert!(error.to_string().contains(package), "{error}");
        }
    }

    #[test]
    fn a_program_must_be_an_executable_file_in_an_absolute_folder() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("qemu-system-x86_64");
        fs::write(&program, "").unwrap();
        let path = std::env::join_paths([Path::new("."), dir.path()]).unwrap();
        assert!(find_qemu(System::X86_64, &path).is_err());
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_qemu(System::X86_64, &path).unwrap(), program);
    }

    #[test]
    fn a_program_that_is_not_qemu_is_refused() {
        assert!(matches!(
            version(Path::new("/bin/true")),
            Err(VmError::NotQemu { .. })
        ));
        assert!(matches!(
            version(Path::new("/nonexistent/qemu")),
            Err(VmError::Start { .. })
        ));
    }

    #[test]
    fn firmware_is_taken_in_whole_pairs_and_4m_first() {
        let root = tempfile::tempdir().unwrap();
        let ovmf = root.path().join("usr/share/OVMF");
        fs::create_dir_all(&ovmf).unwrap();
        let find = || find_uefi_under(root.path(), System::X86_64);
        let error = find().unwrap_err().to_string();
        assert!(error.ends_with("the Debian package ovmf"), "{error}");
        let pair = |suffix: &str| Firmware::Uefi {
            code: ovmf.join(format!("OVMF_CODE{suffix}.fd")),
            vars_template: ovmf.join(format!("OVMF_VARS{suffix}.fd")),
        };
        fs::write(ovmf.join("OVMF_CODE_4M.fd"), "").unwrap();
        fs::write(ovmf.join("OVMF_VARS.fd"), "").unwrap();
        assert!(find().is_err());
        fs::write(ovmf.join("OVMF_CODE.fd"), "").unwrap();
        assert_eq!(find().unwrap(), pair(""));
        fs::write(ovmf.join("OVMF_VARS_4M.fd"), "").unwrap();
        assert_eq!(find().unwrap(), pair("_4M"));
    }
}
