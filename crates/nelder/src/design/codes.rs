//! Codes of values and of combinations of codes, without a string or a lock for each row.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, RwLock};

use crate::frame::{EXACT, Key, Levels, MISSING, number_label};

/// In a table: not looked up yet.
pub(super) const UNSEEN: u32 = u32::MAX - 1;

/// Largest table that is indexed directly, in entries.
const DIRECT: usize = 1 << 20;

/// Caches that workers borrow for a batch and give back, so that a later batch finds them warm.
#[derive(Default)]
pub(super) struct Pool<C>(Mutex<Vec<C>>);

impl<C: Default> Pool<C> {
    pub fn with<R>(&self, f: impl FnOnce(&mut C) -> R) -> R {
        // caches are complete at any time, so a panic of another worker leaves nothing broken behind
        let taken = self.0.lock().unwrap_or_else(|e| e.into_inner()).pop();
        let mut cache = taken.unwrap_or_default();
        let result = f(&mut cache);
        self.0.lock().unwrap_or_else(|e| e.into_inner()).push(cache);
        result
    }
}

/// Multiply and rotate: keys are codes and bit patterns of numbers, not chosen by an adversary who gains
/// anything.
#[derive(Default)]
pub(super) struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u64(b as u64);
        }
    }
    fn write_u64(&mut self, v: u64) {
        self.0 = (self.0.rotate_left(5) ^ v).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn write_u128(&mut self, v: u128) {
        self.write_u64(v as u64);
        self.write_u64((v >> 64) as u64);
    }
}

type QuickMap<K> = HashMap<K, u32, BuildHasherDefault<QuickHasher>>;

/// Numbers to levels.
pub(super) struct CodeNumbers {
    pub levels: Arc<Levels>,
    pool: Pool<NumberCache>,
}

/// Whole numbers in a small range find their code in a table, others in a map.
#[derive(Default)]
struct NumberCache {
    base: i32,
    direct: Vec<u32>,
    others: QuickMap<u64>,
    wholes: QuickMap<i128>,
}

impl CodeNumbers {
    pub fn new(whole: bool) -> CodeNumbers {
        let levels = if whole {
            Levels::growing_whole()
        } else {
            Levels::growing()
        };
        CodeNumbers {
            levels: Arc::new(levels),
            pool: Pool::default(),
        }
    }

    pub fn code_integers(&self, values: &[i32]) -> Vec<u32> {
        let code = |cache: &mut NumberCache, x: i32| match cache.direct(x) {
            Some(code) => code,
            None if x == i32::MIN => MISSING,
            None => cache.whole(x, &self.levels),
        };
        self.pool
            .with(|cache| values.iter().map(|&x| code(cache, x)).collect())
    }

    pub fn code_reals(&self, values: &[f64]) -> Vec<u32> {
        let code = |cache: &mut NumberCache, x: f64| {
            let i = x as i32; // saturates, and is 0 for NaN
            if i as f64 != x {
                return if x.is_nan() {
                    MISSING
                } else {
                    cache.other(x, &self.levels)
                };
            }
            match cache.direct(i) {
                Some(code) => code,
                None => cache.whole(i, &self.levels),
            }
        };
        self.pool
            .with(|cache| values.iter().map(|&x| code(cache, x)).collect())
    }
}

impl CodeNumbers {
    /// Whole numbers of any size; `i128::MIN` is missing.
    pub fn code_wholes(&self, values: impl Iterator<Item = i128>) -> Vec<u32> {
        let code = |cache: &mut NumberCache, x: i128| match i32::try_from(x) {
            _ if x == i128::MIN => MISSING,
            Ok(i) => cache.direct(i).unwrap_or_else(|| cache.whole(i, &self.levels)),
            Err(_) if x.abs() <= EXACT => cache.other(x as f64, &self.levels),
            Err(_) => {
                let new = || self.levels.intern(&Key::Whole(x));
                *cache.wholes.entry(x).or_insert_with(new)
            }
        };
        self.pool.with(|cache| values.map(|x| code(cache, x)).collect())
    }
}

impl NumberCache {
    #[inline]
    fn direct(&self, x: i32) -> Option<u32> {
        let at = x.wrapping_sub(self.base) as u32 as usize;
        self.direct.get(at).copied().filter(|&code| code != UNSEEN)
    }

    /// A whole number that the table does not have yet.
    #[cold]
    fn whole(&mut self, x: i32, levels: &Levels) -> u32 {
        let (low, high) = match self.direct.len() {
            0 => (x, x),
            n => (
                self.base.min(x),
                // the table may reach beyond what a number can be
                (self.base as i64 + n as i64 - 1).clamp(x as i64, i32::MAX as i64) as i32,
            ),
        };
        let span = (high as i64 - low as i64 + 1) as usize;
        if span > DIRECT {
            return self.other(x as f64, levels);
        }
        if span > self.direct.len() {
            self.grow(low, high);
        }
        let code = levels.intern(&Key::Number(x as f64));
        self.direct[(x - self.base) as usize] = code;
        code
    }

