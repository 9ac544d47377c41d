//! Packs: many small files in one, compressed in groups, and the records that say where each is.
//!
//! `dir` writes and reads them; `docs/formats/cache.md` describes the bytes. Invariant: a location
//! is only a hint: whoever reads through one checks the digest of what came out.

use std::collections::{HashMap, HashSet};

use xsc_model::{DecodeError, Decoder, Digest, Encoder};

const INDEX: &str = "xsc-pack-index-1";
const TREE: &str = "xsc-cache-tree-1";

/// A file of at most this many bytes goes into a pack.
pub(crate) const SMALL: u64 = 128 << 10;
/// Files are compressed together until they are this long.
const FRAME: usize = 512 << 10;
/// A pack is closed when it has this many bytes.
const PACK: usize = 8 << 20;
/// No honest frame is longer than this when it is decompressed.
pub(crate) const FRAME_LIMIT: u64 = FRAME as u64 + SMALL;
/// No honest pack is longer than this.
const PACK_LIMIT: u64 = PACK as u64 + 2 * FRAME_LIMIT;
/// Of Zstandard: what is pushed once is read often, but a push waits for it.
pub(crate) const LEVEL: i32 = 3;

/// Where a small file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Location {
    /// The pack: the digest of its bytes.
    pub(crate) pack: Digest,
    /// The first byte in the pack of the compressed group.
    pub(crate) frame: u64,
    /// Its bytes in the pack.
    pub(crate) length: u64,
    /// The file's first byte in the group when it is decompressed.
    pub(crate) at: u64,
}

fn encode(e: &mut Encoder, location: &Location) {
    e.digest(&location.pack)
        .u64(location.frame)
        .u64(location.length)
        .u64(location.at);
}

fn decode(d: &mut Decoder<'_>) -> Result<Location, DecodeError> {
    let location = Location {
        pack: d.digest("pack")?,
        frame: d.u64("frame")?,
        length: d.u64("length of the frame")?,
        at: d.u64("offset in the frame")?,
    };
    let honest = location.frame <= PACK_LIMIT
        && location.length <= 2 * FRAME_LIMIT
        && location.at <= FRAME_LIMIT;
    match honest {
        true => Ok(location),
        false => Err(DecodeError::Invalid { field: "location" }),
    }
}

/// A pack that is being filled.
#[derive(Debug, Default)]
pub(crate) struct PackWriter {
    group: Vec<u8>,
    members: Vec<(Digest, u64)>,
    pack: Vec<u8>,
    placed: Vec<(Digest, u64, u64, u64)>,
    added: HashSet<Digest>,
}

/// A finished pack.
#[derive(Debug)]
pub(crate) struct Pack {
    pub(crate) id: Digest,
    pub(crate) bytes: Vec<u8>,
    pub(crate) places: Vec<(Digest, Location)>,
}

impl PackWriter {
    /// Adds a file. The pack should be finished when this says that it is full.
    pub(crate) fn add(&mut self, digest: Digest, bytes: &[u8]) -> std::io::Result<bool> {
        self.added.insert(digest);
        self.members.push((digest, self.group.len() as u64));
        self.group.extend_from_slice(bytes);
        if self.group.len() >= FRAME {
            self.close_group()?;
        }
        Ok(self.pack.len() >= PACK)
    }

    /// Whether a file was added since the last pack was finished.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.added.contains(digest)
    }

    fn close_group(&mut self) -> std::io::Result<()> {
        if self.members.is_empty() {
            return Ok(());
        }
        let frame = zstd::bulk::compress(&self.group, LEVEL)?;
        let (at, length) = (self.pack.len() as u64, frame.len() as u64);
        for (digest, offset) in self.members.drain(..) {
            self.placed.push((digest, at, length, offset));
        }
        self.pack.extend_from_slice(&frame);
        self.group.clear();
        Ok(())
    }

    /// The pack, if anything is in it; the writer is empty again.
    pub(crate) fn finish(&mut self) -> std::io::Result<Option<Pack>> {
        self.close_group()?;
        if self.placed.is_empty() {
            return Ok(None);
        }
        self.added.clear();
        let bytes = std::mem::take(&mut self.pack);
        let id = Digest::of(&bytes);
        let places = self
            .placed
            .drain(..)
            .map(|(digest, frame, length, at)| {
                let location = Location {
                    pack: id,
                    frame,
                    length,
                    at,
                };
                (digest, location)
            })
            .collect();
        Ok(Some(Pack { id, bytes, places }))
    }
}

