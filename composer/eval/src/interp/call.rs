//! Calls: functions of the language, builtins with some or all of their arguments, functor sets.
//!
//! Used by `Apply` expressions, lazy applications and builtins that take functions. Invariant: every call
//! of a language function counts against the depth limit and adds one frame to errors that pass.

use std::rc::Rc;

use smallvec::SmallVec;

use crate::error::{ErrorKind, EvalError, FrameKind, similar};
use crate::evaluator::Evaluator;
use crate::expr::{Expr, ExprId, Lambda, Param, Pattern};
use crate::source::Span;
use crate::value::{Attrs, Env, LazyCall, PartialCall, Thunk, Value, Work};

impl Evaluator {
    pub(super) fn eval_apply(
        &self,
        func: ExprId,
        args: &[ExprId],
        span: Span,
        env: &Rc<Env>,
    ) -> Result<Value, EvalError> {
        let function = self.eval(func, env)?;
        if let ([arg], Value::Lambda(id, closure)) = (args, &function) {
            return self.call_lambda(*id, closure, self.delay(*arg, env), Some(span));
        }
        let args: SmallVec<[Value; 4]> = args.iter().map(|arg| self.delay(*arg, env)).collect();
        self.apply(&function, &args, Some(span))
    }

    /// Applies a function to arguments one after the other. `span` is the call, for the trace.
    pub(crate) fn apply(
        &self,
        function: &Value,
        args: &[Value],
        span: Option<Span>,
    ) -> Result<Value, EvalError> {
        let mut function = self.force(function)?;
        let mut args = args;
        while let Some((first, rest)) = args.split_first() {
            match &function {
                Value::Lambda(id, env) => {
                    function = self.call_lambda(*id, env, first.clone(), span)?;
                    args = rest;
                }
                Value::Builtin(call) => {
                    let missing = call.builtin.arity - call.args.len();
                    if args.len() < missing {
                        let args = call.args.iter().chain(args).cloned().collect();
                        let builtin = call.builtin.clone();
                        return Ok(Value::Builtin(Rc::new(PartialCall { builtin, args })));
                    }
                    let (now, later) = args.split_at(missing);
                    function = self.call_builtin(call, now, span)?;
                    args = later;
                }
                Value::Attrs(attrs) => match attrs.get(self.names.functor) {
                    Some(functor) => {
                        let functor = self.force_attr(functor)?;
                        function = self.apply(&functor, std::slice::from_ref(&function), span)?;
                    }
                    None => return Err(self.not_a_function(&function).or_at(span)),
                },
                _ => return Err(self.not_a_function(&function).or_at(span)),
            }
        }
        Ok(function)
    }

    /// A call that is made when its result is needed.
    pub(crate) fn lazy_call(&self, function: &Value, args: &[Value]) -> Value {
        let (function, args) = (function.clone(), args.iter().cloned().collect());
        let call = LazyCall {
            function,
            args,
            span: self.call_span.get(),
        };
        Thunk::suspended(Work::Apply(Rc::new(call)))
    }

    fn not_a_function(&self, value: &Value) -> EvalError {
        ErrorKind::NotAFunction {
            found: self.brief(value),
        }
        .into()
    }

    fn call_builtin(
        &self,
        call: &PartialCall,
        args: &[Value],
        span: Option<Span>,
    ) -> Result<Value, EvalError> {
        self.spend(1)?;
        let run = &call.builtin.run;
        let outer = self.call_span.replace(span);
        let result = if call.args.is_empty() {
            run(self, args)
        } else {
            let args: SmallVec<[Value; 4]> = call.args.iter().chain(args).cloned().collect();
            run(self, &args)
        };
        self.call_span.set(outer);
        match result {
            Ok(Value::Thunk(thunk)) => self.force_thunk(&thunk),
            Ok(value) => Ok(value),
            // The message of `throw` stands for itself.
            Err(error)
                if matches!(
                    &*call.builtin.name,
                    "throw" | "throwAt" | "abort" | "import"
                ) =>
            {
                Err(error.or_at(span))
            }
            Err(error) => {
                let kind = FrameKind::Builtin(call.builtin.name.clone());
                Err(error.or_at(span).during(kind, span))
            }
        }
    }

