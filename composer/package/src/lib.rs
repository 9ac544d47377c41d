//! Packages as files: `.deb` read and written, `.rpm` written, Debian packages rebased, a root made of packages.
//!
//! Called by the builtins of `build`. Works on bytes in memory and knows neither store nor network. Invariant: the
//! same package gives the same bytes everywhere: no clock, host name, user or signature enters, and entries are in
//! the order of their paths.

mod control;
mod deb;
mod dependencies;
mod elf;
mod entry;
mod error;
mod owners;
mod provenance;
mod rebase;
mod relation;
mod root;
mod rpm;
mod symbols;

pub use control::Control;
pub use deb::{read_deb, write_deb};
pub use dependencies::{Provider, rpm_capabilities, shared_library_dependencies};
pub use elf::{ElfInfo, read_elf};
pub use entry::{Entry, Kind, Member, Package, PackagePath};
pub use error::{PackageError, Refusal};
pub use owners::{OwnersError, owners_from_json, owners_to_json};
pub use provenance::{MarkedFile, Provenance, ProvenanceRecord};
pub use rebase::{Marker, RebaseSpec, rebase};
pub use relation::{Relation, parse_relations, show_relations};
pub use root::{Alternative, Owner, Root, RootEntry, RootKind, RootSpec, install};
pub use rpm::{RpmSpec, write_rpm};
