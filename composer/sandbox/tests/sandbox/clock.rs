//! The wall clock stands still for every program, wherever it asks; everything else about time works.

use xsc_sandbox::{DEFAULT_CLOCK, Outcome};

use crate::support::{Case, User, for_each_user, users};

#[test]
fn every_way_to_the_wall_clock_reads_the_fixed_value() {
    for program in ["probe", "probe-dynamic"] {
        for_each_user(&format!("{program} clocks"), |log| {
            let expected = format!("{DEFAULT_CLOCK}.0");
            assert_eq!(log.lines().count(), 4 * 7, "{program}: {log}");
            for line in log.lines() {
                assert!(line.ends_with(&expected), "{program}: {line}");
            }
        });
    }
    for_each_user(
        "date +%s.%N; printf '%(%s)T\n'; echo $EPOCHREALTIME",
        |log| {
            let lines: Vec<_> = log.lines().collect();
            let expected = ["2145916800.000000000", "2145916800", "2145916800.000000"];
            assert_eq!(lines, expected);
        },
    );
}

#[test]
fn another_clock_can_be_asked_for() {
    let mut case = Case::new(User::Myself, "date +%s");
    case.spec.clock = 315_532_800;
    assert_eq!(case.output(), "315532800\n");
}

#[test]
fn the_monotonic_clock_is_live() {
    for_each_user("probe monotonic", |log| assert_eq!(log, "true\n"));
}

#[test]
fn the_clock_cannot_be_set() {
    for_each_user("probe setters", |log| {
        assert_eq!(log, "clock_settime 1\nsettimeofday 1\nadjtimex 1\n");
    });
}

#[test]
fn deadlines_on_the_wall_clock_come() {
    for program in ["probe", "probe-dynamic"] {
        let mut case = Case::new(User::Myself, &format!("{program} deadlines"));
        case.limits.timeout = Some(std::time::Duration::from_secs(60));
        let expected =
            "semaphore -1 timed out\nnanosleep 0\nunchanged 100000000\nat least 200 ms true\n";
        assert_eq!(case.output(), expected, "{program}");
    }
}

#[test]
fn relative_waits_work() {
    for_each_user(
        "timeout 0.1 sleep 60; echo $?; read -t 0.1 < <(sleep 1); echo $?",
        |log| {
            assert_eq!(log, "124\n142\n");
        },
    );
}

#[test]
fn a_32_bit_system_call_ends_the_process_with_a_message() {
    if cfg!(not(target_arch = "x86_64")) {
        println!("skipped: only x86_64 has the 32-bit entry that the probe uses");
        return;
    }
    for user in users() {
        let ran = Case::new(user, "exec probe compat").run();
        assert_eq!(ran.outcome, Outcome::Signaled(9), "{}", ran.log);
        assert!(
            ran.log
                .contains("(probe) made a system call of another architecture"),
            "{}",
            ran.log
        );
        assert!(!ran.log.contains("getpid"), "{}", ran.log);
    }
}
