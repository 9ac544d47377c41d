//! `gc`: deletes what no `result` link keeps alive.
//!
//! Invariant: with --dry-run nothing is deleted; without, nothing that a live link needs is.

use indicatif::HumanBytes;
use serde_json::json;
use xsc_store::{GcError, GcOptions, GcReport};

use super::print;
use crate::args::Gc;
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(context: &Context, args: &Gc) -> Result<(), CommandError> {
    let store = context.store()?;
    let options = GcOptions {
        dry_run: args.dry_run,
        wait: args.wait,
    };
    let report = store.gc(options).map_err(|error| match error {
        GcError::Busy => CommandError::from_error(&error)
            .hint("run it again when the build has ended, or with --wait"),
        GcError::Live { .. } => CommandError::from_error(&error)
            .hint("`xsc-compose verify --repair` moves damaged records out of the way"),
        GcError::File(_) => CommandError::from_error(&error),
    })?;
    if context.json {
        print(&as_json(&report, args.dry_run).to_string());
        return Ok(());
    }
    for link in &report.kept_roots {
        print(&format!("kept by {}", link.display()));
    }
    let verb = if args.dry_run { "would free" } else { "freed" };
    print(&format!(
        "{verb} {}: {} trees, {} files, {} realisations",
        HumanBytes(report.bytes_freed),
        report.trees,
        report.objects,
        report.realisations
    ));
    Ok(())
}

fn as_json(report: &GcReport, dry_run: bool) -> serde_json::Value {
    json!({
        "version": 1,
        "dry_run": dry_run,
        "trees": report.trees,
        "directories": report.directories,
        "objects": report.objects,
        "realisations": report.realisations,
        "bytes_freed": report.bytes_freed,
        "kept_roots": report.kept_roots,
        "dead_roots": report.dead_roots,
    })
}
