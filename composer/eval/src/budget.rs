//! The budget of an evaluation: steps that are left, and the largest list and string.
//!
//! Calls, comparisons and builtins that make lists or strings spend from it, so that it bounds time and
//! memory. Invariant: what could be larger than any memory is refused before it is allocated.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;

/// Elements of a list, and bytes of a string: beyond that it is a mistake, not a value.
const MAX_ELEMENTS: u64 = 1 << 28;
const MAX_BYTES: u64 = 1 << 32;

/// Bytes of a string that cost one step.
const BYTES_PER_STEP: u64 = 64;

/// Steps between two looks at the flag of an interruption: a few milliseconds.
const SLICE: u64 = 1 << 16;

pub(crate) struct Budget {
    /// Of the current slice; without a flag to look at, all there are.
    left: Cell<u64>,
    /// Of the slices to come.
    later: Cell<u64>,
    limit: Cell<u64>,
    /// Set by another thread to end the evaluation.
    pub(crate) interrupt: Option<Arc<AtomicBool>>,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Budget {
        Budget {
            left: Cell::new(0),
            later: Cell::new(limit),
            limit: Cell::new(limit),
            interrupt: None,
        }
    }

    fn all(&self) -> u64 {
        self.left.get().saturating_add(self.later.get())
    }

    fn set_all(&self, steps: u64) {
        let slice = match self.interrupt {
            Some(_) => SLICE.min(steps),
            None => steps,
        };
        self.left.set(slice);
        self.later.set(steps - slice);
    }
}

impl Evaluator {
    /// Takes `steps` from the budget.
    #[inline]
    pub(crate) fn spend(&self, steps: u64) -> Result<(), EvalError> {
        match self.budget.left.get().checked_sub(steps) {
            Some(left) => {
                self.budget.left.set(left);
                Ok(())
            }
            None => self.next_slice(steps),
        }
    }

    #[cold]
    fn next_slice(&self, steps: u64) -> Result<(), EvalError> {
        let budget = &self.budget;
        if let Some(flag) = &budget.interrupt
            && flag.load(Ordering::Relaxed)
        {
            return Err(ErrorKind::Interrupted.into());
        }
        match budget.all().checked_sub(steps) {
            Some(left) => {
                budget.set_all(left);
                Ok(())
            }
            None => Err(self.spent()),
        }
    }

    #[cold]
    fn spent(&self) -> EvalError {
        // What follows has no budget either, whatever it costs.
        self.budget.set_all(0);
        let limit = self.budget.limit.get();
        ErrorKind::TooManySteps { limit }.into()
    }

    /// Runs something that may take `steps` steps at most; they do not count for anything else.
    pub fn limited<T>(&self, steps: u64, run: impl FnOnce() -> T) -> T {
        let outer = (self.budget.all(), self.budget.limit.replace(steps));
        self.budget.set_all(steps);
        let result = run();
        self.budget.set_all(outer.0);
        self.budget.limit.set(outer.1);
        result
    }

    /// Pays for a list or set of `count` elements; to be called before it is made.
    #[inline]
    pub(crate) fn spend_elements(&self, count: usize) -> Result<(), EvalError> {
        let count = count as u64;
        if count > MAX_ELEMENTS {
            return Err(too_large(count, "elements", MAX_ELEMENTS));
        }
        self.spend(count)
    }

    /// Pays for a string of `length` bytes.
    #[inline]
    pub(crate) fn spend_bytes(&self, length: usize) -> Result<(), EvalError> {
        self.spend(length as u64 / BYTES_PER_STEP)
    }

    /// Fails if a string that is being built is longer, in bytes, than it may be or than the budget can pay.
    #[inline]
    pub(crate) fn check_bytes(&self, length: usize) -> Result<(), EvalError> {
        let length = length as u64;
        if length > MAX_BYTES {
            return Err(too_large(length, "bytes", MAX_BYTES));
        }
        if length / BYTES_PER_STEP > self.budget.all() {
            return Err(self.spent());
        }
        Ok(())
    }
}

#[cold]
fn too_large(size: u64, unit: &'static str, limit: u64) -> EvalError {
    ErrorKind::TooLarge { size, unit, limit }.into()
}
