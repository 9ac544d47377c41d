//! Reads what the guest says on the verdict channel.
//!
//! Called by `judge` with everything that arrived, once the machine has ended. The line is
//! `xsc-verdict: pass=N fail=N skip=N taint=N warn=N`, further pairs, and at the end perhaps the guest's own
//! opinion, `ok` or `bad`. kernel/tests/init/init.c writes it, with `tainted` and `kernel` for taint and warn.
//! Invariant: only one complete, well-formed line gives counts; anything short, repeated or doubtful is a failure.

use std::collections::BTreeMap;

use crate::console::plain;
use crate::verdict::Failure;

/// What a verdict line starts with.
const PREFIX: &str = "xsc-verdict:";

/// The counts of a verdict line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Test cases that passed.
    pub pass: u64,
    /// Test cases that failed.
    pub fail: u64,
    /// Test cases that could not run.
    pub skip: u64,
    /// The kernel's taint word, 0 when clean.
    pub taint: u64,
    /// Warnings the guest found in the kernel log.
    pub warn: u64,
    /// The guest's own opinion: false when the line ends in `bad`.
    pub good: bool,
    /// Pairs this version does not know.
    pub extra: BTreeMap<String, String>,
}

/// What the verdict channel carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// The counts, or why there are none.
    pub(crate) counts: Result<Counts, Failure>,
    /// The `not ok` lines without a SKIP, TODO or XFAIL directive.
    pub(crate) failed_tests: Vec<String>,
    /// Every line that is not a verdict.
    pub(crate) lines: Vec<String>,
}

/// Reads the bytes of the verdict channel.
pub(crate) fn read(bytes: &[u8]) -> Report {
    let mut verdicts = Vec::new();
    let mut failed_tests = Vec::new();
    let mut lines = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let complete = line.ends_with(b"\n");
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\r', '\n']);
        if let Some(rest) = text.strip_prefix(PREFIX) {
            verdicts.push(if complete {
                parse(rest)
            } else {
                Err("it has no end of line".to_owned())
            });
        } else {
            if is_failed_test(text) {
                failed_tests.push(plain(text));
            }
            lines.push(plain(text));
        }
    }
    let counts = match verdicts.len() {
        0 => Err(Failure::VerdictMissing),
        1 => verdicts.remove(0).map_err(Failure::VerdictMalformed),
        n => Err(Failure::VerdictRepeated(n)),
    };
    Report {
        counts,
        failed_tests,
        lines,
    }
}

/// Tells whether a line is a verdict, however malformed.
pub(crate) fn is_verdict(line: &str) -> bool {
    line.starts_with(PREFIX)
}

/// Tells whether a TAP line reports a failure that counts.
pub(crate) fn is_failed_test(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("not ok") else {
        return false;
    };
    let directive = rest.rsplit_once('#').map_or("", |(_, d)| d.trim_start());
    let excused = ["SKIP", "TODO", "XFAIL"].iter().any(|word| {
        directive
            .get(..word.len())
            .is_some_and(|d| d.eq_ignore_ascii_case(word))
    });
    (rest.is_empty() || rest.starts_with(' ')) && !excused
}

