//! The tree that formats find hard: tens of thousands of files, long and strange names, and a file of 5 GiB that is
//! mostly a hole; made, written and compared without its bytes ever being on a disk.
//!
//! Invariant: what [`compare`] passes is the tree, entry by entry and byte by byte, but for times.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use xsc_image::read::{NodeKind, Reader, Source};
use xsc_image::{BlobSource, Entry, ImagePath, Kind, LinkGroup, Manifest};
use xsc_model::{BlobId, Digest};

use super::patched::Random;
use super::rich;

/// What a format holds of the tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// The most bytes of a name.
    pub(crate) name: usize,
    /// Names that are no text; owners, modes, devices and links.
    pub(crate) unix: bool,
    pub(crate) hard_links: bool,
    pub(crate) xattrs: bool,
    /// Bytes of the large file; none where the format holds no such file.
    pub(crate) large: Option<u64>,
}

/// All of it.
pub(crate) const ALL: Room = Room {
    name: 255,
    unix: true,
    hard_links: true,
    xattrs: true,
    large: Some((5 << 30) + 77),
};

#[derive(Clone)]
enum What {
    Bytes(Vec<u8>),
    /// So many bytes: noise at the start, in the middle and at the end, zeros between.
    Large(u64),
    /// So many bytes of noise, another for each number.
    Noise(u64, u64),
}

/// Contents that are made as they are read.
#[derive(Clone, Default)]
pub(crate) struct Made(BTreeMap<BlobId, What>);

impl Made {
    pub(crate) fn add(&mut self, bytes: Vec<u8>) -> Kind {
        let (blob, size) = (BlobId(Digest::of(&bytes)), bytes.len() as u64);
        self.0.insert(blob, What::Bytes(bytes));
        Kind::File { blob, size }
    }

    pub(crate) fn add_large(&mut self, size: u64) -> Kind {
        let blob = BlobId(Digest::of(format!("large {size}").as_bytes()));
        self.0.insert(blob, What::Large(size));
        Kind::File { blob, size }
    }

    pub(crate) fn add_noise(&mut self, number: u64, size: u64) -> Kind {
        let blob = BlobId(Digest::of(format!("noise {number}").as_bytes()));
        self.0.insert(blob, What::Noise(number, size));
        Kind::File { blob, size }
    }
}

/// Noise that is made as it is read.
struct Noise(Random);

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for piece in buffer.chunks_mut(8) {
            piece.copy_from_slice(&self.0.next().to_le_bytes()[..piece.len()]);
        }
        Ok(buffer.len())
    }
}

/// Bytes of the large file that are not zeros, thrice.
const NOISE: usize = 100_000;

impl BlobSource for Made {
    fn open(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self.0.get(&id) {
            Some(What::Bytes(bytes)) => Box::new(bytes.as_slice()),
            Some(What::Large(size)) => {
                let holes = size - 3 * NOISE as u64;
                let noise = || io::Cursor::new(rich::noise(NOISE));
                let zeros = |count| io::repeat(0).take(count);
                let front = noise().chain(zeros(holes / 5 * 3)).chain(noise());
                Box::new(front.chain(zeros(holes - holes / 5 * 3)).chain(noise()))
            }
            Some(What::Noise(number, size)) => Box::new(Noise(Random(*number)).take(*size)),
            None => return Err(io::Error::new(io::ErrorKind::NotFound, "no such blob")),
        })
    }
}

