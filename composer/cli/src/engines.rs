//! Engines of the configuration: from an endpoint's table to a client, and to what runs builds on it.
//!
//! `commands` and `caches` call it. Invariant: whatever is wrong with an engine or its runner, a build that may run
//! here does; it is said once.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use xsc_build::{Executor, ExecutorError, Ran, Task};
use xsc_model::{Action, System};
use xsc_profile::{DigestChoice, Endpoint, EngineKind, FlakeLike, merge_endpoints, url_fault};
use xsc_remote::reapi::{
    DigestFunction, EndpointSettings, EngineProfile, ExecuteError, Reapi, RemoteCommand,
};
use xsc_store::Store;

use crate::context::Context;
use crate::error::{CommandError, chain};
use crate::ui::say;

/// Commands that one engine runs at once where the configuration does not say.
const DEFAULT_JOBS: usize = 8;

/// The endpoints of the user and of the repository.
pub(crate) fn endpoints(
    context: &Context,
    flake: Option<&FlakeLike>,
) -> Result<Vec<Endpoint>, CommandError> {
    let nothing = BTreeMap::new();
    let repository = flake.map_or(&nothing, |flake| &flake.remotes);
    merge_endpoints(&context.remotes, repository).map_err(|error| {
        let file = context.config_dir.join("config.toml");
        CommandError::usage(format!("{}: {error}", file.display()))
            .hint("give the endpoint a `url`, or run this in the repository that names it")
    })
}

/// What the user names as an endpoint: a name of the configuration, or an address; `hint` is for who has neither.
pub(crate) fn named(known: &[Endpoint], word: &str, hint: &str) -> Result<Endpoint, CommandError> {
    if let Some(found) = known.iter().find(|endpoint| endpoint.name == word) {
        return Ok(found.clone());
    }
    match url_fault(word) {
        None => Ok(Endpoint::from_url(word)),
        Some(fault) if word.contains("://") => {
            Err(CommandError::usage(format!("`{word}` {fault}")))
        }
        Some(_) => {
            let names: Vec<&str> = known.iter().map(|e| e.name.as_str()).collect();
            let error = CommandError::usage(format!("there is no endpoint `{word}`"));
            Err(match names.is_empty() {
                true => error.hint(hint),
                false => error.hint(format!("the configuration names: {}", names.join(", "))),
            })
        }
    }
}

/// The bytes of a file that an endpoint's table names with `key`, relative to the configuration's directory.
fn file_of(
    context: &Context,
    endpoint: &Endpoint,
    key: &str,
    name: &str,
) -> Result<Vec<u8>, CommandError> {
    let path = context.config_dir.join(name);
    std::fs::read(&path).map_err(|error| {
        CommandError::usage(format!(
            "cannot read {} (`{key}` of [remote.{}]): {error}",
            path.display(),
            endpoint.name
        ))
    })
}

/// The token of an endpoint, if it has one.
pub(crate) fn token(
    context: &Context,
    endpoint: &Endpoint,
) -> Result<Option<String>, CommandError> {
    let Some(name) = &endpoint.token_file else {
        return Ok(None);
    };
    let bytes = file_of(context, endpoint, "token-file", name)?;
    Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()))
}

/// What the client has to know of an endpoint, files read.
pub(crate) fn settings(
    context: &Context,
    endpoint: &Endpoint,
) -> Result<EndpointSettings, CommandError> {
    let mut settings = EndpointSettings::new(&endpoint.name, &endpoint.url);
    settings.instance.clone_from(&endpoint.instance);
    settings.digest = endpoint.digest.map(|digest| match digest {
        DigestChoice::Blake3 => DigestFunction::Blake3,
        DigestChoice::Sha256 => DigestFunction::Sha256,
    });
    settings.token = token(context, endpoint)?;
    if let Some(name) = &endpoint.ca_file {
        settings.certificates = Some(file_of(context, endpoint, "ca-file", name)?);
    }
    settings.profile = match endpoint.profile {
        EngineKind::Plain => EngineProfile::Plain,
        EngineKind::Buildbox => EngineProfile::Buildbox,
        EngineKind::NativeLink => EngineProfile::NativeLink,
        EngineKind::Buildbarn => EngineProfile::Buildbarn,
    };
    settings.properties = endpoint.properties.clone().into_iter().collect();
    settings.trust_engine = endpoint.trust_engine;
    settings.breaker = context.breaker(&endpoint.url);
    if let Some(seconds) = endpoint.queue_timeout {
        settings.patience.queue = Duration::from_secs(seconds);
    }
    if let Some(seconds) = endpoint.connect_timeout {
        let patience = &mut settings.patience;
        patience.connect = Duration::from_secs(seconds);
        // Who is slow to answer at first is slow later.
        patience.request = patience.request.max(patience.connect);
    }
    Ok(settings)
}

