//! Positions of names, for more of them than are quick to look for one by one.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Positions by name: what lies at a position is its owner's to compare.
#[derive(Debug, Default)]
pub(crate) struct NameTable {
    /// The last position of names with a hash.
    last: HashMap<u64, usize, BuildHasherDefault<Hashed>>,
    /// By position, the one before it with the same hash; its own where there is none.
    before: Vec<usize>,
}

impl NameTable {
    /// Makes room for so many further names.
    pub fn reserve(&mut self, names: usize) {
        self.last.reserve(names);
        self.before.reserve(names);
    }

    /// The next position, with a name that may be there already.
    pub fn push(&mut self, name: &str) {
        let at = self.before.len();
        let before = self.last.insert(hash(name), at);
        self.before.push(before.unwrap_or(at));
    }

    /// The first position of a name for which `is` holds.
    pub fn find(&self, name: &str, is: impl Fn(usize) -> bool) -> Option<usize> {
        let mut at = *self.last.get(&hash(name))?;
        let mut found = None;
        loop {
            if is(at) {
                found = Some(at);
            }
            let before = self.before[at];
            if before == at {
                return found;
            }
            at = before;
        }
    }
}

/// A hash by words of eight bytes: names of columns are many and short.
fn hash(name: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut h = (name.len() as u64).wrapping_mul(ODD);
    for part in name.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        h = (h.rotate_left(26) ^ u64::from_le_bytes(word)).wrapping_mul(ODD);
        h ^= h >> 29;
    }
    h.wrapping_mul(ODD) ^ (h >> 32)
}

/// A hash as it is.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.0 = (self.0 << 8) | u64::from(*b));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_names_is_found() {
        let names: Vec<String> = (0..5000).map(|i| format!("x{}", i % 4000)).collect();
        let mut table = NameTable::default();
        table.reserve(10);
        names.iter().for_each(|n| table.push(n));
        let find = |name: &str| table.find(name, |at| names[at] == name);
        assert_eq!(
            (find("x17"), find("x3999"), find("x4000")),
            (Some(17), Some(3999), None)
        );
    }
}
