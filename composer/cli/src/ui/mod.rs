//! Shows what happens during a build: a tree of what runs on a terminal, a line an event elsewhere.
//!
//! The only implementation of the build crate's `Observer`. Invariant: everything for people goes to
//! standard error; without a terminal there is no colour and no redrawing, and no 30 s pass
//! without a line.

mod events;
mod tree;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress};
use serde_json::json;
use xsc_build::{Ended, Event, Observer, Work};
use xsc_model::DrvId;

use crate::args::LogFormat;
use crate::commands::Cancel;
use crate::error::CommandError;
use events::EventLog;
use tree::{Branch, Tree};

/// With no terminal, how long may pass without a line.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(30);

/// Bytes of an unfinished line that are kept back before they are shown as one.
const LONGEST_LINE: usize = 64 << 10;

/// The display that is on, for words from outside of a run.
static SHOWN: Mutex<Option<MultiProgress>> = Mutex::new(None);

/// Says a line above the display that is on, or plainly where there is none.
pub(crate) fn say(text: &str) {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // Either fails only where standard error is gone, and then nobody reads.
    let _ = match &*shown {
        Some(bars) => bars.println(text),
        None => writeln!(std::io::stderr().lock(), "{text}"),
    };
}

/// Says `text` now and then while `work` runs on this thread, so that nobody thinks that it hangs.
pub(crate) fn beside_saying<T>(
    quiet: bool,
    text: impl Fn() -> String + Sync,
    work: impl FnOnce() -> T,
) -> T {
    let last = Mutex::new(Instant::now());
    let tell = || {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= HEARTBEAT && !quiet {
            *last = Instant::now();
            say(&text());
        }
    };
    beside(&tell, work)
}

/// Calls `beat` every second beside `work`, which runs on this thread.
pub(crate) fn beside<T>(beat: &(dyn Fn() + Sync), work: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let heart = scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                std::thread::park_timeout(Duration::from_secs(1));
                beat();
            }
        });
        // Set even when `work` panics, or the scope would never end; woken, or it would end late.
        struct Stop<'a>(&'a AtomicBool, &'a std::thread::Thread);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
                self.1.unpark();
            }
        }
        let _stop = Stop(&stop, heart.thread());
        work()
    })
}

/// What a line of a build's output begins with when it names a phase.
const PHASE: &str = "=== ";

/// How a user wants to see builds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UiOptions {
    pub(crate) quiet: bool,
    pub(crate) print_logs: bool,
    pub(crate) format: LogFormat,
    /// The descriptor for lines of JSON.
    pub(crate) descriptor: u32,
}

struct Running {
    name: String,
    since: Instant,
    branch: Option<Branch>,
    /// The last incomplete line of its output.
    partial: Vec<u8>,
    /// The phase that the output named last.
    phase: Option<String>,
    /// Bytes of a transfer so far.
    bytes: u64,
}

#[derive(Default)]
struct State {
    running: BTreeMap<DrvId, Running>,
    built: usize,
    fetched: usize,
    substituted: usize,
    failed: Vec<String>,
    cutoffs: Vec<String>,
    /// Bytes of transfers that are over.
    bytes: u64,
    last_line: Option<Instant>,
}

/// The user interface of one run.
pub(crate) struct Ui {
    options: UiOptions,
    /// Set by a signal: what fails then was stopped.
    cancel: Cancel,
    /// On a terminal.
    tree: Option<Tree>,
    /// For programs.
    events: Option<EventLog>,
    state: Mutex<State>,
}

/// What a run did, for the closing line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) built: usize,
    pub(crate) fetched: usize,
    /// What came from caches.
    pub(crate) substituted: usize,
    /// Bytes of transfers.
    pub(crate) bytes: u64,
    pub(crate) cutoffs: Vec<String>,
}

