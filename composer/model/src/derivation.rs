//! A derivation: one pure build step as recipes describe it, inputs named by derivation.
//!
//! Recipes are evaluated into these (`instantiate`); the scheduler turns each into an
//! [`crate::Action`] once its inputs exist. Invariant: where a file is fetched from is not part
//! of the identity, what it must contain is.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Digest, DrvId, DrvName, Encoder, MountPoint, OutputName, Param, System, TreeId};

/// A pure description of one build step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// For people, logs and the history of durations.
    pub name: DrvName,
    /// The platform that the step runs on.
    pub system: System,
    /// What is done.
    pub builder: Builder,
    /// What it is done to, in the order of the recipe.
    pub inputs: Vec<Input>,
    /// What it produces.
    pub outputs: BTreeSet<OutputName>,
}

/// The closed set of ways to produce outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Builder {
    /// A command in the sandbox.
    Exec(Exec),
    /// A file whose content is known beforehand.
    Fetch(Fetch),
    /// A pure function that is part of the composer.
    Builtin {
        /// Which.
        name: BuiltinName,
        /// Its parameters.
        params: BTreeMap<String, Param>,
    },
}

/// A command to run in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// Program (absolute in the sandbox) and arguments.
    pub command: Vec<String>,
    /// The whole environment, but for the paths of outputs and the number of cores.
    pub env: BTreeMap<String, String>,
    /// How many processors the command may see. Not part of the identity: a build whose result
    /// depends on it is not reproducible.
    pub cores: Cores,
    /// Whether outputs may mention the build directory, as intermediate object trees do.
    pub keeps_build_dir: bool,
    /// What the command needs of the machine. Not part of the identity: it says when the build
    /// may start, and never what it makes.
    pub resources: Resources,
}

/// What a command needs of the machine while it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    /// Memory in MiB; 0 for so little that it need not be counted.
    pub memory: u64,
    /// Whether no other build may run beside it.
    pub exclusive: bool,
}

/// How many processors a build sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    /// Exactly one.
    One,
    /// As many as the user grants (`--cores`), told through `XSC_CORES`.
    Granted,
}

/// A file with a known content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The file's name in the output.
    pub file: String,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Places to look, in order; not part of the identity.
    pub urls: Vec<String>,
}

/// The builders that are functions of the composer itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuiltinName {
    /// Unpacks a Debian package.
    UnpackDeb,
    /// Unpacks a tar archive, compressed or not.
    UnpackTar,
    /// Merges trees and adds symbolic links.
    Merge,
    /// Writes texts and symbolic links that the recipe says.
    Write,
    /// Writes a newc cpio archive, compressed: an initramfs.
    Cpio,
    /// Writes a FAT file system image.
    Fat,
    /// Writes a hybrid ISO 9660 image.
    Iso,
    /// Writes a disk with a partition table.
    Disk,
    /// Writes a manifest as text.
    Manifest,
    /// Writes an OCI image layout.
    Oci,
    /// Writes a `.deb` of a tree.
    Deb,
    /// Writes an `.rpm` of a tree.
    Rpm,
    /// Audits a Debian package and makes it one of XSC.
    Rebase,
    /// Installs packages into a root.
    DebRoot,
    /// The owners and modes of such a root.
    DebOwners,
    /// Audits the ELF files of a tree.
    Audit,
    /// A tree that shares no code with others.
    Distinct,
    /// Writes an EROFS image of a tree.
    Erofs,
    /// Writes an SPDX document of the packages in a tree.
    Sbom,
    /// Writes SHA256SUMS of a tree.
    Sums,
    /// Writes an OCI layout as an archive.
    OciArchive,
    /// Writes an OCI layout of several processors' images.
    OciIndex,
    /// Writes a tar archive, compressed.
    Tar,
}

