//! `plan`: what a build would fetch and make, why, how many bytes and how long.
//!
//! Compares the recipes with the record of the last build of the same subject. Invariant: nothing is built,
//! fetched or recorded.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use indicatif::HumanBytes;
use serde_json::{Value, json};
use xsc_build::{Cause, Recorded, Why, Work, causes, work_of};
use xsc_model::{Builder, Derivation, DrvId, Graph};

use super::graph::word;
use super::{history, open_about, print};
use crate::args::Plan;
use crate::caches;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{count, human};

/// A step that is missing.
struct Step<'a> {
    drv: &'a Derivation,
    work: Work,
    last: Option<Duration>,
}

pub(crate) fn run(context: &Context, args: &Plan) -> Result<(), CommandError> {
    let (opened, drv) = open_about(context, &args.about)?;
    let graph = opened.recipes.graph();
    let store = context.store()?;
    let plan = caches::plan_asked(context, &opened.flake, &store, &graph, &[drv], true)?;
    let durations = store.last_durations();
    let steps: Vec<Step<'_>> = plan
        .missing()
        .filter_map(|id| Some((graph.get(id)?, plan.work(&graph, id)?)))
        .map(|(drv, work)| Step {
            drv,
            work,
            last: durations.get(drv.name.as_str()).copied(),
        })
        .collect();
    let subject = opened.subject_words(args.about.attr.as_deref());
    let last = match steps.is_empty() {
        true => None,
        false => history::last_record(&store, &opened.repository.root, &subject)?,
    };
    let recorded = last.as_ref().map(|(_, recorded)| recorded);
    let found = match recorded {
        Some(recorded) => causes(&graph, &plan, recorded, &opened.repository.root),
        None => Vec::new(),
    };
    let jobs = args.max_jobs.map_or_else(
        || std::thread::available_parallelism().map_or(1, |n| n.get()),
        usize::from,
    );
    let estimate = estimate(&durations, &graph, &plan, jobs);
    let fetches = steps.iter().filter(|step| step.work == Work::Fetch);
    let bytes: u64 = fetches.map(|step| size(step.drv)).sum();
    if context.json {
        print(
            &as_json(
                &subject,
                &plan,
                &steps,
                bytes,
                estimate,
                recorded.is_some(),
                &found,
            )
            .to_string(),
        );
    } else {
        show(&plan, &steps, bytes, estimate);
        explain(recorded, &found, steps.is_empty());
    }
    refuse(&steps, &args.fail_if_builds)
}

fn size(drv: &Derivation) -> u64 {
    match &drv.builder {
        Builder::Fetch(fetch) => fetch.size,
        _ => 0,
    }
}

/// Whether somebody who says `wanted` means `name`.
fn is_named(name: &str, wanted: &str) -> bool {
    wanted == "*" || name == wanted || xsc_build::stem(name) == wanted
}

