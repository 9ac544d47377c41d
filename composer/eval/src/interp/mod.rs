//! The interpreter: evaluates expressions to values, forces thunks, calls functions.
//!
//! Called by `Evaluator`'s public methods and by builtins. Invariant: `eval` and `force` never return a
//! `Value::Thunk`; native recursion goes through `eval`, which moves to a new stack segment when needed.

mod blame;
mod call;
mod coerce;
mod compare;
mod deep;
mod early;
mod operators;
mod repeat;

pub(crate) use coerce::Coercion;
pub(crate) use repeat::Calls;

use std::rc::Rc;

use crate::error::{ErrorKind, EvalError, FrameKind, similar};
use crate::evaluator::Evaluator;
use crate::expr::{AttrName, AttrNameKind, AttrsDef, Expr, ExprId};
use crate::path;
use crate::stack;
use crate::symbol::Symbol;
use crate::value::{Attr, Attrs, Delayed, Env, NixString, Thunk, Value, Work};

/// Evaluations that may be nested: what keeps infinite values from using up the memory for stacks.
const MAX_NESTING: u32 = 500_000;

impl Evaluator {
    /// Runs one level of a recursion, on a new stack segment if the current one is nearly full.
    #[inline]
    pub(crate) fn deeper<T>(
        &self,
        run: impl FnOnce() -> Result<T, EvalError>,
    ) -> Result<T, EvalError> {
        let nesting = self.nesting.get();
        if nesting == MAX_NESTING {
            return Err(ErrorKind::TooNested { limit: MAX_NESTING }.into());
        }
        self.nesting.set(nesting + 1);
        let result = stack::deeper(run);
        self.nesting.set(nesting);
        result
    }

    #[inline]
    pub(crate) fn eval(&self, node: &ExprId, env: &Rc<Env>) -> Result<Value, EvalError> {
        match self.ready(node, env) {
            Some(value) => Ok(value.clone()),
            None => self.eval_more(node, env),
        }
    }

    /// Evaluates what is not there yet.
    pub(super) fn eval_more(&self, node: &ExprId, env: &Rc<Env>) -> Result<Value, EvalError> {
        if !stack::enough() {
            return stack::measured(|| self.eval_more(node, env));
        }
        match self.eval_node(node, env) {
            Ok(value) => Ok(value),
            Err(error) => Err(error.or_at(Some(node.span))),
        }
    }

    #[inline(always)]
    fn eval_node(&self, node: &ExprId, env: &Rc<Env>) -> Result<Value, EvalError> {
        match &node.expr {
            Expr::Const(value) => Ok(value.clone()),
            // `eval` looked for the value already.
            Expr::Local { up, slot } => match env.get(*up, *slot) {
                Some(Value::Thunk(thunk)) => match self.run_thunk(thunk) {
                    Ok(value) => Ok(value.clone()),
                    Err(error) => Err(self.during_variable(error, node.span)),
                },
                Some(value) => Ok(value.clone()),
                None => Err(ErrorKind::InfiniteRecursion.into()),
            },
            Expr::Global(index) => self.force(self.globals.value(*index)),
            Expr::WithLookup { ups, name } => self
                .with_lookup(ups, *name, env)
                .map_err(|error| self.during_variable(error, node.span)),
            Expr::Select {
                target,
                path,
                default,
            } => self.select(target, path, default.as_ref(), env),
            Expr::HasAttr { target, path } => self.has_attr(target, path, env).map(Value::Bool),
            Expr::Apply { func, args } => self.eval_apply(func, args, node.span, env),
            Expr::Lambda(id) => Ok(Value::Lambda(*id, env.clone())),
            Expr::Let { slots, body } => self.let_in(slots, body, env),
            Expr::Attrs(def) => self.attr_set(def, env),
            Expr::List(items) => Ok(self.list(items, env)),
            Expr::If { cond, then, other } => {
                if self.eval_bool(cond, env, "the condition of `if`")? {
                    self.eval(then, env)
                } else {
                    self.eval(other, env)
                }
            }
            Expr::Assert { cond, body } => {
                if !self.eval_bool(cond, env, "the condition of `assert`")? {
                    return Err(self.assertion_failed(cond, env));
                }
                self.eval(body, env)
            }
            Expr::With { namespace, body } => self.with_in(namespace, body, env),
            Expr::Bin { op, lhs, rhs } => {
                if node.cost > 0
                    && let Some(value) = self.binary_at_once(*op, lhs, rhs, env)
                {
                    return Ok(value);
                }
                self.binary(*op, lhs, rhs, env)
            }
            Expr::Not(operand) => Ok(Value::Bool(!self.eval_bool(
                operand,
                env,
                "the operand of `!`",
            )?)),
            Expr::Negate(operand) => self.negate(operand, env),
            Expr::Interpolate(parts) => self.interpolate(parts, env),
            Expr::InterpolatePath(parts) => self.interpolate_path(parts, env),
            Expr::SearchPath(_) | Expr::HomePath(_) => Err(impure(&node.expr)),
            Expr::CurPos(pos) => Ok(self.position(*pos)),
            Expr::Body(id) => self.run_body(&self.arena.function(*id).lambda, env, Some(node.span)),
        }
    }

