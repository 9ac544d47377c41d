//! `flake-like.toml`: the named inputs of a composition and the mirrors they come from.
//!
//! Called by `xsc-fetch` to write the lock and by the command line to tell whether the lock is current.
//! Invariant: `Input::digest` covers all that `lock` reads from a declaration and nothing else, so a comment
//! or a reordering never makes a lock stale. No host name of a registry stands here: addresses are
//! `mirror://NAME/path`, and a mirror says only where its address is to be looked up.

use std::collections::BTreeMap;

use crate::config::{EndpointTable, Writer, read_remotes};
use crate::error::TomlError;
use crate::reader::{At, Table, name_fault, read_file};

/// The parsed `flake-like.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlakeLike {
    /// The file's name as the caller gave it.
    pub file: String,
    /// Mirrors by name.
    pub mirrors: BTreeMap<String, Mirror>,
    /// Inputs by name.
    pub inputs: BTreeMap<String, Input>,
    /// Endpoints by name.
    pub remotes: BTreeMap<String, EndpointTable>,
    /// Whose statements about results count.
    pub trust: TrustTable,
}

/// The `[trust]` table: results of others are used if enough of these keys signed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustTable {
    /// Line of its header.
    pub line: usize,
    /// Public keys, `NAME:BASE64`; what they mean is for others to check.
    pub keys: Vec<At<String>>,
    /// How many of them must agree.
    pub threshold: u64,
}

impl Default for TrustTable {
    fn default() -> Self {
        TrustTable {
            line: 0,
            keys: Vec::new(),
            threshold: 1,
        }
    }
}

/// One `[mirrors.NAME]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Line of its header.
    pub line: usize,
    /// Where its address comes from when neither configuration nor environment names one.
    pub from: MirrorFrom,
    /// Where older states of the archive are kept: the address before `/<time stamp>/<path>`.
    pub snapshot: Option<String>,
}

/// Where a mirror's address is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MirrorFrom {
    /// `from = "apt"`: the host's apt sources whose address ends in this path, such as `debian`.
    Apt {
        /// The last component of the address's path.
        matches: String,
    },
    /// `from = "configuration"`: nothing but configuration and environment can name it.
    Configuration,
}

/// One `[inputs.NAME]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Line of its header.
    pub line: usize,
    /// What it is.
    pub kind: InputKind,
}

/// The kinds of input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// `debian-packages`: binary packages, in named sets closed under dependencies.
    DebianPackages(DebianPackages),
    /// `debian-source`: the upstream tarball of a source package.
    DebianSource(DebianSource),
    /// `file`: one file at given addresses.
    File(FileInput),
}

/// One suite of one archive, with the component that is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArchiveRef {
    /// Name of the mirror.
    pub mirror: String,
    /// Suite, such as `trixie`.
    pub suite: String,
    /// Component, `main` unless the declaration says otherwise.
    pub component: String,
}

/// A `debian-packages` input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebianPackages {
    /// Archives read; the highest version of a package in any of them is taken.
    pub archives: Vec<ArchiveRef>,
    /// Debian's name of the architecture, such as `amd64`.
    pub architecture: String,
    /// Names of the packages asked for, by set.
    pub sets: BTreeMap<String, Vec<At<String>>>,
    /// Packages that dependencies never bring in (only maintainer scripts want them).
    pub exclude: Vec<At<String>>,
}

/// A `debian-source` input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebianSource {
    /// Archives read. A version that two of them have is preferred, so that it has two locations.
    pub archives: Vec<ArchiveRef>,
    /// Name of the source package.
    pub package: String,
    /// Upstream version wanted: exact, or a prefix ending in `.*`; the highest if absent.
    pub version: Option<String>,
    /// Which file of the source package: the text after `<package>_<version>.`, such as `orig.tar.xz`.
    pub part: String,
    /// Line of the `package` key.
    pub package_line: usize,
}

/// A `file` input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInput {
    /// File name it gets.
    pub file_name: String,
    /// Addresses, `mirror://` or `https://`.
    pub urls: Vec<At<String>>,
    /// The hash it must have, if declared: 64 lower-case hex digits.
    pub sha256: Option<String>,
}

impl FlakeLike {
    /// Parses the text; `file` is only for messages.
    ///
    /// # Errors
    /// Everything that is wrong with the text, each fault with line, column and excerpt.
    pub fn parse(file: &str, text: &str) -> Result<FlakeLike, TomlError> {
        read_file(file, text, |top| {
            let mirrors = top.table_or_none("mirrors");
            let mirrors = mirrors.map(|t| read_mirrors(&t)).unwrap_or_default();
            let remotes = read_remotes(top, Writer::Repository);
            let trust = top.table_or_none("trust");
            let trust = trust.map(|t| read_trust(&t)).unwrap_or_default();
            let inputs = read_inputs(&top.table("inputs")?, &mirrors);
            Some(FlakeLike {
                file: file.to_owned(),
                mirrors,
                inputs,
                remotes,
                trust,
            })
        })
    }
}

