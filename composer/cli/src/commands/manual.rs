//! `completion` and `manual`: what a shell and `man` need to know of the command line, made from its own description.
//!
//! `just install` calls both. Invariant: they read nothing but the program itself, so the same program gives the same
//! bytes anywhere.

use std::path::Path;

use clap::CommandFactory;

use crate::args::{Cli, Completion, Manual};
use crate::error::CommandError;

/// Prints the completions for a shell.
pub(crate) fn completion(args: &Completion) -> Result<(), CommandError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "xsc-compose", &mut text);
    super::print(String::from_utf8_lossy(&text).trim_end());
    Ok(())
}

/// Writes a page for the program and one for each verb.
pub(crate) fn manual(args: &Manual) -> Result<(), CommandError> {
    let mut command = Cli::command();
    // Adds `help`, and to each verb what all of them take.
    command.build();
    page(&command, "xsc-compose", &args.dir)?;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        if verb.get_name() != "help" {
            page(verb, &format!("xsc-compose-{}", verb.get_name()), &args.dir)?;
        }
    }
    Ok(())
}

fn page(command: &clap::Command, name: &str, dir: &Path) -> Result<(), CommandError> {
    let path = dir.join(format!("{name}.1"));
    let failed = |error| CommandError::other(format!("cannot write {}: {error}", path.display()));
    let mut text = Vec::new();
    // The date of a page would be the day of its making.
    clap_mangen::Man::new(command.clone())
        .title(name.to_owned())
        .source(format!("xsc-compose {}", env!("CARGO_PKG_VERSION")))
        .date("")
        .render(&mut text)
        .map_err(failed)?;
    std::fs::write(&path, text).map_err(failed)
}