/// The tree, as much of it as there is room for.
pub(crate) fn tree(files: usize, room: Room) -> (Manifest, Made) {
    let (mut entries, mut made) = (Vec::new(), Made::default());
    let mut add = |name: &[u8], entry: Entry| {
        entries.push((ImagePath::new(name).unwrap(), entry));
    };
    for number in 0..files {
        if number % 1000 == 0 {
            let name = format!("/d{}", number / 1000);
            add(name.as_bytes(), Entry::new(Kind::Directory));
        }
        let content = match number % 50 {
            0 => Vec::new(),
            1 => rich::text(5000 + number % 97),
            _ => format!("{number}").into_bytes(),
        };
        let name = format!("/d{}/file number {number}", number / 1000);
        add(name.as_bytes(), Entry::new(made.add(content)));
    }
    // Paths of more than 300 bytes, and the longest names.
    let mut deep = b"/e".to_vec();
    add(&deep, Entry::new(Kind::Directory));
    for letter in [b'a', b'b', b'c', b'd'] {
        deep.push(b'/');
        deep.extend(vec![letter; 120]);
        add(&deep, Entry::new(Kind::Directory));
    }
    deep.push(b'/');
    deep.extend(vec![b'n'; room.name]);
    add(&deep, Entry::new(made.add(b"deep".to_vec())));
    if room.unix {
        let su = Entry::new(made.add(b"su".to_vec())).with_mode(0o6755);
        let owned = |entry| Entry {
            uid: 70_000,
            gid: 4_000_000_000,
            ..entry
        };
        add(b"/f-setuid", owned(su));
        let tmp = Entry::new(Kind::Directory).with_mode(0o1777);
        add(b"/f-tmp", tmp);
        let (major, minor) = (259, 70_000);
        add(
            b"/g-char",
            Entry::new(Kind::CharDevice { major: 1, minor: 3 }),
        );
        add(
            b"/g-block",
            owned(Entry::new(Kind::BlockDevice { major, minor })),
        );
        add(b"/g-fifo", Entry::new(Kind::Fifo));
        let target = b"../x//y/./\xfe".repeat(40);
        add(b"/g-link", Entry::new(Kind::Symlink { target }));
        add(
            b"/h-\xff\xfe not \x80utf-8\n",
            Entry::new(made.add(b"bytes".to_vec())),
        );
        add(
            b"/h-\xc3\xa9",
            Entry::new(made.add("é".as_bytes().to_vec())),
        );
    }
    if room.hard_links {
        let linked = made.add(rich::text(70_000));
        for name in [b"/i-one".as_slice(), b"/i-two", b"/e/three"] {
            let mut entry = Entry::new(linked.clone()).with_mode(0o4711);
            entry.link = Some(LinkGroup(1));
            add(name, entry);
        }
        let mut device = Entry::new(Kind::CharDevice { major: 5, minor: 1 });
        device.link = Some(LinkGroup(2));
        add(b"/i-console", device.clone());
        add(b"/i-console2", device);
    }
    if room.xattrs {
        let mut ping = Entry::new(made.add(b"ping".to_vec())).with_mode(0o755);
        let capability = [
            1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        ping.xattrs
            .insert(b"security.capability".to_vec(), capability.to_vec());
        ping.xattrs.insert(b"user.long".to_vec(), rich::noise(900));
        add(b"/j-ping", ping);
    }
    if let Some(size) = room.large {
        add(b"/z-large", Entry::new(made.add_large(size)));
    }
    (Manifest::from_entries(entries).unwrap(), made)
}

/// An image of which only what is not zero is kept, in pieces of 64 KiB.
#[derive(Debug, Default)]
pub(crate) struct Holes {
    pieces: BTreeMap<u64, Vec<u8>>,
    at: u64,
    size: u64,
}

const PIECE: u64 = 64 << 10;

impl Holes {
    /// Bytes that are kept.
    pub(crate) fn kept(&self) -> u64 {
        self.pieces.len() as u64 * PIECE
    }
}

impl Write for Holes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        static ZEROS: [u8; PIECE as usize] = [0; PIECE as usize];
        let (number, within) = (self.at / PIECE, (self.at % PIECE) as usize);
        let count = bytes.len().min(PIECE as usize - within);
        let bytes = &bytes[..count];
        match self.pieces.get_mut(&number) {
            Some(piece) => piece[within..within + count].copy_from_slice(bytes),
            None if *bytes == ZEROS[..count] => {}
            None => {
                let piece = self.pieces.entry(number).or_insert(ZEROS.to_vec());
                piece[within..within + count].copy_from_slice(bytes);
            }
        }
        self.at += count as u64;
        self.size = self.size.max(self.at);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Holes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            SeekFrom::End(by) => self.size.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

impl Source for Holes {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let within = at % PIECE;
        let left = self.size.saturating_sub(at).min(PIECE - within) as usize;
        let count = buffer.len().min(left);
        match self.pieces.get(&(at / PIECE)) {
            Some(piece) => {
                buffer[..count].copy_from_slice(&piece[within as usize..][..count]);
            }
            None => buffer[..count].fill(0),
        }
        Ok(count)
    }

    fn size(&self) -> Option<u64> {
        Some(self.size)
    }
}

