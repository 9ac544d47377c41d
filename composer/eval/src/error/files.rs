//! A file that is not there: what lies beside the place where it should be.
//!
//! A part of the report. Invariant: reads folders only, through the evaluator's seam.

use super::report::{Reader, Report};
use super::similar;
use crate::io::IoError;
use crate::path;

impl Reader<'_> {
    /// What lies where a file is missing.
    pub(super) fn file(&self, error: &IoError, report: &mut Report) {
        match error {
            IoError::NotFound { path, root } => {
                let path = path.as_str();
                report.message =
                    format!("there is no file {}", written("", path.trim_matches('/')));
                report.notes.extend(self.near_files(path, root));
            }
            IoError::Read { path, source, .. }
                if source.kind() == std::io::ErrorKind::IsADirectory =>
            {
                report.message = format!("{} is a folder, not a file", path.trim_matches('/'));
                let note = "`builtins.readDir` gives what is in a folder";
                report.notes.push(note.to_owned());
            }
            _ => {}
        }
    }

    fn near_files(&self, path: &str, root: &str) -> Vec<String> {
        let io = &self.evaluator.io;
        // The part of the path that is there.
        let mut missing = path;
        let mut folder = path::parent(missing);
        while folder != "/" && !io.is_dir(folder).unwrap_or(false) {
            missing = folder;
            folder = path::parent(folder);
        }
        let Ok(entries) = io.read_dir(folder) else {
            return vec![format!("looked for it in {root}")];
        };
        let shown = |folder: &str| match folder.trim_start_matches('/') {
            "" => root.to_owned(),
            folder => format!("{folder}/"),
        };
        let wanted = path::base_name(missing);
        let names = || entries.iter().map(|(name, _)| name.as_str());
        let near = similar(wanted, names());
        let with_suffix = format!("{wanted}.nix");
        if let Some(name) = names().find(|name| *name == with_suffix) {
            return vec![format!("did you mean {}?", written(folder, name))];
        }
        if let Some(near) = near.first() {
            return vec![format!("did you mean {}?", written(folder, near))];
        }
        if wanted == "default.nix" {
            let files: Vec<&str> = names().filter(|name| name.ends_with(".nix")).collect();
            let there = match files.len() {
                0 => "has no .nix file at all".to_owned(),
                1..=5 => format!("has {}", files.join(", ")),
                count => format!("has {count} other .nix files"),
            };
            return vec![format!(
                "importing a folder means its default.nix, but {} {there}",
                shown(folder)
            )];
        }
        if missing != path {
            return vec![format!("there is no folder {}", written(folder, wanted))];
        }
        let names: Vec<&str> = names().collect();
        match names.len() {
            0 => vec![format!("{} is empty", shown(folder))],
            1..=6 => vec![format!("{} has {}", shown(folder), names.join(", "))],
            _ => vec![format!("{} has no file with a similar name", shown(folder))],
        }
    }
}

/// A path as people write it, from the top of the tree.
fn written(folder: &str, name: &str) -> String {
    let folder = folder.trim_matches('/');
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}