fn parse(rest: &str) -> Result<Counts, String> {
    let mut pairs = BTreeMap::new();
    let mut words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let good = match words.last() {
        Some(&"ok") => {
            words.pop();
            true
        }
        Some(&"bad") => {
            words.pop();
            false
        }
        _ => true,
    };
    for word in words {
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| format!("`{}` is not key=value", word.escape_debug()))?;
        let named = !key.is_empty()
            && key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !named {
            return Err(format!("`{}` is not a key", key.escape_debug()));
        }
        if value.chars().any(char::is_control) {
            return Err(format!("{key} has control characters"));
        }
        if pairs.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(format!("{key} is given twice"));
        }
    }
    let mut take = |key: &str, alias: &str| {
        let (key, value) = match (pairs.remove(key), pairs.remove(alias)) {
            (Some(_), Some(_)) => return Err(format!("{key} is given twice, once as {alias}")),
            (Some(value), None) => (key, value),
            (None, Some(value)) => (alias, value),
            (None, None) => return Err(format!("{key} is missing")),
        };
        // `parse` alone would also take a plus sign.
        let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        value
            .parse()
            .ok()
            .filter(|_| digits)
            .ok_or_else(|| format!("{key}={} is not a count", value.escape_debug()))
    };
    Ok(Counts {
        pass: take("pass", "")?,
        fail: take("fail", "")?,
        skip: take("skip", "")?,
        taint: take("taint", "tainted")?,
        warn: take("warn", "kernel")?,
        good,
        extra: pairs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "xsc-verdict: pass=3 fail=0 skip=1 taint=0 warn=0\n";

    fn malformed(line: &str) -> String {
        match read(line.as_bytes()).counts {
            Err(Failure::VerdictMalformed(why)) => why,
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    #[test]
    fn one_line_after_tap_gives_counts() {
        let text = format!("TAP version 13\n1..4\nok 1 - read\nok 2 - skip # SKIP no\n{GOOD}");
        let report = read(text.as_bytes());
        let counts = report.counts.unwrap();
        assert_eq!((counts.pass, counts.fail, counts.skip), (3, 0, 1));
        assert_eq!((counts.taint, counts.warn), (0, 0));
        assert!(counts.extra.is_empty() && report.failed_tests.is_empty());
        let before: Vec<&str> = text.lines().take(4).collect();
        assert_eq!(report.lines, before);
    }

    #[test]
    fn unknown_pairs_order_and_carriage_returns_are_accepted() {
        let line = b"xsc-verdict: warn=0 abi=1 taint=4096 skip=0 fail=2 pass=1 note=a=b\r\n";
        let counts = read(line).counts.unwrap();
        assert_eq!((counts.pass, counts.fail, counts.taint), (1, 2, 4096));
        assert_eq!(counts.extra["abi"], "1");
        assert_eq!(counts.extra["note"], "a=b");
    }

    #[test]
    fn the_line_of_our_init_is_read() {
        let read_line = |end: &str| {
            let line = format!("xsc-verdict: pass=35 fail=0 skip=2 tainted=512 kernel=3 {end}\n");
            read(line.as_bytes()).counts
        };
        let counts = read_line("ok").unwrap();
        assert_eq!((counts.taint, counts.warn, counts.good), (512, 3, true));
        assert!(counts.extra.is_empty());
        assert!(!read_line("bad").unwrap().good);
        assert!(read_line("ok bad").is_err());
        assert!(read_line("fine").is_err());
        assert!(read_line("taint=0").is_err());
        assert!(
            read(b"xsc-verdict: pass=1 fail=0 skip=0 tainted=-1 kernel=0 ok\n")
                .counts
                .is_err()
        );
    }

    #[test]
    fn nothing_and_near_misses_are_missing() {
        for text in [
            "",
            "\n\n",
            "ok 1\n",
            " xsc-verdict: pass=1\n",
            "XSC-VERDICT: pass=1\n",
        ] {
            assert_eq!(
                read(text.as_bytes()).counts,
                Err(Failure::VerdictMissing),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_second_verdict_spoils_the_first() {
        let twice = format!("{GOOD}{GOOD}");
        assert_eq!(
            read(twice.as_bytes()).counts,
            Err(Failure::VerdictRepeated(2))
        );
        let then_junk = format!("{GOOD}xsc-verdict:");
        assert_eq!(
            read(then_junk.as_bytes()).counts,
            Err(Failure::VerdictRepeated(2))
        );
    }

    #[test]
    fn short_lines_are_refused() {
        assert_eq!(malformed(GOOD.trim_end()), "it has no end of line");
        assert_eq!(malformed("xsc-verdict:\n"), "pass is missing");
        assert_eq!(malformed("xsc-verdict: pass=1 fail=0\n"), "skip is missing");
    }

    #[test]
    fn hostile_values_are_refused() {
        let with = |pass: &str| format!("xsc-verdict: {pass} fail=0 skip=0 taint=0 warn=0\n");
        for (pair, why) in [
            ("pass=", "pass= is not a count"),
            ("pass=-1", "pass=-1 is not a count"),
            ("pass=+1", "pass=+1 is not a count"),
            ("pass=0x1", "pass=0x1 is not a count"),
            (
                "pass=99999999999999999999",
                "pass=99999999999999999999 is not a count",
            ),
            ("pass=1 fail=1", "fail is given twice"),
            ("pass=1 a=1 a=1", "a is given twice"),
            ("pass=1 junk", "`junk` is not key=value"),
            ("pass=1 =1", "`` is not a key"),
            ("pass=1\u{1b}[2J", "pass has control characters"),
        ] {
            assert_eq!(malformed(&with(pair)), why);
        }
        assert!(
            read(b"xsc-verdict: pass=1\xff fail=0 skip=0 taint=0 warn=0\n")
                .counts
                .is_err()
        );
    }

    #[test]
    fn failed_tests_are_listed_unless_excused() {
        let text = "ok 1\nnot ok 2 - \u{1b}[31mhostile ring\nnot ok 3 # SKIP none\nnot ok 4 x # todo later\n\
                    not okay\n    not ok 1 nested\nnot ok\n";
        assert_eq!(
            read(text.as_bytes()).failed_tests,
            ["not ok 2 - hostile ring", "not ok"]
        );
    }
}
