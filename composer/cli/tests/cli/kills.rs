//! A build that is killed leaves a store that the next run uses, and no process.
//!
//! The delays come from a fixed seed; what they hit differs from machine to machine.

use std::fs;
use std::process::Command;
use std::time::Instant;

use crate::env::{Ran, TestRepo, can_build, processes_of, sha256, tree, wait_for};

/// How many times a build is killed where nobody says, by XSC_KILLS, how many times.
const KILLS: u32 = 200;
/// After how many kills the store is verified.
const VERIFY_EVERY: u32 = 10;

/// Numbers that look random: the high bits of a linear congruential generator.
struct Random(u64);

impl Random {
    /// The next one, in 0.0..1.0.
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }
}

/// Twelve derivations: a fetch, an archive, commands, merges and an initramfs. All but the
/// first two depend on `src`.
const GRAPH: &str = r#"
archive = fetch "files.tar" "HASH" SIZE [ "file://MIRROR/files.tar" ];
files = step "files" "builtin:unpack-tar" { strip = 0; } [ { at = "/archive"; from = archive; } ];
part = name: from: runWith name { inputs = [ { at = "/in"; inherit from; } { at = "/src"; from = ../src; } ]; } ''
    mkdir -p $out/NAME/${name}
    for n in 1 2 3 4 5 6; do cat /src/seed > $out/NAME/${name}/$n; echo $n >> $out/NAME/${name}/$n; done
    ls /in > $out/NAME/${name}/list
    seq 20000 > $out/NAME/${name}/large; cat /src/seed >> $out/NAME/${name}/large'';
join = name: froms: step name "builtin:merge" { } (map (from: { at = "/"; inherit from; }) froms);
a = part "a" files;
b = part "b" files;
c = part "c" a;
d = part "d" b;
left = join "left" [ a b ];
e = part "e" left;
f = part "f" c;
g = part "g" d;
result = step "image" "builtin:cpio" { epoch = 0; } [ { at = "/tree"; from = join "all" [ left c d e f g files ]; } ];
"#;

fn graph() -> TestRepo {
    let repo = TestRepo::new("");
    let mirror = repo.temp().join("mirror");
    fs::create_dir_all(mirror.join("files/d")).unwrap();
    for n in 0..20 {
        fs::write(mirror.join(format!("files/d/{n}")), format!("file {n}\n")).unwrap();
    }
    let tar = mirror.join("files.tar");
    let made = Command::new("tar")
        .args(["--create", "--directory"])
        .arg(&mirror)
        .arg("--file")
        .arg(&tar)
        .arg("files")
        .status()
        .unwrap();
    assert!(made.success());
    let hash = sha256(&tar);
    let size = fs::metadata(&tar).unwrap().len().to_string();
    let recipes = GRAPH
        .replace("HASH", &hash)
        .replace("SIZE", &size)
        .replace("MIRROR", mirror.to_str().unwrap())
        .replace("NAME", "parts");
    repo.recipes(&recipes);
    repo.write("src/seed", "generation 0\n");
    repo
}

#[test]
fn killed_builds_leave_a_store_that_the_next_run_uses() {
    let name = "killed_builds_leave_a_store_that_the_next_run_uses";
    if !can_build(name) {
        return;
    }
    let mut repo = graph();
    let killed_store = repo.store().to_owned();
    let calm_store = repo.temp().join("calm");
    // An undisturbed run says how long one takes, once its sources are in the store.
    repo.set_store(calm_store.clone());
    let first = repo.build_with(&["-n", "--json"]).ok().json();
    assert_eq!(first["derivations"], 12);
    let _ = repo.build().ok();
    repo.write("src/seed", "generation 1\n");
    let begin = Instant::now();
    let _ = repo.build().ok();
    let usual = begin.elapsed();
    repo.set_store(killed_store);

    let mut random = Random(1);
    let (mut kills, mut generation, mut ended) = (0, 1, 0);
    let wanted = std::env::var("XSC_KILLS").map_or(KILLS, |number| number.parse().unwrap());
    while kills < wanted {
        let mut child = repo.spawn_build(&["-j2"]);
        std::thread::sleep(usual.mul_f64(random.next()));
        if child.try_wait().unwrap().is_some() {
            // It was faster: everything is built, so there is something new to build next time.
            let _ = Ran::new(child.wait_with_output().unwrap()).ok();
            ended += 1;
            assert!(ended < 10 * wanted, "the builds are too fast to be killed");
            generation += 1;
            repo.write("src/seed", &format!("generation {generation}\n"));
            continue;
        }
        child.kill().unwrap();
        let _ = child.wait_with_output().unwrap();
        kills += 1;
        if kills % VERIFY_EVERY == 0 {
            repo.assert_sound();
        }
    }
    wait_for("the end of what the killed ones had started", || {
        processes_of(repo.temp()).is_empty()
    });
    let survived = repo.build().ok().path();
    repo.assert_sound();
    assert_eq!(
        fs::read_dir(repo.store().join("corrupt")).unwrap().count(),
        0
    );
    assert_eq!(fs::read_dir(repo.store().join("tmp")).unwrap().count(), 0);
    repo.set_store(calm_store);
    let calm = repo.build().ok().path();
    assert_eq!(survived.file_name(), calm.file_name());
    assert_eq!(tree(&survived), tree(&calm));
    println!("{kills} kills, {ended} runs ended before theirs; a run takes {usual:?}");
}

#[test]
fn a_killed_composer_takes_its_builds_with_it() {
    if !can_build("a_killed_composer_takes_its_builds_with_it") {
        return;
    }
    let repo = TestRepo::new("");
    let marker = repo.marker();
    repo.recipes(&format!(
        r#"result = run "long" "mkdir $out; (sleep 600; true {marker}) & wait";"#
    ));
    let mut child = repo.spawn_build(&[]);
    wait_for("the command of the build", || {
        processes_of(repo.temp())
            .iter()
            .any(|p| p.contains("sleep 600"))
    });
    child.kill().unwrap();
    let _ = child.wait_with_output().unwrap();
    wait_for("the end of the build", || {
        processes_of(repo.temp()).is_empty()
    });
    // The next composer finds no lock held and what was left behind gone.
    let _ = repo.build_with(&["--timeout", "1"]).fails(101, &[]);
    let left = fs::read_dir(repo.store().join("tmp")).unwrap().count();
    assert_eq!(left, 0);
}
