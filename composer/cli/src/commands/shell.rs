//! `shell`: a build's own sandbox with a person in it, before the build or after it failed.
//!
//! Invariant: nothing that is done there enters the store or changes an input.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use xsc_build::{ShellError, as_shell, kept};
use xsc_sandbox::{CancelToken, Outcome, SandboxSpec};
use xsc_store::Store;

use super::show::find;
use super::workshop::{Workshop, with_engine};
use super::{Cancel, Origin, open_subject, realise, sandbox};
use crate::args::Shell;
use crate::context::{Context, Repository};
use crate::error::{CommandError, chain, exit, store_error};

/// The functions of the recipes' phases, for who types; a file of the repository.
const PHASES: &str = "pkgs/build-support/shell.sh";

/// The folder of the shell's own files in its scratch directory.
const FILES: &str = "shell";

pub(crate) fn run(context: &Context, args: &Shell, cancel: &Cancel) -> Result<(), CommandError> {
    match args.failed {
        true => failed(context, args, cancel),
        false => fresh(context, args, cancel),
    }
}

/// A build that has not begun.
fn fresh(context: &Context, args: &Shell, cancel: &Cancel) -> Result<(), CommandError> {
    let subject = args.subject.as_deref().unwrap_or(Path::new(""));
    let mut opened = open_subject(context, subject)?;
    let (graph, id) = match &args.which {
        Some(which) => find(&mut opened, which)?,
        None => {
            let id = opened.derivation(None)?;
            (opened.recipes.graph(), id)
        }
    };
    let drv = graph.get(&id).expect("what was found is in its graph");
    let name = drv.name.as_str();
    let store = context.store()?;
    let _session = store.session().map_err(|e| store_error(&e))?;
    // What the inputs take is no build that somebody asked for.
    let origin = Origin {
        subject: None,
        ..opened.origin(context, None)
    };
    let inputs: Vec<_> = xsc_model::dependencies(drv).collect();
    let known = realise(
        context,
        &origin,
        &store,
        &graph,
        &inputs,
        &args.flags,
        cancel,
    )?;
    let action = xsc_build::resolve(drv, &known).expect("every input is realised");
    let scratch = store.scratch(name).map_err(|e| store_error(&e))?;
    let workshop = Workshop {
        context,
        origin: &origin,
        store: &store,
        flags: &args.flags,
        // It only stages.
        cgroups: None,
        observer: &Silent,
        cancel,
    };
    let staged = with_engine(&workshop, |engine| {
        engine.stage(drv, &action, scratch.path()).map_err(Box::new)
    });
    let spec = staged
        .map_err(|error| CommandError::other(format!("{name}: {}", chain(&*error))))?
        .ok_or_else(|| {
            CommandError::usage(format!(
                "{name} is made by the composer itself, not by a command"
            ))
            .hint("name a derivation that a script builds; `xsc-compose show` lists them all")
        })?;
    tell(context, name, "what is changed is lost at the end");
    let repository = Some(opened.repository.root.as_path());
    talk(spec, scratch.path(), name, repository, cancel)
}

/// A build as it stood when it failed.
fn failed(context: &Context, args: &Shell, cancel: &Cancel) -> Result<(), CommandError> {
    let store = context.store()?;
    let _session = store.session().map_err(|e| store_error(&e))?;
    let wanted = args.subject.as_deref().map(Path::to_string_lossy);
    let dir = find_kept(&store, wanted.as_deref())?;
    let spec = kept(&dir).map_err(|error| shell_error(&error))?;
    let file = dir
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let name = file.strip_prefix("build-").unwrap_or(&file);
    tell(
        context,
        name,
        &format!("what is changed stays in {}", dir.display()),
    );
    let repository = Repository::find(Path::new(".")).ok();
    talk(
        spec,
        &dir,
        name,
        repository.as_ref().map(|r| r.root.as_path()),
        cancel,
    )
}

fn tell(context: &Context, name: &str, end: &str) {
    if !context.quiet && std::io::stdin().is_terminal() {
        crate::ui::say(&format!(
            "the sandbox of {name}; `build_script` runs the build, `exit` ends; {end}"
        ));
    }
}

