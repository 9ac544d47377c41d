//! Recipes of small repositories and of this one, evaluated to derivations; errors as goldens.
//!
//! `tests/data/*.txt` and `*.json` are the goldens: with XSC_ACCEPT=1 they are rewritten and the run fails
//! with "accepted, not checked". Invariant: a repository is a temporary directory, nothing is built.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use tempfile::TempDir;
use xsc_instantiate::{InstantiateError, Recipes};
use xsc_model::{BlobId, Digest, Directory, DrvId, EntryName, InputSource, Node, TreeId};
use xsc_profile::{Lock, Profile};

const PROFILE: &str = r#"[profile]
name = "t"
description = "A profile"
system = "x86_64-linux"
variant = "base"
modules = []
images = []
"#;

const HEAD: &str = r#"{ profile, inputs }:
let
  base = { name = "d"; system = "x86_64-linux"; builder = "/bin/sh"; };
  root = { at = "/"; from = ../src; };
  ok = base // { inputs = [ root ]; };
  file = {
    name = "f";
    sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    size = 1;
    urls = [ "mirror://m/f" ];
  };
  fetch = more: derivation {
    name = "f";
    system = "x86_64-linux";
    builder = "builtin:fetch";
    params = file // more;
  };
  drv = derivation ok;
in
"#;

/// What the composer's own hashing gives for plain files and directories.
fn hash_sources(paths: &[PathBuf]) -> io::Result<TreeId> {
    let directory = |paths: &[PathBuf]| -> io::Result<TreeId> {
        let mut entries = BTreeMap::new();
        for path in paths {
            let node = if path.is_dir() {
                Node::Directory {
                    tree: hash_sources(std::slice::from_ref(path))?,
                }
            } else {
                let bytes = fs::read(path)?;
                Node::File {
                    blob: BlobId(Digest::of(&bytes)),
                    size: bytes.len() as u64,
                    executable: false,
                }
            };
            let name = path.file_name().unwrap().to_str().unwrap();
            entries.insert(EntryName::new(name).unwrap(), node);
        }
        Ok(Directory { entries }.id())
    };
    match paths {
        [only] if only.is_dir() => {
            let entries: io::Result<Vec<_>> = fs::read_dir(only)?.collect();
            let inside: Vec<_> = entries?.iter().map(fs::DirEntry::path).collect();
            directory(&inside)
        }
        several => directory(several),
    }
}

struct Repo {
    dir: TempDir,
}

