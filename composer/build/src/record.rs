//! What is remembered of a build: its summary, and every derivation that it saw as plain facts.
//!
//! The command line writes a record after each build (`xsc_store::Store::add_build`) and compares
//! the last one with today's derivations for `plan`. Invariant: a record is text for comparison;
//! nothing is ever built from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xsc_model::{Builder, Derivation, DrvId, Graph, InputMode, InputSource, Param, TreeId};

use crate::source;

/// The version of the records that this program writes; it reads no other.
pub const RECORD: u32 = 1;

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuildOutcome {
    /// Everything that was wanted is there.
    Built,
    /// Something failed.
    Failed,
    /// The user stopped it.
    Interrupted,
}

/// One build in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildSummary {
    /// [`RECORD`].
    pub version: u32,
    /// The repository.
    pub repository: PathBuf,
    /// What was built: a profile's path or an attribute, as `plan` and `build` name it.
    pub subject: String,
    /// Milliseconds after the epoch.
    pub began: u64,
    /// Milliseconds.
    pub took: u64,
    /// How it ended.
    pub outcome: BuildOutcome,
    /// Derivations that were built.
    pub built: usize,
    /// Files that were fetched.
    pub fetched: usize,
    /// Derivations whose action turned out to be known.
    pub unchanged: usize,
    /// Those that failed, by name.
    pub failed: Vec<String>,
    /// The derivation that was wanted; where there are several, with spaces between them.
    pub derivation: String,
}

/// The derivations of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Each as facts.
    pub derivations: BTreeMap<String, Facts>,
    /// The files of each source, as far as it was still the same when the record was made.
    pub sources: BTreeMap<String, BTreeMap<String, String>>,
}

/// One derivation as plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// What is done, by key: `command`, `env NAME`, `param NAME`, `sha256`, `outputs` and so on.
    pub facts: BTreeMap<String, String>,
    /// The inputs in order.
    pub inputs: Vec<InputFacts>,
}

/// One input as plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFacts {
    /// Where it appears, with ` (writable)` where the build may change it.
    pub at: String,
    /// The name of a derivation and its output, or paths of the repository.
    pub from: String,
    /// Which derivation, or none for paths of the repository.
    pub drv: Option<String>,
    /// Which content, for paths of the repository.
    pub tree: Option<String>,
}

impl Facts {
    /// The facts of a derivation of `graph`.
    pub fn new(graph: &Graph, drv: &Derivation) -> Self {
        let mut facts = BTreeMap::from([
            ("system".to_owned(), drv.system.as_str().to_owned()),
            (
                "outputs".to_owned(),
                joined(drv.outputs.iter().map(|output| output.as_str())),
            ),
        ]);
        let mut fact = |key: &str, value: String| facts.insert(key.to_owned(), value);
        match &drv.builder {
            Builder::Exec(exec) => {
                fact("command", joined(exec.command.iter().map(String::as_str)));
                fact("keepsBuildDir", exec.keeps_build_dir.to_string());
                for (name, value) in &exec.env {
                    fact(&format!("env {name}"), value.clone());
                }
            }
            Builder::Fetch(fetch) => {
                fact("file", fetch.file.clone());
                fact("sha256", fetch.sha256.clone());
                fact("size", fetch.size.to_string());
            }
            Builder::Builtin { name, params } => {
                fact(
                    "builder",
                    format!("builtin:{}, version {}", name.as_str(), name.version()),
                );
                for (name, value) in params {
                    fact(&format!("param {name}"), plain(value).to_string());
                }
            }
        }
        let inputs = drv
            .inputs
            .iter()
            .map(|input| {
                let mode = match input.mode {
                    InputMode::ReadOnly => "",
                    InputMode::Writable => " (writable)",
                };
                let (from, drv, tree) = match &input.source {
                    InputSource::Output { drv, output } => {
                        let name = graph.get(drv).map_or("?", |drv| drv.name.as_str());
                        (format!("{name}.{output}"), Some(drv.to_string()), None)
                    }
                    InputSource::Source { tree, paths } => {
                        (paths.join(", "), None, Some(tree.to_string()))
                    }
                };
                InputFacts {
                    at: format!("{}{mode}", input.at.as_str()),
                    from,
                    drv,
                    tree,
                }
            })
            .collect();
        Facts {
            name: drv.name.to_string(),
            facts,
            inputs,
        }
    }
}

impl Recorded {
    /// What a build of `order`, derivations of `graph`, saw. Sources below `repository` that have
    /// changed since they were hashed are left without their files.
    pub fn new(graph: &Graph, order: &[DrvId], repository: &Path) -> Self {
        let mut recorded = Recorded::default();
        for id in order {
            let Some(drv) = graph.get(id) else { continue };
            recorded
                .derivations
                .insert(id.to_string(), Facts::new(graph, drv));
            for input in &drv.inputs {
                if let InputSource::Source { tree, paths } = &input.source
                    && !recorded.sources.contains_key(&tree.to_string())
                    && let Some(files) = files_of(repository, *tree, paths)
                {
                    recorded.sources.insert(tree.to_string(), files);
                }
            }
        }
        recorded
    }

    /// The text form.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("facts are text")
    }

    /// Reads the text form; `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl BuildSummary {
    /// The text form: one line.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("a summary is text and numbers");
        bytes.push(b'\n');
        bytes
    }

    /// Reads the text form; `None` for anything else, another version included.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let summary: BuildSummary = serde_json::from_slice(bytes).ok()?;
        (summary.version == RECORD).then_some(summary)
    }
}

/// The files of a source by path, each with what it contains, if it still is the tree.
pub(crate) fn files_of(
    repository: &Path,
    tree: TreeId,
    paths: &[String],
) -> Option<BTreeMap<String, String>> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| repository.join(path)).collect();
    let (found, scan) = source::scan(&paths).ok()?;
    (found == tree).then(|| source::contents(&scan))
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn plain(param: &Param) -> serde_json::Value {
    match param {
        Param::Bool(value) => (*value).into(),
        Param::Int(value) => (*value).into(),
        Param::Str(value) => value.as_str().into(),
        Param::List(items) => items.iter().map(plain).collect(),
        Param::Map(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect(),
    }
}
