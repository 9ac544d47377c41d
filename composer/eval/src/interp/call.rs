//! Calls: functions of the language, builtins with some or all of their arguments, functor sets.
//!
//! Used by `Apply` expressions, lazy applications and builtins that take functions. Invariant: every call
//! of a language function counts against the depth limit and adds one frame to errors that pass.

use std::rc::Rc;

use smallvec::SmallVec;

use crate::builtins::Builtin;
use crate::error::{ErrorKind, EvalError, FrameKind};
use crate::evaluator::Evaluator;
use crate::expr::{ExprId, Function, Lambda, LambdaId, Param, Pattern};
use crate::source::Span;
use crate::value::{Delayed, Env, LazyCall, PartialCall, Thunk, Value, Work};

impl Evaluator {
    #[inline]
    pub(super) fn eval_apply(
        &self,
        func: &ExprId,
        args: &[ExprId],
        span: Span,
        env: &Rc<Env>,
    ) -> Result<Value, EvalError> {
        match self.ready(func, env) {
            Some(function) => self.apply_to(function, func, args, span, env),
            None => {
                let function = self.eval_more(func, env)?;
                self.apply_to(&function, func, args, span, env)
            }
        }
    }

    /// Calls with as many arguments as the function takes need no vector of arguments.
    #[inline(never)]
    fn apply_to(
        &self,
        function: &Value,
        func: &ExprId,
        args: &[ExprId],
        span: Span,
        env: &Rc<Env>,
    ) -> Result<Value, EvalError> {
        match function {
            Value::Lambda(id, closure) => {
                let function = self.arena.function(*id);
                match (&function.lambda.param, args) {
                    (Param::Idents(count), _) if *count == args.len() && function.given == 0 => {
                        let up = closure.clone();
                        let inner = match args {
                            [a] => Env::single(up, self.delay(a, env)),
                            [a, b] => Env::pair(up, self.delay(a, env), self.delay(b, env)),
                            _ => Env::filled(up, args.iter().map(|arg| self.delay(arg, env))),
                        };
                        return self.run_body(&function.lambda, &inner, Some(span));
                    }
                    (Param::Pattern(pattern), [arg]) => {
                        let argument = || self.eval(arg, env);
                        return self.call_pattern(function, pattern, closure, argument, Some(span));
                    }
                    _ => {}
                }
            }
            Value::Builtin(call) if call.args.is_empty() && call.builtin.arity == args.len() => {
                return self.builtin_to(&call.builtin, args, span, env);
            }
            Value::Builtin(_) => {}
            Value::Attrs(attrs) if attrs.get(self.names.functor).is_some() => {}
            _ => return Err(self.at_operand(self.not_a_function(function), func, env)),
        }
        self.apply_delayed(function, args, span, env)
    }

    #[inline(never)]
    fn builtin_to(
        &self,
        builtin: &Builtin,
        args: &[ExprId],
        span: Span,
        env: &Rc<Env>,
    ) -> Result<Value, EvalError> {
        let delay = |arg| self.delay(arg, env);
        match args {
            [a] => self.run_builtin(builtin, &[delay(a)], Some(span)),
            [a, b] => self.run_builtin(builtin, &[delay(a), delay(b)], Some(span)),
            _ => {
                let args: SmallVec<[Value; 4]> = args.iter().map(delay).collect();
                self.run_builtin(builtin, &args, Some(span))
            }
        }
    }

    #[inline(never)]
    fn apply_delayed(
        &self,
        function: &Value,
        args: &[ExprId],
        span: Span,
        env: &Rc<Env>,
    ) -> Result<Value, EvalError> {
        let args: SmallVec<[Value; 4]> = args.iter().map(|arg| self.delay(arg, env)).collect();
        self.apply(function, &args, Some(span))
    }

