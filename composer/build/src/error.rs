//! Why derivations could not be realised.
//!
//! One [`Failure`] a derivation; [`RealiseError`] gathers them. The command line maps kinds to
//! exit codes: 100 a build failed, 101 timed out, 102 hash mismatch, 1 anything else.

use std::path::PathBuf;
use std::time::Duration;

use xsc_model::{ActionId, DrvId, MergeError, OutputName, TreeId};

/// The run as a whole did not produce what was wanted.
#[derive(Debug, thiserror::Error)]
pub enum RealiseError {
    /// At least one derivation failed.
    #[error("{} of the derivations failed", failures.len())]
    Failed {
        /// Every failure, in the order of their happening.
        failures: Vec<Failure>,
        /// Derivations that were not tried because something they need failed.
        skipped: usize,
    },
    /// The user stopped the run.
    #[error("interrupted")]
    Interrupted,
    /// The store itself cannot be used.
    #[error(transparent)]
    Store(#[from] xsc_store::StoreError),
}

/// One derivation that failed.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {kind}")]
pub struct Failure {
    /// The derivation.
    pub drv: DrvId,
    /// Its name.
    pub name: String,
    /// The action, where it came to that.
    pub action: Option<ActionId>,
    /// The last lines that it printed.
    pub log_tail: Vec<String>,
    /// Where the failed build was kept, with `-K`.
    pub kept: Option<PathBuf>,
    /// Why.
    #[source]
    pub kind: FailureKind,
}

/// Why one derivation failed.
#[derive(Debug, thiserror::Error)]
pub enum FailureKind {
    /// The command ended with a status other than 0.
    #[error("the builder exited with status {status}")]
    Exit {
        /// The status.
        status: i32,
    },
    /// A signal ended the command.
    #[error("the builder was ended by signal {signal}")]
    Signal {
        /// Its number.
        signal: i32,
    },
    /// The command used more memory than its recipe says.
    #[error(
        "killed: used more than {limit} MiB; set `requires.memory` in its recipe to what it needs"
    )]
    OutOfMemory {
        /// What the recipe says, in MiB.
        limit: u64,
    },
    /// The command ran, or was silent, for too long.
    #[error("timed out after {} s {what}", limit.as_secs())]
    TimedOut {
        /// The limit.
        limit: Duration,
        /// `in all` or `without output`.
        what: &'static str,
    },
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The command succeeded and did not make an output that it should.
    #[error("the builder succeeded without making output `{output}` (a directory at ${output})")]
    MissingOutput {
        /// The output.
        output: OutputName,
    },
    /// The command made something beside its outputs.
    #[error(
        "the builder made `{path}`, which is no output of this derivation; its outputs are: {known}"
    )]
    StrayOutput {
        /// The path below the directory of outputs.
        path: String,
        /// The declared outputs.
        known: String,
    },
    /// The sandbox could not be set up.
    #[error(transparent)]
    Sandbox(#[from] xsc_sandbox::SandboxError),
    /// A tree could not be put together.
    #[error(transparent)]
    Tree(#[from] xsc_store::BuilderError),
    /// A fetch failed.
    #[error(transparent)]
    Fetch(#[from] xsc_fetch::DownloadError),
    /// A file is not in the store and nothing may be fetched.
    #[error("`{file}` is not in the store, and --offline forbids to fetch it")]
    Offline {
        /// The file.
        file: String,
    },
    /// An archive could not be unpacked.
    #[error("cannot unpack `{file}`")]
    Unpack {
        /// The archive.
        file: String,
        /// Why.
        #[source]
        source: xsc_fetch::UnpackError,
    },
    /// An output could not enter the store.
    #[error(transparent)]
    Ingest(#[from] xsc_store::IngestError),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] xsc_store::StoreError),
    /// What a cache gave could not be kept here.
    #[error(transparent)]
    Substitute(#[from] crate::SubstituteError),
    /// Trees that meet at one place do not fit together.
    #[error(transparent)]
    Merge(#[from] MergeError<xsc_store::StoreError>),
    /// An image could not be written.
    #[error("cannot write the image")]
    Image(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A package could not be read, made, rebased or installed.
    #[error("{package}: {source}")]
    Package {
        /// Its name or file.
        package: String,
        /// Why.
        #[source]
        source: xsc_package::PackageError,
    },
    /// An audit found what must not be there.
    #[error("the audit found {errors} {}{}", if *errors == 1 { "error" } else { "errors" }, tail(report))]
    Audit {
        /// How many.
        errors: usize,
        /// The findings in words.
        report: String,
    },
    /// A tree holds what comes from elsewhere.
    #[error("{count} file(s) must not be in this tree:\n  {}", first.join("\n  "))]
    Leak {
        /// How many.
        count: usize,
        /// The first of them, each with its reason.
        first: Vec<String>,
    },
    /// A builtin was given parameters or inputs that it cannot use.
    #[error("`builtin:{builtin}`: {problem}")]
    Params {
        /// The builtin.
        builtin: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A source of the repository changed between evaluation and use.
    #[error("`{path}` changed while it was being used (evaluated as {expected:?}, now {found:?})")]
    SourceChanged {
        /// Relative to the repository.
        path: String,
        /// As evaluated.
        expected: TreeId,
        /// As found.
        found: TreeId,
    },
    /// A source of the repository cannot be read.
    #[error("cannot read source `{path}`")]
    Source {
        /// Relative to the repository.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of the build's own could not be used.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It had to run elsewhere and could not.
    #[error("--require-remote, and {engine} did not run it: {problem}")]
    Remote {
        /// The engine.
        engine: String,
        /// Why.
        problem: String,
    },
    /// The derivation is for another platform.
    #[error("it builds on {wanted}, and this machine is {host}")]
    System {
        /// The platform of the derivation.
        wanted: xsc_model::System,
        /// This machine.
        host: String,
    },
}

/// A report behind the line that announces it.
fn tail(report: &str) -> String {
    report
        .lines()
        .fold(String::new(), |text, line| format!("{text}\n  {line}"))
}
