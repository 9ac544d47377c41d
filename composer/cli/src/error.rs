//! Every failure as the user sees it: a message, hints and an exit code.
//!
//! The only place where errors of the other crates become text. Invariant: a message names what
//! is wrong and where; what to do about it is a hint, never part of the message.

use std::error::Error;
use std::fmt::Write;
use std::io::Read;

use serde_json::{Value, json};
use xsc_build::{Failure, FailureKind, RealiseError};
use xsc_eval::EvalError;
use xsc_fetch::DownloadError;
use xsc_instantiate::{InstantiateError, Language};
use xsc_store::Store;

/// The exit codes of the program; `docs` and `--help` list them.
pub(crate) mod exit {
    pub(crate) const OTHER: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const BUILD_FAILED: u8 = 100;
    pub(crate) const TIMED_OUT: u8 = 101;
    pub(crate) const HASH_MISMATCH: u8 = 102;
    pub(crate) const NOT_REPRODUCIBLE: u8 = 104;
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// A failure of a command.
#[derive(Debug)]
pub(crate) struct CommandError {
    pub(crate) code: u8,
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
    /// What evaluation says of it to programs: code, place, notes, trace.
    diagnostic: Option<Box<Value>>,
}

impl CommandError {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        CommandError {
            code,
            message: message.into(),
            hints: Vec::new(),
            diagnostic: None,
        }
    }

    /// The user asked for something that cannot be meant.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(exit::USAGE, message)
    }

    /// Anything else.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(exit::OTHER, message)
    }

    /// An error with its causes.
    pub(crate) fn from_error(error: &(dyn Error + 'static)) -> Self {
        Self::other(chain(error))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The text for standard error: for people, or one line of JSON.
    pub(crate) fn render(&self, json: bool) -> String {
        if json {
            return format!("{}\n", self.json());
        }
        let mut text = String::new();
        let message = self.message.trim_end();
        let prefix = if message.starts_with("error") {
            ""
        } else {
            "error: "
        };
        let _ = writeln!(text, "{prefix}{message}");
        for hint in &self.hints {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }

    /// An object as docs/diagnostics.md describes it; what is not about a place has no place.
    fn json(&self) -> Value {
        let mut object = match &self.diagnostic {
            Some(diagnostic) => (**diagnostic).clone(),
            None => json!({
                "severity": "error",
                "message": self.message.trim_end(),
                "notes": self.hints,
            }),
        };
        object["version"] = json!(1);
        object["exit"] = json!(self.code);
        object
    }
}

/// An error and its causes in one line, each said once.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Recipes or expressions that have no value.
pub(crate) fn instantiate_error(error: &InstantiateError) -> CommandError {
    match error {
        InstantiateError::Interrupted => CommandError::new(exit::INTERRUPTED, "interrupted"),
        InstantiateError::NotAPath { .. } => CommandError::usage(error.to_string()),
        InstantiateError::Evaluation { text, json } => CommandError {
            diagnostic: Some(json.clone()),
            ..CommandError::other(text.as_str())
        },
        error => CommandError::other(error.to_string()),
    }
}

/// An evaluation that failed.
pub(crate) fn eval_error(language: &Language, error: &EvalError) -> CommandError {
    instantiate_error(&language.failed(error))
}

/// Where the logs of failed builds are, and how much of them is wanted.
pub(crate) struct Logs<'a> {
    pub(crate) store: &'a Store,
    pub(crate) lines: usize,
    /// The command that shows the log of a derivation named after it, where there is one.
    pub(crate) command: Option<&'a str>,
}

impl Logs<'_> {
    /// The end of what a failed build printed.
    fn end(&self, failure: &Failure) -> Vec<String> {
        let kept = failure
            .action
            .and_then(|action| self.store.read_log(&action).ok().flatten());
        let mut text = Vec::new();
        let whole = kept.is_some_and(|mut log| log.read_to_end(&mut text).is_ok());
        let mut lines: Vec<String> = match whole && !failure.log_tail.is_empty() {
            true => String::from_utf8_lossy(&text)
                .lines()
                .map(str::to_owned)
                .collect(),
            // What was kept in memory is its end.
            false => failure.log_tail.clone(),
        };
        let cut = lines.len().saturating_sub(self.lines);
        lines.drain(..cut);
        lines
    }
}

/// A run of builds that did not give what was wanted.
pub(crate) fn realise_error(error: RealiseError, logs: &Logs<'_>) -> CommandError {
    match error {
        RealiseError::Interrupted => CommandError::new(exit::INTERRUPTED, "interrupted")
            .hint("what was finished is kept; run the same command to go on"),
        RealiseError::Failed { failures, skipped } => failed(&failures, skipped, logs),
        RealiseError::Store(error) => store_error(&error),
    }
}

