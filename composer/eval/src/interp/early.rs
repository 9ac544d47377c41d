//! What needs no thunk: values that are there already, and expressions that are cheap and can't fail.
//!
//! Used wherever an expression is put off, and as the fast path of operators and conditions. Invariant:
//! nothing here fails, forces a thunk or calls a function, so that trying can't be seen from the language.

use std::rc::Rc;

use crate::evaluator::Evaluator;
use crate::expr::{AttrName, AttrNameKind, AttrsDef, BinOp, Expr, ExprId, Node};
use crate::value::{Attr, Attrs, Env, Thunk, Value, Work};

impl Evaluator {
    /// The value of a constant or a variable, where it is, if it is evaluated.
    #[inline]
    pub(super) fn ready<'a>(&'a self, node: &'a Node, env: &'a Env) -> Option<&'a Value> {
        match &node.expr {
            Expr::Local { up, slot } => forced(env.get(*up, *slot)?),
            Expr::Const(value) => Some(value),
            Expr::Global(index) => forced(self.globals.value(*index)),
            _ => None,
        }
    }

    /// The value of an expression, put off unless it is there already or costs next to nothing.
    #[inline]
    pub(crate) fn delay(&self, node: &ExprId, env: &Rc<Env>) -> Value {
        match &node.expr {
            Expr::Local { up, slot } => match env.get(*up, *slot) {
                Some(value) => settled(value),
                None => put_off(node, env),
            },
            Expr::Const(value) => value.clone(),
            Expr::Global(index) => self.globals.value(*index).clone(),
            Expr::Lambda(id) => Value::Lambda(*id, env.clone()),
            _ if node.cost > 0 && self.eager => match self.at_once(node, env) {
                Some(value) => value,
                None => put_off(node, env),
            },
            _ => put_off(node, env),
        }
    }

    /// Tries to evaluate an expression whose `cost` is not 0.
    pub(super) fn at_once(&self, node: &Node, env: &Rc<Env>) -> Option<Value> {
        match &node.expr {
            Expr::Const(_) | Expr::Local { .. } | Expr::Global(_) => self.ready(node, env).cloned(),
            Expr::Lambda(id) => Some(Value::Lambda(*id, env.clone())),
            Expr::Bin { op, lhs, rhs } => self.binary_at_once(*op, lhs, rhs, env),
            Expr::Not(operand) => self.bool_at_once(operand, env).map(|b| Value::Bool(!b)),
            Expr::If { cond, then, other } => {
                let branch = if self.bool_at_once(cond, env)? {
                    then
                } else {
                    other
                };
                self.at_once(branch, env)
            }
            Expr::Select { target, path, .. } => {
                let mut value = self.ready(target, env)?;
                for name in path {
                    value = forced(&attribute(value, name)?.value)?;
                }
                match value {
                    // What a comparison or the printer tells apart by identity keeps it: a thunk has its own.
                    Value::Float(_) | Value::List(_) | Value::Lambda(..) | Value::Builtin(_) => {
                        None
                    }
                    value => Some(value.clone()),
                }
            }
            Expr::HasAttr { target, path } => {
                let mut value = self.ready(target, env)?;
                for (index, name) in path.iter().enumerate() {
                    let Some(attr) = attribute(value, name) else {
                        return Some(Value::Bool(false));
                    };
                    if index + 1 < path.len() {
                        value = forced(&attr.value)?;
                    }
                }
                Some(Value::Bool(true))
            }
            Expr::List(items) => Some(self.list(items, env)),
            Expr::Attrs(def) => Some(self.plain_set(def, env)),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn bool_at_once(&self, node: &Node, env: &Rc<Env>) -> Option<bool> {
        match &node.expr {
            Expr::Bin { op, lhs, rhs } => match self.binary_at_once(*op, lhs, rhs, env)? {
                Value::Bool(value) => Some(value),
                _ => None,
            },
            _ => match self.at_once(node, env)? {
                Value::Bool(value) => Some(value),
                _ => None,
            },
        }
    }

    #[inline]
    fn int_at_once(&self, node: &Node, env: &Rc<Env>) -> Option<i64> {
        match &node.expr {
            Expr::Const(Value::Int(value)) => Some(*value),
            Expr::Local { up, slot } => match forced(env.get(*up, *slot)?)? {
                Value::Int(value) => Some(*value),
                _ => None,
            },
            _ if node.cost > 1 => match self.at_once(node, env)? {
                Value::Int(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn binary_at_once(
        &self,
        op: BinOp,
        lhs: &Node,
        rhs: &Node,
        env: &Rc<Env>,
    ) -> Option<Value> {
        match op {
            BinOp::And => {
                let value = self.bool_at_once(lhs, env)? && self.bool_at_once(rhs, env)?;
                return Some(Value::Bool(value));
            }
            BinOp::Or => {
                let value = self.bool_at_once(lhs, env)? || self.bool_at_once(rhs, env)?;
                return Some(Value::Bool(value));
            }
            BinOp::Implies => {
                let value = !self.bool_at_once(lhs, env)? || self.bool_at_once(rhs, env)?;
                return Some(Value::Bool(value));
            }
            BinOp::Concat | BinOp::Update => return None,
            BinOp::Equal | BinOp::NotEqual => {
                if let (Some(left), Some(right)) = (self.ready(lhs, env), self.ready(rhs, env)) {
                    let equal = simply_equal(left, right)?;
                    return Some(Value::Bool(equal == (op == BinOp::Equal)));
                }
            }
            _ => {}
        }
        let left = self.int_at_once(lhs, env)?;
        integers(op, left, self.int_at_once(rhs, env)?)
    }

    #[inline(never)]
    pub(super) fn list(&self, items: &[ExprId], env: &Rc<Env>) -> Value {
        let items: Box<[Value]> = items.iter().map(|item| self.delay(item, env)).collect();
        Value::list(items)
    }

    /// A set without `rec`, hidden slots and computed names.
    #[inline(never)]
    pub(super) fn plain_set(&self, def: &AttrsDef, env: &Rc<Env>) -> Value {
        let attrs = def.attrs.iter().map(|attr| Attr {
            name: attr.name,
            pos: attr.pos,
            value: self.delay(&attr.value, env),
        });
        Value::attrs(Attrs::from_sorted(attrs.collect()))
    }
}

#[inline]
fn put_off(node: &ExprId, env: &Rc<Env>) -> Value {
    Thunk::suspended(Work::Expr(node.clone(), env.clone()))
}

#[inline]
pub(super) fn forced(value: &Value) -> Option<&Value> {
    match value {
        Value::Thunk(thunk) => thunk.value.get(),
        value => Some(value),
    }
}

/// The value in place of the thunk that made it, unless its identity can be seen.
#[inline]
fn settled(value: &Value) -> Value {
    if let Value::Thunk(thunk) = value
        && let Some(value) = thunk.value.get()
        && !matches!(value, Value::Float(_) | Value::List(_))
    {
        return value.clone();
    }
    value.clone()
}

#[inline]
fn attribute<'a>(value: &'a Value, name: &AttrName) -> Option<&'a Attr> {
    match (value, &name.kind) {
        (Value::Attrs(attrs), AttrNameKind::Static(symbol)) => attrs.get(*symbol),
        _ => None,
    }
}

/// Equality of values that contain no others.
#[inline]
fn simply_equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a == b),
        (Value::String(a), Value::String(b)) => Some(a == b),
        (Value::Bool(a), Value::Bool(b)) => Some(a == b),
        (Value::Null, Value::Null) => Some(true),
        (Value::Null, _) | (_, Value::Null) => Some(false),
        _ => None,
    }
}

/// An operator between integers; nothing on overflow and division by zero.
#[inline]
pub(super) fn integers(op: BinOp, left: i64, right: i64) -> Option<Value> {
    Some(match op {
        BinOp::Add => Value::Int(left.checked_add(right)?),
        BinOp::Sub => Value::Int(left.checked_sub(right)?),
        BinOp::Mul => Value::Int(left.checked_mul(right)?),
        BinOp::Div => Value::Int(left.checked_div(right)?),
        BinOp::Less => Value::Bool(left < right),
        BinOp::LessEq => Value::Bool(left <= right),
        BinOp::Greater => Value::Bool(left > right),
        BinOp::GreaterEq => Value::Bool(left >= right),
        BinOp::Equal => Value::Bool(left == right),
        BinOp::NotEqual => Value::Bool(left != right),
        _ => return None,
    })
}