/// A client of an engine; nothing is connected yet.
pub(crate) fn client<'a>(
    context: &Context,
    endpoint: &Endpoint,
    store: &'a Store,
) -> Result<Reapi<'a>, CommandError> {
    Reapi::new(settings(context, endpoint)?, store).map_err(|e| CommandError::from_error(&e))
}

/// The engine that builds run on: the first endpoint with `execute = true`.
pub(crate) fn executor<'a>(
    context: &Context,
    endpoints: &[Endpoint],
    store: &'a Store,
) -> Result<Option<Engine<'a>>, CommandError> {
    let chosen = endpoints.iter().find(|endpoint| endpoint.execute);
    let Some(endpoint) = chosen else {
        return Ok(None);
    };
    if !endpoint.is_engine() {
        return Err(CommandError::usage(format!(
            "[remote.{}] has `execute = true`, and nothing runs at {}",
            endpoint.name, endpoint.url
        ))
        .hint("commands run at grpc:// and grpcs:// endpoints; the others are caches"));
    }
    let jobs = endpoint.jobs.and_then(|jobs| usize::try_from(jobs).ok());
    Ok(Some(Engine {
        name: endpoint.name.clone(),
        client: client(context, endpoint, store)?,
        jobs: jobs.unwrap_or(DEFAULT_JOBS),
        runner_dir: context.runner_dir.clone(),
        runners: Mutex::default(),
        usable: OnceLock::new(),
    }))
}

/// An engine as `xsc-build` wants it.
pub(crate) struct Engine<'a> {
    name: String,
    client: Reapi<'a>,
    jobs: usize,
    runner_dir: Option<PathBuf>,
    /// The runner for each platform that was asked for, or why there is none.
    runners: Mutex<BTreeMap<System, Result<PathBuf, String>>>,
    /// Whether it runs anything at all, or why not, once that was asked.
    usable: OnceLock<Result<(), String>>,
}

impl Engine<'_> {
    /// Looks once for each platform, and says once what is wrong.
    fn runner(&self, system: System) -> Result<PathBuf, String> {
        let mut runners = self.runners.lock().unwrap_or_else(PoisonError::into_inner);
        let found = runners.entry(system).or_insert_with(|| {
            let found = runner(self.runner_dir.as_deref(), system);
            if let Err(problem) = &found {
                let name = &self.name;
                say(&format!(
                    "warning: nothing for {system} runs on {name}: {problem}"
                ));
            }
            found
        });
        found.clone()
    }

    /// Asks once, and says once why not.
    fn usable(&self) -> Result<(), String> {
        let ask = || {
            // Whoever found out that it does not answer has said so.
            let said = self.client.dead().is_some();
            let problem = match self.client.executes() {
                Ok(true) => return Ok(()),
                Ok(false) => format!("{} runs no commands", self.name),
                Err(error) => chain(&error),
            };
            if !said {
                say(&format!("warning: {problem}; commands run here"));
            }
            Err(problem)
        };
        self.usable.get_or_init(ask).clone()
    }
}

