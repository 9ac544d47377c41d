//! Lowering of applications and operators, the pipes included.
//!
//! Called by `mod.rs`. Invariant: a function without parentheses is no operand, as in Nix's grammar.

use rnix::ast;

use super::Lowerer;
use crate::expr::{BinOp, Expr, ExprId};
use crate::settings::Feature;
use crate::source::Span;
use crate::value::Value;

impl Lowerer<'_> {
    pub(super) fn operand_of(&mut self, operand: Option<ast::Expr>, parent: Span) -> ExprId {
        match operand {
            Some(expr) => self.operand(&expr),
            None => self.child(None, parent),
        }
    }

    /// Lowers an operand, an argument, an element of a list or a default of `or`, where rnix takes
    /// functions, too.
    pub(super) fn operand(&mut self, expr: &ast::Expr) -> ExprId {
        if let ast::Expr::Lambda(_) = expr {
            let span = self.span(expr);
            self.error(span, "a function needs parentheses here");
        }
        self.expr(expr)
    }

    pub(super) fn apply(&mut self, expr: &ast::Expr) -> ExprId {
        let mut args = Vec::new();
        let mut func = expr.clone();
        while let ast::Expr::Apply(node) = &func {
            args.push(node.argument());
            let Some(next) = node.lambda() else { break };
            func = next;
        }
        let span = self.span(expr);
        let func = self.expr(&func);
        let args = args
            .into_iter()
            .rev()
            .map(|arg| self.operand_of(arg, span))
            .collect();
        self.add(Expr::Apply { func, args }, span)
    }

    pub(super) fn binary(&mut self, node: &ast::BinOp, span: Span) -> Expr {
        use ast::BinOpKind as Kind;
        let lhs = self.operand_of(node.lhs(), span);
        let rhs = self.operand_of(node.rhs(), span);
        let op = match node.operator() {
            Some(Kind::Add) => BinOp::Add,
            Some(Kind::Sub) => BinOp::Sub,
            Some(Kind::Mul) => BinOp::Mul,
            Some(Kind::Div) => BinOp::Div,
            Some(Kind::Concat) => BinOp::Concat,
            Some(Kind::Update) => BinOp::Update,
            Some(Kind::Equal) => BinOp::Equal,
            Some(Kind::NotEqual) => BinOp::NotEqual,
            Some(Kind::Less) => BinOp::Less,
            Some(Kind::LessOrEq) => BinOp::LessEq,
            Some(Kind::More) => BinOp::Greater,
            Some(Kind::MoreOrEq) => BinOp::GreaterEq,
            Some(Kind::And) => BinOp::And,
            Some(Kind::Or) => BinOp::Or,
            Some(Kind::Implication) => BinOp::Implies,
            Some(pipe @ (Kind::PipeRight | Kind::PipeLeft)) => {
                if !self.evaluator.settings.has(Feature::PipeOperators) {
                    let name = Feature::PipeOperators.name();
                    let message =
                        format!("the pipe operators need the feature `{name}`, which is off");
                    self.error(span, message);
                }
                let sides = [node.lhs(), node.rhs()];
                let is_pipe = |kind| matches!(kind, Kind::PipeRight | Kind::PipeLeft);
                let mixed = sides.into_iter().flatten().any(|side| match side {
                    ast::Expr::BinOp(inner) => inner
                        .operator()
                        .is_some_and(|kind| is_pipe(kind) && kind != pipe),
                    _ => false,
                });
                if mixed {
                    self.error(span, "`|>` and `<|` side by side need parentheses");
                }
                let (func, arg) = match pipe {
                    Kind::PipeLeft => (lhs, rhs),
                    _ => (rhs, lhs),
                };
                return Expr::Apply {
                    func,
                    args: [arg].into(),
                };
            }
            None => {
                self.error(span, "an operator is missing");
                return Expr::Const(Value::Null);
            }
        };
        Expr::Bin { op, lhs, rhs }
    }
}
