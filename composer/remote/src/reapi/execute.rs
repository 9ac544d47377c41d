//! Actions run by an engine: the input root goes up, the command runs there, the outputs come back.
//!
//! The command line wires it to `xsc-build`, which prepares the command and judges the outputs as
//! it does for a local run. The layout of the input root is in `docs/formats/remote-action.md`:
//! `xsc/runner` and `xsc/spec`, `in/NNNN` for each input, and `w/`, the only place to write.
//! Invariant: an engine that fails, for whatever reason, is told apart from a command that fails.

use std::collections::{BTreeSet, HashSet};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use bazel_remote_apis::google::longrunning::{Operation, operation};
use bazel_remote_apis::google::protobuf as wkt;
use prost::Message;
use tonic::{Code, Status, Streaming};
use xsc_model::{Action, System};

use super::Reapi;
use super::cas::{Source, nested};
use super::client::{Client, Connection, is_ours, is_passing, words};
use super::digest::WireDigest;
use super::live::Live;
use super::tree::Closure;
use crate::CacheError;

/// Where the runner puts the outputs, below the input root.
const OUTPUTS: &str = "w/build/out";
/// Where it says how the command ended.
const REPORT: &str = "w/report";

/// The runner's report is a few lines.
const MOST_REPORT: u64 = 1 << 20;

/// How often a wait looks at the cancel flag.
const TICK: Duration = Duration::from_millis(200);

/// How much longer than an action may take we wait for the engine to say that it took too long.
const GRACE: Duration = Duration::from_secs(60);

/// How many patiences may pass without a word while every question finds no connection.
const SILENCE: u32 = 4;

/// How often a broken stream of an operation is taken up again.
const RESUMES: u32 = 3;

/// A command to run elsewhere.
pub struct RemoteCommand<'a> {
    /// The action: its inputs and platform.
    pub action: &'a Action,
    /// The runner's instructions, which it reads as `xsc/spec`.
    pub spec: &'a [u8],
    /// The runner for the action's platform: a static program.
    pub runner: &'a Path,
    /// An existing, empty directory for the outputs.
    pub outputs: &'a Path,
    /// Longest run.
    pub timeout: Option<Duration>,
    /// Set to stop.
    pub cancel: &'a AtomicBool,
}

/// What a command that ran elsewhere left, beside its outputs.
#[derive(Debug)]
pub struct Executed {
    /// The runner's exit status.
    pub status: i32,
    /// What the runner says of the isolation and the command's end, if it came that far.
    pub report: Option<Vec<u8>>,
    /// What the runner itself complained about.
    pub complaints: String,
    /// Who ran it, as the engine says.
    pub worker: String,
    /// Whether the engine had the result already.
    pub cached: bool,
}

/// Why a command did not run elsewhere, or why nothing is known of it.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The engine runs nothing, not this platform, or not now: run it here.
    #[error("{engine} does not run it: {problem}")]
    Declined {
        /// The engine's name.
        engine: String,
        /// Why.
        problem: String,
    },
    /// The command took longer than it may.
    #[error("{engine} ended it after {} s", limit.as_secs())]
    TimedOut {
        /// The engine's name.
        engine: String,
        /// The limit.
        limit: Duration,
    },
    /// The run was cancelled.
    #[error("interrupted")]
    Cancelled,
    /// Blobs did not get there or back.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// When to give up on an action.
struct Limits<'l> {
    timeout: Option<Duration>,
    cancel: &'l AtomicBool,
}

/// How one attempt ended.
enum Attempt {
    Done(Box<re::ExecuteResponse>),
    /// The engine lacks inputs.
    Lost(String),
}

/// What the executor remembers in one run.
#[derive(Default)]
pub(crate) struct Memory {
    runner: OnceLock<WireDigest>,
    /// Blobs that the engine is known to have.
    present: Mutex<HashSet<WireDigest>>,
}

