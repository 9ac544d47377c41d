//! Boots a machine, follows what it says and ends it in time.
//!
//! Called by the command line for `xsc-compose test`. Three sockets lead out of QEMU: the console, the verdict
//! channel, and QMP, whose SHUTDOWN event tells a power-off from a reset. Invariants: QEMU is dead and reaped when
//! `test` returns; deadlines count from the last sign of progress.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::bundle::{self, Contents};
use crate::command::{Wiring, arguments};
use crate::complaints::{PANIC, complaint_in, logged};
use crate::console::{Lines, plain_lines};
use crate::error::VmError;
use crate::guest::{Guest, POLL, Stdio3};
use crate::judge::{Evidence, judge};
use crate::locate::Emulator;
use crate::machine::Machine;
use crate::script::{Script, Talk};
use crate::token::{is_failed_test, is_verdict};
use crate::verdict::{Ended, Verdict};
use crate::wire::{Channel, Listeners, Scratch};

/// The name of the virtio-serial port the guest writes its verdict to.
pub const VERDICT_CHANNEL: &str = "xsc.verdict";

/// The most the console may say.
const CONSOLE_MAX: u64 = 64 << 20;
/// The most the verdict channel may carry.
const VERDICT_MAX: usize = 1 << 20;
/// The most complaints, and the most failed tests, kept as text.
const COMPLAINTS_MAX: usize = 100;
/// The most of what programs wrote on the console that is kept as a report.
const REPORT_MAX: usize = 1 << 20;
/// The silence allowed after a panic: the kernel has said its last word.
const PANIC_SILENCE: Duration = Duration::from_secs(3);
/// The time QEMU may take to open its channels.
const CONNECT: Duration = Duration::from_secs(30);

/// How a test is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestSpec {
    /// The longest time without a byte on the console or the verdict channel; see `Accel::default_silence`.
    pub deadline_silence: Duration,
    /// The longest time from the start of QEMU to its end.
    pub deadline_total: Duration,
    /// The folder a failed test leaves its bundle in; made if need be. A test that passes does not touch it.
    pub bundle_dir: PathBuf,
    /// What is said on the console. Its steps are then the test, and the verdict channel is not listened to.
    pub script: Option<Script>,
}

/// Boots `machine`, hands each console line to `observe` and returns the verdict.
///
/// The guest passes by writing one line `xsc-verdict: pass=N fail=N skip=N taint=N warn=N` to the port
/// `VERDICT_CHANNEL`, with something passed and nothing failed, tainted or warned, without a kernel complaint on
/// the console, and by switching the machine off. With a script each of its steps has to work, instead of a verdict,
/// and silence is what the script waits for. A raised `cancel` ends QEMU and gives `Cancelled`, without a
/// bundle. Fails only for reasons of the host; see `VmError`.
pub fn test(
    emulator: &Emulator,
    machine: &Machine,
    spec: &TestSpec,
    cancel: &AtomicBool,
    observe: &mut dyn FnMut(&str),
) -> Result<Verdict, VmError> {
    // The bundle's script and the verdict are read elsewhere, so they need whole paths.
    let machine = &machine.absolute()?;
    let scratch = Scratch::new(machine)?;
    let scratch_error = |path: &PathBuf| {
        let path = path.clone();
        |source| VmError::Scratch { path, source }
    };
    let qemu_log = scratch.path().join("qemu.log");
    let log = File::create(&qemu_log).map_err(scratch_error(&qemu_log))?;
    let console = scratch.path().join("console.log");
    let console_log = File::create(&console).map_err(scratch_error(&console))?;

    let mut listeners = Listeners::open(scratch.path())?;
    let arguments = arguments(
        machine,
        &emulator.accel,
        Wiring::Sockets(scratch.path()),
        &scratch.vars(),
    );
    let start = Instant::now();
    let mut guest = Guest::spawn(
        &emulator.program,
        emulator.setpriv.as_deref(),
        &arguments,
        Stdio3::Log { log, folder: None },
    )?;
    connect(&mut guest, &mut listeners, emulator, &qemu_log, cancel)?;
    let follow = |source| VmError::Follow {
        program: emulator.program.clone(),
        source,
    };
    let keyboard = listeners.keyboard().map_err(follow)?;
    let receiver = listeners.read().map_err(follow)?;

    let mut watch = Watch::new(console_log, observe);
    watch.talk = spec.script.as_ref().map(Talk::new);
    watch.keyboard = Some(keyboard);
    let mut ended = watch_guest(&mut guest, &receiver, &mut watch, spec, start, cancel)?;
    if let Ended::Exited(status) = &mut ended {
        let words = last_words(&qemu_log);
        if !words.is_empty() {
            *status = format!("{status}: {words}");
        }
    }
    watch.finish();
    if let Some(talk) = watch.talk.take() {
        watch.verdict = talk.report().into_bytes();
    }
    if let Some(source) = watch.log_error.take() {
        return Err(scratch_error(&console)(source));
    }
    let duration = start.elapsed();

    let judgement = judge(&Evidence {
        ended: &ended,
        verdict: &watch.verdict,
        verdict_flooded: watch.verdict_flooded.then_some(VERDICT_MAX as u64),
        complaints: watch.complaint_count,
    });
    // A guest may give the details on either channel; those on the console only inform.
    let failed_tests = if judgement.failed_tests.is_empty() {
        std::mem::take(&mut watch.failed_tests)
    } else {
        judgement.failed_tests
    };
    let report = if judgement.report.is_empty() {
        std::mem::take(&mut watch.said)
    } else {
        judgement.report
    };
    let passed = judgement.failures.is_empty();
    let command_line = std::iter::once(emulator.program.as_os_str())
        .chain(arguments.iter().map(|word| word.as_os_str()))
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let verdict = Verdict {
        passed,
        accel: emulator.accel.to_string(),
        counts: judgement.counts,
        failures: judgement.failures,
        failed_tests,
        report,
        kernel_complaints: std::mem::take(&mut watch.complaints),
        ended,
        duration,
        qemu_version: emulator.version.clone(),
        command_line,
        bundle: (!passed).then(|| spec.bundle_dir.clone()),
    };
    if !passed {
        let contents = Contents {
            emulator,
            machine,
            console: &console,
            verdict: &watch.verdict,
            qemu_log: &qemu_log,
        };
        bundle::write(&verdict, &spec.bundle_dir, &contents)?;
    }
    Ok(verdict)
}

