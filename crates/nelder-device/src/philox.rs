//! Random numbers from a counter: the same on every device, thread and machine.
//!
//! Philox 4x32-10 of Salmon, Moraes, Dror & Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3": a bijection of 128-bit
//! counters under a 64-bit key. Draw i is a function of i; there is no state, so draws can be made in any order.

/// Multipliers of a round.
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// Increments of the two words of the key, from each round to the next.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// A family of random numbers: one for each counter.
///
/// ```
/// use nelder_device::Philox;
/// // the first test vector of the authors' Random123
/// assert_eq!(Philox::words([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
/// assert_eq!(Philox::new(7).normal(3), Philox::new(7).normal(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
}

impl Philox {
    /// The family of a seed.
    pub fn new(seed: u64) -> Self {
        Philox {
            key: [seed as u32, (seed >> 32) as u32],
        }
    }

    /// Four words of 32 random bits: ten rounds on a counter under a key.
    pub fn words(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
        let (mut c, mut k) = (counter, key);
        for _ in 0..10 {
            let a = u64::from(MULTIPLIERS[0]) * u64::from(c[0]);
            let b = u64::from(MULTIPLIERS[1]) * u64::from(c[2]);
            c = [
                (b >> 32) as u32 ^ c[1] ^ k[0],
                b as u32,
                (a >> 32) as u32 ^ c[3] ^ k[1],
                a as u32,
            ];
            k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
        }
        c
    }

    /// The four words of a counter of 128 bits.
    pub fn at(&self, counter: [u32; 4]) -> [u32; 4] {
        Philox::words(counter, self.key)
    }

    /// The words of eight counters side by side: those whose first word is that of `counter` and the seven after it. Word w of
    /// counter i is entry i of array w.
    #[inline(always)]
    pub fn eight(&self, counter: [u32; 4]) -> [[u32; 8]; 4] {
        let mut c = counter.map(|word| [word; 8]);
        for (i, word) in c[0].iter_mut().enumerate() {
            *word = word.wrapping_add(i as u32);
        }
        let mut k = self.key;
        for _ in 0..10 {
            let mut next = [[0u32; 8]; 4];
            for i in 0..8 {
                let a = u64::from(MULTIPLIERS[0]) * u64::from(c[0][i]);
                let b = u64::from(MULTIPLIERS[1]) * u64::from(c[2][i]);
                next[0][i] = (b >> 32) as u32 ^ c[1][i] ^ k[0];
                next[1][i] = b as u32;
                next[2][i] = (a >> 32) as u32 ^ c[3][i] ^ k[1];
                next[3][i] = a as u32;
            }
            c = next;
            k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
        }
        c
    }

    /// A number of the uniform distribution on (0, 1) of two words: 52 bits and a half, so that the ends are never reached.
    pub fn open_uniform(high: u32, low: u32) -> f64 {
        let bits = (u64::from(high) << 32 | u64::from(low)) >> 12;
        (bits as f64 + 0.5) * 2f64.powi(-52)
    }

    /// Two numbers of the uniform distribution on (0, 1) for the counter `at`: 53 bits each, never 0 or 1.
    pub fn uniforms(&self, at: u64) -> [f64; 2] {
        let w = self.at([at as u32, (at >> 32) as u32, 0, 0]);
        [Philox::open_uniform(w[0], w[1]), Philox::open_uniform(w[2], w[3])]
    }

    /// A number of the standard normal distribution for the counter `at` (Box & Muller 1958; counters 2i and 2i + 1 share two
    /// uniforms). The functions are `libm`'s, the same on every machine.
    pub fn normal(&self, at: u64) -> f64 {
        let [u, v] = self.uniforms(at / 2);
        let radius = (-2.0 * libm::log(u)).sqrt();
        let angle = 2.0 * std::f64::consts::PI * v;
        radius
            * if at.is_multiple_of(2) {
                libm::cos(angle)
            } else {
                libm::sin(angle)
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors() {
        let all = u32::MAX;
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let cases = [
            (
                [0; 4],
                [0; 2],
                [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
            ),
            (
                [all; 4],
                [all; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                pi,
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, wanted) in cases {
            assert_eq!(Philox::words(counter, key), wanted);
        }
    }

    #[test]
    fn eight_counters_are_those_of_one() {
        let draws = Philox::new(0x0123_4567_89ab_cdef);
        let first = [u32::MAX - 2, 5, 6, 7];
        let all = draws.eight(first);
        for i in 0..8u32 {
            let one = draws.at([first[0].wrapping_add(i), 5, 6, 7]);
            assert_eq!(all.map(|word| word[i as usize]), one);
        }
    }

    #[test]
    fn normals_have_their_moments() {
        let (draws, n) = (Philox::new(42), 200_000u64);
        let sums = (0..n).map(|i| draws.normal(i)).fold([0.0; 4], |s, x| {
            [s[0] + x, s[1] + x * x, s[2] + x * x * x, s[3] + x * x * x * x]
        });
        let moments = sums.map(|s| s / n as f64);
        // five standard errors of each
        let errors = [1.0, 2.0, 15.0, 96.0].map(|v: f64| 5.0 * (v / n as f64).sqrt());
        for ((m, wanted), error) in moments.iter().zip([0.0, 1.0, 0.0, 3.0]).zip(errors) {
            assert!((m - wanted).abs() < error, "{m} {wanted} {error}");
        }
    }
}
