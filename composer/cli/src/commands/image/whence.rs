//! `whence`: which derivation, source and patch put the bytes of a file into an image.
//!
//! The file's digest is looked for in the results of the profile's derivations, as the store has them; the first that
//! has it made it, the others passed it on, as it is or inside a package. Its sources are all that went into that
//! derivation but the roots of sandboxes. Invariant: nothing is built, and what is said follows from content, not from
//! names.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use xsc_build::{BuildSummary, Work};
use xsc_image::read::Reader;
use xsc_model::{
    BlobId, Builder, Derivation, Digest, DirectorySource, DrvId, Graph, Input, InputSource, Node,
    TreeId,
};
use xsc_store::Store;

use super::{file, open as open_image, shown};
use crate::args::Whence;
use crate::commands::{open, print};
use crate::context::{Context, Repository};
use crate::error::{CommandError, store_error};

/// Where a content is found.
struct Found {
    drv: DrvId,
    /// The path in its result.
    path: String,
}

pub(crate) fn run(context: &Context, args: &Whence) -> Result<(), CommandError> {
    let word = &args.image.image;
    let image = open_image(word)?;
    let (path, content) = file(word, &*image, &args.path)?;
    let blob = digest(content.reader()).map_err(|error| {
        CommandError::other(format!("{word}: cannot read `{}`: {error}", shown(&path)))
    })?;
    let store = context.store()?;
    let _session = store.session().map_err(|e| store_error(&e))?;
    let profile = match &args.profile {
        Some(profile) => profile.clone(),
        None => last_profile(&store)?,
    };
    let mut opened = open(context, &profile)?;
    let top = opened.derivation(None)?;
    let graph = opened.recipes.graph();
    let plan = xsc_build::Plan::new(&store, &graph, &[top]).map_err(|e| store_error(&e))?;
    let mut search = Search {
        store: &store,
        blob,
        without: BTreeSet::new(),
        with: BTreeMap::new(),
    };
    let mut found: Vec<Found> = Vec::new();
    for id in graph.closure(&[top]) {
        let Some(known) = plan.known.get(&id) else {
            continue;
        };
        for tree in known.outputs.values() {
            if let Some(path) = search.tree(*tree)? {
                found.push(Found { drv: id, path });
                break;
            }
        }
    }
    let holders: BTreeSet<DrvId> = found.iter().map(|found| found.drv).collect();
    let is_origin = |found: &&Found| !passes_on(&graph, found.drv, &holders);
    let origins: Vec<&Found> = found.iter().filter(is_origin).collect();
    if origins.is_empty() {
        return Err(CommandError::other(format!(
            "no result of {} that the store has contains the bytes of `{}` ({blob})",
            profile.display(),
            shown(&path)
        ))
        .hint("either the image is of another profile (-p), or its writer made the file: boot images get their own addresses"));
    }
    let package = owner(&*image, &path);
    let mut explained: Vec<Value> = Vec::new();
    for found in &origins {
        if let Some(drv) = graph.get(&found.drv) {
            let copied = search.of_repository(drv)?;
            explained.push(explain(&graph, drv, found, copied, package.as_deref()));
        }
    }
    let passed: Vec<&str> = found
        .iter()
        .filter(|found| !origins.iter().any(|origin| origin.drv == found.drv))
        .filter_map(|found| Some(graph.get(&found.drv)?.name.as_str()))
        .collect();
    if context.json {
        let document = json!({ "version": 1, "content": blob.to_string(), "origins": explained, "through": passed });
        print(&document.to_string());
        return Ok(());
    }
    print(&format!("{}  {blob}", shown(&path)));
    for origin in &explained {
        print(&text(origin));
    }
    if !passed.is_empty() {
        print(&format!("through {}", passed.join(", ")));
    }
    Ok(())
}

/// Whether what a derivation is made of holds the content: as it is, or inside a package or an archive.
fn passes_on(graph: &Graph, id: DrvId, holders: &BTreeSet<DrvId>) -> bool {
    let mut seen = BTreeSet::from([id]);
    let mut pending = vec![id];
    while let Some(at) = pending.pop() {
        let Some(drv) = graph.get(&at) else {
            continue;
        };
        for input in &drv.inputs {
            let InputSource::Output { drv: inner, .. } = &input.source else {
                continue;
            };
            // What builds an input may have such a file of its own; what builds this may be where it was copied from.
            let root = is_root(drv, input);
            if at != id && root {
                continue;
            }
            if holders.contains(inner) {
                return true;
            }
            if !root && seen.insert(*inner) {
                pending.push(*inner);
            }
        }
    }
    false
}

