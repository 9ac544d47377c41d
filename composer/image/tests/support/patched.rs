//! Bytes of a seed with some of them changed: what the fuzzer gives to readers.
//!
//! Invariant: the seed is shared and never copied, so an execution costs what it reads and not what the image has.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use xsc_image::read::Source;

/// Numbers that follow from a seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// The bytes with changes over them.
#[derive(Clone)]
pub(crate) struct Patched {
    base: Arc<Vec<u8>>,
    changes: BTreeMap<usize, u8>,
    size: usize,
}

/// The 64 bytes that [`Patched::mutate`] changes together.
pub(crate) const SPOT: usize = 64;

impl Patched {
    pub(crate) fn new(base: &Arc<Vec<u8>>) -> Self {
        Patched {
            base: Arc::clone(base),
            changes: BTreeMap::new(),
            size: base.len(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.size
    }

    pub(crate) fn get(&self, at: usize) -> u8 {
        match self.changes.get(&at) {
            Some(byte) => *byte,
            None => self.base.get(at).copied().unwrap_or(0),
        }
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            if at + index < self.size {
                self.changes.insert(at + index, *byte);
            }
        }
    }

    pub(crate) fn bytes(&self, at: usize, count: usize) -> Vec<u8> {
        let end = (at + count).min(self.size);
        (at..end).map(|at| self.get(at)).collect()
    }

    /// All of them.
    pub(crate) fn whole(&self) -> Vec<u8> {
        let mut bytes = self.base[..self.size].to_vec();
        for (at, byte) in self.changes.range(..self.size) {
            bytes[*at] = *byte;
        }
        bytes
    }

    /// Whether something between the two was changed.
    pub(crate) fn touches(&self, from: usize, to: usize) -> bool {
        self.changes.range(from..to).next().is_some()
    }

    /// The first bytes of the blocks of 512 that were changed.
    pub(crate) fn blocks(&self) -> Vec<usize> {
        let mut blocks: Vec<usize> = self.changes.keys().map(|at| at / 512 * 512).collect();
        blocks.dedup();
        blocks
    }

    /// Changes something at one of `places`.
    pub(crate) fn mutate(&mut self, places: &[usize], random: &mut Random) {
        let place = places[random.below(places.len())] + random.below(SPOT);
        let byte = self.get(place);
        match random.below(9) {
            0 => self.put(place, &[random.next() as u8]),
            1 => self.put(place, &[byte ^ 1 << random.below(8)]),
            2 => self.put(place, &[[0, 1, 0x7f, 0x80, 0xff][random.below(5)]]),
            3 | 4 => {
                // Numbers stand at multiples of their sizes, in one order of bytes or the other.
                let width = [2, 4, 8][random.below(3)];
                let values = [
                    0,
                    1,
                    u64::MAX,
                    u64::MAX >> 1,
                    1 << 31,
                    0xffff,
                    0xffff_ffff,
                    self.size as u64,
                    self.size as u64 / 512,
                    random.next() >> random.below(64),
                ];
                let value = values[random.below(values.len())];
                let place = place / width * width;
                match random.below(8) {
                    0 => self.put(place, &value.to_be_bytes()[8 - width..]),
                    _ => self.put(place, &value.to_le_bytes()[..width]),
                }
            }
            5 => {
                // A number that is a little off.
                let by = random.below(9) as u8;
                self.put(place, &[byte.wrapping_add(by).wrapping_sub(4)]);
            }
            6 | 7 => {
                let from = places[random.below(places.len())];
                let bytes = self.bytes(from, random.below(SPOT));
                self.put(place, &bytes);
            }
            _ => {
                if random.below(8) == 0 {
                    self.size = random.below(self.size);
                }
            }
        }
    }
}

impl Source for Patched {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(at) = usize::try_from(at).ok().filter(|at| *at < self.size) else {
            return Ok(0);
        };
        let count = buffer.len().min(self.size - at);
        buffer[..count].copy_from_slice(&self.base[at..at + count]);
        for (place, byte) in self.changes.range(at..at + count) {
            buffer[place - at] = *byte;
        }
        Ok(count)
    }

    fn size(&self) -> Option<u64> {
        Some(self.size as u64)
    }
}