    /// Makes the table reach from `low` to `high`, and as far again as it reached before, in the direction in which it grows: rows may come
    /// sorted, and each of them would copy the table otherwise.
    fn grow(&mut self, low: i32, high: i32) {
        let (old, span) = (self.direct.len(), (high as i64 - low as i64 + 1) as usize);
        let slack = old.min(DIRECT - span) as i64;
        let downwards = old > 0 && low < self.base;
        let low = match downwards {
            true => (low as i64 - slack).max(i32::MIN as i64) as i32,
            false => low,
        };
        let mut table = vec![UNSEEN; span + slack as usize];
        if old > 0 {
            let shift = (self.base as i64 - low as i64) as usize;
            table[shift..shift + old].copy_from_slice(&self.direct);
        }
        (self.base, self.direct) = (low, table);
    }

    fn other(&mut self, x: f64, levels: &Levels) -> u32 {
        *self.others.entry(x.to_bits()).or_insert_with(|| {
            // numbers that print alike are one level, as in R; whole numbers print all their digits
            let printed = match levels.is_whole() {
                true => x,
                false => number_label(x).parse().unwrap_or(x),
            };
            levels.intern(&Key::Number(printed))
        })
    }
}

/// Combinations of codes to levels: `paste` and `interaction`.
pub(super) struct Combine {
    pub levels: Arc<Levels>,
    separator: String,
    /// `paste` prints `NA`; in an interaction a missing part makes it missing.
    prints_missing: bool,
    /// The parts' codes of each level, for the order of an interaction.
    parts: Arc<RwLock<Parts>>,
    pool: Pool<CombineCache>,
}

#[derive(Default)]
struct Parts {
    sources: Vec<Arc<Levels>>,
    of_code: HashMap<u32, Vec<u32>>,
}

#[derive(Default)]
struct CombineCache {
    sources: Vec<Arc<Levels>>,
    bits: Vec<u32>,
    direct: Vec<u32>,
    others: QuickMap<u128>,
    keys: Vec<u32>,
}

impl Combine {
    pub fn paste(separator: String) -> Combine {
        Combine {
            levels: Arc::new(Levels::growing()),
            separator,
            prints_missing: true,
            parts: Arc::default(),
            pool: Pool::default(),
        }
    }

    /// Levels in the order of the last part's levels, then the one before, …; of the first part's with
    /// `lexical`.
    pub fn interaction(separator: String, lexical: bool) -> Combine {
        let parts: Arc<RwLock<Parts>> = Arc::default();
        let (known, sources) = (parts.clone(), parts.clone());
        let collated = move || {
            let known = sources.read().unwrap_or_else(|e| e.into_inner());
            known.sources.iter().any(|levels| levels.is_collated())
        };
        let order = move |keys: &[Key]| {
            let known = known.read().unwrap_or_else(|e| e.into_inner());
            let rank = |levels: &Arc<Levels>| {
                let order = levels.order();
                let mut rank = vec![0u32; order.len()];
                for (position, &code) in order.iter().enumerate() {
                    if let Some(r) = rank.get_mut(code as usize) {
                        *r = position as u32;
                    }
                }
                rank
            };
            let ranks: Vec<Vec<u32>> = known.sources.iter().map(rank).collect();
            let mut order: Vec<u32> = (0..keys.len() as u32).collect();
            order.sort_by_cached_key(|code| {
                let parts = known.of_code.get(code).map_or(&[][..], |p| p);
                let ranked = parts
                    .iter()
                    .zip(&ranks)
                    .map(|(&c, r)| r.get(c as usize).copied().unwrap_or(c));
                let mut ranked: Vec<u32> = ranked.collect();
                if !lexical {
                    ranked.reverse();
                }
                ranked
            });
            order
        };
        Combine {
            levels: Arc::new(Levels::growing_in(order).collated_by(collated)),
            separator,
            prints_missing: false,
            parts,
            pool: Pool::default(),
        }
    }

    /// The code of each row's combination; `None` for more combinations than can be counted.
    pub fn code(&self, parts: &[(&[u32], Arc<Levels>)]) -> Option<Vec<u32>> {
        self.pool.with(|cache| {
            cache.refresh(parts);
            let total: u32 = cache.bits.iter().sum();
            if total > 128 {
                return None;
            }
            if total as usize > DIRECT.ilog2() as usize {
                return Some(self.code_by_map(cache, parts));
            }
            // `MISSING + 1` wraps to 0, so a key has no branch
            let mut keys = std::mem::take(&mut cache.keys);
            keys.clear();
            keys.resize(parts[0].0.len(), 0);
            let mut shift = 0;
            for ((codes, _), bits) in parts.iter().zip(&cache.bits) {
                for (key, &code) in keys.iter_mut().zip(*codes) {
                    *key |= code.wrapping_add(1) << shift;
                }
                shift += bits;
            }
            let mask = cache.direct.len() - 1;
            let out = keys.iter().enumerate().map(|(row, &key)| {
                let slot = &mut cache.direct[key as usize & mask];
                if *slot == UNSEEN {
                    *slot = self.new_combination(parts, row);
                }
                *slot
            });
            let out = out.collect();
            cache.keys = keys;
            Some(out)
        })
    }

