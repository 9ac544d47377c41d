//! Boots without boot loader: QEMU loads kernel, initial file system and command line.
//!
//! A part of `boot_tests`. Invariant: a guest can pass only with what it was given, so a kernel that starts
//! without its command line or its initial file system is seen.

use super::{Bench, GOOD, read_only};
use crate::arm;
use crate::machine::{Medium, System};
use crate::sector::Sector;
use crate::verdict::Ended;

/// A guest whose kernel QEMU loads. The comma proves that these paths are not escaped.
fn bench(system: System, kernel: &[u8], initrd: Option<&str>, cmdline: &str) -> Option<Bench> {
    Bench::with(system, |folder| Medium::Kernel {
        kernel: read_only(&folder.join("vmlinuz,1"), kernel),
        initrd: initrd.map(|text| read_only(&folder.join("initramfs,1"), text.as_bytes())),
        cmdline: cmdline.to_owned(),
    })
}

#[test]
fn vm_a_kernel_is_given_its_command_line() {
    let kernel = Sector::new()
        .print_command_line()
        .print("\n")
        .say(GOOD)
        .power_off()
        .kernel();
    let cmdline = "console=ttyS0 xsc.tests=a,b it's=\"here\"";
    let Some(mut bench) = bench(System::X86_64, &kernel, Some("initramfs"), cmdline) else {
        return;
    };
    let verdict = bench.run().unwrap();
    assert!(verdict.passed, "{}", verdict.to_json());
    let line = bench.lines.iter().find(|line| line.contains(cmdline));
    assert!(line.is_some(), "{:?}", bench.lines);
    assert_eq!(verdict.report, ["TAP version 13", "ok 1"]);
}

#[test]
fn vm_a_kernel_for_arm_is_given_command_line_and_initramfs() {
    let Some(mut bench) = bench(System::Aarch64, &arm::kernel(), Some(GOOD), "echo a=b c") else {
        return;
    };
    bench.machine.cpus = 2;
    let verdict = bench.run().unwrap();
    assert!(verdict.passed, "{}", verdict.to_json());
    assert_eq!(verdict.ended, Ended::PoweredOff);
    assert_eq!(bench.lines, ["echo a=b c"]);
}

#[test]
fn vm_a_bad_verdict_of_an_arm_guest_fails() {
    let bad = "not ok 1 - ring\nxsc-verdict: pass=2 fail=1 skip=0 taint=0 warn=0\n";
    let Some(mut bench) = bench(System::Aarch64, &arm::kernel(), Some(bad), "echo") else {
        return;
    };
    let (kinds, verdict) = bench.fail();
    assert_eq!(kinds, ["tests-failed"]);
    assert_eq!(verdict.failed_tests, ["not ok 1 - ring"]);
    let again = std::process::Command::new(bench.bundle().join("run.sh"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(said.contains("echo"), "{again:?}");
}

#[test]
fn vm_a_missing_kernel_or_initramfs_is_named() {
    let Some(mut bench) = bench(System::X86_64, b"", None, "") else {
        return;
    };
    let good = bench.machine.medium.path().to_owned();
    for (kernel, initrd) in [
        ("/nonexistent/vmlinuz", None),
        ("", Some("/nonexistent/initramfs")),
    ] {
        bench.machine.medium = Medium::Kernel {
            kernel: if kernel.is_empty() {
                good.clone()
            } else {
                kernel.into()
            },
            initrd: initrd.map(Into::into),
            cmdline: String::new(),
        };
        let error = bench.run().unwrap_err().to_string();
        assert!(error.contains("/nonexistent/"), "{error}");
    }
}

#[test]
fn vm_a_file_that_is_no_kernel_fails_in_the_words_of_qemu() {
    let Some(mut bench) = bench(System::X86_64, b"no kernel", None, "") else {
        return;
    };
    let (kinds, verdict) = bench.fail();
    assert_eq!(kinds, ["verdict-missing", "not-powered-off"]);
    let Ended::Exited(words) = &verdict.ended else {
        panic!("{:?}", verdict.ended);
    };
    assert!(words.contains("kernel"), "{words}");
}
