//! Endpoints and the user's configuration: `[remote.NAME]` tables, and `config.toml` with the store and mirrors.
//!
//! The command line reads both files and merges their endpoints; `docs/remote.md` lists the keys.
//! Invariant: a repository says where results may be had, and only the user says what is believed without a
//! signature and which file of the user's is sent as a token; so a repository that was just cloned can do neither.

use std::collections::BTreeMap;

use crate::error::TomlError;
use crate::reader::{At, Table, name_fault, read_file};

/// The user's configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserConfig {
    /// The store's directory.
    pub store: Option<String>,
    /// Base addresses of mirrors by name.
    pub mirrors: BTreeMap<String, String>,
    /// The file with the key that signs what is pushed, relative to this file.
    pub signing_key: Option<String>,
    /// The cgroup in which those of builds are made, where the one that is found is not to be used.
    pub cgroup: Option<String>,
    /// Endpoints by name.
    pub remotes: BTreeMap<String, EndpointTable>,
}

/// One `[remote.NAME]` table as it stands in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointTable {
    /// Line of its header.
    pub line: usize,
    /// The address.
    pub url: Option<At<String>>,
    /// The instance name of an engine.
    pub instance: Option<String>,
    /// The digest function, where it is not to be negotiated.
    pub digest: Option<DigestChoice>,
    /// What kind of engine it is.
    pub profile: Option<EngineKind>,
    /// Further platform properties of an engine.
    pub properties: BTreeMap<String, String>,
    /// Whether results are sent there.
    pub push: Option<bool>,
    /// Whether commands run there.
    pub execute: Option<bool>,
    /// Whether what an engine remembers is believed without a signature.
    pub trust_engine: Option<bool>,
    /// A file with a bearer token.
    pub token_file: Option<String>,
    /// A file with certificates that vouch for the endpoint.
    pub ca_file: Option<String>,
    /// Commands that run there at once.
    pub jobs: Option<u64>,
    /// How long an action may wait for a worker, in seconds.
    pub queue_timeout: Option<u64>,
    /// How long to wait for the endpoint to answer at first, in seconds.
    pub connect_timeout: Option<u64>,
}

/// One endpoint after both files were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// The address: `file://`, `http://`, `https://`, `grpc://` or `grpcs://`.
    pub url: String,
    /// The instance name of an engine, empty for its default.
    pub instance: String,
    /// The digest function, where it is not to be negotiated.
    pub digest: Option<DigestChoice>,
    /// What kind of engine it is.
    pub profile: EngineKind,
    /// Further platform properties of an engine.
    pub properties: BTreeMap<String, String>,
    /// Whether results are sent there.
    pub push: bool,
    /// Whether commands run there.
    pub execute: bool,
    /// Whether what an engine remembers is believed without a signature.
    pub trust_engine: bool,
    /// A file with a bearer token, relative to the user's configuration file.
    pub token_file: Option<String>,
    /// A file with certificates that vouch for the endpoint, relative to the user's configuration file.
    pub ca_file: Option<String>,
    /// Commands that run there at once, where that is said.
    pub jobs: Option<u64>,
    /// How long an action may wait for a worker, in seconds, where that is said.
    pub queue_timeout: Option<u64>,
    /// How long to wait for the endpoint to answer at first, in seconds, where that is said.
    pub connect_timeout: Option<u64>,
}

/// The digest functions that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestChoice {
    /// `blake3`.
    Blake3,
    /// `sha256`.
    Sha256,
}

/// Kinds of engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// `plain`: no platform properties.
    Plain,
    /// `buildbox`: casd, or BuildGrid with buildbox workers.
    Buildbox,
    /// `nativelink`.
    NativeLink,
    /// `buildbarn`.
    Buildbarn,
}

/// Who wrote a file with endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    User,
    Repository,
}

impl UserConfig {
    /// Parses the text; `file` is only for messages.
    ///
    /// # Errors
    /// Everything that is wrong with the text, each fault with line, column and excerpt.
    pub fn parse(file: &str, text: &str) -> Result<UserConfig, TomlError> {
        read_file(file, text, |top| {
            let store = top.string_or_none("store").map(|store| store.value);
            let signing_key = top.string_or_none("signing-key").map(|key| key.value);
            let cgroup = top.string_or_none("cgroup").map(|dir| dir.value);
            let mut mirrors = BTreeMap::new();
            if let Some(table) = top.table_or_none("mirrors") {
                for (name, _, _) in table.entries() {
                    if let Some(base) = table.string_or_none(name) {
                        mirrors.insert(name.to_owned(), base.value);
                    }
                }
            }
            Some(UserConfig {
                store,
                mirrors,
                signing_key,
                cgroup,
                remotes: read_remotes(top, Writer::User),
            })
        })
    }
}

/// Reads the table `remote` of a file.
pub(crate) fn read_remotes(top: &Table<'_, '_>, writer: Writer) -> BTreeMap<String, EndpointTable> {
    let mut remotes = BTreeMap::new();
    let Some(table) = top.table_or_none("remote") else {
        return remotes;
    };
    for (name, span, value) in table.entries() {
        if let Some(fault) = name_fault(name) {
            table.problem(span, format!("the name \"{name}\" {fault}"));
        }
        if let Some(remote) = table.as_table(name, value) {
            remotes.insert(name.to_owned(), read_remote(&remote, writer));
        }
    }
    remotes
}

