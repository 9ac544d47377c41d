//! The evaluator's own expression tree: what lowering produces and the interpreter runs.
//!
//! Nodes live in one append-only arena per evaluator and refer to each other by `ExprId`. Invariant:
//! variables are resolved (`Local` counts environments outwards, then names a slot), names are interned,
//! and nothing here refers to rnix.

use elsa::FrozenVec;

use crate::source::{Pos, Span};
use crate::symbol::Symbol;
use crate::value::Value;

/// Names a node of the arena. Opaque outside the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExprId(u32);

#[derive(Default)]
pub(crate) struct Arena {
    nodes: FrozenVec<Box<Node>>,
}

pub(crate) struct Node {
    pub(crate) expr: Expr,
    pub(crate) span: Span,
}

impl Arena {
    pub(crate) fn add(&self, expr: Expr, span: Span) -> ExprId {
        self.nodes.push(Box::new(Node { expr, span }));
        ExprId(u32::try_from(self.nodes.len() - 1).expect("fewer than 2^32 expressions"))
    }

    #[inline]
    pub(crate) fn get(&self, id: ExprId) -> &Node {
        self.nodes
            .get(id.0 as usize)
            .expect("expression ids come from this arena")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinOp {
    Add,
    Sub,
    Mul,
    Div,
    Concat,
    Update,
    Equal,
    NotEqual,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    And,
    Or,
    Implies,
}

pub(crate) enum Expr {
    Const(Value),
    Local {
        up: u32,
        slot: u32,
    },
    Global(u32),
    /// A name found in no scope, looked for in the enclosing `with`s, innermost first.
    WithLookup {
        ups: Box<[u32]>,
        name: Symbol,
    },
    Select {
        target: ExprId,
        path: Box<[AttrName]>,
        default: Option<ExprId>,
    },
    HasAttr {
        target: ExprId,
        path: Box<[AttrName]>,
    },
    Apply {
        func: ExprId,
        args: Box<[ExprId]>,
    },
    Lambda(Lambda),
    Let {
        slots: Box<[ExprId]>,
        body: ExprId,
    },
    Attrs(AttrsDef),
    List(Box<[ExprId]>),
    If {
        cond: ExprId,
        then: ExprId,
        other: ExprId,
    },
    Assert {
        cond: ExprId,
        body: ExprId,
    },
    With {
        namespace: ExprId,
        body: ExprId,
    },
    Bin {
        op: BinOp,
        lhs: ExprId,
        rhs: ExprId,
    },
    Not(ExprId),
    Negate(ExprId),
    /// `"a${b}c"`; literal parts are constants.
    Interpolate(Box<[ExprId]>),
    /// `./a/${b}`; the first part is a constant path.
    InterpolatePath(Box<[ExprId]>),
    SearchPath(Box<str>),
    HomePath(Box<str>),
    CurPos(Pos),
}

#[derive(Clone)]
pub(crate) struct AttrName {
    pub(crate) kind: AttrNameKind,
    pub(crate) span: Span,
}

#[derive(Clone)]
pub(crate) enum AttrNameKind {
    Static(Symbol),
    Dynamic(ExprId),
}

pub(crate) struct Lambda {
    pub(crate) param: Param,
    pub(crate) body: ExprId,
    /// The name it was bound to where it was written, for traces.
    pub(crate) name: Option<Symbol>,
}

pub(crate) enum Param {
    /// One slot.
    Ident,
    /// Slots: the formals in source order, then the `@` name.
    Pattern(Pattern),
}

pub(crate) struct Pattern {
    pub(crate) formals: Box<[Formal]>,
    pub(crate) ellipsis: bool,
    pub(crate) bind: Option<Symbol>,
}

pub(crate) struct Formal {
    pub(crate) name: Symbol,
    pub(crate) default: Option<ExprId>,
    pub(crate) pos: Pos,
}

/// An attribute set.
///
/// `recursive`: an environment is pushed whose first slots are the attributes in order and whose further
/// slots are `hidden`. Not recursive: an environment is pushed only if there are hidden slots, which hold
/// the sources of `inherit (source) ...`, each evaluated once.
pub(crate) struct AttrsDef {
    pub(crate) recursive: bool,
    /// Sorted by symbol.
    pub(crate) attrs: Box<[AttrDef]>,
    pub(crate) hidden: Box<[ExprId]>,
    pub(crate) dynamic: Box<[DynamicAttr]>,
}

pub(crate) struct AttrDef {
    pub(crate) name: Symbol,
    pub(crate) pos: Pos,
    pub(crate) value: ExprId,
}

pub(crate) struct DynamicAttr {
    pub(crate) name: ExprId,
    pub(crate) pos: Pos,
    pub(crate) value: ExprId,
}
