//! The network namespaces of the fork server: one is made once and lent to one sandbox after the other, as making and
//! taking down a network takes the kernel longer than all else of a sandbox's set-up. `server` asks for one a run.
//! Invariant: a sandbox has its network alone, and finds it as a new one: where the kernel has counted anything of what
//! an earlier sandbox did with it, no other gets it.
//!
//! The networks belong to a user namespace of the server's, above those of the sandboxes, so that no process of a
//! sandbox has a right to change one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::Pid;

use super::namespaces::{self, Owner};
use super::sys;
use crate::Surroundings;

/// What the kernel says of a network in which nothing has happened: packets of its devices, packets and connections
/// of each protocol, sockets.
const COUNTED: [&str; 5] = ["dev", "snmp", "snmp6", "netstat", "sockstat"];

/// A network with a loopback interface that is up.
pub(super) struct Network {
    namespace: File,
    /// What was counted when it was new.
    counts: Vec<String>,
}

/// Those that the server has made.
pub(super) struct Networks {
    free: Vec<Network>,
    lent: BTreeMap<Pid, Network>,
}

impl Networks {
    /// Enters a user namespace to own them. The server is the same user there as before.
    pub(super) fn new() -> io::Result<Self> {
        let owner = Owner::current();
        unshare(CloneFlags::CLONE_NEWUSER)?;
        let same = Surroundings {
            uid: owner.uid,
            gid: owner.gid,
            ..Surroundings::default()
        };
        namespaces::write_maps(&same, owner)
            .map_err(|failure| failure.errno)
            .map_err(io::Error::from_raw_os_error)?;
        Ok(Self {
            free: Vec::new(),
            lent: BTreeMap::new(),
        })
    }

    /// Enters a network that is as new. What is forked from now on is in it.
    pub(super) fn enter(&mut self) -> io::Result<Network> {
        while let Some(network) = self.free.pop() {
            setns(network.namespace.as_fd(), CloneFlags::CLONE_NEWNET)?;
            if count()? == network.counts {
                return Ok(network);
            }
        }
        unshare(CloneFlags::CLONE_NEWNET)?;
        sys::raise_loopback()?;
        Ok(Network {
            namespace: File::open("/proc/self/ns/net")?,
            counts: count()?,
        })
    }

    /// Notes who has the network now.
    pub(super) fn lend(&mut self, network: Network, to: Pid) {
        self.lent.insert(to, network);
    }

    /// That PID 1 was reaped, so that nothing of its sandbox is left.
    pub(super) fn take_back(&mut self, from: Pid) {
        self.free.extend(self.lent.remove(&from));
    }
}

/// What the kernel has counted of the network that we are in.
fn count() -> io::Result<Vec<String>> {
    let count = |name: &&str| {
        let text = match fs::read_to_string(format!("/proc/self/net/{name}")) {
            Ok(text) => text,
            // A kernel without this protocol.
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        // What follows its first line counts the whole machine's.
        let own = match *name {
            "sockstat" => text.lines().next().unwrap_or_default().to_owned(),
            _ => text,
        };
        Ok(own)
    };
    COUNTED.iter().map(count).collect()
}