    /// Applies a function to arguments one after the other. `span` is the call, for the trace.
    pub(crate) fn apply(
        &self,
        function: &Value,
        args: &[Value],
        span: Option<Span>,
    ) -> Result<Value, EvalError> {
        let mut function = self.force(function)?;
        let given = args.len();
        let mut args = args;
        while let Some((first, rest)) = args.split_first() {
            match &function {
                Value::Lambda(id, env) => {
                    let code = self.arena.function(*id);
                    match &code.lambda.param {
                        Param::Idents(count) => {
                            let now = (count - code.given).min(args.len());
                            let (now, later) = args.split_at(now);
                            let values = now.iter().cloned();
                            let inner = match code.given {
                                0 => Env::filled(env.clone(), values),
                                _ => env.extended(values),
                            };
                            if code.given + now.len() < *count {
                                return Ok(Value::Lambda(id.with_given(now.len()), inner));
                            }
                            function = self.run_body(&code.lambda, &inner, span)?;
                            args = later;
                        }
                        Param::Pattern(pattern) => {
                            let argument = || self.force(first);
                            function = self.call_pattern(code, pattern, env, argument, span)?;
                            args = rest;
                        }
                    }
                }
                Value::Builtin(call) => {
                    let missing = call.builtin.arity - call.args.len();
                    if args.len() < missing {
                        let args = call.args.iter().chain(args).cloned().collect();
                        let builtin = call.builtin.clone();
                        return Ok(Value::Builtin(Rc::new(PartialCall { builtin, args })));
                    }
                    let (now, later) = args.split_at(missing);
                    function = if call.args.is_empty() {
                        self.run_builtin(&call.builtin, now, span)?
                    } else {
                        let all = call.args.iter().chain(now).cloned();
                        let all: SmallVec<[Value; 4]> = all.collect();
                        self.run_builtin(&call.builtin, &all, span)?
                    };
                    args = later;
                }
                Value::Attrs(attrs) => match attrs.get(self.names.functor) {
                    Some(functor) => {
                        let functor = self.force_attr(functor)?;
                        // A functor may have one itself, and even be its own.
                        let depth = self.enter(span)?;
                        let set = std::slice::from_ref(&function);
                        let result = self.deeper(|| self.apply(&functor, set, span));
                        self.depth.set(depth);
                        function = result?;
                    }
                    None => return Err(self.not_callable(&function, given - args.len(), span)),
                },
                _ => return Err(self.not_callable(&function, given - args.len(), span)),
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
        Thunk::suspended(Work::Other(Some(Rc::new(Delayed::Call(call)))))
    }

    fn not_a_function(&self, value: &Value) -> EvalError {
        ErrorKind::NotAFunction {
            found: self.brief(value),
        }
        .into()
    }

    /// The result of the first `taken` arguments was called in turn.
    #[cold]
    fn not_callable(&self, function: &Value, taken: usize, span: Option<Span>) -> EvalError {
        let error = self.not_a_function(function).or_at(span);
        match taken {
            0 => error,
            1 => error.note("it is the result of the first argument; is one too many given?"),
            _ => error.note(format!(
                "it is the result of the first {taken} arguments; is one too many given?"
            )),
        }
    }

    fn run_builtin(
        &self,
        builtin: &Builtin,
        args: &[Value],
        span: Option<Span>,
    ) -> Result<Value, EvalError> {
        self.spend(1)?;
        let outer = self.call_span.replace(span);
        let result = (builtin.run)(self, args);
        self.call_span.set(outer);
        match result {
            Ok(Value::Thunk(thunk)) => self.force_thunk(&thunk),
            Ok(value) => Ok(value),
            Err(error) => Err(builtin_failed(error, &builtin.name, span)),
        }
    }

    pub(crate) fn lambda(&self, id: LambdaId) -> &Lambda {
        &self.arena.function(id).lambda
    }

    /// The name of the argument of `x: ...`, which the tree does not keep.
    pub(crate) fn parameter_name(&self, id: LambdaId) -> &str {
        let span = self.arena.function(id).span;
        let text = &self.sources.text(span.file)[span.start as usize..];
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-'".contains(c);
        &text[..text.find(|c| !is_name(c)).unwrap_or(text.len())]
    }

    /// Counts a call and what it nests.
    #[inline]
    fn enter(&self, span: Option<Span>) -> Result<u32, EvalError> {
        self.spend(1)?;
        let depth = self.depth.get();
        if depth >= self.max_depth {
            return Err(EvalError::from(ErrorKind::TooDeep {
                limit: self.max_depth,
            })
            .or_at(span));
        }
        self.depth.set(depth + 1);
        Ok(depth)
    }

    /// Evaluates a function's body; `env` holds all its arguments.
    #[inline]
    pub(crate) fn run_body(
        &self,
        lambda: &Lambda,
        env: &Rc<Env>,
        span: Option<Span>,
    ) -> Result<Value, EvalError> {
        let depth = self.enter(span)?;
        let result = self.eval(&lambda.body, env);
        self.depth.set(depth);
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(self.call_failed(error, lambda, span)),
        }
    }

    fn call_pattern(
        &self,
        function: &Function,
        pattern: &Pattern,
        closure: &Rc<Env>,
        argument: impl FnOnce() -> Result<Value, EvalError>,
        span: Option<Span>,
    ) -> Result<Value, EvalError> {
        let depth = self.enter(span)?;
        let result = argument()
            .and_then(|argument| self.bind_pattern(function, pattern, closure, &argument, span))
            .and_then(|env| self.eval(&function.lambda.body, &env));
        self.depth.set(depth);
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(self.call_failed(error, &function.lambda, span)),
        }
    }

