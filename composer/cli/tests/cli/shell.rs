//! `shell`: a build's own sandbox, fresh or as it stood when the build failed, on a terminal and fed by a file.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::env::{TestRepo, can_build};

const RECIPES: &str = r#"
data = run "data" "mkdir $out; echo original > $out/file";
result = runWith "fails" {
    inputs = [ { at = "/in"; from = data; } { at = "/src"; from = data; writable = true; } ];
    env = { PATH = "/usr/bin"; COLOUR = "green"; };
} ''
    mkdir $out; echo half > $out/part; echo found > /build/evidence; echo changed > /src/file; echo new > /src/more
    echo temporary > /tmp/t; exit 9'';
"#;

/// The composer on a terminal, with a person in front of it.
struct Person {
    terminal: File,
    printed: String,
    child: std::process::Child,
}

impl Person {
    fn start(repo: &TestRepo, args: &[&str]) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let inner = || Stdio::from(ioctl_tiocgptpeer(&terminal, flags).unwrap());
        let mut command = repo.command(args);
        let child = command
            .stdin(inner())
            .stdout(inner())
            .stderr(inner())
            .spawn()
            .unwrap();
        Person {
            terminal: File::from(terminal),
            printed: String::new(),
            child,
        }
    }

    /// Types a line and waits until the text has been printed after it.
    fn asks(&mut self, line: &str, answer: &str) {
        let from = self.printed.len();
        self.terminal
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
        self.sees(from, answer);
    }

    fn sees(&mut self, from: usize, text: &str) {
        let begin = Instant::now();
        let mut buffer = [0; 4096];
        while !self.printed[from..].contains(text) {
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "no {text:?} in {}",
                self.printed
            );
            let count = self.terminal.read(&mut buffer).unwrap();
            self.printed
                .push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    fn leaves(mut self) {
        self.terminal.write_all(b"exit\n").unwrap();
        assert!(self.child.wait().unwrap().success(), "{}", self.printed);
    }
}

#[test]
fn a_failed_build_is_entered_where_it_failed() {
    if !can_build("a_failed_build_is_entered_where_it_failed") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let said = "`xsc-compose shell --failed fails` opens a shell in it";
    repo.build_with(&["-K"]).fails(100, &["status 9", said]);
    for args in [&["shell", "--failed"][..], &["shell", "--failed", "fails"]] {
        let mut person = Person::start(&repo, args);
        person.sees(0, "[fails:/build]$ ");
        person.asks(
            "echo in $PWD, $COLOUR, $out",
            "in /build, green, /build/out/out\r\n",
        );
        person.asks(
            "cat evidence $out/part /src/* /tmp/t /in/file",
            "found\r\nhalf\r\nchanged\r\nnew\r\ntemporary\r\noriginal\r\n",
        );
        person.asks("id -u; uname -n", "1000\r\nxsc-build\r\n");
        person.asks("echo x > /in/file", "Read-only file system");
        person.asks("build_script; echo it was $?", "it was 1\r\n");
        person.leaves();
    }
    // What is done there stays there.
    let feed = |text: &str| repo.run_with_input(&["shell", "--failed"], text);
    feed("echo noted > /build/note; rm /src/more\n").ok();
    assert_eq!(
        feed("cat /build/note; ls /src; exit 0\n").ok().out,
        "noted\nfile\n"
    );
    repo.assert_sound();
}

#[test]
fn a_fresh_shell_has_the_build_before_it() {
    if !can_build("a_fresh_shell_has_the_build_before_it") {
        return;
    }
    let repo = TestRepo::new(RECIPES);
    let mut person = Person::start(&repo, &["shell", "profiles/t.toml"]);
    person.sees(0, "[fails:/build]$ ");
    person.asks("cat /src/file; ls /build", "original\r\nout\r\n");
    person.asks("build_script; echo it was $?", "it was 9\r\n");
    person.asks("cat evidence /src/file", "found\r\nchanged\r\n");
    person.leaves();
    let shell =
        |which: &str, text: &str| repo.run_with_input(&["shell", "profiles/t.toml", which], text);
    assert_eq!(
        shell("fails", "cat /src/file; echo $COLOUR\n").ok().out,
        "original\ngreen\n"
    );
    assert_eq!(
        shell("data", "build_script && cat $out/file\n").ok().out,
        "original\n"
    );
    shell("data", "exit 5\n").fails(5, &["the shell ended with status 5"]);
    // Nothing is left behind.
    assert_eq!(
        std::fs::read_dir(repo.store().join("tmp")).unwrap().count(),
        0
    );
    repo.assert_sound();
}

#[test]
fn what_cannot_be_entered_says_why() {
    if !can_build("what_cannot_be_entered_says_why") {
        return;
    }
    let repo = TestRepo::new(&format!(
        "{RECIPES}\ntext = step \"text\" \"builtin:write\" {{ files.\"/a\" = \"b\"; }} [ ];"
    ));
    let run = |args: &[&str]| repo.run(args);
    run(&["shell", "--failed"]).fails(2, &["no failed build is kept", "`build -K` keeps"]);
    run(&["shell", "profiles/t.toml", "text"]).fails(2, &["text is made by the composer itself"]);
    run(&["shell"]).fails(2, &["<SUBJECT>"]);
    repo.build_with(&["-K"]).fails(100, &["status 9"]);
    run(&["shell", "--failed", "other"]).fails(
        2,
        &["no failed build of `other` is kept", "kept are: fails"],
    );
    let record = repo.store().join("kept/build-fails/sandbox.json");
    std::fs::write(&record, "{}").unwrap();
    run(&["shell", "--failed"]).fails(
        1,
        &[
            "does not say how to enter it",
            "only builds that `build -K` kept",
        ],
    );
}
