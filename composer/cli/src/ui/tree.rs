//! The display on a terminal: one line for the whole run, and below it a line for each thing that runs.
//!
//! `Ui` draws with it. Invariant: what is drawn is redrawn in place and removed at the end; what stays on the screen
//! are whole lines above it.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};
use xsc_build::Work;

use super::human;
use crate::commands::word;

/// How often elapsed times are drawn anew.
const TICK: Duration = Duration::from_millis(250);

/// The lines of one run.
pub(super) struct Tree {
    bars: MultiProgress,
    trunk: Mutex<Option<Trunk>>,
}

/// The line for the whole run.
struct Trunk {
    bar: ProgressBar,
    /// Bytes to transfer as planned.
    bytes: u64,
    estimate: String,
    failed: usize,
}

/// The line of one thing that runs.
pub(super) struct Branch {
    bar: ProgressBar,
    expected: String,
}

impl Tree {
    pub(super) fn new() -> Self {
        Tree {
            bars: MultiProgress::new(),
            trunk: Mutex::default(),
        }
    }

    /// For words from elsewhere, which have to go above.
    pub(super) fn bars(&self) -> MultiProgress {
        self.bars.clone()
    }

    /// A line that stays.
    pub(super) fn line(&self, text: &str) {
        // Only fails where standard error is gone, and then nobody reads.
        let _ = self.bars.println(text);
    }

    /// The run begins with so many steps and bytes to transfer.
    pub(super) fn start(&self, steps: usize, bytes: u64, estimate: Option<Duration>) {
        let bar = self.bars.insert(0, ProgressBar::new(steps as u64));
        bar.set_style(style("{pos}/{len} steps, {elapsed}{msg}"));
        bar.enable_steady_tick(TICK);
        let trunk = Trunk {
            bar,
            bytes,
            estimate: estimate.map_or(String::new(), |time| format!(" of about {}", human(time))),
            failed: 0,
        };
        trunk.show(0);
        *self.trunk() = Some(trunk);
    }

    /// A step is over; so many failed up to now.
    pub(super) fn step(&self, failed: usize) {
        if let Some(trunk) = &mut *self.trunk() {
            trunk.failed = failed;
            trunk.bar.inc(1);
        }
    }

    /// So many bytes have been transferred in all.
    pub(super) fn transferred(&self, bytes: u64) {
        if let Some(trunk) = &*self.trunk() {
            trunk.show(bytes);
        }
    }

    /// A thing starts to run.
    pub(super) fn branch(&self, name: &str, work: Work, expected: Option<Duration>) -> Branch {
        let bar = self.bars.add(ProgressBar::new_spinner());
        let what = match work {
            Work::Fetch => "{prefix} {bytes}/{total_bytes} {bytes_per_sec}",
            Work::Substitute => "{prefix} {bytes} {bytes_per_sec}",
            Work::Builtin | Work::Build => "{prefix} {elapsed}{wide_msg}",
        };
        bar.set_style(style(&format!("├ {:5} {what}", word(work))));
        bar.set_prefix(name.to_owned());
        let expected = expected.map_or(String::new(), |time| format!(" of {}", human(time)));
        bar.set_message(expected.clone());
        bar.enable_steady_tick(TICK);
        Branch { bar, expected }
    }

    /// Removes everything that is redrawn.
    pub(super) fn clear(&self) {
        if let Some(trunk) = self.trunk().take() {
            trunk.bar.finish_and_clear();
        }
    }

    fn trunk(&self) -> std::sync::MutexGuard<'_, Option<Trunk>> {
        self.trunk
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Trunk {
    fn show(&self, done: u64) {
        let mut text = self.estimate.clone();
        if self.bytes > 0 || done > 0 {
            let (done, bytes) = (HumanBytes(done), HumanBytes(self.bytes));
            text.push_str(&format!(", {done} of {bytes} transferred"));
        }
        if self.failed > 0 {
            text.push_str(&format!(", {} failed", self.failed));
        }
        self.bar.set_message(text);
    }
}

impl Branch {
    /// It printed a line, in a phase if it said so.
    pub(super) fn says(&self, phase: Option<&str>, line: &str) {
        let phase = phase.map_or(String::new(), |phase| format!("  [{phase}]"));
        // A control character would move the cursor.
        let line: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
        self.bar
            .set_message(format!("{}{phase}  {line}", self.expected));
    }

    pub(super) fn progress(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    /// It is over.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are valid")
}
