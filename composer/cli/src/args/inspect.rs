//! The command line of the verbs that look into builds: `verify`, `diff`, `shell`.
//!
//! Each struct goes to the file of its name in `commands/`. Invariant: as in the rest, parsing resolves nothing.

use std::path::PathBuf;

use clap::Args;

use super::{About, BuildFlags};

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) about: About,

    /// How often to build again, each time under other conditions.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,

    /// Everything that it needs as well, not only what is named.
    #[arg(short, long)]
    pub(crate) recursive: bool,

    /// Build what differs again with one condition changed at a time, and say which one matters.
    #[arg(long)]
    pub(crate) isolate: bool,

    /// Show differences with diffoscope, where it is installed.
    #[arg(long, conflicts_with = "json")]
    pub(crate) diffoscope: bool,

    /// Sign what is found of each derivation that is built again, into FILE.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(crate) attest: Option<PathBuf>,

    /// The secret key to sign with [default: `signing-key` of config.toml].
    #[arg(long, value_name = "FILE", requires = "attest")]
    pub(crate) key: Option<PathBuf>,

    /// Build nothing: say what the attestations in FILE, if keys of [trust] signed them, prove about the results here.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["attest", "isolate", "diffoscope", "rounds", "dry_run"])]
    pub(crate) attestations: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) flags: BuildFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The one: a profile or an attribute that is built, a `result` link, a tree of the store or its id, or any
    /// file or directory; `disk.img#root` and the like are images by their files.
    pub(crate) first: PathBuf,

    /// The other.
    pub(crate) second: PathBuf,

    /// Of profiles, this attribute instead of the images.
    #[arg(short = 'A', long, value_name = "PATH")]
    pub(crate) attr: Option<String>,

    /// Both are images: compare packages, files, modes, owners and contents rather than the images' own fields.
    #[arg(long, conflicts_with_all = ["attr", "diffoscope"])]
    pub(crate) files: bool,

    /// Both are manifests of roots, as files or by the profiles that they were built of: compare what each path is,
    /// whose it is and who brought it.
    #[arg(long, conflicts_with_all = ["attr", "diffoscope", "files"])]
    pub(crate) manifest: bool,

    /// Show differences with diffoscope, where it is installed.
    #[arg(long, conflicts_with = "json")]
    pub(crate) diffoscope: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Shell {
    /// The profile or attribute; with --failed, the name of a build that was kept [default with --failed: the
    /// last one].
    #[arg(required_unless_present = "failed")]
    pub(crate) subject: Option<PathBuf>,

    /// A derivation's name such as `linux-6.12.107`, or an attribute path [default: what the subject is].
    #[arg(conflicts_with = "failed")]
    pub(crate) which: Option<String>,

    /// Enter a failed build that `build -K` has kept, as it stood when it failed.
    #[arg(long)]
    pub(crate) failed: bool,

    #[command(flatten)]
    pub(crate) flags: BuildFlags,
}
