//! Lowering: rnix's syntax tree becomes `expr::Expr`, with names resolved and literals decoded.
//!
//! The only module that sees rnix. Called once for each file or string. Invariant: an expression is
//! returned only if there were no errors; all errors that lowering finds in a file are collected.

mod doc;
mod functions;
mod input;
mod mistakes;
mod names;
mod operators;
mod outline;
mod overrides;
mod paths;
mod sets;
mod strings;
mod syntax;
#[cfg(test)]
mod tests;
mod tokens;

use std::borrow::Cow;

use rnix::ast::{self, AstNode, AstToken};

pub(crate) use self::doc::doc_comment;
pub use self::input::Input;
pub(crate) use self::input::as_set;
pub(crate) use self::outline::Outline;
use self::strings::{Piece, strip_indentation, unescape_quoted};
use crate::error::SyntaxError;
use crate::evaluator::Evaluator;
use crate::expr::{Expr, ExprId};
use crate::scope::Scopes;
use crate::settings::Feature;
use crate::source::{FileId, Span};
use crate::symbol::Symbol;
use crate::value::Value;

/// Deeply nested expressions recurse in rnix and here; a stack in proportion to the text holds any of them.
const STACK_BYTES_PER_SOURCE_BYTE: usize = 512;

/// Runs something that recurses along the nesting of `text`.
fn with_stack<T>(text: &str, run: impl FnOnce() -> T) -> T {
    let stack = (4 << 20) + text.len().min(1 << 22) * STACK_BYTES_PER_SOURCE_BYTE;
    stacker::grow(stack, run)
}

/// Parses and lowers `file`. `directory` is what relative paths are relative to. `extra` names are in
/// scope around the file, in slot order (for `scopedImport`).
pub(crate) fn lower(
    evaluator: &Evaluator,
    file: FileId,
    directory: &str,
    extra: Option<&[Symbol]>,
) -> Result<ExprId, Vec<SyntaxError>> {
    let text = evaluator.sources.text(file);
    with_stack(text, || {
        let parse = rnix::Root::parse(&line_ends(text));
        let mut lowerer = Lowerer {
            evaluator,
            file,
            directory,
            scopes: Scopes::default(),
            errors: Vec::new(),
        };
        // rnix goes on after an error, but what it reports then is mostly fallout of the first one.
        lowerer.errors = parse
            .errors()
            .iter()
            .take(1)
            .map(|error| lowerer.parse_error(error))
            .collect();
        if !lowerer.errors.is_empty() {
            return Err(lowerer.errors);
        }
        if let Some(names) = extra {
            lowerer.scopes.push_slots(names.iter().copied().zip(0..));
        }
        let root = parse.tree();
        let span = lowerer.span(&root);
        let expr = lowerer.child(root.expr(), span);
        if lowerer.errors.is_empty() {
            Ok(expr)
        } else {
            Err(lowerer.errors)
        }
    })
}

struct Lowerer<'a> {
    evaluator: &'a Evaluator,
    file: FileId,
    directory: &'a str,
    scopes: Scopes,
    errors: Vec<SyntaxError>,
}

