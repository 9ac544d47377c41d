//! Lowering of paths: relative and absolute ones, `~/x`, and `<x>`.
//!
//! Called by `mod.rs`. Invariant: a path without interpolation is a constant, and `<x>` means
//! `__findFile __nixPath "x"` with whatever these names are bound to where it stands.

use std::rc::Rc;

use rnix::ast::{self, AstNode};

use super::strings::Piece;
use super::{Lowerer, cast};
use crate::error::SyntaxError;
use crate::expr::{Expr, ExprId};
use crate::path;
use crate::scope::Resolved;
use crate::value::{NixPath, Value};

impl Lowerer<'_> {
    /// `base` is what the text is relative to; empty if it is absolute.
    pub(super) fn path(&mut self, node: &impl AstNode, base: &str) -> ExprId {
        self.path_from(node, |text| format!("{base}/{text}"))
    }

    /// `start` completes the text of the path up to the first interpolation.
    fn path_from(&mut self, node: &impl AstNode, start: impl Fn(&str) -> String) -> ExprId {
        let span = self.span(node);
        let mut parts = Vec::new();
        for child in node.syntax().children_with_tokens() {
            match child {
                rnix::NodeOrToken::Token(token) => {
                    let text = token.text();
                    parts.push(Piece::Text(if parts.is_empty() {
                        start(text)
                    } else {
                        text.to_owned()
                    }));
                }
                rnix::NodeOrToken::Node(node) => {
                    parts.extend(cast::<ast::Interpol>(node).map(Piece::Expr));
                }
            }
        }
        if let [Piece::Text(text)] = &parts[..] {
            let Ok(path) = path::normalise(text) else {
                let root = self.evaluator.io.root();
                let message = format!("the path leads outside of {root}");
                self.errors
                    .push(SyntaxError::new("outside-of-the-tree", span, message));
                return self.constant(Value::Null, span);
            };
            return self.constant(Value::Path(Rc::new(NixPath::new(path))), span);
        }
        let parts = parts
            .into_iter()
            .map(|piece| self.piece(piece, span))
            .collect();
        self.add(Expr::InterpolatePath(parts), span)
    }

    /// `~/x` is relative to the home directory that the host gives; without one it fails when evaluated.
    pub(super) fn home_path(&mut self, node: &ast::PathHome) -> ExprId {
        let Some(home) = self.evaluator.settings.home() else {
            let text = node.to_string().into();
            return self.add(Expr::HomePath(text), self.span(node));
        };
        self.path_from(node, |text| {
            format!("{home}{}", text.strip_prefix('~').unwrap_or(text))
        })
    }

    pub(super) fn search_path(&mut self, node: &ast::PathSearch) -> ExprId {
        let span = self.span(node);
        let text = node.to_string();
        let names = ["__findFile", "__nixPath"].map(|name| self.intern(name));
        let bound = names
            .iter()
            .any(|name| matches!(self.scopes.resolve(*name, 0), Resolved::Local { .. }));
        if !bound && !self.evaluator.settings.has_search_path() {
            return self.add(Expr::SearchPath(text.into()), span);
        }
        let name = text.trim_start_matches('<').trim_end_matches('>');
        let [func, entries] = names.map(|name| self.variable(name, span, 0));
        let args = [entries, self.constant(Value::from(name), span)].into();
        self.add(Expr::Apply { func, args }, span)
    }
}
