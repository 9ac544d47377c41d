//! Questions about a source text after the fact: which binding is here, where is this name bound.
//!
//! For error messages only, so the text is parsed again and nothing is kept while evaluation goes well.
//! Invariant: answers are about the text alone; what can't be known from it is `None`.

use std::ops::Range;

use rnix::ast::{self, AstNode, HasEntry};
use rnix::{SyntaxKind, SyntaxNode, TextRange, TextSize};

use super::cast;

/// Definitions that only name another variable are followed so far.
const MAX_ALIASES: usize = 8;

/// The syntax tree of one file.
pub(crate) struct Outline {
    root: SyntaxNode,
    /// For the stack that dropping the tree needs.
    text: Box<str>,
}

impl Drop for Outline {
    fn drop(&mut self) {
        let empty = rnix::Root::parse("").syntax();
        let root = std::mem::replace(&mut self.root, empty);
        super::with_stack(&self.text, || drop(root));
    }
}

impl Outline {
    pub(crate) fn parse(text: &str) -> Outline {
        let root = super::with_stack(text, || rnix::Root::parse(text).syntax());
        Outline {
            root,
            text: text.into(),
        }
    }

    /// The path of the binding that a byte is in, from the outside: `config.boot.cmdline`. Ends at the
    /// function around it, because its arguments and results belong to whoever calls it.
    pub(crate) fn path_at(&self, at: u32) -> Option<String> {
        let at = TextSize::from(at);
        if at > self.root.text_range().end() {
            return None;
        }
        let token = self.root.token_at_offset(at).right_biased()?;
        let mut names: Vec<String> = Vec::new();
        let mut inner = TextRange::empty(at);
        for node in token.parent_ancestors() {
            match node.kind() {
                SyntaxKind::NODE_ATTRPATH_VALUE => {
                    let path = cast::<ast::AttrpathValue>(node.clone())?.attrpath()?;
                    // Inside of the path, only what comes before belongs to the name.
                    let whole = syntax(&path).text_range().end() <= inner.start();
                    let taken: Vec<String> = path
                        .attrs()
                        .filter(|attr| whole || syntax(attr).text_range().start() <= at)
                        .map(|attr| syntax(&attr).text().to_string())
                        .collect();
                    names.extend(taken.into_iter().rev());
                    if is_let(&node) {
                        break;
                    }
                }
                SyntaxKind::NODE_INHERIT => {
                    names.push(token.text().to_owned());
                    if is_let(&node) {
                        break;
                    }
                }
                SyntaxKind::NODE_LIST => {
                    let list = cast::<ast::List>(node.clone())?;
                    let index = list
                        .items()
                        .take_while(|item| syntax(item).text_range().end() <= inner.start())
                        .count();
                    names.push(format!("[{index}]"));
                }
                SyntaxKind::NODE_LAMBDA => break,
                _ => {}
            }
            inner = node.text_range();
        }
        let mut path = String::new();
        for name in names.iter().rev() {
            if !path.is_empty() && !name.starts_with('[') {
                path.push('.');
            }
            path.push_str(name);
        }
        (!path.is_empty()).then_some(path)
    }

    /// Where the innermost binding around a byte begins.
    pub(crate) fn binding_start(&self, at: u32) -> Option<u32> {
        let token = self.root.token_at_offset(at.into()).right_biased()?;
        let binding = token
            .parent_ancestors()
            .find(|node| node.kind() == SyntaxKind::NODE_ATTRPATH_VALUE)?;
        Some(binding.text_range().start().into())
    }

    /// Whether a byte is in a string of the `''` kind, perhaps inside of its `${}`.
    pub(crate) fn in_indented_string(&self, at: u32) -> bool {
        let at = TextSize::from(at);
        if at > self.root.text_range().end() {
            return false;
        }
        let token = self.root.token_at_offset(at).right_biased();
        let strings = token
            .into_iter()
            .flat_map(|token| token.parent_ancestors())
            .find(|node| node.kind() == SyntaxKind::NODE_STRING);
        strings.is_some_and(|node| node.text().to_string().starts_with("''"))
    }

