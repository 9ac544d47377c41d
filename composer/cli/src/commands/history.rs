//! `history`: the builds that this store remembers; and the record that each build leaves.
//!
//! `realise` records, `plan` reads the last one. Invariant: a record that cannot be written or read is never the
//! reason why a build fails.

use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::DateTime;
use serde_json::json;
use xsc_build::{BuildOutcome, BuildSummary, RECORD, Recorded};
use xsc_model::{DrvId, Graph};
use xsc_store::{RecordedBuild, Store};

use super::{print, subject_of};
use crate::args::History;
use crate::context::Context;
use crate::error::{CommandError, store_error};
use crate::ui::{Tally, human};

pub(crate) fn run(context: &Context, args: &History) -> Result<(), CommandError> {
    let store = context.store()?;
    let key = match &args.profile {
        None => None,
        Some(word) => {
            let (repository, subject) = subject_of(word, args.attr.as_deref())?;
            Some(key(&repository.root, &subject))
        }
    };
    let builds = store.builds(key.as_deref()).map_err(|e| store_error(&e))?;
    let from = builds.len().saturating_sub(args.count);
    let mut found = Vec::new();
    for build in &builds[from..] {
        found.extend(summary(build)?);
    }
    if context.json {
        let builds = serde_json::to_value(&found).expect("a summary is text and numbers");
        print(&json!({ "version": 1, "builds": builds }).to_string());
        return Ok(());
    }
    for build in &found {
        let began = i64::try_from(build.began)
            .ok()
            .and_then(DateTime::from_timestamp_millis);
        let began = began.map_or("?".to_owned(), |at| at.format("%F %T UTC").to_string());
        let outcome = match build.outcome {
            BuildOutcome::Built => "built",
            BuildOutcome::Failed => "failed",
            BuildOutcome::Interrupted => "stopped",
        };
        let failed = match build.failed.is_empty() {
            true => String::new(),
            false => format!("; failed: {}", build.failed.join(", ")),
        };
        print(&format!(
            "{began}  {outcome:7}  {:>12}  {}: {} built, {} fetched, {} unchanged{failed}",
            human(Duration::from_millis(build.took)),
            build.subject,
            build.built,
            build.fetched,
            build.unchanged,
        ));
    }
    Ok(())
}

/// The last build of a subject that ended well, or else the last one.
pub(crate) fn last_record(
    store: &Store,
    repository: &Path,
    subject: &str,
) -> Result<Option<(BuildSummary, Recorded)>, CommandError> {
    let builds = store
        .builds(Some(&key(repository, subject)))
        .map_err(|e| store_error(&e))?;
    let mut last = None;
    for build in builds.iter().rev() {
        let Some(summary) = summary(build)? else {
            continue;
        };
        let well = summary.outcome == BuildOutcome::Built;
        if well || last.is_none() {
            last = Some((summary, build));
        }
        if well {
            break;
        }
    }
    let Some((summary, build)) = last else {
        return Ok(None);
    };
    // A damaged one only leaves nothing to compare with.
    let bytes = build.derivations().ok().flatten();
    let recorded = bytes.and_then(|bytes| Recorded::parse(&bytes));
    Ok(recorded.map(|recorded| (summary, recorded)))
}

/// A build that has just ended.
pub(crate) struct Ended<'a> {
    pub(crate) repository: &'a Path,
    pub(crate) subject: &'a str,
    pub(crate) began: SystemTime,
    pub(crate) took: Duration,
    pub(crate) outcome: BuildOutcome,
    pub(crate) tally: Tally,
    pub(crate) failed: Vec<String>,
}

/// Remembers a build.
pub(crate) fn record(
    store: &Store,
    graph: &Graph,
    order: &[DrvId],
    wanted: &[DrvId],
    build: Ended<'_>,
) -> Result<(), xsc_store::StoreError> {
    let began = build.began.duration_since(SystemTime::UNIX_EPOCH);
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let summary = BuildSummary {
        version: RECORD,
        repository: build.repository.to_owned(),
        subject: build.subject.to_owned(),
        began: millis(began.unwrap_or_default()),
        took: millis(build.took),
        outcome: build.outcome,
        built: build.tally.built,
        fetched: build.tally.fetched,
        unchanged: build.tally.cutoffs.len(),
        failed: build.failed,
        derivation: named(wanted),
    };
    let recorded = Recorded::new(graph, order, build.repository);
    let key = key(build.repository, build.subject);
    store.add_build(
        &key,
        summary.began,
        &summary.to_bytes(),
        &recorded.to_bytes(),
    )
}

/// Whether the last build of the subject was of this derivation.
pub(crate) fn is_recorded(
    store: &Store,
    repository: &Path,
    subject: &str,
    wanted: &[DrvId],
) -> bool {
    let builds = store
        .builds(Some(&key(repository, subject)))
        .unwrap_or_default();
    let last = builds
        .last()
        .and_then(|build| summary(build).ok().flatten());
    last.is_some_and(|last| last.derivation == named(wanted) && last.outcome == BuildOutcome::Built)
}

/// What a record calls what was wanted: the derivation, or several with spaces between them.
fn named(wanted: &[DrvId]) -> String {
    let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    names.join(" ")
}

/// What the store knows a subject of a repository by.
fn key(repository: &Path, subject: &str) -> String {
    format!("{}\n{subject}", repository.display())
}

fn summary(build: &RecordedBuild) -> Result<Option<BuildSummary>, CommandError> {
    let bytes = build.summary().map_err(|e| store_error(&e))?;
    Ok(bytes.and_then(|bytes| BuildSummary::parse(&bytes)))
}
