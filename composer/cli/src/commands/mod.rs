//! One file a verb; this one dispatches and holds what several verbs share.
//!
//! Called by `main`. Invariant: a verb returns its failure; only `main` prints it.

mod attest;
mod audit;
mod build;
mod diff;
mod eval;
mod expression;
mod gc;
mod graph;
mod history;
mod image;
mod journey;
mod keygen;
mod lock;
mod log;
mod machine;
mod manual;
mod matrix;
mod options;
mod plan;
mod pull;
mod push;
mod remote;
mod repl;
mod run;
mod shell;
mod show;
mod sign;
mod store;
mod test;
mod verify;
mod why_depends;
mod workshop;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use xsc_build::{BuildOutcome, Engine, Options, RealiseError, Scratches, Substituter};
use xsc_eval::Feature;
use xsc_fetch::{DownloadOptions, Downloader, Mirrors, TransportOptions};
use xsc_instantiate::{Hooks, Language, Recipes};
use xsc_model::{Builder, Derivation, DrvId, Graph, OutputName, Realisation};
use xsc_profile::{FlakeLike, Lock, Profile};
use xsc_sandbox::{Cgroups, RunnerProgram, Sandbox};
use xsc_store::Store;

use crate::args::{About, BuildFlags, Cli, Verb};
use crate::context::{Context, Repository};
use crate::error::{CommandError, chain, instantiate_error};
use crate::ui::{Tally, Ui, UiOptions};

pub(crate) use graph::word;

/// Set by SIGINT and SIGTERM.
pub(crate) type Cancel = Arc<AtomicBool>;

/// Runs the verb that the user named.
pub(crate) fn dispatch(cli: &Cli, cancel: &Cancel) -> Result<(), CommandError> {
    if let Some(dir) = &cli.directory {
        std::env::set_current_dir(dir)
            .map_err(|e| CommandError::usage(format!("cannot use {}: {e}", dir.display())))?;
    }
    let context = Context::new(cli)?;
    match &cli.verb {
        Verb::Build(args) => build::run(&context, args, cancel),
        Verb::Run(args) => run::run(&context, args, cancel),
        Verb::Test(args) => test::run(&context, args, cancel),
        Verb::Lock(_) => lock::lock(&context, cancel),
        Verb::Update(args) => lock::update(&context, args, cancel),
        Verb::Eval(args) => eval::run(&context, args, cancel),
        Verb::Repl(args) => repl::run(&context, args, cancel),
        Verb::Options(args) => options::run(&context, args),
        Verb::Plan(args) => plan::run(&context, args),
        Verb::WhyDepends(args) => why_depends::run(&context, args),
        Verb::Graph(args) => graph::run(&context, args),
        Verb::History(args) => history::run(&context, args),
        Verb::Log(args) => log::run(&context, args),
        Verb::Show(args) => show::run(&context, args),
        Verb::Gc(args) => gc::run(&context, args, cancel),
        Verb::Store(args) => store::run(&context, &args.verb, cancel),
        Verb::Verify(args) => verify::run(&context, args, cancel),
        Verb::Diff(args) => diff::run(&context, args),
        Verb::Ls(args) => image::ls::run(&context, args),
        Verb::Cat(args) => image::cat::run(&context, args),
        Verb::Extract(args) => image::extract::run(&context, args),
        Verb::Whence(args) => image::whence::run(&context, args),
        Verb::Shell(args) => shell::run(&context, args, cancel),
        Verb::Audit(args) => audit::run(&context, args),
        Verb::Completion(args) => manual::completion(args),
        Verb::Manual(args) => manual::manual(args),
        Verb::Remote(args) => remote::run(&context, args),
        Verb::Keygen(args) => keygen::run(&context, args),
        Verb::Sign(args) => sign::run(&context, args),
        Verb::Push(args) => push::run(&context, args, cancel),
        Verb::Pull(args) => pull::run(&context, args, cancel),
        Verb::Runner { .. } => unreachable!("main takes the runner before anything else"),
    }
}

/// The attribute of images/default.nix that holds a profile's images.
pub(crate) const RESULT: &str = "result";

/// The recipes of a repository, loaded for a profile or, by `open_subject`, for none.
pub(crate) struct Opened {
    /// The profile's file or the attribute, as the user named it.
    pub(crate) path: PathBuf,
    pub(crate) repository: Repository,
    /// What the recipes were loaded for.
    pub(crate) subject: Subject,
    pub(crate) flake: FlakeLike,
    pub(crate) recipes: Recipes,
}

