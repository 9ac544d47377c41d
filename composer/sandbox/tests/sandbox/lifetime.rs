//! Nothing outlives a run, however it ends.

use std::fs;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use xsc_sandbox::{CancelToken, Limits, Outcome, Sandbox, SandboxError, SandboxSpec, TimeLimit};

use crate::support::{Case, User, runner, users};

/// Tells the helper test below what to run; it is a process that dies in the middle of a run.
const HELPER: &str = "XSC_SANDBOX_TEST_SPEC";

/// Whether any process has this text in its command line.
fn alive(marker: &str) -> bool {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .any(|entry| {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line)
                .replace('\0', " ")
                .contains(marker)
        })
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A `sleep` that no other test has, and its command line.
fn sleeper(name: &str) -> String {
    format!(
        "sleep 98{}.{}",
        std::process::id(),
        name.bytes().map(u32::from).sum::<u32>()
    )
}

#[test]
fn a_process_left_behind_is_killed() {
    for user in users() {
        let sleep = sleeper(&format!("behind{user:?}"));
        let ran = Case::new(user, &format!("({sleep} > /dev/null 2>&1 &) ; echo done")).run();
        assert_eq!(
            (ran.outcome, ran.log.as_str()),
            (Outcome::Exited(0), "done\n")
        );
        assert!(!alive(&sleep));
    }
}

#[test]
fn limits_end_a_command() {
    for user in users() {
        let sleep = sleeper(&format!("limits{user:?}"));
        let after = Duration::from_millis(300);
        let mut case = Case::new(
            user,
            &format!("trap '' TERM INT HUP; echo started; while :; do {sleep}; done"),
        );
        case.limits.max_silent = Some(after);
        let ran = case.run();
        assert_eq!(
            ran.outcome,
            Outcome::TimedOut {
                limit: TimeLimit::Silence,
                after
            }
        );
        assert_eq!(ran.log, "started\n");
        assert!(!alive(&sleep));

        let mut case = Case::new(user, "while :; do echo noise; done");
        case.limits = Limits {
            timeout: Some(after),
            max_silent: Some(Duration::from_secs(20)),
        };
        assert_eq!(
            case.run().outcome,
            Outcome::TimedOut {
                limit: TimeLimit::Total,
                after
            }
        );
    }
}

#[test]
fn a_cancelled_command_ends() {
    let case = Case::new(User::Myself, &sleeper("cancel"));
    let token = case.cancel.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("the command starts", || alive(&sleeper("cancel")));
            token.cancel();
        });
        assert_eq!(case.run().outcome, Outcome::Cancelled);
    });
    assert!(!alive(&sleeper("cancel")));
}

#[test]
fn a_log_that_cannot_be_written_ends_the_command() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let case = Case::new(User::Myself, &format!("echo x; {}", sleeper("log")));
    let sandbox = Sandbox::new(runner(User::Myself));
    let result = sandbox.run(
        &case.spec,
        &mut Full,
        &CancelToken::new(),
        Limits::default(),
    );
    assert!(matches!(result, Err(SandboxError::Log(_))), "{result:?}");
    assert!(!alive(&sleeper("log")));
}

/// Not a test by itself: what `killing_the_composer_kills_everything` starts and kills.
#[test]
fn helper_runs_a_given_spec() {
    let Some(file) = std::env::var_os(HELPER) else {
        return;
    };
    let (user, spec): (bool, SandboxSpec) =
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let user = if user { User::Nobody } else { User::Myself };
    let result = Sandbox::new(runner(user)).run(
        &spec,
        &mut io::sink(),
        &CancelToken::new(),
        Limits::default(),
    );
    panic!("it ended by itself: {result:?}");
}

#[test]
fn killing_the_composer_kills_everything() {
    for user in users() {
        for runner_only in [false, true] {
            let sleep = sleeper(&format!("kill{user:?}{runner_only}"));
            let script = format!("({sleep} &) ; trap '' TERM HUP INT; while :; do {sleep}; done");
            let case = Case::new(user, &script);
            let file = case.temp.path().join("spec.json");
            let given = (user == User::Nobody, &case.spec);
            fs::write(&file, serde_json::to_vec(&given).unwrap()).unwrap();
            let mut helper = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "lifetime::helper_runs_a_given_spec",
                    "--nocapture",
                ])
                .env(HELPER, &file)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            wait_until("the command starts", || alive(&sleep));
            let runner = child_of(helper.id());
            if runner_only {
                // The runner alone: the library then reports that it died.
                kill(runner);
            } else {
                helper.kill().unwrap();
            }
            helper.wait().unwrap();
            wait_until("a process is left", || !alive(&sleep));
            // What is dead but not yet reaped by the host's init has no command line.
            let file = format!("/proc/{runner}/cmdline");
            wait_until("the runner is left", || {
                fs::read(&file).unwrap_or_default().is_empty()
            });
            let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
            let scratch = case.spec.scratch.display().to_string();
            assert!(!mounts.contains(&scratch), "a mount is left: {mounts}");
        }
    }
}

fn child_of(parent: u32) -> i32 {
    let is_child = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        after_name.split(' ').nth(1) == Some(&parent.to_string())
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .find(is_child)
        .unwrap()
}

fn kill(pid: i32) {
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}
