//! Lowering of attribute sets and `let`: nested paths are merged, then names become slots.
//!
//! Two passes, because `a.b = 1; a.c = 2;` must be one set before scopes are known. Invariant: slots
//! follow the symbols' order, hidden slots for `inherit (source)` come after them.

use rnix::ast::{self, HasEntry};
use rustc_hash::FxHashMap;

use super::Lowerer;
use crate::error::SyntaxError;
use crate::expr::{AttrDef, AttrName, AttrNameKind, AttrsDef, DynamicAttr, Expr, ExprId};
use crate::source::Span;
use crate::symbol::Symbol;

/// The merged bindings of one set, still syntax.
#[derive(Default)]
pub(super) struct Bindings {
    recursive: bool,
    entries: Vec<Entry>,
    index: FxHashMap<Symbol, usize>,
    sources: Vec<ast::Expr>,
    dynamic: Vec<(ast::Attr, Definition)>,
}

struct Entry {
    name: Symbol,
    span: Span,
    definition: Definition,
}

enum Definition {
    Expr(ast::Expr),
    Set(Bindings, Span),
    Inherit,
    InheritFrom(usize),
}

impl Lowerer<'_> {
    pub(super) fn attr_set(&mut self, node: &ast::AttrSet) -> ExprId {
        let span = self.span(node);
        let bindings = self.bindings(node, node.rec_token().is_some());
        self.lower_set(bindings, span)
    }

    fn lower_set(&mut self, bindings: Bindings, span: Span) -> ExprId {
        let overrides = self.intern("__overrides");
        if bindings.recursive && bindings.index.contains_key(&overrides) {
            return self.overridden_set(bindings, overrides, span);
        }
        self.lower_bindings(bindings, None, span)
    }

    pub(super) fn let_in(&mut self, node: &ast::LetIn) -> ExprId {
        let span = self.span(node);
        let bindings = self.bindings(node, true);
        for (attr, _) in &bindings.dynamic {
            let span = self.span(attr);
            self.error(span, "names bound by `let` can't be computed");
        }
        let mut entries = bindings.entries;
        entries.sort_by_key(|entry| entry.name);
        self.scopes
            .push_slots(entries.iter().map(|entry| entry.name).zip(0..));
        let hidden = u32::try_from(entries.len()).expect("fewer than 2^32 names");
        let mut slots: Vec<ExprId> = entries
            .into_iter()
            .map(|entry| self.definition(entry, true, hidden))
            .collect();
        slots.extend(bindings.sources.iter().map(|source| self.expr(source)));
        let body = self.child(node.body(), span);
        self.scopes.pop();
        self.add(
            Expr::Let {
                slots: slots.into(),
                body,
            },
            span,
        )
    }

    /// `let { ...; body = x; }` means `(rec { ...; body = x; }).body`.
    pub(super) fn legacy_let(&mut self, node: &ast::LegacyLet) -> ExprId {
        let span = self.span(node);
        let bindings = self.bindings(node, true);
        let target = self.lower_set(bindings, span);
        let kind = AttrNameKind::Static(self.intern("body"));
        let path = [AttrName { kind, span }].into();
        self.add(
            Expr::Select {
                target,
                path,
                default: None,
            },
            span,
        )
    }

    /// `overrides` names the attribute that overrides the others.
    pub(super) fn lower_bindings(
        &mut self,
        bindings: Bindings,
        overrides: Option<Symbol>,
        span: Span,
    ) -> ExprId {
        let Bindings {
            recursive,
            mut entries,
            sources,
            dynamic,
            ..
        } = bindings;
        entries.sort_by_key(|entry| entry.name);
        let has_frame = recursive || !sources.is_empty();
        let mut hidden_base = 0;
        if recursive {
            self.scopes
                .push_slots(entries.iter().map(|entry| entry.name).zip(0..));
            hidden_base = u32::try_from(entries.len()).expect("fewer than 2^32 attributes");
        } else if has_frame {
            self.scopes.push_slots([]);
        }
        let position = |name| entries.iter().position(|entry| entry.name == name);
        let overrides = overrides.and_then(|name| Some((name, position(name)?)));
        let attrs = entries
            .into_iter()
            .map(|entry| {
                let (name, span) = (entry.name, entry.span);
                let mut value = self.definition(entry, recursive, hidden_base);
                if let Some((overrides, slot)) = overrides
                    && overrides != name
                {
                    value = self.overridden(slot, name, value, span);
                }
                AttrDef {
                    name,
                    pos: self.evaluator.sources.add_pos(span),
                    value,
                }
            })
            .collect();
        let hidden = sources.iter().map(|source| self.expr(source)).collect();
        let dynamic = dynamic
            .into_iter()
            .map(|(attr, definition)| {
                let span = self.span(&attr);
                let name = match self.attr_name(&attr).kind {
                    AttrNameKind::Dynamic(name) => name,
                    AttrNameKind::Static(name) => {
                        let text = crate::value::Value::from(self.evaluator.symbols.name(name));
                        self.constant(text, span)
                    }
                };
                let value = match definition {
                    Definition::Set(bindings, span) => self.lower_set(bindings, span),
                    Definition::Expr(expr) => self.expr(&expr),
                    Definition::Inherit | Definition::InheritFrom(_) => self.child(None, span),
                };
                DynamicAttr {
                    name,
                    pos: self.evaluator.sources.add_pos(span),
                    value,
                }
            })
            .collect();
        if has_frame {
            self.scopes.pop();
        }
        self.add(
            Expr::Attrs(AttrsDef {
                recursive,
                attrs,
                hidden,
                dynamic,
            }),
            span,
        )
    }

    fn definition(&mut self, entry: Entry, recursive: bool, hidden_base: u32) -> ExprId {
        match entry.definition {
            Definition::Expr(expr) => self.named(&expr, Some(entry.name)),
            Definition::Set(bindings, span) => self.lower_set(bindings, span),
            Definition::Inherit => self.variable(entry.name, entry.span, usize::from(recursive)),
            Definition::InheritFrom(source) => {
                let slot = hidden_base + u32::try_from(source).expect("few sources");
                let target = self.add(Expr::Local { up: 0, slot }, entry.span);
                let kind = AttrNameKind::Static(entry.name);
                let path = [AttrName {
                    kind,
                    span: entry.span,
                }]
                .into();
                self.add(
                    Expr::Select {
                        target,
                        path,
                        default: None,
                    },
                    entry.span,
                )
            }
        }
    }

    fn bindings(&mut self, node: &impl HasEntry, recursive: bool) -> Bindings {
        let mut bindings = Bindings {
            recursive,
            ..Bindings::default()
        };
        for entry in node.entries() {
            match entry {
                ast::Entry::Inherit(inherit) => self.inherit(&mut bindings, &inherit),
                ast::Entry::AttrpathValue(binding) => {
                    let path: Vec<ast::Attr> = binding
                        .attrpath()
                        .iter()
                        .flat_map(ast::Attrpath::attrs)
                        .collect();
                    match binding.value() {
                        Some(value) => self.bind(&mut bindings, &path, value),
                        None => {
                            let span = self.span(&binding);
                            self.error(span, "the attribute has no value");
                        }
                    }
                }
            }
        }
        bindings
    }

    fn inherit(&mut self, bindings: &mut Bindings, inherit: &ast::Inherit) {
        let source = inherit.from().and_then(|from| from.expr()).map(|source| {
            bindings.sources.push(source);
            bindings.sources.len() - 1
        });
        for attr in inherit.attrs() {
            let span = self.span(&attr);
            let Some(name) = self.static_name(&attr) else {
                self.error(span, "inherited names can't be computed");
                continue;
            };
            let definition = match source {
                Some(source) => Definition::InheritFrom(source),
                None => Definition::Inherit,
            };
            self.insert(
                bindings,
                Entry {
                    name,
                    span,
                    definition,
                },
            );
        }
    }

    fn bind(&mut self, bindings: &mut Bindings, path: &[ast::Attr], value: ast::Expr) {
        let Some((head, rest)) = path.split_first() else {
            return;
        };
        let span = self.span(head);
        let definition = if !rest.is_empty() {
            let mut nested = Bindings::default();
            self.bind(&mut nested, rest, value);
            let from = self.span(head).start;
            let end = path.last().map_or(span.end, |last| self.span(last).end);
            Definition::Set(
                nested,
                Span {
                    start: from,
                    end,
                    ..span
                },
            )
        } else {
            match without_parens(value) {
                ast::Expr::AttrSet(set) => {
                    let nested = self.bindings(&set, set.rec_token().is_some());
                    Definition::Set(nested, self.span(&set))
                }
                value => Definition::Expr(value),
            }
        };
        match self.static_name(head) {
            Some(name) => self.insert(
                bindings,
                Entry {
                    name,
                    span,
                    definition,
                },
            ),
            None => bindings.dynamic.push((head.clone(), definition)),
        }
    }

    /// Adds a binding; sets written in several places become one.
    fn insert(&mut self, bindings: &mut Bindings, entry: Entry) {
        let Some(&index) = bindings.index.get(&entry.name) else {
            bindings.index.insert(entry.name, bindings.entries.len());
            bindings.entries.push(entry);
            return;
        };
        let existing = &mut bindings.entries[index];
        match (&mut existing.definition, entry.definition) {
            (Definition::Set(old, _), Definition::Set(new, _)) => {
                let shift = old.sources.len();
                old.sources.extend(new.sources);
                old.dynamic.extend(new.dynamic);
                for mut entry in new.entries {
                    if let Definition::InheritFrom(source) = &mut entry.definition {
                        *source += shift;
                    }
                    self.insert(old, entry);
                }
            }
            _ => {
                let name = self.evaluator.symbols.name(entry.name);
                let message = format!("the name `{name}` is defined twice");
                let error = SyntaxError::new("defined-twice", entry.span, message);
                self.errors
                    .push(error.and(existing.span, "first defined here"));
            }
        }
    }
}

fn without_parens(mut expr: ast::Expr) -> ast::Expr {
    while let ast::Expr::Paren(paren) = &expr {
        let Some(inner) = paren.expr() else { break };
        expr = inner;
    }
    expr
}