/// What the user named.
pub(crate) enum Subject {
    /// A profile: its images are meant.
    Profile(Box<Profile>),
    /// An attribute of the recipes that no profile has a say in, such as `toolchain.x86_64-base`.
    Attribute(String),
}

/// What building derivations needs to know of where they come from.
pub(crate) struct Origin<'a> {
    pub(crate) flake: &'a FlakeLike,
    /// The folder that sources are read from.
    pub(crate) root: &'a Path,
    /// The command that shows the log of a derivation named after it, where there is one.
    pub(crate) log: Option<String>,
    /// What the build is remembered as; none for one that is not.
    pub(crate) subject: Option<String>,
}

impl Opened {
    /// The profile of what `open` gave.
    pub(crate) fn profile(&self) -> &Profile {
        match &self.subject {
            Subject::Profile(profile) => profile,
            Subject::Attribute(_) => unreachable!("`open` loads recipes for a profile"),
        }
    }

    /// The attribute that is meant where the user names none.
    pub(crate) fn attribute(&self) -> &str {
        match &self.subject {
            Subject::Profile(_) => RESULT,
            Subject::Attribute(path) => path,
        }
    }

    /// The derivation at an attribute path; at the one that is meant, where the user names none.
    pub(crate) fn derivation(&mut self, named: Option<&str>) -> Result<DrvId, CommandError> {
        Ok(self.output(named)?.0)
    }

    /// The same, with which of its outputs is meant.
    pub(crate) fn output(
        &mut self,
        named: Option<&str>,
    ) -> Result<(DrvId, OutputName), CommandError> {
        let attribute = named.unwrap_or(self.attribute()).to_owned();
        self.recipes
            .output(&attribute)
            .map_err(|e| instantiate_error(&e))
    }

    /// The same, and each element where the attribute is a list.
    pub(crate) fn outputs(
        &mut self,
        named: Option<&str>,
    ) -> Result<Vec<(DrvId, OutputName)>, CommandError> {
        let attribute = named.unwrap_or(self.attribute()).to_owned();
        self.recipes
            .outputs(&attribute)
            .map_err(|e| instantiate_error(&e))
    }

    /// -A with a subject that is an attribute itself cannot be meant.
    pub(crate) fn refuse_attribute(&self, named: Option<&str>) -> Result<(), CommandError> {
        match (&self.subject, named) {
            (Subject::Attribute(path), Some(_)) => Err(CommandError::usage(format!(
                "-A chooses from a profile's recipes, and `{path}` is no profile"
            ))
            .hint("name the attribute alone, or a profile before -A")),
            _ => Ok(()),
        }
    }

    /// What the recipes were loaded for, as messages say it.
    pub(crate) fn described(&self) -> String {
        match &self.subject {
            Subject::Profile(profile) => format!("profile {}", profile.name),
            Subject::Attribute(path) => format!("`{path}`"),
        }
    }

    /// `named` is the attribute that the user names, if any.
    pub(crate) fn origin(&self, context: &Context, named: Option<&str>) -> Origin<'_> {
        let words = &context.store_words;
        Origin {
            flake: &self.flake,
            root: &self.repository.root,
            log: Some(format!("xsc-compose{words} log {}", self.path.display())),
            subject: Some(self.subject_words(named)),
        }
    }

    /// What a build of it is remembered as.
    pub(crate) fn subject_words(&self, named: Option<&str>) -> String {
        match &self.subject {
            Subject::Profile(_) => subject_words(&self.repository, &self.path, named),
            Subject::Attribute(path) => path.clone(),
        }
    }
}

/// How evaluation speaks to people; `cancel` ends it.
pub(crate) fn hooks(context: &Context, cancel: Option<&Cancel>, features: &[Feature]) -> Hooks {
    Hooks {
        trace: Box::new(|message| match message.strip_prefix("warning: ") {
            Some(_) => crate::ui::say(message),
            None => crate::ui::say(&format!("trace: {message}")),
        }),
        interrupt: cancel.cloned(),
        features: features.to_vec(),
        detail: context.detail,
    }
}

/// Reads a profile, checks the lock against flake-like.toml and loads the recipes.
pub(crate) fn open(context: &Context, path: &Path) -> Result<Opened, CommandError> {
    open_with(path, hooks(context, None, &[]))
}

/// The same with other hooks.
pub(crate) fn open_with(path: &Path, hooks: Hooks) -> Result<Opened, CommandError> {
    let (repository, profile) = read_profile(path)?;
    let (flake, lock) = read_lock(&repository)?;
    let recipes = Language::open(&repository.root, xsc_build::source_tree_id, hooks)
        .and_then(|language| Recipes::load_in(language, &profile, &lock))
        .map_err(|e| instantiate_error(&e))?;
    Ok(Opened {
        path: path.to_owned(),
        repository,
        subject: Subject::Profile(Box::new(profile)),
        flake,
        recipes,
    })
}