    pub(crate) fn lambda(&self, id: ExprId) -> &Lambda {
        match &self.arena.get(id).expr {
            Expr::Lambda(lambda) => lambda,
            _ => unreachable!("function values refer to lambda expressions"),
        }
    }

    /// The name of the argument of `x: ...`, which the tree does not keep.
    pub(crate) fn parameter_name(&self, id: ExprId) -> &str {
        let span = self.arena.get(id).span;
        let text = &self.sources.text(span.file)[span.start as usize..];
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-'".contains(c);
        &text[..text.find(|c| !is_name(c)).unwrap_or(text.len())]
    }

    fn call_lambda(
        &self,
        id: ExprId,
        closure: &Rc<Env>,
        argument: Value,
        span: Option<Span>,
    ) -> Result<Value, EvalError> {
        self.spend(1)?;
        let lambda = self.lambda(id);
        let depth = self.depth.get() + 1;
        if depth > self.max_depth {
            return Err(EvalError::from(ErrorKind::TooDeep {
                limit: self.max_depth,
            })
            .or_at(span));
        }
        self.depth.set(depth);
        let result = match &lambda.param {
            Param::Ident => self.eval(lambda.body, &Env::single(closure.clone(), argument)),
            Param::Pattern(pattern) => self
                .bind_pattern(id, lambda, pattern, closure, argument, span)
                .and_then(|env| self.eval(lambda.body, &env)),
        };
        self.depth.set(depth - 1);
        result.map_err(|error| {
            let name = lambda.name.map(|name| self.name(name).into());
            error.during(FrameKind::Call(name), span)
        })
    }

    fn bind_pattern(
        &self,
        id: ExprId,
        lambda: &Lambda,
        pattern: &Pattern,
        closure: &Rc<Env>,
        argument: Value,
        span: Option<Span>,
    ) -> Result<Rc<Env>, EvalError> {
        let function = || lambda.name.map(|name| Rc::from(self.name(name)));
        let forced = self.force(&argument)?;
        let Value::Attrs(attrs) = &forced else {
            let what = match function() {
                Some(name) => format!("the argument of `{name}`"),
                None => "the function's argument".to_owned(),
            };
            return Err(self.type_error("a set", &forced, &what).or_at(span));
        };
        let count = pattern.formals.len() + usize::from(pattern.bind.is_some());
        let env = Env::with_slots(closure.clone(), count);
        if pattern.bind.is_some() {
            env.set(pattern.formals.len(), forced.clone());
        }
        let mut given = 0;
        for (slot, formal) in pattern.formals.iter().enumerate() {
            match (attrs.get(formal.name), formal.default) {
                (Some(attr), _) => {
                    given += 1;
                    env.set(slot, attr.value.clone());
                }
                // Not `delay`: a default may be a formal that is bound only later.
                (None, Some(default)) => {
                    env.set(slot, Thunk::suspended(Work::Expr(default, env.clone())));
                }
                (None, None) => {
                    let name = self.name(formal.name).into();
                    let kind = ErrorKind::MissingArgument {
                        name,
                        function: function(),
                    };
                    let definition = self.sources.span(formal.pos);
                    return Err(EvalError::from(kind).or_at(span).or_at(definition));
                }
            }
        }
        if given < attrs.len() && !pattern.ellipsis {
            let kind = self.unexpected(attrs, pattern, function());
            return Err(EvalError::from(kind)
                .or_at(span)
                .or_at(Some(self.arena.get(id).span)));
        }
        Ok(env)
    }

    fn unexpected(&self, attrs: &Attrs, pattern: &Pattern, function: Option<Rc<str>>) -> ErrorKind {
        let formals = || pattern.formals.iter().map(|formal| formal.name);
        let name = self
            .sorted(attrs)
            .into_iter()
            .find(|(_, attr)| formals().all(|formal| formal != attr.name))
            .map_or("", |(name, _)| name);
        let candidates = formals().map(|formal| self.name(formal));
        let similar = similar(name, candidates)
            .first()
            .map(|near| Rc::from(*near));
        ErrorKind::UnexpectedArgument {
            name: name.into(),
            function,
            similar,
        }
    }
}
