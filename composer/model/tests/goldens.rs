//! Pins the canonical encodings: fixed values, their committed bytes and their ids.
//!
//! A change here changes every identity in every store. `XSC_ACCEPT=1` rewrites the files and
//! fails, so that an accepted run never passes for a checked one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use xsc_model::{
    Action, BlobId, Builder, BuiltinName, Cores, Derivation, Digest, Directory, DrvName, EntryName,
    Exec, Fetch, Input, InputMode, InputSource, MountPoint, Node, OutputName, Param, Placement,
    Realisation, Resources, System, TreeId,
};

fn name(text: &str) -> EntryName {
    EntryName::new(text).unwrap()
}

fn at(text: &str) -> MountPoint {
    MountPoint::new(text).unwrap()
}

fn outputs(names: &[&str]) -> BTreeSet<OutputName> {
    names.iter().map(|n| OutputName::new(*n).unwrap()).collect()
}

fn inner() -> Directory {
    let file = |content: &[u8], executable| Node::File {
        blob: BlobId(Digest::of(content)),
        size: content.len() as u64,
        executable,
    };
    Directory {
        entries: BTreeMap::from([
            (name("empty"), file(b"", false)),
            (name("tool"), file(b"#!/bin/sh\n", true)),
        ]),
    }
}

fn outer() -> Directory {
    Directory {
        entries: BTreeMap::from([
            (name("Größe"), Node::Directory { tree: inner().id() }),
            (
                name("link"),
                Node::Symlink {
                    target: "../else where".to_owned(),
                },
            ),
        ]),
    }
}

fn exec(cores: Cores) -> Builder {
    Builder::Exec(Exec {
        command: vec!["/bin/sh".to_owned(), "-e".to_owned(), String::new()],
        env: BTreeMap::from([
            ("LC_ALL".to_owned(), "C".to_owned()),
            ("PATH".to_owned(), "/usr/bin".to_owned()),
        ]),
        cores,
        keeps_build_dir: true,
        resources: match cores {
            Cores::One => Resources::default(),
            // Like the processors, these are no part of any identity.
            Cores::Granted => Resources {
                memory: 4096,
                exclusive: true,
            },
        },
    })
}

fn fetch(urls: &[&str]) -> Derivation {
    Derivation {
        name: DrvName::new("source-1.0.tar.xz").unwrap(),
        system: System::X86_64Linux,
        builder: Builder::Fetch(Fetch {
            file: "source-1.0.tar.xz".to_owned(),
            sha256: "00".repeat(32),
            size: 1234,
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        }),
        inputs: Vec::new(),
        outputs: outputs(&["out"]),
    }
}

fn build(cores: Cores) -> Derivation {
    Derivation {
        name: DrvName::new("thing-2").unwrap(),
        system: System::Aarch64Linux,
        builder: exec(cores),
        inputs: vec![Input {
            at: at("/src"),
            mode: InputMode::Writable,
            source: InputSource::Output {
                drv: fetch(&[]).id(),
                output: OutputName::out(),
            },
        }],
        outputs: outputs(&["dev", "out"]),
    }
}

fn builtin() -> Derivation {
    let params = BTreeMap::from([
        ("flag".to_owned(), Param::Bool(true)),
        (
            "list".to_owned(),
            Param::List(vec![Param::Int(-1), Param::Str("ä".to_owned())]),
        ),
        (
            "map".to_owned(),
            Param::Map(BTreeMap::from([("k".to_owned(), Param::Int(7))])),
        ),
    ]);
    Derivation {
        name: DrvName::new("merged").unwrap(),
        system: System::X86_64Linux,
        builder: Builder::Builtin {
            name: BuiltinName::Merge,
            params,
        },
        inputs: Vec::new(),
        outputs: outputs(&["out"]),
    }
}

