//! The evaluator as a host uses it: own builtins and globals, reading results, errors, dependencies.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use xsc_eval::{ErrorKind, EvalError, Evaluator, External, FrameKind, MemoryIo, NixString, Value};

struct Handle(u32);

impl External for Handle {
    fn type_name(&self) -> &'static str {
        "handle"
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no input is called {name}")]
struct NoSuchInput {
    name: String,
}

fn host() -> Evaluator {
    let files = [
        (
            "/default.nix",
            "{ pkg = import ./pkg; unused = import ./unused.nix; }",
        ),
        (
            "/pkg/default.nix",
            "{ name = \"pkg\"; text = builtins.readFile ./notes.txt; }",
        ),
        ("/pkg/notes.txt", "notes"),
        ("/unused.nix", "throw \"unused\""),
    ];
    Evaluator::builder(MemoryIo::new(files))
        .builtin("openHandle", 1, "Makes a handle.", |ev, args| {
            let number = ev.expect_int(&args[0], "the argument of `openHandle`")?;
            Ok(Value::external(Handle(u32::try_from(number).unwrap_or(0))))
        })
        .builtin("inputOf", 2, "Finds an input.", |ev, args| {
            let name = ev.expect_string(&args[1], "the name of an input")?;
            Err(EvalError::host(NoSuchInput {
                name: name.to_string_lossy().into_owned(),
            }))
        })
        .global_builtin("inputOf")
        .global("answer", Value::Int(42))
        .path_to_string(|_, path| {
            let context = [Rc::from(format!("source:{path}"))].into();
            Ok(NixString::from(format!("/staged{path}")).with_context(context))
        })
        .build()
}

fn eval(ev: &Evaluator, text: &str) -> Result<Value, EvalError> {
    ev.eval_str("test", "/", text)
}

#[test]
fn host_values_and_functions_are_in_scope() {
    let ev = host();
    let value = eval(&ev, "builtins.openHandle answer").unwrap();
    assert_eq!(value.downcast::<Handle>().unwrap().0, 42);
    let kind = eval(&ev, "builtins.typeOf (builtins.openHandle 1)").unwrap();
    assert_eq!(ev.show(&kind), "\"handle\"");
    assert!(
        ev.builtin_docs()
            .iter()
            .any(|(name, doc)| name == "inputOf" && !doc.is_empty())
    );
}

#[test]
fn a_host_error_keeps_its_cause_and_gets_a_place() {
    let ev = host();
    let error = eval(&ev, "{ src = inputOf null \"zlib\"; }.src").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Host { .. }));
    assert!(
        std::error::Error::source(&error)
            .unwrap()
            .downcast_ref::<NoSuchInput>()
            .is_some()
    );
    let text = ev.render(&error);
    assert!(
        text.contains("no input is called zlib") && text.contains("test:1:9"),
        "{text}"
    );
    assert!(
        error
            .frames()
            .iter()
            .any(|frame| frame.kind == FrameKind::Attr("src".into()))
    );
}

#[test]
fn files_read_are_the_dependencies_and_nothing_more() {
    let ev = host();
    let value = ev.eval_file("/").unwrap();
    let pkg = ev.reader(&value, "the result").unwrap().get("pkg").unwrap();
    assert_eq!(ev.files_read(), ["/default.nix", "/pkg/default.nix"]);
    let reader = ev.reader(&pkg, "the package").unwrap();
    assert_eq!(reader.text("text").unwrap(), "notes");
    assert_eq!(
        ev.files_read(),
        ["/default.nix", "/pkg/default.nix", "/pkg/notes.txt"]
    );
}