impl Reapi<'_> {
    /// Whether the engine runs commands at all; connects if nothing did before.
    pub fn executes(&self) -> Result<bool, CacheError> {
        Ok(self.client.connection()?.abilities.executes)
    }

    /// Runs a command on the engine; its output goes to `log`, while it runs where the engine offers that, and else
    /// when it has ended.
    ///
    /// # Errors
    ///
    /// The engine cannot be reached, declines, times out, or gives back what is not what it says.
    /// A command that fails is no error.
    pub fn execute(
        &self,
        command: &RemoteCommand<'_>,
        log: &mut dyn Write,
    ) -> Result<Executed, ExecuteError> {
        let connection = self.client.connection()?;
        if !connection.abilities.executes {
            return Err(self.declined("it is a cache only"));
        }
        let function = connection.abilities.function;
        let proto = self.command_message(command.action.system);
        let proto = (function.of(&proto), proto);
        let (root, closure, own) = self.input_root(command)?;
        let action = re::Action {
            command_digest: Some(proto.0.to_wire()),
            input_root_digest: Some(root.to_wire()),
            timeout: command.timeout.map(|timeout| wkt::Duration {
                seconds: timeout.as_secs() as i64,
                nanos: 0,
            }),
            platform: Some(self.platform(command.action.system)),
            ..re::Action::default()
        };
        let action = action.encode_to_vec();
        let digest = function.of(&action);
        let mut blobs = own;
        blobs.push(proto);
        blobs.push((digest, action));
        self.provide(command, &closure, &blobs)?;
        let limits = Limits {
            timeout: command.timeout,
            cancel: command.cancel,
        };
        let mut live = Live::to(log);
        let mut fresh = !self.client.endpoint.trust_engine;
        let mut lost = false;
        loop {
            match self.attempt(&limits, digest, fresh, &mut live)? {
                Attempt::Lost(problem) if lost => return Err(self.declined(&problem)),
                Attempt::Lost(_) => {
                    // What was there a moment ago is gone: look at every blob again, once.
                    lost = true;
                    self.memory
                        .present
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .clear();
                    self.provide(command, &closure, &blobs)?;
                }
                Attempt::Done(response) => {
                    let result = response.result.clone().unwrap_or_default();
                    // An engine may remember failures; we do not.
                    if response.cached_result && result.exit_code != 0 && !fresh {
                        fresh = true;
                        continue;
                    }
                    match self.take(command, &response, &result, live.result()) {
                        // The engine remembers a result whose blobs it has no more.
                        Err(ExecuteError::Cache(CacheError::Absent { .. }))
                            if response.cached_result && !fresh =>
                        {
                            fresh = true;
                            clear(command.outputs)?;
                        }
                        taken => return taken,
                    }
                }
            }
        }
    }

    fn declined(&self, problem: &str) -> ExecuteError {
        ExecuteError::Declined {
            engine: self.client.name().to_owned(),
            problem: problem.to_owned(),
        }
    }

    pub(crate) fn platform(&self, system: System) -> re::Platform {
        let property = |(name, value)| re::platform::Property { name, value };
        let properties = self.client.endpoint.platform(system);
        re::Platform {
            properties: properties.into_iter().map(property).collect(),
        }
    }

    // Engines of before version 2.2 look for the platform in the command.
    #[allow(deprecated)]
    fn command_message(&self, system: System) -> Vec<u8> {
        let words = ["xsc/runner", "--action", "xsc/spec"];
        let message = re::Command {
            arguments: words.map(str::to_owned).to_vec(),
            output_paths: vec![OUTPUTS.to_owned(), REPORT.to_owned()],
            platform: Some(self.platform(system)),
            output_directory_format: re::command::OutputDirectoryFormat::TreeAndDirectory as i32,
            ..re::Command::default()
        };
        message.encode_to_vec()
    }

    /// The digest of the input root, the trees in it, and the blobs that are in no tree.
    #[allow(clippy::type_complexity)]
    fn input_root(
        &self,
        command: &RemoteCommand<'_>,
    ) -> Result<(WireDigest, Closure, Vec<(WireDigest, Vec<u8>)>), ExecuteError> {
        let function = self.client.connection()?.abilities.function;
        let mut closure = Closure::default();
        let mut inputs = re::Directory::default();
        for (name, node) in command.action.input_root().entries {
            let xsc_model::Node::Directory { tree } = node else {
                continue;
            };
            let derived = self
                .deriver
                .derive(self.store, &self.index, function, tree)?;
            self.deriver.closure(tree, &mut closure);
            inputs
                .directories
                .push(directory_node(name.as_str(), derived.digest));
        }
        let mut own = Vec::new();
        let mut add = |bytes: Vec<u8>| {
            let digest = function.of(&bytes);
            own.push((digest, bytes));
            digest
        };
        let spec = add(command.spec.to_vec());
        let file = |name: &str, digest: WireDigest, is_executable| re::FileNode {
            name: name.to_owned(),
            digest: Some(digest.to_wire()),
            is_executable,
            node_properties: None,
        };
        let runner = self.runner(command.runner)?;
        let xsc = re::Directory {
            files: vec![file("runner", runner, true), file("spec", spec, false)],
            ..re::Directory::default()
        };
        let xsc = add(xsc.encode_to_vec());
        let inputs = add(inputs.encode_to_vec());
        let empty = add(Vec::new());
        let root = re::Directory {
            directories: vec![
                directory_node("in", inputs),
                directory_node("w", empty),
                directory_node("xsc", xsc),
            ],
            ..re::Directory::default()
        };
        let root = add(root.encode_to_vec());
        Ok((root, closure, own))
    }

    fn runner(&self, path: &Path) -> Result<WireDigest, CacheError> {
        if let Some(known) = self.memory.runner.get() {
            return Ok(*known);
        }
        let function = self.client.connection()?.abilities.function;
        let bytes = std::fs::read(path).map_err(|source| CacheError::Local {
            action: format!("read the runner {}", path.display()),
            source,
        })?;
        Ok(*self.memory.runner.get_or_init(|| function.of(&bytes)))
    }

    /// Uploads what the engine lacks of an action.
    fn provide(
        &self,
        command: &RemoteCommand<'_>,
        closure: &Closure,
        blobs: &[(WireDigest, Vec<u8>)],
    ) -> Result<(), CacheError> {
        let runner = self.runner(command.runner)?;
        let mut asked: BTreeSet<WireDigest> = blobs.iter().map(|(digest, _)| *digest).collect();
        asked.extend(closure.directories.keys().copied());
        asked.extend(closure.files.keys().copied());
        asked.insert(runner);
        let known = |digest: &WireDigest| {
            let present = self.memory.present.lock();
            present
                .unwrap_or_else(PoisonError::into_inner)
                .contains(digest)
        };
        let asked: Vec<WireDigest> = asked.into_iter().filter(|digest| !known(digest)).collect();
        let missing = self.client.find_missing(&asked)?;
        let mut sources: Vec<(WireDigest, Source<'_>)> = Vec::new();
        for (digest, bytes) in blobs {
            if missing.contains(digest) {
                sources.push((*digest, Source::Bytes(bytes.clone())));
            }
        }
        for (digest, derived) in &closure.directories {
            if missing.contains(digest) {
                sources.push((*digest, Source::Bytes(derived.message.clone())));
            }
        }
        for (digest, blob) in &closure.files {
            if missing.contains(digest) {
                let blob = *blob;
                let open = move || self.store.open_blob(blob).map_err(std::io::Error::other);
                sources.push((*digest, Source::Open(Box::new(open))));
            }
        }
        if missing.contains(&runner) {
            let path = command.runner.to_owned();
            let open = move || std::fs::File::open(&path);
            sources.push((runner, Source::Open(Box::new(open))));
        }
        sources.sort_by_key(|(digest, _)| *digest);
        sources.dedup_by_key(|(digest, _)| *digest);
        self.client.upload(&sources)?;
        self.memory
            .present
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(asked);
        Ok(())
    }

    /// Runs an action whose blobs are there and that leaves no outputs: its status and what it printed.
    pub(crate) fn run_action(
        &self,
        digest: WireDigest,
        limit: Duration,
        cancel: &AtomicBool,
    ) -> Result<(i32, String), ExecuteError> {
        let limits = Limits {
            timeout: Some(limit),
            cancel,
        };
        let response = match self.attempt(&limits, digest, true, &mut Live::nowhere())? {
            Attempt::Lost(problem) => return Err(self.declined(&problem)),
            Attempt::Done(response) => response,
        };
        let result = response.result.unwrap_or_default();
        let mut text = result.stdout_raw;
        match WireDigest::from_wire(result.stdout_digest.as_ref()) {
            Some(digest) if text.is_empty() => text = self.client.download(digest, MOST_REPORT)?,
            _ => {}
        }
        text.extend_from_slice(&result.stderr_raw);
        Ok((
            result.exit_code,
            String::from_utf8_lossy(&text).into_owned(),
        ))
    }

    /// Runs the action once, through breaks of the connection.
    fn attempt(
        &self,
        limits: &Limits<'_>,
        digest: WireDigest,
        fresh: bool,
        live: &mut Live<'_>,
    ) -> Result<Attempt, ExecuteError> {
        live.again()?;
        let connection = self.client.connection()?;
        let request = re::ExecuteRequest {
            instance_name: self.client.endpoint.instance.clone(),
            skip_cache_lookup: fresh,
            action_digest: Some(digest.to_wire()),
            digest_function: connection.abilities.function.wire(),
            inline_stdout: true,
            inline_stderr: true,
            ..re::ExecuteRequest::default()
        };
        let mut watch = Watch::new(self, &connection, limits, live);
        let mut client = connection.execution();
        let mut opened = watch.wait(async { client.execute(request).await })?;
        let mut resumes = 0;
        loop {
            let broken = match opened {
                Ok(answer) => match watch.follow(answer.into_inner())? {
                    Ok(operation) => return self.settle(limits, operation),
                    Err(status) => status,
                },
                Err(status) => status,
            };
            match broken.code() {
                Code::FailedPrecondition | Code::NotFound => {
                    return Ok(Attempt::Lost(words(&broken)));
                }
                _ if !is_passing(&broken) => return Err(self.refusal(&broken)),
                _ if resumes == RESUMES || watch.operation.is_empty() => {
                    let problem = words(&broken);
                    return Err(self.client.trip(problem).into());
                }
                _ => {}
            }
            resumes += 1;
            std::thread::sleep(TICK * resumes);
            let request = re::WaitExecutionRequest {
                name: watch.operation.clone(),
            };
            let mut client = connection.execution();
            opened = watch.wait(async { client.wait_execution(request).await })?;
        }
    }

    fn refusal(&self, status: &Status) -> ExecuteError {
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded => self.client.trip(words(status)).into(),
            _ => self.declined(&words(status)),
        }
    }

    /// What a finished operation says.
    fn settle(&self, limits: &Limits<'_>, done: Operation) -> Result<Attempt, ExecuteError> {
        let response = match done.result {
            Some(operation::Result::Response(any)) => {
                re::ExecuteResponse::decode(any.value.as_slice()).map_err(|error| {
                    self.client
                        .damaged("the end of an action", error.to_string())
                })?
            }
            Some(operation::Result::Error(status)) => re::ExecuteResponse {
                status: Some(status),
                ..re::ExecuteResponse::default()
            },
            None => return Err(self.declined("it ended the action and said nothing of it")),
        };
        let status = response.status.clone().unwrap_or_default();
        let problem = nested(status.code, &status.message);
        match Code::from(status.code) {
            Code::Ok if response.result.is_some() => Ok(Attempt::Done(Box::new(response))),
            Code::Ok => Err(self.declined("it ended the action without a result")),
            Code::FailedPrecondition | Code::NotFound => Ok(Attempt::Lost(problem)),
            Code::DeadlineExceeded => match limits.timeout {
                Some(limit) => Err(ExecuteError::TimedOut {
                    engine: self.client.name().to_owned(),
                    limit,
                }),
                None => Err(self.declined("it gave the action less time than that takes")),
            },
            Code::Cancelled if limits.cancel.load(Ordering::SeqCst) => Err(ExecuteError::Cancelled),
            _ => Err(self.declined(&problem)),
        }
    }

    /// Brings the log and the outputs here.
    fn take(
        &self,
        command: &RemoteCommand<'_>,
        response: &re::ExecuteResponse,
        result: &re::ActionResult,
        log: &mut dyn Write,
    ) -> Result<Executed, ExecuteError> {
        let report = self.client.fetch_file(result, REPORT, MOST_REPORT)?;
        for directory in &result.output_directories {
            if directory.path == OUTPUTS && result.exit_code == 0 {
                self.client.fetch_directory(directory, command.outputs)?;
            }
        }
        let write = |source| CacheError::Local {
            action: "write the log".to_owned(),
            source,
        };
        match WireDigest::from_wire(result.stdout_digest.as_ref()) {
            Some(digest) if result.stdout_raw.is_empty() && digest.size > 0 => {
                self.client.download_stream(digest, log)?;
            }
            _ => log.write_all(&result.stdout_raw).map_err(write)?,
        }
        let complaints = match WireDigest::from_wire(result.stderr_digest.as_ref()) {
            Some(digest) if result.stderr_raw.is_empty() && digest.size > 0 => {
                self.client.download(digest, MOST_REPORT)?
            }
            _ => result.stderr_raw.clone(),
        };
        let worker = result
            .execution_metadata
            .as_ref()
            .map(|metadata| metadata.worker.clone());
        Ok(Executed {
            status: result.exit_code,
            report,
            complaints: String::from_utf8_lossy(&complaints).trim_end().to_owned(),
            worker: worker.unwrap_or_default(),
            cached: response.cached_result,
        })
    }
}

