//! From strings to codes, without locks for strings already seen.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use nelder::frame::{Key, Levels};

/// Multiply-and-fold over eight bytes at a time; many times faster than the standard hash on short strings.
#[derive(Default)]
pub(crate) struct Folded(u64);

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

impl Folded {
    #[inline]
    fn add(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ SEED) * 0xd6e8_feb8_6659_fd93_u128;
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for Folded {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for w in &mut words {
            self.add(u64::from_le_bytes(w.try_into().unwrap_or_default()));
        }
        let mut last = [0u8; 8];
        let rest = words.remainder();
        last[..rest.len()].copy_from_slice(rest);
        // the length keeps "a" and "a\0" apart
        self.add(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }

    #[inline]
    fn write_u8(&mut self, x: u8) {
        self.0 ^= u64::from(x);
    }

    #[inline]
    fn write_usize(&mut self, x: usize) {
        self.add(x as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// One worker's memory of a text column: the codes of the strings that it has met.
pub(crate) struct Interner {
    levels: Arc<Levels>,
    known: HashMap<Box<[u8]>, u32, BuildHasherDefault<Folded>>,
}

impl Interner {
    pub(crate) fn new(levels: Arc<Levels>) -> Self {
        Interner {
            levels,
            known: HashMap::default(),
        }
    }

    pub(crate) fn levels(&self) -> &Arc<Levels> {
        &self.levels
    }

    /// The code of a string given as bytes; an error says that it is no UTF-8, or not among fixed levels.
    #[inline]
    pub(crate) fn code(&mut self, bytes: &[u8]) -> Result<u32, String> {
        match self.known.get(bytes) {
            Some(&code) => Ok(code),
            None => self.learn(bytes),
        }
    }

    #[cold]
    fn learn(&mut self, bytes: &[u8]) -> Result<u32, String> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| format!("{:?} is not valid UTF-8", String::from_utf8_lossy(bytes)))?;
        let key = Key::Text(text.into());
        let code = if self.levels.is_fixed() {
            self.levels
                .code(&key)
                .ok_or_else(|| format!("the value {text:?} is not among the column's levels"))?
        } else {
            self.levels.intern(&key)
        };
        self.known.insert(bytes.into(), code);
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_agree_between_workers() {
        let levels = Arc::new(Levels::growing());
        let (mut a, mut b) = (Interner::new(levels.clone()), Interner::new(levels.clone()));
        assert_eq!(a.code(b"x"), Ok(0));
        assert_eq!(b.code(b"y"), Ok(1));
        assert_eq!(b.code(b"x"), Ok(0));
        assert_eq!(a.code(b"y"), Ok(1));
        assert_eq!(levels.len(), 2);
    }

    #[test]
    fn fixed_levels_do_not_grow() {
        let mut a = Interner::new(Arc::new(Levels::fixed(["lo", "hi"])));
        assert_eq!(a.code(b"hi"), Ok(1));
        assert!(a.code(b"mid").is_err());
        assert!(a.code(&[0xff]).is_err());
    }

    #[test]
    fn short_strings_spread() {
        let hash = |s: &str| {
            let mut h = Folded::default();
            h.write(s.as_bytes());
            h.finish() >> 57
        };
        let tops: std::collections::HashSet<u64> = (0..1000).map(|i| hash(&i.to_string())).collect();
        assert_eq!(tops.len(), 128);
    }
}