#[test]
fn readers_point_at_the_attribute() {
    let ev = host();
    let value = eval(
        &ev,
        "{\n  name = \"x\";\n  jobs = \"two\";\n  deps = [ \"a\" 1 ];\n}",
    )
    .unwrap();
    let reader = ev.reader(&value, "the package").unwrap();
    assert_eq!(reader.text("name").unwrap(), "x");
    assert_eq!(reader.opt_text("patch").unwrap(), None);
    let rendered = |error: EvalError| ev.render(&error);

    let text = rendered(reader.int("jobs").unwrap_err());
    assert!(
        text.contains("expected an integer for the attribute `jobs`"),
        "{text}"
    );
    assert!(text.contains("test:3:3"), "{text}");
    let text = rendered(reader.texts("deps").unwrap_err());
    assert!(
        text.contains("element 1 of the attribute `deps`") && text.contains("test:4:3"),
        "{text}"
    );
    let text = rendered(reader.text("nam").unwrap_err());
    assert!(
        text.contains("`name` is there; did you mean `nam`?") && text.contains("test:2:3"),
        "{text}"
    );
    let text = rendered(
        reader
            .only("a package", &["name", "job", "deps"])
            .unwrap_err(),
    );
    assert!(text.contains("a package has no attribute `jobs`"), "{text}");
    assert!(
        text.contains("did you mean `job`?") && text.contains("test:3:3"),
        "{text}"
    );
}

#[test]
fn values_go_to_json_and_back() {
    let ev = host();
    let value = eval(
        &ev,
        "{ a = [ 1 2.5 null true ]; b.c = \"x\"; p = ./dir/file; }",
    )
    .unwrap();
    let (json, context) = ev.value_to_json(&value).unwrap();
    let expected = serde_json::json!({
        "a": [1, 2.5, null, true], "b": {"c": "x"}, "p": "/staged/dir/file"
    });
    assert_eq!(json, expected);
    assert_eq!(
        context.iter().map(|item| &**item).collect::<Vec<_>>(),
        ["source:/dir/file"]
    );
    let back = ev.value_from_json(&json).unwrap();
    assert_eq!(ev.value_to_json(&back).unwrap().0, expected);
    assert!(ev.value_to_json(&eval(&ev, "x: x").unwrap()).is_err());
}

#[test]
fn functions_can_be_called_with_values_made_in_rust() {
    let ev = host();
    let function = eval(
        &ev,
        "{ name, deps ? [ ] }: \"${name}-${toString (builtins.length deps)}\"",
    );
    let argument = ev.make_attrs([
        ("name", Value::from("zlib")),
        (
            "deps",
            Value::list([Value::Null, Value::lazy(|_| Ok(Value::Int(1)))]),
        ),
    ]);
    let result = ev.call(&function.unwrap(), argument).unwrap();
    assert_eq!(ev.show(&result), "\"zlib-2\"");
}

#[test]
fn trace_goes_to_the_host_once() {
    let seen: Rc<RefCell<Vec<String>>> = Rc::default();
    let sink = seen.clone();
    let ev = Evaluator::builder(MemoryIo::default())
        .trace(move |message| sink.borrow_mut().push(message.to_owned()))
        .build();
    let text = "let s = { inherit (builtins.trace \"once\" { x = 1; y = 2; }) x y; }; in s.x + s.y";
    let value = eval(&ev, text).unwrap();
    assert_eq!(ev.show(&value), "3");
    assert_eq!(*seen.borrow(), ["once"]);
}

#[test]
fn context_survives_interpolation() {
    let ev = host();
    let value = eval(&ev, "\"cp ${./a} ${./b} ${./a}\"").unwrap();
    let text = ev.expect_string(&value, "the command").unwrap();
    assert_eq!(text.as_str(), Some("cp /staged/a /staged/b /staged/a"));
    let items: Vec<&str> = text.context().unwrap().iter().map(|item| &**item).collect();
    assert_eq!(items, ["source:/a", "source:/b"]);
}

#[test]
fn an_evaluator_goes_on_after_errors() {
    let ev = Evaluator::builder(MemoryIo::default())
        .max_call_depth(100)
        .build();
    for _ in 0..3 {
        let error = eval(&ev, "let f = x: 1 + f x; in f 0").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooDeep { limit: 100 }));
        let count = "let count = n: if n == 0 then 0 else 1 + count (n - 1); in count 90";
        assert_eq!(ev.show(&eval(&ev, count).unwrap()), "90");
    }
}

