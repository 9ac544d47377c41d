//! `store verify`, `store size`: what the store holds, and whether it is what its names say.
//!
//! `store verify` ends with exit code 1 where something is wrong and stays so. Invariant: without
//! --repair nothing is changed.

use indicatif::HumanBytes;
use serde_json::json;
use xsc_store::{Affected, Damage, Owner, SizeReport, Store, VerifyReport};

use super::{Cancel, open_subject, print, realise};
use crate::args::{StoreSize, StoreVerb, StoreVerify};
use crate::context::Context;
use crate::error::{CommandError, store_error};

/// How many owners are listed without --all.
const SHOWN: usize = 20;

pub(crate) fn run(
    context: &Context,
    verb: &StoreVerb,
    cancel: &Cancel,
) -> Result<(), CommandError> {
    match verb {
        StoreVerb::Verify(args) => verify(context, args, cancel),
        StoreVerb::Size(args) => size(context, args),
    }
}

fn verify(context: &Context, args: &StoreVerify, cancel: &Cancel) -> Result<(), CommandError> {
    let store = context.store()?;
    let report = store
        .verify(args.repair)
        .map_err(|e| CommandError::from_error(&e))?;
    // Made again before anything is said, so that JSON is one document.
    let again = match &args.subject {
        Some(subject) if !report.damage.is_empty() => {
            Some(make_again(context, &store, subject, args, &report, cancel)?)
        }
        _ => None,
    };
    say_damage(context, &report, again.as_ref());
    match (&again, report.damage.is_empty(), args.repair) {
        (_, true, _) => Ok(()),
        (Some(again), ..) if again.left.is_empty() => Ok(()),
        (Some(_), ..) => Err(CommandError::other(
            "the store was damaged, and not everything belongs to what was named",
        )
        .hint("the rest is moved aside; a build that needs it makes it again")),
        (None, false, true) => Err(CommandError::other("the store was damaged")
            .hint("what was wrong is moved aside; the next build makes it again")),
        (None, false, false) => Err(CommandError::other("the store is damaged").hint(
            "`xsc-compose store verify --repair` moves it aside, the next build makes it again; \
             with a profile it is made again at once",
        )),
    }
}

/// What became of the outputs that were damaged.
struct Again {
    made: Vec<Affected>,
    left: Vec<Affected>,
}

/// Realises what the user named: what was damaged has no realisation now, so it is fetched or
/// built, and nothing else is.
fn make_again(
    context: &Context,
    store: &Store,
    subject: &std::path::Path,
    args: &StoreVerify,
    report: &VerifyReport,
    cancel: &Cancel,
) -> Result<Again, CommandError> {
    let mut opened = open_subject(context, subject)?;
    let (drv, output) = opened.output(None)?;
    let graph = opened.recipes.graph();
    let _session = store.session().map_err(|e| store_error(&e))?;
    let origin = opened.origin(context, None);
    let known = realise(context, &origin, store, &graph, &[drv], &args.flags, cancel)?;
    // The link to the result may have lost what it points to.
    store
        .tree_path(&known[&drv].outputs[&output])
        .map_err(|e| store_error(&e))?;
    let mut again = Again {
        made: Vec::new(),
        left: Vec::new(),
    };
    for affected in &report.affected {
        let whole = store
            .realisation(&affected.action)
            .map_err(|e| store_error(&e))?
            .is_some();
        let list = if whole {
            &mut again.made
        } else {
            &mut again.left
        };
        list.push(affected.clone());
    }
    Ok(again)
}

fn say_damage(context: &Context, report: &VerifyReport, again: Option<&Again>) {
    let damage: Vec<String> = report.damage.iter().map(said).collect();
    if context.json {
        let mut value = json!({
            "version": 1,
            "objects": report.objects,
            "bytes": report.bytes,
            "directories": report.directories,
            "damage": damage,
            "affected": report.affected.iter().map(affected_json).collect::<Vec<_>>(),
        });
        if let Some(again) = again {
            value["made_again"] = again.made.iter().map(affected_json).collect();
            value["left"] = again.left.iter().map(affected_json).collect();
        }
        print(&value.to_string());
        return;
    }
    for line in &damage {
        print(line);
    }
    let lists = match again {
        Some(again) => vec![("made again", &again.made), ("set aside", &again.left)],
        None => vec![("damaged output of", &report.affected)],
    };
    for (what, list) in lists {
        for affected in list {
            print(&format!("{what} {}", called(affected)));
        }
    }
    let (objects, bytes) = (report.objects, HumanBytes(report.bytes));
    print(&format!(
        "{objects} files ({bytes}), {} damaged",
        damage.len()
    ));
}

