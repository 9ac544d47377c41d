//! `verify`: checks that what the store holds is what its names say.
//!
//! Exit code 1 where something is wrong. Invariant: without --repair nothing is changed.

use indicatif::HumanBytes;
use serde_json::json;
use xsc_store::Damage;

use super::print;
use crate::args::Verify;
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(context: &Context, args: &Verify) -> Result<(), CommandError> {
    let store = context.store()?;
    let report = store
        .verify(args.repair)
        .map_err(|e| CommandError::from_error(&e))?;
    let damage: Vec<String> = report.damage.iter().map(said).collect();
    if context.json {
        let value = json!({
            "version": 1,
            "objects": report.objects,
            "bytes": report.bytes,
            "directories": report.directories,
            "damage": damage,
        });
        print(&value.to_string());
    } else {
        for line in &damage {
            print(line);
        }
        let (objects, bytes) = (report.objects, HumanBytes(report.bytes));
        print(&format!(
            "{objects} files ({bytes}), {} damaged",
            damage.len()
        ));
    }
    match (damage.is_empty(), args.repair) {
        (true, _) => Ok(()),
        (false, true) => Err(CommandError::other("the store was damaged")
            .hint("what was wrong is moved aside; the next build makes it again")),
        (false, false) => Err(CommandError::other("the store is damaged")
            .hint("`xsc-compose verify --repair` moves it aside, the next build makes it again")),
    }
}

fn said(damage: &Damage) -> String {
    match damage {
        Damage::Object { path } => format!("damaged content: {}", path.display()),
        Damage::Directory { path } => format!("damaged record: {}", path.display()),
        other => format!("{other:?}"),
    }
}
