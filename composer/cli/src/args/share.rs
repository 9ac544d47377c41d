//! The command line of the verbs that share results: `keygen`, `sign`, `push`, `pull`.
//!
//! Each struct goes to the file of its name in `commands/`. Invariant: an endpoint is a name of
//! the configuration or an address.

use std::path::PathBuf;

use clap::Args;

use super::About;

#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// The key's name, such as `team-ci-1`: statements name it.
    pub(crate) name: String,

    /// Where to put the secret key [default: NAME.secret]; an existing file is left alone.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    #[command(flatten)]
    pub(crate) about: About,

    /// The secret key, as `keygen` made it.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// Sign also what this endpoint says and [trust] believes: a name of the configuration, or an address.
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) from: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    /// A name of the configuration, or a directory as file:///DIR.
    pub(crate) destination: String,

    #[command(flatten)]
    pub(crate) about: About,

    /// The secret key to sign with [default: `signing-key` of config.toml].
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,

    /// Send only the result, not what it was made from; the statements of all are sent.
    #[arg(long)]
    pub(crate) result_only: bool,

    /// Send also what the cache says that it has: this mends what was damaged or lost there.
    #[arg(long)]
    pub(crate) again: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// A name of the configuration, or an address: file:///DIR, http://… or https://….
    pub(crate) source: String,

    #[command(flatten)]
    pub(crate) about: About,

    /// Where to put the link to the result; it keeps the result from being collected.
    #[arg(short = 'o', long, value_name = "LINK", default_value = "result")]
    pub(crate) out_link: PathBuf,

    /// Make no link.
    #[arg(long, conflicts_with = "out_link")]
    pub(crate) no_link: bool,

    /// Fetch what the result was made from too.
    #[arg(long)]
    pub(crate) closure: bool,
}