/// Whether an input is the root of a sandbox: what builds, not what is built from.
fn is_root(drv: &Derivation, input: &Input) -> bool {
    matches!(drv.builder, Builder::Exec(_)) && input.at.as_str() == "/"
}

fn digest(reader: impl Read) -> std::io::Result<BlobId> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(reader)?;
    let digest = Digest::from_bytes(*hasher.finalize().as_bytes());
    Ok(BlobId(digest))
}

/// The profile of this repository that was built last.
fn last_profile(store: &Store) -> Result<PathBuf, CommandError> {
    let repository = Repository::find(Path::new("."))?;
    let builds = store.builds(None).map_err(|e| store_error(&e))?;
    for build in builds.iter().rev() {
        let bytes = build.summary().map_err(|e| store_error(&e))?;
        let summary = bytes.and_then(|bytes| BuildSummary::parse(&bytes));
        if let Some(summary) = summary
            && summary.repository == repository.root
            && summary.subject.ends_with(".toml")
        {
            return Ok(repository.root.join(summary.subject));
        }
    }
    Err(
        CommandError::usage("the store remembers no build of a profile of this repository")
            .hint("name the profile that the image is of: whence -p PROFILE IMAGE PATH"),
    )
}

/// Looks for a content in trees.
struct Search<'a> {
    store: &'a Store,
    blob: BlobId,
    without: BTreeSet<TreeId>,
    with: BTreeMap<TreeId, String>,
}

