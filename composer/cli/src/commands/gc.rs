//! `gc`: deletes what no `result` link keeps alive, all of it or what was not used for long.
//!
//! Invariant: with --dry-run nothing is deleted; without, nothing that a live link needs is.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use indicatif::HumanBytes;
use serde_json::json;
use xsc_store::{GcError, GcOptions, GcReport};

use super::{Cancel, print};
use crate::args::Gc;
use crate::context::Context;
use crate::error::{CommandError, exit};

pub(crate) fn run(context: &Context, args: &Gc, cancel: &Cancel) -> Result<(), CommandError> {
    let store = context.store()?;
    let since = |age| {
        let since = SystemTime::now().checked_sub(age);
        since.unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let options = GcOptions {
        dry_run: args.dry_run,
        wait: args.wait,
        unused_since: args.older_than.map(since),
        max_size: args.max_size,
    };
    let result = store.gc_with(options, cancel);
    let report = result.map_err(|error| match error {
        GcError::Busy if cancel.load(Ordering::SeqCst) => {
            CommandError::new(exit::INTERRUPTED, "interrupted")
        }
        GcError::Busy => CommandError::from_error(&error)
            .hint("run it again when the build has ended, or with --wait"),
        GcError::Live { .. } => CommandError::from_error(&error)
            .hint("`xsc-compose store verify --repair` moves damaged records out of the way"),
        GcError::File(_) => CommandError::from_error(&error),
    })?;
    if context.json {
        print(&as_json(&report, args.dry_run).to_string());
        return Ok(());
    }
    for link in &report.kept_roots {
        print(&format!("kept by {}", link.display()));
    }
    if report.kept_by_use > 0 {
        let kept = crate::ui::count(report.kept_by_use, "realisation");
        print(&format!("kept for their last use: {kept}"));
    }
    if let (Some(rooted), Some(limit)) = (report.bytes_rooted, args.max_size)
        && rooted > limit
        && !context.quiet
    {
        eprintln!(
            "warning: what roots keep takes {}, more than {}; remove `result` links to free it",
            HumanBytes(rooted),
            HumanBytes(limit)
        );
    }
    let verb = if args.dry_run { "would free" } else { "freed" };
    print(&format!(
        "{verb} {}: {} trees, {} files, {} realisations; {} left",
        HumanBytes(report.bytes_freed),
        report.trees,
        report.objects,
        report.realisations,
        HumanBytes(report.bytes_left)
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
        "bytes_left": report.bytes_left,
        "kept_by_use": report.kept_by_use,
        "kept_roots": report.kept_roots,
        "dead_roots": report.dead_roots,
    })
}
