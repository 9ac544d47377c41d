//! The description of a virtual machine: what to boot, with which firmware, how large.
//!
//! Filled by the command line from a profile and an image; read by `command`. Pure data. Invariant: every file
//! named here is only read, but for `Medium::Scratch` and `spare`; what else a guest writes goes to a snapshot or to a
//! private copy.

use std::path::{Path, PathBuf};

use crate::error::VmError;

/// The instruction set of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// 64-bit x86 on a `q35` board.
    X86_64,
    /// 64-bit Arm on a `virt` board.
    Aarch64,
}

impl System {
    /// Returns the name of the emulator program.
    pub fn program(self) -> &'static str {
        match self {
            System::X86_64 => "qemu-system-x86_64",
            System::Aarch64 => "qemu-system-aarch64",
        }
    }

    /// Returns the Debian package that holds the emulator.
    pub fn package(self) -> &'static str {
        match self {
            System::X86_64 => "qemu-system-x86",
            System::Aarch64 => "qemu-system-arm",
        }
    }

    /// Returns the name Linux and Rust give the instruction set.
    pub fn arch(self) -> &'static str {
        match self {
            System::X86_64 => "x86_64",
            System::Aarch64 => "aarch64",
        }
    }
}

/// The program the machine starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Firmware {
    /// What QEMU brings along: SeaBIOS on x86_64; nothing on aarch64, which then needs `Medium::Kernel`.
    Bios,
    /// UEFI in two flash chips.
    Uefi {
        /// The code, mapped read-only.
        code: PathBuf,
        /// The variable store each run starts from; the guest gets a copy.
        vars_template: PathBuf,
    },
}

/// What the machine boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Medium {
    /// An ISO image in a CD drive.
    Cdrom(PathBuf),
    /// An image as a disk; writes go to a snapshot that vanishes with the run.
    Disk {
        /// The image, raw, or qcow2 if its name ends so.
        image: PathBuf,
        /// What it is attached to.
        bus: Bus,
    },
    /// A disk of the caller's own on virtio, which the guest may write to.
    Scratch(PathBuf),
    /// A folder that the machine sees as a disk with a FAT file system; UEFI starts EFI/BOOT of it.
    Folder(PathBuf),
    /// A program that the machine's firmware loads over the network.
    Network {
        /// What the server has.
        folder: PathBuf,
        /// The program's name there.
        program: String,
    },
    /// A kernel loaded by QEMU itself, without boot loader.
    Kernel {
        /// The kernel image.
        kernel: PathBuf,
        /// The initial file system, if any.
        initrd: Option<PathBuf>,
        /// The kernel command line.
        cmdline: String,
    },
}

impl Medium {
    /// Returns the file that is booted.
    pub fn path(&self) -> &Path {
        match self {
            Medium::Cdrom(image)
            | Medium::Disk { image, .. }
            | Medium::Scratch(image)
            | Medium::Folder(image)
            | Medium::Network { folder: image, .. } => image,
            Medium::Kernel { kernel, .. } => kernel,
        }
    }
}

/// What a disk is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// virtio-blk.
    Virtio,
    /// SATA, by AHCI.
    Ahci,
    /// NVMe.
    Nvme,
    /// USB storage, by XHCI.
    Usb,
}

/// The network card of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// There is none.
    None,
    /// A virtio card; QEMU answers DHCP and nothing leaves the machine.
    Isolated,
    /// A virtio card; QEMU makes the guest's connections as this process, like any program of the host.
    User,
}

/// One virtual machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The instruction set.
    pub system: System,
    /// What it boots.
    pub medium: Medium,
    /// What starts it.
    pub firmware: Firmware,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Number of processors.
    pub cpus: u32,
    /// Its network card.
    pub network: Network,
    /// A disk of the caller's own beside the medium, on virtio, which the guest may write to.
    pub spare: Option<PathBuf>,
    /// Further QEMU arguments, put last so that they win.
    pub extra: Vec<String>,
}

impl Machine {
    /// Returns the machine with every path made absolute. Fails with `Input` for an empty path.
    pub(crate) fn absolute(&self) -> Result<Machine, VmError> {
        let whole = |path: &mut PathBuf| {
            *path = std::path::absolute(&*path).map_err(|source| VmError::Input {
                path: path.clone(),
                source,
            })?;
            Ok(())
        };
        let mut machine = self.clone();
        match &mut machine.medium {
            Medium::Cdrom(image)
            | Medium::Disk { image, .. }
            | Medium::Scratch(image)
            | Medium::Folder(image)
            | Medium::Network { folder: image, .. } => whole(image)?,
            Medium::Kernel { kernel, initrd, .. } => {
                whole(kernel)?;
                initrd.as_mut().map_or(Ok(()), whole)?;
            }
        }
        machine.spare.as_mut().map_or(Ok(()), whole)?;
        if let Firmware::Uefi {
            code,
            vars_template,
        } = &mut machine.firmware
        {
            whole(code)?;
            whole(vars_template)?;
        }
        Ok(machine)
    }

    /// Lists the host files the machine reads.
    pub(crate) fn inputs(&self) -> Vec<&Path> {
        let mut inputs = vec![self.medium.path()];
        if let Medium::Kernel {
            initrd: Some(initrd),
            ..
        } = &self.medium
        {
            inputs.push(initrd);
        }
        if let Firmware::Uefi {
            code,
            vars_template,
        } = &self.firmware
        {
            inputs.extend([code.as_path(), vars_template.as_path()]);
        }
        inputs
    }
}