/// Opens what `word` names: a profile, or an attribute that needs none.
pub(crate) fn open_subject(context: &Context, word: &Path) -> Result<Opened, CommandError> {
    let Some(path) = word.to_str().filter(|text| is_attribute(text)) else {
        return open(context, word);
    };
    let repository = Repository::find(Path::new("."))?;
    let (flake, lock) = read_lock(&repository)?;
    let hooks = hooks(context, None, &[]);
    let recipes = Language::open(&repository.root, xsc_build::source_tree_id, hooks)
        .and_then(|language| Recipes::load_without_profile(language, &lock))
        .map_err(|e| instantiate_error(&e))?;
    Ok(Opened {
        path: word.to_owned(),
        repository,
        subject: Subject::Attribute(path.to_owned()),
        flake,
        recipes,
    })
}

/// Opens what a verb that explains is about, with the derivation that is meant.
pub(crate) fn open_about(
    context: &Context,
    about: &About,
) -> Result<(Opened, DrvId), CommandError> {
    let mut opened = open_subject(context, &about.profile)?;
    opened.refuse_attribute(about.attr.as_deref())?;
    let drv = opened.derivation(about.attr.as_deref())?;
    Ok((opened, drv))
}

/// What a build of `word` is remembered as, without its recipes.
pub(crate) fn subject_of(
    word: &Path,
    named: Option<&str>,
) -> Result<(Repository, String), CommandError> {
    if let Some(text) = word.to_str().filter(|text| is_attribute(text)) {
        return Ok((Repository::find(Path::new("."))?, text.to_owned()));
    }
    let (repository, _) = read_profile(word)?;
    let words = subject_words(&repository, word, named);
    Ok((repository, words))
}

/// A profile by its path in the repository, and the attribute that is meant of it.
fn subject_words(repository: &Repository, path: &Path, named: Option<&str>) -> String {
    let path = absolute(path);
    let shown = repository.shown(&path);
    match named.filter(|named| *named != RESULT) {
        Some(named) => format!("{shown} -A {named}"),
        None => shown.to_string(),
    }
}

/// Whether a word is an attribute path rather than a profile's file.
fn is_attribute(word: &str) -> bool {
    !word.contains('/') && !word.ends_with(".toml") && !Path::new(word).exists()
}

