//! What cannot be had is an error that names the step, the file and what would help.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use xsc_sandbox::{
    Isolation, MountMode, Outcome, RunnerProgram, Sandbox, SandboxError, SetupFailure,
};

use crate::support::{Case, User, chain, public_dir, runner, stage, users};

fn failure(case: &Case) -> SetupFailure {
    match case.try_run() {
        Err(SandboxError::Setup(failure)) => failure,
        Err(other) => panic!("another error: {}", chain(&other)),
        Ok(ran) => panic!("no error, but {:?}: {}", ran.outcome, ran.log),
    }
}

#[test]
fn the_probe_finds_everything() {
    for user in users() {
        let case = Case::new(user, "");
        let isolation = Sandbox::new(runner(user))
            .probe(&case.spec.scratch)
            .unwrap();
        let report = Case::new(user, "true").run().report;
        for word in [
            "user",
            "mount",
            "pid",
            "net",
            "ipc",
            "uts",
            "cgroup",
            "clock",
            "system-calls",
        ] {
            assert!(
                isolation.0.iter().any(|reached| reached == word),
                "{word}: {isolation:?}"
            );
            assert!(
                report.isolation.0.iter().any(|reached| reached == word),
                "{word}: {report:?}"
            );
        }
    }
}

#[test]
fn a_command_that_cannot_start_is_a_set_up_failure() {
    let mut case = Case::new(User::Myself, "");
    case.spec.command = vec!["no-such-program".into()];
    let found = failure(&case);
    assert_eq!(
        (found.step.as_str(), found.errno),
        ("find the command", Errno::ENOENT as i32)
    );
    assert!(found.hint.unwrap().contains("/usr/bin"));

    let with_file = |text: &str, mode: u32| {
        let mut case = Case::new(User::Myself, "");
        let layer = case.temp.path().join("layer");
        fs::create_dir(&layer).unwrap();
        fs::write(layer.join("tool"), text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(layer.join("tool"), mode).unwrap();
        case.spec.root.push(layer);
        case.spec.command = vec!["/tool".into()];
        failure(&case)
    };
    let found = with_file("#!/no/such/shell\n", 0o755);
    assert_eq!(found.errno, Errno::ENOENT as i32);
    assert!(found.hint.unwrap().contains("interpreter"));
    assert_eq!(with_file("#!/bin/sh\n", 0o644).errno, Errno::EACCES as i32);
    assert_eq!(with_file("neither\n", 0o755).errno, Errno::ENOEXEC as i32);
    assert_eq!(with_file("", 0o755).path.unwrap(), PathBuf::from("/tool"));
}

#[test]
fn missing_and_wrong_directories_are_named() {
    let case = |change: &dyn Fn(&mut Case)| {
        let mut case = Case::new(User::Myself, "true");
        change(&mut case);
        failure(&case)
    };
    let gone = PathBuf::from("/nonexistent/dir");
    let found = case(&|case| case.spec.root.push(gone.clone()));
    assert_eq!(
        (found.errno, found.path),
        (Errno::ENOENT as i32, Some(gone.clone()))
    );
    let found = case(&|case| {
        case.mount("/in", MountMode::ReadOnly);
        case.spec.mounts[0].from = gone.clone();
    });
    assert_eq!(
        (found.errno, found.path),
        (Errno::ENOENT as i32, Some(gone.clone()))
    );
    let file = stage().root.join("usr/bin/true");
    let found = case(&|case| {
        case.mount("/in", MountMode::Writable);
        case.spec.mounts[0].from = file.clone();
    });
    assert_eq!(
        (found.errno, found.path),
        (Errno::ENOTDIR as i32, Some(file.clone()))
    );
    let found = case(&|case| drop(case.mount("/usr/bin/true/x", MountMode::ReadOnly)));
    assert_eq!(found.errno, Errno::ENOTDIR as i32, "{found}");
    let found = case(&|case| case.spec.root.push(case.spec.root[0].clone()));
    assert!(
        found
            .hint
            .as_ref()
            .is_some_and(|hint| hint.contains("twice")),
        "{found}"
    );
    let found = case(&|case| fs::create_dir(case.spec.scratch.join("build")).unwrap());
    assert_eq!(
        found.errno,
        Errno::EEXIST as i32,
        "a scratch directory that was used before: {found}"
    );
}

/// Starts the runner from a shell in a user namespace of its own, in which `prepare` takes something away.
fn crippled(prepare: &str) -> Option<SetupFailure> {
    match probe_after(prepare) {
        Err(SandboxError::Setup(failure)) => Some(failure),
        Err(other) => {
            println!("skipped: cannot prepare the host: {}", chain(&other));
            None
        }
        Ok(_) => panic!("the probe does not notice: {prepare}"),
    }
}

fn probe_after(prepare: &str) -> Result<Isolation, SandboxError> {
    let script = format!("{prepare} && exec \"$@\"");
    let mut args: Vec<OsString> = ["-Urm", "--", "sh", "-c", &script, "sh"]
        .map(Into::into)
        .into();
    args.push(stage().runner.clone().into());
    let sandbox = Sandbox::new(RunnerProgram::Exe("/usr/bin/unshare".into(), args));
    let scratch = public_dir();
    sandbox.probe(scratch.path())
}

#[test]
fn one_user_namespace_is_enough() {
    match probe_after("echo 1 > /proc/sys/user/max_user_namespaces") {
        Ok(_) => {}
        Err(error @ SandboxError::Setup(_)) => panic!("{}", chain(&error)),
        Err(other) => println!("skipped: cannot prepare the host: {}", chain(&other)),
    }
}

#[test]
fn a_refused_namespace_names_the_sysctl() {
    for (kind, name) in [("user", "user"), ("pid", "pid"), ("mnt", "mount")] {
        let prepare = format!("echo 0 > /proc/sys/user/max_{kind}_namespaces");
        let Some(failure) = crippled(&prepare) else {
            return;
        };
        assert_eq!(failure.step, format!("enter a new {name} namespace"));
        assert_eq!(failure.errno, Errno::ENOSPC as i32);
        let hint = failure.hint.unwrap();
        assert!(
            hint.contains(&format!(
                "set the sysctl user.max_{kind}_namespaces to, say,"
            )),
            "{hint}"
        );
    }
}

#[test]
fn a_masked_proc_is_explained() {
    let Some(failure) = crippled("mount -t tmpfs none /proc/sys") else {
        return;
    };
    assert_eq!(
        failure.path.as_deref(),
        Some(std::path::Path::new("/proc")),
        "{failure}"
    );
    assert_eq!(failure.errno, Errno::EPERM as i32, "{failure}");
    assert!(failure.hint.unwrap().contains("systempaths=unconfined"));
}

#[test]
fn the_runner_stands_alone_too() {
    let case = Case::new(User::Myself, "echo out; echo err >&2; exit 9");
    let file = case.temp.path().join("spec.json");
    let run = |text: &[u8]| {
        fs::write(&file, text).unwrap();
        std::process::Command::new(&stage().runner)
            .arg("--spec")
            .arg(&file)
            .output()
            .unwrap()
    };
    let output = run(&serde_json::to_vec(&case.spec).unwrap());
    assert_eq!(
        (output.status.code(), output.stdout, output.stderr),
        (Some(9), b"out\n".to_vec(), b"err\n".to_vec())
    );
    let output = run(b"{}");
    assert_eq!(output.status.code(), Some(125));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("missing field")
    );
    assert_eq!(
        Case::new(User::Myself, "true").run().outcome,
        Outcome::Exited(0)
    );
}

