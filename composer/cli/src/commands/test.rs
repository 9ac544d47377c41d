//! `test`: builds a profile, boots its ISO in QEMU and judges what it says.
//!
//! Prints the verdict; exit code 1 where it is a failure. Invariant: only a verdict that the
//! guest sent over the second channel, and a clean console, count as success.

use std::time::Duration;

use xsc_vm::{TestSpec, Verdict};

use super::run::{prepare, vm_error};
use super::{Cancel, build, print};
use crate::args::Test;
use crate::context::Context;
use crate::error::{CommandError, exit};
use crate::ui::human;

pub(crate) fn run(context: &Context, args: &Test, cancel: &Cancel) -> Result<(), CommandError> {
    let images = build::images(context, &args.profile, &args.flags, cancel)?;
    let Some(images) = images else {
        return Ok(());
    };
    let (emulator, machine) = prepare(&images.opened.profile, &images.path, &args.boot, cancel)?;
    let total = images.opened.profile.test.timeout_seconds.unwrap_or(600);
    let spec = TestSpec {
        deadline_silence: emulator.accel.default_silence(),
        deadline_total: Duration::from_secs(total),
        bundle_dir: args.bundle.clone(),
    };
    let show = args.flags.print_build_logs && !context.quiet;
    let mut observe = |line: &str| {
        if show {
            eprintln!("{line}");
        }
    };
    let verdict =
        xsc_vm::test(&emulator, &machine, &spec, cancel, &mut observe).map_err(|e| vm_error(&e))?;
    if context.json {
        print(verdict.to_json().trim_end());
    } else {
        print(&summary(&verdict));
    }
    if verdict.passed {
        Ok(())
    } else {
        Err(failed(&verdict))
    }
}

fn summary(verdict: &Verdict) -> String {
    let outcome = if verdict.passed { "passed" } else { "failed" };
    let counts = match &verdict.counts {
        Some(c) => format!("{} passed, {} failed, {} skipped", c.pass, c.fail, c.skip),
        None => "no verdict from the guest".to_owned(),
    };
    format!(
        "boot test {outcome} in {}: {counts} ({})",
        human(verdict.duration),
        verdict.accel
    )
}

fn failed(verdict: &Verdict) -> CommandError {
    let mut reasons: Vec<String> = verdict.failures.iter().map(ToString::to_string).collect();
    reasons.extend(verdict.failed_tests.iter().cloned());
    reasons.extend(verdict.kernel_complaints.iter().cloned());
    let message = format!("the boot test failed: {}", reasons.join("\n  "));
    let error = CommandError {
        code: exit::OTHER,
        message,
        hints: Vec::new(),
    };
    match &verdict.bundle {
        Some(bundle) => error.hint(format!(
            "console, command line and verdict are in {}",
            bundle.display()
        )),
        None => error,
    }
}
