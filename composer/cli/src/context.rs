//! Where things are: the repository, the store, the configuration file, mirrors.
//!
//! The only file that reads the environment. Invariant: nothing read here can change what a
//! build produces, only where it is kept and where its sources come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use xsc_eval::Detail;
use xsc_profile::{EndpointTable, UserConfig};
use xsc_remote::reapi::Breaker;
use xsc_store::Store;

use crate::args::{Cli, LogFormat};
use crate::error::{CommandError, disk_error, warning};

/// The files that mark the top of a repository.
const FLAKE: &str = "flake-like.toml";
const LOCK: &str = "flake-like.lock";

/// What every verb starts from.
pub(crate) struct Context {
    store_dir: PathBuf,
    /// What the user has to add to another command so that it uses the same store: nothing, or
    /// ` --store DIR`.
    pub(crate) store_words: String,
    /// Base addresses of mirrors from the configuration file.
    pub(crate) mirrors: BTreeMap<String, Vec<String>>,
    /// Endpoints from the configuration file.
    pub(crate) remotes: BTreeMap<String, EndpointTable>,
    /// The file with the key that signs what is pushed.
    pub(crate) signing_key: Option<PathBuf>,
    /// The cgroup in which those of builds are made, from the configuration file.
    pub(crate) cgroup: Option<PathBuf>,
    /// The directory of the configuration file, which names in it are relative to.
    pub(crate) config_dir: PathBuf,
    /// Where the runners that travel with remote actions are: beside this program, or `XSC_RUNNER_DIR`.
    pub(crate) runner_dir: Option<PathBuf>,
    /// What this run knows of engines that do not answer, by address.
    breakers: Mutex<BTreeMap<String, Breaker>>,
    /// The proxy for fetches, from `https_proxy`, `http_proxy` or `all_proxy`.
    pub(crate) proxy: Option<String>,
    /// Where the inputs of `repl` are kept, from `XDG_STATE_HOME` or the home directory.
    pub(crate) history: Option<PathBuf>,
    pub(crate) json: bool,
    /// How much of a trace to show.
    pub(crate) detail: Detail,
    pub(crate) quiet: bool,
    /// Whether to say what a run does without.
    pub(crate) verbose: bool,
    /// How builds are shown.
    pub(crate) log_format: LogFormat,
    /// The descriptor for lines of JSON.
    pub(crate) log_fd: u32,
}

impl Context {
    pub(crate) fn new(cli: &Cli) -> Result<Self, CommandError> {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let config_dir = config_dir(home.as_deref());
        let config = read_config(config_dir.as_deref())?;
        let store_dir = cli
            .store
            .clone()
            .or_else(|| std::env::var_os("XSC_STORE").map(PathBuf::from))
            .or(config.store.map(PathBuf::from))
            .or_else(|| {
                std::env::var_os("XDG_CACHE_HOME")
                    .map(PathBuf::from)
                    .filter(|dir| dir.is_absolute())
                    .or_else(|| home.as_ref().map(|home| home.join(".cache")))
                    .map(|cache| cache.join("xsc-compose"))
            })
            .ok_or_else(|| {
                CommandError::usage("there is no home directory to keep the store in")
                    .hint("name one with --store DIR or XSC_STORE")
            })?;
        let mirrors = config
            .mirrors
            .into_iter()
            .map(|(name, base)| (name, vec![base]))
            .collect();
        let proxy = [
            "https_proxy",
            "HTTPS_PROXY",
            "http_proxy",
            "all_proxy",
            "ALL_PROXY",
        ]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
        let store_words = cli
            .store
            .as_ref()
            .map(|dir| format!(" --store {}", dir.display()))
            .unwrap_or_default();
        Ok(Context {
            store_dir,
            store_words,
            mirrors,
            remotes: config.remotes,
            signing_key: config
                .signing_key
                .and_then(|key| Some(config_dir.as_ref()?.join(key))),
            cgroup: config.cgroup.map(PathBuf::from),
            config_dir: config_dir.unwrap_or_default(),
            breakers: Mutex::default(),
            runner_dir: std::env::var_os("XSC_RUNNER_DIR")
                .map(PathBuf::from)
                .or_else(|| Some(std::env::current_exe().ok()?.parent()?.to_owned())),
            proxy,
            history: std::env::var_os("XDG_STATE_HOME")
                .map(PathBuf::from)
                .filter(|dir| dir.is_absolute())
                .or_else(|| home.map(|home| home.join(".local/state")))
                .map(|state| state.join("xsc-compose/repl-history")),
            json: cli.json,
            detail: match cli.show_trace {
                true => Detail::Full,
                false => Detail::Short,
            },
            quiet: cli.quiet,
            verbose: cli.verbose,
            log_format: cli.log_format,
            log_fd: cli.log_fd,
        })
    }

    /// What all clients of one engine share, so that one that is gone is waited for once.
    pub(crate) fn breaker(&self, url: &str) -> Breaker {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.entry(url.to_owned()).or_default().clone()
    }

    pub(crate) fn store(&self) -> Result<Store, CommandError> {
        let store = Store::open(&self.store_dir).map_err(|error| {
            let full = error.is_disk_full();
            disk_error(CommandError::from_error(&error), full)
        })?;
        for found in store.take_warnings() {
            crate::ui::say(&format!("warning: {}", warning(&found)));
        }
        Ok(store)
    }
}

fn config_dir(home: Option<&Path>) -> Option<PathBuf> {
    std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or_else(|| home.map(|home| home.join(".config")))
        .map(|base| base.join("xsc-compose"))
}

/// Reads `config.toml` of the user, `~/.config/xsc-compose/config.toml`.
fn read_config(dir: Option<&Path>) -> Result<UserConfig, CommandError> {
    let Some(path) = dir.map(|dir| dir.join("config.toml")) else {
        return Ok(UserConfig::default());
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => UserConfig::parse(&path.display().to_string(), &text).map_err(|error| {
            CommandError::usage(error.to_string())
                .hint("the keys are `store`, `signing-key`, `cgroup` and the tables `[mirrors]` and `[remote.NAME]`")
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(UserConfig::default()),
        Err(error) => Err(CommandError::other(format!(
            "cannot read {}: {error}",
            path.display()
        ))),
    }
}

/// The repository that `start` is in: the nearest directory upwards with a flake-like.toml.
pub(crate) struct Repository {
    pub(crate) root: PathBuf,
}

impl Repository {
    pub(crate) fn find(start: &Path) -> Result<Self, CommandError> {
        let start = start
            .canonicalize()
            .map_err(|e| CommandError::usage(format!("cannot use {}: {e}", start.display())))?;
        match start.ancestors().find(|dir| dir.join(FLAKE).is_file()) {
            Some(root) => Ok(Repository { root: root.to_owned() }),
            None => Err(CommandError::usage(format!(
                "no {FLAKE} in {} or any directory above it",
                start.display()
            ))
            .hint("a profile belongs to a repository with recipes; run this inside one, or with -C DIR")),
        }
    }

    pub(crate) fn flake_path(&self) -> PathBuf {
        self.root.join(FLAKE)
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.root.join(LOCK)
    }

    /// `path` as messages should say it: relative to the repository where it is in it.
    pub(crate) fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}
