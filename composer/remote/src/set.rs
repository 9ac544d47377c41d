//! All endpoints of a run as one: asked together, weighed together, each given up on its own.
//!
//! The command line makes one and the engine's substituter calls it, from several threads.
//! Invariants: an endpoint that is not available costs one warning and is not asked again; what
//! is not believed or not whole is named and never used.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use xsc_model::{ActionId, Digest, Realisation, TreeId};
use xsc_store::{Store, StoreError};

use crate::cache::{Blob, BlobKind, Cache, CacheError, chain};
use crate::parallel::parallel;
use crate::transfer::{self, Progress, Sent, TransferError};
use crate::trust::{Believed, Heard, Reason, Refusal, Trust};
use crate::{SecretKey, SignedStatement, Statement, log};

/// Requests for statements at once.
const THREADS: usize = 8;

/// One endpoint and what it is for.
pub struct Endpoint<'a> {
    /// The endpoint.
    pub cache: Box<dyn Cache + 'a>,
    /// Whether results are taken from it.
    pub pull: bool,
    /// Whether what is built here is given to it.
    pub push: bool,
    /// Whether all that it says is believed, whoever signed it.
    pub trust_engine: bool,
}

/// Who signs what was built here.
pub struct Signer {
    /// The key.
    pub key: SecretKey,
    /// How statements call this builder.
    pub builder: String,
    /// The time in seconds since 1970; libraries have no clock.
    pub now: fn() -> u64,
}

/// Why a tree is not here.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// This machine's store: building would fail too.
    #[error(transparent)]
    Local(TransferError),
    /// No cache has it whole.
    #[error("{}", if faults.is_empty() { "no cache has it".to_owned() } else { faults.join("; ") })]
    Caches {
        /// The tree.
        tree: TreeId,
        /// What each said.
        faults: Vec<String>,
    },
}

/// Why something was not pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The endpoint or the store.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// Nobody signed it, and there is no key to sign it with.
    #[error("there is no key to sign with: nobody would use what is pushed")]
    NoKey,
}

impl From<CacheError> for PushError {
    fn from(error: CacheError) -> Self {
        PushError::Transfer(error.into())
    }
}

impl From<StoreError> for PushError {
    fn from(error: StoreError) -> Self {
        PushError::Transfer(error.into())
    }
}

/// What pushing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Trees, files and bytes that the endpoint did not have.
    pub sent: Sent,
    /// Statements that were published.
    pub statements: usize,
}

impl AddAssign for Pushed {
    fn add_assign(&mut self, more: Pushed) {
        self.sent += more.sent;
        self.statements += more.statements;
    }
}

struct Member<'a> {
    endpoint: Endpoint<'a>,
    down: AtomicBool,
}

/// The endpoints of a run.
pub struct CacheSet<'a> {
    store: &'a Store,
    members: Vec<Member<'a>>,
    trust: Trust,
    signer: Option<Signer>,
    notice: Box<dyn Fn(&str) + Send + Sync + 'a>,
    told: Mutex<BTreeSet<String>>,
}

