//! The seven namespaces of a sandbox, and its one user. PID 1 starts in those that only a new process can be in, maps
//! the user, and enters the others; where that fails, one at a time, so that an error names the one that the host refuses.

use std::fs;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid, setgroups};

use super::hints;
use super::kept::Shared;
use crate::Surroundings;
use crate::error::{SetupFailure, Step};
use crate::spec::Layer;

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

/// Those in which PID 1 starts.
pub(super) const FROM_THE_START: CloneFlags =
    CloneFlags::CLONE_NEWUSER.union(CloneFlags::CLONE_NEWPID);

/// The user that starts a sandbox, by the numbers outside of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Owner {
    /// Who runs this process; to be asked outside of the sandbox.
    pub(super) fn current() -> Self {
        Self {
            uid: geteuid().as_raw(),
            gid: getegid().as_raw(),
        }
    }
}

/// Gives up root's other groups, in the process that will start sandboxes.
pub(super) fn forget_groups() {
    if geteuid().is_root() {
        // An ordinary user may not, and keeps them; in a container root may not either. They do no harm
        // beyond being visible: files that the sandbox shows are readable to all anyway.
        let _ = setgroups(&[]);
    }
}

/// What PID 1 finds at its start.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) owner: Owner,
    /// Whether it is in a network of its own already.
    pub(super) network: bool,
    /// What of its file system is mounted already.
    pub(super) shared: Option<Shared>,
    /// What the composer knows the layers of the root by, where it does.
    pub(super) layers: Vec<Layer>,
}

/// Maps the user and enters what is left; for PID 1, at its start.
pub(super) fn enter(surroundings: &Surroundings, given: &Given) -> Result<(), SetupFailure> {
    write_maps(surroundings, given.owner)?;
    let there = match given.network {
        true => FROM_THE_START | CloneFlags::CLONE_NEWNET,
        false => FROM_THE_START,
    };
    let others = NAMESPACES.iter().filter(|(_, flag)| !there.contains(*flag));
    let all = others
        .clone()
        .fold(CloneFlags::empty(), |all, one| all | one.1);
    if unshare(all).is_ok() {
        return Ok(());
    }
    for (name, flag) in others {
        unshare(*flag).map_err(|errno| refused(name, errno))?;
    }
    Ok(())
}

/// Why no process can start in [`FROM_THE_START`], which failed with `errno`: called in a process of its own, which
/// tries them one at a time.
pub(super) fn why_refused(errno: Errno) -> SetupFailure {
    for (name, flag) in NAMESPACES {
        if FROM_THE_START.contains(flag)
            && let Err(errno) = unshare(flag)
        {
            return refused(name, errno);
        }
    }
    SetupFailure::new("start PID 1", errno)
}

fn refused(name: &str, errno: Errno) -> SetupFailure {
    SetupFailure::new(&format!("enter a new {name} namespace"), errno)
        .hint(hints::namespace(name, errno))
}

/// Makes one user known, in a user namespace that was just made.
pub(super) fn write_maps(
    inside: &Surroundings,
    Owner { uid, gid }: Owner,
) -> Result<(), SetupFailure> {
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
