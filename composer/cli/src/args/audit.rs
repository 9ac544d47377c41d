//! The words of `audit`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Files, folders, packages, archives, initramfs images or OCI layouts.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// How to print what is found.
    #[arg(long, value_enum, default_value_t = AuditFormat::Text)]
    pub(crate) format: AuditFormat,

    /// What every program and library must carry.
    #[arg(long, value_enum, default_value_t = RequireArg::Base)]
    pub(crate) require: RequireArg,

    /// The machine that all files must be for [default: any of ours].
    #[arg(long, value_enum)]
    pub(crate) machine: Option<MachineArg>,

    /// Allow trap instructions in files that PATTERN matches, as a loader for ordinary kernels has
    /// them; may be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) allow_traps: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AuditFormat {
    /// For people.
    Text,
    /// Everything, for programs.
    Json,
    /// SARIF 2.1.0.
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RequireArg {
    /// No note: only what is wrong anywhere.
    Nothing,
    /// The XSC note.
    Base,
    /// The note with XSC_NOTE_CFI, and the machine's marks.
    Cfi,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MachineArg {
    /// AMD64.
    #[value(name = "x86_64")]
    X86_64,
    /// ARM64.
    #[value(name = "aarch64")]
    Aarch64,
}