fn read_mirrors(table: &Table<'_, '_>) -> BTreeMap<String, Mirror> {
    let mut mirrors = BTreeMap::new();
    for (name, span, value) in table.entries() {
        check_name(table, name, span);
        let Some(mirror) = table.as_table(name, value) else {
            continue;
        };
        #[derive(Clone, Copy)]
        enum From {
            Apt,
            Configuration,
        }
        let from = mirror.choice(
            "from",
            &[("apt", From::Apt), ("configuration", From::Configuration)],
        );
        let matches = match from {
            Some(From::Apt) => mirror.string("match").map(|m| m.value),
            _ => None,
        };
        let snapshot = mirror.string_or_none("snapshot");
        if let (Some(url), Some(value)) = (&snapshot, mirror.get("snapshot")) {
            check_url(&mirror, &url.value, value.span());
        }
        mirror.finish();
        let from = match (from, matches) {
            (Some(From::Apt), Some(matches)) => MirrorFrom::Apt { matches },
            (Some(From::Configuration), _) => MirrorFrom::Configuration,
            _ => continue,
        };
        let line = mirror.line();
        let snapshot = snapshot.map(|s| s.value.trim_end_matches('/').to_owned());
        mirrors.insert(
            name.to_owned(),
            Mirror {
                line,
                from,
                snapshot,
            },
        );
    }
    mirrors
}

fn read_trust(table: &Table<'_, '_>) -> TrustTable {
    let form = |key: &str| match key.split_once(':') {
        Some((name, rest)) if !name.is_empty() && !rest.is_empty() => None,
        _ => Some("is no key: it must be NAME:BASE64, as `xsc-compose keygen` prints it"),
    };
    let trust = TrustTable {
        line: table.line(),
        keys: table.strings("keys", form),
        threshold: table.count_or_none("threshold").unwrap_or(1),
    };
    if trust.threshold > trust.keys.len() as u64
        && !trust.keys.is_empty()
        && let Some(value) = table.get("threshold")
    {
        let message = format!(
            "{} keys must agree and {} are named: nothing would ever be used",
            trust.threshold,
            trust.keys.len()
        );
        table.problem(value.span(), message);
    }
    table.finish();
    trust
}

fn check_name(table: &Table<'_, '_>, name: &str, span: std::ops::Range<usize>) {
    if let Some(fault) = name_fault(name) {
        table.problem(span, format!("the name \"{name}\" {fault}"));
    }
}

fn check_url(table: &Table<'_, '_>, url: &str, span: std::ops::Range<usize>) {
    let known = ["mirror://", "https://", "file://"];
    if !known.iter().any(|scheme| url.starts_with(scheme)) {
        let message = format!("\"{url}\" must start with mirror:// or https://");
        table.problem(span, message);
    }
}

type Mirrors = BTreeMap<String, Mirror>;

fn read_inputs(table: &Table<'_, '_>, mirrors: &Mirrors) -> BTreeMap<String, Input> {
    let mut inputs = BTreeMap::new();
    for (name, span, value) in table.entries() {
        check_name(table, name, span);
        let Some(input) = table.as_table(name, value) else {
            continue;
        };
        type ReadKind = fn(&Table<'_, '_>, &Mirrors) -> Option<InputKind>;
        let kinds: [(&str, ReadKind); 3] = [
            ("debian-packages", read_packages),
            ("debian-source", read_source),
            ("file", read_file_input),
        ];
        let Some(read) = input.choice("type", &kinds) else {
            input.give_up("type");
            continue;
        };
        let kind = read(&input, mirrors);
        input.finish();
        let line = input.line();
        if let Some(kind) = kind {
            let name = name.to_owned();
            inputs.insert(name.clone(), Input { name, line, kind });
        }
    }
    inputs
}

fn read_packages(table: &Table<'_, '_>, mirrors: &Mirrors) -> Option<InputKind> {
    let archives = read_archives(table, mirrors);
    let architecture = table.string("architecture");
    let exclude = table.strings_or_none("exclude", package_fault);
    let mut sets = BTreeMap::new();
    if let Some(inner) = table.table("sets") {
        for (name, span, value) in inner.entries() {
            check_name(&inner, name, span);
            let packages = inner.as_strings(name, value, package_fault);
            sets.insert(name.to_owned(), packages);
        }
    }
    Some(InputKind::DebianPackages(DebianPackages {
        archives: archives?,
        architecture: architecture?.value,
        sets,
        exclude,
    }))
}

fn read_source(table: &Table<'_, '_>, mirrors: &Mirrors) -> Option<InputKind> {
    let archives = read_archives(table, mirrors);
    let package = table.string("package");
    let version = table.string_or_none("version");
    let part = table.string_or_none("part");
    let package = package?;
    Some(InputKind::DebianSource(DebianSource {
        archives: archives?,
        package_line: package.line,
        package: package.value,
        version: version.map(|v| v.value),
        part: part.map_or_else(|| "orig.tar.xz".to_owned(), |p| p.value),
    }))
}