impl Repo {
    fn new(body: &str) -> Repo {
        let repo = Repo {
            dir: tempfile::tempdir().unwrap(),
        };
        repo.write("src/a", "a");
        repo.write("src/b", "b");
        repo.write("images/default.nix", &format!("{HEAD}{body}\n"));
        repo
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn load(&self) -> Result<Recipes, InstantiateError> {
        self.load_with(PROFILE, "version = 1\n")
    }

    fn load_with(&self, profile: &str, lock: &str) -> Result<Recipes, InstantiateError> {
        let profile = Profile::parse("t.toml", profile).unwrap();
        let lock = Lock::parse("flake-like.lock", lock).unwrap();
        Recipes::load(self.dir.path(), &profile, &lock, hash_sources)
    }

    fn id(&self, path: &str) -> DrvId {
        self.load().unwrap().derivation(path).unwrap()
    }

    /// What asking for `path` says, without the repository's own place.
    fn error(&self, path: &str) -> String {
        let error = match self.load() {
            Ok(mut recipes) => recipes.derivation(path).unwrap_err(),
            Err(error) => error,
        };
        let root = self.dir.path().to_str().unwrap();
        error.to_string().replace(root, "ROOT")
    }
}

fn id_of(expression: &str) -> DrvId {
    Repo::new(&format!("{{ x = {expression}; }}")).id("x")
}

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    if std::env::var_os("XSC_ACCEPT").is_some() {
        fs::write(path, text).unwrap();
        panic!("accepted, not checked");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs", path.display());
}

#[test]
fn every_error_names_the_place_and_what_to_do() {
    let cases = [
        ("unknown argument", "derivation (ok // { bilder = 1; })"),
        (
            "unknown argument, written in place",
            "derivation { name = \"d\"; sytem = \"s\"; }",
        ),
        ("no name", "derivation (removeAttrs ok [ \"name\" ])"),
        ("no system", "derivation (removeAttrs ok [ \"system\" ])"),
        ("no builder", "derivation (removeAttrs ok [ \"builder\" ])"),
        ("bad name", "derivation (ok // { name = \"a b\"; })"),
        (
            "bad system",
            "derivation (ok // { system = \"mips-linux\"; })",
        ),
        (
            "unknown builtin",
            "derivation (base // { builder = \"builtin:mrege\"; })",
        ),
        (
            "params of a command",
            "derivation (ok // { params = { }; })",
        ),
        (
            "args of a builtin",
            "derivation (base // { builder = \"builtin:merge\"; args = [ ]; })",
        ),
        (
            "outputs of a builtin",
            "derivation (base // { builder = \"builtin:merge\"; outputs = [ \"bin\" ]; })",
        ),
        ("no output", "derivation (ok // { outputs = [ ]; })"),
        (
            "bad output",
            "derivation (ok // { outputs = [ \"Bin\" ]; })",
        ),
        (
            "output named as an argument",
            "derivation (ok // { outputs = [ \"env\" ]; })",
        ),
        (
            "env names an output",
            "derivation (ok // { env = { out = \"/x\"; }; })",
        ),
        (
            "env of the composer",
            "derivation (ok // { env = { XSC_CORES = \"9\"; }; })",
        ),
        (
            "env is no string",
            "derivation (ok // { env = { A = 1; }; })",
        ),
        (
            "input without at",
            "derivation (base // { inputs = [ { from = ../src; } ]; })",
        ),
        (
            "input without from",
            "derivation (base // { inputs = [ { at = \"/\"; } ]; })",
        ),
        (
            "bad place",
            "derivation (base // { inputs = [ (root // { at = \"/a/../b\"; }) ]; })",
        ),
        (
            "two inputs at one place",
            "derivation (base // { inputs = [ root root ]; })",
        ),
        (
            "no input at the root",
            "derivation (base // { inputs = [ (root // { at = \"/x\"; }) ]; })",
        ),
        (
            "input from a string",
            "derivation (base // { inputs = [ (root // { from = \"../src\"; }) ]; })",
        ),
        (
            "input from a list of strings",
            "derivation (base // { inputs = [ (root // { from = [ \"a\" ]; }) ]; })",
        ),
        (
            "derivation in a string",
            "derivation (ok // { args = [ \"${drv}/bin/x\" ]; })",
        ),
        (
            "derivation as a string",
            "derivation (ok // { builder = drv; })",
        ),
        (
            "derivation and toString",
            "derivation (ok // { env.A = toString drv; })",
        ),
        (
            "unknown output",
            "derivation (base // { inputs = [ (root // { from = drv // { outputName = \"bin\"; }; }) ]; })",
        ),
        (
            "invented derivation",
            "derivation (base // { inputs = [ (root // { from = { type = \"derivation\"; drvPath = \"x\"; outputName = \"out\"; }; }) ]; })",
        ),
        (
            "derivation of another graph",
            "derivation (base // { inputs = [ (root // { from = drv // { drvPath = builtins.hashString \"sha256\" \"x\"; }; }) ]; })",
        ),
        (
            "missing source",
            "derivation (base // { inputs = [ (root // { from = ../nothing; }) ]; })",
        ),
        (
            "source outside",
            "derivation (base // { inputs = [ (root // { from = ../../etc; }) ]; })",
        ),
        (
            "source that is a link",
            "derivation (base // { inputs = [ (root // { from = ../out; }) ]; })",
        ),
        (
            "source behind a link",
            "derivation (base // { inputs = [ (root // { from = [ ../out/passwd ]; }) ]; })",
        ),
        (
            "fetch without params",
            "derivation (base // { builder = \"builtin:fetch\"; })",
        ),
        (
            "fetch with inputs",
            "derivation { name = \"f\"; system = \"x86_64-linux\"; builder = \"builtin:fetch\"; params = file; inputs = [ root ]; }",
        ),
        ("fetch: unknown parameter", "fetch { sha265 = \"\"; }"),
        ("fetch: short hash", "fetch { sha256 = \"abc\"; }"),
        (
            "fetch: hash in capitals",
            "fetch { sha256 = builtins.substring 0 64 \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"; }",
        ),
        ("fetch: negative size", "fetch { size = -1; }"),
        ("fetch: name with a slash", "fetch { name = \"a/b\"; }"),
        ("fetch: nowhere", "fetch { urls = [ ]; }"),
        ("not a derivation: set", "{ }"),
        ("not a derivation: string", "\"s\""),
        ("not a derivation: function", "x: x"),
        ("thrown", "throw \"no such thing\""),
        (
            "parameter that is a function",
            "derivation (base // { builder = \"builtin:merge\"; params = { a.b = x: x; }; })",
        ),
    ];
    let mut text = String::new();
    for (what, expression) in cases {
        let repo = Repo::new(&format!("{{\n  x = {expression};\n}}"));
        std::os::unix::fs::symlink("/etc", repo.dir.path().join("out")).unwrap();
        let error = repo.error("x");
        let _ = writeln!(text, "# {what}\n# {expression}\n{}\n", error.trim_end());
    }
    let repo = Repo::new("{ pkgs.linux = drv; }");
    for path in ["pkgs.linus", "pkgs.linux.name.x", "quite-other", ""] {
        let _ = writeln!(text, "# the path `{path}`\n{}\n", repo.error(path));
    }
    golden("errors.txt", &text);
}