impl Executor for Engine<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn takes(&self, action: &Action) -> Result<(), String> {
        self.runner(action.system)?;
        self.usable()?;
        match self.client.dead() {
            Some(problem) => Err(problem.to_owned()),
            None => Ok(()),
        }
    }

    fn jobs(&self) -> usize {
        self.jobs
    }

    fn execute(&self, task: &Task<'_>, log: &mut dyn Write) -> Result<Ran, ExecutorError> {
        let runner = self
            .runner(task.action.system)
            .map_err(ExecutorError::Unusable)?;
        let command = RemoteCommand {
            action: task.action,
            spec: task.spec,
            runner: &runner,
            outputs: task.outputs,
            timeout: task.timeout,
            cancel: task.cancel,
        };
        match self.client.execute(&command, log) {
            Ok(done) => Ok(Ran {
                status: done.status,
                report: done.report,
                complaints: done.complaints,
            }),
            Err(ExecuteError::TimedOut { limit, .. }) => Err(ExecutorError::TimedOut(limit)),
            Err(ExecuteError::Cancelled) => Err(ExecutorError::Cancelled),
            Err(error) => Err(ExecutorError::Unusable(chain(&error))),
        }
    }
}

/// The runner that travels with actions for `system`: `xsc-runner.<system>` beside this program, or in
/// `XSC_RUNNER_DIR`. The text of an error says what to do.
pub(crate) fn runner(dir: Option<&Path>, system: System) -> Result<PathBuf, String> {
    let name = runner_file(system);
    let dir = dir.ok_or("this program does not know where it is")?;
    let path = dir.join(&name);
    let bytes = std::fs::read(&path).map_err(|error| {
        format!(
            "there is no runner {}: {error}; `./x runner` makes it, and XSC_RUNNER_DIR says where it is",
            path.display()
        )
    })?;
    match static_program(&bytes, system) {
        Ok(()) => Ok(path),
        Err(problem) => Err(format!("{}: {problem}", path.display())),
    }
}

/// What the static runner for `system` is called.
pub(crate) fn runner_file(system: System) -> String {
    format!("xsc-runner.{system}")
}

/// Whether `bytes` are a program for `system` that needs nothing else of the machine.
fn static_program(bytes: &[u8], system: System) -> Result<(), &'static str> {
    const INTERPRETER: u32 = 3;
    let number = |at: usize, size: usize| {
        let field = bytes.get(at..at + size)?;
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(field);
        usize::try_from(u64::from_le_bytes(wide)).ok()
    };
    let broken = "it is no program for Linux with 64 bits";
    if !bytes.starts_with(b"\x7fELF\x02\x01") {
        return Err(broken);
    }
    let machine = match system {
        System::X86_64Linux => 62,
        System::Aarch64Linux => 183,
    };
    if number(18, 2) != Some(machine) {
        return Err("it is a program for another machine");
    }
    let (Some(table), Some(size), Some(count)) = (number(32, 8), number(54, 2), number(56, 2))
    else {
        return Err(broken);
    };
    for index in 0..count {
        match number(table.saturating_add(index * size), 4) {
            Some(kind) if kind == INTERPRETER as usize => {
                return Err(
                    "it needs a dynamic linker, and a worker may have none: it must be static",
                );
            }
            Some(_) => {}
            None => return Err(broken),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_has_to_be_static_and_for_its_machine() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        let host = System::host().unwrap();
        let other = match host {
            System::X86_64Linux => System::Aarch64Linux,
            System::Aarch64Linux => System::X86_64Linux,
        };
        let problem = static_program(&own, host).unwrap_err();
        assert!(problem.contains("must be static"), "{problem}");
        let problem = static_program(&own, other).unwrap_err();
        assert!(problem.contains("another machine"), "{problem}");
        assert!(static_program(b"#!/bin/sh\n", host).is_err());
        assert!(static_program(&own[..60], host).is_err());
    }

    #[test]
    fn a_runner_that_is_not_there_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let problem = runner(Some(temp.path()), System::X86_64Linux).unwrap_err();
        assert!(problem.contains("xsc-runner.x86_64-linux"), "{problem}");
        assert!(problem.contains("./x runner"), "{problem}");
    }
}
