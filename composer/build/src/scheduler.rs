//! Runs what is missing: ready derivations, longest chain first, builds and fetches side by side.
//!
//! `Engine::realise` is the one entry. Worker threads take ready derivations from a shared queue;
//! each looks its action up again first, because its inputs may have been rebuilt to the same
//! content. Invariant: a derivation starts only when everything it needs is realised, and its
//! realisation is recorded before anything that needs it starts.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use xsc_model::{Action, ActionId, Builder, Derivation, DrvId, Graph, Realisation, Resources};

use crate::admission::{Admission, needs};
use crate::engine::{Engine, Failed, Job};
use crate::error::{Failure, RealiseError};
use crate::event::{Ended, Event, Work};
use crate::plan::{Caches, Plan, Step, input_names, resolve, work_of};

/// Fetches wait on the network, not on processors: this many run beside the builds.
const FETCH_THREADS: usize = 6;

/// A command that has ended leaves its seat at once, and its thread takes the outputs in: so many threads more than
/// seats keep the seats taken meanwhile.
const MOST_SPARE_THREADS: usize = 4;

struct State {
    known: BTreeMap<DrvId, Realisation>,
    waiting: BTreeMap<DrvId, usize>,
    ready: BTreeSet<(Duration, DrvId)>,
    ready_fetches: BTreeSet<(Duration, DrvId)>,
    admission: Admission,
    /// Seats that nobody has, by number.
    free: BTreeSet<usize>,
    running: usize,
    failures: Vec<Failure>,
    /// Actions whose outputs no cache gave, though one knows them.
    refused: BTreeSet<ActionId>,
    /// What was finished.
    done: usize,
    stopping: bool,
}

struct Run<'a> {
    engine: &'a Engine<'a>,
    graph: &'a Graph,
    steps: BTreeMap<DrvId, Step>,
    asked: BTreeSet<DrvId>,
    /// Actions whose outputs no cache gave in earlier rounds.
    refused: &'a BTreeSet<ActionId>,
    priority: BTreeMap<DrvId, Duration>,
    dependents: BTreeMap<DrvId, Vec<DrvId>>,
    state: Mutex<State>,
    /// A build may start, or nothing more will.
    builds: Condvar,
    /// A fetch may start, or nothing more will.
    fetches: Condvar,
}

