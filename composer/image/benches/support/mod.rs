//! The tree that writers and other programs are timed on.
//!
//! The benches include it. Invariant: the same number of files gives the same tree.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use xsc_image::{BlobSource, Entry, ImagePath, Kind, Manifest};
use xsc_model::{BlobId, Digest};

/// Files of a directory by their ids.
pub(crate) struct OnDisk(BTreeMap<BlobId, PathBuf>);

impl BlobSource for OnDisk {
    fn open(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(&self.0[&id])?))
    }
}

/// A tree with sizes as a system has them: most files are small, most bytes are in large ones.
pub(crate) fn make(top: &Path, files: u64) -> (Manifest, OnDisk) {
    let (mut manifest, mut blobs) = (Manifest::new(), OnDisk(BTreeMap::new()));
    let mut state = 1u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state >> 33
    };
    for number in 0..files {
        let directory = format!("/d{:03}", number / 200);
        if number % 200 == 0 {
            fs::create_dir_all(top.join(&directory[1..])).unwrap();
            let path = ImagePath::new(directory.as_str()).unwrap();
            manifest.insert(path, Entry::new(Kind::Directory)).unwrap();
        }
        let size = match number % 100 {
            0 => 1_200_000,
            1..=9 => 60_000,
            10..=39 => 9_000,
            _ => 1_500,
        };
        let size = (size + random() % size) as usize * 10 / 15;
        let mut bytes = Vec::with_capacity(size + 16);
        while bytes.len() < size {
            // Words that come again, and numbers that do not.
            let word = random();
            match word % 3 {
                0 => write!(bytes, "{:x}", word.wrapping_mul(word)).unwrap(),
                _ => write!(bytes, " word{} ", word % 500).unwrap(),
            }
        }
        bytes.truncate(size);
        let path = format!("{directory}/f{number}");
        fs::write(top.join(&path[1..]), &bytes).unwrap();
        let blob = BlobId(Digest::of(&bytes));
        let size = bytes.len() as u64;
        let kind = Kind::File { blob, size };
        manifest
            .insert(ImagePath::new(path.as_str()).unwrap(), Entry::new(kind))
            .unwrap();
        blobs.0.insert(blob, top.join(&path[1..]));
    }
    (manifest, blobs)
}
