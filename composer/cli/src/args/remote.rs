//! The arguments of `remote`: endpoints of the configuration, and the doctor.
//!
//! `commands/remote.rs` reads them. Invariant: an endpoint is a name of the configuration or an address.

use clap::{Args, Subcommand, ValueEnum};
use xsc_profile::{DigestChoice, EngineKind};

#[derive(Debug, Args)]
pub(crate) struct Remote {
    #[command(subcommand)]
    pub(crate) verb: RemoteVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RemoteVerb {
    /// List the endpoints of config.toml and flake-like.toml.
    List,
    /// Examine a Remote Execution endpoint: what it can do for builds here and what not. Exit code 1 where something
    /// that is needed does not work.
    Doctor(Doctor),
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// A name of the configuration, or grpc://HOST:PORT or grpcs://HOST:PORT.
    pub(crate) endpoint: String,

    /// The instance name, in place of the configuration's.
    #[arg(long, value_name = "NAME")]
    pub(crate) instance: Option<String>,

    /// The digest function, in place of the one that is negotiated.
    #[arg(long, value_enum)]
    pub(crate) digest: Option<DigestArg>,

    /// What kind of engine it is, which says the properties of its workers.
    #[arg(long, value_enum)]
    pub(crate) profile: Option<EngineArg>,

    /// Run nothing there.
    #[arg(long)]
    pub(crate) no_execution: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DigestArg {
    /// BLAKE3.
    Blake3,
    /// SHA-256.
    Sha256,
}

impl From<DigestArg> for DigestChoice {
    fn from(arg: DigestArg) -> Self {
        match arg {
            DigestArg::Blake3 => DigestChoice::Blake3,
            DigestArg::Sha256 => DigestChoice::Sha256,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    /// No properties.
    Plain,
    /// buildbox-casd, BuildGrid with buildbox workers.
    Buildbox,
    /// NativeLink.
    #[value(name = "nativelink")]
    NativeLink,
    /// Buildbarn.
    Buildbarn,
}

impl From<EngineArg> for EngineKind {
    fn from(arg: EngineArg) -> Self {
        match arg {
            EngineArg::Plain => EngineKind::Plain,
            EngineArg::Buildbox => EngineKind::Buildbox,
            EngineArg::NativeLink => EngineKind::NativeLink,
            EngineArg::Buildbarn => EngineKind::Buildbarn,
        }
    }
}