    fn code_by_map(&self, cache: &mut CombineCache, parts: &[(&[u32], Arc<Levels>)]) -> Vec<u32> {
        let rows = parts[0].0.len();
        let code = |row: usize| {
            let (mut key, mut shift) = (0u128, 0);
            for ((codes, _), bits) in parts.iter().zip(&cache.bits) {
                key |= (codes[row].wrapping_add(1) as u128) << shift;
                shift += bits;
            }
            *cache
                .others
                .entry(key)
                .or_insert_with(|| self.new_combination(parts, row))
        };
        (0..rows).map(code).collect()
    }

    #[cold]
    fn new_combination(&self, parts: &[(&[u32], Arc<Levels>)], row: usize) -> u32 {
        let codes: Vec<u32> = parts.iter().map(|(codes, _)| codes[row]).collect();
        if !self.prints_missing && codes.contains(&MISSING) {
            return MISSING;
        }
        let labels = codes
            .iter()
            .zip(parts)
            .map(|(&code, (_, levels))| levels.label(code));
        let labels: Vec<String> = labels.map(|l| l.unwrap_or_else(|| "NA".into())).collect();
        let code = self
            .levels
            .intern(&Key::Text(labels.join(&self.separator).into()));
        if !self.prints_missing {
            let mut known = self.parts.write().unwrap_or_else(|e| e.into_inner());
            if known.sources.is_empty() {
                known.sources = parts.iter().map(|(_, levels)| levels.clone()).collect();
            }
            known.of_code.entry(code).or_insert(codes);
        }
        code
    }
}

impl CombineCache {
    /// Starts over where the parts have other levels, or more than the keys have room for.
    fn refresh(&mut self, parts: &[(&[u32], Arc<Levels>)]) {
        let same = self.sources.len() == parts.len()
            && self
                .sources
                .iter()
                .zip(parts)
                .all(|(a, (_, b))| Arc::ptr_eq(a, b));
        let room = |bits: &u32, levels: &Levels| levels.len() < 1usize << (*bits).min(40);
        if same
            && self
                .bits
                .iter()
                .zip(parts)
                .all(|(bits, (_, levels))| room(bits, levels))
        {
            return;
        }
        self.sources = parts.iter().map(|(_, levels)| levels.clone()).collect();
        // codes are at most len - 1, and 0 is for missing
        self.bits = parts
            .iter()
            .map(|(_, levels)| usize::BITS - levels.len().leading_zeros())
            .collect();
        self.others.clear();
        self.direct.clear();
        let total: u32 = self.bits.iter().sum();
        if total as usize <= DIRECT.ilog2() as usize {
            self.direct.resize(1 << total, UNSEEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes are in order of first appearance, whatever the order of the numbers.
    fn check(values: &[i32]) {
        let codes = CodeNumbers::new(true);
        let mut known: HashMap<i32, u32> = HashMap::new();
        for part in values.chunks(1000) {
            let found = codes.code_integers(part);
            for (&x, &code) in part.iter().zip(&found) {
                let next = known.len() as u32;
                assert_eq!(code, *known.entry(x).or_insert(next), "{x}");
            }
        }
    }

    #[test]
    fn sorted_numbers_have_codes_in_order_of_appearance() {
        let up: Vec<i32> = (0..3000).map(|i| i / 2 - 500).collect();
        let down: Vec<i32> = up.iter().rev().copied().collect();
        let out: Vec<i32> = (0..3000).map(|i| if i % 2 == 0 { i } else { -i }).collect();
        let ends: Vec<i32> = (0..1500).flat_map(|i| [i32::MAX - i, i32::MIN + 1 + i]).collect();
        let to_the_end: Vec<i32> = (0..1500).map(|i| i32::MAX - 1500 + i).chain([i32::MAX]).collect();
        let from_the_end: Vec<i32> = (1..1500).map(|i| i32::MIN + 1500 - i).collect();
        for values in [&up, &down, &out, &ends, &to_the_end, &from_the_end] {
            check(values);
        }
    }

    #[test]
    fn a_table_is_copied_a_few_times_and_not_for_each_number() {
        let mut cache = NumberCache::default();
        let levels = Levels::growing_whole();
        let mut grown = 0;
        for x in 0..200_000 {
            let before = cache.direct.len();
            cache.whole(x, &levels);
            grown += usize::from(cache.direct.len() != before);
        }
        assert!(grown <= 20, "{grown}");
    }
}
