//! Lowering on its own: how names become slots and how sets are merged.

use crate::evaluator::Evaluator;
use crate::expr::{AttrsDef, Expr, ExprId, Param};
use crate::value::Value;

/// Lowers `text` and hands the root to `check`.
fn lowered(text: &str, check: impl Fn(&Evaluator, &ExprId)) {
    let ev = Evaluator::without_files();
    let file = ev.sources.add("test", text.to_owned());
    let root = super::lower(&ev, file, "/dir", None).expect("the text is right");
    check(&ev, &root);
}

fn errors(text: &str) -> Vec<String> {
    let ev = Evaluator::without_files();
    let file = ev.sources.add("test", text.to_owned());
    let errors = super::lower(&ev, file, "/dir", None)
        .err()
        .unwrap_or_default();
    errors
        .into_iter()
        .map(|e| format!("{}..{} {}", e.span.start, e.span.end, e.message))
        .collect()
}

fn body<'a>(ev: &'a Evaluator, node: &'a ExprId) -> &'a ExprId {
    match &node.expr {
        Expr::Lambda(id) => &ev.lambda(*id).body,
        Expr::Let { body, .. } | Expr::With { body, .. } => body,
        _ => panic!("no body"),
    }
}

fn local(node: &ExprId) -> (u32, u32) {
    match &node.expr {
        Expr::Local { up, slot } => (*up, *slot),
        _ => panic!("not a local variable"),
    }
}

fn attrs(node: &ExprId) -> &AttrsDef {
    match &node.expr {
        Expr::Attrs(def) => def,
        _ => panic!("not a set"),
    }
}

#[test]
fn variables_count_environments_outwards() {
    lowered("x: { y, z }@all: x", |ev, root| {
        assert_eq!(local(body(ev, body(ev, root))), (1, 0));
    });
    lowered("x: { y, z }@all: all", |ev, root| {
        assert_eq!(local(body(ev, body(ev, root))), (0, 2));
    });
}

#[test]
fn with_is_used_only_for_names_nothing_else_binds() {
    lowered("x: with x; x", |ev, root| {
        assert_eq!(local(body(ev, body(ev, root))), (1, 0));
    });
    lowered("x: with x; with x; other", |ev, root| {
        let inner = body(ev, body(ev, body(ev, root)));
        let Expr::WithLookup { ups, .. } = &inner.expr else {
            panic!("looked up at run time");
        };
        assert_eq!(**ups, [0, 1]);
    });
    lowered("x: with x; map", |ev, root| {
        let inner = body(ev, body(ev, root));
        assert!(matches!(inner.expr, Expr::Global(_)));
    });
}

#[test]
fn inherit_in_a_recursive_set_means_the_outer_variable() {
    lowered("a: rec { inherit a; b = a; }", |ev, root| {
        let def = attrs(body(ev, root));
        let value = |name: &str| {
            let name = ev.symbol(name);
            def.attrs
                .iter()
                .find(|attr| attr.name == name)
                .expect("it is defined")
                .value
                .clone()
        };
        assert_eq!(local(&value("a")), (1, 0));
        assert_eq!(local(&value("b")).0, 0);
    });
}

#[test]
fn an_inherit_source_is_one_hidden_slot() {
    lowered("s: { inherit (s) a b c; d = s; }", |ev, root| {
        let def = attrs(body(ev, root));
        assert_eq!(
            (def.attrs.len(), def.hidden.len(), def.recursive),
            (4, 1, false)
        );
        // The hidden slot is an environment of its own.
        assert_eq!(local(&def.hidden[0]), (1, 0));
    });
}

#[test]
fn paths_of_attributes_become_one_set() {
    lowered("{ a.b = 1; a.c.d = 2; a = { c.e = 3; }; }", |ev, root| {
        let outer = attrs(root);
        assert_eq!(outer.attrs.len(), 1);
        let a = attrs(&outer.attrs[0].value);
        assert_eq!(a.attrs.len(), 2);
        let c = ev.symbol("c");
        let c = a
            .attrs
            .iter()
            .find(|attr| attr.name == c)
            .expect("c is defined");
        assert_eq!(attrs(&c.value).attrs.len(), 2);
    });
}

#[test]
fn paths_are_relative_to_the_directory() {
    for (text, path) in [
        ("./x", "/dir/x"),
        ("../x/./y", "/x/y"),
        ("/a/../b", "/b"),
        ("./.", "/dir"),
    ] {
        lowered(text, |_, root| {
            let Expr::Const(Value::Path(found)) = &root.expr else {
                panic!("{text} is a constant path");
            };
            assert_eq!(found.as_str(), path);
        });
    }
    assert_eq!(errors("../../x"), ["0..7 the path leads outside of memory"]);
}

#[test]
fn functions_know_the_name_they_are_bound_to() {
    lowered("{ build = x: x; }", |ev, root| {
        let Expr::Lambda(id) = attrs(root).attrs[0].value.expr else {
            panic!("a function");
        };
        let name = ev.lambda(id).name.map(|name| ev.name(name));
        assert_eq!(name, Some("build"));
    });
}

#[test]
fn all_errors_of_a_file_are_collected() {
    assert_eq!(
        errors("{ a = x; a = 1; b = y: { y, y }: 1; }"),
        [
            "9..10 the name `a` is defined twice",
            "6..7 undefined variable `x`",
            "28..29 the argument `y` is named twice",
        ]
    );
}

#[test]
fn curried_functions_are_one_with_several_arguments() {
    let arguments = |text: &str| {
        let mut count = None;
        let seen = std::cell::RefCell::new(&mut count);
        lowered(text, |ev, root| {
            let Expr::Lambda(id) = root.expr else {
                panic!("a function");
            };
            if let Param::Idents(count) = ev.lambda(id).param {
                **seen.borrow_mut() = Some(count);
            }
        });
        count
    };
    assert_eq!(arguments("a: b: (c: a)"), Some(3));
    assert_eq!(
        arguments("a: b: a: a"),
        Some(2),
        "the last one hides the first"
    );
    assert_eq!(arguments("a: { b }: c: a"), Some(1));
    assert_eq!(arguments("{ a }: b: a"), None);
    lowered("a: b: a: a", |ev, root| {
        assert_eq!(local(body(ev, body(ev, root))), (0, 0));
    });
}