fn affected_json(affected: &Affected) -> serde_json::Value {
    json!({
        "action": affected.action.to_string(),
        "name": affected.name.as_ref().map(ToString::to_string),
    })
}

fn called(affected: &Affected) -> String {
    match &affected.name {
        Some(name) => name.to_string(),
        None => format!("action {}", affected.action),
    }
}

fn said(damage: &Damage) -> String {
    match damage {
        Damage::Object { path } => format!("damaged content: {}", path.display()),
        Damage::Directory { path } => format!("damaged record: {}", path.display()),
        Damage::Incomplete { tree } => format!("incomplete directory: {tree}"),
        Damage::LaidOut { path } => format!("laid out wrong: {}", path.display()),
    }
}

fn size(context: &Context, args: &StoreSize) -> Result<(), CommandError> {
    let store = context.store()?;
    let report = store.size().map_err(|e| store_error(&e))?;
    if context.json {
        print(&size_json(&report).to_string());
        return Ok(());
    }
    let row = |what: &str, bytes: u64, rest: &str| {
        print(format!("{what:<24} {:>12}{rest}", HumanBytes(bytes).to_string()).trim_end());
    };
    let loose = report.object_bytes.saturating_sub(report.rooted_bytes);
    row(
        "files",
        report.object_bytes,
        &format!("  {} files", report.objects),
    );
    row("  kept by roots", report.rooted_bytes, "");
    row("  kept by nothing", loose, "  `gc` frees them");
    row("records and logs", report.record_bytes, "");
    row("partial downloads", report.download_bytes, "");
    row("kept failed builds", report.kept_bytes, "");
    row("set aside as damaged", report.corrupt_bytes, "");
    let saved = report.unshared_bytes.saturating_sub(report.object_bytes);
    row(
        "without sharing",
        report.unshared_bytes,
        &format!("  {} saved", HumanBytes(saved)),
    );
    list("by root", &report.roots, args.all);
    list("by derivation", &report.names, args.all);
    Ok(())
}

fn list(title: &str, owners: &[Owner], all: bool) {
    if owners.is_empty() {
        return;
    }
    print(&format!("\n{:>12} {:>12}  {title}", "size", "its own"));
    let shown = if all { owners.len() } else { SHOWN };
    for owner in owners.iter().take(shown) {
        let name = match owner.name.as_str() {
            "" => "(of before names were noted)",
            name => name,
        };
        let (bytes, own) = (HumanBytes(owner.bytes), HumanBytes(owner.own));
        print(&format!(
            "{:>12} {:>12}  {name}{}",
            bytes.to_string(),
            own.to_string(),
            if owner.kept { "" } else { "  (not kept)" }
        ));
    }
    if owners.len() > shown {
        print(&format!(
            "{:>12} {:>12}  and {} more (--all)",
            "",
            "",
            owners.len() - shown
        ));
    }
}

fn size_json(report: &SizeReport) -> serde_json::Value {
    let owners = |owners: &[Owner]| -> Vec<serde_json::Value> {
        owners
            .iter()
            .map(|owner| {
                json!({
                    "name": owner.name,
                    "bytes": owner.bytes,
                    "own": owner.own,
                    "kept": owner.kept,
                })
            })
            .collect()
    };
    json!({
        "version": 1,
        "objects": report.objects,
        "object_bytes": report.object_bytes,
        "rooted_bytes": report.rooted_bytes,
        "record_bytes": report.record_bytes,
        "download_bytes": report.download_bytes,
        "kept_bytes": report.kept_bytes,
        "corrupt_bytes": report.corrupt_bytes,
        "unshared_bytes": report.unshared_bytes,
        "roots": owners(&report.roots),
        "names": owners(&report.names),
    })
}
