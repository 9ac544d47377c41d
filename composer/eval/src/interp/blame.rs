//! Where an error of the interpreter points, beyond the expression that failed.
//!
//! Called when something failed already, never on the way to a value. Invariant: nothing here can fail,
//! and a place that is known stays.

use std::rc::Rc;

use crate::error::{ErrorKind, EvalError, FrameKind, similar};
use crate::evaluator::Evaluator;
use crate::expr::{AttrName, AttrNameKind, BinOp, Expr, ExprId, Formal, Pattern};
use crate::source::Span;
use crate::symbol::Symbol;
use crate::value::{Attrs, Env, Value};

/// Sets with at most so many attributes are listed where one is missing.
const FEW: usize = 8;

const DEFINED: &str = "the value is defined here";

impl Evaluator {
    /// An error about the value of `id`: there, and with the place that defined the value.
    #[cold]
    pub(super) fn at_operand(&self, error: EvalError, id: &ExprId, env: &Rc<Env>) -> EvalError {
        if error.span().is_some() {
            return error;
        }
        let error = error.or_at(Some(id.span));
        match self.origin(id, env) {
            Some(span) => error.and_place(span, DEFINED),
            None => error,
        }
    }

    /// Where the selected attribute was defined. Variables are looked up in the source by the renderer.
    fn origin(&self, id: &ExprId, env: &Rc<Env>) -> Option<Span> {
        let Expr::Select { target, path, .. } = &id.expr else {
            return None;
        };
        self.origin_of(target, path, env)
    }

    fn origin_of(&self, target: &ExprId, path: &[AttrName], env: &Rc<Env>) -> Option<Span> {
        // Anything else could be expensive to evaluate once more.
        if !matches!(target.expr, Expr::Local { .. } | Expr::Global(_)) {
            return None;
        }
        let mut value = self.eval(target, env).ok()?;
        let mut span = None;
        for name in path {
            let AttrNameKind::Static(symbol) = name.kind else {
                return None;
            };
            let Value::Attrs(attrs) = &value else {
                return None;
            };
            let attr = attrs.get(symbol)?;
            span = self.sources.span(attr.pos);
            let next = self.force(&attr.value).ok()?;
            value = next;
        }
        span
    }

    /// An error of an operator, at the operand to blame or with both operands named.
    #[cold]
    pub(super) fn between(
        &self,
        error: EvalError,
        (lhs, left): (&ExprId, &Value),
        (rhs, right): (&ExprId, &Value),
        env: &Rc<Env>,
    ) -> EvalError {
        if error.span().is_some() {
            return error;
        }
        match error.kind() {
            ErrorKind::Operands { .. } => error
                .or_at(Some(lhs.span))
                .labelled(self.brief(left))
                .and_place(rhs.span, self.brief(right)),
            ErrorKind::NotCoercible { found, .. } => {
                let blamed = if *found == self.brief(left) { lhs } else { rhs };
                let error = self.at_operand(error, blamed, env);
                // What is on the left decides what `+` means; a text written there needs no words.
                let written = matches!(lhs.expr, Expr::Const(_) | Expr::Interpolate(_));
                let left_label = if written {
                    String::new()
                } else {
                    self.brief(left)
                };
                match left {
                    Value::String(_) | Value::Path(_) if std::ptr::eq(blamed, rhs) => error
                        .labelled(self.brief(right))
                        .and_place(lhs.span, left_label),
                    _ => error,
                }
            }
            ErrorKind::DivisionByZero => self.at_operand(error, rhs, env).labelled("this is 0"),
            _ => error,
        }
    }

    #[cold]
    pub(super) fn not_a_set(&self, name: Symbol, found: &Value) -> EvalError {
        ErrorKind::NotASet {
            name: self.name(name).into(),
            found: self.brief(found),
        }
        .into()
    }

    /// A set lacks an attribute that a builtin or a host needs.
    #[cold]
    pub(crate) fn lacking(&self, name: Symbol, attrs: &Attrs) -> EvalError {
        let name = self.name(name);
        let error = EvalError::from(ErrorKind::MissingAttribute {
            name: name.into(),
            similar: Vec::new(),
        });
        let near = similar(name, attrs.iter().map(|attr| self.name(attr.name)));
        let Some(near) = near.first() else {
            return error;
        };
        let given = attrs.get(self.symbol(near));
        error
            .or_at(given.and_then(|attr| self.sources.span(attr.pos)))
            .note(format!("`{near}` is there; did you mean `{name}`?"))
    }

