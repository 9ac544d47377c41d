//! Rebuilds what is built already, under other conditions, and says whether the result is the same.
//!
//! `xsc-compose verify` calls it with a closure that is realised. What varies is what an action's id does not
//! cover: where and when a build runs, as whom, beside how many processors. Invariant: a rebuild never writes a
//! realisation or a log; its trees enter the store, so that they can be looked at, and go with the next
//! collection.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use xsc_model::{
    Action, ActionId, Builder, Cores, Derivation, DrvId, Exec, Graph, OutputName, Realisation,
    TreeId,
};
use xsc_sandbox::Cpus;

use crate::engine::{Engine, Failed};
use crate::error::{Failure, FailureKind, RealiseError};
use crate::event::{Ended, Event};
use crate::exec::{self, Conditions, Output};
use crate::plan::input_names;
use crate::{builtin, resolve, work_of};

const DAY: i64 = 86_400;

/// One thing that a rebuild does otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// The path of the build's directory on the host, and its length.
    BuildPath,
    /// The name of the host.
    HostName,
    /// How many processors there are, or which one it is.
    Cpus,
    /// User and group id.
    User,
    /// The wall clock, by years.
    Clock,
    /// The mask of new files' modes.
    Umask,
    /// Where programs, stacks and libraries lie in memory.
    Addresses,
    /// The order in which directories list their entries.
    Listing,
}

impl Aspect {
    /// All of them.
    pub const ALL: [Aspect; 8] = [
        Aspect::BuildPath,
        Aspect::HostName,
        Aspect::Cpus,
        Aspect::User,
        Aspect::Clock,
        Aspect::Umask,
        Aspect::Addresses,
        Aspect::Listing,
    ];

    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Aspect::BuildPath => "build path",
            Aspect::HostName => "host name",
            Aspect::Cpus => "number of CPUs",
            Aspect::User => "user",
            Aspect::Clock => "date",
            Aspect::Umask => "umask",
            Aspect::Addresses => "addresses",
            Aspect::Listing => "readdir order",
        }
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a build saw of where it ran, for a search in what differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The wall clock, in seconds since the epoch.
    pub clock: i64,
    /// The name of the host.
    pub host_name: String,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// The mask of new files' modes.
    pub umask: u32,
    /// How many processors.
    pub cpus: usize,
    /// A word that is in the path of its directory and in no other build's; empty for the one in the store.
    pub path: String,
}

/// How to verify.
#[derive(Debug, Clone, Copy)]
pub struct VerifyOptions {
    /// How often each is built again.
    pub rounds: u32,
    /// Whether what differs is built again with one thing changed at a time, to name the one that matters.
    pub isolate: bool,
}

/// What became of one derivation.
#[derive(Debug)]
pub struct Verified {
    /// Which.
    pub drv: DrvId,
    /// Its name.
    pub name: String,
    /// Its action.
    pub action: ActionId,
    /// Whether it is a command, which was built under other conditions; a builtin is only repeated.
    pub varied: bool,
    /// What was found.
    pub verdict: Verdict,
}

/// Whether a result is what a rebuild gives.
#[derive(Debug)]
pub enum Verdict {
    /// It was fetched: its hash says what it is.
    Fixed,
    /// Every rebuild gave the same trees.
    Identical,
    /// One did not.
    Different(Box<Divergence>),
    /// It cannot be built under other conditions.
    Failed {
        /// In which round.
        round: u32,
        /// Why.
        failure: Box<Failure>,
    },
}

/// Two trees that should be one.
#[derive(Debug)]
pub struct Divergence {
    /// In which round.
    pub round: u32,
    /// The first output that differs.
    pub output: OutputName,
    /// What the store has.
    pub expected: TreeId,
    /// What the rebuild made.
    pub found: TreeId,
    /// What an ordinary build sees.
    pub usual: Seen,
    /// What the rebuild saw.
    pub perturbed: Seen,
    /// Which condition makes the difference, where that was looked for.
    pub isolated: Option<Isolated>,
}

/// Which condition makes a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Isolated {
    /// None: the same conditions give another result.
    Always,
    /// Each of these does so alone.
    By(Vec<Aspect>),
    /// No single one does.
    Together,
}

/// The conditions of one rebuild: which aspects, and the number that chooses their values.
struct Round {
    number: u32,
    aspects: BTreeSet<Aspect>,
}