    /// The selection that a use of a name or attribute ends: `config.a.b` for the `b` in it.
    pub(crate) fn selection(&self, range: Range<u32>) -> Option<(Range<u32>, String)> {
        let token = self
            .root
            .token_at_offset(range.start.into())
            .right_biased()?;
        let path = token
            .parent_ancestors()
            .find(|node| node.kind() == SyntaxKind::NODE_ATTRPATH)?;
        let select = path
            .parent()
            .filter(|node| node.kind() == SyntaxKind::NODE_SELECT)?;
        let start: u32 = select.text_range().start().into();
        let length = (range.end.checked_sub(start)?) as usize;
        let text = select.text().to_string();
        let text = text.get(..length).filter(|text| !text.contains('\n'))?;
        Some((start..range.end, text.to_owned()))
    }

    /// What is called by the call at a range, as written.
    pub(crate) fn callee(&self, range: Range<u32>) -> Option<String> {
        let mut expr = self.expr(range)?;
        while let ast::Expr::Apply(apply) = &expr {
            expr = apply.lambda()?;
        }
        Some(syntax(&expr).text().to_string())
    }

    /// An argument of the call at a range, from 0; the last one without a number.
    pub(crate) fn argument(&self, range: Range<u32>, number: Option<usize>) -> Option<Range<u32>> {
        let mut args = Vec::new();
        let mut expr = self.expr(range)?;
        while let ast::Expr::Apply(apply) = &expr {
            args.push(apply.argument()?);
            expr = apply.lambda()?;
        }
        args.reverse();
        let arg = match number {
            Some(number) => args.get(number)?,
            None => args.last()?,
        };
        Some(inner(arg))
    }

    /// What the only `with` around a byte opens.
    pub(crate) fn namespace(&self, at: u32) -> Option<Range<u32>> {
        let token = self.root.token_at_offset(at.into()).right_biased()?;
        let mut withs = token
            .parent_ancestors()
            .filter_map(cast::<ast::With>)
            .filter_map(|with| with.namespace())
            .filter(|expr| !syntax(expr).text_range().contains(at.into()));
        let namespace = withs.next()?;
        withs.next().is_none().then(|| inner(&namespace))
    }

    fn expr(&self, range: Range<u32>) -> Option<ast::Expr> {
        let range = TextRange::new(range.start.into(), range.end.into());
        if !self.root.text_range().contains_range(range) || range.is_empty() {
            return None;
        }
        let node = match self.root.covering_element(range) {
            rnix::NodeOrToken::Node(node) => node,
            rnix::NodeOrToken::Token(token) => token.parent()?,
        };
        cast::<ast::Expr>(node).filter(|e| syntax(e).text_range() == range)
    }

    /// Where the variable, or the attribute of a set written out, at a range gets its value.
    pub(crate) fn definition(&self, range: Range<u32>) -> Option<Range<u32>> {
        let mut expr = self.expr(range)?;
        let mut found = None;
        for _ in 0..MAX_ALIASES {
            let Some((name, value)) = bound(&expr) else {
                break;
            };
            let short = !syntax(&value).text().contains_char('\n');
            let shown = if short {
                syntax(&value).text_range()
            } else {
                name
            };
            found = Some(shown.start().into()..shown.end().into());
            expr = value;
        }
        found
    }
}

/// rnix's trait lends its methods to generic code only.
fn syntax(node: &impl AstNode) -> &SyntaxNode {
    node.syntax()
}

/// The range of an expression without the parentheses around it.
fn inner(expr: &ast::Expr) -> Range<u32> {
    let range = match expr {
        ast::Expr::Paren(paren) => match paren.expr() {
            Some(expr) => return inner(&expr),
            None => syntax(expr).text_range(),
        },
        expr => syntax(expr).text_range(),
    };
    range.start().into()..range.end().into()
}

fn is_let(binding: &SyntaxNode) -> bool {
    let parent = binding.parent().map(|parent| parent.kind());
    matches!(
        parent,
        Some(SyntaxKind::NODE_LET_IN | SyntaxKind::NODE_LEGACY_LET)
    )
}

