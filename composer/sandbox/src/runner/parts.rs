//! The parts of a sandbox's file system that do not depend on which sandbox it is: the overlay of its root layers, and
//! `/dev` but for the mounts on it. `root` calls this for one sandbox, `kept` for all that have the same.
//! Overlays are mounted with short relative names, as the kernel takes one page of options: that is room for all
//! 500 layers that overlayfs allows, at any path.
//! Invariant: both are read-only mounts, so no process that sees one can leave anything in it.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::unistd::chdir;

use super::sys::{self, MOUNT_NOSUID, MOUNT_RDONLY};
use super::{hints, skeleton};
use crate::SandboxSpec;
use crate::error::{SetupFailure, Step};
use crate::spec::Layer;

const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

const DEVICE_LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// The places where a sandbox mounts something into its root and which have to be there before.
pub(super) fn mount_points(spec: &SandboxSpec) -> impl Iterator<Item = &str> {
    let inside = spec.mounts.iter().map(|mount| mount.at.as_str());
    ["/proc", "/dev", "/tmp", "/build"]
        .into_iter()
        .chain(inside.filter(|at| !in_writable_place(at)))
}

fn in_writable_place(at: &str) -> bool {
    Path::new(at).starts_with("/build") || Path::new(at).starts_with("/tmp")
}

/// Mounts the root on `dir/root`; what it is put together of lies beside it. Changes the working directory. `layers` is
/// what the composer knows the layers by, where it does.
pub(super) fn make_root(
    dir: &Path,
    spec: &SandboxSpec,
    layers: &[Layer],
) -> Result<(), SetupFailure> {
    for (index, path) in spec.root.iter().enumerate() {
        let found = fs::metadata(path).step_at("read a root layer", path)?;
        if !found.is_dir() {
            return Err(SetupFailure::new("read a root layer", Errno::ENOTDIR).at(path));
        }
        if layers
            .get(index)
            .is_some_and(|known| !known.is_place_of(&found))
        {
            let hint = "what is mounted there has changed since the composer started: run it again";
            let failure = SetupFailure::new("read a root layer", Errno::ESTALE).at(path);
            return Err(failure.hint(Some(hint.to_owned())));
        }
    }
    for name in ["root", "skeleton", "layers"] {
        let part = dir.join(name);
        fs::create_dir(&part).step_at("make a directory", &part)?;
    }
    skeleton::make(
        &dir.join("skeleton"),
        &spec.root,
        &spec.surroundings,
        mount_points(spec),
    )?;
    let links = dir.join("layers");
    chdir(&links).step_at("enter", &links)?;
    mount_layers(&spec.root)
}

/// Mounts the layers, then the skeleton, on `../root`; the working directory is `layers`.
fn mount_layers(layers: &[PathBuf]) -> Result<(), SetupFailure> {
    let mut names = Vec::with_capacity(layers.len() + 1);
    for (index, layer) in layers.iter().enumerate() {
        let name = index.to_string();
        symlink(layer, &name).step_at("link the root layer", layer)?;
        names.push(name);
    }
    symlink("../skeleton", "s").step("link the skeleton")?;
    names.push("s".to_owned());
    let options = format!("lowerdir={},userxattr", names.join(":"));
    overlay(Path::new("../root"), &options, MsFlags::MS_RDONLY)
        .step_at("mount the root overlay", "/")
        .map_err(hints::overlay)
}

/// Mounts `/dev` on the new directory `dir`: the devices that a build may use, and places for what each sandbox mounts.
pub(super) fn make_dev(dir: &Path) -> Result<(), SetupFailure> {
    fs::create_dir(dir).step_at("make a directory", dir)?;
    mount_tmpfs(dir, "mode=755")?;
    for name in DEVICES {
        let device = clone_restricted(&Path::new("/dev").join(name), MOUNT_NOSUID)?;
        let place = dir.join(name);
        fs::write(&place, "").step_at("make the mount point", &place)?;
        sys::move_mount(device.as_fd(), &place).step_at("mount", &place)?;
    }
    for (name, target) in DEVICE_LINKS {
        symlink(target, dir.join(name)).step_at("link", dir.join(name))?;
    }
    for name in ["shm", "pts"] {
        fs::create_dir(dir.join(name)).step_at("make the mount point", dir.join(name))?;
    }
    let handle = sys::hold_mount(dir).step_at("hold", dir)?;
    sys::restrict_mount(handle.as_fd(), MOUNT_RDONLY).step_at("make read-only", dir)
}

pub(super) fn overlay(target: &Path, options: &str, flags: MsFlags) -> Result<(), Errno> {
    let flags = flags | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(
        Some("overlay"),
        target,
        Some("overlay"),
        flags,
        Some(options),
    )
}

pub(super) fn mount_tmpfs(at: impl AsRef<Path>, options: &str) -> Result<(), SetupFailure> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let at = at.as_ref();
    mount(Some("tmpfs"), at, Some("tmpfs"), flags, Some(options)).step_at("mount", at)
}

/// A detached copy of one mount, with these attributes besides its own.
pub(super) fn clone_restricted(path: &Path, attributes: u64) -> Result<OwnedFd, SetupFailure> {
    let mount = sys::clone_mount(path)
        .step_at("bind", path)
        .map_err(hints::mount)?;
    sys::restrict_mount(mount.as_fd(), attributes).step_at("restrict the bind of", path)?;
    Ok(mount)
}

/// A detached copy of a mount and of those on it.
pub(super) fn clone_tree(path: &Path) -> Result<OwnedFd, SetupFailure> {
    sys::clone_mount_tree(path)
        .step_at("bind", path)
        .map_err(hints::mount)
}
