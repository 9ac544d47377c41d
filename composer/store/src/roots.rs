//! Roots: the links, outside the store, that keep things in it from being garbage.
//!
//! The commands add one a `result` link; garbage collection reads them. Invariant: a root lives
//! exactly as long as its link points into `trees/`, so removing the link is how one lets go.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xsc_model::{ActionId, Digest, TreeId};

use crate::error::{Context, FileError};
use crate::fsops::{list, read_optional, write_atomic};
use crate::{RootError, Store};

const HEADER: &str = "xsc-root-1";

/// What a root keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The link, absolute.
    pub link: PathBuf,
    /// The tree that it points to.
    pub target: TreeId,
    /// The actions of its build graph, whose outputs stay too.
    pub actions: BTreeSet<ActionId>,
}

/// A root's record together with what its link says now.
#[derive(Debug)]
pub(crate) struct RootState {
    /// The file in `roots/`.
    pub(crate) record: PathBuf,
    pub(crate) root: Root,
    /// Where the link points, if it points to a tree of this store.
    pub(crate) points_to: Option<TreeId>,
}

impl Store {
    /// Makes `link` a symbolic link to the tree, laid out beforehand by [`Store::tree_path`],
    /// and keeps the tree and the outputs of `actions` for as long as it points there. An older
    /// link at the place is replaced, anything else is an error.
    pub fn add_root(
        &self,
        link: &Path,
        target: &TreeId,
        actions: impl IntoIterator<Item = ActionId>,
    ) -> Result<(), RootError> {
        let link = absolute(link)?;
        let text = link.to_str().filter(|text| !text.contains('\n'));
        let Some(text) = text else {
            return Err(RootError::UnsupportedPath { path: link });
        };
        match fs::symlink_metadata(&link) {
            Ok(meta) if !meta.is_symlink() => return Err(RootError::NotALink { path: link }),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::new("look at", &link, error).into());
            }
            _ => {}
        }
        let mut record = format!("{HEADER}\nlink {text}\ntree {target}\n");
        for action in actions.into_iter().collect::<BTreeSet<_>>() {
            record.push_str(&format!("action {action}\n"));
        }
        record.push_str("end\n");
        let _session = self.shared()?;
        let name = Digest::of(text.as_bytes()).to_hex();
        let path = self.at("roots").join(name);
        let place = self.tree_place(target);
        let same = read_optional(&path)?.is_some_and(|known| known == record.as_bytes());
        if same && fs::read_link(&link).is_ok_and(|known| known == place) {
            return Ok(());
        }
        // A root promises that what it keeps is there.
        self.flush()?;
        // The record first: a link without one would keep nothing.
        write_atomic(&self.temporary()?, &path, record.as_bytes())?;
        let folder = link.parent().unwrap_or(Path::new("/"));
        let temporary = folder.join(format!(
            ".xsc-link-{}-{:x}",
            std::process::id(),
            self.salt()
        ));
        std::os::unix::fs::symlink(&place, &temporary).context("create", &temporary)?;
        if let Err(error) = fs::rename(&temporary, &link) {
            let _ = fs::remove_file(&temporary);
            return Err(FileError::new("rename to", &link, error).into());
        }
        Ok(())
    }

    /// The roots whose links point into this store.
    pub fn roots(&self) -> Result<Vec<Root>, RootError> {
        let states = self.root_states()?;
        Ok(states
            .into_iter()
            .filter(|state| state.points_to == Some(state.root.target))
            .map(|state| state.root)
            .collect())
    }

    /// Every root's record, live or dead. A damaged one is set aside.
    pub(crate) fn root_states(&self) -> Result<Vec<RootState>, FileError> {
        let folder = self.at("roots");
        let mut states = Vec::new();
        for name in list(&folder)? {
            let record = folder.join(name);
            let Some(bytes) = read_optional(&record)? else {
                continue;
            };
            match parse(&bytes) {
                Some(root) => {
                    let points_to = self.tree_at_link(&root.link);
                    states.push(RootState {
                        record,
                        root,
                        points_to,
                    });
                }
                None => self.set_aside(&record, "it is not the record of a root".to_owned())?,
            }
        }
        Ok(states)
    }

    /// The tree of this store that a link points to.
    fn tree_at_link(&self, link: &Path) -> Option<TreeId> {
        let target = fs::read_link(link).ok()?;
        let target = link.parent()?.join(target);
        let folder = target.parent()?;
        let same = folder == self.at("trees")
            || fs::canonicalize(folder).is_ok_and(|folder| folder == self.at("trees"));
        if !same {
            return None;
        }
        target.file_name()?.to_str()?.parse().ok()
    }
}

fn absolute(link: &Path) -> Result<PathBuf, FileError> {
    let link = std::path::absolute(link).context("resolve", link)?;
    // The folder's own path, for a link is the same by whatever way one came to it.
    match (link.parent(), link.file_name()) {
        (Some(folder), Some(name)) => Ok(fs::canonicalize(folder)
            .context("resolve", folder)?
            .join(name)),
        _ => Ok(link),
    }
}

fn parse(bytes: &[u8]) -> Option<Root> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let mut lines = text.split('\n');
    if lines.next()? != HEADER {
        return None;
    }
    let link = PathBuf::from(lines.next()?.strip_prefix("link ")?);
    let target = lines.next()?.strip_prefix("tree ")?.parse().ok()?;
    let mut actions = BTreeSet::new();
    loop {
        match lines.next()? {
            "end" => break,
            line => {
                actions.insert(line.strip_prefix("action ")?.parse().ok()?);
            }
        }
    }
    let complete = lines.next().is_none() && link.is_absolute();
    complete.then_some(Root {
        link,
        target,
        actions,
    })
}