/// The name and the value that a variable or a selection stands for.
fn bound(expr: &ast::Expr) -> Option<(TextRange, ast::Expr)> {
    match expr {
        ast::Expr::Paren(paren) => bound(&paren.expr()?),
        ast::Expr::Ident(ident) => variable(ident),
        ast::Expr::Select(select) => {
            let mut found = bound(&select.expr()?)?;
            for attr in select.attrpath()?.attrs() {
                let ast::Expr::AttrSet(set) = &found.1 else {
                    return None;
                };
                found = entry(set, &syntax(&attr).text().to_string())?;
            }
            Some(found)
        }
        _ => None,
    }
}

fn variable(ident: &ast::Ident) -> Option<(TextRange, ast::Expr)> {
    let name = syntax(ident).text().to_string();
    for node in syntax(ident).ancestors().skip(1) {
        let found = match node.kind() {
            SyntaxKind::NODE_LET_IN => entry(&cast::<ast::LetIn>(node)?, &name),
            SyntaxKind::NODE_ATTR_SET => {
                let set = cast::<ast::AttrSet>(node)?;
                set.rec_token().and_then(|_| entry(&set, &name))
            }
            SyntaxKind::NODE_LAMBDA => {
                let param = cast::<ast::Lambda>(node)?.param()?;
                if takes(&param, &name) {
                    // What a caller gave: its call is in the trace.
                    return None;
                }
                None
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn takes(param: &ast::Param, name: &str) -> bool {
    match param {
        ast::Param::IdentParam(param) => syntax(param).text() == name,
        ast::Param::Pattern(pattern) => {
            let bind = pattern.pat_bind().and_then(|bind| bind.ident());
            let entries = pattern.pat_entries().filter_map(|entry| entry.ident());
            entries
                .chain(bind)
                .any(|ident| syntax(&ident).text() == name)
        }
    }
}

/// The binding `name = value` directly in a set or `let`.
fn entry(set: &impl HasEntry, name: &str) -> Option<(TextRange, ast::Expr)> {
    set.attrpath_values().find_map(|binding| {
        let path = binding.attrpath()?;
        let mut attrs = path.attrs();
        let (first, rest) = (attrs.next()?, attrs.next());
        if rest.is_some() || syntax(&first).text() != name {
            return None;
        }
        Some((syntax(&first).text_range(), binding.value()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, what: &str) -> u32 {
        u32::try_from(text.find(what).unwrap()).unwrap()
    }

    #[test]
    fn paths_are_what_the_user_wrote_around_a_place() {
        let text = "{ lib, ... }: { config.boot = mkIf c { cmdline = [ 1 mark ]; }; \
                    f = x: { inner = other; }; g = let v = third; in fourth; }";
        let outline = Outline::parse(text);
        let path = |what| outline.path_at(at(text, what));
        assert_eq!(path("mark").as_deref(), Some("config.boot.cmdline[1]"));
        assert_eq!(path("cmdline").as_deref(), Some("config.boot.cmdline"));
        assert_eq!(path("boot").as_deref(), Some("config.boot"));
        assert_eq!(path("config").as_deref(), Some("config"));
        assert_eq!(path("other").as_deref(), Some("inner"));
        assert_eq!(path("third").as_deref(), Some("v"));
        assert_eq!(path("fourth").as_deref(), Some("g"));
        assert_eq!(outline.path_at(100_000), None);
    }

    #[test]
    fn definitions_are_found_through_scopes_and_aliases() {
        let text = "let a = \"x\"; b = a; s = { t = 2; }; in f: p: [ b s.t f ]";
        let outline = Outline::parse(text);
        let find = |what: &str, from: &str| {
            let start = at(text, from) + u32::try_from(from.find(what).unwrap()).unwrap();
            let length = u32::try_from(what.len()).unwrap();
            let range = outline.definition(start..start + length)?;
            text.get(range.start as usize..range.end as usize)
        };
        assert_eq!(find("b", "b s.t"), Some("\"x\""));
        assert_eq!(find("s.t", "s.t f"), Some("2"));
        assert_eq!(find("f", "f ]"), None);
    }
}
