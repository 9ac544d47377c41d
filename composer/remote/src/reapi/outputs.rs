//! What an action left on the engine, brought into a directory of this machine.
//!
//! `execute` calls it; the engine of `xsc-build` then ingests the directory as it does a local
//! build's. Invariant: every name is a single component and every blob has the digest that its
//! directory gives, so nothing lands outside the directory and nothing that was altered passes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use prost::Message;
use xsc_model::EntryName;

use super::cas::{PARALLEL, describe};
use super::client::Client;
use super::digest::WireDigest;
use crate::CacheError;
use crate::parallel::parallel;

/// A message of directories; a million entries fit.
const MOST_DIRECTORY: u64 = 512 << 20;

/// Entries of all directories together: a few messages can describe more than any disk holds.
const MOST_ENTRIES: usize = 20_000_000;

/// Files up to this size come in batches.
const SMALL: u64 = 256 * 1024;

/// Where files go once the directories exist.
#[derive(Default)]
struct Layout {
    entries: usize,
    files: BTreeMap<WireDigest, Vec<(PathBuf, bool)>>,
}

impl Client {
    /// Lays the output directory `from` out below `into`, which exists and is empty.
    pub(crate) fn fetch_directory(
        &self,
        from: &re::OutputDirectory,
        into: &Path,
    ) -> Result<(), CacheError> {
        let mut layout = Layout::default();
        let root = WireDigest::from_wire(from.root_directory_digest.as_ref());
        let tree = WireDigest::from_wire(from.tree_digest.as_ref());
        match (root, tree) {
            (Some(root), _) => self.walk(root, into, &mut layout)?,
            (None, Some(tree)) => self.unfold(tree, into, &mut layout)?,
            (None, None) => {
                let what = format!("output directory `{}`", from.path);
                return Err(self.damaged(&what, "it comes with no digest"));
            }
        }
        self.fetch_files(layout)
    }

    /// By single directory messages, a level at a time.
    fn walk(&self, root: WireDigest, into: &Path, layout: &mut Layout) -> Result<(), CacheError> {
        let mut level: Vec<(WireDigest, PathBuf)> = vec![(root, into.to_owned())];
        let mut known: HashMap<WireDigest, re::Directory> = HashMap::new();
        while !level.is_empty() {
            let wanted: HashSet<WireDigest> = level
                .iter()
                .map(|(digest, _)| *digest)
                .filter(|digest| !known.contains_key(digest))
                .collect();
            let wanted: Vec<WireDigest> = wanted.into_iter().collect();
            self.download_batch(&wanted, &mut |digest, bytes| {
                known.insert(*digest, self.decode(digest, &bytes?)?);
                Ok(())
            })?;
            let mut next = Vec::new();
            for (digest, path) in level {
                let Some(directory) = known.get(&digest) else {
                    return Err(self.absent(&describe(&digest)));
                };
                next.extend(self.place(directory, &path, layout)?);
            }
            level = next;
        }
        Ok(())
    }

    /// By one message that holds all directories.
    fn unfold(&self, tree: WireDigest, into: &Path, layout: &mut Layout) -> Result<(), CacheError> {
        let what = describe(&tree);
        let bytes = self.download(tree, MOST_DIRECTORY)?;
        let message = re::Tree::decode(bytes.as_slice())
            .map_err(|error| self.damaged(&what, format!("it is no Tree message: {error}")))?;
        let function = self.connection()?.abilities.function;
        let below: HashMap<WireDigest, re::Directory> = message
            .children
            .into_iter()
            .map(|child| (function.of(&child.encode_to_vec()), child))
            .collect();
        let mut pending = self.place(&message.root.unwrap_or_default(), into, layout)?;
        while let Some((digest, path)) = pending.pop() {
            let Some(directory) = below.get(&digest) else {
                let problem = format!("it lacks the directory {}", digest.hash.short());
                return Err(self.damaged(&what, problem));
            };
            pending.extend(self.place(directory, &path, layout)?);
        }
        Ok(())
    }

