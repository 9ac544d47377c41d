//! debian-base as a person meets it: `run` on a terminal, and its OCI image in a container of an ordinary kernel.
//!
//! Not part of `cargo test --workspace`, since it needs the image in the user's own store: `./x test` runs it as
//! `XSC_COMPOSE=target/release/xsc-compose cargo test -p xsc-vm --test debian`. What cannot run prints `SKIP <test>:
//! <reason>`. Invariant: nothing here builds anything, and no machine or container outlives its test.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use xsc_vm::{Script, Talk};

const PROFILE: &str = "profiles/debian-base.toml";

fn repo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The composer's program; what is tested here is what a person calls.
fn program() -> Option<PathBuf> {
    std::env::var_os("XSC_COMPOSE").map(PathBuf::from)
}

fn compose(args: &[&str]) -> Command {
    let mut command = Command::new(program().expect("can_run asked for it"));
    command.current_dir(repo()).args(args);
    command
}

/// What a program prints; it has to succeed.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether these programs and the image are there; says what is not.
fn can_run(test: &str, programs: &[&str]) -> bool {
    for program in programs {
        let found = Command::new(program).arg("--version").output();
        if found.is_err() {
            println!("SKIP {test}: {program} is not installed");
            return false;
        }
    }
    if program().is_none() {
        println!("SKIP {test}: XSC_COMPOSE does not name the composer's program");
        return false;
    }
    let plan = printed(&mut compose(&["build", "--dry-run", "--json", PROFILE]));
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    if plan["missing"] == serde_json::json!([]) {
        return true;
    }
    println!("SKIP {test}: {PROFILE} is not built");
    false
}

/// `xsc-compose run` on a pseudo terminal, with what is typed and what it says.
struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Receiver<Vec<u8>>,
    /// All that it said, for a test that fails.
    said: Vec<u8>,
}

impl Terminal {
    fn open(command: &str) -> Terminal {
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--flush", "--command", command])
            .arg("/dev/null")
            .current_dir(repo())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let keyboard = child.stdin.take().unwrap();
        let mut out = child.stdout.take().unwrap();
        let (sender, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal {
            child,
            keyboard,
            screen,
            said: Vec::new(),
        }
    }

    /// What it says next, or nothing for now; `None` once it has ended.
    fn hear(&mut self) -> Option<Vec<u8>> {
        match self.screen.recv_timeout(Duration::from_millis(100)) {
            Ok(bytes) => {
                self.said.extend(&bytes);
                Some(bytes)
            }
            Err(RecvTimeoutError::Timeout) => Some(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Types and hears until the script is done or comes to no end; gives its report.
    fn follow(&mut self, script: &Script) -> String {
        let mut talk = Talk::new(script);
        while !talk.is_done() && !talk.is_abandoned() {
            let Some(bytes) = self.hear() else { break };
            talk.hear(&bytes, Instant::now());
            let typed = talk.type_next(Instant::now());
            // A machine that has just ended is noticed by what it says no more.
            let _ = self.keyboard.write_all(&typed);
        }
        talk.report()
    }

    /// Waits for the end of a machine that was told to switch itself off.
    fn end(&mut self, limit: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if self.hear().is_none() {
                return Some(self.child.wait().unwrap());
            }
        }
        None
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Ctrl-a x ends the machine; a terminal that closes ends what is left.
        let _ = self.keyboard.write_all(b"\x01x");
        if self.end(Duration::from_secs(10)).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[test]
fn run_gives_a_shell_in_which_a_system_is_used() {
    let test = "run_gives_a_shell_in_which_a_system_is_used";
    if !can_run(test, &["script", "qemu-system-x86_64"]) {
        return;
    }
    let text = std::fs::read_to_string(repo().join("profiles/debian-base.script")).unwrap();
    let script = Script::parse(&text).unwrap();
    let program = program().unwrap();
    let mut terminal = Terminal::open(&format!("'{}' run {PROFILE}", program.display()));
    let report = terminal.follow(&script);
    let failed = report.lines().any(|line| line.starts_with("not ok"));
    let said = String::from_utf8_lossy(&terminal.said);
    assert!(!failed, "{said}\n{report}");
    // The script's last line switches the machine off, and `run` says that this was no failure.
    let status = terminal.end(Duration::from_secs(300));
    let said = String::from_utf8_lossy(&terminal.said);
    assert_eq!(status.and_then(|s| s.code()), Some(0), "{said}");
}

/// A container that is gone when the test is.
struct Container(String);

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("crun")
            .args(["delete", "--force", &self.0])
            .output();
    }
}

/// Runs a bundle under a name. Without groups of processes, which are not what is tested: crun refuses a host that has
/// both kinds of them, so one is taken out of its sight.
const CRUN: &str = "umount /sys/fs/cgroup/unified 2>/dev/null
exec crun --cgroup-manager=disabled run --bundle \"$1\" \"$2\"";

/// What each command has to print in a container.
const COMMANDS: [(&str, &str); 7] = [
    ("echo $((6 * 7)) | cat", "42\n"),
    ("for i in $(seq 50); do /bin/true; done; echo $i", "50\n"),
    ("sleep 100 & kill $!; wait $!; echo $?", "143\n"),
    (
        "python3 -c 'import threading, ssl; t = threading.Thread(target=print, args=(7,)); t.start(); t.join()'",
        "7\n",
    ),
    ("perl -e 'print 6 * 7, qq(\\n)'", "42\n"),
    ("dpkg-query -W -f '${Architecture}\\n' bash", "xsc-amd64\n"),
    ("getent passwd root | cut -d: -f1", "root\n"),
];

#[test]
fn a_container_of_the_image_runs_under_an_ordinary_kernel() {
    let test = "a_container_of_the_image_runs_under_an_ordinary_kernel";
    if !can_run(test, &["crun", "umoci"]) {
        return;
    }
    let user = printed(Command::new("id").arg("-u"));
    if user.trim() != "0" {
        println!("SKIP {test}: only root may unpack the image's owners");
        return;
    }
    let images = printed(&mut compose(&["build", "--no-link", PROFILE]));
    let layout = Path::new(images.trim()).join("debian-base-base-x86_64-linux-oci");
    let temp = tempfile::tempdir().unwrap();
    let bundle = temp.path().join("bundle");
    let unpacked = Command::new("umoci")
        .args(["unpack", "--image"])
        .arg(format!("{}:debian-base", layout.display()))
        .arg(&bundle)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&unpacked.stderr);
    assert!(unpacked.status.success(), "{error}");

    let path = bundle.join("config.json");
    let config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(
        config["process"]["args"],
        serde_json::json!(["/bin/sh"]),
        "what an engine runs"
    );
    for (number, (line, expected)) in COMMANDS.iter().enumerate() {
        let mut config = config.clone();
        config["process"]["terminal"] = false.into();
        let mounts = config["mounts"].as_array_mut().unwrap();
        mounts.retain(|mount| mount["type"] != "cgroup");
        config["linux"].as_object_mut().unwrap().remove("resources");
        config["process"]["args"] = serde_json::json!(["/bin/bash", "-c", line]);
        std::fs::write(&path, config.to_string()).unwrap();
        let container = Container(format!("xsc-debian-{}-{number}", std::process::id()));
        let output = Command::new("unshare")
            .args(["--mount", "sh", "-c", CRUN, "sh"])
            .arg(&bundle)
            .arg(&container.0)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{line}: {}: {error}",
            output.status
        );
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            *expected,
            "{line}: {error}"
        );
    }
}