pub(crate) fn directory_node(name: &str, digest: WireDigest) -> re::DirectoryNode {
    re::DirectoryNode {
        name: name.to_owned(),
        digest: Some(digest.to_wire()),
    }
}

/// Empties the directory of outputs for another attempt.
fn clear(directory: &Path) -> Result<(), CacheError> {
    let again = || {
        std::fs::remove_dir_all(directory)?;
        std::fs::create_dir(directory)
    };
    again().map_err(|source| CacheError::Local {
        action: format!("empty {}", directory.display()),
        source,
    })
}

/// What a question found out.
enum Answer {
    /// The engine said something, be it an error.
    Alive,
    /// Nothing came.
    Nothing,
    /// There is no connection.
    Cut(String),
}

/// Asks the engine something small, no longer than one request may take.
async fn ask(client: &Client, connection: &Connection) -> Answer {
    let asked = connection.ask(&client.endpoint.instance);
    match tokio::time::timeout(client.endpoint.patience.request, asked).await {
        Ok(Err(status)) if is_ours(&status) => Answer::Cut(words(&status)),
        Ok(_) => Answer::Alive,
        Err(_) => Answer::Nothing,
    }
}

/// Waits for an operation and keeps the limits of time.
struct Watch<'r, 'a, 'l> {
    remote: &'r Reapi<'a>,
    limits: &'r Limits<'r>,
    begin: Instant,
    /// When a worker took the action up; at once for an engine that tells no stages.
    working: Option<Instant>,
    /// The operation's name, to take a broken stream up again.
    operation: String,
    live: &'r mut Live<'l>,
    connection: &'r Connection,
    /// When the engine last said anything.
    heard: Instant,
}

