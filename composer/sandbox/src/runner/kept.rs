//! What the fork server keeps of the file systems of sandboxes: the overlays of the last root layers and one `/dev`,
//! mounted once and copied by each PID 1, as to mount and unmount them takes the kernel longer than all else of a
//! sandbox's set-up. Programs and libraries that one build looked up are known to the next one, too.
//! Invariants: a root is shared only by sandboxes that would make the same: the same directories as layers, in the same
//! order, with the same mount points and the same user. It stays while a PID 1 lives that was given it: to take it down
//! would empty the copy. And the server never waits for a file system of a request: a child of its own makes the roots.
//!
//! The mounts lie in a mount namespace of the server's, in its own user namespace, so that no process of a sandbox has a
//! right to change one. Where the host does not allow that, each sandbox makes its own. What is mounted on the host later
//! shows in that namespace where the host's mounts are shared, and not elsewhere, as in most containers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::process::exit;

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{ForkResult, Pid};

use super::{init, parts, sys};
use crate::spec::{Asked, Layer};

/// A directory of the host's that nobody needs for setting up a sandbox: here what is kept hides it.
const PLACE: &str = "/sys/kernel";

/// How many roots are kept beside those in use. Each PID 1 copies their mounts, so many are of no use.
const MOST: usize = 8;

/// How many are remembered as having been asked for once: one that is never asked for again is not worth keeping.
const MOST_SEEN: usize = 24;

/// What a PID 1 may copy, by path.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) root: PathBuf,
    pub(super) dev: PathBuf,
}

/// The roots that are known, the one that was asked for last at the end.
pub(super) struct Kept {
    roots: VecDeque<Root>,
    /// Which root a PID 1 was given, by number.
    users: BTreeMap<Pid, u64>,
    /// How many were ever made.
    made: u64,
}

struct Root {
    wanted: Wanted,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Asked for once.
    Seen,
    /// The child makes the one with this number.
    Making(Pid, u64),
    Ready(u64),
    /// It cannot be made; the sandboxes that ask for it find out why.
    Failed,
}

/// All that a root depends on.
#[derive(PartialEq, Eq)]
struct Wanted {
    paths: Vec<PathBuf>,
    layers: Vec<Layer>,
    mount_points: BTreeSet<String>,
    uid: u32,
    gid: u32,
}

impl Kept {
    /// Enters a mount namespace for them; called in a user namespace of the server's own.
    pub(super) fn new() -> Option<Self> {
        unshare(CloneFlags::CLONE_NEWNS).ok()?;
        parts::mount_tmpfs(PLACE, "mode=755").ok()?;
        parts::make_dev(&dev()).ok()?;
        Some(Self {
            roots: VecDeque::new(),
            users: BTreeMap::new(),
            made: 0,
        })
    }

    /// The number of a root that the sandbox may copy. Where there is none yet, or it cannot be made, the sandbox makes
    /// its own. `server` is this process.
    pub(super) fn find(&mut self, asked: &Asked, server: BorrowedFd<'_>) -> Option<u64> {
        let wanted = Wanted::of(asked)?;
        let known = self.roots.iter().position(|root| root.wanted == wanted);
        let mut root = known
            .and_then(|index| self.roots.remove(index))
            .unwrap_or(Root {
                wanted,
                state: State::Seen,
            });
        if root.state == State::Seen && known.is_some() {
            self.made += 1;
            root.state = match make(asked, &dir(self.made), server) {
                Ok(child) => State::Making(child, self.made),
                Err(_) => State::Failed,
            };
        }
        let state = root.state;
        self.roots.push_back(root);
        self.forget();
        match state {
            State::Ready(number) => Some(number),
            _ => None,
        }
    }

    /// Notes that PID 1 was given a root.
    pub(super) fn lend(&mut self, number: u64, to: Pid) {
        self.users.insert(to, number);
    }

    /// A child of the server was reaped: a PID 1, of whose sandbox nothing is left, or one that made a root.
    pub(super) fn take_back(&mut self, from: Pid, succeeded: bool) {
        self.users.remove(&from);
        for root in &mut self.roots {
            if let State::Making(child, number) = root.state
                && child == from
            {
                root.state = match succeeded {
                    true => State::Ready(number),
                    false => State::Failed,
                };
                if !succeeded {
                    remove(&dir(number));
                }
            }
        }
    }

    /// Takes down what nobody uses, the one that was asked for longest ago first, until no more than enough is kept.
    fn forget(&mut self) {
        let in_use: BTreeSet<u64> = self.users.values().copied().collect();
        let is_idle = |root: &Root| match root.state {
            State::Ready(number) => !in_use.contains(&number),
            _ => false,
        };
        let is_noted = |root: &Root| matches!(root.state, State::Seen | State::Failed);
        // The last one is what was asked for just now.
        let last = self.roots.len().saturating_sub(1);
        for (most, counts) in [
            (MOST, &is_idle as &dyn Fn(&Root) -> bool),
            (MOST_SEEN, &is_noted),
        ] {
            let surplus = self.roots.iter().filter(|root| counts(root)).count();
            for _ in most..surplus {
                let oldest = self.roots.iter().take(last).position(counts);
                let Some(root) = oldest.and_then(|index| self.roots.remove(index)) else {
                    break;
                };
                if let State::Ready(number) = root.state {
                    remove(&dir(number));
                }
            }
        }
    }
}

impl Shared {
    /// Where the root with this number lies, and what goes with each.
    pub(super) fn of(number: u64) -> Self {
        Self {
            root: dir(number).join("root"),
            dev: dev(),
        }
    }
}

fn dir(number: u64) -> PathBuf {
    Path::new(PLACE).join(number.to_string())
}

fn dev() -> PathBuf {
    Path::new(PLACE).join("dev")
}

/// Starts a child that makes a root in the server's namespace and ends with 0 if it did: a directory of a request may lie
/// on a file system that does not answer.
fn make(asked: &Asked, dir: &Path, server: BorrowedFd<'_>) -> Result<Pid, Errno> {
    match sys::fork()? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let made = || -> Option<()> {
                init::die_with(server).ok()?;
                // The socket and the streams of the request are not this child's: their ends must show.
                sys::redirect_to_null(0).ok()?;
                sys::close_from(3).ok()?;
                let spec = asked.request.spec()?;
                fs::create_dir(dir).ok()?;
                parts::make_root(dir, spec, &asked.layers).ok()
            };
            exit(i32::from(made().is_none()))
        }
    }
}

/// Takes a root down that no sandbox has a copy of.
fn remove(dir: &Path) {
    match umount2(&dir.join("root"), MntFlags::MNT_DETACH) {
        // Nothing is mounted there: it was not made whole.
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {}
        // Then its directory stays as well: it is a few bytes of memory.
        Err(_) => return,
    }
    let _ = fs::remove_dir_all(dir);
}

impl Wanted {
    fn of(asked: &Asked) -> Option<Self> {
        let spec = asked.request.spec()?;
        // Without them one directory could not be told from another.
        (asked.layers.len() == spec.root.len()).then(|| Self {
            paths: spec.root.clone(),
            layers: asked.layers.clone(),
            mount_points: parts::mount_points(spec).map(str::to_owned).collect(),
            uid: spec.surroundings.uid,
            gid: spec.surroundings.gid,
        })
    }
}
