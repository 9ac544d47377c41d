//! The same recipes give the same bytes: in any store, at any place, with any number of jobs, for
//! any user.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use crate::env::{IMAGES, Ran, TestRepo, can_build, is_root, tree};

/// Commands that see how many they are and when, and every kind of image.
const RECIPES: &str = r#"
part = n: run "part${toString n}" ''
    mkdir -p $out/d; echo ${toString n} $EPOCHREALTIME $$ > $out/d/f${toString n}
    date > $out/date${toString n}; nproc > $out/cpus${toString n}
    ln -s d/f${toString n} $out/l${toString n}; chmod 755 $out/date${toString n}; touch -d @1 $out/d'';
join = name: place: step name "builtin:merge" { links."/init" = "usr/bin/bash"; } place;
files = join "files" (map (n: { at = "/"; from = part n; }) [ 1 2 3 4 5 6 ] ++ [ { at = "/"; from = root; } ]);
initramfs = step "initramfs" "builtin:cpio" {
    epoch = 1735689600;
    nodes."/dev" = { type = "directory"; mode = "0755"; };
    nodes."/dev/console" = { type = "char"; major = 5; minor = 1; mode = "0600"; };
} [ { at = "/tree"; from = files; } ];
"#;

fn images() -> TestRepo {
    TestRepo::new(&format!("{RECIPES}{IMAGES}"))
}

fn assert_same(one: &Path, other: &Path) {
    assert_eq!(one.file_name(), other.file_name(), "the same tree");
    let (one, other) = (tree(one), tree(other));
    let names =
        |tree: &std::collections::BTreeMap<String, _>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for (path, content) in &one {
        assert!(other[path] == *content, "{path} differs");
    }
    assert!(one.contains_key("/iso/t.iso") && one.contains_key("/oci/index.json"));
}

#[test]
fn two_stores_and_numbers_of_jobs_give_the_same_bytes() {
    if !can_build("two_stores_and_numbers_of_jobs_give_the_same_bytes") {
        return;
    }
    let (one, mut other) = (images(), images());
    let long = "a/store/at/a/much/longer/path/than/the/other/one";
    other.set_store(other.temp().join(long));
    let first = one.build_with(&["-j1", "--cores", "1"]).ok().path();
    // Time stamps of the sources must not matter.
    for file in ["images/lib.nix", "root/usr/bin/bash"] {
        let file = fs::File::options()
            .append(true)
            .open(other.dir().join(file))
            .unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    let second = other.build_with(&["-j2", "--cores", "2"]).ok().path();
    assert_same(&first, &second);
}

#[test]
fn an_ordinary_user_makes_the_same_bytes() {
    let name = "an_ordinary_user_makes_the_same_bytes";
    if !can_build(name) {
        return;
    }
    if !is_root() {
        println!("SKIP {name}: only root can become another user; the other tests run as this one");
        return;
    }
    let repo = images();
    let as_root = repo.build().ok().path();

    const NOBODY: u32 = 65534;
    let mut other = images();
    let home = other.temp().join("nobody");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    other.set_store(home.join("store"));
    let link = home.join("result");
    let args = ["build", "profiles/t.toml", "-o", link.to_str().unwrap()];
    let mut command = other.command_as_nobody(&home, &args);
    let ran = Ran::new(command.output().unwrap()).ok();
    assert_same(&as_root, &ran.path());
    assert_eq!(fs::read_link(&link).unwrap(), ran.path());
}
