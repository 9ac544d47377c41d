//! The one list of texts by which a kernel says that something is wrong.
//!
//! Called by `runner` for each console line. Invariant: a pattern counts only where it does not continue a word,
//! so `DEBUG:` is not a `BUG:`.

/// The texts that fail a test when a console line contains one of them.
pub const COMPLAINTS: &[&str] = &[
    "WARNING:",
    "BUG:",
    "Oops",
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
    "cut here ]---",
];

/// The complaint after which a kernel says nothing more.
pub(crate) const PANIC: &str = "Kernel panic";

/// Returns the first pattern of `COMPLAINTS` that `line` contains, if any.
pub fn complaint_in(line: &str) -> Option<&'static str> {
    COMPLAINTS
        .iter()
        .copied()
        .find(|pattern| contains_at_word(line, pattern))
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
        ] {
            assert_eq!(complaint_in(line), None, "{line}");
        }
    }

    #[test]
    fn the_panic_is_one_of_the_complaints() {
        assert!(COMPLAINTS.contains(&PANIC));
    }
}
