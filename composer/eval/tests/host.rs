//! What a host can give beyond the pure language: a store, a search path, a home directory, a system.

use std::cell::RefCell;
use std::rc::Rc;

use xsc_eval::{
    Builder, EvalError, Evaluator, Feature, FetchRequest, FileType, MemoryIo, NixString,
    SourceRequest, Store, Value,
};

/// Remembers requests and answers each with its name.
#[derive(Default)]
struct Recorder {
    sources: RefCell<Vec<SourceRequest>>,
    fetches: RefCell<Vec<FetchRequest>>,
}

impl Store for Recorder {
    fn source(&self, _: &Evaluator, request: &SourceRequest) -> Result<Value, EvalError> {
        self.sources.borrow_mut().push(request.clone());
        Ok(Value::from(request.name.as_str()))
    }

    fn text(&self, _: &Evaluator, name: &str, text: &NixString) -> Result<Value, EvalError> {
        Ok(Value::from(format!("{name}: {}", text.to_string_lossy())))
    }

    fn fetch(&self, _: &Evaluator, request: &FetchRequest) -> Result<Value, EvalError> {
        self.fetches.borrow_mut().push(request.clone());
        Ok(Value::from(request.name.as_str()))
    }
}

fn builder() -> Builder {
    Evaluator::builder(MemoryIo::new([
        ("/src/main.c", "int main;"),
        ("/src/doc/page", "text"),
        ("/src/doc/old/page", "text"),
        ("/libs/one/default.nix", "1"),
        ("/libs/two.nix", "2"),
        ("/core/last.nix", "3"),
    ]))
}

fn show(ev: &Evaluator, text: &str) -> Result<String, String> {
    let value = ev
        .eval_str("test", "/", text)
        .and_then(|value| ev.force_deep(&value));
    value
        .map(|value| ev.show(&value))
        .map_err(|error| error.to_string())
}

#[test]
fn a_store_gets_sources_after_their_filter() {
    let store = Rc::new(Recorder::default());
    let ev = builder().store(Rc::clone(&store)).build();
    let filtered = "builtins.filterSource (path: type: baseNameOf path != \"old\") ./src";
    assert_eq!(show(&ev, filtered).as_deref(), Ok("\"src\""));
    let expected = SourceRequest {
        name: "src".to_owned(),
        path: "/src".to_owned(),
        kept: Some(vec![
            ("doc".to_owned(), FileType::Directory),
            ("doc/page".to_owned(), FileType::Regular),
            ("main.c".to_owned(), FileType::Regular),
        ]),
        recursive: true,
        sha256: None,
    };
    assert_eq!(*store.sources.borrow(), [expected]);
    assert!(
        ev.files_read().contains(&"/src/doc".to_owned()),
        "what a filter saw is a dependency"
    );

    let flat = "builtins.path { path = ./src/main.c; name = \"m.c\"; recursive = false;
        sha256 = \"0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73\"; }";
    assert_eq!(show(&ev, flat).as_deref(), Ok("\"m.c\""));
    let sources = store.sources.borrow();
    let request = sources.last().unwrap();
    assert!(!request.recursive && request.kept.is_none());
    assert_eq!(request.sha256.unwrap()[..3], [0xe3, 0xb0, 0xc4]);
}

#[test]
fn a_filter_can_fail_and_see_types() {
    let ev = builder().store(Recorder::default()).build();
    let throws = "builtins.path { path = ./src; filter = path: type: throw \"${path} ${type}\"; }";
    assert_eq!(show(&ev, throws), Err("/src/doc directory".to_owned()));
    // A file has nothing to be filtered.
    let file = "builtins.path { path = ./src/main.c; filter = abort \"not called\"; }";
    assert!(show(&ev, file).is_err(), "the filter has to be a function");
    let file = "builtins.path { path = ./src/main.c; filter = _: _: abort \"not called\"; }";
    assert_eq!(show(&ev, file).as_deref(), Ok("\"main.c\""));
}

