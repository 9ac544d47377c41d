//! The `.deb` format: an ar archive of `debian-binary`, `control.tar.*` and `data.tar.*`.
//!
//! Called by `rebase`, `root` and the builtins. Invariant: what is written is a function of the package alone:
//! members in a fixed order, zstd at a fixed level in one thread, `md5sums` made from the files.

use std::io::{self, Read, Write};

use md5::{Digest, Md5};
use tar::{Archive, Builder, EntryType, Header};
use xsc_fetch::Compression;

use crate::{Control, Entry, Kind, Member, Package, PackageError, PackagePath};

/// Of zstd; a compromise, because a rebased system has a hundred packages.
const LEVEL: i32 = 9;

/// A package is held in memory, so one that unpacks to more than this is refused.
const UNPACKED_MAX: u64 = 4 << 30;

/// Reads a package whole.
///
/// # Errors
/// See [`PackageError`].
pub fn read_deb(reader: impl Read) -> Result<Package, PackageError> {
    let not_deb = |reason| PackageError::NotDeb { reason };
    let mut archive = ar::Archive::new(reader);
    let mut format_seen = false;
    let (mut control, mut data) = (None, None);
    while let Some(member) = archive.next_entry() {
        let mut member = member.map_err(|source| match format_seen {
            true => damaged("the archive")(source),
            false => not_deb("it is no ar archive"),
        })?;
        let name = String::from_utf8_lossy(member.header().identifier()).into_owned();
        let name = name.trim_end_matches('/');
        let mut bytes = Vec::new();
        let size = member.header().size();
        member
            .read_to_end(&mut bytes)
            .map_err(damaged("the archive"))?;
        if bytes.len() as u64 != size {
            return Err(damaged("the archive")(io::ErrorKind::UnexpectedEof.into()));
        }
        if name == "debian-binary" {
            if !bytes.starts_with(b"2.") {
                return Err(not_deb("its format is not 2.x"));
            }
            format_seen = true;
        } else if name.starts_with("control.tar") {
            if control
                .replace(decompress(name, &bytes, UNPACKED_MAX)?)
                .is_some()
            {
                return Err(not_deb("it has control.tar twice"));
            }
        } else if name.starts_with("data.tar")
            && data
                .replace(decompress(name, &bytes, UNPACKED_MAX)?)
                .is_some()
        {
            return Err(not_deb("it has data.tar twice"));
        }
    }
    if !format_seen {
        return Err(not_deb("debian-binary is missing"));
    }
    let control = control.ok_or(not_deb("control.tar is missing"))?;
    let data = data.ok_or(not_deb("data.tar is missing"))?;
    let mut package = Package::default();
    read_control(&control, &mut package)?;
    read_data(&data, &mut package)?;
    Ok(package)
}

fn damaged(what: &'static str) -> impl FnOnce(io::Error) -> PackageError {
    move |source| PackageError::Archive { what, source }
}

/// The content of the member `name`, which is a tar archive, compressed or not.
fn decompress(name: &str, bytes: &[u8], limit: u64) -> Result<Vec<u8>, PackageError> {
    let compression = Compression::of_name(name).ok_or(PackageError::NotDeb {
        reason: "a member is compressed in an unknown way",
    })?;
    let failed = || damaged("a compressed member");
    let reader = compression.reader(bytes).map_err(failed())?;
    let mut out = Vec::new();
    reader
        .take(limit.saturating_add(1))
        .read_to_end(&mut out)
        .map_err(failed())?;
    if out.len() as u64 > limit {
        return Err(PackageError::NotDeb {
            reason: "a member unpacks to more than 4 GiB",
        });
    }
    Ok(out)
}