fn refuse(steps: &[Step<'_>], forbidden: &[String]) -> Result<(), CommandError> {
    let built: Vec<&str> = steps
        .iter()
        .filter(|step| step.work == Work::Build)
        .map(|step| step.drv.name.as_str())
        .filter(|name| forbidden.iter().any(|wanted| is_named(name, wanted)))
        .collect();
    match built.is_empty() {
        true => Ok(()),
        false => Err(CommandError::other(format!(
            "{} would be built, and --fail-if-builds forbids it",
            built.join(", ")
        ))),
    }
}

/// How long the missing steps take on `jobs` workers, the longest chain first, as the scheduler does it;
/// `None` where a build was never timed.
fn estimate(
    durations: &BTreeMap<String, Duration>,
    graph: &Graph,
    plan: &xsc_build::Plan,
    jobs: usize,
) -> Option<Duration> {
    let chain = plan.priorities(durations, graph);
    let mut done: BTreeMap<DrvId, Duration> = BTreeMap::new();
    let mut workers: BinaryHeap<Reverse<Duration>> =
        (0..jobs).map(|_| Reverse(Duration::ZERO)).collect();
    // What heads longer chains comes first, and so before what needs it.
    let mut order: Vec<&DrvId> = plan.missing().collect();
    order.sort_by_key(|id| Reverse(chain.get(id).copied().unwrap_or_default()));
    for id in order {
        let drv = graph.get(id)?;
        let inputs = xsc_model::dependencies(drv)
            .filter_map(|dep| done.get(&dep))
            .max();
        let ready = inputs.copied().unwrap_or_default();
        let end = match plan.work(graph, id)? {
            // The network's speed is not known.
            Work::Fetch | Work::Substitute => ready,
            Work::Builtin | Work::Build => {
                let known = durations.get(drv.name.as_str()).copied();
                let took = match work_of(drv) {
                    Work::Build => known?,
                    _ => known.unwrap_or_default(),
                };
                let Reverse(free) = workers.pop().unwrap_or_default();
                let end = free.max(ready) + took;
                workers.push(Reverse(end));
                end
            }
        };
        done.insert(*id, end);
    }
    done.into_values().max()
}

fn show(plan: &xsc_build::Plan, steps: &[Step<'_>], bytes: u64, estimate: Option<Duration>) {
    for step in steps {
        let name = &step.drv.name;
        let last = step.last.map(|last| format!("  {}", human(last)));
        print(&match step.work {
            Work::Substitute => format!("cache {name}"),
            Work::Fetch => format!("fetch {name}  {}", HumanBytes(size(step.drv))),
            Work::Builtin => format!("make  {name}{}", last.unwrap_or_default()),
            Work::Build => format!("build {name}{}", last.unwrap_or("  never timed".to_owned())),
        });
    }
    let of = |work: Work| steps.iter().filter(|step| step.work == work).count();
    let time = match estimate {
        Some(time) if !steps.is_empty() => format!(", about {} without the network", human(time)),
        _ => String::new(),
    };
    let cached = match of(Work::Substitute) {
        0 => String::new(),
        number => format!("{number} from caches, "),
    };
    print(&format!(
        "{} of {}: {cached}{} to fetch ({}), {} to build, {} to make{time}",
        steps.len(),
        count(plan.order.len(), "derivation"),
        of(Work::Fetch),
        HumanBytes(bytes),
        of(Work::Build),
        of(Work::Builtin),
    ));
}

fn explain(recorded: Option<&Recorded>, causes: &[Cause], nothing: bool) {
    if nothing {
        return;
    }
    if recorded.is_none() {
        print("why: there is no record of an earlier build to compare with");
        return;
    }
    print("why:");
    let named = |why: fn(&Why) -> bool| -> Vec<&str> {
        let of = causes.iter().filter(|cause| why(&cause.why));
        of.map(|cause| cause.name.as_str()).collect()
    };
    for cause in causes {
        let Why::Changed(changes) = &cause.why else {
            continue;
        };
        for change in changes {
            print(&format!("  {}: {} changed", cause.name, change.what));
            for line in &change.lines {
                print(&format!("      {line}"));
            }
        }
    }
    for (what, names) in [
        ("new", named(|why| *why == Why::New)),
        (
            "as before, and not in the store (failed, not tried or collected)",
            named(|why| *why == Why::Absent),
        ),
    ] {
        if !names.is_empty() {
            print(&format!("  {what}: {}", names.join(", ")));
        }
    }
}

fn as_json(
    subject: &str,
    plan: &xsc_build::Plan,
    steps: &[Step<'_>],
    bytes: u64,
    estimate: Option<Duration>,
    compared: bool,
    causes: &[Cause],
) -> Value {
    let steps: Vec<Value> = steps
        .iter()
        .map(|step| {
            json!({
                "name": step.drv.name.as_str(),
                "work": word(step.work),
                "bytes": size(step.drv),
                "last_duration_ms": step.last.map(|last| last.as_millis() as u64),
            })
        })
        .collect();
    let causes: Vec<Value> = causes
        .iter()
        .map(|cause| {
            let (why, changes) = match &cause.why {
                Why::New => ("new", &[][..]),
                Why::Absent => ("absent", &[][..]),
                Why::Changed(changes) => ("changed", changes.as_slice()),
            };
            let changes: Vec<Value> = changes
                .iter()
                .map(|change| json!({ "what": change.what, "lines": change.lines }))
                .collect();
            json!({ "name": cause.name, "why": why, "changes": changes })
        })
        .collect();
    json!({
        "version": 1,
        "subject": subject,
        "derivations": plan.order.len(),
        "steps": steps,
        "bytes": bytes,
        "estimate_ms": estimate.map(|time| time.as_millis() as u64),
        "compared": compared,
        "causes": causes,
    })
}