impl<'a> CacheSet<'a> {
    /// Endpoints in the order in which they are asked for trees. `notice` is told what a person
    /// should know.
    pub fn new(
        store: &'a Store,
        endpoints: Vec<Endpoint<'a>>,
        trust: Trust,
        signer: Option<Signer>,
        notice: impl Fn(&str) + Send + Sync + 'a,
    ) -> CacheSet<'a> {
        let members = endpoints.into_iter().map(|endpoint| Member {
            endpoint,
            down: AtomicBool::new(false),
        });
        CacheSet {
            store,
            members: members.collect(),
            trust,
            signer,
            notice: Box::new(notice),
            told: Mutex::default(),
        }
    }

    /// Whether anything may be taken from anywhere.
    pub fn pulls(&self) -> bool {
        self.members.iter().any(|member| member.endpoint.pull)
    }

    /// Whether what is built is given to anyone.
    pub fn pushes(&self) -> bool {
        self.members.iter().any(|member| member.endpoint.push)
    }

    /// Names of endpoints that were given up.
    pub fn unavailable(&self) -> Vec<String> {
        let down = self
            .members
            .iter()
            .filter(|m| m.down.load(Ordering::Relaxed));
        down.map(|m| m.endpoint.cache.name().to_owned()).collect()
    }

    fn up(&self, wanted: impl Fn(&Endpoint<'a>) -> bool) -> impl Iterator<Item = &Member<'a>> {
        let up = move |m: &&Member<'a>| wanted(&m.endpoint) && !m.down.load(Ordering::Relaxed);
        self.members.iter().filter(up)
    }

    /// Says something once in a run.
    fn tell(&self, once: &str, text: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(once.to_owned()) {
            drop(told);
            (self.notice)(text);
        }
    }

    /// An endpoint's error: one that is not available is given up.
    fn failed(&self, member: &Member<'a>, error: &CacheError) {
        if let CacheError::Unavailable { .. } = error {
            if !member.down.swap(true, Ordering::Relaxed) {
                (self.notice)(&format!("warning: {error}; it is not asked again"));
            }
        } else if !matches!(error, CacheError::Absent { .. }) {
            let text = error.to_string();
            self.tell(&text, &format!("warning: {text}"));
        }
    }

    /// What trusted keys say each action produced, by what this machine heard before, without
    /// asking anybody.
    pub fn remembered(&self, action: &ActionId) -> Result<Option<Believed>, StoreError> {
        let bytes = self.store.statements(action)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let heard: Vec<Heard<'_>> = log::split(&bytes).filter_map(readable).collect();
        Ok(self.trust.weigh(action, &heard).believed)
    }

    /// What is believed that each action produced: from what was heard before, or else by asking
    /// every endpoint. In the order of `actions`.
    pub fn believed(&self, actions: &[ActionId]) -> Result<Vec<Option<Believed>>, StoreError> {
        parallel(THREADS, actions, |action| self.ask(action))
    }

    fn ask(&self, action: &ActionId) -> Result<Option<Believed>, StoreError> {
        let before = self.store.statements(action)?;
        let mut heard: Vec<Heard<'_>> = log::split(&before).filter_map(readable).collect();
        if let Some(believed) = self.trust.weigh(action, &heard).believed {
            return Ok(Some(believed));
        }
        let mut answers = Vec::new();
        for member in self.up(|endpoint| endpoint.pull) {
            let cache = &member.endpoint.cache;
            match cache.statements(action, self.trust.keys()) {
                Ok(statements) => answers.push((member, statements)),
                Err(error) => self.failed(member, &error),
            }
        }
        for (member, statements) in &answers {
            heard.extend(statements.iter().map(|bytes| Heard {
                from: member.endpoint.cache.name(),
                bytes,
                engine: member.endpoint.trust_engine,
            }));
        }
        if answers.iter().all(|(_, statements)| statements.is_empty()) {
            return Ok(None);
        }
        let weighed = self.trust.weigh(action, &heard);
        // A key that is no longer trusted may have spoken before, and our own key does too.
        let of_interest = |refusal: &&Refusal| {
            refusal.from != log::NAME || !matches!(refusal.reason, Reason::UnknownKey(_))
        };
        for refusal in weighed.refused.iter().filter(of_interest) {
            let text = format!("warning: {refusal}");
            let once = match refusal.reason.once() {
                Some(kind) => format!("{} {kind}", refusal.from),
                None => text.clone(),
            };
            self.tell(&once, &text);
        }
        for signed in &weighed.verified {
            log::note(self.store, signed)?;
        }
        Ok(weighed.believed)
    }

    /// Brings a tree into the store, from as many endpoints as it takes.
    pub fn fetch(&self, tree: &TreeId, progress: &Progress<'_>) -> Result<(), FetchError> {
        if self.store.has_tree(tree) {
            return Ok(());
        }
        let mut faults: Vec<String> = Vec::new();
        let mut import = None;
        for member in self.up(|endpoint| endpoint.pull) {
            let cache = &*member.endpoint.cache;
            let begun = cache.directories(tree).map_err(TransferError::from);
            let begun = begun.and_then(|records| match &import {
                Some(_) => Ok(()),
                None => {
                    let begun = self.store.import_tree(tree, &records);
                    import = Some(begun.map_err(|e| TransferError::from_import(cache, e))?);
                    Ok(())
                }
            });
            let brought = begun.and_then(|()| match &import {
                Some(import) => transfer::bring(cache, import, progress),
                None => Ok(Vec::new()),
            });
            match brought {
                Ok(more) => faults.extend(more.iter().map(|error| chain(error))),
                Err(error) if error.is_local() => return Err(FetchError::Local(error)),
                Err(error) => {
                    if let TransferError::Cache(error) = &error {
                        self.failed(member, error);
                    }
                    faults.push(chain(&error));
                }
            }
            let local = |error| FetchError::Local(TransferError::Import(error));
            let whole = match &import {
                Some(import) => import.missing().map_err(local)?.is_empty(),
                None => false,
            };
            if let (true, Some(import)) = (whole, import.take_if(|_| whole)) {
                return match import.finish() {
                    Err(error) if !error.is_local() => {
                        faults.push(error.to_string());
                        Err(FetchError::Caches {
                            tree: *tree,
                            faults,
                        })
                    }
                    other => other.map_err(local),
                };
            }
        }
        faults.truncate(4);
        Err(FetchError::Caches {
            tree: *tree,
            faults,
        })
    }

    /// Brings the log of a build into the store, if it is not there and some endpoint has it.
    /// Whether it is there now.
    pub fn fetch_log(&self, believed: &Believed) -> bool {
        let action = believed.realisation.action;
        let Some((digest, size)) = believed.log else {
            return false;
        };
        if matches!(self.store.read_log(&action), Ok(Some(_))) {
            return true;
        }
        let blob = Blob {
            kind: BlobKind::Log,
            digest,
            size,
        };
        for member in self.up(|endpoint| endpoint.pull) {
            let mut text = Vec::new();
            match member.endpoint.cache.get(&blob, &mut text) {
                Ok(()) if Digest::of(&text) == digest => {
                    let kept = self.store.log_writer(&action).is_ok_and(|mut writer| {
                        writer.write_all(&text).is_ok() && writer.finish().is_ok()
                    });
                    return kept;
                }
                Ok(()) => {
                    let name = member.endpoint.cache.name();
                    let text = format!(
                        "warning: the log of {} in {name} is damaged",
                        action.short()
                    );
                    self.tell(&text, &text);
                }
                Err(error) => self.failed(member, &error),
            }
        }
        false
    }

    /// Gives a realisation of this store, outputs, log and statements, to every endpoint that
    /// takes what is built here. `built` says that it was built here just now.
    pub fn push(&self, realisation: &Realisation, built: bool) -> Result<Pushed, PushError> {
        let mut pushed = Pushed::default();
        if built {
            self.compare(realisation)?;
        }
        for member in self.up(|endpoint| endpoint.push) {
            let done = self.push_to(&*member.endpoint.cache, realisation, built);
            if let Err(PushError::Transfer(TransferError::Cache(error))) = &done
                && matches!(error, CacheError::Unavailable { .. })
            {
                self.failed(member, error);
            }
            pushed += done?;
        }
        Ok(pushed)
    }

    /// Tells where a trusted key said something else of what was just built.
    fn compare(&self, realisation: &Realisation) -> Result<(), StoreError> {
        for said in log::heard_before(self.store, &realisation.action)? {
            if self.trust.key_of(&said).is_some() && said.statement().outputs != realisation.outputs
            {
                let text = format!(
                    "warning: `{}` says that action {} produces something else than it did here",
                    said.key(),
                    realisation.action.short()
                );
                self.tell(&text, &text);
            }
        }
        Ok(())
    }

    /// Waits until what was pushed is on the endpoints' disks.
    pub fn finish(&self) -> Result<(), PushError> {
        for member in self.up(|endpoint| endpoint.push) {
            member.endpoint.cache.finish()?;
        }
        Ok(())
    }

    /// Publishes what is said of a realisation without sending its outputs or log.
    pub fn say(&self, realisation: &Realisation) -> Result<Pushed, PushError> {
        let mut pushed = Pushed::default();
        let statements = self.statements_for(realisation, false)?;
        for member in self.up(|endpoint| endpoint.push) {
            let cache = &*member.endpoint.cache;
            pushed.statements += self.publish(cache, realisation, &statements)?;
        }
        Ok(pushed)
    }

    fn publish(
        &self,
        cache: &dyn Cache,
        realisation: &Realisation,
        statements: &[SignedStatement],
    ) -> Result<usize, PushError> {
        let mut count = 0;
        let own = self.signer.as_ref().map(|signer| signer.key.public());
        for signed in statements {
            let own = own.clone().filter(|own| signed.verify(own));
            if let Some(key) = self.trust.key_of(signed).cloned().or(own) {
                cache.publish(&realisation.action, &key, &signed.to_bytes())?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn push_to(
        &self,
        cache: &dyn Cache,
        realisation: &Realisation,
        built: bool,
    ) -> Result<Pushed, PushError> {
        let statements = self.statements_for(realisation, built)?;
        let trees: BTreeSet<TreeId> = realisation.outputs.values().copied().collect();
        let trees: Vec<TreeId> = trees.into_iter().collect();
        let mut pushed = Pushed::default();
        for tree in cache.missing_trees(&trees)? {
            pushed.sent += transfer::send(self.store, cache, &tree)?;
        }
        for signed in &statements {
            if let Some((digest, size)) = signed.statement().log {
                self.push_log(cache, &realisation.action, digest, size)?;
            }
        }
        pushed.statements = self.publish(cache, realisation, &statements)?;
        Ok(pushed)
    }

    /// What is published about a realisation: what trusted keys said of it, where it came from a
    /// cache, and otherwise what our own key says.
    fn statements_for(
        &self,
        realisation: &Realisation,
        built: bool,
    ) -> Result<Vec<SignedStatement>, PushError> {
        let own = self.signer.as_ref().map(|signer| signer.key.public());
        let known: Vec<SignedStatement> = log::heard_before(self.store, &realisation.action)?
            .into_iter()
            .filter(|said| said.statement().outputs == realisation.outputs)
            .filter(|said| {
                self.trust.key_of(said).is_some()
                    || own.as_ref().is_some_and(|own| said.verify(own))
            })
            .collect();
        if !built && !known.is_empty() {
            return Ok(known);
        }
        let Some(signed) = self.sign(realisation)? else {
            return Err(PushError::NoKey);
        };
        Ok(vec![signed])
    }

    /// Signs what this store has, and notes it in the log. `None` without a key.
    pub fn sign(&self, realisation: &Realisation) -> Result<Option<SignedStatement>, StoreError> {
        let Some(signer) = &self.signer else {
            return Ok(None);
        };
        // Said before: the same words again, so that caches need not change.
        let own = signer.key.public();
        for said in log::heard_before(self.store, &realisation.action)? {
            if said.verify(&own) && said.statement().outputs == realisation.outputs {
                return Ok(Some(said));
            }
        }
        let log = self
            .read_log(&realisation.action)?
            .map(|text| (Digest::of(&text), text.len() as u64));
        let signed = signer.key.sign(Statement {
            action: realisation.action,
            outputs: realisation.outputs.clone(),
            isolation: realisation.isolation.clone(),
            log,
            builder: signer.builder.clone(),
            time: (signer.now)(),
        });
        log::note(self.store, &signed)?;
        Ok(Some(signed))
    }

    fn read_log(&self, action: &ActionId) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(mut reader) = self.store.read_log(action)? else {
            return Ok(None);
        };
        let mut text = Vec::new();
        // A log that cannot be read is no reason not to share the result.
        Ok(reader.read_to_end(&mut text).is_ok().then_some(text))
    }

    fn push_log(
        &self,
        cache: &dyn Cache,
        action: &ActionId,
        digest: Digest,
        size: u64,
    ) -> Result<(), PushError> {
        let blob = Blob {
            kind: BlobKind::Log,
            digest,
            size,
        };
        if cache.missing(&[blob])?.is_empty() {
            return Ok(());
        }
        // The store's log may be of a later build; then the one that was spoken of is gone.
        match self.read_log(action)? {
            Some(text) if Digest::of(&text) == digest => {
                Ok(cache.put(&blob, &mut text.as_slice())?)
            }
            _ => Ok(()),
        }
    }
}

/// A chunk of the log that is a statement; one that was cut short is passed over in silence.
fn readable(bytes: &[u8]) -> Option<Heard<'_>> {
    SignedStatement::parse(bytes).ok().map(|_| Heard {
        from: log::NAME,
        bytes,
        engine: false,
    })
}
