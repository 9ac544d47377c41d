//! A command that a person talks to: on a terminal, and fed by a file.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use xsc_sandbox::{CancelToken, Outcome, Sandbox};

use crate::support::{Case, runner, users};

/// A terminal as a person has one: the end that is typed into and read, and the one that programs get.
fn terminal() -> (File, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let person = openpt(flags).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let program = ioctl_tiocgptpeer(&person, flags).unwrap();
    tcsetwinsize(&person, size(24, 80)).unwrap();
    (File::from(person), program)
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// Reads until the text has been printed.
fn wait_for(person: &mut File, printed: &mut String, text: &str) {
    let begin = Instant::now();
    let mut buffer = [0; 4096];
    while !printed.contains(text) {
        let mut fds = [PollFd::new(person.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut fds, PollTimeout::from(1000_u16)).unwrap();
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "no {text} in {printed}"
        );
        if ready == 0 {
            continue;
        }
        let count = person.read(&mut buffer).unwrap();
        printed.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

#[test]
fn a_shell_has_a_terminal_of_its_own() {
    for user in users() {
        let mut case = Case::new(user, "");
        case.spec.command = ["bash", "--norc", "--noprofile", "-i"]
            .map(String::from)
            .into();
        case.spec.env.insert("PS1".into(), "ready> ".into());
        let (mut person, program) = terminal();
        let before = tcgetattr(&program).unwrap();
        std::thread::scope(|scope| {
            let shell = scope.spawn(|| {
                let sandbox = Sandbox::new(runner(user));
                let (input, output) = (program.as_fd(), program.as_fd());
                sandbox.attach(&case.spec, input, output, &CancelToken::new())
            });
            let mut printed = String::new();
            wait_for(&mut person, &mut printed, "ready> ");
            assert!(!printed.contains("no job control"), "{printed}");
            // What is typed reaches programs as it is; echoing is left to the inner terminal.
            let raw = tcgetattr(&program).unwrap();
            assert!(!raw.local_modes.contains(LocalModes::ECHO));
            person
                .write_all(b"[ -t 0 ] && [ -t 1 ] && echo on a ter''minal\n")
                .unwrap();
            wait_for(&mut person, &mut printed, "on a terminal");
            person
                .write_all(b"exec 3< /dev/tty && echo own ter''minal\n")
                .unwrap();
            wait_for(&mut person, &mut printed, "own terminal");
            // An interrupt is for what runs in the foreground, not for the composer.
            person
                .write_all(b"echo sle''eps; sleep 1000; echo status $?\n")
                .unwrap();
            wait_for(&mut person, &mut printed, "sleeps");
            std::thread::sleep(Duration::from_millis(300));
            person.write_all(b"\x03").unwrap();
            person.write_all(b"echo inter''rupted\n").unwrap();
            wait_for(&mut person, &mut printed, "interrupted");
            tcsetwinsize(&person, size(50, 132)).unwrap();
            // The size follows within a moment.
            person.write_all(b"until shopt -s checkwinsize; (:); [ $LINES$COLUMNS = 50132 ]; do sleep 0.1; done; echo si''zed\n").unwrap();
            wait_for(&mut person, &mut printed, "sized");
            person.write_all(b"exit 7\n").unwrap();
            let report = shell.join().unwrap().unwrap();
            assert_eq!(report.outcome, Outcome::Exited(7));
        });
        let after = tcgetattr(&program).unwrap();
        assert_eq!(before.local_modes, after.local_modes);
        assert_eq!(before.input_modes, after.input_modes);
    }
}

#[test]
fn a_file_of_commands_feeds_a_shell() {
    for user in users() {
        let mut case = Case::new(user, "");
        case.spec.command = ["bash"].map(String::from).into();
        let (script, log) = (
            case.temp.path().join("script"),
            case.temp.path().join("log"),
        );
        std::fs::write(&script, "echo $((6 * 7)); pwd; echo wrong >&2; (exit 4)\n").unwrap();
        let (input, output) = (File::open(&script).unwrap(), File::create(&log).unwrap());
        let sandbox = Sandbox::new(runner(user));
        let report = sandbox
            .attach(
                &case.spec,
                input.as_fd(),
                output.as_fd(),
                &CancelToken::new(),
            )
            .unwrap();
        assert_eq!(report.outcome, Outcome::Exited(4));
        assert_eq!(std::fs::read_to_string(log).unwrap(), "42\n/build\nwrong\n");
    }
}

#[test]
fn a_cancelled_shell_ends() {
    let mut case = Case::new(users()[0], "");
    case.spec.command = ["sleep", "1000"].map(String::from).into();
    let cancel = CancelToken::new();
    cancel.cancel();
    let null = File::open("/dev/null").unwrap();
    let sandbox = Sandbox::new(runner(users()[0]));
    let report = sandbox
        .attach(&case.spec, null.as_fd(), null.as_fd(), &cancel)
        .unwrap();
    assert_eq!(report.outcome, Outcome::Cancelled);
}