    #[inline(never)]
    fn with_in(
        &self,
        namespace: &ExprId,
        body: &ExprId,
        env: &Rc<Env>,
    ) -> Result<Value, EvalError> {
        let inner = Env::single(env.clone(), self.delay(namespace, env));
        self.eval(body, &inner)
    }

    #[inline(never)]
    fn let_in(&self, slots: &[ExprId], body: &ExprId, env: &Rc<Env>) -> Result<Value, EvalError> {
        let inner = Env::with_slots(env.clone(), slots.len());
        for (slot, value) in slots.iter().enumerate() {
            inner.set(slot, self.delay(value, &inner));
        }
        self.eval(body, &inner)
    }

    #[inline]
    pub(crate) fn force_thunk(&self, thunk: &Thunk) -> Result<Value, EvalError> {
        match thunk.value.get() {
            Some(value) => Ok(value.clone()),
            None => self.run_thunk(thunk).cloned(),
        }
    }

    /// The value, evaluated to its outermost constructor, where it is.
    #[inline]
    pub(crate) fn force_ref<'a>(&self, value: &'a Value) -> Result<&'a Value, EvalError> {
        match value {
            Value::Thunk(thunk) => match thunk.value.get() {
                Some(value) => Ok(value),
                None => self.run_thunk(thunk),
            },
            value => Ok(value),
        }
    }

    #[inline(never)]
    fn run_thunk<'a>(&self, thunk: &'a Thunk) -> Result<&'a Value, EvalError> {
        let nesting = self.nesting.get();
        if nesting == MAX_NESTING {
            return Err(ErrorKind::TooNested { limit: MAX_NESTING }.into());
        }
        let work = thunk.work.take();
        if matches!(work, Work::Other(None)) {
            return Err(EvalError::recursion(std::ptr::from_ref(thunk).addr()));
        }
        self.nesting.set(nesting + 1);
        let result = match &work {
            Work::Expr(node, env) => self.eval(node, env),
            Work::Other(Some(work)) => self.run_delayed(work),
            Work::Other(None) => unreachable!("handled above"),
        };
        self.nesting.set(nesting);
        match result {
            Ok(value) => Ok(thunk.value.get_or_init(|| value)),
            Err(error) => {
                thunk.work.set(work);
                // Where it is needed again, it costs the same again, even without calls.
                self.spend(1)?;
                Err(error.leaving(std::ptr::from_ref(thunk).addr()))
            }
        }
    }

    #[inline(never)]
    fn run_delayed(&self, work: &Delayed) -> Result<Value, EvalError> {
        match work {
            Delayed::Call(call) => self.apply(&call.function, &call.args, call.span),
            Delayed::Native(compute) => self.deeper(|| self.force(&compute(self)?)),
        }
    }

    #[inline]
    fn eval_bool(&self, node: &ExprId, env: &Rc<Env>, what: &str) -> Result<bool, EvalError> {
        if node.cost > 0
            && let Some(value) = self.bool_at_once(node, env)
        {
            return Ok(value);
        }
        match self.eval(node, env)? {
            Value::Bool(value) => Ok(value),
            value => Err(self.at_operand(self.type_error("a boolean", &value, what), node, env)),
        }
    }

    #[inline(never)]
    fn with_lookup(&self, ups: &[u32], name: Symbol, env: &Rc<Env>) -> Result<Value, EvalError> {
        for up in ups {
            let namespace = env.get(*up, 0).ok_or(ErrorKind::InfiniteRecursion)?;
            match self.force_ref(namespace)? {
                Value::Attrs(attrs) => {
                    if let Some(attr) = attrs.get(name) {
                        return self.force_attr_ref(attr).cloned();
                    }
                }
                other => return Err(self.type_error("a set", other, "the namespace of `with`")),
            }
        }
        Err(self.in_no_namespace(ups, name, env))
    }

    #[cold]
    fn in_no_namespace(&self, ups: &[u32], name: Symbol, env: &Rc<Env>) -> EvalError {
        let namespaces: Vec<Rc<Attrs>> = ups
            .iter()
            .filter_map(|up| self.expect_attrs(env.get(*up, 0)?, "").ok())
            .collect();
        let text = self.name(name);
        let candidates = namespaces.iter().flat_map(|attrs| attrs.iter());
        let candidates = candidates.map(|attr| self.name(attr.name));
        let candidates = candidates.chain(self.globals.names(&self.symbols));
        let similar = similar(text, candidates)
            .first()
            .map(|near| Rc::from(*near));
        ErrorKind::UndefinedVariable {
            name: text.into(),
            similar,
        }
        .into()
    }

    /// The value of an attribute; errors say which attribute it was.
    pub(crate) fn force_attr(&self, attr: &Attr) -> Result<Value, EvalError> {
        self.force(&attr.value)
            .map_err(|error| self.during_attr(error, attr))
    }

    #[inline]
    pub(crate) fn force_attr_ref<'a>(&self, attr: &'a Attr) -> Result<&'a Value, EvalError> {
        match self.force_ref(&attr.value) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.during_attr(error, attr)),
        }
    }

    #[cold]
    pub(crate) fn during_attr(&self, error: EvalError, attr: &Attr) -> EvalError {
        let kind = FrameKind::Attr(self.name(attr.name).into());
        error.during(kind, self.sources.span(attr.pos))
    }

    pub(crate) fn missing(&self, name: Symbol, attrs: &Attrs) -> EvalError {
        let text = self.name(name);
        let candidates = attrs.iter().map(|attr| self.name(attr.name));
        let similar = similar(text, candidates)
            .into_iter()
            .map(Rc::from)
            .collect();
        ErrorKind::MissingAttribute {
            name: text.into(),
            similar,
        }
        .into()
    }

    fn attr_symbol(&self, name: &AttrName, env: &Rc<Env>) -> Result<Symbol, EvalError> {
        match name.kind {
            AttrNameKind::Static(symbol) => Ok(symbol),
            AttrNameKind::Dynamic(ref node) => {
                let value = self.eval(node, env)?;
                let text = self.expect_plain_string(&value, "an attribute name");
                let symbol = text.and_then(|text| self.text_symbol(&text));
                symbol.map_err(|error| error.or_at(Some(name.span)))
            }
        }
    }

    /// Interns a computed name.
    pub(crate) fn text_symbol(&self, text: &NixString) -> Result<Symbol, EvalError> {
        Ok(self.symbol(self.utf8(text, "an attribute name")?))
    }

    #[inline(never)]
    fn select(
        &self,
        target: &ExprId,
        path: &[AttrName],
        default: Option<&ExprId>,
        env: &Rc<Env>,
    ) -> Result<Value, EvalError> {
        let owned;
        let mut value = match self.ready(target, env) {
            Some(value) => value,
            None => {
                owned = self.eval_more(target, env)?;
                &owned
            }
        };
        for (index, name) in path.iter().enumerate() {
            let symbol = self.attr_symbol(name, env)?;
            let found = match value {
                Value::Attrs(attrs) => attrs.get(symbol),
                _ => None,
            };
            value = match (found, default) {
                (Some(attr), _) => match self.force_attr_ref(attr) {
                    Ok(value) => value,
                    Err(error) => return Err(self.during_use(error, symbol, name.span)),
                },
                (None, Some(default)) => return self.eval(default, env),
                (None, None) => {
                    let error = match value {
                        Value::Attrs(attrs) => self.missing(symbol, attrs),
                        other => self.not_a_set(symbol, other),
                    };
                    let error = error.or_at(Some(name.span));
                    return Err(self.selecting(error, value, (target, path, index), env));
                }
            };
        }
        Ok(value.clone())
    }

    #[inline(never)]
    fn has_attr(
        &self,
        target: &ExprId,
        path: &[AttrName],
        env: &Rc<Env>,
    ) -> Result<bool, EvalError> {
        let owned;
        let mut value = match self.ready(target, env) {
            Some(value) => value,
            None => {
                owned = self.eval_more(target, env)?;
                &owned
            }
        };
        for (index, name) in path.iter().enumerate() {
            let symbol = self.attr_symbol(name, env)?;
            let Value::Attrs(attrs) = value else {
                return Ok(false);
            };
            let Some(attr) = attrs.get(symbol) else {
                return Ok(false);
            };
            if index + 1 < path.len() {
                value = self.force_attr_ref(attr)?;
            }
        }
        Ok(true)
    }

    #[inline(never)]
    fn attr_set(&self, def: &AttrsDef, env: &Rc<Env>) -> Result<Value, EvalError> {
        if !def.recursive && def.hidden.is_empty() && def.dynamic.is_empty() {
            return Ok(self.plain_set(def, env));
        }
        let own = if def.recursive { def.attrs.len() } else { 0 };
        let inner = match own + def.hidden.len() {
            0 if !def.recursive => env.clone(),
            slots => Env::with_slots(env.clone(), slots),
        };
        for (index, source) in def.hidden.iter().enumerate() {
            inner.set(own + index, self.delay(source, &inner));
        }
        let mut attrs = Vec::with_capacity(def.attrs.len() + def.dynamic.len());
        for (slot, attr) in def.attrs.iter().enumerate() {
            let value = self.delay(&attr.value, &inner);
            if def.recursive {
                inner.set(slot, value.clone());
            }
            attrs.push(Attr {
                name: attr.name,
                pos: attr.pos,
                value,
            });
        }
        if def.dynamic.is_empty() {
            return Ok(Value::attrs(Attrs::from_sorted(attrs)));
        }
        for attr in &def.dynamic {
            let name = self.eval(&attr.name, &inner)?;
            // An attribute named null is left out; `${if c then "x" else null} = ...` relies on it.
            if matches!(name, Value::Null) {
                continue;
            }
            let at = |error: EvalError| error.or_at(Some(attr.name.span));
            let text = self
                .expect_plain_string(&name, "an attribute name")
                .map_err(at)?;
            let name = self.text_symbol(&text).map_err(at)?;
            if let Some(other) = attrs.iter().find(|other| other.name == name) {
                let name = self.name(name).into();
                let error = at(ErrorKind::DuplicateAttribute { name }.into());
                return Err(match self.sources.span(other.pos) {
                    Some(span) => error.and_place(span, "first defined here"),
                    None => error,
                });
            }
            attrs.push(Attr {
                name,
                pos: attr.pos,
                value: self.delay(&attr.value, &inner),
            });
        }
        Ok(Value::attrs(Attrs::from_unsorted(attrs)))
    }

    #[inline(never)]
    fn interpolate_path(&self, parts: &[ExprId], env: &Rc<Env>) -> Result<Value, EvalError> {
        let text = self.concat_parts(parts, env, Coercion::PathPart)?;
        let text = self.path_text(&text)?;
        Ok(Value::Path(path::absolute(text, || self.io.root())?))
    }
}

#[cold]
fn impure(expr: &Expr) -> EvalError {
    let (what, instead) = match expr {
        Expr::SearchPath(text) => (
            format!("the search path {text}"),
            "name the input in flake-like.toml and use it, or write a path in the tree",
        ),
        Expr::HomePath(text) => (
            format!("the path {text} in a home directory"),
            "write a path in the tree",
        ),
        _ => unreachable!("called for these two"),
    };
    ErrorKind::Impure { what, instead }.into()
}