fn read_file_input(table: &Table<'_, '_>, mirrors: &Mirrors) -> Option<InputKind> {
    let file_name = table.string("name");
    let urls = table.strings("urls", |_| None);
    let items = table.get("urls").and_then(|v| table.array("urls", v));
    for (url, item) in urls.iter().zip(items.unwrap_or_default()) {
        check_url(table, &url.value, item.span());
        if let Some(rest) = url.value.strip_prefix("mirror://") {
            let name = rest.split('/').next().unwrap_or(rest);
            check_mirror(table, name, item.span(), mirrors);
        }
    }
    let sha256 = table.string_or_none("sha256");
    if let (Some(hash), Some(value)) = (&sha256, table.get("sha256"))
        && !is_sha256(&hash.value)
    {
        let message = "`sha256` must be 64 lower-case hexadecimal digits".to_owned();
        table.problem(value.span(), message);
    }
    Some(InputKind::File(FileInput {
        file_name: file_name?.value,
        urls,
        sha256: sha256.map(|h| h.value),
    }))
}

pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn read_archives(table: &Table<'_, '_>, mirrors: &Mirrors) -> Option<Vec<ArchiveRef>> {
    let value = table.get("archives");
    let Some(value) = value else {
        // Recorded through the one place that words a missing key.
        table.string("archives");
        return None;
    };
    let mut archives = Vec::new();
    for item in table.array("archives", value)? {
        let Some(archive) = table.item_table("archives", item) else {
            continue;
        };
        let mirror = archive.string("mirror");
        let suite = archive.string("suite");
        let component = archive.string_or_none("component");
        if let (Some(mirror), Some(value)) = (&mirror, archive.get("mirror")) {
            check_mirror(&archive, &mirror.value, value.span(), mirrors);
        }
        archive.finish();
        if let (Some(mirror), Some(suite)) = (mirror, suite) {
            archives.push(ArchiveRef {
                mirror: mirror.value,
                suite: suite.value,
                component: component.map_or_else(|| "main".to_owned(), |c| c.value),
            });
        }
    }
    if archives.is_empty() {
        table.problem(value.span(), "`archives` must name an archive".to_owned());
    }
    Some(archives)
}

fn check_mirror(
    table: &Table<'_, '_>,
    name: &str,
    span: std::ops::Range<usize>,
    mirrors: &Mirrors,
) {
    if !mirrors.contains_key(name) {
        let valid: Vec<&str> = mirrors.keys().map(String::as_str).collect();
        let message = format!("no table [mirrors.{name}] declares the mirror `{name}`");
        table.not_one_of(name, span, message, &valid);
    }
}

/// Says what keeps `name` from being the name of a Debian package.
fn package_fault(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = name.len() >= 2
        && name.starts_with(plain)
        && name
            .chars()
            .all(|c| plain(c) || matches!(c, '+' | '-' | '.'));
    (!good).then_some("is no package name (lower-case letters, digits, `+`, `-`, `.`)")
}

impl Input {
    /// Returns the digest of the declaration: BLAKE3 in hex over its fields.
    ///
    /// Each field is its name and its values, every string preceded by its length in bytes as eight bytes
    /// little-endian, every list by its number of items; sets and exclusions are sorted first.
    pub fn digest(&self) -> String {
        let mut hash = Encoder::default();
        match &self.kind {
            InputKind::DebianPackages(input) => {
                hash.strings("type", &["debian-packages"]);
                hash.archives(&input.archives);
                hash.strings("architecture", &[&input.architecture]);
                for (name, packages) in &input.sets {
                    hash.strings("set", &[name]);
                    hash.sorted("packages", packages);
                }
                hash.sorted("exclude", &input.exclude);
            }
            InputKind::DebianSource(input) => {
                hash.strings("type", &["debian-source"]);
                hash.archives(&input.archives);
                hash.strings("package", &[&input.package]);
                let version: Vec<&str> = input.version.iter().map(String::as_str).collect();
                hash.strings("version", &version);
                hash.strings("part", &[&input.part]);
            }
            InputKind::File(input) => {
                hash.strings("type", &["file"]);
                hash.strings("name", &[&input.file_name]);
                let urls: Vec<&str> = input.urls.iter().map(|u| u.value.as_str()).collect();
                hash.strings("urls", &urls);
                let sha256: Vec<&str> = input.sha256.iter().map(String::as_str).collect();
                hash.strings("sha256", &sha256);
            }
        }
        hash.0.finalize().to_hex().to_string()
    }
}

#[derive(Default)]
struct Encoder(blake3::Hasher);

impl Encoder {
    fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn strings(&mut self, field: &str, values: &[&str]) {
        self.text(field);
        self.0.update(&(values.len() as u64).to_le_bytes());
        for value in values {
            self.text(value);
        }
    }

    fn sorted(&mut self, field: &str, values: &[At<String>]) {
        let mut values: Vec<&str> = values.iter().map(|v| v.value.as_str()).collect();
        values.sort_unstable();
        self.strings(field, &values);
    }

    fn archives(&mut self, archives: &[ArchiveRef]) {
        for a in archives {
            self.strings("archive", &[&a.mirror, &a.suite, &a.component]);
        }
    }
}