#[test]
fn downloads_come_with_their_hash_only() {
    let store = Rc::new(Recorder::default());
    let ev = builder().store(Rc::clone(&store)).build();
    let hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let file = format!("builtins.fetchurl {{ url = \"https://x/a.tar\"; sha256 = \"{hash}\"; }}");
    assert_eq!(show(&ev, &file).as_deref(), Ok("\"a.tar\""));
    let tree = format!("fetchTarball {{ url = \"https://x/a.tar\"; sha256 = \"{hash}\"; }}");
    assert_eq!(show(&ev, &tree).as_deref(), Ok("\"source\""));
    let typed = format!(
        "fetchTree {{ type = \"tarball\"; url = \"https://x/b.tar\"; narHash = \"{hash}\"; }}"
    );
    assert_eq!(show(&ev, &typed).as_deref(), Ok("\"source\""));
    let unpack: Vec<bool> = store.fetches.borrow().iter().map(|f| f.unpack).collect();
    assert_eq!(unpack, [false, true, true]);
    for unpinned in [
        "builtins.fetchurl \"https://x/a.tar\"",
        "fetchTarball \"https://x/a.tar\"",
        "fetchTree { type = \"tarball\"; url = \"https://x/a.tar\"; }",
        "fetchGit \"https://x/a\"",
    ] {
        let error = show(&ev, unpinned).unwrap_err();
        assert!(error.contains("is not available"), "{unpinned}: {error}");
    }
    assert_eq!(
        store.fetches.borrow().len(),
        3,
        "nothing else was asked for"
    );
}

#[test]
fn text_goes_to_the_store_and_what_a_store_lacks_fails() {
    let ev = builder().store(Recorder::default()).build();
    let text = "builtins.toFile \"a.txt\" \"content\"";
    assert_eq!(show(&ev, text).as_deref(), Ok("\"a.txt: content\""));
    assert!(show(&ev, "builtins.storePath /src").is_err());
    assert!(show(&ev, "builtins.toFile \"a/b\" \"\"").is_err());
}

#[test]
fn the_search_path_is_the_hosts() {
    let ev = builder()
        .search_path("", "/libs")
        .search_path("sources", "/src")
        .search_default("core", "/core")
        .build();
    let path =
        "[ { path = \"/libs\"; prefix = \"\"; } { path = \"/src\"; prefix = \"sources\"; } ]";
    assert_eq!(show(&ev, "builtins.nixPath").as_deref(), Ok(path));
    let all =
        "[ (import <one>) (import <two.nix>) (import <core/last.nix>) <sources/main.c> <sources> ]";
    assert_eq!(show(&ev, all).as_deref(), Ok("[ 1 2 3 /src/main.c /src ]"));
    let absent = "map (p: p.success) [ (builtins.tryEval <three>) (builtins.tryEval <sourcesX>) ]";
    assert_eq!(show(&ev, absent).as_deref(), Ok("[ false false ]"));
    // A look-up that leads out of the tree is refused, not answered.
    assert!(show(&ev, "<../../etc/passwd>").is_err());
    let local = "let __nixPath = [ { prefix = \"one\"; path = \"/src\"; } ]; in <one>";
    assert_eq!(show(&ev, local).as_deref(), Ok("/src"));
}

#[test]
fn home_and_system_are_given_or_absent() {
    let ev = builder()
        .home("/home/user")
        .current_system("x86_64-linux")
        .build();
    assert_eq!(show(&ev, "~/x/../y").as_deref(), Ok("/home/user/y"));
    assert_eq!(show(&ev, "~/${\"a\"}").as_deref(), Ok("/home/user/a"));
    let system = "[ builtins.currentSystem __currentSystem ]";
    let twice = "[ \"x86_64-linux\" \"x86_64-linux\" ]";
    assert_eq!(show(&ev, system).as_deref(), Ok(twice));
    let bare = builder().build();
    assert!(show(&bare, "~/x").is_err());
    assert!(show(&bare, "builtins.currentSystem").is_err());
}

#[test]
fn features_are_off_by_default_and_parsing_needs_no_evaluation() {
    let pipe = "1 |> (x: throw \"evaluated\")";
    assert!(builder().build().parse_str("test", "/", pipe).is_err());
    let ev = builder().feature(Feature::PipeOperators).build();
    assert!(ev.parse_str("test", "/", pipe).is_ok());
    assert_eq!(show(&ev, pipe), Err("evaluated".to_owned()));
    assert!(ev.parse_str("test", "/", "unbound").is_err());
}
