//! Actions that run on an engine: what goes there, what comes back, what is never run twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use xsc_remote::reapi::ExecuteError;

use crate::double::Double;
use crate::support::{BOTH, Home, action, execute, execute_until};

/// Leaves a tree with every kind of entry, made of the action's input and spec.
const BUILD: &str = r#"
[ "$1" = --action ] && [ "$2" = xsc/spec ] || exit 9
mkdir -p w/build/out/out/deep/er w/build/out/out/empty
cp in/0000/greeting w/build/out/out/greeting
cp xsc/spec w/build/out/out/deep/er/spec
cp w/build/out/out/greeting w/build/out/out/deep/same
printf '#!/bin/sh\n' > w/build/out/out/tool; chmod +x w/build/out/out/tool
head -c 700000 /dev/zero > w/build/out/out/large
cp w/build/out/out/large w/build/out/out/deep/large
: > w/build/out/out/nothing
ln -s ../nowhere w/build/out/out/link
echo '{"Started":["user"]}' > w/report
echo '{"Ended":{"Exited":0}}' >> w/report
echo building
echo complaining >&2
"#;

#[test]
fn an_action_s_outputs_log_and_report_come_back() {
    for function in BOTH {
        for only_trees in [false, true] {
            let engine = Double::start(function);
            engine.fault(|faults| faults.only_trees = only_trees);
            let home = Home::new();
            let runner = home.runner(BUILD);
            let tree = home.tree(&[
                ("greeting", b"hello"),
                ("sub/tool!", b"x"),
                ("sub/empty", b""),
            ]);
            let remote = home.client(&engine.url);
            let done = execute(&remote, &action(&[tree]), &runner);
            let executed = done.result.unwrap();
            assert_eq!(executed.status, 0);
            assert_eq!(done.log, "building\n");
            assert_eq!(executed.complaints, "complaining");
            let report = String::from_utf8(executed.report.unwrap()).unwrap();
            assert!(report.ends_with("{\"Ended\":{\"Exited\":0}}\n"), "{report}");
            let out = done.outputs.join("out");
            let read = |name: &str| std::fs::read(out.join(name)).unwrap();
            assert_eq!(read("greeting"), b"hello");
            assert_eq!(read("deep/same"), b"hello");
            assert_eq!(read("deep/er/spec"), b"the runner's instructions");
            assert_eq!(read("large"), vec![0; 700_000]);
            assert_eq!(read("deep/large"), vec![0; 700_000]);
            assert_eq!(read("nothing"), b"");
            assert!(out.join("empty").is_dir());
            let link = std::fs::read_link(out.join("link")).unwrap();
            assert_eq!(link.to_str(), Some("../nowhere"));
            use std::os::unix::fs::PermissionsExt;
            let mode = |name: &str| out.join(name).metadata().unwrap().permissions().mode();
            assert!(mode("tool") & 0o111 != 0 && mode("greeting") & 0o111 == 0);
        }
    }
}

#[test]
fn what_the_engine_has_is_not_sent_again() {
    for function in BOTH {
        let engine = Double::start(function);
        let home = Home::new();
        let runner = home.runner(BUILD);
        let files: Vec<(String, Vec<u8>)> = (0..500)
            .map(|n| {
                (
                    format!("d{}/f{n}", n % 20),
                    format!("file {n}").into_bytes(),
                )
            })
            .collect();
        let mut files: Vec<(&str, &[u8])> =
            files.iter().map(|(n, b)| (n.as_str(), &b[..])).collect();
        files.push(("greeting", b"hello"));
        let tree = home.tree(&files);
        let one = action(&[tree]);
        let remote = home.client(&engine.url);
        execute(&remote, &one, &runner).result.unwrap();
        let batches = engine.count("BatchUpdateBlobs");
        assert!(batches < 20, "500 files went in {batches} batches");
        // Another member, who knows nothing of what is there.
        let remote = home.client(&engine.url);
        execute(&remote, &one, &runner).result.unwrap();
        assert_eq!(engine.count("BatchUpdateBlobs"), batches);
        assert_eq!(engine.state().ran, 2, "the engine's memory is not believed");
        let trusting = home.client_with(&engine.url, |settings| settings.trust_engine = true);
        let done = execute(&trusting, &one, &runner).result.unwrap();
        assert!(done.cached);
        assert_eq!(engine.state().ran, 2);
    }
}

