//! The interpreter: evaluates expressions to values, forces thunks, calls functions.
//!
//! Called by `Evaluator`'s public methods and by builtins. Invariant: `eval` and `force` never return a
//! `Value::Thunk`; native recursion goes through `eval`, which moves to a new stack segment when needed.

mod call;
mod coerce;
mod compare;
mod deep;
mod operators;

pub(crate) use coerce::Coercion;

use std::rc::Rc;

use crate::error::{ErrorKind, EvalError, FrameKind, similar};
use crate::evaluator::Evaluator;
use crate::expr::{AttrName, AttrNameKind, AttrsDef, Expr, ExprId, Node};
use crate::path;
use crate::source::Span;
use crate::stack;
use crate::symbol::Symbol;
use crate::value::{Attr, Attrs, Env, NixString, Thunk, Value, Work};

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

    pub(crate) fn eval(&self, id: ExprId, env: &Rc<Env>) -> Result<Value, EvalError> {
        let node = self.arena.get(id);
        let result = self.deeper(|| self.eval_node(id, node, env));
        result.map_err(|error| error.or_at(Some(node.span)))
    }

    fn eval_node(&self, id: ExprId, node: &Node, env: &Rc<Env>) -> Result<Value, EvalError> {
        match &node.expr {
            Expr::Const(value) => Ok(value.clone()),
            Expr::Local { up, slot } => match env.get(*up, *slot) {
                Some(Value::Thunk(thunk)) => {
                    self.force_thunk(thunk).map_err(|error| self.during_variable(error, node.span))
                }
                Some(value) => Ok(value.clone()),
                None => Err(ErrorKind::InfiniteRecursion.into()),
            },
            Expr::Global(index) => self.force(self.globals.value(*index)),
            Expr::WithLookup { ups, name } => self.with_lookup(ups, *name, env),
            Expr::Select { target, path, default } => {
                self.select(*target, path, *default, env)
            }
            Expr::HasAttr { target, path } => self.has_attr(*target, path, env).map(Value::Bool),
            Expr::Apply { func, args } => self.eval_apply(*func, args, node.span, env),
            Expr::Lambda(_) => Ok(Value::Lambda(id, env.clone())),
            Expr::Let { slots, body } => {
                let inner = Env::with_slots(env.clone(), slots.len());
                for (slot, value) in slots.iter().enumerate() {
                    inner.set(slot, self.delay(*value, &inner));
                }
                self.eval(*body, &inner)
            }
            Expr::Attrs(def) => self.attr_set(def, env),
            Expr::List(items) => {
                Ok(Value::list(items.iter().map(|item| self.delay(*item, env)).collect::<Vec<_>>()))
            }
            Expr::If { cond, then, other } => {
                let branch = if self.eval_bool(*cond, env, "the condition of `if`")? {
                    then
                } else {
                    other
                };
                self.eval(*branch, env)
            }
            Expr::Assert { cond, body } => {
                if !self.eval_bool(*cond, env, "the condition of `assert`")? {
                    let span = self.arena.get(*cond).span;
                    return Err(EvalError::at(ErrorKind::AssertionFailed, span));
                }
                self.eval(*body, env)
            }
            Expr::With { namespace, body } => {
                let inner = Env::single(env.clone(), self.delay(*namespace, env));
                self.eval(*body, &inner)
            }
            Expr::Bin { op, lhs, rhs } => self.binary(*op, *lhs, *rhs, env),
            Expr::Not(operand) => {
                Ok(Value::Bool(!self.eval_bool(*operand, env, "the operand of `!`")?))
            }
            Expr::Negate(operand) => self.negate(*operand, env),
            Expr::Interpolate(parts) => self.interpolate(parts, env),
            Expr::InterpolatePath(parts) => self.interpolate_path(parts, env),
            Expr::SearchPath(text) => Err(ErrorKind::Impure {
                what: format!("the search path {text}"),
                instead: "name the input in flake-like.toml and use it, or write a path in the tree",
            }
            .into()),
            Expr::HomePath(text) => Err(ErrorKind::Impure {
                what: format!("the path {text} in a home directory"),
                instead: "write a path in the tree",
            }
            .into()),
            Expr::CurPos(pos) => Ok(self.position(*pos)),
        }
    }

    /// The value of an expression, put off unless it is there already or costs nothing.
    #[inline]
    pub(crate) fn delay(&self, id: ExprId, env: &Rc<Env>) -> Value {
        match &self.arena.get(id).expr {
            Expr::Const(value) => value.clone(),
            Expr::Lambda(_) => Value::Lambda(id, env.clone()),
            Expr::Local { up, slot } => match env.get(*up, *slot) {
                Some(value) => value.clone(),
                None => Thunk::suspended(Work::Expr(id, env.clone())),
            },
            Expr::Global(index) => self.globals.value(*index).clone(),
            _ => Thunk::suspended(Work::Expr(id, env.clone())),
        }
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
        let work = thunk.work.take();
        let result = match &work {
            Work::Expr(id, env) => self.eval(*id, env),
            Work::Apply(call) => self.apply(&call.function, &call.args, call.span),
            Work::Native(native) => self.deeper(|| self.force(&(native.compute)(self)?)),
            Work::None => return Err(ErrorKind::InfiniteRecursion.into()),
        };
        match result {
            Ok(value) => Ok(thunk.value.get_or_init(|| value)),
            Err(error) => {
                thunk.work.set(work);
                Err(error)
            }
        }
    }

    fn eval_bool(&self, id: ExprId, env: &Rc<Env>, what: &str) -> Result<bool, EvalError> {
        let value = self.eval(id, env)?;
        match value {
            Value::Bool(value) => Ok(value),
            value => Err(self
                .type_error("a boolean", &value, what)
                .or_at(Some(self.span_of(id)))),
        }
    }

    fn span_of(&self, id: ExprId) -> Span {
        self.arena.get(id).span
    }

    fn with_lookup(&self, ups: &[u32], name: Symbol, env: &Rc<Env>) -> Result<Value, EvalError> {
        let mut namespaces = Vec::new();
        for up in ups {
            let namespace = env.get(*up, 0).ok_or(ErrorKind::InfiniteRecursion)?;
            let attrs = self.expect_attrs(namespace, "the namespace of `with`")?;
            if let Some(attr) = attrs.get(name) {
                return self.force_attr(attr);
            }
            namespaces.push(attrs);
        }
        let text = self.name(name);
        let candidates = namespaces.iter().flat_map(|attrs| attrs.iter());
        let candidates = candidates.map(|attr| self.name(attr.name));
        let similar = similar(text, candidates)
            .first()
            .map(|near| Rc::from(*near));
        Err(ErrorKind::UndefinedVariable {
            name: text.into(),
            similar,
        }
        .into())
    }

    /// The value of an attribute; errors say which attribute it was.
    pub(crate) fn force_attr(&self, attr: &Attr) -> Result<Value, EvalError> {
        self.force(&attr.value)
            .map_err(|error| self.during_attr(error, attr))
    }

    pub(crate) fn during_attr(&self, error: EvalError, attr: &Attr) -> EvalError {
        let kind = FrameKind::Attr(self.name(attr.name).into());
        error.during(kind, self.sources.span(attr.pos))
    }

    /// Variables are in the trace of infinite recursion only, where they are the cycle.
    #[cold]
    fn during_variable(&self, error: EvalError, span: Span) -> EvalError {
        if !matches!(error.kind(), ErrorKind::InfiniteRecursion) {
            return error;
        }
        let text = self.sources.text(span.file);
        let name = text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("");
        error
            .or_at(Some(span))
            .during(FrameKind::Variable(name.into()), Some(span))
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
            AttrNameKind::Dynamic(id) => {
                let value = self.eval(id, env)?;
                let text = self.expect_string(&value, "an attribute name");
                let symbol = text.and_then(|text| self.text_symbol(&text));
                symbol.map_err(|error| error.or_at(Some(name.span)))
            }
        }
    }

    /// Interns a computed name.
    pub(crate) fn text_symbol(&self, text: &NixString) -> Result<Symbol, EvalError> {
        Ok(self.symbol(self.utf8(text, "an attribute name")?))
    }

    fn select(
        &self,
        target: ExprId,
        path: &[AttrName],
        default: Option<ExprId>,
        env: &Rc<Env>,
    ) -> Result<Value, EvalError> {
        let mut value = self.eval(target, env)?;
        for name in path {
            let symbol = self.attr_symbol(name, env)?;
            let found = match &value {
                Value::Attrs(attrs) => match attrs.get(symbol) {
                    Some(attr) => Ok(self.force_attr(attr)?),
                    None => Err(()),
                },
                _ => Err(()),
            };
            value = match (found, default) {
                (Ok(value), _) => value,
                (Err(()), Some(default)) => return self.eval(default, env),
                (Err(()), None) => {
                    let error = match &value {
                        Value::Attrs(attrs) => self.missing(symbol, attrs),
                        other => {
                            let what = format!("the selection of `{}`", self.name(symbol));
                            self.type_error("a set", other, &what)
                        }
                    };
                    return Err(error.or_at(Some(name.span)));
                }
            };
        }
        Ok(value)
    }

    fn has_attr(
        &self,
        target: ExprId,
        path: &[AttrName],
        env: &Rc<Env>,
    ) -> Result<bool, EvalError> {
        let mut value = self.eval(target, env)?;
        for (index, name) in path.iter().enumerate() {
            let symbol = self.attr_symbol(name, env)?;
            let Value::Attrs(attrs) = &value else {
                return Ok(false);
            };
            let Some(attr) = attrs.get(symbol) else {
                return Ok(false);
            };
            if index + 1 < path.len() {
                value = self.force_attr(attr)?;
            }
        }
        Ok(true)
    }

    fn attr_set(&self, def: &AttrsDef, env: &Rc<Env>) -> Result<Value, EvalError> {
        let own = if def.recursive { def.attrs.len() } else { 0 };
        let inner = match own + def.hidden.len() {
            0 if !def.recursive => env.clone(),
            slots => Env::with_slots(env.clone(), slots),
        };
        for (index, source) in def.hidden.iter().enumerate() {
            inner.set(own + index, self.delay(*source, &inner));
        }
        let mut attrs = Vec::with_capacity(def.attrs.len() + def.dynamic.len());
        for (slot, attr) in def.attrs.iter().enumerate() {
            let value = self.delay(attr.value, &inner);
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
            let name = self.eval(attr.name, &inner)?;
            // An attribute named null is left out; `${if c then "x" else null} = ...` relies on it.
            if matches!(name, Value::Null) {
                continue;
            }
            let at = |error: EvalError| error.or_at(Some(self.span_of(attr.name)));
            let text = self.expect_string(&name, "an attribute name").map_err(at)?;
            let name = self.text_symbol(&text).map_err(at)?;
            if attrs.iter().any(|other| other.name == name) {
                let name = self.name(name).into();
                return Err(at(ErrorKind::DuplicateAttribute { name }.into()));
            }
            attrs.push(Attr {
                name,
                pos: attr.pos,
                value: self.delay(attr.value, &inner),
            });
        }
        Ok(Value::attrs(Attrs::from_unsorted(attrs)))
    }

    fn interpolate_path(&self, parts: &[ExprId], env: &Rc<Env>) -> Result<Value, EvalError> {
        let text = self.concat_parts(parts, env, Coercion::PathPart)?;
        let text = self.utf8(&text, "a path")?;
        Ok(Value::Path(path::absolute(text, || self.io.root())?))
    }
}
