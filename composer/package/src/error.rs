//! Why a package can't be read, made, rebased or installed.
//!
//! Invariant: an error names the package's file, field or dependency it is about; which package it is, the caller says.

use std::io;

/// What keeps an ELF file from being rebased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Path in the package.
    pub path: String,
    /// Why: for a trap instruction, with symbol and offset.
    pub reason: String,
}

/// An operation on a package that failed.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Not an archive of the right shape.
    #[error("not a Debian package: {reason}")]
    NotDeb {
        /// What is wrong.
        reason: &'static str,
    },
    /// An archive that is damaged or can't be written.
    #[error("cannot process {what}")]
    Archive {
        /// Which part.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A path that leaves the root.
    #[error("the path `{path}` leaves the root")]
    Path {
        /// The path.
        path: String,
    },
    /// A name that is not UTF-8.
    #[error("the name `{name}` is not UTF-8")]
    Name {
        /// The name, as far as it can be shown.
        name: String,
    },
    /// A device, a pipe or something unknown.
    #[error("`{path}` is neither file, directory nor link")]
    Kind {
        /// The path.
        path: String,
    },
    /// A hard link to something that does not stand before it.
    #[error("`{path}` is a hard link to `{target}`, which is not in the package")]
    HardLink {
        /// The link.
        path: String,
        /// Its target.
        target: String,
    },
    /// A line of a control paragraph that is no field.
    #[error("the control paragraph has the line `{line}`, which is no field of one paragraph")]
    Control {
        /// The line.
        line: String,
    },
    /// A field that has to be there.
    #[error("the control paragraph has no field {field}")]
    MissingField {
        /// Its name.
        field: &'static str,
    },
    /// A field that has a wrong value.
    #[error("the field {field} is `{value}`, expected {expected}")]
    Field {
        /// Its name.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// A dependency that can't be read.
    #[error("the dependency `{text}` can't be read")]
    Relation {
        /// The dependency.
        text: String,
    },
    /// An ELF file that can't be read.
    #[error("`{path}` is a damaged ELF file")]
    Elf {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: object::read::Error,
    },
    /// A shared library that no input has.
    #[error("`{path}` needs {soname}, which neither the package nor its inputs have")]
    Library {
        /// The file that needs it.
        path: String,
        /// The library.
        soname: String,
    },
    /// ELF files that can't be rebased.
    #[error("{} of its files can't be rebased: {}", refusals.len(), show_refusals(refusals))]
    Refused {
        /// Each with its reason.
        refusals: Vec<Refusal>,
    },
    /// A path of the specification that the package does not have.
    #[error("`{path}` is to be {what}, but is not in the package")]
    NoSuchFile {
        /// The path.
        path: String,
        /// What the specification wants with it.
        what: &'static str,
    },
    /// Two packages have different things at one path.
    #[error("`{path}` is in both {first} and {second}")]
    Conflict {
        /// The path.
        path: String,
        /// The package that came first.
        first: String,
        /// The other.
        second: String,
    },
    /// A path below something that is no directory.
    #[error("`{path}` is to be in `{parent}`, which is no directory")]
    NoDirectory {
        /// The path.
        path: String,
        /// What it is below.
        parent: String,
    },
    /// A package twice.
    #[error("the package {package} is given twice")]
    Twice {
        /// Its name.
        package: String,
    },
    /// A dependency within a set of packages that none of them satisfies.
    #[error("{package} {field} {dependency}, which no package of the set satisfies")]
    Unsatisfied {
        /// The package.
        package: String,
        /// `depends on`, or `pre-depends on`.
        field: &'static str,
        /// The dependency.
        dependency: String,
    },
    /// Two packages of a set that exclude each other.
    #[error("{package} {field} {other} {version}, which is in the set")]
    Excluded {
        /// The package.
        package: String,
        /// `breaks`, or `conflicts with`.
        field: &'static str,
        /// The package it does not stand.
        other: String,
        /// Its version.
        version: String,
    },
    /// A package of another architecture than the set's.
    #[error("{package} is for {found}, and the set is for {wanted}")]
    Architecture {
        /// The package.
        package: String,
        /// Its architecture.
        found: String,
        /// The set's.
        wanted: String,
    },
    /// The rpm can't be made.
    #[error("cannot make the rpm")]
    Rpm(#[source] ::rpm::Error),
}

fn show_refusals(refusals: &[Refusal]) -> String {
    let one = |r: &Refusal| format!("{}: {}", r.path, r.reason);
    let texts: Vec<String> = refusals.iter().map(one).collect();
    texts.join("; ")
}
