//! Makes the lowest layer of the root: the mount points, and the few files in `/etc` without which a program
//! cannot name its user. Called by `root` before the overlay is mounted.
//! Every layer of the caller's lies above it, so a root that brings its own `/etc/passwd` keeps it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;

use crate::Surroundings;
use crate::error::{SetupFailure, Step};

/// As many links as the kernel follows in one path.
const MAX_LINKS: usize = 40;

/// Fills `skeleton` with a directory for each mount point and the files of `/etc`.
pub(super) fn make<'a>(
    skeleton: &Path,
    layers: &[PathBuf],
    Surroundings { uid, gid, .. }: &Surroundings,
    mount_points: impl Iterator<Item = &'a str>,
) -> Result<(), SetupFailure> {
    let place = |at: &str| {
        let inside = resolve(layers, Path::new(at)).step_at("find the mount point", at)?;
        let place = skeleton.join(inside);
        fs::create_dir_all(&place).step_at("make the mount point", at)?;
        Ok(place)
    };
    for at in mount_points {
        place(at)?;
    }
    let etc = place("/etc")?;
    for (name, text) in [
        (
            "passwd",
            format!(
                "builder:x:{uid}:{gid}:builder:/build:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
            ),
        ),
        ("group", format!("builder:x:{gid}:\nnogroup:x:65534:\n")),
        ("hosts", "127.0.0.1 localhost\n::1 localhost\n".to_owned()),
    ] {
        let file = etc.join(name);
        fs::write(&file, text).step_at("write", &file)?;
    }
    Ok(())
}

/// Where a path leads in the merged layers, relative to their root: links followed as the sandbox would, and never
/// out of the layers. What does not exist yet is taken as directories to be made.
fn resolve(layers: &[PathBuf], path: &Path) -> io::Result<PathBuf> {
    let mut pending: VecDeque<OsString> = VecDeque::new();
    push_front(&mut pending, path);
    // For each directory on the way, the layers that contribute to it.
    let mut stack: Vec<(OsString, Vec<&Path>)> = Vec::new();
    let mut links = 0;
    while let Some(name) = pending.pop_front() {
        if name == ".." {
            stack.pop();
            continue;
        }
        let parent: PathBuf = stack.iter().map(|(name, _)| name).collect();
        let all = layers.iter().map(PathBuf::as_path);
        let contributing = stack
            .last()
            .map_or_else(|| all.collect(), |(_, layers)| layers.clone());
        match look_up(&contributing, &parent.join(&name))? {
            Found::Directory(below) => stack.push((name, below)),
            Found::Link(target) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::ELOOP.into());
                }
                if target.is_absolute() {
                    stack.clear();
                }
                push_front(&mut pending, &target);
            }
        }
    }
    Ok(stack.into_iter().map(|(name, _)| name).collect())
}

enum Found<'a> {
    Directory(Vec<&'a Path>),
    Link(PathBuf),
}

/// One name as an overlay would show it: directories merge until something else hides what is below.
fn look_up<'a>(layers: &[&'a Path], inside: &Path) -> io::Result<Found<'a>> {
    let mut merged = Vec::new();
    for layer in layers {
        let path = layer.join(inside);
        let kind = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.file_type(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        if kind.is_dir() {
            merged.push(*layer);
        } else if !merged.is_empty() {
            break;
        } else if kind.is_symlink() {
            return Ok(Found::Link(fs::read_link(&path)?));
        } else {
            return Err(Errno::ENOTDIR.into());
        }
    }
    Ok(Found::Directory(merged))
}

fn push_front(pending: &mut VecDeque<OsString>, path: &Path) {
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => pending.push_front(name.to_owned()),
            Component::ParentDir => pending.push_front(OsStr::new("..").to_owned()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_resolve_as_in_the_merged_root() {
        let temp = tempfile::tempdir().unwrap();
        let (top, low) = (temp.path().join("top"), temp.path().join("low"));
        fs::create_dir_all(top.join("usr/lib")).unwrap();
        fs::create_dir_all(top.join("real")).unwrap();
        fs::create_dir_all(low.join("usr/share")).unwrap();
        fs::write(top.join("usr/file"), "").unwrap();
        symlink("/usr/lib", top.join("lib")).unwrap();
        symlink("../../..", top.join("usr/lib/up")).unwrap();
        symlink("/etc", low.join("real")).unwrap();
        symlink("loop", low.join("loop")).unwrap();
        let layers = [top, low];
        let ok = |path: &str| {
            resolve(&layers, Path::new(path))
                .unwrap()
                .display()
                .to_string()
        };
        assert_eq!(ok("/lib/new/dir"), "usr/lib/new/dir");
        assert_eq!(ok("/lib/up/usr/share/x"), "usr/share/x");
        assert_eq!(
            ok("/real/x"),
            "real/x",
            "a directory above hides the link below"
        );
        let error = |path: &str| {
            resolve(&layers, Path::new(path))
                .unwrap_err()
                .raw_os_error()
        };
        assert_eq!(error("/usr/file/x"), Some(Errno::ENOTDIR as i32));
        assert_eq!(error("/loop/x"), Some(Errno::ELOOP as i32));
    }
}
