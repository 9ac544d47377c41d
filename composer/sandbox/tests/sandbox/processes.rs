//! Programs behave under the tracer as they do without: exit statuses, signals, job control, many at once.

use xsc_sandbox::Outcome;

use crate::support::{Case, User, for_each_user, users};

#[test]
fn the_outcome_is_the_commands() {
    for user in users() {
        for (script, expected) in [
            ("true", Outcome::Exited(0)),
            ("exit 7", Outcome::Exited(7)),
            ("exit 255", Outcome::Exited(255)),
            ("kill -9 $$", Outcome::Signaled(9)),
            ("kill -TERM $$", Outcome::Signaled(15)),
            ("bash -c 'kill -SEGV $$'; exit $?", Outcome::Exited(139)),
        ] {
            assert_eq!(Case::new(user, script).run().outcome, expected, "{script}");
        }
    }
}

#[test]
fn both_streams_arrive_and_input_is_empty() {
    for_each_user(
        "echo out; echo err >&2; read line; echo $?; [ -t 0 ] || echo no terminal",
        |log| {
            assert_eq!(log, "out\nerr\n1\nno terminal\n");
        },
    );
}

#[test]
fn much_output_arrives_whole() {
    let log = Case::new(User::Myself, "for i in {1..200000}; do echo $i; done").output();
    assert_eq!(log.lines().count(), 200_000);
    assert!(log.ends_with("\n200000\n"));
}

#[test]
fn signals_pass_between_processes() {
    for_each_user(
        "trap 'echo got it' USR1 RTMIN+3
        bash -c 'kill -USR1 $PPID; kill -RTMIN+3 $PPID'
        sleep 100 & kill $!; wait $!; echo $?",
        |log| assert_eq!(log, "got it\ngot it\n143\n"),
    );
}

#[test]
fn job_control_stops_and_continues() {
    let mut case = Case::new(
        User::Myself,
        // A stopped process shows as traced, `t`.
        "state() { read -r _ _ state _ < /proc/$1/stat; echo ${state^}; }
        until_state() { while [ $(state $1) != $2 ]; do sleep 0.01; done; echo $2; }
        sleep 100 & child=$!
        until_state $child S
        kill -STOP $child; until_state $child T
        sleep 0.1; state $child
        kill -CONT $child; until_state $child S
        kill $child; wait $child; echo $?
        set -m
        bash -c 'kill -STOP $$; echo resumed' &
        wait -n 2> /dev/null; jobs -s | while read n s rest; do echo $s; done
        fg > /dev/null",
    );
    case.limits.timeout = Some(std::time::Duration::from_secs(60));
    // Between them is the shell's own notice.
    let log = case.output();
    assert!(log.starts_with("S\nT\nT\nS\n143\nStopped\n"), "{log}");
    assert!(log.ends_with("\nresumed\n"), "{log}");
}

#[test]
fn many_processes_at_once() {
    for program in ["probe", "probe-dynamic"] {
        for_each_user(&format!("{program} storm 200"), |log| {
            assert_eq!(log, "200 of 200\n")
        });
    }
    for_each_user(
        "for i in {1..200}; do (true; date +%s) & done; wait",
        |log| {
            assert_eq!(log, "2145916800\n".repeat(200));
        },
    );
}

#[test]
fn a_very_long_command_line_is_fine() {
    // The auxiliary vector lies behind all of it.
    let mut case = Case::new(
        User::Myself,
        "/usr/bin/env true $(for i in {1..20000}; do echo $i; done); date +%s $EMPTY",
    );
    for index in 0..2000 {
        case.spec
            .env
            .insert(format!("VARIABLE_{index}"), "x".repeat(index % 97));
    }
    assert_eq!(case.output(), "2145916800\n");
}