fn read_remote(table: &Table<'_, '_>, writer: Writer) -> EndpointTable {
    let url = match writer {
        Writer::Repository => table.string("url"),
        // The repository may give it.
        Writer::User => table.string_or_none("url"),
    };
    if let (Some(url), Some(value)) = (&url, table.get("url"))
        && let Some(fault) = url_fault(&url.value)
    {
        table.problem(value.span(), format!("\"{}\" {fault}", url.value));
    }
    if writer == Writer::Repository {
        for key in ["trust-engine", "token-file", "ca-file"] {
            if let Some(value) = table.get(key) {
                let message = format!(
                    "`{key}` is for the user to say, in config.toml under the same [remote.NAME]; no repository may"
                );
                table.problem(value.span(), message);
            }
        }
    }
    if writer == Writer::User && url.is_none() {
        for key in ["trust-engine", "token-file", "ca-file"] {
            if let Some(value) = table.get(key) {
                let message = format!(
                    "`{key}` needs `url` beside it: else any repository could choose whom it is for"
                );
                table.problem(value.span(), message);
            }
        }
    }
    let mut properties = BTreeMap::new();
    if let Some(inner) = table.table_or_none("properties") {
        for (name, span, _) in inner.entries() {
            if name == "network" {
                let message = "`network` would give builds the network of the worker".to_owned();
                inner.problem(span, message);
            } else if let Some(value) = inner.string_or_none(name) {
                properties.insert(name.to_owned(), value.value);
            }
        }
    }
    let user = writer == Writer::User;
    let text = |key: &str| table.string_or_none(key).map(|text| text.value);
    let found = EndpointTable {
        line: table.line(),
        url,
        instance: text("instance"),
        digest: table.choice_or_none(
            "digest",
            &[
                ("blake3", DigestChoice::Blake3),
                ("sha256", DigestChoice::Sha256),
            ],
        ),
        profile: table.choice_or_none(
            "profile",
            &[
                ("plain", EngineKind::Plain),
                ("buildbox", EngineKind::Buildbox),
                ("nativelink", EngineKind::NativeLink),
                ("buildbarn", EngineKind::Buildbarn),
            ],
        ),
        properties,
        push: table.flag_or_none("push"),
        execute: table.flag_or_none("execute"),
        trust_engine: if user {
            table.flag_or_none("trust-engine")
        } else {
            None
        },
        token_file: if user { text("token-file") } else { None },
        ca_file: if user { text("ca-file") } else { None },
        jobs: table.count_or_none("jobs"),
        queue_timeout: table.count_or_none("queue-timeout"),
        connect_timeout: table.count_or_none("connect-timeout"),
    };
    table.finish();
    found
}

/// Says what keeps `url` from being the address of an endpoint.
pub fn url_fault(url: &str) -> Option<&'static str> {
    let rest = ["file://", "http://", "https://", "grpc://", "grpcs://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    match rest {
        None => Some("must start with file://, http://, https://, grpc:// or grpcs://"),
        Some("") => Some("names nothing behind its scheme"),
        Some(rest) if url.starts_with("file://") && !rest.starts_with('/') => {
            Some("must name an absolute directory: file:///DIR")
        }
        Some(_) => None,
    }
}

/// Endpoints of both files in the order of their names; what the user says of one counts before what the
/// repository says. A table that gets no address from either is returned as its name and line.
pub fn merge_endpoints(
    user: &BTreeMap<String, EndpointTable>,
    repository: &BTreeMap<String, EndpointTable>,
) -> Result<Vec<Endpoint>, NoAddress> {
    let nothing = EndpointTable::default();
    let names: std::collections::BTreeSet<&String> = user.keys().chain(repository.keys()).collect();
    names
        .into_iter()
        .map(|name| {
            let first = user.get(name).unwrap_or(&nothing);
            let second = repository.get(name).unwrap_or(&nothing);
            let url = first.url.as_ref().or(second.url.as_ref());
            let Some(url) = url else {
                return Err(NoAddress {
                    name: name.clone(),
                    line: first.line,
                });
            };
            let mut properties = second.properties.clone();
            properties.extend(first.properties.clone());
            Ok(Endpoint {
                name: name.clone(),
                url: url.value.clone(),
                instance: first
                    .instance
                    .clone()
                    .or_else(|| second.instance.clone())
                    .unwrap_or_default(),
                digest: first.digest.or(second.digest),
                profile: first
                    .profile
                    .or(second.profile)
                    .unwrap_or(EngineKind::Plain),
                properties,
                push: first.push.or(second.push).unwrap_or(false),
                execute: first.execute.or(second.execute).unwrap_or(false),
                trust_engine: first.trust_engine.unwrap_or(false),
                token_file: first.token_file.clone(),
                ca_file: first.ca_file.clone(),
                jobs: first.jobs.or(second.jobs),
                queue_timeout: first.queue_timeout.or(second.queue_timeout),
                connect_timeout: first.connect_timeout.or(second.connect_timeout),
            })
        })
        .collect()
}

/// The user speaks of an endpoint that has no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: [remote.{name}] has no `url`, and flake-like.toml gives it none")]
pub struct NoAddress {
    /// The endpoint.
    pub name: String,
    /// The line of its table in the user's configuration.
    pub line: usize,
}

impl Endpoint {
    /// An endpoint that is named by its address alone, as on a command line.
    pub fn from_url(url: &str) -> Endpoint {
        Endpoint {
            name: url.to_owned(),
            url: url.to_owned(),
            instance: String::new(),
            digest: None,
            profile: EngineKind::Plain,
            properties: BTreeMap::new(),
            push: false,
            execute: false,
            trust_engine: false,
            token_file: None,
            ca_file: None,
            jobs: None,
            queue_timeout: None,
            connect_timeout: None,
        }
    }

    /// Whether it speaks the Remote Execution API.
    pub fn is_engine(&self) -> bool {
        self.url.starts_with("grpc://") || self.url.starts_with("grpcs://")
    }
}
