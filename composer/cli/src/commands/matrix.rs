//! `test --matrix`: boots each image of a profile in every way it is made for, one machine after the other.
//!
//! Called by `test`. Prints a line a boot, then how many of them passed. Invariant: a boot counts as passed for the
//! same reasons as a single one, and one that could not be tried is named with the reason, never left out.

use std::sync::atomic::Ordering;

use serde_json::json;
use xsc_profile::{ImageKind, Profile, System};

use super::journey::{Able, Way, go};
use super::machine::{nothing_to_boot, uefi_missing};
use super::test::Boots;
use super::{Cancel, print};
use crate::args::{BootFlags, BusArg, FirmwareArg, ImageArg, MediumArg};
use crate::context::Context;
use crate::error::{CommandError, exit};

/// The names of rows that do more than boot; of the last one how they begin.
const GROWS: &str = "disk grows";
const REFUSED: &str = "disk with a flipped bit";
const INSTALLS: &str = "iso installs";

/// One way to boot.
struct Row {
    /// What people call it, such as `disk on nvme, uefi`.
    name: String,
    boot: BootFlags,
    way: Way,
}

/// Every way to boot the profile's images: the ISO as a CD and as a USB disk, a disk on each bus, each with either
/// firmware; the kernel that QEMU loads itself, the one program of UEFI, and what is loaded over the network.
fn rows(profile: &Profile, flags: &BootFlags, able: Able) -> Vec<Row> {
    let firmwares: &[(FirmwareArg, &str)] = match profile.system {
        System::X86_64Linux => &[(FirmwareArg::Bios, "bios"), (FirmwareArg::Uefi, "uefi")],
        System::Aarch64Linux => &[(FirmwareArg::Uefi, "uefi")],
    };
    let disk = |image, bus| (image, MediumArg::Disk, bus);
    let iso = [
        ("iso as cd", (ImageArg::Iso, MediumArg::Cd, BusArg::Virtio)),
        ("iso on usb", disk(ImageArg::Iso, BusArg::Usb)),
    ];
    let disks = [
        ("disk on virtio", disk(ImageArg::Disk, BusArg::Virtio)),
        ("disk on ahci", disk(ImageArg::Disk, BusArg::Ahci)),
        ("disk on nvme", disk(ImageArg::Disk, BusArg::Nvme)),
    ];
    let network = [("pxe", (ImageArg::Pxe, MediumArg::Network, BusArg::Virtio))];
    let mut rows = Vec::new();
    let mut add = |what: &str, (image, medium, bus), firmware: Option<(FirmwareArg, &str)>| {
        let name = match firmware {
            Some((_, name)) => format!("{what}, {name}"),
            None => what.to_owned(),
        };
        let boot = BootFlags {
            firmware: firmware.map(|(firmware, _)| firmware),
            image: Some(image),
            medium: Some(medium),
            bus,
            ..flags.clone()
        };
        // What the user asks for is all there is.
        let other = flags.firmware.is_some() && flags.firmware != boot.firmware
            || flags.image.is_some() && flags.image != boot.image
            || flags.medium.is_some() && flags.medium != boot.medium;
        if other {
            return;
        }
        let way = match what {
            GROWS => Way::Grow,
            REFUSED => Way::Tamper,
            _ if what.starts_with(INSTALLS) => Way::Install,
            _ => Way::Boot,
        };
        rows.push(Row { name, boot, way });
    };
    for kind in &profile.images {
        let ways: &[_] = match kind {
            ImageKind::Iso => &iso,
            ImageKind::Disk => &disks,
            ImageKind::Boot => {
                let way = (ImageArg::Boot, MediumArg::Kernel, BusArg::Virtio);
                add("kernel and initramfs", way, None);
                continue;
            }
            ImageKind::Uki => {
                let way = disk(ImageArg::Uki, BusArg::Virtio);
                add("uki", way, Some((FirmwareArg::Uefi, "uefi")));
                continue;
            }
            ImageKind::Pxe => &network,
            ImageKind::Oci | ImageKind::Tar => continue,
        };
        for (what, way) in ways {
            for firmware in firmwares {
                add(what, *way, Some(*firmware));
            }
        }
        // The rest is done inside, the same under either firmware; each has its turn.
        let (bios, uefi) = (firmwares.first(), firmwares.last());
        match kind {
            ImageKind::Disk if able.grow => add(GROWS, disks[0].1, bios.copied()),
            ImageKind::Disk if able.tamper => add(REFUSED, disks[0].1, bios.copied()),
            ImageKind::Iso if able.install => {
                add("iso installs from cd", iso[0].1, bios.copied());
                add("iso installs from usb", iso[1].1, uefi.copied());
            }
            _ => {}
        }
    }
    rows
}

