//! Lowering of names: variables, and the names of attributes, computed or not.
//!
//! Called by `mod.rs` and `sets.rs`. Invariant: a name that nothing can bind is an error here, not later.

use rnix::ast;

use super::Lowerer;
use super::strings::Piece;
use crate::error::{SyntaxError, similar};
use crate::expr::{AttrName, AttrNameKind, Expr, ExprId};
use crate::scope::Resolved;
use crate::source::Span;
use crate::symbol::Symbol;
use crate::value::Value;

impl Lowerer<'_> {
    /// `builtins.map` and the like, which nothing can change.
    pub(super) fn known_member(&self, target: &ExprId, path: &[AttrName]) -> Option<Value> {
        let (Expr::Global(index), [name]) = (&target.expr, path) else {
            return None;
        };
        let (Value::Attrs(set), AttrNameKind::Static(name)) =
            (self.evaluator.globals.value(*index), &name.kind)
        else {
            return None;
        };
        match &set.get(*name)?.value {
            Value::Thunk(_) => None,
            value => Some(value.clone()),
        }
    }

    /// `skip` scopes further in do not count; see [`Scopes::resolve`].
    pub(super) fn variable(&mut self, name: Symbol, span: Span, skip: usize) -> ExprId {
        let expr = match self.scopes.resolve(name, skip) {
            Resolved::Local { up, slot } => Expr::Local { up, slot },
            Resolved::Free { withs } => match self.evaluator.globals.index(name) {
                Some(index) => Expr::Global(index),
                None if !withs.is_empty() => Expr::WithLookup { ups: withs, name },
                None => {
                    self.undefined(name, span);
                    Expr::Const(Value::Null)
                }
            },
        };
        self.add(expr, span)
    }

    pub(super) fn undefined(&mut self, name: Symbol, span: Span) {
        let symbols = &self.evaluator.symbols;
        let text = symbols.name(name);
        let visible = self.scopes.names().map(|name| symbols.name(name));
        let candidates = visible.chain(self.evaluator.globals.names(symbols));
        let mut error = SyntaxError::new(
            "undefined-variable",
            span,
            format!("undefined variable `{text}`"),
        );
        error.help = match similar(text, candidates).first() {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None => self.undefined_help(text, span),
        };
        self.errors.push(error);
    }

    pub(super) fn attr_path(&mut self, path: Option<ast::Attrpath>) -> Box<[AttrName]> {
        let attrs = path.iter().flat_map(ast::Attrpath::attrs);
        attrs.map(|attr| self.attr_name(&attr)).collect()
    }

    pub(super) fn attr_name(&mut self, attr: &ast::Attr) -> AttrName {
        let span = self.span(attr);
        let kind = match (self.static_name(attr), attr) {
            (Some(name), _) => AttrNameKind::Static(name),
            (None, ast::Attr::Dynamic(dynamic)) => {
                AttrNameKind::Dynamic(self.child(dynamic.expr(), span))
            }
            (None, ast::Attr::Str(string)) => AttrNameKind::Dynamic(self.string(string)),
            (None, ast::Attr::Ident(_)) => AttrNameKind::Dynamic(self.child(None, span)),
        };
        AttrName { kind, span }
    }

    /// The name, if it is known without evaluation.
    pub(super) fn static_name(&mut self, attr: &ast::Attr) -> Option<Symbol> {
        match attr {
            ast::Attr::Ident(ident) => Some(self.ident(Some(ident.clone()))?.0),
            ast::Attr::Str(string) => self.plain_string(string),
            ast::Attr::Dynamic(dynamic) => match dynamic.expr()? {
                ast::Expr::Str(string) => self.plain_string(&string),
                _ => None,
            },
        }
    }

    pub(super) fn plain_string(&self, string: &ast::Str) -> Option<Symbol> {
        match &self.pieces(string)[..] {
            [] => Some(self.intern("")),
            [Piece::Text(text)] => Some(self.intern(text)),
            _ => None,
        }
    }
}
