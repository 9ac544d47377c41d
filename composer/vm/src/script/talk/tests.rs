//! Conversations with a guest that is played by the test.

use std::time::{Duration, Instant};

use super::Talk;
use crate::script::Script;

struct Stage {
    talk: Talk,
    now: Instant,
}

impl Stage {
    fn new(script: &str) -> Stage {
        Stage {
            talk: Talk::new(&Script::parse(script).unwrap()),
            now: Instant::now(),
        }
    }

    /// The guest says something; what is typed then.
    fn says(&mut self, text: &str) -> String {
        self.talk.hear(text.as_bytes(), self.now);
        String::from_utf8(self.talk.type_next(self.now)).unwrap()
    }

    fn later(&mut self, seconds: u64) -> String {
        self.now += Duration::from_secs(seconds);
        self.says("")
    }

    fn report(self) -> Vec<String> {
        self.talk.report().lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_login_and_commands() {
    let mut stage = Stage::new(
        "login root xsc\nrun ls -l /proc | grep xsc\nsays xsc\nfails false\nsend poweroff",
    );
    assert_eq!(stage.says("Booting\r\nhost lo"), "");
    assert_eq!(stage.says("gin: "), "root\n");
    assert_eq!(stage.says("root\r\nPassword: "), "xsc\n");
    assert_eq!(stage.later(6), "echo xsc-1-''ready\n");
    assert_eq!(stage.says("\x1b[?2004hroot# echo xsc-1-''ready\r\n"), "");
    let typed = stage.says("xsc-1-ready\r\nroot# ");
    assert_eq!(
        typed,
        "echo xsc-2-''begin; eval 'ls -l /proc | grep xsc'; echo xsc-2-''end-$?\n"
    );
    // The echo of what was typed is not the end of it, and neither is a part of the end.
    assert_eq!(stage.says(&typed.replace('\n', "\r\n")), "");
    assert_eq!(
        stage.says("xsc-2-begin\r\n-r--r--r-- xsc\r\nxsc-2-end-"),
        ""
    );
    assert_eq!(
        stage.says("0\r\n"),
        "echo xsc-3-''begin; eval 'false'; echo xsc-3-''end-$?\n"
    );
    assert_eq!(stage.says("xsc-3-begin\r\nxsc-3-end-1\r\n"), "poweroff\n");
    assert!(stage.talk.is_done() && !stage.talk.is_abandoned());
    assert_eq!(
        stage.report(),
        [
            "1..4",
            "ok 1 - login root xsc",
            "ok 2 - run ls -l /proc | grep xsc",
            "ok 3 - fails false",
            "ok 4 - send poweroff",
            "xsc-verdict: pass=4 fail=0 skip=0 taint=0 warn=0"
        ]
    );
}

#[test]
fn a_command_fails_by_status_or_by_what_it_says() {
    let mut stage = Stage::new("shell\nrun a 'b'\nrun c\nsays d\nrun e\nlacks f\nfails g");
    assert_eq!(stage.later(1), "");
    assert_eq!(stage.later(6), "echo xsc-1-''ready\n");
    let typed = stage.says("xsc-1-ready\n");
    assert!(typed.contains("eval 'a '\\''b'\\'''"), "{typed}");
    stage.says("xsc-2-begin\nno such\nxsc-2-end-127\n");
    stage.says("xsc-3-begin\nsomething\nxsc-3-end-0\n");
    stage.says("xsc-4-begin\nof f\nxsc-4-end-0\n");
    stage.says("xsc-5-begin\nxsc-5-end-0\n");
    assert!(stage.talk.is_done());
    assert_eq!(
        stage.report()[2..],
        [
            "not ok 2 - run a 'b' (it ended with 127)",
            "# no such",
            "not ok 3 - run c (it does not say `d`)",
            "# something",
            "not ok 4 - run e (it says `f`)",
            "# of f",
            "not ok 5 - fails g (it ended with 0)",
            "xsc-verdict: pass=1 fail=4 skip=0 taint=0 warn=0"
        ]
    );
}

#[test]
fn what_never_comes_ends_the_conversation() {
    let mut stage = Stage::new("limit 10\nexpect hello\nsend x\nrun y");
    assert_eq!(stage.says("helo\n"), "");
    assert_eq!(stage.later(9), "");
    assert!(!stage.talk.is_abandoned());
    assert_eq!(stage.later(2), "");
    assert!(stage.talk.is_abandoned() && !stage.talk.is_done());
    assert_eq!(stage.says("hello\n"), "", "it is over");
    assert_eq!(
        stage.report(),
        [
            "1..3",
            "not ok 1 - expect hello (waited 10 s in vain)",
            "# helo",
            "not ok 2 - send x (never done)",
            "not ok 3 - run y (never done)",
            "xsc-verdict: pass=0 fail=3 skip=0 taint=0 warn=0"
        ]
    );
}

#[test]
fn a_refused_login_is_told() {
    let mut stage = Stage::new("login eve");
    assert_eq!(stage.says("login: "), "eve\n");
    stage.says("Login incorrect\nlogin: ");
    assert!(stage.talk.is_done());
    assert_eq!(
        stage.report()[1],
        "not ok 1 - login eve (the login was refused)"
    );
}

#[test]
fn much_output_is_cut_and_the_end_is_found() {
    let mut stage = Stage::new("limit 10\nexpect end");
    for _ in 0..40 {
        stage.says(&"x".repeat(64 << 10));
    }
    assert!(stage.talk.heard.len() <= super::KEPT);
    stage.says(" the end");
    assert!(stage.talk.is_done());
}