    fn decode(&self, digest: &WireDigest, bytes: &[u8]) -> Result<re::Directory, CacheError> {
        re::Directory::decode(bytes).map_err(|error| {
            self.damaged(
                &describe(digest),
                format!("it is no Directory message: {error}"),
            )
        })
    }

    /// Makes what a directory holds but its files; returns the directories below it.
    fn place(
        &self,
        directory: &re::Directory,
        at: &Path,
        layout: &mut Layout,
    ) -> Result<Vec<(WireDigest, PathBuf)>, CacheError> {
        layout.entries +=
            directory.files.len() + directory.symlinks.len() + directory.directories.len();
        if layout.entries > MOST_ENTRIES {
            return Err(self.damaged("an output directory", "it has more entries than a tree can"));
        }
        let mut seen = HashSet::new();
        let mut name = |name: &str| {
            let fault = |problem: &str| {
                self.damaged(&format!("an output directory with `{name}`"), problem)
            };
            let valid = EntryName::new(name).map_err(|error| fault(&error.to_string()))?;
            match seen.insert(name.to_owned()) {
                true => Ok(at.join(valid.as_str())),
                false => Err(fault("the name occurs twice")),
            }
        };
        for file in &directory.files {
            let path = name(&file.name)?;
            let digest = self.digest_of(&file.name, file.digest.as_ref())?;
            let executable = file.is_executable;
            layout
                .files
                .entry(digest)
                .or_default()
                .push((path, executable));
        }
        for link in &directory.symlinks {
            let path = name(&link.name)?;
            symlink(&link.target, &path).map_err(|source| local("create", &path, source))?;
        }
        let mut below = Vec::new();
        for child in &directory.directories {
            let path = name(&child.name)?;
            fs::create_dir(&path).map_err(|source| local("create", &path, source))?;
            below.push((self.digest_of(&child.name, child.digest.as_ref())?, path));
        }
        Ok(below)
    }

    fn digest_of(&self, name: &str, digest: Option<&re::Digest>) -> Result<WireDigest, CacheError> {
        WireDigest::from_wire(digest).ok_or_else(|| {
            self.damaged(
                &format!("an output directory with `{name}`"),
                "it has no digest",
            )
        })
    }

    fn fetch_files(&self, layout: Layout) -> Result<(), CacheError> {
        let (small, large): (Vec<WireDigest>, Vec<WireDigest>) =
            layout.files.keys().partition(|digest| digest.size <= SMALL);
        let mut rest = layout.files.clone();
        self.download_batch(&small, &mut |digest, bytes| {
            let bytes = bytes?;
            for (path, executable) in rest.remove(digest).unwrap_or_default() {
                create(&path, executable)
                    .and_then(|mut file| file.write_all(&bytes))
                    .map_err(|source| local("write", &path, source))?;
            }
            Ok(())
        })?;
        parallel(PARALLEL, &large, |digest| {
            let Some(((first, executable), more)) = layout.files[digest].split_first() else {
                return Ok(());
            };
            let mut file =
                create(first, *executable).map_err(|source| local("create", first, source))?;
            self.download_stream(*digest, &mut file)?;
            for (path, executable) in more {
                let copied = File::open(first)
                    .and_then(|mut from| std::io::copy(&mut from, &mut create(path, *executable)?));
                copied.map_err(|source| local("write", path, source))?;
            }
            Ok(())
        })
        .map(drop)
    }

    /// The bytes of a single output file, where the action made it.
    pub(crate) fn fetch_file(
        &self,
        result: &re::ActionResult,
        path: &str,
        most: u64,
    ) -> Result<Option<Vec<u8>>, CacheError> {
        let Some(file) = result.output_files.iter().find(|file| file.path == path) else {
            return Ok(None);
        };
        let digest = self.digest_of(path, file.digest.as_ref())?;
        self.download(digest, most).map(Some)
    }
}

fn create(path: &Path, executable: bool) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(if executable { 0o755 } else { 0o644 })
        .open(path)
}

fn local(action: &str, path: &Path, source: std::io::Error) -> CacheError {
    CacheError::Local {
        action: format!("{action} {}", path.display()),
        source,
    }
}
