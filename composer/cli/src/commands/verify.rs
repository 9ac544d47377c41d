//! `verify`: builds again what is built, under other conditions, and says what differs and why.
//!
//! Exit code 104 where a result is not what a rebuild gives. Invariant: what the store holds as the result of a
//! build stays as it is.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use xsc_build::{Divergence, Isolated, Verdict, Verified, VerifyOptions};
use xsc_diff::{Cause, Difference, Facts};
use xsc_model::{DrvId, Graph};
use xsc_store::Store;

use super::diff::sides::Stored;
use super::diff::{as_json, as_text, diffoscope};
use super::workshop::{Workshop, with_engine};
use super::{Cancel, Origin, attest, open_subject, print, realise};
use crate::args::Verify;
use crate::context::Context;
use crate::error::{CommandError, Logs, chain, exit, realise_error, store_error};
use crate::ui::{Ui, UiOptions};

pub(crate) fn run(context: &Context, args: &Verify, cancel: &Cancel) -> Result<(), CommandError> {
    let mut opened = open_subject(context, &args.about.profile)?;
    let (drv, _) = opened.output(args.about.attr.as_deref())?;
    let graph = opened.recipes.graph();
    let targets = match args.recursive {
        true => graph.closure(&[drv]),
        false => vec![drv],
    };
    if args.flags.dry_run {
        for drv in targets.iter().filter_map(|id| graph.get(id)) {
            if xsc_build::work_of(drv) != xsc_build::Work::Fetch {
                print(&format!("rebuild {}", drv.name));
            }
        }
        return Ok(());
    }
    if args.attest.is_some() {
        attest::check_key(context, args)?;
    }
    let store = context.store()?;
    if let Some(file) = &args.attestations {
        return attest::weigh(context, file, &opened, &store, &graph, &targets);
    }
    // Held to the end: the trees of rebuilds are looked at, and nothing refers to them.
    let _session = store.session().map_err(|e| store_error(&e))?;
    let origin = Origin {
        subject: None,
        ..opened.origin(context, None)
    };
    let wanted = with_inputs(&graph, &targets);
    let known = realise(
        context,
        &origin,
        &store,
        &graph,
        &wanted,
        &args.flags,
        cancel,
    )?;
    let ui_options = UiOptions {
        quiet: context.quiet,
        print_logs: args.flags.print_build_logs,
        format: context.log_format,
        descriptor: context.log_fd,
    };
    let ui = Ui::new(ui_options, cancel)?;
    let options = VerifyOptions {
        rounds: args.rounds,
        isolate: args.isolate,
    };
    let drvs = targets.iter().filter_map(|id| graph.get(id));
    let workshop = Workshop {
        context,
        origin: &origin,
        store: &store,
        flags: &args.flags,
        cgroups: super::cgroups(context, drvs.map(|drv| &**drv), &args.flags),
        observer: &ui,
        cancel,
    };
    let checked = with_engine(&workshop, |engine| {
        ui.during(|| engine.verify(&graph, &known, &targets, options))
    });
    ui.finish();
    let checked = checked.map_err(|error| {
        let logs = Logs {
            store: &store,
            lines: ui.log_lines(),
            command: None,
        };
        realise_error(error, &logs)
    })?;
    if let Some(file) = &args.attest {
        attest::write(context, args, file, &known, &checked)?;
    }
    report(context, args, &store, &checked)
}

/// What has to be in this store to build `targets` again: they and their inputs.
fn with_inputs(graph: &Graph, targets: &[DrvId]) -> Vec<DrvId> {
    let mut wanted: BTreeSet<DrvId> = targets.iter().copied().collect();
    for drv in targets.iter().filter_map(|id| graph.get(id)) {
        wanted.extend(xsc_model::dependencies(drv));
    }
    wanted.into_iter().collect()
}

/// What is said of each, those that others need first.
fn report(
    context: &Context,
    args: &Verify,
    store: &Store,
    checked: &[Verified],
) -> Result<(), CommandError> {
    let mut tally = Tally::default();
    let mut results = Vec::new();
    for one in checked {
        tally.count(one);
        let differences = match &one.verdict {
            Verdict::Different(divergence) => compare(store, divergence)?,
            _ => Vec::new(),
        };
        if context.json {
            results.push(result(store, one, &differences));
        } else {
            explain(args, store, one, &differences)?;
        }
    }
    if context.json {
        let value = json!({
            "version": 1,
            "rounds": args.rounds,
            "identical": tally.identical,
            "fixed": tally.fixed,
            "bad": tally.bad,
            "results": results,
        });
        print(&value.to_string());
    } else {
        print(&format!(
            "{} identical after {}, {} fixed by hash, {} not reproducible",
            tally.identical,
            crate::ui::count(args.rounds as usize, "rebuild"),
            tally.fixed,
            tally.bad.len()
        ));
    }
    match tally.bad.split_first() {
        None => Ok(()),
        Some((first, [])) => Err(CommandError::new(
            exit::NOT_REPRODUCIBLE,
            format!("{first} is not reproducible"),
        )),
        Some((first, more)) => Err(CommandError::new(
            exit::NOT_REPRODUCIBLE,
            format!("{first} is not reproducible, nor are {}", more.join(", ")),
        )
        .hint("the first of them needs none of the others")),
    }
}

