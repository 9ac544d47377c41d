//! `build`: realises a profile's images, or one attribute, and links the result.
//!
//! Prints the path of the result, or where the attribute is a list of each of its results. Invariant: the link is
//! made last, and the root that keeps the result alive before the link.

use std::path::{Path, PathBuf};

use serde_json::json;
use xsc_build::Work;
use xsc_model::{DrvId, Graph, Realisation};
use xsc_store::{Session, Store};

use super::{Cancel, Opened, RESULT, Subject, open_subject, print, realise};
use crate::args::{Build, BuildFlags};
use crate::caches;
use crate::context::Context;
use crate::error::{CommandError, store_error};

pub(crate) fn run(context: &Context, args: &Build, cancel: &Cancel) -> Result<(), CommandError> {
    let mut opened = open_subject(context, &args.profile)?;
    let named = args.attr.as_deref();
    opened.refuse_attribute(named)?;
    let wanted = opened.outputs(named)?;
    let drvs: Vec<DrvId> = wanted.iter().map(|(drv, _)| *drv).collect();
    let graph = opened.recipes.graph();
    let store = context.store()?;
    // Held until the roots are made: a collection in between could remove what was just built.
    let _session = store.session().map_err(|e| store_error(&e))?;
    if args.flags.dry_run {
        return dry_run(context, &opened, &store, &graph, &drvs, &args.flags);
    }
    let links: Vec<PathBuf> = (1..=wanted.len())
        .map(|number| numbered(&args.out_link, number))
        .collect();
    if !args.no_link {
        links.iter().try_for_each(|link| check_link(link))?;
    }
    let known = realise(
        context,
        &opened.origin(context, named),
        &store,
        &graph,
        &drvs,
        &args.flags,
        cancel,
    )?;
    for ((drv, output), link) in wanted.iter().zip(&links) {
        let realisation = &known[drv];
        let tree = realisation.outputs[output];
        let path = store.tree_path(&tree).map_err(|e| store_error(&e))?;
        if !args.no_link {
            let needed = graph.closure(&[*drv]);
            let needed = needed.iter().filter_map(|drv| known.get(drv));
            let actions = crate::caches::kept_here(&store, needed);
            store
                .add_root(link, &tree, actions)
                .map_err(|e| CommandError::from_error(&e))?;
        }
        report(context, &opened, &path, realisation);
    }
    Ok(())
}

/// The link of the result with this number: `result`, `result-2`, `result-3`.
fn numbered(link: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return link.to_owned();
    }
    let mut name = link.as_os_str().to_owned();
    name.push(format!("-{number}"));
    PathBuf::from(name)
}

/// Refuses a place where no link can be made, before a build that may take minutes.
pub(super) fn check_link(link: &Path) -> Result<(), CommandError> {
    let dir = link.parent().filter(|dir| !dir.as_os_str().is_empty());
    let error = match (std::fs::symlink_metadata(link), dir) {
        (Ok(meta), _) if !meta.is_symlink() => CommandError::usage(format!(
            "`{}` exists and is not a symbolic link",
            link.display()
        )),
        (_, Some(dir)) if !dir.is_dir() => CommandError::usage(format!(
            "cannot link the result as `{}`: there is no directory `{}`",
            link.display(),
            dir.display()
        )),
        _ => return Ok(()),
    };
    Err(error.hint("name another place with -o LINK, or make no link with --no-link"))
}

/// A profile's images in the store, kept from being collected for as long as this lives.
pub(crate) struct Images {
    pub(crate) opened: Opened,
    pub(crate) path: PathBuf,
    _session: Session,
}

/// Builds a profile's images for `run` and `test`; none with --dry-run.
pub(crate) fn images(
    context: &Context,
    mut opened: Opened,
    flags: &BuildFlags,
    cancel: &Cancel,
) -> Result<Option<Images>, CommandError> {
    let (drv, output) = opened.output(Some(RESULT))?;
    let graph = opened.recipes.graph();
    let store = context.store()?;
    let session = store.session().map_err(|e| store_error(&e))?;
    if flags.dry_run {
        dry_run(context, &opened, &store, &graph, &[drv], flags)?;
        return Ok(None);
    }
    let origin = opened.origin(context, None);
    let known = realise(context, &origin, &store, &graph, &[drv], flags, cancel)?;
    let tree = known[&drv].outputs[&output];
    let path = store.tree_path(&tree).map_err(|e| store_error(&e))?;
    Ok(Some(Images {
        opened,
        path,
        _session: session,
    }))
}

fn dry_run(
    context: &Context,
    opened: &Opened,
    store: &Store,
    graph: &Graph,
    wanted: &[DrvId],
    flags: &BuildFlags,
) -> Result<(), CommandError> {
    let pull = !flags.offline && !flags.no_substitutes;
    let plan = caches::plan_asked(context, &opened.flake, store, graph, wanted, pull)?;
    let missing: Vec<_> = plan
        .missing()
        .filter_map(|id| Some((graph.get(id)?, plan.work(graph, id)?)))
        .collect();
    if context.json {
        let names = |cached: bool| -> Vec<&str> {
            let of = |(_, work): &&(_, Work)| (*work == Work::Substitute) == cached;
            let of = missing.iter().filter(of);
            of.map(|(drv, _)| drv.name.as_str()).collect()
        };
        let value = json!({
            "version": 1,
            "derivations": plan.order.len(),
            "missing": names(false),
            "cached": names(true),
        });
        print(&value.to_string());
        return Ok(());
    }
    for (drv, work) in &missing {
        let verb = super::graph::word(*work);
        print(&format!("{verb:5} {}", drv.name));
    }
    if !context.quiet {
        eprintln!(
            "{} of {} derivations are missing",
            missing.len(),
            plan.order.len()
        );
    }
    Ok(())
}

fn report(context: &Context, opened: &Opened, path: &Path, realisation: &Realisation) {
    if context.json {
        let outputs: serde_json::Map<String, serde_json::Value> = realisation
            .outputs
            .iter()
            .map(|(name, tree)| (name.to_string(), json!(tree.to_string())))
            .collect();
        let mut value = json!({
            "version": 1,
            "path": path,
            "action": realisation.action.to_string(),
            "outputs": outputs,
        });
        match &opened.subject {
            Subject::Profile(profile) => value["profile"] = json!(profile.name),
            Subject::Attribute(attribute) => value["attribute"] = json!(attribute),
        }
        print(&value.to_string());
    } else {
        print(&path.display().to_string());
    }
}
