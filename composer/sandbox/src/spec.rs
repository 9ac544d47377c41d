//! What to run and within which limits: the caller's half of the interface to the runner.
//! `SandboxSpec` travels as one line of JSON; both sides are the same build of this crate, so the form has no
//! version. A spec that passes [`SandboxSpec::validate`] can still fail on the host, but not for its shape.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::SandboxError;

/// What `CLOCK_REALTIME` reads inside unless the caller has a reason: 2038-01-01T00:00:00Z, in seconds.
///
/// Time stamps of files inside are real. A clock that stands before them would make `make` warn about files
/// "in the future" and rebuild; this one lies after every real time stamp and still fits a 32-bit `time_t`.
pub const DEFAULT_CLOCK: i64 = 2_145_916_800;

/// Overlayfs refuses more lower layers than this, the skeleton included.
const MAX_LAYERS: usize = 500;

/// One command, and everything it can see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxSpec {
    /// Host directories that make up `/`, topmost first; read-only. At least one, at most 499.
    pub root: Vec<PathBuf>,
    /// Host directories that appear at a place of their own.
    pub mounts: Vec<Mount>,
    /// An existing, empty host directory for everything writable. After the run the command's `/build` is
    /// `<scratch>/build`; take the outputs from `<scratch>/build/out`, then call
    /// [`remove_scratch`](crate::remove_scratch).
    pub scratch: PathBuf,
    /// Program and arguments. A program without a slash is looked for in `PATH` of `env`.
    pub command: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// How many CPUs the command may use.
    pub cpus: Cpus,
    /// What `CLOCK_REALTIME` reads, in seconds since the epoch; see [`DEFAULT_CLOCK`].
    pub clock: i64,
    /// What else a command can see of where it runs.
    pub surroundings: Surroundings,
    /// Whether `/tmp` lies in `<scratch>/tmp`, to be looked at after the run, instead of in memory.
    pub keep_tmp: bool,
    /// Whether `scratch` is of an earlier run, which this one goes on from; see
    /// [`reset_scratch`](crate::reset_scratch). Otherwise one that was used is refused.
    pub again: bool,
    /// The control group that everything runs in, which limits what the command may use and is not for it to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<PathBuf>,
}

/// What a command can see of where it runs and must not depend on. Every build has the default; only a rebuild
/// that is to be compared has others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surroundings {
    /// The name of the host: letters, digits, `-` and `.`, at most 64.
    pub host_name: String,
    /// The user id; not 0, since build scripts behave differently for root.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
    /// The creation mask.
    pub umask: u32,
    /// Whether programs, their stacks and libraries lie at random addresses.
    pub random_addresses: bool,
    /// Directories list their entries in an order that this number chooses, instead of the file system's.
    pub listing: Option<u64>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            host_name: "xsc-build".to_owned(),
            uid: 1000,
            gid: 1000,
            umask: 0o022,
            random_addresses: false,
            listing: None,
        }
    }
}

impl Surroundings {
    fn problem(&self) -> Option<String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let name = &self.host_name;
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Some(format!("{name:?} cannot be a host name"));
        }
        if self.uid == 0 || self.gid == 0 {
            return Some("the command cannot be root".to_owned());
        }
        (self.umask & !0o777 != 0).then(|| format!("{:o} is no creation mask", self.umask))
    }
}

/// A host directory at a place in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// Absolute path inside; missing directories are made.
    pub at: String,
    /// The host directory. Mounts below it are not part of it.
    pub from: PathBuf,
    /// Whether the command may change what it sees there.
    pub mode: MountMode,
}

/// Whether the command may change what it sees in a [`Mount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountMode {
    /// Writes fail with `EROFS`.
    ReadOnly,
    /// Writes go to a private copy in scratch; the host directory never changes. A sandbox with such a mount
    /// runs its command with `CAP_DAC_OVERRIDE`, since files in a store have mode 0444. That reaches only files
    /// whose user and group are the composer's: others, like all of other owners, can be read but not changed.
    Writable,
}