/// Reads a profile, and finds the repository it is in.
pub(crate) fn read_profile(path: &Path) -> Result<(Repository, Profile), CommandError> {
    let text = read(path).map_err(|error| {
        if path.exists() {
            error
        } else {
            missing_profile(path)
        }
    })?;
    let start = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let repository = Repository::find(start)?;
    let shown = absolute(path);
    let profile = Profile::parse(&repository.shown(&shown).to_string(), &text)
        .map_err(|e| CommandError::usage(e.to_string()))?;
    Ok((repository, profile))
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn missing_profile(path: &Path) -> CommandError {
    let error = CommandError::usage(format!("there is no profile {}", path.display()));
    let dir = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut known: Vec<String> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    known.sort();
    let wanted = path
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default();
    match xsc_profile::closest(wanted, known.iter().map(String::as_str)) {
        Some(close) => error.hint(format!("did you mean {}?", dir.join(close).display())),
        None if known.is_empty() => error,
        None => error.hint(format!("{} has: {}", dir.display(), known.join(", "))),
    }
}

fn read(path: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(path)
        .map_err(|e| CommandError::usage(format!("cannot read {}: {e}", path.display())))
}

/// Reads flake-like.toml.
pub(crate) fn read_flake(repository: &Repository) -> Result<FlakeLike, CommandError> {
    let path = repository.flake_path();
    FlakeLike::parse(&repository.shown(&path).to_string(), &read(&path)?)
        .map_err(|e| CommandError::usage(e.to_string()))
}

fn read_lock(repository: &Repository) -> Result<(FlakeLike, Lock), CommandError> {
    let flake = read_flake(repository)?;
    let path = repository.lock_path();
    if !path.exists() {
        return Err(CommandError::usage("there is no flake-like.lock")
            .hint("`xsc-compose lock` resolves the inputs and writes it"));
    }
    let lock = Lock::parse(&repository.shown(&path).to_string(), &read(&path)?)
        .map_err(|e| CommandError::usage(e.to_string()))?;
    let stale = lock.check(&flake);
    if stale.is_empty() {
        return Ok((flake, lock));
    }
    let lines: Vec<String> = stale.iter().map(ToString::to_string).collect();
    Err(CommandError::usage(lines.join("\nerror: ")))
}

/// Addresses of mirrors: the user's, then the host's apt sources.
pub(crate) fn mirrors(context: &Context, flake: &FlakeLike) -> Mirrors {
    let apt = xsc_fetch::read_apt_sources(Path::new("/etc/apt"));
    Mirrors::new(
        &flake.mirrors,
        &context.mirrors,
        |name| std::env::var(name).ok(),
        &apt,
    )
}

/// Fetches with those mirrors.
pub(crate) fn downloader(context: &Context, flake: &FlakeLike) -> Result<Downloader, CommandError> {
    let transport = TransportOptions {
        proxy: context.proxy.clone(),
        ..TransportOptions::default()
    };
    let options = DownloadOptions {
        transport,
        ..DownloadOptions::default()
    };
    Downloader::new(mirrors(context, flake), options).map_err(|e| CommandError::other(chain(&e)))
}

/// Realises `wanted`, shows what happens, and says at the end what was done. The caller holds a
/// session of the store.
pub(crate) fn realise(
    context: &Context,
    origin: &Origin<'_>,
    store: &Store,
    graph: &Graph,
    wanted: &[DrvId],
    flags: &BuildFlags,
    cancel: &Cancel,
) -> Result<BTreeMap<DrvId, Realisation>, CommandError> {
    let plan = crate::caches::plan_here(context, origin.flake, store, graph, wanted)?;
    if wanted.is_empty() {
        return Ok(plan.known);
    }
    let remember = |took, began, outcome, tally, failed| {
        let Some(subject) = &origin.subject else {
            return;
        };
        let build = history::Ended {
            repository: origin.root,
            subject,
            began,
            took,
            outcome,
            tally,
            failed,
        };
        if let Err(error) = history::record(store, graph, &plan.order, wanted, build) {
            crate::ui::say(&format!(
                "warning: this build is not recorded: {}",
                chain(&error)
            ));
        }
    };
    let began = SystemTime::now();
    if plan.missing().next().is_none() {
        used(store, &plan.known);
        let subject = origin.subject.as_deref();
        if !subject.is_some_and(|subject| history::is_recorded(store, origin.root, subject, wanted))
        {
            remember(
                Duration::ZERO,
                began,
                BuildOutcome::Built,
                Tally::default(),
                Vec::new(),
            );
        }
        return Ok(plan.known);
    }
    let options = UiOptions {
        quiet: context.quiet,
        print_logs: flags.print_build_logs,
        format: context.log_format,
        descriptor: context.log_fd,
    };
    let ui = Ui::new(options, cancel)?;
    let downloader = if flags.offline {
        None
    } else {
        Some(downloader(context, origin.flake)?)
    };
    let endpoints = match flags.offline {
        true => Vec::new(),
        false => crate::engines::endpoints(context, Some(origin.flake))?,
    };
    let executor = crate::engines::executor(context, &endpoints, store)?;
    if flags.require_remote && executor.is_none() {
        return Err(
            CommandError::usage("--require-remote, and no endpoint has `execute = true`")
                .hint("set it in a table [remote.NAME] of config.toml or flake-like.toml"),
        );
    }
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    let sandbox = sandbox(context.runner_dir.as_deref());
    let missing = plan.missing().filter_map(|id| graph.get(id));
    let cgroups = cgroups(context, missing.map(|drv| &**drv), flags);
    let _session = store
        .session()
        .map_err(|error| crate::error::store_error(&error))?;
    let endpoints = crate::caches::Use {
        pull: !flags.offline && !flags.no_substitutes,
        push: !flags.offline,
    };
    let caches = crate::caches::open(context, origin.flake, store, endpoints)?;
    let shared = caches.as_ref().map(crate::caches::Shared::new);
    let engine = Engine {
        store,
        sandbox: &sandbox,
        scratches: Scratches::default(),
        cgroups: cgroups.as_ref(),
        downloader: downloader.as_ref(),
        substituter: shared.as_ref().map(|shared| shared as &dyn Substituter),
        repository: origin.root,
        options: Options {
            max_jobs: flags.max_jobs.map_or(processors, usize::from),
            cores: flags.cores.map_or(processors, usize::from),
            max_memory: flags
                .max_memory
                .or_else(machine_memory)
                .map(|bytes| bytes >> 20),
            keep_going: flags.keep_going,
            keep_failed: flags.keep_failed,
            timeout: flags.timeout,
            max_silent: flags.max_silent_time,
            require_remote: flags.require_remote,
        },
        executor: executor
            .as_ref()
            .map(|engine| engine as &dyn xsc_build::Executor),
        observer: &ui,
        cancel,
    };
    let begin = std::time::Instant::now();
    let work = || ui.during(|| engine.realise(graph, wanted));
    let result = match &shared {
        Some(shared) => shared.pushing(cancel, work),
        None => work(),
    };
    let tally = ui.finish();
    let cached = match tally.substituted {
        0 => String::new(),
        number => format!("{number} from caches, "),
    };
    ui.line(&format!(
        "{} built, {cached}{} fetched ({}), {} unchanged, in {}",
        tally.built,
        tally.fetched,
        indicatif::HumanBytes(tally.bytes),
        tally.cutoffs.len(),
        crate::ui::human(begin.elapsed())
    ));
    report_warnings(store, &ui);
    let (outcome, failed) = match &result {
        Ok(_) => (BuildOutcome::Built, Vec::new()),
        Err(RealiseError::Interrupted) => (BuildOutcome::Interrupted, Vec::new()),
        Err(RealiseError::Failed { failures, .. }) => (
            BuildOutcome::Failed,
            failures
                .iter()
                .map(|failure| failure.name.clone())
                .collect(),
        ),
        Err(RealiseError::Store(_)) => (BuildOutcome::Failed, Vec::new()),
    };
    remember(begin.elapsed(), began, outcome, tally, failed);
    if let Ok(known) = &result {
        used(store, known);
        let drvs = known.iter().filter_map(|(id, r)| Some((r, graph.get(id)?)));
        store.name_actions(drvs.map(|(realisation, drv)| (realisation.action, &drv.name)));
    }
    let flushed = store.flush();
    let known = result.map_err(|error| {
        let logs = crate::error::Logs {
            store,
            lines: flags.log_lines.unwrap_or_else(|| ui.log_lines()),
            command: origin.log.as_deref(),
        };
        crate::error::realise_error(error, &logs)
    })?;
    flushed.map_err(|error| crate::error::store_error(&error.into()))?;
    Ok(known)
}

/// Where builds of these get cgroups, if any of them has limits; whoever asked is told why there are none.
fn cgroups<'a>(
    context: &Context,
    mut drvs: impl Iterator<Item = &'a Derivation>,
    flags: &BuildFlags,
) -> Option<Cgroups> {
    let limited = |drv: &Derivation| match &drv.builder {
        Builder::Exec(exec) => exec.resources.memory > 0 || flags.cores.is_some(),
        _ => false,
    };
    if !drvs.any(limited) {
        return None;
    }
    let found = match &context.cgroup {
        Some(dir) => Cgroups::given(dir),
        None => Cgroups::find(Path::new("/proc/self")),
    };
    match found {
        Ok(cgroups) => {
            if context.verbose {
                crate::ui::say(&format!("cgroups of builds are in {cgroups}"));
            }
            Some(cgroups)
        }
        Err(error) => {
            // Most machines have none to give, and a build is none the worse for it.
            if context.verbose || context.cgroup.is_some() {
                let problem = chain(&error);
                crate::ui::say(&format!("warning: builds run without cgroups: {problem}"));
            }
            None
        }
    }
}

