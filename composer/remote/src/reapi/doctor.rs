//! Examines an engine: what it can do for us and what not, each as one finding.
//!
//! `xsc-compose remote doctor` prints them. Invariant: a probe writes only blobs and slots that no
//! build can refer to, because each holds a number drawn for this run.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use prost::Message;
use xsc_model::System;

use super::Reapi;
use super::cas::Source;
use super::client::function_name;
use super::digest::WireDigest;
use super::execute::directory_node;
use crate::CacheError;

/// How an engine does at one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, and costs or risks something.
    Limited,
    /// It does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was looked at, such as `batch limit`.
    pub subject: String,
    /// How it does.
    pub verdict: Verdict,
    /// What was found, and what it means.
    pub text: String,
}

/// A large blob: more than any batch, so that it goes as a stream.
const LARGE: usize = 5 << 20;

/// The longest that a probe's action may take.
const LIMIT: Duration = Duration::from_secs(60);

struct Examination<'r, 'a> {
    remote: &'r Reapi<'a>,
    nonce: String,
    findings: Vec<Finding>,
}

impl Reapi<'_> {
    /// Examines the engine. With a runner for `system` it also runs two short actions.
    ///
    /// # Errors
    ///
    /// The engine cannot be reached at all, or speaks no digest function of ours.
    pub fn examine(
        &self,
        system: System,
        runner: Option<&Path>,
    ) -> Result<Vec<Finding>, CacheError> {
        let connection = self.client.connection()?;
        let mut examination = Examination {
            remote: self,
            nonce: uuid::Uuid::new_v4().to_string(),
            findings: Vec::new(),
        };
        examination.capabilities(&connection.abilities.said);
        examination.storage()?;
        examination.action_cache()?;
        match runner {
            _ if !connection.abilities.executes => {
                examination.note(
                    "execution",
                    Verdict::Limited,
                    "it runs nothing: usable as a cache",
                );
            }
            None => examination.note(
                "execution",
                Verdict::Limited,
                "not examined: there is no runner for this system",
            ),
            Some(runner) => examination.execution(system, runner)?,
        }
        Ok(examination.findings)
    }
}

impl Examination<'_, '_> {
    fn note(&mut self, subject: &str, verdict: Verdict, text: impl Into<String>) {
        self.findings.push(Finding {
            subject: subject.to_owned(),
            verdict,
            text: text.into(),
        });
    }