impl Ui {
    pub(crate) fn new(mut options: UiOptions, cancel: &Cancel) -> Result<Self, CommandError> {
        let events = match options.format {
            LogFormat::Json => Some(EventLog::open(options.descriptor)?),
            _ => None,
        };
        // Lines of JSON on standard error are there alone.
        options.quiet |= events.is_some() && options.descriptor == 2;
        let wanted = match options.format {
            LogFormat::Tree => true,
            LogFormat::Auto | LogFormat::Json => std::io::stderr().is_terminal(),
            LogFormat::Lines => false,
        };
        let tree = (wanted && !options.quiet).then(Tree::new);
        SHOWN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&tree.as_ref().map(Tree::bars));
        Ok(Ui {
            options,
            cancel: Cancel::clone(cancel),
            tree,
            events,
            state: Mutex::default(),
        })
    }

    /// Keeps a line coming at least every 30 s while `work` runs without a terminal.
    pub(crate) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        if self.tree.is_some() || self.options.quiet {
            return work();
        }
        beside(&|| self.heartbeat(), work)
    }

    /// Ends the display and says what was done.
    pub(crate) fn finish(&self) -> Tally {
        let state = self.lock();
        if let Some(tree) = &self.tree {
            tree.clear();
        }
        SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(events) = &self.events {
            events.write(json!({
                "event": "ended",
                "built": state.built,
                "fetched": state.fetched,
                "substituted": state.substituted,
                "unchanged": state.cutoffs.len(),
                "bytes": state.bytes,
                "failed": state.failed,
            }));
        }
        Tally {
            built: state.built,
            fetched: state.fetched,
            substituted: state.substituted,
            bytes: state.bytes,
            cutoffs: state.cutoffs.clone(),
        }
    }

    /// How much of a failed build's log people want to see when they did not say: on a terminal a screen.
    pub(crate) fn log_lines(&self) -> usize {
        match std::io::stderr().is_terminal() {
            true => 25,
            false => usize::MAX,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes one line for people.
    pub(crate) fn line(&self, text: &str) {
        if self.options.quiet {
            return;
        }
        match &self.tree {
            Some(tree) => tree.line(text),
            None => {
                // Only fails where standard error is gone, and then nobody reads.
                let _ = writeln!(std::io::stderr().lock(), "{text}");
            }
        }
    }

    fn heartbeat(&self) {
        let mut state = self.lock();
        let silent = state.last_line.is_none_or(|at| at.elapsed() >= HEARTBEAT);
        if !silent || state.running.is_empty() {
            return;
        }
        let names: Vec<String> = state
            .running
            .values()
            .map(|r| {
                let phase = r.phase.as_ref().map(|phase| format!("{phase}, "));
                let elapsed = human(r.since.elapsed());
                format!("{} ({}{elapsed})", r.name, phase.unwrap_or_default())
            })
            .collect();
        state.last_line = Some(Instant::now());
        drop(state);
        self.line(&format!("still running: {}", names.join(", ")));
    }

    fn started(&self, drv: DrvId, name: &str, work: Work, expected: Option<Duration>) {
        let branch = self
            .tree
            .as_ref()
            .map(|tree| tree.branch(name, work, expected));
        let mut state = self.lock();
        if branch.is_none() && work != Work::Fetch {
            state.last_line = Some(Instant::now());
        }
        let running = Running {
            name: name.to_owned(),
            since: Instant::now(),
            branch,
            partial: Vec::new(),
            phase: None,
            bytes: 0,
        };
        state.running.insert(drv, running);
        drop(state);
        if self.tree.is_none() && work == Work::Build {
            let last = expected
                .map(|e| format!(" (last time {})", human(e)))
                .unwrap_or_default();
            self.line(&format!("building {name}{last}"));
        }
    }

    fn log(&self, drv: DrvId, name: &str, bytes: &[u8]) {
        let mut lines = Vec::new();
        {
            let mut state = self.lock();
            if self.options.print_logs {
                state.last_line = Some(Instant::now());
            }
            let Some(running) = state.running.get_mut(&drv) else {
                return;
            };
            running.partial.extend_from_slice(bytes);
            while let Some(end) = running.partial.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = running.partial.drain(..=end).collect();
                lines.push(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            // A program that ends no line must not fill the memory.
            if running.partial.len() > LONGEST_LINE {
                let line = std::mem::take(&mut running.partial);
                lines.push(String::from_utf8_lossy(&line).into_owned());
            }
            for line in &lines {
                if let Some(phase) = line.strip_prefix(PHASE) {
                    running.phase = Some(phase.to_owned());
                }
                if let Some(branch) = &running.branch {
                    branch.says(running.phase.as_deref(), line);
                }
            }
        }
        for line in lines {
            self.output(drv, name, &line);
        }
    }

    /// A whole line of a build's output, for whoever wants to see it.
    fn output(&self, drv: DrvId, name: &str, line: &str) {
        if let Some(events) = &self.events {
            let drv = drv.to_string();
            let of =
                |event, key, text| events.write(events::of_output(event, &drv, name, key, text));
            if let Some(phase) = line.strip_prefix(PHASE) {
                of("phase", "phase", phase);
            }
            of("log", "line", line);
        }
        if self.options.print_logs {
            self.line(&format!("{name}> {line}"));
        }
    }

    fn progress(&self, drv: DrvId, done: u64, total: u64) {
        let mut state = self.lock();
        let Some(running) = state.running.get_mut(&drv) else {
            return;
        };
        running.bytes = done;
        if let Some(branch) = &running.branch {
            branch.progress(done, total);
        }
        if let Some(tree) = &self.tree {
            let now: u64 = state.running.values().map(|running| running.bytes).sum();
            tree.transferred(state.bytes + now);
        }
    }

    fn finished(&self, drv: DrvId, name: &str, work: Work, ended: Ended, took: Duration) {
        let mut state = self.lock();
        let running = state.running.remove(&drv);
        if let Some(branch) = running.as_ref().and_then(|r| r.branch.as_ref()) {
            branch.clear();
        }
        match (ended, work) {
            (Ended::Cutoff, Work::Substitute) | (Ended::Refused, _) => {}
            (Ended::Cutoff, _) => state.cutoffs.push(name.to_owned()),
            (Ended::Substituted, _) => state.substituted += 1,
            (Ended::Done, Work::Fetch) => state.fetched += 1,
            (Ended::Done, _) => state.built += 1,
            (Ended::Failed, _) => state.failed.push(name.to_owned()),
        }
        state.last_line = Some(Instant::now());
        let bytes = running.as_ref().map_or(0, |running| running.bytes);
        state.bytes += bytes;
        if let Some(tree) = &self.tree {
            tree.step(state.failed.len());
        }
        let rest = running.map(|r| r.partial).unwrap_or_default();
        drop(state);
        if !rest.is_empty() {
            self.output(drv, name, &String::from_utf8_lossy(&rest));
        }
        let took = human(took);
        match ended {
            Ended::Cutoff if work == Work::Substitute => {}
            Ended::Refused => {}
            Ended::Substituted => {
                self.line(&format!(
                    "got {name} from a cache ({}) in {took}",
                    HumanBytes(bytes)
                ));
            }
            Ended::Cutoff => self.line(&format!("unchanged {name}: same action as before")),
            Ended::Done => match work {
                Work::Build => self.line(&format!("built {name} in {took}")),
                Work::Fetch => {
                    self.line(&format!("fetched {name} ({}) in {took}", HumanBytes(bytes)));
                }
                Work::Builtin | Work::Substitute => {}
            },
            Ended::Failed => {
                let stopped = self.cancel.load(Ordering::SeqCst);
                let verb = if stopped { "stopped" } else { "failed" };
                self.line(&format!("{verb} {name} after {took}"));
            }
        }
    }
}

impl Observer for Ui {
    fn event(&self, event: &Event<'_>) {
        if let Some(events) = &self.events
            && let Some(event) = events::of_build(event)
        {
            events.write(event);
        }
        match event {
            Event::Planned {
                total,
                substitutes,
                fetches,
                builds,
                bytes,
                estimate,
            } => {
                let steps = substitutes + fetches + builds;
                if steps > 0 {
                    if let Some(tree) = &self.tree {
                        tree.start(steps, *bytes, *estimate);
                    }
                    let cached = match substitutes {
                        0 => String::new(),
                        number => format!("{number} from caches, "),
                    };
                    let estimate = estimate
                        .map(|e| format!(", about {} by past times", human(e)))
                        .unwrap_or_default();
                    self.line(&format!(
                        "{}: {cached}{fetches} to fetch ({}), {builds} to build{estimate}",
                        count(*total, "derivation"),
                        HumanBytes(*bytes)
                    ));
                }
            }
            Event::Started {
                drv,
                name,
                work,
                expected,
            } => {
                self.started(*drv, name, *work, *expected);
            }
            Event::Log { drv, name, bytes } => self.log(*drv, name, bytes),
            Event::Progress { drv, done, total } => self.progress(*drv, *done, *total),
            Event::Notice { text } => self.line(text),
            Event::Finished {
                drv,
                name,
                work,
                ended,
                took,
                ..
            } => {
                self.finished(*drv, name, *work, *ended, *took);
            }
        }
    }
}

/// A number of things: `1 derivation`, `2 derivations`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A duration as people say it: `0.4 s`, `12 s`, `3 min 20 s`.
pub(crate) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_shortly() {
        for (millis, text) in [(40, "0.0 s"), (9_400, "9.4 s"), (61_000, "61 s")] {
            assert_eq!(human(Duration::from_millis(millis)), text);
        }
        assert_eq!(human(Duration::from_secs(200)), "3 min 20 s");
    }
}