impl Engine<'_> {
    /// Realises `wanted`, and of what they need as much as it takes; returns every realisation of
    /// the closure that is known, here or in a cache.
    ///
    /// With `keep_going`, what does not depend on a failure is still built. Without, running work
    /// ends as it would and nothing new starts. (A command whose outputs turn out not to be what it
    /// declares has ended well so far: another may have started meanwhile.)
    pub fn realise(
        &self,
        graph: &Graph,
        wanted: &[DrvId],
    ) -> Result<BTreeMap<DrvId, Realisation>, RealiseError> {
        let mut refused: BTreeSet<ActionId> = BTreeSet::new();
        // Where a cache does not give what it knows of, what it would have saved is planned
        // again without it. Each round refuses something more, so this ends.
        loop {
            let caches = match self.substituter {
                Some(substituter) => Caches::Asked(substituter, &refused),
                None => Caches::None,
            };
            let plan = Plan::with(self.store, caches, graph, wanted)?;
            let (known, more) = self.run(graph, plan, &refused)?;
            if more.is_empty() {
                return Ok(known);
            }
            refused.extend(more);
        }
    }

    /// Carries a plan out. Also returns the actions that have to be planned again.
    fn run(
        &self,
        graph: &Graph,
        plan: Plan,
        refused: &BTreeSet<ActionId>,
    ) -> Result<(BTreeMap<DrvId, Realisation>, BTreeSet<ActionId>), RealiseError> {
        let missing: Vec<DrvId> = plan.missing().copied().collect();
        let last = match missing.is_empty() {
            true => BTreeMap::new(),
            false => self.store.last_durations(),
        };
        let priority = plan.priorities(&last, graph);
        self.announce(graph, &plan, &missing, &last, &priority);
        if missing.is_empty() {
            return Ok((plan.known, BTreeSet::new()));
        }
        let runs = |id| match graph.get(id) {
            Some(drv) => plan.steps[id] == Step::Perform && work_of(drv) == Work::Build,
            None => false,
        };
        if self.executor.is_none() && missing.iter().any(runs) {
            self.sandbox.prepare();
        }
        let total = missing.len();
        // What runs elsewhere needs only somebody to wait for it.
        let elsewhere = self.executor.map_or(0, |executor| executor.jobs());
        let seats = self.options.max_jobs.max(elsewhere).max(1);
        let run = Run::new(self, graph, plan, refused, &missing, priority, seats);
        std::thread::scope(|scope| {
            for _ in 0..seats + seats.min(MOST_SPARE_THREADS) {
                scope.spawn(|| run.work(false));
            }
            for _ in 0..FETCH_THREADS {
                scope.spawn(|| run.work(true));
            }
        });
        let state = run
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if self.cancel.load(Ordering::SeqCst) {
            return Err(RealiseError::Interrupted);
        }
        if state.failures.is_empty() {
            return Ok((state.known, state.refused));
        }
        let skipped = total - state.done - state.failures.len();
        Err(RealiseError::Failed {
            failures: state.failures,
            skipped,
        })
    }

    fn announce(
        &self,
        graph: &Graph,
        plan: &Plan,
        missing: &[DrvId],
        last: &BTreeMap<String, Duration>,
        priority: &BTreeMap<DrvId, Duration>,
    ) {
        let mut bytes = 0;
        let mut fetches = 0;
        let mut substitutes = 0;
        let mut history = true;
        for id in missing {
            let Some(drv) = graph.get(id) else { continue };
            if plan.steps[id] == Step::Substitute {
                substitutes += 1;
            } else if let Builder::Fetch(fetch) = &drv.builder {
                fetches += 1;
                bytes += fetch.size;
            } else {
                history &= last.contains_key(drv.name.as_str());
            }
        }
        self.observer.event(&Event::Planned {
            total: plan.order.len(),
            substitutes,
            fetches,
            builds: missing.len() - fetches - substitutes,
            bytes,
            estimate: if history {
                priority.values().max().copied()
            } else {
                None
            },
        });
    }
}

