//! `extract`: files of an image as files of this machine.
//!
//! Everything is made through a handle of the directory, so no link that the image brings leads out of it. Owners,
//! special bits, devices and extended attributes stay behind: `ls -l` shows them. Invariant: nothing outside the
//! directory is written, and nothing that exists is replaced.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, Permissions, PermissionsExt};
use xsc_image::read::{Content, Node, NodeKind, ReadError, Reader};

use super::{failed, open, resolve, shown, wanted};
use crate::args::Extract;
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(_context: &Context, args: &Extract) -> Result<(), CommandError> {
    let word = &args.image.image;
    let (path, dir) = match args.rest.as_slice() {
        [dir] => (Vec::new(), dir),
        [path, dir, ..] => (wanted(path.as_os_str().as_bytes()), dir),
        [] => return Err(CommandError::usage("extract needs a directory")),
    };
    let image = open(word)?;
    let Some(top) = resolve(image.entries(), &path) else {
        let path = shown(&path);
        return Err(failed(word, &ReadError::NotFound { path }));
    };
    let dir = target(dir)?;
    let mut job = Job {
        image: &*image,
        dir,
        links: BTreeMap::new(),
        modes: Vec::new(),
        left_out: 0,
    };
    job.extract(&top).map_err(|(path, error)| {
        CommandError::other(format!(
            "{word}: cannot extract `{}`: {error}",
            shown(&path)
        ))
    })?;
    if job.left_out > 0 {
        crate::ui::say(&format!(
            "left out {}: devices, pipes and sockets are not made",
            crate::ui::count(job.left_out, "node")
        ));
    }
    Ok(())
}

/// Opens the directory, made if it is not there; what is in it must not be mixed with the image.
fn target(dir: &Path) -> Result<Dir, CommandError> {
    let cannot = |error: io::Error| {
        CommandError::usage(format!("cannot extract to {}: {error}", dir.display()))
    };
    fs::create_dir_all(dir).map_err(cannot)?;
    if fs::read_dir(dir).map_err(cannot)?.next().is_some() {
        return Err(
            CommandError::usage(format!("{} is not empty", dir.display()))
                .hint("name a directory that is not there yet: nothing is ever replaced"),
        );
    }
    Dir::open_ambient_dir(dir, ambient_authority()).map_err(cannot)
}

struct Job<'a> {
    image: &'a dyn Reader,
    dir: Dir,
    /// Where each file with several names was made first.
    links: BTreeMap<u64, Vec<u8>>,
    /// Directories with their modes, set at the end: one without `w` takes no files.
    modes: Vec<(Vec<u8>, u32)>,
    left_out: usize,
}

type Failed = (Vec<u8>, io::Error);

impl Job<'_> {
    fn extract(&mut self, top: &[u8]) -> Result<(), Failed> {
        let image = self.image;
        let entries = image.entries();
        if !entries[top].is_directory() {
            let name = top.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            return self.node(top, name, &entries[top]);
        }
        let mut prefix = top.to_vec();
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        for (path, node) in entries.range(prefix.clone()..) {
            let Some(below) = path.strip_prefix(prefix.as_slice()) else {
                break;
            };
            if !below.is_empty() {
                self.node(path, below, node)?;
            }
        }
        for (path, mode) in std::mem::take(&mut self.modes).into_iter().rev() {
            let permissions = Permissions::from_mode(mode & 0o777);
            let set = self.dir.set_permissions(as_path(&path), permissions);
            set.map_err(|error| (path, error))?;
        }
        Ok(())
    }

    fn node(&mut self, path: &[u8], below: &[u8], node: &Node) -> Result<(), Failed> {
        let to = as_path(below);
        let at = |error| (path.to_vec(), error);
        match &node.kind {
            NodeKind::Directory => {
                self.modes.push((below.to_vec(), node.mode));
                self.dir.create_dir(to).map_err(at)
            }
            NodeKind::Symlink { target } => {
                self.dir.symlink_contents(as_path(target), to).map_err(at)
            }
            NodeKind::File => {
                if let Some(first) = node.link.and_then(|link| self.links.get(&link)) {
                    return self
                        .dir
                        .hard_link(as_path(first), &self.dir, to)
                        .map_err(at);
                }
                if let Some(link) = node.link {
                    self.links.insert(link, below.to_vec());
                }
                let content = self.image.content(path);
                let content = content.map_err(|error| at(io::Error::other(error)))?;
                self.file(to, &content, node.mode).map_err(at)
            }
            _ => {
                self.left_out += 1;
                Ok(())
            }
        }
    }

    /// Writes a file with the holes that it has in the image.
    fn file(&self, to: &Path, content: &Content, mode: u32) -> io::Result<()> {
        let options = OpenOptions::new().write(true).create_new(true).to_owned();
        let mut file = self.dir.open_with(to, &options)?;
        file.set_len(content.len())?;
        let mut buffer = vec![0; 256 * 1024];
        for (start, length) in content.stored_ranges() {
            file.seek(SeekFrom::Start(start))?;
            let mut part = content.reader_from(start).take(length);
            loop {
                match part.read(&mut buffer)? {
                    0 => break,
                    count => file.write_all(&buffer[..count])?,
                }
            }
        }
        file.set_permissions(Permissions::from_mode(mode & 0o777))
    }
}

fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