impl Lowerer<'_> {
    fn range(&self, range: rnix::TextRange) -> Span {
        Span {
            file: self.file,
            start: range.start().into(),
            end: range.end().into(),
        }
    }

    fn span(&self, node: &impl AstNode) -> Span {
        self.range(node.syntax().text_range())
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.errors.push(SyntaxError::new("syntax", span, message));
    }

    fn add(&self, expr: Expr, span: Span) -> ExprId {
        self.evaluator.arena.add(expr, span)
    }

    fn constant(&self, value: Value, span: Span) -> ExprId {
        self.add(Expr::Const(value), span)
    }

    fn intern(&self, name: &str) -> Symbol {
        self.evaluator.symbols.intern(name)
    }

    fn ident(&mut self, ident: Option<ast::Ident>) -> Option<(Symbol, Span)> {
        let ident = ident?;
        let token = ident.ident_token()?;
        Some((self.intern(token.text()), self.range(token.text_range())))
    }

    /// Lowers a child that the grammar requires. rnix reports missing ones, so this is a safety net.
    fn child(&mut self, child: Option<ast::Expr>, parent: Span) -> ExprId {
        match child {
            Some(expr) => self.expr(&expr),
            None => {
                self.error(parent, "an expression is missing");
                self.constant(Value::Null, parent)
            }
        }
    }

    fn expr(&mut self, expr: &ast::Expr) -> ExprId {
        self.named(expr, None)
    }

    /// Lowers the value of a binding; a function takes the binding's name for traces.
    fn named(&mut self, expr: &ast::Expr, name: Option<Symbol>) -> ExprId {
        let span = self.span(expr);
        let lowered = match expr {
            ast::Expr::Paren(paren) => match paren.expr() {
                Some(inner) => return self.named(&inner, name),
                None => return self.child(None, span),
            },
            ast::Expr::Root(root) => return self.child(root.expr(), span),
            ast::Expr::Literal(literal) => Expr::Const(self.literal(literal, span)),
            ast::Expr::Str(string) => return self.string(string),
            ast::Expr::Ident(ident) => match self.ident(Some(ident.clone())) {
                Some((symbol, span)) => return self.variable(symbol, span, 0),
                None => return self.child(None, span),
            },
            ast::Expr::PathAbs(path) => return self.path(path, ""),
            ast::Expr::PathRel(path) => return self.path(path, self.directory),
            ast::Expr::PathHome(path) => return self.home_path(path),
            ast::Expr::PathSearch(path) => return self.search_path(path),
            ast::Expr::Apply(_) => return self.apply(expr),
            ast::Expr::Lambda(lambda) => return self.lambda(lambda, name),
            ast::Expr::List(list) => {
                Expr::List(list.items().map(|item| self.operand(&item)).collect())
            }
            ast::Expr::AttrSet(set) => return self.attr_set(set),
            ast::Expr::LetIn(let_in) => return self.let_in(let_in),
            ast::Expr::LegacyLet(legacy) => return self.legacy_let(legacy),
            ast::Expr::IfElse(node) => Expr::If {
                cond: self.child(node.condition(), span),
                then: self.child(node.body(), span),
                other: self.child(node.else_body(), span),
            },
            ast::Expr::Assert(node) => Expr::Assert {
                cond: self.child(node.condition(), span),
                body: self.child(node.body(), span),
            },
            ast::Expr::With(node) => {
                let namespace = self.child(node.namespace(), span);
                self.scopes.push_with();
                let body = self.child(node.body(), span);
                self.scopes.pop();
                Expr::With { namespace, body }
            }
            ast::Expr::Select(node) => {
                let target = self.child(node.expr(), span);
                let path = self.attr_path(node.attrpath());
                let default = node.default_expr().map(|default| self.operand(&default));
                match self.known_member(&target, &path) {
                    Some(value) => Expr::Const(value),
                    None => Expr::Select {
                        target,
                        path,
                        default,
                    },
                }
            }
            ast::Expr::HasAttr(node) => Expr::HasAttr {
                target: self.child(node.expr(), span),
                path: self.attr_path(node.attrpath()),
            },
            ast::Expr::UnaryOp(node) => {
                let operand = self.operand_of(node.expr(), span);
                match node.operator() {
                    Some(ast::UnaryOpKind::Negate) => Expr::Negate(operand),
                    _ => Expr::Not(operand),
                }
            }
            ast::Expr::BinOp(node) => self.binary(node, span),
            ast::Expr::CurPos(_) => Expr::CurPos(self.evaluator.sources.add_pos(span)),
            ast::Expr::Error(_) => {
                self.error(span, "this is not an expression");
                Expr::Const(Value::Null)
            }
        };
        self.add(lowered, span)
    }

    fn literal(&mut self, literal: &ast::Literal, span: Span) -> Value {
        match literal.kind() {
            ast::LiteralKind::Integer(token) => match token.value() {
                Ok(value) => Value::Int(value),
                Err(_) => {
                    self.error(span, "the integer does not fit into 64 bits");
                    Value::Null
                }
            },
            ast::LiteralKind::Float(token) => match token.value() {
                Ok(value) if fits(value, token.syntax().text()) => Value::Float(value),
                _ => {
                    self.error(span, "the number does not fit into a 64-bit float");
                    Value::Null
                }
            },
            ast::LiteralKind::Uri(token) => {
                if self.evaluator.settings.has(Feature::NoUrlLiterals) {
                    self.error(
                        span,
                        "a URL needs quotes here: the feature `no-url-literals` is on",
                    );
                }
                Value::from(token.syntax().text())
            }
        }
    }

    /// The pieces between the delimiters of a string, still raw.
    fn raw_pieces(&self, string: &ast::Str) -> Vec<Piece<ast::Interpol>> {
        // From the source, because `line_ends` may have changed what rnix saw.
        let source = self.evaluator.sources.text(self.file);
        string
            .parts()
            .map(|part| match part {
                ast::InterpolPart::Literal(text) => {
                    Piece::Text(source[text.syntax().text_range()].to_owned())
                }
                ast::InterpolPart::Interpolation(node) => Piece::Expr(node),
            })
            .collect()
    }

    fn pieces(&self, string: &ast::Str) -> Vec<Piece<ast::Interpol>> {
        let raw = self.raw_pieces(string);
        if string.to_string().starts_with("''") {
            return strip_indentation(raw);
        }
        let decode = |piece| match piece {
            Piece::Text(text) => Piece::Text(unescape_quoted(&text)),
            piece => piece,
        };
        raw.into_iter().map(decode).collect()
    }

    fn string(&mut self, string: &ast::Str) -> ExprId {
        let span = self.span(string);
        let pieces = self.pieces(string);
        let has_nul = |piece: &Piece<_>| matches!(piece, Piece::Text(text) if text.contains('\0'));
        if pieces.iter().any(has_nul) {
            self.error(span, "a string can't contain NUL");
        }
        match &pieces[..] {
            [] => self.constant(Value::from(""), span),
            [Piece::Text(text)] => self.constant(Value::from(text.as_str()), span),
            _ => {
                let parts = pieces
                    .into_iter()
                    .map(|piece| self.piece(piece, span))
                    .collect();
                self.add(Expr::Interpolate(parts), span)
            }
        }
    }

    fn piece(&mut self, piece: Piece<ast::Interpol>, span: Span) -> ExprId {
        match piece {
            Piece::Text(text) => self.constant(Value::from(text), span),
            Piece::Expr(node) => {
                let span = self.span(&node);
                self.child(node.expr(), span)
            }
        }
    }
}

/// Whether a 64-bit float can hold the number that `text` is: not too large, and not too close to zero.
fn fits(value: f64, text: &str) -> bool {
    let mut mantissa = text.split(['e', 'E']).next().unwrap_or(text).chars();
    value.is_normal() || value == 0.0 && !mantissa.any(|c| matches!(c, '1'..='9'))
}

/// A carriage return ends a line, with or without a line feed; rnix knows line feeds only. Offsets stay.
fn line_ends(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let mut ended = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        ended.push(match c {
            '\r' if chars.peek() != Some(&'\n') => '\n',
            c => c,
        });
    }
    Cow::Owned(ended)
}

/// `rowan`'s cast, reached through rnix's own trait.
fn cast<N: AstNode>(node: rnix::SyntaxNode) -> Option<N> {
    N::cast(node)
}
