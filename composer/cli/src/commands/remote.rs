//! `remote`: the endpoints of the configuration, and what an engine can do.
//!
//! Invariant: `list` asks nobody; `doctor` leaves nothing on an engine that a build could come to use.

use serde_json::json;
use xsc_model::System;
use xsc_profile::{Endpoint, EngineKind};
use xsc_remote::reapi::{Finding, Verdict};

use super::{print, read_flake};
use crate::args::{Doctor, Remote, RemoteVerb};
use crate::context::{Context, Repository};
use crate::engines;
use crate::error::CommandError;
use crate::ui::say;

pub(crate) fn run(context: &Context, args: &Remote) -> Result<(), CommandError> {
    match &args.verb {
        RemoteVerb::List => list(context),
        RemoteVerb::Doctor(args) => doctor(context, args),
    }
}

/// The endpoints that count here; outside of a repository those of the user alone.
fn known(context: &Context) -> Result<Vec<Endpoint>, CommandError> {
    let here = std::path::Path::new(".");
    match Repository::find(here) {
        Ok(repository) => engines::endpoints(context, Some(&read_flake(&repository)?)),
        Err(_) => engines::endpoints(context, None),
    }
}

fn list(context: &Context) -> Result<(), CommandError> {
    let known = known(context)?;
    if context.json {
        let all: Vec<_> = known
            .iter()
            .map(|endpoint| {
                json!({
                    "name": endpoint.name,
                    "url": endpoint.url,
                    "push": endpoint.push,
                    "execute": endpoint.execute,
                    "trust-engine": endpoint.trust_engine,
                })
            })
            .collect();
        print(&json!({ "version": 1, "endpoints": all }).to_string());
        return Ok(());
    }
    for endpoint in &known {
        let mut words = Vec::new();
        for (word, given) in [
            ("push", endpoint.push),
            ("execute", endpoint.execute),
            ("trust-engine", endpoint.trust_engine),
        ] {
            if given {
                words.push(word);
            }
        }
        let line = format!("{}\t{}\t{}", endpoint.name, endpoint.url, words.join(" "));
        print(line.trim_end());
    }
    if known.is_empty() && !context.quiet {
        say(
            "no endpoints: a table [remote.NAME] with a `url` in config.toml or flake-like.toml names one",
        );
    }
    Ok(())
}

fn doctor(context: &Context, args: &Doctor) -> Result<(), CommandError> {
    let mut endpoint = find(context, &args.endpoint)?;
    if let Some(instance) = &args.instance {
        endpoint.instance.clone_from(instance);
    }
    if let Some(digest) = args.digest {
        endpoint.digest = Some(digest.into());
    }
    if let Some(profile) = args.profile {
        endpoint.profile = profile.into();
    }
    if !endpoint.is_engine() {
        return Err(CommandError::usage(format!(
            "{} is {}, and the doctor examines grpc:// and grpcs:// endpoints",
            endpoint.name, endpoint.url
        )));
    }
    let store = context.store()?;
    let client = engines::client(context, &endpoint, &store)?;
    let system = System::host().unwrap_or(System::X86_64Linux);
    let runner = match args.no_execution {
        true => None,
        false => match engines::runner(context.runner_dir.as_deref(), system) {
            Ok(runner) => Some(runner),
            Err(problem) => {
                say(&format!("warning: nothing is run there: {problem}"));
                None
            }
        },
    };
    let findings = client
        .examine(system, runner.as_deref())
        .map_err(|error| CommandError::from_error(&error))?;
    report(context, &endpoint, &findings);
    let bad: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Bad)
        .map(|finding| finding.subject.as_str())
        .collect();
    if bad.is_empty() {
        return Ok(());
    }
    let error = CommandError::other(format!(
        "{} cannot be used as it is: {}",
        endpoint.name,
        bad.join(", ")
    ));
    Err(
        match bad.contains(&"sandbox") && endpoint.profile == EngineKind::Plain {
            true => error.hint(
                "workers of buildbox need `profile = \"buildbox\"`, or --profile buildbox here",
            ),
            false => error,
        },
    )
}

fn find(context: &Context, name: &str) -> Result<Endpoint, CommandError> {
    let hint = "no configuration names any; give an address such as grpc://HOST:PORT";
    engines::named(&known(context)?, name, hint)
}

fn report(context: &Context, endpoint: &Endpoint, findings: &[Finding]) {
    let word = |verdict: Verdict| match verdict {
        Verdict::Good => "good",
        Verdict::Limited => "limited",
        Verdict::Bad => "BAD",
    };
    if context.json {
        let all: Vec<_> = findings
            .iter()
            .map(|finding| {
                json!({
                    "subject": finding.subject,
                    "verdict": word(finding.verdict).to_lowercase(),
                    "text": finding.text,
                })
            })
            .collect();
        let value = json!({ "version": 1, "endpoint": endpoint.url, "findings": all });
        print(&value.to_string());
        return;
    }
    let width = findings.iter().map(|f| f.subject.len()).max().unwrap_or(0);
    for finding in findings {
        let (subject, text) = (&finding.subject, &finding.text);
        print(&format!(
            "{:<7} {subject:<width$}  {text}",
            word(finding.verdict)
        ));
    }
}