    #[cold]
    fn call_failed(&self, error: EvalError, lambda: &Lambda, span: Option<Span>) -> EvalError {
        let name = lambda.name.map(|name| self.name(name).into());
        error.during(FrameKind::Call(name), span)
    }

    fn bind_pattern(
        &self,
        function: &Function,
        pattern: &Pattern,
        closure: &Rc<Env>,
        forced: &Value,
        span: Option<Span>,
    ) -> Result<Rc<Env>, EvalError> {
        let name = || function.lambda.name.map(|name| Rc::from(self.name(name)));
        let Value::Attrs(attrs) = forced else {
            let what = match name() {
                Some(name) => format!("the argument of `{name}`"),
                None => "the function's argument".to_owned(),
            };
            return Err(self.type_error("a set", forced, &what).or_at(span));
        };
        let count = pattern.formals.len() + usize::from(pattern.bind.is_some());
        let env = Env::with_slots(closure.clone(), count);
        if pattern.bind.is_some() {
            env.set(pattern.formals.len(), forced.clone());
        }
        let mut given = 0;
        for (slot, formal) in pattern.formals.iter().enumerate() {
            match (attrs.get(formal.name), &formal.default) {
                (Some(attr), _) => {
                    given += 1;
                    env.set(slot, attr.value.clone());
                }
                // Not `delay`: a default may be a formal that is bound only later.
                (None, Some(default)) => {
                    env.set(
                        slot,
                        Thunk::suspended(Work::Expr(default.clone(), env.clone())),
                    );
                }
                (None, None) => {
                    let kind = ErrorKind::MissingArgument {
                        name: self.name(formal.name).into(),
                        function: name(),
                    };
                    let error = EvalError::from(kind).or_at(span);
                    return Err(self.at_formal(error, pattern, formal, attrs));
                }
            }
        }
        if given < attrs.len() && !pattern.ellipsis {
            return Err(self.unexpected(attrs, pattern, name(), span, function.span));
        }
        Ok(env)
    }
}

#[cold]
fn builtin_failed(error: EvalError, name: &Rc<str>, span: Option<Span>) -> EvalError {
    let error = error.or_at(span);
    // The message of `throw` stands for itself.
    if matches!(&**name, "throw" | "throwAt" | "abort") {
        return error;
    }
    error.during(FrameKind::Builtin(name.clone()), span)
}