#[test]
fn asking_for_one_attribute_evaluates_no_other() {
    let repo = Repo::new("{ a = drv; b = throw \"b was evaluated\"; c.d = abort \"c.d\"; }");
    let mut recipes = repo.load().unwrap();
    recipes.derivation("a").unwrap();
    assert_eq!(recipes.graph().len(), 1);
    assert!(repo.error("b").contains("b was evaluated"));
}

#[test]
fn the_id_depends_on_what_is_said_and_on_the_content_of_sources() {
    let one = Repo::new(
        "{ x = derivation { name = \"d\"; system = \"x86_64-linux\"; builder = \"/bin/sh\"; inputs = [ { at = \"/\"; from = ../src; } ]; }; }",
    );
    let other = Repo::new(
        "{ x = derivation { inputs = [ { from = ../src; at = \"/\"; } ]; builder = \"/bin/sh\"; system = \"x86_64-linux\"; name = \"d\"; }; }",
    );
    assert_eq!(
        one.id("x"),
        other.id("x"),
        "neither order nor place of the repository counts"
    );
    other.write("src/a", "changed");
    assert_ne!(one.id("x"), other.id("x"), "content counts");
    assert_ne!(
        id_of("drv"),
        id_of("derivation (ok // { args = [ \"x\" ]; })")
    );
    let parallel = id_of("derivation (ok // { parallel = true; })");
    assert_eq!(id_of("drv"), parallel, "how many processors is no content");
}

#[test]
fn where_a_file_comes_from_does_not_change_what_it_is() {
    let here = id_of("fetch { }");
    assert_eq!(
        here,
        id_of("fetch { urls = [ \"mirror://else/f\" \"mirror://m/f\" ]; }")
    );
    assert_ne!(here, id_of("fetch { size = 2; }"));
    assert_ne!(here, id_of("fetch { name = \"g\"; }"));
}