/// The content of an entry, all of it.
fn content_of(
    entry: &mut tar::Entry<'_, &[u8]>,
    what: &'static str,
) -> Result<Vec<u8>, PackageError> {
    let size = entry.size();
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(damaged(what))?;
    if bytes.len() as u64 != size {
        return Err(damaged(what)(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(bytes)
}

fn read_control(bytes: &[u8], package: &mut Package) -> Result<(), PackageError> {
    let mut found = false;
    let mut archive = Archive::new(bytes);
    for entry in archive.entries().map_err(damaged("control.tar"))? {
        let mut entry = entry.map_err(damaged("control.tar"))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = PackagePath::new(&text(&entry.path_bytes())?)?;
        let bytes = content_of(&mut entry, "control.tar")?;
        match path.relative() {
            "control" => {
                package.control = Control::parse(&text(&bytes)?)?;
                found = true;
            }
            "md5sums" => {}
            name => {
                let executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
                let member = Member { bytes, executable };
                package.members.insert(name.to_owned(), member);
            }
        }
    }
    if found {
        Ok(())
    } else {
        Err(PackageError::NotDeb {
            reason: "control.tar has no control",
        })
    }
}

fn text(bytes: &[u8]) -> Result<String, PackageError> {
    let text = std::str::from_utf8(bytes).map_err(|_| PackageError::Name {
        name: String::from_utf8_lossy(bytes).into_owned(),
    })?;
    Ok(text.to_owned())
}

fn read_data(bytes: &[u8], package: &mut Package) -> Result<(), PackageError> {
    let mut archive = Archive::new(bytes);
    for entry in archive.entries().map_err(damaged("data.tar"))? {
        let mut entry = entry.map_err(damaged("data.tar"))?;
        let path = PackagePath::new(&text(&entry.path_bytes())?)?;
        let link = entry.link_name_bytes().map(|l| text(&l)).transpose()?;
        let no_link = || PackageError::Kind {
            path: path.to_string(),
        };
        let kind = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                Kind::File(content_of(&mut entry, "data.tar")?)
            }
            EntryType::Directory => Kind::Directory,
            EntryType::Symlink => Kind::Symlink(link.ok_or_else(no_link)?),
            EntryType::Link => {
                let target = PackagePath::new(&link.ok_or_else(no_link)?)?;
                let there = |e: &Entry| e.path == target && matches!(e.kind, Kind::File(_));
                if !package.files.iter().any(there) {
                    return Err(PackageError::HardLink {
                        path: path.to_string(),
                        target: target.to_string(),
                    });
                }
                Kind::Hardlink(target)
            }
            _ => return Err(no_link()),
        };
        let header = entry.header();
        // Whose a file is must not be guessed: it may be setuid.
        let id = |id: io::Result<u64>| {
            let id = id.and_then(|id| u32::try_from(id).map_err(io::Error::other));
            id.map_err(damaged("an owner in data.tar"))
        };
        package.files.push(Entry {
            mode: header.mode().map_err(damaged("data.tar"))? & 0o7777,
            uid: id(header.uid())?,
            gid: id(header.gid())?,
            mtime: header.mtime().map_err(damaged("data.tar"))?,
            path,
            kind,
        });
    }
    Ok(())
}

/// Writes a package; `epoch` stamps the archive's own members.
///
/// # Errors
/// `MissingField` without the fields that every package has, `Archive` if a path does not fit into the format.
pub fn write_deb(package: &Package, epoch: u64, out: &mut dyn Write) -> Result<(), PackageError> {
    for field in [
        "Package",
        "Version",
        "Architecture",
        "Maintainer",
        "Description",
    ] {
        package.control.need(field)?;
    }
    let control = compress(&control_tar(package, epoch)?)?;
    let data = compress(&data_tar(package)?)?;
    let mut archive = ar::Builder::new(out);
    for (name, bytes) in [
        ("debian-binary", b"2.0\n".as_slice()),
        ("control.tar.zst", &control),
        ("data.tar.zst", &data),
    ] {
        let mut header = ar::Header::new(name.as_bytes().to_vec(), bytes.len() as u64);
        header.set_mode(0o100644);
        header.set_mtime(epoch);
        archive
            .append(&header, bytes)
            .map_err(damaged("the archive"))?;
    }
    Ok(())
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, PackageError> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL).map_err(damaged("zstd"))?;
    encoder.include_contentsize(true).map_err(damaged("zstd"))?;
    encoder
        .set_pledged_src_size(Some(bytes.len() as u64))
        .map_err(damaged("zstd"))?;
    encoder.write_all(bytes).map_err(damaged("zstd"))?;
    encoder.finish().map_err(damaged("zstd"))
}

fn control_tar(package: &Package, epoch: u64) -> Result<Vec<u8>, PackageError> {
    let mut members = package.members.clone();
    let plain = |bytes: Vec<u8>| Member {
        bytes,
        executable: false,
    };
    let sums = md5sums(package);
    if !sums.is_empty() {
        members.insert("md5sums".to_owned(), plain(sums.into_bytes()));
    }
    let control = package.control.to_string().into_bytes();
    let first = [("control".to_owned(), plain(control))];
    let mut builder = Builder::new(Vec::new());
    let root = Entry::new(PackagePath::new("/")?, Kind::Directory, epoch);
    append(&mut builder, &root)?;
    for (name, member) in first.into_iter().chain(members) {
        let kind = Kind::File(member.bytes);
        let mut entry = Entry::new(PackagePath::new(&name)?, kind, epoch);
        if member.executable {
            entry.mode = 0o755;
        }
        append(&mut builder, &entry)?;
    }
    builder.into_inner().map_err(damaged("control.tar"))
}