#[test]
fn a_preferred_runner_is_used_if_it_is_of_the_same_version() {
    const SOURCES: &[u8] = env!("XSC_SANDBOX_SOURCES").as_bytes();
    let temp = public_dir();
    let same = stage().runner.clone();
    let mut program = fs::read(&same).unwrap();
    let found = program.windows(SOURCES.len()).position(|w| w == SOURCES);
    let at = found.expect("the runner says what it is built from");
    program[at..at + SOURCES.len()].reverse();
    let other = temp.path().join("other");
    fs::write(&other, program).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();

    let probe = |own: &str, preferred: &Path| {
        let scratch = public_dir();
        Sandbox::new(RunnerProgram::Exe(own.into(), Vec::new()))
            .preferring(preferred.to_owned())
            .probe(scratch.path())
    };
    let nowhere = "/nonexistent/own";
    probe(nowhere, &same).unwrap();
    for unfit in [
        &other,
        Path::new("/nonexistent/runner"),
        Path::new("/usr/bin/true"),
    ] {
        let error = probe(nowhere, unfit).unwrap_err();
        assert!(
            matches!(error, SandboxError::StartRunner { .. }),
            "{}",
            chain(&error)
        );
        probe(same.to_str().unwrap(), unfit).unwrap();
    }
}

#[test]
fn a_long_report_is_read_to_its_end() {
    for user in users() {
        let said = |program: String, path: String| {
            let mut case = Case::new(user, "");
            case.spec.command = vec![program];
            case.spec.env.insert("PATH".to_owned(), path);
            case.limits.timeout = Some(std::time::Duration::from_secs(60));
            chain(&case.try_run().err().expect("there is no such program"))
        };
        let error = said("nothing".to_owned(), "/x:".repeat(40_000));
        assert!(error.contains("find the command"), "{error:.300}");
        assert!(error.len() < 2000, "{}", error.len());
        // More than a pipe holds: the path of a program is told whole.
        let error = said(format!("/{}", "x/".repeat(50_000)), String::new());
        assert!(error.contains("execute the command"), "{error:.300}");
    }
}