fn action(cores: Cores) -> Action {
    Action {
        system: System::X86_64Linux,
        builder: exec(cores),
        inputs: vec![
            Placement {
                at: MountPoint::root(),
                mode: InputMode::ReadOnly,
                tree: outer().id(),
            },
            Placement {
                at: at("/src"),
                mode: InputMode::Writable,
                tree: inner().id(),
            },
        ],
        outputs: outputs(&["out"]),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(32) {
        text.extend(line.iter().map(|byte| format!("{byte:02x}")));
        text.push('\n');
    }
    text
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn check(goldens: &[(&str, String)]) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    if std::env::var_os("XSC_ACCEPT").is_some() {
        for (file, actual) in goldens {
            fs::write(folder.join(file), actual).unwrap();
        }
        panic!("accepted, not checked: {}", folder.display());
    }
    for (file, actual) in goldens {
        let expected = fs::read_to_string(folder.join(file)).unwrap_or_default();
        assert_eq!(*actual, expected, "{file} differs");
    }
}

#[test]
fn directories() {
    let directories = [
        ("directory-empty", Directory::default()),
        ("directory-inner", inner()),
        ("directory-outer", outer()),
    ];
    let texts: Vec<(&str, String)> = directories
        .iter()
        .map(|(file, dir)| (*file, format!("{}\n{}", dir.id(), hex(&dir.encode()))))
        .collect();
    check(&texts);
    // The committed bytes are read too, not only written.
    for ((_, directory), (_, text)) in directories.into_iter().zip(texts) {
        let (_, bytes) = text.split_once('\n').unwrap();
        assert_eq!(Directory::decode(&unhex(bytes)), Ok(directory));
    }
}

#[test]
fn derivations() {
    let golden = |drv: Derivation| format!("{}\n{}", drv.id(), hex(&drv.encode()));
    check(&[
        ("derivation-fetch", golden(fetch(&["mirror://a/b"]))),
        ("derivation-exec", golden(build(Cores::One))),
        ("derivation-builtin", golden(builtin())),
    ]);
}

#[test]
fn actions_and_realisations() {
    let action = action(Cores::One);
    let root = hex(&action.input_root().encode());
    let realisation = Realisation {
        action: action.id(),
        outputs: BTreeMap::from([
            (OutputName::new("dev").unwrap(), inner().id()),
            (OutputName::out(), outer().id()),
        ]),
        isolation: vec!["user".to_owned(), "net".to_owned()],
    };
    let text = realisation.to_text();
    check(&[
        ("action", format!("{}\n{root}", action.id())),
        ("realisation", text.clone()),
    ]);
    assert_eq!(Realisation::parse(&text), Ok(realisation));
}

#[test]
fn what_is_not_part_of_an_identity() {
    assert_eq!(
        fetch(&[]).id(),
        fetch(&["mirror://a/b", "mirror://c/d"]).id()
    );
    assert_eq!(build(Cores::One).id(), build(Cores::Granted).id());
    assert_eq!(action(Cores::One).id(), action(Cores::Granted).id());
}

#[test]
fn every_part_of_an_action_is_in_its_id() {
    let base = action(Cores::One);
    let mut changed = vec![base.clone(); 6];
    changed[0].system = System::Aarch64Linux;
    changed[1].inputs[0].tree = inner().id();
    changed[2].inputs[1].mode = InputMode::ReadOnly;
    changed[3].inputs[1].at = at("/source");
    changed[4].outputs = outputs(&["dev", "out"]);
    changed[5].builder = builtin().builder;
    let mut ids: BTreeSet<_> = changed.iter().map(Action::id).collect();
    ids.insert(base.id());
    assert_eq!(ids.len(), 7);
    let Builder::Exec(command) = &base.builder else {
        unreachable!("the base is a command")
    };
    let mut moved = command.clone();
    // A word moved from the command to the environment must not give the same bytes.
    moved
        .env
        .insert("-e".to_owned(), moved.command.pop().unwrap());
    let mut other = base.clone();
    other.builder = Builder::Exec(moved);
    assert_ne!(other.id(), base.id());
}

#[test]
fn a_realisation_that_is_cut_short_is_refused() {
    let text = Realisation {
        action: action(Cores::One).id(),
        outputs: BTreeMap::from([(OutputName::out(), TreeId(Digest::of(b"t")))]),
        isolation: Vec::new(),
    }
    .to_text();
    for end in 0..text.len() {
        assert!(Realisation::parse(&text[..end]).is_err(), "{end}");
    }
    for extra in ["\n", "x", "end\n", "output out2 \n"] {
        assert!(
            Realisation::parse(&format!("{text}{extra}")).is_err(),
            "{extra:?}"
        );
    }
}
