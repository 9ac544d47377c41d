//! Tests that boot real guests under QEMU: boot sectors and kernels of a few instructions with known manners.
//!
//! Run where QEMU is installed; elsewhere each prints why it was skipped. Invariant: no test asserts how long
//! something takes, only how it ended.

mod kernels;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::accel::{Accel, probe, run_probe};
use crate::error::VmError;
use crate::interactive::run_interactive;
use crate::locate::{Emulator, find_qemu, find_uefi};
use crate::machine::{Bus, Firmware, Machine, Medium, Network, System};
use crate::runner::{TestSpec, test};
use crate::script::Script;
use crate::sector::Sector;
use crate::verdict::{Ended, Failure, Verdict};

const GOOD: &str = "TAP version 13\nok 1\nxsc-verdict: pass=1 fail=0 skip=0 taint=0 warn=0\n";
const NEVER: Duration = Duration::from_secs(60);

/// The emulator under TCG, so that the tests are the same everywhere; `None` where there is none.
fn emulator(system: System) -> Option<Emulator> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    match Emulator::locate(system, &path, &AtomicBool::new(false)) {
        Ok(found) => Some(Emulator {
            accel: Accel::Tcg {
                reason: "chosen by the test".to_owned(),
            },
            ..found
        }),
        Err(VmError::QemuMissing { program, package }) => {
            eprintln!("skipped: {program} is not installed (package {package})");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A folder with the files of one guest.
struct Bench {
    folder: TempDir,
    emulator: Emulator,
    machine: Machine,
    silence: Duration,
    total: Duration,
    script: Option<Script>,
    lines: Vec<String>,
}

impl Bench {
    /// A guest that starts from a disk.
    fn new(sector: Sector) -> Option<Bench> {
        Bench::with(System::X86_64, |folder| {
            // The comma proves that paths are escaped.
            Medium::Disk {
                image: read_only(&folder.join("disk,1.img"), &sector.disk()),
                bus: Bus::Virtio,
            }
        })
    }

    /// A guest of that system, with a medium made in a new folder.
    fn with(system: System, medium: impl FnOnce(&Path) -> Medium) -> Option<Bench> {
        let emulator = emulator(system)?;
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine {
            system,
            medium: medium(folder.path()),
            firmware: Firmware::Bios,
            memory_mib: 64,
            cpus: 1,
            network: Network::None,
            spare: None,
            extra: Vec::new(),
        };
        Some(Bench {
            folder,
            emulator,
            machine,
            silence: NEVER,
            total: NEVER,
            script: None,
            lines: Vec::new(),
        })
    }

    fn bundle(&self) -> PathBuf {
        self.folder.path().join("out/bundle")
    }

    fn run(&mut self) -> Result<Verdict, VmError> {
        self.run_until(&AtomicBool::new(false), |_, _| {})
    }

    fn run_until(
        &mut self,
        cancel: &AtomicBool,
        mut seen: impl FnMut(&str, &AtomicBool),
    ) -> Result<Verdict, VmError> {
        let spec = TestSpec {
            deadline_silence: self.silence,
            deadline_total: self.total,
            bundle_dir: self.bundle(),
            script: self.script.clone(),
        };
        let lines = &mut self.lines;
        test(&self.emulator, &self.machine, &spec, cancel, &mut |line| {
            lines.push(line.to_owned());
            seen(line, cancel);
        })
    }

    /// Runs a guest that must fail, checks its bundle and returns the kinds of failure.
    fn fail(&mut self) -> (Vec<&'static str>, Verdict) {
        let verdict = self.run().unwrap();
        assert!(!verdict.passed);
        assert_eq!(verdict.bundle.as_deref(), Some(self.bundle().as_path()));
        let kinds = verdict.failures.iter().map(Failure::kind).collect();
        (kinds, verdict)
    }
}

/// Writes a file with the mode that it would have in the store.
fn read_only(path: &Path, content: &[u8]) -> PathBuf {
    fs::write(path, content).unwrap();
    let mut mode = fs::metadata(path).unwrap().permissions();
    mode.set_readonly(true);
    fs::set_permissions(path, mode).unwrap();
    path.to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn vm_a_guest_that_says_so_and_powers_off_passes() {
    let guest = Sector::new()
        .print("hello\r\nworld\r\n")
        .say(GOOD)
        .power_off();
    let Some(mut bench) = Bench::new(guest) else {
        return;
    };
    let image = bench.machine.medium.path().to_owned();
    let before = fs::read(&image).unwrap();
    let verdict = bench.run().unwrap();
    assert!(verdict.passed, "{}", verdict.to_json());
    assert_eq!(verdict.counts.as_ref().unwrap().pass, 1);
    assert_eq!(verdict.ended, Ended::PoweredOff);
    assert_eq!(verdict.accel, "tcg: chosen by the test");
    assert_eq!(verdict.bundle, None);
    assert!(!bench.bundle().exists(), "a passed test leaves nothing");
    assert_eq!(bench.lines, ["hello", "world"]);
    assert_eq!(fs::read(&image).unwrap(), before);
    let json: serde_json::Value = serde_json::from_str(&verdict.to_json()).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["passed"], true);
    assert_eq!(json["counts"]["pass"], 1);
    assert!(
        json["command_line"][0]
            .as_str()
            .unwrap()
            .ends_with("qemu-system-x86_64")
    );
}

#[test]
fn vm_a_script_is_the_test() {
    let guest = Sector::new()
        .print("login: ")
        .read_line()
        .print("Last login\r\n")
        .read_line()
        .print("bye\r\n")
        .power_off();
    let Some(mut bench) = Bench::new(guest) else {
        return;
    };
    let script = "expect login:\nsend root\nexpect Last login\nsend poweroff\nexpect bye";
    bench.script = Some(Script::parse(script).unwrap());
    bench.machine.network = Network::Isolated;
    let verdict = bench.run().unwrap();
    assert!(verdict.passed, "{}", verdict.to_json());
    assert_eq!(verdict.counts.as_ref().unwrap().pass, 5);
    assert_eq!(verdict.report[2], "ok 2 - send root");
}

#[test]
fn vm_a_script_that_waits_in_vain_fails() {
    let Some(mut bench) = Bench::new(Sector::new().print("login: ").halt()) else {
        return;
    };
    let script = "limit 1\nexpect login:\nexpect Welcome\nsend x";
    bench.script = Some(Script::parse(script).unwrap());
    let (kinds, verdict) = bench.fail();
    assert_eq!(kinds, ["tests-failed", "not-powered-off"]);
    assert_eq!(verdict.ended, Ended::Abandoned);
    assert_eq!(
        verdict.failed_tests,
        [
            "not ok 2 - expect Welcome (waited 1 s in vain)",
            "not ok 3 - send x (never done)"
        ]
    );
}

#[test]
fn vm_a_clean_power_off_without_verdict_fails_and_leaves_a_bundle() {
    let Some(mut bench) = Bench::new(Sector::new().print("all is well\n").power_off()) else {
        return;
    };
    let (kinds, verdict) = bench.fail();
    assert_eq!(kinds, ["verdict-missing"]);
    assert_eq!(verdict.ended, Ended::PoweredOff);
    let bundle = bench.bundle();
    let expected = [
        "console.log",
        "image",
        "qemu-version",
        "qemu.log",
        "run.sh",
        "verdict.json",
        "verdict.log",
    ];
    assert_eq!(names(&bundle), expected);
    let text = |name: &str| fs::read_to_string(bundle.join(name)).unwrap();
    assert_eq!(text("console.log"), "all is well\n");
    assert_eq!(text("verdict.log"), "");
    assert_eq!(text("verdict.json"), verdict.to_json());
    assert_eq!(text("qemu-version").trim_end(), bench.emulator.version);
    assert_eq!(
        Path::new(text("image").trim_end()),
        bench.machine.medium.path()
    );

    // The script boots the same guest again by itself.
    let again = Command::new(bundle.join("run.sh"))
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(said.contains("all is well"), "{again:?}");
    assert!(bundle.join("verdict-again.log").exists());
}

#[test]
fn vm_a_bad_verdict_fails_and_is_kept() {
    let bad = "not ok 1 - ring\nxsc-verdict: pass=2 fail=1 skip=0 taint=0 warn=0\n";
    let Some(mut bench) = Bench::new(Sector::new().say(bad).power_off()) else {
        return;
    };
    let (kinds, verdict) = bench.fail();
    assert_eq!(kinds, ["tests-failed"]);
    assert_eq!(verdict.failed_tests, ["not ok 1 - ring"]);
    assert_eq!(
        fs::read_to_string(bench.bundle().join("verdict.log")).unwrap(),
        bad
    );
}

#[test]
fn vm_a_kernel_complaint_spoils_a_good_verdict() {
    let guest = Sector::new()
        .print("[ 1.0] WARNING: at x\nnot ok 7\n")
        .say(GOOD)
        .power_off();
    let Some(mut bench) = Bench::new(guest) else {
        return;
    };
    let (kinds, verdict) = bench.fail();
    assert_eq!(kinds, ["kernel-complained"]);
    assert_eq!(verdict.failed_tests, ["not ok 7"]);
    assert_eq!(verdict.kernel_complaints, ["[ 1.0] WARNING: at x"]);
}

#[test]
fn vm_the_report_is_what_programs_wrote() {
    let bare = "xsc-verdict: pass=1 fail=0 skip=0 taint=0 warn=0\n";
    let console = "BIOS\n[    0.1] Linux\ngetppid 1\n[    0.2] more\nxsc-verdict: x\n";
    let Some(mut bench) = Bench::new(Sector::new().print(console).say(bare).power_off()) else {
        return;
    };
    assert_eq!(bench.run().unwrap().report, ["getppid 1"]);
    let guest = Sector::new().print(console).say(GOOD).power_off();
    let Some(mut bench) = Bench::new(guest) else {
        return;
    };
    assert_eq!(bench.run().unwrap().report, ["TAP version 13", "ok 1"]);
}

#[test]
fn vm_a_reset_is_not_a_power_off() {
    let Some(mut bench) = Bench::new(Sector::new().say(GOOD).reset()) else {
        return;
    };
    let (kinds, verdict) = bench.fail();
    assert_eq!(kinds, ["not-powered-off"]);
    assert_eq!(verdict.ended, Ended::Reset);
}

#[test]
fn vm_an_exit_of_qemu_is_not_a_power_off() {
    let Some(mut bench) = Bench::new(Sector::new().say(GOOD).exit(0)) else {
        return;
    };
    bench.machine.extra = ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x4"]
        .map(str::to_owned)
        .to_vec();
    let (kinds, verdict) = bench.fail();
    assert_eq!(kinds, ["not-powered-off"]);
    assert!(
        matches!(verdict.ended, Ended::Exited(_)),
        "{:?}",
        verdict.ended
    );
}

#[test]
fn vm_a_silent_guest_is_ended() {
    let Some(mut bench) = Bench::new(Sector::new().print("before\n").say(GOOD).halt()) else {
        return;
    };
    bench.silence = Duration::from_secs(5);
    let (kinds, verdict) = bench.fail();
    assert_eq!(kinds, ["not-powered-off"]);
    assert_eq!(verdict.ended, Ended::Silent(bench.silence));
    assert_eq!(bench.lines, ["before"]);
}

#[test]
fn vm_a_panic_shortens_the_wait() {
    let Some(mut bench) = Bench::new(Sector::new().print("Kernel panic - not syncing\n").halt())
    else {
        return;
    };
    let (kinds, verdict) = bench.fail();
    let expected = ["kernel-complained", "verdict-missing", "not-powered-off"];
    assert_eq!(kinds, expected);
    assert!(matches!(verdict.ended, Ended::Silent(d) if d < NEVER));
}

#[test]
fn vm_a_talking_guest_is_ended_by_the_total() {
    let Some(mut bench) = Bench::new(Sector::new().chatter("tick\n")) else {
        return;
    };
    bench.total = Duration::from_secs(5);
    let (_, verdict) = bench.fail();
    assert_eq!(verdict.ended, Ended::Overran(bench.total));
    assert!(bench.lines.iter().any(|line| line == "tick"));
}

#[test]
fn vm_cancelling_ends_the_guest_without_a_bundle() {
    let Some(mut bench) = Bench::new(Sector::new().chatter("tick\n")) else {
        return;
    };
    let cancel = AtomicBool::new(false);
    let result = bench.run_until(&cancel, |_, cancel| cancel.store(true, Ordering::Relaxed));
    assert!(matches!(result, Err(VmError::Cancelled)), "{result:?}");
    assert!(!bench.bundle().exists());
}

#[test]
fn vm_what_qemu_refuses_is_an_error_in_its_words() {
    let Some(mut bench) = Bench::new(Sector::new().halt()) else {
        return;
    };
    bench.machine.extra = vec!["-no-such-option".to_owned()];
    let error = bench.run().unwrap_err();
    assert!(matches!(error, VmError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("-no-such-option"), "{error}");
    assert!(!bench.bundle().exists());
}

#[test]
fn vm_a_missing_image_is_an_error_that_names_it() {
    let Some(mut bench) = Bench::new(Sector::new().halt()) else {
        return;
    };
    bench.machine.medium = Medium::Cdrom("/nonexistent/xsc.iso".into());
    let error = bench.run().unwrap_err();
    assert!(
        error.to_string().contains("/nonexistent/xsc.iso"),
        "{error}"
    );
}

#[test]
fn vm_uefi_gets_a_private_variable_store() {
    let Some(mut bench) = Bench::new(Sector::new().halt()) else {
        return;
    };
    match find_uefi(System::X86_64) {
        Ok(firmware) => bench.machine.firmware = firmware,
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    }
    // The disk holds nothing UEFI could boot; that the firmware says so is enough.
    bench.machine.memory_mib = 256;
    let cancel = AtomicBool::new(false);
    let result = bench.run_until(&cancel, |line, cancel| {
        cancel.store(line.contains("BdsDxe"), Ordering::Relaxed);
    });
    let said = bench.lines.join("\n");
    assert!(
        matches!(result, Err(VmError::Cancelled)),
        "{result:?} {said}"
    );

    bench.total = Duration::from_secs(1);
    let (kinds, _) = bench.fail();
    assert_eq!(kinds, ["verdict-missing", "not-powered-off"]);
    assert!(bench.bundle().join("vars.fd").exists());
    let script = fs::read_to_string(bench.bundle().join("run.sh")).unwrap();
    assert!(script.contains("/bundle/vars.fd"), "{script}");
}

#[test]
fn vm_an_interactive_run_ends_with_the_guest_or_the_flag() {
    let Some(bench) = Bench::new(Sector::new().power_off()) else {
        return;
    };
    let run = |cancel| run_interactive(&bench.emulator, &bench.machine, &AtomicBool::new(cancel));
    assert!(run(false).unwrap().success());
    // QEMU ends on SIGTERM by itself, or dies of it before it listens: either way it is gone.
    run(true).unwrap();
}

#[test]
fn vm_a_bundle_that_cannot_be_written_keeps_the_verdict() {
    let Some(mut bench) = Bench::new(Sector::new().power_off()) else {
        return;
    };
    fs::write(bench.folder.path().join("out"), "a file in the way").unwrap();
    match bench.run().unwrap_err() {
        VmError::Bundle { verdict, .. } => assert_eq!(verdict.failures, [Failure::VerdictMissing]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn vm_the_probe_runs_guest_code() {
    let Some(emulator) = emulator(System::X86_64) else {
        return;
    };
    let run = |accel: &str, limit: Duration| {
        run_probe(
            accel,
            &emulator.program,
            None,
            limit,
            &AtomicBool::new(false),
        )
        .unwrap()
    };
    assert_eq!(run("tcg", NEVER), Ok(()));
    let refused = run("no-such-accelerator", NEVER).unwrap_err();
    assert!(refused.contains("no-such-accelerator"), "{refused}");
    let hung = run("tcg", Duration::ZERO).unwrap_err();
    assert!(hung.starts_with("no guest code ran within"), "{hung}");
}

#[test]
fn vm_kvm_is_claimed_only_when_it_runs() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Ok(program) = find_qemu(System::X86_64, &path) else {
        eprintln!("skipped: qemu-system-x86_64 is not installed");
        return;
    };
    let never = AtomicBool::new(false);
    match probe(System::X86_64, &program, None, &never).unwrap() {
        Accel::Kvm => assert!(Path::new("/dev/kvm").exists()),
        Accel::Tcg { reason } => {
            eprintln!("tcg: {reason}");
            assert!(!reason.is_empty());
        }
    }
    // A program that ends with success proves nothing.
    let reason = run_probe("kvm", Path::new("/bin/true"), None, NEVER, &never).unwrap();
    assert_eq!(reason, Err("qemu ended with exit status: 0".to_owned()));
}