/// Lines of `<md5>  <path>` for every regular file that is no configuration file, as `dh_md5sums` writes.
pub(crate) fn md5sums(package: &Package) -> String {
    let conffiles = package.members.get("conffiles");
    let conffiles = conffiles.map(|m| String::from_utf8_lossy(&m.bytes).into_owned());
    let conffiles = conffiles.unwrap_or_default();
    let mut lines = Vec::new();
    for entry in &package.files {
        let bytes = match &entry.kind {
            Kind::File(bytes) => bytes,
            Kind::Hardlink(target) => match content(package, target) {
                Some(bytes) => bytes,
                None => continue,
            },
            Kind::Directory | Kind::Symlink(_) => continue,
        };
        if conffiles.lines().any(|line| line == entry.path.as_str()) {
            continue;
        }
        lines.push((entry.path.relative(), md5_hex(bytes)));
    }
    lines.sort_unstable();
    let lines = lines.into_iter();
    lines
        .map(|(path, sum)| format!("{sum}  {path}\n"))
        .collect()
}

/// The content of the regular file at `path`.
pub(crate) fn content<'p>(package: &'p Package, path: &PackagePath) -> Option<&'p [u8]> {
    package.files.iter().find_map(|entry| match &entry.kind {
        Kind::File(bytes) if entry.path == *path => Some(bytes.as_slice()),
        _ => None,
    })
}

pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

fn data_tar(package: &Package) -> Result<Vec<u8>, PackageError> {
    let mut builder = Builder::new(Vec::new());
    for entry in &package.files {
        append(&mut builder, entry)?;
    }
    builder.into_inner().map_err(damaged("data.tar"))
}

fn append(builder: &mut Builder<Vec<u8>>, entry: &Entry) -> Result<(), PackageError> {
    let name = match (&entry.kind, entry.path.relative()) {
        (_, "") => "./".to_owned(),
        (Kind::Directory, path) => format!("./{path}/"),
        (_, path) => format!("./{path}"),
    };
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(entry.uid.into());
    header.set_gid(entry.gid.into());
    header.set_mtime(entry.mtime);
    header.set_size(0);
    let (kind, bytes, link): (_, &[u8], _) = match &entry.kind {
        Kind::File(bytes) => (EntryType::Regular, bytes, None),
        Kind::Directory => (EntryType::Directory, &[], None),
        Kind::Symlink(target) => (EntryType::Symlink, &[], Some(target.clone())),
        Kind::Hardlink(target) => {
            let target = format!("./{}", target.relative());
            (EntryType::Link, &[], Some(target))
        }
    };
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    let mut write = |builder: &mut Builder<Vec<u8>>| -> io::Result<()> {
        // Names are given literally: the crate's own functions drop `./`. What is too long for the header goes
        // before it as GNU's long name or long link, which dpkg reads.
        set_name(builder, &mut header, &name, Field::Path)?;
        if let Some(link) = &link {
            set_name(builder, &mut header, link, Field::Link)?;
        }
        header.set_cksum();
        builder.append(&header, bytes)
    };
    write(builder).map_err(damaged("a tar archive"))
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Path,
    Link,
}

fn set_name(
    builder: &mut Builder<Vec<u8>>,
    header: &mut Header,
    name: &str,
    field: Field,
) -> io::Result<()> {
    let bytes = name.as_bytes();
    let old = header.as_old_mut();
    let slot = match field {
        Field::Path => &mut old.name,
        Field::Link => &mut old.linkname,
    };
    let short = bytes.len().min(slot.len());
    slot[..short].copy_from_slice(&bytes[..short]);
    if bytes.len() <= slot.len() {
        return Ok(());
    }
    let mut long = Header::new_gnu();
    long.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
    long.set_mode(0o644);
    long.set_uid(0);
    long.set_gid(0);
    long.set_mtime(0);
    long.set_size(bytes.len() as u64 + 1);
    long.set_entry_type(match field {
        Field::Path => EntryType::GNULongName,
        Field::Link => EntryType::GNULongLink,
    });
    long.set_cksum();
    builder.append(&long, [bytes, b"\0"].concat().as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let zeros = zstd::encode_all(&[0; 1000][..], 1).unwrap();
        assert!(zeros.len() < 100);
        let unpacked = |limit| decompress("data.tar.zst", &zeros, limit);
        assert_eq!(unpacked(1000).unwrap().len(), 1000);
        assert!(matches!(unpacked(999), Err(PackageError::NotDeb { .. })));
    }
}
