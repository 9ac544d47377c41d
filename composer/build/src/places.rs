//! Places for work on this machine, where more is under way than it can do: with an engine beside it.
//!
//! `exec` and the engine take one before they run something here. Invariant: no more than `max_jobs` places are taken
//! at once in this process, so that an engine that goes away does not leave all of its work to this machine.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::Engine;
use crate::error::FailureKind;

static TAKEN: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
static FREED: Condvar = Condvar::new();

/// A place; it is free again when this value goes.
pub(crate) struct Place(Option<usize>);

impl Place {
    /// Waits for a place. Without an engine the seats of the scheduler are the places, and `slot` is a seat's number.
    pub(crate) fn take(engine: &Engine<'_>) -> Result<Place, FailureKind> {
        if engine.executor.is_none() {
            return Ok(Place(None));
        }
        let most = engine.options.max_jobs.max(1);
        let mut taken = lock();
        loop {
            if engine.cancel.load(Ordering::SeqCst) {
                return Err(FailureKind::Interrupted);
            }
            if let Some(free) = (0..most).find(|place| !taken.contains(place)) {
                taken.insert(free);
                return Ok(Place(Some(free)));
            }
            // The time limit makes a cancelled run end without a notification.
            let wait = FREED.wait_timeout(taken, Duration::from_millis(200));
            taken = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The place's number, by which a command gets its processor, or else the seat's.
    pub(crate) fn number(&self, slot: usize) -> usize {
        self.0.unwrap_or(slot)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(number) = self.0 {
            lock().remove(&number);
            FREED.notify_one();
        }
    }
}

fn lock() -> MutexGuard<'static, BTreeSet<usize>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}
