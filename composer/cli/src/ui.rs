//! Shows what happens during a build: bars on a terminal, plain lines elsewhere.
//!
//! The only implementation of the build crate's `Observer`. Invariant: everything goes to
//! standard error; without a terminal there is no colour and no redrawing, and no 30 s pass
//! without a line.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};
use xsc_build::{Ended, Event, Observer, Work};
use xsc_model::DrvId;

use crate::commands::Cancel;

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

/// How a user wants to see builds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UiOptions {
    pub(crate) quiet: bool,
    pub(crate) print_logs: bool,
}

struct Running {
    name: String,
    since: Instant,
    bar: Option<ProgressBar>,
    /// The last incomplete line of its output, for `-L`.
    partial: Vec<u8>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<DrvId, Running>,
    built: usize,
    fetched: usize,
    cutoffs: Vec<String>,
    /// On a terminal, how much of the work is done.
    total: Option<ProgressBar>,
    last_line: Option<Instant>,
}

/// The user interface of one run.
pub(crate) struct Ui {
    options: UiOptions,
    /// Set by a signal: what fails then was stopped.
    cancel: Cancel,
    bars: Option<MultiProgress>,
    state: Mutex<State>,
}

/// What a run did, for the closing line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) built: usize,
    pub(crate) fetched: usize,
    pub(crate) cutoffs: Vec<String>,
}

impl Ui {
    pub(crate) fn new(options: UiOptions, cancel: &Cancel) -> Self {
        let terminal = std::io::stderr().is_terminal() && !options.quiet;
        let bars = terminal.then(MultiProgress::new);
        SHOWN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&bars);
        Ui {
            options,
            cancel: Cancel::clone(cancel),
            bars,
            state: Mutex::default(),
        }
    }

    /// Keeps a line coming at least every 30 s while `work` runs without a terminal.
    pub(crate) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        if self.bars.is_some() || self.options.quiet {
            return work();
        }
        beside(&|| self.heartbeat(), work)
    }

    /// Ends the display and says what was done.
    pub(crate) fn finish(&self) -> Tally {
        let mut state = self.lock();
        if let Some(total) = state.total.take() {
            total.finish_and_clear();
        }
        SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
        Tally {
            built: state.built,
            fetched: state.fetched,
            cutoffs: state.cutoffs.clone(),
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
        match &self.bars {
            Some(bars) => {
                // Only fails where standard error is gone, and then nobody reads.
                let _ = bars.println(text);
            }
            None => {
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
            .map(|r| format!("{} ({})", r.name, human(r.since.elapsed())))
            .collect();
        state.last_line = Some(Instant::now());
        drop(state);
        self.line(&format!("still running: {}", names.join(", ")));
    }

    fn start_total(&self, steps: usize, estimate: Option<Duration>) {
        let Some(bars) = &self.bars else { return };
        let bar = bars.add(ProgressBar::new(steps as u64));
        let template = "{pos}/{len} steps, {elapsed}{msg}";
        bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
        if let Some(estimate) = estimate {
            bar.set_message(format!(" of about {}", human(estimate)));
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        self.lock().total = Some(bar);
    }

    fn started(&self, drv: DrvId, name: &str, work: Work, expected: Option<Duration>) {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(style(work));
            bar.set_prefix(name.to_owned());
            if let Some(expected) = expected {
                bar.set_message(format!("(last time {})", human(expected)));
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        let mut state = self.lock();
        if bar.is_none() && work != Work::Fetch {
            state.last_line = Some(Instant::now());
        }
        state.running.insert(
            drv,
            Running {
                name: name.to_owned(),
                since: Instant::now(),
                bar,
                partial: Vec::new(),
            },
        );
        drop(state);
        if self.bars.is_none() && work == Work::Build {
            let last = expected
                .map(|e| format!(" (last time {})", human(e)))
                .unwrap_or_default();
            self.line(&format!("building {name}{last}"));
        }
    }

    fn log(&self, drv: DrvId, name: &str, bytes: &[u8]) {
        if !self.options.print_logs {
            return;
        }
        let mut lines = Vec::new();
        {
            let mut state = self.lock();
            state.last_line = Some(Instant::now());
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
        }
        for line in lines {
            self.line(&format!("{name}> {line}"));
        }
    }

    fn progress(&self, drv: DrvId, done: u64, total: u64) {
        if let Some(bar) = self.lock().running.get(&drv).and_then(|r| r.bar.clone()) {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    fn finished(&self, drv: DrvId, name: &str, work: Work, ended: Ended, took: Duration) {
        let mut state = self.lock();
        let running = state.running.remove(&drv);
        if let Some(bar) = running.as_ref().and_then(|r| r.bar.as_ref()) {
            bar.finish_and_clear();
        }
        match (ended, work) {
            (Ended::Cutoff, _) => state.cutoffs.push(name.to_owned()),
            (Ended::Done, Work::Fetch) => state.fetched += 1,
            (Ended::Done, _) => state.built += 1,
            (Ended::Failed, _) => {}
        }
        state.last_line = Some(Instant::now());
        if let Some(total) = &state.total {
            total.inc(1);
        }
        let rest = running.map(|r| r.partial).unwrap_or_default();
        drop(state);
        if self.options.print_logs && !rest.is_empty() {
            self.line(&format!("{name}> {}", String::from_utf8_lossy(&rest)));
        }
        match ended {
            Ended::Cutoff => self.line(&format!("unchanged {name}: same action as before")),
            Ended::Done if work == Work::Build => {
                self.line(&format!("built {name} in {}", human(took)));
            }
            Ended::Done => {}
            Ended::Failed => {
                let stopped = self.cancel.load(Ordering::SeqCst);
                let verb = if stopped { "stopped" } else { "failed" };
                self.line(&format!("{verb} {name} after {}", human(took)));
            }
        }
    }
}

impl Observer for Ui {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Planned {
                total,
                fetches,
                builds,
                bytes,
                estimate,
            } => {
                if fetches + builds > 0 {
                    self.start_total(fetches + builds, *estimate);
                    let estimate = estimate
                        .map(|e| format!(", about {} by past times", human(e)))
                        .unwrap_or_default();
                    self.line(&format!(
                        "{}: {fetches} to fetch ({}), {builds} to build{estimate}",
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

fn style(work: Work) -> ProgressStyle {
    let template = match work {
        Work::Fetch => "  fetch {prefix} {bytes}/{total_bytes} {bytes_per_sec}",
        Work::Builtin => "  make  {prefix} {elapsed} {msg}",
        Work::Build => "  build {prefix} {elapsed} {msg}",
    };
    ProgressStyle::with_template(template).expect("the templates are valid")
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
