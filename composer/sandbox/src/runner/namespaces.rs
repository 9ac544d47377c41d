//! Enters the seven namespaces and maps the one user; called by the outer process, before PID 1 exists.
//! One at a time, so that an error names the one that the host refuses.

use std::fs;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid, setgroups};

use super::hints;
use crate::Surroundings;
use crate::error::{SetupFailure, Step};

/// The namespaces in the order in which they are entered; the first gives the right to the others.
pub(super) const NAMESPACES: [(&str, CloneFlags); 7] = [
    ("user", CloneFlags::CLONE_NEWUSER),
    ("mount", CloneFlags::CLONE_NEWNS),
    ("pid", CloneFlags::CLONE_NEWPID),
    ("net", CloneFlags::CLONE_NEWNET),
    ("ipc", CloneFlags::CLONE_NEWIPC),
    ("uts", CloneFlags::CLONE_NEWUTS),
    ("cgroup", CloneFlags::CLONE_NEWCGROUP),
];

/// Enters all of them; a later child is PID 1 of the new pid namespace.
pub(super) fn enter(surroundings: &Surroundings) -> Result<(), SetupFailure> {
    let (uid, gid) = (geteuid(), getegid());
    if uid.is_root() {
        // An ordinary user may not, and keeps them; in a container root may not either. They do no harm
        // beyond being visible: files that the sandbox shows are readable to all anyway.
        let _ = setgroups(&[]);
    }
    for (name, flag) in NAMESPACES {
        unshare(flag).map_err(|errno| {
            SetupFailure::new(&format!("enter a new {name} namespace"), errno)
                .hint(hints::namespace(name, errno))
        })?;
        if name == "user" {
            write_maps(surroundings, uid.as_raw(), gid.as_raw())?;
        }
    }
    Ok(())
}

fn write_maps(inside: &Surroundings, uid: u32, gid: u32) -> Result<(), SetupFailure> {
    for (file, text) in [
        // Without this an ordinary user may not write a gid map.
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("{} {uid} 1\n", inside.uid)),
        ("/proc/self/gid_map", format!("{} {gid} 1\n", inside.gid)),
    ] {
        fs::write(file, text)
            .step_at("map the user into the user namespace", file)
            .map_err(|failure| hints::user_map(failure, uid))?;
    }
    Ok(())
}
