//! Laziness: thunks, evaluated at most once, and the environments they close over.
//!
//! The interpreter makes and forces them. Invariant: a thunk under evaluation is `Blackhole`; meeting one
//! is infinite recursion, and a failed evaluation puts the suspended form back so that it fails again alike.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use smallvec::SmallVec;

use super::{Value, drop_deep};
use crate::error::EvalError;
use crate::evaluator::Evaluator;
use crate::expr::ExprId;
use crate::source::Span;

/// Work that was put off.
#[derive(Clone)]
pub(crate) enum Suspended {
    Expr(ExprId, Rc<Env>),
    /// A function applied to arguments by a builtin; boxed to keep the common thunk small.
    Apply(Rc<LazyCall>),
    /// Work written in Rust.
    Native(NativeThunk),
}

pub(crate) struct LazyCall {
    pub(crate) function: Value,
    pub(crate) args: SmallVec<[Value; 2]>,
    /// The call of the builtin that put the application off, for the trace.
    pub(crate) span: Option<Span>,
}

type NativeThunk = Rc<dyn Fn(&Evaluator) -> Result<Value, EvalError>>;

pub(crate) enum ThunkState {
    Suspended(Suspended),
    Blackhole,
    Done(Value),
}

/// A value computed when first needed.
pub struct LazyValue {
    pub(crate) state: RefCell<ThunkState>,
}

pub(crate) type Thunk = LazyValue;

impl LazyValue {
    pub(crate) fn suspended(work: Suspended) -> Value {
        let state = RefCell::new(ThunkState::Suspended(work));
        Value::Thunk(Rc::new(LazyValue { state }))
    }
}

impl Value {
    /// A value that `compute` makes when it is first needed.
    pub fn lazy(compute: impl Fn(&Evaluator) -> Result<Value, EvalError> + 'static) -> Value {
        Thunk::suspended(Suspended::Native(Rc::new(compute)))
    }
}

impl Drop for LazyValue {
    fn drop(&mut self) {
        drop_deep(std::mem::replace(
            self.state.get_mut(),
            ThunkState::Blackhole,
        ));
    }
}

/// The variables of one scope and the scope around it. Opaque outside the crate.
#[derive(Default)]
pub struct Env {
    up: Option<Rc<Env>>,
    /// Cells because the thunks of a recursive scope refer to the environment they are stored in.
    slots: SmallVec<[OnceCell<Value>; 1]>,
}

impl Env {
    pub(crate) fn single(up: Rc<Env>, value: Value) -> Rc<Env> {
        let mut slots = SmallVec::new();
        slots.push(OnceCell::from(value));
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
        drop_deep((self.up.take(), std::mem::take(&mut self.slots)));
    }
}
