//! The verdict of a boot test and its JSON form.
//!
//! Built by `runner` at the end of a test; read by the command line and stored in the failure bundle. Invariant:
//! `passed` is true exactly when `failures` is empty.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::token::Counts;

/// The version of the JSON form, raised when a key changes its meaning.
const JSON_VERSION: u32 = 1;

/// How the machine came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The guest switched the machine off.
    PoweredOff,
    /// The guest asked for a reset, or fell into one (triple fault, panic).
    Reset,
    /// QEMU ended by itself without a word from the guest; the text is its exit status.
    Exited(String),
    /// Nothing was said for this long; QEMU was killed.
    Silent(Duration),
    /// The whole run took this long; QEMU was killed.
    Overran(Duration),
    /// The console said more than this many bytes; QEMU was killed.
    Flooded(u64),
    /// What the script waited for did not come; QEMU was killed.
    Abandoned,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::PoweredOff => f.write_str("the guest powered off"),
            Ended::Reset => f.write_str("the guest reset instead of powering off"),
            Ended::Exited(status) => {
                write!(f, "qemu ended without the guest powering off ({status})")
            }
            Ended::Silent(d) => write!(f, "nothing was said for {} s", d.as_secs_f32()),
            Ended::Overran(d) => write!(f, "the run took more than {} s", d.as_secs_f32()),
            Ended::Flooded(bytes) => write!(f, "the console said more than {bytes} bytes"),
            Ended::Abandoned => f.write_str("what the script waited for did not come"),
        }
    }
}

/// One reason why a test did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The machine did not end by powering off.
    NotPoweredOff(Ended),
    /// No verdict line arrived.
    VerdictMissing,
    /// More than one verdict line arrived.
    VerdictRepeated(usize),
    /// The verdict line cannot be read; the text says why.
    VerdictMalformed(String),
    /// The verdict channel carried more than it may.
    VerdictFlooded(u64),
    /// This many test cases failed.
    TestsFailed(u64),
    /// The verdict line counts no failure, but this many `not ok` lines came before it.
    TestsContradict(usize),
    /// No test case passed.
    NothingPassed,
    /// The kernel is tainted; the number is the guest's `taint` count.
    Tainted(u64),
    /// The kernel warned; the number is the guest's `warn` count.
    Warned(u64),
    /// The guest calls its own run bad, whatever its counts.
    SaysBad,
    /// This many console lines are kernel complaints.
    KernelComplained(usize),
}

impl Failure {
    /// Returns the name used in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Failure::NotPoweredOff(_) => "not-powered-off",
            Failure::VerdictMissing => "verdict-missing",
            Failure::VerdictRepeated(_) => "verdict-repeated",
            Failure::VerdictMalformed(_) => "verdict-malformed",
            Failure::VerdictFlooded(_) => "verdict-flooded",
            Failure::TestsFailed(_) => "tests-failed",
            Failure::TestsContradict(_) => "tests-contradict",
            Failure::NothingPassed => "nothing-passed",
            Failure::Tainted(_) => "tainted",
            Failure::Warned(_) => "warned",
            Failure::SaysBad => "says-bad",
            Failure::KernelComplained(_) => "kernel-complained",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotPoweredOff(ended) => ended.fmt(f),
            Failure::VerdictMissing => f.write_str("no verdict arrived on the second channel"),
            Failure::VerdictRepeated(n) => write!(f, "{n} verdict lines arrived instead of one"),
            Failure::VerdictMalformed(why) => write!(f, "the verdict line is malformed: {why}"),
            Failure::VerdictFlooded(bytes) => {
                write!(f, "the verdict channel carried more than {bytes} bytes")
            }
            Failure::TestsFailed(n) => write!(f, "{n} test cases failed"),
            Failure::TestsContradict(n) => {
                write!(
                    f,
                    "the verdict counts no failure, yet {n} lines say `not ok`"
                )
            }
            Failure::NothingPassed => f.write_str("no test case passed"),
            Failure::Tainted(n) => write!(f, "the kernel is tainted (taint={n})"),
            Failure::Warned(n) => write!(f, "the kernel warned (warn={n})"),
            Failure::SaysBad => f.write_str("the guest calls its run bad"),
            Failure::KernelComplained(n) => write!(f, "{n} kernel complaints on the console"),
        }
    }
}

/// What a boot test found.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Whether the test passed.
    pub passed: bool,
    /// `kvm`, or `tcg: ` and the reason why not.
    pub accel: String,
    /// The guest's counts, when one well-formed verdict line arrived.
    pub counts: Option<Counts>,
    /// Every reason against passing, the most telling first.
    pub failures: Vec<Failure>,
    /// The `not ok` lines of the verdict channel or, if it has none, of the console.
    pub failed_tests: Vec<String>,
    /// What the verdict channel carried beside the verdict line, such as a benchmark's table; if it carried nothing
    /// else, what programs wrote on the console after the kernel's first line.
    pub report: Vec<String>,
    /// The console lines in which the kernel complains, at most 100.
    pub kernel_complaints: Vec<String>,
    /// How the machine ended.
    pub ended: Ended,
    /// Wall time from the start of QEMU to its end.
    pub duration: Duration,
    /// The version of QEMU.
    pub qemu_version: String,
    /// The program and its arguments.
    pub command_line: Vec<String>,
    /// The failure bundle; `None` when the test passed.
    pub bundle: Option<PathBuf>,
}

impl Verdict {
    /// Renders the verdict as one JSON object, indented, with a final newline.
    pub fn to_json(&self) -> String {
        let counts = self.counts.as_ref().map(|c| {
            json!({
                "pass": c.pass,
                "fail": c.fail,
                "skip": c.skip,
                "taint": c.taint,
                "warn": c.warn,
                "good": c.good,
                "extra": c.extra,
            })
        });
        let failures: Vec<_> = self
            .failures
            .iter()
            .map(|f| json!({ "kind": f.kind(), "message": f.to_string() }))
            .collect();
        let object = json!({
            "version": JSON_VERSION,
            "passed": self.passed,
            "accel": self.accel,
            "counts": counts,
            "failures": failures,
            "failed_tests": self.failed_tests,
            "report": self.report,
            "kernel_complaints": self.kernel_complaints,
            "ended": self.ended.to_string(),
            "duration_ms": u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
            "qemu_version": self.qemu_version,
            "command_line": self.command_line,
            "bundle": self.bundle.as_ref().map(|b| b.to_string_lossy()),
        });
        format!("{object:#}\n")
    }
}
