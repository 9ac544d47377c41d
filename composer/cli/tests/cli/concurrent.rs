//! Several composers on one store: each action is built once, a lock goes with its holder, and
//! collections beside builds do no harm.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Child;

use crate::env::{Ran, TestRepo, can_build, processes_of, tree, wait_for};

/// How many derivations two composers want at the same time.
const OVERLAPPING: usize = 200;

/// Derivations in rows of ten, each with one of the row before as an input; `all` wants them all.
fn rows(count: usize) -> String {
    format!(
        r#"
step-of = n: runWith "step-${{toString n}}" {{
  inputs = [ {{ at = "/src"; from = ../src; }} ]
    ++ (if n < 10 then [ ] else [ {{ at = "/in"; from = builtins.elemAt steps (n - 10); }} ]);
}} "mkdir $out; cat /src/seed > $out/n; echo ${{toString n}} >> $out/n; ls / > $out/list";
steps = builtins.genList step-of {count};
result = step "all" "builtin:merge" {{ }}
  (builtins.genList (n: {{ at = "/${{toString n}}"; from = builtins.elemAt steps n; }}) {count});
"#
    )
}

fn end(child: Child) -> Ran {
    Ran::new(child.wait_with_output().unwrap()).ok()
}

#[test]
fn two_composers_build_each_action_once() {
    if !can_build("two_composers_build_each_action_once") {
        return;
    }
    let repo = TestRepo::new(&rows(OVERLAPPING));
    repo.write("src/seed", "1\n");
    let started = [
        repo.spawn_build(&["-j2", "--no-link"]),
        repo.spawn_build(&["-j2", "--no-link"]),
    ];
    let ran = started.map(end);
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for name in ran.iter().flat_map(Ran::building) {
        *times.entry(name).or_default() += 1;
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert_eq!(times.len(), OVERLAPPING);
    assert_eq!(ran[0].path(), ran[1].path());
    let shares = ran.map(|ran| ran.building().len());
    println!("one built {}, the other {}", shares[0], shares[1]);
    repo.assert_sound();
    assert_eq!(repo.build().ok().err, "", "nothing is left to do");
}

#[test]
fn who_waits_for_a_killed_composer_goes_on() {
    if !can_build("who_waits_for_a_killed_composer_goes_on") {
        return;
    }
    let repo = TestRepo::new("");
    let marker = repo
        .temp()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    repo.recipes(&format!(
        r#"result = run "once" "mkdir $out; bash -c 'sleep 600; true {marker}' & wait";"#
    ));
    let mut holder = repo.spawn_build(&[]);
    wait_for("the command of the build", || {
        processes_of(repo.temp())
            .iter()
            .any(|p| p.contains("sleep 600"))
    });
    let waiting = repo.spawn_build(&["--timeout", "2"]);
    let locks = repo.store().join("locks");
    wait_for("the lock", || fs::read_dir(&locks).unwrap().count() == 1);
    std::thread::sleep(std::time::Duration::from_millis(500));
    holder.kill().unwrap();
    let _ = holder.wait_with_output().unwrap();
    // The action is its own now: it starts it, and its own time limit ends it.
    let ran = Ran::new(waiting.wait_with_output().unwrap());
    assert!(ran.err.contains("waiting for "), "{}", ran.err);
    assert_eq!(ran.building(), ["once"], "{}", ran.err);
    let _ = ran.fails(101, &["once"]);
    wait_for("the end of all", || processes_of(repo.temp()).is_empty());
    repo.assert_sound();
}

#[test]
fn collections_beside_builds_do_no_harm() {
    if !can_build("collections_beside_builds_do_no_harm") {
        return;
    }
    const GENERATIONS: usize = 8;
    let repo = TestRepo::new(&rows(20));
    let (mut collected, mut refused) = (0, 0);
    let mut results = BTreeSet::new();
    for generation in 0..GENERATIONS {
        repo.write("src/seed", &format!("{generation}\n"));
        let mut builds = [
            repo.spawn_build(&["-j2", "--no-link"]),
            repo.spawn_build(&["-j2", "-o", "other"]),
        ];
        // One that gives up at once and one that waits, over and over.
        let mut waiting: Option<Child> = None;
        while builds
            .iter_mut()
            .any(|build| build.try_wait().unwrap().is_none())
        {
            let ran = repo.run(&["gc", "--max-size", "1M"]);
            match ran.code {
                Some(0) => collected += 1,
                _ => {
                    let _ = ran.fails(1, &["in use"]);
                    refused += 1;
                }
            }
            let over = match &mut waiting {
                Some(child) => child.try_wait().unwrap().is_some(),
                None => true,
            };
            if over {
                if let Some(child) = waiting.take() {
                    let _ = end(child);
                    collected += 1;
                }
                waiting = Some(repo.command(["gc", "--wait"]).spawn().unwrap());
            }
        }
        let [one, two] = builds.map(|build| end(build).path());
        assert_eq!(one, two);
        if let Some(child) = waiting {
            let _ = end(child);
            collected += 1;
        }
        repo.assert_sound();
        // The link keeps what the second build made, whatever was collected since.
        let link = repo.dir().join("other");
        assert_eq!(fs::read_link(&link).unwrap(), two);
        assert_eq!(tree(&link).len(), 20 * 3, "generation {generation}");
        results.insert(two);
    }
    assert_eq!(results.len(), GENERATIONS);
    println!("{collected} collections ended, {refused} found the store in use");
}