#[test]
fn several_paths_make_one_source_and_an_output_can_be_chosen() {
    let repo = Repo::new(
        r#"rec {
  two = derivation (ok // { outputs = [ "out" "bin" ]; });
  x = derivation (base // { inputs = [ { at = "/"; from = two.bin; } { at = "/s"; from = [ ../src/b ../src/a ]; } ]; });
  y = derivation (base // { inputs = [ { at = "/"; from = two; } ]; });
  same = assert two == derivation (ok // { outputs = [ "out" "bin" ]; }); two;
}"#,
    );
    let mut recipes = repo.load().unwrap();
    let (two, x, y) = (
        recipes.derivation("two").unwrap(),
        recipes.derivation("x").unwrap(),
        recipes.derivation("y").unwrap(),
    );
    assert_eq!(recipes.derivation("same").unwrap(), two);
    assert_eq!(recipes.derivation("two.bin").unwrap(), two);
    let graph = recipes.graph();
    let output = |id: &DrvId| match &graph.get(id).unwrap().inputs[0].source {
        InputSource::Output { drv, output } => (*drv, output.to_string()),
        InputSource::Source { .. } => panic!("it is an output"),
    };
    assert_eq!(output(&x), (two, "bin".to_owned()));
    assert_eq!(output(&y), (two, "out".to_owned()));
    match &graph.get(&x).unwrap().inputs[1].source {
        InputSource::Source { tree, paths } => {
            assert_eq!(paths, &["src/b", "src/a"]);
            let whole = hash_sources(&[repo.dir.path().join("src")]).unwrap();
            assert_eq!(*tree, whole, "the files under their base names");
        }
        InputSource::Output { .. } => panic!("it is a source"),
    }
    for (_, drv) in graph.iter() {
        for needed in xsc_model::dependencies(drv) {
            assert!(graph.get(&needed).is_some(), "the graph is closed");
        }
    }
}

#[test]
fn values_as_json() {
    let repo = Repo::new(
        r#"{
  inherit drv;
  function = x: x;
  partial = builtins.map (x: x);
  path = ../src;
  list = [ 1 1.5 true null "s" ];
  cycle = let a = { b = [ a ]; }; in a;
}"#,
    );
    let mut recipes = repo.load().unwrap();
    let mut json = recipes.json(None).unwrap();
    let id = json["drv"]["drvPath"].take();
    assert_eq!(id.as_str(), Some(repo.id("drv").to_string().as_str()));
    golden("values.json", &format!("{json:#}\n"));
    let endless = Repo::new("{ x = let f = n: { next = f (n + 1); }; in f 0; }");
    let error = endless.load().unwrap().json(Some("x")).unwrap_err();
    assert!(error.to_string().contains("more than 200 deep"), "{error}");
}

#[test]
fn recipes_see_the_profile_and_what_the_lock_pins() {
    let repo = Repo::new("{ inherit profile inputs; }");
    let lock = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../profile/tests/data/flake-like.lock"
    );
    let lock = fs::read_to_string(lock).unwrap();
    let profile =
        format!("{PROFILE}\n[options]\nname = \"x\"\n\n[options.boot]\nquiet = true\ncount = 3\n");
    let lock = lock
        .replace("@logo@", &"1".repeat(64))
        .replace("@seed@", &"2".repeat(64));
    let mut recipes = repo.load_with(&profile, &lock).unwrap();
    golden("lock.json", &format!("{:#}\n", recipes.json(None).unwrap()));
}

#[test]
fn the_derivations_of_the_minimal_profile() {
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", ".."].iter().collect();
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let profile = Profile::parse("minimal.toml", &read("profiles/minimal.toml")).unwrap();
    let lock = Lock::parse("flake-like.lock", &read("flake-like.lock")).unwrap();
    let mut recipes = Recipes::load(&root, &profile, &lock, hash_sources).unwrap();
    let result = recipes.derivation("result").unwrap();
    let graph = recipes.graph();
    let mut names: Vec<String> = graph
        .closure(&[result])
        .iter()
        .map(|id| graph.get(id).unwrap().name.to_string())
        .collect();
    names.sort();
    golden(
        "minimal-derivations.txt",
        &format!("{}\n", names.join("\n")),
    );
}
