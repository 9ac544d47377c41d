//! Unary and binary operators.
//!
//! Used by `eval_node`; the arithmetic is shared with `builtins.add` and friends. Invariant: integer
//! overflow is an error, never a wrapped result.

use std::rc::Rc;

use super::Coercion;
use super::early::integers;
use crate::error::{ErrorKind, EvalError};
use crate::evaluator::Evaluator;
use crate::expr::{BinOp, ExprId};
use crate::path;
use crate::value::{Attrs, Env, NixString, StringBuilder, Value};

/// Larger buffers are not kept, in bytes.
const MAX_BUFFER: usize = 1 << 16;

impl Evaluator {
    #[inline(never)]
    pub(super) fn binary(
        &self,
        op: BinOp,
        lhs: &ExprId,
        rhs: &ExprId,
        env: &Rc<Env>,
    ) -> Result<Value, EvalError> {
        match op {
            BinOp::And => Ok(Value::Bool(
                self.eval_bool(lhs, env, "the left operand of `&&`")?
                    && self.eval_bool(rhs, env, "the right operand of `&&`")?,
            )),
            BinOp::Or => Ok(Value::Bool(
                self.eval_bool(lhs, env, "the left operand of `||`")?
                    || self.eval_bool(rhs, env, "the right operand of `||`")?,
            )),
            BinOp::Implies => Ok(Value::Bool(
                !self.eval_bool(lhs, env, "the left operand of `->`")?
                    || self.eval_bool(rhs, env, "the right operand of `->`")?,
            )),
            BinOp::Update => self.update(lhs, rhs, env),
            BinOp::Concat => self.concat_lists(lhs, rhs, env),
            _ => {
                // `a > b` is `b < a`, also in what is evaluated first.
                let (left, right) = if matches!(op, BinOp::Greater | BinOp::LessEq) {
                    let right = self.eval(rhs, env)?;
                    (self.eval(lhs, env)?, right)
                } else {
                    let left = self.eval(lhs, env)?;
                    match self.eval(rhs, env) {
                        Ok(right) => (left, right),
                        // Nothing can be added to it, so what is to be added does not matter.
                        Err(_) if op == BinOp::Add && !self.is_addable(&left) => {
                            let error = self.not_coercible(&left, Coercion::Interpolation);
                            return Err(error.or_at(Some(lhs.span)));
                        }
                        Err(error) => return Err(error),
                    }
                };
                if let (Value::Int(left), Value::Int(right)) = (&left, &right)
                    && let Some(value) = integers(op, *left, *right)
                {
                    return Ok(value);
                }
                let result = match op {
                    BinOp::Add => self.add_values(&left, &right),
                    BinOp::Sub => self.arithmetic("-", &left, &right),
                    BinOp::Mul => self.arithmetic("*", &left, &right),
                    BinOp::Div => self.arithmetic("/", &left, &right),
                    BinOp::Equal => self.equal(&left, &right).map(Value::Bool),
                    BinOp::NotEqual => self.equal(&left, &right).map(|equal| Value::Bool(!equal)),
                    BinOp::Less => self.less("<", &left, &right).map(Value::Bool),
                    BinOp::Greater => self.less(">", &right, &left).map(Value::Bool),
                    BinOp::LessEq => self
                        .less("<=", &right, &left)
                        .map(|less| Value::Bool(!less)),
                    BinOp::GreaterEq => self
                        .less(">=", &left, &right)
                        .map(|less| Value::Bool(!less)),
                    _ => unreachable!("handled above"),
                };
                match result {
                    Ok(value) => Ok(value),
                    Err(error) => Err(self.between(error, (lhs, &left), (rhs, &right), env)),
                }
            }
        }
    }

    #[inline(never)]
    fn update(&self, lhs: &ExprId, rhs: &ExprId, env: &Rc<Env>) -> Result<Value, EvalError> {
        let at = |node: &ExprId, error: EvalError| self.at_operand(error, node, env);
        let value = self.eval(lhs, env)?;
        let left = self
            .expect_attrs(&value, "the left operand of `//`")
            .map_err(|error| at(lhs, error))?;
        let value = self.eval(rhs, env)?;
        let right = self
            .expect_attrs(&value, "the right operand of `//`")
            .map_err(|error| at(rhs, error))?;
        if right.is_empty() {
            return Ok(Value::Attrs(left));
        }
        if left.is_empty() {
            return Ok(Value::Attrs(right));
        }
        self.spend_elements(left.len() + right.len())?;
        Ok(Value::attrs(Attrs::update(&left, &right)))
    }

    #[inline(never)]
    fn concat_lists(&self, lhs: &ExprId, rhs: &ExprId, env: &Rc<Env>) -> Result<Value, EvalError> {
        let at = |node: &ExprId, error: EvalError| self.at_operand(error, node, env);
        let value = self.eval(lhs, env)?;
        let left = self
            .expect_list(&value, "the left operand of `++`")
            .map_err(|error| at(lhs, error))?;
        let value = self.eval(rhs, env)?;
        let right = self
            .expect_list(&value, "the right operand of `++`")
            .map_err(|error| at(rhs, error))?;
        if right.is_empty() {
            return Ok(Value::List(left));
        }
        if left.is_empty() {
            return Ok(Value::List(right));
        }
        self.spend_elements(left.len() + right.len())?;
        Ok(Value::list([left.as_slice(), right.as_slice()].concat()))
    }

