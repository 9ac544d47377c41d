//! Both printed forms of values: the exact line, as `nix-instantiate --eval` prints it, and the tree for people.

use xsc_eval::{Evaluator, PrintOptions};

fn lazy(text: &str) -> String {
    let ev = Evaluator::without_files();
    ev.show(&ev.eval_str("test", "/", text).unwrap())
}

fn strict(text: &str) -> String {
    let ev = Evaluator::without_files();
    let value = ev.eval_str("test", "/", text).unwrap();
    ev.show(&ev.force_deep(&value).unwrap())
}

fn pretty(text: &str, options: &PrintOptions) -> String {
    let ev = Evaluator::without_files();
    let value = ev.eval_str("test", "/", text).unwrap();
    match ev.print(&value, options) {
        Ok(text) => text,
        Err(error) => format!("failed: {error}"),
    }
}

#[test]
fn exact_lines_are_those_of_nix() {
    let cases = [
        ("null", "null"),
        ("[ ]", "[ ]"),
        ("{ }", "{ }"),
        (
            "{ \"a b\" = 1; \"if\" = 2; or = 3; \"\" = 4; a-b = 5; }",
            "{ \"\" = 4; \"a b\" = 1; a-b = 5; \"if\" = 2; or = 3; }",
        ),
        (
            "[ 1.0 0.1 1.5e-7 (x: x) builtins.map (map 1) ./a/b true ]",
            "[ 1 0.1 1.5e-07 <LAMBDA> <PRIMOP> <PRIMOP-APP> /a/b true ]",
        ),
        (
            "\"a\\n\\t\\r\\\"\\${x}\\\\ $a\"",
            "\"a\\n\\t\\r\\\"\\${x}\\\\ $a\"",
        ),
        // Shared values are printed once, whether they contain themselves or not; empty ones always are.
        (
            "let s = { x = 1; }; in { a = s; b = s; }",
            "{ a = { x = 1; }; b = «repeated»; }",
        ),
        ("let s = rec { x = s; }; in s", "{ x = «repeated»; }"),
        ("let l = [ 1 2 ]; in [ l l ]", "[ [ 1 2 ] «repeated» ]"),
        (
            "let s = { }; l = [ ]; in [ s s l l ]",
            "[ { } { } [ ] [ ] ]",
        ),
        (
            "{ type = \"derivation\"; name = \"z\"; }",
            "{ name = \"z\"; type = \"derivation\"; }",
        ),
    ];
    for (text, printed) in cases {
        assert_eq!(strict(text), printed, "{text}");
    }
    assert_eq!(
        lazy("{ a = 1 + 1; b = 2; c = throw \"x\"; }"),
        "{ a = <CODE>; b = 2; c = <CODE>; }"
    );
    let tried = "let x = throw \"no\"; in { a = builtins.tryEval x; inherit x; }";
    assert_eq!(lazy(tried), "{ a = <CODE>; x = <CODE>; }");
}

#[test]
fn bytes_that_are_not_text_are_printed_as_they_are() {
    let ev = Evaluator::without_files();
    let half = "builtins.substring 0 1 \"é\"";
    let value = ev.eval_str("test", "/", half).unwrap();
    assert_eq!(ev.show_bytes(&value), b"\"\xc3\"");
    assert_eq!(ev.show(&value), "\"\u{fffd}\"");
}

#[test]
fn trees_break_lines_where_there_is_something_to_see() {
    let tree = |text: &str| pretty(text, &PrintOptions::tree(usize::MAX));
    assert_eq!(tree("{ a = 1 + 1; }"), "{ a = 2; }");
    assert_eq!(tree("[ ]"), "[ ]");
    let nested = "{ a = { b = { c = 1; }; }; l = [ 1 [ 2 ] ]; t = \"x\\ny\"; }";
    let expected = "\
{
  a = {
    b = { c = 1; };
  };
  l = [
    1
    [ 2 ]
  ];
  t = \"x\\ny\";
}";
    assert_eq!(tree(nested), expected);
    let functions = "[ (x: x) map (map 1) ]";
    let expected = "[\n  «lambda @ test:1:4»\n  «primop map»\n  «partially applied primop map»\n]";
    assert_eq!(tree(functions), expected);
    assert_eq!(
        tree("let f = x: x; in { inherit f; }"),
        "{ f = «lambda f @ test:1:9»; }"
    );
    let drv = "{ a = { type = \"derivation\"; name = \"z-1\"; huge = throw \"\"; }; }";
    assert_eq!(tree(drv), "{\n  a = «derivation z-1»;\n}");
}