impl Search<'_> {
    fn tree(&mut self, tree: TreeId) -> Result<Option<String>, CommandError> {
        if let Some(path) = self.with.get(&tree) {
            return Ok(Some(path.clone()));
        }
        if !self.without.insert(tree) {
            return Ok(None);
        }
        let directory = self.store.directory(tree);
        let directory = directory.map_err(|error| CommandError::from_error(&error))?;
        for (name, node) in directory.entries {
            let path = match node {
                Node::File { blob, .. } if blob == self.blob => Some(name.to_string()),
                Node::Directory { tree } => self.tree(tree)?.map(|below| format!("{name}/{below}")),
                _ => None,
            };
            if let Some(path) = path {
                self.without.remove(&tree);
                self.with.insert(tree, path.clone());
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// The files of the repository with the content that a derivation got, and had only to copy.
    fn of_repository(&mut self, drv: &Derivation) -> Result<BTreeSet<String>, CommandError> {
        let mut copied = BTreeSet::new();
        for input in drv.inputs.iter().filter(|input| !is_root(drv, input)) {
            let InputSource::Source { tree, paths } = &input.source else {
                continue;
            };
            let Some(below) = self.tree(*tree)? else {
                continue;
            };
            // Of a list of paths each is an entry at the top, of one folder its content.
            let first = below.split('/').next().unwrap_or_default();
            let named = |path: &&String| path.rsplit('/').next() == Some(first);
            copied.insert(match (paths.iter().find(named), paths.as_slice()) {
                (Some(path), _) => format!("{path}{}", &below[first.len()..]),
                (None, [folder]) => format!("{folder}/{below}"),
                (None, _) => below,
            });
        }
        Ok(copied)
    }
}

/// Whether a derivation is named after a package: with a version behind it, or as its `.deb`.
fn is_of(name: &str, package: &str) -> bool {
    let version = name
        .strip_prefix(package)
        .and_then(|rest| rest.strip_prefix(['-', '_']));
    // `lib.deb` names what it makes without a version.
    version.is_some_and(|rest| rest == "deb" || rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The package that dpkg's database in the image says a file is of.
fn owner(image: &dyn Reader, path: &[u8]) -> Option<String> {
    let folder = b"var/lib/dpkg/info/".as_slice();
    let wanted = [b"/", path].concat();
    let lists = image.entries().range(folder.to_vec()..);
    for (list, _) in lists.take_while(|(list, _)| list.starts_with(folder)) {
        let Some(name) = list[folder.len()..].strip_suffix(b".list") else {
            continue;
        };
        let mut text = Vec::new();
        let content = image.content(list).ok()?;
        content.reader().read_to_end(&mut text).ok()?;
        if text.split(|byte| *byte == b'\n').any(|line| line == wanted) {
            let name = String::from_utf8_lossy(name).into_owned();
            return Some(name.split(':').next().unwrap_or_default().to_owned());
        }
    }
    None
}

/// What made a file: the derivation, and what it was made of, which is `copied` alone where there is such a thing.
fn explain(
    graph: &Graph,
    drv: &Derivation,
    found: &Found,
    copied: BTreeSet<String>,
    package: Option<&str>,
) -> Value {
    let whole = copied.is_empty();
    let mut sources = copied;
    let mut patches = BTreeSet::new();
    let mut seen = BTreeSet::from([found.drv]);
    // A root of packages is made of all of them; the file is of one.
    let inputs = drv.inputs.iter().filter_map(|input| match &input.source {
        InputSource::Output { drv, .. } => graph.get(drv).map(|drv| &**drv),
        InputSource::Source { .. } => None,
    });
    let of_package = |drv: &&Derivation| package.is_some_and(|name| is_of(drv.name.as_str(), name));
    let narrowed: Vec<&Derivation> = inputs.filter(of_package).collect();
    let of = match narrowed.is_empty() {
        true => vec![drv],
        false => narrowed.clone(),
    };
    for drv in of.into_iter().filter(|_| whole) {
        gather(graph, drv, &mut seen, &mut sources, &mut patches);
    }
    let package = narrowed.first().map(|drv| drv.name.as_str());
    let by = match (&drv.builder, xsc_build::work_of(drv)) {
        (Builder::Builtin { name, .. }, _) => format!("builtin:{}", name.as_str()),
        (Builder::Fetch(_), _) => "a download".to_owned(),
        (_, Work::Build) => "a build".to_owned(),
        _ => "a step".to_owned(),
    };
    json!({
        "derivation": drv.name.as_str(),
        "id": found.drv.to_string(),
        "path": found.path,
        "by": by,
        "package": package,
        "sources": sources,
        "patches": patches,
    })
}

/// The downloads and files of the repository that a derivation is made of, through all steps between them.
fn gather(
    graph: &Graph,
    drv: &Derivation,
    seen: &mut BTreeSet<DrvId>,
    sources: &mut BTreeSet<String>,
    patches: &mut BTreeSet<String>,
) {
    if let Builder::Fetch(fetch) = &drv.builder {
        sources.insert(format!("{} sha256:{}", fetch.file, fetch.sha256));
    }
    for input in drv.inputs.iter().filter(|input| !is_root(drv, input)) {
        match &input.source {
            InputSource::Source { paths, .. } => {
                for path in paths {
                    match is_patch(path) {
                        true => patches.insert(path.clone()),
                        false => sources.insert(path.clone()),
                    };
                }
            }
            InputSource::Output { drv, .. } => {
                if let Some(inner) = graph.get(drv)
                    && seen.insert(*drv)
                {
                    gather(graph, inner, seen, sources, patches);
                }
            }
        }
    }
}

/// Whether a file of the repository is a patch, or a folder of patches.
fn is_patch(path: &str) -> bool {
    path.ends_with(".patch")
        || path.ends_with(".diff")
        || path.split('/').any(|part| part == "patches")
}

fn text(origin: &Value) -> String {
    let word = |key: &str| origin[key].as_str().unwrap_or_default().to_owned();
    let mut text = format!(
        "made by {} ({}), there `{}`",
        word("derivation"),
        word("by"),
        word("path")
    );
    if let Some(package) = origin["package"].as_str() {
        text.push_str(&format!("\n  of the package {package}"));
    }
    for (key, called) in [("sources", "source"), ("patches", "patch")] {
        for item in origin[key].as_array().into_iter().flatten() {
            text.push_str(&format!(
                "\n  {called} {}",
                item.as_str().unwrap_or_default()
            ));
        }
    }
    text
}