    /// A probe that fails is a finding; an engine that is gone ends the examination.
    fn outcome(
        &mut self,
        subject: &str,
        good: &str,
        result: Result<(), CacheError>,
    ) -> Result<bool, CacheError> {
        match result {
            Ok(()) => self.note(subject, Verdict::Good, good),
            Err(error @ CacheError::Unavailable { .. }) => return Err(error),
            Err(error) => {
                self.note(subject, Verdict::Bad, error.to_string());
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn capabilities(&mut self, said: &re::ServerCapabilities) {
        let cache = said.cache_capabilities.clone().unwrap_or_default();
        let offers: Vec<String> = cache
            .digest_functions
            .iter()
            .map(|value| function_name(*value))
            .collect();
        let used = self
            .remote
            .client
            .connection()
            .map(|c| c.abilities.function);
        let used = used.map_or("none", super::DigestFunction::as_str);
        let (verdict, cost) = match used {
            "blake3" => (Verdict::Good, ""),
            _ => (
                Verdict::Limited,
                ", at the price of hashing each file once more",
            ),
        };
        let text = format!("{used} of {}{cost}", offers.join(", "));
        self.note("digest function", verdict, text);
        let limit = cache.max_batch_total_size_bytes;
        let (verdict, text) = match limit {
            0 => (Verdict::Good, "none said: 4 MiB are taken".to_owned()),
            small if small < 1 << 20 => (
                Verdict::Limited,
                format!("{small} bytes: many requests for small files"),
            ),
            limit => (Verdict::Good, format!("{limit} bytes")),
        };
        self.note("batch limit", verdict, text);
        let most = cache.max_cas_blob_size_bytes;
        if most > 0 && most < 4 << 30 {
            let text = format!("{most} bytes: no larger file can be shared");
            self.note("largest blob", Verdict::Limited, text);
        }
    }

    fn blob(&self, label: &str, size: usize) -> (WireDigest, Vec<u8>) {
        let mut bytes = format!("xsc-compose remote doctor {label} {}\n", self.nonce).into_bytes();
        bytes.resize(bytes.len().max(size), b'.');
        let function = self
            .remote
            .client
            .connection()
            .map(|c| c.abilities.function);
        let function = function.unwrap_or(super::DigestFunction::Sha256);
        (function.of(&bytes), bytes)
    }

    fn storage(&mut self) -> Result<(), CacheError> {
        let client = &self.remote.client;
        let (small, bytes) = self.blob("small", 0);
        let kept = client.upload(&[(small, Source::Bytes(bytes.clone()))]);
        let kept = kept.and_then(|()| match client.find_missing(&[small])?.is_empty() {
            true => client.download(small, 1 << 20).map(drop),
            false => Err(client.refused("a small blob", "it says that it lacks what it just took")),
        });
        self.outcome("small blobs", "kept and given back as they were", kept)?;
        let (large, bytes) = self.blob("large", LARGE);
        let streamed = client
            .upload_stream(large, &mut bytes.as_slice())
            .and_then(|()| client.download(large, 1 << 30).map(drop));
        self.outcome("large blobs", "kept and given back as they were", streamed)?;
        let (wrong, bytes) = self.blob("wrong", 0);
        let changed: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
        match client.upload(&[(wrong, Source::Bytes(changed))]) {
            Err(error @ CacheError::Unavailable { .. }) => return Err(error),
            Err(_) => self.note("poisoned blobs", Verdict::Good, "refused at upload"),
            Ok(()) => {
                let missing = !client.find_missing(&[wrong])?.is_empty();
                match missing {
                    true => self.note("poisoned blobs", Verdict::Good, "dropped at upload"),
                    false => self.note(
                        "poisoned blobs",
                        Verdict::Limited,
                        "kept under a digest that they do not have: members notice and refuse them",
                    ),
                }
            }
        }
        Ok(())
    }

    fn action_cache(&mut self) -> Result<(), CacheError> {
        let client = &self.remote.client;
        let (slot, _) = self.blob("slot", 0);
        let text = format!("statement {}", self.nonce).into_bytes();
        let result = re::ActionResult {
            stdout_raw: text.clone(),
            ..re::ActionResult::default()
        };
        let written = client
            .update_action_result("a slot", slot, result)
            .and_then(|()| match client.action_result("a slot", slot)? {
                Some(back) if back.stdout_raw == text => Ok(()),
                Some(_) => Err(client.damaged("a slot", "it changed what was written")),
                None => Err(client.absent("a slot that was just written")),
            });
        let good = "written and read back: it can hold statements and results";
        if !self.outcome("action cache", good, written)? {
            return Ok(());
        }
        let (dangling, _) = self.blob("dangling", 0);
        let (nowhere, _) = self.blob("nowhere", 0);
        let result = re::ActionResult {
            output_files: vec![re::OutputFile {
                path: "f".to_owned(),
                digest: Some(nowhere.to_wire()),
                ..re::OutputFile::default()
            }],
            ..re::ActionResult::default()
        };
        let refused = client.update_action_result("a slot", dangling, result);
        let found = match refused {
            Err(error @ CacheError::Unavailable { .. }) => return Err(error),
            Err(_) => None,
            Ok(()) => client.action_result("a slot", dangling)?,
        };
        match found {
            None => self.note(
                "completeness",
                Verdict::Good,
                "an entry counts only while its blobs are there",
            ),
            Some(_) => self.note(
                "completeness",
                Verdict::Limited,
                "it answers with entries whose blobs are gone: members notice and build instead",
            ),
        }
        Ok(())
    }

    fn execution(&mut self, system: System, runner: &Path) -> Result<(), CacheError> {
        let victim = format!("victim {}\n", self.nonce);
        let lines = match self.run(system, runner, &victim, &["xsc/runner", "--examine", "w"])? {
            Ok(lines) => lines,
            Err(problem) => {
                self.note("execution", Verdict::Bad, problem);
                return Ok(());
            }
        };
        self.note("execution", Verdict::Good, "it runs actions");
        for line in lines.lines() {
            let mut words = line.splitn(3, ' ');
            let (Some(name), Some(verdict)) = (words.next(), words.next()) else {
                continue;
            };
            let reason = words.next().unwrap_or_default();
            let (verdict, text) = match (name, verdict) {
                (_, "ok") => (Verdict::Good, "as it should be".to_owned()),
                // Neither of these keeps a build from running.
                ("own-proc" | "absolute-symlink" | "inputs-protected", _) => {
                    (Verdict::Limited, reason.to_owned())
                }
                _ => (Verdict::Bad, reason.to_owned()),
            };
            self.note(&name.replace('-', " "), verdict, text);
        }
        if !lines.contains("sandbox ") {
            self.note(
                "sandbox",
                Verdict::Bad,
                "the action's output did not come back",
            );
        }
        // The first action did its worst to the file; another one says what became of it.
        let again = self.run(
            system,
            runner,
            &victim,
            &["xsc/runner", "--show", "in/victim"],
        )?;
        match again {
            Ok(text) if text == victim => self.note(
                "input immutability",
                Verdict::Good,
                "an action that writes to its inputs does not change those of the next",
            ),
            Ok(_) => self.note(
                "input immutability",
                Verdict::Bad,
                "an action CHANGED AN INPUT OF THE NEXT: any action can poison the engine's store; \
                 give its workers copies or read-only mounts",
            ),
            Err(problem) => self.note("input immutability", Verdict::Bad, problem),
        }
        Ok(())
    }

    /// Runs the runner itself on an input root made for the purpose; what it printed, or why not.
    fn run(
        &self,
        system: System,
        runner: &Path,
        victim: &str,
        words: &[&str],
    ) -> Result<Result<String, String>, CacheError> {
        let remote = self.remote;
        let function = remote.client.connection()?.abilities.function;
        let program = std::fs::read(runner).map_err(|source| CacheError::Local {
            action: format!("read the runner {}", runner.display()),
            source,
        })?;
        let mut blobs: Vec<(WireDigest, Vec<u8>)> = Vec::new();
        let mut add = |bytes: Vec<u8>| {
            let digest = function.of(&bytes);
            blobs.push((digest, bytes));
            digest
        };
        let file = |name: &str, digest: WireDigest, is_executable| re::FileNode {
            name: name.to_owned(),
            digest: Some(digest.to_wire()),
            is_executable,
            node_properties: None,
        };
        let link = |name: &str, target: &str| re::SymlinkNode {
            name: name.to_owned(),
            target: target.to_owned(),
            node_properties: None,
        };
        let inputs = re::Directory {
            files: vec![file("victim", add(victim.as_bytes().to_vec()), false)],
            symlinks: vec![
                link("absolute", "/nowhere/at/all"),
                link("relative", "victim"),
            ],
            ..re::Directory::default()
        };
        let xsc = re::Directory {
            files: vec![file("runner", add(program), true)],
            ..re::Directory::default()
        };
        let root = re::Directory {
            directories: vec![
                directory_node("in", add(inputs.encode_to_vec())),
                directory_node("w", add(Vec::new())),
                directory_node("xsc", add(xsc.encode_to_vec())),
            ],
            ..re::Directory::default()
        };
        let root = add(root.encode_to_vec());
        let command = re::Command {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            ..re::Command::default()
        };
        let command = add(command.encode_to_vec());
        let action = re::Action {
            command_digest: Some(command.to_wire()),
            input_root_digest: Some(root.to_wire()),
            do_not_cache: true,
            platform: Some(remote.platform(system)),
            ..re::Action::default()
        };
        let action = add(action.encode_to_vec());
        let sources: Vec<(WireDigest, Source<'_>)> = blobs
            .into_iter()
            .map(|(digest, bytes)| (digest, Source::Bytes(bytes)))
            .collect();
        remote.client.upload(&sources)?;
        let cancel = AtomicBool::new(false);
        match remote.run_action(action, LIMIT, &cancel) {
            Ok((0, text)) => Ok(Ok(text)),
            Ok((status, text)) => {
                let text = text.lines().next().unwrap_or_default().to_owned();
                Ok(Err(format!("an action ended with status {status}: {text}")))
            }
            Err(super::ExecuteError::Cache(error @ CacheError::Unavailable { .. })) => Err(error),
            Err(error) => Ok(Err(error.to_string())),
        }
    }
}
