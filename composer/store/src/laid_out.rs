//! Laid-out trees compared with their records: does each have what it should, and nothing else?
//!
//! Verification calls it. Invariant: it reads names and inodes; a file's content is hashed only
//! where it is a copy, since everything else is an object that was hashed before.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use xsc_model::{Directory, Node, TreeId};

use crate::error::FileError;
use crate::fsops::list;
use crate::scan::{Needles, scan};
use crate::{Store, layout};

impl Store {
    /// The laid-out trees that are not what their names say, given the sound records.
    pub(crate) fn damaged_trees(
        &self,
        records: &BTreeMap<TreeId, Directory>,
    ) -> Result<Vec<PathBuf>, FileError> {
        let folder = self.at("trees");
        let names = list(&folder)?;
        let damaged = names.par_iter().filter(|name| match name.parse() {
            Ok(tree) => !self.is_laid_out(records, &folder.join(name.as_str()), tree),
            Err(_) => true,
        });
        Ok(damaged.map(|name| folder.join(name)).collect())
    }

    fn is_laid_out(&self, records: &BTreeMap<TreeId, Directory>, top: &Path, tree: TreeId) -> bool {
        let mut queue = vec![(top.to_owned(), tree)];
        while let Some((dir, tree)) = queue.pop() {
            let Some(record) = records.get(&tree) else {
                return false;
            };
            if !self.has_exactly(&dir, record) {
                return false;
            }
            for (name, node) in &record.entries {
                if let Node::Directory { tree } = node {
                    queue.push((dir.join(name.as_str()), *tree));
                }
            }
        }
        true
    }

    /// Whether a directory has the entries of its record, but for what is in its directories.
    fn has_exactly(&self, dir: &Path, record: &Directory) -> bool {
        let Ok(names) = list(dir) else {
            return false;
        };
        let expected = record.entries.keys().map(|name| name.as_str());
        if names.len() != record.entries.len() || !expected.eq(names.iter().map(String::as_str)) {
            return false;
        }
        record.entries.iter().all(|(name, node)| {
            let path = dir.join(name.as_str());
            let Ok(meta) = fs::symlink_metadata(&path) else {
                return false;
            };
            match node {
                Node::Directory { .. } => meta.is_dir(),
                Node::Symlink { target } => {
                    fs::read_link(&path).is_ok_and(|found| found.as_os_str() == target.as_str())
                }
                Node::File {
                    blob,
                    size,
                    executable,
                } => {
                    let mode = if *executable { 0o555 } else { 0o444 };
                    if !meta.is_file() || meta.len() != *size || meta.mode() & 0o7777 != mode {
                        return false;
                    }
                    let object = self.at(&layout::object(*blob, *executable));
                    let same = fs::symlink_metadata(object).is_ok_and(|object| {
                        (object.dev(), object.ino()) == (meta.dev(), meta.ino())
                    });
                    same || *size == 0
                        || File::open(&path)
                            .and_then(|mut file| {
                                scan(&mut file, *size, &Needles::new(&[]), &mut Vec::new())
                            })
                            .is_ok_and(|found| found.blob == *blob)
                }
            }
        })
    }
}
