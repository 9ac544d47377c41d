//! Removes a scratch directory after a run. Callers use this instead of `remove_dir_all`, which stops at the
//! directories of mode 000 that overlayfs leaves behind and at read-only directories that a build made.
//! Symbolic links are removed, never followed.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

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
    for own in ["setup", "work"] {
        remove_scratch(&path.join(own))?;
    }
    Ok(())
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
