//! The machine that a profile's images boot on; `run` and `test` share it.
//!
//! Invariants: what cannot be booted is refused before anything is built; an image in the store is
//! never written to.

use std::path::{Path, PathBuf};

use xsc_profile::{ImageKind, Profile, Variant};
use xsc_vm::{Accel, Bus, Emulator, Firmware, Machine, Medium, Network, System, VmError};

use super::Cancel;
use crate::args::{BootFlags, BusArg, FirmwareArg, ImageArg, MediumArg};
use crate::error::{CommandError, exit};

/// The files of an image of the kind `boot`, which has a name that ends like this.
const BOOT: &str = "boot";
/// What the names of disks end with, by their format, and those of an ISO.
pub(crate) const RAW: &str = "img";
const DISK: [&str; 2] = [RAW, "qcow2"];
pub(crate) const ISO: &str = "iso";
/// What the names of folders for a server end with, and the programs in them for either firmware.
const PXE: &str = "pxe";
const PXE_BIOS: &str = "boot.ipxe";
const PXE_UEFI: &str = "bootx64.efi";
/// What the names of folders with a program of UEFI end with.
const UKI: &str = "uki";
const KERNEL: &str = "vmlinuz";
const INITRAMFS: &str = "initramfs";
const CMDLINE: &str = "cmdline";

/// Why there is no boot of this profile.
pub(crate) fn nothing_to_boot(profile: &Profile) -> CommandError {
    let name = &profile.name;
    let error = CommandError::usage(format!("profile {name} makes nothing to boot"));
    error.hint("add \"iso\", \"disk\", \"boot\", \"uki\" or \"pxe\" to `images` of the profile")
}

/// What is booted, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    kind: ImageKind,
    medium: MediumArg,
}

/// Chooses what to boot: what the user names, else the ISO, else the disk, else the kernel itself.
pub(crate) fn choose(profile: &Profile, flags: &BootFlags) -> Result<Choice, CommandError> {
    let makes = |kind| profile.images.contains(&kind);
    let name = &profile.name;
    let bootable = [
        ImageKind::Iso,
        ImageKind::Disk,
        ImageKind::Boot,
        ImageKind::Uki,
        ImageKind::Pxe,
    ];
    let fits = |kind: ImageKind| match flags.medium {
        None => true,
        Some(MediumArg::Cd) => kind == ImageKind::Iso,
        Some(MediumArg::Disk) => {
            matches!(kind, ImageKind::Iso | ImageKind::Disk | ImageKind::Uki)
        }
        Some(MediumArg::Network) => kind == ImageKind::Pxe,
        Some(MediumArg::Kernel) => kind == ImageKind::Boot,
    };
    let named = flags.image.map(|image| match image {
        ImageArg::Iso => ImageKind::Iso,
        ImageArg::Disk => ImageKind::Disk,
        ImageArg::Boot => ImageKind::Boot,
        ImageArg::Pxe => ImageKind::Pxe,
        ImageArg::Uki => ImageKind::Uki,
    });
    let kind = match named {
        Some(kind) if !fits(kind) => {
            let word = kind.as_str();
            let message = format!("an image of the kind {word} is no such medium");
            let hint = "an iso is a cd or a disk, a disk or uki is a disk, boot is a kernel, and pxe is a network";
            return Err(CommandError::usage(message).hint(hint));
        }
        Some(kind) => kind,
        None => match bootable
            .into_iter()
            .find(|kind| makes(*kind) && fits(*kind))
        {
            Some(kind) => kind,
            None if flags.medium.is_none() => {
                return Err(nothing_to_boot(profile));
            }
            None => bootable
                .into_iter()
                .find(|kind| fits(*kind))
                .expect("every medium has one"),
        },
    };
    let medium = flags.medium.unwrap_or(match kind {
        ImageKind::Disk | ImageKind::Uki => MediumArg::Disk,
        ImageKind::Boot => MediumArg::Kernel,
        ImageKind::Pxe => MediumArg::Network,
        ImageKind::Iso | ImageKind::Oci | ImageKind::Tar => MediumArg::Cd,
    });
    if !makes(kind) {
        let what = match kind {
            ImageKind::Disk => "no disk to boot",
            ImageKind::Boot => "no kernel to boot directly",
            ImageKind::Uki => "no program of UEFI to boot",
            ImageKind::Pxe => "nothing to boot over the network",
            ImageKind::Iso | ImageKind::Oci | ImageKind::Tar => "no ISO to boot",
        };
        let error = CommandError::usage(format!("profile {name} makes {what}"));
        let word = kind.as_str();
        return Err(error.hint(format!("add \"{word}\" to `images` of the profile")));
    }
    if !flags.append.is_empty() && medium != MediumArg::Kernel {
        let what = match kind {
            ImageKind::Disk => "a disk",
            ImageKind::Uki => "a program of UEFI",
            ImageKind::Pxe => "over the network",
            _ => "an ISO",
        };
        let error = CommandError::usage(format!(
            "--append needs a kernel booted directly; profile {name} boots {what}, which holds its \
             command line"
        ));
        return Err(error.hint(if makes(ImageKind::Boot) {
            "add --medium kernel"
        } else {
            "add \"boot\" to `images` of the profile, or the words to its option `boot.cmdline`"
        }));
    }
    Ok(Choice { kind, medium })
}

