//! Writes a package as `.rpm`, format 4, with the `rpm` crate.
//!
//! Called by `builtin:rpm`. Invariant: build time and file times are the epoch's, the build host is `xsc`, there is
//! no signature; what the package provides and requires by itself is read from its ELF files, as `rpmbuild` does.

use ::rpm::{BuildConfig, CompressionWithLevel, Dependency, FileOptions, PackageBuilder};

use crate::{Entry, Kind, PackageError, PackagePath, rpm_capabilities};

/// The head of an rpm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RpmSpec {
    /// Its name.
    pub name: String,
    /// Version of the software, without `-`.
    pub version: String,
    /// Release of the package.
    pub release: String,
    /// Architecture, such as `x86_64-xsc`; `noarch` for none.
    pub architecture: String,
    /// License, as SPDX says it.
    pub license: String,
    /// One line.
    pub summary: String,
    /// More lines.
    pub description: String,
    /// Home page; may be empty.
    pub url: String,
    /// Packages required besides what the ELF files say, each `name` or `name >= version`.
    pub requires: Vec<String>,
    /// Configuration files: kept by an update if they were changed.
    pub conffiles: Vec<String>,
    /// Seconds since 1970.
    pub epoch: u32,
}

/// Returns the bytes of an rpm that holds `files`.
///
/// # Errors
/// `Rpm`, `Relation`, `Elf`; `Field` for a version with `-`.
pub fn write_rpm(spec: &RpmSpec, files: &[Entry]) -> Result<Vec<u8>, PackageError> {
    for (field, value) in [("Version", &spec.version), ("Release", &spec.release)] {
        if value.is_empty() || value.contains(['-', ' ']) {
            return Err(PackageError::Field {
                field,
                value: value.clone(),
                expected: "text without `-` and spaces".to_owned(),
            });
        }
    }
    let config = BuildConfig::v4()
        .source_date(spec.epoch)
        .reserved_space(None)
        .compression(CompressionWithLevel::Zstd(9));
    let (name, version, arch) = (&spec.name, &spec.version, &spec.architecture);
    let mut builder = PackageBuilder::new(name, version, &spec.license, arch, &spec.summary);
    builder
        .using_config(config)
        .release(&spec.release)
        .description(&spec.description)
        .vendor("XSC")
        .build_host("xsc");
    if !spec.url.is_empty() {
        builder.url(&spec.url);
    }
    let (provides, requires) = rpm_capabilities(files)?;
    for capability in provides {
        builder.provides(Dependency::any(capability));
    }
    for capability in requires {
        builder.requires(Dependency::any(capability));
    }
    for text in &spec.requires {
        builder.requires(requirement(text)?);
    }
    for entry in files {
        add(&mut builder, entry, files, spec).map_err(PackageError::Rpm)?;
    }
    let mut bytes = Vec::new();
    let package = builder.build().map_err(PackageError::Rpm)?;
    package.write(&mut bytes).map_err(PackageError::Rpm)?;
    Ok(bytes)
}

fn requirement(text: &str) -> Result<Dependency, PackageError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        [name] => Ok(Dependency::any(name)),
        [name, ">=", version] => Ok(Dependency::greater_eq(name, version)),
        [name, "=", version] => Ok(Dependency::eq(name, version)),
        _ => Err(PackageError::Relation {
            text: text.to_owned(),
        }),
    }
}

fn add(
    builder: &mut PackageBuilder,
    entry: &Entry,
    files: &[Entry],
    spec: &RpmSpec,
) -> Result<(), ::rpm::Error> {
    let path = entry.path.as_str();
    if path == "/" || shared_directory(entry) {
        return Ok(());
    }
    let permissions = u16::try_from(entry.mode & 0o7777).unwrap_or(0o644);
    // rpm knows owners by name; the numbers of a package are those that every Debian and Fedora system has.
    let (user, group) = (owner(entry.uid), owner(entry.gid));
    let bytes = match &entry.kind {
        Kind::Directory => {
            let options = FileOptions::dir(path).permissions(permissions);
            builder.with_dir_entry(options.user(user).group(group))?;
            return Ok(());
        }
        Kind::Symlink(target) => {
            let options = FileOptions::symlink(path, target.as_str());
            builder.with_symlink(options.user(user).group(group))?;
            return Ok(());
        }
        Kind::File(bytes) => bytes.as_slice(),
        Kind::Hardlink(target) => content(files, target),
    };
    let mut options = FileOptions::new(path)
        .permissions(permissions)
        .user(user)
        .group(group);
    if spec.conffiles.iter().any(|conffile| conffile == path) {
        options = options.config().noreplace();
    }
    builder.with_file_contents(bytes, options)?;
    Ok(())
}

fn content<'f>(files: &'f [Entry], path: &PackagePath) -> &'f [u8] {
    let found = files.iter().find_map(|entry| match &entry.kind {
        Kind::File(bytes) if entry.path == *path => Some(bytes.as_slice()),
        _ => None,
    });
    found.unwrap_or_default()
}

/// Directories of the file system's own package; no other may own them, as in every rpm distribution.
fn shared_directory(entry: &Entry) -> bool {
    const SHARED: [&str; 16] = [
        "/etc",
        "/usr",
        "/usr/bin",
        "/usr/sbin",
        "/usr/lib",
        "/usr/lib64",
        "/usr/libexec",
        "/usr/share",
        "/usr/share/doc",
        "/usr/share/man",
        "/usr/share/man/man1",
        "/usr/include",
        "/usr/share/licenses",
        "/var",
        "/var/lib",
        "/opt",
    ];
    let usual = entry.mode == 0o755 && entry.uid == 0 && entry.gid == 0;
    entry.kind == Kind::Directory && usual && SHARED.contains(&entry.path.as_str())
}

fn owner(id: u32) -> &'static str {
    match id {
        42 => "shadow",
        5 => "tty",
        43 => "utmp",
        _ => "root",
    }
}
