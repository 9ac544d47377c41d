//! The caches of a run: endpoints of the configuration as the engine's substituter.
//!
//! Verbs that build, push and pull use it. Invariant: without endpoints and trusted keys there is
//! no substituter, and nothing behaves otherwise than it would without this file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{SystemTime, UNIX_EPOCH};

use indicatif::HumanBytes;
use xsc_build::{Caches, Plan, SubstituteError, Substituter};
use xsc_model::{Action, ActionId, DrvId, Graph, Realisation};
use xsc_profile::{Endpoint, FlakeLike, TrustTable};
use xsc_remote::{
    Believed, Cache, CacheSet, FetchError, HttpOptions, Pushed, SecretKey, Signer, StaticCache,
    Trust,
};
use xsc_store::Store;

use crate::commands::Cancel;
use crate::context::Context;
use crate::engines;
use crate::error::{CommandError, chain, store_error};
use crate::ui::{count, say};

/// What a run does with its endpoints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    /// Take results.
    pub(crate) pull: bool,
    /// Give what is built, where the endpoint's table says so.
    pub(crate) push: bool,
}

/// What the user names as an endpoint: a name of the configuration, or an address.
pub(crate) fn named(
    context: &Context,
    flake: &FlakeLike,
    word: &str,
) -> Result<Endpoint, CommandError> {
    let known = engines::endpoints(context, Some(flake))?;
    let hint = "name a directory as file:///DIR, or a server as https://…";
    engines::named(&known, word, hint)
}

/// Whom the repository trusts.
pub(crate) fn trust(flake: &FlakeLike) -> Result<Trust, CommandError> {
    let TrustTable {
        keys, threshold, ..
    } = &flake.trust;
    if keys.is_empty() {
        return Ok(Trust::nobody());
    }
    for key in keys {
        // One by one, for the line.
        Trust::new(&[&key.value], 1).map_err(|error| {
            CommandError::usage(format!("{}:{}: {error}", flake.file, key.line))
        })?;
    }
    let texts: Vec<&str> = keys.iter().map(|key| key.value.as_str()).collect();
    let threshold = usize::try_from(*threshold).unwrap_or(usize::MAX);
    Trust::new(&texts, threshold).map_err(|error| {
        CommandError::usage(format!("{}:{}: {error}", flake.file, flake.trust.line))
    })
}

/// Reads a secret key.
pub(crate) fn secret_key(path: &Path) -> Result<SecretKey, CommandError> {
    use std::os::unix::fs::MetadataExt;
    let failed = |error: std::io::Error| {
        CommandError::usage(format!("cannot read the key {}: {error}", path.display()))
    };
    let mode = std::fs::metadata(path).map_err(failed)?.mode();
    if mode & 0o077 != 0 {
        let shown = path.display();
        return Err(CommandError::usage(format!(
            "the secret key {shown} can be read by others (mode {:03o})",
            mode & 0o777
        ))
        .hint(format!("chmod 600 {shown}")));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    SecretKey::parse(&text)
        .map_err(|error| CommandError::usage(format!("{}: {error}", path.display())))
}

/// Who signs: `file`, or else the key of the configuration, if there is one.
pub(crate) fn signer(
    context: &Context,
    file: Option<&Path>,
) -> Result<Option<Signer>, CommandError> {
    let Some(path) = file.or(context.signing_key.as_deref()) else {
        return Ok(None);
    };
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Ok(Some(Signer {
        key: secret_key(path)?,
        builder: host.trim().to_owned(),
        now: || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| since.as_secs())
        },
    }))
}

