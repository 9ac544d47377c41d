//! What would help when the host refuses a step; each hint is given only where the host shows that it applies.
//! Called on failure paths only. Reads `/proc/sys`, changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use nix::errno::Errno;

use super::namespaces::NAMESPACES;
use crate::SetupFailure;

/// The limits as they were before this process entered a user namespace, where it would read others.
static LIMITS: OnceLock<BTreeMap<String, String>> = OnceLock::new();

/// Notes the limits for the hints of all sandboxes that this process will start.
pub(super) fn note_limits() {
    let limits = NAMESPACES.iter().filter_map(|(name, _)| {
        let limit = limit_of(name);
        Some((limit.clone(), sysctl(&limit)?))
    });
    // Called once; a second time would find the same.
    let _ = LIMITS.set(limits.collect());
}

fn limit_of(name: &str) -> String {
    let kind = if name == "mount" { "mnt" } else { name };
    format!("user.max_{kind}_namespaces")
}

fn sysctl(name: &str) -> Option<String> {
    if let Some(noted) = LIMITS.get().and_then(|limits| limits.get(name)) {
        return Some(noted.clone());
    }
    let file = format!("/proc/sys/{}", name.replace('.', "/"));
    fs::read_to_string(file)
        .ok()
        .map(|text| text.trim().to_owned())
}

fn restricted_by_apparmor() -> Option<String> {
    let name = "kernel.apparmor_restrict_unprivileged_userns";
    (sysctl(name)? == "1").then(|| {
        format!(
            "AppArmor restricts user namespaces: set the sysctl {name}=0, or install an AppArmor profile for \
             the composer that has the line `userns,`"
        )
    })
}

/// A namespace of this kind was refused.
pub(super) fn namespace(name: &str, errno: Errno) -> Option<String> {
    if errno == Errno::EINVAL {
        return Some(format!("the kernel is built without {name} namespaces"));
    }
    let switch = "kernel.unprivileged_userns_clone";
    if sysctl(switch).as_deref() == Some("0") {
        return Some(format!(
            "ordinary users may not make namespaces: set the sysctl {switch}=1"
        ));
    }
    let limit = limit_of(name);
    match sysctl(&limit).as_deref() {
        Some("0") => return Some(format!("set the sysctl {limit} to, say, 10000")),
        Some(now) if errno == Errno::ENOSPC => {
            return Some(format!(
                "too many in use: raise the sysctl {limit}, now {now}"
            ));
        }
        _ => {}
    }
    restricted_by_apparmor().or_else(|| {
        (errno == Errno::EPERM).then(|| {
            "a container's seccomp profile refuses it, or this process runs in a chroot: allow nested user \
             namespaces (docker, podman: --security-opt seccomp=unconfined)"
                .to_owned()
        })
    })
}

/// The user map was refused.
pub(super) fn user_map(failure: SetupFailure, uid: u32) -> SetupFailure {
    let hint = restricted_by_apparmor().or_else(|| {
        (uid == 0).then(|| {
            "root of a container needs CAP_SETFCAP to map itself: add it, or run the composer as an ordinary user"
                .to_owned()
        })
    });
    failure.hint(hint)
}

/// A mount of the new root was refused; in a user namespace without the rights AppArmor takes away.
pub(super) fn mount(failure: SetupFailure) -> SetupFailure {
    let refused = failure.errno == Errno::EPERM as i32 || failure.errno == Errno::EACCES as i32;
    let hint = refused.then(restricted_by_apparmor).flatten();
    failure.hint(hint)
}

/// An overlay mount was refused.
pub(super) fn overlay(failure: SetupFailure) -> SetupFailure {
    let hint = match Errno::from_raw(failure.errno) {
        Errno::EPERM | Errno::EACCES => restricted_by_apparmor().or_else(|| {
            Some("overlayfs in a user namespace needs Linux 5.11 or later, and no security module against it".into())
        }),
        Errno::ENODEV => Some("the kernel has no overlayfs: load the module `overlay`".into()),
        Errno::ELOOP => Some("a root layer is listed twice or lies inside another".into()),
        Errno::EINVAL => Some(
            "the file system of the scratch directory may not carry overlay copies: it needs user.* extended \
             attributes and file types in directories, and must not be an overlay itself (dmesg tells)"
                .into(),
        ),
        _ => None,
    };
    failure.hint(hint)
}

/// A fresh `/proc` was refused.
pub(super) fn proc_mount(failure: SetupFailure) -> SetupFailure {
    let hint = (failure.errno == Errno::EPERM as i32).then(|| {
        "this container hides parts of its own /proc, so the kernel refuses a fresh one: unmask it (docker: \
         --security-opt systempaths=unconfined; podman: --security-opt unmask=ALL; Kubernetes: procMount: Unmasked)"
            .to_owned()
    });
    failure.hint(hint)
}

/// Tracing the command was refused.
pub(super) fn ptrace(failure: SetupFailure) -> SetupFailure {
    let name = "kernel.yama.ptrace_scope";
    let hint = match sysctl(name).as_deref() {
        Some("3") => Some(format!(
            "the sysctl {name} is 3, which forbids tracing until the next boot: boot with 2 or less"
        )),
        _ => Some("a container's seccomp profile may refuse ptrace: allow it".to_owned()),
    };
    failure.hint(hint)
}
