//! Builds QEMU's command line, the only place that knows its options.
//!
//! Called by `runner`, `interactive`, `bundle` and, for the board, by `accel`. Invariants: the same machine gives
//! the same arguments in the same order; each device has a fixed PCI slot; an image is opened read-only, as a CD
//! or under `snapshot=on`, unless it is the caller's own to write to.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::accel::Accel;
use crate::machine::{Bus, Firmware, Machine, Medium, Network, System};
use crate::runner::VERDICT_CHANNEL;

/// PCI slot of the entropy device.
const RNG_SLOT: u8 = 2;
/// PCI slot of the verdict channel.
pub(crate) const SERIAL_SLOT: u8 = 3;
/// PCI slot of the boot medium's controller.
const MEDIUM_SLOT: u8 = 4;
/// PCI slot of the disk beside the medium.
const SPARE_SLOT: u8 = 6;
/// PCI slot of the network card.
const NETWORK_SLOT: u8 = 5;

/// Names of the sockets of a test, relative to its private folder.
pub(crate) const CONSOLE_SOCKET: &str = "console";
pub(crate) const VERDICT_SOCKET: &str = "verdict";
pub(crate) const MONITOR_SOCKET: &str = "monitor";

/// Where the guest's channels lead.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wiring<'a> {
    /// The console on the terminal, shared with QEMU's monitor; no verdict channel.
    Terminal,
    /// Console, verdict and QMP on sockets that we listen on in this folder.
    Sockets(&'a Path),
    /// The console on the terminal, the verdict to a file: for running a failed test again by hand.
    Replay(&'a Path),
}

/// Returns the arguments that make the board: what a probe and a test must have in common.
pub(crate) fn board(system: System, accel: &str) -> Vec<OsString> {
    let (machine, cpu) = match (system, accel) {
        (System::X86_64, _) => ("q35", "max"),
        // The default pointer authentication is a cipher that is slow to emulate.
        (System::Aarch64, "tcg") => ("virt,gic-version=3", "max,pauth-impdef=on"),
        (System::Aarch64, _) => ("virt,gic-version=3", "max"),
    };
    [
        "-no-user-config",
        "-nodefaults",
        "-no-reboot",
        "-display",
        "none",
        "-machine",
        machine,
        "-accel",
        accel,
        "-cpu",
        cpu,
    ]
    .map(OsString::from)
    .to_vec()
}

/// Returns a `-drive` argument; a comma in the path is doubled, as QEMU wants it.
pub(crate) fn drive(options: &str, path: &Path) -> [OsString; 2] {
    ["-drive".into(), with_path(options, "file", path)]
}

fn with_path(options: &str, key: &str, path: &Path) -> OsString {
    let mut argument = format!("{options},{key}=").into_bytes();
    for byte in path.as_os_str().as_bytes() {
        argument.push(*byte);
        if *byte == b',' {
            argument.push(b',');
        }
    }
    OsString::from_vec(argument)
}

/// Returns all arguments for `machine`. `vars` is the private copy of the UEFI variable store.
pub(crate) fn arguments(
    machine: &Machine,
    accel: &Accel,
    wiring: Wiring<'_>,
    vars: &Path,
) -> Vec<OsString> {
    let mut list = board(machine.system, accel.name());
    let mut add = |words: &[&str]| list.extend(words.iter().map(OsString::from));
    add(&["-m", &machine.memory_mib.to_string()]);
    add(&["-smp", &machine.cpus.to_string()]);
    if let Firmware::Uefi { code, .. } = &machine.firmware {
        list.extend(drive("if=pflash,unit=0,format=raw,readonly=on", code));
        list.extend(drive("if=pflash,unit=1,format=raw", vars));
    }
    let mut add = |words: &[&str]| list.extend(words.iter().map(OsString::from));
    add(&["-object", "rng-random,id=rng0,filename=/dev/urandom"]);
    add(&[
        "-device",
        &format!("virtio-rng-pci,bus=pcie.0,addr={RNG_SLOT:#x},rng=rng0"),
    ]);
    console(&mut list, wiring);
    verdict_channel(&mut list, wiring);
    medium(&mut list, machine);
    if let Some(disk) = &machine.spare {
        list.extend(drive("if=none,id=spare,format=raw", disk));
        let device = format!("virtio-blk-pci,bus=pcie.0,addr={SPARE_SLOT:#x},drive=spare");
        list.extend(["-device".into(), device.into()]);
    }
    network(&mut list, machine);
    list.extend(machine.extra.iter().map(OsString::from));
    list
}

fn console(list: &mut Vec<OsString>, wiring: Wiring<'_>) {
    let mut add = |words: &[&OsStr]| list.extend(words.iter().map(OsString::from));
    match wiring {
        Wiring::Terminal | Wiring::Replay(_) => add(&[
            "-chardev".as_ref(),
            "stdio,id=console,mux=on,signal=off".as_ref(),
            "-serial".as_ref(),
            "chardev:console".as_ref(),
            "-mon".as_ref(),
            "chardev=console,mode=readline".as_ref(),
        ]),
        Wiring::Sockets(folder) => add(&[
            "-chardev".as_ref(),
            &with_path("socket,id=console", "path", &folder.join(CONSOLE_SOCKET)),
            "-serial".as_ref(),
            "chardev:console".as_ref(),
            "-chardev".as_ref(),
            &with_path("socket,id=monitor", "path", &folder.join(MONITOR_SOCKET)),
            "-mon".as_ref(),
            "chardev=monitor,mode=control".as_ref(),
        ]),
    }
}

fn verdict_channel(list: &mut Vec<OsString>, wiring: Wiring<'_>) {
    let backend = match wiring {
        Wiring::Terminal => return,
        Wiring::Sockets(folder) => {
            with_path("socket,id=verdict", "path", &folder.join(VERDICT_SOCKET))
        }
        Wiring::Replay(file) => with_path("file,id=verdict", "path", file),
    };
    list.extend([
        "-device".into(),
        format!("virtio-serial-pci,id=serial0,bus=pcie.0,addr={SERIAL_SLOT:#x}").into(),
        "-chardev".into(),
        backend,
        "-device".into(),
        format!("virtserialport,bus=serial0.0,nr=1,chardev=verdict,name={VERDICT_CHANNEL}").into(),
    ]);
}

fn medium(list: &mut Vec<OsString>, machine: &Machine) {
    let device =
        |list: &mut Vec<OsString>, text: String| list.extend(["-device".into(), text.into()]);
    match &machine.medium {
        Medium::Cdrom(image) => {
            list.extend(drive(
                "if=none,id=medium,media=cdrom,format=raw,readonly=on",
                image,
            ));
            match machine.system {
                System::X86_64 => device(list, "ide-cd,bus=ide.0,drive=medium,bootindex=0".into()),
                System::Aarch64 => {
                    device(
                        list,
                        format!("virtio-scsi-pci,id=scsi0,bus=pcie.0,addr={MEDIUM_SLOT:#x}"),
                    );
                    device(list, "scsi-cd,bus=scsi0.0,drive=medium,bootindex=0".into());
                }
            }
        }
        Medium::Disk { image, bus } => {
            let format = match image.extension() {
                Some(extension) if extension == "qcow2" => "qcow2",
                _ => "raw",
            };
            let options = format!("if=none,id=medium,format={format},snapshot=on");
            list.extend(drive(&options, image));
            let slot = format!("bus=pcie.0,addr={MEDIUM_SLOT:#x}");
            let drive = "drive=medium,bootindex=0";
            match bus {
                Bus::Virtio => device(list, format!("virtio-blk-pci,{slot},{drive}")),
                Bus::Ahci => {
                    device(list, format!("ich9-ahci,id=ahci0,{slot}"));
                    device(list, format!("ide-hd,bus=ahci0.0,{drive}"));
                }
                Bus::Nvme => device(list, format!("nvme,{slot},serial=medium,{drive}")),
                Bus::Usb => {
                    device(list, format!("qemu-xhci,id=usb0,{slot}"));
                    device(list, format!("usb-storage,bus=usb0.0,{drive}"));
                }
            }
        }
        Medium::Scratch(image) => {
            list.extend(drive("if=none,id=medium,format=raw", image));
            let slot = format!("bus=pcie.0,addr={MEDIUM_SLOT:#x}");
            device(
                list,
                format!("virtio-blk-pci,{slot},drive=medium,bootindex=0"),
            );
        }
        Medium::Folder(folder) => {
            let mut served = OsString::from("fat:");
            served.push(folder);
            let options = "if=none,id=medium,format=raw,readonly=on";
            list.extend(drive(options, Path::new(&served)));
            let slot = format!("bus=pcie.0,addr={MEDIUM_SLOT:#x}");
            device(
                list,
                format!("virtio-blk-pci,{slot},drive=medium,bootindex=0"),
            );
        }
        // The card is the medium: see `network`.
        Medium::Network { .. } => {}
        Medium::Kernel {
            kernel,
            initrd,
            cmdline,
        } => {
            list.extend(["-kernel".into(), kernel.into()]);
            if let Some(initrd) = initrd {
                list.extend(["-initrd".into(), initrd.into()]);
            }
            list.extend(["-append".into(), cmdline.into()]);
        }
    }
}

fn network(list: &mut Vec<OsString>, machine: &Machine) {
    if let Medium::Network { folder, program } = &machine.medium {
        // SeaBIOS has no driver for a card: it runs the program that the card brings along.
        let rom = match machine.firmware {
            Firmware::Bios => "",
            Firmware::Uefi { .. } => ",romfile=",
        };
        let options = format!("user,id=net0,restrict=on,bootfile={program}");
        list.extend([
            "-netdev".into(),
            with_path(&options, "tftp", folder),
            "-device".into(),
            format!(
                "virtio-net-pci,bus=pcie.0,addr={NETWORK_SLOT:#x},netdev=net0,bootindex=0{rom}"
            )
            .into(),
        ]);
        return;
    }
    let backend = match machine.network {
        Network::None => return,
        Network::Isolated => "user,id=net0,restrict=on",
        Network::User => "user,id=net0",
    };
    list.extend([
        "-netdev".into(),
        backend.into(),
        "-device".into(),
        // Without a program of its own to boot from, which is in another package.
        format!("virtio-net-pci,bus=pcie.0,addr={NETWORK_SLOT:#x},netdev=net0,romfile=").into(),
    ]);
}

/// Quotes one word for a POSIX shell.
pub(crate) fn shell_word(word: &OsStr) -> Vec<u8> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_./=:,+@%".contains(b);
    let bytes = word.as_bytes();
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return bytes.to_vec();
    }
    let mut quoted = vec![b'\''];
    for byte in bytes {
        match byte {
            b'\'' => quoted.extend(b"'\\''"),
            _ => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(machine: &Machine, accel: &Accel, wiring: Wiring<'_>) -> String {
        let words: Vec<String> = arguments(machine, accel, wiring, Path::new("/run/vars.fd"))
            .iter()
            .map(|word| String::from_utf8(shell_word(word)).unwrap())
            .collect();
        words.join(" ").replace(" -", "\n-")
    }

    fn tcg() -> Accel {
        Accel::Tcg {
            reason: "no".to_owned(),
        }
    }

    #[test]
    fn golden_iso_with_uefi_under_test() {
        let machine = Machine {
            system: System::X86_64,
            medium: Medium::Cdrom("/xsc/store/a,b.iso".into()),
            firmware: Firmware::Uefi {
                code: "/usr/share/OVMF/OVMF_CODE_4M.fd".into(),
                vars_template: "/usr/share/OVMF/OVMF_VARS_4M.fd".into(),
            },
            memory_mib: 512,
            cpus: 2,
            network: Network::Isolated,
            spare: None,
            extra: vec!["-s".to_owned()],
        };
        let expected = "\
-no-user-config
-nodefaults
-no-reboot
-display none
-machine q35
-accel kvm
-cpu max
-m 512
-smp 2
-drive if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd
-drive if=pflash,unit=1,format=raw,file=/run/vars.fd
-object rng-random,id=rng0,filename=/dev/urandom
-device virtio-rng-pci,bus=pcie.0,addr=0x2,rng=rng0
-chardev socket,id=console,path=/tmp/t/console
-serial chardev:console
-chardev socket,id=monitor,path=/tmp/t/monitor
-mon chardev=monitor,mode=control
-device virtio-serial-pci,id=serial0,bus=pcie.0,addr=0x3
-chardev socket,id=verdict,path=/tmp/t/verdict
-device virtserialport,bus=serial0.0,nr=1,chardev=verdict,name=xsc.verdict
-drive if=none,id=medium,media=cdrom,format=raw,readonly=on,file=/xsc/store/a,,b.iso
-device ide-cd,bus=ide.0,drive=medium,bootindex=0
-netdev user,id=net0,restrict=on
-device virtio-net-pci,bus=pcie.0,addr=0x5,netdev=net0,romfile=
-s";
        let sockets = Wiring::Sockets(Path::new("/tmp/t"));
        assert_eq!(render(&machine, &Accel::Kvm, sockets), expected);
    }

    #[test]
    fn a_disk_is_attached_to_each_bus_in_its_own_format() {
        for (bus, image, expected) in [
            (
                Bus::Ahci,
                "/d.img",
                "-drive if=none,id=medium,format=raw,snapshot=on,file=/d.img\n\
                 -device ich9-ahci,id=ahci0,bus=pcie.0,addr=0x4\n\
                 -device ide-hd,bus=ahci0.0,drive=medium,bootindex=0",
            ),
            (
                Bus::Nvme,
                "/d.qcow2",
                "-drive if=none,id=medium,format=qcow2,snapshot=on,file=/d.qcow2\n\
                 -device nvme,bus=pcie.0,addr=0x4,serial=medium,drive=medium,bootindex=0",
            ),
            (
                Bus::Usb,
                "/d.iso",
                "-drive if=none,id=medium,format=raw,snapshot=on,file=/d.iso\n\
                 -device qemu-xhci,id=usb0,bus=pcie.0,addr=0x4\n\
                 -device usb-storage,bus=usb0.0,drive=medium,bootindex=0",
            ),
        ] {
            let machine = Machine {
                system: System::X86_64,
                medium: Medium::Disk {
                    image: image.into(),
                    bus,
                },
                firmware: Firmware::Bios,
                memory_mib: 128,
                cpus: 1,
                network: Network::None,
                spare: None,
                extra: Vec::new(),
            };
            let rendered = render(&machine, &Accel::Kvm, Wiring::Terminal);
            assert!(rendered.contains(expected), "{rendered}");
        }
    }

    #[test]
    fn media_of_a_folder_of_a_network_and_of_the_callers_own() {
        let folder = Medium::Folder("/u,ki".into());
        let network = Medium::Network {
            folder: "/px,e".into(),
            program: "boot.ipxe".to_owned(),
        };
        let uefi = Firmware::Uefi {
            code: "/c".into(),
            vars_template: "/v".into(),
        };
        let card = "-netdev user,id=net0,restrict=on,bootfile=boot.ipxe,tftp=/px,,e\n\
                    -device virtio-net-pci,bus=pcie.0,addr=0x5,netdev=net0,bootindex=0";
        for (medium, firmware, expected) in [
            (
                folder,
                Firmware::Bios,
                "-drive if=none,id=medium,format=raw,readonly=on,file=fat:/u,,ki\n\
                 -device virtio-blk-pci,bus=pcie.0,addr=0x4,drive=medium,bootindex=0"
                    .to_owned(),
            ),
            (network.clone(), Firmware::Bios, format!("{card}\n")),
            (network, uefi, format!("{card},romfile=\n")),
            (
                Medium::Scratch("/own.img".into()),
                Firmware::Bios,
                "-drive if=none,id=medium,format=raw,file=/own.img\n".to_owned(),
            ),
        ] {
            let machine = Machine {
                system: System::X86_64,
                medium,
                firmware,
                memory_mib: 128,
                cpus: 1,
                // The medium's card is the only one.
                network: Network::None,
                spare: Some("/spare.img".into()),
                extra: Vec::new(),
            };
            let rendered = render(&machine, &Accel::Kvm, Wiring::Terminal) + "\n";
            assert!(rendered.contains(&expected), "{rendered}");
            let spare = "-drive if=none,id=spare,format=raw,file=/spare.img\n\
                         -device virtio-blk-pci,bus=pcie.0,addr=0x6,drive=spare";
            assert!(rendered.contains(spare), "{rendered}");
        }
    }

    #[test]
    fn golden_disk_on_the_terminal() {
        let machine = Machine {
            system: System::X86_64,
            medium: Medium::Disk {
                image: "/xsc/store/disk.img".into(),
                bus: Bus::Virtio,
            },
            firmware: Firmware::Bios,
            memory_mib: 128,
            cpus: 1,
            network: Network::None,
            spare: None,
            extra: Vec::new(),
        };
        let expected = "\
-no-user-config
-nodefaults
-no-reboot
-display none
-machine q35
-accel tcg
-cpu max
-m 128
-smp 1
-object rng-random,id=rng0,filename=/dev/urandom
-device virtio-rng-pci,bus=pcie.0,addr=0x2,rng=rng0
-chardev stdio,id=console,mux=on,signal=off
-serial chardev:console
-mon chardev=console,mode=readline
-drive if=none,id=medium,format=raw,snapshot=on,file=/xsc/store/disk.img
-device virtio-blk-pci,bus=pcie.0,addr=0x4,drive=medium,bootindex=0";
        assert_eq!(render(&machine, &tcg(), Wiring::Terminal), expected);
    }

    #[test]
    fn golden_arm_kernel_for_replay() {
        let machine = Machine {
            system: System::Aarch64,
            medium: Medium::Kernel {
                kernel: "/k/Image".into(),
                initrd: Some("/k/init cpio".into()),
                cmdline: "console=ttyAMA0 it's".to_owned(),
            },
            firmware: Firmware::Bios,
            memory_mib: 256,
            cpus: 1,
            network: Network::None,
            spare: None,
            extra: Vec::new(),
        };
        let expected = "\
-no-user-config
-nodefaults
-no-reboot
-display none
-machine virt,gic-version=3
-accel tcg
-cpu max,pauth-impdef=on
-m 256
-smp 1
-object rng-random,id=rng0,filename=/dev/urandom
-device virtio-rng-pci,bus=pcie.0,addr=0x2,rng=rng0
-chardev stdio,id=console,mux=on,signal=off
-serial chardev:console
-mon chardev=console,mode=readline
-device virtio-serial-pci,id=serial0,bus=pcie.0,addr=0x3
-chardev file,id=verdict,path=/b/v.log
-device virtserialport,bus=serial0.0,nr=1,chardev=verdict,name=xsc.verdict
-kernel /k/Image
-initrd '/k/init cpio'
-append 'console=ttyAMA0 it'\\''s'";
        let replay = Wiring::Replay(Path::new("/b/v.log"));
        assert_eq!(render(&machine, &tcg(), replay), expected);
    }

    #[test]
    fn an_arm_cd_sits_on_a_scsi_controller() {
        let machine = Machine {
            system: System::Aarch64,
            medium: Medium::Cdrom("/a.iso".into()),
            firmware: Firmware::Bios,
            memory_mib: 256,
            cpus: 1,
            network: Network::None,
            spare: None,
            extra: Vec::new(),
        };
        let text = render(&machine, &tcg(), Wiring::Terminal);
        assert!(
            text.ends_with(
                "-device virtio-scsi-pci,id=scsi0,bus=pcie.0,addr=0x4\n\
             -device scsi-cd,bus=scsi0.0,drive=medium,bootindex=0"
            ),
            "{text}"
        );
    }

    #[test]
    fn words_survive_the_shell() {
        for (word, quoted) in [
            ("", "''"),
            ("a b", "'a b'"),
            ("$x", "'$x'"),
            ("a=b,c", "a=b,c"),
        ] {
            assert_eq!(shell_word(OsStr::new(word)), quoted.as_bytes());
        }
    }
}
