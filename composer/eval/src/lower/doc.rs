//! Documentation comments: the `/** … */` in front of a function or a binding.
//!
//! Called for `:doc`, never while evaluating. Invariant: a comment belongs to what it touches, with only
//! white space, ordinary comments, parentheses, arguments and the name of the binding in between.

use rnix::{SyntaxKind, SyntaxNode, TextSize};

/// The text of the comment that documents what starts at byte `at` of a file.
pub(crate) fn doc_comment(text: &str, at: u32) -> Option<String> {
    super::with_stack(text, || {
        let root = rnix::Root::parse(text).syntax();
        let token = root.token_at_offset(TextSize::from(at)).right_biased()?;
        let mut node = token.parent()?;
        // The largest thing that starts here, so that what is in front of it is outside of it.
        let start = token.text_range().start();
        loop {
            while let Some(parent) = node
                .parent()
                .filter(|parent| parent.text_range().start() == start)
                .filter(|parent| parent.kind() != SyntaxKind::NODE_ROOT)
            {
                node = parent;
            }
            if let Some(comment) = comment_before(&node) {
                return Some(strip(&comment));
            }
            node = around(&node)?;
        }
    })
}

/// The nearest documentation comment right in front of a node.
fn comment_before(node: &SyntaxNode) -> Option<String> {
    let mut token = node.first_token()?.prev_token();
    while let Some(before) = token {
        match before.kind() {
            SyntaxKind::TOKEN_WHITESPACE => {}
            SyntaxKind::TOKEN_COMMENT => {
                let text = before.text();
                if text.starts_with("/**") && text.len() > "/**/".len() {
                    return Some(text.to_owned());
                }
            }
            _ => return None,
        }
        token = before.prev_token();
    }
    None
}

/// What a node is the whole of: parentheses around it, the function whose body or the binding whose value it is.
fn around(node: &SyntaxNode) -> Option<SyntaxNode> {
    let parent = node.parent()?;
    let is_last = || {
        let mut after = node.next_sibling();
        std::iter::from_fn(|| {
            let this = after.take()?;
            after = this.next_sibling();
            Some(this)
        })
        .all(|sibling| sibling.kind() == SyntaxKind::NODE_ERROR)
    };
    match parent.kind() {
        SyntaxKind::NODE_PAREN => Some(parent),
        SyntaxKind::NODE_LAMBDA | SyntaxKind::NODE_ATTRPATH_VALUE if is_last() => Some(parent),
        SyntaxKind::NODE_ATTRPATH => Some(parent),
        _ => None,
    }
}

/// The comment without its delimiters and without the indentation that all its lines share.
fn strip(comment: &str) -> String {
    let inner = comment
        .strip_prefix("/**")
        .and_then(|rest| rest.strip_suffix("*/"))
        .unwrap_or(comment);
    let (first, rest) = inner.split_once('\n').unwrap_or((inner, ""));
    let indent = |line: &str| line.len() - line.trim_start().len();
    let common = rest
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(indent)
        .min()
        .unwrap_or(0);
    let mut lines = vec![first.trim()];
    lines.extend(
        rest.lines()
            .map(|line| line.get(common..).unwrap_or("").trim_end()),
    );
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(text: &str, mark: &str) -> Option<String> {
        let at = text.find(mark).unwrap();
        doc_comment(text, u32::try_from(at).unwrap())
    }

    #[test]
    fn comments_belong_to_functions_and_bindings() {
        let cases = [
            ("/** one */ x: x", "x: x", Some("one")),
            ("/** one */ (x: x)", "x: x", Some("one")),
            ("{ /** one */ f = x: x; }", "x: x", Some("one")),
            ("{ /** one */ f = /** two */ x: x; }", "x: x", Some("two")),
            ("{ /** one */ f = x: y: x; }", "y: x", Some("one")),
            ("{ /** one */ f = { a }: a; }", "{ a }", Some("one")),
            ("{ /** one */ f = 1; }", "f = ", Some("one")),
            ("{ /** one */ a.b = 1; }", "a.b", Some("one")),
            ("{ /** one */ a.b = 1; }", "b = ", Some("one")),
            ("{ /** one */ # why\n f = x: x; }", "x: x", Some("one")),
            ("let /** one */ f = x: x; in f", "x: x", Some("one")),
            ("{ /** one */ f = g (x: x); }", "x: x", None),
            ("{ /** one */ a = 1; f = x: x; }", "x: x", None),
            ("{ /* no */ f = x: x; }", "x: x", None),
            ("{ /**/ f = x: x; }", "x: x", None),
            ("{ /** one */ a = [ (x: x) ]; }", "x: x", None),
            ("x: x", "x: x", None),
        ];
        for (text, mark, expected) in cases {
            assert_eq!(doc(text, mark).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn indentation_goes() {
        let text = "{\n  /**\n    First.\n\n      more\n    Last.\n  */\n  f = x: x;\n}";
        let expected = "First.\n\n  more\nLast.";
        assert_eq!(doc(text, "x: x").as_deref(), Some(expected));
    }
}
