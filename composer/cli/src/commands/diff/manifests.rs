//! Two manifests, path by path: what each is, whose it is, who brought it.
//!
//! `diff --manifest` calls this. Invariant: nothing but the two texts is read, and whatever they say differently of a
//! path is named.

use std::collections::BTreeSet;
use std::path::Path;

use xsc_diff::Difference;
use xsc_image::{Entry, ImagePath, Kind, Manifest};
use xsc_store::Store;

use super::images::difference;
use crate::commands::{open_subject, show};
use crate::context::Context;
use crate::error::CommandError;

/// A manifest from a file, or of a profile that is built.
pub(super) fn load(
    context: &Context,
    store: &Store,
    word: &Path,
) -> Result<Manifest, CommandError> {
    let text = if word
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        show::manifest(context, &mut open_subject(context, word)?, store)?
    } else {
        std::fs::read_to_string(word).map_err(|error| {
            CommandError::usage(format!("cannot read {}: {error}", word.display()))
        })?
    };
    Manifest::from_text(&text).map_err(|error| {
        CommandError::usage(format!("{}: {error}", word.display()))
            .hint("`xsc-compose show --manifest PROFILE` prints one")
    })
}

/// What differs, by path.
pub(super) fn compare(first: &Manifest, second: &Manifest) -> Vec<Difference> {
    let paths: BTreeSet<&ImagePath> = first.iter().chain(second.iter()).map(|(p, _)| p).collect();
    let mut found = Vec::new();
    for path in paths {
        let place = path.to_string();
        match (first.get(path), second.get(path)) {
            (Some(one), Some(other)) => {
                let pairs = fields(first, one).into_iter().zip(fields(second, other));
                for ((what, one), (_, other)) in pairs.filter(|((_, a), (_, b))| a != b) {
                    found.push(difference(&place, what, one, other));
                }
            }
            (Some(one), None) => {
                found.push(difference(
                    &place,
                    "only in the first",
                    kind(one),
                    String::new(),
                ));
            }
            (None, Some(other)) => {
                found.push(difference(
                    &place,
                    "only in the second",
                    String::new(),
                    kind(other),
                ));
            }
            (None, None) => {}
        }
    }
    found
}

/// What a manifest says of a path, with a name for each part.
fn fields(manifest: &Manifest, entry: &Entry) -> [(&'static str, String); 6] {
    let name = |number: u32, name: Option<&str>| match name {
        Some(name) => format!("{number} ({name})"),
        None => number.to_string(),
    };
    let owner = name(entry.uid, manifest.user_name(entry.uid));
    let group = name(entry.gid, manifest.group_name(entry.gid));
    let xattrs = entry
        .xattrs
        .iter()
        .map(|(name, value)| format!("{}={}", name.escape_ascii(), value.escape_ascii()));
    let links = entry
        .link
        .into_iter()
        .flat_map(|group| manifest.links(group));
    [
        ("kind", kind(entry)),
        ("mode", format!("{:04o}", entry.mode)),
        ("owner", format!("{owner}:{group}")),
        ("attributes", xattrs.collect::<Vec<_>>().join(" ")),
        (
            "names",
            links.map(ToString::to_string).collect::<Vec<_>>().join(" "),
        ),
        (
            "from",
            entry
                .origin
                .as_ref()
                .map_or_else(String::new, |origin| origin.as_str().to_owned()),
        ),
    ]
}

fn kind(entry: &Entry) -> String {
    match &entry.kind {
        Kind::File { blob, size } => format!("file of {size} bytes, {blob}"),
        Kind::Directory => "directory".to_owned(),
        Kind::Symlink { target } => format!("link to {}", target.escape_ascii()),
        Kind::CharDevice { major, minor } => format!("character device {major}:{minor}"),
        Kind::BlockDevice { major, minor } => format!("block device {major}:{minor}"),
        Kind::Fifo => "fifo".to_owned(),
        Kind::Socket => "socket".to_owned(),
    }
}
