//! The stage of the tests: a root with bash and coreutils copied from the host, the probe in it, and a `Case`
//! that describes one run. Everything lies below the system's temporary directory, where every user can reach it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;
use xsc_sandbox::{
    CancelToken, Cpus, DEFAULT_CLOCK, Limits, Mount, MountMode, Outcome, Report, RunnerProgram,
    Sandbox, SandboxError, SandboxSpec, Surroundings, remove_scratch,
};

const PROGRAMS: [&str; 20] = [
    "bash", "cat", "chmod", "chown", "cp", "date", "env", "id", "ln", "ls", "mkdir", "mv", "nproc",
    "rm", "sleep", "stat", "timeout", "touch", "true", "uname",
];

/// uid and gid of `nobody`, which every system has.
pub(crate) const NOBODY: u32 = 65534;

/// What all tests share, built once per test process.
pub(crate) struct Stage {
    /// The root layer.
    pub(crate) root: PathBuf,
    /// The runner, where every user can execute it.
    pub(crate) runner: PathBuf,
}

fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let temp = stage_dir();
        let root = temp.join("root");
        for dir in ["usr/bin", "usr/lib"] {
            fs::create_dir_all(root.join(dir)).unwrap();
        }
        symlink("usr/bin", root.join("bin")).unwrap();
        for program in PROGRAMS {
            copy_with_libraries(&Path::new("/usr/bin").join(program), &root);
        }
        symlink("bash", root.join("usr/bin/sh")).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probe/probe.rs");
        for (name, linking) in [("probe", "+crt-static"), ("probe-dynamic", "-crt-static")] {
            let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
            let program = temp.join(name);
            run(Command::new(rustc)
                .args([
                    "--edition",
                    "2024",
                    "-O",
                    "-C",
                    &format!("target-feature={linking}"),
                    "-o",
                ])
                .arg(&program)
                .arg(&source));
            copy_with_libraries(&program, &root);
        }
        let runner = temp.join("xsc-runner");
        fs::copy(env!("CARGO_BIN_EXE_xsc-runner"), &runner).unwrap();
        fs::set_permissions(&runner, fs::Permissions::from_mode(0o755)).unwrap();
        Stage { root, runner }
    })
}

/// A directory that outlives this function. Nothing runs when a test process ends, so the next one removes it.
fn stage_dir() -> PathBuf {
    const PREFIX: &str = "xsc-sandbox-stage-";
    let temp = std::env::temp_dir();
    for entry in fs::read_dir(&temp).unwrap().filter_map(Result::ok) {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            // It may be another user's.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let dir = temp.join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// Copies a program to `/usr/bin`, and its dynamic linker and libraries to where it looks for them.
fn copy_with_libraries(program: &Path, root: &Path) {
    fs::copy(
        program,
        root.join("usr/bin").join(program.file_name().unwrap()),
    )
    .unwrap();
    let listing = Command::new("ldd")
        .arg(program)
        .output()
        .expect("the tests need ldd");
    // A static program makes ldd fail.
    for file in String::from_utf8_lossy(&listing.stdout)
        .split_whitespace()
        .filter(|word| word.starts_with('/') && !word.ends_with(':'))
    {
        let target = root.join(&file[1..]);
        if !target.exists() {
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(file, &target).unwrap();
        }
    }
}

/// A temporary directory that every user can enter.
pub(crate) fn public_dir() -> TempDir {
    let temp = tempfile::Builder::new()
        .prefix("xsc-sandbox-")
        .tempdir()
        .unwrap();
    fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).unwrap();
    temp
}

/// Who runs the composer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    Myself,
    Nobody,
}

/// The users as whom this process can run a sandbox.
pub(crate) fn users() -> Vec<User> {
    let root = nix::unistd::geteuid().is_root();
    if root {
        vec![User::Myself, User::Nobody]
    } else {
        vec![User::Myself]
    }
}

pub(crate) fn runner(user: User) -> RunnerProgram {
    let runner = stage().runner.clone();
    match user {
        User::Myself => RunnerProgram::Exe(runner, vec![]),
        User::Nobody => {
            let mut args: Vec<_> = ["--reuid=65534", "--regid=65534", "--clear-groups"]
                .map(Into::into)
                .into();
            args.push(runner.into());
            RunnerProgram::Exe("/usr/bin/setpriv".into(), args)
        }
    }
}