/// A store that cannot be used, with the hint for a full disk.
pub(crate) fn store_error(error: &xsc_store::StoreError) -> CommandError {
    disk_error(CommandError::from_error(error), error.is_disk_full())
}

/// Something that was wrong in the store and that it got over.
pub(crate) fn warning(warning: &xsc_store::Warning) -> String {
    match warning {
        xsc_store::Warning::SetAside {
            path,
            moved_to,
            problem,
        } => {
            let (path, moved_to) = (path.display(), moved_to.display());
            format!("{path} is damaged ({problem}); moved to {moved_to}")
        }
        xsc_store::Warning::Recovered { objects, damaged } => format!(
            "the machine went down during a build: {} checked, {damaged} damaged and set aside",
            crate::ui::count(*objects, "file")
        ),
    }
}

/// The same error, with the hint for a full disk where the disk is full.
pub(crate) fn disk_error(error: CommandError, full: bool) -> CommandError {
    if full { error.hint(DISK_FULL) } else { error }
}

const DISK_FULL: &str = "the disk is full; `xsc-compose gc` frees what no `result` link needs, \
and --store or XSC_STORE puts the store elsewhere";

fn failed(failures: &[Failure], skipped: usize, logs: &Logs<'_>) -> CommandError {
    let mut message = String::new();
    let mut hints = Vec::new();
    for (index, failure) in failures.iter().enumerate() {
        if index > 0 {
            message.push_str("\nerror: ");
        }
        let _ = write!(message, "{}: {}", failure.name, chain(&failure.kind));
        for line in logs.end(failure) {
            let _ = write!(message, "\n  {line}");
        }
        hints.extend(hints_for(failure, logs.command));
    }
    if failures.len() > 1 {
        let names: Vec<&str> = failures.iter().map(|f| f.name.as_str()).collect();
        let _ = write!(
            message,
            "\nerror: {} builds failed: {}",
            names.len(),
            names.join(", ")
        );
    }
    if skipped > 0 {
        let _ = write!(
            message,
            "\nnot tried because of this: {}",
            crate::ui::count(skipped, "derivation")
        );
    }
    let code = failures
        .iter()
        .map(|f| code_of(&f.kind))
        .max()
        .unwrap_or(exit::OTHER);
    hints.dedup();
    CommandError {
        hints,
        ..CommandError::new(code, message)
    }
}

fn code_of(kind: &FailureKind) -> u8 {
    match kind {
        FailureKind::TimedOut { .. } => exit::TIMED_OUT,
        FailureKind::Fetch(DownloadError::HashMismatch { .. }) => exit::HASH_MISMATCH,
        FailureKind::Interrupted => exit::INTERRUPTED,
        FailureKind::Exit { .. }
        | FailureKind::Signal { .. }
        | FailureKind::OutOfMemory { .. }
        | FailureKind::MissingOutput { .. }
        | FailureKind::StrayOutput { .. }
        | FailureKind::Ingest(_)
        | FailureKind::Tree(_)
        | FailureKind::Merge(_)
        | FailureKind::Audit { .. }
        | FailureKind::Leak { .. }
        | FailureKind::Package { .. }
        | FailureKind::Params { .. }
        | FailureKind::Unpack { .. }
        | FailureKind::Image(_) => exit::BUILD_FAILED,
        _ => exit::OTHER,
    }
}

fn hints_for(failure: &Failure, log: Option<&str>) -> Vec<String> {
    let mut hints = Vec::new();
    if let Some(log) = log
        && !failure.log_tail.is_empty()
    {
        hints.push(format!("the whole log: {log} {}", failure.name));
    }
    if let Some(kept) = &failure.kept {
        hints.push(format!("the failed build is kept in {}", kept.display()));
        hints.push(format!(
            "`xsc-compose shell --failed {}` opens a shell in it",
            failure.name
        ));
    }
    match &failure.kind {
        FailureKind::Fetch(DownloadError::DiskFull { .. }) => hints.push(DISK_FULL.to_owned()),
        FailureKind::Ingest(error) if error.is_disk_full() => hints.push(DISK_FULL.to_owned()),
        FailureKind::Store(error) if error.is_disk_full() => hints.push(DISK_FULL.to_owned()),
        FailureKind::Substitute(xsc_build::SubstituteError::Local {
            disk_full: true, ..
        }) => hints.push(DISK_FULL.to_owned()),
        FailureKind::SourceChanged { .. } => {
            hints.push("run the same command again".to_owned());
        }
        _ => {}
    }
    hints
}
