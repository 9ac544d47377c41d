//! `:b`: builds a derivation of the session, as the verb `build` does, and prints where its outputs are.
//!
//! Invariant: no root is made, so a collection of garbage may take the outputs again.

use xsc_eval::Value;
use xsc_profile::FlakeLike;

use crate::args::BuildFlags;
use crate::commands::expression::World;
use crate::commands::{Cancel, Origin, print, read_flake, realise};
use crate::context::{Context, Repository};
use crate::error::{CommandError, eval_error, store_error};

pub(super) fn run(
    context: &Context,
    world: &World,
    value: &Value,
    cancel: &Cancel,
) -> Result<(), CommandError> {
    let language = world.language();
    let (drv, _) = language
        .output(value)
        .map_err(|e| eval_error(language, &e))?
        .ok_or_else(|| {
            CommandError::usage(format!("this is {}, not a derivation", value.described()))
        })?;
    let graph = language.graph();
    let store = context.store()?;
    let _session = store.session().map_err(|e| store_error(&e))?;
    let place = world.place();
    let flake = flake(world)?;
    let origin = Origin {
        flake: &flake,
        root: &place.root,
        log: match world {
            World::Profile(opened) => opened.origin(context, None).log,
            World::Plain(..) => None,
        },
        subject: None,
    };
    let flags = BuildFlags::default();
    let known = realise(context, &origin, &store, &graph, &[drv], &flags, cancel)?;
    for (name, tree) in &known[&drv].outputs {
        let path = store.tree_path(tree).map_err(|e| store_error(&e))?;
        print(&format!("{name} {}", path.display()));
    }
    Ok(())
}

/// What names the mirrors; a folder that is no repository has none.
fn flake(world: &World) -> Result<FlakeLike, CommandError> {
    let root = world.place().root;
    match Repository::find(&root) {
        Ok(repository) => read_flake(&repository),
        Err(_) => FlakeLike::parse("no flake-like.toml", "[inputs]\n")
            .map_err(|e| CommandError::other(e.to_string())),
    }
}
