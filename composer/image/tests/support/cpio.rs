//! A reader of newc archives.

use xsc_image::{Entry, Kind, Manifest};

use super::{file_of, path};

/// Reads an archive; panics where it is not one.
pub(crate) fn read(bytes: &[u8]) -> Manifest {
    let mut entries = Vec::new();
    let mut at = 0;
    loop {
        assert_eq!(at % 4, 0);
        assert_eq!(&bytes[at..at + 6], b"070701", "at {at}");
        let start_of_header = at;
        let field = |index: usize| {
            let start = start_of_header + 6 + index * 8;
            let text = std::str::from_utf8(&bytes[start..start + 8]).unwrap();
            u32::from_str_radix(text, 16).unwrap()
        };
        let (mode, size, name_size) = (field(1), field(6) as usize, field(11) as usize);
        let name_at = at + 110;
        let name = std::str::from_utf8(&bytes[name_at..name_at + name_size - 1]).unwrap();
        assert_eq!(bytes[name_at + name_size - 1], 0);
        let data_at = (name_at + name_size).next_multiple_of(4);
        let data = &bytes[data_at..data_at + size];
        at = (data_at + size).next_multiple_of(4);
        if name == "TRAILER!!!" {
            assert_eq!((mode, at), (0, bytes.len()));
            return Manifest::from_entries(entries).unwrap();
        }
        assert_eq!(field(0) as usize, entries.len() + 1, "inodes count up");
        let (major, minor) = (field(9), field(10));
        let kind = match mode >> 12 {
            0o01 => Kind::Fifo,
            0o02 => Kind::CharDevice { major, minor },
            0o04 => Kind::Directory,
            0o06 => Kind::BlockDevice { major, minor },
            0o10 => file_of(data),
            0o12 => Kind::Symlink {
                target: data.to_vec(),
            },
            other => panic!("file type {other:o}"),
        };
        let entry = Entry {
            mode: mode & 0o7777,
            uid: field(2),
            gid: field(3),
            ..Entry::new(kind)
        };
        let full = if name == "." {
            "/".to_owned()
        } else {
            format!("/{name}")
        };
        entries.push((path(&full), entry));
    }
}
