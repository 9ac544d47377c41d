//! Builds the sandbox's file system and makes it the root; called by PID 1, in its own mount namespace. What several
//! sandboxes may share of it, `parts` makes, here or once in the fork server (`kept`); the rest is made for each.
//! What only the set-up needs lies in memory, in `SETUP`: on a disk, its files and directories would be made and
//! removed for each build.
//! Invariant: what comes from the host is a detached mount before the host's root is left; places inside resolve
//! only after, so that a link in an input cannot lead out.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, pivot_root};

use super::hints;
use super::namespaces::Given;
use super::parts::{self, clone_restricted, clone_tree, mount_tmpfs, overlay};
use super::sys::{self, MOUNT_NODEV, MOUNT_NOEXEC, MOUNT_NOSUID, MOUNT_RDONLY};
use crate::error::{SetupFailure, Step};
use crate::scratch::{SETUP, WORK};
use crate::{Mount, MountMode, SandboxSpec};

/// The entries of `/proc` that nobody may write to, where they were noted.
static UNWRITABLE: OnceLock<BTreeSet<OsString>> = OnceLock::new();

/// Whose processes `/proc` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proc {
    /// The sandbox's own.
    Fresh,
    /// Those of the sandbox around ours.
    Outer,
}

const NO_DATA: Option<&str> = None;

/// Builds the root in the scratch directory and enters it; the working directory is `/build` afterwards. What is
/// shared with other sandboxes is `given`. Only a `nested` sandbox may do without a fresh `/proc`.
pub(super) fn enter(spec: &SandboxSpec, given: &Given, nested: bool) -> Result<Proc, SetupFailure> {
    let (mounts, scratch, shared) = (&spec.mounts[..], &spec.scratch, &given.shared);
    umask(Mode::from_bits_truncate(0o022));
    // Without this our mounts would show up on the host where its mounts are shared.
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(Some("none"), "/", NO_DATA, private, NO_DATA)
        .step_at("make mounts private", "/")
        .map_err(hints::mount)?;
    chdir(scratch).step_at("enter the scratch directory", scratch)?;
    make_dir(Path::new("build"), spec.again)?;
    make_dir(Path::new("build/out"), spec.again)?;
    let copies = spec.has_writable_mount();
    if copies {
        make_dir(Path::new("upper"), spec.again)?;
        make_dir(Path::new(WORK), spec.again)?;
    }
    make_dir(Path::new(SETUP), spec.again)?;
    let build = clone_restricted(Path::new("build"), MOUNT_NOSUID | MOUNT_NODEV)?;
    let tmp = match spec.keep_tmp {
        true => Some(prepare_tmp(spec.again)?),
        false => None,
    };
    let setup = scratch.join(SETUP);
    if copies || shared.is_none() {
        mount_tmpfs(SETUP, "mode=755")?;
    }
    let (root, dev) = match shared {
        Some(shared) => (clone_tree(&shared.root)?, clone_tree(&shared.dev)?),
        None => {
            parts::make_root(&setup, spec, &given.layers)?;
            parts::make_dev(&setup.join("dev"))?;
            (
                clone_tree(&setup.join("root"))?,
                clone_tree(&setup.join("dev"))?,
            )
        }
    };
    if copies {
        chdir(&setup).step_at("enter", &setup)?;
        for dir in ["copies", "merged"] {
            make_dir(Path::new(dir), false)?;
        }
        chdir("copies").step_at("enter", setup.join("copies"))?;
    }
    // Mounts are prepared while host paths still resolve, and put in place once only the new root does.
    let mut ready: Vec<(&str, OwnedFd)> = Vec::new();
    for (index, mount) in mounts.iter().enumerate() {
        ready.push((&mount.at, prepare(index, mount, spec.again)?));
    }
    // A mount inside another comes after it.
    ready.sort_by_key(|(at, _)| Path::new(at).components().count());

    let (proc, whose) = match fresh_proc() {
        Err(failure) if nested && failure.errno == Errno::EPERM as i32 => {
            (outer_proc()?, Proc::Outer)
        }
        prepared => (prepared?, Proc::Fresh),
    };

    sys::move_mount(root.as_fd(), &setup).step_at("mount the root", &setup)?;
    chdir(&setup).step_at("enter", &setup)?;
    pivot_root(".", ".").step("change the root")?;
    // Until here `/..` would lead to the host's root, which lies on top of ours.
    umount2(".", MntFlags::MNT_DETACH).step("leave the host's root")?;
    mount_proc(&proc, whose)?;
    mount_dev(&dev)?;
    match tmp {
        Some(tmp) => sys::move_mount(tmp.as_fd(), Path::new("/tmp")).step_at("mount", "/tmp")?,
        None => mount_tmpfs("/tmp", "mode=1777")?,
    }
    sys::move_mount(build.as_fd(), Path::new("/build")).step_at("mount", "/build")?;
    for (at, mount) in ready {
        // Read-only places have their mount points from the skeleton; what is missing lies in writable ones.
        fs::create_dir_all(at).step_at("make the mount point", at)?;
        sys::move_mount(mount.as_fd(), Path::new(at)).step_at("mount", at)?;
    }
    chdir("/build").step_at("enter", "/build")?;
    Ok(whose)
}