impl<'a> Run<'a> {
    fn new(
        engine: &'a Engine<'a>,
        graph: &'a Graph,
        plan: Plan,
        refused: &'a BTreeSet<ActionId>,
        missing: &[DrvId],
        priority: BTreeMap<DrvId, Duration>,
        seats: usize,
    ) -> Self {
        let mut dependents: BTreeMap<DrvId, Vec<DrvId>> = BTreeMap::new();
        let mut waiting = BTreeMap::new();
        for id in missing {
            let drv = graph
                .get(id)
                .expect("a closure holds derivations of its graph");
            let needs: BTreeSet<DrvId> = match plan.steps[id] {
                Step::Substitute => BTreeSet::new(),
                Step::Perform => xsc_model::dependencies(drv)
                    .filter(|dep| plan.steps.contains_key(dep))
                    .collect(),
            };
            waiting.insert(*id, needs.len());
            for dep in needs {
                dependents.entry(dep).or_default().push(*id);
            }
        }
        let state = State {
            known: plan.known,
            waiting,
            ready: BTreeSet::new(),
            ready_fetches: BTreeSet::new(),
            admission: Admission::new(engine.options.max_memory),
            free: (0..seats).collect(),
            running: 0,
            failures: Vec::new(),
            refused: BTreeSet::new(),
            done: 0,
            stopping: false,
        };
        let run = Run {
            engine,
            graph,
            steps: plan.steps,
            asked: plan.asked,
            refused,
            priority,
            dependents,
            state: Mutex::new(state),
            builds: Condvar::new(),
            fetches: Condvar::new(),
        };
        let mut state = run.lock();
        let ready: Vec<DrvId> = state
            .waiting
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(id, _)| *id)
            .collect();
        for id in ready {
            run.enqueue(&mut state, id);
        }
        drop(state);
        run
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, state: &mut State, id: DrvId) {
        let key = (self.priority.get(&id).copied().unwrap_or_default(), id);
        let drv = self
            .graph
            .get(&id)
            .expect("a closure holds derivations of its graph");
        let work = match self.steps.get(&id) {
            Some(Step::Substitute) => Work::Substitute,
            _ => work_of(drv),
        };
        match work {
            Work::Fetch | Work::Substitute => state.ready_fetches.insert(key),
            Work::Builtin | Work::Build => state.ready.insert(key),
        };
    }

    /// Wakes those who have something to do now, or everybody where nothing more will come.
    fn wake(&self, state: &State) {
        let over = self.is_over(state);
        if over || !(state.ready.is_empty() || state.free.is_empty()) {
            self.builds.notify_all();
        }
        if over || !state.ready_fetches.is_empty() {
            self.fetches.notify_all();
        }
    }

    fn is_over(&self, state: &State) -> bool {
        let idle = state.ready.is_empty() && state.ready_fetches.is_empty() && state.running == 0;
        idle || state.stopping || self.engine.cancel.load(Ordering::SeqCst)
    }

    /// The next one to start, and the number and the needs of a build's seat, where one is free and it is admitted.
    fn take(
        &self,
        state: &mut State,
        fetches: bool,
    ) -> Option<(DrvId, Option<(usize, Resources)>)> {
        if fetches {
            return state.ready_fetches.pop_last().map(|(_, id)| (id, None));
        }
        let State {
            ready,
            admission,
            free,
            running,
            ..
        } = state;
        let number = *free.first()?;
        let candidates = ready.iter().rev().map(|key| {
            let drv = self.graph.get(&key.1);
            (*key, drv.map(|drv| needs(drv)).unwrap_or_default())
        });
        let (key, needs) = admission.start(candidates, *running)?;
        ready.remove(&key);
        free.remove(&number);
        Some((key.1, Some((number, needs))))
    }

    /// One thread: takes ready derivations until nothing is left or the run stops.
    fn work(&self, fetches: bool) {
        let _stop = StopOnPanic(self);
        loop {
            let mut state = self.lock();
            let (id, place) = loop {
                if self.is_over(&state) {
                    self.wake(&state);
                    return;
                }
                if let Some(taken) = self.take(&mut state, fetches) {
                    break taken;
                }
                let changed = match fetches {
                    true => &self.fetches,
                    false => &self.builds,
                };
                // The time limit makes a cancelled run end without a notification.
                let (guard, _) = changed
                    .wait_timeout(state, Duration::from_millis(200))
                    .unwrap_or_else(PoisonError::into_inner);
                state = guard;
            };
            state.running += 1;
            let drv = self
                .graph
                .get(&id)
                .expect("a closure holds derivations of its graph");
            if self.steps.get(&id) == Some(&Step::Substitute) {
                let realisation = state.known[&id].clone();
                drop(state);
                let result = self.substitute(id, drv, realisation);
                self.settle(id, result);
                continue;
            }
            let action = resolve(drv, &state.known)
                .expect("a derivation is ready only when its inputs are realised");
            drop(state);
            let seat = Cell::new(place.map(|(number, needs)| Seat {
                run: self,
                number,
                needs,
            }));
            let slot = place.map_or(0, |(number, _)| number);
            let result = self.perform(id, drv, &action, slot, &|| drop(seat.take()));
            // A failure is known before its seat is free: nothing new starts after it.
            self.settle(id, result.map(Settled::Realised));
        }
    }

    /// Fetches outputs that a cache knows.
    fn substitute(
        &self,
        id: DrvId,
        drv: &Derivation,
        realisation: Realisation,
    ) -> Result<Settled, Box<Failure>> {
        let name = drv.name.as_str();
        let action = realisation.action;
        let observer = self.engine.observer;
        let begin = Instant::now();
        observer.event(&Event::Started {
            drv: id,
            name,
            work: Work::Substitute,
            expected: None,
        });
        let result = self.engine.substitute(id, drv, &realisation);
        observer.event(&Event::Finished {
            drv: id,
            name,
            work: Work::Substitute,
            action,
            ended: match &result {
                Ok(Some(ended)) => *ended,
                Ok(None) => Ended::Refused,
                Err(_) => Ended::Failed,
            },
            took: begin.elapsed(),
        });
        match result {
            Ok(Some(_)) => Ok(Settled::Realised(realisation)),
            Ok(None) => Ok(Settled::Refused(action)),
            Err(failed) => Err(failed.of(id, name, action)),
        }
    }

    fn perform(
        &self,
        id: DrvId,
        drv: &Derivation,
        action: &Action,
        slot: usize,
        command_ended: &dyn Fn(),
    ) -> Result<Realisation, Box<Failure>> {
        let action_id = action.id();
        let name = drv.name.as_str();
        let work = work_of(drv);
        let failure = |failed: Failed| failed.of(id, name, action_id);
        // Waiting for another composer is not part of how long the work takes.
        let begin = Cell::new(Instant::now());
        let finished = |ended: Ended| {
            self.engine.observer.event(&Event::Finished {
                drv: id,
                name,
                work,
                action: action_id,
                ended,
                took: begin.get().elapsed(),
            });
        };
        match self.engine.store.realisation(&action_id) {
            Ok(Some(found)) => {
                finished(Ended::Cutoff);
                return Ok(found);
            }
            Ok(None) => {}
            Err(error) => return Err(failure(error.into())),
        }
        let started = |work| {
            begin.set(Instant::now());
            self.engine.observer.event(&Event::Started {
                drv: id,
                name,
                work,
                expected: self.engine.store.last_duration(name),
            });
        };
        let names = input_names(self.graph, drv);
        let job = Job {
            id,
            drv,
            action,
            input_names: &names,
            asked: self.asked.contains(&id) || self.refused.contains(&action_id),
            slot,
            command_ended,
        };
        let result = self.engine.perform(&job, started);
        let ended = match &result {
            Ok((_, ended)) => *ended,
            Err(_) => Ended::Failed,
        };
        finished(ended);
        if ended == Ended::Done && work != Work::Fetch {
            let took = begin.get().elapsed();
            self.engine.store.record_duration(name, took);
        }
        let (realisation, _) = result.map_err(failure)?;
        Ok(realisation)
    }

    fn settle(&self, id: DrvId, result: Result<Settled, Box<Failure>>) {
        let mut state = self.lock();
        state.running -= 1;
        match result {
            // What needs it stays where it is: this round ends without it.
            Ok(Settled::Refused(action)) => {
                state.refused.insert(action);
            }
            Ok(Settled::Realised(realisation)) => {
                state.done += 1;
                state.known.insert(id, realisation);
                for dependent in self.dependents.get(&id).into_iter().flatten() {
                    let count = state
                        .waiting
                        .get_mut(dependent)
                        .expect("every missing one waits");
                    *count -= 1;
                    if *count == 0 {
                        self.enqueue(&mut state, *dependent);
                    }
                }
            }
            Err(failure) => {
                state.failures.push(*failure);
                if !self.engine.options.keep_going {
                    state.stopping = true;
                }
            }
        }
        self.wake(&state);
    }
}

/// The right to have one build at work, with what it needs of the machine; somebody else's when this is dropped.
struct Seat<'r, 'a> {
    run: &'r Run<'a>,
    number: usize,
    needs: Resources,
}

impl Drop for Seat<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.run.lock();
        state.admission.end(self.needs);
        state.free.insert(self.number);
        self.run.wake(&state);
    }
}

/// How a step ended, if it did not fail.
enum Settled {
    Realised(Realisation),
    /// A cache knows the action and did not give its outputs.
    Refused(ActionId),
}

/// Stops the run when its thread panics: the others would wait for it for ever.
struct StopOnPanic<'r, 'a>(&'r Run<'a>);

impl Drop for StopOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut state = self.0.lock();
            state.stopping = true;
            self.0.wake(&state);
        }
    }
}

/// A flag that stops a run: set it from a signal handler.
pub type Cancel = Arc<AtomicBool>;
