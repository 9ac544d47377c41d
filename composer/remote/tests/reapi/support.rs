//! A store with a few trees, and clients of an engine.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use xsc_model::{
    Action, Builder, Cores, Exec, InputMode, MountPoint, OutputName, Placement, System, TreeId,
};
use xsc_remote::reapi::{
    DigestFunction, EndpointSettings, ExecuteError, Executed, Reapi, RemoteCommand,
};
use xsc_store::{IngestOptions, Store};

pub(crate) const BOTH: [DigestFunction; 2] = [DigestFunction::Blake3, DigestFunction::Sha256];

/// A store below a directory that goes with this value.
pub(crate) struct Home {
    pub(crate) temp: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Home {
    pub(crate) fn new() -> Home {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::open(&temp.path().join("store")).unwrap();
        Home { temp, store }
    }

    /// Adds a tree with these files; a path that ends in `!` is executable.
    pub(crate) fn tree(&self, files: &[(&str, &[u8])]) -> TreeId {
        let scratch = self.store.scratch("test").unwrap();
        let top = scratch.path().join("tree");
        std::fs::create_dir(&top).unwrap();
        for (name, bytes) in files {
            let path = top.join(name.trim_end_matches('!'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, bytes).unwrap();
            if name.ends_with('!') {
                executable(&path);
            }
        }
        self.store
            .add_tree(&top, &IngestOptions::default())
            .unwrap()
    }

    pub(crate) fn client(&self, url: &str) -> Reapi<'_> {
        self.client_with(url, |_| {})
    }

    pub(crate) fn client_with(
        &self,
        url: &str,
        change: impl FnOnce(&mut EndpointSettings),
    ) -> Reapi<'_> {
        let mut settings = EndpointSettings::new("double", url);
        settings.patience.connect = Duration::from_secs(60);
        settings.patience.request = Duration::from_secs(60);
        change(&mut settings);
        Reapi::new(settings, &self.store).unwrap()
    }

    /// A program that plays the runner.
    pub(crate) fn runner(&self, script: &str) -> PathBuf {
        let path = self.temp.path().join("runner");
        std::fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
        executable(&path);
        path
    }
}

pub(crate) fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn action(inputs: &[TreeId]) -> Action {
    let place = |tree: &TreeId| Placement {
        at: MountPoint::root(),
        mode: InputMode::ReadOnly,
        tree: *tree,
    };
    Action {
        system: System::X86_64Linux,
        builder: Builder::Exec(Exec {
            command: vec!["true".to_owned()],
            env: BTreeMap::new(),
            cores: Cores::One,
            keeps_build_dir: false,
            resources: xsc_model::Resources::default(),
        }),
        inputs: inputs.iter().map(place).collect(),
        outputs: BTreeSet::from([OutputName::out()]),
    }
}

/// What came of an action.
pub(crate) struct Outcome {
    pub(crate) result: Result<Executed, ExecuteError>,
    pub(crate) outputs: PathBuf,
    pub(crate) log: String,
    _temp: tempfile::TempDir,
}

pub(crate) fn execute(remote: &Reapi<'_>, action: &Action, runner: &Path) -> Outcome {
    execute_until(remote, action, runner, &AtomicBool::new(false))
}

pub(crate) fn execute_until(
    remote: &Reapi<'_>,
    action: &Action,
    runner: &Path,
    cancel: &AtomicBool,
) -> Outcome {
    let temp = tempfile::tempdir().unwrap();
    let outputs = temp.path().join("out");
    std::fs::create_dir(&outputs).unwrap();
    let mut log = Vec::new();
    let result = run(remote, action, runner, &outputs, cancel, &mut log);
    Outcome {
        result,
        outputs,
        log: String::from_utf8(log).unwrap(),
        _temp: temp,
    }
}

/// Runs an action whose outputs nobody wants, with its output to `log`.
pub(crate) fn execute_to(
    remote: &Reapi<'_>,
    action: &Action,
    runner: &Path,
    log: &mut dyn Write,
) -> Result<Executed, ExecuteError> {
    let outputs = tempfile::tempdir().unwrap();
    let cancel = AtomicBool::new(false);
    run(remote, action, runner, outputs.path(), &cancel, log)
}

fn run(
    remote: &Reapi<'_>,
    action: &Action,
    runner: &Path,
    outputs: &Path,
    cancel: &AtomicBool,
    log: &mut dyn Write,
) -> Result<Executed, ExecuteError> {
    let command = RemoteCommand {
        action,
        spec: b"the runner's instructions",
        runner,
        outputs,
        timeout: None,
        cancel,
    };
    remote.execute(&command, log)
}
