//! The evaluator's own expression tree: what lowering produces and the interpreter runs.
//!
//! Nodes refer to their parts directly; functions are in a table, so that a function value stays small.
//! Invariant: variables are resolved (`Local` counts environments outwards, then names a slot), names are
//! interned, and nothing here refers to rnix.

use std::rc::Rc;

use elsa::FrozenVec;

use crate::source::{Pos, Span};
use crate::stack;
use crate::symbol::Symbol;
use crate::value::Value;

/// An expression, shared by the tree and the thunks that put it off.
pub(crate) type ExprId = Rc<Node>;

/// Names a function of the arena that has got none or some of its arguments. Opaque outside the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LambdaId(u32);

/// The functions of an evaluator.
#[derive(Default)]
pub(crate) struct Arena {
    lambdas: FrozenVec<Box<Function>>,
}

/// A function with its first `given` arguments.
pub(crate) struct Function {
    pub(crate) lambda: Rc<Lambda>,
    pub(crate) given: usize,
    /// From the first argument that is still missing.
    pub(crate) span: Span,
}

pub(crate) struct Node {
    pub(crate) expr: Expr,
    pub(crate) span: Span,
    /// What trying to evaluate it at once may cost, in nodes; 0 if that can't work. See `Evaluator::at_once`.
    pub(crate) cost: u8,
}

/// Expressions that cost more are put off without trying.
const MAX_COST: usize = 16;

impl Arena {
    pub(crate) fn add(&self, expr: Expr, span: Span) -> ExprId {
        let cost = cost(&expr);
        Rc::new(Node { expr, span, cost })
    }

    /// Adds a function. `spans` are those of the function and of what it returns for its first argument, and
    /// so on: as many as it takes arguments.
    pub(crate) fn add_lambda(&self, lambda: Lambda, spans: &[Span]) -> LambdaId {
        let lambda = Rc::new(lambda);
        let id = u32::try_from(self.lambdas.len()).expect("fewer than 2^32 functions");
        for (given, span) in spans.iter().enumerate() {
            self.lambdas.push(Box::new(Function {
                lambda: lambda.clone(),
                given,
                span: *span,
            }));
        }
        LambdaId(id)
    }

    #[inline]
    pub(crate) fn function(&self, id: LambdaId) -> &Function {
        self.lambdas
            .get(id.0 as usize)
            .expect("function ids come from this arena")
    }
}

impl LambdaId {
    /// The same function with `count` more arguments.
    pub(crate) fn with_given(self, count: usize) -> LambdaId {
        LambdaId(self.0 + u32::try_from(count).expect("functions take few arguments"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A sum of thousands of terms is a tree as deep.
        if !stack::enough() {
            let expr = std::mem::replace(&mut self.expr, Expr::Const(Value::Null));
            stack::measured(|| drop(expr));
        }
    }
}

/// Only what can neither fail, nor go on forever, nor force anything may be tried at once.
fn cost(expr: &Expr) -> u8 {
    let all = |parts: &mut dyn Iterator<Item = &ExprId>| {
        let mut sum = 1;
        for part in parts {
            if part.cost == 0 {
                return None;
            }
            sum += usize::from(part.cost);
        }
        Some(sum)
    };
    let cost = match expr {
        Expr::Const(_) | Expr::Local { .. } | Expr::Global(_) | Expr::Lambda(_) => Some(1),
        Expr::Bin {
            op: BinOp::Concat | BinOp::Update,
            ..
        } => None,
        Expr::Bin { lhs, rhs, .. } => all(&mut [lhs, rhs].into_iter()),
        Expr::Not(operand) => all(&mut [operand].into_iter()),
        Expr::If { cond, then, other } => all(&mut [cond, then, other].into_iter()),
        Expr::Select {
            target,
            path,
            default: None,
        }
        | Expr::HasAttr { target, path }
            if path.iter().all(AttrName::is_static) =>
        {
            all(&mut [target].into_iter())
        }
        Expr::List(items) => all(&mut items.iter()),
        Expr::Attrs(def) if !def.recursive && def.hidden.is_empty() && def.dynamic.is_empty() => {
            all(&mut def.attrs.iter().map(|attr| &attr.value))
        }
        _ => None,
    };
    let cost = cost.filter(|cost| *cost <= MAX_COST).unwrap_or(0);
    u8::try_from(cost).expect("the limit is below 256")
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
    Lambda(LambdaId),
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
    /// The body of a function whose arguments are in the environment already.
    Body(LambdaId),
}

#[derive(Clone)]
pub(crate) struct AttrName {
    pub(crate) kind: AttrNameKind,
    pub(crate) span: Span,
}

impl AttrName {
    fn is_static(&self) -> bool {
        matches!(self.kind, AttrNameKind::Static(_))
    }
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
    /// `a: b: c: ...`: a slot for each.
    Idents(usize),
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
