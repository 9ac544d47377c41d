//! Materialisation: a tree that is known by its records is laid out as files.
//!
//! [`Store::tree_path`] does it where the directory is missing, as for merged trees. Invariant:
//! `trees/<id>` appears by one rename when it is complete.

use std::io;
use std::path::PathBuf;

use rayon::prelude::*;
use rustix::fs::{AtFlags, Mode, chmodat, mkdirat, openat, symlinkat, utimensat};
use xsc_model::{BlobId, DirectorySource, Node, TreeId};

use crate::error::{Context, FileError};
use crate::fsops::{DIR_MODE, OPEN_DIR, TIMES, exists};
use crate::ingest::relative;
use crate::objects::{Linked, make_empty};
use crate::{Store, StoreError, layout};

struct Leaf {
    path: String,
    blob: BlobId,
    size: u64,
    executable: bool,
}

impl Store {
    /// The directory in which a tree is laid out; it is laid out now if it was not. Nothing in it
    /// may be changed: its files are the store's objects.
    pub fn tree_path(&self, tree: &TreeId) -> Result<PathBuf, StoreError> {
        let path = self.at(&layout::tree(*tree));
        if !exists(&path)? {
            self.materialise(*tree)?;
        }
        Ok(path)
    }

    /// Where [`Store::tree_path`] has the tree, whether it is laid out or not.
    pub fn tree_place(&self, tree: &TreeId) -> PathBuf {
        self.at(&layout::tree(*tree))
    }

    fn materialise(&self, tree: TreeId) -> Result<(), StoreError> {
        let _session = self.shared()?;
        let _writing = self.writing()?;
        let scratch = self.make_scratch("tree")?;
        let staged = scratch.path().join("tree");
        std::fs::create_dir(&staged).context("create", &staged)?;
        let root =
            openat(rustix::fs::CWD, &staged, OPEN_DIR, Mode::empty()).context("open", &staged)?;
        let mut directories = vec![(String::new(), tree)];
        let mut leaves = Vec::new();
        let mut next = 0;
        while next < directories.len() {
            let (path, id) = directories[next].clone();
            next += 1;
            if !path.is_empty() {
                mkdirat(&root, path.as_str(), DIR_MODE).context("create", &staged.join(&path))?;
            }
            for (name, node) in self.directory(id)?.entries {
                let below = layout::join(&path, name.as_str());
                match node {
                    Node::Directory { tree } => directories.push((below, tree)),
                    Node::File {
                        blob,
                        size,
                        executable,
                    } => leaves.push(Leaf {
                        path: below,
                        blob,
                        size,
                        executable,
                    }),
                    Node::Symlink { target } => {
                        let whole = staged.join(&below);
                        symlinkat(target.as_str(), &root, below.as_str())
                            .context("create", &whole)?;
                        utimensat(&root, below.as_str(), &TIMES, AtFlags::SYMLINK_NOFOLLOW)
                            .context("set the time of", &whole)?;
                    }
                }
            }
        }
        leaves.par_iter().try_for_each(|leaf| {
            let whole = staged.join(&leaf.path);
            if leaf.size == 0 {
                make_empty(&root, leaf.path.as_str(), leaf.executable).context("create", &whole)?;
                return Ok(());
            }
            match self.link_object(
                &root,
                leaf.path.as_str(),
                &whole,
                leaf.blob,
                leaf.executable,
            )? {
                Linked::Yes | Linked::Copied => Ok(()),
                Linked::Missing => Err(StoreError::MissingFile {
                    tree,
                    path: leaf.path.clone(),
                    blob: leaf.blob,
                }),
            }
        })?;
        directories.par_iter().try_for_each(|(path, _)| {
            let whole = || staged.join(path);
            // The creation mask may have taken bits away.
            chmodat(&root, relative(path), DIR_MODE, AtFlags::empty())
                .context("set the mode of", &whole())?;
            utimensat(&root, relative(path), &TIMES, AtFlags::SYMLINK_NOFOLLOW)
                .context("set the time of", &whole())
        })?;
        let to = self.at(&layout::tree(tree));
        match std::fs::rename(&staged, &to) {
            Ok(()) => Ok(()),
            // Another thread or process laid it out meanwhile.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(FileError::new("rename to", &to, error).into()),
        }
    }
}