/// Finds QEMU and describes the machine that boots what `choose` chose.
pub(crate) fn prepare(
    profile: &Profile,
    images: &Path,
    choice: Choice,
    flags: &BootFlags,
    cancel: &Cancel,
) -> Result<(Emulator, Machine), CommandError> {
    let system = system(profile);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let emulator = Emulator::locate(system, &path, cancel).map_err(|e| vm_error(&e))?;
    if demands_shadow_stacks(profile) && matches!(emulator.accel, Accel::Tcg { .. }) {
        let name = &profile.name;
        let message = format!(
            "programs of {name} demand shadow stacks (variant cfi), which QEMU emulates on no x86_64 processor"
        );
        return Err(CommandError::other(message).hint(
            "compose it with the option `test.bochs`, which boots it in an emulator that has them",
        ));
    }
    let bus = match flags.bus {
        BusArg::Virtio => Bus::Virtio,
        BusArg::Ahci => Bus::Ahci,
        BusArg::Nvme => Bus::Nvme,
        BusArg::Usb => Bus::Usb,
    };
    let medium = match choice.medium {
        MediumArg::Disk if choice.kind == ImageKind::Uki => Medium::Folder(image(images, &[UKI])?),
        MediumArg::Network => Medium::Network {
            folder: image(images, &[PXE])?,
            program: match flags.firmware {
                Some(FirmwareArg::Uefi) => PXE_UEFI,
                _ => PXE_BIOS,
            }
            .to_owned(),
        },
        MediumArg::Cd => Medium::Cdrom(image(images, &[ISO])?),
        MediumArg::Disk => {
            let extensions: &[&str] = match choice.kind {
                ImageKind::Disk => &DISK,
                _ => &[ISO],
            };
            let image = image(images, extensions)?;
            Medium::Disk { image, bus }
        }
        MediumArg::Kernel => direct(&image(images, &[BOOT])?, &flags.append)?,
    };
    // A board of aarch64 brings no firmware along; only a kernel starts without.
    let default = match (system, &medium) {
        (System::Aarch64, Medium::Cdrom(_) | Medium::Disk { .. }) => FirmwareArg::Uefi,
        _ => FirmwareArg::Bios,
    };
    let default = match &medium {
        Medium::Folder(_) if flags.firmware == Some(FirmwareArg::Bios) => {
            let error = CommandError::usage("a BIOS cannot start an image of the kind uki");
            return Err(error.hint("leave --firmware out"));
        }
        Medium::Folder(_) => FirmwareArg::Uefi,
        _ => default,
    };
    let firmware = match flags.firmware.unwrap_or(default) {
        FirmwareArg::Bios => Firmware::Bios,
        FirmwareArg::Uefi => xsc_vm::find_uefi(system).map_err(|e| vm_error(&e))?,
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
        network: Network::None,
        spare: None,
        extra: Vec::new(),
    };
    Ok((emulator, machine))
}

fn system(profile: &Profile) -> System {
    match profile.system {
        xsc_profile::System::X86_64Linux => System::X86_64,
        xsc_profile::System::Aarch64Linux => System::Aarch64,
    }
}

/// Why no machine of this profile starts with UEFI here, if so.
pub(crate) fn uefi_missing(profile: &Profile) -> Option<String> {
    let found = xsc_vm::find_uefi(system(profile));
    found.err().map(|error| error.to_string())
}

/// Whether its programs run only on a processor with shadow stacks.
fn demands_shadow_stacks(profile: &Profile) -> bool {
    profile.system == xsc_profile::System::X86_64Linux && profile.variant == Variant::Cfi
}

