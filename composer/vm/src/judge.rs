//! Decides whether a test passed, from everything that was observed.
//!
//! Called by `runner` once the machine has ended. Pure. Invariant: passing needs every condition at once; QEMU's
//! exit status appears only as a reason against.

use crate::token::{self, Counts};
use crate::verdict::{Ended, Failure};

/// What a run left behind.
#[derive(Debug, Clone)]
pub(crate) struct Evidence<'a> {
    /// How the machine ended.
    pub(crate) ended: &'a Ended,
    /// The bytes of the verdict channel, up to `verdict_limit`.
    pub(crate) verdict: &'a [u8],
    /// The limit, if the channel carried more.
    pub(crate) verdict_flooded: Option<u64>,
    /// Number of console lines with a kernel complaint.
    pub(crate) complaints: usize,
}

/// The judgement: passed exactly when `failures` is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) failures: Vec<Failure>,
    pub(crate) counts: Option<Counts>,
    pub(crate) failed_tests: Vec<String>,
    /// What the verdict channel carried beside the verdict.
    pub(crate) report: Vec<String>,
}

pub(crate) fn judge(evidence: &Evidence<'_>) -> Judgement {
    let report = token::read(evidence.verdict);
    let mut failures = Vec::new();
    if evidence.complaints > 0 {
        failures.push(Failure::KernelComplained(evidence.complaints));
    }
    if let Some(limit) = evidence.verdict_flooded {
        failures.push(Failure::VerdictFlooded(limit));
    }
    let counts = match report.counts {
        Ok(counts) => {
            if counts.fail > 0 {
                failures.push(Failure::TestsFailed(counts.fail));
            } else if !report.failed_tests.is_empty() {
                failures.push(Failure::TestsContradict(report.failed_tests.len()));
            }
            if counts.pass == 0 {
                failures.push(Failure::NothingPassed);
            }
            if counts.taint > 0 {
                failures.push(Failure::Tainted(counts.taint));
            }
            if counts.warn > 0 {
                failures.push(Failure::Warned(counts.warn));
            }
            if !counts.good {
                failures.push(Failure::SaysBad);
            }
            Some(counts)
        }
        Err(failure) => {
            failures.push(failure);
            None
        }
    };
    if *evidence.ended != Ended::PoweredOff {
        failures.push(Failure::NotPoweredOff(evidence.ended.clone()));
    }
    Judgement {
        failures,
        counts,
        failed_tests: report.failed_tests,
        report: report.lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn kinds(verdict: &str, ended: Ended, complaints: usize) -> Vec<&'static str> {
        judge(&Evidence {
            ended: &ended,
            verdict: verdict.as_bytes(),
            verdict_flooded: None,
            complaints,
        })
        .failures
        .iter()
        .map(Failure::kind)
        .collect()
    }

    fn line(pass: u64, fail: u64, taint: u64, warn: u64) -> String {
        format!("xsc-verdict: pass={pass} fail={fail} skip=0 taint={taint} warn={warn}\n")
    }

    #[test]
    fn only_all_conditions_together_pass() {
        let off = || Ended::PoweredOff;
        assert!(kinds(&line(1, 0, 0, 0), off(), 0).is_empty());
        for (verdict, complaints, kind) in [
            (line(0, 0, 0, 0), 0, "nothing-passed"),
            (line(1, 1, 0, 0), 0, "tests-failed"),
            (line(1, 0, 512, 0), 0, "tainted"),
            (line(1, 0, 0, 1), 0, "warned"),
            (line(1, 0, 0, 0).replace('\n', " bad\n"), 0, "says-bad"),
            (line(1, 0, 0, 0), 1, "kernel-complained"),
            (
                format!("not ok 1\n{}", line(1, 0, 0, 0)),
                0,
                "tests-contradict",
            ),
            (String::new(), 0, "verdict-missing"),
            (line(1, 0, 0, 0).repeat(2), 0, "verdict-repeated"),
            ("xsc-verdict: pass\n".to_owned(), 0, "verdict-malformed"),
        ] {
            assert_eq!(kinds(&verdict, off(), complaints), [kind], "{verdict}");
        }
    }

    #[test]
    fn a_good_verdict_does_not_excuse_the_end() {
        for ended in [
            Ended::Reset,
            Ended::Exited("exit status: 0".to_owned()),
            Ended::Silent(Duration::from_secs(1)),
            Ended::Overran(Duration::from_secs(1)),
            Ended::Flooded(1),
        ] {
            assert_eq!(kinds(&line(1, 0, 0, 0), ended, 0), ["not-powered-off"]);
        }
    }

    #[test]
    fn a_flooded_channel_fails_whatever_it_said() {
        let judgement = judge(&Evidence {
            ended: &Ended::PoweredOff,
            verdict: line(1, 0, 0, 0).as_bytes(),
            verdict_flooded: Some(10),
            complaints: 0,
        });
        assert_eq!(judgement.failures, [Failure::VerdictFlooded(10)]);
    }
}