impl Round {
    fn all(number: u32) -> Self {
        Round {
            number,
            aspects: BTreeSet::from(Aspect::ALL),
        }
    }

    fn only(number: u32, aspect: Option<Aspect>) -> Self {
        Round {
            number,
            aspects: aspect.into_iter().collect(),
        }
    }

    fn conditions(&self, engine: &Engine<'_>, command: &Exec, slot: usize) -> Conditions {
        let mut c = Conditions::usual(engine, command, slot);
        c.keep_tmp = false;
        let n = self.number;
        let has = |aspect| self.aspects.contains(&aspect);
        if has(Aspect::HostName) {
            c.surroundings.host_name = format!("verify-{n}.example");
        }
        if has(Aspect::User) {
            c.surroundings.uid = 20_000 + 17 * n;
            c.surroundings.gid = 30_000 + 13 * n;
        }
        if has(Aspect::Clock) {
            // Years back, in the year's middle, and still after every real time stamp.
            let years = 1 + i64::from(n % 3);
            c.clock -= years * 365 * DAY + 100 * DAY + 12_345 + i64::from(n);
        }
        if has(Aspect::Umask) {
            c.surroundings.umask = [0o002, 0o027, 0o077][n as usize % 3];
        }
        if has(Aspect::Addresses) {
            c.surroundings.random_addresses = true;
        }
        if has(Aspect::Listing) {
            c.surroundings.listing = Some(u64::from(n));
        }
        if has(Aspect::Cpus) {
            let most = engine.options.cores.max(1);
            (c.cpus, c.cores) = match (command.cores, n % 2) {
                (Cores::One, 1) => (Cpus::All, most),
                (Cores::One, _) => (Cpus::One(slot + 1), 1),
                (Cores::Granted, 1) => (Cpus::One(slot), 1),
                (Cores::Granted, _) => (Cpus::All, most.min(2)),
            };
        }
        c
    }

    /// The part of the path that only this round's directory has.
    fn path(&self) -> String {
        match self.aspects.contains(&Aspect::BuildPath) {
            true => {
                let n = self.number;
                let more = "-and-on".repeat(n as usize % 8);
                format!("verified-in-a-directory-with-a-longer-path-{n}{more}")
            }
            false => String::new(),
        }
    }
}

fn seen(conditions: &Conditions, path: String) -> Seen {
    let s = &conditions.surroundings;
    Seen {
        clock: conditions.clock,
        host_name: s.host_name.clone(),
        uid: s.uid,
        gid: s.gid,
        umask: s.umask,
        cpus: conditions.cores,
        path,
    }
}

/// What is built again, and by which thread.
#[derive(Clone, Copy)]
struct Target<'a> {
    id: DrvId,
    drv: &'a Derivation,
    action: &'a Action,
    slot: usize,
}

struct Run<'a> {
    engine: &'a Engine<'a>,
    graph: &'a Graph,
    known: &'a BTreeMap<DrvId, Realisation>,
    options: VerifyOptions,
    state: Mutex<State>,
}

struct State {
    pending: VecDeque<DrvId>,
    done: BTreeMap<DrvId, Verified>,
    failure: Option<Failure>,
}

impl Engine<'_> {
    /// Builds each of `targets` again and compares; `known` has the realisations of their closure. The result
    /// is in the order of `targets`.
    ///
    /// # Errors
    ///
    /// The run was interrupted, or the machine could not build at all.
    pub fn verify(
        &self,
        graph: &Graph,
        known: &BTreeMap<DrvId, Realisation>,
        targets: &[DrvId],
        options: VerifyOptions,
    ) -> Result<Vec<Verified>, RealiseError> {
        let rebuilt = |id: &&DrvId| {
            graph
                .get(id)
                .is_some_and(|drv| !matches!(drv.builder, Builder::Fetch(_)))
        };
        let builds = targets.iter().filter(rebuilt).count();
        self.observer.event(&Event::Planned {
            total: targets.len(),
            substitutes: 0,
            fetches: 0,
            builds,
            bytes: 0,
            estimate: None,
        });
        let mut pending: Vec<DrvId> = targets.to_vec();
        // The longest first: nothing waits for anything here.
        let last = self.store.last_durations();
        pending.sort_by_key(|id| {
            let name = graph.get(id).map_or("", |drv| drv.name.as_str());
            std::cmp::Reverse(last.get(name).copied().unwrap_or_default())
        });
        let run = Run {
            engine: self,
            graph,
            known,
            options,
            state: Mutex::new(State {
                pending: pending.into(),
                done: BTreeMap::new(),
                failure: None,
            }),
        };
        std::thread::scope(|scope| {
            for slot in 0..self.options.max_jobs.max(1) {
                let run = &run;
                scope.spawn(move || run.work(slot));
            }
        });
        let state = run
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if self.cancel.load(Ordering::SeqCst) {
            return Err(RealiseError::Interrupted);
        }
        if let Some(failure) = state.failure {
            return Err(RealiseError::Failed {
                failures: vec![failure],
                skipped: state.pending.len(),
            });
        }
        let mut done = state.done;
        Ok(targets.iter().filter_map(|id| done.remove(id)).collect())
    }
}

