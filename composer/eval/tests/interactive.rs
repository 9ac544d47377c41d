//! What prompts and command lines need: variables, bindings, calls with defaults, documentation, an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use xsc_eval::{ErrorKind, Evaluator, MemoryIo, Value, Variables};

fn show(ev: &Evaluator, text: &str, variables: &Variables) -> String {
    match ev
        .eval_with("prompt", "/", text, variables)
        .and_then(|value| ev.force_deep(&value))
    {
        Ok(value) => ev.show(&value),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn a_session_has_variables_and_bindings() {
    let ev = Evaluator::without_files();
    let mut variables = Variables::new();
    let bind = |text: &str, variables: &mut Variables| {
        let new = ev.bind("prompt", "/", text, variables).unwrap();
        let names: Vec<String> = new.keys().cloned().collect();
        variables.extend(new);
        names.join(" ")
    };
    assert_eq!(bind("x = 1; y = throw \"lazy\"", &mut variables), "x y");
    assert_eq!(bind("s.a = x + 1; s.b = 3;", &mut variables), "s");
    assert_eq!(bind("inherit (s) a b", &mut variables), "a b");
    // A new variable hides the old one, whose value it may use.
    assert_eq!(bind("x = x + 10 # ten", &mut variables), "x");
    assert_eq!(show(&ev, "[ x a b s.a ]", &variables), "[ 11 2 3 2 ]");
    assert_eq!(show(&ev, "y", &variables), "error: lazy");
    // A variable hides a global, and `with` does not hide a variable.
    bind("map = 5", &mut variables);
    assert_eq!(
        show(&ev, "with { x = 0; }; [ map x ]", &variables),
        "[ 5 11 ]"
    );
    assert_eq!(show(&ev, "z", &variables), "error: undefined variable `z`");
    assert!(ev.bind("prompt", "/", "x = )", &variables).is_err());
    assert!(ev.bind("prompt", "/", "x = 1; x = 2", &variables).is_err());
}

#[test]
fn functions_of_named_arguments_are_called() {
    let ev = Evaluator::without_files();
    let arguments = Variables::from([
        ("a".to_owned(), Value::Int(1)),
        ("z".to_owned(), Value::Int(9)),
    ]);
    let call = |text: &str| {
        let value = ev.eval_str("test", "/", text).unwrap();
        match ev.auto_call(&value, &arguments) {
            Ok(value) => ev.show(&ev.force_deep(&value).unwrap()),
            Err(error) => format!("error: {error}"),
        }
    };
    assert_eq!(call("{ a, b ? a + 1 }: [ a b ]"), "[ 1 2 ]");
    assert_eq!(call("{ a ? 5, ... }@all: all"), "{ a = 1; z = 9; }");
    assert_eq!(call("{ }: 3"), "3");
    assert_eq!(call("x: x"), "<LAMBDA>");
    assert_eq!(call("7"), "7");
    assert_eq!(
        call("{ __functor = self: { a }: a + self.n; n = 10; }"),
        "11"
    );
    assert!(call("{ a, missing }: a").contains("without the argument `missing`"));
}

#[test]
fn documentation_is_found() {
    let ev = Evaluator::without_files();
    let text = "{\n  /** Doubles `x`. */\n  twice = x: x * 2;\n  n = 1; /** Fine. */\n  m = 2;\n}";
    let value = ev.eval_str("file", "/", text).unwrap();
    let set = ev.expect_attrs(&value, "it").unwrap();
    let attr = |name: &str| set.get(ev.symbol(name)).unwrap();
    let doc = ev.documentation(&attr("twice").value).unwrap().unwrap();
    assert_eq!(doc.title, "function `twice`");
    assert_eq!(doc.at.unwrap().to_string(), "file:3:11");
    assert_eq!(doc.text.as_deref(), Some("Doubles `x`."));
    let doc = ev.attr_documentation(attr("m")).unwrap();
    assert_eq!(doc.text.as_deref(), Some("Fine."));
    let doc = ev.attr_documentation(attr("n")).unwrap();
    assert_eq!((doc.at.unwrap().line, doc.text), (4, None));
    let map = ev.eval_str("test", "/", "map (x: x)").unwrap();
    let doc = ev.documentation(&map).unwrap().unwrap();
    assert_eq!(doc.title, "builtin function `map` of 2 arguments");
    assert!(!doc.text.unwrap().is_empty());
    assert_eq!(ev.documentation(&Value::Int(1)).unwrap(), None);
}

const ENDLESS: &str = "builtins.length (builtins.genericClosure { startSet = [ { key = 0; } ]; \
    operator = x: [ { key = x.key + 1; } ]; })";

#[test]
fn an_evaluation_can_be_interrupted_and_another_one_started() {
    let flag = Arc::new(AtomicBool::new(false));
    let ev = Evaluator::builder(MemoryIo::default())
        .interrupt(flag.clone())
        .build();
    let count = "builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x) 300000)";
    let sum = ev.eval_str("test", "/", count).unwrap();
    assert_eq!(ev.show(&sum), "44999850000");
    let setter = flag.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        setter.store(true, Ordering::Relaxed);
    });
    let value = ev
        .eval_str("test", "/", &format!("{{ v = {ENDLESS}; }}"))
        .unwrap();
    let error = ev.force_deep(&value).map(drop).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Interrupted), "{error}");
    assert!(!error.kind().is_catchable());
    thread.join().unwrap();
    flag.store(false, Ordering::Relaxed);
    let sum = ev.eval_str("test", "/", count).unwrap();
    assert_eq!(ev.show(&sum), "44999850000");
}

#[test]
fn a_part_of_the_work_can_be_limited() {
    let ev = Evaluator::without_files();
    let error = ev.limited(10_000, || {
        ev.eval_str("test", "/", ENDLESS).map(drop).unwrap_err()
    });
    assert!(
        matches!(error.kind(), ErrorKind::TooManySteps { limit: 10_000 }),
        "{error}"
    );
    let sum = ev.limited(100, || ev.eval_str("test", "/", "(x: x) 1").unwrap());
    assert_eq!(ev.show(&sum), "1");
    let long = "builtins.length (builtins.genList (x: x) 200000)";
    let length = ev.eval_str("test", "/", long).unwrap();
    assert_eq!(ev.show(&length), "200000");
}