#[test]
fn a_failure_is_told_and_never_taken_from_the_engine_s_memory() {
    for function in BOTH {
        let engine = Double::start(function);
        engine.fault(|faults| faults.remember_failures = true);
        let home = Home::new();
        let runner = home.runner("echo '{\"Ended\":{\"Exited\":3}}' > w/report; echo why; exit 3");
        let tree = home.tree(&[("greeting", b"hello")]);
        let remote = home.client_with(&engine.url, |settings| settings.trust_engine = true);
        for times in [1, 2] {
            let done = execute(&remote, &action(&[tree]), &runner);
            let executed = done.result.unwrap();
            assert_eq!((executed.status, executed.cached), (3, false));
            assert_eq!(done.log, "why\n");
            assert_eq!(engine.state().ran, times);
            assert!(!done.outputs.join("out").exists());
        }
    }
}

#[test]
fn an_action_that_no_worker_takes_up_is_given_up() {
    for function in BOTH {
        let engine = Double::start(function);
        engine.fault(|faults| faults.hang_execution = true);
        let home = Home::new();
        let runner = home.runner(BUILD);
        let tree = home.tree(&[("greeting", b"hello")]);
        let remote = home.client_with(&engine.url, |settings| {
            settings.patience.queue = Duration::from_millis(500);
        });
        let done = execute(&remote, &action(&[tree]), &runner);
        let error = done.result.unwrap_err();
        assert!(matches!(error, ExecuteError::Declined { .. }), "{error}");
        assert!(
            error.to_string().contains("no worker took it up"),
            "{error}"
        );
        assert!(
            remote.dead().is_none(),
            "an engine that is busy is not dead"
        );
    }
}

#[test]
fn an_interrupt_ends_the_wait() {
    let engine = Double::start(BOTH[0]);
    engine.fault(|faults| faults.hang_execution = true);
    let home = Home::new();
    let runner = home.runner(BUILD);
    let tree = home.tree(&[("greeting", b"hello")]);
    let remote = home.client(&engine.url);
    let cancel = AtomicBool::new(false);
    let one = action(&[tree]);
    std::thread::scope(|scope| {
        let wait = scope.spawn(|| execute_until(&remote, &one, &runner, &cancel).result);
        while engine.count("Execute") == 0 {
            std::thread::yield_now();
        }
        cancel.store(true, Ordering::SeqCst);
        let error = wait.join().unwrap().unwrap_err();
        assert!(matches!(error, ExecuteError::Cancelled), "{error}");
    });
}

/// Creates a file when it is told what the command printed first.
struct Answer<'a> {
    path: &'a std::path::Path,
    log: String,
}

impl std::io::Write for Answer<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.log.push_str(std::str::from_utf8(bytes).unwrap());
        if self.log.contains("first\n") {
            std::fs::write(self.path, "")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn output_is_passed_on_while_the_command_runs() {
    let engine = Double::start(BOTH[0]);
    engine.fault(|faults| faults.streams = true);
    let home = Home::new();
    // It goes on only when somebody has read its first line, and gives up after a minute.
    let answer = home.temp.path().join("answer");
    let runner = home.runner(&format!(
        "echo '{{\"Ended\":{{\"Exited\":0}}}}' > w/report; mkdir -p w/build/out/out; echo first
         n=0; while [ ! -e {} ]; do sleep 0.1; n=$((n+1)); [ $n -lt 600 ] || exit 7; done
         echo second",
        answer.display()
    ));
    let tree = home.tree(&[("greeting", b"hello")]);
    let remote = home.client(&engine.url);
    let mut log = Answer {
        path: &answer,
        log: String::new(),
    };
    let executed = crate::support::execute_to(&remote, &action(&[tree]), &runner, &mut log);
    assert_eq!(executed.unwrap().status, 0);
    assert_eq!(log.log, "first\nsecond\n", "each line once");
}

#[test]
fn a_stream_that_tells_something_else_does_not_reach_the_end_of_the_log() {
    let engine = Double::start(BOTH[0]);
    engine.fault(|faults| (faults.streams, faults.lying) = (true, true));
    let home = Home::new();
    // Long enough for the stream to be heard.
    let runner = home.runner(&format!("{BUILD}\nsleep 1"));
    let tree = home.tree(&[("greeting", b"hello")]);
    let done = execute(&home.client(&engine.url), &action(&[tree]), &runner);
    assert_eq!(done.result.unwrap().status, 0);
    assert!(done.log.ends_with("building\n"), "{}", done.log);
    if let Some(rest) = done.log.strip_prefix("something else\n") {
        assert!(
            rest.starts_with("\n[the engine's log from here on]\n"),
            "{rest}"
        );
    } else {
        assert_eq!(done.log, "building\n");
    }
}