#[derive(Default)]
struct Tally {
    identical: usize,
    fixed: usize,
    bad: Vec<String>,
}

impl Tally {
    fn count(&mut self, one: &Verified) {
        match one.verdict {
            Verdict::Fixed => self.fixed += 1,
            Verdict::Identical => self.identical += 1,
            Verdict::Different(_) | Verdict::Failed { .. } => self.bad.push(one.name.clone()),
        }
    }
}

fn compare(store: &Store, d: &Divergence) -> Result<Vec<Difference>, CommandError> {
    let (a, b) = (&d.usual, &d.perturbed);
    fn pair<T: PartialEq + Clone>(a: &T, b: &T) -> Option<(T, T)> {
        (a != b).then(|| (a.clone(), b.clone()))
    }
    let facts = Facts {
        clock: pair(&a.clock, &b.clock),
        host_name: pair(&a.host_name, &b.host_name),
        path: pair(&a.path, &b.path),
        uid: pair(&a.uid, &b.uid),
        gid: pair(&a.gid, &b.gid),
        umask: pair(&a.umask, &b.umask),
        cpus: pair(&a.cpus, &b.cpus),
    };
    let one = Stored::new(store, d.expected);
    let other = Stored::new(store, d.found);
    xsc_diff::compare(&one, &other, &facts).map_err(|error| CommandError::from_error(&error))
}

/// The causes that were found, the most frequent first.
fn causes(differences: &[Difference]) -> Vec<Cause> {
    let mut counts: Vec<(usize, Cause)> = Vec::new();
    for cause in differences.iter().filter_map(|difference| difference.cause) {
        match counts.iter_mut().find(|(_, known)| *known == cause) {
            Some((count, _)) => *count += 1,
            None => counts.push((1, cause)),
        }
    }
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let mut causes: Vec<Cause> = counts.into_iter().map(|(_, cause)| cause).collect();
    // What follows from the rest says nothing where the rest says something.
    if causes.len() > 1 {
        causes.retain(|cause| *cause != Cause::Consequence);
    }
    causes
}

fn isolated(isolated: &Isolated) -> String {
    match isolated {
        Isolated::Always => "the same conditions give another result".to_owned(),
        Isolated::By(aspects) => {
            let words: Vec<&str> = aspects.iter().map(|aspect| aspect.as_str()).collect();
            format!("it depends on: {}", words.join(", "))
        }
        Isolated::Together => "no condition makes it differ alone".to_owned(),
    }
}

fn explain(
    args: &Verify,
    store: &Store,
    one: &Verified,
    differences: &[Difference],
) -> Result<(), CommandError> {
    match &one.verdict {
        Verdict::Fixed | Verdict::Identical => {}
        Verdict::Failed { round, failure } => {
            print(&format!(
                "{} fails in round {round}: {}",
                one.name,
                chain(&failure.kind)
            ));
            for line in &failure.log_tail {
                print(&format!("  {line}"));
            }
        }
        Verdict::Different(d) => {
            print(&format!(
                "{} differs in round {} (output {})",
                one.name, d.round, d.output
            ));
            let (stored, rebuilt) = (store.tree_path(&d.expected), store.tree_path(&d.found));
            let stored = stored.map_err(|e| store_error(&e))?;
            let rebuilt = rebuilt.map_err(|e| store_error(&e))?;
            if args.diffoscope {
                diffoscope(&stored, &rebuilt)?;
            } else {
                for difference in differences {
                    print(&format!("  {}", as_text(difference).replace('\n', "\n  ")));
                }
            }
            let words: Vec<&str> = causes(differences).iter().map(|c| c.as_str()).collect();
            if !words.is_empty() {
                print(&format!("  likely cause: {}", words.join(", ")));
            }
            if let Some(found) = &d.isolated {
                print(&format!("  {}", isolated(found)));
            }
            print(&format!("  stored   {}", stored.display()));
            print(&format!("  rebuilt  {}", rebuilt.display()));
        }
    }
    Ok(())
}

fn result(store: &Store, one: &Verified, differences: &[Difference]) -> Value {
    let mut value = json!({
        "name": one.name,
        "derivation": one.drv.to_string(),
        "action": one.action.to_string(),
    });
    match &one.verdict {
        Verdict::Fixed => value["verdict"] = json!("fixed"),
        Verdict::Identical => value["verdict"] = json!("identical"),
        Verdict::Failed { round, failure } => {
            value["verdict"] = json!("failed");
            value["round"] = json!(round);
            value["failure"] = json!(chain(&failure.kind));
        }
        Verdict::Different(d) => {
            let causes: Vec<&str> = causes(differences).iter().map(|c| c.as_str()).collect();
            value["verdict"] = json!("different");
            value["round"] = json!(d.round);
            value["output"] = json!(d.output.as_str());
            value["stored"] = json!(store.tree_place(&d.expected));
            value["rebuilt"] = json!(store.tree_place(&d.found));
            value["causes"] = json!(causes);
            value["differences"] = differences.iter().map(as_json).collect();
            value["depends_on"] = match &d.isolated {
                None => Value::Null,
                Some(Isolated::Always) => json!("nothing that was changed"),
                Some(Isolated::Together) => json!("several at once"),
                Some(Isolated::By(aspects)) => {
                    aspects.iter().map(|aspect| aspect.as_str()).collect()
                }
            };
        }
    }
    value
}
