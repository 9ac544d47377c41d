//! Control groups: what a real kernel does with the limits, where this machine lets us make groups, and what happens
//! where a group is not there.

use std::path::Path;

use xsc_sandbox::{Cgroups, GroupLimits, Outcome};

use crate::support::{Case, User, chain};

#[test]
fn a_command_that_uses_more_memory_than_its_group_has_is_killed() {
    let groups = match Cgroups::find(Path::new("/proc/self")) {
        Ok(groups) => groups,
        Err(error) => {
            println!("skipped: no cgroups to make: {}", chain(&error));
            return;
        }
    };
    let limits = GroupLimits {
        memory: Some(64 << 20),
        cores: Some(1),
    };
    let run = |script: &str| {
        let group = groups.make(limits).unwrap();
        let mut case = Case::new(User::Myself, script);
        case.spec.cgroup = Some(group.path().to_owned());
        let ran = case.try_run();
        let outcome = ran.map(|ran| ran.outcome);
        (outcome, group.ran_out_of_memory(), group.path().to_owned())
    };
    let (outcome, killed, path) = run("echo small > /tmp/f; cat /proc/self/cgroup");
    assert!(matches!(outcome, Ok(Outcome::Exited(0))), "{outcome:?}");
    assert!(!killed);
    assert!(!path.exists(), "a group goes with its build");
    let (outcome, killed, _) = run("cat /dev/zero > /tmp/f");
    assert!(!matches!(outcome, Ok(Outcome::Exited(_))), "{outcome:?}");
    assert!(killed);
}

#[test]
fn a_group_that_is_not_there_is_told_from_other_faults() {
    let mut case = Case::new(User::Myself, "true");
    case.spec.cgroup = Some("/nowhere/group".into());
    let error = case.try_run().map(|ran| ran.outcome).unwrap_err();
    assert!(error.is_of_cgroup(), "{}", chain(&error));
    case.spec.cgroup = None;
    case.spec.scratch = "/nowhere/scratch".into();
    let error = case.try_run().map(|ran| ran.outcome).unwrap_err();
    assert!(!error.is_of_cgroup(), "{}", chain(&error));
    // What the case takes away at its end.
    case.spec.scratch = case.temp.path().join("scratch");
}