    /// A failed assertion; a comparison shows what it compared.
    #[cold]
    pub(super) fn assertion_failed(&self, cond: &ExprId, env: &Rc<Env>) -> EvalError {
        let error = EvalError::at(ErrorKind::AssertionFailed, cond.span);
        let Expr::Bin { op, lhs, rhs } = &cond.expr else {
            return error;
        };
        if matches!(op, BinOp::And | BinOp::Or | BinOp::Implies) {
            return error;
        }
        // Only what is a constant or a variable; the rest could be expensive to evaluate once more.
        let cheap = |id: &ExprId| {
            let expr = &id.expr;
            matches!(
                expr,
                Expr::Const(_) | Expr::Local { .. } | Expr::Global(_) | Expr::Select { .. }
            )
        };
        if !cheap(lhs) || !cheap(rhs) {
            return error;
        }
        match (self.eval(lhs, env), self.eval(rhs, env)) {
            (Ok(left), Ok(right)) => error.labelled(format!(
                "left is {}, right is {}",
                self.brief(&left),
                self.brief(&right)
            )),
            _ => error,
        }
    }

    /// Variables are in the trace of infinite recursion only, where they are the cycle.
    #[cold]
    pub(super) fn during_variable(&self, error: EvalError, span: Span) -> EvalError {
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

    /// Uses of attributes, for the same reason.
    #[cold]
    pub(super) fn during_use(&self, error: EvalError, name: Symbol, span: Span) -> EvalError {
        if !matches!(error.kind(), ErrorKind::InfiniteRecursion) {
            return error;
        }
        error
            .or_at(Some(span))
            .during(FrameKind::Reference(self.name(name).into()), Some(span))
    }

    /// An attribute could not be selected from `value`: what there is instead.
    #[cold]
    pub(super) fn selecting(
        &self,
        error: EvalError,
        value: &Value,
        (target, path, index): (&ExprId, &[AttrName], usize),
        env: &Rc<Env>,
    ) -> EvalError {
        match (error.kind(), value) {
            (ErrorKind::MissingAttribute { similar, .. }, Value::Attrs(attrs))
                if similar.is_empty() =>
            {
                match attrs.len() {
                    0 => error.note("the set is empty"),
                    count if count <= FEW => {
                        let names = self.sorted(attrs).into_iter().map(|(name, _)| name);
                        error.note(format!("the set has {}", quoted(names)))
                    }
                    _ => error,
                }
            }
            (ErrorKind::NotASet { .. }, value) => {
                let error = match value {
                    Value::Null => {
                        error.note("if it may be null here, write `... or default` after the name")
                    }
                    Value::Lambda(..) => error.note("call the function first: `(f x).name`"),
                    _ => error,
                };
                if index == 0 {
                    return match self.origin(target, env) {
                        Some(span) => error.and_place(span, DEFINED),
                        None => error.about(target.span),
                    };
                }
                match self.origin_of(target, &path[..index], env) {
                    Some(span) => error.and_place(span, DEFINED),
                    None => error,
                }
            }
            _ => error,
        }
    }

    /// An argument was not given: where it is declared, and what was given instead.
    #[cold]
    pub(super) fn at_formal(
        &self,
        error: EvalError,
        pattern: &Pattern,
        formal: &Formal,
        given: &Attrs,
    ) -> EvalError {
        let extra = given.iter().filter(|attr| {
            let known = |other: &Formal| other.name == attr.name;
            !pattern.formals.iter().any(known)
        });
        let name = self.name(formal.name);
        let near = similar(name, extra.map(|attr| self.name(attr.name)));
        let error = match near.first() {
            Some(near) => error.note(format!("`{near}` is given; did you mean `{name}`?")),
            None => error,
        };
        match self.sources.span(formal.pos) {
            Some(span) if error.span().is_some() => {
                error.and_place(span, format!("`{name}` has no default here"))
            }
            span => error.or_at(span),
        }
    }

    /// An argument was given that the pattern does not take: at its definition, if that is known.
    #[cold]
    pub(super) fn unexpected(
        &self,
        attrs: &Attrs,
        pattern: &Pattern,
        function: Option<Rc<str>>,
        call: Option<Span>,
        function_span: Span,
    ) -> EvalError {
        let formals = || pattern.formals.iter().map(|formal| formal.name);
        let found = self
            .sorted(attrs)
            .into_iter()
            .find(|(_, attr)| formals().all(|formal| formal != attr.name));
        let name = found.map_or("", |(name, _)| name);
        let similar = similar(name, formals().map(|formal| self.name(formal)));
        let given = found.and_then(|(_, attr)| self.sources.span(attr.pos));
        let kind = ErrorKind::UnexpectedArgument {
            name: name.into(),
            function,
            similar: similar.first().map(|near| Rc::from(*near)),
        };
        let mut error = EvalError::from(kind);
        if similar.is_empty() {
            match pattern.formals.len() {
                0 => error = error.note("it takes no arguments"),
                count if count <= FEW => {
                    let names = quoted(formals().map(|formal| self.name(formal)));
                    error = error.note(format!("it takes {names}"));
                }
                _ => {}
            }
        }
        let near = pattern
            .formals
            .iter()
            .find(|formal| similar.first() == Some(&self.name(formal.name)));
        if let Some(span) = near.and_then(|formal| self.sources.span(formal.pos)) {
            error = error.and_place(span, "this argument is taken");
        }
        error.or_at(given).or_at(call).or_at(Some(function_span))
    }
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