/// A handle of what will appear at the mount point. For a writable one the working directory is `SETUP/copies`.
fn prepare(index: usize, mount: &Mount, again: bool) -> Result<OwnedFd, SetupFailure> {
    let metadata = fs::metadata(&mount.from).step_at("read the mounted directory", &mount.from)?;
    if !metadata.is_dir() {
        return Err(
            SetupFailure::new("read the mounted directory", Errno::ENOTDIR).at(&mount.from),
        );
    }
    if mount.mode == MountMode::ReadOnly {
        return clone_restricted(&mount.from, MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NODEV);
    }
    let lower = format!("w{index}");
    symlink(&mount.from, &lower).step_at("link the mounted directory", &mount.from)?;
    let [upper, work] = ["upper", WORK].map(|dir| format!("../../{dir}/{index}"));
    let merged = format!("../merged/{index}");
    for dir in [&upper, &work, &merged] {
        make_dir(Path::new(dir), again)?;
    }
    // The top directory's mode comes from the upper side.
    let mode = fs::Permissions::from_mode(metadata.permissions().mode() & 0o777 | 0o700);
    fs::set_permissions(&upper, mode).step_at("set the mode of", &upper)?;
    // Volatile: the copy is thrown away, so syncing it would be a waste.
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work},userxattr,volatile");
    overlay(Path::new(&merged), &options, MsFlags::empty())
        .step_at("mount the writable copy of", &mount.from)
        .map_err(hints::overlay)?;
    clone_restricted(Path::new(&merged), MOUNT_NOSUID | MOUNT_NODEV)
}

/// A `/tmp` that outlives the sandbox; the working directory is the scratch directory.
fn prepare_tmp(again: bool) -> Result<OwnedFd, SetupFailure> {
    let tmp = Path::new("tmp");
    make_dir(tmp, again)?;
    let mode = fs::Permissions::from_mode(0o1777);
    fs::set_permissions(tmp, mode).step_at("set the mode of", tmp)?;
    clone_restricted(tmp, MOUNT_NOSUID | MOUNT_NODEV)
}

/// Makes a directory; where a sandbox is entered again, it may be there.
fn make_dir(dir: &Path, again: bool) -> Result<(), SetupFailure> {
    match fs::create_dir(dir) {
        Err(e) if again && e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        made => made.step_at("make a scratch directory", dir),
    }
}

/// A fresh `/proc`. The kernel allows one only while an unmasked one is in sight, that is under the host's root.
fn fresh_proc() -> Result<OwnedFd, SetupFailure> {
    sys::new_mount(c"proc", MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC)
        .step_at("mount a fresh proc for", "/proc")
        .map_err(hints::proc_mount)
}

/// The `/proc` of the sandbox that we run in, with all that hides parts of it: the kernel lets nobody have more.
/// It shows the processes of that sandbox, under their numbers there.
fn outer_proc() -> Result<OwnedFd, SetupFailure> {
    sys::clone_mount_tree(Path::new("/proc"))
        .step_at("bind", "/proc")
        .map_err(hints::mount)
}

fn mount_proc(proc: &OwnedFd, whose: Proc) -> Result<(), SetupFailure> {
    sys::move_mount(proc.as_fd(), Path::new("/proc")).step_at("mount", "/proc")?;
    if whose == Proc::Outer {
        // Its switches belong to the worker's user, who is nobody outside, or are hidden already.
        let held = sys::hold_mount(Path::new("/proc")).step_at("hold", "/proc")?;
        return sys::restrict_mount(held.as_fd(), MOUNT_NOSUID | MOUNT_NODEV)
            .step_at("restrict", "/proc");
    }
    // /proc has switches of the whole machine, guarded by file modes alone: a build that runs for root would be
    // their owner. Everything outside the processes' own directories becomes read-only.
    let known = UNWRITABLE.get();
    for entry in fs::read_dir("/proc").step_at("list", "/proc")? {
        let entry = entry.step_at("list", "/proc")?;
        let name = entry.file_name();
        let process = name.as_encoded_bytes()[0].is_ascii_digit();
        if process || known.is_some_and(|known| known.contains(&name)) {
            continue;
        }
        if unwritable(&entry).step_at("read", entry.path())? {
            continue;
        }
        let bind = clone_restricted(&entry.path(), MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NODEV)?;
        sys::move_mount(bind.as_fd(), &entry.path()).step_at("protect", entry.path())?;
    }
    Ok(())
}

/// Whether nobody may write to that entry of `/proc`.
fn unwritable(entry: &fs::DirEntry) -> io::Result<bool> {
    let kind = entry.file_type()?;
    let read_only = || Ok::<_, io::Error>(entry.metadata()?.permissions().mode() & 0o222 == 0);
    Ok(kind.is_symlink() || (!kind.is_dir() && read_only()?))
}

/// Notes what of the machine's `/proc` nobody may write to, for all sandboxes that this process will fork: sixty files
/// that each of them need not look at. What the kernel adds later is looked at as before.
pub(super) fn note_unwritable() -> io::Result<()> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let name = entry.file_name();
        // A process may be gone by now, and is not of interest.
        if !name.as_encoded_bytes()[0].is_ascii_digit() && unwritable(&entry)? {
            names.insert(name);
        }
    }
    // Called once; a second time would find the same.
    let _ = UNWRITABLE.set(names);
    Ok(())
}

/// Puts the shared part of `/dev` in place, and on it what each sandbox has for itself.
fn mount_dev(dev: &OwnedFd) -> Result<(), SetupFailure> {
    sys::move_mount(dev.as_fd(), Path::new("/dev")).step_at("mount", "/dev")?;
    mount_tmpfs("/dev/shm", "mode=1777")?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = "newinstance,ptmxmode=0666,mode=620";
    mount(
        Some("devpts"),
        "/dev/pts",
        Some("devpts"),
        flags,
        Some(options),
    )
    .step_at("mount", "/dev/pts")
}