/// The index of a pack, for those who add to a cache: it ends with its own digest.
pub(crate) fn encode_index(places: &[(Digest, Location)]) -> Vec<u8> {
    let mut e = Encoder::new(INDEX);
    e.u64(places.len() as u64);
    for (digest, location) in places {
        e.digest(digest);
        encode(&mut e, location);
    }
    let mut bytes = e.finish();
    let sum = Digest::of(&bytes);
    bytes.extend_from_slice(sum.as_bytes());
    bytes
}

/// Reads an index; `None` for one that is cut short or damaged.
pub(crate) fn decode_index(bytes: &[u8]) -> Option<Vec<(Digest, Location)>> {
    let (body, sum) = bytes.split_last_chunk::<32>()?;
    if Digest::of(body).as_bytes() != sum {
        return None;
    }
    let mut d = Decoder::new(body, INDEX).ok()?;
    let mut places = Vec::new();
    for _ in 0..d.count("number of files").ok()? {
        places.push((d.digest("file").ok()?, decode(&mut d).ok()?));
    }
    d.finish().ok()?;
    Some(places)
}

/// What a cache keeps of a tree: its records, and where its small files are.
pub(crate) fn encode_tree(records: &[u8], places: &[(Digest, Location)]) -> Vec<u8> {
    let mut e = Encoder::new(TREE);
    e.bytes(records).u64(places.len() as u64);
    for (digest, location) in places {
        e.digest(digest);
        encode(&mut e, location);
    }
    e.finish()
}

/// Reads what `encode_tree` made.
pub(crate) fn decode_tree(
    bytes: &[u8],
) -> Result<(Vec<u8>, HashMap<Digest, Location>), DecodeError> {
    let mut d = Decoder::new(bytes, TREE)?;
    let records = d.bytes("records")?.to_vec();
    let mut places = HashMap::new();
    for _ in 0..d.count("number of files")? {
        let digest = d.digest("file")?;
        places.insert(digest, decode(&mut d)?);
    }
    d.finish()?;
    Ok((records, places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_found_where_its_location_says() {
        let mut writer = PackWriter::default();
        let files: Vec<Vec<u8>> = (0..400u32)
            .map(|n| format!("file {n} ").repeat(300).into_bytes())
            .collect();
        for file in &files {
            writer.add(Digest::of(file), file).unwrap();
            assert!(writer.has(&Digest::of(file)));
        }
        let pack = writer.finish().unwrap().unwrap();
        assert!(writer.finish().unwrap().is_none());
        assert_eq!(pack.places.len(), files.len());
        let frames: std::collections::BTreeSet<u64> =
            pack.places.iter().map(|(_, place)| place.frame).collect();
        assert!(frames.len() > 1, "several groups");
        for (file, (digest, place)) in files.iter().zip(&pack.places) {
            assert_eq!(*digest, Digest::of(file));
            let frame = &pack.bytes[place.frame as usize..][..place.length as usize];
            let group = zstd::bulk::decompress(frame, FRAME_LIMIT as usize).unwrap();
            assert_eq!(&group[place.at as usize..][..file.len()], file);
        }
        let index = encode_index(&pack.places);
        assert_eq!(decode_index(&index), Some(pack.places.clone()));
        for at in [0, index.len() / 2, index.len() - 1] {
            let mut bad = index.clone();
            bad[at] ^= 1;
            assert_eq!(decode_index(&bad), None);
            assert_eq!(decode_index(&index[..at]), None);
        }
        let tree = encode_tree(b"records", &pack.places);
        let (records, places) = decode_tree(&tree).unwrap();
        assert_eq!((records.as_slice(), places.len()), (&b"records"[..], 400));
        assert!(decode_tree(&tree[..tree.len() - 1]).is_err());
    }
}