impl Run<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, slot: usize) {
        loop {
            let mut state = self.lock();
            if self.engine.cancel.load(Ordering::SeqCst) || state.failure.is_some() {
                return;
            }
            let Some(id) = state.pending.pop_front() else {
                return;
            };
            drop(state);
            let drv = self
                .graph
                .get(&id)
                .expect("a closure holds derivations of its graph");
            let action = resolve(drv, self.known).expect("the closure is realised");
            let verdict = self.check(Target {
                id,
                drv,
                action: &action,
                slot,
            });
            let mut state = self.lock();
            match verdict {
                Ok(verdict) => {
                    let verified = Verified {
                        drv: id,
                        name: drv.name.to_string(),
                        action: action.id(),
                        varied: matches!(action.builder, Builder::Exec(_)),
                        verdict,
                    };
                    state.done.insert(id, verified);
                }
                Err(failure) => state.failure = Some(*failure),
            }
        }
    }

    /// One derivation, all rounds, with its events.
    fn check(&self, target: Target<'_>) -> Result<Verdict, Box<Failure>> {
        let Target {
            id, drv, action, ..
        } = target;
        if matches!(drv.builder, Builder::Fetch(_)) {
            return Ok(Verdict::Fixed);
        }
        let (name, work) = (drv.name.as_str(), work_of(drv));
        let expected = self.engine.store.last_duration(name);
        self.engine.observer.event(&Event::Started {
            drv: id,
            name,
            work,
            expected: expected.map(|once| once * self.options.rounds),
        });
        let begin = Instant::now();
        let result = self.rounds(target);
        // Others may take an hour more, and who watches should not wait for the report.
        let round = match &result {
            Ok(Verdict::Different(divergence)) => Some(divergence.round),
            Ok(Verdict::Failed { round, .. }) => Some(*round),
            _ => None,
        };
        if let Some(round) = round {
            let text = format!("{name} is not reproducible: round {round} gave another result");
            self.engine.observer.event(&Event::Notice { text: &text });
        }
        let ended = match &result {
            Ok(Verdict::Identical | Verdict::Fixed) => Ended::Done,
            Ok(Verdict::Different(_) | Verdict::Failed { .. }) | Err(_) => Ended::Failed,
        };
        self.engine.observer.event(&Event::Finished {
            drv: id,
            name,
            work,
            action: action.id(),
            ended,
            took: begin.elapsed(),
        });
        result
    }

    fn rounds(&self, target: Target<'_>) -> Result<Verdict, Box<Failure>> {
        let Target {
            id, action, slot, ..
        } = target;
        let expected = &self.known[&id].outputs;
        for number in 1..=self.options.rounds {
            let round = Round::all(number);
            let found = match self.rebuild(target, &round) {
                Ok(found) => found,
                Err(failure) if is_of_the_build(&failure.kind) => {
                    return Ok(Verdict::Failed {
                        round: number,
                        failure,
                    });
                }
                Err(failure) => return Err(failure),
            };
            let other = found
                .iter()
                .find(|(name, tree)| expected.get(*name) != Some(*tree));
            let Some((output, found)) = other else {
                continue;
            };
            let (usual, perturbed) = match &action.builder {
                Builder::Exec(command) => {
                    let usual = Conditions::usual(self.engine, command, slot);
                    let perturbed = round.conditions(self.engine, command, slot);
                    (seen(&usual, String::new()), seen(&perturbed, round.path()))
                }
                // Nothing that a function of this program could see was changed.
                _ => (nothing_seen(), nothing_seen()),
            };
            let isolated = match self.options.isolate && matches!(action.builder, Builder::Exec(_))
            {
                true => Some(self.isolate(target, number)?),
                false => None,
            };
            return Ok(Verdict::Different(Box::new(Divergence {
                round: number,
                output: output.clone(),
                expected: expected[output],
                found: *found,
                usual,
                perturbed,
                isolated,
            })));
        }
        Ok(Verdict::Identical)
    }

    /// Builds once with nothing changed, then with one thing at a time.
    fn isolate(&self, target: Target<'_>, number: u32) -> Result<Isolated, Box<Failure>> {
        let expected = &self.known[&target.id].outputs;
        let differs = |aspect| match self.rebuild(target, &Round::only(number, aspect)) {
            Ok(found) => Ok(found != *expected),
            Err(failure) if is_of_the_build(&failure.kind) => Ok(true),
            Err(failure) => Err(failure),
        };
        if differs(None)? {
            return Ok(Isolated::Always);
        }
        let mut by = Vec::new();
        for aspect in Aspect::ALL {
            if differs(Some(aspect))? {
                by.push(aspect);
            }
        }
        Ok(match by.is_empty() {
            true => Isolated::Together,
            false => Isolated::By(by),
        })
    }

    /// Performs the action once more, in a scratch directory of its own.
    fn rebuild(
        &self,
        target: Target<'_>,
        round: &Round,
    ) -> Result<BTreeMap<OutputName, TreeId>, Box<Failure>> {
        let Target {
            id,
            drv,
            action,
            slot,
        } = target;
        let engine = self.engine;
        let name = drv.name.as_str();
        let failed = |kind: FailureKind, log_tail: Vec<String>| {
            let failed = Failed {
                log_tail,
                ..Failed::from(kind)
            };
            failed.of(id, name, action.id())
        };
        let plain = |kind| failed(kind, Vec::new());
        match &action.builder {
            Builder::Fetch(_) => Ok(self.known[&id].outputs.clone()),
            Builder::Builtin {
                name: builtin,
                params,
            } => {
                engine.import_sources(drv).map_err(plain)?;
                let names = input_names(self.graph, drv);
                let tree = builtin::run(engine, *builtin, params, action, &names).map_err(plain)?;
                Ok(BTreeMap::from([(OutputName::out(), tree)]))
            }
            Builder::Exec(command) => {
                exec::check_system(action).map_err(plain)?;
                engine.import_sources(drv).map_err(plain)?;
                let scratch = engine.store.scratch(name).map_err(|e| plain(e.into()))?;
                let mut place = scratch.path().to_owned();
                let path = round.path();
                if !path.is_empty() {
                    place.push(&path);
                    std::fs::create_dir(&place).map_err(|source| {
                        let path = place.clone();
                        plain(FailureKind::Io { path, source })
                    })?;
                }
                let conditions = round.conditions(engine, command, slot);
                let spec =
                    exec::stage(engine, action, command, &place, &conditions).map_err(plain)?;
                let mut output = Output::new(engine, id, name, None);
                let built = exec::perform(engine, action, command, &spec, &mut output, || ());
                let built = built.map_err(|kind| failed(kind, output.tail.lines()))?;
                scratch.remove().map_err(|e| plain(e.into()))?;
                Ok(built.outputs)
            }
        }
    }
}

/// Whether it is the build that failed, rather than the machine.
fn is_of_the_build(kind: &FailureKind) -> bool {
    match kind {
        FailureKind::Exit { .. }
        | FailureKind::Signal { .. }
        | FailureKind::MissingOutput { .. }
        | FailureKind::StrayOutput { .. } => true,
        FailureKind::Ingest(error) => !error.is_disk_full(),
        _ => false,
    }
}

fn nothing_seen() -> Seen {
    Seen {
        clock: 0,
        host_name: String::new(),
        uid: 0,
        gid: 0,
        umask: 0,
        cpus: 0,
        path: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_have_directories_of_their_own() {
        let paths: BTreeSet<String> = (1..=9).map(|n| Round::all(n).path()).collect();
        assert_eq!(paths.len(), 9);
        assert!(paths.iter().all(|path| path.len() < 200));
        assert_eq!(Round::only(1, Some(Aspect::Clock)).path(), "");
    }
}