/// One run of a shell script in a sandbox of its own.
pub(crate) struct Case {
    pub(crate) user: User,
    pub(crate) spec: SandboxSpec,
    pub(crate) limits: Limits,
    pub(crate) cancel: CancelToken,
    pub(crate) temp: TempDir,
}

/// What came of it.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) report: Report,
    pub(crate) log: String,
}

impl Case {
    pub(crate) fn new(user: User, script: &str) -> Self {
        let temp = public_dir();
        let case_dir = |name: &str| {
            let dir = temp.path().join(name);
            fs::create_dir(&dir).unwrap();
            give(&dir, user);
            dir
        };
        let spec = SandboxSpec {
            root: vec![stage().root.clone()],
            mounts: vec![],
            scratch: case_dir("scratch"),
            command: ["bash", "-c", script].map(String::from).into(),
            env: BTreeMap::from([
                ("PATH".into(), "/usr/bin".into()),
                ("TZ".into(), "UTC".into()),
            ]),
            cpus: Cpus::All,
            clock: DEFAULT_CLOCK,
            surroundings: Surroundings::default(),
            keep_tmp: false,
            again: false,
            cgroup: None,
        };
        Self {
            user,
            spec,
            limits: Limits::default(),
            cancel: CancelToken::new(),
            temp,
        }
    }

    /// Adds a mount of a new directory with one read-only file, `file`, that says "original".
    pub(crate) fn mount(&mut self, at: &str, mode: MountMode) -> PathBuf {
        let from = self
            .temp
            .path()
            .join(format!("input{}", self.spec.mounts.len()));
        fs::create_dir_all(from.join("dir")).unwrap();
        for file in ["file", "dir/below"] {
            fs::write(from.join(file), "original\n").unwrap();
            fs::set_permissions(from.join(file), fs::Permissions::from_mode(0o444)).unwrap();
        }
        for path in ["", "dir", "file", "dir/below"] {
            give(&from.join(path), self.user);
        }
        self.spec.mounts.push(Mount {
            at: at.into(),
            from: from.clone(),
            mode,
        });
        from
    }

    pub(crate) fn try_run(&self) -> Result<Ran, SandboxError> {
        self.try_run_in(&Sandbox::new(runner(self.user)))
    }

    /// Runs after others through the same fork server.
    pub(crate) fn try_run_in(&self, sandbox: &Sandbox) -> Result<Ran, SandboxError> {
        let mut log = Vec::new();
        let report = sandbox.run(&self.spec, &mut log, &self.cancel, self.limits)?;
        let log = String::from_utf8(log).unwrap();
        Ok(Ran {
            outcome: report.outcome,
            report,
            log,
        })
    }

    pub(crate) fn run(&self) -> Ran {
        self.try_run()
            .unwrap_or_else(|e| panic!("as {:?}: {}", self.user, chain(&e)))
    }

    /// Runs and expects the script to succeed; returns its output.
    pub(crate) fn output(&self) -> String {
        self.output_in(&Sandbox::new(runner(self.user)))
    }

    /// The same after others through the same fork server.
    pub(crate) fn output_in(&self, sandbox: &Sandbox) -> String {
        let ran = self
            .try_run_in(sandbox)
            .unwrap_or_else(|e| panic!("as {:?}: {}", self.user, chain(&e)));
        assert_eq!(
            ran.outcome,
            Outcome::Exited(0),
            "as {:?}: {}",
            self.user,
            ran.log
        );
        ran.log
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        // Also a test of the helper: every scratch directory has to go.
        let removed = remove_scratch(&self.spec.scratch);
        if !std::thread::panicking() {
            removed.unwrap();
        }
    }
}

fn give(path: &Path, user: User) {
    if user == User::Nobody {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// The output of a script that must succeed, for each user.
pub(crate) fn for_each_user(script: &str, check: impl Fn(&str)) {
    for user in users() {
        check(&Case::new(user, script).output());
    }
}

/// An error with all its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
