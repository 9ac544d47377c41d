//! The one list of texts by which a kernel says that something is wrong.
//!
//! Called by `runner` for each console line. Invariants: a pattern counts only where it does not continue a word,
//! so `DEBUG:` is not a `BUG:`; a test that fails inside the kernel (KUnit) is a complaint, one of a program is not.

use crate::token::is_failed_test;

/// The texts that fail a test when a console line contains one of them.
pub const COMPLAINTS: &[&str] = &[
    "WARNING:",
    "BUG:",
    "kernel BUG at",
    "Oops",
    "Internal error:",
    "Call Trace:",
    "Call trace:",
    "Kernel panic",
    "general protection fault",
    "Unable to handle kernel",
    "KASAN:",
    "KCSAN:",
    "KFENCE:",
    "UBSAN:",
    "INFO: task ",
    "INFO: possible recursive locking",
    "INFO: possible circular locking",
    "self-detected stall on CPU",
    "detected stalls on CPUs",
    "detected expedited stalls on CPUs",
    "new suspected memory leaks",
    "cut here ]---",
];

/// The complaint after which a kernel says nothing more.
pub(crate) const PANIC: &str = "Kernel panic";

/// What a test inside the kernel says when it fails.
const FAILED_TEST: &str = "not ok";

/// Returns the first pattern of `COMPLAINTS` that `line` contains, or `not ok` for a failed test in the kernel's log.
pub fn complaint_in(line: &str) -> Option<&'static str> {
    if logged(line).is_some_and(|text| is_failed_test(text.trim_start())) {
        return Some(FAILED_TEST);
    }
    COMPLAINTS
        .iter()
        .copied()
        .find(|pattern| contains_at_word(line, pattern))
}

/// The text of a line of the kernel's log, which starts with a time, and perhaps a thread or processor behind it.
pub(crate) fn logged(line: &str) -> Option<&str> {
    let (mark, rest) = line.strip_prefix('[')?.split_once(']')?;
    let time = |c: char| c.is_ascii_digit() || c == '.' || c == ' ';
    if !mark.chars().all(time) {
        return None;
    }
    match rest.strip_prefix('[') {
        Some(caller) => caller.split_once("] ").map(|(_, text)| text),
        None => rest.strip_prefix(' '),
    }
}

fn contains_at_word(line: &str, pattern: &str) -> bool {
    line.match_indices(pattern).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_says_is_recognised() {
        for (line, pattern) in [
            (
                "[    1.2] WARNING: CPU: 0 PID: 1 at fs/xsc.c:12 f+0x1/0x2",
                "WARNING:",
            ),
            ("[    1.2] BUG: kernel NULL pointer dereference", "BUG:"),
            ("BUG: KASAN: slab-use-after-free in x", "BUG:"),
            ("[    1.2] Oops: 0002 [#1] PREEMPT SMP", "Oops"),
            ("[    1.2] Internal error: Oops - BUG: 0 [#1]", "BUG:"),
            ("[    1.2] Call Trace:", "Call Trace:"),
            ("[    1.2] Call trace:", "Call trace:"),
            ("[    1.2] Kernel panic - not syncing: VFS", "Kernel panic"),
            (
                "[  9.0] ------------[ cut here ]------------",
                "cut here ]---",
            ),
            (
                "[  9.0] INFO: task init:1 blocked for more than 120 seconds.",
                "INFO: task ",
            ),
            (
                "rcu: INFO: rcu_preempt self-detected stall on CPU",
                "self-detected stall on CPU",
            ),
            ("\u{fffd}WARNING: after a broken byte", "WARNING:"),
            ("DEBUG: x BUG: y", "BUG:"),
            (
                "[  2.0] kernel BUG at lib/list_debug.c:59!",
                "kernel BUG at",
            ),
            (
                "[  2.0] Internal error: synchronous external abort: 96000210 [#1] SMP",
                "Internal error:",
            ),
            (
                "[ 90.1] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
                "new suspected memory leaks",
            ),
            ("[    0.512345]     not ok 2 ring_wraps", "not ok"),
            ("[    0.512345][    T1] not ok 1 xsc", "not ok"),
        ] {
            assert_eq!(complaint_in(line), Some(pattern), "{line}");
        }
    }

    #[test]
    fn harmless_lines_are_not_complaints() {
        for line in [
            "",
            "DEBUG: all is well",
            "MY_WARNING: no",
            "warning: lower case is a program, not the kernel",
            "Kernel command line: oops=panic panic_on_warn=1",
            "Spectre V2 : WARNING",
            "BUG",
            "[    0.1] Linux version 6.12",
            "[    0.2] kmemleak: Kernel memory leak detector initialized (mem pool available: 15860)",
            "[    0.2] kasan: KernelAddressSanitizer initialized (generic)",
            "[    0.5]     ok 2 ring_wraps",
            "[    0.5]     not ok 3 ring_huge # SKIP no memory",
            "not ok 1 of a program is counted by its init",
            "[x] not ok 1",
        ] {
            assert_eq!(complaint_in(line), None, "{line}");
        }
    }

    #[test]
    fn the_panic_is_one_of_the_complaints() {
        assert!(COMPLAINTS.contains(&PANIC));
    }
}
