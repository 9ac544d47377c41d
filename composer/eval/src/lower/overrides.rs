//! Lowering of `rec` sets with `__overrides`, whose attributes replace the set's own, also inside of it.
//!
//! Called by `sets.rs`. Invariant: nothing but lowering knows of `__overrides`; what comes out is a set that
//! is updated.

use super::Lowerer;
use super::sets::Bindings;
use crate::expr::{AttrName, AttrNameKind, BinOp, Expr, ExprId};
use crate::source::Span;
use crate::symbol::Symbol;

impl Lowerer<'_> {
    /// `rec { a = x; __overrides = o; }`: inside, `a` means `o.a or x`, and the set is updated with `o`.
    pub(super) fn overridden_set(
        &mut self,
        bindings: Bindings,
        name: Symbol,
        span: Span,
    ) -> ExprId {
        // A scope of its own, for the set before it is updated.
        self.scopes.push_slots([]);
        let set = self.lower_bindings(bindings, Some(name), span);
        self.scopes.pop();
        let local = |lowerer: &Self| lowerer.add(Expr::Local { up: 0, slot: 0 }, span);
        let (lhs, target) = (local(self), local(self));
        let kind = AttrNameKind::Static(name);
        let path = [AttrName { kind, span }].into();
        let rhs = self.add(
            Expr::Select {
                target,
                path,
                default: None,
            },
            span,
        );
        let op = BinOp::Update;
        let body = self.add(Expr::Bin { op, lhs, rhs }, span);
        let slots = [set].into();
        self.add(Expr::Let { slots, body }, span)
    }

    /// `__overrides.NAME or VALUE` inside of the set; a set without the name has no say.
    pub(super) fn overridden(
        &mut self,
        slot: usize,
        name: Symbol,
        value: ExprId,
        span: Span,
    ) -> ExprId {
        let slot = u32::try_from(slot).expect("fewer than 2^32 attributes");
        let target = self.add(Expr::Local { up: 0, slot }, span);
        let kind = AttrNameKind::Static(name);
        self.add(
            Expr::Select {
                target,
                path: [AttrName { kind, span }].into(),
                default: Some(value),
            },
            span,
        )
    }
}