/// Waits until QEMU has opened its channels.
fn connect(
    guest: &mut Guest,
    listeners: &mut Listeners,
    emulator: &Emulator,
    qemu_log: &Path,
    cancel: &AtomicBool,
) -> Result<(), VmError> {
    let program = || emulator.program.clone();
    let start = Instant::now();
    loop {
        let open = listeners.poll().map_err(|source| VmError::Follow {
            program: program(),
            source,
        })?;
        if open {
            return Ok(());
        }
        if let Some(status) = guest.try_wait()? {
            return Err(VmError::Refused {
                program: program(),
                status,
                message: last_words(qemu_log),
            });
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(VmError::Cancelled);
        }
        if start.elapsed() > CONNECT {
            return Err(VmError::Stuck {
                program: program(),
                seconds: CONNECT.as_secs(),
            });
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// The last lines of what QEMU itself said.
fn last_words(qemu_log: &Path) -> String {
    let said = fs::read(qemu_log).unwrap_or_default();
    let said = plain_lines(&said);
    said[said.len().saturating_sub(5)..].join("; ")
}

/// Follows the guest to its end and returns how it came; QEMU is reaped then, unless cancelled.
fn watch_guest(
    guest: &mut Guest,
    receiver: &Receiver<(Channel, Vec<u8>)>,
    watch: &mut Watch<'_>,
    spec: &TestSpec,
    start: Instant,
    cancel: &AtomicBool,
) -> Result<Ended, VmError> {
    let mut progress = start;
    let forced = loop {
        match receiver.recv_timeout(POLL) {
            Ok((channel, bytes)) => {
                watch.take(channel, &bytes);
                if channel != Channel::Monitor {
                    progress = Instant::now();
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL),
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(VmError::Cancelled);
        }
        let silence = if watch.panicked {
            spec.deadline_silence.min(PANIC_SILENCE)
        } else {
            spec.deadline_silence
        };
        if watch.console_bytes > CONSOLE_MAX {
            break Ended::Flooded(CONSOLE_MAX);
        }
        if start.elapsed() >= spec.deadline_total {
            break Ended::Overran(spec.deadline_total);
        }
        if let Some(status) = guest.try_wait()? {
            drain(receiver, watch);
            return Ok(watch.ended(status));
        }
        // After a panic nobody answers any more.
        if watch.talk_next() && !watch.panicked {
            progress = Instant::now();
        }
        if watch.talk.as_ref().is_some_and(Talk::is_abandoned) {
            break Ended::Abandoned;
        }
        if progress.elapsed() >= silence {
            break Ended::Silent(silence);
        }
    };
    guest.kill()?;
    drain(receiver, watch);
    Ok(forced)
}

/// Takes in what a dead QEMU left in its sockets.
fn drain(receiver: &Receiver<(Channel, Vec<u8>)>, watch: &mut Watch<'_>) {
    // QEMU held the only other ends, so this ends; the bound is for a child of QEMU that should not exist.
    while let Ok((channel, bytes)) = receiver.recv_timeout(Duration::from_secs(2)) {
        watch.take(channel, &bytes);
    }
}

/// Everything observed so far.
struct Watch<'a> {
    observe: &'a mut dyn FnMut(&str),
    console_log: File,
    log_error: Option<std::io::Error>,
    console: Lines,
    console_bytes: u64,
    complaints: Vec<String>,
    complaint_count: usize,
    panicked: bool,
    failed_tests: Vec<String>,
    /// Whether the kernel has begun: what comes before is the firmware's.
    booted: bool,
    /// What programs wrote, up to `REPORT_MAX` bytes.
    said: Vec<String>,
    said_bytes: usize,
    verdict: Vec<u8>,
    verdict_flooded: bool,
    monitor: Lines,
    shutdown: Option<String>,
    /// The conversation of a test by script, and where its part is typed.
    talk: Option<Talk>,
    keyboard: Option<UnixStream>,
}

impl<'a> Watch<'a> {
    fn new(console_log: File, observe: &'a mut dyn FnMut(&str)) -> Self {
        Watch {
            observe,
            console_log,
            log_error: None,
            console: Lines::default(),
            console_bytes: 0,
            complaints: Vec::new(),
            complaint_count: 0,
            panicked: false,
            failed_tests: Vec::new(),
            booted: false,
            said: Vec::new(),
            said_bytes: 0,
            verdict: Vec::new(),
            verdict_flooded: false,
            monitor: Lines::default(),
            shutdown: None,
            talk: None,
            keyboard: None,
        }
    }

    fn take(&mut self, channel: Channel, bytes: &[u8]) {
        match channel {
            Channel::Console => {
                self.console_bytes += bytes.len() as u64;
                if let Err(error) = self.console_log.write_all(bytes) {
                    self.log_error.get_or_insert(error);
                }
                let mut lines = std::mem::take(&mut self.console);
                lines.push(bytes, &mut |line| self.console_line(line));
                self.console = lines;
                if let Some(talk) = &mut self.talk {
                    talk.hear(bytes, Instant::now());
                }
            }
            Channel::Verdict => {
                let room = VERDICT_MAX - self.verdict.len();
                self.verdict_flooded |= bytes.len() > room;
                self.verdict.extend(&bytes[..bytes.len().min(room)]);
            }
            Channel::Monitor => {
                let shutdown = &mut self.shutdown;
                self.monitor.push(bytes, &mut |line| {
                    if let Some(reason) = shutdown_reason(line) {
                        *shutdown = Some(reason);
                    }
                });
            }
        }
    }

    /// Types what the script says next; whether the script is still going on, so that silence is meant.
    fn talk_next(&mut self) -> bool {
        let Some(talk) = &mut self.talk else {
            return false;
        };
        let typed = talk.type_next(Instant::now());
        if let Some(keyboard) = &mut self.keyboard
            && keyboard.write_all(&typed).is_err()
        {
            // QEMU is gone; the caller finds out how.
            self.keyboard = None;
        }
        !talk.is_done()
    }

    fn console_line(&mut self, line: &str) {
        if complaint_in(line).is_some() {
            self.complaint_count += 1;
            self.panicked |= line.contains(PANIC);
            if self.complaints.len() < COMPLAINTS_MAX {
                self.complaints.push(line.to_owned());
            }
        }
        if is_failed_test(line) && self.failed_tests.len() < COMPLAINTS_MAX {
            self.failed_tests.push(line.to_owned());
        }
        if logged(line).is_some() {
            self.booted = true;
        } else if self.booted && !is_verdict(line) && self.said_bytes + line.len() <= REPORT_MAX {
            self.said_bytes += line.len();
            self.said.push(line.to_owned());
        }
        (self.observe)(line);
    }

    fn finish(&mut self) {
        let mut lines = std::mem::take(&mut self.console);
        lines.finish(&mut |line| self.console_line(line));
    }

    /// Tells how a QEMU that ended by itself came to it.
    fn ended(&self, status: ExitStatus) -> Ended {
        match self.shutdown.as_deref() {
            Some("guest-shutdown") => Ended::PoweredOff,
            Some("guest-reset" | "guest-panic") => Ended::Reset,
            _ => Ended::Exited(status.to_string()),
        }
    }
}

/// Returns the reason of a QMP SHUTDOWN event, `None` for every other message.
fn shutdown_reason(line: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message.get("event")? != "SHUTDOWN" {
        return None;
    }
    let reason = message.get("data")?.get("reason")?.as_str()?;
    Some(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_shutdown_event_has_a_reason() {
        let event = r#"{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}"#;
        assert_eq!(shutdown_reason(event).as_deref(), Some("guest-shutdown"));
        for other in [
            "",
            "not json",
            "[]",
            r#"{"return": {}}"#,
            r#"{"event": "POWERDOWN"}"#,
            r#"{"event": "SHUTDOWN"}"#,
            r#"{"event": "SHUTDOWN", "data": {"reason": 1}}"#,
        ] {
            assert_eq!(shutdown_reason(other), None, "{other}");
        }
    }
}
