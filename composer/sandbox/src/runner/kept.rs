//! What the fork server keeps of the file systems of sandboxes: the overlays of the last root layers and one `/dev`,
//! mounted once and copied by each PID 1, as to mount and unmount them takes the kernel longer than all else of a
//! sandbox's set-up. Programs and libraries that one build looked up are known to the next one, too.
//! Invariant: a root is shared only by sandboxes that would make the same: the same directories as layers, in the same
//! order, with the same mount points and the same user.
//!
//! The mounts lie in a mount namespace of the server's, in its own user namespace, so that no process of a sandbox has a
//! right to change one. Where the host does not allow that, each sandbox makes its own.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::chdir;

use super::parts;
use crate::SandboxSpec;

/// A directory of the host's that nobody needs for setting up a sandbox: here what is kept hides it.
const PLACE: &str = "/sys/kernel";

/// How many roots are kept. Each PID 1 copies their mounts, so more than the builds at work have is of no use.
const MOST: usize = 8;

/// What a PID 1 may copy, by path.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) root: PathBuf,
    pub(super) dev: PathBuf,
}

/// The roots that are mounted, the one that was used last at the end.
pub(super) struct Kept {
    roots: VecDeque<(Wanted, PathBuf)>,
    /// How many were ever made.
    made: u64,
}

/// All that a root depends on.
#[derive(PartialEq, Eq)]
struct Wanted {
    layers: Vec<Layer>,
    mount_points: BTreeSet<String>,
    uid: u32,
    gid: u32,
}

/// A directory, and what tells it from another one that was put in its place.
#[derive(PartialEq, Eq)]
struct Layer {
    path: PathBuf,
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

impl Kept {
    /// Enters a mount namespace for them; called in a user namespace of the server's own.
    pub(super) fn new() -> Option<Self> {
        unshare(CloneFlags::CLONE_NEWNS).ok()?;
        // What is mounted and unmounted on the host goes on to show here.
        parts::mount_tmpfs(PLACE, "mode=755").ok()?;
        parts::make_dev(&dev()).ok()?;
        Some(Self {
            roots: VecDeque::new(),
            made: 0,
        })
    }

    /// What the sandbox of `spec` may copy; `None` where it cannot be made, which the sandbox will find the reason of.
    pub(super) fn find(&mut self, spec: &SandboxSpec) -> Option<Shared> {
        let wanted = Wanted::of(spec).ok()?;
        let found = self.roots.iter().position(|(known, _)| *known == wanted);
        let (wanted, dir) = match found.and_then(|index| self.roots.remove(index)) {
            Some(known) => known,
            None => {
                while self.roots.len() >= MOST {
                    let (_, oldest) = self.roots.pop_front()?;
                    remove(&oldest);
                }
                self.made += 1;
                let dir = Path::new(PLACE).join(self.made.to_string());
                let made = fs::create_dir(&dir)
                    .ok()
                    .and_then(|()| parts::make_root(&dir, spec).ok());
                let left = chdir("/");
                if made.is_none() || left.is_err() {
                    remove(&dir);
                    return None;
                }
                (wanted, dir)
            }
        };
        let shared = Shared {
            root: dir.join("root"),
            dev: dev(),
        };
        self.roots.push_back((wanted, dir));
        Some(shared)
    }
}

fn dev() -> PathBuf {
    Path::new(PLACE).join("dev")
}

/// Takes a root down. Sandboxes that have a copy keep it.
fn remove(dir: &Path) {
    match umount2(&dir.join("root"), MntFlags::MNT_DETACH) {
        // Nothing is mounted there: it was not made whole.
        Ok(()) | Err(Errno::EINVAL) => {}
        // Then its directory stays as well: it is a few bytes of memory.
        Err(_) => return,
    }
    let _ = fs::remove_dir_all(dir);
}

impl Wanted {
    fn of(spec: &SandboxSpec) -> io::Result<Self> {
        let layer = |path: &PathBuf| {
            let found = fs::metadata(path)?;
            Ok(Layer {
                path: path.clone(),
                device: found.dev(),
                inode: found.ino(),
                changed: (found.ctime(), found.ctime_nsec()),
            })
        };
        Ok(Self {
            layers: spec.root.iter().map(layer).collect::<io::Result<_>>()?,
            mount_points: parts::mount_points(spec).map(str::to_owned).collect(),
            uid: spec.surroundings.uid,
            gid: spec.surroundings.gid,
        })
    }
}
