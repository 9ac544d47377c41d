//! Limits by control groups. A directory plays the group that the kernel would have; what a real one does is tested
//! in `composer/sandbox`.

use std::fs;
use std::path::PathBuf;

use crate::env::{Ran, TestRepo, can_build, processes_of, signal, wait_for};

/// A repository whose one build says that it needs 64 MiB, and that waits; and the directory that plays a group.
fn waiting() -> (TestRepo, PathBuf) {
    let repo = TestRepo::new("");
    let marker = repo.marker();
    repo.recipes(&format!(
        r#"result = runWith "big" {{ requires = {{ memory = 64; }}; parallel = true; }}
             "mkdir $out; exec -a running bash -c 'sleep 600; true {marker}'";"#
    ));
    let groups = repo.temp().join("groups");
    fs::create_dir(&groups).unwrap();
    fs::write(groups.join("cgroup.controllers"), "cpu memory pids\n").unwrap();
    configure(&repo, &groups);
    (repo, groups)
}

fn configure(repo: &TestRepo, groups: &std::path::Path) {
    let dir = repo.temp().join("home/.config/xsc-compose");
    fs::create_dir_all(&dir).unwrap();
    let text = format!("cgroup = \"{}\"\n", groups.display());
    fs::write(dir.join("config.toml"), text).unwrap();
}

/// Kills the command of the build with SIGKILL, as the kernel does.
fn kill_the_command(repo: &TestRepo) {
    let running = processes_of(repo.temp());
    let command = running.iter().find(|p| p.contains(": running\0"));
    let command = command.unwrap_or_else(|| panic!("{running:?}"));
    let pid = command.split(':').next().unwrap();
    signal("KILL", pid.parse().unwrap());
}

#[test]
fn a_build_has_the_limits_of_its_recipe_and_is_told_when_memory_was_the_end() {
    let name = "a_build_has_the_limits_of_its_recipe_and_is_told_when_memory_was_the_end";
    if !can_build(name) {
        return;
    }
    for out_of_memory in [true, false] {
        let (repo, groups) = waiting();
        let child = repo.spawn_build(&["-v", "--cores", "1"]);
        let group = groups.join(format!("xsc-build-{}-0", child.id()));
        wait_for("the command of the build", || {
            let running = processes_of(repo.temp());
            running.iter().any(|p| p.contains(": running\0"))
        });
        let read = |file: &str| fs::read_to_string(group.join(file)).unwrap();
        assert_eq!(read("memory.max"), (64u64 << 20).to_string());
        assert_eq!(read("memory.oom.group"), "1");
        assert_eq!(read("cgroup.procs"), "0", "the runner went into it");
        let cpus = std::thread::available_parallelism().unwrap().get();
        assert_eq!(group.join("cpu.max").exists(), cpus > 1);
        let kills = u8::from(out_of_memory);
        let events = format!("max 3\noom {kills}\noom_kill {kills}\n");
        fs::write(group.join("memory.events"), events).unwrap();
        kill_the_command(&repo);
        let ran = Ran::new(child.wait_with_output().unwrap());
        let said = match out_of_memory {
            true => {
                "error: big: killed: used more than 64 MiB; set `requires.memory` in its recipe"
            }
            false => "error: big: the builder was ended by signal 9",
        };
        let in_groups = format!("cgroups of builds are in {}", groups.display());
        let _ = ran.fails(100, &[said, &in_groups]);
        repo.assert_sound();
    }
}

#[test]
fn a_rebuild_of_verify_has_the_limits_too() {
    if !can_build("a_rebuild_of_verify_has_the_limits_too") {
        return;
    }
    let (repo, groups) = waiting();
    repo.recipes(
        r#"result = runWith "big" { requires = { memory = 64; }; } "mkdir $out; echo x > $out/x";"#,
    );
    let ran = repo.run(&["verify", "profiles/t.toml", "-v"]).ok();
    // The build that it needs first, then the rebuild.
    let said = format!("cgroups of builds are in {}", groups.display());
    assert_eq!(ran.err.matches(&said).count(), 2, "{}", ran.err);
    let made = fs::read_dir(&groups).unwrap().flatten();
    let made = made.filter(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("xsc-build-")
    });
    // The directory is no group that the kernel would remove with its files.
    assert_eq!(made.count(), 2);
}

#[test]
fn a_build_runs_where_no_group_can_be_had() {
    if !can_build("a_build_runs_where_no_group_can_be_had") {
        return;
    }
    let (repo, groups) = waiting();
    let recipe = |text: &str| {
        repo.recipes(&format!(
            r#"result = runWith "big" {{ requires = {{ memory = 64; }}; }} "mkdir $out; echo {text}";"#
        ));
    };
    // The user named a place, so what is wrong with it is said without being asked for.
    fs::write(groups.join("cgroup.controllers"), "pids\n").unwrap();
    recipe("one");
    let ran = repo.build().ok();
    let said = "warning: builds run without cgroups: ";
    assert!(ran.err.contains(said), "{}", ran.err);
    assert!(
        ran.err.contains("has no memory controller (it has: pids)"),
        "{}",
        ran.err
    );
    // Nobody did: only who asks is told.
    fs::remove_file(repo.temp().join("home/.config/xsc-compose/config.toml")).unwrap();
    recipe("two");
    let ran = repo.build().ok();
    assert!(!ran.err.contains("cgroups"), "{}", ran.err);
    recipe("three");
    let ran = repo.build_with(&["-v"]).ok();
    let told = ran.err.contains(said) || ran.err.contains("cgroups of builds are in ");
    assert!(told, "{}", ran.err);
    // Nothing has a limit: nobody looks for groups.
    repo.recipes(r#"result = run "small" "mkdir $out";"#);
    let ran = repo.build_with(&["-v"]).ok();
    assert!(!ran.err.contains("cgroups"), "{}", ran.err);
}