#[test]
fn a_budget_ends_what_would_not_end() {
    let endless = [
        "let f = n: if n == 0 then 1 else f (n - 1) + f (n - 1); in f 60",
        "builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }",
        // 2^60 pairs to compare, or to write.
        "let a = n: if n == 0 then [ ] else let b = a (n - 1); in [ b b ]; in a 60 == a 60",
        "let a = n: if n == 0 then [ ] else let b = a (n - 1); in [ b b ]; in toString (a 60)",
        "let a = n: if n == 0 then [ ] else let b = a (n - 1); in [ b b ]; in builtins.toJSON (a 60)",
        // Sizes that no memory would hold.
        "builtins.genList (x: x) 1000000",
        "let twice = n: s: if n == 0 then s else twice (n - 1) (s + s); in twice 60 \"abcdefgh\"",
        "let twice = n: s: if n == 0 then s else twice (n - 1) \"${s}${s}\"; in twice 60 \"abcdefgh\"",
        "let twice = n: l: if n == 0 then l else twice (n - 1) (l ++ l); in twice 60 [ 1 ]",
        "let twice = n: l: if n == 0 then l else twice (n - 1) (builtins.concatLists [ l l ]); in twice 60 [ 1 ]",
        "let twice = n: s: if n == 0 then s else twice (n - 1) (builtins.concatStringsSep s [ s s s ]); in twice 60 \"abcdefgh\"",
        "let twice = n: s: if n == 0 then s else twice (n - 1) (builtins.replaceStrings [ \"a\" ] [ s ] s); in twice 60 \"aaaa\"",
    ];
    for text in endless {
        let ev = Evaluator::builder(MemoryIo::default())
            .max_steps(100_000)
            .build();
        let error = eval(&ev, text).and_then(|value| ev.force_deep(&value));
        let error = error.expect_err(text);
        let kind = error.kind();
        assert!(
            matches!(kind, ErrorKind::TooManySteps { limit: 100_000 }),
            "{text}: {kind}"
        );
    }
    // Without a budget, too.
    for text in [
        "builtins.genList (x: x) 1000000000000",
        "builtins.genList (x: x) 9223372036854775807",
    ] {
        let error = eval(&host(), text).map(drop).expect_err(text);
        assert!(
            matches!(error.kind(), ErrorKind::TooLarge { .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn deep_values_do_not_overflow_the_stack() {
    let ev = host();
    let nested = "builtins.foldl' (list: n: [ list ]) [ ] (builtins.genList (n: n) 100000)";
    let text = format!(
        "let a = {nested}; b = {nested}; in {{ equal = a == b; less = a < b; text = toString a; }}"
    );
    let value = eval(&ev, &text)
        .and_then(|value| ev.force_deep(&value))
        .unwrap();
    assert_eq!(
        ev.show(&value),
        "{ equal = true; less = false; text = \"\"; }"
    );
}

#[test]
fn syntax_errors_of_a_file_come_together() {
    let ev = host();
    let error = eval(&ev, "[ one (two: three) { a = 1; a = 2; } ]").unwrap_err();
    let ErrorKind::Syntax { errors } = error.kind() else {
        panic!("{error}")
    };
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let expected = [
        "undefined variable `one`",
        "undefined variable `three`",
        "the name `a` is defined twice",
    ];
    assert_eq!(messages, expected);
}

#[test]
fn large_inputs_do_not_overflow_the_stack() {
    let ev = host();
    let sum = vec!["1"; 50_000].join(" + ");
    assert_eq!(ev.show(&eval(&ev, &sum).unwrap()), "50000");
    let nested = format!("{}1{}", "[ ".repeat(20_000), " ]".repeat(20_000));
    let outcome = eval(&ev, &nested).and_then(|value| ev.force_deep(&value));
    // rnix may refuse the depth; what matters is that nothing overflows.
    assert!(outcome.is_ok() || matches!(outcome.unwrap_err().kind(), ErrorKind::Syntax { .. }));
}