#[test]
fn failures_inside_are_shown_in_place_and_outside_are_failures() {
    let tree = |text: &str| pretty(text, &PrintOptions::tree(usize::MAX));
    assert_eq!(
        tree("{ a = throw \"no\"; b = 1; }"),
        "{\n  a = «error: no»;\n  b = 1;\n}"
    );
    assert_eq!(tree("[ (throw \"no\") ]"), "[\n  «error: no»\n]");
    let own = tree("let s = { a = s.a; }; in [ s ]");
    assert!(own.contains("«error: infinite recursion"), "{own}");
    let endless = "let f = n: { inner = f (n + 1); }; in f 0";
    assert_eq!(
        pretty(endless, &PrintOptions::tree(2)),
        "{\n  inner = {\n    inner = { ... };\n  };\n}"
    );
}

#[test]
fn limits_say_what_is_missing() {
    let message = |text: &str| pretty(text, &PrintOptions::message());
    assert_eq!(message("{ a = 1 + 1; }"), "{ a = «thunk»; }");
    assert_eq!(
        message("[ 1 2 3 4 5 6 7 8 9 10 11 12 ]"),
        "[ 1 2 3 4 5 6 7 8 9 10 «2 items elided» ]"
    );
    let attrs = "{ a=1; b=1; c=1; d=1; e=1; f=1; g=1; h=1; i=1; j=1; type=1; }";
    let printed = message(attrs);
    assert!(printed.starts_with("{ type = 1; a = 1;"), "{printed}");
    assert!(
        printed.ends_with("i = 1; «1 attribute elided» }"),
        "{printed}"
    );
    let options = PrintOptions {
        max_string: 3,
        ..PrintOptions::message()
    };
    assert_eq!(pretty("\"abcdef\"", &options), "\"abc\" «3 bytes elided»");
    assert_eq!(pretty("[ \"abc\" ]", &options), "[ \"abc\" ]");
}

#[test]
fn trace_prints_what_is_known() {
    let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let sink = seen.clone();
    let ev = Evaluator::builder(xsc_eval::MemoryIo::default())
        .trace(move |message| sink.borrow_mut().push(message.to_owned()))
        .build();
    let text = "let s = builtins.trace s { a = 1 + 1; b = \"x\"; }; in s.b";
    ev.eval_str("test", "/", "builtins.trace { a = 1 + 1; b = \"x\"; } 1")
        .unwrap();
    assert!(ev.eval_str("test", "/", text).is_err());
    assert_eq!(*seen.borrow(), ["{ a = «thunk»; b = \"x\"; }"]);
}

#[test]
fn depth_is_no_danger() {
    let deep = "builtins.foldl' (a: n: { inherit a; }) null (builtins.genList (x: x) 100000)";
    let printed = strict(deep);
    assert!(printed.starts_with("{ a = { a = "), "{}", &printed[..40]);
    assert!(printed.ends_with("; }; }"));
    let tree = pretty(deep, &PrintOptions::tree(3));
    assert!(tree.contains("a = { ... };"), "{tree}");
    let options = PrintOptions {
        indent: 0,
        ..PrintOptions::tree(usize::MAX)
    };
    let deep = "builtins.foldl' (a: n: { inherit a; }) null (builtins.genList (x: x) 9000)";
    assert_eq!(pretty(deep, &options), strict(deep));
    let branching = "let f = n: { a = f (n + 1); b = f (n + 1); type = n; }; in f 0";
    let few = PrintOptions {
        max_attrs: 5,
        ..PrintOptions::tree(3)
    };
    let printed = pretty(branching, &few);
    assert_eq!(printed.matches(" = ").count(), 7, "{printed}");
    assert!(printed.ends_with("«2 attributes elided»\n}"), "{printed}");
    let endless = "let f = n: [ (f (n + 1)) ]; in f 0";
    let printed = pretty(endless, &options);
    assert!(
        printed.starts_with("failed: more than"),
        "{}",
        &printed[..40]
    );
}
