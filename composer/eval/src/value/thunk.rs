//! Laziness: thunks, evaluated at most once, and the environments they close over.
//!
//! The interpreter makes and forces them. Invariant: a thunk without value and without work is being
//! evaluated; meeting one is infinite recursion, and a failed evaluation puts the work back so that it
//! fails again alike.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use smallvec::SmallVec;

use super::Value;
use crate::error::EvalError;
use crate::evaluator::Evaluator;
use crate::expr::ExprId;
use crate::source::Span;
use crate::stack;

/// Work that was put off. Two words, because there are millions.
pub(crate) enum Work {
    Expr(ExprId, Rc<Env>),
    /// Something else, or nothing: done, or being done.
    Other(Option<Rc<Delayed>>),
}

impl Default for Work {
    fn default() -> Work {
        Work::Other(None)
    }
}

/// Work that is not an expression.
pub(crate) enum Delayed {
    /// A function applied to arguments by a builtin.
    Call(LazyCall),
    /// Work written in Rust.
    Native(Box<Compute>),
}

type Compute = dyn Fn(&Evaluator) -> Result<Value, EvalError>;

/// A function and the arguments it will be applied to.
pub(crate) struct LazyCall {
    pub(crate) function: Value,
    pub(crate) args: SmallVec<[Value; 2]>,
    /// The call of the builtin that put the application off, for the trace.
    pub(crate) span: Option<Span>,
}

impl Drop for LazyCall {
    fn drop(&mut self) {
        if !stack::enough() {
            let contents = (
                std::mem::replace(&mut self.function, Value::Null),
                std::mem::take(&mut self.args),
            );
            stack::measured(|| drop(contents));
        }
    }
}

/// A value computed when first needed.
pub struct LazyValue {
    pub(crate) value: OnceCell<Value>,
    pub(crate) work: Cell<Work>,
}

pub(crate) type Thunk = LazyValue;

impl LazyValue {
    #[inline]
    pub(crate) fn suspended(work: Work) -> Value {
        Value::Thunk(Rc::new(LazyValue {
            value: OnceCell::new(),
            work: Cell::new(work),
        }))
    }

    /// Whether it is being evaluated now.
    pub(crate) fn is_running(&self) -> bool {
        let work = self.work.take();
        let running = matches!(work, Work::Other(None)) && self.value.get().is_none();
        self.work.set(work);
        running
    }
}

impl Value {
    /// A value that `compute` makes when it is first needed.
    pub fn lazy(compute: impl Fn(&Evaluator) -> Result<Value, EvalError> + 'static) -> Value {
        let work = Rc::new(Delayed::Native(Box::new(compute)));
        Thunk::suspended(Work::Other(Some(work)))
    }
}

/// The variables of one scope and the scope around it. Opaque outside the crate.
#[derive(Default)]
pub struct Env {
    up: Option<Rc<Env>>,
    /// Cells because the thunks of a recursive scope refer to the environment they are stored in.
    slots: Slots,
}

type Slots = SmallVec<[OnceCell<Value>; 2]>;

impl Env {
    #[inline]
    pub(crate) fn single(up: Rc<Env>, value: Value) -> Rc<Env> {
        let slots = Slots::from_buf_and_len([OnceCell::from(value), OnceCell::new()], 1);
        Rc::new(Env {
            up: Some(up),
            slots,
        })
    }

    /// An environment whose slots are filled, in order.
    #[inline]
    pub(crate) fn filled(up: Rc<Env>, values: impl Iterator<Item = Value>) -> Rc<Env> {
        Rc::new(Env {
            up: Some(up),
            slots: values.map(OnceCell::from).collect(),
        })
    }

    #[inline]
    pub(crate) fn pair(up: Rc<Env>, first: Value, second: Value) -> Rc<Env> {
        let slots = Slots::from_buf([OnceCell::from(first), OnceCell::from(second)]);
        Rc::new(Env {
            up: Some(up),
            slots,
        })
    }

    pub(crate) fn with_slots(up: Rc<Env>, count: usize) -> Rc<Env> {
        let mut slots = SmallVec::with_capacity(count);
        slots.resize_with(count, OnceCell::new);
        Rc::new(Env {
            up: Some(up),
            slots,
        })
    }

    /// Of a partly applied function: a copy of the arguments so far with `values` after them.
    pub(crate) fn extended(&self, values: impl Iterator<Item = Value>) -> Rc<Env> {
        Rc::new(Env {
            up: self.up.clone(),
            slots: self
                .slots
                .iter()
                .cloned()
                .chain(values.map(OnceCell::from))
                .collect(),
        })
    }

    /// Puts other values in all slots.
    #[inline]
    pub(crate) fn refill<const N: usize>(&mut self, values: [Value; N]) {
        for (slot, value) in self.slots.iter_mut().zip(values) {
            *slot = OnceCell::from(value);
        }
    }

    #[inline]
    pub(crate) fn set(&self, slot: usize, value: Value) {
        assert!(
            self.slots[slot].set(value).is_ok(),
            "each slot is filled once"
        );
    }

    /// The value in a slot; absent only while a recursive scope is being set up.
    #[inline]
    pub(crate) fn get(&self, up: u32, slot: u32) -> Option<&Value> {
        let mut env = self;
        for _ in 0..up {
            env = env
                .up
                .as_deref()
                .expect("lowering counts environments as the interpreter pushes them");
        }
        env.slots[slot as usize].get()
    }
}

impl Drop for Env {
    fn drop(&mut self) {
        if !stack::enough() {
            let contents = (self.up.take(), std::mem::take(&mut self.slots));
            stack::measured(|| drop(contents));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thunk_is_six_words_with_its_counts() {
        assert_eq!(size_of::<LazyValue>(), 32);
    }
}