/// The machine's memory in bytes, where it says so.
fn machine_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1024)
}

/// Notes the use of realisations, by which `gc` chooses what goes first.
fn used(store: &Store, known: &BTreeMap<DrvId, Realisation>) {
    let actions = known.values().map(|realisation| realisation.action);
    store.mark_used(actions, std::time::SystemTime::now());
}

/// Tells what the store found damaged and got over.
fn report_warnings(store: &Store, ui: &Ui) {
    for warning in store.take_warnings() {
        ui.line(&format!("warning: {}", crate::error::warning(&warning)));
    }
}

/// What runs commands: the small runner beside this program where it is there, else this program itself. The latter by
/// the link in /proc rather than by path: the file may have been replaced since this process started, as it is when
/// somebody rebuilds the composer.
fn sandbox(runner_dir: Option<&Path>) -> Sandbox {
    let own = RunnerProgram::Exe("/proc/self/exe".into(), vec!["__runner".into()]);
    match (runner_dir, xsc_model::System::host()) {
        (Some(dir), Some(system)) => {
            Sandbox::new(own).preferring(dir.join(crate::engines::runner_file(system)))
        }
        _ => Sandbox::new(own),
    }
}

/// Prints a line to standard output; a closed pipe is no error.
pub(crate) fn print(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