impl<'r, 'a, 'l> Watch<'r, 'a, 'l> {
    fn new(
        remote: &'r Reapi<'a>,
        connection: &'r Connection,
        limits: &'r Limits<'r>,
        live: &'r mut Live<'l>,
    ) -> Self {
        Watch {
            remote,
            connection,
            heard: Instant::now(),
            limits,
            begin: Instant::now(),
            working: None,
            operation: String::new(),
            live,
        }
    }

    /// Waits for `future` while nobody cancels, no limit is reached, and the engine lives: one that
    /// has nothing to say for long is asked whether it does.
    fn wait<T>(&mut self, future: impl Future<Output = T>) -> Result<T, ExecuteError> {
        let (client, connection) = (&self.remote.client, self.connection);
        client.runtime().block_on(async {
            tokio::pin!(future);
            let patience = client.endpoint.patience.request;
            let (mut question, mut asked) = (None, self.heard);
            loop {
                if question.is_none() && self.heard.max(asked).elapsed() >= patience {
                    asked = Instant::now();
                    question = Some(Box::pin(ask(client, connection)));
                }
                let answer = async {
                    match &mut question {
                        Some(question) => question.await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    // What comes late is heard before the silence is.
                    biased;
                    result = &mut future => {
                        self.heard = Instant::now();
                        return Ok(result);
                    }
                    answer = answer => {
                        question = None;
                        self.answered(answer)?;
                    }
                    () = tokio::time::sleep(TICK) => {
                        self.live.drain()?;
                        self.check()?;
                    }
                }
            }
        })
    }

    /// What the answer to a question shows of the engine.
    fn answered(&mut self, answer: Answer) -> Result<(), CacheError> {
        let client = &self.remote.client;
        let silent = self.heard.elapsed();
        match answer {
            Answer::Alive => self.heard = Instant::now(),
            Answer::Nothing => {
                let seconds = silent.as_secs_f32();
                let problem = format!("it did not answer for {seconds:.1} s while an action ran");
                return Err(client.trip(problem));
            }
            Answer::Cut(problem) if silent > client.endpoint.patience.request * SILENCE => {
                let problem = format!("the connection broke while an action ran: {problem}");
                return Err(client.trip(problem));
            }
            // The stream of the action says it too, and can be taken up again.
            Answer::Cut(_) => {}
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ExecuteError> {
        let client = &self.remote.client;
        if self.limits.cancel.load(Ordering::SeqCst) {
            return Err(ExecuteError::Cancelled);
        }
        let queue = client.endpoint.patience.queue;
        match (self.working, self.limits.timeout) {
            (None, _) if self.begin.elapsed() > queue => {
                let seconds = queue.as_secs();
                let problem = format!("no worker took it up within {seconds} s");
                Err(self.remote.declined(&problem))
            }
            (Some(since), Some(limit)) if since.elapsed() > limit + GRACE => {
                Err(ExecuteError::TimedOut {
                    engine: client.name().to_owned(),
                    limit,
                })
            }
            _ => Ok(()),
        }
    }

    /// Follows the stream until the operation is done, or the stream breaks.
    fn follow(
        &mut self,
        mut stream: Streaming<Operation>,
    ) -> Result<Result<Operation, Status>, ExecuteError> {
        loop {
            match self.wait(stream.message())? {
                Ok(Some(operation)) => {
                    if !operation.name.is_empty() {
                        self.operation.clone_from(&operation.name);
                    }
                    if operation.done {
                        return Ok(Ok(operation));
                    }
                    self.note(&operation)?;
                }
                Ok(None) => {
                    return Ok(Err(Status::unavailable(
                        "the stream of the action ended early",
                    )));
                }
                Err(status) => return Ok(Err(status)),
            }
        }
    }

    /// What an operation that is under way says: where it stands, and where its output can be read.
    fn note(&mut self, operation: &Operation) -> Result<(), CacheError> {
        use re::execution_stage::Value;
        let metadata = operation
            .metadata
            .as_ref()
            .and_then(|any| re::ExecuteOperationMetadata::decode(any.value.as_slice()).ok());
        if let Some(metadata) = &metadata {
            let stream = &metadata.stdout_stream_name;
            self.live.follow(&self.remote.client, stream)?;
        }
        match metadata.and_then(|metadata| Value::try_from(metadata.stage).ok()) {
            // Back in the queue: its worker died.
            Some(Value::CacheCheck | Value::Queued) => {
                if self.working.take().is_some() {
                    self.begin = Instant::now();
                }
            }
            Some(Value::Executing | Value::Completed) | None | Some(Value::Unknown) => {
                self.working.get_or_insert_with(Instant::now);
            }
        }
        Ok(())
    }
}
