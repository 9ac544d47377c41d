//! `owners.json`: the owners and modes of a root's paths that a tree of the store cannot carry.
//!
//! Written by `builtin:deb-owners`, read by the image builtins. Invariant: sorted by path, modes as octal text;
//! reading refuses unknown fields.

use serde::{Deserialize, Serialize};

use crate::root::Owner;
use crate::{PackageError, PackagePath};

/// A text that is no `owners.json`.
#[derive(Debug, thiserror::Error)]
pub enum OwnersError {
    /// Not JSON of the expected shape.
    #[error("owners.json is not valid")]
    Syntax(#[from] serde_json::Error),
    /// A path or mode that does not parse.
    #[error("owners.json has a bad mode for `{path}`: `{mode}`")]
    Mode {
        /// The path.
        path: String,
        /// What stands there.
        mode: String,
    },
    /// A path that does not parse.
    #[error(transparent)]
    Path(#[from] PackageError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    path: String,
    mode: String,
    uid: u32,
    gid: u32,
}

/// The stable text.
pub fn owners_to_json(owners: &[Owner]) -> String {
    let line = |owner: &Owner| Line {
        path: owner.path.to_string(),
        mode: format!("{:04o}", owner.mode),
        uid: owner.uid,
        gid: owner.gid,
    };
    let lines: Vec<Line> = owners.iter().map(line).collect();
    serde_json::to_string_pretty(&lines).unwrap_or_default() + "\n"
}

/// Reads the text.
///
/// # Errors
/// See [`OwnersError`].
pub fn owners_from_json(text: &str) -> Result<Vec<Owner>, OwnersError> {
    let lines: Vec<Line> = serde_json::from_str(text)?;
    let owner = |line: Line| {
        let mode = u32::from_str_radix(&line.mode, 8)
            .ok()
            .filter(|m| *m <= 0o7777);
        Ok(Owner {
            path: PackagePath::new(&line.path)?,
            mode: mode.ok_or_else(|| OwnersError::Mode {
                path: line.path.clone(),
                mode: line.mode.clone(),
            })?,
            uid: line.uid,
            gid: line.gid,
        })
    };
    lines.into_iter().map(owner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let owners = vec![Owner {
            path: PackagePath::new("/usr/bin/su").unwrap(),
            mode: 0o4755,
            uid: 0,
            gid: 42,
        }];
        let text = owners_to_json(&owners);
        assert!(text.contains("\"4755\""), "{text}");
        assert_eq!(owners_from_json(&text).unwrap(), owners);
        for bad in [
            "",
            "{}",
            &text.replace("4755", "9"),
            &text.replace("4755", "77777"),
            &text.replace("uid", "id"),
        ] {
            assert!(owners_from_json(bad).is_err(), "{bad}");
        }
    }
}
