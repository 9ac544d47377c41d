//! Two trees, entry by entry; what differs goes on to `format`.
//!
//! Invariant: a file is read only when its ids do not say that it is the same.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::cause::{Cause, Facts};
use crate::context::{Context, Difference};
use crate::format;

/// Files whose names differ are compared in pairs while there are no more than this.
const PAIRED: usize = 16;

/// In a file larger than this only the first difference is looked for.
const LARGEST: u64 = 2 << 30;

/// One of the two results: a tree that can be listed and read. Paths are relative, `` is the top.
pub trait Side {
    /// What a directory holds.
    fn list(&self, path: &str) -> io::Result<BTreeMap<String, Entry>>;
    /// A reader of a file's content.
    fn open(&self, path: &str) -> io::Result<Box<dyn Read>>;
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which kind of thing.
    pub kind: Kind,
    /// Equal ids mean equal content; without them content is read.
    pub id: Option<String>,
}

/// The kinds of things in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Bytes.
        size: u64,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link.
    Symlink {
        /// Its text.
        target: String,
    },
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Kind::Directory => "a directory",
            Kind::File { .. } => "a file",
            Kind::Symlink { .. } => "a symbolic link",
        }
    }
}

/// A side could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{path}` of the {side} result")]
pub struct DiffError {
    /// Which entry.
    pub path: String,
    /// `first` or `second`.
    pub side: &'static str,
    /// The system's reason.
    #[source]
    pub source: io::Error,
}

struct Walk<'a> {
    first: &'a dyn Side,
    second: &'a dyn Side,
    context: Context<'a>,
}

/// Everything that differs between two trees; empty if nothing does.
///
/// # Errors
///
/// A side cannot be read.
pub fn compare(
    first: &dyn Side,
    second: &dyn Side,
    facts: &Facts,
) -> Result<Vec<Difference>, DiffError> {
    let mut walk = Walk {
        first,
        second,
        context: Context::new(facts),
    };
    walk.directory("", "")?;
    Ok(walk.context.finish())
}

fn join(parent: &str, name: &str) -> String {
    match parent {
        "" => name.to_owned(),
        parent => format!("{parent}/{name}"),
    }
}

impl Walk<'_> {
    fn directory(&mut self, a: &str, b: &str) -> Result<(), DiffError> {
        let list = |side: &dyn Side, word, path: &str| {
            side.list(path).map_err(|source| DiffError {
                path: path.to_owned(),
                side: word,
                source,
            })
        };
        let first = list(self.first, "first", a)?;
        let second = list(self.second, "second", b)?;
        for (name, entry) in &first {
            if let Some(other) = second.get(name) {
                self.entry((&join(a, name), entry), (&join(b, name), other))?;
            }
        }
        let only = |these: &BTreeMap<String, Entry>, those: &BTreeMap<String, Entry>| {
            let mut names: Vec<String> = these.keys().cloned().collect();
            names.retain(|name| !those.contains_key(name));
            names
        };
        let (gone, new) = (only(&first, &second), only(&second, &first));
        if gone.len() == new.len() && gone.len() <= PAIRED {
            for (x, y) in gone.iter().zip(&new) {
                let (x_path, y_path) = (join(a, x), join(b, y));
                self.context.inside(&x_path, |context| {
                    context.note("name", x.as_str(), y.as_str(), None);
                });
                self.entry((&x_path, &first[x]), (&y_path, &second[y]))?;
            }
            return Ok(());
        }
        for (names, parent, what) in [
            (gone, a, "only in the first"),
            (new, b, "only in the second"),
        ] {
            for name in names {
                let path = join(parent, &name);
                self.context
                    .inside(&path, |context| context.note(what, "", "", None));
            }
        }
        Ok(())
    }

    fn entry(&mut self, a: (&str, &Entry), b: (&str, &Entry)) -> Result<(), DiffError> {
        let ((a, first), (b, second)) = (a, b);
        let same_content = first.id.is_some() && first.id == second.id;
        if first.kind == second.kind && same_content {
            return Ok(());
        }
        match (&first.kind, &second.kind) {
            (Kind::Directory, Kind::Directory) => self.directory(a, b),
            (Kind::Symlink { target: x }, Kind::Symlink { target: y }) => {
                if x != y {
                    let note = |context: &mut Context<'_>| context.note("link target", x, y, None);
                    self.context.inside(a, note);
                }
                Ok(())
            }
            (
                Kind::File {
                    executable: x,
                    size,
                },
                Kind::File {
                    executable: y,
                    size: other,
                },
            ) => {
                if x != y {
                    let word = |x: &bool| if *x { "executable" } else { "not executable" };
                    let cause = Some(Cause::Umask);
                    let note = |c: &mut Context<'_>| c.note("mode", word(x), word(y), cause);
                    self.context.inside(a, note);
                }
                if same_content || self.context.is_full() {
                    return Ok(());
                }
                let failed = |side, path: &str, source| DiffError {
                    path: path.to_owned(),
                    side,
                    source,
                };
                let mut one = self.first.open(a).map_err(|e| failed("first", a, e))?;
                let mut two = self.second.open(b).map_err(|e| failed("second", b, e))?;
                if (*size).max(*other) > LARGEST {
                    let at = first_difference(one, two).map_err(|e| failed("first", a, e))?;
                    if let Some(at) = at {
                        let what = format!("content from offset {at:#x}; too large to look into");
                        let note = |c: &mut Context<'_>| {
                            c.note(
                                what,
                                format!("{size} bytes"),
                                format!("{other} bytes"),
                                None,
                            );
                        };
                        self.context.inside(a, note);
                    }
                    return Ok(());
                }
                let (mut x, mut y) = (Vec::new(), Vec::new());
                one.read_to_end(&mut x).map_err(|e| failed("first", a, e))?;
                two.read_to_end(&mut y)
                    .map_err(|e| failed("second", b, e))?;
                self.context
                    .inside(a, |context| format::compare(context, &x, &y));
                Ok(())
            }
            (x, y) => {
                let note =
                    |context: &mut Context<'_>| context.note("kind", x.name(), y.name(), None);
                self.context.inside(a, note);
                Ok(())
            }
        }
    }
}

/// Where two contents begin to differ.
fn first_difference(one: Box<dyn Read>, two: Box<dyn Read>) -> io::Result<Option<u64>> {
    let (mut one, mut two) = (
        io::BufReader::new(one).bytes(),
        io::BufReader::new(two).bytes(),
    );
    for at in 0.. {
        match (one.next().transpose()?, two.next().transpose()?) {
            (None, None) => return Ok(None),
            (a, b) if a != b => return Ok(Some(at)),
            _ => {}
        }
    }
    Ok(None)
}