    #[inline(never)]
    pub(super) fn negate(&self, operand: &ExprId, env: &Rc<Env>) -> Result<Value, EvalError> {
        match self.eval(operand, env)? {
            // As a difference, like integers: zero has no sign.
            Value::Float(x) => Ok(Value::Float(0.0 - x)),
            Value::Int(i) => self.arithmetic("-", &Value::Int(0), &Value::Int(i)),
            value => {
                let error = self.type_error("a number", &value, "the operand of `-`");
                Err(self.at_operand(error, operand, env))
            }
        }
    }

    /// The text of a part of a path: the path would not keep what the text refers to.
    pub(super) fn path_text<'t>(&self, text: &'t NixString) -> Result<&'t str, EvalError> {
        if text.context().is_some() {
            let message =
                "a string that refers to files or derivations can't be part of a path".to_owned();
            return Err(ErrorKind::InvalidArgument { message }.into());
        }
        self.utf8(text, "a path")
    }

    fn is_addable(&self, left: &Value) -> bool {
        match left {
            Value::Int(_) | Value::Float(_) | Value::String(_) | Value::Path(_) => true,
            Value::Attrs(attrs) => {
                let mut names = [self.names.to_string, self.names.out_path].into_iter();
                names.any(|name| attrs.get(name).is_some())
            }
            _ => false,
        }
    }

    /// `+`, which also joins strings and paths. Operands are forced.
    fn add_values(&self, left: &Value, right: &Value) -> Result<Value, EvalError> {
        match (left, right) {
            (Value::Int(_) | Value::Float(_), _) => self.arithmetic("+", left, right),
            (Value::Path(base), _) => {
                let mut text = StringBuilder::default();
                self.coerce(right, Coercion::PathPart, &mut text)?;
                let text = text.finish();
                let text = self.path_text(&text)?;
                let base = if text.starts_with('/') {
                    base.as_str().trim_end_matches('/')
                } else {
                    base.as_str()
                };
                let joined = format!("{base}{text}");
                Ok(Value::Path(path::absolute(&joined, || self.io.root())?))
            }
            (Value::String(_) | Value::Attrs(_), _) => {
                if let (Value::Attrs(attrs), Value::Int(_) | Value::Float(_)) = (left, right)
                    && attrs.get(self.names.out_path).is_none()
                    && attrs.get(self.names.to_string).is_none()
                {
                    return Err(operands("+", left, right));
                }
                let mut text = StringBuilder::default();
                self.coerce(left, Coercion::Interpolation, &mut text)?;
                self.coerce(right, Coercion::Interpolation, &mut text)?;
                self.spend_bytes(text.len())?;
                Ok(Value::string(text.finish()))
            }
            _ => Err(operands("+", left, right)),
        }
    }

    /// `+ - * /` on numbers. Operands are forced.
    pub(crate) fn arithmetic(
        &self,
        operator: &'static str,
        left: &Value,
        right: &Value,
    ) -> Result<Value, EvalError> {
        if let (Value::Int(left), Value::Int(right)) = (left, right) {
            let (left, right) = (*left, *right);
            let result = match operator {
                "+" => left.checked_add(right),
                "-" => left.checked_sub(right),
                "*" => left.checked_mul(right),
                _ if right == 0 => return Err(ErrorKind::DivisionByZero.into()),
                _ => left.checked_div(right),
            };
            return match result {
                Some(result) => Ok(Value::Int(result)),
                None => Err(ErrorKind::Overflow {
                    left,
                    operator,
                    right,
                }
                .into()),
            };
        }
        let (Some(x), Some(y)) = (number(left), number(right)) else {
            return Err(operands(operator, left, right));
        };
        Ok(Value::Float(match operator {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            _ if y == 0.0 => return Err(ErrorKind::DivisionByZero.into()),
            _ => x / y,
        }))
    }

    #[inline(never)]
    pub(super) fn interpolate(&self, parts: &[ExprId], env: &Rc<Env>) -> Result<Value, EvalError> {
        Ok(Value::string(self.concat_parts(
            parts,
            env,
            Coercion::Interpolation,
        )?))
    }

    pub(super) fn concat_parts(
        &self,
        parts: &[ExprId],
        env: &Rc<Env>,
        coercion: Coercion,
    ) -> Result<NixString, EvalError> {
        // Strings are built in a buffer of the evaluator's; one inside of another makes its own.
        let mut text = StringBuilder::reusing(self.buffer.take());
        for part in parts {
            let value = self.eval(part, env)?;
            if let Err(error) = self.coerce(&value, coercion, &mut text) {
                return Err(self.at_operand(error, part, env));
            }
        }
        self.spend_bytes(text.len())?;
        let (string, buffer) = text.finish_keeping();
        if buffer.capacity() <= MAX_BUFFER {
            self.buffer.set(buffer);
        }
        Ok(string)
    }
}

pub(super) fn operands(operator: &'static str, left: &Value, right: &Value) -> EvalError {
    let (left, right) = (left.described(), right.described());
    ErrorKind::Operands {
        operator,
        left,
        right,
    }
    .into()
}

pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        // Nix converts the same way; integers beyond 2^53 lose precision.
        #[expect(clippy::cast_precision_loss)]
        Value::Int(i) => Some(*i as f64),
        Value::Float(x) => Some(*x),
        _ => None,
    }
}
