//! A build that is interrupted: the first signal ends it in good order, the second at once.
//!
//! Either leaves a store that the next run uses, and no process.

use std::fs;
use std::io::{BufRead, BufReader, Read};

use crate::env::{Ran, TestRepo, can_build, processes_of, signal, wait_for};

/// A build that waits as long as `seconds` says, after one that is short; where `others`, with more that are ready
/// to run beside it.
fn recipes(repo: &TestRepo, seconds: u32, others: &str) {
    let marker = repo.marker();
    repo.recipes(&format!(
        r#"before = run "before" "mkdir $out; echo 1 > $out/f";
        long = runWith "long" {{ inputs = [ {{ at = "/b"; from = before; }} ]; }} ''
            mkdir $out; bash -c 'sleep "$1"; true {marker}' running ${{toString wait}} & wait'';
        wait = {seconds};
        after = name: runWith name {{ inputs = [ {{ at = "/b"; from = before; }} ]; }} "mkdir $out; echo ${{name}} > $out/n";
        result = runWith "last" {{
          inputs = [ {{ at = "/long"; from = long; }} {others} ];
        }} "mkdir $out";"#
    ));
}

const OTHERS: &str = r#"{ at = "/x"; from = after "x"; } { at = "/y"; from = after "y"; }"#;

fn wait_for_the_command(repo: &TestRepo) {
    wait_for("the command of the build", || {
        let running = processes_of(repo.temp());
        running.iter().any(|p| p.contains("\0running\0"))
    });
}

fn scratch_directories(repo: &TestRepo) -> usize {
    fs::read_dir(repo.store().join("tmp")).unwrap().count()
}

#[test]
fn the_first_interrupt_ends_the_build_and_its_processes() {
    let name = "the_first_interrupt_ends_the_build_and_its_processes";
    if !can_build(name) {
        return;
    }
    for signal_name in ["INT", "TERM"] {
        let repo = TestRepo::new("");
        // How long it takes is known from here on, so that it goes first, and `x` and `y` wait behind it.
        recipes(&repo, 1, "");
        let _ = repo.build().ok();
        recipes(&repo, 600, OTHERS);
        let child = repo.spawn_build(&["-j1", "-k"]);
        wait_for_the_command(&repo);
        signal(signal_name, child.id());
        let ran = Ran::new(child.wait_with_output().unwrap());
        let said = [
            "stopping; a second interrupt stops at once",
            "stopped long after ",
            "error: interrupted\n",
            "hint: what was finished is kept",
        ];
        let ran = ran.fails(130, &said);
        assert!(!ran.err.contains("failed long"), "{}", ran.err);
        let left = processes_of(repo.temp());
        assert_eq!(left, Vec::<String>::new(), "{signal_name}");
        // Whatever was ready beside it did not begin, though -k goes on after a failure.
        assert_eq!(ran.building(), ["long"], "{signal_name}: {}", ran.err);
        assert_eq!(scratch_directories(&repo), 0, "{signal_name}");
        // A lock that somebody held would be refused to gc, and waited for by a build.
        let _ = repo.run(&["gc"]).ok();
        recipes(&repo, 0, OTHERS);
        let next = repo.build().ok();
        assert!(!next.err.contains("waiting for"), "{}", next.err);
        assert!(next.building().contains(&"last"), "{}", next.err);
        repo.assert_sound();
    }
}

/// The fork server above the command of the one build: PID 1 of the sandbox shows no command line.
fn fork_server(repo: &TestRepo) -> String {
    let running = processes_of(repo.temp());
    let command = running.iter().find(|p| p.contains("\0running\0")).unwrap();
    let mut pid = command.split(':').next().unwrap().to_owned();
    loop {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        pid = parent.unwrap().trim().to_owned();
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
        if command.contains("\0--serve\0") {
            return pid;
        }
    }
}

#[test]
fn the_second_interrupt_kills_what_the_first_waits_for() {
    let name = "the_second_interrupt_kills_what_the_first_waits_for";
    if !can_build(name) {
        return;
    }
    let repo = TestRepo::new("");
    recipes(&repo, 2, "");
    let mut child = repo.spawn_build(&[]);
    wait_for_the_command(&repo);
    // One that does not react: the build that comes next waits for it, and the first interrupt for the build.
    let server = fork_server(&repo).parse().unwrap();
    signal("STOP", server);
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    let mut read_until = |wanted: &str| {
        while !text.contains(wanted) {
            assert_ne!(said.read_line(&mut text).unwrap(), 0, "{text}");
        }
    };
    read_until("building last");
    signal("INT", child.id());
    read_until("stopping; a second interrupt stops at once");
    assert_eq!(child.try_wait().unwrap(), None, "it waits");
    signal("INT", child.id());
    said.read_to_string(&mut text).unwrap();
    let ran = Ran::new(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (Some(130), ""), "{text}");
    // What the first one says when it has waited long enough.
    assert!(!text.contains("interrupted"), "{text}");
    signal("CONT", server);
    wait_for("the end of the build's processes", || {
        processes_of(repo.temp()).is_empty()
    });
    recipes(&repo, 0, "");
    let next = repo.build().ok();
    assert!(!next.err.contains("waiting for"), "{}", next.err);
    assert_eq!(next.building(), ["long", "last"]);
    assert_eq!(scratch_directories(&repo), 0);
    repo.assert_sound();
}