/// Opens one endpoint; nothing is asked yet, but a directory that is written to is made.
pub(crate) fn open_endpoint<'a>(
    context: &Context,
    endpoint: &Endpoint,
    store: &'a Store,
    push: Option<Again>,
) -> Result<Box<dyn Cache + 'a>, CommandError> {
    let failed = |error: xsc_remote::CacheError| CommandError::from_error(&error);
    let (name, url) = (endpoint.name.as_str(), endpoint.url.as_str());
    if let Some(dir) = url.strip_prefix("file://") {
        let dir = Path::new(dir);
        return Ok(Box::new(match push {
            Some(Again(again)) => StaticCache::writable(name, dir, again).map_err(failed)?,
            None => StaticCache::directory(name, dir),
        }));
    }
    if endpoint.is_engine() {
        return Ok(Box::new(engines::client(context, endpoint, store)?));
    }
    if push.is_some() {
        return Err(CommandError::usage(format!(
            "{name}: nothing can be pushed to {url}: a plain HTTP server takes no files"
        ))
        .hint("push to the directory that it serves, as file:///DIR"));
    }
    let mut options = HttpOptions {
        proxy: proxy_for(context, url),
        ..HttpOptions::default()
    };
    options.token = engines::token(context, endpoint)?;
    let cache = StaticCache::http(name, url, &options).map_err(failed)?;
    Ok(Box::new(cache))
}

/// The proxy for an address; this machine itself is never asked through one.
fn proxy_for(context: &Context, url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    let own = host == "localhost" || host.starts_with("127.") || rest.starts_with("[::1]");
    context.proxy.clone().filter(|_| !own)
}

/// Whether a push sends also what the cache says that it has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Again(pub(crate) bool);

/// The caches of the configuration; none where nothing says that there are any.
pub(crate) fn open<'a>(
    context: &Context,
    flake: &FlakeLike,
    store: &'a Store,
    wanted: Use,
) -> Result<Option<CacheSet<'a>>, CommandError> {
    let trust = trust(flake)?;
    let mut opened = Vec::new();
    let mut pushes = false;
    for endpoint in engines::endpoints(context, Some(flake))? {
        let push = wanted.push && endpoint.push;
        let pull = wanted.pull && (!trust.keys().is_empty() || endpoint.trust_engine);
        if !push && !pull {
            continue;
        }
        let cache = match open_endpoint(context, &endpoint, store, push.then_some(Again(false))) {
            Ok(cache) => cache,
            // A cache is never needed: what is wrong with it is said, and the build goes on.
            Err(error) => {
                say(&format!("warning: {}; it is not used", error.message));
                continue;
            }
        };
        pushes |= push;
        opened.push(xsc_remote::Endpoint {
            cache,
            pull,
            push,
            trust_engine: endpoint.trust_engine,
        });
    }
    if opened.is_empty() && trust.keys().is_empty() {
        return Ok(None);
    }
    let signer = match pushes {
        true => signer(context, None)?,
        false => None,
    };
    Ok(Some(CacheSet::new(store, opened, trust, signer, say)))
}

/// What the store has and what was heard of caches before; nobody is asked.
pub(crate) fn plan_here(
    context: &Context,
    flake: &FlakeLike,
    store: &Store,
    graph: &Graph,
    wanted: &[DrvId],
) -> Result<Plan, CommandError> {
    let nobody = Use {
        pull: false,
        push: false,
    };
    let set = open(context, flake, store, nobody)?;
    let shared = set.as_ref().map(Shared::new);
    let caches = match &shared {
        Some(shared) => Caches::Remembered(shared),
        None => Caches::None,
    };
    Plan::with(store, caches, graph, wanted).map_err(|error| store_error(&error))
}

/// What the store has, and what caches say: the plan of a build.
pub(crate) fn plan_asked(
    context: &Context,
    flake: &FlakeLike,
    store: &Store,
    graph: &Graph,
    wanted: &[DrvId],
    pull: bool,
) -> Result<Plan, CommandError> {
    let set = open(context, flake, store, Use { pull, push: false })?;
    let shared = set.as_ref().map(Shared::new);
    let nothing = BTreeSet::new();
    let caches = match &shared {
        Some(shared) => Caches::Asked(shared, &nothing),
        None => Caches::None,
    };
    Plan::with(store, caches, graph, wanted).map_err(|error| store_error(&error))
}

/// The actions of a plan whose outputs this store has: what a root can keep.
pub(crate) fn kept_here<'r>(
    store: &Store,
    known: impl Iterator<Item = &'r Realisation>,
) -> Vec<ActionId> {
    known
        .filter(|realisation| {
            realisation
                .outputs
                .values()
                .all(|tree| store.has_tree(tree))
        })
        .map(|realisation| realisation.action)
        .collect()
}

