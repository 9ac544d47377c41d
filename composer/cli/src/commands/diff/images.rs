//! Two images by what is in them: packages, then files with their modes, owners, attributes and contents.
//!
//! `diff` calls [`compare`] where a word names a part of an image, or with --files. Invariant: a path that one image has
//! and the other has not, or has with other metadata, is named, whatever the formats of the two.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use xsc_diff::{Difference, Entry, Facts, Kind, Side};
use xsc_image::read::{Node, NodeKind, Reader};

use crate::commands::image::{mode_text, shown};
use crate::error::CommandError;

pub(crate) fn compare(
    first: &dyn Reader,
    second: &dyn Reader,
) -> Result<Vec<Difference>, CommandError> {
    let mut found = packages(first, second);
    nodes(first, second, &mut found);
    let contents = xsc_diff::compare(
        &Contents::new(first),
        &Contents::new(second),
        &Facts::default(),
    );
    found.extend(contents.map_err(|error| CommandError::from_error(&error))?);
    Ok(found)
}

pub(super) fn difference(place: &str, what: &str, first: String, second: String) -> Difference {
    Difference {
        place: vec![place.to_owned()],
        what: what.to_owned(),
        first,
        second,
        cause: None,
    }
}

/// Packages that only one has or that have another version, from dpkg's database in the images.
fn packages(first: &dyn Reader, second: &dyn Reader) -> Vec<Difference> {
    let (one, other) = (installed(first), installed(second));
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let version = |all: &BTreeMap<String, String>, name: &String| {
        all.get(name)
            .cloned()
            .unwrap_or_else(|| "not installed".to_owned())
    };
    names
        .into_iter()
        .filter(|name| one.get(*name) != other.get(*name))
        .map(|name| {
            let place = format!("package {name}");
            difference(
                &place,
                "version",
                version(&one, name),
                version(&other, name),
            )
        })
        .collect()
}

fn installed(image: &dyn Reader) -> BTreeMap<String, String> {
    let mut text = Vec::new();
    if let Ok(content) = image.content(b"var/lib/dpkg/status")
        && content.reader().read_to_end(&mut text).is_err()
    {
        text.clear();
    }
    let text = String::from_utf8_lossy(&text);
    let field = |paragraph: &str, name: &str| {
        let line = paragraph.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().to_owned())
    };
    let paragraphs = text.split("\n\n");
    paragraphs
        .filter_map(|text| Some((field(text, "Package:")?, field(text, "Version:")?)))
        .collect()
}

/// What of each path differs beside its content.
fn nodes(first: &dyn Reader, second: &dyn Reader, found: &mut Vec<Difference>) {
    let special = |node: &Node| {
        !matches!(
            node.kind,
            NodeKind::File | NodeKind::Directory | NodeKind::Symlink { .. }
        )
    };
    let (one, other) = (first.entries(), second.entries());
    let paths: BTreeSet<&Vec<u8>> = one.keys().chain(other.keys()).collect();
    for path in paths {
        let place = shown(path);
        match (one.get(path), other.get(path)) {
            (Some(a), Some(b)) => {
                let fields = fields(a).into_iter().zip(fields(b));
                for ((what, a), (_, b)) in fields.filter(|((_, a), (_, b))| a != b) {
                    found.push(difference(&place, what, a, b));
                }
            }
            // Files, directories and links are named where contents are compared.
            (Some(node), None) if special(node) => {
                found.push(difference(
                    &place,
                    "only in the first",
                    mode_text(node),
                    String::new(),
                ));
            }
            (None, Some(node)) if special(node) => {
                found.push(difference(
                    &place,
                    "only in the second",
                    String::new(),
                    mode_text(node),
                ));
            }
            _ => {}
        }
    }
}

fn fields(node: &Node) -> [(&'static str, String); 4] {
    let device = match node.kind {
        NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
            format!("{major},{minor}")
        }
        _ => String::new(),
    };
    let xattrs = node
        .xattrs
        .iter()
        .map(|(name, value)| format!("{}={}", shown(name), hex::encode(value)));
    [
        ("mode", mode_text(node)),
        ("owner", format!("{}:{}", node.uid, node.gid)),
        ("device", device),
        ("extended attributes", xattrs.collect::<Vec<_>>().join(" ")),
    ]
}

/// An image as the differ reads it: names as text, nodes without content left out.
struct Contents<'a> {
    image: &'a dyn Reader,
    /// The entries of each directory by their names as text.
    directories: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
}

impl<'a> Contents<'a> {
    fn new(image: &'a dyn Reader) -> Self {
        let mut directories: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
        for path in image.entries().keys().filter(|path| !path.is_empty()) {
            let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
                Some(at) => (&path[..at], &path[at + 1..]),
                None => (&path[..0], path.as_slice()),
            };
            let names = directories.entry(shown(parent)).or_default();
            names.insert(shown(name), path.clone());
        }
        Contents { image, directories }
    }
}

impl Side for Contents<'_> {
    fn list(&self, path: &str) -> io::Result<BTreeMap<String, Entry>> {
        let mut entries = BTreeMap::new();
        for (name, path) in self.directories.get(path).into_iter().flatten() {
            let node = &self.image.entries()[path];
            let kind = match &node.kind {
                NodeKind::Directory => Kind::Directory,
                NodeKind::File => Kind::File {
                    size: node.size,
                    // Its mode is compared whole.
                    executable: false,
                },
                NodeKind::Symlink { target } => Kind::Symlink {
                    target: shown(target),
                },
                _ => continue,
            };
            entries.insert(name.clone(), Entry { kind, id: None });
        }
        Ok(entries)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read>> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let found = self
            .directories
            .get(parent)
            .and_then(|names| names.get(name));
        let path = found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let content = self.image.content(path).map_err(io::Error::other)?;
        Ok(Box::new(content.reader()))
    }
}