/// The CPUs that a command may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cpus {
    /// One CPU of those the composer may use: the one with this index, modulo their number.
    One(usize),
    /// All that the composer may use.
    All,
}

/// When to give up on a command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Longest run.
    pub timeout: Option<Duration>,
    /// Longest time without output.
    pub max_silent: Option<Duration>,
}

/// A request to the fork server, with what the server cannot find out by itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) request: Request,
    /// The root layers as the composer sees them, in their order; none where one cannot be looked at.
    pub(crate) layers: Vec<Layer>,
}

/// Which directory a root layer is: one that takes its place under the same path is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layer {
    device: u64,
    inode: u64,
    /// The time of its last change, in seconds and nanoseconds.
    changed: (i64, i64),
}

impl Layer {
    /// That of a directory which was looked at.
    pub(crate) fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    /// Whether that is the same directory, changed or not.
    pub(crate) fn is_place_of(&self, found: &Metadata) -> bool {
        (self.device, self.inode) == (found.dev(), found.ino())
    }
}

impl Asked {
    /// Looks at the layers that a request names.
    pub(crate) fn new(request: Request) -> Self {
        let root = request.spec().map_or(&[][..], |spec| &spec.root);
        let look = |path: &PathBuf| Ok(Layer::of(&std::fs::metadata(path)?));
        let layers: std::io::Result<Vec<Layer>> = root.iter().map(look).collect();
        Self {
            layers: layers.unwrap_or_default(),
            request,
        }
    }
}

/// What the library asks of the runner.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Set everything up and run the command.
    Run(SandboxSpec),
    /// As `Run`, inside a sandbox of somebody else's, which may hide parts of its `/proc`.
    Nested(SandboxSpec),
    /// As `Run`, but the command's standard streams are all the runner's standard error; with `terminal`, that
    /// is a terminal, which becomes the command's own.
    Attach { spec: SandboxSpec, terminal: bool },
    /// Set everything up with a minimal root in this empty directory, check the clock, run nothing.
    Probe { scratch: PathBuf },
}

impl Request {
    /// What to run, but for a probe.
    pub(crate) fn spec(&self) -> Option<&SandboxSpec> {
        match self {
            Self::Run(spec) | Self::Nested(spec) | Self::Attach { spec, .. } => Some(spec),
            Self::Probe { .. } => None,
        }
    }

    /// The control group to run in.
    pub(crate) fn cgroup(&self) -> Option<&Path> {
        self.spec().and_then(|spec| spec.cgroup.as_deref())
    }

    /// What the command is to see of where it runs.
    pub(crate) fn surroundings(&self) -> Surroundings {
        let given = self.spec().map(|spec| spec.surroundings.clone());
        given.unwrap_or_default()
    }
}

impl SandboxSpec {
    pub(crate) fn validate(&self) -> Result<(), SandboxError> {
        let invalid = |problem: String| Err(SandboxError::InvalidSpec { problem });
        if self.root.is_empty() {
            return invalid("the root has no layer".into());
        }
        if self.root.len() >= MAX_LAYERS {
            let (count, most) = (self.root.len(), MAX_LAYERS - 1);
            return invalid(format!(
                "the root has {count} layers, overlayfs takes {most}"
            ));
        }
        if self.command.first().is_none_or(String::is_empty) {
            return invalid("the command is empty".into());
        }
        for dir in self
            .root
            .iter()
            .chain(self.mounts.iter().map(|m| &m.from))
            .chain([&self.scratch])
        {
            if !dir.is_absolute() {
                return invalid(format!("{} is not an absolute path", dir.display()));
            }
        }
        for mount in &self.mounts {
            if let Some(problem) = mount_point_problem(&mount.at) {
                return invalid(format!("mount point {:?} {problem}", mount.at));
            }
        }
        if let Some(problem) = self.surroundings.problem() {
            return invalid(problem);
        }
        let env = self.env.iter().flat_map(|(name, value)| [name, value]);
        if self
            .command
            .iter()
            .chain(env)
            .any(|text| text.contains('\0'))
        {
            return invalid("the command or its environment has a zero byte".into());
        }
        if let Some(name) = self
            .env
            .keys()
            .find(|name| name.is_empty() || name.contains('='))
        {
            return invalid(format!(
                "{name:?} cannot be the name of an environment variable"
            ));
        }
        Ok(())
    }

