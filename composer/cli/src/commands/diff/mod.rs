//! `diff`: what differs between two results, by format, and the likely cause.
//!
//! Nothing is built: what a profile or an attribute stands for must be. Exit code 104 where something differs.
//! Invariant: both sides stay as they are.

mod images;
mod manifests;
pub(crate) mod sides;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use xsc_diff::{Difference, Facts, Side};
use xsc_model::TreeId;
use xsc_store::Store;

use self::sides::{OnDisk, Stored};
use super::{open_subject, print};
use crate::args::Diff;
use crate::context::Context;
use crate::error::{CommandError, exit, store_error};

pub(crate) fn run(context: &Context, args: &Diff) -> Result<(), CommandError> {
    let store = context.store()?;
    let _session = store.session().map_err(|e| store_error(&e))?;
    if args.manifest {
        let one = manifests::load(context, &store, &args.first)?;
        let other = manifests::load(context, &store, &args.second)?;
        return report(context, &manifests::compare(&one, &other));
    }
    if args.files || is_part(&args.first) || is_part(&args.second) {
        let word = |path: &Path| path.to_string_lossy().into_owned();
        let one = super::image::open(&word(&args.first))?;
        let other = super::image::open(&word(&args.second))?;
        return report(context, &images::compare(&*one, &*other)?);
    }
    let one = find(context, &store, &args.first, args.attr.as_deref())?;
    let other = find(context, &store, &args.second, args.attr.as_deref())?;
    let found = compare(&store, &one, &other)?;
    if args.diffoscope && !found.is_empty() {
        diffoscope(&place(&store, &one)?, &place(&store, &other)?)?;
        return outcome(&found);
    }
    report(context, &found)
}

/// Whether a word names a part of an image.
fn is_part(word: &Path) -> bool {
    !word.exists() && word.to_string_lossy().contains('#')
}

fn report(context: &Context, found: &[Difference]) -> Result<(), CommandError> {
    if context.json {
        let differences: Vec<Value> = found.iter().map(as_json).collect();
        print(&json!({ "version": 1, "differences": differences }).to_string());
    } else {
        found
            .iter()
            .for_each(|difference| print(&as_text(difference)));
    }
    outcome(found)
}

fn outcome(found: &[Difference]) -> Result<(), CommandError> {
    match found.len() {
        0 => Ok(()),
        count => Err(CommandError::new(
            exit::NOT_REPRODUCIBLE,
            format!(
                "the results differ: {}",
                crate::ui::count(count, "difference")
            ),
        )),
    }
}

/// One of the two.
enum Place {
    Tree(TreeId),
    Disk(PathBuf),
}

/// What a word of the user stands for.
fn find(
    context: &Context,
    store: &Store,
    word: &Path,
    attr: Option<&str>,
) -> Result<Place, CommandError> {
    if let Some(tree) = word.to_str().and_then(|text| text.parse::<TreeId>().ok()) {
        return match store.has_tree(&tree) {
            true => Ok(Place::Tree(tree)),
            false => Err(CommandError::usage(format!("the store has no tree {tree}"))),
        };
    }
    let profile = word.extension().is_some_and(|e| e == "toml");
    if !profile && let Ok(path) = word.canonicalize() {
        let tree = path
            .strip_prefix(store.dir().join("trees"))
            .ok()
            .and_then(|inside| inside.to_str()?.parse::<TreeId>().ok())
            .filter(|tree| store.has_tree(tree));
        return Ok(tree.map_or(Place::Disk(path), Place::Tree));
    }
    let mut opened = open_subject(context, word)?;
    let named = attr.filter(|_| profile);
    let (drv, output) = opened.output(named)?;
    let graph = opened.recipes.graph();
    let plan = xsc_build::Plan::new(store, &graph, &[drv]).map_err(|e| store_error(&e))?;
    let tree = plan
        .known
        .get(&drv)
        .map(|realisation| realisation.outputs[&output]);
    let of = attr.map(|attr| format!(" -A {attr}")).unwrap_or_default();
    tree.map(Place::Tree).ok_or_else(|| {
        CommandError::usage(format!("{} is not built", opened.described())).hint(format!(
            "build it first: xsc-compose build {}{of} --no-link",
            word.display()
        ))
    })
}

fn compare(store: &Store, one: &Place, other: &Place) -> Result<Vec<Difference>, CommandError> {
    let side = |place: &Place| -> Box<dyn Side + '_> {
        match place {
            Place::Tree(tree) => Box::new(Stored::new(store, *tree)),
            Place::Disk(top) => Box::new(OnDisk { top: top.clone() }),
        }
    };
    xsc_diff::compare(&*side(one), &*side(other), &Facts::default())
        .map_err(|error| CommandError::from_error(&error))
}

fn place(store: &Store, place: &Place) -> Result<PathBuf, CommandError> {
    match place {
        Place::Tree(tree) => store.tree_path(tree).map_err(|e| store_error(&e)),
        Place::Disk(path) => Ok(path.clone()),
    }
}

/// Lets diffoscope show what differs between two directories or files.
pub(crate) fn diffoscope(one: &Path, other: &Path) -> Result<(), CommandError> {
    let status = std::process::Command::new("diffoscope")
        .args([one, other])
        .status();
    // It exits with 1 where it finds a difference, which we know.
    status.map(drop).map_err(|error| {
        CommandError::other(format!("cannot run diffoscope: {error}")).hint(
            "it is a program of its own; without --diffoscope the composer's own differ is used",
        )
    })
}

/// A difference as people read it.
pub(crate) fn as_text(difference: &Difference) -> String {
    let Difference {
        place,
        what,
        first,
        second,
        cause,
    } = difference;
    let mut text = place.join(" › ");
    if !text.is_empty() {
        text.push_str(": ");
    }
    text.push_str(what);
    if let Some(cause) = cause {
        text.push_str(&format!(" ({cause})"));
    }
    for (sign, side) in [('-', first), ('+', second)] {
        if !side.is_empty() {
            text.push_str(&format!("\n  {sign} {side}"));
        }
    }
    text
}

/// The same for programs.
pub(crate) fn as_json(difference: &Difference) -> Value {
    json!({
        "place": difference.place,
        "what": difference.what,
        "first": difference.first,
        "second": difference.second,
        "cause": difference.cause.map(xsc_diff::Cause::as_str),
    })
}
