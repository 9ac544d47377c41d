//! Calls that a builtin makes again and again: of the function given to `map`, `foldl'`, `sort` and so on.
//!
//! A function of the language that takes just these arguments gets an environment that is used again unless
//! something kept it. Invariant: a call here gives what `apply` gives, and a put-off call what `lazy_call` does.

use std::rc::Rc;

use super::early::forced;
use crate::error::EvalError;
use crate::evaluator::Evaluator;
use crate::expr::{Expr, ExprId, Lambda, LambdaId, Param};
use crate::source::Span;
use crate::value::{Env, Thunk, Value, Work};

/// A function, to be called with `N` arguments each time.
pub(crate) struct Calls<'a, const N: usize> {
    evaluator: &'a Evaluator,
    function: &'a Value,
    direct: Option<Direct<'a>>,
}

/// A function of the language that takes all the arguments at once.
struct Direct<'a> {
    id: LambdaId,
    lambda: &'a Lambda,
    closure: &'a Rc<Env>,
    /// With the arguments of the last call.
    env: Option<Rc<Env>>,
    /// The body as an expression, for calls that are put off.
    body: Option<ExprId>,
}

impl Evaluator {
    /// Prepares calls of a function. Does not force it.
    pub(crate) fn calls<'a, const N: usize>(&'a self, function: &'a Value) -> Calls<'a, N> {
        let direct = match forced(function) {
            Some(Value::Lambda(id, closure)) => {
                let code = self.arena.function(*id);
                let fits = matches!(code.lambda.param, Param::Idents(count) if count == N);
                (fits && code.given == 0).then(|| Direct {
                    id: *id,
                    lambda: &code.lambda,
                    closure,
                    env: None,
                    body: None,
                })
            }
            _ => None,
        };
        Calls {
            evaluator: self,
            function,
            direct,
        }
    }
}

impl<const N: usize> Calls<'_, N> {
    /// Calls the function now.
    #[inline]
    pub(crate) fn call(&mut self, args: [Value; N]) -> Result<Value, EvalError> {
        let ev = self.evaluator;
        let Some(direct) = &mut self.direct else {
            return ev.apply(self.function, &args, None);
        };
        let lambda = direct.lambda;
        let env = direct.fill(args);
        if lambda.body.cost > 0
            && let Some(value) = ev.at_once(&lambda.body, env)
        {
            ev.spend(1)?;
            return Ok(value);
        }
        ev.run_body(lambda, env, None)
    }

    /// A call that is made when its result is needed.
    #[inline]
    pub(crate) fn later(&mut self, args: [Value; N]) -> Value {
        let ev = self.evaluator;
        let (Some(direct), Some(span)) = (&mut self.direct, ev.call_span.get()) else {
            return ev.lazy_call(self.function, &args);
        };
        let lambda = direct.lambda;
        let env = direct.fill(args);
        if ev.eager
            && lambda.body.cost > 0
            && let Some(value) = ev.at_once(&lambda.body, env)
        {
            return value;
        }
        let env = env.clone();
        direct.env = None;
        let body = direct.body(ev, span).clone();
        Thunk::suspended(Work::Expr(body, env))
    }
}

impl Direct<'_> {
    fn fill<const N: usize>(&mut self, args: [Value; N]) -> &Rc<Env> {
        match self.env.as_mut().and_then(Rc::get_mut) {
            Some(env) => env.refill(args),
            None => self.env = Some(Env::filled(self.closure.clone(), args.into_iter())),
        }
        self.env.as_ref().expect("it was just filled")
    }

    fn body(&mut self, evaluator: &Evaluator, span: Span) -> &ExprId {
        let id = self.id;
        let make = || evaluator.arena.add(Expr::Body(id), span);
        self.body.get_or_insert_with(make)
    }
}