/// What a boot in Bochs said on its console, if composing these images ran one in place of QEMU: had it failed, there
/// would be no images.
pub(crate) fn said_in_bochs(profile: &Profile, images: &Path) -> Option<PathBuf> {
    let suffix = "-bochs";
    let entries = std::fs::read_dir(images).ok()?;
    let tried = entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(suffix));
    tried
        .filter(|_| demands_shadow_stacks(profile))
        .map(|folder| folder.join("serial"))
}

/// The image with one of these extensions among a profile's images.
pub(crate) fn image(images: &Path, extensions: &[&str]) -> Result<PathBuf, CommandError> {
    let entries = std::fs::read_dir(images)
        .map_err(|e| CommandError::other(format!("cannot read {}: {e}", images.display())))?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| {
            let found = path.extension();
            found.is_some_and(|found| extensions.iter().any(|extension| found == *extension))
        })
        .ok_or_else(|| {
            let (images, endings) = (images.display(), extensions.join(" or ."));
            CommandError::other(format!("{images} holds no file that ends in .{endings}"))
        })
}

/// The kernel, initramfs and command line of an image of the kind `boot`, with `append` behind it.
fn direct(image: &Path, append: &[String]) -> Result<Medium, CommandError> {
    let path = image.join(CMDLINE);
    let text = std::fs::read_to_string(&path)
        .map_err(|e| CommandError::other(format!("cannot read {}: {e}", path.display())))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    if line.contains(char::is_control) {
        let path = path.display();
        let message = format!("{path} is not one line without control characters");
        return Err(CommandError::other(message));
    }
    let words = std::iter::once(line).chain(append.iter().map(String::as_str));
    let words: Vec<&str> = words
        .map(str::trim)
        .filter(|words| !words.is_empty())
        .collect();
    Ok(Medium::Kernel {
        kernel: image.join(KERNEL),
        initrd: Some(image.join(INITRAMFS)),
        cmdline: words.join(" "),
    })
}

pub(crate) fn vm_error(error: &VmError) -> CommandError {
    let mut found = CommandError::from_error(error);
    if matches!(error, VmError::Cancelled) {
        found.code = exit::INTERRUPTED;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_one_line_and_words_go_behind_it() {
        let image = tempfile::tempdir().unwrap();
        let read = |text: &str, append: &[&str]| {
            std::fs::write(image.path().join(CMDLINE), text).unwrap();
            let append: Vec<String> = append.iter().map(|words| (*words).to_owned()).collect();
            match direct(image.path(), &append) {
                Ok(Medium::Kernel { cmdline, .. }) => Ok(cmdline),
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error.message),
            }
        };
        assert_eq!(read("a b\n", &[]).unwrap(), "a b");
        assert_eq!(read("a", &["b=1 c", " d "]).unwrap(), "a b=1 c d");
        assert_eq!(read("\n", &["b"]).unwrap(), "b");
        for bad in ["a\nb\n", "a\n\n", "a\0", "\u{1b}[2J"] {
            let error = read(bad, &[]).unwrap_err();
            assert!(
                error.ends_with("is not one line without control characters"),
                "{error}"
            );
        }
        std::fs::remove_file(image.path().join(CMDLINE)).unwrap();
        let error = direct(image.path(), &[]).unwrap_err().message;
        assert!(error.contains("/cmdline"), "{error}");
    }

    #[test]
    fn a_boot_in_bochs_is_found_among_the_images_of_cfi_alone() {
        let images = tempfile::tempdir().unwrap();
        let profile = |system: &str, variant: &str| {
            let text = format!(
                "[profile]\nname = \"p\"\ndescription = \"d\"\nsystem = \"{system}\"\nvariant = \"{variant}\"\n\
                 modules = [\"minimal\"]\nimages = [\"iso\"]\n"
            );
            Profile::parse("p.toml", &text).unwrap()
        };
        let cfi = profile("x86_64-linux", "cfi");
        assert_eq!(said_in_bochs(&cfi, images.path()), None);
        let folder = images.path().join("p-cfi-x86_64-linux-bochs");
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(
            said_in_bochs(&cfi, images.path()),
            Some(folder.join("serial"))
        );
        for (system, variant) in [("x86_64-linux", "base"), ("aarch64-linux", "cfi")] {
            let other = profile(system, variant);
            assert_eq!(said_in_bochs(&other, images.path()), None);
        }
    }
}