impl BuiltinName {
    /// Every builtin with the name that recipes use.
    pub const ALL: [(BuiltinName, &'static str); 23] = [
        (BuiltinName::UnpackDeb, "unpack-deb"),
        (BuiltinName::UnpackTar, "unpack-tar"),
        (BuiltinName::Merge, "merge"),
        (BuiltinName::Write, "write"),
        (BuiltinName::Cpio, "cpio"),
        (BuiltinName::Fat, "fat"),
        (BuiltinName::Iso, "iso"),
        (BuiltinName::Disk, "disk"),
        (BuiltinName::Manifest, "manifest"),
        (BuiltinName::Oci, "oci"),
        (BuiltinName::Deb, "deb"),
        (BuiltinName::Rpm, "rpm"),
        (BuiltinName::Rebase, "rebase"),
        (BuiltinName::DebRoot, "deb-root"),
        (BuiltinName::DebOwners, "deb-owners"),
        (BuiltinName::Audit, "audit"),
        (BuiltinName::Distinct, "distinct"),
        (BuiltinName::Erofs, "erofs"),
        (BuiltinName::Sbom, "sbom"),
        (BuiltinName::Sums, "sums"),
        (BuiltinName::OciArchive, "oci-archive"),
        (BuiltinName::OciIndex, "oci-index"),
        (BuiltinName::Tar, "tar"),
    ];

    /// The name in recipes.
    pub fn as_str(&self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(b, _)| b == self)
            .map(|(_, name)| *name)
            .expect("ALL is complete")
    }

    /// The builtin of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(b, _)| *b)
    }

    /// The version of the builtin's behaviour. Raising it rebuilds what the builtin made, so it
    /// must be raised by a change that gives other bytes, or another verdict, for the same inputs.
    pub fn version(&self) -> u64 {
        match self {
            BuiltinName::Audit | BuiltinName::Disk | BuiltinName::Iso | BuiltinName::Sbom => 2,
            BuiltinName::Rebase => 3,
            BuiltinName::Oci => 4,
            _ => 1,
        }
    }
}

/// One input of a derivation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it appears in the sandbox; several inputs at `/` are merged. For a builtin the
    /// path is the label by which it finds the input.
    pub at: MountPoint,
    /// Whether the build may change its own copy.
    pub mode: InputMode,
    /// What it is.
    pub source: InputSource,
}

/// Whether a build may change its view of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputMode {
    /// Read-only.
    ReadOnly,
    /// A private copy that the build may change; the input itself stays as it is.
    Writable,
}

/// What an input is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputSource {
    /// An output of another derivation.
    Output {
        /// The derivation.
        drv: DrvId,
        /// Which of its outputs.
        output: OutputName,
    },
    /// Files of the repository.
    Source {
        /// Their content.
        tree: TreeId,
        /// Where they are, relative to the repository; not part of the identity.
        paths: Vec<String>,
    },
}

pub(crate) fn encode_builder(builder: &Builder, e: &mut Encoder) {
    match builder {
        Builder::Exec(exec) => {
            e.str("exec").u64(exec.command.len() as u64);
            for word in &exec.command {
                e.str(word);
            }
            e.u64(exec.env.len() as u64);
            for (name, value) in &exec.env {
                e.str(name).str(value);
            }
            e.u64(u64::from(exec.keeps_build_dir));
        }
        Builder::Fetch(fetch) => {
            e.str("fetch")
                .str(&fetch.file)
                .str(&fetch.sha256)
                .u64(fetch.size);
        }
        Builder::Builtin { name, params } => {
            e.str("builtin")
                .str(name.as_str())
                .u64(name.version())
                .u64(params.len() as u64);
            for (key, value) in params {
                e.str(key);
                value.encode(e);
            }
        }
    }
}

pub(crate) fn mode_str(mode: InputMode) -> &'static str {
    match mode {
        InputMode::ReadOnly => "ro",
        InputMode::Writable => "rw",
    }
}

impl Derivation {
    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::new("xsc-derivation-1");
        e.str(self.name.as_str()).str(self.system.as_str());
        encode_builder(&self.builder, &mut e);
        e.u64(self.inputs.len() as u64);
        for input in &self.inputs {
            e.str(input.at.as_str()).str(mode_str(input.mode));
            match &input.source {
                InputSource::Output { drv, output } => {
                    e.str("output").digest(drv.digest()).str(output.as_str());
                }
                InputSource::Source { tree, .. } => {
                    e.str("source").digest(tree.digest());
                }
            }
        }
        e.u64(self.outputs.len() as u64);
        for output in &self.outputs {
            e.str(output.as_str());
        }
        e.finish()
    }

    /// The derivation's identity.
    pub fn id(&self) -> DrvId {
        DrvId(Digest::of(&self.encode()))
    }
}