/// The newest kept build, or the newest one of that name.
fn find_kept(store: &Store, wanted: Option<&str>) -> Result<PathBuf, CommandError> {
    let folder = store.dir().join("kept");
    let entries = std::fs::read_dir(&folder).map_err(|error| {
        CommandError::other(format!("cannot list {}: {error}", folder.display()))
    })?;
    let mut found: Vec<(SystemTime, String, PathBuf)> = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(name) = name.strip_prefix("build-") else {
            continue;
        };
        // The time of the record: the directory's own changes with what is done in it.
        let record = entry.path().join("sandbox.json").metadata();
        let time = record
            .and_then(|meta| meta.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH);
        found.push((time, name.to_owned(), entry.path()));
    }
    found.sort();
    let is_wanted = |name: &str, wanted: &str| {
        let more = name.strip_prefix(wanted);
        more.is_some_and(|more| {
            let number = more.strip_prefix('-').unwrap_or("x");
            more.is_empty() || number.bytes().all(|b| b.is_ascii_digit())
        })
    };
    let last = found
        .iter()
        .rev()
        .find(|(_, name, _)| wanted.is_none_or(|wanted| is_wanted(name, wanted)));
    if let Some((_, _, path)) = last {
        return Ok(path.clone());
    }
    let error = match wanted {
        Some(wanted) => CommandError::usage(format!("no failed build of `{wanted}` is kept")),
        None => CommandError::usage("no failed build is kept"),
    };
    let names: Vec<&str> = found.iter().map(|(_, name, _)| name.as_str()).collect();
    Err(match names.is_empty() {
        true => error.hint("`build -K` keeps a build that fails"),
        false => error.hint(format!("kept are: {}", names.join(", "))),
    })
}

/// Runs the shell until it ends. One that is fed by a script passes its status on.
fn talk(
    spec: SandboxSpec,
    dir: &Path,
    name: &str,
    repository: Option<&Path>,
    cancel: &Cancel,
) -> Result<(), CommandError> {
    let files = dir.join(FILES);
    std::fs::create_dir_all(&files).map_err(|error| {
        CommandError::other(format!("cannot create {}: {error}", files.display()))
    })?;
    let phases = repository
        .map(|root| root.join(PHASES))
        .filter(|file| file.is_file());
    let phases = match phases {
        Some(file) => std::fs::read_to_string(&file).map_err(|error| {
            CommandError::other(format!("cannot read {}: {error}", file.display()))
        })?,
        None => String::new(),
    };
    let (input, output) = (std::io::stdin(), std::io::stdout());
    let person = input.is_terminal() && output.is_terminal();
    let mut spec =
        as_shell(spec, &files, name, &phases, person).map_err(|error| shell_error(&error))?;
    if let Ok(terminal) = std::env::var("TERM") {
        spec.env.entry("TERM".to_owned()).or_insert(terminal);
    }
    let cancel = CancelToken::from(Arc::clone(cancel));
    let report = sandbox(None)
        .attach(&spec, input.as_fd(), output.as_fd(), &cancel)
        .map_err(|error| CommandError::from_error(&error))?;
    match report.outcome {
        Outcome::Cancelled => Err(CommandError::new(exit::INTERRUPTED, "interrupted")),
        Outcome::Exited(0) => Ok(()),
        _ if person => Ok(()),
        Outcome::Exited(status) => {
            let text = format!("the shell ended with status {status}");
            Err(CommandError::new(
                u8::try_from(status).unwrap_or(exit::OTHER),
                text,
            ))
        }
        other => Err(CommandError::other(format!("the shell ended: {other:?}"))),
    }
}

fn shell_error(error: &ShellError) -> CommandError {
    let said = CommandError::from_error(error);
    match error {
        ShellError::Record { .. } => {
            said.hint("only builds that `build -K` kept can be entered again")
        }
        ShellError::Collected { .. } => {
            said.hint("build again with -K: `gc` has removed the input")
        }
        ShellError::NoShell | ShellError::Prepare { .. } => said,
    }
}

/// Nothing runs that would have something to say.
struct Silent;

impl xsc_build::Observer for Silent {
    fn event(&self, _event: &xsc_build::Event<'_>) {}
}
