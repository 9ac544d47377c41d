//! Lowering of functions: patterns become slots, and functions of functions take all arguments at once.
//!
//! Called by `mod.rs`. Invariant: a pattern's names are in scope in its defaults and in the body, in slot order.

use rnix::ast;

use super::Lowerer;
use crate::error::SyntaxError;
use crate::expr::{Expr, ExprId, Formal, Lambda, Param, Pattern};
use crate::source::Span;
use crate::symbol::Symbol;

impl Lowerer<'_> {
    pub(super) fn lambda(&mut self, node: &ast::Lambda, name: Option<Symbol>) -> ExprId {
        let span = self.span(node);
        let mut spans = vec![span];
        let mut body = node.body();
        let param = match node.param() {
            Some(ast::Param::IdentParam(param)) => match self.ident(param.ident()) {
                Some((symbol, _)) => {
                    // `a: b: ...` is one function with several arguments, unless a name hides another.
                    let mut names = vec![symbol];
                    while let Some(inner) = body.as_ref().and_then(curried)
                        && let Some(ast::Param::IdentParam(param)) = inner.param()
                        && let Some((symbol, _)) = self.ident(param.ident())
                        && !names.contains(&symbol)
                    {
                        names.push(symbol);
                        spans.push(self.span(&inner));
                        body = inner.body();
                    }
                    let count = names.len();
                    self.scopes.push_slots(names.into_iter().zip(0..));
                    Param::Idents(count)
                }
                None => return self.child(None, span),
            },
            Some(ast::Param::Pattern(pattern)) => Param::Pattern(self.pattern(&pattern)),
            None => return self.child(None, span),
        };
        // To whoever reads a trace, `f = { a }: b: ...` is one function, too.
        let body = match body {
            Some(body @ ast::Expr::Lambda(_)) => self.named(&body, name),
            body => self.child(body, span),
        };
        self.scopes.pop();
        let lambda = Lambda { param, body, name };
        let id = self.evaluator.arena.add_lambda(lambda, &spans);
        self.add(Expr::Lambda(id), span)
    }

    /// Lowers a pattern and leaves its names in scope for the body.
    pub(super) fn pattern(&mut self, node: &ast::Pattern) -> Pattern {
        let mut names: Vec<(Symbol, Span)> = Vec::new();
        let mut defaults = Vec::new();
        for entry in node.pat_entries() {
            if let Some((name, span)) = self.ident(entry.ident()) {
                self.check_argument(&names, name, span);
                names.push((name, span));
                defaults.push(entry.default());
            }
        }
        let bind = node.pat_bind().and_then(|bind| self.ident(bind.ident()));
        if let Some((name, span)) = bind {
            self.check_argument(&names, name, span);
        }
        let bound = names.iter().chain(&bind).map(|(name, _)| *name).zip(0..);
        self.scopes.push_slots(bound.collect::<Vec<_>>());
        let formals = names
            .into_iter()
            .zip(defaults)
            .map(|((name, span), default)| Formal {
                name,
                default: default.map(|default| self.named(&default, Some(name))),
                pos: self.evaluator.sources.add_pos(span),
            })
            .collect();
        let ellipsis = node.ellipsis_token().is_some();
        Pattern {
            formals,
            ellipsis,
            bind: bind.map(|(name, _)| name),
        }
    }

    pub(super) fn check_argument(&mut self, names: &[(Symbol, Span)], name: Symbol, span: Span) {
        if let Some((_, first)) = names.iter().find(|(other, _)| *other == name) {
            let message = format!(
                "the argument `{}` is named twice",
                self.evaluator.symbols.name(name)
            );
            let error = SyntaxError::new("defined-twice", span, message);
            self.errors.push(error.and(*first, "first named here"));
        }
    }
}

/// The function that a function returns at once.
fn curried(body: &ast::Expr) -> Option<ast::Lambda> {
    match body {
        ast::Expr::Lambda(lambda) => Some(lambda.clone()),
        ast::Expr::Paren(paren) => curried(&paren.expr()?),
        _ => None,
    }
}
