//! Removes a scratch directory after a run. Callers use this instead of `remove_dir_all`, which stops at the
//! directories of mode 000 that overlayfs leaves behind and at read-only directories that a build made.
//! Symbolic links are removed, never followed.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The directory in it that the runner mounts the file system of its set-up on.
pub(crate) const SETUP: &str = "setup";

/// The working directories of its writable overlays.
pub(crate) const WORK: &str = "work";

/// A scratch directory could not be removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove the scratch directory {}", path.display())]
pub struct RemoveScratchError {
    /// The file or directory that stayed.
    pub path: PathBuf,
    /// The system's reason.
    #[source]
    pub source: io::Error,
}

/// Removes a sandbox's scratch directory and all below it; a directory that is gone already is fine.
///
/// # Errors
///
/// Something below `path` can be neither opened up nor removed.
pub fn remove_scratch(path: &Path) -> Result<(), RemoveScratchError> {
    let failed = |source| RemoveScratchError {
        path: path.to_owned(),
        source,
    };
    match fs::remove_dir_all(path) {
        Ok(()) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound && !path.exists() => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {}
        Err(e) => return Err(failed(e)),
    }
    open_up(path)?;
    fs::remove_dir_all(path).map_err(failed)
}

/// Makes the scratch directory of an earlier run ready for another one that goes on where that one ended: what the
/// command wrote stays, what the sandbox made for itself goes.
///
/// # Errors
///
/// Something that has to go cannot be removed.
pub fn reset_scratch(path: &Path) -> Result<(), RemoveScratchError> {
    for own in [SETUP, WORK] {
        remove_scratch(&path.join(own))?;
    }
    Ok(())
}

/// Whether a run left a scratch directory as it would be made for it: the two directories that the command could write
/// to, empty once the caller has taken the outputs, with owner, mode, size and no attributes as at the beginning. Such
/// a one may be used again. No, where something cannot be read.
pub fn is_as_new(path: &Path) -> bool {
    let names = |dir: &Path| -> io::Result<Vec<OsString>> {
        let mut names = fs::read_dir(dir)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    };
    let look = || -> io::Result<bool> {
        let (build, setup) = (path.join("build"), path.join(SETUP));
        let out = build.join("out");
        let new = fs::metadata(path)?;
        for dir in [&build, &out] {
            let found = fs::symlink_metadata(dir)?;
            // A directory that once held many entries stays large, and shows it.
            let same = found.is_dir()
                && (found.uid(), found.gid(), found.size()) == (new.uid(), new.gid(), new.size());
            // With any, this is too little room and an error.
            let attributes = rustix::fs::llistxattr(dir, &mut [0_u8; 1])?;
            if !same || found.mode() & 0o7777 != 0o755 || attributes != 0 {
                return Ok(false);
            }
        }
        Ok(names(path)? == ["build", SETUP]
            && names(&build)? == ["out"]
            && names(&out)?.is_empty()
            && names(&setup)?.is_empty())
    };
    look().unwrap_or(false)
}

/// Makes every directory accessible to its owner; iterative, as a build may nest deeper than our stack.
fn open_up(root: &Path) -> Result<(), RemoveScratchError> {
    let mut pending = vec![root.to_owned()];
    while let Some(dir) = pending.pop() {
        let failed = |source| RemoveScratchError {
            path: dir.clone(),
            source,
        };
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_left_is_not_as_new() {
        let temp = tempfile::tempdir().unwrap();
        let scratch = temp.path().join("scratch");
        let build = scratch.join("build");
        let out = build.join("out");
        let make = || {
            let _ = remove_scratch(&scratch);
            for dir in [&scratch, &scratch.join("setup"), &build, &out] {
                fs::create_dir(dir).unwrap();
                fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
            }
        };
        make();
        assert!(is_as_new(&scratch));
        for file in ["build/x", "build/out/x", "setup/x", "x", "build/.x"] {
            make();
            fs::write(scratch.join(file), "").unwrap();
            assert!(!is_as_new(&scratch), "{file}");
        }
        for dir in [&build, &out] {
            make();
            fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
            assert!(!is_as_new(&scratch), "{}", dir.display());
            make();
            let name = "user.left";
            if rustix::fs::setxattr(dir, name, b"1", rustix::fs::XattrFlags::CREATE).is_ok() {
                assert!(!is_as_new(&scratch), "{}", dir.display());
            } else {
                println!("skipped: this file system has no attributes of users");
            }
        }
        make();
        fs::remove_dir(&out).unwrap();
        std::os::unix::fs::symlink("/", &out).unwrap();
        assert!(!is_as_new(&scratch));
    }

    #[test]
    fn locked_directories_go_and_links_are_not_followed() {
        let temp = tempfile::tempdir().unwrap();
        let kept = temp.path().join("kept");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "x").unwrap();
        let scratch = temp.path().join("scratch");
        fs::create_dir_all(scratch.join("work/work/deep")).unwrap();
        std::os::unix::fs::symlink(&kept, scratch.join("link")).unwrap();
        for (dir, mode) in [("work/work/deep", 0o555), ("work/work", 0o000)] {
            fs::set_permissions(scratch.join(dir), fs::Permissions::from_mode(mode)).unwrap();
        }
        open_up(&scratch).unwrap();
        remove_scratch(&scratch).unwrap();
        assert!(!scratch.exists());
        assert!(kept.join("file").exists());
        remove_scratch(&scratch).unwrap();
        assert!(remove_scratch(&kept.join("file")).is_err());
    }
}
