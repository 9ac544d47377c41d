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
    let marker = repo.marker();
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

/// How many builds ran at once at most: they print when they begin and end, and `-L` shows the lines as they
/// come.
fn most_at_once(repo: &TestRepo, flags: &[&str], prefix: &str) -> usize {
    let ran = repo
        .build_with(&[&["-L", "--no-link"], flags].concat())
        .ok();
    let (mut running, mut most) = (0usize, 0);
    for line in ran.err.lines() {
        if line.contains(&format!("> {prefix} ")) && line.contains(" begins ") {
            running += 1;
            most = most.max(running);
        } else if line.ends_with(&format!("> {prefix} ends")) {
            running -= 1;
        }
    }
    most
}

#[test]
fn builds_start_when_the_machine_has_what_they_require() {
    if !can_build("builds_start_when_the_machine_has_what_they_require") {
        return;
    }
    let recipes = |salt: usize, requires: &str| {
        format!(
            r#"
big = n: runWith "big-${{toString n}}" {{ requires = {requires}; }}
  "echo big ${{toString n}} begins {salt}; sleep 0.3; mkdir $out; echo ${{toString n}} > $out/n; echo big ends";
result = step "all" "builtin:merge" {{ }}
  (builtins.genList (n: {{ at = "/${{toString n}}"; from = big n; }}) 4);
"#
        )
    };
    let repo = TestRepo::new(&recipes(0, "{ memory = 600; }"));
    let flags = |memory: &'static str| ["-j4", "--max-memory", memory];
    assert!(most_at_once(&repo, &flags("1G"), "big") == 1);
    // The requirement is no part of the identity: nothing is built again.
    repo.recipes(&recipes(0, "{ memory = 300; exclusive = true; }"));
    assert_eq!(repo.build().ok().building(), Vec::<&str>::new());
    repo.recipes(&recipes(1, "{ exclusive = true; }"));
    assert_eq!(most_at_once(&repo, &flags("1G"), "big"), 1);
    // Far more than there is: one at a time, and all of them.
    repo.recipes(&recipes(2, "{ memory = 1000000; }"));
    assert_eq!(most_at_once(&repo, &["-j4"], "big"), 1);
    repo.recipes(&recipes(3, "{ memory = 300; }"));
    let three = most_at_once(&repo, &flags("1G"), "big");
    assert!((1..=3).contains(&three), "{three}");

    repo.recipes(&recipes(4, "{ memory = -1; }"));
    repo.build()
        .fails(1, &["`memory` of `requires`: it is negative"]);
    repo.recipes(&recipes(4, "{ memroy = 1; }"));
    repo.build().fails(1, &["did you mean `memory`?"]);
}
