//! Whole values: forcing everything inside.
//!
//! Used by `deepSeq` and hosts. Invariant: it ends on cyclic values, because each shared set or list is
//! entered once.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::error::{EvalError, FrameKind};
use crate::evaluator::Evaluator;
use crate::value::Value;

impl Evaluator {
    /// Forces a value and everything inside.
    pub fn force_deep(&self, value: &Value) -> Result<Value, EvalError> {
        let value = self.force(value)?;
        self.deep(&value, &mut FxHashSet::default())?;
        Ok(value)
    }

    fn deep(&self, value: &Value, seen: &mut FxHashSet<usize>) -> Result<(), EvalError> {
        self.deeper(|| match self.force(value)? {
            Value::List(items) if seen.insert(Rc::as_ptr(&items).addr()) => {
                for (index, item) in items.iter().enumerate() {
                    self.deep(item, seen)
                        .map_err(|error| error.during(FrameKind::Element(index), None))?;
                }
                Ok(())
            }
            Value::Attrs(attrs) if seen.insert(Rc::as_ptr(&attrs).addr()) => {
                for (_, attr) in self.sorted(&attrs) {
                    self.deep(&attr.value, seen)
                        .map_err(|error| self.during_attr(error, attr))?;
                }
                Ok(())
            }
            _ => Ok(()),
        })
    }
}