    /// Whether some mount has a private writable copy.
    pub(crate) fn has_writable_mount(&self) -> bool {
        self.mounts
            .iter()
            .any(|mount| mount.mode == MountMode::Writable)
    }
}

fn mount_point_problem(at: &str) -> Option<&'static str> {
    let path = Path::new(at);
    if !path.is_absolute() {
        return Some("is not absolute");
    }
    if at.contains('\0') {
        return Some("has a zero byte");
    }
    if path.components().any(|c| matches!(c, Component::ParentDir)) {
        return Some("contains `..`");
    }
    if path == Path::new("/") {
        return Some("is the root; add a root layer instead");
    }
    if path.starts_with("/proc") || path.starts_with("/dev") {
        return Some("lies in a directory that the sandbox makes itself");
    }
    if ["/build", "/build/out", "/tmp"]
        .iter()
        .any(|own| path == Path::new(own))
    {
        return Some("would hide a directory that the sandbox makes itself");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> SandboxSpec {
        SandboxSpec {
            root: vec!["/r".into()],
            mounts: vec![],
            scratch: "/s".into(),
            command: vec!["true".into()],
            env: BTreeMap::new(),
            cpus: Cpus::All,
            clock: DEFAULT_CLOCK,
            surroundings: Surroundings::default(),
            keep_tmp: false,
            again: false,
            cgroup: None,
        }
    }

    fn problem(change: impl FnOnce(&mut SandboxSpec)) -> String {
        let mut spec = spec();
        change(&mut spec);
        spec.validate().unwrap_err().to_string()
    }

    #[test]
    fn shape_is_checked() {
        spec().validate().unwrap();
        assert!(problem(|s| s.root.clear()).contains("no layer"));
        assert!(problem(|s| s.root = vec!["/r".into(); 500]).contains("500 layers"));
        assert!(problem(|s| s.command.clear()).contains("empty"));
        assert!(problem(|s| s.scratch = "s".into()).contains("not an absolute"));
        assert!(problem(|s| s.command.push("a\0b".into())).contains("zero byte"));
        assert!(problem(|s| s.surroundings.host_name = "a b".into()).contains("host name"));
        assert!(problem(|s| s.surroundings.uid = 0).contains("root"));
        assert!(problem(|s| s.surroundings.umask = 0o1000).contains("mask"));
        assert!(problem(|s| drop(s.env.insert("A=B".into(), "c".into()))).contains("A=B"));
    }

    #[test]
    fn mount_points_are_checked() {
        for (at, expected) in [
            ("src", "not absolute"),
            ("/", "the root"),
            ("/a/../b", "`..`"),
            ("/proc/x", "makes itself"),
            ("/dev", "makes itself"),
            ("/build/", "hide"),
            ("/tmp", "hide"),
        ] {
            let text = problem(|s| {
                let mode = MountMode::ReadOnly;
                s.mounts.push(Mount {
                    at: at.into(),
                    from: "/x".into(),
                    mode,
                });
            });
            assert!(text.contains(expected), "{at}: {text}");
        }
        let mut fine = spec();
        let mode = MountMode::Writable;
        fine.mounts.push(Mount {
            at: "/build/src".into(),
            from: "/x".into(),
            mode,
        });
        fine.validate().unwrap();
        assert!(fine.has_writable_mount());
    }
}
