//! Opens what files are packed in: `ar` (also `.deb` and `.a`), `tar`, `cpio`, and compression around
//! them, by what the bytes say, not by names.
//!
//! `gather` calls it for every file. Invariant: memory holds one member at a time, and a member that
//! begins as nothing known is skipped, not read.

use std::io::{self, BufReader, Chain, Cursor, Read};

use tar::EntryType;

/// How deep archives are opened: an initramfs in a layer in a layout, and one more.
const DEPTH: usize = 5;
/// Enough to tell a tar archive.
const PEEK: usize = 512;
/// No ELF file that anybody audits is larger.
const MEMBER_MAX: u64 = 4 << 30;

/// Something with an ELF file in it.
pub(crate) type Sink<'s> = dyn FnMut(&str, Vec<u8>) + 's;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Elf,
    Ar,
    Tar,
    Cpio,
    Gzip,
    Xz,
    Zstd,
}

fn format_of(head: &[u8]) -> Option<Format> {
    let magic: [(&[u8], Format); 7] = [
        (b"\x7fELF", Format::Elf),
        (b"!<arch>\n", Format::Ar),
        (b"070701", Format::Cpio),
        (b"070702", Format::Cpio),
        (b"\x1f\x8b", Format::Gzip),
        (b"\xfd7zXZ\0", Format::Xz),
        (b"\x28\xb5\x2f\xfd", Format::Zstd),
    ];
    let known = magic.iter().find(|(magic, _)| head.starts_with(magic));
    match known {
        Some((_, format)) => Some(*format),
        None if head.get(257..262) == Some(b"ustar") => Some(Format::Tar),
        None => None,
    }
}

/// Hands every ELF file in `reader` to `sink`, with its path: `name`, or `name!member` in an archive.
pub(crate) fn visit(name: &str, reader: &mut dyn Read, sink: &mut Sink<'_>) -> io::Result<()> {
    open(name, reader, sink, DEPTH)
}

fn open(name: &str, reader: &mut dyn Read, sink: &mut Sink<'_>, depth: usize) -> io::Result<()> {
    let (head, mut reader) = peek(reader)?;
    let Some(format) = format_of(&head) else {
        return Ok(());
    };
    if format == Format::Elf {
        let mut bytes = Vec::new();
        reader.take(MEMBER_MAX).read_to_end(&mut bytes)?;
        sink(name, bytes);
        return Ok(());
    }
    let Some(depth) = depth.checked_sub(1) else {
        return Err(bad("archives are in archives too often"));
    };
    match format {
        Format::Elf => Ok(()),
        Format::Ar => ar(name, &mut reader, sink, depth),
        Format::Tar => tar(name, &mut reader, sink, depth),
        Format::Cpio => cpio(name, &mut reader, sink, depth),
        Format::Gzip => {
            let mut plain = flate2::read::MultiGzDecoder::new(BufReader::new(reader));
            open(name, &mut plain, sink, depth)
        }
        Format::Xz => {
            let mut plain = liblzma::read::XzDecoder::new_multi_decoder(reader);
            open(name, &mut plain, sink, depth)
        }
        Format::Zstd => {
            let mut plain = zstd::stream::read::Decoder::new(reader)?;
            open(name, &mut plain, sink, depth)
        }
    }
}

type Peeked<'r> = Chain<Cursor<Vec<u8>>, &'r mut dyn Read>;

/// The first bytes, and a reader that begins with them again.
fn peek(reader: &mut dyn Read) -> io::Result<(Vec<u8>, Peeked<'_>)> {
    let mut head = Vec::with_capacity(PEEK);
    let mut first = reader.take(PEEK as u64);
    first.read_to_end(&mut head)?;
    let reader = first.into_inner();
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

fn ar(name: &str, reader: &mut dyn Read, sink: &mut Sink<'_>, depth: usize) -> io::Result<()> {
    let mut archive = ar::Archive::new(reader);
    while let Some(entry) = archive.next_entry() {
        let mut entry = entry?;
        let member = String::from_utf8_lossy(entry.header().identifier()).into_owned();
        // The members of a package are two archives of files, whose names say all.
        let path = match member.trim_end_matches('/') {
            member if member.starts_with("data.tar") || member.starts_with("control.tar") => {
                name.to_owned()
            }
            member => format!("{name}!{member}"),
        };
        open(&path, &mut entry, sink, depth)?;
        io::copy(&mut entry, &mut io::sink())?;
    }
    Ok(())
}

fn tar(name: &str, reader: &mut dyn Read, sink: &mut Sink<'_>, depth: usize) -> io::Result<()> {
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if !matches!(
            kind,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse
        ) {
            continue;
        }
        let path = join(name, &entry.path_bytes());
        open(&path, &mut entry, sink, depth)?;
    }
    Ok(())
}

fn join(name: &str, member: &[u8]) -> String {
    let member = String::from_utf8_lossy(member);
    let member = member.trim_start_matches("./").trim_start_matches('/');
    format!("{name}!{member}")
}

/// newc archives one after the other, each perhaps compressed, as the kernel takes an initramfs.
fn cpio(name: &str, reader: &mut dyn Read, sink: &mut Sink<'_>, depth: usize) -> io::Result<()> {
    loop {
        let mut header = [0; 110];
        reader.read_exact(&mut header)?;
        let number = |index: usize| -> io::Result<u64> {
            let digits = header.get(6 + 8 * index..14 + 8 * index);
            digits
                .and_then(|digits| std::str::from_utf8(digits).ok())
                .and_then(|digits| u64::from_str_radix(digits, 16).ok())
                .ok_or_else(|| bad("a number of a cpio header is no number"))
        };
        if !header.starts_with(b"07070") {
            return Err(bad("a cpio header is missing"));
        }
        let (mode, size, name_size) = (number(1)?, number(6)?, number(11)?);
        if name_size > 1 << 16 {
            return Err(bad("a name in a cpio archive is too long"));
        }
        let padded = (110 + name_size).next_multiple_of(4) - 110;
        let mut member = vec![0; padded as usize];
        reader.read_exact(&mut member)?;
        member.truncate(name_size.saturating_sub(1) as usize);
        if member == b"TRAILER!!!" {
            break;
        }
        let mut content = reader.take(size);
        if mode & 0o170_000 == 0o100_000 {
            open(&join(name, &member), &mut content, sink, depth)?;
        }
        io::copy(&mut content, &mut io::sink())?;
        if content.limit() > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        io::copy(
            &mut reader.take(size.next_multiple_of(4) - size),
            &mut io::sink(),
        )?;
    }
    let mut zero = [0];
    while reader.read(&mut zero)? == 1 {
        if zero != [0] {
            return open(name, &mut Cursor::new(zero).chain(reader), sink, depth);
        }
    }
    Ok(())
}

fn bad(problem: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