/// Whether two readers give the same bytes.
fn same(mut one: impl Read, mut other: impl Read) -> bool {
    let mut buffers = [vec![0; 256 << 10], vec![0; 256 << 10]];
    loop {
        let [a, b] = &mut buffers;
        let Ok(count) = fill(&mut one, a) else {
            return false;
        };
        if !fill(&mut other, &mut b[..count.max(1)]).is_ok_and(|other| other == count) {
            return false;
        }
        if a[..count] != b[..count] {
            return false;
        }
        if count < a.len() {
            return true;
        }
    }
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match reader.read(&mut buffer[done..])? {
            0 => break,
            count => done += count,
        }
    }
    Ok(done)
}

/// Holds what a reader gives against the tree.
pub(crate) fn compare(reader: &dyn Reader, files: &Manifest, made: &Made, room: Room) {
    let format = reader.format();
    let mut groups: BTreeMap<u64, Vec<&[u8]>> = BTreeMap::new();
    for (path, entry) in files.iter() {
        let context = || format!("{format} {path}");
        let Some(node) = reader.entries().get(path.relative()) else {
            panic!("{}: is not there", context());
        };
        match (&entry.kind, &node.kind) {
            (Kind::File { blob, size }, NodeKind::File) => {
                assert_eq!(node.size, *size, "{}", context());
                let content = reader.content(path.relative()).unwrap();
                let wanted = made.open(*blob).unwrap();
                assert!(same(content.reader(), wanted), "{}: the content", context());
            }
            (Kind::Directory, NodeKind::Directory) | (Kind::Fifo, NodeKind::Fifo) => {}
            (Kind::Symlink { target }, NodeKind::Symlink { target: found }) => {
                assert_eq!(found, target, "{}", context());
            }
            (Kind::CharDevice { major, minor }, NodeKind::CharDevice { major: a, minor: b })
            | (Kind::BlockDevice { major, minor }, NodeKind::BlockDevice { major: a, minor: b }) => {
                assert_eq!((a, b), (major, minor), "{}", context());
            }
            (wanted, found) => panic!("{}: {found:?} for {wanted:?}", context()),
        }
        if room.unix {
            let found = (node.mode, node.uid, node.gid);
            assert_eq!(found, (entry.mode, entry.uid, entry.gid), "{}", context());
        }
        assert_eq!(node.xattrs, entry.xattrs, "{}", context());
        if let Some(link) = node.link {
            groups.entry(link).or_default().push(path.relative());
        }
    }
    let found =
        reader.entries().len() - usize::from(reader.entries().contains_key(&b"lost+found"[..]));
    assert_eq!(found, files.len(), "{format}: nothing else is there");
    let found: Vec<Vec<&[u8]>> = groups.into_values().collect();
    let mut wanted: Vec<Vec<&[u8]>> = Vec::new();
    for group in [1, 2] {
        let names = files.links(LinkGroup(group)).map(ImagePath::relative);
        wanted.extend(Some(names.collect::<Vec<_>>()).filter(|names| !names.is_empty()));
    }
    wanted.sort();
    let mut found = found;
    found.sort();
    assert_eq!(found, wanted, "{format}: hard links");
}
