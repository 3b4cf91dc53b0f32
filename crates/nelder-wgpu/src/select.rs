//! Order statistics of a column, where it is.

use nelder_device::{Buffer, DeviceError, check_ranks};

use crate::device::Wgpu;

const SELECT: &str = include_str!("select.wgsl");
/// Values of a digit.
const DIGITS: usize = 2048;
/// Bits of a digit.
const BITS: u32 = 11;
/// Where the digits of a key begin, from the first: they are six, and the last two share bits that are known by then.
const PLACES: [u32; 6] = [53, 42, 31, 20, 9, 0];

/// A rank that is looked for among keys with known leading bits.
#[derive(Clone, Copy)]
struct Sought {
    /// Leading bits of the key.
    prefix: u64,
    /// Its place among the keys that have them.
    rank: u64,
}

impl Wgpu {
    /// Digit by digit: the digit at which the counts of keys pass the rank is the next one.
    pub(crate) fn order_statistics_of(&self, x: &Buffer, ranks: &[u64]) -> Result<Vec<f64>, DeviceError> {
        check_ranks(ranks, x.len())?;
        let span = self.vector("x", x, x.len())?;
        if ranks.is_empty() {
            return Ok(Vec::new());
        }
        self.count_launch();
        let mut sought: Vec<Sought> = ranks.iter().map(|&rank| Sought { prefix: 0, rank }).collect();
        let groups = x.len().div_ceil(256 * 16).clamp(1, 1024);
        for (k, place) in PLACES.into_iter().enumerate() {
            // bits of a digit that are new: the last one begins within the one before
            let known = if k == 0 { 64 } else { PLACES[k - 1] };
            let new = (known - place).min(BITS);
            let mut prefixes: Vec<u64> = sought.iter().map(|s| s.prefix).collect();
            prefixes.dedup();
            prefixes.sort_unstable();
            prefixes.dedup();
            // what the kernel compares has the bits before the digit, of which some may be known
            let shared = BITS - new;
            let leading: Vec<u64> = prefixes.iter().map(|p| p >> shared).collect();
            let words: Vec<u32> = leading
                .iter()
                .flat_map(|p| [*p as u32, (*p >> 32) as u32])
                .collect();
            let held = self.words(&words)?;
            let counts = self.words(&vec![0; prefixes.len() * DIGITS])?;
            let bound = [(1, span.bind), (2, self.whole(&held)), (3, self.whole(&counts))];
            let sizes = [x.len() as u32, span.skip, place];
            self.dispatch(SELECT, "digits", &sizes, &bound, [groups, prefixes.len(), 1])?;
            let counts = self.read_words(&counts, prefixes.len() * DIGITS)?;
            for one in &mut sought {
                let at = prefixes.iter().position(|p| *p == one.prefix).unwrap_or(0);
                let own = &counts[at * DIGITS..(at + 1) * DIGITS];
                // only digits that begin with the bits that are known
                let first = ((one.prefix & ((1 << shared) - 1)) << new) as usize;
                let mut digit = first;
                while one.rank >= u64::from(own[digit]) && digit + 1 < first + (1 << new) {
                    one.rank -= u64::from(own[digit]);
                    digit += 1;
                }
                one.prefix = one.prefix << new | (digit - first) as u64;
            }
        }
        Ok(sought
            .iter()
            .map(|s| {
                let bits = if s.prefix >> 63 == 1 {
                    s.prefix & !(1 << 63)
                } else {
                    !s.prefix
                };
                f64::from_bits(bits)
            })
            .collect())
    }
}
