//! The network namespaces of the fork server: one is made once and lent to one sandbox after the other, as making and
//! taking down a network takes the kernel longer than all else of a sandbox's set-up. `server` asks for one a run.
//! Invariant: a sandbox has its network alone, and finds it as a new one: it is lent again only where no process of the
//! sandbox before made a socket but of files and names, and no socket of it is left.
//!
//! The networks belong to a user namespace of the server's, above those of the sandboxes, so that no process of a
//! sandbox has a right to change one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::exit;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid};

use super::namespaces::{self, Owner};
use super::sys;
use crate::Surroundings;

/// A network with a loopback interface that is up.
pub(super) struct Network {
    namespace: File,
    /// What `/proc` said of its sockets when it was new.
    sockets: String,
}

/// Those that the server has made.
pub(super) struct Networks {
    free: Vec<Network>,
    lent: BTreeMap<Pid, Network>,
}

impl Networks {
    /// Enters a user namespace to own them, where the host allows that and one below. The server is the same user
    /// there as before.
    pub(super) fn new() -> Option<Self> {
        let owner = Owner::current();
        // A process cannot leave one again: another one tries.
        match sys::fork() {
            Ok(ForkResult::Child) => {
                let tried = own(owner).and_then(|()| unshare(CloneFlags::CLONE_NEWUSER));
                exit(i32::from(tried.is_err()))
            }
            Ok(ForkResult::Parent { child }) => {
                if waitpid(child, None) != Ok(WaitStatus::Exited(child, 0)) {
                    return None;
                }
            }
            Err(_) => return None,
        }
        own(owner).ok()?;
        Some(Self {
            free: Vec::new(),
            lent: BTreeMap::new(),
        })
    }

    /// Enters a network that is as new. What is forked from now on is in it.
    pub(super) fn enter(&mut self) -> io::Result<Network> {
        while let Some(network) = self.free.pop() {
            setns(network.namespace.as_fd(), CloneFlags::CLONE_NEWNET)?;
            if sockets()? == network.sockets {
                return Ok(network);
            }
        }
        unshare(CloneFlags::CLONE_NEWNET)?;
        if has_switches(Path::new("/proc/self/net"))? {
            return Err(io::ErrorKind::Unsupported.into());
        }
        sys::raise_loopback()?;
        Ok(Network {
            namespace: File::open("/proc/self/ns/net")?,
            sockets: sockets()?,
        })
    }

    /// Notes who has the network now.
    pub(super) fn lend(&mut self, network: Network, to: Pid) {
        self.lent.insert(to, network);
    }

    /// That PID 1 was reaped, so that nothing of its sandbox is left; the network is lent again if it is `untouched`.
    pub(super) fn take_back(&mut self, from: Pid, untouched: bool) {
        let network = self.lent.remove(&from);
        self.free.extend(network.filter(|_| untouched));
    }
}

/// Enters a user namespace in which this user is what it was.
fn own(owner: Owner) -> Result<(), Errno> {
    unshare(CloneFlags::CLONE_NEWUSER)?;
    let same = Surroundings {
        uid: owner.uid,
        gid: owner.gid,
        ..Surroundings::default()
    };
    namespaces::write_maps(&same, owner).map_err(|failure| Errno::from_raw(failure.errno))
}

/// How many sockets the network that we are in has: those in flight between processes outlive these. What follows the
/// first line counts the whole machine's.
fn sockets() -> io::Result<String> {
    let mut text = [0; 64];
    let count = File::open("/proc/self/net/sockstat")?.read(&mut text)?;
    let line = text[..count].split(|byte| *byte == b'\n').next();
    Ok(String::from_utf8_lossy(line.unwrap_or_default()).into_owned())
}

/// Whether some module of the kernel has files there that are written to: a build that runs for root is their owner.
fn has_switches(dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let found = match metadata.is_dir() {
            true => has_switches(&entry.path())?,
            false => metadata.permissions().mode() & 0o222 != 0,
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}
