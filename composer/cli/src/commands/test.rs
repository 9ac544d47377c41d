//! `test`: builds a profile, boots it in QEMU and judges what it says.
//!
//! Prints the verdict; exit code 1 where it is a failure, 0 where it is a skip. Invariant: only a verdict that the
//! guest sent over the second channel, or a script whose every step worked, and a clean console count as success.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use xsc_profile::Profile;
use xsc_vm::{Machine, Network, Script, TestSpec, Verdict};

use super::machine::{choose, prepare, said_in_bochs, vm_error};
use super::{Cancel, Opened, build, matrix, open, print, read};
use crate::args::{BootFlags, Test};
use crate::context::Context;
use crate::error::{CommandError, exit};
use crate::ui::{HEARTBEAT, beside, human, say};

pub(crate) fn run(context: &Context, args: &Test, cancel: &Cancel) -> Result<(), CommandError> {
    let mut opened = open(context, &args.profile)?;
    let script = if args.matrix {
        None
    } else {
        choose(opened.profile(), &args.boot)?;
        script(&opened, args)?
    };
    if let Some(attr) = &args.if_built
        && !is_built(context, &mut opened, attr)?
    {
        skip(context, &format!("{attr} is not built"));
        return Ok(());
    }
    let images = build::images(context, opened, &args.flags, cancel)?;
    let Some(images) = images else {
        return Ok(());
    };
    let profile = images.opened.profile();
    if let Some(console) = said_in_bochs(profile, &images.path) {
        tried(context, args.report, &console)?;
        return Ok(());
    }
    let boots = Boots {
        context,
        args,
        profile,
        images: &images.path,
        script,
        cancel,
    };
    if args.matrix {
        return matrix::run(context, &boots, &args.boot, cancel);
    }
    let verdict = boots.attempt(&args.boot, &args.bundle)?;
    if context.json {
        print(verdict.to_json().trim_end());
    } else {
        if args.report {
            verdict.report.iter().for_each(|line| print(line));
        }
        print(&summary(&verdict));
    }
    if verdict.passed {
        Ok(())
    } else {
        Err(failed(&verdict))
    }
}

/// What the boots of one call have in common.
pub(crate) struct Boots<'a> {
    context: &'a Context,
    pub(crate) args: &'a Test,
    pub(crate) profile: &'a Profile,
    pub(crate) images: &'a Path,
    script: Option<Script>,
    cancel: &'a Cancel,
}

impl Boots<'_> {
    /// Boots once and judges what the guest says; a failure leaves its evidence in `bundle`.
    pub(crate) fn attempt(
        &self,
        flags: &BootFlags,
        bundle: &Path,
    ) -> Result<Verdict, CommandError> {
        let verdict = self.with(flags, bundle, self.script.clone(), &|_| {});
        verdict.map(|(verdict, _)| verdict)
    }

    /// The same with a machine that is changed first, and another script; also gives what the console said.
    pub(crate) fn with(
        &self,
        flags: &BootFlags,
        bundle: &Path,
        script: Option<Script>,
        change: &dyn Fn(&mut Machine),
    ) -> Result<(Verdict, Vec<String>), CommandError> {
        let Boots { context, args, .. } = *self;
        let choice = choose(self.profile, flags)?;
        let (emulator, mut machine) =
            prepare(self.profile, self.images, choice, flags, self.cancel)?;
        if script.is_some() {
            machine.network = Network::Isolated;
        }
        change(&mut machine);
        let total = Duration::from_secs(self.profile.test.timeout_seconds.unwrap_or(600));
        let spec = TestSpec {
            deadline_silence: emulator.accel.default_silence(),
            deadline_total: args.boot_timeout.unwrap_or(total),
            bundle_dir: bundle.to_owned(),
            script,
        };
        let console = args.flags.print_build_logs && !context.quiet;
        let progress = Progress::new(console, context.quiet);
        let mut lines = Vec::new();
        let verdict = beside(&|| progress.beat(), || {
            let mut observe = |line: &str| {
                progress.line(line);
                lines.push(line.to_owned());
            };
            xsc_vm::test(&emulator, &machine, &spec, self.cancel, &mut observe)
        });
        verdict
            .map(|verdict| (verdict, lines))
            .map_err(|e| vm_error(&e))
    }
}

/// What a person sees while the machine runs: its console, or now and then the last line of it.
struct Progress {
    console: bool,
    quiet: bool,
    begin: Instant,
    /// When something was shown, and what the console said last.
    last: Mutex<(Instant, String)>,
}

impl Progress {
    fn new(console: bool, quiet: bool) -> Self {
        let begin = Instant::now();
        Progress {
            console,
            quiet,
            begin,
            last: Mutex::new((begin, String::new())),
        }
    }

    fn line(&self, line: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if self.console {
            say(line);
            last.0 = Instant::now();
        }
        line.clone_into(&mut last.1);
    }

    fn beat(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.quiet && last.0.elapsed() >= HEARTBEAT {
            say(&format!(
                "still running after {}: {}",
                human(self.begin.elapsed()),
                last.1
            ));
            last.0 = Instant::now();
        }
    }
}

/// The script that the user names, or else the profile.
fn script(opened: &Opened, args: &Test) -> Result<Option<Script>, CommandError> {
    let beside = |name: &str| args.profile.with_file_name(name);
    let of_profile = opened.profile().test.script.as_ref();
    let Some(path) = args
        .script
        .clone()
        .or_else(|| of_profile.map(|script| beside(&script.value)))
    else {
        return Ok(None);
    };
    let script = Script::parse(&read(&path)?)
        .map_err(|e| CommandError::usage(format!("{}: {e}", path.display())))?;
    Ok(Some(script))
}

/// Whether the derivation at `attr` is in the store.
fn is_built(context: &Context, opened: &mut Opened, attr: &str) -> Result<bool, CommandError> {
    let drv = opened.derivation(Some(attr))?;
    let store = context.store()?;
    let graph = opened.recipes.graph();
    let plan = crate::caches::plan_here(context, &opened.flake, &store, &graph, &[drv])?;
    Ok(plan.known.contains_key(&drv) && !plan.remote.contains(&drv))
}

/// Says that the test was not run.
fn skip(context: &Context, reason: &str) {
    if context.json {
        print(&json!({ "version": 1, "skipped": reason }).to_string());
    } else {
        print(&format!("boot test skipped: {reason}"));
    }
}

/// Says that composing was the test.
fn tried(context: &Context, report: bool, console: &Path) -> Result<(), CommandError> {
    if context.json {
        print(&json!({ "version": 1, "passed": true, "console": console }).to_string());
        return Ok(());
    }
    if report {
        let said = std::fs::read(console)
            .map_err(|e| CommandError::other(format!("cannot read {}: {e}", console.display())))?;
        print(String::from_utf8_lossy(&said).trim_end());
    }
    let console = console.display();
    print(&format!(
        "boot test passed in Bochs when the images were composed; its console: {console}"
    ));
    Ok(())
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
    let error = CommandError::new(exit::OTHER, message);
    match &verdict.bundle {
        Some(bundle) => error.hint(format!(
            "console, command line and verdict are in {}",
            bundle.display()
        )),
        None => error,
    }
}