/// Goes through them all, and tells what became of each.
pub(crate) fn run(
    context: &Context,
    boots: &Boots<'_>,
    flags: &BootFlags,
    cancel: &Cancel,
) -> Result<(), CommandError> {
    let profile = boots.profile;
    let rows = rows(profile, flags, Able::of(profile, boots.images)?);
    if rows.is_empty() {
        return Err(nothing_to_boot(profile));
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let (mut passed, mut failed, mut skipped) = (0, Vec::new(), 0);
    let mut told = Vec::new();
    for Row {
        name,
        boot: flags,
        way,
    } in &rows
    {
        let bundle = boots.args.bundle.join(name.replace([' ', ','], "-"));
        let uefi = matches!(flags.firmware, Some(FirmwareArg::Uefi));
        let missing = match uefi {
            true => uefi_missing(profile),
            false if matches!(flags.medium, Some(MediumArg::Network)) => {
                xsc_vm::network_start_missing()
            }
            false => None,
        };
        let (outcome, text) = match missing {
            Some(reason) => {
                skipped += 1;
                ("skipped", reason)
            }
            None => match go(*way, boots, flags, &bundle) {
                Ok(outcome) if outcome.passed => {
                    passed += 1;
                    ("passed", outcome.text)
                }
                Ok(outcome) => {
                    failed.push(name.clone());
                    ("failed", outcome.text)
                }
                Err(error) if error.code == exit::INTERRUPTED => return Err(error),
                Err(error) => {
                    failed.push(name.clone());
                    ("failed", error.message)
                }
            },
        };
        if context.json {
            told.push(json!({ "boot": name, "outcome": outcome, "detail": text }));
        } else {
            print(&format!("{name:width$}  {outcome} {text}"));
        }
        if cancel.load(Ordering::SeqCst) {
            return Err(CommandError::new(exit::INTERRUPTED, "interrupted"));
        }
    }
    let summary = format!(
        "{passed} passed, {} failed, {skipped} skipped",
        failed.len()
    );
    if context.json {
        print(&json!({ "version": 1, "boots": told, "summary": summary }).to_string());
    } else {
        print(&format!("boot matrix: {summary}"));
    }
    match failed.is_empty() {
        true => Ok(()),
        false => {
            let message = format!("these boots failed: {}", failed.join("; "));
            Err(CommandError::new(exit::OTHER, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(images: &str, system: &str) -> Vec<String> {
        able(images, system, Able::default())
    }

    fn able(images: &str, system: &str, able: Able) -> Vec<String> {
        let text = format!(
            "[profile]\nname = \"p\"\ndescription = \"d\"\nsystem = \"{system}\"\nvariant = \"base\"\n\
             modules = [\"minimal\"]\nimages = [{images}]\n"
        );
        let profile = Profile::parse("p.toml", &text).unwrap();
        let flags = BootFlags::default();
        rows(&profile, &flags, able)
            .into_iter()
            .map(|row| row.name)
            .collect()
    }

    #[test]
    fn every_image_is_booted_in_every_way_it_is_made_for() {
        let all = names(
            r#""iso", "disk", "boot", "oci", "uki", "pxe", "tar""#,
            "x86_64-linux",
        );
        let expected = [
            "iso as cd, bios",
            "iso as cd, uefi",
            "iso on usb, bios",
            "iso on usb, uefi",
            "disk on virtio, bios",
            "disk on virtio, uefi",
            "disk on ahci, bios",
            "disk on ahci, uefi",
            "disk on nvme, bios",
            "disk on nvme, uefi",
            "kernel and initramfs",
            "uki, uefi",
            "pxe, bios",
            "pxe, uefi",
        ];
        assert_eq!(all, expected);
        let arm = names(r#""iso""#, "aarch64-linux");
        assert_eq!(arm, ["iso as cd, uefi", "iso on usb, uefi"]);
        assert!(names(r#""oci""#, "x86_64-linux").is_empty());
    }

    #[test]
    fn flags_leave_out_what_they_do_not_name() {
        let text = "[profile]\nname = \"p\"\ndescription = \"d\"\nsystem = \"x86_64-linux\"\nvariant = \"base\"\n\
                    modules = [\"minimal\"]\nimages = [\"iso\", \"disk\", \"pxe\"]\n";
        let profile = Profile::parse("p.toml", text).unwrap();
        let flags = BootFlags {
            firmware: Some(FirmwareArg::Uefi),
            medium: Some(MediumArg::Network),
            ..BootFlags::default()
        };
        let rows = rows(&profile, &flags, Able::default());
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["pxe, uefi"]);
    }

    #[test]
    fn more_than_a_boot_is_tried_where_the_images_can_do_it() {
        let all = Able {
            grow: true,
            tamper: false,
            install: true,
        };
        let rows = able(r#""disk", "iso""#, "x86_64-linux", all);
        for expected in [
            "disk grows, bios",
            "iso installs from cd, bios",
            "iso installs from usb, uefi",
        ] {
            assert!(rows.iter().any(|row| row == expected), "{rows:?}");
        }
        let tamper = Able {
            tamper: true,
            ..Able::default()
        };
        let rows = able(r#""disk""#, "x86_64-linux", tamper);
        assert_eq!(rows.last().unwrap(), "disk with a flipped bit, bios");
    }
}
