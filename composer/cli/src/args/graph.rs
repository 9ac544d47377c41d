//! The command line of the verbs that explain: `plan`, `why-depends`, `graph`, `history`.
//!
//! Each struct goes to the file of its name in `commands/`. Invariant: as in the rest, parsing resolves nothing.

use std::path::PathBuf;

use clap::Args;

/// What a verb of this file is about.
#[derive(Debug, Args)]
pub(crate) struct About {
    /// The profile, or an attribute that no profile has a say in.
    pub(crate) profile: PathBuf,

    /// This attribute of the profile's recipes instead of the images.
    #[arg(short = 'A', long, value_name = "PATH")]
    pub(crate) attr: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) about: About,

    /// Fail, with exit code 1, if a derivation of this name would be built; may be repeated. `linux` is also
    /// `linux-6.12.107`, and `*` is any.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    pub(crate) fail_if_builds: Vec<String>,

    /// Builds at once that the estimate counts with [default: the number of processors].
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_jobs: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct WhyDepends {
    #[command(flatten)]
    pub(crate) about: About,

    /// The derivation that needs: its name, with or without version.
    pub(crate) from: String,

    /// The derivation that is needed.
    pub(crate) to: String,

    /// Ask for needs at run time instead: libraries, loaders and interpreters that the built files name.
    #[arg(long)]
    pub(crate) runtime: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GraphFormat {
    /// For graphviz.
    Dot,
    /// Nodes and edges.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) about: About,

    /// What to print.
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    pub(crate) format: GraphFormat,

    /// Leave out what is in the store.
    #[arg(long)]
    pub(crate) missing: bool,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// Only builds of this profile or attribute [default: all of this store].
    pub(crate) profile: Option<PathBuf>,

    /// Only this attribute of the profile's recipes.
    #[arg(short = 'A', long, value_name = "PATH", requires = "profile")]
    pub(crate) attr: Option<String>,

    /// At most this many, the latest.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    pub(crate) count: usize,
}
