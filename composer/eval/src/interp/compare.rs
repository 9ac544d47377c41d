//! Equality and order of values.
//!
//! Used by operators and by `elem`, `sort`, `lessThan`, `genericClosure`. Invariant: equality never
//! fails on functions, it is false; order fails on everything that has none.

use std::cmp::Ordering;
use std::rc::Rc;

use super::operators::{number, operands};
use crate::error::EvalError;
use crate::evaluator::Evaluator;
use crate::value::{Attrs, Value};

impl Evaluator {
    /// `left == right`.
    pub fn equal(&self, left: &Value, right: &Value) -> Result<bool, EvalError> {
        self.deeper(|| self.equal_inner(left, right))
    }

    fn equal_inner(&self, left: &Value, right: &Value) -> Result<bool, EvalError> {
        let (left, right) = (self.force(left)?, self.force(right)?);
        Ok(match (&left, &right) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
                number(&left) == number(&right)
            }
            (Value::String(a), Value::String(b)) => Rc::ptr_eq(a, b) || a == b,
            (Value::Path(a), Value::Path(b)) => a == b,
            (Value::List(a), Value::List(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                self.spend(a.len() as u64)?;
                for (a, b) in a.iter().zip(b.iter()) {
                    if !self.same_or_equal(a, b)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Attrs(a), Value::Attrs(b)) => self.equal_attrs(a, b)?,
            (Value::External(a), Value::External(b)) => Rc::ptr_eq(a, b),
            _ => false,
        })
    }

    /// Inside of lists and sets, one and the same value is equal to itself, functions and all, but it has to
    /// have a value.
    fn same_or_equal(&self, a: &Value, b: &Value) -> Result<bool, EvalError> {
        let same = match (a, b) {
            (Value::Thunk(thunk), Value::Thunk(other)) => {
                let same = Rc::ptr_eq(thunk, other);
                if same {
                    self.force(a)?;
                }
                same
            }
            (Value::Attrs(a), Value::Attrs(b)) => Rc::ptr_eq(a, b),
            (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
            (Value::Lambda(a, c), Value::Lambda(b, d)) => a == b && Rc::ptr_eq(c, d),
            (Value::Builtin(a), Value::Builtin(b)) => Rc::ptr_eq(a, b),
            _ => false,
        };
        Ok(same || self.equal(a, b)?)
    }

    fn equal_attrs(&self, a: &Attrs, b: &Attrs) -> Result<bool, EvalError> {
        // Two derivations are the same if they produce the same thing.
        if self.is_derivation(a)?
            && self.is_derivation(b)?
            && let (Some(a), Some(b)) = (a.get(self.names.out_path), b.get(self.names.out_path))
        {
            return self.equal(&self.force_attr(a)?, &self.force_attr(b)?);
        }
        if a.len() != b.len() {
            return Ok(false);
        }
        self.spend(a.len() as u64)?;
        for (a, b) in a.iter().zip(b) {
            if a.name != b.name {
                return Ok(false);
            }
            let equal = self.same_or_equal(&a.value, &b.value);
            if !equal.map_err(|error| self.during_attr(error, a))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the set says it is a derivation: `type = "derivation"`.
    pub fn is_derivation(&self, attrs: &Attrs) -> Result<bool, EvalError> {
        let Some(kind) = attrs.get(self.names.kind) else {
            return Ok(false);
        };
        let kind = self.force_attr(kind)?;
        Ok(matches!(kind, Value::String(kind) if kind.as_bytes() == b"derivation"))
    }

    /// `left < right`; `operator` is what errors call the comparison.
    pub(crate) fn less(
        &self,
        operator: &'static str,
        left: &Value,
        right: &Value,
    ) -> Result<bool, EvalError> {
        let (left, right) = (self.force(left)?, self.force(right)?);
        Ok(match (&left, &right) {
            (Value::Int(a), Value::Int(b)) => a < b,
            (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
                number(&left) < number(&right)
            }
            (Value::String(a), Value::String(b)) => a.cmp(b) == Ordering::Less,
            (Value::Path(a), Value::Path(b)) => a < b,
            (Value::List(a), Value::List(b)) => {
                for (x, y) in a.iter().zip(b.iter()) {
                    self.spend(1)?;
                    if !self.equal(x, y)? {
                        return self.deeper(|| self.less(operator, x, y));
                    }
                }
                a.len() < b.len()
            }
            // `a > b` and `a <= b` arrive with the operands exchanged.
            _ if matches!(operator, ">" | "<=") => return Err(operands(operator, &right, &left)),
            _ => return Err(operands(operator, &left, &right)),
        })
    }
}