/// A set of caches as the engine sees it.
pub(crate) struct Shared<'a> {
    pub(crate) set: &'a CacheSet<'a>,
    /// What was built here and is to be pushed.
    built: Mutex<Option<Sender<Realisation>>>,
    /// Logs that come with what is believed.
    believed: Mutex<BTreeMap<ActionId, Believed>>,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(set: &'a CacheSet<'a>) -> Shared<'a> {
        Shared {
            set,
            built: Mutex::new(None),
            believed: Mutex::default(),
        }
    }

    /// Runs `work` while what it builds is pushed beside it.
    pub(crate) fn pushing<T>(&self, cancel: &Cancel, work: impl FnOnce() -> T) -> T {
        if !self.set.pushes() {
            return work();
        }
        let (sender, receiver) = channel();
        *self.built.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        /// Ends the pusher when the work ends, however it does.
        struct Close<'s, 'a>(&'s Shared<'a>);
        impl Drop for Close<'_, '_> {
            fn drop(&mut self) {
                let mut sender = self.0.built.lock().unwrap_or_else(PoisonError::into_inner);
                *sender = None;
            }
        }
        std::thread::scope(|scope| {
            scope.spawn(move || self.push_all(&receiver, cancel));
            let _close = Close(self);
            work()
        })
    }

    fn push_all(&self, built: &Receiver<Realisation>, cancel: &Cancel) {
        let mut done = Pushed::default();
        let mut failed = 0;
        for realisation in built {
            if cancel.load(Ordering::SeqCst) {
                continue;
            }
            match self.set.push(&realisation, true) {
                Ok(more) => done += more,
                Err(error) => {
                    failed += 1;
                    if failed == 1 {
                        say(&format!("warning: not pushed: {}", chain(&error)));
                    }
                }
            }
        }
        if done.statements > 0
            && let Err(error) = self.set.finish()
        {
            say(&format!("warning: {}", chain(&error)));
        }
        if failed > 1 {
            say(&format!("warning: {failed} results in all were not pushed"));
        }
        if done.statements > 0 {
            say(&format!(
                "pushed {} ({})",
                count(done.statements, "result"),
                HumanBytes(done.sent.bytes)
            ));
        }
    }

    fn keep(&self, found: Option<Believed>) -> Option<Realisation> {
        let found = found?;
        let realisation = found.realisation.clone();
        if found.log.is_some() {
            let mut believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
            believed.insert(realisation.action, found);
        }
        Some(realisation)
    }
}

impl Substituter for Shared<'_> {
    fn fetches(&self) -> bool {
        self.set.pulls()
    }

    fn remembered(&self, action: &ActionId) -> Option<Realisation> {
        // A log that cannot be read is as good as none: the caches are asked, or it is built.
        self.keep(self.set.remembered(action).ok().flatten())
    }

    fn realisations(&self, actions: &[Action]) -> Vec<Option<Realisation>> {
        let ids: Vec<ActionId> = actions.iter().map(Action::id).collect();
        match self.set.believed(&ids) {
            Ok(found) => found.into_iter().map(|found| self.keep(found)).collect(),
            Err(error) => {
                say(&format!(
                    "warning: the caches are not used: {}",
                    chain(&error)
                ));
                actions.iter().map(|_| None).collect()
            }
        }
    }

    fn fetch(
        &self,
        realisation: &Realisation,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), SubstituteError> {
        for tree in realisation.outputs.values() {
            self.set
                .fetch(tree, progress)
                .map_err(|error| match error {
                    FetchError::Local(error) => SubstituteError::Local {
                        disk_full: error.is_disk_full(),
                        problem: chain(&error),
                    },
                    FetchError::Caches { .. } => SubstituteError::NotToBeHad {
                        problem: error.to_string(),
                    },
                })?;
        }
        let believed = self.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let believed = believed.get(&realisation.action).cloned();
        if let Some(believed) = believed {
            self.set.fetch_log(&believed);
        }
        Ok(())
    }

    fn built(&self, realisation: &Realisation) {
        let sender = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*sender {
            // The pusher ends only after this sender is gone.
            let _ = sender.send(realisation.clone());
        }
    }
}
